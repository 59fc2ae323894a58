/**
 * Objects are what they look like: deep comparison sees their contents, JSON has them, clones keep them or fail, and
 * reactive state can hold them. test/node/objects.test.ts has the comparisons of Node.
 */

import {
  BPETokenizer,
  CharTokenizer,
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  EmbeddingProfiler,
  LearnedPositionalEmbedding,
  PositionalEncoding,
  RotaryEncoding,
  Tensor,
} from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { disposed, expectError } from './helpers/errors.js';
import { allocated, CLONEABLE, gone, OTHERS, table } from './helpers/objects.js';

answersThroughout();

const CONTENTS = Symbol.for('tokenbed.contents');
const contents = (object: object): unknown => (object as Record<symbol, unknown>)[CONTENTS];
const parsed = (object: object): unknown => JSON.parse(JSON.stringify(object));

describe.each([...CLONEABLE, ...OTHERS])('$name', ({ make, others }) => {
  it('equals an object with the same contents', () => {
    expect(make()).toEqual(make());
    expect(make()).toStrictEqual(make());
  });

  it.each(Object.keys(others))('differs: %s', (name) => {
    const make2 = others[name]!;
    for (const [a, b] of [
      [make(), make2()],
      [make2(), make()],
    ]) {
      expect(a).not.toEqual(b);
      expect(a).not.toStrictEqual(b);
    }
    expect(make2()).toEqual(make2());
    expect(make2()).toStrictEqual(make2());
  });

  it('differs in all of these ways', () => {
    const objects = Object.values(others).map((each) => each());
    for (const [i, a] of objects.entries())
      for (const [j, b] of objects.entries()) if (i !== j) expect(a).not.toEqual(b);
  });

  it('cannot be extended', () => {
    for (const each of [make, ...Object.values(others)]) expect(Object.isExtensible(each())).toBe(false);
  });
});

describe.each(OTHERS)('$name', ({ make, others }) => {
  it('cannot be cloned', () => {
    for (const each of [make, ...Object.values(others)]) {
      const object = each();
      expect(() => structuredClone(object)).toThrow(expect.objectContaining({ name: 'DataCloneError' }));
      const { port1 } = new MessageChannel();
      expect(() => port1.postMessage({ object })).toThrow(
        expect.objectContaining({ name: 'DataCloneError' }),
      );
      port1.close();
    }
  });
});

describe.each(CLONEABLE)('a clone of $name', ({ make }) => {
  it('is a plain object with the same properties', () => {
    const tensor = make() as Tensor;
    const clone = structuredClone(tensor);
    const { data, shape, dtype, size } = tensor;
    expect(clone).toStrictEqual({ data, shape, dtype, size });
    expect(new Tensor(clone.data, { shape: clone.shape })).toStrictEqual(tensor);
  });
});

describe('a Tensor', () => {
  it('equals another one with a NaN in the same place', () => {
    expect(new Tensor([NaN, 1])).toStrictEqual(new Tensor([NaN, 1]));
    expect(new Tensor([NaN, 1])).not.toEqual(new Tensor([1, NaN]));
  });

  it('has its contents as own properties that cannot be written', () => {
    const tensor = new Tensor([1, 2]) as { -readonly [K in keyof Tensor]: Tensor[K] };
    expect(Object.keys(tensor)).toEqual(['data', 'shape', 'dtype', 'size']);
    expect(Object.isFrozen(tensor)).toBe(true);
    expect(() => (tensor.shape = [1])).toThrow(TypeError);
    expect(() => (tensor.size = 1)).toThrow(TypeError);
  });

  it('has one frozen shape for as long as it lives', () => {
    const many = Array.from({ length: 3000 }, (_, i) => new Tensor(new Uint8Array(i), { shape: [1, i] }));
    for (const [i, { shape }] of many.entries()) {
      expect(shape).toEqual([1, i]);
      expect(Object.isFrozen(shape)).toBe(true);
    }
    const mine = [2, 3];
    const { shape } = new Tensor(new Uint8Array(6), { shape: mine });
    mine[0] = 3;
    expect(shape).toEqual([2, 3]);
    expect(new Tensor(new Uint8Array(6), { shape: [2, 3] }).shape).toEqual([2, 3]);
  });
});

describe('an allocated Tensor', () => {
  it('has its live data as an own accessor until it is disposed', () => {
    const tensor = allocated([1, 2, 3, 4]);
    const reshaped = tensor.reshape(2, 2);
    for (const each of [tensor, reshaped]) {
      const { get, enumerable } = Object.getOwnPropertyDescriptor(each, 'data')!;
      expect([typeof get, enumerable]).toEqual(['function', true]);
      expect(each.data).toEqual(Float32Array.of(1, 2, 3, 4));
    }
    reshaped.dispose();
    for (const each of [tensor, reshaped, tensor.reshape(4, 1)]) {
      expect(Object.keys(each)).not.toContain('data');
      expectError(() => each.data, disposed);
    }
  });

  it('has one reshape of each shape', () => {
    const tensor = allocated([1, 2, 3, 4]);
    expect(tensor.reshape(2, -1)).toBe(tensor.reshape(2, 2));
    expect(tensor.reshape(2, 2).reshape(4)).toBe(tensor);
    expect(tensor.reshape(1, 4).shape).toEqual([1, 4]);
  });

  it('is compared without an error after it was disposed', () => {
    const dead = gone(allocated([1, 2]));
    const { shape, dtype, size } = dead;
    const data = Float32Array.of(1, 2);
    for (const other of [
      new Tensor([1, 2]),
      allocated([1, 2]),
      { data, shape, dtype, size },
      { data, shape, dtype },
      { data },
    ]) {
      expect(dead).not.toEqual(other);
      expect(other).not.toEqual(dead);
      expect(dead).not.toStrictEqual(other);
      expect(other).not.toStrictEqual(dead);
    }
  });
});

describe('the text of the contents', () => {
  it('is short, own and enumerable, and computed on each read', () => {
    const { weight } = new Embedding({ vocabSize: 3000, embeddingDim: 7, seed: 1 });
    const before = contents(weight);
    expect(before).toMatch(/^\[3000, 7\] f32 [0-9a-f]{32}$/);
    expect(contents(weight)).toBe(before);
    const row = weight.row(2999);
    weight.set(
      2999,
      row.map((value, i) => (i === 6 ? -value : value)),
    );
    expect(contents(weight)).not.toBe(before);
    weight.set(2999, row);
    expect(contents(weight)).toBe(before);
    const descriptor = Object.getOwnPropertyDescriptor(weight, CONTENTS)!;
    expect([typeof descriptor.get, descriptor.enumerable]).toEqual(['function', true]);
    expect(descriptor.get).toBe(Object.getOwnPropertyDescriptor(new CharTokenizer(), CONTENTS)!.get);
  });

  it('depends on every value of a table, whatever its width', () => {
    for (const [vocabSize, embeddingDim] of [
      [1, 1],
      [3, 1],
      [9, 3],
      [5, 20_000],
      [20_000, 1],
    ] as const) {
      const embedding = new Embedding({ vocabSize, embeddingDim, initType: 'zeros' });
      const seen = new Set([contents(embedding.weight)]);
      const last = vocabSize - 1;
      const positions = [
        [0, 0],
        [0, embeddingDim - 1],
        [last >> 1, embeddingDim >> 1],
        [last, 0],
        [last, embeddingDim - 1],
      ] as const;
      const different = new Set(positions.map(([row, column]) => row * embeddingDim + column));
      for (const [row, column] of positions) {
        const values = new Float32Array(embeddingDim);
        values[column] = 1;
        embedding.weight.set(row, values);
        seen.add(contents(embedding.weight));
        embedding.weight.set(row, new Float32Array(embeddingDim));
      }
      expect(seen.size).toBe(1 + different.size);
      embedding.dispose();
    }
  });

  it('is "disposed" beside the sizes after disposal', () => {
    const dead = gone(table());
    expect(contents(dead.weight)).toBe('[2, 2] f32 disposed');
    expect(contents(dead)).toBe('disposed');
    expect(contents(gone(table(undefined, 'i4')).weight)).toBe('[2, 2] i4 disposed');
    expect(contents(table(undefined, 'i4').weight)).toMatch(/^\[2, 2\] i4 [0-9a-f]{32}$/);
  });

  it('is read through a proxy without an error', () => {
    class Mine extends CharTokenizer {}
    const proxy = new Proxy(new Mine(), {
      get: (target, key, receiver) => Reflect.get(target, key, receiver),
    });
    expect(contents(proxy)).toBeTypeOf('string');
  });
});

describe('JSON', () => {
  it('of a Tensor has shape, dtype and data', () => {
    expect(parsed(new Tensor([[1, 2.5]]))).toEqual({ shape: [1, 2], dtype: 'f32', data: [1, 2.5] });
    expect(parsed(new Tensor(7))).toEqual({ shape: [], dtype: 'f32', data: [7] });
    expect(parsed(new Tensor([NaN, Infinity, -Infinity]))).toEqual({
      shape: [3],
      dtype: 'f32',
      data: ['NaN', 'Infinity', '-Infinity'],
    });
    expect(parsed(new Tensor(BigUint64Array.of(2n ** 64n - 1n)))).toEqual({
      shape: [1],
      dtype: 'u64',
      data: ['18446744073709551615'],
    });
    expect(parsed(allocated([1, 2], [2, 1]))).toEqual({ shape: [2, 1], dtype: 'f32', data: [1, 2] });
    expectError(() => gone(allocated([1])).toJSON(), disposed);
  });

  it('of an object has its options and parts', () => {
    const weight = { shape: [2, 2], dtype: 'f32', data: [1, 2, 3, 0] };
    const embedding = {
      vocabSize: 2,
      embeddingDim: 2,
      paddingIdx: null,
      initType: null,
      dtype: 'f32',
      seed: null,
      weight,
    };
    const sinusoidal = { embeddingDim: 2, maxSeqLength: 3, dropout: 0, base: 10_000, layout: 'interleaved' };
    expect(parsed(table().weight)).toEqual(weight);
    expect(parsed(table())).toEqual(embedding);
    expect(parsed(EmbeddingBag.from(table()))).toEqual({
      mode: 'mean',
      includeLastOffset: false,
      embedding,
    });
    const positional = new PositionalEncoding({ embeddingDim: 2, maxSeqLength: 3, seed: 2n ** 60n });
    expect(parsed(positional)).toEqual({ ...sinusoidal, seed: '1152921504606846976' });
    expect(parsed(new EmbeddingLayer({ token: table(), positional }))).toEqual({
      token: embedding,
      positional: parsed(positional),
      scale: false,
      dropout: 0,
    });
    // Values are f32 in every dtype.
    expect(parsed(table(undefined, 'i8'))).toEqual({ ...embedding, dtype: 'i8' });
    expect(parsed(new EmbeddingLayer({ token: table(), positional: null }))).toMatchObject({
      positional: null,
    });
    const learned = new LearnedPositionalEmbedding({ embeddingDim: 2, maxSeqLength: 1, initType: 'zeros' });
    expect(parsed(learned)).toEqual({
      maxSeqLength: 1,
      embeddingDim: 2,
      positionEmbedding: parsed(learned.positionEmbedding),
    });
    expect(parsed(new RotaryEncoding({ headDim: 4, maxSeqLength: 3, frequencies: [1, 0.5] }))).toEqual({
      headDim: 4,
      maxSeqLength: 3,
      base: null,
      frequencies: [1, 0.5],
      rotaryDim: 4,
      layout: 'halves',
    });
    const results = { lookup: {}, memoryScaling: {}, positional: {} };
    expect(parsed(new EmbeddingProfiler({ minTimeMs: 5 }))).toEqual({ minTimeMs: 5, warmupMs: 20, results });
    expect(CharTokenizer.fromJSON(JSON.stringify(new CharTokenizer()))).toEqual(new CharTokenizer());
  });

  it('is refused above 1 MiB of table', () => {
    const most = new Embedding({ vocabSize: 2 ** 10, embeddingDim: 2 ** 8, initType: 'zeros' });
    expect(parsed(most.weight)).toMatchObject({ shape: [2 ** 10, 2 ** 8] });
    const { weight } = new Embedding({ vocabSize: 2 ** 18 + 1, embeddingDim: 1, initType: 'zeros' });
    const tooLarge = { class: RangeError, code: 'ERR_TOO_LARGE', text: '1048580 bytes' } as const;
    const error = expectError(() => JSON.stringify({ weight }), tooLarge);
    expect(error).toMatchObject({ bytes: 2 ** 20 + 4, limit: 2 ** 20 });
    // The values count as f32 in every dtype.
    const narrow = (vocabSize: number) =>
      new Embedding({ vocabSize, embeddingDim: 1, initType: 'zeros', dtype: 'f16' }).weight;
    expect(parsed(narrow(2 ** 18))).toMatchObject({ shape: [2 ** 18, 1] });
    expectError(() => JSON.stringify(narrow(2 ** 18 + 1)), tooLarge);
  });

  it('of a disposed object is an error', () => {
    const parts = { token: table(), positional: null };
    for (const object of [
      table(),
      EmbeddingBag.from(table()),
      new EmbeddingLayer(parts),
      new PositionalEncoding({ embeddingDim: 2, maxSeqLength: 1 }),
      new LearnedPositionalEmbedding({ embeddingDim: 2, maxSeqLength: 1 }),
      new RotaryEncoding({ headDim: 2, maxSeqLength: 1 }),
    ])
      expectError(() => JSON.stringify(gone(object)), disposed);
  });
});

describe('reactive state', () => {
  /** What Vue does to every object that is stored in `ref` or `reactive`. */
  const reactive = <T extends object>(object: T): T =>
    Object.isExtensible(object)
      ? new Proxy(object, {
          get(target, key, receiver) {
            const value: unknown = Reflect.get(target, key, receiver);
            return typeof value === 'object' && value !== null ? reactive(value) : value;
          },
        })
      : object;

  it('leaves objects alone', () => {
    const state = reactive({ objects: [...CLONEABLE, ...OTHERS].map(({ make }) => make()) });
    for (const object of state.objects) {
      expect(() => JSON.stringify(object)).not.toThrow();
      expect(Object.isExtensible(object)).toBe(false);
    }
  });

  it('can hold everything that a call needs', () => {
    const state = reactive({
      embedding: table(),
      layer: new EmbeddingLayer({ vocabSize: 30, embeddingDim: 2, seed: 1 }),
      tokenizer: new BPETokenizer({ vocabSize: 30 }).train(['ab ab']),
      ids: [[1, 0]],
      out: Tensor.allocate([1, 2, 2]),
    });
    const { embedding, layer, tokenizer, ids, out } = state;
    expect(embedding.forwardInto(ids, out).toArray()).toEqual([
      [
        [3, -0],
        [1, 2],
      ],
    ]);
    expect(layer.forward(tokenizer.encode('a')).shape).toEqual([4, 2]);
    expect(EmbeddingBag.from(embedding).forward(ids).toArray()).toEqual([[2, 1]]);
  });
});

describe('a subclass', () => {
  it('may add fields, which comparison sees', () => {
    class Named extends Embedding {
      label = 'a';
      contents = [1];
    }
    const Floats = Tensor as unknown as new (numbers: number[]) => Tensor<'f32'>;
    class Note extends Floats {
      note = 'b';
    }
    class Chars extends CharTokenizer {
      language = 'en';
      override toJSON() {
        return { ...super.toJSON(), language: this.language };
      }
    }
    const named = (label: string) =>
      Object.assign(new Named({ vocabSize: 2, embeddingDim: 2, seed: 1 }), { label });
    expect(named('a')).toEqual(named('a'));
    expect(named('a')).not.toEqual(named('b'));
    expect(named('a').forward([0]).shape).toEqual([1, 2]);
    const note = new Note([1, 2]);
    expect({ ...structuredClone(note) }).toMatchObject({ note: 'b', shape: [2] });
    expect(note).not.toStrictEqual(new Tensor([1, 2]));
    expect(
      table()
        .forwardInto([0], new Note([0, 0]))
        .toArray(),
    ).toEqual([1, 2]);
    expect(parsed(new Chars({ alphabet: 'a' }))).toMatchObject({ alphabet: ['a'], language: 'en' });
    expect(() => structuredClone(new Chars())).toThrow(expect.objectContaining({ name: 'DataCloneError' }));
  });

  it('may add fields to every class', () => {
    const rows = { vocabSize: 2, embeddingDim: 2 };
    const positions = { maxSeqLength: 2, embeddingDim: 2 };
    class Bag extends EmbeddingBag {
      mine = 1;
    }
    class Layer extends EmbeddingLayer {
      mine = 1;
    }
    class Positions extends PositionalEncoding {
      mine = 1;
    }
    class Learned extends LearnedPositionalEmbedding {
      mine = 1;
    }
    class Rotary extends RotaryEncoding {
      mine = 1;
    }
    class Words extends BPETokenizer {
      mine = 1;
    }
    class Profiler extends EmbeddingProfiler {
      mine = 1;
    }
    const objects = [
      new Bag(rows),
      new Layer(rows),
      new Positions(positions),
      new Learned(positions),
      new Rotary({ headDim: 2 }),
      new Words(),
      new Profiler(),
    ];
    for (const object of objects) expect(object.mine).toBe(1);
  });
});
