/** EmbeddingBag.backward: values against plain loops and finite differences, properties, and every way to be wrong. */

import fc from 'fast-check';
import { type BagMode, Embedding, EmbeddingBag, type IdsInput, Tensor } from 'tokenbed';
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
const MODES: readonly BagMode[] = ['sum', 'mean', 'max'];
const [V, D] = [9, 5];

/** Numbers of both signs, of which nearby ones differ. */
const numbers = (length: number, seed = 1): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233));

function bagOf(
  mode: BagMode,
  { paddingIdx, freeze }: { paddingIdx?: number | undefined; freeze?: boolean } = {},
) {
  const weight = numbers(V * D, 3);
  return EmbeddingBag.from(Embedding.fromPretrained(weight, { embeddingDim: D, paddingIdx, freeze }), {
    mode,
  });
}

interface UntypedBag {
  backward(ids?: unknown, gradOutput?: unknown, options?: unknown): void;
}
const untyped = (bag: EmbeddingBag) => bag as unknown as UntypedBag;

/** The dot product in 16 lanes. */
function dot(x: readonly number[], y: readonly number[]): number {
  const lanes = new Float32Array(16);
  for (let c = 0; c < x.length; c++) lanes[c % 16] = lanes[c % 16]! + f(x[c]! * y[c]!);
  for (const half of [8, 4, 2, 1]) for (let j = 0; j < half; j++) lanes[j] = lanes[j]! + lanes[j + half]!;
  return lanes[0]!;
}

interface Plain {
  mode: BagMode;
  ids: readonly number[];
  offsets: readonly number[];
  weights?: Float32Array | undefined;
  grad: Float32Array;
  byFreq?: boolean | undefined;
  paddingIdx?: number | undefined;
}

/** The contributions of a call and the gradients of its weights, as the contract defines them. */
function plain(rows: readonly (readonly number[])[], call: Plain) {
  const { mode, ids, offsets, weights, grad, paddingIdx } = call;
  const contributions: { row: number; c: number[] }[] = [];
  const weightsGrad = new Float32Array(ids.length);
  offsets.forEach((start, b) => {
    const end = offsets[b + 1] ?? ids.length;
    const G = Array.from(grad.subarray(b * D, (b + 1) * D));
    const kept = ids.map((_, i) => i).filter((i) => i >= start && i < end && ids[i] !== paddingIdx);
    const divisor = weights === undefined ? kept.length : kept.reduce((sum, i) => f(sum + weights[i]!), 0);
    const q = mode === 'mean' ? G.map((x) => f(x / divisor)) : G;
    const y = G.map((_, d) => {
      const sum = kept.reduce((acc, i) => f(acc + f(rows[ids[i]!]![d]! * (weights?.[i] ?? 1))), 0);
      return mode === 'mean' ? f(sum / divisor) : sum;
    });
    for (const i of kept) {
      const row = rows[ids[i]!]!;
      const c = q.map((x, d) => {
        if (mode !== 'max') return weights === undefined ? x : f(x * weights[i]!);
        const best = kept.reduce((a, j) => (rows[ids[j]!]![d]! > rows[ids[a]!]![d]! ? j : a), kept[0]!);
        return best === i ? x : 0;
      });
      contributions.push({ row: ids[i]!, c });
      weightsGrad[i] = mode === 'mean' ? f(dot(q, row) - dot(q, y)) : dot(q, row);
    }
  });
  const gradient = new Map<number, number[]>();
  for (const { row, c } of contributions) {
    const count = contributions.filter((other) => other.row === row).length;
    const added = call.byFreq === true ? c.map((x) => f(x / count)) : c;
    const sum = gradient.get(row);
    gradient.set(row, sum === undefined ? added : sum.map((x, d) => f(x + added[d]!)));
  }
  return { gradient, weightsGrad };
}

function expectGradient(bag: EmbeddingBag, wanted: ReadonlyMap<number, readonly number[]>): void {
  const rows = [...wanted.keys()].sort((a, b) => a - b);
  const { grad } = bag.weight;
  expect(Array.from(grad!.rows)).toEqual(rows);
  expectBits(
    grad!.values.data,
    rows.flatMap((row) => [...wanted.get(row)!]),
  );
}

const rowsOf = (bag: EmbeddingBag): number[][] => bag.weight.toTensor().toArray() as number[][];

describe('values', () => {
  const ids = [3, 1, 1, 8, 4, 0, 3, 3, 2, 8];
  const offsets = [0, 2, 2, 6];
  const grad = numbers(offsets.length * D, 5);
  const weights = numbers(ids.length, 9);

  for (const mode of MODES) {
    for (const paddingIdx of [undefined, 3]) {
      for (const byFreq of [false, true]) {
        for (const weighted of mode === 'max' ? [false] : [false, true]) {
          const name = `${mode}, padding ${paddingIdx}, by frequency ${byFreq}, weights ${weighted}`;
          it(name, () => {
            const bag = bagOf(mode, { paddingIdx });
            const call = { mode, ids, offsets, grad, byFreq, paddingIdx, ...(weighted ? { weights } : {}) };
            const wanted = plain(rowsOf(bag), call);
            const own = painted(ids.length + 2);
            bag.backward(ids, grad, {
              offsets,
              scaleGradByFreq: byFreq,
              ...(weighted ? { perSampleWeights: weights, perSampleWeightsGrad: own } : {}),
            });
            expectGradient(bag, wanted.gradient);
            if (!weighted) return;
            expectBits(own.subarray(0, ids.length), wanted.weightsGrad);
            expectPainted(own, ids.length);
          });
        }
      }
    }
  }

  it('every form of ids and bags gives the same bits', () => {
    const six = [3, 1, 8, 8, 4, 0];
    const g = numbers(3 * D, 2);
    const forms: [IdsInput, object][] = [
      [
        [
          [3, 1],
          [8, 8],
          [4, 0],
        ],
        {},
      ],
      [Uint8Array.from(six), { shape: [3, 2] }],
      [BigInt64Array.from(six, BigInt), { shape: [3, 2] }],
      [new Tensor(Int16Array.from(six), { shape: [3, 2] }), {}],
      [six, { offsets: Uint16Array.of(0, 2, 4) }],
      [Int32Array.from(six), { offsets: [0, 2, 4] }],
    ];
    for (const mode of MODES) {
      const results = forms.map(([form, options]) => {
        const bag = bagOf(mode);
        bag.backward(form, new Tensor(g, { shape: [3, 1, D] }), options);
        return { rows: bag.weight.grad!.rows, bits: bits(bag.weight.grad!.values.data) };
      });
      for (const result of results) expect(result).toEqual(results[0]);
    }
    const last = EmbeddingBag.from(bagOf('mean').embedding, { includeLastOffset: true });
    last.backward(six, g, { offsets: [0, 2, 4, 6] });
    const first = bagOf('mean');
    first.backward(six, g, { offsets: [0, 2, 4] });
    expectBits(last.weight.grad!.values.data, first.weight.grad!.values.data);
  });

  it('empty bags and padding contribute nothing, whatever their gradient', () => {
    for (const mode of MODES) {
      const bag = bagOf(mode, { paddingIdx: 2 });
      bag.backward([2, 2, 2], new Float32Array(4 * D).fill(NaN), { offsets: [0, 0, 2, 3] });
      expect([bag.weight.grad!.count, bag.weight.grad!.rows]).toEqual([0, new Uint32Array(0)]);
      bag.backward([], new Float32Array(0), { shape: [0, 3] });
      bag.backward([[], []], new Float32Array(2 * D), {});
      expect(bag.weight.grad!.count).toBe(0);
      expect(bag.weight.grad!.toTensor().data.every((x) => Object.is(x, 0))).toBe(true);
    }
  });

  it('a maximum that an id does not have contributes +0, and the first contribution keeps its bits', () => {
    const table = Embedding.fromPretrained(
      [
        [1, 1],
        [1, 0],
        [0, 2],
        [NaN, NaN],
        [NaN, 5],
      ],
      {},
    );
    const bag = EmbeddingBag.from(table, { mode: 'max' });
    bag.backward([[0, 1, 2]], Float32Array.of(-0, -0));
    expect(Array.from(table.weight.grad!.rows)).toEqual([0, 1, 2]);
    // Row 0 has the first of the equal values, row 2 the second column.
    expectBits(table.weight.grad!.values.data, [-0, 0, 0, 0, 0, -0]);
    table.weight.zeroGrad();
    bag.backward([[2, 3, 4]], Float32Array.of(7, 8));
    expectBits(table.weight.grad!.values.data, [0, 0, 7, 8, 0, 0]);
  });

  it('the maximum is that of the values now', () => {
    const table = Embedding.fromPretrained([[1], [2]], {});
    const bag = EmbeddingBag.from(table, { mode: 'max' });
    bag.forward([[0, 1]]);
    table.weight.set(0, [3]);
    bag.backward([[0, 1]], Float32Array.of(5));
    expectBits(table.weight.grad!.values.data, [5, 0]);
  });

  it('a bag shares the gradient of its embedding and of other layers', () => {
    const embedding = Embedding.fromPretrained(numbers(V * D), { embeddingDim: D });
    const bags = [
      EmbeddingBag.from(embedding, { mode: 'sum' }),
      EmbeddingBag.from(embedding, { mode: 'mean' }),
    ];
    const g = numbers(D, 4);
    bags[0]!.backward([[1, 2]], g);
    embedding.backward([2], g);
    bags[1]!.backward([[2]], g);
    expect(bags[0]!.weight).toBe(embedding.weight);
    const wanted = Array.from(g, (x) => f(f(x + x) + x));
    expectBits(embedding.weight.grad!.values.data, [...g, ...wanted]);
  });
});

describe('frozen tables', () => {
  const ids = [3, 1, 1, 8];
  const weights = numbers(4, 9);
  const g = numbers(2 * D, 4);

  it('have no gradient, but one of the weights', () => {
    const own = painted(4);
    const frozen = bagOf('mean', { freeze: true });
    const trained = bagOf('mean');
    for (const bag of [frozen, trained]) {
      bag.backward(ids, g, { offsets: [0, 2], perSampleWeights: weights, perSampleWeightsGrad: own });
      const call: Plain = { mode: 'mean', ids, offsets: [0, 2], weights, grad: g };
      expectBits(own, plain(rowsOf(bag), call).weightsGrad);
      own.fill(0.5);
    }
    expect(frozen.weight.grad).toBeNull();
    expect(trained.weight.grad!.count).toBe(3);
  });

  it.each(['f16', 'i8', 'i4'] as const)('of %s give the gradient of the weights, too', (dtype) => {
    const embedding = Embedding.fromPretrained(numbers(V * D, 3), { embeddingDim: D, dtype });
    for (const mode of ['sum', 'mean'] as const) {
      const own = painted(4);
      const bag = EmbeddingBag.from(embedding, { mode });
      bag.backward(ids, g, { offsets: [0, 2], perSampleWeights: weights, perSampleWeightsGrad: own });
      const call: Plain = { mode, ids, offsets: [0, 2], weights, grad: g };
      expectBits(own, plain(rowsOf(bag), call).weightsGrad);
      expect(bag.weight.grad).toBeNull();
    }
  });

  it('check everything', () => {
    const bag = bagOf('sum', { freeze: true });
    expectError(() => bag.backward([[1, V]], g.subarray(D)), outOfRange(V, 1, V, [0, 1]));
    expectError(() => bag.backward([[1, 2]], g), { class: RangeError, code: 'ERR_SHAPE' });
  });
});

/** Arguments of a call over V rows. */
const calls = fc
  .record({
    mode: fc.constantFrom(...MODES),
    ids: fc.array(fc.nat(V - 1), { maxLength: 30 }),
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
    weighted: fc.boolean(),
    paddingIdx: fc.option(fc.nat(V - 1), { nil: undefined }),
  })
  .map(({ mode, ids, cuts, weighted, paddingIdx }) => ({
    mode,
    ids,
    offsets: [0, ...cuts.map((cut) => Math.floor(cut * ids.length)).sort((a, b) => a - b)],
    paddingIdx,
    weights: weighted && mode !== 'max' ? numbers(ids.length, 7) : undefined,
  }));

describe('properties', () => {
  it('any call agrees with plain loops', () => {
    fc.assert(
      fc.property(calls, fc.boolean(), ({ mode, ids, offsets, paddingIdx, weights }, byFreq) => {
        using bag = bagOf(mode, { paddingIdx });
        const grad = numbers(offsets.length * D, 11);
        const own = new Float32Array(ids.length);
        const weighted = weights && { perSampleWeights: weights, perSampleWeightsGrad: own };
        bag.backward(ids, grad, { offsets, scaleGradByFreq: byFreq, ...weighted });
        const wanted = plain(rowsOf(bag), { mode, ids, offsets, weights, grad, byFreq, paddingIdx });
        expectGradient(bag, wanted.gradient);
        if (weights !== undefined) expectBits(own, wanted.weightsGrad, { anyNaN: true });
      }),
      { numRuns: 200 },
    );
  });

  it('two calls are one with both batches, and the dense form is the dense sum', () => {
    fc.assert(
      fc.property(calls, calls, (a, b) => {
        const { mode, paddingIdx } = a;
        const other = { ...b, weights: a.weights === undefined ? undefined : numbers(b.ids.length, 7) };
        const [first, second] = [numbers(a.offsets.length * D, 1), numbers(b.offsets.length * D, 2)];
        using two = bagOf(mode, { paddingIdx });
        using one = bagOf(mode, { paddingIdx });
        two.backward(a.ids, first, { offsets: a.offsets, perSampleWeights: a.weights });
        two.backward(other.ids, second, { offsets: other.offsets, perSampleWeights: other.weights });
        one.backward([...a.ids, ...b.ids], Float32Array.of(...first, ...second), {
          offsets: [...a.offsets, ...b.offsets.map((offset) => offset + a.ids.length)],
          perSampleWeights: a.weights && Float32Array.of(...a.weights, ...other.weights!),
        });
        expect(two.weight.grad!.rows).toEqual(one.weight.grad!.rows);
        expectBits(two.weight.grad!.values.data, one.weight.grad!.values.data);
        const dense = new Float32Array(V * D);
        const { rows, values } = one.weight.grad!;
        rows.forEach((row, i) => dense.set(values.data.subarray(i * D, (i + 1) * D), row * D));
        expectBits(one.weight.grad!.toTensor().data, dense);
      }),
      { numRuns: 100 },
    );
  });
});

describe('finite differences, in f64', () => {
  const ids = [3, 1, 1, 8, 4, 0, 3];
  const offsets = [0, 3];
  const grad = numbers(2 * D, 5);

  /** The product of gradOutput and the result of forward, in f64. */
  function objective(mode: BagMode, rows: number[][], weights: readonly number[]): number {
    let total = 0;
    offsets.forEach((start, b) => {
      const end = offsets[b + 1] ?? ids.length;
      for (let d = 0; d < D; d++) {
        const values = ids.slice(start, end).map((id) => rows[id]![d]!);
        const w = weights.slice(start, end);
        const sum = values.reduce((acc, x, i) => acc + x * w[i]!, 0);
        const divisor = w.reduce((acc, x) => acc + x, 0);
        const y = mode === 'max' ? Math.max(...values) : mode === 'sum' ? sum : sum / divisor;
        total += y * grad[b * D + d]!;
      }
    });
    return total;
  }

  it.each(MODES)('%s', (mode) => {
    const bag = bagOf(mode);
    const rows = rowsOf(bag);
    const weights = mode === 'max' ? undefined : numbers(ids.length, 9).map((x) => x + 2);
    const own = new Float32Array(ids.length);
    const weighted = weights && { perSampleWeights: weights, perSampleWeightsGrad: own };
    bag.backward(ids, grad, { offsets, ...weighted });
    const dense = bag.weight.grad!.toTensor().toArray() as number[][];
    const w = Array.from(weights ?? new Float32Array(ids.length).fill(1));
    const h = 1e-5;
    const slope = (change: (by: number) => void): number => {
      change(h);
      const up = objective(mode, rows, w);
      change(-2 * h);
      const down = objective(mode, rows, w);
      change(h);
      return (up - down) / (2 * h);
    };
    for (let row = 0; row < V; row++) {
      for (let d = 0; d < D; d++) {
        expect(dense[row]![d]).toBeCloseTo(
          slope((by) => (rows[row]![d]! += by)),
          5,
        );
      }
    }
    if (weights === undefined) return;
    w.forEach((_, i) =>
      expect(own[i]).toBeCloseTo(
        slope((by) => (w[i]! += by)),
        5,
      ),
    );
  });
});

describe('floats in unusual memory', () => {
  it('shared arrays', () => {
    const common = (values: Float32Array) => {
      const copy = new Float32Array(shared(values.byteLength));
      copy.set(values);
      return copy;
    };
    const g = numbers(2 * D, 4);
    const weights = numbers(4, 9);
    const own = common(new Float32Array(4));
    const bag = bagOf('mean');
    bag.backward([3, 1, 1, 8], common(g), {
      offsets: [0, 2],
      perSampleWeights: common(weights),
      perSampleWeightsGrad: own,
    });
    const call: Plain = { mode: 'mean', ids: [3, 1, 1, 8], offsets: [0, 2], weights, grad: g };
    const wanted = plain(rowsOf(bag), call);
    expectGradient(bag, wanted.gradient);
    expectBits(own.slice(), wanted.weightsGrad);
  });

  it('allocated tensors', () => {
    using g = Tensor.allocate([2, D]);
    using own = Tensor.allocate([4]);
    using w = Tensor.allocate([4]);
    g.data.set(numbers(2 * D, 4));
    w.data.set(numbers(4, 9));
    const bag = bagOf('sum');
    bag.backward([3, 1, 1, 8], g, { offsets: [0, 2], perSampleWeights: w, perSampleWeightsGrad: own });
    const call: Plain = {
      mode: 'sum',
      ids: [3, 1, 1, 8],
      offsets: [0, 2],
      weights: numbers(4, 9),
      grad: numbers(2 * D, 4),
    };
    const wanted = plain(rowsOf(bag), call);
    expectGradient(bag, wanted.gradient);
    expectBits(own.data.slice(), wanted.weightsGrad);
  });
});

describe('errors', () => {
  const g = numbers(2 * D, 4);
  const weights = numbers(4, 9);
  const ids = [3, 1, 1, 8];
  const shapeError = (text: string): Expected => ({ class: RangeError, code: 'ERR_SHAPE', text });

  /** A bag with a gradient, which no error changes. */
  function expectUnchanged(
    run: (bag: UntypedBag, own: Float32Array<ArrayBuffer>, typed: EmbeddingBag) => void,
    expected: Expected,
    mode: BagMode = 'mean',
  ): void {
    const bag = bagOf(mode, { paddingIdx: 2 });
    bag.backward([[5, 6]], numbers(D, 8));
    const { grad } = bag.weight;
    const before = [bits(bag.weight.toTensor().data), grad!.rows, bits(grad!.values.data)];
    const own = painted(4);
    expectError(() => run(untyped(bag), own, bag), expected);
    expectPainted(own);
    expect(bag.weight.grad).toBe(grad);
    expect([bits(bag.weight.toTensor().data), grad!.rows, bits(grad!.values.data)]).toEqual(before);
  }

  const all = (own: Float32Array, more: object = {}) => ({
    offsets: [0, 2],
    perSampleWeights: weights,
    perSampleWeightsGrad: own,
    ...more,
  });

  it.each<[string, object, Expected]>([
    ['unknown', { sparse: true }, invalidOption(TypeError, 'sparse', true)],
    ['another case', { scaleGradbyFreq: true }, invalidOption(TypeError, 'scaleGradbyFreq', true)],
    ['scaleGradByFreq: 1', { scaleGradByFreq: 1 }, invalidOption(TypeError, 'scaleGradByFreq', 1)],
    ['scaleGradByFreq: null', { scaleGradByFreq: null }, invalidOption(TypeError, 'scaleGradByFreq', null)],
    ['shape: 4', { shape: 4 }, invalidOption(TypeError, 'shape', 4)],
    ['weights: null', { perSampleWeights: null }, invalidArray('perSampleWeights', 'null')],
    [
      'weights of f64',
      { perSampleWeights: new Float64Array(4) },
      invalidArray('perSampleWeights', 'Float64Array'),
    ],
    ['weights: a list', { perSampleWeights: [1, 2, 3, 4] }, invalidArray('perSampleWeights', 'array')],
    [
      'too few weights',
      { perSampleWeights: new Float32Array(3) },
      shapeError('perSampleWeights has length 3'),
    ],
    [
      'too many weights',
      { perSampleWeights: new Float32Array(5) },
      shapeError('perSampleWeights has length 5'),
    ],
    ['offsets: null', { offsets: null }, { class: TypeError, code: 'ERR_INVALID_IDS' }],
    ['no offsets', { offsets: undefined }, { class: RangeError, code: 'ERR_OFFSETS' }],
    ['offsets that fall', { offsets: [0, 3, 2] }, { ...shapeError('gradOutput has length 10') }],
    [
      'offsets that start at 1',
      { offsets: [1, 2] },
      { class: RangeError, code: 'ERR_OFFSETS', fields: { index: 0 } },
    ],
    [
      'offsets beyond the ids',
      { offsets: [0, 5] },
      { class: RangeError, code: 'ERR_OFFSETS', fields: { index: 1, value: 5 } },
    ],
    [
      'an offset beyond 32 bits',
      { offsets: [0, 2 ** 40] },
      { class: RangeError, code: 'ERR_OFFSETS', fields: { index: 1 } },
    ],
  ])('options: %s', (_, more, expected) => {
    expectUnchanged((bag, own) => bag.backward(ids, g, all(own, more)), expected);
  });

  it.each<[string, unknown, Expected]>([
    ['null', null, invalidArray('perSampleWeightsGrad', 'null')],
    ['a list', [0, 0, 0, 0], invalidArray('perSampleWeightsGrad', 'array')],
    ['f64', new Float64Array(4), invalidArray('perSampleWeightsGrad', 'Float64Array')],
    [
      'a Tensor of integers',
      new Tensor(new Int32Array(4)),
      invalidArray('perSampleWeightsGrad', 'Int32Array'),
    ],
    ['detached', detach(new Float32Array(4)), invalidArray('perSampleWeightsGrad', 'detached')],
    ['too short', new Float32Array(3), shapeError('perSampleWeightsGrad has length 3')],
  ])('perSampleWeightsGrad: %s', (_, wrong, expected) => {
    expectUnchanged(
      (bag) => bag.backward(ids, g, all(new Float32Array(4), { perSampleWeightsGrad: wrong })),
      expected,
    );
  });

  it('perSampleWeightsGrad without weights, and weights of a maximum', () => {
    const wrong = invalidOption(RangeError, 'perSampleWeightsGrad');
    for (const mode of MODES) {
      expectUnchanged(
        (bag, own) => bag.backward(ids, g, { offsets: [0, 2], perSampleWeightsGrad: own }),
        wrong,
        mode,
      );
      expectUnchanged(
        (bag) => bag.backward(ids, g, { offsets: [0, 2], perSampleWeightsGrad: 5 }),
        wrong,
        mode,
      );
    }
    expectUnchanged(
      (bag, own) => bag.backward(ids, g, all(own)),
      invalidOption(RangeError, 'perSampleWeights', weights),
      'max',
    );
    // `forward` does not have these options.
    const bag = bagOf('sum') as unknown as { forward(ids: unknown, options: unknown): void };
    for (const option of ['perSampleWeightsGrad', 'scaleGradByFreq']) {
      expectError(
        () => bag.forward([[1]], { [option]: undefined }),
        invalidOption(TypeError, option, undefined),
      );
    }
  });

  it.each<[string, unknown, Expected]>([
    ['absent', undefined, invalidArray('gradOutput', 'nothing')],
    ['null', null, invalidArray('gradOutput', 'null')],
    ['a number', 1, invalidArray('gradOutput', '1')],
    ['a list', Array.from(g), invalidArray('gradOutput', 'array')],
    ['f64', Float64Array.from(g), invalidArray('gradOutput', 'Float64Array')],
    [
      'a Tensor of integers',
      new Tensor(new Int32Array(2 * D), { shape: [2, D] }),
      invalidArray('gradOutput'),
    ],
    ['detached', detach(g.slice()), invalidArray('gradOutput', 'detached')],
    ['shorter', g.subarray(1), shapeError('gradOutput has length 9')],
    ['longer', new Float32Array(2 * D + 1), shapeError('gradOutput has length 11')],
    ['a row for each id', new Float32Array(4 * D), shapeError('gradOutput has length 20')],
    [
      'of another width',
      new Tensor(new Float32Array(2 * D), { shape: [D, 2] }),
      { class: RangeError, code: 'ERR_DIM', fields: { expected: D, got: 2 } },
    ],
    [
      'flat',
      new Tensor(new Float32Array(2 * D)),
      { class: RangeError, code: 'ERR_DIM', fields: { expected: D, got: 2 * D } },
    ],
  ])('gradOutput: %s', (_, wrong, expected) => {
    expectUnchanged((bag, own) => bag.backward(ids, wrong, all(own)), expected);
  });

  it.each<[string, unknown, Expected]>([
    ['absent', undefined, invalidIds('nothing')],
    ['null', null, invalidIds('null')],
    ['true', true, invalidIds('true')],
    ['a string', '1', invalidIds('"1"')],
    ['a bigint', 1n, invalidIds('1n')],
    ['an object', {}, invalidIds('Object')],
    ['floats', new Float32Array(4), invalidIds('Float32Array')],
    ['detached', detach(new Int32Array(4)), invalidIds('detached')],
    ['a fraction', [1, 0.5, 2, 3], invalidId(0.5, 1)],
    ['NaN', [1, NaN, 2, 3], invalidId(NaN, 1)],
    ['a null entry', [1, null, 2, 3], invalidId(null, 1)],
    ['a boolean entry', [1, true, 2, 3], invalidId(true, 1)],
    ['a bigint entry', [1, 1n, 2, 3], invalidId(1n, 1)],
    ['a string entry', [1, '1', 2, 3], invalidId('1', 1)],
    ['ragged', [1, [2], 3, 4], { class: TypeError, code: 'ERR_RAGGED' }],
    ['a number', 3, { class: RangeError, code: 'ERR_RANK' }],
    [
      '3-D',
      [
        [[1], [2]],
        [[3], [4]],
      ],
      { class: RangeError, code: 'ERR_RANK' },
    ],
    ['negative', [1, -1, 2, 3], outOfRange(-1, 1, V)],
    ['too large', [1, 2, V, 300], outOfRange(V, 2, V)],
    ['beyond 32 bits', [1, 2 ** 32, 2, 3], outOfRange(2 ** 32, 1, V)],
    ['64 bits', BigInt64Array.of(0n, 1n, -3n, 2n), outOfRange(-3n, 2, V)],
  ])('ids: %s', (_, wrong, expected) => {
    expectUnchanged((bag, own) => bag.backward(wrong, g, all(own)), expected);
  });

  it('outputs that share bytes with an input', () => {
    const overlap = (argument: string): Expected => ({
      class: RangeError,
      code: 'ERR_OVERLAP',
      text: `perSampleWeightsGrad shares bytes with ${argument}`,
      fields: { argument },
    });
    const memory = new ArrayBuffer(400);
    const at = (index: number, length: number) => new Float32Array(memory, 4 * index, length);
    at(0, 100).set(numbers(100));
    const before = bits(at(0, 100));
    expectUnchanged((bag) => bag.backward(ids, at(0, 2 * D), all(at(2 * D - 1, 4))), overlap('gradOutput'));
    expectUnchanged(
      (bag) => bag.backward(ids, g, all(at(3, 5), { perSampleWeights: at(0, 4) })),
      overlap('perSampleWeights'),
    );
    expect(bits(at(0, 100))).toEqual(before);
    const words = new Int32Array(memory, 0, 4).fill(1);
    expectUnchanged((bag) => bag.backward(words, g, all(at(3, 4))), overlap('ids'));
    const offsets = new Uint32Array(memory, 200, 2).fill(0);
    expectUnchanged((bag) => bag.backward(ids, g, all(at(48, 4), { offsets })), overlap('offsets'));
    const bag = bagOf('sum');
    at(0, 100).set(numbers(100));
    bag.backward(ids, at(0, 2 * D), { ...all(at(2 * D, 4)), perSampleWeights: at(2 * D + 4, 4) });
    expect(bag.weight.grad!.count).toBe(3);
  });

  it('getters of nested ids that dispose, detach or add', () => {
    const nested = (run: () => void): unknown[] =>
      Object.defineProperty(
        [
          [1, 2],
          [3, 4],
        ],
        1,
        { get: () => (run(), [3, 4]), enumerable: true },
      );
    const grads = g.slice();
    expectUnchanged(
      (bag, own) =>
        bag.backward(
          nested(() => detach(grads)),
          grads,
          { perSampleWeights: weights, perSampleWeightsGrad: own },
        ),
      invalidArray('gradOutput', 'detached'),
    );
    const memory = resizable(16, 16);
    const own = new Float32Array(memory);
    expectUnchanged(
      (bag) =>
        bag.backward(
          nested(() => memory.resize(8)),
          g,
          { perSampleWeights: weights, perSampleWeightsGrad: own },
        ),
      shapeError('perSampleWeightsGrad has length 2'),
    );
    const bag = bagOf('sum');
    expectError(() => bag.backward(nested(() => bag.dispose()) as number[][], g), disposed);
    const two = bagOf('sum');
    two.backward(nested(() => two.backward([[1]], numbers(D, 4))) as number[][], g);
    expect(Array.from(two.weight.grad!.rows)).toEqual([1, 2, 3, 4]);
    const first = Array.from(numbers(D, 4));
    expectBits(
      two.weight.grad!.values.data.subarray(0, D),
      first.map((x, d) => f(x + g[d]!)),
    );
    const throws = nested(() => {
      throw new Error('of the caller');
    });
    expect(() => two.backward(throws as number[][], g)).toThrow('of the caller');
  });

  it('a disposed bag, or a table that is gone', () => {
    const bag = bagOf('sum');
    bag.dispose();
    expectError(() => untyped(bag).backward('wrong', 1, { wrong: 1 }), disposed);
    const other = bagOf('sum');
    other.embedding.dispose();
    expectError(() => other.backward([[1]], g.subarray(D)), disposed);
    expect(other.disposed).toBe(false);
  });
});
