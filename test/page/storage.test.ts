/** The storage of the table: its choice, and figures and differences that are those of the library in Node. */

import type { Page } from 'playwright';
import { CharTokenizer, EmbeddingLayer, type StorageDType } from 'tokenbed';
import { describe, expect, test } from 'vitest';
import { short } from '../../examples/browser/src/page.js';
import { violations } from './axe.js';
import { expectNoErrors, settled, visit } from './browser.js';

const DTYPES: readonly StorageDType[] = ['f32', 'f16', 'bf16', 'i8', 'i4'];
const DIM = 64;
const { vocabSize } = new CharTokenizer();

/** The vectors of characters in a layer as the page makes it, seed 7. */
function vectorsOf(text: string, dtype: StorageDType, positions: boolean): Float32Array {
  const ids = new CharTokenizer().encode(text);
  const options = { vocabSize, embeddingDim: DIM, seed: 7, dtype };
  const layer = new EmbeddingLayer({ ...options, ...(positions ? { scale: true } : { positional: null }) });
  const positionIds = ids.map((_, i) => i % 512);
  return layer.forward(ids, positions ? { positionIds } : {}).data;
}

/** Vectors minus those of an f32 table. */
function differencesOf(text: string, dtype: StorageDType, positions: boolean): Float32Array {
  const exact = vectorsOf(text, 'f32', positions);
  return vectorsOf(text, dtype, positions).map((value, i) => value - exact[i]!);
}

const figures = (page: Page) => page.locator('#storage dd').allTextContents();

async function enter(page: Page, text: string, positions: boolean): Promise<void> {
  await page.getByLabel('Characters').check();
  await page.getByLabel(positions ? 'Rows × √D + positions' : 'Rows', { exact: true }).check();
  await page.getByLabel('Text', { exact: true }).fill(text);
}

describe.each([
  { text: 'a naïve café', positions: false },
  // More tokens than one step of the comparison has.
  { text: 'She sells sea shells. '.repeat(200), positions: true },
])('$text.length characters, positions $positions', ({ text, positions }) => {
  test('bytes and differences are those of the library', async () => {
    const visited = await visit();
    const { page } = visited;
    await enter(page, text, positions);
    for (const dtype of DTYPES) {
      await page.getByLabel(dtype, { exact: true }).check();
      await settled(page);
      const { bytesPerRow, bytes } = new EmbeddingLayer({
        vocabSize,
        embeddingDim: DIM,
        dtype,
      }).token.getMemoryUsage();
      const differences = differencesOf(text, dtype, positions).map(Math.abs);
      const largest = differences.reduce((most, value) => Math.max(most, value), 0);
      const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
      const share = Math.round((100 * bytesPerRow) / (DIM * 4));
      await expect
        .poll(() => figures(page))
        .toEqual([
          `${bytesPerRow} bytes`,
          `${(bytes / 1000).toFixed(1)} kB, ${share} % of f32`,
          short(largest),
          short(mean),
        ]);
    }
    await expectNoErrors(visited);
  });
});

test('by keyboard: the choice has a name, and each dtype has its own bytes, digest and differences', async () => {
  const { page } = await visit();
  const choice = page.getByRole('group', { name: 'Storage of the table' });
  expect(await choice.getByRole('radio').count()).toBe(DTYPES.length);
  await choice.getByRole('radio', { name: 'f32' }).focus();
  const digests: string[] = [];
  const rows: string[] = [];
  for (const dtype of DTYPES) {
    expect(await choice.getByRole('radio', { checked: true }).getAttribute('value')).toBe(dtype);
    digests.push(await settled(page));
    rows.push((await figures(page)).join());
    await page.keyboard.press('ArrowRight');
  }
  expect(new Set(digests).size).toBe(DTYPES.length);
  expect(new Set(rows).size).toBe(DTYPES.length);
  expect(rows[0]).toMatch(/^256 bytes,.* 100 % of f32,0,0$/);
  expect(rows.at(-1)).toMatch(/^36 bytes,/);
});

test('the map of differences: its label, its cells, and nothing to see in f32', async () => {
  const { page } = await visit();
  const text = 'abcabc';
  await enter(page, text, false);
  await page.getByLabel('i4', { exact: true }).check();
  await page.getByLabel('Differences from f32').check();
  await settled(page);

  const map = page.locator('#vectors');
  const readout = () => page.locator('#vectors-cell').textContent();
  const values = vectorsOf(text, 'i4', false);
  const differences = differencesOf(text, 'i4', false);
  const limit = short(differences.reduce((most, value) => Math.max(most, Math.abs(value)), 0));
  await expect
    .poll(() => map.getAttribute('aria-label'))
    .toContain(`differences from f32 from −${limit} to ${limit}`);
  await map.focus();
  await page.keyboard.press('Control+Home');
  for (let col = 0; col < 3; col++) {
    const difference = short(differences[col]!).replace(/^(−?)/, (sign) => `${sign || '+'}\u00A0`);
    const cell = `${short(values[col]!)}, f32\u00A0${difference}`;
    await expect.poll(readout).toBe(`token 0 “BOS”, dimension ${col}: ${cell}`);
    await page.keyboard.press('ArrowRight');
  }
  expect(await violations(page)).toEqual([]);

  await page.getByLabel('f32', { exact: true }).check();
  await expect.poll(readout).toMatch(/, f32\u00A0\+\u00A00$/);
  await expect.poll(() => shades(page)).toBe(1);
  await page.getByLabel('Values', { exact: true }).check();
  await expect.poll(() => shades(page)).toBeGreaterThan(20);
});

/** The number of colors in the map of the vectors: in one line of pixels, right of the names. */
const shades = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('#vectors')!;
    const { data } = canvas.getContext('2d')!.getImageData(100, 30, canvas.width - 110, 1);
    return new Set(new Uint32Array(data.buffer)).size;
  });
