/** The static folder: self-contained, under a strict policy, without cross-origin isolation, under any path. */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, inject, test } from 'vitest';
import { policyOf } from '../../scripts/lib/static-server.mjs';
import { expectNoErrors, layoutShift, settled, visit } from './browser.js';
import { kept, openSearch, ready } from './search.js';
import { openTab, status } from './table.js';
import { openTrain, progress } from './train.js';

/** The most bytes of the first load, gzipped. Whatever a tab needs beyond it is loaded on demand. */
const FIRST_LOAD = 176_000 + 48 * 2 ** 10; // 48 KiB are training: most of it kernels in core.wasm

test('loads nothing from outside, without errors', async () => {
  const visited = await visit();
  await expectNoErrors(visited);
  const requested = visited.requests.map((request) =>
    request.slice(visited.url.length).replace(/-[\w-]{8}\./, '.'),
  );
  expect(requested.sort()).toEqual(
    [
      '',
      'assets/core.wasm',
      'assets/icon.svg',
      'assets/index.css',
      'assets/index.js',
      'assets/worker.js',
    ].filter(
      (name) => name !== 'assets/icon.svg' || requested.includes(name), // headless browsers do not load the icon
    ),
  );
});

test('the first load stays within its budget', async () => {
  const { requests, url } = await visit();
  const files = requests.map((request) => request.slice(url.length) || 'index.html');
  const sizes = await Promise.all(
    files.map(
      async (file) => gzipSync(await readFile(path.join(inject('pageFolder'), file)), { level: 9 }).length,
    ),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  expect(total, files.map((file, i) => `${file} ${sizes[i]}`).join(', ')).toBeLessThanOrEqual(FIRST_LOAD);
  expect(total).toBeGreaterThan(FIRST_LOAD / 2); // everything was counted
});

test('needs no cross-origin isolation', async () => {
  const { page } = await visit();
  expect(await page.evaluate(() => self.crossOriginIsolated)).toBe(false);
  expect(await settled(page)).toMatch(/^[0-9a-f]{64}$/);
});

test("the policy allows 'wasm-unsafe-eval' and nothing else unsafe", async () => {
  const policy = await policyOf(inject('pageFolder'));
  expect(policy).toContain("default-src 'none'");
  expect(policy.match(/'unsafe-[\w-]+'|'wasm-unsafe-eval'/g)).toEqual(["'wasm-unsafe-eval'"]);
  expect(policy.match(/https?:|\*/g)).toBeNull();
});

test('a script, style or request that the policy forbids is blocked and detected', async () => {
  const visited = await visit();
  const { page } = visited;
  await page.evaluate(async () => {
    document.body.setAttribute('style', 'color: red');
    const script = document.createElement('script');
    script.textContent = 'globalThis.ran = true;';
    document.body.append(script);
    await fetch('https://example.invalid/').catch(() => {});
  });
  expect(await page.evaluate(() => 'ran' in globalThis)).toBe(false);
  // Reported twice: by the policies of the page and of the server.
  const directives = new Set((await visited.violations()).map((violation) => violation.split(':')[0]));
  expect([...directives].sort()).toEqual(['connect-src', 'script-src-elem', 'style-src-attr']);
  await expect(expectNoErrors(visited)).rejects.toThrow();
});

test.each([1280, 360])('the layout does not shift when the Worker replies, %i px wide', async (width) => {
  const { page } = await visit({ viewport: { width, height: 800 } });
  expect(await layoutShift(page)).toBeLessThan(0.001);
  await page.evaluate(() => document.querySelector('main')!.prepend(document.createElement('textarea')));
  await expect.poll(() => layoutShift(page)).toBeGreaterThan(0.001); // the check detects shifts
});

test.each([1280, 360])('nor when the tab of the table opens a file, %i px wide', async (width) => {
  const { page } = await visit({ viewport: { width, height: 800 } });
  await openTab(page);
  // By a script: shifts soon after an input of the user would not count.
  await page.locator('#sample').evaluate((button: HTMLButtonElement) => button.click());
  await expect.poll(() => status(page)).toContain('is open.');
  await expect.poll(() => page.locator('#query-status').textContent()).toContain('compared');
  await page.locator('#nearest').evaluate((list) => list.scrollIntoView());
  await page.locator('#query-form').evaluate((form: HTMLFormElement) => {
    form.querySelector('input')!.value = 'nobody';
    form.requestSubmit();
  });
  await expect.poll(() => page.locator('#query-status').textContent()).toContain('nobody');
  expect(await layoutShift(page)).toBeLessThan(0.001);
});

test.each([1280, 360])('nor when the tab of the search finds passages, %i px wide', async (width) => {
  const { page } = await visit({ viewport: { width, height: 800 } });
  await openSearch(page);
  await ready(page);
  await kept(page);
  for (const query of ['spicy food', 'foliage colours', '']) {
    await page.locator('#search-query').evaluate((field: HTMLInputElement, query) => {
      field.value = query;
      field.dispatchEvent(new Event('input'));
    }, query);
    await expect.poll(() => page.locator('#hits li').count()).toBe(query === '' ? 0 : 5);
  }
  expect(await layoutShift(page)).toBeLessThan(0.001);
});

test.each([1280, 360])('nor when the tab of the training trains, %i px wide', async (width) => {
  const { page } = await visit({ viewport: { width, height: 800 } });
  await openTrain(page);
  const click = (button: HTMLButtonElement) => button.click();
  await page.locator('#train-action').evaluate(click);
  await expect.poll(() => progress(page)).toBeGreaterThan(0.1);
  await page.locator('#near-words').evaluate((words) => words.scrollIntoView());
  await page.locator('#train-action').evaluate(click);
  await page.getByText('Stopped at').waitFor();
  expect(await layoutShift(page)).toBeLessThan(0.001);
});

test('contains each WASM file once and no source maps', async () => {
  const files = await readdir(inject('pageFolder'), { recursive: true });
  expect(files.filter((file) => file.endsWith('.map'))).toEqual([]);
  const modules = files.filter((file) => file.endsWith('.wasm'));
  expect(modules.map((file) => file.replace(/-[\w-]{8}\./, '.')).sort()).toEqual([
    'assets/core.wasm',
    'assets/text.wasm',
  ]);
});
