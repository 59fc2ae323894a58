/** The options of Embedding: absent, of a wrong type, invalid, misspelled, and in combination. */

import { Embedding, EmbeddingBag, EmbeddingLayer, type EmbeddingOptions, EmbeddingProfiler } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { expectBits } from './helpers/bits.js';
import { expectError, invalidOption } from './helpers/errors.js';

answersThroughout();

const Untyped = Embedding as unknown as new (options?: unknown) => Embedding;
const VALID = { vocabSize: 10, embeddingDim: 4, seed: 1 };

/** Creates a table with `VALID` and `changes`, and returns the result of `look`. */
function made<T>(changes: Partial<EmbeddingOptions>, look: (embedding: Embedding) => T): T {
  const embedding = new Embedding({ ...VALID, ...changes });
  expect(embedding.forward([0, embedding.vocabSize - 1]).size).toBe(2 * embedding.embeddingDim);
  const seen = look(embedding);
  embedding.dispose();
  return seen;
}

const refusesKind = (option: string, value: unknown) =>
  expectError(() => new Untyped({ ...VALID, [option]: value }), invalidOption(TypeError, option, value));
const refusesValue = (option: string, value: unknown) =>
  expectError(() => new Untyped({ ...VALID, [option]: value }), invalidOption(RangeError, option, value));

const NO_NUMBERS: readonly unknown[] = [
  '5',
  '',
  true,
  false,
  [],
  [5],
  {},
  () => 5,
  Symbol('5'),
  Object(5),
  new Date(0),
];

describe('the options object', () => {
  it.each([[undefined], [null], [5], ['x'], [true], [[]], [[10, 4]], [() => VALID], [5n], [Symbol('s')]])(
    'is required: %o',
    (options) => {
      expectError(() => new Untyped(options), invalidOption(TypeError, 'options', options));
    },
  );

  it('rejects unknown names; the message contains the known ones', () => {
    for (const name of [
      'vocab_size',
      'VocabSize',
      'dim',
      'dataType',
      'maxNorm',
      'sparse',
      '0',
      '',
      'toString',
      '__proto__ ',
    ]) {
      expectError(() => new Untyped({ ...VALID, [name]: 1 }), {
        ...invalidOption(TypeError, name, 1),
        text: [`Unknown option ${name}`, 'vocabSize', 'paddingIdx'],
      });
    }
    expectError(
      () => new Untyped({ ...VALID, dataType: undefined }),
      invalidOption(TypeError, 'dataType', undefined),
    );
  });

  it('names are checked before values', () => {
    expectError(() => new Untyped({ vocabSize: 'x', dim: 1 }), invalidOption(TypeError, 'dim', 1));
    expectError(() => new Untyped({ dim: 1 }), invalidOption(TypeError, 'dim', 1));
  });

  it('can be an instance of a class, inherit, and have symbols', () => {
    class Options {
      vocabSize = 3;
      embeddingDim = 2;
      get other(): number {
        return 1;
      }
    }
    expect(new Untyped(new Options()).vocabSize).toBe(3);
    const inherited = Object.assign(Object.create({ vocabSize: 5 }) as object, {
      embeddingDim: 2,
      [Symbol('x')]: 1,
    });
    expect(new Untyped(inherited).vocabSize).toBe(5);
    const hidden = Object.defineProperty({ ...VALID }, 'other', { value: 1, enumerable: false });
    expect(new Untyped(hidden).vocabSize).toBe(10);
    expect(new Untyped(Object.assign(Object.create(null) as object, VALID)).vocabSize).toBe(10);
  });

  it('undefined means absent for every option', () => {
    const look = ({ initType, paddingIdx, seed, dtype }: Embedding) => [
      initType,
      paddingIdx,
      typeof seed,
      dtype,
    ];
    const none = {
      paddingIdx: undefined,
      initType: undefined,
      std: undefined,
      seed: undefined,
      dtype: undefined,
    };
    expect(made(none, look)).toEqual(['uniform', null, 'number', 'f32']);
  });

  it('exceptions of getters propagate', () => {
    const options = {
      get vocabSize(): number {
        throw new SyntaxError('mine');
      },
    };
    expect(() => new Untyped(options)).toThrow(new SyntaxError('mine'));
  });
});

describe.each([
  ['vocabSize', 2 ** 32],
  ['embeddingDim', 2 ** 53 - 1],
] as const)('%s', (name, most) => {
  it('is required', () => {
    expectError(
      () => new Untyped({ ...VALID, [name]: undefined }),
      invalidOption(TypeError, name, undefined),
    );
    const { [name]: _, ...rest } = VALID;
    expectError(() => new Untyped(rest), invalidOption(TypeError, name, undefined));
  });

  it('must be a number', () => {
    for (const value of [...NO_NUMBERS, null, 5n]) refusesKind(name, value);
  });

  it('must be an integer >= 1', () => {
    for (const value of [
      0,
      -0,
      -1,
      0.5,
      1.5,
      Number.NaN,
      Infinity,
      -Infinity,
      Number.MIN_VALUE,
      2 ** 53,
      1e300,
    ]) {
      refusesValue(name, value);
    }
    if (name === 'vocabSize') refusesValue(name, 2 ** 32 + 1);
    made({ [name]: 1 }, (embedding) => expect(embedding[name]).toBe(1));
    made({ [name]: 1000 }, (embedding) => expect(embedding[name]).toBe(1000));
  });

  it('is limited only by memory', () => {
    expectError(
      () =>
        new Untyped({
          ...VALID,
          [name]: most,
          [name === 'vocabSize' ? 'embeddingDim' : 'vocabSize']: 2 ** 20,
        }),
      {
        class: RangeError,
        code: 'ERR_TOO_LARGE',
        fields: { bytes: most * 2 ** 22 },
      },
    );
  });
});

describe('paddingIdx', () => {
  it('must be a number or null', () => {
    for (const value of [...NO_NUMBERS, 5n]) refusesKind('paddingIdx', value);
  });

  it('must be an integer in [-V, V)', () => {
    for (const value of [10, -11, 0.5, Number.NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53)]) {
      refusesValue('paddingIdx', value);
    }
    const padding = ({ paddingIdx }: Embedding) => paddingIdx;
    expect([0, -0, 9, -1, -10].map((paddingIdx) => made({ paddingIdx }, padding))).toEqual([0, 0, 9, 9, 0]);
    expect(made({ paddingIdx: null }, padding)).toBeNull();
  });
});

describe('initType', () => {
  it('must be one of four values', () => {
    for (const initType of ['uniform', 'normal', 'xavier', 'zeros'] as const) {
      expect(made({ initType }, (embedding) => embedding.initType)).toBe(initType);
    }
  });

  it.each([
    ['kaiming', 'kaiming'],
    ['Uniform', 'Uniform'],
    ['', ''],
    ['toString', 'toString'],
    [null, 'null'],
    [5, '5'],
    [true, 'true'],
    [5n, '5n'],
    [{}, 'an Object'],
    [['uniform'], 'an array of length 1'],
    [Symbol('uniform'), 'a symbol'],
    [() => 'uniform', 'a function'],
  ])('throws ERR_UNKNOWN_INIT for %o', (initType, text) => {
    expectError(() => new Untyped({ ...VALID, initType }), {
      class: RangeError,
      code: 'ERR_UNKNOWN_INIT',
      text: `Unknown init_type: ${text}`,
    });
    // The values of initType and seed are read in this order.
    expectError(() => new Untyped({ ...VALID, initType, seed: -1 }), {
      class: RangeError,
      code: 'ERR_UNKNOWN_INIT',
    });
  });
});

describe('std', () => {
  it('must be a number', () => {
    for (const value of [...NO_NUMBERS, null, 5n]) {
      expectError(
        () => new Untyped({ ...VALID, initType: 'normal', std: value }),
        invalidOption(TypeError, 'std', value),
      );
    }
  });

  it('must be finite and not negative', () => {
    for (const std of [-1, -Number.MIN_VALUE, Number.NaN, Infinity, -Infinity]) {
      expectError(
        () => new Untyped({ ...VALID, initType: 'normal', std }),
        invalidOption(RangeError, 'std', std),
      );
    }
  });

  it('requires normal', () => {
    for (const initType of ['uniform', 'xavier', 'zeros', undefined]) {
      expectError(() => new Untyped({ ...VALID, initType, std: 1 }), {
        ...invalidOption(RangeError, 'std', 1),
        text: ['std', 'normal'],
      });
      // A wrong type is reported first.
      expectError(() => new Untyped({ ...VALID, initType, std: '1' }), invalidOption(TypeError, 'std', '1'));
    }
  });

  it('scales the values', () => {
    const row = (std: number) => made({ initType: 'normal', std }, ({ weight }) => weight.row(3));
    expectBits(
      row(2),
      row(1).map((value) => 2 * value),
    );
  });
});

describe('seed', () => {
  it('must be a number or a bigint', () => {
    for (const value of [...NO_NUMBERS, null]) refusesKind('seed', value);
  });

  it('must be an integer of at most 53 or 64 bits', () => {
    for (const value of [
      -1,
      0.5,
      Number.NaN,
      Infinity,
      -Infinity,
      2 ** 53,
      1e300,
      -1n,
      2n ** 64n,
      -(2n ** 64n),
    ]) {
      refusesValue('seed', value);
    }
  });

  it('is readable as it was passed', () => {
    const seed = (value: number | bigint) => made({ seed: value }, (embedding) => embedding.seed);
    for (const value of [0, 7, 2 ** 53 - 1, 0n, 7n, 2n ** 53n, 2n ** 64n - 1n])
      expect(seed(value)).toBe(value);
    expect(Object.is(seed(-0), 0)).toBe(true);
  });
});

describe('dtype', () => {
  it('must be a string', () => {
    for (const value of [null, 5, 5n, true, {}, ['f16'], Symbol('f16'), () => 'f16', Object('f16')])
      refusesKind('dtype', value);
  });

  it('must be one of five values', () => {
    for (const value of ['', 'F16', 'f64', 'u8', 'int8', 'half', 'q4_0', 'toString', '__proto__'])
      refusesValue('dtype', value);
    for (const dtype of ['f32', 'f16', 'bf16', 'i8', 'i4'] as const)
      expect(made({ dtype }, (embedding) => embedding.dtype)).toBe(dtype);
  });
});

describe('the message', () => {
  const profiler = (options: unknown) =>
    new (EmbeddingProfiler as unknown as new (options: unknown) => unknown)(options);
  const layer = (options: object) => new EmbeddingLayer({ ...VALID, ...options } as never);
  const list = (batchSizes: unknown) => {
    const embedding = new Embedding(VALID);
    const quiet = new EmbeddingProfiler({ print: null, minTimeMs: 0, warmupMs: 0 });
    return quiet.measureLookupPerformance({ embedding, batchSizes: batchSizes as number[], seqLengths: [1] });
  };

  it.each<[text: string, ErrorClass: typeof TypeError | typeof RangeError, run: () => unknown]>([
    ['must be an object', TypeError, () => new Untyped(5)],
    ['(expected one of: print, onProgress, minTimeMs, warmupMs)', TypeError, () => profiler({ prin: null })],
    ['an integer >= 1 and <= 4294967296', RangeError, () => new Untyped({ ...VALID, vocabSize: 0 })],
    ['an array of integers >= 1', RangeError, () => list([0])],
    ['a number >= 0 and < 1', RangeError, () => layer({ dropout: 1 })],
    ['true or false', TypeError, () => layer({ scale: 1 })],
    ['a function', TypeError, () => profiler({ onProgress: 5 })],
    ['one of "f32", "f16", "bf16", "i8", "i4"', RangeError, () => new Untyped({ ...VALID, dtype: 'f8' })],
    ['one of "sum", "mean", "max"', RangeError, () => new EmbeddingBag({ ...VALID, mode: 'min' as 'max' })],
    ['an integer 0..2^53-1 or a bigint 0..2^64-1', RangeError, () => new Untyped({ ...VALID, seed: -1 })],
  ])('says what is expected: %s', (text, ErrorClass, run) => {
    expectError(run, { class: ErrorClass, code: 'ERR_INVALID_OPTION', text });
  });
});
