/** Files that break a rule are refused, with the rule and its place; files that only look unusual are read. */

import { Embedding, inspect } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { expectBits } from './helpers/bits.js';
import { expectError, expectRejection, type Thrown } from './helpers/errors.js';
import { streamOf } from './helpers/files.js';
import { MALFORMED, UNUSUAL } from './helpers/malformed.js';

/** `ERR_FORMAT` of bytes: the message is made of the fields. */
function expectFormat(error: Thrown): void {
  const { path, rule, byte, line } = error;
  expect(path).toBe('bytes');
  expect(typeof rule).toBe('string');
  const at = byte !== undefined ? `byte ${byte}: ` : line !== undefined ? `line ${line}: ` : '';
  expect(error.message).toBe(`bytes: ${at}${rule}`);
  for (const place of [byte, line]) {
    if (place !== undefined) expect(Number.isSafeInteger(place) && (place as number) >= 0).toBe(true);
  }
  // No name of a Rust type, no value of a debug format.
  expect(error.message).not.toMatch(/::|Some\(|None|Err\(|undefined|\[object/);
}

const refusal = (text: RegExp) => ({ class: Error, code: 'ERR_FORMAT', text }) as const;

describe('a malformed file', () => {
  it.each(MALFORMED)('$name', async ({ bytes, text, options }) => {
    const error = expectError(() => Embedding.loadSync(bytes, options), refusal(text));
    expectFormat(error);
    const few = Math.max(7, Math.ceil(bytes.length / 100));
    // The same error from memory and from a stream, whole or in pieces.
    for (const source of [bytes, new Blob([bytes]), streamOf(bytes, 2 ** 16), streamOf(bytes, few)]) {
      const other = await expectRejection(Embedding.load(source, options), refusal(text));
      expect(other.message).toBe(error.message.replace('bytes', String(other['path'])));
      expect({ ...other, path: 'bytes' }).toEqual({ ...error });
    }
  });
});

describe('an unusual file', () => {
  it.each(UNUSUAL)('$name', async ({ bytes, options }) => {
    const expected = Float32Array.of(-1.5, -0.5, 0.5, 1.5);
    for (const embedding of [
      Embedding.loadSync(bytes, options),
      await Embedding.load(streamOf(bytes, 3), options),
    ]) {
      expect([embedding.vocabSize, embedding.embeddingDim]).toEqual([2, 2]);
      expectBits(embedding.weight.toTensor().data, expected);
      embedding.dispose();
    }
    await expect(inspect(bytes)).resolves.toMatchObject({ format: expect.any(String) });
  });
});

it('the cases have distinct names', () => {
  const names = [...MALFORMED, ...UNUSUAL].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
