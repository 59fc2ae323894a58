/** Every class of the package: an object, and others of the class whose contents differ from it. */

import {
  Adagrad,
  Adam,
  AdamW,
  BPETokenizer,
  CharTokenizer,
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  EmbeddingProfiler,
  LearnedPositionalEmbedding,
  NegativeSampler,
  type Optimizer,
  PositionalEncoding,
  RotaryEncoding,
  RowwiseAdagrad,
  SGD,
  type StorageDType,
  Tensor,
} from 'tokenbed';
import { init as initText, PretrainedTokenizer } from 'tokenbed/text';
import { wordLevel, wordPiece } from './tokenizer-files.js';

await initText();

/** A class: `make` creates equal objects; each of `others` creates one that differs from them and from the rest. */
export interface Sample {
  readonly name: string;
  readonly make: () => object;
  readonly others: Readonly<Record<string, () => object>>;
}

const weights = [
  [1, 2],
  [3, -0],
];
const ROWS = { vocabSize: 4, embeddingDim: 2, seed: 1 } as const;
const POSITIONS = { embeddingDim: 2, maxSeqLength: 3, seed: 1 } as const;

export const table = (values: number[][] = weights, dtype?: StorageDType): Embedding =>
  Embedding.fromPretrained(values, { dtype });
export const allocated = (values: readonly number[], shape = [values.length]): Tensor<'f32'> => {
  const tensor = Tensor.allocate(shape);
  tensor.data.set(values);
  return tensor;
};

/** `object`, disposed. */
export function gone<T extends { dispose(): void }>(object: T): T {
  object.dispose();
  return object;
}

/** A table with a payload in its NaN. */
function nan(bits: number): Embedding {
  const floats = new Float32Array(Uint32Array.of(bits).buffer);
  return Embedding.fromPretrained(floats, { embeddingDim: 1 });
}

/** A table, then changed. */
function changed(): Embedding {
  const embedding = table();
  embedding.weight.set(1, [3, 4]);
  return embedding;
}

/** A table that is not trained. */
function frozen(): Embedding {
  const embedding = table();
  embedding.weight.requiresGrad = false;
  return embedding;
}

/** A table with a gradient. */
function trained(
  ids: number[],
  values: number[] = ids.length === 0 ? [] : [1, -0],
  rows = weights,
): Embedding {
  const embedding = table(rows);
  embedding.backward(ids, Float32Array.from(values));
  return embedding;
}

const words = (...texts: string[]): BPETokenizer => new BPETokenizer({ vocabSize: 30 }).train(texts);
const bytes = (...texts: string[]) => new BPETokenizer({ mode: 'bytes', vocabSize: 262 }).train(texts);

/** An optimizer of a table, after steps with that gradient. */
function stepped(make: (embedding: Embedding) => Optimizer, steps: number, gradient = [1, 2]): Optimizer {
  const embedding = table();
  const optimizer = make(embedding);
  for (let step = 0; step < steps; step++) {
    embedding.backward([1], Float32Array.from(gradient));
    optimizer.step();
  }
  embedding.weight.setRows(0, weights.flat()); // the table is as before
  return optimizer;
}

/** A class of optimizers. */
const optimizer = (name: string, make: (embedding: Embedding, options?: object) => Optimizer): Sample => ({
  name,
  make: () => stepped(make, 0),
  others: {
    'another lr': () => make(table(), { lr: 0.25 }),
    'another option': () => make(table(), { weightDecay: 0.25 }),
    'not lazy': () => make(table(), { lazy: false }),
    'another table': () => make(changed()),
    'after a step': () => stepped(make, 1),
    'after two steps': () => stepped(make, 2),
    'after a step with another gradient': () => stepped(make, 1, [2, 3]),
    disposed: () => gone(make(table())),
  },
});

/** Each class whose objects can be cloned. */
export const CLONEABLE: readonly Sample[] = [
  {
    name: 'Tensor of f32',
    make: () => new Tensor([1, -0, Infinity]),
    others: {
      'another value': () => new Tensor([2, -0, Infinity]),
      '0 instead of -0': () => new Tensor([1, 0, Infinity]),
      'another length': () => new Tensor([1, -0]),
      'another shape': () => new Tensor([[1, -0, Infinity]]),
      'another dtype': () => new Tensor(Float64Array.of(1, -0, Infinity)),
    },
  },
  {
    name: 'Tensor of i64',
    make: () => new Tensor(BigInt64Array.of(1n, 2n)),
    others: {
      'another value': () => new Tensor(BigInt64Array.of(1n, 3n)),
      'another dtype': () => new Tensor(BigUint64Array.of(1n, 2n)),
    },
  },
  {
    name: 'a result',
    make: () => table().forward([[0, 1]]),
    others: {
      'other ids': () => table().forward([[1, 0]]),
      'another shape': () => table().forward([0, 1]),
    },
  },
];

/** Each class whose objects cannot be cloned. */
export const OTHERS: readonly Sample[] = [
  {
    name: 'an allocated Tensor',
    make: () => allocated([1, 0]),
    others: {
      'another value': () => allocated([1, 2]),
      'another length': () => allocated([1, 0, 0]),
      'another shape': () => allocated([1, 0], [2, 1]),
      disposed: () => gone(allocated([1, 0])),
    },
  },
  {
    name: 'a reshape of an allocated Tensor',
    make: () => allocated([1, 0]).reshape(2, 1),
    others: {
      'another shape': () => allocated([1, 0]).reshape(1, 2),
      'disposed through its source': () => {
        const source = allocated([1, 0]);
        const reshaped = source.reshape(2, 1);
        source.dispose();
        return reshaped;
      },
      'of disposed memory, another shape': () => gone(allocated([1, 0])).reshape(1, 2),
    },
  },
  {
    name: 'Parameter',
    make: () => table().weight,
    others: {
      'another value': () => changed().weight,
      'another sign of 0': () =>
        table([
          [1, 2],
          [3, 0],
        ]).weight,
      'another shape': () => table([[1, 2, 3, -0]]).weight,
      'another dtype': () => table(weights, 'f16').weight,
      'another narrow dtype': () => table(weights, 'bf16').weight,
      frozen: () => frozen().weight,
      'a gradient': () => trained([0]).weight,
      'a gradient without rows': () => trained([]).weight,
      'a gradient of another row': () => trained([1]).weight,
      disposed: () => gone(table()).weight,
      'disposed, of another shape': () => gone(table([[1, 2, 3, -0]])).weight,
      'disposed, of another dtype': () => gone(table(weights, 'f16')).weight,
    },
  },
  {
    name: 'Parameter of a NaN',
    make: () => nan(0x7fc00000).weight,
    others: {
      'another payload': () => nan(0x7fc00001).weight,
      'another sign': () => nan(0xffc00000).weight,
    },
  },
  {
    name: 'Gradient',
    make: () => trained([1]).weight.grad!,
    others: {
      'another row': () => trained([0]).weight.grad!,
      'another row, too': () => trained([1, 0], [1, -0, 3, 4]).weight.grad!,
      'another value': () => trained([1], [1, 2]).weight.grad!,
      'another sign of 0': () => trained([1], [1, 0]).weight.grad!,
      'no rows': () => trained([]).weight.grad!,
      'another shape': () => trained([1], [1, -0], [...weights, [5, 6]]).weight.grad!,
      ended: () => {
        const { weight } = trained([1]);
        const { grad } = weight;
        weight.zeroGrad();
        return grad!;
      },
    },
  },
  {
    name: 'Embedding',
    make: () => table(),
    others: {
      'another value': changed,
      padding: () => Embedding.fromPretrained(weights, { paddingIdx: 0 }),
      'another origin': () => new Embedding({ ...ROWS, vocabSize: 2 }),
      'another dtype': () => table(weights, 'f16'),
      frozen: () => frozen(),
      'a gradient': () => trained([1]),
      disposed: () => gone(table()),
    },
  },
  ...(['f16', 'bf16', 'i8', 'i4'] as const).map((dtype): Sample => ({
    name: `Embedding of ${dtype}`,
    make: () => table(weights, dtype),
    others: {
      // The values are equal, the storage is not.
      'f32 of the same values': () => table(weights, dtype).convert('f32'),
      'another narrow dtype': () => table(weights, dtype === 'f16' ? 'bf16' : 'f16'),
      'another value': () => {
        const embedding = table(weights, dtype);
        embedding.weight.set(1, [3, 4]);
        return embedding;
      },
      padding: () => Embedding.fromPretrained(weights, { paddingIdx: 0, dtype }),
      disposed: () => gone(table(weights, dtype)),
    },
  })),
  {
    name: 'EmbeddingBag',
    make: () => EmbeddingBag.from(table()),
    others: {
      'another table': () => EmbeddingBag.from(changed()),
      'another dtype': () => EmbeddingBag.from(table(weights, 'f16')),
      'another mode': () => EmbeddingBag.from(table(), { mode: 'max' }),
      includeLastOffset: () => EmbeddingBag.from(table(), { includeLastOffset: true }),
      disposed: () => gone(EmbeddingBag.from(table())),
    },
  },
  {
    name: 'PositionalEncoding',
    make: () => new PositionalEncoding({ ...POSITIONS, dropout: 0.5 }),
    others: {
      'another length': () => new PositionalEncoding({ ...POSITIONS, dropout: 0.5, maxSeqLength: 4 }),
      'another layout': () => new PositionalEncoding({ ...POSITIONS, dropout: 0.5, layout: 'halves' }),
      training: () => new PositionalEncoding({ ...POSITIONS, dropout: 0.5 }).train(),
      'a training call': () => {
        const positions = new PositionalEncoding({ ...POSITIONS, dropout: 0.5 }).train();
        positions.forward(new Tensor([[1, 2]]));
        return positions;
      },
      trainingCalls: () => {
        const positions = new PositionalEncoding({ ...POSITIONS, dropout: 0.5 });
        positions.trainingCalls = 7;
        return positions;
      },
      disposed: () => gone(new PositionalEncoding({ ...POSITIONS, dropout: 0.5 })),
    },
  },
  {
    name: 'LearnedPositionalEmbedding',
    make: () => new LearnedPositionalEmbedding(POSITIONS),
    others: {
      'another seed': () => new LearnedPositionalEmbedding({ ...POSITIONS, seed: 2 }),
      'another value': () => {
        const learned = new LearnedPositionalEmbedding(POSITIONS);
        learned.positionEmbedding.weight.set(0, [1, 2]);
        return learned;
      },
      training: () => new LearnedPositionalEmbedding(POSITIONS).train(),
      disposed: () => gone(new LearnedPositionalEmbedding(POSITIONS)),
    },
  },
  optimizer('SGD', ({ parameters }, o) => new SGD({ parameters, lr: 0.1, momentum: 0.9, ...o })),
  optimizer('Adagrad', ({ parameters }, o) => new Adagrad({ parameters, ...o })),
  optimizer('RowwiseAdagrad', ({ parameters }, o) => new RowwiseAdagrad({ parameters, ...o })),
  optimizer('Adam', ({ parameters }, o) => new Adam({ parameters, ...o })),
  optimizer('AdamW', ({ parameters }, o) => new AdamW({ parameters, ...o })),
  {
    name: 'RotaryEncoding',
    make: () => new RotaryEncoding({ headDim: 4, maxSeqLength: 3 }),
    others: {
      'another base': () => new RotaryEncoding({ headDim: 4, maxSeqLength: 3, base: 5 }),
      'another layout': () => new RotaryEncoding({ headDim: 4, maxSeqLength: 3, layout: 'interleaved' }),
      frequencies: () => new RotaryEncoding({ headDim: 4, maxSeqLength: 3, frequencies: [1, 0.5] }),
      disposed: () => gone(new RotaryEncoding({ headDim: 4, maxSeqLength: 3 })),
    },
  },
  {
    name: 'NegativeSampler',
    make: () => new NegativeSampler({ weights: [1, 2], seed: 3 }),
    others: {
      'another weight': () => new NegativeSampler({ weights: [1, 3], seed: 3 }),
      'another size': () => new NegativeSampler({ weights: [1, 2, 0], seed: 3 }),
      'another seed': () => new NegativeSampler({ weights: [1, 2], seed: 4 }),
      'another position': () => {
        const sampler = new NegativeSampler({ weights: [1, 2], seed: 3 });
        sampler.sample(1);
        return sampler;
      },
      disposed: () => gone(new NegativeSampler({ weights: [1, 2], seed: 3 })),
    },
  },
  {
    name: 'EmbeddingLayer',
    make: () => new EmbeddingLayer({ ...ROWS, maxSeqLength: 3 }),
    others: {
      'another seed': () => new EmbeddingLayer({ ...ROWS, maxSeqLength: 3, seed: 2 }),
      'another kind of positions': () =>
        new EmbeddingLayer({ ...ROWS, maxSeqLength: 3, positional: 'learned' }),
      'no positions': () => new EmbeddingLayer({ ...ROWS, maxSeqLength: 3, positional: null }),
      'no positions, but dropout': () => new EmbeddingLayer({ ...ROWS, positional: null, dropout: 0.5 }),
      scale: () => new EmbeddingLayer({ ...ROWS, maxSeqLength: 3, scale: true }),
      dtype: () => new EmbeddingLayer({ ...ROWS, maxSeqLength: 3, dtype: 'bf16' }),
      training: () => new EmbeddingLayer({ ...ROWS, maxSeqLength: 3 }).train(),
      disposed: () => gone(new EmbeddingLayer({ ...ROWS, maxSeqLength: 3 })),
    },
  },
  {
    name: 'CharTokenizer',
    make: () => new CharTokenizer({ alphabet: 'ab' }),
    others: {
      'another alphabet': () => new CharTokenizer({ alphabet: 'ac' }),
      'another order': () => new CharTokenizer({ alphabet: 'ba' }),
      'another special token': () => new CharTokenizer({ alphabet: 'b', specialTokens: ['a'] }),
    },
  },
  {
    name: 'BPETokenizer of words',
    make: () => words('ab ab'),
    others: {
      'another corpus': () => words('cd cd'),
      'no merge': () => words('ab ba'),
      untrained: () => new BPETokenizer({ vocabSize: 30 }),
      'trained on nothing': () => words(),
      'another target': () => new BPETokenizer({ vocabSize: 31 }).train(['ab ab']),
    },
  },
  {
    name: 'BPETokenizer of bytes',
    make: () => bytes('abab'),
    others: {
      'another corpus': () => bytes('cdcd'),
      untrained: () => new BPETokenizer({ mode: 'bytes', vocabSize: 262 }),
      'words of the same target': () => new BPETokenizer({ vocabSize: 262 }),
    },
  },
  {
    name: 'PretrainedTokenizer',
    make: () => PretrainedTokenizer.fromJSON(wordPiece),
    others: {
      'another file': () => PretrainedTokenizer.fromJSON(wordLevel),
      'another part': () => PretrainedTokenizer.fromJSON({ ...wordPiece, decoder: null }),
      disposed: () => gone(PretrainedTokenizer.fromJSON(wordPiece)),
    },
  },
  {
    name: 'EmbeddingProfiler',
    make: () => new EmbeddingProfiler({ minTimeMs: 0 }),
    others: {
      'another option': () => new EmbeddingProfiler({ minTimeMs: 1 }),
      'a result': () => {
        const profiler = new EmbeddingProfiler({ minTimeMs: 0 });
        profiler.analyzeMemoryScaling({ vocabSizes: [4], embeddingDims: [2], maxTableMb: 0 });
        return profiler;
      },
    },
  },
];
