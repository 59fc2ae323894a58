/**
 * Everything of the caller is read once: no property of options, no length and no element of nested arrays is read
 * twice in one call. So a getter or a Proxy cannot change what was checked. The same holds for a Tensor of another copy
 * of the package, unless getters inside nested ids have run: they may have disposed it. Arguments that were read before
 * such a Tensor are checked again.
 */

import {
  binaryCrossEntropy,
  CharTokenizer,
  crossEntropy,
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  LearnedPositionalEmbedding,
  meanSquaredError,
  NegativeSampler,
  PositionalEncoding,
  RotaryEncoding,
  similarity,
  Tensor,
} from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout, countingTable } from './helpers/backend.js';
import { expectError } from './helpers/errors.js';
import { detach } from './helpers/memory.js';

answersThroughout();

/** Reads by object and property. */
class Reads {
  readonly #counts = new Map<string, number>();
  #objects = 0;

  /** `target`, and the arrays in it, as Proxies that count reads of their own properties. */
  watch<T extends object>(target: T, name = `object ${this.#objects++}`): T {
    const inside = Object.entries(target).map(([key, value]: [string, unknown]) => [
      key,
      Array.isArray(value) ? this.watch(value, `${name}.${key}`) : value,
    ]);
    Object.assign(target, Object.fromEntries(inside));
    return new Proxy(target, {
      get: (object, key) => {
        if (Object.hasOwn(object, key)) {
          const read = `${name}.${String(key)}`;
          this.#counts.set(read, (this.#counts.get(read) ?? 0) + 1);
        }
        return Reflect.get(object, key) as unknown;
      },
    });
  }

  /** What was read. */
  get all(): string[] {
    return [...this.#counts.keys()];
  }

  /** What was read more than once. */
  get repeated(): string[] {
    return [...this.#counts].filter(([, count]) => count > 1).map(([read, count]) => `${read}: ${count}`);
  }
}

/** A Tensor of another copy of the package. */
const foreign = (data: unknown, shape: number[]): object => ({
  [Symbol.for('tokenbed.Tensor')]: true,
  data,
  shape,
});

const DIM = 4;
const table = {
  vocabSize: 9,
  embeddingDim: DIM,
  paddingIdx: -1,
  initType: 'normal',
  std: 0.5,
  seed: 3,
  dtype: 'i8',
} as const;
const sinusoidal = { embeddingDim: DIM, maxSeqLength: 6, dropout: 0.5, base: 10, seed: 1 } as const;
const weight = () => [
  [1, 2],
  [3, 4],
];
const ids = () => [
  [0, 1],
  [2, 3],
];
const out = () => new Float32Array(64);

type Watch = Reads['watch'];
/** Something to do with watched arguments, and how many different reads it makes at least. */
type Case = readonly [name: string, least: number, run: (watch: Watch) => unknown];

const embedding = countingTable(9, DIM);
const bag = EmbeddingBag.from(embedding, { mode: 'sum' });
const layer = new EmbeddingLayer({ ...table, maxSeqLength: 6 });
const positions = new PositionalEncoding(sinusoidal);
const learned = new LearnedPositionalEmbedding({ embeddingDim: DIM, maxSeqLength: 6 });
const rotary = new RotaryEncoding({ headDim: DIM, maxSeqLength: 6 });
const x = () => new Float32Array(4 * DIM);
const rows = new Tensor(x(), { shape: [4, DIM] });

const CONSTRUCTORS: Case[] = [
  ['Embedding', 7, (watch) => new Embedding(watch({ ...table }))],
  [
    'Embedding.fromPretrained',
    9,
    (watch) => Embedding.fromPretrained(watch(weight()), watch({ paddingIdx: 0, dtype: 'f16' as const })),
  ],
  [
    'Embedding.fromPretrained, flat',
    1,
    (watch) => Embedding.fromPretrained(new Float32Array(8), watch({ embeddingDim: 2 })),
  ],
  [
    'Embedding.fromPretrained, foreign',
    2,
    (watch) => Embedding.fromPretrained(watch(foreign(new Float64Array(4), [2, 2])) as never),
  ],
  ['EmbeddingBag', 9, (watch) => new EmbeddingBag(watch({ ...table, mode: 'max', includeLastOffset: true }))],
  [
    'EmbeddingBag.from',
    2,
    (watch) => EmbeddingBag.from(embedding, watch({ mode: 'max' as const, includeLastOffset: true })),
  ],
  [
    'EmbeddingLayer',
    13,
    (watch) =>
      new EmbeddingLayer(
        watch({
          ...table,
          maxSeqLength: 6,
          positional: 'sinusoidal',
          scale: true,
          base: 10,
          layout: 'halves',
          dropout: 0.1,
        }),
      ),
  ],
  [
    'EmbeddingLayer of parts',
    3,
    (watch) => new EmbeddingLayer(watch({ token: embedding, positional: positions, scale: true })),
  ],
  ['PositionalEncoding', 6, (watch) => new PositionalEncoding(watch({ ...sinusoidal, layout: 'halves' }))],
  [
    'LearnedPositionalEmbedding',
    5,
    (watch) =>
      new LearnedPositionalEmbedding(
        watch({ embeddingDim: DIM, maxSeqLength: 6, initType: 'normal', std: 1, seed: 2 }),
      ),
  ],
  [
    'RotaryEncoding',
    7,
    (watch) =>
      new RotaryEncoding(
        watch({ headDim: DIM, maxSeqLength: 6, rotaryDim: 4, layout: 'halves', frequencies: [1, 0.1] }),
      ),
  ],
  ['NegativeSampler', 5, (watch) => new NegativeSampler(watch({ weights: [1, 2], seed: 1 }))],
  ['Tensor over an array', 4, (watch) => new Tensor(new Float32Array(4), watch({ shape: [2, 2] }))],
  [
    'Tensor of numbers',
    12,
    (watch) => new Tensor(watch(weight()), watch({ dtype: 'i32', shape: [4] }) as never),
  ],
];

const CALLS: Case[] = [
  [
    'Embedding.backward',
    3,
    (watch) =>
      embedding.backward(
        Int32Array.of(0, 1, 2, 3),
        watch(foreign(x(), [4, DIM])) as never,
        watch({ scaleGradByFreq: true }),
      ),
  ],
  [
    'EmbeddingLayer.backward',
    12,
    (watch) => layer.backward(watch(ids()), x(), watch({ positionIds: [3, 1], call: 0 })),
  ],
  [
    'PositionalEncoding.backward',
    3,
    (watch) => positions.backward(watch(foreign(x(), [4, DIM])) as never, watch({ startPos: 1, call: 0 })),
  ],
  [
    'LearnedPositionalEmbedding.backwardInto',
    4,
    (watch) =>
      learned.backwardInto(
        x(),
        watch(foreign(out(), [64])) as never,
        watch({ shape: [4, DIM], startPos: 1 }),
      ),
  ],
  ['Embedding.forward', 9, (watch) => embedding.forward(watch(ids()))],
  ['Embedding.forward, shape', 4, (watch) => embedding.forward(new Uint8Array(4), watch({ shape: [2, 2] }))],
  ['Embedding.forwardInto', 9, (watch) => embedding.forwardInto(watch(ids()), out(), watch({}))],
  [
    'Embedding.forward, foreign ids',
    3,
    (watch) => embedding.forward(watch(foreign(new Int8Array(2), [2])) as never),
  ],
  [
    'Embedding.forwardInto, foreign out',
    2,
    (watch) => embedding.forwardInto(Int32Array.of(1), watch(foreign(out(), [64])) as never),
  ],
  [
    'Embedding.forwardInto, one number',
    2,
    (watch) => embedding.forwardInto(1, watch(foreign(out(), [64])) as never),
  ],
  [
    'EmbeddingBag.forward',
    9,
    (watch) => bag.forward(watch(ids()), watch({ perSampleWeights: new Float32Array(4) })),
  ],
  [
    'EmbeddingBag.forwardInto, offsets',
    12,
    (watch) =>
      bag.forwardInto(
        watch([1, 2, 3]),
        out(),
        watch({ offsets: [0, 1, 2], perSampleWeights: new Float32Array(3), shape: [3] }),
      ),
  ],
  [
    'EmbeddingBag.forward, foreign weights',
    2,
    (watch) =>
      bag.forward(Int32Array.of(1, 2), {
        offsets: Int8Array.of(0),
        perSampleWeights: watch(foreign(new Float32Array(2), [2])) as never,
      }),
  ],
  ['EmbeddingLayer.forward', 9, (watch) => layer.forward(watch(ids()), watch({ startPos: 1 }))],
  [
    'EmbeddingLayer.forwardInto, positionIds',
    16,
    (watch) => layer.forwardInto(watch(ids()), out(), watch({ positionIds: ids() })),
  ],
  [
    'PositionalEncoding.forward',
    5,
    (watch) => positions.forward(x(), watch({ shape: [2, 2, DIM], startPos: 1 })),
  ],
  [
    'PositionalEncoding.forwardInto, positionIds',
    11,
    (watch) => positions.forwardInto(x(), out(), watch({ shape: [2, 2, DIM], positionIds: ids() })),
  ],
  [
    'PositionalEncoding.forward, foreign x',
    4,
    (watch) => positions.forward(watch(foreign(x(), [4, DIM])) as never),
  ],
  ['PositionalEncoding.encode', 9, (watch) => positions.encode(watch(ids()))],
  [
    'PositionalEncoding.visualizeEncoding',
    3,
    (watch) => positions.visualizeEncoding(watch({ seqLength: 2, dimsToShow: 2, print: null })),
  ],
  ['PositionalEncoding.toSVG', 2, (watch) => positions.toSVG(watch({ seqLength: 2, dimsToShow: 2 }))],
  [
    'RotaryEncoding.forwardInto',
    13,
    (watch) =>
      rotary.forwardInto(x(), out(), watch({ shape: [2, 1, 2, DIM], positionIds: ids(), inverse: true })),
  ],
  [
    'LearnedPositionalEmbedding.forwardInto',
    4,
    (watch) => learned.forwardInto(x(), out(), watch({ shape: [4, DIM] })),
  ],
  [
    'crossEntropy',
    10,
    (watch) =>
      crossEntropy(
        x(),
        watch({
          targets: [1, 2, 0, -1],
          ignoreIndex: -1,
          reduction: 'sum' as const,
          shape: [4, DIM],
          out: out(),
        }),
      ),
  ],
  [
    'crossEntropy, foreign',
    7,
    (watch) =>
      crossEntropy(watch(foreign(x(), [4, DIM])) as never, {
        targets: watch(foreign(new Int8Array(4), [4])) as never,
        out: watch(foreign(out(), [64])) as never,
      }),
  ],
  [
    'binaryCrossEntropy, foreign',
    9,
    (watch) =>
      binaryCrossEntropy(
        watch(foreign(x(), [4, DIM])) as never,
        watch({ labels: watch(foreign(x(), [4, DIM])) as never, reduction: 'sum' as const }),
      ),
  ],
  [
    'meanSquaredError, foreign',
    8,
    (watch) =>
      meanSquaredError(
        watch(foreign(x(), [4, DIM])) as never,
        watch(foreign(x(), [4, DIM])) as never,
        watch({}),
      ),
  ],
  [
    'Embedding.nearest',
    5,
    (watch) => embedding.nearest(x(), watch({ shape: [4, DIM], k: 2, metric: 'dot' as const })),
  ],
  [
    'Embedding.nearest, foreign queries',
    4,
    (watch) => embedding.nearest(watch(foreign(x(), [4, DIM])) as never),
  ],
  ['similarity, foreign a', 4, (watch) => similarity(watch(foreign(x(), [4, DIM])) as never, rows)],
  ['similarity, foreign b', 4, (watch) => similarity(rows, watch(foreign(x(), [4, DIM])) as never)],
  ['Parameter.row, foreign out', 2, (watch) => embedding.weight.row(1, watch(foreign(out(), [64])) as never)],
  ['Parameter.set', 5, (watch) => embedding.weight.set(8, watch([1, 2, 3, 4]))],
  ['Parameter.setRows', 9, (watch) => embedding.weight.setRows(7, watch([1, 2, 3, 4, 5, 6, 7, 8]))],
  [
    'CharTokenizer.decode',
    4,
    (watch) => new CharTokenizer().decode(watch([4, 5]), watch({ skipSpecialTokens: true })),
  ],
  [
    'CharTokenizer.decode, foreign',
    2,
    (watch) => new CharTokenizer().decode(watch(foreign(Int8Array.of(4), [1])) as never),
  ],
  ['CharTokenizer', 6, (watch) => new CharTokenizer(watch({ specialTokens: ['<A>'], alphabet: ['a', 'b'] }))],
  ['CharTokenizer.padSequences', 8, (watch) => new CharTokenizer().padSequences(watch([[1], [2, 3]]))],
];

describe.each([
  ['a constructor', CONSTRUCTORS],
  ['a call', CALLS],
])('%s', (_kind, cases) => {
  it.each(cases)('%s reads everything once', (_name, least, run) => {
    const reads = new Reads();
    run((target, name) => reads.watch(target, name));
    expect(reads.repeated).toEqual([]);
    expect(reads.all.length, `reads: ${reads.all.join(', ')}`).toBeGreaterThanOrEqual(least);
  });
});

it('a second read is noticed', () => {
  const reads = new Reads();
  const options = reads.watch({ shape: [1, 2] });
  expect([options.shape[0], options.shape.length]).toEqual([1, 2]);
  expect(reads.repeated).toEqual(['object 0.shape: 2']);
});

it('ids that the getter of a foreign Tensor detaches are refused', () => {
  const target = out().fill(7);
  const detached = Int32Array.of(1, 2);
  const hostile = {
    ...foreign(target, [64]),
    get data() {
      detach(detached);
      return target;
    },
  };
  const run = () => embedding.forwardInto(detached, hostile as never, {});
  expectError(run, { class: TypeError, code: 'ERR_INVALID_IDS', text: 'detached' });
  expect(target.every((value) => value === 7)).toBe(true);
});

describe('an argument that the getter of a foreign Tensor disposes or detaches is refused', () => {
  const scored = { ids: [1, 2] };
  const weighted = EmbeddingBag.from(embedding, { mode: 'sum' });
  const one = Int32Array.of(1);
  /** Calls with an argument that is read before the foreign Tensor `late`. */
  const cases: [string, size: number, run: (early: never, late: never) => unknown][] = [
    ['scoreInto, x', DIM, (x, late) => embedding.scoreInto(x, late, scored)],
    ['scoreBackward, x', DIM, (x, late) => embedding.scoreBackward(x, late, { ids: [1] })],
    [
      'scoreBackwardInto, gradScores',
      2,
      (grad, late) => embedding.scoreBackwardInto(x().subarray(0, DIM), grad, late, scored),
    ],
    [
      'scoreInto, out',
      64,
      (out, late) => embedding.scoreInto(x().subarray(0, DIM), out, { ids: late, shape: [1] }),
    ],
    [
      'bags, out',
      DIM,
      (out, late) => weighted.forwardInto(one, out, { offsets: [0], perSampleWeights: late }),
    ],
    [
      'bags, gradOutput',
      DIM,
      (grad, late) => weighted.backward(one, grad, { offsets: [0], perSampleWeights: late }),
    ],
    ['bags, gradOutput before offsets', DIM, (grad, late) => weighted.backward(one, grad, { offsets: late })],
    ['positions, x', 4 * DIM, (x, late) => positions.forwardInto(x, late, { shape: [4, DIM] })],
    ['positions, gradOutput', DIM, (grad, late) => learned.backwardInto(grad, late, { shape: [1, DIM] })],
    ['a layer, out', DIM, (out, late) => layer.forwardInto(one, out, { positionIds: late })],
    ['a layer, gradOutput', DIM, (grad, late) => layer.backward(one, grad, { positionIds: late, call: 0 })],
    ['Embedding.forwardInto, out', DIM, (out, late) => embedding.forwardInto(late, out)],
    ['similarity', DIM, (a, late) => similarity(a, late)],
  ];
  /** A foreign Tensor of the right kind whose getter runs `harm`. */
  const hostile = (name: string, harm: () => void): never => {
    const integers = /offsets|layer|scoreInto, out|Embedding.forwardInto/.test(name);
    const size = name.includes('Backward, x') ? 1 : name.startsWith('bags') ? 1 : 64;
    const data = integers ? new Int32Array(1) : new Float32Array(size);
    const shape = name === 'similarity' ? [16, DIM] : [data.length];
    return {
      ...foreign(data, shape),
      get data() {
        harm();
        return data;
      },
    } as never;
  };
  it.each(cases)('%s', (name, size, run) => {
    const shape = name === 'similarity' ? [1, DIM] : [size];
    const tensor = Tensor.allocate(shape);
    run(
      tensor as never,
      hostile(name, () => {}),
    );
    const disposing = hostile(name, () => {
      tensor.dispose();
    });
    expectError(() => run(tensor as never, disposing), { class: Error, code: 'ERR_DISPOSED' });
    const array = new Float32Array(size);
    const early = name === 'similarity' ? new Tensor(array, { shape }) : array;
    // After nested ids the getter runs twice.
    const detaching = hostile(name, () => {
      if (array.length > 0) detach(array);
    });
    expectError(() => run(early as never, detaching), {
      class: TypeError,
      code: 'ERR_INVALID_ARRAY',
      text: 'detached',
    });
  });
  embedding.weight.zeroGrad();
});

describe('bags of plain arrays', () => {
  const bags = EmbeddingBag.from(embedding, { mode: 'sum' });
  const ids = () => Int32Array.of(1, 2, 3);
  const offsets = () => Int32Array.of(0, 2);

  it('read offsets once, also if an id is refused', () => {
    const reads = new Reads();
    const run = (last: number) =>
      bags.forward(Int32Array.of(1, 2, last), reads.watch({ offsets: offsets() }));
    expect(run(3).shape).toEqual([2, DIM]);
    expectError(() => run(-1), { class: RangeError, code: 'ERR_ID_OUT_OF_RANGE' });
    expect(reads.all).toEqual(['object 0.offsets', 'object 1.offsets']);
    expect(reads.repeated).toEqual([]);
  });

  it('are refused if the getter of the offsets disposes the bag or detaches the ids', () => {
    const target = out().fill(7);
    const own = EmbeddingBag.from(embedding);
    const disposing = {
      get offsets() {
        own.dispose();
        return offsets();
      },
    };
    expectError(() => own.forwardInto(ids(), target, disposing), { class: Error, code: 'ERR_DISPOSED' });
    const detached = ids();
    const detaching = {
      get offsets() {
        detach(detached);
        return offsets();
      },
    };
    const run = () => bags.forwardInto(detached, target, detaching);
    expectError(run, { class: TypeError, code: 'ERR_INVALID_IDS', text: 'detached' });
    expect(target.every((value) => value === 7)).toBe(true);
  });

  it('that overlap out, or do not fit it, are refused', () => {
    const memory = new ArrayBuffer(4 * 64);
    const target = new Float32Array(memory);
    const overlapping = { class: RangeError, code: 'ERR_OVERLAP' } as const;
    expectError(() => bags.forwardInto(new Int32Array(memory, 0, 2), target, { offsets: [0] }), overlapping);
    expectError(
      () => bags.forwardInto(ids(), target, { offsets: new Int32Array(memory, 0, 2) }),
      overlapping,
    );
    const short = new Float32Array(2 * DIM - 1);
    expectError(() => bags.forwardInto(ids(), short, { offsets: offsets() }), {
      class: RangeError,
      code: 'ERR_SHAPE',
    });
  });
});

it('a shape that a subclass of Tensor defines is read once', () => {
  const reads: string[] = [];
  class Odd extends Tensor<'i32'> {
    constructor() {
      super(Int32Array.of(1, 2, 3, 4) as never, { shape: [2, 2] });
      Object.defineProperty(this, 'shape', {
        get: () => {
          reads.push('shape');
          return [1, 4];
        },
      });
    }
  }
  const { shape } = EmbeddingBag.from(embedding).forward(new Odd());
  expect(shape).toEqual([1, DIM]);
  expect(reads).toEqual(['shape']);
});

it('an error of the ids comes before that of a bag that the getter of the offsets disposed', () => {
  const own = EmbeddingBag.from(embedding);
  const disposing = {
    get offsets() {
      own.dispose();
      return [0];
    },
  };
  expectError(() => own.forward('bad' as never, disposing), { class: TypeError, code: 'ERR_INVALID_IDS' });
});

it('a detached array is refused as out for no rows, and no training call is counted', () => {
  const encoding = new PositionalEncoding({ ...sinusoidal, dropout: 0.5 }).train();
  const none = new Tensor(new Float32Array(0), { shape: [0, 5, DIM] });
  const detached = out();
  detach(detached);
  expectError(() => encoding.forwardInto(none, detached), { class: TypeError, code: 'ERR_INVALID_ARRAY' });
  expect(encoding.trainingCalls).toBe(0);
});

it('an allocated Tensor whose shape was replaced is read by it, with and without options', () => {
  const allocated = Tensor.allocate([2, DIM]);
  Object.assign(allocated, { shape: [2, 1, DIM] });
  expect(positions.forward(allocated).shape).toEqual([2, 1, DIM]);
  expect(positions.forward(allocated, {}).shape).toEqual([2, 1, DIM]);
  let reads = 0;
  Object.defineProperty(allocated, 'shape', { get: () => (reads++, [1, 2, DIM]) });
  expect(positions.forward(allocated).shape).toEqual([1, 2, DIM]);
  expect(reads).toBe(1);
  allocated.dispose();
});

it('a bag whose Embedding the getter of the offsets disposes is refused', () => {
  const own = countingTable(9, DIM);
  const shared = EmbeddingBag.from(own);
  const disposing = {
    get offsets() {
      own.dispose();
      return Int32Array.of(0);
    },
  };
  expectError(() => shared.forward(Int32Array.of(1), disposing), { class: Error, code: 'ERR_DISPOSED' });
});
