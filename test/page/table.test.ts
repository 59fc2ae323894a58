/** The tab "Your table": files, their tensors, rows and nearest rows, which are those of the library in Node. */

import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright';
import { Embedding } from 'tokenbed';
import { describe, expect, inject, test } from 'vitest';
import { count, short } from '../../examples/browser/src/page.js';
import { f32Table, join, npy, npyHeader, tensors, u64 } from '../helpers/files.js';
import { expectNoErrors, visit } from './browser.js';
import { chooseFile, openTab, status } from './table.js';

const DIM = 24;
const ROWS = 300;
/** Values that a decimal with few digits names exactly. */
const values = new Embedding({ vocabSize: ROWS, embeddingDim: DIM, initType: 'normal', seed: 5 }).weight
  .toTensor()
  .data.map((value) => Math.round(value * 1024) / 1024);
const table = Embedding.fromPretrained(values, { embeddingDim: DIM });
const WORDS = Array.from({ length: ROWS }, (_, row) => `word${row}`);
const glove = join(
  WORDS.map((word, row) => `${word} ${values.subarray(row * DIM, (row + 1) * DIM).join(' ')}\n`).join(''),
);

/** The ten rows nearest to a vector, without `own`, as the list shows them. */
function nearestTo(
  vector: Float32Array,
  own: readonly number[],
  { words = false, metric = 'cosine' as const } = {},
) {
  const { ids, scores } = table.nearest(vector, { k: 10 + own.length, metric });
  return Array.from(ids.data, (row, i) => [
    words ? WORDS[row]! : `row ${row}`,
    count(row),
    short(scores.data[i]!),
  ])
    .filter(([, row]) => !own.map(count).includes(row!))
    .slice(0, 10);
}

const listed = (page: Page) =>
  page
    .locator('#nearest tr')
    .evaluateAll((rows) => rows.map((row) => Array.from(row.children, (cell) => cell.textContent)));

const figures = (page: Page) => page.locator('#table-figures dd').allTextContents();

async function lookUp(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Rows' }).fill(text);
  await page.getByRole('button', { name: 'Look up' }).click();
}

/** The values in the map, as the readout shows them. */
async function cells(page: Page, columns: number): Promise<string[]> {
  await page.locator('#table-map').focus();
  await page.keyboard.press('Control+Home');
  const shown: string[] = [];
  for (let col = 0; col < columns; col++) {
    shown.push((await page.locator('#table-cell').textContent()) ?? '');
    await page.keyboard.press('ArrowRight');
  }
  return shown;
}

test('its code is loaded when the tab is selected, the code for files when a file is opened', async () => {
  const visited = await visit();
  const { page, requests } = visited;
  const chunks = () =>
    requests
      .filter((request) => /\/(tab|tables)-/.test(request))
      .map((url) => /(tab|tables)-\S+?\.(\w+)$/.exec(url)!)
      .map(([, name, type]) => `${name}.${type}`)
      .sort();
  expect(chunks()).toEqual([]);
  await openTab(page);
  expect(chunks()).toEqual(['tab.css', 'tab.js']);
  await chooseFile(page, f32Table(values, DIM));
  await expect.poll(() => status(page)).toBe('table.bin is open. Its rows have no words.');
  expect(new Set(chunks())).toEqual(new Set(['tab.css', 'tab.js', 'tables.js']));
  await expectNoErrors(visited);
});

test('a table without words: rows by number, and the rows nearest to the framed one', async () => {
  const visited = await visit();
  const { page } = visited;
  await openTab(page);
  await chooseFile(page, npy(npyHeader('<f4', `(${ROWS}, ${DIM})`), values), 'vectors.npy');
  await expect.poll(() => figures(page)).toEqual(['300', 'f32, 96 bytes a row', '24', '28.8 kB']);
  // Of the first rows.
  await expect.poll(() => listed(page)).toEqual(nearestTo(table.weight.row(0), [0]));
  expect(await page.getByLabel('Word', { exact: true }).isDisabled()).toBe(true);

  await lookUp(page, '7 299  12 - 3 + 40');
  await expect.poll(() => page.locator('#nearest-of').textContent()).toBe('Nearest to “row 7”');
  const sum = table.weight.row(12).map((value, c) => Math.fround(value - table.weight.row(3)[c]!));
  const last = sum.map((value, c) => value + table.weight.row(40)[c]!);
  expect(await cells(page, 3)).toEqual(
    [0, 1, 2].map((c) => `row 7, dimension ${c}: ${short(table.weight.row(7)[c]!)}`),
  );
  await page.keyboard.press('PageDown');
  expect(await page.locator('#table-cell').textContent()).toBe(
    `row 12 − 3 + 40, dimension 3: ${short(last[3]!)}`,
  );
  await page.keyboard.press('Enter');
  expect(await page.locator('#nearest-of').textContent()).toBe('Nearest to “row 12 − 3 + 40”');
  expect(await listed(page)).toEqual(nearestTo(last, [12, 3, 40]));
  await expectNoErrors(visited);
});

test('word vectors: rows by word, sums of words, both metrics', async () => {
  const visited = await visit();
  const { page } = visited;
  await openTab(page);
  await chooseFile(page, glove, 'glove.txt');
  await expect.poll(() => status(page)).toBe('glove.txt is open. Its rows have words.');
  expect(await page.getByLabel('Word', { exact: true }).isChecked()).toBe(true);
  await lookUp(page, 'word9 - word4 + word100');
  const sum = table.weight.row(9).map((value, c) => Math.fround(value - table.weight.row(4)[c]!));
  const query = sum.map((value, c) => value + table.weight.row(100)[c]!);
  await expect.poll(() => listed(page)).toEqual(nearestTo(query, [9, 4, 100], { words: true }));

  await page.getByLabel('Dot product').check();
  await expect
    .poll(() => listed(page))
    .toEqual(nearestTo(query, [9, 4, 100], { words: true, metric: 'dot' as 'cosine' }));
  const share = (row: number) =>
    page
      .locator('#nearest tr')
      .nth(row)
      .evaluate((tr) => Number(tr.style.getPropertyValue('--share')));
  expect(await share(0)).toBe(1);
  expect(await share(9)).toBeLessThan(1);

  await page.getByLabel('Number', { exact: true }).check();
  await lookUp(page, '299');
  await expect.poll(() => page.locator('#nearest-of').textContent()).toBe('Nearest to “row 299”');
  await expectNoErrors(visited);
});

test('of several tensors one is chosen; others are listed with dtype, shape and size', async () => {
  const { page } = await visit();
  await openTab(page);
  const file = tensors({
    other: { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, 0, 0, 1) },
    mapping: { dtype: 'I64', shape: [1, 2], data: new BigInt64Array(2) },
    'layer.bias': { dtype: 'F16', shape: [3], data: new Uint16Array(3) },
    'embedding.weight': { dtype: 'F32', shape: [ROWS, DIM], data: values },
  });
  await chooseFile(page, file);
  await expect.poll(() => status(page)).toBe('table.bin has 3 tensors of two dimensions: choose the table.');
  const rows = page.locator('#tensors tr');
  expect(
    await rows.evaluateAll((list) => list.map((row) => Array.from(row.children, (cell) => cell.textContent))),
  ).toEqual([
    ['other', 'F32', '[2, 2]', '16 bytes'],
    ['mapping', 'I64', '[1, 2]', '16 bytes'],
    ['embedding.weight', 'F32', '[300, 24]', '28.8 kB'],
    ['layer.bias', 'F16', '[3]', '6 bytes'],
  ]);
  expect(await page.getByRole('radio', { name: 'embedding.weight' }).isChecked()).toBe(true);
  // A dtype that is not read: another tensor can be chosen.
  await page.getByRole('radio', { name: 'mapping' }).check();
  await page.getByRole('button', { name: 'Load', exact: true }).click();
  await expect.poll(() => status(page)).toMatch(/^Error ERR_FORMAT: .*I64/);
  await page.getByRole('radio', { name: 'other' }).check();
  await page.getByRole('button', { name: 'Load', exact: true }).click();
  await expect.poll(() => figures(page)).toEqual(['2', 'f32, 8 bytes a row', '2', '16 bytes']);
});

test('a file dropped anywhere in the tab', async () => {
  const visited = await visit();
  const { page } = visited;
  await openTab(page);
  await page.evaluate(
    (bytes) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(bytes)], 'dropped.safetensors'));
      const drop = (type: string) =>
        document
          .querySelector('h1')!
          .dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
      if (drop('dragover') || drop('drop')) throw new Error('the browser would open the file itself');
    },
    [...f32Table(values, DIM)],
  );
  await expect.poll(() => status(page)).toBe('dropped.safetensors is open. Its rows have no words.');
  await expect.poll(() => listed(page)).toEqual(nearestTo(table.weight.row(0), [0]));
  await expectNoErrors(visited);
});

describe('errors are shown as text, and the earlier table stays', () => {
  test('of files', async () => {
    const visited = await visit();
    const { page } = visited;
    await openTab(page);
    await chooseFile(page, glove, 'glove.txt');
    await expect.poll(() => status(page)).toContain('glove.txt is open.');
    const files: Readonly<Record<string, Uint8Array>> = {
      'cut.safetensors': f32Table(values, DIM).subarray(0, 20_000),
      'huge.safetensors': join(u64(2n ** 60n), '{}'),
      'archive.npz': join('PK\x03\x04', new Uint8Array(60)),
      'integers.npy': npy(npyHeader('<i4', '(2, 2)'), new Int32Array(4)),
      empty: new Uint8Array(0),
    };
    for (const [name, bytes] of Object.entries(files)) {
      await chooseFile(page, bytes, name);
      await expect
        .poll(() => status(page), { message: name })
        .toMatch(/^Error ERR_FORMAT: .+ glove\.txt stays open\.$/);
      expect(await page.getByRole('button', { name: 'Load', exact: true }).isDisabled()).toBe(true);
      await lookUp(page, 'word2');
      await expect.poll(() => listed(page)).toEqual(nearestTo(table.weight.row(2), [2], { words: true }));
      await lookUp(page, 'word1');
      await expect.poll(() => listed(page)).toEqual(nearestTo(table.weight.row(1), [1], { words: true }));
    }
    expect(page.workers().length).toBe(2); // of the text and of the table
    await expectNoErrors(visited);
  });

  test('of rows', async () => {
    const { page } = await visit();
    await openTab(page);
    await chooseFile(page, glove, 'glove.txt');
    const line = () => page.locator('#query-status').textContent();
    await expect.poll(line).toMatch(/^8 vectors compared with 300 rows in [\d.]+ ms\.$/);
    const before = await listed(page);
    await lookUp(page, 'word1 nobody');
    await expect.poll(line).toBe('Error: The table has no word “nobody”');
    await page.getByLabel('Number', { exact: true }).check();
    await lookUp(page, '3 300');
    await expect.poll(line).toMatch(/^RangeError ERR_ID_OUT_OF_RANGE: .*\[0, 300\).*300/);
    await lookUp(page, '1.5');
    await expect.poll(line).toMatch(/^TypeError ERR_INVALID_ID: /);
    await lookUp(page, ' ');
    await expect.poll(line).toBe('Error: Enter a row');
    await lookUp(page, '1 '.repeat(17));
    await expect.poll(line).toBe('Error: At most 16 vectors are shown, got 17');
    expect(await listed(page)).toEqual(before);
    await lookUp(page, '1 '.repeat(16));
    await expect.poll(line).toMatch(/^16 vectors compared/);
  });
});

describe('a large file', () => {
  const folder = fileURLToPath(new URL('../../.cache/test/page-files', import.meta.url));

  /** A file of `bytes` zeros after the header, which take no place on the disk. */
  async function sparse(rows: number, dim: number): Promise<string> {
    await mkdir(folder, { recursive: true });
    const file = path.join(folder, `${rows}x${dim}.safetensors`);
    const bytes = rows * dim * 4;
    const header = JSON.stringify({ weight: { dtype: 'F32', shape: [rows, dim], data_offsets: [0, bytes] } });
    const handle = await open(file, 'w');
    try {
      await handle.write(join(u64(header.length), header));
      await handle.truncate(8 + header.length + bytes);
    } finally {
      await handle.close();
    }
    return file;
  }

  test('shows its progress and can be cancelled', async () => {
    const visited = await visit();
    const { page } = visited;
    await openTab(page);
    await chooseFile(page, glove, 'glove.txt');
    await expect.poll(() => listed(page)).toEqual(nearestTo(table.weight.row(0), [0], { words: true }));
    const file = await sparse(1_000_000, 400);
    try {
      await page.setInputFiles('#table-file', file);
      const bar = page.locator('#load-progress');
      await expect.poll(() => bar.getAttribute('aria-valuetext')).toMatch(/^\d+\.\d+ MB of 1\.60 GB$/);
      const value = await bar.evaluate((progress: HTMLProgressElement) => progress.value);
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(1);
      await page.getByRole('button', { name: 'Cancel' }).click();
      expect(await status(page)).toBe('Cancelled. glove.txt stays open.');
      expect(await bar.evaluate((progress: HTMLProgressElement) => progress.value)).toBe(0);
      await expect.poll(() => page.workers().length).toBe(2);
      await lookUp(page, 'word5');
      await expect.poll(() => listed(page)).toEqual(nearestTo(table.weight.row(5), [5], { words: true }));

      await page.setInputFiles('#table-file', await sparse(100_000, 400));
      await expect.poll(() => status(page)).toBe('100000x400.safetensors is open. Its rows have no words.');
      await expect.poll(() => page.workers().length).toBe(2);
      await expectNoErrors(visited);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('more than WebAssembly can hold is ERR_TOO_LARGE', async () => {
    const { page } = await visit();
    await openTab(page);
    const file = await sparse(6_000_000, 100);
    try {
      await page.setInputFiles('#table-file', file);
      await expect.poll(() => status(page)).toMatch(/^RangeError ERR_TOO_LARGE: .*2,?400,?000,?000/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test('the sample: at most 30 kB, and king - man + woman is nearest to queen', async () => {
  const visited = await visit();
  const { page } = visited;
  const assets = path.join(inject('pageFolder'), 'assets');
  const sample = (await readdir(assets)).find((name) => name.startsWith('words-'))!;
  expect((await stat(path.join(assets, sample))).size).toBeLessThanOrEqual(30_000);

  await openTab(page);
  await page.getByRole('button', { name: 'Open the sample' }).click();
  await expect.poll(() => status(page)).toBe('words.safetensors is open. Its rows have words.');
  expect((await figures(page))[1]).toBe('i4, 54 bytes a row');
  await lookUp(page, 'king - man + woman paris - france + italy');
  await expect.poll(async () => (await listed(page))[0]![0]).toBe('queen');
  await page.locator('#table-map').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect.poll(async () => (await listed(page))[0]![0]).toBe('rome');
  await expectNoErrors(visited);
});
