/** Steps in the tab "Train". */

import type { Page } from 'playwright';
import { expect } from 'vitest';

/** Selects the tab and waits until its code is loaded. */
export async function openTrain(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'Train' }).click();
  await started(page);
}

/** Waits until the panel knows whether the browser keeps a run. */
export const started = (page: Page): Promise<void> => page.locator('#train-action:enabled').waitFor();

/** Presses the button that starts, stops and resumes. */
export const press = (page: Page, name: 'Train' | 'Stop' | 'Resume'): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();

export const status = (page: Page): Promise<string | null> => page.locator('#train-status').textContent();

export const progress = (page: Page): Promise<number> =>
  page.locator('#train-progress').evaluate((bar: HTMLProgressElement) => bar.value);

/** The words of the table, each with its nearest words. */
export const nearWords = (page: Page): Promise<[word: string, near: string][]> =>
  page
    .locator('#near-words tr')
    .evaluateAll((rows) =>
      rows.map((row) => Array.from(row.children, (cell) => cell.textContent ?? '') as [string, string]),
    );

export const trained = (page: Page): Promise<void> => expect.poll(() => status(page)).toBe('Trained.');
