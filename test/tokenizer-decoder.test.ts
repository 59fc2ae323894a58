/** Decoding in parts, on hosts without TextEncoder and TextDecoder, and beyond the longest string of the engine. */

import fc from 'fast-check';
import { BPETokenizer, CharTokenizer, type TokenDecoder, type TokenIds } from 'tokenbed/tokenizer';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { expectError } from './helpers/errors.js';

const { TextDecoder, TextEncoder } = globalThis;
const withoutCodec = () => {
  vi.stubGlobal('TextDecoder', undefined);
  vi.stubGlobal('TextEncoder', undefined);
};
afterEach(() => vi.unstubAllGlobals());

const CORPUS = ['le café est à côté', '漢字 и кириллица 🚀🚀 </w> <PAD>', 'le café, le thé'];

const tokenizers = {
  char: new CharTokenizer({ alphabet: 'abc 🚀é\ud800\udc00'.slice(0, -1), specialTokens: ['<X>', '🚀'] }),
  words: new BPETokenizer({ vocabSize: 60 }).train(CORPUS),
  bytes: new BPETokenizer({ vocabSize: 300, mode: 'bytes' }).train(CORPUS),
  'bytes without merges': new BPETokenizer({ vocabSize: 260, mode: 'bytes' }).train([]),
};

/** Any ids, and ids of texts with some of them missing, so that many characters are incomplete. */
const idsOf = ({ encode, vocabSize }: { encode(text: string): number[]; vocabSize: number }) =>
  fc.oneof(
    fc.array(fc.nat(vocabSize - 1), { maxLength: 40 }),
    fc
      .tuple(fc.string({ unit: 'binary', maxLength: 20 }), fc.array(fc.boolean(), { maxLength: 80 }))
      .map(([text, drop]) => encode(text).filter((_, i) => drop[i] !== true)),
  );

/** Writes the ids in parts that end at `cuts`. */
function inParts(decoder: TokenDecoder, ids: readonly number[], cuts: readonly number[]): string {
  const places = [0, ...cuts.map((cut) => cut % (ids.length + 1)).sort((a, b) => a - b), ids.length];
  return (
    places.map((place, i) => decoder.write(ids.slice(places[i - 1] ?? 0, place))).join('') + decoder.end()
  );
}

describe.each(Object.entries(tokenizers))('the decoder of %s', (_, tokenizer) => {
  const encode = (text: string) => tokenizer.encode(text);
  const cases = fc.tuple(
    idsOf({ encode, vocabSize: tokenizer.vocabSize }),
    fc.array(fc.nat(100), { maxLength: 12 }),
    fc.boolean(),
  );

  it.each([
    ['with the codec of the host', () => {}],
    ['without it', withoutCodec],
  ])('returns the same text for every cut, %s', (_, prepare) => {
    const expected = (ids: readonly number[], skipSpecialTokens: boolean) =>
      tokenizer.decode(ids, { skipSpecialTokens });
    prepare();
    fc.assert(
      fc.property(cases, ([ids, cuts, skipSpecialTokens]) => {
        const decoder = tokenizer.decoder({ skipSpecialTokens });
        const text = expected(ids, skipSpecialTokens);
        expect(inParts(decoder, ids, cuts)).toBe(text);
        // `end` has begun a new text.
        expect(inParts(decoder, ids, [])).toBe(text);
        expect(
          inParts(
            decoder,
            ids,
            ids.map((_, i) => i),
          ),
        ).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('takes ids in every form, and is unchanged by an error', () => {
    const ids = tokenizer.encode('abc é🚀 abc', { addSpecialTokens: true });
    const forms: ((part: number[]) => TokenIds)[] = [
      (part) => part,
      (part) => Uint16Array.from(part),
      (part) => BigInt64Array.from(part, BigInt),
    ];
    const decoder = tokenizer.decoder();
    let text = '';
    ids.forEach((id, i) => {
      text += decoder.write(forms[i % 3]!([id]));
      const bad = {
        class: RangeError,
        code: 'ERR_ID_OUT_OF_RANGE',
        text: `got ${tokenizer.vocabSize} at [1]`,
      };
      expectError(() => decoder.write([id, tokenizer.vocabSize]), bad);
      expectError(() => decoder.write('ids' as unknown as number[]), {
        class: TypeError,
        code: 'ERR_INVALID_IDS',
        text: 'Token ids must be',
      });
    });
    expect(text + decoder.end()).toBe(tokenizer.decode(ids));
    expect(decoder.end()).toBe('');
  });

  it('has two functions, which work alone', () => {
    const { write, end } = tokenizer.decoder();
    const ids = tokenizer.encode('a b');
    expect(write(ids) + end()).toBe(tokenizer.decode(ids));
    expect(Object.keys(tokenizer.decoder())).toEqual(['write', 'end']);
    expectError(() => tokenizer.decoder({ skip: true } as object), {
      class: TypeError,
      code: 'ERR_INVALID_OPTION',
      text: 'skip',
    });
  });
});

describe('the decoder', () => {
  const byte = (value: number) => 4 + value;

  it('turns an unfinished character into U+FFFD at the end', () => {
    const decoder = tokenizers.bytes.decoder();
    const bytes = [...new TextEncoder().encode('🚀')].map(byte);
    expect([...bytes.map((id) => decoder.write(id)), decoder.end()]).toEqual(['', '', '', '🚀', '']);
    expect([decoder.write(bytes.slice(0, 3)), decoder.end()]).toEqual(['', '\ufffd']);
    expect([decoder.write(bytes[0]!), decoder.write(byte(0x61)), decoder.end()]).toEqual(['', '\ufffda', '']);
  });

  it('continues a character after a special token that it skips, not after one that it spells', () => {
    const [first, second] = [byte(0xc3), byte(0xa9)];
    const ids = [first, 0, second];
    for (const [skipSpecialTokens, text] of [
      [true, 'é'],
      [false, '\ufffd<PAD>\ufffd'],
    ] as const) {
      expect(tokenizers.bytes.decode(ids, { skipSpecialTokens })).toBe(text);
      expect(inParts(tokenizers.bytes.decoder({ skipSpecialTokens }), ids, [1, 2])).toBe(text);
    }
  });

  it('keeps a byte order mark', () => {
    const ids = tokenizers.bytes.encode('\ufeffa\ufeff');
    expect(tokenizers.bytes.decode(ids)).toBe('\ufeffa\ufeff');
    expect(inParts(tokenizers.bytes.decoder(), ids, [1, 2, 3])).toBe('\ufeffa\ufeff');
  });

  it('separates words by single spaces, without one at either end', () => {
    const { words } = tokenizers;
    const decoder = words.decoder();
    const end = words.vocab.get('</w>')!;
    const le = words.encode('le', { addSpecialTokens: false });
    expect(decoder.write([end, end])).toBe('');
    expect(decoder.write(le)).toBe('le');
    expect(decoder.write([])).toBe('');
    expect(decoder.write(le)).toBe(' le');
    expect(decoder.end()).toBe('');
    expect(decoder.write(le)).toBe('le');
  });

  it('keeps the vocabulary that it was created with', () => {
    const tokenizer = new BPETokenizer({ vocabSize: 30 }).train(['abc abc']);
    const ids = tokenizer.encode('abc');
    const decoder = tokenizer.decoder();
    tokenizer.train(['xyz xyz']);
    expect(decoder.write(ids)).toBe('abc');
    expect(tokenizer.decode(ids)).toBe('xyz');
  });
});

describe('UTF-8 without TextEncoder and TextDecoder', () => {
  const tokenizer = tokenizers['bytes without merges'];

  /** Bytes that are often a part of a character. */
  const bytes = fc.array(
    fc.oneof(
      fc.nat(255),
      fc.constantFrom(0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec),
      fc.constantFrom(0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff, 0xbb, 0xbf, 0xbf),
    ),
    { maxLength: 24 },
  );

  it('decodes as TextDecoder does', () => {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    withoutCodec();
    fc.assert(
      fc.property(bytes, (list) => {
        expect(tokenizer.decode(list.map((each) => 4 + each))).toBe(decoder.decode(Uint8Array.from(list)));
      }),
      { numRuns: 5000 },
    );
    // Every first byte with every second byte.
    for (let pair = 0; pair < 65_536; pair++) {
      const list = [pair >> 8, pair & 255, 0x80, 0x41];
      const text = tokenizer.decode(list.map((each) => 4 + each));
      if (text !== decoder.decode(Uint8Array.from(list))) expect.fail(`the bytes ${list.join()}: ${text}`);
    }
  });

  it('encodes and decodes every code point, and texts of many pieces', () => {
    const encoder = new TextEncoder();
    const units = Array.from({ length: 65_536 }, (_, unit) => String.fromCharCode(unit)).join('a');
    const planes = Array.from({ length: 16 }, (_, plane) =>
      Array.from({ length: 4096 }, (_, i) => String.fromCodePoint(0x10000 * (plane + 1) + 16 * i)).join(''),
    ).join('');
    const text = units + planes;
    const expected = Array.from(encoder.encode(text), (each) => 4 + each);
    withoutCodec();
    const ids = tokenizer.encode(text);
    expect(ids).toEqual(expected);
    expect(tokenizer.decode(ids)).toBe(text.replace(/[\ud800-\udfff]/gu, '\ufffd'));
  });

  it('encodes as TextEncoder does', () => {
    const encoder = new TextEncoder();
    withoutCodec();
    const any = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 })).map((units) => String.fromCharCode(...units)),
    );
    fc.assert(
      fc.property(any, (text) => {
        expect(tokenizer.encode(text)).toEqual(Array.from(encoder.encode(text), (each) => 4 + each));
      }),
      { numRuns: 1000 },
    );
  });

  it('trains the same merges', () => {
    const { merges } = tokenizers.bytes;
    withoutCodec();
    expect(new BPETokenizer({ vocabSize: 300, mode: 'bytes' }).train(CORPUS).merges).toEqual(merges);
  });
});

describe('a text beyond the longest string of the engine', () => {
  /** Id 260 + k is a text of 2^(k + 1) bytes. */
  const doubling = (length: number) =>
    BPETokenizer.fromJSON({
      type: 'BPETokenizer',
      version: 1,
      mode: 'bytes',
      vocabSize: 400,
      trained: true,
      merges: Array.from({ length }, (_, rank) => (rank === 0 ? [101, 101] : [259 + rank, 259 + rank])),
    });
  const words = BPETokenizer.fromJSON({
    type: 'BPETokenizer',
    version: 1,
    mode: 'words',
    vocabSize: 400,
    trained: true,
    alphabet: ['a'],
    merges: Array.from({ length: 20 }, (_, rank) => Array(2).fill('a'.repeat(2 ** rank))),
  });
  const large = { class: RangeError, code: 'ERR_TOO_LARGE', text: 'The decoded text needs' } as const;

  /** The length of the longest string, found by trying. */
  function longest(): number {
    let length = 0;
    for (let bit = 2 ** 31; bit >= 2; bit /= 2) {
      try {
        '..'.repeat((length + bit) / 2);
        length += bit;
      } catch {
        // too long
      }
    }
    return length;
  }

  it('is an error of every tokenizer before anything is decoded', () => {
    const bytes = doubling(40);
    const name = '<'.repeat(2 ** 20);
    const char = new CharTokenizer({ specialTokens: [name] });
    for (const decode of [
      () => bytes.decode([260 + 31]),
      () => bytes.decoder().write([260 + 31]),
      () => words.decode(Array(4096).fill(words.vocabSize - 1)),
      () => words.decoder().write(Array(4096).fill(words.vocabSize - 1)),
      () => char.decode(Array(4096).fill(4), { skipSpecialTokens: false }),
      () => char.decoder({ skipSpecialTokens: false }).write(Array(4096).fill(4)),
    ]) {
      const { bytes, limit } = expectError(decode, large) as unknown as { bytes: number; limit: number };
      expect(bytes).toBeGreaterThanOrEqual(2 ** 32);
      expect([longest(), 2 * longest()]).toContain(limit);
    }
    expect(char.decode(Array(4096).fill(4))).toBe('');
  });

  it('is an error at exactly one unit too many', () => {
    const bytes = doubling(40);
    const ids = (length: number) =>
      Array.from({ length: 31 }, (_, bit) => (Math.floor(length / 2 ** bit) % 2 === 1 ? 259 + bit : -1))
        .filter((id) => id >= 0)
        .map((id) => (id === 259 ? 101 : id));
    expect(bytes.decode(ids(2 ** 11 + 5))).toBe('a'.repeat(2 ** 11 + 5));
    const error = expectError(() => bytes.decode(ids(longest() + 1)), large);
    expect(error).toMatchObject({ bytes: longest() + 1, limit: longest() });
  });

  it('is decoded in parts', () => {
    const decoder = words.decoder();
    const part = Array(8).fill(words.vocabSize - 1) as number[];
    let [length, parts] = [0, 0];
    for (; length <= longest(); parts++) length += decoder.write(part).length;
    expect(length + decoder.end().length).toBe(parts * 2 ** 23);
  });

  it('keeps many spaces for the next word', () => {
    const tokenizer = new BPETokenizer({ vocabSize: 30 }).train(['a']);
    const [a, end] = [tokenizer.vocab.get('a')!, tokenizer.vocab.get('</w>')!];
    const decoder = tokenizer.decoder();
    decoder.write(a);
    for (let i = 0; i < 64; i++) decoder.write(new Uint8Array(2 ** 10).fill(end));
    expect(decoder.write(a)).toBe(`${' '.repeat(2 ** 16)}a`);
    expect(decoder.end()).toBe('');
  });
});

describe('decode', () => {
  it('reads what the array contains, not a forged length', () => {
    const ids = Uint8Array.from([69, 70, 71]);
    Object.defineProperty(ids, 'length', { value: 5000 });
    expect(tokenizers.bytes.decode(Uint8Array.from(ids.subarray(0, 3)))).toBe('ABC');
    expect(tokenizers.bytes.decode(ids)).toBe('ABC');
    const long = new Uint16Array(3000).fill(69);
    Object.defineProperty(long, 'length', { value: 2 ** 20 });
    expect(tokenizers.bytes.decode(long)).toBe('A'.repeat(3000));
  });

  it('copies sequences before a getter can change them', () => {
    const ids = new Uint8Array(3000).fill(5);
    const seqs = [ids, [1]];
    Object.defineProperty(seqs, 1, {
      get: () => {
        ids.fill(9);
        return [1];
      },
    });
    expect(tokenizers.char.padSequences(seqs, 2)).toEqual([
      [5, 5],
      [1, 0],
    ]);
  });

  it('reports a hole of a sparse array before it allocates memory for its length', () => {
    const sparse = new Array<number>(2 ** 32 - 1);
    expectError(() => tokenizers.char.decode(sparse), {
      class: TypeError,
      code: 'ERR_INVALID_ID',
      text: '[0]',
    });
  });

  it('decodes two million ids', () => {
    const ids = Array.from({ length: 2 ** 21 }, (_, i) => 8 + (i % 3));
    expect(new CharTokenizer().decode(ids)).toBe('$%&'.repeat(2 ** 21).slice(0, 2 ** 21));
  });
});
