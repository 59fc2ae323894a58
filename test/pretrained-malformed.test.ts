/** tokenizer.json files that break a rule, or have a part that is not read, are refused, with the part and its place. */

import { init, PretrainedTokenizer } from 'tokenbed/text';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectError, expectRejection, type Thrown } from './helpers/errors.js';
import { streamOf } from './helpers/files.js';
import { MALFORMED_TOKENIZERS, UNUSUAL_TEXT, UNUSUAL_TOKENIZERS } from './helpers/malformed-tokenizers.js';

beforeAll(() => init());

/** `ERR_FORMAT` of bytes: the message is made of the fields. */
function expectFormat(error: Thrown, length: number): void {
  const { path, rule, byte } = error;
  expect(path).toBe('bytes');
  expect(typeof rule).toBe('string');
  expect(Number.isSafeInteger(byte) && (byte as number) >= 0 && (byte as number) <= length).toBe(true);
  expect(error.message).toBe(`bytes: byte ${String(byte)}: ${String(rule)}`);
  expect(error.message.length).toBeLessThan(500);
  // No name of a Rust type, no value of a debug format.
  expect(error.message).not.toMatch(/::|Some\(|None|Err\(|undefined|\[object/);
}

describe('a malformed tokenizer.json', () => {
  it.each(MALFORMED_TOKENIZERS)('$name', async ({ bytes, text }) => {
    const refusal = { class: Error, code: 'ERR_FORMAT', text } as const;
    const error = expectError(() => PretrainedTokenizer.fromJSON(bytes), refusal);
    expectFormat(error, bytes.length);
    // The same error from memory and from a stream, whole or in pieces.
    const few = Math.max(7, Math.ceil(bytes.length / 100));
    for (const source of [bytes, new Blob([bytes]), streamOf(bytes, 2 ** 16), streamOf(bytes, few)]) {
      const other = await expectRejection(PretrainedTokenizer.load(source), refusal);
      expect(other.message).toBe(error.message.replace('bytes', String(other['path'])));
      expect({ ...other, path: 'bytes' }).toEqual({ ...error });
    }
  });
});

describe('an unusual tokenizer.json', () => {
  it.each(UNUSUAL_TOKENIZERS)('$name', async ({ json, ids }) => {
    const bytes = new TextEncoder().encode(typeof json === 'string' ? json : JSON.stringify(json));
    for (const tokenizer of [
      PretrainedTokenizer.fromJSON(json),
      await PretrainedTokenizer.load(streamOf(bytes, 64)),
    ]) {
      expect(tokenizer.encode(UNUSUAL_TEXT, { addSpecialTokens: true })).toEqual(ids);
      tokenizer.dispose();
    }
  });
});

it('the cases have distinct names', () => {
  const names = [...MALFORMED_TOKENIZERS, ...UNUSUAL_TOKENIZERS].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(150);
});
