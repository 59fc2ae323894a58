/** Disposal: an object that was disposed, one whose part was disposed, and parts that outlive the object. */

import {
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  LearnedPositionalEmbedding,
  PositionalEncoding,
  RotaryEncoding,
  Tensor,
} from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout, countingTable } from './helpers/backend.js';
import { disposed, expectError } from './helpers/errors.js';

answersThroughout();

const DIM = 2;
const X = { shape: [2, DIM] };
const floats = (): Float32Array => new Float32Array(2 * DIM);
const message = (name: string): string => `${name} has been disposed; create a new one`;

interface Disposable {
  readonly disposed: boolean;
  dispose(): void;
}

/** One kind of object: what error messages call it, its methods, and what stays readable. */
interface Kind<T extends Disposable> {
  readonly name: string;
  readonly make: () => T;
  readonly methods: (object: T) => Record<string, () => unknown>;
  readonly readable: (object: T) => unknown;
}

const kind = <T extends Disposable>(each: Kind<T>): Kind<Disposable> => each as unknown as Kind<Disposable>;

const KINDS = [
  kind({
    name: 'The embedding',
    make: () => countingTable(5, DIM),
    methods: (embedding) => ({
      forward: () => embedding.forward(1),
      forwardInto: () => embedding.forwardInto(1, floats()),
      'forwardInto with options': () => embedding.forwardInto([1], floats(), { shape: [1] }),
      backward: () => embedding.backward(1, new Float32Array(DIM)),
      requiresGrad: () => (embedding.weight.requiresGrad = true),
      row: () => embedding.weight.row(0),
      set: () => embedding.weight.set(0, [1, 2]),
      setRows: () => embedding.weight.setRows(0, floats()),
      toTensor: () => embedding.weight.toTensor(),
      convert: () => embedding.convert('f32'),
    }),
    readable: (embedding) => [
      [embedding.vocabSize, embedding.embeddingDim, embedding.paddingIdx, embedding.seed],
      [embedding.weight.shape, embedding.parameters, embedding.getMemoryUsage()],
    ],
  }),
  kind({
    name: 'The bag',
    make: () => EmbeddingBag.from(countingTable(5, DIM), { mode: 'max' }),
    methods: (bag) => ({
      forward: () => bag.forward([[1]]),
      forwardInto: () => bag.forwardInto([[1]], floats()),
    }),
    readable: (bag) => [bag.vocabSize, bag.mode, bag.parameters, bag.seed, bag.getMemoryUsage()],
  }),
  kind({
    name: 'The layer',
    make: () =>
      new EmbeddingLayer({
        token: countingTable(5, DIM),
        positional: new PositionalEncoding({ embeddingDim: DIM, maxSeqLength: 4, seed: 1 }),
      }).train(),
    methods: (layer) => ({
      forward: () => layer.forward([1]),
      backward: () => layer.backward([1], new Float32Array(DIM)),
      trainingCalls: () => (layer.trainingCalls = 0),
      forwardInto: () => layer.forwardInto([1], floats()),
      train: () => layer.train(),
      eval: () => layer.eval(),
    }),
    readable: (layer) => [layer.scale, layer.training, layer.parameters.length],
  }),
  kind({
    name: 'The positional encoding',
    make: () => new PositionalEncoding({ embeddingDim: DIM, maxSeqLength: 4, seed: 1 }).train(),
    methods: (positions) => ({
      forward: () => positions.forward(floats(), X),
      forwardInto: () => positions.forwardInto(floats(), floats(), X),
      backward: () => positions.backward(floats(), X),
      backwardInto: () => positions.backwardInto(floats(), floats(), X),
      trainingCalls: () => (positions.trainingCalls = 0),
      encode: () => positions.encode(1),
      pe: () => positions.pe,
      visualizeEncoding: () => positions.visualizeEncoding({ print: null }),
      toSVG: () => positions.toSVG(),
      train: () => positions.train(),
      eval: () => positions.eval(),
    }),
    readable: (positions) => [positions.training, positions.seed, positions.parameters, positions.base],
  }),
  kind({
    name: 'The rotary encoding',
    make: () => new RotaryEncoding({ headDim: DIM, maxSeqLength: 4 }),
    methods: (rotary) => ({
      forward: () => rotary.forward(floats(), X),
      forwardInto: () => rotary.forwardInto(floats(), floats(), X),
    }),
    readable: (rotary) => [rotary.headDim, rotary.maxSeqLength, rotary.frequencies, rotary.parameters],
  }),
  kind({
    name: 'The learned positional embedding',
    make: () => new LearnedPositionalEmbedding({ embeddingDim: DIM, maxSeqLength: 4, seed: 1 }).train(),
    methods: (positions) => ({
      forward: () => positions.forward(floats(), X),
      forwardInto: () => positions.forwardInto(floats(), floats(), X),
      backward: () => positions.backward(floats(), X),
      backwardInto: () => positions.backwardInto(floats(), floats(), X),
      train: () => positions.train(),
      eval: () => positions.eval(),
    }),
    readable: (positions) => [positions.training, positions.seed, positions.parameters, positions.initType],
  }),
];

describe.each(KINDS)('$name', ({ name, make, methods, readable }) => {
  it('is disposed once, and then every method says so', () => {
    const object = make();
    for (const run of Object.values(methods(object))) run();
    const before = readable(object);
    expect(object.disposed).toBe(false);
    object.dispose();
    object.dispose();
    expect(object.disposed).toBe(true);
    const errors = Object.entries(methods(object)).map(([method, run]) => [
      method,
      expectError(run, disposed).message,
    ]);
    expect(errors).toEqual(errors.map(([method]) => [method, message(name)]));
    expect(readable(object)).toEqual(before);
  });

  it('is disposed by `using`', () => {
    const object = make();
    const symbol = (Symbol as { dispose?: symbol }).dispose ?? Symbol.for('Symbol.dispose');
    (object as unknown as Record<symbol, () => void>)[symbol]!();
    expect(object.disposed).toBe(true);
  });
});

describe('a part that was passed in', () => {
  const parts = () => ({
    token: countingTable(5, DIM),
    positional: new PositionalEncoding({ embeddingDim: DIM, maxSeqLength: 4 }),
  });

  it('outlives the object', () => {
    const { token, positional } = parts();
    new EmbeddingLayer({ token, positional }).dispose();
    EmbeddingBag.from(token).dispose();
    expect([token.disposed, positional.disposed]).toEqual([false, false]);
    expect(token.forward(1).toArray()).toEqual([1000, 1001]);
    expect(positional.encode(0).toArray()).toEqual([0, 1]);
  });

  it('is named when it is gone, and the object is not disposed', () => {
    for (const [part, name] of [
      ['token', 'The embedding'],
      ['positional', 'The positional encoding'],
    ] as const) {
      const both = parts();
      const layer = new EmbeddingLayer(both);
      both[part].dispose();
      for (const use of [() => layer.forward([1]), () => layer.train(), () => layer.eval()]) {
        expect(expectError(use, disposed).message).toBe(message(name));
      }
      expect([layer.disposed, layer.training, both.positional.training]).toEqual([false, false, false]);
      layer.dispose();
      expect(layer.disposed).toBe(true);
      expect(expectError(() => layer.forward([1]), disposed).message).toBe(message('The layer'));
    }
  });

  it('is named by a bag too', () => {
    const embedding = countingTable(5, DIM);
    const bag = EmbeddingBag.from(embedding);
    embedding.dispose();
    expect(expectError(() => bag.forward([[1]]), disposed).message).toBe(message('The embedding'));
    expect(bag.disposed).toBe(false);
  });
});

describe('a part that the object created', () => {
  it('is disposed with it', () => {
    const bag = new EmbeddingBag({ vocabSize: 5, embeddingDim: DIM });
    const layer = new EmbeddingLayer({ vocabSize: 5, embeddingDim: DIM, positional: 'learned' });
    const learned = layer.positional as LearnedPositionalEmbedding;
    bag.dispose();
    layer.dispose();
    const created: Disposable[] = [bag.embedding, layer.token, learned, learned.positionEmbedding];
    expect(created.map((each) => each.disposed)).toEqual([true, true, true, true]);
  });

  it('may be disposed by itself: the object cannot be used, but is not disposed', () => {
    const layer = new EmbeddingLayer({ vocabSize: 5, embeddingDim: DIM });
    layer.token.dispose();
    expect(layer.disposed).toBe(false);
    expect(expectError(() => layer.forward([1]), disposed).message).toBe(message('The embedding'));
    layer.dispose();
    expect([layer.disposed, layer.positional!.disposed]).toEqual([true, true]);
  });
});

it('a getter of the options may dispose the object: ERR_DISPOSED, nothing written', () => {
  const embedding = new Embedding({ vocabSize: 5, embeddingDim: DIM });
  const options = {
    get shape() {
      embedding.dispose();
      return [1];
    },
  };
  const out = floats().fill(7);
  expectError(() => embedding.forwardInto(Int32Array.of(1), out, options), disposed);
  expect([...out]).toEqual([7, 7, 7, 7]);
});

it('an argument that was disposed is ERR_DISPOSED', () => {
  const x = Tensor.allocate([2, DIM]);
  x.dispose();
  const positions = new PositionalEncoding({ maxSeqLength: 2, embeddingDim: DIM });
  expectError(() => positions.forward(x), disposed);
});
