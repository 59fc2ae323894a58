/** Malformed tokenizer.json files and generated texts on both backends: the same results, and nothing is left behind. */

import { readdirSync } from 'node:fs';
import { init } from 'tokenbed';
import { init as initText, PretrainedTokenizer } from 'tokenbed/text';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { thrown } from '../helpers/errors.js';
import { faultyPackage, type FaultyPackage } from '../helpers/faults.js';
import { streamOf } from '../helpers/files.js';
import { MALFORMED_TOKENIZERS } from '../helpers/malformed-tokenizers.js';
import { byteLevel, unigram, wordLevel, wordPiece } from '../helpers/tokenizer-files.js';

const backend = inject('backend');
const { fromJSON } = PretrainedTokenizer;

/** What `run` returns on each backend. */
async function onBoth<T>(run: () => T): Promise<[native: T, wasm: T]> {
  const results: T[] = [];
  for (const each of ['native', 'wasm'] as const) {
    await init({ backend: each });
    await initText();
    results.push(run());
  }
  await init({ backend });
  return results as [T, T];
}

it('the errors are equal on both backends', async () => {
  const [native, wasm] = await onBoth(() =>
    MALFORMED_TOKENIZERS.map(({ name, bytes }) => {
      const error = thrown(() => fromJSON(bytes));
      return [name, { ...error, message: error.message }];
    }),
  );
  expect(wasm).toEqual(native);
});

it('the ids and the texts of ids are equal on both backends', async () => {
  // Every character in turn, with its neighbours and with those of another script.
  const texts = Array.from({ length: 4096 }, (_, i) => {
    const code = 0x21 + 16 * i;
    const characters = Array.from({ length: 16 }, (_, j) => String.fromCodePoint(code + j));
    return `hello ${characters.join('')} worlds${characters[0]}!ab ${characters.reverse().join(' ')}`;
  });
  const [native, wasm] = await onBoth(() =>
    [wordPiece, byteLevel, unigram].map((file) => {
      const tokenizer = fromJSON(file);
      const { ids, offsets } = tokenizer.encodeBatch(texts);
      const text = tokenizer.decode(ids, { skipSpecialTokens: false });
      tokenizer.dispose();
      return { ids, offsets, text };
    }),
  );
  for (const [i, { ids, offsets, text }] of native.entries()) {
    expect(Buffer.from(wasm[i]!.ids.buffer).equals(Buffer.from(ids.buffer))).toBe(true);
    expect(wasm[i]!.offsets).toEqual(offsets);
    expect(wasm[i]!.text === text).toBe(true);
  }
});

it('no malformed file takes memory for data that is not there, or long', () => {
  const before = process.memoryUsage().rss;
  const start = performance.now();
  for (const { bytes } of MALFORMED_TOKENIZERS) thrown(() => fromJSON(bytes));
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  expect(performance.now() - start).toBeLessThan(5000);
});

describe('after a failed load', () => {
  let faulty: FaultyPackage;
  beforeAll(async () => {
    faulty = await faultyPackage();
    await faulty.api.init({ backend });
  });
  afterAll(() => faulty.remove());

  it('no tokenizer is left', async () => {
    const { text, textInsides } = faulty;
    const { kernels } = textInsides.activeTexts();
    const { load } = text.PretrainedTokenizer;
    const before = kernels.__objects();
    const files = readdirSync('/proc/self/fd').length;
    for (const { name, bytes } of MALFORMED_TOKENIZERS) {
      thrown(() => text.PretrainedTokenizer.fromJSON(bytes));
      const pieces = streamOf(bytes, Math.max(100, bytes.length / 20));
      await expect(load(pieces)).rejects.toBeInstanceOf(Error);
      expect(kernels.__objects(), name).toBe(before);
    }
    const good = new TextEncoder().encode(JSON.stringify(wordLevel));
    const fails = () => {
      throw new Error('of the program');
    };
    for (const run of [
      () => load(streamOf(good, 10), { sha256: '0'.repeat(64) }),
      () => load(streamOf(good, 10), { signal: AbortSignal.abort() }),
      () => load(streamOf(good.slice(0, -1), 10)),
      () => load(streamOf(good, 10), { onProgress: fails }),
      () => load('/no/such/tokenizer.json'),
    ]) {
      await expect(run()).rejects.toBeInstanceOf(Error);
      expect(kernels.__objects()).toBe(before);
    }
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(files + 2);
    expect(textInsides.activeTexts().lost).toBe(false);
  });
});
