import { BPETokenizer } from 'tokenbed/tokenizer';
import { describe, expect, it } from 'vitest';
import { thrown } from './helpers/errors.js';
import { encodeBytes, encodeWords, trainBytes, trainWords } from './tokenizer-reference.js';

const loose = (value: unknown): never => value as never;

const corpus = [
  'The quick brown fox jumps over the lazy dog.\nThe dog sleeps, the fox does not.',
  'She sells sea shells by the sea shore; the shells she sells are sea shells for sure.',
  'aaaa aaa aa a aaaaaaa banana bananas ananas',
];

describe('BPETokenizer, bytes', () => {
  it('starts with 4 special tokens and 256 bytes', () => {
    const tokenizer = new BPETokenizer({ vocabSize: 260, mode: 'bytes' }).train(corpus);
    expect(tokenizer.vocabSize).toBe(260);
    expect(tokenizer.merges).toEqual([]);
    expect(tokenizer.encode('A\0é')).toEqual([4 + 65, 4, 4 + 0xc3, 4 + 0xa9]);
    expect(tokenizer.encode('A', { addSpecialTokens: true })).toEqual([2, 69, 3]);
    expect(tokenizer.encode('')).toEqual([]);
    expect(tokenizer.encode('', { addSpecialTokens: true })).toEqual([2, 3]);
  });

  it('gives merge k the id 260 + k and crosses spaces', () => {
    const tokenizer = new BPETokenizer({ vocabSize: 263, mode: 'bytes' }).train(['a b a b a b']);
    const [a, b, space] = [4 + 97, 4 + 98, 4 + 32];
    expect(tokenizer.merges).toEqual([
      [a, space],
      [260, b],
      [261, space],
    ]);
    expect(tokenizer.encode('a b a ba ')).toEqual([262, 261, 260]);
    expect(tokenizer.vocabSize).toBe(263);
  });

  it('trains and encodes like the reference', () => {
    for (const target of [261, 270, 300, 1000]) {
      const tokenizer = new BPETokenizer({ vocabSize: target, mode: 'bytes' }).train(corpus);
      const merges = trainBytes(corpus, target);
      expect(tokenizer.merges).toEqual(merges);
      for (const text of [...corpus, corpus.join(''), 'the zebra', 'a'.repeat(1000), '\u{1f680} aaa']) {
        expect(tokenizer.encode(text)).toEqual(encodeBytes(text, merges));
      }
    }
  });

  it.each([
    ['counts overlapping pairs', ['aaa'], [[101, 101]]],
    ['needs a pair twice', ['ab'], []],
    ['prefers the pair met first', ['xy ab ab xy'], [[124, 125]]],
    ['lets no pair cross two texts', ['a', 'b', 'a', 'b'], []],
    ['counts a pair in two texts', ['ab', 'ab'], [[101, 102]]],
    ['prefers the more frequent', ['xyxyababab'], [[101, 102]]],
  ])('%s', (_, texts, merges) => {
    const tokenizer = new BPETokenizer({ vocabSize: 261, mode: 'bytes' }).train(texts);
    expect(tokenizer.merges).toEqual(merges);
  });

  it('breaks ties by the first occurrence in the corpus as merged so far', () => {
    // b c occurs first in the original text. After the merge of a b, its first occurrence is behind that of d e.
    const texts = ['abc', 'ab', 'ab', 'de', 'bc', 'bc', 'de'];
    const tokenizer = new BPETokenizer({ vocabSize: 264, mode: 'bytes' }).train(texts);
    expect(tokenizer.merges).toEqual(trainBytes(texts, 264));
    expect(tokenizer.merges.slice(0, 3)).toEqual([
      [101, 102],
      [104, 105],
      [102, 103],
    ]);
  });

  it('merges runs from the left', () => {
    const tokenizer = new BPETokenizer({ vocabSize: 261, mode: 'bytes' }).train(['aaaa']);
    const runs = Array.from({ length: 6 }, (_, length) => tokenizer.encode('a'.repeat(length)));
    expect(runs).toEqual([[], [101], [260], [260, 101], [260, 260], [260, 260, 101]]);
  });

  it('is lossless', () => {
    const tokenizer = new BPETokenizer({ vocabSize: 400, mode: 'bytes' }).train(corpus);
    for (const text of [
      '',
      ' \t\r\n\u3000\0',
      '\ufeffwith a byte order mark',
      'e\u0301 \u00e9 \u05d0\u05d1 \u4e2d\u6587 \u{1f680}\u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u{10ffff}\uffff',
      '<PAD><UNK><BOS><EOS></w>',
      ...corpus,
    ]) {
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      expect(Math.min(4, ...tokenizer.encode(text))).toBe(4);
    }
  });

  it('replaces lone surrogates and split characters by U+FFFD', () => {
    const tokenizer = new BPETokenizer({ vocabSize: 400, mode: 'bytes' }).train(['\ud83d', 'a\ude80']);
    expect(tokenizer.encode('\ud83d')).toEqual(tokenizer.encode('\ufffd'));
    expect(tokenizer.decode(tokenizer.encode('a\ud83db\ude80'))).toBe('a\ufffdb\ufffd');
    expect(tokenizer.decode([4 + 0xf0, 4 + 0x9f])).toBe('\ufffd');
  });

  it('omits special tokens on decode, or spells them out', () => {
    const tokenizer = new BPETokenizer({ vocabSize: 261, mode: 'bytes' }).train(['aa', 'aa']);
    expect(tokenizer.decode([2, 260, 1, 101, 3, 0])).toBe('aaa');
    expect(tokenizer.decode([2, 260, 1, 101, 3, 0], { skipSpecialTokens: false })).toBe(
      '<BOS>aa<UNK>a<EOS><PAD>',
    );
    expect(tokenizer.decode(new Uint16Array([260, 101]))).toBe('aaa');
    expect(thrown(() => tokenizer.decode([101, 261]))).toMatchObject({
      code: 'ERR_ID_OUT_OF_RANGE',
      value: 261,
      position: 1,
      bound: 261,
    });
  });

  it('encodes long runs and long tokens within a few seconds', () => {
    const tokenizer = new BPETokenizer({ vocabSize: 300, mode: 'bytes' }).train(['a'.repeat(2 ** 20)]);
    expect(tokenizer.merges).toHaveLength(19);
    const text = 'a'.repeat(2 ** 20 + 7);
    const ids = tokenizer.encode(text);
    expect(ids).toEqual([278, 278, 261, 260, 101]);
    expect(tokenizer.decode(ids)).toBe(text);
  });
});

describe('BPETokenizer, words', () => {
  it('trains and encodes like the reference', () => {
    for (const target of [1, 40, 60, 90, 1000]) {
      const tokenizer = new BPETokenizer({ vocabSize: target }).train(corpus);
      const reference = trainWords(corpus, target);
      expect(tokenizer.merges).toEqual(reference.merges);
      expect([...tokenizer.vocab]).toEqual([...reference.vocab]);
      expect(tokenizer.vocabSize).toBe(reference.vocab.size);
      for (const text of [...corpus, 'the zebra SELLS bananananas']) {
        expect(tokenizer.encode(text, { addSpecialTokens: false })).toEqual(encodeWords(text, reference));
      }
    }
  });

  it('lowercases, closes words, and sorts the alphabet by code point', () => {
    const tokenizer = new BPETokenizer({ vocabSize: 1 }).train(['Ab < = \u{1f680}\uffff B']);
    expect([...tokenizer.vocab.keys()].slice(0, 4)).toEqual(['<PAD>', '<UNK>', '<BOS>', '<EOS>']);
    expect([...tokenizer.vocab.keys()].slice(4)).toEqual(['<', '</w>', '=', 'a', 'b', '\uffff', '\u{1f680}']);
    expect([...tokenizer.vocab.values()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(tokenizer.vocabSize).toBe(11);
    expect(tokenizer.targetVocabSize).toBe(1);
    expect(tokenizer.merges).toEqual([]);
    expect(tokenizer.encode('aB')).toEqual([2, 7, 8, 5, 3]);
    expect(tokenizer.encode('')).toEqual([2, 3]);
    expect(tokenizer.encode(' \n', { addSpecialTokens: false })).toEqual([]);
  });

  it("splits exactly at Python's white space", () => {
    const white =
      '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';
    const tokenizer = new BPETokenizer({ vocabSize: 1 }).train(['ab\ufeff\u200b\u180e']);
    const word = tokenizer.encode('a', { addSpecialTokens: false });
    for (const space of white) {
      expect(tokenizer.encode(`${space}a${space}${space}a${space}`, { addSpecialTokens: false })).toEqual([
        ...word,
        ...word,
      ]);
    }
    for (const other of '\ufeff\u200b\u180e') {
      expect(tokenizer.encode(`a${other}a`, { addSpecialTokens: false })).toHaveLength(4);
      expect(tokenizer.decode(tokenizer.encode(`${other}a${other}`))).toBe(`${other}a${other}`);
    }
  });

  it('encodes unknown characters as one <UNK> per code point, which decode omits', () => {
    const tokenizer = new BPETokenizer({ vocabSize: 30 }).train(['low low lower']);
    const ids = tokenizer.encode('l\u{1f680}ow \ud83d low', { addSpecialTokens: false });
    expect(ids.filter((id) => id === 1)).toHaveLength(2);
    expect(tokenizer.decode(ids)).toBe('low  low');
    expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe('l<UNK>ow <UNK> low');
    expect(tokenizer.decode(tokenizer.encode('LOWER\n low'))).toBe('lower low');
    const end = tokenizer.vocab.get('</w>')!;
    expect(tokenizer.decode([end, end, ...ids, end, end])).toBe('low  low');
    expect(tokenizer.decode(tokenizer.encode('low'), { skipSpecialTokens: false })).toBe('<BOS>low <EOS>');
  });

  it('never encodes text that spells a special token or </w> as that token', () => {
    const text = '<pad> <unk> </w> x</w>y </w></w>';
    const tokenizer = new BPETokenizer({ vocabSize: 500 }).train([`${text} ${text} ${text}`]);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(tokenizer.decode(tokenizer.encode('<PAD>'))).toBe('<pad>');
    expect(tokenizer.encode('<PAD>', { addSpecialTokens: false })).not.toContain(0);
    for (const spelling of tokenizer.vocab.keys()) {
      expect(spelling.replace(/<\/w>$/, '')).not.toContain('</w>');
    }
  });

  it('has no two merges with the same spelling', () => {
    // a b and b c compete for the b of abc, in words in which either is more frequent.
    const texts = [
      ['ab', 10],
      ['abc', 6],
      ['xbc', 9],
      ['abcd', 3],
      ['zabcd', 3],
      ['abbc', 4],
      ['ababc', 2],
    ].map(([word, count]) => `${word} `.repeat(Number(count)));
    for (let target = 5; target < 60; target++) {
      const tokenizer = new BPETokenizer({ vocabSize: target }).train(texts);
      const reference = trainWords(texts, target);
      expect(tokenizer.merges).toEqual(reference.merges);
      expect([...tokenizer.vocab]).toEqual([...reference.vocab]);
      expect(new Set(tokenizer.merges.map((pair) => pair.join(''))).size).toBe(tokenizer.merges.length);
    }
  });

  it('has only special tokens after training on no text', () => {
    const tokenizer = new BPETokenizer().train([]);
    expect(tokenizer.vocabSize).toBe(4);
    expect(tokenizer.encode('a')).toEqual([2, 1, 1, 3]);
    expect(tokenizer.decode([2, 1, 1, 3])).toBe('');
  });
});

describe.each(['words', 'bytes'] as const)('BPETokenizer in both modes: %s', (mode) => {
  it('must be trained before encoding', () => {
    const tokenizer = new BPETokenizer({ mode });
    const error = thrown(() => tokenizer.encode('a'));
    expect(error.constructor).toBe(Error);
    expect(error).toMatchObject({ code: 'ERR_NOT_TRAINED' });
    expect(error.message).toBe('BPETokenizer must be trained before encoding!');
    expect(tokenizer.vocabSize).toBe(mode === 'words' ? 4 : 260);
    expect(tokenizer.targetVocabSize).toBe(1000);
    expect(tokenizer.mode).toBe(mode);
    expect(tokenizer.padSequences([[7], [8, 9]])).toEqual([
      [7, 0],
      [8, 9],
    ]);
  });

  it('trains from scratch each time, on any iterable, and returns itself', () => {
    const tokenizer = new BPETokenizer({ mode, vocabSize: 300 });
    expect(tokenizer.train(['zzzz zzzz'])).toBe(tokenizer);
    const lines = function* () {
      yield* corpus;
    };
    tokenizer.train(lines());
    const fresh = new BPETokenizer({ mode, vocabSize: 300 }).train(new Set(corpus));
    expect(tokenizer.toJSON()).toEqual(fresh.toJSON());
    tokenizer.train([]);
    expect(tokenizer.merges).toEqual([]);
  });

  it('reports progress, and is unchanged if training throws', () => {
    const tokenizer = new BPETokenizer({ mode, vocabSize: 300 }).train(corpus);
    const before = tokenizer.toJSON();
    const stop = new Error('stop');
    const seen: number[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => {
      expect(done).toBeLessThanOrEqual(total);
      seen.push(done);
      if (done === 3) throw stop;
    };
    expect(thrown(() => tokenizer.train(['abcabcabc abcabc'], { onProgress }))).toBe(stop);
    expect(seen).toEqual([1, 2, 3]);
    expect(thrown(() => tokenizer.train(loose(['ab', 7])))).toMatchObject({ option: 'texts[1]', value: 7 });
    const broken = (function* () {
      yield 'abab';
      throw stop;
    })();
    expect(thrown(() => tokenizer.train(broken))).toBe(stop);
    expect(tokenizer.toJSON()).toEqual(before);
  });

  it('freezes its merges', () => {
    const { merges } = new BPETokenizer({ mode, vocabSize: 300 }).train(corpus);
    expect(merges.length).toBeGreaterThan(0);
    expect(Object.isFrozen(merges)).toBe(true);
    expect(Object.isFrozen(merges[0])).toBe(true);
  });

  it('survives the round trip through JSON', () => {
    const trained = new BPETokenizer({ mode, vocabSize: 300 }).train([...corpus, '\u{1f680} \ud83d \ud83d']);
    for (const tokenizer of [trained, new BPETokenizer({ mode })]) {
      for (const json of [tokenizer.toJSON(), JSON.stringify(tokenizer)]) {
        const again = BPETokenizer.fromJSON(json);
        expect(again.toJSON()).toEqual(tokenizer.toJSON());
        expect(again.vocabSize).toBe(tokenizer.vocabSize);
        expect(again.targetVocabSize).toBe(tokenizer.targetVocabSize);
        expect([...again.vocab]).toEqual([...tokenizer.vocab]);
      }
    }
    const again = BPETokenizer.fromJSON(JSON.stringify(trained));
    for (const text of corpus) expect(again.encode(text)).toEqual(trained.encode(text));
    expect(
      thrown(() => BPETokenizer.fromJSON(new BPETokenizer({ mode }).toJSON()).encode('a')),
    ).toMatchObject({
      code: 'ERR_NOT_TRAINED',
    });
  });

  it('toJSON returns a copy', () => {
    const tokenizer = new BPETokenizer({ mode, vocabSize: 300 }).train(corpus);
    const before = tokenizer.encode(corpus[0]!);
    const json = tokenizer.toJSON();
    const again = BPETokenizer.fromJSON(json);
    (json.merges as unknown[]).length = 0;
    (json.merges as unknown[]).push(['x', 'y']);
    expect(tokenizer.encode(corpus[0]!)).toEqual(before);
    expect(again.encode(corpus[0]!)).toEqual(before);
    expect(again.toJSON().merges).toEqual(tokenizer.merges);
  });
});

describe('BPETokenizer, wrong arguments', () => {
  const tokenizer = new BPETokenizer().train(corpus);

  it('are TypeErrors for wrong types', () => {
    const calls: [() => unknown, string][] = [
      [() => new BPETokenizer(loose(null)), 'options'],
      [() => new BPETokenizer(loose(1000)), 'options'],
      [() => new BPETokenizer(loose({ vocab: 5 })), 'vocab'],
      [() => new BPETokenizer({ vocabSize: loose('1000') }), 'vocabSize'],
      [() => new BPETokenizer({ mode: loose(1) }), 'mode'],
      [() => tokenizer.train(loose('text')), 'texts'],
      [() => tokenizer.train(loose(undefined)), 'texts'],
      [() => tokenizer.train(loose({})), 'texts'],
      [() => tokenizer.train([], loose({ progress: 1 })), 'progress'],
      [() => tokenizer.train([], { onProgress: loose(1) }), 'onProgress'],
      [() => tokenizer.encode(loose(7)), 'text'],
      [() => tokenizer.encode('', loose({ addSpecialTokens: 0 })), 'addSpecialTokens'],
      [() => tokenizer.decode([], loose({ skipSpecialTokens: null })), 'skipSpecialTokens'],
    ];
    for (const [call, option] of calls) {
      const error = thrown(call);
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option });
    }
  });

  it('are RangeErrors for invalid values', () => {
    const calls: [() => unknown, string, unknown][] = [
      [() => new BPETokenizer({ vocabSize: 0 }), 'vocabSize', 0],
      [() => new BPETokenizer({ vocabSize: 1.5 }), 'vocabSize', 1.5],
      [() => new BPETokenizer({ vocabSize: NaN }), 'vocabSize', NaN],
      [() => new BPETokenizer({ vocabSize: 2 ** 32 + 1 }), 'vocabSize', 2 ** 32 + 1],
      [() => new BPETokenizer({ vocabSize: 259, mode: 'bytes' }), 'vocabSize', 259],
      [() => new BPETokenizer({ mode: loose('chars') }), 'mode', 'chars'],
    ];
    for (const [call, option, value] of calls) {
      const error = thrown(call);
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option, value });
    }
    expect(new BPETokenizer({ vocabSize: 2 ** 32, mode: 'bytes' }).targetVocabSize).toBe(2 ** 32);
  });
});

describe('BPETokenizer.fromJSON', () => {
  const words = new BPETokenizer({ vocabSize: 60 }).train(corpus).toJSON();
  const bytes = new BPETokenizer({ vocabSize: 270, mode: 'bytes' }).train(corpus).toJSON();
  const letters = ['a', 'b', '</w>', '<', '/', 'w', '>', 'P', 'A', 'D'];

  it.each<[string, unknown]>([
    ['the whole', undefined],
    ['the whole', [bytes]],
    ['text', '{"type":'],
    ['type', { ...bytes, type: 'CharTokenizer' }],
    ['version', { ...bytes, version: '1' }],
    ['mode', { ...bytes, mode: 'byte' }],
    ['more', { ...bytes, more: 1 }],
    ['vocabSize', { ...bytes, vocabSize: 259 }],
    ['vocabSize', { ...words, vocabSize: 0.5 }],
    ['vocabSize', { ...words, vocabSize: null }],
    ['trained', { ...words, trained: 1 }],
    ['trained', { ...words, trained: false }],
    ['trained', { ...words, trained: false, merges: [] }],
    ['trained', { ...bytes, trained: false }],
    ['alphabet', { ...bytes, alphabet: [] }],
    ['alphabet', { ...words, alphabet: undefined }],
    ['alphabet[1]', { ...words, alphabet: ['a', ' '], merges: [] }],
    ['alphabet[1]', { ...words, alphabet: ['a', '\u3000'], merges: [] }],
    ['alphabet[1]', { ...words, alphabet: ['a', 'ab'], merges: [] }],
    ['alphabet[1]', { ...words, alphabet: ['a', 'a'], merges: [] }],
    ['merges', { ...bytes, merges: {} }],
    ['merges', { ...bytes, vocabSize: 265 }],
    ['merges[1]', { ...bytes, merges: [[101, 102], [101]] }],
    ['merges[1]', { ...bytes, merges: [[101, 102], 5] }],
    ['merges[0]', { ...bytes, merges: [[101, 102, 103]] }],
    ['merges[0][1]', { ...bytes, merges: [[101, 260]] }],
    [
      'merges[1][0]',
      {
        ...bytes,
        merges: [
          [101, 102],
          [261, 5],
        ],
      },
    ],
    ['merges[0][0]', { ...bytes, merges: [[3, 101]] }],
    ['merges[0][0]', { ...bytes, merges: [[101.5, 101]] }],
    ['merges[0][0]', { ...bytes, merges: [['a', 'b']] }],
    ['merges[0][0]', { ...bytes, merges: [Array(2)] }],
    [
      'merges[2]',
      {
        ...bytes,
        merges: [
          [5, 6],
          [6, 5],
          [5, 6],
        ],
      },
    ],
    [
      'merges[3]',
      {
        ...words,
        alphabet: letters,
        merges: [
          ['a', 'b'],
          ['b', 'w'],
          ['ab', 'w'],
          ['a', 'bw'],
        ],
      },
    ],
    ['merges[0][1]', { ...words, alphabet: letters, merges: [['a', 'c']] }],
    ['merges[0][0]', { ...words, alphabet: letters, merges: [[4, 'a']] }],
    ['merges[0][0]', { ...words, alphabet: letters, merges: [['<PAD>', 'a']] }],
    [
      'merges[1][0]',
      {
        ...words,
        alphabet: letters,
        merges: [
          ['a', 'b'],
          ['ba', 'a'],
        ],
      },
    ],
    ['merges[0]', { ...words, alphabet: letters, merges: [['</w>', 'a']] }],
    [
      'merges[2]',
      {
        ...words,
        alphabet: letters,
        merges: [
          ['<', '/'],
          ['w', '>'],
          ['</', 'w>'],
        ],
      },
    ],
    [
      'merges[3]',
      {
        ...words,
        alphabet: letters,
        merges: [
          ['<', 'P'],
          ['A', 'D'],
          ['<P', 'AD'],
          ['<PAD', '>'],
        ],
      },
    ],
  ])('reports %s', (where, json) => {
    const error = thrown(() => BPETokenizer.fromJSON(json));
    expect(error.constructor).toBe(Error);
    expect(error).toMatchObject({ code: 'ERR_FORMAT', where });
    expect(error.message).toContain(where);
  });

  it('handles tokens whose lengths double', () => {
    const merges = Array.from({ length: 70 }, (_, rank) =>
      rank === 0 ? [101, 101] : [259 + rank, 259 + rank],
    );
    const bomb = BPETokenizer.fromJSON({ ...bytes, vocabSize: 400, merges });
    expect(bomb.decode([262])).toBe('aaaaaaaa');
    const error = thrown(() => bomb.decode([329]));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ code: 'ERR_TOO_LARGE', bytes: 2 ** 70 });

    const doubled = Array.from({ length: 40 }, (_, rank) =>
      Array(2).fill('a'.repeat(2 ** Math.min(rank, 22))),
    );
    expect(thrown(() => BPETokenizer.fromJSON({ ...words, alphabet: ['a'], merges: doubled }))).toMatchObject(
      {
        code: 'ERR_FORMAT',
        where: 'merges[20]',
      },
    );
  });
});
