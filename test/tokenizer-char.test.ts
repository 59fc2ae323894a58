import { CharTokenizer } from 'tokenbed/tokenizer';
import { describe, expect, it } from 'vitest';
import { thrown } from './helpers/errors.js';

const loose = (value: unknown): never => value as never;

describe('CharTokenizer', () => {
  const tokenizer = new CharTokenizer();

  it('encodes known sentences', () => {
    expect(tokenizer.encode('Hello world!')).toEqual([2, 44, 73, 80, 80, 83, 4, 91, 83, 86, 80, 72, 5, 3]);
    expect(tokenizer.encode('Hi!')).toEqual([2, 44, 77, 5, 3]);
    expect(tokenizer.encode('Hi!', { addSpecialTokens: false })).toEqual([44, 77, 5]);
    expect(tokenizer.encode('')).toEqual([2, 3]);
    expect(tokenizer.encode('', { addSpecialTokens: false })).toEqual([]);
  });

  it('has 99 entries: four special tokens, then ASCII 32 to 126 as 4 to 98', () => {
    expect(tokenizer.vocabSize).toBe(99);
    expect(tokenizer.specialTokens).toEqual(['<PAD>', '<UNK>', '<BOS>', '<EOS>']);
    expect(tokenizer.encode(' ~', { addSpecialTokens: false })).toEqual([4, 98]);
    expect(tokenizer.encode('\x1f\x7f\n', { addSpecialTokens: false })).toEqual([1, 1, 1]);
  });

  it('encodes each code point outside the alphabet as one <UNK>', () => {
    const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });
    expect(encode('é')).toEqual([1]);
    expect(encode('a\u{1f680}b')).toEqual([69, 1, 70]);
    expect(encode('\ud83d')).toEqual([1]);
    expect(encode('\ude80\ud83d!')).toEqual([1, 1, 5]);
    expect(encode('e\u0301')).toEqual([73, 1]);
  });

  it('never encodes text that spells a special token as its id', () => {
    const text = '<PAD><UNK><BOS><EOS>';
    const ids = tokenizer.encode(text, { addSpecialTokens: false });
    expect(ids).toHaveLength(text.length);
    expect(Math.min(...ids)).toBeGreaterThanOrEqual(4);
    expect(tokenizer.decode(ids)).toBe(text);
    const odd = new CharTokenizer({ specialTokens: ['~'] });
    expect(odd.decode(odd.encode('~~'))).toBe('~~');
    expect(odd.encode('~', { addSpecialTokens: false })).toEqual([99]);
  });

  it('omits special tokens on decode, or spells them out', () => {
    const ids = [2, 44, 1, 77, 5, 3, 0, 0];
    expect(tokenizer.decode(ids)).toBe('Hi!');
    expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe('<BOS>H<UNK>i!<EOS><PAD><PAD>');
    expect(tokenizer.decode([])).toBe('');
  });

  it.each([
    ['Int8Array', Int8Array],
    ['Uint8Array', Uint8Array],
    ['Uint8ClampedArray', Uint8ClampedArray],
    ['Int16Array', Int16Array],
    ['Uint16Array', Uint16Array],
    ['Int32Array', Int32Array],
    ['Uint32Array', Uint32Array],
  ])('decodes an %s', (_, Class) => {
    expect(tokenizer.decode(new Class([2, 44, 77, 5, 3]))).toBe('Hi!');
    expect(tokenizer.decode(new Class([9, 44, 77, 5]).subarray(1))).toBe('Hi!');
    expect(tokenizer.decode(new Class(0))).toBe('');
    expect(thrown(() => tokenizer.decode(new Class([4, 99])))).toMatchObject({
      code: 'ERR_ID_OUT_OF_RANGE',
      value: 99,
      position: 1,
      bound: 99,
    });
  });

  it('decodes 64-bit ids, a single id, and a branded Tensor', () => {
    expect(tokenizer.decode(new BigInt64Array([44n, 77n, 5n]))).toBe('Hi!');
    expect(tokenizer.decode(new BigUint64Array([44n, 77n, 5n]))).toBe('Hi!');
    expect(tokenizer.decode(44)).toBe('H');
    expect(tokenizer.decode([44, -0], { skipSpecialTokens: false })).toBe('H<PAD>');
    const tensor = (data: unknown) =>
      ({ [Symbol.for('tokenbed.Tensor')]: true, data, shape: [3], dtype: 'i32' }) as const;
    expect(tokenizer.decode(tensor(new Int32Array([44, 77, 5])))).toBe('Hi!');
    expect(thrown(() => tokenizer.decode(tensor(new Float32Array([44]))))).toMatchObject({
      code: 'ERR_INVALID_IDS',
    });
    expect(thrown(() => tokenizer.decode(new BigUint64Array([2n ** 64n - 1n])))).toMatchObject({
      code: 'ERR_ID_OUT_OF_RANGE',
      value: 2n ** 64n - 1n,
      position: 0,
    });
    expect(thrown(() => tokenizer.decode(new BigInt64Array([4n, -1n])))).toMatchObject({
      value: -1n,
      position: 1,
    });
  });

  it.each([99, -1, 2 ** 32, 1e300, -4])('rejects the id %d, which does not exist', (id) => {
    const error = thrown(() => tokenizer.decode([4, id]));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ code: 'ERR_ID_OUT_OF_RANGE', value: id, position: 1, bound: 99 });
    expect(error.message).toContain('Token indices must be in range [0, 99): got');
  });

  it.each([[1.5], [NaN], [Infinity], ['4'], [null], [undefined], [true], [4n], [{}]])(
    'rejects the entry %s',
    (entry) => {
      const error = thrown(() => tokenizer.decode(loose([4, 5, entry])));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'ERR_INVALID_ID', value: entry, position: 2 });
      expect(error.message).toContain('Token indices must be integers');
    },
  );

  it('rejects holes, nesting and values that are not ids', () => {
    // oxlint-disable-next-line no-sparse-arrays
    expect(thrown(() => tokenizer.decode([4, , 5] as number[]))).toMatchObject({
      code: 'ERR_INVALID_ID',
      position: 1,
    });
    const detached = new Int32Array([4]);
    structuredClone(detached, { transfer: [detached.buffer] });
    const wrong = [
      [[4]],
      [new Int32Array(1)],
      'Hi!',
      null,
      undefined,
      true,
      4n,
      {},
      new Map(),
      new Float32Array([4]),
      new Float64Array(0),
      new DataView(new ArrayBuffer(8)),
      new ArrayBuffer(8),
      { length: 1, 0: 4 },
      detached,
    ];
    for (const ids of wrong) {
      const error = thrown(() => tokenizer.decode(loose(ids)));
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'ERR_INVALID_IDS' });
    }
  });

  it.each([[null], [undefined], [1], [['a']], [{}]])('rejects %s as text', (text) => {
    const error = thrown(() => tokenizer.encode(loose(text)));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'text', value: text });
  });

  it('checks the options of every method', () => {
    const calls: [() => unknown, string][] = [
      [() => tokenizer.encode('', loose({ addSpecialToken: true })), 'addSpecialToken'],
      [() => tokenizer.encode('', loose({ addSpecialTokens: 1 })), 'addSpecialTokens'],
      [() => tokenizer.encode('', loose(null)), 'options'],
      [() => tokenizer.encode('', loose(true)), 'options'],
      [() => tokenizer.decode([], loose({ skipSpecialTokens: 'no' })), 'skipSpecialTokens'],
      [() => tokenizer.decode([], loose({ skip: true })), 'skip'],
      [() => new CharTokenizer(loose({ special: [] })), 'special'],
      [() => new CharTokenizer(loose([])), 'options'],
      [() => new CharTokenizer({ specialTokens: loose('<PAD>') }), 'specialTokens'],
      [() => new CharTokenizer({ specialTokens: loose([1]) }), 'specialTokens'],
      [() => new CharTokenizer({ alphabet: loose(12) }), 'alphabet'],
      [() => new CharTokenizer({ alphabet: loose(null) }), 'alphabet'],
      [() => new CharTokenizer({ alphabet: loose(['a', 1]) }), 'alphabet'],
      [() => CharTokenizer.fromCorpus(loose('abc')), 'texts'],
      [() => CharTokenizer.fromCorpus(loose(null)), 'texts'],
      [() => CharTokenizer.fromCorpus(loose(['a', 2])), 'texts[1]'],
      [() => CharTokenizer.fromCorpus([], loose({ alphabet: 'a' })), 'alphabet'],
    ];
    for (const [call, option] of calls) {
      const error = thrown(call);
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option });
    }
    for (const options of [
      { specialTokens: [''] },
      { specialTokens: ['<X>', '<X>'] },
      { alphabet: 'abca' },
      { alphabet: ['ab'] },
      { alphabet: [''] },
      { alphabet: ['e\u0301'] },
    ]) {
      const error = thrown(() => new CharTokenizer(options));
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: Object.keys(options)[0] });
    }
  });

  it('appends special tokens to the four default ones', () => {
    for (const specialTokens of [
      ['<MASK>'],
      ['<PAD>', '<UNK>', '<BOS>', '<EOS>', '<MASK>'],
      ['<MASK>', '<PAD>'],
    ]) {
      const masked = new CharTokenizer({ specialTokens });
      expect(masked.specialTokens).toEqual(['<PAD>', '<UNK>', '<BOS>', '<EOS>', '<MASK>']);
      expect(masked.vocabSize).toBe(100);
      expect(masked.encode('<MASK>', { addSpecialTokens: false })).toHaveLength(6);
      expect(masked.decode([4, 5], { skipSpecialTokens: false })).toBe('<MASK> ');
      expect(masked.decode([4, 5])).toBe(' ');
    }
  });

  it('uses an alphabet of code points in its order', () => {
    for (const alphabet of ['ba\u{1f680}\ud83d', ['b', 'a', '\u{1f680}', '\ud83d']]) {
      const custom = new CharTokenizer({ alphabet });
      expect(custom.vocabSize).toBe(8);
      expect(custom.encode('ab\u{1f680}\ud83d\ude80c', { addSpecialTokens: false })).toEqual([5, 4, 6, 6, 1]);
      expect(custom.encode('\ud83d', { addSpecialTokens: false })).toEqual([7]);
    }
    expect(new CharTokenizer({ alphabet: '' }).encode('a')).toEqual([2, 1, 3]);
  });

  it('derives a sorted alphabet from a corpus', () => {
    const texts = ['z\u{1f680}a', '\uffffa', ''];
    const corpus = CharTokenizer.fromCorpus(new Set(texts));
    expect(corpus.alphabet).toEqual(['a', 'z', '\uffff', '\u{1f680}']);
    expect(CharTokenizer.fromCorpus(texts.reverse()).alphabet).toEqual(corpus.alphabet);
    expect(CharTokenizer.fromCorpus([]).vocabSize).toBe(4);
    expect(CharTokenizer.fromCorpus(['a'], { specialTokens: ['<X>'] }).encode('a')).toEqual([2, 5, 3]);
  });

  it('is immutable', () => {
    const letters = ['a', 'b'];
    const custom = new CharTokenizer({ alphabet: letters });
    letters[0] = 'c';
    expect(custom.decode([4])).toBe('a');
    expect(Object.isFrozen(custom.alphabet)).toBe(true);
    expect(Object.isFrozen(custom.specialTokens)).toBe(true);
    (custom.toJSON().alphabet as string[])[0] = 'z';
    expect(custom.decode([4])).toBe('a');
  });
});

describe('padSequences', () => {
  const tokenizer = new CharTokenizer();

  it('pads and truncates on the right without modifying the input', () => {
    const seqs = [[1, 2, 3], [4], [], [5, 6, 7, 8, 9]];
    const before = structuredClone(seqs);
    expect(tokenizer.padSequences(seqs)).toEqual([
      [1, 2, 3, 0, 0],
      [4, 0, 0, 0, 0],
      [0, 0, 0, 0, 0],
      [5, 6, 7, 8, 9],
    ]);
    expect(tokenizer.padSequences(seqs, 2)).toEqual([
      [1, 2],
      [4, 0],
      [0, 0],
      [5, 6],
    ]);
    expect(tokenizer.padSequences(seqs, 6)[3]).toEqual([5, 6, 7, 8, 9, 0]);
    expect(seqs).toEqual(before);
    const [row] = tokenizer.padSequences([seqs[3]!]);
    row![0] = 0;
    expect(seqs).toEqual(before);
  });

  it('accepts typed arrays and an empty list', () => {
    expect(tokenizer.padSequences([new Int32Array([7, 8]), new BigUint64Array([9n])])).toEqual([
      [7, 8],
      [9, 0],
    ]);
    expect(tokenizer.padSequences([])).toEqual([]);
    expect(tokenizer.padSequences([], 4)).toEqual([]);
    expect(tokenizer.padSequences([[], []])).toEqual([[], []]);
  });

  it('rejects excessive padding, unless there is nothing to pad', () => {
    for (const maxLength of [2 ** 26 + 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const error = thrown(() => tokenizer.padSequences([[1]], maxLength));
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ code: 'ERR_TOO_LARGE', bytes: maxLength * 8, limit: 2 ** 29 });
    }
    expect(tokenizer.padSequences([], Number.MAX_SAFE_INTEGER)).toEqual([]);
  });

  it('rejects invalid arguments', () => {
    for (const seqs of [null, undefined, 3, 'ab', new Int32Array(3), {}]) {
      expect(thrown(() => tokenizer.padSequences(loose(seqs)))).toMatchObject({ code: 'ERR_INVALID_IDS' });
    }
    const error = thrown(() => tokenizer.padSequences(loose([[1], 'ab'])));
    expect(error).toMatchObject({ code: 'ERR_INVALID_IDS' });
    expect(error.message).toContain('sequence 1');
    expect(thrown(() => tokenizer.padSequences([[1], [2, 0.5]]))).toMatchObject({
      code: 'ERR_INVALID_ID',
      value: 0.5,
      position: 1,
    });
    expect(thrown(() => tokenizer.padSequences([[-1]]))).toMatchObject({ code: 'ERR_ID_OUT_OF_RANGE' });
    for (const length of [0, -1, 1.5, NaN, Infinity]) {
      const wrong = thrown(() => tokenizer.padSequences([[1]], length));
      expect(wrong).toBeInstanceOf(RangeError);
      expect(wrong).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'maxLength', value: length });
    }
    for (const length of [null, '3', {}]) {
      const wrong = thrown(() => tokenizer.padSequences([[1]], loose(length)));
      expect(wrong).toBeInstanceOf(TypeError);
      expect(wrong).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'maxLength' });
    }
  });
});

describe('CharTokenizer as JSON', () => {
  const tokenizer = new CharTokenizer({ specialTokens: ['<MASK>'], alphabet: 'ba\u{1f680}\ud83d' });

  it('survives the round trip, as an object and as text', () => {
    for (const json of [
      tokenizer.toJSON(),
      JSON.parse(JSON.stringify(tokenizer)),
      JSON.stringify(tokenizer),
    ]) {
      const again = CharTokenizer.fromJSON(json);
      expect(again.toJSON()).toEqual(tokenizer.toJSON());
      expect(again.encode('ab\u{1f680}x\ud83d')).toEqual(tokenizer.encode('ab\u{1f680}x\ud83d'));
    }
  });

  it('reports the invalid entry', () => {
    const good = tokenizer.toJSON();
    const cases: [unknown, string][] = [
      [null, 'the whole'],
      [[], 'the whole'],
      [5, 'the whole'],
      ['{', 'text'],
      ['null', 'the whole'],
      [{ ...good, type: 'BPETokenizer' }, 'type'],
      [{ ...good, version: 2 }, 'version'],
      [{ ...good, extra: 1 }, 'extra'],
      [{ ...good, alphabet: undefined }, 'alphabet'],
      [{ ...good, alphabet: 'ab' }, 'alphabet'],
      [{ ...good, alphabet: ['a', 'bc'] }, 'alphabet[1]'],
      [{ ...good, alphabet: ['a', 'b', 'a'] }, 'alphabet[2]'],
      [{ ...good, alphabet: ['a', ''] }, 'alphabet[1]'],
      [{ ...good, alphabet: [7] }, 'alphabet[0]'],
      [{ ...good, alphabet: Array(2) }, 'alphabet[0]'],
      [{ ...good, specialTokens: {} }, 'specialTokens'],
      [{ ...good, specialTokens: ['<PAD>', '<UNK>', '<BOS>'] }, 'specialTokens[3]'],
      [{ ...good, specialTokens: ['<UNK>', '<PAD>', '<BOS>', '<EOS>'] }, 'specialTokens[0]'],
      [{ ...good, specialTokens: ['<PAD>', '<UNK>', '<BOS>', '<EOS>', ''] }, 'specialTokens[4]'],
      [{ ...good, specialTokens: ['<PAD>', '<UNK>', '<BOS>', '<EOS>', '<EOS>'] }, 'specialTokens[4]'],
    ];
    for (const [json, where] of cases) {
      const error = thrown(() => CharTokenizer.fromJSON(json));
      expect(error).toMatchObject({ code: 'ERR_FORMAT', where });
      expect(error.constructor).toBe(Error);
      expect(error.message).toContain(where);
    }
  });
});
