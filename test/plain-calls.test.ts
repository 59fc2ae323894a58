/**
 * `forwardInto` without options has a fast path (`plainCount` in ts/args/call.ts), so has `forward` of few ids, and few rows
 * are copied without a kernel. With `{}` as options the same call takes the other path: results, errors and bits must be equal.
 * Bags have one if `offsets` is the only option; `shape` makes them take the other.
 */

import fc from 'fast-check';
import { Embedding, EmbeddingBag, EmbeddingLayer, PositionalEncoding, Tensor } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout, countingRows, countingTable, untyped } from './helpers/backend.js';
import { bits, expectBits, expectPainted, fromBits, paint, painted } from './helpers/bits.js';
import { expectError } from './helpers/errors.js';

answersThroughout();

/** The outcome of a call: all properties of the error, and the contents of `out`. */
function outcome(run: () => unknown, out: Float32Array) {
  let error: unknown = null;
  try {
    run();
  } catch (thrown) {
    const { name, message } = thrown as Error;
    error = { name, message, ...(thrown as object) };
  }
  return { error, written: [...bits(out)] };
}

/** The outcome of a call with a new result: all properties of the error, or the shape and the contents. */
function result(run: () => Tensor<'f32'>) {
  try {
    const { shape, data } = run();
    return { shape, data: [...bits(data)], buffer: data.buffer.byteLength };
  } catch (thrown) {
    const { name, message } = thrown as Error;
    return { name, message, ...(thrown as object) };
  }
}

const CLASSES = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
] as const;

/** SharedArrayBuffer, also in pages without cross-origin isolation, where the global is hidden. */
const sharedMemory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer;

describe('the fast and the general path', () => {
  it('give the same result or error, whatever the ids, their class, the rows and the room', () => {
    const call = fc.record({
      Class: fc.constantFrom(...CLASSES),
      values: fc.array(fc.integer({ min: -2, max: 12 }), { maxLength: 20 }),
      rows: fc.integer({ min: 8, max: 13 }),
      dim: fc.constantFrom(1, 3, 16),
      room: fc.integer({ min: -4, max: 4 }),
      shared: fc.boolean(),
      single: fc.constantFrom(undefined, 0, -0, 3, 12, 13, -1, 1.5, NaN, 2 ** 32),
      allocated: fc.boolean(),
    });
    fc.assert(
      fc.property(call, ({ Class, values, rows, dim, room, shared, single, allocated }) => {
        using embedding = countingTable(rows, dim);
        const buffer = shared ? sharedMemory : new ArrayBuffer(256);
        const array = new Class(buffer, 0, values.length);
        array.set(values);
        const ids = single ?? array;
        const length = Math.max(0, (single === undefined ? values.length : 1) * dim + room);
        const ends = [undefined, {}].map((options) => {
          using own = allocated ? Tensor.allocate([length]) : new Tensor(new Float32Array(length));
          paint(own.data);
          return outcome(
            () => untyped(embedding).forwardInto(ids, allocated ? own : own.data, options),
            own.data,
          );
        });
        expect(ends[0]).toEqual(ends[1]);
        const forward = (options?: object) => untyped(embedding).forward(ids, options) as Tensor<'f32'>;
        expect(result(() => forward())).toEqual(result(() => forward({})));
      }),
    );
  });

  it('give the same result or error with positions and scale, within and beyond the sequence', () => {
    const call = fc.record({
      values: fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 9 }),
      Class: fc.constantFrom(...CLASSES),
      positional: fc.constantFrom('sinusoidal' as const, 'learned' as const, null),
      scale: fc.boolean(),
      room: fc.integer({ min: -2, max: 2 }),
    });
    const layers = new Map<string, EmbeddingLayer>();
    const layerOf = (positional: 'sinusoidal' | 'learned' | null, scale: boolean): EmbeddingLayer => {
      const key = `${positional} ${scale}`;
      const cached = layers.get(key);
      if (cached !== undefined) return cached;
      const options = { vocabSize: 9, embeddingDim: 5, maxSeqLength: 6, dropout: 0.5, positional, scale };
      const layer = new EmbeddingLayer(options);
      layers.set(key, layer);
      return layer;
    };
    fc.assert(
      fc.property(call, ({ values, Class, positional, scale, room }) => {
        const layer = layerOf(positional, scale);
        const out = painted(Math.max(0, values.length * 5 + room));
        const ids = Class.from(values);
        const ends = [undefined, {}].map((options) => {
          paint(out);
          return outcome(() => layer.forwardInto(ids as never, out, options), out);
        });
        expect(ends[0]).toEqual(ends[1]);
        const forward = (options?: object) => layer.forward(ids as never, options);
        expect(result(() => forward())).toEqual(result(() => forward({})));
      }),
    );
    for (const layer of layers.values()) layer.dispose();
  });

  it('give the same bags or error, whatever the ids, the offsets, their classes and the room', () => {
    using embedding = countingTable(9, 3);
    const bags = [true, false].flatMap((includeLastOffset) =>
      (['sum', 'mean', 'max'] as const).map((mode) =>
        EmbeddingBag.from(embedding, { mode, includeLastOffset }),
      ),
    );
    const place = fc.integer({ min: 0, max: 20 });
    const call = fc.record({
      bag: fc.constantFrom(...bags),
      ids: fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 8 }),
      offsets: fc.oneof(
        fc.constantFrom([0], [0, 2], [0, 2, 4], [0, 3, 3, 8]),
        fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 5 }),
      ),
      Class: fc.constantFrom(...CLASSES),
      OffsetClass: fc.constantFrom(...CLASSES),
      places: fc.tuple(place, place, place),
      room: fc.integer({ min: 0, max: 18 }),
      shared: fc.boolean(),
    });
    fc.assert(
      fc.property(call, ({ bag, ids, offsets, Class, OffsetClass, places: [at, from, to], room, shared }) => {
        const memory = new ArrayBuffer(512);
        const arrays = () => {
          const flat = new Class(shared ? sharedMemory : memory, 8 * at, ids.length);
          const starts = new OffsetClass(memory, 256 + 8 * from, Math.min(offsets.length, 5));
          flat.set(ids);
          starts.set(offsets);
          return { flat, starts, out: new Float32Array(memory, 8 * to, room) };
        };
        const ends = [{}, { shape: [ids.length] }].map((more) => {
          const { flat, starts, out } = arrays();
          const run = () => bag.forwardInto(flat as never, out, { offsets: starts as never, ...more });
          return outcome(run, new Float32Array(memory));
        });
        expect(ends[0]).toEqual(ends[1]);
        const { flat, starts } = arrays();
        const forward = (more: object) => bag.forward(flat as never, { offsets: starts as never, ...more });
        expect(result(() => forward({}))).toEqual(result(() => forward({ shape: [ids.length] })));
      }),
    );
  });

  it('give the same bags of a Tensor as of nested ids', () => {
    using embedding = countingTable(9, 3);
    const bag = EmbeddingBag.from(embedding);
    const nested = [
      [1, 2],
      [3, 8],
      [0, 0],
    ];
    const tensor = new Tensor(Int32Array.from(nested.flat()), { shape: [3, 2] });
    expect(result(() => bag.forward(tensor))).toEqual(result(() => bag.forward(nested)));
    const cube = new Tensor(Int32Array.from(nested.flat()), { shape: [3, 1, 2] });
    expectError(() => bag.forward(cube), { class: RangeError, code: 'ERR_RANK' });
    const bounded = EmbeddingBag.from(embedding, { includeLastOffset: true });
    const offsets = Int32Array.of(0, 1, 3);
    expect(bounded.forward(Int32Array.of(1, 2, 3), { offsets }).shape).toEqual([2, 3]);
    const two = new Float32Array(6);
    expect(bounded.forwardInto(Int32Array.of(1, 2, 3), two, { offsets })).toBe(two);
  });

  it('add the same positions, or give the same error, whatever the shape, the place of out and the room', () => {
    using encoding = new PositionalEncoding({ embeddingDim: 2, maxSeqLength: 4 });
    const size = fc.integer({ min: 0, max: 5 });
    const place = fc.integer({ min: 0, max: 40 });
    const call = fc.record({
      shape: fc.oneof(
        fc.tuple(size, fc.constantFrom(2, 2, 3)),
        fc.tuple(size, size, fc.constant(2)),
        fc.tuple(size),
      ),
      at: place,
      to: fc.option(place, { nil: undefined }),
      room: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(call, ({ shape, at, to, room }) => {
        const length = shape.reduce((product, each) => product * each, 1);
        const ends = [undefined, {}].map((options) => {
          const memory = new Float32Array(128).map((_, i) => i);
          const x = memory.subarray(at, at + length);
          const out = to === undefined ? x : memory.subarray(to, to + room);
          const tensor = new Tensor(x, { shape });
          return outcome(() => encoding.forwardInto(tensor, out, options), memory);
        });
        expect(ends[0]).toEqual(ends[1]);
        const x = new Tensor(new Float32Array(length), { shape });
        expect(result(() => encoding.forward(x))).toEqual(result(() => encoding.forward(x, {})));
      }),
    );
  });

  it('encode the same positions, or give the same error', () => {
    using encoding = new PositionalEncoding({ embeddingDim: 3, maxSeqLength: 4 });
    const call = fc.record({
      values: fc.array(fc.integer({ min: -1, max: 2 ** 31 - 1 }), { maxLength: 18 }),
      Class: fc.constantFrom(...CLASSES),
    });
    fc.assert(
      fc.property(call, ({ values, Class }) => {
        const flat = Class.from(values);
        const { length } = flat;
        const tensor = new Tensor(flat as Int32Array, { shape: [length] });
        const [plain, general] = [flat, tensor].map((each) => result(() => encoding.encode(each as never)));
        if ('code' in general!) expect(plain).toHaveProperty('code', general.code);
        else expect(plain).toEqual(general);
      }),
    );
  });

  it('drop the same elements in every training call', () => {
    const options = { vocabSize: 9, embeddingDim: 5, maxSeqLength: 6, dropout: 0.5, seed: 4 } as const;
    const rows = [undefined, {}].map((callOptions) => {
      using layer = new EmbeddingLayer(options).train();
      return [0, 1, 2].map(() => [
        ...layer.forwardInto(Int32Array.of(1, 2, 3), new Float32Array(15), callOptions),
      ]);
    });
    expect(rows[0]).toEqual(rows[1]);
    expect(rows[0]![0]).not.toEqual(rows[0]![1]);
  });

  it('detect the same overlaps', () => {
    using embedding = countingTable(50, 4);
    const memory = new ArrayBuffer(256);
    const place = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(place, place, fc.integer({ min: 1, max: 4 }), (at, to, count) => {
        const ids = new Int32Array(memory, at * 4, count);
        const out = new Float32Array(memory, to * 4, count * 4);
        const ends = [undefined, {}].map((options) => {
          new Int32Array(memory).fill(7);
          return outcome(() => untyped(embedding).forwardInto(ids, out, options), new Float32Array(memory));
        });
        expect(ends[0]).toEqual(ends[1]);
      }),
    );
  });

  it('give the same errors for arrays with overridden properties, detached and shrunk arrays', () => {
    using embedding = countingTable(10, 4);
    class Liar extends Float32Array {
      override get length(): number {
        return 1000;
      }
    }
    const detached = new Float32Array(4);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    const gone = Int32Array.of(1);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    const forged = Object.setPrototypeOf(new Float64Array(4), Float32Array.prototype) as Float32Array;
    const cases: [unknown, Float32Array][] = [
      [1, new Liar(2)],
      [Int32Array.of(1, 2), new Liar(4)],
      [1, detached],
      [gone, new Float32Array(4)],
      [1, forged],
    ];
    for (const [ids, out] of cases) {
      const errors = [undefined, {}].map((options) => {
        try {
          return untyped(embedding).forwardInto(ids, out, options);
        } catch (error) {
          return { ...(error as object), message: (error as Error).message };
        }
      });
      expect(errors[0]).toEqual(errors[1]);
      expect(errors[0]).toHaveProperty('code');
    }
  });
});

describe('lookups of a few rows', () => {
  it('preserve NaN payloads, the sign of zero and subnormals', () => {
    const row = fromBits(0x7f80_0001, 0xffc1_2345, 0x8000_0000, 0x0000_0001, 0x7fff_ffff);
    using embedding = Embedding.fromPretrained(row, { embeddingDim: 5 });
    for (const count of [1, 2, 3, 4, 5, 17]) {
      const out = painted(5 * count + 1);
      embedding.forwardInto(new Uint8Array(count), out);
      for (let r = 0; r < count; r++) expectBits(out.subarray(5 * r, 5 * r + 5), row);
      expectPainted(out, 5 * count);
    }
  });

  it('see current values: after a write, and after other constructions', () => {
    using embedding = countingTable(10, 3);
    const out = painted(3);
    expectBits(embedding.forwardInto(4, out), countingRows([4], 3));
    embedding.weight.set(4, [1, 2, 3]);
    expectBits(embedding.forwardInto(4, out), [1, 2, 3]);
    using large = Tensor.allocate([2 ** 23]); // makes linear memory grow
    expect(large.size).toBe(2 ** 23);
    expectBits(embedding.forwardInto(4, out), [1, 2, 3]);
    expectBits(embedding.forwardInto(9, out), countingRows([9], 3));
  });

  it('work for tables that are too long for a view', () => {
    using embedding = countingTable(5000, 2);
    for (const id of [0, 4095, 4096, 4999]) {
      expectBits(embedding.forwardInto(id, painted(2)), countingRows([id], 2));
    }
  });

  it('throw once the table is disposed', () => {
    const embedding = countingTable(10, 3);
    const out = painted(3);
    embedding.forwardInto(1, out);
    embedding.dispose();
    const disposed = { class: Error, code: 'ERR_DISPOSED' };
    paint(out);
    expectError(() => embedding.forwardInto(1, out), disposed);
    expectError(() => embedding.forwardInto(Int32Array.of(1), out), disposed);
    expectPainted(out);
  });
});
