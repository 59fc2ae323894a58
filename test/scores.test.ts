/** Scores and their backward pass: values against plain loops and finite differences, and every way to be wrong. */

import fc from 'fast-check';
import { Embedding, type IdsInput, Tensor } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { bits, expectBits, expectPainted, painted } from './helpers/bits.js';
import {
  disposed,
  type Expected,
  expectError,
  invalidArray,
  invalidId,
  invalidIds,
  invalidOption,
  outOfRange,
} from './helpers/errors.js';
import { detach, resizable, shared } from './helpers/memory.js';

answersThroughout();

const f = Math.fround;
const [V, D, B] = [9, 5, 3];

/** Numbers of both signs, of which nearby ones differ. */
const numbers = (length: number, seed = 1): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233));

const embeddingOf = (
  options: { paddingIdx?: number | undefined; freeze?: boolean; dtype?: 'f16' | 'i8' } = {},
) => Embedding.fromPretrained(numbers(V * D, 3), { embeddingDim: D, ...options });

interface UntypedScores {
  score(x?: unknown, options?: unknown): Tensor<'f32'>;
  scoreInto(x?: unknown, out?: unknown, options?: unknown): unknown;
  scoreBackward(x?: unknown, gradScores?: unknown, options?: unknown): Tensor<'f32'>;
  scoreBackwardInto(x?: unknown, gradScores?: unknown, out?: unknown, options?: unknown): unknown;
}
const untyped = (embedding: Embedding) => embedding as unknown as UntypedScores;

/** The dot product in 16 lanes. */
function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const lanes = new Float32Array(16);
  for (let c = 0; c < x.length; c++) lanes[c % 16] = lanes[c % 16]! + f(x[c]! * y[c]!);
  for (const half of [8, 4, 2, 1]) for (let j = 0; j < half; j++) lanes[j] = lanes[j]! + lanes[j + half]!;
  return lanes[0]!;
}

/** The forms of ids for B rows, and the rows that they score. */
const SHARED = [3, 8, 0, 3];
const EACH = [
  [3, 1],
  [8, 8],
  [4, 3],
];
const FORMS: readonly [name: string, ids: number[] | number[][] | undefined, rows: number[][]][] = [
  ['all rows', undefined, Array.from({ length: B }, () => Array.from({ length: V }, (_, j) => j))],
  ['[k]', SHARED, Array.from({ length: B }, () => SHARED)],
  ['[B, k]', EACH, EACH],
];

/** What the contract defines, in plain loops. */
function plain(
  values: readonly (readonly number[])[],
  x: Float32Array,
  rows: readonly (readonly number[])[],
  gs: Float32Array,
  { paddingIdx, byFreq = false }: { paddingIdx?: number | undefined; byFreq?: boolean } = {},
) {
  const xs = rows.map((_, b) => Array.from(x.subarray(b * D, (b + 1) * D)));
  const scores = rows.flatMap((list, b) => list.map((row) => dot(xs[b]!, values[row]!)));
  const k = rows[0]?.length ?? 0;
  const xGrad = rows.flatMap((list, b) =>
    xs[b]!.map((_, d) => list.reduce((acc, row, j) => f(acc + f(gs[b * k + j]! * values[row]![d]!)), 0)),
  );
  const gradient = new Map<number, number[]>();
  const flat = rows.flat();
  flat.forEach((row, i) => {
    if (row === paddingIdx) return;
    const count = flat.filter((other) => other === row).length;
    const c = xs[Math.floor(i / k)]!.map((value) => {
      const product = f(gs[i]! * value);
      return byFreq ? f(product / count) : product;
    });
    const sum = gradient.get(row);
    gradient.set(row, sum === undefined ? c : sum.map((value, d) => f(value + c[d]!)));
  });
  return { scores, xGrad, gradient };
}

const rowsOf = (embedding: Embedding): number[][] => embedding.weight.toTensor().toArray() as number[][];

function expectGradient(embedding: Embedding, wanted: ReadonlyMap<number, readonly number[]>): void {
  const rows = [...wanted.keys()].sort((a, b) => a - b);
  const { grad } = embedding.weight;
  expect(Array.from(grad!.rows)).toEqual(rows);
  expectBits(
    grad!.values.data,
    rows.flatMap((row) => [...wanted.get(row)!]),
  );
}

describe('values', () => {
  const x = numbers(B * D, 5);

  for (const [form, ids, rows] of FORMS) {
    for (const paddingIdx of [undefined, 3]) {
      for (const byFreq of [false, true]) {
        it(`${form}, padding ${paddingIdx}, by frequency ${byFreq}`, () => {
          const embedding = embeddingOf({ paddingIdx });
          const k = rows[0]!.length;
          const gs = numbers(B * k, 7);
          const wanted = plain(rowsOf(embedding), x, rows, gs, { paddingIdx, byFreq });
          const scores = embedding.score(x, { ids });
          expect([scores.shape, scores.dtype]).toEqual([[B, k], 'f32']);
          expectBits(scores.data, wanted.scores);
          const xGrad = embedding.scoreBackward(x, gs, { ids, scaleGradByFreq: byFreq });
          expect(xGrad.shape).toEqual([B, D]);
          expectBits(xGrad.data, wanted.xGrad);
          expectGradient(embedding, wanted.gradient);
          for (const { data, size } of [scores, xGrad]) {
            expect([data.byteOffset, data.buffer.byteLength]).toEqual([0, 4 * size]);
          }
          // Into longer arrays, from Tensors.
          const [out, into] = [painted(B * k + 2), painted(B * D + 2)];
          const tensor = new Tensor(x, { shape: [B, D] });
          embedding.weight.zeroGrad();
          expect(embedding.scoreInto(tensor, out, { ids })).toBe(out);
          const grads = new Tensor(gs, { shape: [B, k] });
          const options = { ids, scaleGradByFreq: byFreq };
          expect(embedding.scoreBackwardInto(tensor, grads, into, options)).toBe(into);
          expectBits(out.subarray(0, B * k), wanted.scores);
          expectBits(into.subarray(0, B * D), wanted.xGrad);
          expectPainted(out, B * k);
          expectPainted(into, B * D);
          expectGradient(embedding, wanted.gradient);
        });
      }
    }
  }

  it('shapes of x and of ids', () => {
    const embedding = embeddingOf();
    const six = numbers(6 * D, 2);
    const x23 = new Tensor(six, { shape: [2, 3, D] });
    expect(embedding.score(x23).shape).toEqual([2, 3, V]);
    expect(embedding.score(x23, { ids: [1, 2] }).shape).toEqual([2, 3, 2]);
    const each = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2);
    const wanted = embedding.score(x23, { ids: each, shape: [2, 3, 2] });
    expect(wanted.shape).toEqual([2, 3, 2]);
    // The leading sizes may differ, as long as their product is the number of rows.
    const forms: [IdsInput, number[]?][] = [[each, [6, 2]], [new Tensor(each, { shape: [3, 2, 2] })]];
    forms.push([BigInt64Array.from(each, BigInt), [1, 6, 2]]);
    for (const [ids, shape] of forms) expectBits(embedding.score(x23, { ids, shape }).data, wanted.data);
    const one = new Tensor(six.subarray(0, D));
    expect(embedding.score(one).shape).toEqual([V]);
    expect(embedding.score(one, { ids: [1, 2, 2] }).shape).toEqual([3]);
    expect(embedding.score(one, { ids: [[1, 2, 2]] }).shape).toEqual([3]);
    expect(embedding.scoreBackward(one, numbers(V)).shape).toEqual([D]);
    expect(embedding.scoreBackward(x23, numbers(12), { ids: [1, 2] }).shape).toEqual([2, 3, D]);
  });

  it('no rows, and no scores', () => {
    const embedding = embeddingOf();
    const none = new Float32Array(0);
    expect(embedding.score(none).shape).toEqual([0, V]);
    expect(embedding.score(none, { ids: [] }).shape).toEqual([0, 0]);
    expect(embedding.score(none, { ids: [], shape: [0, 4] }).shape).toEqual([0, 4]);
    expect(embedding.score(x, { ids: [] }).shape).toEqual([B, 0]);
    expect(embedding.score(x, { ids: [[], [], []] }).shape).toEqual([B, 0]);
    for (const ids of [[], [[], [], []]]) {
      expectBits(embedding.scoreBackward(x, none, { ids }).data, new Float32Array(B * D));
      expect(embedding.weight.grad!.count).toBe(0);
    }
    expect(embedding.scoreBackward(none, none, { ids: [1, 2] }).shape).toEqual([0, D]);
    expect(embedding.scoreBackward(none, none).shape).toEqual([0, D]);
    expect(embedding.weight.grad!.count).toBe(0);
  });

  it('the padding row is scored, and reaches x', () => {
    const embedding = embeddingOf({ paddingIdx: 3 });
    embedding.weight.set(3, Float32Array.of(1, 2, 3, 4, 5));
    expect(embedding.score(Float32Array.of(1, 0, 0, 0, 2), { ids: [3] }).toArray()).toEqual([[11]]);
    expect(embedding.scoreBackward(numbers(D), Float32Array.of(2), { ids: [3] }).toArray()).toEqual([
      [2, 4, 6, 8, 10],
    ]);
    expect(embedding.weight.grad!.count).toBe(0);
  });

  it('stored tables are scored; they and frozen ones have no gradient', () => {
    for (const options of [{ dtype: 'f16' }, { dtype: 'i8' }, { freeze: true }] as const) {
      const embedding = embeddingOf(options);
      for (const [, ids, rows] of FORMS) {
        const gs = numbers(B * rows[0]!.length, 7);
        const wanted = plain(rowsOf(embedding), x, rows, gs);
        expectBits(embedding.score(x, { ids }).data, wanted.scores);
        expectBits(embedding.scoreBackward(x, gs, { ids }).data, wanted.xGrad);
        expect(embedding.weight.grad).toBeNull();
      }
      expectError(() => embedding.scoreBackward(x, numbers(B), { ids: [V] }), outOfRange(V, 0, V));
    }
  });

  it('scores agree with nearest', () => {
    using embedding = new Embedding({ vocabSize: 300, embeddingDim: 48, seed: 5 });
    const query = embedding.forward([7, 250]);
    const { ids, scores } = embedding.nearest(query, { k: 300, metric: 'dot' });
    const all = embedding.score(query);
    ids.data.forEach((id, i) => expect(scores.data[i]).toBe(all.data[Math.floor(i / 300) * 300 + id]));
  });

  it('a tied table: lookups and scores add to one gradient', () => {
    const embedding = embeddingOf();
    const g = numbers(D, 2);
    embedding.backward([4], g);
    embedding.scoreBackward(g, Float32Array.of(2), { ids: [4] });
    expectBits(
      embedding.weight.grad!.values.data,
      Array.from(g, (value) => f(value + f(2 * value))),
    );
  });

  it('wide rows, and more scores than the scratch area holds', () => {
    const [rows, dim, n] = [70_001, 4, 3];
    using table = Embedding.fromPretrained(numbers(rows * dim), { embeddingDim: dim });
    const few = numbers(n * dim, 2);
    const all = table.score(few);
    const values = table.weight.toTensor().data;
    for (const i of [0, 1, 65_535, 70_000, 70_001, 140_003, 210_002]) {
      const [b, row] = [Math.floor(i / rows), i % rows];
      const product = dot(few.subarray(b * dim, (b + 1) * dim), values.subarray(row * dim, (row + 1) * dim));
      expect(all.data[i]).toBe(product);
    }
    const ids = Uint32Array.from({ length: n * rows }, (_, i) => i % rows);
    expectBits(table.score(few, { ids, shape: [n, rows] }).data, all.data);
    expectBits(table.score(few, { ids: ids.subarray(0, rows) }).data, all.data);
    const gs = numbers(n * rows, 6);
    const dense = table.scoreBackward(few, gs).data;
    const gradient = table.weight.grad!.values.data;
    for (const options of [{ ids, shape: [n, rows] }, { ids: ids.subarray(0, rows) }]) {
      table.weight.zeroGrad();
      expectBits(table.scoreBackward(few, gs, options).data, dense);
      expectBits(table.weight.grad!.values.data, gradient);
    }

    const wide = 140_000;
    using two = Embedding.fromPretrained(numbers(2 * wide), { embeddingDim: wide });
    const long = numbers(2 * wide, 3);
    const weights = two.weight.toTensor().data;
    const scores = two.score(long);
    const row = (from: Float32Array, i: number) => from.subarray(i * wide, (i + 1) * wide);
    expectBits(
      scores.data,
      [0, 1, 2, 3].map((i) => dot(row(long, i >> 1), row(weights, i & 1))),
    );
    const g = Float32Array.of(0.5, -2, 3, 0.25);
    const back = two.scoreBackward(long, g);
    const wanted = Float32Array.from({ length: wide }, (_, d) =>
      f(f(0 + f(0.5 * weights[d]!)) + f(-2 * weights[wide + d]!)),
    );
    expectBits(back.data.subarray(0, wide), wanted);
    const sum = Float32Array.from({ length: wide }, (_, d) => f(f(0.5 * long[d]!) + f(3 * long[wide + d]!)));
    expectBits(two.weight.grad!.values.data.subarray(0, wide), sum);
  });
});

describe('properties', () => {
  it('any call agrees with plain loops, two calls are one, and no ids are all ids', () => {
    const call = fc.record({
      n: fc.integer({ min: 1, max: 4 }),
      ids: fc.array(fc.nat(V - 1), { minLength: 0, maxLength: 24 }),
      form: fc.constantFrom('all', 'shared', 'each'),
      byFreq: fc.boolean(),
      paddingIdx: fc.option(fc.nat(V - 1), { nil: undefined }),
    });
    fc.assert(
      fc.property(call, ({ n, ids, form, byFreq, paddingIdx }) => {
        const k = form === 'all' ? V : form === 'shared' ? ids.length : Math.floor(ids.length / n);
        const rows = Array.from({ length: n }, (_, b) =>
          Array.from({ length: k }, (_unused, j) =>
            form === 'all' ? j : form === 'shared' ? ids[j]! : ids[b * k + j]!,
          ),
        );
        const passed = {
          all: {},
          shared: { ids },
          each: { ids: Uint8Array.from(rows.flat()), shape: [n, k] },
        }[form];
        const [x, gs] = [numbers(n * D, 5), numbers(n * k, 7)];
        using embedding = embeddingOf({ paddingIdx });
        const wanted = plain(rowsOf(embedding), x, rows, gs, { paddingIdx, byFreq });
        expectBits(embedding.score(x, passed).data, wanted.scores);
        const options = { ...passed, scaleGradByFreq: byFreq };
        expectBits(embedding.scoreBackward(x, gs, options).data, wanted.xGrad);
        expectGradient(embedding, wanted.gradient);
        if (byFreq) return;
        using two = embeddingOf({ paddingIdx });
        for (const [from, to] of [
          [0, 1],
          [1, n],
        ] as const) {
          const part =
            form === 'each'
              ? { ids: Uint8Array.from(rows.slice(from, to).flat()), shape: [to - from, k] }
              : passed;
          two.scoreBackward(x.subarray(from * D, to * D), gs.subarray(from * k, to * k), part);
        }
        expectGradient(two, wanted.gradient);
      }),
      { numRuns: 200 },
    );
  });
});

describe('finite differences, in f64', () => {
  it.each(FORMS)('%s', (_, ids, rows) => {
    const embedding = embeddingOf();
    const table = rowsOf(embedding);
    const k = rows[0]!.length;
    const [x, gs] = [numbers(B * D, 5), numbers(B * k, 7)];
    const xGrad = embedding.scoreBackward(x, gs, { ids });
    const dense = embedding.weight.grad!.toTensor().toArray() as number[][];
    const xs = Array.from(x);
    const objective = (): number => {
      let total = 0;
      rows.forEach((list, b) =>
        list.forEach((row, j) => {
          for (let d = 0; d < D; d++) total += gs[b * k + j]! * xs[b * D + d]! * table[row]![d]!;
        }),
      );
      return total;
    };
    const h = 1e-4;
    const slope = (change: (by: number) => void): number => {
      change(h);
      const up = objective();
      change(-2 * h);
      const down = objective();
      change(h);
      return (up - down) / (2 * h);
    };
    xs.forEach((_unused, i) =>
      expect(xGrad.data[i]).toBeCloseTo(
        slope((by) => (xs[i]! += by)),
        5,
      ),
    );
    dense.forEach((row, r) =>
      row.forEach((value, d) =>
        expect(value).toBeCloseTo(
          slope((by) => (table[r]![d]! += by)),
          5,
        ),
      ),
    );
  });
});

describe('floats and ids in unusual memory', () => {
  it('shared arrays and allocated tensors', () => {
    const embedding = embeddingOf();
    const [x, gs] = [numbers(B * D, 5), numbers(B * 2, 7)];
    const common = (values: Float32Array) => {
      const copy = new Float32Array(shared(values.byteLength));
      copy.set(values);
      return copy;
    };
    const ids = new Uint8Array(shared(6));
    ids.set(EACH.flat());
    const wanted = plain(rowsOf(embedding), x, EACH, gs);
    const out = common(new Float32Array(B * D));
    embedding.scoreBackwardInto(common(x), common(gs), out, { ids, shape: [B, 2] });
    expectBits(out.slice(), wanted.xGrad);
    expectGradient(embedding, wanted.gradient);
    embedding.weight.zeroGrad();
    using xs = Tensor.allocate([B, D]);
    using grads = Tensor.allocate([B, 2]);
    using into = Tensor.allocate([B, D]);
    using scores = Tensor.allocate([B, 2]);
    xs.data.set(x);
    grads.data.set(gs);
    embedding.scoreInto(xs, scores, { ids: EACH });
    embedding.scoreBackwardInto(xs, grads, into, { ids: EACH });
    expectBits(scores.data.slice(), wanted.scores);
    expectBits(into.data.slice(), wanted.xGrad);
    expectGradient(embedding, wanted.gradient);
  });
});

describe('errors', () => {
  const x = numbers(B * D, 5);
  const gs = numbers(B * 2, 7);
  const shapeError = (text: string): Expected => ({ class: RangeError, code: 'ERR_SHAPE', text });
  const rankError: Expected = { class: RangeError, code: 'ERR_RANK', fields: { shape: [] } };

  /** Runs all four methods with these arguments: each throws this error, and nothing changes. */
  function expectAll(wrong: { x?: unknown; options?: unknown }, expected: Expected): void {
    const { x: values = x, options = { ids: EACH } } = wrong;
    const values_ = 'x' in wrong ? wrong.x : values;
    const options_ = 'options' in wrong ? wrong.options : options;
    expectUnchanged((scores) => scores.score(values_, options_), expected);
    expectUnchanged((scores, out) => scores.scoreInto(values_, out, options_), expected);
    expectUnchanged((scores) => scores.scoreBackward(values_, gs, options_), expected);
    expectUnchanged((scores, out) => scores.scoreBackwardInto(values_, gs, out, options_), expected);
  }

  /** An embedding with a gradient and an output, which no error changes. */
  function expectUnchanged(
    run: (scores: UntypedScores, out: Float32Array<ArrayBuffer>) => void,
    expected: Expected,
  ): void {
    const embedding = embeddingOf({ paddingIdx: 2 });
    embedding.backward([5, 6], numbers(2 * D, 8));
    const { grad } = embedding.weight;
    const state = () => [bits(embedding.weight.toTensor().data), grad!.rows, bits(grad!.values.data)];
    const before = state();
    const out = painted(B * D);
    expectError(() => run(untyped(embedding), out), expected);
    expectPainted(out);
    expect(embedding.weight.grad).toBe(grad);
    expect(state()).toEqual(before);
  }

  it.each<[string, unknown, Expected]>([
    ['null', null, invalidOption(TypeError, 'options', null)],
    ['a list', [], invalidOption(TypeError, 'options')],
    ['unknown', { k: 3 }, invalidOption(TypeError, 'k', 3)],
    ['shape without ids', { shape: [3] }, invalidOption(RangeError, 'shape', [3])],
    ['an empty shape without ids', { ids: undefined, shape: [] }, invalidOption(RangeError, 'shape', [])],
    ['shape: 3', { ids: [1], shape: 3 }, invalidOption(TypeError, 'shape', 3)],
    ['a negative size', { ids: [1], shape: [-1] }, invalidOption(RangeError, 'shape', [-1])],
    ['ids: 5', { ids: 5 }, rankError],
    ['a scalar Tensor', { ids: new Tensor(Int32Array.of(1), { shape: [] }) }, rankError],
    ['a scalar shape', { ids: [1], shape: [] }, rankError],
    ['ids: null', { ids: null }, invalidIds('null')],
    ['ids: true', { ids: true }, invalidIds('true')],
    ['ids: a string', { ids: '1' }, invalidIds('"1"')],
    ['ids: a bigint', { ids: 1n }, invalidIds('1n')],
    ['ids: an object', { ids: {} }, invalidIds('Object')],
    ['floats', { ids: new Float32Array(2) }, invalidIds('Float32Array')],
    ['detached ids', { ids: detach(new Int32Array(2)) }, invalidIds('detached')],
    ['a fraction', { ids: [1, 0.5] }, invalidId(0.5, 1)],
    ['NaN', { ids: [1, NaN] }, invalidId(NaN, 1)],
    ['a null entry', { ids: [1, null] }, invalidId(null, 1)],
    ['a boolean entry', { ids: [1, true] }, invalidId(true, 1)],
    ['a bigint entry', { ids: [1, 1n] }, invalidId(1n, 1)],
    ['a string entry', { ids: [1, '1'] }, invalidId('1', 1)],
    ['ragged', { ids: [[1, 2], [3]] }, { class: TypeError, code: 'ERR_RAGGED' }],
    ['another size', { ids: [1, 2, 3], shape: [2, 2] }, shapeError('holds 4 elements')],
    ['a shape for nested ids', { ids: EACH, shape: [2, 3] }, shapeError('flat array')],
    [
      'ids for other rows',
      {
        ids: [
          [1, 2],
          [3, 4],
        ],
      },
      shapeError('ids of shape [2, 2] are for 2 rows, but x has 3'),
    ],
    ['ids for no rows', { ids: [], shape: [0, 2] }, shapeError('ids of shape [0, 2] are for 0 rows')],
    ['negative', { ids: [1, -1] }, outOfRange(-1, 1, V)],
    ['too large', { ids: [V, 300] }, outOfRange(V, 0, V)],
    ['beyond 32 bits', { ids: [1, 2 ** 32] }, outOfRange(2 ** 32, 1, V)],
    ['of 64 bits', { ids: BigInt64Array.of(0n, -3n) }, outOfRange(-3n, 1, V)],
    [
      'too large, for each row',
      {
        ids: [
          [1, 2],
          [3, 4],
          [5, V],
        ],
      },
      outOfRange(V, 5, V, [2, 1]),
    ],
  ])('options: %s', (_, options, expected) => {
    expectAll({ options }, expected);
  });

  it.each<[string, unknown, Expected]>([
    ['absent', undefined, invalidArray('x', 'nothing')],
    ['null', null, invalidArray('x', 'null')],
    ['a number', 1, invalidArray('x', '1')],
    ['a list', Array.from(x), invalidArray('x', 'array')],
    ['f64', Float64Array.from(x), invalidArray('x', 'Float64Array')],
    [
      'a Tensor of integers',
      new Tensor(new Int32Array(B * D), { shape: [B, D] }),
      invalidArray('x', 'Int32Array'),
    ],
    ['detached', detach(x.slice()), invalidArray('x', 'detached')],
    ['a part of a row', x.subarray(1), shapeError('x has length 14, but rows have 5')],
    [
      'another width',
      new Tensor(x, { shape: [D, B] }),
      { class: RangeError, code: 'ERR_DIM', fields: { expected: D, got: B } },
    ],
    ['flat', new Tensor(x), { class: RangeError, code: 'ERR_DIM', fields: { expected: D, got: B * D } }],
    [
      'a scalar',
      new Tensor(Float32Array.of(1), { shape: [] }),
      { class: RangeError, code: 'ERR_DIM', fields: { expected: D, got: 0 } },
    ],
  ])('x: %s', (_, wrong, expected) => {
    expectAll({ x: wrong }, expected);
  });

  it('x of zero columns', () => {
    expectAll(
      { x: new Tensor(new Float32Array(0), { shape: [B, 0] }) },
      { class: RangeError, code: 'ERR_DIM', fields: { expected: D, got: 0 } },
    );
  });

  it.each<[string, unknown, Expected]>([
    ['absent', undefined, invalidArray('gradScores', 'nothing')],
    ['null', null, invalidArray('gradScores', 'null')],
    ['a list', Array.from(gs), invalidArray('gradScores', 'array')],
    ['f64', Float64Array.from(gs), invalidArray('gradScores', 'Float64Array')],
    ['a Tensor of integers', new Tensor(new Int32Array(6)), invalidArray('gradScores', 'Int32Array')],
    ['detached', detach(gs.slice()), invalidArray('gradScores', 'detached')],
    ['shorter', gs.subarray(1), shapeError('gradScores has length 5, but there are 6 scores')],
    ['longer', new Float32Array(7), shapeError('gradScores has length 7')],
    [
      'another width',
      new Tensor(gs, { shape: [2, 3] }),
      shapeError('gradScores has shape [2, 3], but each row has 2 scores'),
    ],
    ['flat', new Tensor(gs), shapeError('gradScores has shape [6]')],
  ])('gradScores: %s', (_, wrong, expected) => {
    expectUnchanged((scores) => scores.scoreBackward(x, wrong, { ids: EACH }), expected);
    expectUnchanged((scores, out) => scores.scoreBackwardInto(x, wrong, out, { ids: EACH }), expected);
  });

  it.each<[string, unknown, Expected]>([
    ['absent', undefined, invalidArray('out', 'nothing')],
    ['null', null, invalidArray('out', 'null')],
    ['a list', [0], invalidArray('out', 'array')],
    ['f64', new Float64Array(99), invalidArray('out', 'Float64Array')],
    ['detached', detach(new Float32Array(99)), invalidArray('out', 'detached')],
    ['too short', new Float32Array(5), shapeError('out has length 5')],
  ])('out: %s', (_, out, expected) => {
    expectUnchanged((scores) => scores.scoreInto(x, out, { ids: EACH }), expected);
    expectUnchanged((scores) => scores.scoreBackwardInto(x, gs, out, { ids: EACH }), expected);
  });

  it('options of another method, and of another kind', () => {
    for (const scaleGradByFreq of [1, null, 'true']) {
      const expected = invalidOption(TypeError, 'scaleGradByFreq', scaleGradByFreq);
      expectUnchanged((scores) => scores.scoreBackward(x, gs, { ids: EACH, scaleGradByFreq }), expected);
    }
    const unknown = invalidOption(TypeError, 'scaleGradByFreq', true);
    expectUnchanged((scores) => scores.score(x, { scaleGradByFreq: true }), unknown);
    expectUnchanged((scores, out) => scores.scoreInto(x, out, { scaleGradByFreq: true }), unknown);
  });

  it('outputs that share bytes with an input', () => {
    const overlap = (argument: string): Expected => ({
      class: RangeError,
      code: 'ERR_OVERLAP',
      text: `out shares bytes with ${argument}`,
      fields: { argument },
    });
    const memory = new ArrayBuffer(800);
    const at = (index: number, length: number) => new Float32Array(memory, 4 * index, length);
    const ids = new Uint32Array(memory, 400, 6);
    const options = { ids, shape: [B, 2] };
    expectUnchanged((scores) => scores.scoreInto(at(0, 15), at(14, 6), options), overlap('x'));
    expectUnchanged((scores) => scores.scoreInto(x, at(100, 6), options), overlap('ids'));
    expectUnchanged((scores) => scores.scoreBackwardInto(at(0, 15), gs, at(0, 15), options), overlap('x'));
    expectUnchanged(
      (scores) => scores.scoreBackwardInto(x, at(20, 6), at(6, 15), options),
      overlap('gradScores'),
    );
    expectUnchanged((scores) => scores.scoreBackwardInto(x, gs, at(86, 15), options), overlap('ids'));
    // Neighbours, and an array that is nowhere a copy.
    const embedding = embeddingOf();
    expect(embedding.scoreBackwardInto(at(0, 15), at(15, 6), at(21, 15), options)).toHaveLength(15);
  });

  it('getters of nested ids that dispose, detach, resize or add', () => {
    const nested = (run: () => void): number[][] =>
      Object.defineProperty(
        [
          [3, 1],
          [8, 8],
          [4, 3],
        ],
        2,
        { get: () => (run(), [4, 3]), enumerable: true },
      );
    const values = x.slice();
    const dies = nested(() => values.byteLength > 0 && detach(values));
    expectUnchanged((scores) => scores.score(values, { ids: dies }), invalidArray('x', 'detached'));
    const grads = gs.slice();
    const gone = nested(() => grads.byteLength > 0 && detach(grads));
    expectUnchanged(
      (scores) => scores.scoreBackward(x, grads, { ids: gone }),
      invalidArray('gradScores', 'detached'),
    );
    const memory = resizable(24, 24);
    const shorter = nested(() => memory.resize(20));
    expectUnchanged(
      (scores) => scores.scoreInto(x, new Float32Array(memory), { ids: shorter }),
      shapeError('out has length 5'),
    );
    const embedding = embeddingOf();
    expectError(() => embedding.score(x, { ids: nested(() => embedding.dispose()) }), disposed);
    const other = embeddingOf();
    const option = {
      get ids() {
        other.dispose();
        return EACH;
      },
    };
    expectError(() => other.scoreBackward(x, gs, option), disposed);
    const two = embeddingOf();
    const wanted = plain(rowsOf(two), x, EACH, gs);
    two.scoreBackward(x, gs, { ids: nested(() => two.backward([7], numbers(D))) });
    expectGradient(two, new Map([...wanted.gradient, [7, Array.from(numbers(D))]]));
    const throws = nested(() => {
      throw new Error('of the caller');
    });
    expect(() => two.score(x, { ids: throws })).toThrow('of the caller');
  });

  it('the order of the checks', () => {
    const embedding = embeddingOf();
    const wrong = { x: 1, ids: 5, k: 2 };
    const scores = untyped(embedding);
    expectError(() => scores.score(1, wrong), invalidOption(TypeError, 'x', 1));
    expectError(() => scores.score(1, { shape: [1] }), invalidOption(RangeError, 'shape'));
    expectError(() => scores.scoreBackward(1, 2, { ids: 5 }), invalidArray('x'));
    expectError(() => scores.scoreBackward(x, 2, { ids: 5 }), invalidArray('gradScores'));
    expectError(() => scores.scoreInto(x, 2, { ids: true }), invalidArray('out'));
    expectError(() => scores.score(new Tensor(x), { ids: 5 }), rankError);
    expectError(() => scores.scoreInto(new Tensor(x), new Float32Array(1), { ids: [V] }), {
      class: RangeError,
      code: 'ERR_DIM',
    });
    expectError(() => scores.scoreInto(x, new Float32Array(1), { ids: [V] }), shapeError('out has length 1'));
    embedding.dispose();
    expectError(() => scores.score(1, wrong), disposed);
    expectError(() => scores.scoreBackwardInto(1, 2, 3, 4), disposed);
  });
});
