/** The page stays responsive while a Worker computes: no task of the main thread takes a tenth of the time. */

import { expect, test } from 'vitest';
import { expectNoErrors, longestStall, paste, settled, visit } from './browser.js';

const LONG_TEXT = 'the quick brown fox jumps over the lazy dog and back again, '.repeat(1700);

test('the gauge runs for over 2 s, 100,000 characters are pasted meanwhile, and nothing stalls', async () => {
  const visited = await visit();
  const { page } = visited;
  const status = page.locator('#gauge-status');
  await longestStall(page); // resets the measurement
  const start = performance.now();
  await page.getByRole('button', { name: 'Measure' }).click();
  await paste(page, page.getByLabel('Text', { exact: true }), LONG_TEXT);
  await settled(page);
  await expect.poll(() => status.textContent()).toContain('equal bits');
  const took = performance.now() - start;
  const longest = await longestStall(page);
  expect(took).toBeGreaterThan(2000);
  expect(longest, `the longest stall of ${took} ms`).toBeLessThan(took / 10);
  expect(await page.locator('#ratio').textContent()).toMatch(/^[\d.]+ ×$/);
  for (const cell of await page.locator('#rates td').allTextContents()) {
    expect(cell).toMatch(/^(\d+\.\d\d|)$/);
  }
  await expectNoErrors(visited);
});

test('the measurement detects a stall: 300 ms of work on the main thread', async () => {
  const { page } = await visit();
  await longestStall(page);
  await page.evaluate(() => {
    const end = performance.now() + 300;
    while (performance.now() < end);
  });
  expect(await longestStall(page)).toBeGreaterThan(290);
  expect(await longestStall(page)).toBeLessThan(290); // it was reset
});

test.each(['Bags', 'Lookup'])('the gauge measures %s, with equal bits', async (work) => {
  const { page } = await visit();
  await page.getByLabel(work, { exact: true }).check();
  await page.getByLabel('Width D').last().selectOption('64');
  await page.getByRole('button', { name: 'Measure' }).click();
  await expect.poll(() => page.locator('#gauge-status').textContent()).toContain('equal bits');
  expect(await page.locator('#ratio').textContent()).toMatch(/^[\d.]+ ×$/);
});

test('the gauge can be stopped and started again', async () => {
  const { page } = await visit();
  await page.getByRole('button', { name: 'Measure' }).click();
  await expect.poll(() => page.locator('#ratio').textContent()).toContain('×');
  await page.getByRole('button', { name: 'Stop' }).click();
  expect(await page.locator('#gauge-status').textContent()).toBe('Stopped.');
  await expect.poll(() => page.workers().length).toBe(1); // the Worker for the text
  await page.getByRole('button', { name: 'Measure' }).click();
  await expect.poll(() => page.locator('#gauge-status').textContent()).toContain('equal bits');
});
