/**
 * Tokenizers of models give the ids and the texts of the reference. test/vectors/golden/text.json is written by
 * crates/text-reference/src/vectors.rs, which describes its fields; ids that are null are an error of the reference.
 */

import { init, PretrainedTokenizer, type TokenDecoder } from 'tokenbed/text';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectError } from './helpers/errors.js';
import vectors from './vectors/golden/text.json' with { type: 'json' };

interface Case {
  readonly text: string;
  readonly ids: readonly number[] | null;
  readonly special: readonly number[] | null;
}

interface Vector {
  readonly file: { readonly model: { readonly type: string } };
  readonly texts: readonly Case[];
  readonly decoded: readonly { ids: readonly number[]; skipSpecialTokens: boolean; text: string }[];
}

const VECTORS: readonly Vector[] = vectors;
const NOT_ENCODED = { class: Error, code: 'ERR_FORMAT' } as const;

beforeAll(() => init());

/** Expects these ids, or an error for null. */
function expectIds(encode: () => number[], ids: readonly number[] | null): void {
  if (ids === null) expectError(encode, NOT_ENCODED);
  else expect(encode()).toEqual(ids);
}

/** The text of ids that arrive `step` at a time. */
function decodedInParts(decoder: TokenDecoder, ids: readonly number[], step: number): string {
  let text = '';
  for (let at = 0; at < ids.length; at += step) text += decoder.write(ids.slice(at, at + step));
  return text + decoder.end();
}

function fails(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch {
    return true;
  }
}

describe.each(VECTORS.map((vector, index) => ({ name: `${index}: ${vector.file.model.type}`, ...vector })))(
  '$name',
  ({ file, texts, decoded }) => {
    it.each([undefined, 0, 4096])('encode, memo %s', (memo) => {
      const tokenizer = PretrainedTokenizer.fromJSON(file, { memo });
      // The second time, the memo has what the first left in it.
      for (let pass = 0; pass < 2; pass++) {
        for (const { text, ids, special } of texts) {
          expectIds(() => tokenizer.encode(text), ids);
          expectIds(() => tokenizer.encode(text, { addSpecialTokens: true }), special);
        }
      }
      tokenizer.dispose();
    });

    it('encodeBatch', () => {
      const tokenizer = PretrainedTokenizer.fromJSON(file);
      const good = texts.filter(({ ids }) => ids !== null);
      const { ids, offsets } = tokenizer.encodeBatch(good.map(({ text }) => text));
      expect(good.map((_, i) => [...ids.subarray(offsets[i], offsets[i + 1])])).toEqual(
        good.map((each) => each.ids),
      );
      const index = texts.findIndex((each) => each.ids === null);
      if (index >= 0) {
        const all = texts.map(({ text }) => text);
        expectError(() => tokenizer.encodeBatch(all), { ...NOT_ENCODED, fields: { index } });
      }
      tokenizer.dispose();
    });

    it('decode, as a whole and in parts', () => {
      const tokenizer = PretrainedTokenizer.fromJSON(file);
      for (const { ids, skipSpecialTokens, text } of decoded) {
        expect(tokenizer.decode(ids, { skipSpecialTokens })).toBe(text);
        const decoder = tokenizer.decoder({ skipSpecialTokens });
        for (const step of [1, 2, 5]) expect(decodedInParts(decoder, ids, step)).toBe(text);
      }
      tokenizer.dispose();
    });
  },
);

it.each(['\ud800', '\udbff', '\udc00', '\udfff'])('the lone surrogate %j has the ids of U+FFFD', (half) => {
  for (const { file, texts } of VECTORS) {
    const tokenizer = PretrainedTokenizer.fromJSON(file);
    for (const { text } of texts.slice(0, 4)) {
      const [whole, broken] = ['\ufffd', half].map((mark) => `${mark}${text} a${mark}b${mark}`) as [
        string,
        string,
      ];
      for (const addSpecialTokens of [false, true]) {
        const encode = (each: string) => tokenizer.encode(each, { addSpecialTokens });
        const error = fails(() => encode(whole));
        expectIds(() => encode(broken), error ? null : encode(whole));
      }
    }
    tokenizer.dispose();
  }
});

it('the vectors have every kind of model, errors, and texts of both kinds', () => {
  expect(new Set(VECTORS.map(({ file }) => file.model.type))).toEqual(
    new Set(['BPE', 'Unigram', 'WordLevel', 'WordPiece']),
  );
  const all = VECTORS.flatMap(({ texts }) => texts);
  expect(all.length).toBeGreaterThan(600);
  expect(all.filter(({ ids }) => ids === null).length).toBeGreaterThan(10);
  expect(all.filter(({ ids, special }) => ids?.length !== special?.length).length).toBeGreaterThan(50);
  expect(VECTORS.flatMap(({ decoded }) => decoded).length).toBeGreaterThan(300);
});
