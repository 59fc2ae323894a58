/** EmbeddingBag compared with plain loops: modes, weights, padding, forms of offsets, and errors. */

import fc from 'fast-check';
import {
  type BagMode,
  Embedding,
  EmbeddingBag,
  type EmbeddingBagOptions,
  type IdsInput,
  Tensor,
} from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { expectBits, expectPainted, hex, painted } from './helpers/bits.js';
import {
  type Expected,
  expectError,
  expectErrorAndNoWrite,
  invalidOption,
  thrown,
} from './helpers/errors.js';
import { plainBags } from './helpers/reference.mjs';

const MODES: readonly BagMode[] = ['sum', 'mean', 'max'];

/** A bag over a table with these rows. */
function bagOf(
  rows: readonly (readonly number[])[],
  mode: BagMode,
  { paddingIdx, includeLastOffset }: { paddingIdx?: number | null; includeLastOffset?: boolean } = {},
): EmbeddingBag {
  return EmbeddingBag.from(Embedding.fromPretrained(rows as number[][], { paddingIdx }), {
    mode,
    includeLastOffset,
  });
}

/** Rows 1 .. 10, as 5 x 2. */
const EXAMPLE = [
  [1, 2],
  [3, 4],
  [5, 6],
  [7, 8],
  [9, 10],
];
const IDS = [3, 1, 1, 1, 4, 0];
const OFFSETS = [0, 0, 3, 3, 6];

interface UntypedBag {
  forward(ids?: unknown, options?: unknown): Tensor<'f32'>;
  forwardInto(ids?: unknown, out?: unknown, options?: unknown): unknown;
}
const untyped = (bag: EmbeddingBag) => bag as unknown as UntypedBag;
const Untyped = EmbeddingBag as unknown as (new (options?: unknown) => EmbeddingBag) & {
  from(embedding?: unknown, options?: unknown): EmbeddingBag;
};

describe('small examples', () => {
  it('sum', () => {
    const out = bagOf(EXAMPLE, 'sum').forward(IDS, { offsets: OFFSETS });
    expect(out.toArray()).toEqual([
      [0, 0],
      [13, 16],
      [0, 0],
      [13, 16],
      [0, 0],
    ]);
    expect([out.shape, out.dtype, out.data.byteOffset, out.data.buffer.byteLength]).toEqual([
      [5, 2],
      'f32',
      0,
      40,
    ]);
  });

  it('mean', () => {
    const third = [Math.fround(13 / 3), Math.fround(16 / 3)];
    expect(bagOf(EXAMPLE, 'mean').forward(IDS, { offsets: OFFSETS }).toArray()).toEqual([
      [0, 0],
      third,
      [0, 0],
      third,
      [0, 0],
    ]);
  });

  it('max', () => {
    expect(bagOf(EXAMPLE, 'max').forward(IDS, { offsets: OFFSETS }).toArray()).toEqual([
      [0, 0],
      [7, 8],
      [0, 0],
      [9, 10],
      [0, 0],
    ]);
  });

  it('includeLastOffset: the last offset begins no bag', () => {
    for (const mode of MODES) {
      const expected = bagOf(EXAMPLE, mode).forward(IDS, { offsets: [0, 0, 3, 3] });
      const bag = bagOf(EXAMPLE, mode, { includeLastOffset: true });
      const out = bag.forward(IDS, { offsets: [0, 0, 3, 3, 6] });
      expect(out.shape).toEqual([4, 2]);
      expectBits(out.data, expected.data);
      expect(bag.forward([], { offsets: [0] }).shape).toEqual([0, 2]);
      expect(bag.forward([], { offsets: [0, 0] }).toArray()).toEqual([[0, 0]]);
    }
  });

  it('2-D ids are bags of equal length', () => {
    for (const mode of MODES) {
      const bag = bagOf(EXAMPLE, mode);
      const expected = bag.forward(IDS, { offsets: [0, 2, 4] });
      const forms: IdsInput[] = [
        [
          [3, 1],
          [1, 1],
          [4, 0],
        ],
        new Tensor(Int32Array.from(IDS), { shape: [3, 2] }),
      ];
      for (const ids of forms) expectBits(bag.forward(ids).data, expected.data);
      expectBits(bag.forward(Uint8Array.from(IDS), { shape: [3, 2] }).data, expected.data);
    }
  });

  it('empty bags are zeros; no bags give an empty result', () => {
    for (const mode of MODES) {
      const bag = bagOf(EXAMPLE, mode);
      expect(bag.forward([[], [], []]).toArray()).toEqual([
        [0, 0],
        [0, 0],
        [0, 0],
      ]);
      expect(bag.forward([], { shape: [2, 0] }).toArray()).toEqual([
        [0, 0],
        [0, 0],
      ]);
      expect(bag.forward([], { shape: [0, 7] }).shape).toEqual([0, 2]);
      expect(bag.forward([], { offsets: [] }).shape).toEqual([0, 2]);
      expect(bag.forward([], { offsets: [0, 0] }).toArray()).toEqual([
        [0, 0],
        [0, 0],
      ]);
      expect(hex(bag.forward([[]]).data)).toEqual(['0x00000000', '0x00000000']);
    }
  });
});

describe('every form of ids and offsets', () => {
  const narrow = [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
  ] as const;
  const shared = (values: number[]) => {
    const array = new Int32Array(
      new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer,
      4,
      values.length,
    );
    array.set(values);
    return array;
  };
  const forms = (values: number[]): [string, IdsInput][] => [
    ['numbers', values],
    ...narrow.map((Class): [string, IdsInput] => [Class.name, Class.from(values)]),
    ['BigInt64Array', BigInt64Array.from(values.map(BigInt))],
    ['BigUint64Array', BigUint64Array.from(values.map(BigInt))],
    ['a Tensor', new Tensor(Int16Array.from(values))],
    ['a view', Int32Array.from([9, ...values, 9]).subarray(1, values.length + 1)],
    ['shared', shared(values)],
  ];

  it.each(MODES)('gives the same result in mode %s', (mode) => {
    const bag = bagOf(EXAMPLE, mode);
    const expected = bag.forward(IDS, { offsets: OFFSETS }).data;
    for (const [, ids] of forms(IDS)) {
      for (const [, offsets] of forms(OFFSETS)) expectBits(bag.forward(ids, { offsets }).data, expected);
    }
  });
});

describe('weights', () => {
  const weights = Float32Array.of(2, 0.5, -1, 3, 0.25, 0);

  it('multiply rows before they are added', () => {
    const out = bagOf(EXAMPLE, 'sum').forward(IDS, { offsets: [0, 3], perSampleWeights: weights });
    expect(out.toArray()).toEqual([
      [12.5, 14],
      [11.25, 14.5],
    ]);
  });

  it('divide a mean by their sum', () => {
    const out = bagOf(EXAMPLE, 'mean').forward(IDS, { offsets: [0, 3], perSampleWeights: weights });
    expect(out.toArray()).toEqual([
      [Math.fround(12.5 / 1.5), Math.fround(14 / 1.5)],
      [Math.fround(11.25 / 3.25), Math.fround(14.5 / 3.25)],
    ]);
    const zero = bagOf(EXAMPLE, 'mean').forward([[0, 1]], { perSampleWeights: Float32Array.of(1, -1) });
    expect(zero.toArray()).toEqual([[-Infinity, -Infinity]]);
  });

  it('can be a Tensor or part of an array, also with 2-D ids', () => {
    const bag = bagOf(EXAMPLE, 'sum');
    const expected = bag.forward(IDS, { offsets: [0, 3], perSampleWeights: weights }).data;
    const all = new Float32Array(9);
    all.set(weights, 2);
    const allocated = Tensor.allocate([6]);
    allocated.data.set(weights);
    const forms = [
      new Tensor(weights),
      new Tensor(weights, { shape: [2, 3] }),
      Object.defineProperty(weights.slice(), 'length', { value: 1 }), // an overridden length is ignored
      all.subarray(2, 8),
      allocated,
    ];
    for (const perSampleWeights of forms) {
      expectBits(bag.forward(IDS, { offsets: [0, 3], perSampleWeights }).data, expected);
      expectBits(bag.forward(IDS, { shape: [2, 3], perSampleWeights }).data, expected);
    }
  });

  it('of padding are ignored, even NaN', () => {
    const perSampleWeights = Float32Array.of(2, Number.NaN, Infinity, 4);
    for (const mode of ['sum', 'mean'] as const) {
      const bag = bagOf(EXAMPLE, mode, { paddingIdx: 1 });
      const out = bag.forward([0, 1, 1, 2], { offsets: [0, 1, 2], perSampleWeights });
      expect(out.toArray()).toEqual([
        mode === 'sum' ? [2, 4] : [1, 2],
        [0, 0],
        mode === 'sum' ? [20, 24] : [5, 6],
      ]);
    }
  });

  it('that are NaN, infinite or negative follow f32 arithmetic', () => {
    const rows = [
      [1, -2, 0],
      [Infinity, 3, Number.NaN],
    ];
    const perSampleWeights = Float32Array.of(Number.NaN, 1, 0, -1, -Infinity, 1e-45);
    const bags = [[0], [1], [1, 0], [0, 1]];
    for (const mode of ['sum', 'mean'] as const) {
      const expected = plainBags({ rows, mode, bags, weights: [...perSampleWeights] });
      expectBits(
        bagOf(rows, mode).forward(bags.flat(), { offsets: [0, 1, 2, 4], perSampleWeights }).data,
        expected,
        { anyNaN: true },
      );
    }
  });
});

describe('padding', () => {
  it.each(MODES)('is excluded in mode %s', (mode) => {
    const bag = bagOf(EXAMPLE, mode, { paddingIdx: 1 });
    const without = bagOf(EXAMPLE, mode).forward([3, 4, 0], { offsets: [0, 1] });
    expectBits(bag.forward([1, 3, 1, 1, 4, 1, 0], { offsets: [0, 4] }).data, without.data);
    expect(
      bag
        .forward([
          [1, 1, 1],
          [1, 1, 1],
        ])
        .toArray(),
    ).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(bag.forward([[1]]).toArray()).toEqual([[0, 0]]);
  });

  it('does not affect a negative maximum', () => {
    const bag = bagOf(
      [
        [0, 0],
        [-3, -4],
        [-1, -9],
      ],
      'max',
      { paddingIdx: 0 },
    );
    expect(bag.forward([[0, 1, 2, 0]]).toArray()).toEqual([[-1, -4]]);
  });

  it('can be a negative index', () => {
    const bag = new EmbeddingBag({ vocabSize: 5, embeddingDim: 2, paddingIdx: -2, mode: 'sum', seed: 1 });
    expect(bag.paddingIdx).toBe(3);
    expect(bag.forward([[3, 3]]).toArray()).toEqual([[0, 0]]);
    const { embedding } = bag;
    embedding.weight.set(3, [5, 5]);
    expect(bag.forward([[3]]).toArray()).toEqual([[0, 0]]);
  });
});

describe('maximum', () => {
  const max = (...values: number[]) => {
    const bag = bagOf(
      values.map((value) => [value]),
      'max',
    );
    return hex(bag.forward([values.map((_, id) => id)]).data)[0];
  };
  const [zero, minusZero, nan] = ['0x00000000', '0x80000000', '0x7fc00000'];

  it('keeps the first of equal values: zeros of both signs', () => {
    expect([max(0, -0), max(-0, 0), max(-0), max(-1, -0, 0)]).toEqual([
      zero,
      minusZero,
      minusZero,
      minusZero,
    ]);
  });

  it('is NaN if any value is NaN', () => {
    expect([max(Number.NaN), max(Number.NaN, 5), max(5, Number.NaN), max(-5, Number.NaN, Infinity)]).toEqual([
      nan,
      nan,
      nan,
      nan,
    ]);
  });

  it('supports both infinities', () => {
    expect(
      [max(-Infinity), max(-Infinity, -3.4e38), max(3, Infinity, 4)].map((word) => Number(word)),
    ).toEqual([0xff80_0000, 0xff7f_c99e, 0x7f80_0000]);
  });

  it('keeps the bits of the first NaN', () => {
    const table = new Float32Array(2);
    new Uint32Array(table.buffer).set([0x7fc1_2345, 0xffc6_7890]);
    const bag = EmbeddingBag.from(Embedding.fromPretrained(table, { embeddingDim: 1 }), { mode: 'max' });
    const words = new Uint32Array(
      bag.forward([
        [0, 1],
        [1, 0],
      ]).data.buffer,
    );
    expect([...words]).toEqual([0x7fc1_2345, 0xffc6_7890]);
  });

  it('finds the only NaN in any row and column', () => {
    const [rows, ids] = [5, [[0, 1, 2, 3, 4]]];
    for (const embeddingDim of [1, 3, 4, 5, 16, 21, 64, 81]) {
      const values = Float32Array.from({ length: rows * embeddingDim }, (_, i) => Math.sin(i));
      const bag = (table: Float32Array) =>
        EmbeddingBag.from(Embedding.fromPretrained(table, { embeddingDim }), { mode: 'max' });
      const wanted = hex(bag(values).forward(ids).data);
      for (let at = 0; at < values.length; at++) {
        const table = values.slice();
        table[at] = Number.NaN;
        const column = at % embeddingDim;
        const expected = wanted.map((word, c) => (c === column ? nan : word));
        expect(hex(bag(table).forward(ids).data)).toEqual(expected);
      }
    }
  });
});

describe('order', () => {
  it('rows are added in index order, and every sum is rounded to f32', () => {
    const rows = [[16_777_216], [1], [-16_777_216]];
    const sum = (ids: number[]) => bagOf(rows, 'sum').forward([ids]).data[0];
    expect([sum([0, 1, 1, 2]), sum([1, 1, 0, 2]), sum([0, 2, 1, 1])]).toEqual([0, 2, 2]);
  });

  it('products are rounded before they are added: no fused multiply-add', () => {
    const [row, weight] = [1 + 2 ** -12, 1 - 2 ** -12];
    const product = Math.fround(row * weight);
    const bag = bagOf([[-product], [row]], 'sum');
    expect(bag.forward([[0, 1]], { perSampleWeights: Float32Array.of(1, weight) }).data[0]).toBe(0);
  });

  it('sums start from +0', () => {
    expect(hex(bagOf([[-0, 0]], 'sum').forward([[0], [0]]).data)[0]).toBe('0x00000000');
  });

  it('a mean is one division by the count', () => {
    const rows = Array.from({ length: 7 }, (_, i) => [1 / (i + 3)]);
    const ids = rows.map((_, i) => i);
    const sum = bagOf(rows, 'sum').forward([ids]).data[0]!;
    expect(bagOf(rows, 'mean').forward([ids]).data[0]).toBe(Math.fround(sum / 7));
  });
});

const float = fc.oneof(
  { weight: 6, arbitrary: fc.float({ noDefaultInfinity: true, noNaN: true }) },
  { weight: 6, arbitrary: fc.integer({ min: -4, max: 4 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, -0, Infinity, -Infinity, Number.NaN, 2 ** -149, 3.4028234663852886e38),
  },
);

describe('random bags', () => {
  const cases = fc
    .record({
      vocab: fc.integer({ min: 1, max: 9 }),
      dim: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 127, 300)),
    })
    .chain(({ vocab, dim }) =>
      fc.record({
        rows: fc.array(fc.array(float, { minLength: dim, maxLength: dim }), {
          minLength: vocab,
          maxLength: vocab,
        }),
        bags: fc.array(fc.array(fc.nat(vocab - 1), { maxLength: 12 }), { maxLength: 7 }),
        paddingIdx: fc.option(fc.nat(vocab - 1)),
        mode: fc.constantFrom(...MODES),
        weighted: fc.boolean(),
        drawn: fc.array(float, { minLength: 84, maxLength: 84 }),
        includeLastOffset: fc.boolean(),
      }),
    );

  it('are bit-identical to plain loops', () => {
    fc.assert(
      fc.property(cases, ({ rows, bags, paddingIdx, mode, weighted, drawn, includeLastOffset }) => {
        const ids = bags.flat();
        const weights = weighted && mode !== 'max' ? drawn.slice(0, ids.length) : undefined;
        const expected = plainBags({ rows, mode, bags, paddingIdx, weights });
        const starts = bags.map((_, i) => bags.slice(0, i).flat().length);
        const offsets = includeLastOffset ? [...starts, ids.length] : starts;
        const bag = bagOf(rows, mode, { paddingIdx, includeLastOffset });
        const options = { offsets, ...(weights && { perSampleWeights: Float32Array.from(weights) }) };
        const out = bag.forward(ids, options);
        expect(out.shape).toEqual([bags.length, rows[0]!.length]);
        const comparison = { anyNaN: mode !== 'max' }; // a maximum is copied, a sum is not
        expectBits(out.data, expected, comparison);
        const into = painted(expected.length + 3);
        expect(bag.forwardInto(Int32Array.from(ids), into, options)).toBe(into);
        expectBits(into.subarray(0, expected.length), expected, comparison);
        expectPainted(into.subarray(expected.length));
      }),
      { numRuns: 150 },
    );
  });

  it('are bit-identical for long bags of wide rows', () => {
    const rows = Array.from({ length: 6 }, (_, r) =>
      Array.from({ length: 133 }, (_, c) => Math.fround(Math.sin(r * 133 + c) * 10 ** (r - 2))),
    );
    const bags = [257, 0, 1, 511, 512, 1000].map((length, b) =>
      Array.from({ length }, (_, i) => (i * i + b) % 6),
    );
    const ids = Int32Array.from(bags.flat());
    const weights = Array.from(ids, (_, i) => Math.fround(Math.cos(i)));
    const offsets = bags.map((_, i) => bags.slice(0, i).flat().length);
    for (const paddingIdx of [null, 4]) {
      for (const mode of MODES) {
        expectBits(
          bagOf(rows, mode, { paddingIdx }).forward(ids, { offsets }).data,
          plainBags({ rows, mode, bags, paddingIdx }),
        );
      }
      for (const mode of ['sum', 'mean'] as const) {
        const out = bagOf(rows, mode, { paddingIdx }).forward(ids, {
          offsets,
          perSampleWeights: Float32Array.from(weights),
        });
        expectBits(out.data, plainBags({ rows, mode, bags, paddingIdx, weights }));
      }
    }
  });
});

describe('invalid offsets', () => {
  const bag = bagOf(EXAMPLE, 'sum');
  const last = bagOf(EXAMPLE, 'sum', { includeLastOffset: true });
  const broken = (offsets: unknown, index: number, value: unknown, rule: string, of = bag) => {
    const refusal = { class: RangeError, code: 'ERR_OFFSETS', text: rule, fields: { index, value } };
    const error = expectError(() => untyped(of).forward(IDS, { offsets }), refusal);
    expect(error.message).toContain(value === undefined ? 'no offset' : `got ${String(value)} at [${index}]`);
    expectErrorAndNoWrite(40, (out) => untyped(of).forwardInto(IDS, out, { offsets }), refusal);
    expect(bag.forward([[0]]).toArray()).toEqual([[1, 2]]);
  };

  it('that do not start at 0', () => {
    broken([1], 0, 1, 'must start at 0');
    broken([6], 0, 6, 'must start at 0');
    broken([-1, 2], 0, -1, 'must start at 0');
    broken([7, 0], 0, 7, 'must start at 0');
    broken([2 ** 32], 0, 2 ** 32, 'must start at 0');
    broken([-(2 ** 60)], 0, -(2 ** 60), 'must start at 0');
    broken(Int8Array.of(-128), 0, -128, 'must start at 0');
    broken(BigInt64Array.of(-1n), 0, -1n, 'must start at 0');
    broken(BigUint64Array.of(3n), 0, 3n, 'must start at 0');
  });

  it('that decrease', () => {
    broken([0, 3, 2], 2, 2, 'must not fall (3 came before)');
    broken([0, 5, 6, 0], 3, 0, 'must not fall (6 came before)');
    broken([0, -1], 1, -1, 'must not fall (0 came before)');
    broken([0, 4, -(2 ** 40)], 2, -(2 ** 40), 'must not fall (4 came before)');
    broken(Int32Array.of(0, 2, -2147483648), 2, -2147483648, 'must not fall');
    broken(BigInt64Array.of(0n, 2n, 1n), 2, 1n, 'must not fall');
    broken(BigInt64Array.of(0n, 2n, -1n), 2, -1n, 'must not fall');
  });

  it('that exceed the ids', () => {
    broken([0, 7], 1, 7, 'must not exceed the number of ids, 6');
    broken([0, 2 ** 31, 3], 1, 2 ** 31, 'must not exceed');
    broken([0, 2 ** 32, 3], 1, 2 ** 32, 'must not exceed');
    broken([0, 2, 1e300], 2, 1e300, 'must not exceed');
    broken(Uint32Array.of(0, 0xffff_ffff), 1, 0xffff_ffff, 'must not exceed');
    broken(BigUint64Array.of(0n, 2n ** 63n), 1, 2n ** 63n, 'must not exceed');
    broken([0, 7, 3, -1], 1, 7, 'must not exceed');
  });

  it('whose last is not the number of ids, with includeLastOffset', () => {
    broken([0, 3, 5], 2, 5, 'must end with the number of ids, 6', last);
    broken([0], 0, 0, 'must end with the number of ids, 6', last);
    broken([0, 7], 1, 7, 'must not exceed', last);
    broken([], 0, undefined, 'must end', last);
    expectError(() => last.forward([], { offsets: [] }), { class: RangeError, code: 'ERR_OFFSETS' });
  });

  it('that leave ids without a bag', () => {
    broken([], 0, undefined, 'must cover all 6 ids');
    broken(new Int32Array(0), 0, undefined, 'must cover all 6 ids');
  });

  it('that are not a flat list', () => {
    const nested = new Tensor(new Int32Array(2), { shape: [1, 2] });
    for (const [offsets, shape] of [
      [[[0, 3]], [1, 2]] as const,
      [0, []] as const,
      [nested, [1, 2]] as const,
    ]) {
      expectError(() => untyped(bag).forward(IDS, { offsets }), {
        class: RangeError,
        code: 'ERR_OFFSETS',
        text: 'flat',
        fields: { shape },
      });
    }
  });

  it('that are not integers', () => {
    for (const offsets of [
      [0, 0.5],
      [0, Number.NaN],
      [0, Infinity],
      [0, null],
      [0, '3'],
      [0, undefined],
      [0, true],
    ]) {
      expectErrorAndNoWrite(40, (out) => untyped(bag).forwardInto(IDS, out, { offsets }), {
        class: TypeError,
        code: 'ERR_INVALID_ID',
      });
    }
    for (const offsets of [null, '0', {}, true, 0n, new Float32Array(1), new Map(), () => 0]) {
      expectErrorAndNoWrite(40, (out) => untyped(bag).forwardInto(IDS, out, { offsets }), {
        class: TypeError,
        code: 'ERR_INVALID_IDS',
      });
    }
    const gone = new Int32Array(2);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expectError(() => bag.forward(IDS, { offsets: gone }), {
      class: TypeError,
      code: 'ERR_INVALID_IDS',
      text: 'detached',
    });
  });

  it('never crash: the call fails without writing, or the result is correct', () => {
    const value = fc.oneof(
      fc.integer({ min: -2, max: 8 }),
      fc.maxSafeInteger(),
      fc.constantFrom(2 ** 31, 2 ** 32 - 1, -(2 ** 31)),
    );
    const small = fc.integer({ min: -2, max: 8 });
    const forms = fc.oneof(
      fc.array(value, { maxLength: 6 }),
      fc.array(small, { maxLength: 6 }).map((list) => Int8Array.from(list)),
      fc.array(small, { maxLength: 6 }).map((list) => Uint32Array.from(list)),
      fc.array(value, { maxLength: 6 }).map((list) => BigInt64Array.from(list.map(BigInt))),
      fc.array(fc.nat(6), { maxLength: 6 }).map((list) => list.sort((a, b) => a - b)),
    );
    fc.assert(
      fc.property(forms, fc.boolean(), (offsets, includeLastOffset) => {
        const of = includeLastOffset ? last : bag;
        const list = Array.from(offsets as ArrayLike<number | bigint>, Number);
        const ends = includeLastOffset ? list.slice(1) : [...list.slice(1), ...(list.length > 0 ? [6] : [])];
        const good =
          list.length > 0 &&
          list[0] === 0 &&
          list.every((each, i) => each <= 6 && each >= (list[i - 1] ?? 0)) &&
          (!includeLastOffset || list.at(-1) === 6);
        const out = painted(40);
        if (good) {
          of.forwardInto(IDS, out, { offsets });
          const bags = ends.map((end, i) => IDS.slice(list[i], end));
          expectBits(out.subarray(0, bags.length * 2), plainBags({ rows: EXAMPLE, mode: 'sum', bags }));
        } else {
          expectError(() => of.forwardInto(IDS, out, { offsets }), {
            class: RangeError,
            code: 'ERR_OFFSETS',
          });
          expectPainted(out);
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe('errors of forward and forwardInto', () => {
  const bag = bagOf(EXAMPLE, 'sum');
  const both = (ids: unknown, options: unknown, refusal: Expected, of = bag) => {
    const error = expectError(() => untyped(of).forward(ids, options), refusal);
    expectErrorAndNoWrite(40, (out) => untyped(of).forwardInto(ids, out, options), refusal);
    expect(of.forward([[4]]).toArray()).toEqual([[9, 10]]);
    return error;
  };
  const offsets = [0];

  it('1D ids without offsets are ERR_OFFSETS', () => {
    both([1, 2], undefined, {
      class: RangeError,
      code: 'ERR_OFFSETS',
      text: 'Offsets are needed for 1D ids',
    });
    both(Int32Array.of(1), {}, { class: RangeError, code: 'ERR_OFFSETS' });
    both([], { offsets: undefined }, { class: RangeError, code: 'ERR_OFFSETS' });
  });

  it('2D ids with offsets are ERR_INVALID_OPTION', () => {
    both([[1, 2]], { offsets }, { ...invalidOption(RangeError, 'offsets'), text: 'absent for 2D ids' });
    both([1, 2], { offsets, shape: [1, 2] }, invalidOption(RangeError, 'offsets'));
  });

  it('a wrong rank: ERR_RANK', () => {
    const rank = (shape: number[]) => ({
      class: RangeError,
      code: 'ERR_RANK',
      text: `Expected 1D ids with offsets or 2D ids, got shape [${shape.join(', ')}]`,
      fields: { shape },
    });
    both(3, undefined, rank([]));
    both(3, { offsets }, rank([]));
    both([[[1, 2]]], undefined, rank([1, 1, 2]));
    both([[[1, 2]]], { offsets }, rank([1, 1, 2]));
    both([1, 2, 3, 4], { shape: [1, 2, 2] }, rank([1, 2, 2]));
  });

  it('shapes and lengths that do not match: ERR_SHAPE', () => {
    const shape = { class: RangeError, code: 'ERR_SHAPE' } as const;
    both([1, 2, 3], { shape: [2, 2] }, shape);
    both([[1, 2]], { shape: [2, 1] }, shape);
    both(
      [1, 2],
      { offsets, perSampleWeights: new Float32Array(3) },
      { ...shape, text: /perSampleWeights.*3.*2/ },
    );
    both([[1, 2]], { perSampleWeights: new Float32Array(1) }, shape);
    expectErrorAndNoWrite(3, (out) => bag.forwardInto([[1], [2]], out), { ...shape, text: /out.*3.*4/ });
    expectErrorAndNoWrite(3, (out) => bag.forwardInto([1, 2], out, { offsets: [0, 1] }), shape);
  });

  it('an out that shares memory with an input: ERR_OVERLAP', () => {
    const overlap = (text: string) => ({ class: RangeError, code: 'ERR_OVERLAP', text });
    const buffer = new ArrayBuffer(64);
    const out = new Float32Array(buffer);
    expectError(() => bag.forwardInto(new Int32Array(buffer, 60, 1), out, { shape: [1, 1] }), overlap('ids'));
    expectError(
      () => bag.forwardInto(IDS, out, { offsets: new Int32Array(buffer, 0, 1) }),
      overlap('offsets'),
    );
    expectError(
      () => bag.forwardInto([[0]], out, { perSampleWeights: new Float32Array(buffer, 8, 1) }),
      overlap('perSampleWeights'),
    );
    const allocated = Tensor.allocate([16]);
    expectError(
      () => bag.forwardInto([[0]], allocated, { perSampleWeights: allocated.data.subarray(3, 4) }),
      overlap('perSampleWeights'),
    );
    expect(new Uint32Array(buffer).every((word) => word === 0)).toBe(true);
    const shared = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer;
    const target = new Float32Array(shared, 0, 8) as Float32Array;
    expectError(
      () => bag.forwardInto(new Int32Array(shared, 0, 1), target, { shape: [1, 1] }),
      overlap('ids'),
    );
    expectError(
      () => bag.forwardInto([0], target, { offsets: new Int32Array(shared, 4, 1) }),
      overlap('offsets'),
    );
  });

  it('ids out of range: ERR_ID_OUT_OF_RANGE', () => {
    const outside = (value: number | bigint, position: number, place: string) => ({
      class: RangeError,
      code: 'ERR_ID_OUT_OF_RANGE',
      text: `Token indices must be in range [0, 5): got ${value} at ${place}`,
      fields: { value, position, bound: 5 },
    });
    both([0, 1, 5, -1], { offsets }, outside(5, 2, '[2]'));
    both(
      [
        [0, 1],
        [-1, 9],
      ],
      undefined,
      outside(-1, 2, '[1, 0]'),
    );
    both(Int8Array.of(0, -128), { offsets }, outside(-128, 1, '[1]'));
    both([0, 2 ** 40], { offsets }, outside(2 ** 40, 1, '[1]'));
    both([7, 2 ** 40], { offsets }, outside(7, 0, '[0]'));
    both(BigInt64Array.of(0n, -(2n ** 63n)), { offsets }, outside(-(2n ** 63n), 1, '[1]'));
    const padded = bagOf(EXAMPLE, 'max', { paddingIdx: 0 });
    both([[0, 0, 5]], undefined, outside(5, 2, '[0, 2]'), padded);
  });

  it('ids of a wrong kind: ERR_INVALID_ID, ERR_RAGGED, ERR_INVALID_IDS', () => {
    both([0, 0.5], { offsets }, { class: TypeError, code: 'ERR_INVALID_ID' });
    both([[0], [null]], undefined, { class: TypeError, code: 'ERR_INVALID_ID' });
    both([[0], [1, 2]], undefined, { class: TypeError, code: 'ERR_RAGGED', text: 'offsets' });
    for (const ids of [undefined, null, '1', {}, 1n, true, new Float64Array(2)])
      both(ids, { offsets }, { class: TypeError, code: 'ERR_INVALID_IDS' });
  });

  it('arrays of a wrong kind: ERR_INVALID_ARRAY', () => {
    for (const perSampleWeights of [null, [1], 1, 'x', new Float64Array(1), new Tensor(new Int32Array(1))]) {
      const refusal = {
        class: TypeError,
        code: 'ERR_INVALID_ARRAY',
        fields: { argument: 'perSampleWeights' },
      };
      both([[0]], { perSampleWeights }, refusal);
    }
    for (const out of [undefined, null, [0, 0], new Float64Array(2)]) {
      expectError(() => untyped(bag).forwardInto([[0]], out), {
        class: TypeError,
        code: 'ERR_INVALID_ARRAY',
        fields: { argument: 'out' },
      });
    }
  });

  it('wrong options: ERR_INVALID_OPTION', () => {
    both([[0]], { weights: 1 }, invalidOption(TypeError, 'weights'));
    both([[0]], { shape: 1 }, invalidOption(TypeError, 'shape'));
    both([[0]], null, invalidOption(TypeError, 'options'));
    const max = bagOf(EXAMPLE, 'max');
    both(
      [[0]],
      { perSampleWeights: new Float32Array(1) },
      { ...invalidOption(RangeError, 'perSampleWeights'), text: 'absent in mode "max"' },
      max,
    );
  });

  it('follow the documented order of checks', () => {
    const gone = bagOf(EXAMPLE, 'max');
    gone.embedding.dispose();
    const short = new Float32Array(1);
    const last = EmbeddingBag.from(bag.embedding, { includeLastOffset: true });
    const steps: [string, () => unknown][] = [
      ['ERR_DISPOSED', () => untyped(gone).forward('x', { unknown: 1 })],
      ['ERR_INVALID_OPTION', () => untyped(bag).forward('x', { unknown: 1 })],
      ['ERR_INVALID_OPTION', () => untyped(bag).forward('x', { shape: 'x' })],
      ['ERR_INVALID_IDS', () => untyped(bag).forward('x', { offsets: [0.5] })],
      ['ERR_INVALID_ARRAY', () => untyped(bag).forwardInto([0.5], 'x', { offsets: [0.5] })],
      ['ERR_INVALID_ARRAY', () => untyped(bag).forward([0.5], { offsets: [1], perSampleWeights: 1 })],
      ['ERR_INVALID_IDS', () => untyped(bag).forward([0.5], { offsets: 'x' })],
      ['ERR_INVALID_ID', () => untyped(bag).forwardInto([[[0.5]]], short, { offsets: [9] })],
      [
        'ERR_RANK',
        () =>
          untyped(bag).forwardInto([[[9]]], short, { offsets: [9], perSampleWeights: new Float32Array(7) }),
      ],
      ['ERR_SHAPE', () => bag.forwardInto([9], short, { offsets: [9] })],
      ['ERR_SHAPE', () => bag.forward([9], { offsets: [9], perSampleWeights: new Float32Array(7) })],
      ['ERR_OFFSETS', () => bag.forward([9, 2 ** 40], { offsets: [9] })],
      ['ERR_OFFSETS', () => bag.forward([9, 2 ** 40], { offsets: [2 ** 40] })],
      ['ERR_OFFSETS', () => bag.forward([2 ** 40], { offsets: [0, 0, -1] })],
      ['ERR_ID_OUT_OF_RANGE', () => last.forward([9, 2 ** 40], { offsets: [0, 2] })],
      ['ERR_OFFSETS', () => bag.forward([2 ** 40], { offsets: [] })],
      [
        'ERR_OFFSETS',
        () => bagOf(EXAMPLE, 'sum', { includeLastOffset: true }).forward([2 ** 40], { offsets: [0] }),
      ],
      ['ERR_ID_OUT_OF_RANGE', () => bag.forward([9], { offsets: [0] })],
      ['ERR_ID_OUT_OF_RANGE', () => bag.forward([2 ** 40], { offsets: [0] })],
    ];
    expect(steps.map(([, run]) => thrown(run)['code'])).toEqual(steps.map(([code]) => code));
  });

  it('throw ERR_TOO_LARGE if the result exceeds the longest array', () => {
    const wide = bagOf([Array.from({ length: 1000 }, () => 1)], 'sum');
    expectError(() => wide.forward([], { shape: [2 ** 40, 0] }), {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
    });
  });
});

describe('a getter inside the ids', () => {
  const getting = (act: () => unknown) =>
    Object.defineProperty([0, 1], 1, { get: () => (act(), 1) }) as number[];
  const detach = (array: Int32Array | Float32Array) => () =>
    structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });

  it('can call the bag', () => {
    const bag = bagOf(EXAMPLE, 'sum');
    const ids = getting(() => bag.forward([4, 4, 4], { offsets: [0, 2] }));
    expect(bag.forward(ids, { offsets: [0, 1] }).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('can detach offsets, weights or out, or dispose the table: the call fails without writing', () => {
    const bag = bagOf(EXAMPLE, 'sum');
    const offsets = Int32Array.of(0, 1);
    expectErrorAndNoWrite(4, (out) => bag.forwardInto(getting(detach(offsets)), out, { offsets }), {
      class: TypeError,
      code: 'ERR_INVALID_IDS',
    });
    const perSampleWeights = Float32Array.of(1, 1);
    expectErrorAndNoWrite(
      4,
      (out) => bag.forwardInto([getting(detach(perSampleWeights))], out, { perSampleWeights }),
      {
        class: TypeError,
        code: 'ERR_INVALID_ARRAY',
        fields: { argument: 'perSampleWeights' },
      },
    );
    const out = painted(4);
    expectError(() => bag.forwardInto([getting(detach(out))], out), {
      class: TypeError,
      code: 'ERR_INVALID_ARRAY',
    });
    expectErrorAndNoWrite(4, (into) => bag.forwardInto([getting(() => bag.embedding.dispose())], into), {
      class: Error,
      code: 'ERR_DISPOSED',
    });
  });
});

describe('the constructor', () => {
  const good: EmbeddingBagOptions = { vocabSize: 5, embeddingDim: 2 };

  it('creates an Embedding and exposes its options', () => {
    const bag = new EmbeddingBag({ ...good, seed: 3, paddingIdx: 1 });
    expect(bag).toMatchObject({
      mode: 'mean',
      includeLastOffset: false,
      vocabSize: 5,
      embeddingDim: 2,
      paddingIdx: 1,
    });
    expect(bag).toMatchObject({ initType: 'uniform', dtype: 'f32', seed: 3, disposed: false });
    const embedding = new Embedding({ ...good, seed: 3, paddingIdx: 1 });
    expectBits(bag.weight.toTensor().data, embedding.weight.toTensor().data);
    expect(bag.parameters).toBe(bag.parameters);
    expect([...bag.parameters]).toEqual([bag.weight]);
    expect(bag.weight).toBe(bag.embedding.weight);
    expect(bag.getMemoryUsage()).toEqual(embedding.getMemoryUsage());
    const std = new EmbeddingBag({
      ...good,
      initType: 'normal',
      std: 2,
      seed: 5n,
      mode: 'max',
      includeLastOffset: true,
    });
    expect(std).toMatchObject({ mode: 'max', includeLastOffset: true, initType: 'normal', seed: 5n });
  });

  it('rejects invalid options', () => {
    for (const mode of [null, 1, ['sum']])
      expectError(() => new Untyped({ ...good, mode }), invalidOption(TypeError, 'mode'));
    for (const mode of ['', 'avg', 'Sum'])
      expectError(() => new Untyped({ ...good, mode }), invalidOption(RangeError, 'mode'));
    for (const value of [null, 0, 'true'])
      expectError(
        () => new Untyped({ ...good, includeLastOffset: value }),
        invalidOption(TypeError, 'includeLastOffset'),
      );
    expectError(() => new Untyped({ vocabSize: 5 }), invalidOption(TypeError, 'embeddingDim'));
    expectError(() => new Untyped({ ...good, vocabSize: 0 }), invalidOption(RangeError, 'vocabSize'));
    expectError(() => new Untyped({ ...good, paddingIdx: 5 }), invalidOption(RangeError, 'paddingIdx'));
    expectError(() => new Untyped({ ...good, initType: 'kaiming' }), {
      class: RangeError,
      code: 'ERR_UNKNOWN_INIT',
      text: 'Unknown init_type: kaiming',
    });
    expectError(() => new Untyped({ ...good, std: 1 }), invalidOption(RangeError, 'std'));
    expectError(
      () => new Untyped({ ...good, vocabSize: 0, maxNorm: 1 }),
      invalidOption(TypeError, 'maxNorm'),
    );
    for (const options of [undefined, null, 1, []])
      expectError(() => new Untyped(options), invalidOption(TypeError, 'options'));
    expectError(() => new EmbeddingBag({ vocabSize: 2 ** 32, embeddingDim: 2 ** 40 }), {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
    });
  });

  it('from accepts only an Embedding', () => {
    const embedding = new Embedding(good);
    for (const value of [undefined, null, {}, new EmbeddingBag(good)])
      expectError(() => Untyped.from(value), invalidOption(TypeError, 'embedding'));
    expectError(() => Untyped.from(embedding, { mode: 'x' }), invalidOption(RangeError, 'mode'));
    expectError(() => Untyped.from(embedding, { vocabSize: 5 }), invalidOption(TypeError, 'vocabSize'));
    expectError(() => Untyped.from(embedding, null), invalidOption(TypeError, 'options'));
    expect(EmbeddingBag.from(embedding)).toMatchObject({ mode: 'mean', includeLastOffset: false });
  });
});

describe('sharing and dispose', () => {
  it('from shares the table: writes are visible to both', () => {
    const embedding = Embedding.fromPretrained(EXAMPLE);
    const bag = EmbeddingBag.from(embedding, { mode: 'sum' });
    expect(bag.embedding).toBe(embedding);
    expect(bag.weight).toBe(embedding.weight);
    expect(bag.parameters).toBe(embedding.parameters);
    bag.weight.set(0, [100, 200]);
    expect(embedding.forward(0).toArray()).toEqual([100, 200]);
    embedding.weight.set(1, [-1, -2]);
    expect(bag.forward([[0, 1]]).toArray()).toEqual([[99, 198]]);
    bag.dispose();
    expect([bag.disposed, embedding.disposed]).toEqual([true, false]);
    expectError(() => bag.forward([[0]]), { class: Error, code: 'ERR_DISPOSED' });
    expect(embedding.forward(1).toArray()).toEqual([-1, -2]);
  });

  it('a bag disposes the table it created', () => {
    const bag = new EmbeddingBag({ vocabSize: 5, embeddingDim: 2, mode: 'sum' });
    const out = bag.forward([[0, 1]]);
    const copy = out.data.slice();
    bag.dispose();
    bag.dispose();
    expect([bag.disposed, bag.embedding.disposed]).toEqual([true, true]);
    expectBits(out.data, copy);
    const uses = [
      () => bag.forward([[0]]),
      () => bag.forwardInto([[0]], new Float32Array(2)),
      () => bag.embedding.forward(0),
      () => bag.weight.row(0),
    ];
    for (const use of uses) expectError(use, { class: Error, code: 'ERR_DISPOSED' });
    expect([bag.vocabSize, bag.getMemoryUsage().bytes, bag.mode]).toEqual([5, 40, 'sum']);
    const other = new EmbeddingBag({ vocabSize: 5, embeddingDim: 2 });
    const name = (Symbol as { dispose?: symbol }).dispose ?? Symbol.for('Symbol.dispose');
    (other as unknown as Record<symbol, () => void>)[name]!();
    expect(other.disposed).toBe(true);
  });
});
