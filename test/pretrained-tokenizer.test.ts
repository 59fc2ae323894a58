/** Tokenizers of models: shapes, options, errors and life. That the ids are those of the reference is tested in Rust. */

import { CharTokenizer, EmbeddingBag, Tensor } from 'tokenbed';
import { init, PretrainedTokenizer } from 'tokenbed/text';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import {
  disposed,
  expectError,
  expectRejection,
  invalidArray,
  invalidId,
  invalidIds,
  invalidOption,
  outOfRange,
} from './helpers/errors.js';
import { streamOf } from './helpers/files.js';
import { byteLevel, unigram, wordLevel, wordPiece } from './helpers/tokenizer-files.js';

const { fromJSON } = PretrainedTokenizer;
const utf8 = new TextEncoder();
const bytes = (json: object) => utf8.encode(JSON.stringify(json));

beforeAll(() => init());

describe('ids', () => {
  it.each<[string, object, string, number[], number[]?]>([
    ['wordPiece', wordPiece, 'Hello, worlds!', [4, 10, 5, 6, 9], [2, 4, 10, 5, 6, 9, 3]],
    ['wordPiece', wordPiece, 'CAFÉ 漢x [SEP]', [7, 8, 11, 1, 3], [2, 7, 8, 11, 1, 3, 3]],
    ['byteLevel', byteLevel, 'hello<|end|> é', [256, 257, 111, 258, 32, 195, 169]],
    ['unigram', unigram, 'ab aab c', [5, 4, 5, 6, 2, 1]],
    ['wordLevel', wordLevel, 'two four one', [1, 3, 0]],
  ])('%s', (_, json, text, expected, withSpecial = expected) => {
    const tokenizer = fromJSON(json);
    expect(tokenizer.encode(text)).toEqual(expected);
    expect(tokenizer.encode(text, { addSpecialTokens: false })).toEqual(expected);
    expect(tokenizer.encode(text, { addSpecialTokens: true })).toEqual(withSpecial);
    expect(tokenizer.encode('')).toEqual([]);
    tokenizer.dispose();
  });

  it('are new ordinary arrays', () => {
    const tokenizer = fromJSON(wordPiece);
    const first = tokenizer.encode('hello world');
    tokenizer.encode('world world');
    expect(Array.isArray(first)).toBe(true);
    expect(first).toEqual([4, 5]);
  });

  it('a lone surrogate is U+FFFD', () => {
    const tokenizer = fromJSON(byteLevel);
    expect(tokenizer.encode('a\ud800b')).toEqual([97, 0xef, 0xbf, 0xbd, 98]);
    expect(tokenizer.encode('🚀')).toEqual([0xf0, 0x9f, 0x9a, 0x80]);
    expect(tokenizer.encodeBatch(['\udc00', '\ud83d']).ids).toEqual(
      Uint32Array.of(0xef, 0xbf, 0xbd, 0xef, 0xbf, 0xbd),
    );
  });

  it('of long texts, of which one does not fit into the memory of a batch', () => {
    const tokenizer = fromJSON(byteLevel);
    const long = 'é'.repeat(300_000);
    expect(tokenizer.encode(long)).toHaveLength(600_000);
    const { ids, offsets } = tokenizer.encodeBatch(['a', long, 'b', '', long, 'he']);
    expect([...offsets]).toEqual([0, 1, 600_001, 600_002, 600_002, 1_200_002, 1_200_003]);
    expect([ids[0], ids[1], ids[600_000], ids[600_001], ids[1_200_002]]).toEqual([97, 195, 169, 98, 256]);
  });

  it('are the same without a memo, with a small one, and the second time', () => {
    const texts = Array.from(
      { length: 3000 },
      (_, i) => `hello worlds ${'café '.repeat(i % 7)}${i % 50} 漢!`,
    );
    const expected = texts.map((text) => fromJSON(wordPiece, { memo: 0 }).encode(text));
    for (const memo of [0, 1, 4096, undefined]) {
      const tokenizer = fromJSON(wordPiece, { memo });
      for (let pass = 0; pass < 2; pass++) {
        const { ids, offsets } = tokenizer.encodeBatch(texts);
        const found = texts.map((_, i) => [...ids.subarray(offsets[i]!, offsets[i + 1])]);
        expect(found).toEqual(expected);
      }
      tokenizer.dispose();
    }
  });
});

describe('encodeBatch', () => {
  it('returns two arrays of their own', () => {
    const { ids, offsets, ...rest } = fromJSON(wordPiece).encodeBatch(['hello world', '', 'Hellos']);
    expect(rest).toEqual({});
    expect(ids).toEqual(Uint32Array.of(4, 5, 4, 6));
    expect(offsets).toEqual(Uint32Array.of(0, 2, 2, 4));
    expect([ids.buffer.byteLength, offsets.buffer.byteLength]).toEqual([16, 16]);
  });

  it('is what a bag takes: a vector for each text', () => {
    const { ids, offsets } = fromJSON(wordPiece).encodeBatch(['hello world', '', 'Hellos']);
    const bag = new EmbeddingBag({ vocabSize: 12, embeddingDim: 4, mode: 'sum', includeLastOffset: true });
    const row = (id: number) => [...bag.embedding.weight.row(id)];
    const sum = (a: number[], b: number[]) => a.map((value, column) => Math.fround(value + b[column]!));
    const expected = [...sum(row(4), row(5)), 0, 0, 0, 0, ...sum(row(4), row(6))];
    expect([...bag.forward(ids, { offsets }).data]).toEqual(expected);
  });

  it('no texts', () => {
    expect(fromJSON(wordPiece).encodeBatch([])).toEqual({
      ids: new Uint32Array(0),
      offsets: Uint32Array.of(0),
    });
  });

  it('many texts, more than one call takes', () => {
    const texts = Array.from({ length: 20_000 }, (_, i) => (i % 3 === 0 ? 'hello' : 'worlds'));
    const { ids, offsets } = fromJSON(wordPiece).encodeBatch(texts);
    expect(offsets.at(-1)).toBe(ids.length);
    expect(ids.length).toBe(texts.reduce((sum, text) => sum + (text === 'hello' ? 1 : 2), 0));
    expect([...ids.subarray(offsets[19_998])]).toEqual([4, 5, 6]);
  });

  it('one text with many ids per character, in front of a long one with few', () => {
    const normalizer = { type: 'Replace', pattern: { String: 'a' }, content: '! '.repeat(1000) };
    const texts = ['a'.repeat(1000), 'x'.repeat(2 ** 22)];
    expect(fromJSON({ ...wordPiece, normalizer }).encodeBatch(texts).offsets).toEqual(
      Uint32Array.of(0, 1_000_000, 1_000_001),
    );
  });

  it.each([
    ['a string', 'hello', 'texts'],
    ['nothing', undefined, 'texts'],
    ['a Set', new Set(['a']), 'texts'],
    ['a number in it', ['a', 3], 'texts[1]'],
    ['a hole in it', Array<string>(2), 'texts[0]'],
    ['a String object in it', ['a', 'b', new String('c')], 'texts[2]'],
  ])('%s instead of an array of strings', (_, texts, option) => {
    expectError(() => fromJSON(wordPiece).encodeBatch(texts as string[]), invalidOption(TypeError, option));
  });
});

describe('the texts of a batch are read once, before anything is done', () => {
  it('an exception of a getter passes through', () => {
    const tokenizer = fromJSON(wordPiece);
    const texts = ['hello', 'world'];
    Object.defineProperty(texts, 1, {
      get() {
        throw new SyntaxError('mine');
      },
    });
    expect(() => tokenizer.encodeBatch(texts)).toThrow(new SyntaxError('mine'));
    expect([...tokenizer.encodeBatch(['world']).ids]).toEqual([5]);
  });

  it('a getter may use the tokenizer itself', () => {
    const tokenizer = fromJSON(wordPiece);
    const texts = ['hello', '', '!'];
    Object.defineProperty(texts, 1, { get: () => tokenizer.decode(tokenizer.encode('worlds')) });
    expect([...tokenizer.encodeBatch(texts).ids]).toEqual([4, 5, 6, 9]);
  });

  it('an array of another realm, and a Proxy', () => {
    const tokenizer = fromJSON(wordPiece);
    expect([...tokenizer.encodeBatch(new Proxy(['hello'], {})).ids]).toEqual([4]);
    const { proxy, revoke } = Proxy.revocable<string[]>([], {});
    revoke();
    expectError(() => tokenizer.encodeBatch(proxy), invalidOption(TypeError, 'texts'));
  });
});

describe('long texts', () => {
  const MEGABYTES = 2 ** 21;
  const kinds = {
    'one word': 'a'.repeat(MEGABYTES),
    blanks: ' '.repeat(MEGABYTES),
    'line ends': '\r\n'.repeat(MEGABYTES / 2),
    'combining marks': `a${'\u0301'.repeat(MEGABYTES / 2)}`,
    'two words': 'ab '.repeat(MEGABYTES / 3),
    characters: '漢'.repeat(MEGABYTES / 3),
  };

  it.each(Object.entries({ wordPiece, byteLevel, unigram }))('of %s take less than 5 s each', (_, json) => {
    const tokenizer = fromJSON(json);
    for (const [kind, text] of Object.entries(kinds)) {
      const start = performance.now();
      const ids = tokenizer.encode(text);
      expect(performance.now() - start, kind).toBeLessThan(5000);
      expect(tokenizer.encodeBatch([text]).ids.length, kind).toBe(ids.length);
    }
    tokenizer.dispose();
  });
});

describe('texts that cannot be encoded', () => {
  const rule = 'has a character that the vocabulary lacks, and the tokenizer has no unknown token';
  const expected = { class: Error, code: 'ERR_FORMAT', text: rule } as const;

  it('are ERR_FORMAT, with their index', () => {
    const tokenizer = fromJSON(wordLevel);
    const error = expectError(() => tokenizer.encode('one three'), { ...expected, fields: { rule } });
    expect(error.message).toBe(`The text ${rule}`);
    const inBatch = expectError(() => tokenizer.encodeBatch(['one', 'two', 'three', 'four five']), {
      ...expected,
      fields: { index: 2, rule },
    });
    expect(inBatch.message).toBe(`texts[2] ${rule}`);
    expect(tokenizer.encode('one two')).toEqual([0, 1]);
  });

  it.each([undefined, null, 3, {}, ['one'], new String('one')])('not a string: %s', (text) => {
    const tokenizer = fromJSON(wordLevel);
    expectError(() => tokenizer.encode(text as string), invalidOption(TypeError, 'text', text));
  });

  it.each(['addSpecialToken', 'skipSpecialTokens'])('an unknown option: %s', (option) => {
    expectError(
      () => fromJSON(wordLevel).encode('one', { [option]: true }),
      invalidOption(TypeError, option, true),
    );
  });

  it('a wrong option', () => {
    expectError(
      () => fromJSON(wordLevel).encode('one', { addSpecialTokens: 1 as unknown as boolean }),
      invalidOption(TypeError, 'addSpecialTokens', 1),
    );
  });
});

describe('decode', () => {
  it.each([
    ['wordPiece', wordPiece, [2, 4, 10, 5, 6, 9, 3], 'hello, worlds!', '[CLS] hello, worlds! [SEP]'],
    ['byteLevel', byteLevel, [256, 257, 111, 258, 32, 195, 169], 'hello é', 'hello<|end|> é'],
    ['unigram', unigram, [5, 4, 0, 5, 6], 'ab aab', 'ab<pad> aab'],
    ['wordLevel', wordLevel, [1, 3, 0], 'two four one', 'two four one'],
  ] as const)('%s', (_, json, ids, text, withSpecial) => {
    const tokenizer = fromJSON(json);
    expect(tokenizer.decode(ids)).toBe(text);
    expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(withSpecial);
    expect(tokenizer.decode([])).toBe('');
  });

  it('takes every form of flat ids', () => {
    const tokenizer = fromJSON(wordPiece);
    for (const ids of [
      Uint8Array.of(4, 5),
      Int32Array.of(4, 5),
      Uint32Array.of(4, 5),
      BigInt64Array.of(4n, 5n),
      new Tensor(Int32Array.of(4, 5), { shape: [1, 2] }),
    ]) {
      expect(tokenizer.decode(ids)).toBe('hello world');
    }
    expect(tokenizer.decode(4)).toBe('hello');
  });

  it('refuses ids that no token has', () => {
    const tokenizer = fromJSON(wordLevel);
    expect(tokenizer.vocabSize).toBe(4);
    expectError(() => tokenizer.decode([0, 4]), outOfRange(4, 1, 4));
    expectError(() => tokenizer.decode([-1]), outOfRange(-1, 0, 4));
    expectError(() => tokenizer.decode(BigInt64Array.of(0n, 1n << 40n)), outOfRange(1n << 40n, 1, 4));
    expectError(() => tokenizer.decode([0, 1, 2]), {
      class: RangeError,
      code: 'ERR_ID_OUT_OF_RANGE',
      text: 'Token indices must be in range [0, 4) and have a token: got 2 at [2]',
      fields: { value: 2, position: 2, bound: 4 },
    });
    expectError(() => tokenizer.decode([0, 0.5]), invalidId(0.5, 1));
    expectError(() => tokenizer.decode('a' as unknown as number), invalidIds('"a"'));
  });

  it('a decoder of ids that arrive in parts gives the same text', () => {
    const cases = [
      [wordPiece, [2, 4, 10, 5, 6, 9, 3]],
      [byteLevel, [256, 257, 111, 258, 32, 195, 169, 195, 32, 240, 159, 154, 128, 169]],
      [unigram, [5, 4, 0, 5, 6]],
      [wordLevel, [1, 3, 0]],
    ] as const;
    for (const [json, ids] of cases) {
      const tokenizer = fromJSON(json);
      for (const skipSpecialTokens of [true, false]) {
        const whole = tokenizer.decode(ids, { skipSpecialTokens });
        for (const step of [1, 2, 3]) {
          const decoder = tokenizer.decoder({ skipSpecialTokens });
          for (let pass = 0; pass < 2; pass++) {
            let text = '';
            for (let at = 0; at < ids.length; at += step) text += decoder.write(ids.slice(at, at + step));
            expect(text + decoder.end()).toBe(whole);
          }
        }
      }
    }
    const decoder = fromJSON(wordPiece).decoder();
    expect(decoder.write(4)).toBe('hello');
    expect(decoder.write([5])).toBe(' world');
  });

  it('a decoder is unchanged by an error', () => {
    const decoder = fromJSON(wordLevel).decoder();
    const first = decoder.write([0]);
    expectError(() => decoder.write([1, 2]), {
      class: RangeError,
      code: 'ERR_ID_OUT_OF_RANGE',
      fields: { value: 2, position: 1, bound: 4 },
    });
    expect(first + decoder.write([3]) + decoder.end()).toBe('one four');
  });
});

describe('facts', () => {
  it.each([
    ['wordPiece', wordPiece, { vocabSize: 12, unkId: 1, medianTokenLength: 4 }],
    ['byteLevel', byteLevel, { vocabSize: 259, unkId: null, medianTokenLength: 1 }],
    ['unigram', unigram, { vocabSize: 8, unkId: 1, medianTokenLength: 2 }],
    ['wordLevel', wordLevel, { vocabSize: 4, unkId: null, medianTokenLength: 3 }],
  ])('%s', (_, json, facts) => {
    expect(fromJSON(json)).toMatchObject(facts);
  });

  it('tokens and ids', () => {
    const tokenizer = fromJSON(wordPiece);
    expect(tokenizer.tokenToId('漢')).toBe(11);
    expect(tokenizer.tokenToId('##s')).toBe(6);
    expect(tokenizer.tokenToId('nothing')).toBe(null);
    expect(tokenizer.tokenToId('')).toBe(null);
    expect(tokenizer.idToToken(11)).toBe('漢');
    expect(tokenizer.idToToken(0)).toBe('[PAD]');
    for (const id of [12, -1, 2 ** 32, 2 ** 53]) expect(tokenizer.idToToken(id)).toBe(null);
    expect(fromJSON(wordLevel).idToToken(2)).toBe(null);
    expectError(() => tokenizer.idToToken(0.5), invalidId(0.5, 0));
    expectError(() => tokenizer.idToToken('1' as unknown as number), invalidId('1', 0));
    expectError(() => tokenizer.tokenToId(3 as unknown as string), invalidOption(TypeError, 'token', 3));
  });

  it('padSequences', () => {
    expect(fromJSON(unigram).padSequences([[1, 2], [3], []])).toEqual([
      [1, 2],
      [3, 0],
      [0, 0],
    ]);
    expect(fromJSON(wordPiece).padSequences([Uint8Array.of(4, 5, 6)], 2)).toEqual([[4, 5]]);
    const padding = {
      strategy: 'BatchLongest',
      direction: 'Left',
      pad_to_multiple_of: null,
      pad_id: 9,
      pad_type_id: 0,
      pad_token: '!',
    };
    expect(fromJSON({ ...wordPiece, padding }).padSequences([[4], []])).toEqual([[4], [9]]);
    expectError(() => fromJSON(wordLevel).padSequences([[1]]), invalidOption(TypeError, 'padding'));
    expectError(() => fromJSON(wordPiece).padSequences([[1]], 0), invalidOption(RangeError, 'maxLength', 0));
  });

  it('toJSON returns what was read, as a new object each time', () => {
    const tokenizer = fromJSON(JSON.stringify(wordPiece));
    const json = tokenizer.toJSON();
    expect(json).toEqual(wordPiece);
    expect(tokenizer.toJSON()).not.toBe(json);
    expect(JSON.parse(JSON.stringify(tokenizer))).toEqual(wordPiece);
    expect(fromJSON(json).encode('hello')).toEqual([4]);
  });

  it('equal files are equal objects for a deep comparison', () => {
    expect(fromJSON(wordPiece)).toEqual(fromJSON(bytes(wordPiece)));
    expect(fromJSON(wordPiece)).not.toEqual(fromJSON({ ...wordPiece, decoder: null }));
    expect(() => structuredClone(fromJSON(wordPiece))).toThrow();
  });
});

describe('fromJSON', () => {
  const text = JSON.stringify(wordPiece);
  const inner = new Uint8Array(text.length * 2 + 9);
  const { written } = utf8.encodeInto(text, inner.subarray(5));

  it.each([
    ['text', () => text],
    ['bytes', () => bytes(wordPiece)],
    ['an ArrayBuffer', () => bytes(wordPiece).buffer],
    ['a view of a part', () => inner.subarray(5, 5 + written)],
    ['a DataView', () => new DataView(inner.buffer, 5, written)],
    ['a value', () => wordPiece],
  ])('reads %s', (_, json) => {
    expect(fromJSON(json()).encode('hello world')).toEqual([4, 5]);
  });

  it.each([undefined, null, 3, true, 3n, Symbol('a'), () => {}])('refuses %s', (json) => {
    expectError(() => fromJSON(json as unknown as string), invalidOption(TypeError, 'json'));
  });

  it('refuses a value that has no JSON', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expectError(() => fromJSON(circular), invalidOption(TypeError, 'json'));
    expectError(() => fromJSON({ toJSON: () => undefined }), invalidOption(TypeError, 'json'));
  });

  it('an exception of a getter passes through', () => {
    const failure = new RangeError('mine');
    const json = {
      get version(): string {
        throw failure;
      },
    };
    expect(() => fromJSON(json)).toThrow(failure);
  });

  it('refuses bytes that were transferred', () => {
    const gone = bytes(wordPiece);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    const view = new DataView(new ArrayBuffer(8));
    structuredClone(view.buffer, { transfer: [view.buffer] });
    for (const json of [gone, gone.buffer, view]) {
      expectError(() => fromJSON(json), invalidArray('json', 'detached'));
    }
  });

  it('load refuses bytes that were transferred', async () => {
    const gone = bytes(wordPiece);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    await expectRejection(PretrainedTokenizer.load(gone), invalidArray('source', 'detached'));
  });

  it.each([
    ['an empty text', '', 'json'],
    ['no JSON', '{"version":', 'json'],
    ['bytes that are not JSON', utf8.encode('{"version": x}'), 'bytes'],
    ['an array', [], 'json'],
    ['tokens of another kind', new CharTokenizer().toJSON(), 'json'],
    ['another version', { ...wordPiece, version: '2.0' }, 'json'],
    ['an unknown model', { ...wordPiece, model: { type: 'Markov', vocab: {} } }, 'json'],
    ['an unknown normalizer', { ...wordPiece, normalizer: { type: 'Rot13' } }, 'json'],
    ['a negative id', { ...wordLevel, model: { ...wordLevel.model, vocab: { a: -1 } } }, 'json'],
  ])('malformed: %s', (_, json, path) => {
    const error = expectError(() => fromJSON(json), { class: Error, code: 'ERR_FORMAT', fields: { path } });
    expect(error.message.startsWith(`${path}: `)).toBe(true);
    expect(error['rule']).toEqual(expect.any(String));
  });

  it.each([
    ['memo', RangeError, [-1, 0.5, Number.NaN, Infinity, 2 ** 40]],
    ['memo', TypeError, [null, '1', 1n]],
    ['memory', TypeError, [1]],
  ] as const)('option %s: %s', (option, ErrorClass, values) => {
    for (const value of values) {
      const options = { [option]: value };
      expectError(() => fromJSON(wordPiece, options), invalidOption(ErrorClass, option, value));
    }
  });

  it('the constructor is private', () => {
    const Class = PretrainedTokenizer as unknown as new () => unknown;
    expect(() => new Class()).toThrow(TypeError);
  });
});

describe('load', () => {
  const file = bytes(wordPiece);
  const expectIds = async (source: Parameters<typeof PretrainedTokenizer.load>[0], options = {}) => {
    const tokenizer = await PretrainedTokenizer.load(source, options);
    expect(tokenizer.encode('hello world')).toEqual([4, 5]);
    tokenizer.dispose();
  };
  const hex = async () =>
    [...new Uint8Array(await crypto.subtle.digest('SHA-256', file))]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');

  it('reads bytes, Blobs, responses and streams', async () => {
    await expectIds(file);
    await expectIds(file.buffer);
    await expectIds(new Blob([file]));
    await expectIds(new Response(file));
    await expectIds(streamOf(file, 100));
  });

  it('reads a long stream of unknown length', async () => {
    const long = utf8.encode(`${JSON.stringify(wordPiece)}${' '.repeat(3 * 2 ** 20)}`);
    await expectIds(streamOf(long, 2 ** 16));
  });

  it('reports progress', async () => {
    const seen: { loaded: number; total: number | null }[] = [];
    await expectIds(new Blob([file]), { onProgress: (progress: (typeof seen)[0]) => seen.push(progress) });
    expect(seen.at(-1)).toEqual({ loaded: file.length, total: file.length });
  });

  it('compares the sha256', async () => {
    await expectIds(file, { sha256: await hex() });
    await expectIds(streamOf(file, 100), { sha256: (await hex()).toUpperCase() });
    for (const source of [file, new Blob([file]), streamOf(file, 100)]) {
      await expectRejection(PretrainedTokenizer.load(source, { sha256: '0'.repeat(64) }), {
        class: Error,
        code: 'ERR_FORMAT',
        text: `the sha256 must be ${'0'.repeat(64)}`,
      });
    }
  });

  it('keeps a fetched file in a cache', async () => {
    const entries = new Map<string, Uint8Array>();
    const url = new URL(
      `data:application/json;base64,${btoa(unescape(encodeURIComponent(JSON.stringify(wordPiece))))}`,
    );
    const cache = {
      match: (key: string) => {
        const found = entries.get(key);
        return found === undefined ? undefined : new Response(found.slice());
      },
      put: async (key: string, response: { body: unknown }) => {
        entries.set(key, new Uint8Array(await (response as Response).arrayBuffer()));
      },
    };
    await expectIds(url, { cache });
    expect(entries.get(url.href)).toEqual(file);
    await expectIds(url, { cache });
  });

  it('aborts with the reason of the signal', async () => {
    const reason = new Error('stop');
    const aborted = AbortSignal.abort(reason);
    await expect(PretrainedTokenizer.load(file, { signal: aborted })).rejects.toBe(reason);
    const controller = new AbortController();
    const never = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
    const loading = PretrainedTokenizer.load(never, { signal: controller.signal });
    controller.abort(reason);
    await expect(loading).rejects.toBe(reason);
  });

  it('cancels a source that it waits for when the signal aborts', async () => {
    const controller = new AbortController();
    let cancelled = false;
    let sent = false;
    const stream = new ReadableStream<Uint8Array>({
      pull(to) {
        if (!sent) to.enqueue(file.slice(0, 100));
        sent = true;
        return new Promise(() => {});
      },
      cancel: () => void (cancelled = true),
    });
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), 20);
    await expect(PretrainedTokenizer.load(stream, { signal: controller.signal })).rejects.toBe(reason);
    expect(cancelled).toBe(true);
  });

  it('rejects with what the source, onProgress or the cache throws', async () => {
    const failure = new Error('of the program');
    const fails = (): never => {
      throw failure;
    };
    const stream = new ReadableStream<Uint8Array>({ start: (to) => to.error(failure) });
    const url = new URL('data:,x');
    for (const loading of [
      PretrainedTokenizer.load(stream),
      PretrainedTokenizer.load(streamOf(file, 100), { onProgress: fails }),
      PretrainedTokenizer.load(url, { cache: { match: fails, put: async () => {} } }),
      PretrainedTokenizer.load(url, { cache: { match: () => undefined, put: fails } }),
    ]) {
      await expect(loading).rejects.toBe(failure);
    }
  });

  it('refuses a response that is not 2xx, or shorter or longer than its Content-Length', async () => {
    const short = { headers: { 'content-length': String(file.length + 1) } };
    const long = { headers: { 'content-length': String(file.length - 1) } };
    for (const [response, text] of [
      [new Response(file, { status: 404 }), '404'],
      [new Response(file, { status: 500 }), '500'],
      [new Response(file, short), String(file.length + 1)],
      [new Response(file, long), String(file.length - 1)],
    ] as const) {
      await expectRejection(PretrainedTokenizer.load(response), { class: Error, code: 'ERR_FORMAT', text });
    }
  });

  it('names the part and the byte of a malformed file', async () => {
    const error = await expectRejection(PretrainedTokenizer.load(utf8.encode('{"version":"1.0",}')), {
      class: Error,
      code: 'ERR_FORMAT',
      fields: { path: 'bytes' },
    });
    expect(error['byte']).toEqual(expect.any(Number));
    const cut = file.subarray(0, file.length - 10);
    await expectRejection(PretrainedTokenizer.load(cut), { class: Error, code: 'ERR_FORMAT' });
    await expectRejection(PretrainedTokenizer.load(new Uint8Array(0)), { class: Error, code: 'ERR_FORMAT' });
  });

  it.each([
    ['source', TypeError, [undefined, null, 3, {}]],
    ['source', RangeError, ['']],
    ['wasm', TypeError, [null, 3, true]],
    ['memo', RangeError, [-1]],
    ['onProgress', TypeError, [3]],
    ['signal', TypeError, ['stop']],
    ['sha256', RangeError, ['abc']],
    ['cache', TypeError, [3]],
    ['unknown', TypeError, [3]],
  ] as const)('option %s: %s', async (option, ErrorClass, values) => {
    for (const value of values) {
      const [source, options] = option === 'source' ? [value, undefined] : [file, { [option]: value }];
      await expectRejection(
        PretrainedTokenizer.load(source as Uint8Array, options),
        invalidOption(ErrorClass, option, value),
      );
    }
  });
});

describe('init', () => {
  it('is idempotent', async () => {
    await Promise.all([init(), init(), init({})]);
    expect(fromJSON(wordPiece).encode('hello')).toEqual([4]);
  });

  it('refuses wrong options', async () => {
    await expectRejection(init({ wasm: 3 as unknown as string }), invalidOption(TypeError, 'wasm', 3));
    await expectRejection(init({ backend: 'wasm' } as object), invalidOption(TypeError, 'backend', 'wasm'));
  });

  it('a module that is none is an error where it is needed, and the old one stays', async () => {
    const wrong = init({ wasm: Uint8Array.of(1, 2, 3) });
    if (inject('backend') === 'wasm')
      await expectRejection(wrong, { class: Error, code: 'ERR_BACKEND_UNAVAILABLE' });
    else {
      await wrong; // the addon needs no module
      await init({ wasm: Promise.reject(new Error('no module')) }); // an unhandled rejection would fail this run
    }
    expect(fromJSON(wordPiece).encode('hello')).toEqual([4]);
  });
});

describe('dispose', () => {
  it('ends the methods, and keeps what was read', () => {
    const tokenizer = fromJSON(wordPiece);
    const decoder = tokenizer.decoder();
    expect(tokenizer.disposed).toBe(false);
    tokenizer.dispose();
    tokenizer.dispose();
    expect(tokenizer.disposed).toBe(true);
    for (const use of [
      () => tokenizer.encode('hello'),
      () => tokenizer.encodeBatch([]),
      () => tokenizer.decode([4]),
      () => tokenizer.decoder(),
      () => decoder.write([4]),
      () => decoder.end(),
      () => tokenizer.tokenToId('a'),
      () => tokenizer.idToToken(1),
      () => tokenizer.padSequences([]),
    ]) {
      expectError(use, disposed);
    }
    expect(tokenizer.vocabSize).toBe(12);
    expect(tokenizer.toJSON()).toEqual(wordPiece);
  });

  it('by using', () => {
    const tokenizer = fromJSON(wordPiece);
    tokenizer[Symbol.dispose ?? (Symbol.for('Symbol.dispose') as typeof Symbol.dispose)]();
    expect(tokenizer.disposed).toBe(true);
  });
});
