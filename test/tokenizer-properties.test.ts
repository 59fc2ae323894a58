import fc from 'fast-check';
import { BPETokenizer, CharTokenizer } from 'tokenbed/tokenizer';
import { describe, expect, it } from 'vitest';
import { encodeBytes, encodeWords, trainBytes, trainWords } from './tokenizer-reference.js';

/** Strings over few letters, so that pairs repeat, tie and overlap. */
const text = (letters: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...letters), maxLength });
const texts = (letters: string) => fc.array(text(letters, 60), { maxLength: 5 });

/** Any string: well-formed, or with lone surrogates. */
const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 80 })
    .map((units) => String.fromCharCode(...units)),
);

const wellFormed = (string: string) => string.replace(/[\ud800-\udfff]/gu, '\ufffd');

describe('BPE on random texts', () => {
  it('bytes: trains and encodes like the reference', () => {
    const letters = fc.constantFrom('ab', 'abc', 'aé ', 'abcdefgh \n');
    const inputs = letters.chain((each) => fc.tuple(texts(each), text(each, 120)));
    fc.assert(
      fc.property(inputs, fc.integer({ min: 260, max: 300 }), ([corpus, sample], vocabSize) => {
        const tokenizer = new BPETokenizer({ vocabSize, mode: 'bytes' }).train(corpus);
        const merges = trainBytes(corpus, vocabSize);
        expect(tokenizer.merges).toEqual(merges);
        expect(tokenizer.encode(sample)).toEqual(encodeBytes(sample, merges));
      }),
      { numRuns: 400 },
    );
  });

  it('words: trains and encodes like the reference', () => {
    const letters = fc.constantFrom('ab ', 'abcA \n', 'abcdef  ');
    const inputs = letters.chain((each) => fc.tuple(texts(each), text(`${each}z`, 120)));
    fc.assert(
      fc.property(inputs, fc.integer({ min: 1, max: 60 }), ([corpus, sample], vocabSize) => {
        const tokenizer = new BPETokenizer({ vocabSize }).train(corpus);
        const reference = trainWords(corpus, vocabSize);
        expect(tokenizer.merges).toEqual(reference.merges);
        expect([...tokenizer.vocab]).toEqual([...reference.vocab]);
        expect(tokenizer.encode(sample, { addSpecialTokens: false })).toEqual(encodeWords(sample, reference));
      }),
      { numRuns: 400 },
    );
  });

  it('words: agrees on long words of two letters, without duplicate spellings', () => {
    fc.assert(
      fc.property(fc.array(text('ab', 30), { minLength: 4, maxLength: 12 }), (corpus) => {
        const tokenizer = new BPETokenizer({ vocabSize: 80 }).train(corpus);
        const reference = trainWords(corpus, 80);
        expect(tokenizer.merges).toEqual(reference.merges);
        expect(tokenizer.vocabSize).toBe(reference.vocab.size);
        expect(new Set(tokenizer.merges.map((pair) => pair.join(''))).size).toBe(tokenizer.merges.length);
        const sample = corpus.join('');
        expect(tokenizer.encode(sample, { addSpecialTokens: false })).toEqual(encodeWords(sample, reference));
      }),
      { numRuns: 400 },
    );
  });

  it('bytes: decode inverts encode', () => {
    const tokenizer = new BPETokenizer({ vocabSize: 300, mode: 'bytes' }).train([
      '\u{1f680}\u{1f681} abab\0\0\xff',
    ]);
    fc.assert(
      fc.property(anything, (string) => {
        const ids = tokenizer.encode(string);
        expect(tokenizer.decode(ids)).toBe(wellFormed(string));
        expect(tokenizer.decode(Int32Array.from(ids), { skipSpecialTokens: false })).toBe(wellFormed(string));
      }),
    );
  });

  it('JSON restores the same tokenizer', () => {
    fc.assert(
      fc.property(
        fc.array(anything, { maxLength: 4 }),
        fc.constantFrom('words', 'bytes'),
        anything,
        (corpus, mode, string) => {
          const tokenizer = new BPETokenizer({ vocabSize: 320, mode }).train(corpus);
          const again = BPETokenizer.fromJSON(JSON.stringify(tokenizer));
          expect(again.encode(string)).toEqual(tokenizer.encode(string));
          expect(again.toJSON()).toEqual(tokenizer.toJSON());
        },
      ),
    );
  });
});

describe('CharTokenizer on random texts', () => {
  it('encodes one id per code point, and known ones round-trip', () => {
    fc.assert(
      fc.property(anything, anything, (string, alphabet) => {
        const chars = new Set(alphabet);
        const tokenizer = new CharTokenizer({ alphabet: [...chars] });
        const ids = tokenizer.encode(string, { addSpecialTokens: false });
        expect(ids).toHaveLength([...string].length);
        expect(ids.filter((id) => id === 1)).toHaveLength(
          [...string].filter((char) => !chars.has(char)).length,
        );
        expect(tokenizer.decode(ids)).toBe([...string].filter((char) => chars.has(char)).join(''));
      }),
    );
  });

  it('is lossless with an alphabet from the corpus', () => {
    fc.assert(
      fc.property(fc.array(anything), (corpus) => {
        const tokenizer = CharTokenizer.fromCorpus(corpus);
        for (const string of corpus) expect(tokenizer.decode(tokenizer.encode(string))).toBe(string);
      }),
    );
  });

  it('pads to equal length and preserves the ids', () => {
    const tokenizer = new CharTokenizer();
    const rows = fc.array(fc.array(fc.integer({ min: 0, max: 98 }), { maxLength: 9 }), { maxLength: 6 });
    fc.assert(
      fc.property(rows, fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }), (seqs, maxLength) => {
        const width = maxLength ?? Math.max(0, ...seqs.map((seq) => seq.length));
        const padded = tokenizer.padSequences(seqs, maxLength);
        expect(padded).toEqual(
          seqs.map((seq) => Array.from({ length: width }, (_, column) => seq[column] ?? 0)),
        );
      }),
    );
  });
});
