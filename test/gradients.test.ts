/** Gradients of tables: requiresGrad, grad and its end, and Embedding.backward in every form and every way to be wrong. */

import fc from 'fast-check';
import {
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  type IdsInput,
  LearnedPositionalEmbedding,
  SGD,
  type StorageDType,
  Tensor,
} from 'tokenbed';
import { afterEach, describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { bits, expectBits, fromBits } from './helpers/bits.js';
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
import { contentsOf, expectGradient, numbers, Sums, trapped } from './helpers/gradient.js';
import { detach, growable, resizable, shared } from './helpers/memory.js';

answersThroughout();

const made: { dispose(): void }[] = [];
afterEach(() => made.splice(0).forEach((each) => each.dispose()));

/** Disposed after the test. */
function kept<T extends { dispose(): void }>(object: T): T {
  made.push(object);
  return object;
}

const V = 10;
const D = 3;

const table = (options: { paddingIdx?: number; vocabSize?: number; embeddingDim?: number } = {}): Embedding =>
  kept(new Embedding({ vocabSize: V, embeddingDim: D, seed: 1, ...options }));

/** `backward` as callers without types see it. */
type Backward = (ids?: unknown, gradOutput?: unknown, options?: unknown) => void;
const untyped = (embedding: Embedding): Backward => embedding.backward.bind(embedding) as Backward;

/** Expects an error of `backward` that leaves table and gradient as they are, with a gradient and without. */
function refused(ids: unknown, gradOutput: unknown, expected: Expected, options?: unknown): void {
  const embedding = table();
  const backward = untyped(embedding);
  for (const first of [() => undefined, () => embedding.backward([4, 2, 4], numbers(3 * D))]) {
    first();
    const before = contentsOf(embedding);
    expectError(() => backward(ids, gradOutput, options), expected);
    expect(contentsOf(embedding)).toEqual(before);
  }
  embedding.backward(9, numbers(D));
  expectGradient(embedding.weight, new Sums(D).add([4, 2, 4], numbers(3 * D)).add([9], numbers(D)));
}

describe('requiresGrad', () => {
  it('starts true for tables of f32, whoever created them', () => {
    const layer = kept(
      new EmbeddingLayer({ vocabSize: V, embeddingDim: D, maxSeqLength: 4, positional: 'learned' }),
    );
    const objects = [
      table(),
      kept(Embedding.fromPretrained([[1, 2]])),
      kept(Embedding.fromPretrained([[1, 2]], { freeze: false })),
      kept(new EmbeddingBag({ vocabSize: V, embeddingDim: D })),
      kept(table().convert('f16')).convert('f32'),
      kept(Embedding.loadSync(table().toBytes('safetensors'))),
      layer.token,
    ];
    for (const { weight } of objects) expect([weight.requiresGrad, weight.grad]).toEqual([true, null]);
    expect(layer.parameters.map((parameter) => parameter.requiresGrad)).toEqual([true, true]);
  });

  it('starts false with freeze', () => {
    const { weight } = kept(Embedding.fromPretrained([[1, 2]], { freeze: true }));
    expect([weight.requiresGrad, weight.grad]).toEqual([false, null]);
    weight.requiresGrad = true;
    expect(weight.requiresGrad).toBe(true);
  });

  it.each([['yes'], [1], [0], [null], [{}]])('refuses freeze: %o', (freeze) => {
    const options = { freeze: freeze as unknown as boolean };
    expectError(() => Embedding.fromPretrained([[1]], options), invalidOption(TypeError, 'freeze', freeze));
  });

  it.each(['f16', 'bf16', 'i8', 'i4'] as StorageDType[])(
    'of a table of %s is false and stays so',
    (dtype) => {
      const embedding = kept(table().convert(dtype));
      const { weight } = embedding;
      expect([weight.requiresGrad, weight.grad]).toEqual([false, null]);
      const expected = { class: Error, code: 'ERR_NOT_TRAINABLE', text: [dtype, "convert('f32')"] };
      expectError(() => (weight.requiresGrad = true), expected);
      weight.requiresGrad = false;
      embedding.backward([1], numbers(D));
      expect([weight.requiresGrad, weight.grad]).toEqual([false, null]);
      expectError(() => embedding.backward([V], numbers(D)), outOfRange(V, 0, V));
      weight.zeroGrad();
    },
  );

  it('is a boolean', () => {
    for (const embedding of [table(), kept(table().convert('f16'))]) {
      const before = embedding.weight.requiresGrad;
      for (const value of [undefined, null, 0, 1, 'true', {}, Object(true)]) {
        const set = () => (embedding.weight.requiresGrad = value as boolean);
        expectError(set, invalidOption(TypeError, 'requiresGrad', value));
        expect(embedding.weight.requiresGrad).toBe(before);
      }
    }
  });

  it('of a disposed table stays readable and cannot be set', () => {
    const embedding = table();
    embedding.dispose();
    expect([embedding.weight.requiresGrad, embedding.weight.grad]).toEqual([true, null]);
    for (const value of [true, false, 5])
      expectError(() => (embedding.weight.requiresGrad = value as boolean), disposed);
    embedding.weight.zeroGrad();
  });

  it('false: a call checks everything and adds nothing', () => {
    const embedding = table();
    embedding.weight.requiresGrad = false;
    embedding.backward([1, 2], numbers(2 * D), { scaleGradByFreq: true });
    expect(embedding.weight.grad).toBeNull();
    expectError(() => embedding.backward([1, V], numbers(2 * D)), outOfRange(V, 1, V));
    expectError(() => embedding.backward([1], numbers(2 * D)), { class: RangeError, code: 'ERR_SHAPE' });
    const wrong = () => untyped(embedding)([1], 5);
    expectError(wrong, invalidArray('gradOutput'));
    embedding.weight.requiresGrad = true;
    embedding.backward([3], numbers(D));
    expectGradient(embedding.weight, new Sums(D).add([3], numbers(D)));
  });

  it('set to what it is changes nothing', () => {
    const embedding = table();
    embedding.backward([3], numbers(D));
    const { grad } = embedding.weight;
    embedding.weight.requiresGrad = true;
    expect(embedding.weight.grad).toBe(grad);
    expect(grad!.count).toBe(1);
  });

  it('keeps the padding when it is set again', () => {
    const embedding = table({ paddingIdx: 3 });
    embedding.weight.requiresGrad = false;
    embedding.weight.requiresGrad = true;
    embedding.backward([3, 1], numbers(2 * D));
    expect([...embedding.weight.grad!.rows]).toEqual([1]);
  });
});

describe('grad', () => {
  it('is one object until it ends', () => {
    const embedding = table();
    expect(embedding.weight.grad).toBeNull();
    embedding.backward([5, 1], numbers(2 * D));
    const grad = embedding.weight.grad!;
    embedding.backward([7], numbers(D));
    expect(embedding.weight.grad).toBe(grad);
    expect(embedding.parameters[0].grad).toBe(grad);
    expect([grad.count, [...grad.rows], grad.shape]).toEqual([3, [1, 5, 7], [V, D]]);
    expect(Object.isFrozen(grad.shape)).toBe(true);
    expect(() => Object.assign(embedding.weight, { grad: null })).toThrow(TypeError);
  });

  it('returns fresh copies', () => {
    const embedding = table();
    embedding.backward([5, 1], numbers(2 * D));
    const grad = embedding.weight.grad!;
    const sums = new Sums(D).add([5, 1], numbers(2 * D));
    grad.rows.fill(0);
    grad.values.data.fill(0);
    grad.toTensor().data.fill(0);
    expectGradient(embedding.weight, sums);
    expect(grad.rows).toBeInstanceOf(Uint32Array);
    expect(grad.values.data.buffer.byteLength).toBe(2 * D * 4);
    const dense = grad.toTensor();
    expect(dense.shape).toEqual([V, D]);
    const expected = new Float32Array(V * D);
    for (const row of sums.rows) expected.set(sums.row(row)!, row * D);
    expectBits(dense.data, expected);
    embedding.weight.zeroGrad();
    expectBits(dense.data, expected);
  });

  it('counts rows whose values are zeros', () => {
    const embedding = table();
    embedding.backward([5, 1, 5], new Float32Array(3 * D));
    expectGradient(embedding.weight, new Sums(D).add([5, 1, 5], new Float32Array(3 * D)));
  });

  it.each<[string, IdsInput, number[]]>([
    ['zero ids', [], [0, D]],
    ['zero ids in rows', [[], []], [2, 0, D]],
    ['an empty array', new Int32Array(0), [0, D]],
    ['padding', [4, 4], [2, D]],
    ['one padding', 4, [D]],
  ])('of %s has zero rows', (_, ids, shape) => {
    const embedding = table({ paddingIdx: 4 });
    const size = shape.reduce((a, b) => a * b);
    for (const gradOutput of [numbers(size), new Tensor(numbers(size), { shape })]) {
      embedding.backward(ids, gradOutput);
      const grad = embedding.weight.grad!;
      expect([grad.count, grad.rows.length, grad.values.shape]).toEqual([0, 0, [0, D]]);
      expect(grad.toTensor().data).toEqual(new Float32Array(V * D));
      expect(String(grad)).toBe(`Gradient of 0 rows, shape [${V}, ${D}]`);
      embedding.weight.zeroGrad();
    }
  });

  it('holds bytes for its rows, whatever the table', () => {
    const small = table({ embeddingDim: 64 });
    const large = table({ embeddingDim: 64, vocabSize: 200_000 });
    for (const embedding of [small, large]) embedding.backward([1, 7, 1], numbers(3 * 64));
    const bytes = large.weight.grad!.bytes;
    expect(bytes).toBe(small.weight.grad!.bytes);
    expect(bytes).toBeGreaterThanOrEqual(2 * 64 * 4);
    expect(bytes).toBeLessThan(8192);
    large.backward(
      Int32Array.from({ length: 1000 }, (_, i) => i),
      numbers(64_000),
    );
    expect(large.weight.grad!.bytes).toBeGreaterThanOrEqual(256_000);
    expect(large.weight.grad!.bytes).toBeLessThan(2 * 256_000 + 32 * 1000);
  });
});

describe('the end of a gradient', () => {
  const owners: Record<string, () => { of: Embedding; end: () => void; again: boolean }> = {
    zeroGrad: () => {
      const of = table();
      return { of, end: () => of.weight.zeroGrad(), again: true };
    },
    'requiresGrad = false': () => {
      const of = table();
      return { of, end: () => (of.weight.requiresGrad = false), again: false };
    },
    'dispose()': () => {
      const of = table();
      return { of, end: () => of.dispose(), again: false };
    },
    step: () => {
      const of = table();
      const sgd = kept(new SGD({ parameters: of.parameters, lr: 0.1 }));
      return { of, end: () => sgd.step(), again: true };
    },
    'zeroGrad of an optimizer': () => {
      const of = table();
      const sgd = kept(new SGD({ parameters: of.parameters, lr: 0.1 }));
      return { of, end: () => sgd.zeroGrad(), again: true };
    },
    'dispose() of a layer that owns it': () => {
      const layer = kept(new EmbeddingLayer({ vocabSize: V, embeddingDim: D }));
      return { of: layer.token, end: () => layer.dispose(), again: false };
    },
    'dispose() of a bag that owns it': () => {
      const bag = kept(new EmbeddingBag({ vocabSize: V, embeddingDim: D }));
      return { of: bag.embedding, end: () => bag.dispose(), again: false };
    },
    'dispose() of learned positions': () => {
      const learned = kept(new LearnedPositionalEmbedding({ maxSeqLength: V, embeddingDim: D }));
      return { of: learned.positionEmbedding, end: () => learned.dispose(), again: false };
    },
    'dispose() of the embedding of learned positions': () => {
      const learned = kept(new LearnedPositionalEmbedding({ maxSeqLength: V, embeddingDim: D }));
      return { of: learned.positionEmbedding, end: () => learned.positionEmbedding.dispose(), again: false };
    },
  };

  it.each(Object.entries(owners))('by %s', (_, make) => {
    const { of, end, again } = make();
    of.backward([1, 2], numbers(2 * D));
    const grad = of.weight.grad!;
    expect(String(grad)).toBe(`Gradient of 2 rows, shape [${V}, ${D}]`);
    end();
    expect(of.weight.grad).toBeNull();
    expect([grad.count, grad.shape]).toEqual([2, [V, D]]);
    expect(String(grad)).toMatch(/^Gradient of 2 rows, shape \[10, 3\]/);
    for (const read of [
      () => grad.rows,
      () => grad.values,
      () => grad.bytes,
      () => grad.toTensor(),
      () => grad.toJSON(),
      () => JSON.stringify(grad),
    ]) {
      expectError(read, { ...disposed, text: 'gradient' });
    }
    end();
    if (!again) return;
    of.backward([7], numbers(D));
    expect(of.weight.grad).not.toBe(grad);
    expect([of.weight.grad!.count, grad.count]).toEqual([1, 2]);
    expectGradient(of.weight, new Sums(D).add([7], numbers(D)));
  });

  it('comes also if the object was never read', () => {
    for (const make of Object.values(owners)) {
      const { of, end, again } = make();
      of.backward([1, 2], numbers(2 * D));
      end();
      expect(of.weight.grad).toBeNull();
      if (!again) continue;
      of.backward([7], numbers(D));
      expectGradient(of.weight, new Sums(D).add([7], numbers(D)));
    }
  });

  it('is not reached by an object that does not own the table', () => {
    const embedding = table();
    const layer = new EmbeddingLayer({ token: embedding, positional: null });
    const bag = EmbeddingBag.from(embedding);
    embedding.backward([1], numbers(D));
    layer.dispose();
    bag.dispose();
    expectGradient(embedding.weight, new Sums(D).add([1], numbers(D)));
  });

  it('zeroGrad never throws', () => {
    const embedding = table();
    for (let i = 0; i < 2; i++) embedding.weight.zeroGrad();
    embedding.weight.requiresGrad = false;
    embedding.weight.zeroGrad();
    embedding.dispose();
    for (let i = 0; i < 2; i++) embedding.weight.zeroGrad();
  });
});

describe('a Gradient', () => {
  it('is JSON of shape, rows and values', () => {
    const embedding = table();
    embedding.backward([5, 1], Float32Array.of(1, 2, 3, 4, 5, 6));
    const json: unknown = JSON.parse(JSON.stringify(embedding.weight.grad));
    const values = { shape: [2, D], dtype: 'f32', data: [4, 5, 6, 1, 2, 3] };
    expect(json).toEqual({ shape: [V, D], rows: [1, 5], values });
  });

  it('of more than 1 MiB has no JSON', () => {
    const wide = table({ embeddingDim: 2 ** 18 + 1, vocabSize: 1 });
    wide.backward(0, new Float32Array(2 ** 18 + 1));
    const grad = wide.weight.grad!;
    const expected = {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
      fields: { bytes: 2 ** 20 + 4, limit: 2 ** 20 },
    };
    expectError(() => grad.toJSON(), expected);
  });

  it('cannot be cloned or changed', () => {
    const embedding = table();
    embedding.backward([5], numbers(D));
    const grad = embedding.weight.grad!;
    expect(() => structuredClone(grad)).toThrow(expect.objectContaining({ name: 'DataCloneError' }));
    expect(Object.isFrozen(grad)).toBe(true);
    embedding.weight.zeroGrad();
    expect(() => structuredClone(grad)).toThrow(expect.objectContaining({ name: 'DataCloneError' }));
  });
});

describe('ids', () => {
  const typed = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array];
  const forms: [string, IdsInput, number[], number[]?][] = [
    ['a number', 3, [3]],
    ['a number as a Tensor', new Tensor(Int32Array.of(3)).reshape([]), [3]],
    ['-0', -0, [0]],
    ['an array', [3, 1, 3], [3, 1, 3]],
    [
      'two levels',
      [
        [3, 1],
        [3, 0],
      ],
      [3, 1, 3, 0],
    ],
    [
      'three levels',
      [
        [[3], [1]],
        [[3], [0]],
      ],
      [3, 1, 3, 0],
    ],
    ['typed rows', [Int8Array.of(3, 1), Uint32Array.of(3, 9)], [3, 1, 3, 9]],
    ['rows of 64 bits', [BigInt64Array.of(3n, 1n), BigUint64Array.of(3n, 9n)], [3, 1, 3, 9]],
    ...typed.map((Class): [string, IdsInput, number[]] => [Class.name, Class.of(3, 1, 3), [3, 1, 3]]),
    ['BigInt64Array', BigInt64Array.of(3n, 1n, 3n), [3, 1, 3]],
    ['BigUint64Array', BigUint64Array.of(3n, 1n, 3n), [3, 1, 3]],
    ['an array at an offset', new Uint8Array(Uint8Array.of(9, 3, 1, 3).buffer, 1, 3), [3, 1, 3]],
    ['a shared array', shared4(Int32Array), [3, 1, 3, 0]],
    ['a shared array of 64 bits', shared4(BigInt64Array), [3, 1, 3, 0]],
    ['a Tensor', new Tensor(Int32Array.of(3, 1, 3, 0), { shape: [2, 2] }), [3, 1, 3, 0]],
    ['a Tensor of i64', new Tensor(BigInt64Array.of(3n, 1n)), [3, 1]],
    ['flat ids with a shape', [3, 1, 3, 0], [3, 1, 3, 0], [2, 2]],
    ['typed ids with a shape', Int16Array.of(3, 1, 3, 0), [3, 1, 3, 0], [4, 1]],
  ];

  /** 3, 1, 3, 0 in shared memory. */
  function shared4(Class: Int32ArrayConstructor | BigInt64ArrayConstructor): IdsInput {
    const memory = shared(4 * Class.BYTES_PER_ELEMENT);
    if (Class === BigInt64Array) new BigInt64Array(memory).set([3n, 1n, 3n, 0n]);
    else new Int32Array(memory).set([3, 1, 3, 0]);
    return Class === BigInt64Array ? new BigInt64Array(memory) : new Int32Array(memory);
  }

  it.each(forms)('%s', (_, ids, flat, shape) => {
    const options = shape === undefined ? {} : { shape };
    for (const scaleGradByFreq of [false, true]) {
      const embedding = table({ paddingIdx: 1 });
      const result = embedding.forward(ids, options);
      const gradOutput = numbers(flat.length * D);
      const sums = new Sums(D, 1);
      // An array, a Tensor of the shape of the result, and one that groups rows differently.
      const grouped = new Tensor(gradOutput, { shape: [1, flat.length, 1, D] });
      for (const form of [gradOutput, new Tensor(gradOutput, { shape: result.shape }), grouped]) {
        embedding.backward(ids, form, { ...options, scaleGradByFreq });
        sums.add(flat, gradOutput, scaleGradByFreq);
      }
      expectGradient(embedding.weight, sums);
    }
  });

  it('of 64 levels', () => {
    const embedding = table();
    let ids: IdsInput & object = [7];
    for (let level = 1; level < 64; level++) ids = [ids];
    embedding.backward(ids, numbers(D));
    expectGradient(embedding.weight, new Sums(D).add([7], numbers(D)));
    refused([ids], numbers(D), invalidIds('64 levels'));
  });

  const ragged = (text: string): Expected => ({ class: TypeError, code: 'ERR_RAGGED', text });
  const hole = [1, 2, 3];
  delete hole[1];
  const circular: unknown[] = [];
  circular.push(circular);
  const wrong: [string, unknown, number, Expected][] = [
    ['an array among numbers', [1, [2]], 2, ragged('ragged')],
    ['a number among arrays', [[1], 2], 2, ragged('ragged')],
    ['unequal lengths', [[1, 2], [3]], 3, ragged('length')],
    ['a boolean', [1, true], 2, invalidId(true, 1)],
    ['a string', [1, '2'], 2, invalidId('2', 1)],
    ['null among ids', [1, null], 2, invalidId(null, 1)],
    ['undefined', [1, undefined], 2, invalidId(undefined, 1)],
    ['a hole', hole, 3, invalidId(undefined, 1)],
    ['a fraction', [1, 1.5], 2, invalidId(1.5, 1)],
    ['NaN', [1, Number.NaN], 2, invalidId(Number.NaN, 1)],
    ['Infinity', [1, Infinity], 2, invalidId(Infinity, 1)],
    ['a bigint among numbers', [1, 2n], 2, invalidId(2n, 1)],
    ['a fraction as a whole', 1.5, 1, invalidId(1.5, 0)],
    ['null', null, 1, invalidIds('null')],
    ['true', true, 1, invalidIds('true')],
    ['a bigint', 3n, 1, invalidIds('3n')],
    ['a text', '3', 1, invalidIds('"3"')],
    ['an object', new Map(), 1, invalidIds('Map')],
    ['nothing', undefined, 1, invalidIds('nothing')],
    ['floats', Float32Array.of(1, 2), 2, invalidIds('Float32Array')],
    ['a Tensor of floats', new Tensor([1, 2]), 2, invalidIds('Float32Array')],
    ['floats among arrays', [Float64Array.of(1)], 1, invalidIds('Float64Array at [0]')],
    ['a circle', circular, 1, invalidIds('contains itself')],
    ['a detached array', detach(Int32Array.of(1)), 1, invalidIds('detached')],
    ['an id that is too large', [0, 3, V], 3, outOfRange(V, 2, V)],
    ['a negative id', Int8Array.of(3, -1), 2, outOfRange(-1, 1, V)],
    ['an id beyond 32 bits', [2 ** 40], 1, outOfRange(2 ** 40, 0, V)],
    ['an id of 64 bits', BigInt64Array.of(1n, -5n), 2, outOfRange(-5n, 1, V)],
  ];

  it.each(wrong)('refuses %s', (_, ids, count, expected) => {
    refused(ids, numbers(count * D), expected);
    refused(ids, new Tensor(numbers(count * D), { shape: [count, D] }), expected, { scaleGradByFreq: true });
  });

  it('refuses shapes that do not fit, and options that are not of this call', () => {
    const shape = { class: RangeError, code: 'ERR_SHAPE' };
    refused([1, 2], numbers(2 * D), shape, { shape: [3] });
    refused([[1, 2]], numbers(2 * D), shape, { shape: [2] });
    refused([1], numbers(D), invalidOption(TypeError, 'shape'), { shape: 5 });
    refused([1], numbers(D), invalidOption(RangeError, 'shape'), { shape: [-1] });
    for (const name of ['out', 'call', 'startPos', 'offsets', 'sparse'])
      refused([1], numbers(D), invalidOption(TypeError, name), { [name]: 1 });
    refused([1], numbers(D), { class: TypeError, code: 'ERR_INVALID_OPTION' }, 5);
    for (const value of [null, 1, 'true'])
      refused([1], numbers(D), invalidOption(TypeError, 'scaleGradByFreq', value), {
        scaleGradByFreq: value,
      });
    const embedding = table();
    embedding.backward([1], numbers(D), { scaleGradByFreq: undefined, shape: undefined });
    expectGradient(embedding.weight, new Sums(D).add([1], numbers(D)));
  });
});

describe('gradOutput', () => {
  const shrunk = () => {
    const memory = resizable(2 * D * 4, 2 * D * 4);
    const view = new Float32Array(memory, D * 4, D);
    memory.resize(D * 4);
    return view;
  };
  const kinds: [string, () => unknown][] = [
    ['undefined', () => undefined],
    ['null', () => null],
    ['a number', () => 5],
    ['a string', () => 'x'],
    ['an array', () => [1, 2, 3]],
    ['an object', () => ({ length: D })],
    ['f64', () => new Float64Array(D)],
    ['i32', () => new Int32Array(D)],
    ['a Tensor of f64', () => new Tensor(new Float64Array(D))],
    ['a Tensor of i32', () => new Tensor(new Int32Array(D))],
    ['a buffer', () => new ArrayBuffer(D * 4)],
    ['a DataView', () => new DataView(new ArrayBuffer(D * 4))],
    ['a detached array', () => detach(new Float32Array(D))],
    ['a Tensor of a detached array', () => new Tensor(detachedLater())],
    ['an array outside its buffer', shrunk],
  ];
  const detachedLater = () => {
    const array = new Float32Array(D);
    queued.push(array);
    return array;
  };
  const queued: Float32Array<ArrayBuffer>[] = [];

  it.each(kinds)('refuses %s', (_, make) => {
    const value = make();
    for (const array of queued.splice(0)) detach(array);
    refused([1], value, invalidArray('gradOutput'));
    refused(Int32Array.of(1), value, invalidArray('gradOutput'));
  });

  it('refuses a disposed Tensor', () => {
    const tensor = Tensor.allocate([1, D]);
    tensor.dispose();
    refused([1], tensor, disposed);
  });

  it.each([0, 1, D - 1, D + 1, 2 * D - 1, 2 * D + 1, 3 * D])('refuses %i elements for two rows', (length) => {
    const expected = {
      class: RangeError,
      code: 'ERR_SHAPE',
      text: ['gradOutput', String(length), String(2 * D)],
    };
    refused([1, 2], numbers(length), expected);
    if (length % D === 0)
      refused([[1, 2]], new Tensor(numbers(length), { shape: [length / D, D] }), expected);
  });

  it('refuses a Tensor whose last size is not D', () => {
    const dim = (got: number): Expected => ({
      class: RangeError,
      code: 'ERR_DIM',
      text: `Embedding dim mismatch: expected ${D}, got ${got}`,
    });
    refused([1, 2], new Tensor(numbers(2 * D)), dim(2 * D));
    refused([1, 2], new Tensor(numbers(2 * D), { shape: [D, 2] }), dim(2));
    refused([], new Tensor(new Float32Array(0), { shape: [D, 0] }), dim(0));
  });

  it('may be any view of floats', () => {
    const values = numbers(2 * D);
    const sums = new Sums(D).add([1, 1], values);
    const at = new Float32Array(2 * D + 3);
    at.set(values, 3);
    const own = new Float32Array(shared(2 * D * 4));
    own.set(values);
    const longer = growable(8 * D, 80 * D);
    const tracking = new Float32Array(longer);
    tracking.set(values);
    const allocated = Tensor.allocate([2, D]);
    allocated.data.set(values);
    const views = [values, at.subarray(3), own, new Tensor(own, { shape: [2, D] }), tracking, allocated];
    for (const view of views) {
      const embedding = table();
      embedding.backward([1, 1], view as Float32Array);
      expectGradient(embedding.weight, sums);
    }
    longer.grow(10 * D);
    refused([1, 1], tracking, { class: RangeError, code: 'ERR_SHAPE' });
    allocated.dispose();
  });

  it('is not retained and not written', () => {
    const embedding = table();
    const values = numbers(2 * D);
    embedding.backward([1, 1], values, { scaleGradByFreq: true });
    expectBits(values, numbers(2 * D));
    values.fill(0);
    expectGradient(embedding.weight, new Sums(D).add([1, 1], numbers(2 * D), true));
  });

  it('is not the table', () => {
    const embedding = table();
    const before = bits(embedding.weight.toTensor().data);
    embedding.backward([1, 4], numbers(2 * D));
    expect(bits(embedding.weight.toTensor().data)).toEqual(before);
  });
});

describe('checks come in order:', () => {
  const all: [string, (backward: Backward, embedding: Embedding) => void, Expected][] = [
    [
      'disposed before options',
      (backward, embedding) => {
        embedding.dispose();
        backward(null, null, { unknown: 1 });
      },
      disposed,
    ],
    [
      'option names before values',
      (backward) => backward(null, null, { scaleGradByFreq: 5, unknown: 1 }),
      invalidOption(TypeError, 'unknown'),
    ],
    [
      'option values before ids',
      (backward) => backward(null, null, { scaleGradByFreq: 5 }),
      invalidOption(TypeError, 'scaleGradByFreq'),
    ],
    ['kind of ids before that of gradOutput', (backward) => backward(null, null), invalidIds('null')],
    [
      'kind of gradOutput before the structure of ids',
      (backward) => backward([[1], 2], 5),
      invalidArray('gradOutput'),
    ],
    [
      'structure before the width',
      (backward) => backward([[1], 2], new Tensor([[1]])),
      { class: TypeError, code: 'ERR_RAGGED' },
    ],
    [
      'width before length',
      (backward) => backward([V], new Tensor([[1]])),
      { class: RangeError, code: 'ERR_DIM' },
    ],
    [
      'length before ids',
      (backward) => backward([V], numbers(2 * D)),
      { class: RangeError, code: 'ERR_SHAPE' },
    ],
  ];

  it.each(all)('%s', (_, run, expected) => {
    const embedding = table();
    expectError(() => run(untyped(embedding), embedding), expected);
    expect(embedding.weight.grad).toBeNull();
  });
});

describe('a getter in nested ids', () => {
  it('may dispose the table', () => {
    const embedding = table();
    const ids = trapped([1, 2], () => embedding.dispose());
    expectError(() => embedding.backward(ids, numbers(2 * D)), disposed);
    expect(embedding.weight.grad).toBeNull();
  });

  it('may detach or shrink gradOutput', () => {
    const embedding = table();
    const values = numbers(2 * D);
    for (const gradOutput of [values.slice(), new Tensor(values.slice(), { shape: [2, D] })]) {
      const data = gradOutput instanceof Float32Array ? gradOutput : gradOutput.data;
      const ids = trapped([1, 2], () => detach(data as Float32Array<ArrayBuffer>));
      expectError(() => embedding.backward(ids, gradOutput), invalidArray('gradOutput', 'detached'));
    }
    const memory = resizable(2 * D * 4, 4 * D * 4);
    const tracking = new Float32Array(memory);
    const resize = (length: number) => trapped([1, 2], () => memory.resize(length));
    const shape = { class: RangeError, code: 'ERR_SHAPE' };
    expectError(() => embedding.backward(resize(4 * D * 4), tracking), shape);
    expectError(() => embedding.backward(resize(4), tracking), shape);
    expect(embedding.weight.grad).toBeNull();
    tracking.fill(0);
    embedding.backward(resize(2 * D * 4), tracking);
    expectGradient(embedding.weight, new Sums(D).add([1, 2], new Float32Array(2 * D)));
  });

  it('may change the values of gradOutput', () => {
    const embedding = table();
    const values = numbers(2 * D);
    embedding.backward(
      trapped([1, 1], () => values.fill(2)),
      values,
    );
    expectGradient(embedding.weight, new Sums(D).add([1, 1], new Float32Array(2 * D).fill(2)));
  });

  it('may call backward: its contributions come first', () => {
    const embedding = table();
    const [first, second] = [numbers(2 * D, 2), numbers(2 * D, 3)];
    const ids = trapped([1, 2], () => embedding.backward([[2], [1]], first));
    embedding.backward([ids], second);
    expectGradient(embedding.weight, new Sums(D).add([2, 1], first).add([1, 2], second));
  });

  it('may end the gradient, step, freeze and thaw', () => {
    const embedding = table();
    const sgd = kept(new SGD({ parameters: embedding.parameters, lr: 0.5 }));
    const later = () => new Sums(D).add([1, 2], numbers(2 * D));
    embedding.backward([5], numbers(D));
    embedding.backward(
      trapped([1, 2], () => embedding.weight.zeroGrad()),
      numbers(2 * D),
    );
    expectGradient(embedding.weight, later());
    const before = embedding.weight.row(1);
    embedding.backward(
      trapped([1, 2], () => sgd.step()),
      numbers(2 * D),
    );
    expectGradient(embedding.weight, later());
    expect(embedding.weight.row(1)).not.toEqual(before);
    embedding.backward(
      trapped([1, 2], () => (embedding.weight.requiresGrad = false)),
      numbers(2 * D),
    );
    expect(embedding.weight.grad).toBeNull();
    embedding.backward(
      trapped([1, 2], () => (embedding.weight.requiresGrad = true)),
      numbers(2 * D),
    );
    expectGradient(embedding.weight, later());
  });

  it('may create tables, which moves the memory of an allocated gradOutput', () => {
    const embedding = table();
    const gradOutput = kept(Tensor.allocate([2, D]));
    gradOutput.data.set(numbers(2 * D));
    const ids = trapped([1, 2], () => kept(new Embedding({ vocabSize: 100_000, embeddingDim: 16 })));
    embedding.backward(ids, gradOutput);
    expectGradient(embedding.weight, new Sums(D).add([1, 2], numbers(2 * D)));
  });

  it('may throw: the exception propagates, nothing is added', () => {
    const embedding = table();
    embedding.backward([5], numbers(D));
    const before = contentsOf(embedding);
    const error = new Error('of the getter');
    const ids = trapped([1, 2], () => {
      throw error;
    });
    expect(() => embedding.backward(ids, numbers(2 * D))).toThrow(error);
    expect(contentsOf(embedding)).toEqual(before);
  });
});

describe('accumulation', () => {
  it('is in flat order, each sum rounded', () => {
    const embedding = table({ embeddingDim: 1 });
    // 2^24 + 1 rounds to 2^24: the order is visible.
    embedding.backward([1, 1, 1, 2, 2, 2], Float32Array.of(2 ** 24, 1, 1, 1, 1, 2 ** 24));
    expectBits(embedding.weight.grad!.values.data, [2 ** 24, 2 ** 24 + 2]);
    embedding.backward([[1], [2]], Float32Array.of(1, 1));
    expectBits(embedding.weight.grad!.values.data, [2 ** 24, 2 ** 24 + 4]);
  });

  it('stores the first contribution with its bits', () => {
    const embedding = table({ embeddingDim: 8 });
    const odd = fromBits(
      0x8000_0000,
      0x7fa0_0002,
      0xffc1_2345,
      0x0000_0001,
      0x807f_ffff,
      0x7f80_0000,
      0xff7f_ffff,
      0x7fc0_0001,
    );
    embedding.backward(4, odd);
    expectBits(embedding.weight.grad!.values.data, odd);
    embedding.weight.zeroGrad();
    embedding.backward([4, 4], new Float32Array(16).fill(-0));
    expectBits(embedding.weight.grad!.values.data, new Float32Array(8).fill(-0));
    embedding.backward([4], new Float32Array(8));
    expectBits(embedding.weight.grad!.values.data, new Float32Array(8));
  });

  it('with scaleGradByFreq divides by the count of the call, as f32', () => {
    const embedding = table({ paddingIdx: 0 });
    const ids = [1, 0, 2, 1, 0, 1, 9];
    embedding.backward(ids, numbers(7 * D), { scaleGradByFreq: true });
    embedding.backward([1, 2], numbers(2 * D, 5), { scaleGradByFreq: true });
    const sums = new Sums(D, 0).add(ids, numbers(7 * D), true).add([1, 2], numbers(2 * D, 5), true);
    expectGradient(embedding.weight, sums);
    const many = table({ embeddingDim: 1 });
    many.backward(new Int32Array(3), Float32Array.of(1, 1, 1), { scaleGradByFreq: true });
    expectBits(
      many.weight.grad!.values.data,
      [Math.fround(Math.fround(1 / 3 + 1 / 3) + Math.fround(1 / 3))],
      {},
    );
  });

  it('never reaches padding, wherever it is', () => {
    for (const paddingIdx of [0, 4, V - 1, -1]) {
      const embedding = table({ paddingIdx });
      const before = embedding.weight.row(embedding.paddingIdx!);
      const ids = Array.from({ length: 3 * V }, (_, i) => i % V);
      embedding.backward(ids, numbers(3 * V * D));
      expectGradient(embedding.weight, new Sums(D, embedding.paddingIdx).add(ids, numbers(3 * V * D)));
      expect(embedding.weight.grad!.rows.includes(embedding.paddingIdx!)).toBe(false);
      expectBits(embedding.weight.row(embedding.paddingIdx!), before);
    }
  });

  it('continues across objects that share a table, in the order of the calls', () => {
    const embedding = table({ paddingIdx: 2 });
    const scale = new EmbeddingLayer({ token: embedding, positional: null, scale: true });
    const plain = new EmbeddingLayer({ token: embedding, positional: null });
    const root = Math.fround(Math.sqrt(D));
    const sums = new Sums(D, 2);
    for (let round = 1; round < 4; round++) {
      const ids = [round, 2, 5, 1];
      const grad = numbers(4 * D, round);
      scale.backward(ids, grad);
      plain.backward([ids], grad);
      embedding.backward(ids, grad);
      const scaled = grad.map((x) => x * root);
      sums.add(ids, scaled).add(ids, grad).add(ids, grad);
    }
    expectGradient(embedding.weight, sums);
    scale.dispose();
    plain.dispose();
  });

  it('has tables apart', () => {
    const [a, b] = [table(), table()];
    a.backward([1], numbers(D));
    b.backward([2], numbers(D, 2));
    a.backward([3], numbers(D, 3));
    expectGradient(a.weight, new Sums(D).add([1], numbers(D)).add([3], numbers(D, 3)));
    expectGradient(b.weight, new Sums(D).add([2], numbers(D, 2)));
  });

  it.each([1, 2, 15, 16, 17, 64, 300, 1025])(
    'has the bits of plain loops with %i columns',
    (embeddingDim) => {
      const embedding = table({ embeddingDim, vocabSize: 50, paddingIdx: 7 });
      const sums = new Sums(embeddingDim, 7);
      for (const [n, scaleGradByFreq] of [
        [90, false],
        [200, true],
        [33, false],
      ] as const) {
        const ids = Int32Array.from({ length: n }, (_, i) => (i * i * 31 + n) % 50);
        const grad = numbers(n * embeddingDim, n);
        embedding.backward(ids, grad, { scaleGradByFreq });
        sums.add([...ids], grad, scaleGradByFreq);
      }
      expectGradient(embedding.weight, sums);
    },
  );

  it('of rows longer than any tile, and of batches of many tiles', () => {
    const wide = table({ embeddingDim: 1_100_003, vocabSize: 3 });
    const ids = [2, 0, 2];
    const grad = Float32Array.from({ length: 3 * 1_100_003 }, (_, i) => (i % 977) - 400.5);
    wide.backward(ids, grad);
    expectGradient(wide.weight, new Sums(1_100_003).add(ids, grad));
    const tall = table({ embeddingDim: 5, vocabSize: 1000 });
    const many = Int32Array.from({ length: 400_000 }, (_, i) => (i * 7919 + (i >> 8)) % 1000);
    const rows = Float32Array.from({ length: 2_000_000 }, (_, i) => (i % 1013) * 0.37 - 150);
    tall.backward(many, rows);
    expectGradient(tall.weight, new Sums(5).add([...many], rows));
  });

  const batch = fc
    .record({ dim: fc.integer({ min: 1, max: 20 }), vocab: fc.integer({ min: 1, max: 12 }) })
    .chain(({ dim, vocab }) =>
      fc.record({
        dim: fc.constant(dim),
        vocab: fc.constant(vocab),
        padding: fc.option(fc.nat(vocab - 1)),
        calls: fc.array(fc.array(fc.nat(vocab - 1), { maxLength: 30 }), { minLength: 1, maxLength: 5 }),
        seed: fc.integer({ min: 1, max: 99 }),
      }),
    );

  it('of several calls has the bits of one call, and of the dense sum', () => {
    fc.assert(
      fc.property(batch, ({ dim, vocab, padding, calls, seed }) => {
        const options = { vocabSize: vocab, embeddingDim: dim, paddingIdx: padding ?? undefined };
        const [several, one] = [new Embedding(options), new Embedding(options)];
        const ids = calls.flat();
        const grad = numbers(ids.length * dim, seed);
        let start = 0;
        for (const call of calls) {
          several.backward(call, grad.slice(start * dim, (start + call.length) * dim));
          start += call.length;
        }
        one.backward(ids, grad);
        const sums = new Sums(dim, padding).add(ids, grad);
        expectGradient(several.weight, sums);
        expectGradient(one.weight, sums);
        const dense = new Float32Array(vocab * dim);
        ids.forEach((id, i) => {
          if (id === padding) return;
          for (let d = 0; d < dim; d++) dense[id * dim + d] = dense[id * dim + d]! + grad[i * dim + d]!;
        });
        // Equal numbers; only a sum of -0 differs in its sign from one that starts at +0.
        expect(one.weight.grad!.toTensor().data.map((x) => x + 0)).toEqual(dense.map((x) => x + 0));
        several.dispose();
        one.dispose();
      }),
    );
  });

  it('agrees with finite differences', () => {
    const embedding = table();
    const ids = [3, 1, 3, 9];
    // In f64: loss = sum of sin(y) over the looked up rows.
    const weights = Float64Array.from(embedding.weight.toTensor().data);
    const loss = () =>
      ids
        .flatMap((id) => [...weights.subarray(id * D, (id + 1) * D)])
        .reduce((sum, y) => sum + Math.sin(y), 0);
    embedding.backward(ids, embedding.forward(ids).data.map(Math.cos));
    const dense = embedding.weight.grad!.toTensor().data;
    const h = 1e-5;
    weights.forEach((w, i) => {
      weights[i] = w + h;
      const above = loss();
      weights[i] = w - h;
      const slope = (above - loss()) / (2 * h);
      weights[i] = w;
      expect(Math.abs(dense[i]! - slope)).toBeLessThan(1e-6);
    });
  });
});

describe('Gradients beside other memory', () => {
  it('toTensor is +0 in all other rows, also in memory that held other values', () => {
    const [rows, dim] = [2000, 33];
    for (let round = 0; round < 20; round++) {
      using embedding = new Embedding({ vocabSize: rows, embeddingDim: dim, seed: round });
      embedding.forward(Int32Array.from({ length: rows }, (_, i) => i)); // memory that is freed
      embedding.backward([5], new Float32Array(dim).fill(1));
      const dense = embedding.weight.grad!.toTensor().data;
      expect(dense.findIndex((value, i) => !Object.is(value, Math.floor(i / dim) === 5 ? 1 : 0))).toBe(-1);
    }
  });

  it('a Tensor whose array no longer fits its shape is refused', () => {
    const embedding = kept(new Embedding({ vocabSize: 9, embeddingDim: 4, seed: 1 }));
    const buffer = resizable(32, 64);
    const tensor = new Tensor(new Float32Array(buffer), { shape: [2, 4] });
    buffer.resize(64);
    expectError(() => embedding.backward([1, 2, 3, 4], tensor), { class: RangeError, code: 'ERR_SHAPE' });
    expect(embedding.weight.grad).toBeNull();
  });
});
