/** Nearest rows and similarity: values against plain JavaScript, shapes, tiles and passes, and every way to be wrong. */

import { Embedding, type NearestOptions, type NearestRows, similarity, Tensor } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { bits, expectBits } from './helpers/bits.js';
import { disposed, expectError, invalidArray, invalidOption } from './helpers/errors.js';
import { detach, shared } from './helpers/memory.js';

answersThroughout();

const f = Math.fround;

/** Numbers of both signs, many of them equal. */
const numbers = (length: number, seed = 1): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, (_, i) => (((i + seed) * 2_654_435_761) % 19) / 8 - 1);

/** The dot product in 16 lanes. */
function dot(x: Float32Array, y: Float32Array): number {
  const lanes = new Float32Array(16);
  for (let c = 0; c < x.length; c++) lanes[c % 16] = lanes[c % 16]! + f(x[c]! * y[c]!);
  for (const half of [8, 4, 2, 1]) for (let j = 0; j < half; j++) lanes[j] = lanes[j]! + lanes[j + half]!;
  return lanes[0]!;
}

function cosine(x: Float32Array, y: Float32Array): number {
  const [a, b] = [f(Math.sqrt(dot(x, x))), f(Math.sqrt(dot(y, y)))];
  return a === 0 || b === 0 ? 0 : f(dot(x, y) / f(a * b));
}

const rowsOf = (values: Float32Array, dim: number): Float32Array[] =>
  Array.from({ length: values.length / dim }, (_, r) => values.subarray(r * dim, (r + 1) * dim));

/** The `k` best rows of each query, by sorting all of them. */
function nearestRows(
  rows: readonly Float32Array[],
  queries: readonly Float32Array[],
  k: number,
  score = cosine,
): { ids: number[]; scores: number[] } {
  const found = queries.flatMap((query) => {
    const all = rows.map((row, id) => ({ id, score: score(query, row) }));
    const last = (x: number) => Number(Number.isNaN(x));
    all.sort((a, b) => last(a.score) - last(b.score) || b.score - a.score || a.id - b.id);
    return all.slice(0, k);
  });
  return { ids: found.map(({ id }) => id), scores: found.map((each) => each.score) };
}

const embeddingOf = (values: Float32Array, embeddingDim: number, dtype?: 'f16' | 'bf16' | 'i8' | 'i4') =>
  Embedding.fromPretrained(values, { embeddingDim, dtype });

function expectRows(found: NearestRows, wanted: ReturnType<typeof nearestRows>, where = ''): void {
  expect(Array.from(found.ids.data), where).toEqual(wanted.ids);
  expectBits(found.scores.data, wanted.scores, { anyNaN: true, where });
}

describe('values', () => {
  it.each([1, 3, 4, 8, 15, 16, 17, 33, 64, 257, 1000])('of rows of %i columns', (dim) => {
    const values = numbers(70 * dim);
    using embedding = embeddingOf(values, dim);
    for (const count of [1, 3, 4, 5, 9]) {
      const queries = numbers(count * dim, 7);
      for (const metric of ['cosine', 'dot'] as const) {
        const found = embedding.nearest(queries, { shape: [count, dim], k: 12, metric });
        const wanted = nearestRows(
          rowsOf(values, dim),
          rowsOf(queries, dim),
          12,
          metric === 'dot' ? dot : cosine,
        );
        expectRows(found, wanted, `${count} queries, ${metric}`);
      }
    }
  });

  it.each(['f16', 'bf16', 'i8', 'i4'] as const)('of %s rows are those of lookups', (dtype) => {
    for (const [rows, dim] of [
      [300, 33],
      [40, 1000],
      [6, 8200],
    ] as const) {
      using embedding = embeddingOf(numbers(rows * dim), dim, dtype);
      const lookups = embedding.weight.toTensor().data;
      const queries = numbers(5 * dim, 3);
      const found = embedding.nearest(queries, { shape: [5, dim], k: 6 });
      expectRows(found, nearestRows(rowsOf(lookups, dim), rowsOf(queries, dim), 6), `${rows} x ${dim}`);
    }
  });

  it('order ties by row, and put NaN last', () => {
    const tiny = -(2 ** -149);
    using embedding = embeddingOf(Float32Array.of(NaN, 0, 2, -0, tiny, NaN, 2, -2, 0), 1);
    const { ids } = embedding.nearest(Float32Array.of(0.5), { metric: 'dot' });
    expect(Array.from(ids.data)).toEqual([2, 6, 1, 3, 4, 8, 7, 0, 5]);
    // The cosine of a subnormal and a large norm underflows to -0, which is equal to 0.
    const big = 2 ** 60;
    using wide = embeddingOf(Float32Array.of(0, big, tiny, big, 0, big), 2);
    const found = wide.nearest(Float32Array.of(1, 0));
    expect(Array.from(found.ids.data)).toEqual([0, 1, 2]);
    expectBits(found.scores.data, [0, -0, 0]);
  });

  it('are 0 where a norm is 0, and NaN where a NaN is compared', () => {
    using embedding = embeddingOf(Float32Array.of(0, 0, NaN, 1, Infinity, 1, 3, 4), 2);
    const zero = embedding.nearest(Float32Array.of(0, 0));
    expect(Array.from(zero.ids.data)).toEqual([0, 1, 2, 3]);
    expectBits(zero.scores.data, [0, 0, 0, 0]);
    const nan = embedding.nearest(Float32Array.of(NaN, 1));
    expect(Array.from(nan.ids.data)).toEqual([0, 1, 2, 3]);
    expectBits(nan.scores.data, [0, NaN, NaN, NaN], { anyNaN: true });
    const one = embedding.nearest(Float32Array.of(1, 0));
    expect(Array.from(one.ids.data)).toEqual([3, 0, 1, 2]);
    expectBits(one.scores.data, [f(0.6), 0, NaN, NaN], { anyNaN: true });
  });

  it('the padding row is a row like any other', () => {
    using embedding = Embedding.fromPretrained(
      [
        [1, 0],
        [0, 1],
      ],
      { paddingIdx: 1 },
    );
    expect(Array.from(embedding.nearest(Float32Array.of(0, 2), { k: 1 }).ids.data)).toEqual([1]);
  });
});

describe('shapes', () => {
  const values = numbers(30 * 4);

  it.each<[string, number[] | undefined, number | undefined, number[]]>([
    ['one query', undefined, undefined, [10]],
    ['one query by its shape', [4], 3, [3]],
    ['a list of one query', [1, 4], 30, [1, 30]],
    ['more rows than there are', [1, 4], 31, [1, 30]],
    ['far more rows than there are', [1, 4], Number.MAX_SAFE_INTEGER, [1, 30]],
    ['no queries', [0, 4], 5, [0, 5]],
    ['undefined options', undefined, undefined, [10]],
  ])('%s', (_, shape, k, wanted) => {
    using embedding = embeddingOf(values, 4);
    const count = shape === undefined ? 1 : shape.length === 1 ? 1 : shape[0]!;
    const found = embedding.nearest(numbers(count * 4, 5), { shape, k, metric: undefined });
    expect(Object.keys(found)).toEqual(['ids', 'scores']);
    expect([found.ids.shape, found.scores.shape]).toEqual([wanted, wanted]);
    expect([found.ids.dtype, found.scores.dtype]).toEqual(['u32', 'f32']);
    for (const { data, size } of [found.ids, found.scores]) {
      expect([data.byteOffset, data.buffer.byteLength]).toEqual([0, 4 * size]);
    }
  });

  it('queries come in every form', () => {
    using embedding = embeddingOf(values, 4);
    const queries = numbers(2 * 4, 9);
    const wanted = nearestRows(rowsOf(values, 4), rowsOf(queries, 4), 10);
    const shape = [2, 4];
    expectRows(embedding.nearest(new Tensor(queries, { shape })), wanted);
    expectRows(embedding.nearest(new Tensor(queries), { shape }), wanted);
    using own = Tensor.allocate(shape);
    own.data.set(queries);
    expectRows(embedding.nearest(own), wanted);
    const common = new Float32Array(shared(queries.byteLength));
    common.set(queries);
    expectRows(embedding.nearest(common, { shape }), wanted);
    const part = new Float32Array(11);
    part.set(queries, 3);
    expectRows(embedding.nearest(part.subarray(3), { shape }), wanted);
    expect(bits(part.subarray(3))).toEqual(bits(queries));
  });

  it('rows of the table itself are found', () => {
    using embedding = new Embedding({ vocabSize: 500, embeddingDim: 48, seed: 5 });
    const { ids, scores } = embedding.nearest(embedding.forward([7, 499, 0]), { k: 1 });
    expect(ids.toArray()).toEqual([[7], [499], [0]]);
    expect(scores.data.every((score) => Math.abs(score - 1) < 1e-6)).toBe(true);
    embedding.dispose();
    expect(ids.toArray()).toEqual([[7], [499], [0]]);
  });
});

describe('sizes', () => {
  /** The memory of the WASM backend grows only by whole pages, so a view of it shows whether it grew. */
  function withoutGrowth(run: () => void): void {
    const probe = Tensor.allocate([1]);
    const { buffer } = probe.data;
    const before = buffer.byteLength;
    run();
    expect([buffer.byteLength, probe.data.buffer === buffer]).toEqual([before, true]);
    probe.dispose();
  }

  it('all rows of a table that is larger than the scratch area, in several passes', () => {
    const rows = 150_001;
    const values = Float32Array.from({ length: rows }, (_, i) => (i * 7919) % 1000);
    using embedding = embeddingOf(values, 1);
    const wanted = nearestRows(rowsOf(values, 1), [Float32Array.of(1)], rows, dot);
    withoutGrowth(() =>
      expectRows(embedding.nearest(Float32Array.of(1), { k: rows, metric: 'dot' }), wanted),
    );
    const two = embedding.nearest(Float32Array.of(1, 1), { shape: [2, 1], k: 70_000, metric: 'dot' });
    expect(two.ids.shape).toEqual([2, 70_000]);
    expect(Array.from(two.ids.data.subarray(70_000))).toEqual(wanted.ids.slice(0, 70_000));
    expect(Array.from(two.ids.data.subarray(0, 70_000))).toEqual(wanted.ids.slice(0, 70_000));
  });

  it('more queries than a tile', () => {
    const [dim, count] = [700, 450];
    const [values, queries] = [numbers(50 * dim), numbers(count * dim, 11)];
    using embedding = embeddingOf(values, dim);
    withoutGrowth(() => {
      const found = embedding.nearest(queries, { shape: [count, dim], k: 3 });
      expectRows(found, nearestRows(rowsOf(values, dim), rowsOf(queries, dim), 3));
    });
  });

  it.each([131_072, 131_073, 200_000])('rows and queries of %i columns', (dim) => {
    const [values, queries] = [numbers(5 * dim), numbers(2 * dim, 2)];
    using embedding = embeddingOf(values, dim);
    withoutGrowth(() => {
      for (const metric of ['cosine', 'dot'] as const) {
        const found = embedding.nearest(queries, { shape: [2, dim], k: 5, metric });
        const score = metric === 'dot' ? dot : cosine;
        expectRows(found, nearestRows(rowsOf(values, dim), rowsOf(queries, dim), 5, score), metric);
      }
    });
  });

  it('large tables, which threads share', () => {
    const [rows, dim] = [30_000, 48];
    const values = numbers(rows * dim);
    using embedding = embeddingOf(values, dim);
    const queries = numbers(6 * dim, 4);
    const wanted = nearestRows(rowsOf(values, dim), rowsOf(queries, dim), 40);
    for (let i = 0; i < 3; i++) expectRows(embedding.nearest(queries, { shape: [6, dim], k: 40 }), wanted);
  });
});

describe('similarity', () => {
  const tensor = (rows: number, dim: number, seed: number) =>
    new Tensor(numbers(rows * dim, seed), { shape: [rows, dim] });

  const gone = (): Tensor<'f32'> => {
    const tensor = new Tensor(new Float32Array(1));
    detach(tensor.data);
    return tensor;
  };

  const wanted = (a: Tensor<'f32'>, b: Tensor<'f32'>): number[] =>
    rowsOf(a.data, a.shape[1]!).flatMap((x) => rowsOf(b.data, b.shape[1]!).map((y) => cosine(x, y)));

  it.each([
    [1, 1, 1],
    [3, 5, 16],
    [7, 70, 20],
    [300, 2, 33],
    [2, 3, 140_000],
    [600, 500, 300],
    [3, 140_000, 1],
  ])('of %i and %i rows of %i columns', (n, m, dim) => {
    const [a, b] = [tensor(n, dim, 1), tensor(m, dim, 8)];
    const found = similarity(a, b);
    expect([found.shape, found.dtype]).toEqual([[n, m], 'f32']);
    expectBits(found.data, wanted(a, b));
  });

  it('of no rows or no columns', () => {
    expect(similarity(tensor(0, 3, 1), tensor(2, 3, 1)).shape).toEqual([0, 2]);
    expect(similarity(tensor(2, 3, 1), tensor(0, 3, 1)).shape).toEqual([2, 0]);
    expect(similarity(tensor(2, 0, 1), tensor(3, 0, 1)).toArray()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  it('of rows in the memory of the backend, in shared memory, and with themselves', () => {
    const plain = tensor(5, 18, 1);
    using own = Tensor.allocate([5, 18]);
    own.data.set(plain.data);
    const common = new Tensor(new Float32Array(shared(4 * 90)), { shape: [5, 18] });
    common.data.set(plain.data);
    for (const [a, b] of [
      [own, own],
      [own, plain],
      [plain, common],
      [plain, plain],
    ] as const) {
      expectBits(similarity(a, b).data, wanted(plain, plain));
    }
  });

  it.each<[string, unknown, unknown, Parameters<typeof expectError>[1]]>([
    ['nothing', undefined, tensor(1, 1, 1), invalidArray('a', "must be a Tensor<'f32'>: got nothing")],
    ['an array', tensor(1, 1, 1), new Float32Array(1), invalidArray('b', 'got a Float32Array')],
    ['nested numbers', [[1]], tensor(1, 1, 1), invalidArray('a', 'an array of length 1')],
    [
      'f64',
      tensor(1, 1, 1),
      new Tensor(new Float64Array(1)),
      invalidArray('b', 'a Tensor of a Float64Array'),
    ],
    [
      'a detached array',
      tensor(1, 1, 1),
      gone(),
      invalidArray('b', "must be a Tensor<'f32'>: got a Tensor of a detached Float32Array"),
    ],
    [
      'a rank of 1',
      new Tensor(new Float32Array(3)),
      tensor(1, 3, 1),
      {
        class: RangeError,
        code: 'ERR_RANK',
        text: 'Expected 2D rows, got shape [3]',
        fields: { shape: [3] },
      },
    ],
    [
      'a rank of 3',
      tensor(1, 3, 1),
      new Tensor(new Float32Array(3), { shape: [1, 1, 3] }),
      { class: RangeError, code: 'ERR_RANK', text: 'got shape [1, 1, 3]' },
    ],
    [
      'unequal widths',
      tensor(2, 3, 1),
      tensor(2, 4, 1),
      {
        class: RangeError,
        code: 'ERR_DIM',
        text: 'Embedding dim mismatch: expected 3, got 4',
        fields: { expected: 3, got: 4 },
      },
    ],
  ])('%s is an error', (_, a, b, error) => {
    expectError(() => (similarity as (a: unknown, b: unknown) => Tensor)(a, b), error);
  });

  it('a result that no array can hold, and a disposed tensor, are errors', () => {
    const rows = new Tensor(new Float32Array(0), { shape: [2 ** 40, 0] });
    expectError(() => similarity(rows, rows), {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
      text: 'The result',
    });
    const gone = Tensor.allocate([1, 1]);
    gone.dispose();
    expectError(() => similarity(gone, tensor(1, 1, 1)), disposed);
  });

  it('rows that the other argument detaches or disposes are errors', () => {
    const hostile = (run: () => void) => ({
      [Symbol.for('tokenbed.Tensor')]: true,
      shape: [1, 3],
      get data() {
        run();
        return new Float32Array(3);
      },
    });
    const detached = tensor(1, 3, 1);
    expectError(() => similarity(detached, hostile(() => detach(detached.data)) as never), {
      ...invalidArray('a', 'detached'),
    });
    const own = Tensor.allocate([1, 3]);
    expectError(() => similarity(own, hostile(() => own.dispose()) as never), disposed);
  });
});

describe('bad input', () => {
  const values = numbers(8 * 4);
  const query = numbers(4, 3);
  type Untyped = (queries?: unknown, options?: unknown) => NearestRows;
  const dimMismatch = (got: number) => ({
    class: RangeError,
    code: 'ERR_DIM',
    text: `Embedding dim mismatch: expected 4, got ${got}`,
    fields: { expected: 4, got },
  });

  it.each<[string, unknown, unknown, Parameters<typeof expectError>[1]]>([
    ['an unknown option', query, { top: 3 }, invalidOption(TypeError, 'top', 3)],
    ['options that are not an object', query, 3, invalidOption(TypeError, 'options', 3)],
    ['null', query, null, invalidOption(TypeError, 'options', null)],
    ['k of 0', query, { k: 0 }, invalidOption(RangeError, 'k', 0)],
    ['a negative k', query, { k: -1 }, invalidOption(RangeError, 'k', -1)],
    ['a fraction', query, { k: 1.5 }, invalidOption(RangeError, 'k', 1.5)],
    ['NaN', query, { k: NaN }, invalidOption(RangeError, 'k', NaN)],
    ['an infinite k', query, { k: Infinity }, invalidOption(RangeError, 'k', Infinity)],
    ['k as a string', query, { k: '3' }, invalidOption(TypeError, 'k', '3')],
    ['k as a bigint', query, { k: 3n }, invalidOption(TypeError, 'k', 3n)],
    ['k of null', query, { k: null }, invalidOption(TypeError, 'k', null)],
    ['an unknown metric', query, { metric: 'l2' }, invalidOption(RangeError, 'metric', 'l2')],
    ['a metric that is not a string', query, { metric: 1 }, invalidOption(TypeError, 'metric', 1)],
    ['a shape that is not an array', query, { shape: 4 }, invalidOption(TypeError, 'shape', 4)],
    ['a negative size', query, { shape: [-1, 4] }, invalidOption(RangeError, 'shape')],
    ['a bad k before bad queries', 'x', { k: 0 }, invalidOption(RangeError, 'k', 0)],
    ['no queries', undefined, undefined, invalidArray('queries', 'nothing')],
    ['null as queries', null, undefined, invalidArray('queries', 'null')],
    ['numbers', [1, 2, 3, 4], undefined, invalidArray('queries', 'an array of length 4')],
    ['an f64 array', new Float64Array(4), undefined, invalidArray('queries', 'Float64Array')],
    ['an f64 tensor', new Tensor(new Float64Array(4)), undefined, invalidArray('queries', 'Float64Array')],
    ['ids', new Uint32Array(4), undefined, invalidArray('queries', 'Uint32Array')],
    ['a detached array', detach(numbers(4)), undefined, invalidArray('queries', 'detached')],
    [
      'a single number',
      new Tensor(3),
      undefined,
      { class: RangeError, code: 'ERR_RANK', text: 'Expected 1D or 2D queries, got shape []' },
    ],
    [
      'a rank of 3',
      query,
      { shape: [1, 1, 4] },
      {
        class: RangeError,
        code: 'ERR_RANK',
        text: 'Expected 1D or 2D queries, got shape [1, 1, 4]',
        fields: { shape: [1, 1, 4] },
      },
    ],
    ['a narrower query', query.subarray(1), undefined, dimMismatch(3)],
    ['a wider query', numbers(5), undefined, dimMismatch(5)],
    ['an empty query', new Float32Array(0), undefined, dimMismatch(0)],
    ['two queries without a shape', numbers(8), undefined, dimMismatch(8)],
    ['queries of another width', numbers(6), { shape: [2, 3] }, dimMismatch(3)],
    [
      'another number of elements',
      numbers(8),
      { shape: [3, 4] },
      {
        class: RangeError,
        code: 'ERR_SHAPE',
        text: 'Shape [3, 4] holds 12 elements, but there are 8 in queries',
        fields: { shape: [3, 4], size: 12, count: 8 },
      },
    ],
    [
      'another shape of a tensor',
      new Tensor(numbers(8), { shape: [2, 4] }),
      { shape: [1, 8] },
      { class: RangeError, code: 'ERR_SHAPE', text: 'Only a flat array can be given a shape' },
    ],
  ])('%s', (_, queries, options, error) => {
    using embedding = embeddingOf(values, 4);
    expectError(() => (embedding.nearest as Untyped).call(embedding, queries, options), error);
  });

  it('a result that no array can hold is an error before anything is read', () => {
    using embedding = embeddingOf(numbers(70_000), 1);
    const queries = new Float32Array(80_000);
    expectError(() => embedding.nearest(queries, { shape: [80_000, 1], k: 70_000 }), {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
      text: 'The result needs 22400000000 bytes',
      fields: { bytes: 22_400_000_000 },
    });
  });

  it('a disposed embedding, also one that an option disposes', () => {
    const embedding = embeddingOf(values, 4);
    const options: NearestOptions = {
      get k() {
        embedding.dispose();
        return 3;
      },
    };
    // Before the width of the query is compared with that of the table.
    expectError(() => embedding.nearest(numbers(5), options), disposed);
    expectError(() => (embedding.nearest as Untyped).call(embedding, 'x', { k: 0 }), disposed);
    const tensor = Tensor.allocate([4]);
    tensor.dispose();
    using other = embeddingOf(values, 4);
    expectError(() => other.nearest(tensor), disposed);
  });
});
