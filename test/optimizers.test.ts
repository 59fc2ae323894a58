/** Optimizers: rules, state, options, atomic steps, clipping, renormalization, saving and resuming. */

import {
  Adagrad,
  type AdagradOptions,
  Adam,
  type AdamOptions,
  AdamW,
  clipGradNorm,
  Embedding,
  EmbeddingLayer,
  type Optimizer,
  type Parameter,
  RowwiseAdagrad,
  SGD,
  type SGDOptions,
} from 'tokenbed';
import { afterEach, describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { bits, expectBits } from './helpers/bits.js';
import { disposed, type Expected, expectError, invalidOption, outOfRange } from './helpers/errors.js';
import {
  DEFAULTS,
  dot,
  gradientRows,
  type ReferenceName,
  type ReferenceOptions,
  ReferenceTraining,
  renormed,
} from './helpers/optimizer.js';

answersThroughout();

const f = Math.fround;

/** Every class by its name, without types. */
const CLASSES = { SGD, Adagrad, RowwiseAdagrad, Adam, AdamW } as unknown as Record<
  ReferenceName,
  {
    new (options: unknown): Optimizer;
    fromBytes(bytes: unknown, options: unknown): Optimizer;
  }
>;
const NAMES = Object.keys(CLASSES) as ReferenceName[];

const made: { dispose(): void }[] = [];
afterEach(() => made.splice(0).forEach((each) => each.dispose()));

/** Disposed after the test. */
function kept<T extends { dispose(): void }>(object: T): T {
  made.push(object);
  return object;
}

/** Floats without a pattern, of both signs and of several magnitudes, the same for the same seed. */
function floats(length: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => {
    const hash = Math.imul(i + 1 + 977 * seed, 0x9e3779b1) ^ (seed << 7);
    return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) / 2 ** 31) * 10 ** (i % 3);
  });
}

const table = (rows: number, dim: number, seed = 1, options: object = {}): Embedding =>
  kept(Embedding.fromPretrained(floats(rows * dim, seed), { embeddingDim: dim, ...options }));

/** An optimizer of one table, with `lr` 0.1 unless the options have one. */
const make = (name: ReferenceName, parameters: readonly Parameter[], options: object = {}): Optimizer =>
  kept(new CLASSES[name]({ lr: 0.1, ...options, parameters }));

/** Row `row` of plain values. */
const rowOf = (all: Float32Array, dim: number, row: number): Float32Array =>
  all.slice(row * dim, (row + 1) * dim);

const values = (embedding: Embedding): Float32Array => embedding.weight.toTensor().data;

/** Ids of a batch: repeats, and other ones for each seed. */
const batch = (rows: number, seed: number, count = 5): number[] =>
  Array.from({ length: count }, (_, i) => (i * i * 3 + seed * 7) % rows);

/** A backward pass with gradients of this seed. */
function backward(embedding: Embedding, ids: readonly number[], seed: number): Float32Array {
  const gradient = floats(ids.length * embedding.embeddingDim, seed);
  embedding.backward(ids, gradient);
  return gradient;
}

/** The tensors of the state, and the rows. */
function expectState(
  optimizer: Optimizer,
  parameter: Parameter,
  reference: ReferenceTraining,
  where: string,
): void {
  const { step, rows, ...tensors } = optimizer.state(parameter);
  expect(step, where).toBe(reference.step);
  expect([...rows], where).toEqual(reference.rows);
  for (const [name, tensor] of Object.entries(tensors)) {
    expect(tensor.shape).toEqual([rows.length, reference.name === 'RowwiseAdagrad' ? 1 : reference.dim]);
    expectBits(tensor.data, reference.values(name), { where, anyNaN: true });
  }
}

/** Options that change the formulas. */
const VARIANTS: readonly [ReferenceName, Partial<ReferenceOptions>][] = [
  ['SGD', {}],
  ['SGD', { momentum: 0.9 }],
  ['SGD', { momentum: 0.9, nesterov: true, weightDecay: 0.01 }],
  ['SGD', { weightDecay: 0.1 }],
  ['Adagrad', {}],
  ['Adagrad', { lr: 0.5, eps: 1e-3, initialAccumulator: 0.1, weightDecay: 0.01 }],
  ['RowwiseAdagrad', {}],
  ['RowwiseAdagrad', { eps: 1, initialAccumulator: 0.1, weightDecay: 0.01 }],
  ['Adam', {}],
  ['Adam', { beta1: 0, beta2: 0.5, eps: 1e-3, weightDecay: 0.01 }],
  ['AdamW', {}],
  ['AdamW', { beta1: 0.5, beta2: 0, weightDecay: 0.3 }],
];

describe.each(VARIANTS)('%s %o', (name, options) => {
  describe.each([true, false])('lazy %s', (lazy) => {
    it.each([1, 3, 4, 16, 17, 33, 100])('equals the reference with %i columns', (dim) => {
      const [rows, padding] = [11, 4];
      const embedding = table(rows, dim, 1, { paddingIdx: padding });
      const optimizer = make(name, embedding.parameters, { ...options, lazy });
      const reference = new ReferenceTraining(name, { ...options, lazy }, values(embedding), dim, padding);
      for (let step = 1; step <= 4; step++) {
        const ids = batch(rows, step);
        const gradient = backward(embedding, ids, step);
        optimizer.step();
        reference.update(gradientRows(ids, gradient, dim, padding));
        expect(embedding.weight.grad).toBeNull();
        expectBits(values(embedding), reference.table, { where: `step ${step}` });
        expectState(optimizer, embedding.weight, reference, `step ${step}`);
        optimizer.lr = reference.lr = 0.1 / step;
      }
    });
  });

  it('is lazy: a step writes the rows of its gradient as a step over all rows does, and no other', () => {
    const [rows, dim] = [9, 5];
    const [lazy, dense] = [table(rows, dim), table(rows, dim)];
    const ids = batch(rows, 2);
    const before = values(lazy);
    for (const [embedding, flag] of [
      [lazy, true],
      [dense, false],
    ] as const) {
      backward(embedding, ids, 3);
      make(name, embedding.parameters, { ...options, lazy: flag }).step();
    }
    for (let row = 0; row < rows; row++) {
      const expected = ids.includes(row) ? dense.weight.row(row) : rowOf(before, dim, row);
      expectBits(lazy.weight.row(row), expected);
    }
  });

  it.each([true, false])('never writes the padding row (lazy %s)', (lazy) => {
    const payload = new Float32Array(Uint32Array.of(0x7fa0_0001, 0x8000_0001, 0x7f80_0000).buffer);
    const embedding = table(4, 3, 1, { paddingIdx: 2 });
    embedding.weight.set(2, payload);
    const optimizer = make(name, embedding.parameters, { ...options, lazy });
    for (let step = 0; step < 3; step++) {
      backward(embedding, [2, 1, 2], step);
      optimizer.step();
    }
    expectBits(embedding.weight.row(2), payload);
    expect([...optimizer.state(embedding.weight).rows]).not.toContain(2);
  });

  it('leaves non-finite gradients to their rows', () => {
    const embedding = table(5, 3);
    const optimizer = make(name, embedding.parameters, options);
    const reference = new ReferenceTraining(name, options, values(embedding), 3);
    const gradient = Float32Array.of(NaN, Infinity, -Infinity, 1, 2, 3);
    for (const ids of [
      [1, 3],
      [3, 1],
    ]) {
      embedding.backward(ids, gradient);
      optimizer.step();
      reference.update(gradientRows(ids, gradient, 3));
      expectBits(values(embedding), reference.table, { anyNaN: true });
    }
    expectState(optimizer, embedding.weight, reference, '');
  });

  it.each([true, false])('continues with the same bits after toBytes and fromBytes (lazy %s)', (lazy) => {
    const dim = 6;
    const [whole, resumed] = [
      [table(10, dim, 1), table(7, dim, 2)],
      [table(10, dim, 1), table(7, dim, 2)],
    ] as const;
    const parameters = (tables: readonly Embedding[]) => tables.map(({ weight }) => weight);
    const train = (tables: readonly Embedding[], optimizer: Optimizer, step: number): void => {
      tables.forEach((each, i) => {
        if ((step + i) % 3 > 0) backward(each, batch(each.vocabSize, step + i), step);
      });
      optimizer.step();
    };
    const a = make(name, parameters(whole), { ...options, lazy });
    let b = make(name, parameters(resumed), { ...options, lazy });
    for (let step = 0; step < 9; step++) {
      a.lr = b.lr = 0.3 / (step + 1);
      train(whole, a, step);
      train(resumed, b, step);
      const saved = b.toBytes();
      const next = kept(CLASSES[name].fromBytes(saved, { parameters: parameters(resumed) }));
      expect(next.lr).toBe(b.lr);
      expect(next).toEqual(b);
      expect(next).toBeInstanceOf(CLASSES[name]);
      expect(next.toBytes()).toEqual(saved);
      b.dispose();
      b = next;
    }
    whole.forEach((each, i) => {
      expectBits(values(resumed[i]!), values(each));
      expect(b.state(resumed[i]!.weight)).toEqual(a.state(each.weight));
    });
  });
});

describe('state values', () => {
  it('below 2^-126 are stored as +0, so that momentum at rest ends', () => {
    const embedding = table(2, 3);
    const optimizer = make('SGD', embedding.parameters, { momentum: 0.5 });
    embedding.backward([1], Float32Array.of(2 ** -125, -(2 ** -126), -0));
    optimizer.step();
    expectBits(optimizer.state(embedding.weight).momentum!.data, [2 ** -125, -(2 ** -126), 0]);
    for (const expected of [2 ** -126, 0]) {
      embedding.backward([1], new Float32Array(3));
      optimizer.step();
      expectBits(optimizer.state(embedding.weight).momentum!.data, [expected, 0, 0]);
    }
  });

  it('start with f32(initialAccumulator), also after many steps of other rows', () => {
    const embedding = table(4, 2);
    const optimizer = make('Adagrad', embedding.parameters, { initialAccumulator: 0.1 });
    backward(embedding, [3], 1);
    optimizer.step();
    embedding.backward([0], Float32Array.of(0, 0));
    optimizer.step();
    const { rows, sum } = optimizer.state(embedding.weight);
    expect([...rows]).toEqual([0, 3]);
    expectBits(sum!.data.subarray(0, 2), [f(0.1), f(0.1)]);
  });

  it('are copies', () => {
    const embedding = table(4, 2);
    const optimizer = make('Adam', embedding.parameters);
    backward(embedding, [3], 1);
    optimizer.step();
    const first = optimizer.state(embedding.weight);
    first.m!.data.fill(7);
    first.rows.fill(9);
    const second = optimizer.state(embedding.weight);
    expect(second.m!.data).not.toEqual(first.m!.data);
    expect([...second.rows]).toEqual([3]);
    expect(second.m!.data.buffer.byteLength).toBe(8);
  });

  it('of a parameter without steps are empty', () => {
    const embedding = table(4, 3);
    const empty = (name: ReferenceName, options = {}) =>
      make(name, embedding.parameters, options).state(embedding.weight);
    for (const name of NAMES) expect(empty(name)).toMatchObject({ step: 0, rows: new Uint32Array(0) });
    expect(Object.keys(empty('SGD'))).toEqual(['step', 'rows']);
    expect(empty('SGD', { momentum: 0.5 }).momentum!.shape).toEqual([0, 3]);
    expect(empty('Adagrad').sum!.shape).toEqual([0, 3]);
    expect(empty('RowwiseAdagrad').sum!.shape).toEqual([0, 1]);
    expect(empty('Adam').m!.shape).toEqual([0, 3]);
    expect(empty('AdamW').v!.shape).toEqual([0, 3]);
  });
});

describe('parameters', () => {
  it('without a gradient do not change, and have their own step count', () => {
    const [a, b] = [table(4, 2, 1), table(4, 2, 2)];
    for (const lazy of [true, false]) {
      const optimizer = make('AdamW', [a.weight, b.weight], { lazy, weightDecay: 0.5 });
      const before = values(b);
      for (let step = 0; step < 3; step++) {
        backward(a, [1], step);
        optimizer.step();
      }
      expectBits(values(b), before);
      expect(optimizer.state(a.weight).step).toBe(3);
      expect(optimizer.state(b.weight)).toMatchObject({ step: 0, rows: new Uint32Array(0) });
      // Its first step has the bias correction of a first step.
      const reference = new ReferenceTraining('AdamW', { lr: 0.1, lazy, weightDecay: 0.5 }, before, 2);
      const gradient = backward(b, [2], 9);
      optimizer.step();
      reference.update(gradientRows([2], gradient, 2));
      expectBits(values(b), reference.table);
    }
  });

  it('that are listed twice count once', () => {
    const [once, twice] = [table(4, 2), table(4, 2)];
    for (const [embedding, parameters] of [
      [once, [once.weight]],
      [twice, [twice.weight, twice.weight, ...twice.parameters]],
    ] as const) {
      const optimizer = make('Adam', parameters);
      expect(optimizer.parameters).toEqual([embedding.weight]);
      expect(Object.isFrozen(optimizer.parameters)).toBe(true);
      backward(embedding, [1, 2], 3);
      optimizer.step();
      expect(optimizer.state(embedding.weight).step).toBe(1);
    }
    expectBits(values(twice), values(once));
  });

  it('that are frozen are skipped, and keep their state and step count', () => {
    const embedding = table(4, 2);
    const optimizer = make('Adam', embedding.parameters);
    backward(embedding, [1], 1);
    optimizer.step();
    const state = optimizer.state(embedding.weight);
    backward(embedding, [2], 2);
    embedding.weight.requiresGrad = false;
    const before = values(embedding);
    backward(embedding, [1], 3);
    optimizer.step();
    expectBits(values(embedding), before);
    expect(optimizer.state(embedding.weight)).toEqual(state);
    embedding.weight.requiresGrad = true;
    backward(embedding, [1], 4);
    optimizer.step();
    expect(optimizer.state(embedding.weight).step).toBe(2);
  });

  it('may be frozen at construction', () => {
    const embedding = table(4, 2, 1, { freeze: true });
    const optimizer = make('SGD', embedding.parameters);
    backward(embedding, [1], 1);
    optimizer.step();
    expectBits(values(embedding), floats(8, 1));
  });

  it('share two optimizers: the gradient ends with the first step', () => {
    const embedding = table(4, 2);
    const [a, b] = [make('Adam', embedding.parameters), make('Adagrad', embedding.parameters)];
    const gradient = (backward(embedding, [1], 1), embedding.weight.grad!);
    a.step();
    const after = values(embedding);
    expectError(() => gradient.rows, disposed);
    expect(gradient.count).toBe(1);
    b.step();
    expectBits(values(embedding), after);
    expect(b.state(embedding.weight).step).toBe(0);
  });

  it('of a layer are trained together', () => {
    const layer = kept(
      new EmbeddingLayer({ vocabSize: 5, embeddingDim: 4, maxSeqLength: 3, positional: 'learned', seed: 1 }),
    );
    const optimizer = make('SGD', layer.parameters);
    const before = layer.parameters.map((each) => each.toTensor().data);
    layer.backward([[1, 3]], floats(8, 1));
    optimizer.step();
    layer.parameters.forEach((each, i) => expect(bits(each.toTensor().data)).not.toEqual(bits(before[i]!)));
    expect(optimizer.parameters).toHaveLength(2);
  });

  it('with a gradient of zero rows take a step', () => {
    for (const lazy of [true, false]) {
      const embedding = table(3, 2, 1, { paddingIdx: 0 });
      const optimizer = make('AdamW', embedding.parameters, { lazy, weightDecay: 0.5 });
      embedding.backward([0, 0], floats(4, 1));
      expect(embedding.weight.grad!.count).toBe(0);
      optimizer.step();
      expect(embedding.weight.grad).toBeNull();
      expect(optimizer.state(embedding.weight).step).toBe(1);
      const decayed = f(1 - 0.1 * 0.5);
      const expected = floats(6, 1).map((w, i) => (lazy || i < 2 ? w : f(w * decayed)));
      expectBits(values(embedding), expected);
    }
  });

  it('take contributions of several backward passes in one step', () => {
    const [one, two] = [table(6, 3), table(6, 3)];
    const gradient = floats(12, 5);
    const ids = [1, 4, 1, 0];
    one.backward(ids, gradient);
    two.backward(ids.slice(0, 2), gradient.subarray(0, 6));
    two.backward(ids.slice(2), gradient.subarray(6));
    for (const each of [one, two]) make('Adagrad', each.parameters).step();
    expectBits(values(two), values(one));
  });
});

describe('zeroGrad', () => {
  it('ends the gradients and keeps the state; disposed tables are skipped', () => {
    const [a, b] = [table(4, 2), table(4, 2)];
    const optimizer = make('Adam', [a.weight, b.weight]);
    backward(a, [1], 1);
    backward(b, [1], 1);
    a.dispose();
    optimizer.zeroGrad();
    expect(b.weight.grad).toBeNull();
    expectBits(values(b), floats(8, 1));
  });
});

describe('stateBytes', () => {
  it('is 0 for SGD without momentum and after dispose', () => {
    const embedding = table(100, 8);
    const sgd = make('SGD', embedding.parameters);
    const adam = make('Adam', embedding.parameters);
    expect(adam.stateBytes).toBe(0);
    backward(embedding, [1, 2], 1);
    sgd.step();
    expect(sgd.stateBytes).toBe(0);
    backward(embedding, [1, 2], 1);
    adam.step();
    expect(adam.stateBytes).toBeGreaterThan(0);
    adam.dispose();
    expect(adam.stateBytes).toBe(0);
  });

  it.each([
    ['SGD', 4 * 8],
    ['Adagrad', 4 * 8],
    ['RowwiseAdagrad', 4],
    ['Adam', 2 * 4 * 8],
    ['AdamW', 2 * 4 * 8],
  ] as const)(
    'of %s is at most twice what its rows need, 4 bytes per row of the table and 4 KiB',
    (name, perRow) => {
      const rows = 5000;
      const embedding = table(rows, 8);
      const optimizer = make(name, embedding.parameters, name === 'SGD' ? { momentum: 0.9 } : {});
      for (let step = 1; step < 40; step++) {
        backward(embedding, batch(rows, 31 * step, 7 * step), step);
        optimizer.step();
        const count = optimizer.state(embedding.weight).rows.length;
        expect(optimizer.stateBytes).toBeGreaterThanOrEqual(count * perRow);
        expect(optimizer.stateBytes).toBeLessThanOrEqual(2 * count * perRow + 4 * rows + 4096);
      }
    },
  );
});

describe('a step is atomic', () => {
  it.each(NAMES)('%s: with a table gone, nothing is written', (name) => {
    const [a, b, c] = [table(4, 2, 1), table(4, 2, 2), table(4, 2, 3)];
    const optimizer = make(name, [a.weight, b.weight, c.weight]);
    for (const each of [a, b, c]) backward(each, [1], 1);
    b.dispose();
    expectError(() => optimizer.step(), disposed);
    for (const each of [a, c]) {
      expect(each.weight.grad!.count).toBe(1);
      expectBits(values(each), floats(8, each === a ? 1 : 3));
      expect(optimizer.state(each.weight)).toMatchObject({ step: 0, rows: new Uint32Array(0) });
    }
    expectError(() => optimizer.state(b.weight), disposed);
    expectError(() => optimizer.toBytes(), disposed);
  });

  it('a disposed optimizer has no methods; its options stay readable', () => {
    const embedding = table(4, 2);
    const optimizer = new Adam({ parameters: embedding.parameters, lr: 0.5 });
    backward(embedding, [1], 1);
    optimizer.dispose();
    optimizer.dispose();
    expect(optimizer).toMatchObject({ disposed: true, lr: 0.5, beta1: 0.9, lazy: true, stateBytes: 0 });
    expect(optimizer.parameters).toEqual(embedding.parameters);
    for (const run of [
      () => optimizer.step(),
      () => optimizer.zeroGrad(),
      () => optimizer.toBytes(),
      () => optimizer.state(embedding.weight),
      () => optimizer.toJSON(),
      () => (optimizer.lr = 1),
    ])
      expectError(run, disposed);
    expect(embedding.weight.grad!.count).toBe(1);
    expectBits(values(embedding), floats(8, 1));
    expect(embedding.disposed).toBe(false);
  });
});

const invalid = (name: ReferenceName, option: string, value: unknown, kind: Expected['class']): void => {
  const embedding = table(3, 2);
  const options = { parameters: embedding.parameters, lr: 0.1, [option]: value };
  expectError(() => new CLASSES[name](options), invalidOption(kind, option, value));
};

/** The names of the options of each class. */
const OPTIONS: Record<ReferenceName, readonly string[]> = {
  SGD: ['momentum', 'nesterov', 'weightDecay', 'lazy'],
  Adagrad: ['eps', 'initialAccumulator', 'weightDecay', 'lazy'],
  RowwiseAdagrad: ['eps', 'initialAccumulator', 'weightDecay', 'lazy'],
  Adam: ['beta1', 'beta2', 'eps', 'weightDecay', 'lazy'],
  AdamW: ['beta1', 'beta2', 'eps', 'weightDecay', 'lazy'],
};

/** Numbers that an option refuses, besides NaN and infinities. */
const REFUSED: Readonly<Record<string, readonly number[]>> = {
  lr: [-1e-9],
  momentum: [-0.1, 1, 1.5],
  beta1: [-0.1, 1],
  beta2: [-0.1, 1],
  eps: [0, -1e-8, 1e-46, 1.0000001],
  initialAccumulator: [-1],
  weightDecay: [-1e-300],
};

describe.each(NAMES)('options of %s', (name) => {
  it('have their defaults', () => {
    const embedding = table(3, 2);
    const optimizer = make(name, embedding.parameters, { lr: DEFAULTS[name].lr ?? 0.1 });
    expect(optimizer).toMatchObject({ ...DEFAULTS[name] });
    if (name !== 'SGD') {
      const plain = kept(new CLASSES[name]({ parameters: embedding.parameters }));
      expect(plain).toMatchObject({ ...DEFAULTS[name] });
    }
    const undefinedOptions = Object.fromEntries(OPTIONS[name].map((option) => [option, undefined]));
    expect(make(name, embedding.parameters, undefinedOptions)).toMatchObject({ ...DEFAULTS[name], lr: 0.1 });
  });

  it('are read-only, except lr', () => {
    const embedding = table(3, 2);
    const optimizer = make(name, embedding.parameters) as unknown as Record<string, unknown>;
    for (const option of ['parameters', 'disposed', 'stateBytes', ...OPTIONS[name]]) {
      expect(() => (optimizer[option] = 1), option).toThrow(TypeError);
    }
    optimizer['lr'] = 0;
    expect(optimizer['lr']).toBe(0);
    for (const value of ['1', null, undefined, 1n, true, {}]) {
      expectError(() => (optimizer['lr'] = value), invalidOption(TypeError, 'lr', value));
    }
    for (const value of [NaN, Infinity, -Infinity, -1]) {
      expectError(() => (optimizer['lr'] = value), invalidOption(RangeError, 'lr', value));
    }
    expect(optimizer['lr']).toBe(0);
  });

  it.each(['lr', ...OPTIONS[name]])('%s is checked by kind and by value', (option) => {
    const isFlag = option === 'nesterov' || option === 'lazy';
    for (const value of ['0.1', null, 1n, {}, [], isFlag ? 1 : true]) invalid(name, option, value, TypeError);
    if (isFlag) return;
    for (const value of [NaN, Infinity, -Infinity, ...REFUSED[option]!])
      invalid(name, option, value, RangeError);
  });

  it.each(['betas', 'dampening', 'amsgrad', 'maximize', 'sparse', 'weight_decay', 'params'])(
    '%s is unknown',
    (option) => {
      invalid(name, option, undefined, TypeError);
      invalid(name, option, 1, TypeError);
    },
  );

  it('parameters are Parameters that can be trained', () => {
    const create = (parameters?: unknown) => () => new CLASSES[name]({ lr: 0.1, parameters });
    const embedding = table(3, 2);
    for (const value of [
      undefined,
      null,
      5,
      'weight',
      embedding.weight,
      embedding,
      new Set([embedding.weight]),
    ]) {
      expectError(create(value), invalidOption(TypeError, 'parameters', value));
    }
    for (const entry of [undefined, null, embedding, 5, Object.create(embedding.weight as object)]) {
      const list = [embedding.weight, entry];
      expectError(create(list), { ...invalidOption(TypeError, 'parameters', list), text: 'at [1]' });
    }
    expectError(create([]), invalidOption(RangeError, 'parameters', []));
    expectError(() => new CLASSES[name](undefined), invalidOption(TypeError, 'options', undefined));
    expectError(() => new CLASSES[name]([]), invalidOption(TypeError, 'options', []));
    for (const dtype of ['f16', 'bf16', 'i8', 'i4']) {
      const stored = table(3, 2, 1, { dtype });
      const code = { class: Error, code: 'ERR_NOT_TRAINABLE', text: ["convert('f32')", dtype] };
      expectError(create([embedding.weight, stored.weight]), code);
      expectError(() => stored.weight.renorm(1), code);
    }
    const gone = table(3, 2);
    gone.dispose();
    expectError(create([embedding.weight, gone.weight]), disposed);
  });
});

describe('options', () => {
  it('lr of SGD is required, and nesterov requires momentum', () => {
    const { parameters } = table(3, 2);
    const sgd = (options: object) => () => new SGD({ parameters, ...options } as unknown as SGDOptions);
    expectError(sgd({}), invalidOption(TypeError, 'lr', undefined));
    expectError(sgd({ lr: 1, nesterov: true }), invalidOption(RangeError, 'nesterov', true));
    expectError(sgd({ lr: 1, nesterov: true, momentum: -0 }), invalidOption(RangeError, 'nesterov', true));
    kept(sgd({ lr: 1, nesterov: true, momentum: 1e-300 })());
  });

  it('at their limits are accepted', () => {
    const { parameters } = table(3, 2);
    const below = 1 - 2 ** -53;
    kept(new Adam({ parameters, lr: 0, beta1: below, beta2: 0, eps: 1 } satisfies AdamOptions));
    kept(new Adagrad({ parameters, eps: 1e-45, initialAccumulator: 1e300 } satisfies AdagradOptions));
    kept(new SGD({ parameters, lr: 1e308, momentum: below, weightDecay: 1e308 }));
  });

  it('are in the JSON, with the shapes of the parameters', () => {
    const optimizer = make('AdamW', [table(3, 2).weight, table(4, 5).weight], { eps: 0.5 });
    optimizer.lr = 2;
    expect(JSON.parse(JSON.stringify(optimizer))).toEqual({
      ...DEFAULTS.AdamW,
      lr: 2,
      eps: 0.5,
      parameters: [
        [3, 2],
        [4, 5],
      ],
    });
  });

  it('are read before anything else happens, names first', () => {
    const { parameters } = table(3, 2);
    const order: string[] = [];
    const options = new Proxy(
      { parameters, lr: 1 },
      {
        get: (target, key) => {
          order.push(String(key));
          return Reflect.get(target, key) as unknown;
        },
      },
    );
    kept(new SGD(options));
    expect(order).toEqual(['parameters', 'lr', 'momentum', 'nesterov', 'weightDecay', 'lazy']);
    expectError(
      () => new SGD({ parameters: 5, lr: 'x', betas: 1 } as unknown as SGDOptions),
      invalidOption(TypeError, 'betas', 1),
    );
  });

  it('state of a parameter of another optimizer', () => {
    const [a, b] = [table(3, 2), table(3, 2)];
    const optimizer = make('Adam', a.parameters) as unknown as { state(parameter?: unknown): unknown };
    for (const value of [b.weight, a, undefined, null, 0]) {
      expectError(() => optimizer.state(value), invalidOption(TypeError, 'parameter', value));
    }
  });
});

describe('clipGradNorm', () => {
  const square = (gradient: Float32Array, dim: number): number => {
    let sum = 0;
    for (let at = 0; at < gradient.length; at += dim) {
      const row = gradient.subarray(at, at + dim);
      sum += dot(row, row, (x) => x);
    }
    return sum;
  };

  it.each([1, 15, 16, 17, 40])('scales all gradients by one factor, of %i columns', (dim) => {
    const [a, b, c] = [table(6, dim, 1), table(9, dim, 2), table(3, dim, 3)];
    backward(a, [5, 0, 3, 0], 4);
    backward(b, [8, 2], 5);
    const before = [a, b].map(({ weight }) => weight.grad!.values.data);
    let sum = 0;
    // Rows are added to one running sum.
    for (const gradient of before)
      for (let at = 0; at < gradient.length; at += dim) sum += square(gradient.slice(at, at + dim), dim);
    const norm = Math.sqrt(sum);
    const parameters = [a.weight, c.weight, b.weight, a.weight];
    expect(clipGradNorm(parameters, 2 * norm)).toBe(norm);
    [a, b].forEach(({ weight }, i) => expectBits(weight.grad!.values.data, before[i]!));
    expect(clipGradNorm(parameters, norm / 3)).toBe(norm);
    const factor = f(norm / 3 / (norm + 1e-6));
    [a, b].forEach(({ weight }, i) =>
      expectBits(
        weight.grad!.values.data,
        before[i]!.map((g) => f(g * factor)),
      ),
    );
    expect(c.weight.grad).toBeNull();
  });

  it('is 0 without gradients', () => {
    expect(clipGradNorm(table(3, 2).parameters, 1)).toBe(0);
    const stored = table(3, 2, 1, { dtype: 'f16' });
    expect(clipGradNorm(stored.parameters, 1)).toBe(0);
  });

  it('neither overflows nor underflows', () => {
    const embedding = table(3, 2);
    embedding.backward([1], Float32Array.of(3e38, 0));
    expect(clipGradNorm(embedding.parameters, 1)).toBe(f(3e38));
    embedding.weight.zeroGrad();
    embedding.backward([1], Float32Array.of(1e-45, 0));
    expect(clipGradNorm(embedding.parameters, 1)).toBe(f(1e-45));
  });

  it.each([NaN, Infinity, -Infinity])('changes nothing if a gradient has %s', (odd) => {
    const [a, b] = [table(3, 2), table(3, 2)];
    backward(a, [1, 2], 1);
    b.backward([1], Float32Array.of(1, odd));
    const before = a.weight.grad!.values.data;
    expect(clipGradNorm([a.weight, b.weight], 1e-3)).toBe(Number.isNaN(odd) ? NaN : Infinity);
    expectBits(a.weight.grad!.values.data, before);
    expectBits(b.weight.grad!.values.data, [1, odd]);
  });

  it('checks its arguments', () => {
    const embedding = table(3, 2);
    const clip = clipGradNorm as (...args: unknown[]) => number;
    backward(embedding, [1], 1);
    const before = embedding.weight.grad!.values.data;
    const { parameters } = embedding;
    for (const value of [undefined, null, '1', 1n]) {
      expectError(() => clip(parameters, value), invalidOption(TypeError, 'maxNorm', value));
    }
    for (const value of [0, -1, NaN, Infinity]) {
      expectError(() => clip(parameters, value), invalidOption(RangeError, 'maxNorm', value));
    }
    expectError(() => clip(embedding.weight, 1), invalidOption(TypeError, 'parameters', embedding.weight));
    expectError(() => clip([], 1), invalidOption(RangeError, 'parameters', []));
    const gone = table(3, 2);
    gone.dispose();
    expectError(() => clip([embedding.weight, gone.weight], 1e-9), disposed);
    expectBits(embedding.weight.grad!.values.data, before);
  });
});

describe('renorm', () => {
  it.each([1, 3, 16, 17, 40])('scales rows that are longer down, of %i columns', (dim) => {
    const norms = (w: Float32Array) => Math.sqrt(dot(w, w));
    const source = (row: number) => rowOf(floats(7 * dim, 1), dim, row);
    for (const maxNorm of [1e-30, 0.5, 20, 1e30, 1e300]) {
      for (const ids of [undefined, [2, 6, 2], [[0], [2]], Uint8Array.of(5), 3, []]) {
        const embedding = table(7, dim, 1, { paddingIdx: 2 });
        embedding.weight.set(2, source(2));
        backward(embedding, [1], 2);
        embedding.weight.renorm(maxNorm, ids as number[]);
        const chosen =
          ids === undefined ? [0, 1, 2, 3, 4, 5, 6] : typeof ids === 'number' ? [ids] : [...ids].flat();
        for (let row = 0; row < 7; row++) {
          const w = source(row);
          const expected = chosen.includes(row) ? renormed(w, maxNorm) : w;
          expectBits(embedding.weight.row(row), expected);
          if (chosen.includes(row))
            expect(norms(expected)).toBeLessThanOrEqual(Math.min(norms(w), maxNorm * 1.000001));
        }
        expect(embedding.weight.grad!.count).toBe(1);
      }
    }
  });

  it('processes a row once, and leaves one with a NaN', () => {
    const embedding = table(3, 2);
    embedding.weight.setRows(0, [3, 4, NaN, 1e30, 3e38, 3e38]);
    embedding.weight.renorm(1, [0, 0, 1, 2, 0]);
    const factor = f(1 / f(5 + f(1e-7)));
    expectBits(values(embedding), [f(3 * factor), f(4 * factor), NaN, f(1e30), 0, 0]);
  });

  it('trains nothing and needs no gradient', () => {
    const frozen = table(3, 2, 1, { freeze: true });
    frozen.weight.renorm(1e-3);
    expect(dot(values(frozen), values(frozen))).toBeLessThan(1e-5);
  });

  it('checks its arguments before the first write', () => {
    const embedding = table(3, 2);
    const { weight } = embedding;
    const renorm = (...args: unknown[]) =>
      (weight as unknown as { renorm(...args: unknown[]): void }).renorm(...args);
    for (const value of [undefined, null, '1', 1n, [1]]) {
      expectError(() => renorm(value, [0]), invalidOption(TypeError, 'maxNorm', value));
    }
    for (const value of [0, -0, -1, NaN, Infinity]) {
      expectError(() => renorm(value, [9]), invalidOption(RangeError, 'maxNorm', value));
    }
    expectError(() => renorm(1e-9, [0, 1, 3]), outOfRange(3, 2, 3));
    expectError(() => renorm(1e-9, [[0], [-1]]), outOfRange(-1, 1, 3, [1, 0]));
    for (const ids of [null, 'x', {}, Float32Array.of(1)]) {
      expectError(() => renorm(1e-9, ids), { class: TypeError, code: 'ERR_INVALID_IDS' });
    }
    expectError(() => renorm(1e-9, [[0], [1, 2]]), { class: TypeError, code: 'ERR_RAGGED' });
    expectError(() => renorm(1e-9, [0.5]), { class: TypeError, code: 'ERR_INVALID_ID' });
    expectBits(values(embedding), floats(6, 1));
    embedding.dispose();
    expectError(() => renorm(null, 'x'), disposed);
  });
});
