/** The profiler's report in the page: measured without blocking, displayed, and downloaded. */

import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright';
import type { ProfilerResults } from 'tokenbed';
import { expect, test } from 'vitest';
import { violations } from './axe.js';
import { expectNoErrors, longestStall, visit } from './browser.js';

/** The file that the button with this name downloads. */
async function download(page: Page, name: string): Promise<string> {
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name }).click();
  return readFile(await (await downloading).path(), 'utf8');
}

test('measures in a Worker for over 2 s while the page stays responsive; charts, figures and files agree', async () => {
  const visited = await visit({ colorScheme: 'dark' });
  const { page, requests, url } = visited;
  const chunk = () => requests.filter((request) => request.startsWith(`${url}assets/report-`)).length;
  expect(await page.getByRole('button', { name: 'Report as HTML' }).isDisabled()).toBe(true);
  expect(chunk()).toBe(0); // the chart library is loaded on demand

  await longestStall(page);
  const start = performance.now();
  await page.getByRole('button', { name: 'Profile' }).click();
  const steps = page.locator('#profile-progress');
  await expect
    .poll(() => steps.getAttribute('aria-valuetext'))
    .toMatch(/^\d+ %, lookups, batch \d+ seq \d+$/);
  const status = page.locator('#profile-status');
  await expect.poll(() => status.textContent(), { timeout: 90_000 }).toContain('measured.');
  const took = performance.now() - start;
  const longest = await longestStall(page);
  expect(took).toBeGreaterThan(2000);
  expect(longest, `the longest stall of ${took} ms`).toBeLessThan(took / 10);
  expect(chunk()).toBe(1);

  const results = JSON.parse(await download(page, 'Figures as JSON')) as ProfilerResults;
  const lookups = Object.values(results.lookup);
  expect(new Set(lookups.map(({ pattern }) => pattern)).size).toBe(4);
  expect(lookups.every(({ backend, lookupTimeMs }) => backend === 'wasm' && lookupTimeMs > 0)).toBe(true);
  await page.getByText('Table of lookups').click();
  const rows = await page.locator('#lookups tr').allTextContents();
  expect(rows).toHaveLength(lookups.length);
  lookups.forEach((lookup, i) => {
    expect(rows[i]).toContain(`${lookup.batchSize} × ${lookup.seqLength}`);
    expect(rows[i]).toContain(lookup.lookupTimeMs.toPrecision(3));
  });

  const charts = page.locator('#charts img');
  expect(await charts.count()).toBe(6);
  for (const chart of await charts.all()) {
    expect(
      await chart.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth)),
    ).toBe(408);
    expect(await chart.getAttribute('alt')).not.toBe('');
  }
  const html = await download(page, 'Report as HTML');
  expect(html).toMatch(/^<!doctype html>/i);
  expect(html).toContain('<svg');
  expect(html).not.toMatch(/<script|<link[^>]+href="http|src="http/);
  expect(await violations(page)).toEqual([]);
  await expectNoErrors(visited);
});

test('can be stopped with the keyboard and leaves no partial results', async () => {
  const { page } = await visit();
  await page.locator('#profile').focus();
  await page.keyboard.press('Enter');
  const steps = page.locator('#profile-progress');
  await expect.poll(() => steps.getAttribute('aria-valuetext')).toContain('%');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('#profile-status').textContent()).toBe('Stopped.');
  await expect.poll(() => page.workers().length).toBe(1);
  expect(await steps.getAttribute('aria-valuetext')).toBeNull();
  expect(await page.locator('#charts img').count()).toBe(0);
  expect(await page.getByRole('button', { name: 'Report as HTML' }).isDisabled()).toBe(true);
});
