/** Steps in the tab "Your table". */

import type { Page } from 'playwright';

/** Selects the tab and waits until its code is loaded. */
export async function openTab(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'Your table' }).click();
  await page.locator('#table-file').waitFor();
}

/** Chooses a file of these bytes. */
export const chooseFile = (page: Page, bytes: Uint8Array, name = 'table.bin'): Promise<void> =>
  page.setInputFiles('#table-file', {
    name,
    mimeType: 'application/octet-stream',
    buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  });

/** What the page says about the file. */
export const status = (page: Page): Promise<string | null> => page.locator('#file-status').textContent();
