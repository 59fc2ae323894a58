/** Steps in the tab "Search". */

import { expect } from 'vitest';
import type { Page } from 'playwright';

/** Selects the tab and waits until its code is loaded. */
export async function openSearch(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'Search' }).click();
  await page.locator('#search-query').waitFor();
}

/** Waits until the model is loaded, and the text is indexed. */
export const ready = (page: Page): Promise<void> =>
  expect.poll(() => page.locator('#index-status').textContent()).toMatch(/^[\d,]+ passages?.*, indexed in /);

/** Waits until the page says what the browser keeps. */
export const kept = (page: Page): Promise<void> =>
  expect.poll(() => page.locator('#kept').textContent()).toMatch(/^Kept in this browser/);

/** The hits: score and text. */
export const hits = (page: Page): Promise<[score: string, text: string][]> =>
  page
    .locator('#hits li')
    .evaluateAll((items) =>
      items.map((item) => Array.from(item.children, (part) => part.textContent ?? '') as [string, string]),
    );

/** Types a query and waits for its hits. */
export async function ask(page: Page, query: string): Promise<[score: string, text: string][]> {
  await page.getByRole('combobox', { name: 'Query' }).fill(query);
  await page.evaluate(() => new Promise(requestAnimationFrame));
  await expect.poll(() => page.locator('#hits li').count()).toBeGreaterThan(0);
  return hits(page);
}
