/** Results in the page are bit-identical to Node: digest, file, and the program that the page shows. */

import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright';
import { BPETokenizer, CharTokenizer, EmbeddingLayer, type StorageDType } from 'tokenbed';
import { describe, expect, test } from 'vitest';
import { run } from '../../scripts/lib/run.mjs';
import { expectNoErrors, paste, settled, visit } from './browser.js';

type TokenizerName = 'bytes' | 'words' | 'char';

interface Settings {
  readonly text: string;
  readonly tokenizer: TokenizerName;
  readonly merges: number;
  readonly dim: number;
  readonly seed: number;
  readonly positions: boolean;
  /** Default f32. */
  readonly dtype?: StorageDType;
}

const TEXT =
  'She sells sea shells by the sea shore; naïve, 猫 and 🙂.\n\tThe shells she sells are sea shells.';

/** Computes the vectors of `settings` in Node. */
function vectors({ text, tokenizer: name, merges, dim, seed, positions, dtype }: Settings): Float32Array {
  const tokenizer = tokenizerOf(name, text, merges);
  const ids = tokenizer.encode(text);
  const layer = new EmbeddingLayer({
    vocabSize: tokenizer.vocabSize,
    embeddingDim: dim,
    seed,
    dtype,
    ...(positions ? { scale: true } : { positional: null }),
  });
  return layer.forward(ids, positions ? { positionIds: ids.map((_, i) => i % 512) } : {})
    .data as Float32Array;
}

function tokenizerOf(
  name: TokenizerName,
  text: string,
  merges: number,
): CharTokenizer | BPETokenizer<'bytes' | 'words'> {
  if (name === 'char') return new CharTokenizer();
  if (name === 'bytes') return new BPETokenizer({ mode: 'bytes', vocabSize: 260 + merges }).train([text]);
  const alphabet = new BPETokenizer({ vocabSize: 1 }).train([text]).vocabSize;
  return new BPETokenizer({ vocabSize: alphabet + merges }).train([text]);
}

const digestOf = (data: Float32Array) => createHash('sha256').update(data).digest('hex');

/** Fills in the form. */
async function enter(page: Page, settings: Settings): Promise<string> {
  await page.getByLabel(LABELS[settings.tokenizer], { exact: true }).check();
  if (settings.tokenizer !== 'char') await page.getByLabel('Merges to learn').fill(String(settings.merges));
  await page.getByLabel(settings.positions ? 'Rows × √D + positions' : 'Rows', { exact: true }).check();
  await page.getByLabel(settings.dtype ?? 'f32', { exact: true }).check();
  await page.getByLabel('Width D').first().selectOption(String(settings.dim));
  await page.getByLabel('Seed').fill(String(settings.seed));
  const field = page.getByLabel('Text', { exact: true });
  if (settings.text === '') await field.fill('');
  else await paste(page, field, settings.text);
  await expect(field.inputValue()).resolves.toBe(settings.text);
  return settled(page);
}

const LABELS = { bytes: 'Byte pairs', words: 'Words', char: 'Characters' };

const CASES: readonly Settings[] = [
  { text: TEXT, tokenizer: 'bytes', merges: 40, dim: 64, seed: 7, positions: false },
  { text: TEXT, tokenizer: 'bytes', merges: 0, dim: 16, seed: 0, positions: true },
  { text: TEXT, tokenizer: 'words', merges: 12, dim: 32, seed: 123_456_789, positions: true },
  { text: TEXT, tokenizer: 'char', merges: 0, dim: 128, seed: Number.MAX_SAFE_INTEGER, positions: false },
  { text: TEXT.repeat(20), tokenizer: 'bytes', merges: 400, dim: 256, seed: 7, positions: true },
  { text: TEXT, tokenizer: 'bytes', merges: 40, dim: 64, seed: 7, positions: false, dtype: 'f16' },
  { text: TEXT, tokenizer: 'words', merges: 12, dim: 32, seed: 7, positions: true, dtype: 'bf16' },
  { text: TEXT, tokenizer: 'char', merges: 0, dim: 128, seed: 9, positions: false, dtype: 'i8' },
  { text: TEXT, tokenizer: 'bytes', merges: 40, dim: 16, seed: 7, positions: true, dtype: 'i4' },
  { text: '', tokenizer: 'bytes', merges: 8, dim: 64, seed: 7, positions: true },
  { text: '', tokenizer: 'char', merges: 0, dim: 64, seed: 7, positions: true },
  { text: 'a', tokenizer: 'words', merges: 0, dim: 64, seed: 7, positions: false },
];

describe.each(CASES)(
  '$tokenizer, $merges merges, width $dim, seed $seed, positions $positions, $dtype',
  (settings) => {
    test('the digest, the file and the program for Node agree with Node', async () => {
      const visited = await visit();
      const { page } = visited;
      const expected = vectors(settings);
      expect(await enter(page, settings)).toBe(digestOf(expected));

      const downloading = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Download as .npy' }).click();
      const file = await readFile(await (await downloading).path());
      const header = file.toString('latin1', 10, 10 + file.readUInt16LE(8));
      expect(header).toContain(`'descr': '<f4', 'fortran_order': False`);
      expect(header).toContain(`'shape': (${expected.length / settings.dim}, ${settings.dim})`);
      expect((10 + header.length) % 64).toBe(0);
      expect(file.subarray(10 + header.length)).toEqual(Buffer.from(expected.buffer));

      expect(await runSnippet(page, settings.text)).toBe(digestOf(expected));
      await expectNoErrors(visited);
    });
  },
);

/** Runs the page's program in Node. Its folder is inside the project, so that `tokenbed` is this package. */
async function runSnippet(page: Page, text: string): Promise<string> {
  const folder = fileURLToPath(new URL('../../.cache/test/snippet', import.meta.url));
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'text.txt'), text);
  await writeFile(path.join(folder, 'same.mjs'), (await page.locator('#snippet').textContent()) ?? '');
  const { stdout, output, code } = await run(process.execPath, ['same.mjs'], { cwd: folder });
  expect(code, output).toBe(0);
  return stdout.trim();
}

test('equal tokens have cosine 1, others less, and the nearest tokens are listed', async () => {
  const { page } = await visit();
  await enter(page, { text: 'abcabc', tokenizer: 'char', merges: 0, dim: 64, seed: 7, positions: false });
  // BOS a b c a b c EOS
  await page.locator('#token-1').click();
  await expect
    .poll(() => page.locator('#alike').textContent())
    .toMatch(/^Most like “a” \(1\): “a” \(4\) 1\.00, /);
  const map = page.locator('#similarity');
  await map.focus();
  await page.keyboard.press('Control+Home');
  const cosines: number[] = [];
  for (let col = 0; col < 8; col++) {
    const readout = (await page.locator('#similarity-cell').textContent()) ?? '';
    cosines.push(Number(/: (−?[\d.]+(e.\d+)?)$/.exec(readout)![1]!.replace('−', '-')));
    await page.keyboard.press('ArrowRight');
  }
  expect(cosines[0]).toBe(1);
  expect(Math.max(...cosines.slice(1).map(Math.abs))).toBeLessThan(0.7);
});

test('an invalid seed shows a message and keeps the vectors', async () => {
  const { page } = await visit();
  const before = await settled(page);
  await page.getByLabel('Seed').fill('1.5');
  await expect.poll(() => page.locator('#text-status').textContent()).toContain('Seed: an integer');
  expect(await page.getByLabel('Seed').getAttribute('aria-invalid')).toBe('true');
  expect(await settled(page)).toBe(before);
  await page.getByLabel('Seed').fill('8');
  await expect.poll(() => settled(page)).not.toBe(before);
});

test('100,000 characters: one page of tokens is shown, the digest covers all', async () => {
  const { page } = await visit();
  const text = TEXT.repeat(Math.ceil(100_000 / TEXT.length)).slice(0, 100_000);
  const settings: Settings = { text, tokenizer: 'char', merges: 0, dim: 64, seed: 7, positions: true };
  expect(await enter(page, settings)).toBe(digestOf(vectors(settings)));
  const tokens = new CharTokenizer().encode(text).length;
  const shown = () => page.locator('#tokens-shown').textContent();
  expect(await shown()).toBe(`Tokens 0 to 255 shown, of ${tokens.toLocaleString('en-US')}`);
  expect(await page.locator('#tokens [role=option]').count()).toBe(256);
  await page.getByRole('button', { name: 'Next' }).click();
  await expect.poll(shown).toMatch(/^Tokens 256 to 511 shown/);
  await page.locator('#tokens').focus();
  await page.keyboard.press('End');
  await expect.poll(shown).toMatch(new RegExp(`to ${(tokens - 1).toLocaleString('en-US')} shown`));
  expect(await page.locator('#tokens [aria-selected=true]').textContent()).toBe('EOS');
});
