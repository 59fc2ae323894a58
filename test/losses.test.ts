/** Losses: values and gradients, targets in every form, in place, tiles, special values, and every way to be wrong. */

import fc from 'fast-check';
import {
  binaryCrossEntropy,
  crossEntropy,
  type CrossEntropyOptions,
  Embedding,
  type Loss,
  type LossOptions,
  meanSquaredError,
  Tensor,
} from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { expectBits, expectPainted, paint, painted } from './helpers/bits.js';
import {
  disposed,
  expectError,
  expectErrorAndNoWrite,
  invalidArray,
  invalidId,
  invalidIds,
  invalidOption,
  outOfRange,
} from './helpers/errors.js';
import { detach, resizable, shared } from './helpers/memory.js';

answersThroughout();

const f = Math.fround;

/** Numbers of both signs in [-3, 3). */
const numbers = (length: number, seed = 1): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, (_, i) => f((((i + seed) * 2_654_435_761) % 4096) / 683 - 3));

const RESULT = ['count', 'gradient', 'loss'];

/** The losses in plain f64, of one row or of all elements, not divided by N. */
const plain = {
  row(x: readonly number[], target: number): number {
    const max = Math.max(...x);
    return Math.log(x.reduce((sum, each) => sum + Math.exp(each - max), 0)) + max - x[target]!;
  },
  binary: (s: number, y: number): number => Math.max(s, 0) - s * y + Math.log1p(Math.exp(-Math.abs(s))),
  square: (x: number, t: number): number => (x - t) ** 2,
};

/** The derivative of `loss` by each of `x`, by central differences. */
function slopes(x: ArrayLike<number>, loss: (x: readonly number[]) => number): number[] {
  const h = 1e-4;
  const all = Array.from(x);
  const at = (i: number, value: number): number => loss(all.map((each, k) => (k === i ? value : each)));
  return all.map((value, i) => (at(i, value + h) - at(i, value - h)) / (2 * h));
}

function expectNear(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-6): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value), `element ${i}: ${actual[i]}, expected ${value}`).toBeLessThan(
      tolerance,
    );
  });
}

const rowsOf = (x: ArrayLike<number>, columns: number): number[][] =>
  Array.from({ length: x.length / columns }, (_, r) =>
    Array.from({ length: columns }, (_, c) => x[r * columns + c]!),
  );

describe.each(['mean', 'sum'] as const)('reduction %s', (reduction) => {
  it.each([
    [1, 2],
    [5, 3],
    [40, 6],
    [3, 50],
    [2, 1300],
  ])('cross entropy of %i rows of %i columns', (rows, columns) => {
    const x = numbers(rows * columns);
    const targets = Array.from({ length: rows }, (_, r) => (r === 1 ? -1 : (r * 5) % columns));
    const kept = targets.filter((target) => target >= 0).length;
    const n = reduction === 'mean' ? kept : 1;
    const loss = (values: readonly number[]): number =>
      rowsOf(values, columns)
        .map((row, r) => (targets[r]! < 0 ? 0 : plain.row(row, targets[r]!)))
        .reduce((sum, each) => sum + each, 0) / n;
    const result = crossEntropy(x, { targets, ignoreIndex: -1, reduction, shape: [rows, columns] });
    expect(Object.keys(result).sort()).toEqual(RESULT);
    expect(result.count).toBe(kept);
    expect(result.gradient.shape).toEqual([rows, columns]);
    expect(Math.abs(result.loss / loss(Array.from(x)) - 1)).toBeLessThan(1e-12);
    const few = columns > 100 ? x.slice(0, columns) : x;
    if (few.length === x.length) expectNear(result.gradient.data, slopes(x, loss));
    for (const [r, row] of rowsOf(result.gradient.data, columns).entries()) {
      const sum = row.reduce((total, each) => total + each, 0);
      expect(Math.abs(sum), 'the sum of the gradients of a row').toBeLessThan(1e-6);
      if (targets[r]! < 0) expect(row.every((each) => Object.is(each, 0))).toBe(true);
    }
  });

  it('binary cross entropy', () => {
    const [s, labels] = [numbers(60), Float32Array.from({ length: 60 }, (_, i) => (i % 5) / 4)];
    const n = reduction === 'mean' ? 60 : 1;
    const loss = (values: readonly number[], y: ArrayLike<number>): number =>
      values.reduce((sum, each, i) => sum + plain.binary(each, y[i]!), 0) / n;
    const result = binaryCrossEntropy(s, { labels, reduction });
    expect(result.count).toBe(60);
    expect(result.gradient.shape).toEqual([60]);
    expect(Math.abs(result.loss / loss(Array.from(s), labels) - 1)).toBeLessThan(1e-12);
    expectNear(
      result.gradient.data,
      slopes(s, (x) => loss(x, labels)),
    );
    const first = Array.from(s, (_, i) => Number(i % 6 === 0));
    const byDefault = binaryCrossEntropy(s, { shape: [2, 5, 6], reduction });
    expect(byDefault.gradient.shape).toEqual([2, 5, 6]);
    expect(Math.abs(byDefault.loss / loss(Array.from(s), first) - 1)).toBeLessThan(1e-12);
    expectNear(
      byDefault.gradient.data,
      slopes(s, (x) => loss(x, first)),
    );
  });

  it('squared error', () => {
    const [x, target] = [numbers(60), numbers(60, 9)];
    const n = reduction === 'mean' ? 60 : 1;
    const loss = (values: readonly number[]): number =>
      values.reduce((sum, each, i) => sum + plain.square(each, target[i]!), 0) / n;
    const result = meanSquaredError(x, new Tensor(target, { shape: [3, 20] }), { reduction });
    expect(result.count).toBe(60);
    expect(Math.abs(result.loss / loss(Array.from(x)) - 1)).toBeLessThan(1e-12);
    expectNear(result.gradient.data, slopes(x, loss), 1e-5);
  });
});

it('two columns are the loss of BPR', () => {
  const [positive, negative] = [1.25, 0.5];
  const { loss, gradient } = crossEntropy(new Tensor([[positive, negative]]));
  expect(loss).toBeCloseTo(Math.log1p(Math.exp(negative - positive)), 14);
  const sigma = 1 / (1 + Math.exp(positive - negative));
  expectBits(gradient.data, [f(-sigma), f(sigma)]);
});

describe('targets', () => {
  const x = new Tensor(numbers(4 * 3), { shape: [2, 2, 3] });
  const expected = crossEntropy(x, { targets: [2, 0, 1, 2] });
  const integers = [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
  ] as const;

  const same = (targets: CrossEntropyOptions['targets'], ignoreIndex?: number): void => {
    const { loss, gradient, count } = crossEntropy(x, { targets, ignoreIndex });
    expect([loss, count]).toEqual([expected.loss, 4]);
    expectBits(gradient.data, expected.gradient.data);
  };

  it('may be nested, typed, wide, Tensors and shared', () => {
    same([
      [2, 0],
      [1, 2],
    ]);
    for (const Class of integers) {
      same(Class.of(2, 0, 1, 2));
      same(new Tensor(Class.of(2, 0, 1, 2) as Int8Array, { shape: [2, 2] }));
      const view = new Class(shared(4 * Class.BYTES_PER_ELEMENT) as never);
      view.set([2, 0, 1, 2]);
      same(view);
      same([view.subarray(0, 2), [1, 2]] as never);
    }
    for (const Class of [BigInt64Array, BigUint64Array]) {
      same(Class.of(2n, 0n, 1n, 2n));
      same(new Tensor(Class.of(2n, 0n, 1n, 2n) as BigInt64Array));
    }
    for (const ignored of [-1, 3, 2 ** 31, 2 ** 32 - 1, 2 ** 40, -(2 ** 53), 1e300]) {
      same([2, 0, 1, 2], ignored);
      same(Int8Array.of(2, 0, 1, 2), ignored);
      same(BigInt64Array.of(2n, 0n, 1n, 2n), ignored);
    }
  });

  it('may be one number for one row', () => {
    const row = numbers(5);
    for (const scores of [row, new Tensor(row), new Tensor(row, { shape: [1, 1, 5] })]) {
      const { gradient } = crossEntropy(scores, { targets: 3 });
      expectBits(gradient.data, crossEntropy(row, { targets: [3] }).gradient.data);
    }
  });

  it.each([-100, -1, 0, 1, 7, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40, -(2 ** 40), Number.MAX_SAFE_INTEGER])(
    'equal to ignoreIndex, %d, exclude their rows',
    (ignoreIndex) => {
      const kept = ignoreIndex === 1 ? 2 : 1;
      const rows = new Tensor(numbers(9), { shape: [3, 3] });
      const row = (targets: CrossEntropyOptions['targets']): void => {
        const { loss, gradient, count } = crossEntropy(rows, { targets, ignoreIndex, reduction: 'sum' });
        const alone = crossEntropy(rows.data.slice(3, 6), { targets: [kept], reduction: 'sum' });
        expect([loss, count]).toEqual([alone.loss, 1]);
        expectBits(gradient.data, [0, 0, 0, ...alone.gradient.data, 0, 0, 0]);
      };
      row([ignoreIndex, kept, ignoreIndex]);
      row([[ignoreIndex], [kept], [ignoreIndex]]);
      row(BigInt64Array.of(BigInt(ignoreIndex), BigInt(kept), BigInt(ignoreIndex)));
      if (ignoreIndex >= 0) row(BigUint64Array.of(BigInt(ignoreIndex), BigInt(kept), BigInt(ignoreIndex)));
      for (const Class of integers) {
        const targets = Class.of(ignoreIndex, kept, ignoreIndex);
        if (targets[0] === ignoreIndex) {
          row(targets);
          row([targets] as never);
        }
      }
    },
  );

  it('are all 0 without the option, which ignoreIndex may be, too', () => {
    expectBits(crossEntropy(x).gradient.data, crossEntropy(x, { targets: [0, 0, 0, 0] }).gradient.data);
    const { loss, count, gradient } = crossEntropy(x, { ignoreIndex: 0 });
    expect([loss, count]).toEqual([0, 0]);
    expectBits(gradient.data, new Float32Array(12));
  });

  it('may all be ignored: the loss is 0', () => {
    for (const reduction of ['mean', 'sum'] as const) {
      const { loss, count, gradient } = crossEntropy(x, {
        targets: [7, 7, 7, 7],
        ignoreIndex: 7,
        reduction,
      });
      expect([loss, count]).toEqual([0, 0]);
      expectBits(gradient.data, new Float32Array(12));
    }
  });

  it('are reported at their place', () => {
    const out = painted(12);
    const run =
      (targets: unknown, ignoreIndex?: number) =>
      (into: Float32Array): Loss =>
        crossEntropy(x, { targets, ignoreIndex, out: into } as CrossEntropyOptions);
    const cases: [unknown, number | undefined, number | bigint, number, readonly number[]][] = [
      [[0, 3, 0, 0], undefined, 3, 1, [1]],
      [
        [
          [0, 1],
          [-1, 5],
        ],
        undefined,
        -1,
        2,
        [1, 0],
      ],
      [Int8Array.of(0, 1, 2, -7), -6, -7, 3, [3]],
      [Uint32Array.of(0, 2 ** 32 - 1, 2, 2), -1, 2 ** 32 - 1, 1, [1]],
      [[0, 2 ** 32 - 1, -1, 2], -1, 2 ** 32 - 1, 1, [1]],
      [[-1, 1, 2 ** 32, 2], -1, 2 ** 32, 2, [2]],
      [[2 ** 40, 1, 2 ** 41, 2], 2 ** 40, 2 ** 41, 2, [2]],
      [[2 ** 40, 4, 2 ** 41, 2], 2 ** 40, 4, 1, [1]],
      [BigInt64Array.of(-1n, -1n, -2n, 0n), -1, -2n, 2, [2]],
      [BigUint64Array.of(2n ** 64n - 1n, 0n, 0n, 0n), -1, 2n ** 64n - 1n, 0, [0]],
      [BigUint64Array.of(0n, 2n ** 32n - 1n, 0n, 0n), -1, 2n ** 32n - 1n, 1, [1]],
      [new Tensor(Int16Array.of(0, 1, 9, 0), { shape: [2, 2] }), 3, 9, 2, [1, 0]],
    ];
    for (const [targets, ignoreIndex, value, position, index] of cases) {
      const error = expectErrorAndNoWrite(
        12,
        run(targets, ignoreIndex),
        outOfRange(value, position, 3, index),
      );
      expect(error.message).toMatch(/ignoreIndex/);
      if (ignoreIndex !== undefined) expect(error.message).toContain(String(ignoreIndex));
    }
    expectPainted(out);
  });
});

describe('the gradient', () => {
  const kinds: [string, (x: Float32Array | Tensor<'f32'>, options: LossOptions) => Loss][] = [
    ['crossEntropy', (x, options) => crossEntropy(x, options)],
    ['binaryCrossEntropy', (x, options) => binaryCrossEntropy(x, options)],
    ['meanSquaredError', (x, options) => meanSquaredError(x, new Float32Array(24), options)],
  ];

  it.each(kinds)('of %s has its own array without out', (_, loss) => {
    const x = new Tensor(numbers(24), { shape: [2, 4, 3] });
    const { gradient } = loss(x, {});
    expect(gradient.shape).toEqual([2, 4, 3]);
    expect([gradient.data.byteOffset, gradient.data.buffer.byteLength]).toEqual([0, 96]);
    expectBits(x.data, numbers(24));
  });

  it.each(kinds)('of %s goes to the first elements of out', (_, loss) => {
    const x = new Tensor(numbers(24), { shape: [8, 3] });
    const expected = loss(x, {});
    const exact = painted(24);
    expect(loss(x, { out: exact }).gradient.data).toBe(exact);
    expectBits(exact, expected.gradient.data);

    const longer = painted(30);
    for (const out of [longer, new Tensor(longer, { shape: [5, 6] }), longer.subarray(2, 29)]) {
      paint(longer);
      const view = out instanceof Float32Array ? out : out.data;
      const { loss: value, gradient, count } = loss(x, { out });
      expect([value, count]).toEqual([expected.loss, expected.count]);
      expect(gradient.shape).toEqual([8, 3]);
      expect(gradient.data.buffer).toBe(longer.buffer);
      expect([gradient.data.byteOffset, gradient.data.length]).toEqual([view.byteOffset, 24]);
      expectBits(gradient.data, expected.gradient.data);
      expectPainted(longer, (out === longer ? 0 : view.byteOffset / 4) + 24);
    }
    const other = new Float32Array(shared(96));
    expectBits(loss(x, { out: other }).gradient.data, expected.gradient.data);
    expectBits(other, expected.gradient.data);
  });

  it.each(kinds)('of %s may replace the scores', (_, loss) => {
    const x = numbers(24);
    const expected = loss(x, { shape: [8, 3] });
    for (const memory of [new ArrayBuffer(96), shared(96)]) {
      const own = new Float32Array(memory);
      own.set(x);
      const { loss: value, gradient } = loss(own, { shape: [8, 3], out: new Float32Array(memory) });
      expect(value).toBe(expected.loss);
      expectBits(own, expected.gradient.data);
      expectBits(gradient.data, expected.gradient.data);
    }
    using tensor = Tensor.allocate([8, 3]);
    tensor.data.set(x);
    const { gradient } = loss(tensor, { out: tensor });
    expectBits(tensor.data, expected.gradient.data);
    // It stays a Tensor over the live memory.
    new Embedding({ vocabSize: 300_000, embeddingDim: 16 }).dispose();
    expectBits(gradient.data, expected.gradient.data);
    expect(gradient.shape).toEqual([8, 3]);
  });
});

it('shared inputs are read', () => {
  const bytes = shared(48);
  const x = new Float32Array(bytes);
  x.set(numbers(12));
  const expected = meanSquaredError(numbers(12), numbers(12, 5));
  const target = new Float32Array(shared(48));
  target.set(numbers(12, 5));
  expect(meanSquaredError(x, target).loss).toBe(expected.loss);
  const labels = binaryCrossEntropy(x, { labels: target });
  expect(labels.loss).toBe(binaryCrossEntropy(numbers(12), { labels: numbers(12, 5) }).loss);
  expect(crossEntropy(x, { shape: [4, 3] }).loss).toBe(crossEntropy(numbers(12), { shape: [4, 3] }).loss);
});

describe('sizes', () => {
  it('of nothing give a loss of 0', () => {
    const none = new Float32Array(0);
    const results = [
      crossEntropy(none, { shape: [0, 3] }),
      crossEntropy(none, { shape: [2, 0, 3], targets: [[], []] }),
      binaryCrossEntropy(none, { shape: [0, 3] }),
      binaryCrossEntropy(none, { shape: [3, 0] }),
      binaryCrossEntropy(none, { labels: none }),
      meanSquaredError(none, none),
    ];
    for (const { loss, count, gradient } of results) {
      expect([loss, count, gradient.size]).toEqual([0, 0, 0]);
    }
  });

  it('of a single element need no axis, with labels', () => {
    const one = new Tensor(Float32Array.of(0.5), { shape: [] });
    expect(binaryCrossEntropy(one, { labels: Float32Array.of(1) }).gradient.shape).toEqual([]);
    expect(meanSquaredError(one, one).loss).toBe(0);
  });

  // On WASM arrays of the caller pass through tiles of 131,072 floats and 65,536 targets.
  it.each([
    [70_000, 2],
    [3, 131_072],
    [3, 131_073],
    [2, 300_001],
    [140, 1000],
  ])('of %i rows of %i columns have the same bits in tiles and in one piece', (rows, columns) => {
    const x = numbers(rows * columns);
    const targets = Int32Array.from({ length: rows }, (_, r) => (r % 3 === 2 ? -9 : (r * 7919) % columns));
    const labels = numbers(x.length, 77);
    using scores = Tensor.allocate([rows, columns]);
    const losses: ((x: Float32Array | Tensor<'f32'>, options: LossOptions) => Loss)[] = [
      (values, options) => crossEntropy(values, { targets, ignoreIndex: -9, ...options }),
      (values, options) => binaryCrossEntropy(values, options),
      (values, options) => binaryCrossEntropy(values, { labels, ...options }),
      (values, options) => meanSquaredError(values, labels, options),
    ];
    for (const loss of losses) {
      scores.data.set(x);
      const whole = loss(scores, { out: scores });
      const tiles = loss(x, { shape: [rows, columns] });
      expect(tiles.loss).toBe(whole.loss);
      expectBits(tiles.gradient.data, whole.gradient.data);
      const own = x.slice();
      expect(loss(own, { shape: [rows, columns], out: own }).loss).toBe(whole.loss);
      expectBits(own, whole.gradient.data);
    }
    const last = targets.slice();
    last[rows - 1] = columns;
    expectErrorAndNoWrite(
      x.length,
      (out) => crossEntropy(x, { targets: last, ignoreIndex: -9, shape: [rows, columns], out }),
      outOfRange(columns, rows - 1, columns),
    );
  });
});

describe('properties', () => {
  const rows = fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 12 }))
    .chain(([columns, count]) =>
      fc.record({
        columns: fc.constant(columns),
        x: fc.array(fc.float({ min: -200, max: 200, noNaN: true }), {
          minLength: columns * count,
          maxLength: columns * count,
        }),
        targets: fc.array(fc.integer({ min: -1, max: columns - 1 }), {
          minLength: count,
          maxLength: count,
        }),
      }),
    );

  it('a row does not depend on the others', () => {
    fc.assert(
      fc.property(rows, ({ columns, x, targets }) => {
        const all = crossEntropy(Float32Array.from(x), {
          shape: [targets.length, columns],
          targets,
          ignoreIndex: -1,
          reduction: 'sum',
        });
        const each = rowsOf(x, columns).map((row, r) =>
          crossEntropy(Float32Array.from(row), { targets: [targets[r]!], ignoreIndex: -1, reduction: 'sum' }),
        );
        expectBits(
          all.gradient.data,
          each.flatMap(({ gradient }) => [...gradient.data]),
        );
        expect(all.count).toBe(each.reduce((sum, { count }) => sum + count, 0));
        const sum = each.reduce((total, { loss }) => total + loss, 0);
        expect(Math.abs(all.loss - sum)).toBeLessThanOrEqual(1e-12 * sum);
      }),
      { numRuns: 60 },
    );
  });

  it('a mean is the sum divided by the count', () => {
    fc.assert(
      fc.property(rows, ({ columns, x, targets }) => {
        const scores = new Tensor(Float32Array.from(x), { shape: [targets.length, columns] });
        const options = { targets, ignoreIndex: -1 };
        const mean = crossEntropy(scores, options);
        const sum = crossEntropy(scores, { ...options, reduction: 'sum' });
        const n = Math.max(1, mean.count);
        expect(mean.loss).toBe(sum.loss / n);
        sum.gradient.data.forEach((each, i) => {
          expect(Math.abs(mean.gradient.data[i]! - each / n)).toBeLessThanOrEqual(
            Math.abs(each) * 2 ** -22 + 2 ** -149,
          );
        });
      }),
      { numRuns: 60 },
    );
  });

  it('binary cross entropy of a score and of its negative mirror each other', () => {
    fc.assert(
      fc.property(fc.float({ min: -700, max: 700, noNaN: true }), (s) => {
        const one = binaryCrossEntropy(Float32Array.of(s), { labels: Float32Array.of(1) });
        const other = binaryCrossEntropy(Float32Array.of(-s), { labels: Float32Array.of(0) });
        expect(one.loss).toBe(other.loss);
        expect(one.gradient.data[0]! + other.gradient.data[0]!).toBe(0);
        const exact = plain.binary(s, 1);
        expect(Math.abs(one.loss - exact)).toBeLessThanOrEqual(1e-12 * exact + (s > 0 ? 0 : 1e-300));
      }),
      { numRuns: 200 },
    );
  });
});

describe('special values', () => {
  it.each([NaN, Infinity])('%d makes its row and the loss NaN', (bad) => {
    const x = numbers(9);
    x[4] = bad;
    const { loss, gradient } = crossEntropy(x, { shape: [3, 3] });
    expect(loss).toBeNaN();
    expect(Array.from(gradient.data, Number.isNaN)).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0].map(Boolean));
    const kept = crossEntropy(x, { shape: [3, 3], targets: [0, -1, 0], ignoreIndex: -1 });
    expect(kept.loss).not.toBeNaN();
    expectBits(kept.gradient.data.subarray(3, 6), [0, 0, 0]);
    for (const options of [{ shape: [3, 3] }, { labels: new Float32Array(9) }]) {
      const binary = binaryCrossEntropy(x, options);
      expect(binary.loss).toBeNaN();
      expect(binary.gradient.data.filter(Number.isNaN)).toHaveLength(Number.isNaN(bad) ? 1 : 0);
    }
  });

  it('a row of -Infinity is NaN, and -Infinity among others masks its column', () => {
    const none = crossEntropy(new Tensor([[-Infinity, -Infinity]]));
    expect([none.loss, ...none.gradient.data]).toEqual([NaN, NaN, NaN]);
    const masked = crossEntropy(new Tensor([[1, -Infinity, 2]]));
    const two = crossEntropy(new Tensor([[1, 2]]));
    expect(masked.loss).toBe(two.loss);
    expectBits(masked.gradient.data, [two.gradient.data[0]!, 0, two.gradient.data[1]!]);
    const negatives = binaryCrossEntropy(new Tensor([[1, -Infinity, 2]]), { reduction: 'sum' });
    expect(negatives.loss).toBe(binaryCrossEntropy(new Tensor([[1, 2]]), { reduction: 'sum' }).loss);
    expect(negatives.gradient.data[1]).toBe(0);
  });

  it('huge and tiny scores are exact', () => {
    const certain = crossEntropy(new Tensor([[0, -80, -90]]), { reduction: 'sum' });
    const others = Math.exp(-80) + Math.exp(-90);
    expect(Math.abs(certain.loss / others - 1)).toBeLessThan(1e-12);
    expectBits(certain.gradient.data, [f(-others), f(Math.exp(-80)), f(Math.exp(-90))]);
    const { loss, gradient } = crossEntropy(Float32Array.of(3e38, -3e38), { targets: 1 });
    expect(loss).toBe(f(3e38) * 2);
    expectBits(gradient.data, [1, -1]);
  });
});

describe('errors', () => {
  const x = new Tensor(numbers(12), { shape: [4, 3] });
  type Untyped = (x: unknown, ...rest: unknown[]) => Loss;
  const cross = crossEntropy as Untyped;
  const binary = binaryCrossEntropy as Untyped;
  const squared = meanSquaredError as Untyped;
  const target = new Float32Array(12);

  /** Each loss with an option. */
  const losses: [string, (x: unknown, options: unknown) => Loss][] = [
    ['crossEntropy', (scores, options) => cross(scores, options)],
    ['binaryCrossEntropy', (scores, options) => binary(scores, options)],
    ['meanSquaredError', (scores, options) => squared(scores, target, options)],
  ];

  it.each(losses)('of the options of %s', (name, loss) => {
    for (const options of [null, 5, 'x', [], true]) {
      expectError(() => loss(x, options), invalidOption(TypeError, 'options', options));
    }
    const bad: [string, unknown, typeof TypeError | typeof RangeError][] = [
      ['weight', 1, TypeError],
      ['reduction', 'none', RangeError],
      ['reduction', 1, TypeError],
      ['reduction', null, TypeError],
      ['shape', 12, TypeError],
      ['shape', [4, -3], RangeError],
      ['shape', [4, '3'], TypeError],
      ['shape', null, TypeError],
    ];
    if (name !== 'crossEntropy')
      bad.push(['targets', [0, 0, 0, 0], TypeError], ['ignoreIndex', 0, TypeError]);
    if (name !== 'binaryCrossEntropy') bad.push(['labels', target, TypeError]);
    for (const [option, value, kind] of bad) {
      expectErrorAndNoWrite(
        12,
        (out) => loss(x, { out, [option]: value }),
        invalidOption(kind, option, value),
      );
    }
  });

  it('of ignoreIndex', () => {
    for (const value of ['0', null, true, 1n, {}, [0]]) {
      expectErrorAndNoWrite(
        12,
        (out) => cross(x, { ignoreIndex: value, out }),
        invalidOption(TypeError, 'ignoreIndex', value),
      );
    }
    for (const value of [0.5, NaN, Infinity, -Infinity]) {
      expectErrorAndNoWrite(
        12,
        (out) => cross(x, { ignoreIndex: value, out }),
        invalidOption(RangeError, 'ignoreIndex', value),
      );
    }
  });

  it.each(losses)('of the kinds of arrays of %s', (name, loss) => {
    const argument = name === 'meanSquaredError' ? 'x' : 'scores';
    const wrong: [unknown, RegExp][] = [
      [undefined, /nothing/],
      [null, /null/],
      [5, /5/],
      ['abc', /abc/],
      [[[1, 2, 3]], /array/],
      [new Float64Array(12), /Float64Array/],
      [new Int32Array(12), /Int32Array/],
      [new ArrayBuffer(48), /ArrayBuffer/],
      [new DataView(new ArrayBuffer(48)), /DataView/],
      [new Tensor(new Int32Array(12)), /Int32Array/],
      [new Tensor(new Float64Array(12)), /Float64Array/],
      [detach(new Float32Array(12)), /detached/],
    ];
    for (const [value, came] of wrong) {
      expectErrorAndNoWrite(12, (out) => loss(value, { out }), invalidArray(argument, came));
      if (value === undefined) continue;
      expectError(() => loss(x, { out: value }), invalidArray('out', came));
      if (name === 'binaryCrossEntropy') {
        expectErrorAndNoWrite(12, (out) => binary(x, { labels: value, out }), invalidArray('labels', came));
      }
      if (name === 'meanSquaredError') {
        expectErrorAndNoWrite(12, (out) => squared(x, value, { out }), invalidArray('target', came));
      }
    }
    const gone = Tensor.allocate([4, 3]);
    gone.dispose();
    expectErrorAndNoWrite(12, (out) => loss(gone, { out }), disposed);
    expectError(() => loss(x, { out: gone }), disposed);
  });

  it('of targets in every wrong form', () => {
    const wrong: [unknown, ReturnType<typeof invalidIds>][] = [
      [null, invalidIds('null')],
      [true, invalidIds('true')],
      [1n, invalidIds('1n')],
      ['0', invalidIds('"0"')],
      [{}, invalidIds('an Object')],
      [new Map(), invalidIds('a Map')],
      [Float32Array.of(0, 0, 0, 0), invalidIds('a Float32Array')],
      [Float64Array.of(0, 0, 0, 0), invalidIds('a Float64Array')],
      [new Tensor([0, 0, 0, 0]), invalidIds('a Tensor of a Float32Array')],
      [detach(new Int32Array(4)), invalidIds('detached')],
      [[0, 0.5, 0, 0], invalidId(0.5, 1)],
      [[0, NaN, 0, 0], invalidId(NaN, 1)],
      [[0, '1', 0, 0], invalidId('1', 1)],
      [[0, null, 0, 0], invalidId(null, 1)],
      [[0, 1n, 0, 0], invalidId(1n, 1)],
      // oxlint-disable-next-line no-sparse-arrays -- a hole
      [[0, , 0, 0], invalidId(undefined, 1)],
      [[[0, 0], [0]], { class: TypeError, code: 'ERR_RAGGED', text: 'targets is ragged' }],
    ];
    for (const [targets, expected] of wrong) {
      expectErrorAndNoWrite(12, (out) => cross(x, { targets, out, ignoreIndex: -1 }), expected);
    }
    const circular: unknown[] = [];
    circular.push(circular);
    expectErrorAndNoWrite(12, (out) => cross(x, { targets: circular, out }), invalidIds('contains itself'));
  });

  it('of ranks, shapes and lengths', () => {
    const flat = numbers(12);
    const rank = (text: string, shape: number[]) => ({
      class: RangeError,
      code: 'ERR_RANK',
      text,
      fields: { shape },
    });
    const shape = (...text: string[]) => ({ class: RangeError, code: 'ERR_SHAPE', text });
    const single = new Tensor(Float32Array.of(1), { shape: [] });
    const cases: [(out: Float32Array) => unknown, Parameters<typeof expectError>[1]][] = [
      [(out) => cross(flat, { out }), rank('at least 2D scores without targets, got shape [12]', [12])],
      [(out) => binary(flat, { out }), rank('at least 2D scores without labels, got shape [12]', [12])],
      [(out) => cross(single, { out, targets: 0 }), rank('at least 1D scores, got shape []', [])],
      [(out) => cross(flat, { out, shape: [4, 4] }), shape('[4, 4]', '16', '12')],
      [(out) => binary(flat, { out, shape: [4, 4] }), shape('[4, 4]', '16', '12')],
      [(out) => squared(flat, flat.slice(), { out, shape: [4, 4] }), shape('[4, 4]', '16', '12')],
      [(out) => cross(x, { out, shape: [2, 6] }), shape('[2, 6]', '[4, 3]')],
      [(out) => cross(x, { out, targets: [0, 0, 0] }), shape('targets', '3', '4 rows')],
      [(out) => cross(x, { out, targets: [0, 0, 0, 0, 0] }), shape('targets', '5', '4 rows')],
      [(out) => cross(x, { out, targets: 0 }), shape('targets', '1', '4 rows')],
      [(out) => cross(new Float32Array(0), { out, shape: [3, 0] }), shape('columns', '[3, 0]')],
      [(out) => cross(new Float32Array(0), { out, targets: [] }), shape('columns', '[0]')],
      [(out) => binary(x, { out, labels: new Float32Array(11) }), shape('labels', '11', '12')],
      [(out) => binary(x, { out, labels: new Float32Array(13) }), shape('labels', '13', '12')],
      [(out) => squared(x, new Float32Array(11), { out }), shape('target', '11', '12')],
      [(out) => squared(x, new Float32Array(13), { out }), shape('target', '13', '12')],
      [(out) => cross(x, { out: out.subarray(1) }), shape('out', '11', '12')],
      [(out) => binary(x, { out: out.subarray(1) }), shape('out', '11', '12')],
      [(out) => squared(x, target, { out: out.subarray(1) }), shape('out', '11', '12')],
    ];
    for (const [run, expected] of cases) expectErrorAndNoWrite(12, run, expected);
  });

  it('of overlaps', () => {
    const overlap = (argument: string) => ({
      class: RangeError,
      code: 'ERR_OVERLAP',
      text: argument,
      fields: { argument },
    });
    const memory = numbers(40);
    const before = memory.slice();
    const scores = memory.subarray(4, 16);
    const options = { shape: [4, 3] };
    for (const out of [memory.subarray(5, 17), memory.subarray(4, 17), memory.subarray(3, 16), memory]) {
      expectError(() => cross(scores, { ...options, out }), overlap('scores'));
      expectError(() => binary(scores, { ...options, out }), overlap('scores'));
      expectError(() => squared(scores, target, { ...options, out }), overlap('x'));
    }
    const labels = memory.subarray(20, 32);
    for (const out of [labels, memory.subarray(19, 31), memory.subarray(28)]) {
      expectError(() => binary(scores, { ...options, labels, out }), overlap('labels'));
      expectError(() => squared(scores, labels, { ...options, out }), overlap('target'));
    }
    // In place, but the labels are there, too.
    expectError(() => binary(scores, { ...options, labels: scores, out: scores }), overlap('labels'));
    expectError(() => squared(scores, scores, { ...options, out: scores }), overlap('target'));
    const targets = new Int32Array(memory.buffer, 20 * 4, 4).fill(0);
    before.set(memory);
    expectError(() => cross(scores, { ...options, targets, out: memory.subarray(20) }), overlap('targets'));
    expectBits(memory, before);
    // Without an out inputs may share memory.
    expect(squared(scores, scores, options).loss).toBe(0);
  });

  it('are found in the order of the contract', () => {
    const bad = { reduction: 'none', shape: [5], targets: 'x', out: 5 };
    expectError(() => cross(5, { ...bad, unknown: 1 }), invalidOption(TypeError, 'unknown'));
    expectError(() => cross(5, bad), invalidOption(RangeError, 'reduction'));
    expectError(() => cross(5, { ...bad, reduction: 'sum' }), invalidArray('scores'));
    expectError(() => cross(x, { ...bad, reduction: 'sum' }), invalidIds('"x"'));
    expectError(() => cross(x, { shape: [5], targets: ['x'], out: 5 }), invalidArray('out'));
    const flat = numbers(12);
    expectError(() => cross(flat, { targets: ['x'], shape: [] }), invalidId('x', 0));
    expectError(() => cross(flat, { targets: [9], shape: [] }), { class: RangeError, code: 'ERR_RANK' });
    expectError(() => cross(x, { targets: [9, 9, 9, 9], out: flat.subarray(1) }), {
      class: RangeError,
      code: 'ERR_SHAPE',
    });
    expectError(
      () => cross(x, { targets: [9, 9, 9, 9], out: new Tensor(x.data.subarray(0)) }),
      outOfRange(9, 0, 3),
    );
  });

  it('of getters in nested targets: what they do counts', () => {
    const acting = (act: () => void): unknown => {
      const targets = [0, 1, 2, 0];
      Object.defineProperty(targets, 1, {
        get: () => {
          act();
          return 1;
        },
      });
      return targets;
    };
    const own = numbers(12);
    expectErrorAndNoWrite(
      12,
      (out) => cross(own, { shape: [4, 3], out, targets: acting(() => detach(own)) }),
      invalidArray('scores', 'detached'),
    );
    const out = painted(12);
    expectError(() => cross(x, { out, targets: acting(() => detach(out)) }), invalidArray('out', 'detached'));
    const tensor = Tensor.allocate([4, 3]);
    expectErrorAndNoWrite(
      12,
      (into) => cross(tensor, { out: into, targets: acting(() => tensor.dispose()) }),
      disposed,
    );
    const failure = new Error('of the caller');
    const throws = acting(() => {
      throw failure;
    });
    const untouched = painted(12);
    expect(() => cross(x, { out: untouched, targets: throws })).toThrow(failure);
    expectPainted(untouched);
    // A call in a getter has results of its own.
    let inner: Loss | undefined;
    const nested = acting(() => {
      inner = cross(x, { targets: [[2], [2], [2], [2]] });
    });
    const outer = cross(x, { targets: nested });
    expect(outer.loss).toBe(cross(x, { targets: [0, 1, 2, 0] }).loss);
    expect(inner!.loss).toBe(cross(x, { targets: [2, 2, 2, 2] }).loss);
  });

  it('of arrays that shrank', () => {
    const memory = resizable(48, 48);
    const view = new Float32Array(memory, 0, 12);
    memory.resize(40);
    expectErrorAndNoWrite(12, (out) => cross(view, { shape: [4, 3], out }), invalidArray('scores', 'shrunk'));
    expectError(() => cross(x, { out: view }), invalidArray('out', 'shrunk'));
  });
});

describe('allocated memory', () => {
  it('the gradient over the first elements of a longer Tensor stays live', () => {
    using out = Tensor.allocate([9]);
    const { gradient } = crossEntropy(new Float32Array([1, 2, 3, 4]), { shape: [2, 2], out });
    const values = Float32Array.from(gradient.data);
    using more = Tensor.allocate([2 ** 23]);
    expect(more.size).toBe(2 ** 23);
    expect([gradient.shape, gradient.data.length]).toEqual([[2, 2], 4]);
    expectBits(gradient.data, values);
    expectBits(out.data.subarray(0, 4), values);
  });

  it('an argument that a Tensor of another copy disposes is not read', () => {
    const x = Tensor.allocate([2, 2]);
    const target = {
      [Symbol.for('tokenbed.Tensor')]: true,
      shape: [4],
      dtype: 'f32',
      size: 4,
      get data() {
        x.dispose();
        return new Float32Array(4);
      },
    };
    expectError(() => meanSquaredError(x, target as never), disposed);
  });
});
