/**
 * The ids and texts of the reference, the crate tokenizers: test/vectors/golden/text.json, which crates/text-reference writes and
 * compares. The same on every backend.
 */

import { init, PretrainedTokenizer } from 'tokenbed/text';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectError } from './helpers/errors.js';
import file from './vectors/golden/text.json' with { type: 'json' };

beforeAll(() => init());

/** The error for a text that the reference refuses: null in the file. */
const REFUSED = { class: Error, code: 'ERR_FORMAT', text: /that the vocabulary lacks|truncation/ } as const;

function expectIds(encode: () => number[], ids: readonly number[] | null): void {
  if (ids === null) expectError(encode, REFUSED);
  else expect(encode()).toEqual(ids);
}

/** The text of ids that arrive one by one, and in parts of three. */
function inParts(tokenizer: PretrainedTokenizer, ids: readonly number[], skipSpecialTokens: boolean) {
  return [1, 3].map((step) => {
    const decoder = tokenizer.decoder({ skipSpecialTokens });
    let text = '';
    for (let at = 0; at < ids.length; at += step) text += decoder.write(ids.slice(at, at + step));
    return text + decoder.end();
  });
}

describe.each(file.map((vector, index) => ({ ...vector, index })))(
  'tokenizer $index: $file.model.type',
  ({ file, texts, decoded }) => {
    it.each([undefined, 0, 4096])('encodes as the reference, with a memo of %s bytes', (memo) => {
      const tokenizer = PretrainedTokenizer.fromJSON(file, { memo });
      const known = texts.filter(({ ids }) => ids !== null);
      for (let pass = 0; pass < 2; pass++) {
        for (const { text, ids, special } of texts) {
          expectIds(() => tokenizer.encode(text), ids);
          expectIds(() => tokenizer.encode(text, { addSpecialTokens: true }), special);
        }
        const { ids, offsets } = tokenizer.encodeBatch(known.map(({ text }) => text));
        expect([...ids]).toEqual(known.flatMap(({ ids }) => ids));
        expect([...offsets.subarray(1)].map((end, i) => end - offsets[i]!)).toEqual(
          known.map(({ ids }) => ids?.length),
        );
      }
      const index = texts.findIndex(({ ids }) => ids === null);
      if (index >= 0) {
        const all = texts.map(({ text }) => text);
        expectError(() => tokenizer.encodeBatch(all), { ...REFUSED, fields: { index } });
      }
      tokenizer.dispose();
    });

    it('decodes as the reference, also in parts', () => {
      const tokenizer = PretrainedTokenizer.fromJSON(file);
      for (const { ids, skipSpecialTokens, text } of decoded) {
        expect(tokenizer.decode(ids, { skipSpecialTokens })).toBe(text);
        expect(inParts(tokenizer, ids, skipSpecialTokens)).toEqual([text, text]);
      }
      tokenizer.dispose();
    });
  },
);

it('there are tokenizers of every model', () => {
  const types = new Set(file.map(({ file }) => file.model.type));
  expect([...types].sort()).toEqual(['BPE', 'Unigram', 'WordLevel', 'WordPiece']);
  expect(file.reduce((sum, { texts }) => sum + texts.length, 0)).toBeGreaterThan(500);
});
