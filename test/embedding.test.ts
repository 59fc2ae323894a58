/** Embedding: initial values, lookups bit by bit, ownership, and disposal. */

import fc from 'fast-check';
import { Embedding, type InitType, Tensor } from 'tokenbed';
import { describe, expect, it, vi } from 'vitest';
import { answersThroughout, countingRows, countingTable, untyped } from './helpers/backend.js';
import { bits, expectBits, expectPainted, fromBits, paint, painted } from './helpers/bits.js';
import { disposed, expectError, invalidArray, outOfRange } from './helpers/errors.js';
import { detach, resizable, shared } from './helpers/memory.js';
import { normal, philox, uniform } from './helpers/reference.mjs';

answersThroughout();

/** The values of a table. */
const valuesOf = (embedding: Embedding): Float32Array => embedding.weight.toTensor().data;

describe('a new Embedding', () => {
  it('exposes its options', () => {
    const embedding = new Embedding({
      vocabSize: 12,
      embeddingDim: 5,
      paddingIdx: -1,
      initType: 'normal',
      seed: 3,
    });
    expect({ ...embedding, weight: null, parameters: null }).toEqual({
      vocabSize: 12,
      embeddingDim: 5,
      paddingIdx: 11,
      initType: 'normal',
      dtype: 'f32',
      seed: 3,
      weight: null,
      parameters: null,
      toJSON: embedding.toJSON,
      'tokenbed.contents': 'live',
      [Symbol.for('tokenbed.contents')]: 'live',
    });
    expect(embedding.disposed).toBe(false);
    embedding.dispose();
  });

  it('defaults to uniform, no padding and a random seed', () => {
    const embedding = new Embedding({ vocabSize: 3, embeddingDim: 2 });
    expect(embedding.initType).toBe('uniform');
    expect(embedding.paddingIdx).toBeNull();
    expect(Number.isSafeInteger(embedding.seed)).toBe(true);
    expect(embedding.seed).toBeGreaterThanOrEqual(0);
    embedding.dispose();
  });

  it('is frozen, and weight and parameters are always the same objects', () => {
    const embedding = new Embedding({ vocabSize: 3, embeddingDim: 2 });
    const { weight, parameters } = embedding;
    expect(embedding.weight).toBe(weight);
    expect(embedding.parameters).toBe(parameters);
    expect(parameters).toHaveLength(1);
    expect(parameters[0]).toBe(weight);
    for (const object of [embedding, weight, parameters, weight.shape])
      expect(Object.isFrozen(object)).toBe(true);
    embedding.dispose();
    expect(embedding.parameters[0]).toBe(weight);
  });
});

describe('initial values', () => {
  it('come from Philox4x32-10', () => {
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    const ones = 0xffff_ffff;
    expect(philox([ones, ones, ones, ones], [ones, ones])).toEqual([
      0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
    ]);
  });

  const seeds = [
    0,
    7,
    2 ** 32,
    2 ** 53 - 1,
    0xffff_ffffn,
    2n ** 53n + 1n,
    2n ** 63n,
    2n ** 64n - 1n,
  ] as const;
  const sizes = [
    [1, 1],
    [3, 5],
    [7, 16],
    [2, 33],
  ] as const;

  for (const seed of seeds) {
    it.each(sizes)(`of seed ${seed} match the formulas, %d x %d`, (vocabSize, embeddingDim) => {
      const table = (initType: InitType, std?: number): Float32Array => {
        const embedding = new Embedding({ vocabSize, embeddingDim, initType, seed, std });
        const values = valuesOf(embedding);
        embedding.dispose();
        return values;
      };
      const each = (value: (i: number) => number) =>
        Float32Array.from({ length: vocabSize * embeddingDim }, (_, i) => value(i));
      const root = 1 / Math.sqrt(embeddingDim);
      const glorot = Math.sqrt(6 / (vocabSize + embeddingDim));
      expectBits(
        table('uniform'),
        each((i) => uniform(seed, i, root)),
      );
      expectBits(
        table('xavier'),
        each((i) => uniform(seed, i, glorot)),
      );
      expectBits(
        table('normal'),
        each((i) => normal(seed, i, root)),
      );
      expectBits(
        table('normal', 0.02),
        each((i) => normal(seed, i, 0.02)),
      );
      expectBits(
        table('zeros'),
        each(() => 0),
      );
    });
  }

  it('of 2^18 elements have the range and moments of their distribution', () => {
    const [vocabSize, embeddingDim] = [4096, 64];
    const moments = (initType: InitType) => {
      const embedding = new Embedding({ vocabSize, embeddingDim, initType, seed: 11 });
      const values = valuesOf(embedding);
      embedding.dispose();
      let [sum, squares, least, most] = [0, 0, Infinity, -Infinity];
      for (const value of values) {
        sum += value;
        squares += value * value;
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
      const mean = sum / values.length;
      return { mean, variance: squares / values.length - mean * mean, least, most };
    };
    const close = (value: number, expected: number, unit: number) =>
      expect(Math.abs(value - expected) / unit).toBeLessThan(0.01);
    for (const [initType, bound] of [
      ['uniform', 1 / 8],
      ['xavier', Math.sqrt(6 / (vocabSize + embeddingDim))],
    ] as const) {
      const { mean, variance, least, most } = moments(initType);
      close(mean, 0, bound);
      close(variance, bound ** 2 / 3, bound ** 2);
      expect(least).toBeGreaterThanOrEqual(-bound);
      expect(most).toBeLessThan(bound);
      close(least, -bound, bound);
      close(most, bound, bound);
    }
    const { mean, variance, least, most } = moments('normal');
    close(mean, 0, 1 / 8);
    close(variance, 1 / 64, 1 / 64);
    expect(most).toBeGreaterThan(4 / 8);
    expect(least).toBeLessThan(-4 / 8);
    expect(Math.max(most, -least)).toBeLessThan(6.5 / 8);
  });

  it('are the same for a number and the equal bigint, and differ between seeds', () => {
    const rows = ([7, 7n, 8, 7n + 2n ** 32n, 2n ** 53n, 2n ** 53n + 1n] as const).map((seed) => {
      const embedding = new Embedding({ vocabSize: 4, embeddingDim: 4, seed });
      expect(embedding.seed).toBe(seed);
      const text = bits(valuesOf(embedding)).join();
      embedding.dispose();
      return text;
    });
    expect(rows[0]).toBe(rows[1]);
    expect(new Set(rows).size).toBe(5);
  });

  it('of random seeds differ, and can be reproduced', () => {
    const options = { vocabSize: 8, embeddingDim: 8 };
    const first = new Embedding(options);
    const second = new Embedding(options);
    expect(first.seed).not.toBe(second.seed);
    expect(bits(valuesOf(first))).not.toEqual(bits(valuesOf(second)));
    const again = new Embedding({ ...options, seed: first.seed! });
    expectBits(valuesOf(again), valuesOf(first));
    for (const embedding of [first, second, again]) embedding.dispose();
  });

  it('of random seeds use all of 0 .. 2^53 - 1', () => {
    for (const [draw, seed] of [
      [0, 0],
      [1 - 2 ** -53, 2 ** 53 - 1],
    ] as const) {
      const random = vi.spyOn(Math, 'random').mockReturnValue(draw);
      expect(new Embedding({ vocabSize: 1, embeddingDim: 1 }).seed).toBe(seed);
      random.mockRestore();
    }
  });

  it('depend on the index of the element, not on the row length', () => {
    const flat = new Embedding({ vocabSize: 1, embeddingDim: 1024, seed: 5, initType: 'normal', std: 1 });
    const square = new Embedding({ vocabSize: 32, embeddingDim: 32, seed: 5, initType: 'normal', std: 1 });
    expectBits(valuesOf(square), valuesOf(flat));
    flat.dispose();
    square.dispose();
  });

  it('with std 0 are zero', () => {
    const embedding = new Embedding({ vocabSize: 4, embeddingDim: 4, initType: 'normal', std: 0, seed: 1 });
    expect(valuesOf(embedding).every((value) => value === 0)).toBe(true);
    embedding.dispose();
  });
});

describe('the padding row', () => {
  const types: InitType[] = ['uniform', 'normal', 'xavier', 'zeros'];

  it.each(types)('is +0 in a table with %s, and the other rows are unchanged', (initType) => {
    for (const [paddingIdx, row] of [
      [0, 0],
      [2, 2],
      [4, 4],
      [-1, 4],
      [-5, 0],
      [-3, 2],
    ] as const) {
      const options = { vocabSize: 5, embeddingDim: 3, initType, seed: 9 };
      const plain = new Embedding(options);
      const padded = new Embedding({ ...options, paddingIdx });
      expect(padded.paddingIdx).toBe(row);
      expect(Object.is(padded.paddingIdx, -0)).toBe(false);
      const expected = valuesOf(plain);
      expected.fill(0, row * 3, row * 3 + 3);
      expectBits(valuesOf(padded), expected);
      expectBits(padded.forward([row, row]).data, new Float32Array(6));
      plain.dispose();
      padded.dispose();
    }
  });

  it('is looked up like any other row', () => {
    const embedding = new Embedding({ vocabSize: 5, embeddingDim: 3, paddingIdx: 1 });
    embedding.weight.set(1, [4, 5, 6]);
    expectBits(embedding.forward(1).data, [4, 5, 6]);
    embedding.dispose();
  });

  it('does not exist with null', () => {
    const embedding = new Embedding({ vocabSize: 5, embeddingDim: 3, paddingIdx: null });
    expect(embedding.paddingIdx).toBeNull();
    embedding.dispose();
  });
});

describe('a lookup', () => {
  it('copies rows bit for bit', () => {
    const special = fromBits(
      0x7f800001, // signaling NaN
      0xffc12345,
      0x80000000, // -0
      0x00000001, // the smallest subnormal
      0x807fffff,
      0xff800000, // -Infinity
      0x7f7fffff,
      0x3f576aa4,
    );
    const embedding = Embedding.fromPretrained(special, { embeddingDim: 4 });
    expectBits(
      embedding.forward([1, 0]).data,
      fromBits(...bits(special.slice(4)), ...bits(special.slice(0, 4))),
    );
    const allocated = Tensor.allocate([2, 4]);
    embedding.forwardInto(Uint8Array.of(0, 1), allocated);
    expectBits(allocated.data, special);
    expectBits(embedding.weight.row(0), special.slice(0, 4));
    expectBits(valuesOf(embedding), special);
    allocated.dispose();
    embedding.dispose();
  });

  it('equals a plain gather for random tables and ids', () => {
    const cases = fc
      .record({ rows: fc.integer({ min: 1, max: 300 }), dim: fc.integer({ min: 1, max: 70 }) })
      .chain(({ rows, dim }) =>
        fc.record({
          dim: fc.constant(dim),
          weight: fc
            .uint32Array({ minLength: rows * dim, maxLength: rows * dim })
            .map((words) => new Float32Array(words.slice().buffer)),
          shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }),
          ids: fc.infiniteStream(fc.integer({ min: 0, max: rows - 1 })),
        }),
      );
    fc.assert(
      fc.property(cases, ({ dim, weight, shape, ids }) => {
        const count = shape.reduce((product, size) => product * size, 1);
        const flat = [...ids.take(count)];
        const expected = painted(count * dim);
        flat.forEach((id, i) => {
          for (let j = 0; j < dim; j++) {
            new Uint32Array(expected.buffer)[i * dim + j] = bits(
              weight.subarray(id * dim + j, id * dim + j + 1),
            )[0]!;
          }
        });
        const embedding = Embedding.fromPretrained(weight, { embeddingDim: dim });
        for (const form of [
          Int32Array.from(flat),
          Uint16Array.from(flat),
          BigInt64Array.from(flat, BigInt),
        ]) {
          const result = embedding.forward(form, { shape });
          expect(result.shape).toEqual([...shape, dim]);
          expectBits(result.data, expected);
        }
        const nested = new Tensor(Int32Array.from(flat), { shape }).toArray();
        expectBits(embedding.forward(nested).data, expected);
        embedding.dispose();
      }),
      { numRuns: 60 },
    );
  });

  it('accepts any nesting of integers, or throws the right error', () => {
    const leaf = fc.oneof(fc.integer({ min: -3, max: 12 }), fc.constantFrom(2 ** 32, 2 ** 53, -1e300));
    const embedding = countingTable(10, 2);
    fc.assert(
      fc.property(
        fc.array(fc.array(leaf, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
        (ids) => {
          const bad = ids.flat().findIndex((id) => id < 0 || id >= 10);
          const out = painted(40);
          if (bad < 0) {
            embedding.forwardInto(ids, out);
            expectBits(out.subarray(0, ids.length * 6), countingRows(ids.flat(), 2));
            expectPainted(out, ids.length * 6);
          } else {
            const error = outOfRange(ids.flat()[bad]!, bad, 10, [Math.floor(bad / 3), bad % 3]);
            expectError(() => embedding.forwardInto(ids, out), error);
            expectPainted(out);
          }
        },
      ),
      { numRuns: 100 },
    );
    embedding.dispose();
  });

  it('of many ids is the same as of few, and detects a bad id at the end', () => {
    const embedding = countingTable(100, 5);
    const ids = Int32Array.from({ length: 300_001 }, (_, i) => (i * 37) % 100);
    const expected = new Float32Array(ids.length * 5);
    for (let i = 0; i < ids.length; i++) for (let j = 0; j < 5; j++) expected[i * 5 + j] = 1000 * ids[i]! + j;
    expectBits(embedding.forward(ids).data, expected);
    const out = painted(expected.length + 3);
    embedding.forwardInto(Uint8Array.from(ids), out);
    expectBits(out.subarray(0, expected.length), expected);
    expectPainted(out, expected.length);
    ids[300_000] = 100;
    paint(out);
    expectError(() => embedding.forwardInto(ids, out), outOfRange(100, 300_000, 100));
    expectPainted(out);
    expectError(() => embedding.forwardInto([...ids], out), outOfRange(100, 300_000, 100));
    expectPainted(out);
    embedding.dispose();
  });

  it('works for rows wider than a tile', () => {
    const dim = 600_001;
    const embedding = countingTable(2, dim);
    expectBits(embedding.forward([1, 0, 1]).data, countingRows([1, 0, 1], dim));
    const out = Tensor.allocate([3, dim]);
    expectBits(embedding.forwardInto([1, 0, 1], out).data, countingRows([1, 0, 1], dim));
    out.dispose();
    embedding.dispose();
  });

  it('reaches the last row of a large table', () => {
    const embedding = new Embedding({ vocabSize: 2_000_000, embeddingDim: 2, initType: 'zeros' });
    embedding.weight.set(1_999_999, [1, 2]);
    expectBits(embedding.forward([0, 1_999_999]).data, [0, 0, 1, 2]);
    expectError(() => embedding.forward(2_000_000), outOfRange(2_000_000, 0, 2_000_000, []));
    embedding.dispose();
  });

  it('sees earlier writes', () => {
    const embedding = countingTable(4, 2);
    const before = embedding.forward([1, 2]);
    embedding.weight.set(1, [5, 6]);
    expectBits(embedding.forward([1, 2]).data, [5, 6, 2000, 2001]);
    expectBits(before.data, [1000, 1001, 2000, 2001]);
    embedding.dispose();
  });
});

describe('the result of forward', () => {
  it('owns its whole buffer', () => {
    const embedding = countingTable(10, 4);
    for (const ids of [5, [], [1], [[1, 2, 3]], Int32Array.of(1, 2), new Tensor(Int8Array.of(1))] as const) {
      const { data, dtype, size } = embedding.forward(ids);
      expect(Object.prototype.toString.call(data)).toBe('[object Float32Array]');
      expect(Object.getPrototypeOf(data)).toBe(Float32Array.prototype);
      expect(Object.prototype.toString.call(data.buffer)).toBe('[object ArrayBuffer]');
      expect(data.byteOffset).toBe(0);
      expect(data.buffer.byteLength).toBe(data.byteLength);
      expect(data.length).toBe(size);
      expect(dtype).toBe('f32');
    }
    const first = embedding.forward([1]).data;
    const second = embedding.forward([1]).data;
    expect(first.buffer).not.toBe(second.buffer);
    embedding.dispose();
  });

  it('can be transferred', () => {
    const embedding = countingTable(10, 4);
    const { data } = embedding.forward([3, 4]);
    const moved = structuredClone(data, { transfer: [data.buffer as ArrayBuffer] });
    expect(data.length).toBe(0);
    expectBits(moved, countingRows([3, 4], 4));
    expectBits(embedding.forward([3, 4]).data, countingRows([3, 4], 4));
    embedding.dispose();
  });

  it('outlives the table', () => {
    const embedding = countingTable(10, 4);
    const result = embedding.forward([3, 4]);
    const parameter = embedding.weight.toTensor();
    embedding.dispose();
    const other = new Embedding({ vocabSize: 10, embeddingDim: 4, initType: 'zeros' });
    expectBits(result.data, countingRows([3, 4], 4));
    expectBits(parameter.data.slice(0, 4), countingRows([0], 4));
    other.dispose();
  });

  it('does not retain ids', () => {
    const embedding = countingTable(10, 1);
    const ids = Int32Array.of(1, 2);
    const result = embedding.forward(ids);
    ids.fill(9);
    expectBits(result.data, [1000, 2000]);
    expect(ids).toEqual(Int32Array.of(9, 9));
    embedding.dispose();
  });
});

describe('forwardInto', () => {
  it('writes the first elements of any Float32Array and returns it', () => {
    const embedding = countingTable(10, 3);
    const whole = painted(20);
    const inside = whole.subarray(5, 15);
    expect(embedding.forwardInto([1, 2], inside)).toBe(inside);
    expectBits(whole.slice(5, 11), countingRows([1, 2], 3));
    expectPainted(whole.subarray(0, 5));
    expectPainted(whole, 11);
    embedding.dispose();
  });

  it('accepts a Tensor of any shape and returns it', () => {
    const embedding = countingTable(10, 3);
    const out = new Tensor(painted(8), { shape: [2, 4] });
    expect(embedding.forwardInto([1, 2], out)).toBe(out);
    expectBits(out.data.subarray(0, 6), countingRows([1, 2], 3));
    expectPainted(out.data, 6);
    expect(out.shape).toEqual([2, 4]);
    embedding.dispose();
  });

  it('accepts shared, resizable and misaligned memory', () => {
    const embedding = countingTable(10, 3);
    for (const memory of [shared(64), resizable(64, 128), new ArrayBuffer(64)]) {
      const out = paint(new Float32Array(memory, 4, 12));
      embedding.forwardInto([3, 4, 5], out);
      expectBits(out.subarray(0, 9), countingRows([3, 4, 5], 3));
      expectPainted(out, 9);
    }
    embedding.dispose();
  });

  it('accepts an empty out if there is nothing to write', () => {
    const embedding = countingTable(10, 3);
    const out = new Float32Array(0);
    expect(embedding.forwardInto([], out)).toBe(out);
    embedding.dispose();
  });

  it('ignores overridden properties of out', () => {
    class Liar extends Float32Array {
      override get length(): number {
        return 6;
      }
      override get buffer(): ArrayBuffer {
        return new ArrayBuffer(64);
      }
      override get byteOffset(): number {
        return 32;
      }
    }
    const embedding = countingTable(10, 3);
    const memory = new ArrayBuffer(12);
    expectError(() => embedding.forwardInto([1, 2], new Liar(memory)), {
      class: RangeError,
      code: 'ERR_SHAPE',
      text: ['length 3', '6'],
    });
    embedding.forwardInto([2], new Liar(memory));
    expectBits(new Float32Array(memory), countingRows([2], 3));
    embedding.dispose();
  });

  it('rejects an out that is not f32 memory', () => {
    const embedding = countingTable(10, 3);
    const memory = resizable(12, 12);
    const shrunk = new Float32Array(memory, 0, 3);
    memory.resize(4);
    const cases: readonly (readonly [unknown, string])[] = [
      [undefined, 'nothing'],
      [null, 'null'],
      [[0, 0, 0], 'array of length 3'],
      [{ length: 3 }, 'an Object'],
      [new Float64Array(3), 'Float64Array'],
      [new Int32Array(3), 'Int32Array'],
      [new ArrayBuffer(12), 'ArrayBuffer'],
      [new DataView(new ArrayBuffer(12)), 'DataView'],
      [detach(new Float32Array(3)), 'a detached Float32Array'],
      [detach(new Float32Array(0)), 'a detached Float32Array'],
      [shrunk, 'a Float32Array outside its shrunk buffer'],
      [new Tensor(new Int32Array(3)), 'Int32Array'],
      [new Tensor(new Float64Array(3)), 'Float64Array'],
    ];
    for (const [out, came] of cases) {
      expectError(() => untyped(embedding).forwardInto([1], out), invalidArray('out', came));
    }
    const array = new Float32Array(3);
    const tensor = new Tensor(array);
    detach(array);
    expectError(
      () => embedding.forwardInto([1], tensor),
      invalidArray('out', 'a Tensor of a detached Float32Array'),
    );
    expectBits(embedding.forwardInto([1], painted(3)), countingRows([1], 3));
    embedding.dispose();
  });

  it('rejects a short out; the message contains both lengths', () => {
    const embedding = countingTable(10, 3);
    for (const length of [0, 1, 5]) {
      const out = painted(length);
      expectError(() => embedding.forwardInto([1, 2], out), {
        class: RangeError,
        code: 'ERR_SHAPE',
        text: [`length ${length}`, '6'],
        fields: { length },
      });
      expectPainted(out);
    }
    embedding.dispose();
  });
});

describe('Tensor.allocate', () => {
  it('works as out while other objects are constructed', () => {
    const embedding = countingTable(10, 3);
    const out = Tensor.allocate([2, 3]);
    const first = out.data;
    const tables = [];
    for (const ids of [
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ]) {
      // 24 MiB each: linear memory grows for some of them.
      tables.push(new Embedding({ vocabSize: 3 * 2 ** 21, embeddingDim: 1, initType: 'zeros' }));
      expect(embedding.forwardInto(ids, out)).toBe(out);
      expectBits(out.data, countingRows(ids, 3));
    }
    expect([0, 6]).toContain(first.length);
    const more = tables.map(() => Tensor.allocate([2 ** 20]));
    expectBits(out.data, countingRows([7, 8], 3));
    expect(more.every(({ data }) => data[0] === 0 && data[2 ** 20 - 1] === 0)).toBe(true);
    for (const each of [...tables, ...more, embedding, out]) each.dispose();
  });

  it('a view from before a growth is rejected as out and never written through', () => {
    const embedding = countingTable(10, 3);
    const out = Tensor.allocate([3]);
    const old = out.data;
    const table = new Embedding({ vocabSize: 2 ** 23, embeddingDim: 2, initType: 'zeros' });
    // If the memory has moved, the old view is detached; otherwise it equals the new one.
    if (old.length === 0) {
      expectError(() => embedding.forwardInto([1], old), invalidArray('out', 'detached'));
      expectBits(out.data, [0, 0, 0]);
    } else {
      embedding.forwardInto([1], old);
      expectBits(out.data, countingRows([1], 3));
    }
    for (const each of [table, embedding, out]) each.dispose();
  });

  it('can also hold the ids, if they do not overlap out', () => {
    const embedding = countingTable(10, 2);
    const memory = Tensor.allocate([16]);
    const { data } = memory;
    const ids = (offset: number, length: number) =>
      new Uint16Array(data.buffer, data.byteOffset + offset, length);
    ids(2, 3).set([7, 8, 9]);
    const out = data.subarray(2, 8);
    embedding.forwardInto(ids(2, 3), out);
    expectBits(out, countingRows([7, 8, 9], 2));
    expectError(() => embedding.forwardInto(ids(6, 3), out), { class: RangeError, code: 'ERR_OVERLAP' });
    expectError(() => embedding.forwardInto(ids(2, 3), memory), { class: RangeError, code: 'ERR_OVERLAP' });
    expectBits(out, countingRows([7, 8, 9], 2));
    for (const each of [embedding, memory]) each.dispose();
  });

  it('is rejected as out once disposed', () => {
    const embedding = countingTable(10, 3);
    const out = Tensor.allocate([3]);
    out.dispose();
    expectError(() => embedding.forwardInto([1], out), disposed);
    expectBits(embedding.forward([1]).data, countingRows([1], 3));
    embedding.dispose();
  });

  it.each([[[2 ** 31, 2 ** 31]], [[2 ** 53 - 1]], [[2 ** 33]], [[2 ** 27, 2 ** 27, 2 ** 27]]])(
    'of %o is too large',
    (shape) => {
      const size = shape.reduce((product, each) => product * each, 1);
      const error = expectError(() => Tensor.allocate(shape), {
        class: RangeError,
        code: 'ERR_TOO_LARGE',
        fields: { bytes: size * 4 },
      });
      expect(error['limit']).toBeGreaterThan(0);
      expect(error['limit']).toBeLessThan(size * 4);
    },
  );
});

describe('getMemoryUsage', () => {
  it('is computed, a new object each time, JSON-serializable, and readable after dispose', () => {
    const embedding = new Embedding({ vocabSize: 50_000, embeddingDim: 384, initType: 'zeros' });
    const expected = {
      totalMemoryMb: 73.2421875,
      memoryPerTokenKb: 1.5,
      totalParameters: 19_200_000,
      vocabSize: 50_000,
      embeddingDim: 384,
      bytes: 76_800_000,
      bytesPerRow: 1536,
      dtype: 'f32',
    };
    const usage = embedding.getMemoryUsage();
    expect(usage).toEqual(expected);
    expect(Object.keys(usage).sort()).toEqual(Object.keys(expected).sort());
    expect(JSON.parse(JSON.stringify(usage))).toEqual(expected);
    usage.bytes = 0;
    embedding.dispose();
    expect(embedding.getMemoryUsage()).toEqual(expected);
  });
});

describe('dispose', () => {
  it('makes methods throw and leaves properties readable', () => {
    const embedding = countingTable(10, 3);
    const other = countingTable(10, 3);
    expect(embedding.dispose()).toBeUndefined();
    expect(embedding.disposed).toBe(true);
    const out = painted(3);
    const { weight } = embedding;
    const uses = [
      () => embedding.forward([1]),
      () => embedding.forward([]),
      () => embedding.forwardInto([1], out),
      () => weight.row(0),
      () => weight.row(0, out),
      () => weight.set(0, [1, 2, 3]),
      () => weight.setRows(0, new Float32Array(3)),
      () => weight.toTensor(),
      () => embedding.convert('f32'),
    ];
    for (const use of uses) expectError(use, disposed);
    expectPainted(out);
    expect(embedding.vocabSize).toBe(10);
    expect(embedding.embeddingDim).toBe(3);
    expect(weight.shape).toEqual([10, 3]);
    expect(weight.size).toBe(30);
    expectBits(other.forward([1]).data, countingRows([1], 3));
    other.dispose();
  });

  it('is checked before everything else', () => {
    const embedding = countingTable(10, 3);
    embedding.dispose();
    const raw = untyped(embedding);
    expectError(() => raw.forward('x', { other: 1 }), disposed);
    expectError(() => raw.forwardInto('x', 'x', 5), disposed);
    const weight = embedding.weight as unknown as Record<
      'row' | 'set' | 'setRows',
      (...args: unknown[]) => unknown
    >;
    expectError(() => weight.row('x', 'x'), disposed);
    expectError(() => weight.set('x', 'x'), disposed);
    expectError(() => weight.setRows('x', 'x'), disposed);
  });

  it('is idempotent, and does not affect later objects', () => {
    const embedding = countingTable(10, 3);
    embedding.dispose();
    const later = countingTable(10, 3);
    embedding.dispose();
    expectBits(later.forward([1]).data, countingRows([1], 3));
    expectError(() => embedding.forward([1]), disposed);
    later.dispose();
  });

  it('is called by `using`', () => {
    const embedding = countingTable(10, 3);
    const name = (Symbol as { dispose?: symbol }).dispose ?? Symbol.for('Symbol.dispose');
    (embedding as unknown as Record<symbol, () => void>)[name]!();
    expect(embedding.disposed).toBe(true);
  });

  it('frees memory: a new table in the same place is all zeros', () => {
    for (let i = 0; i < 50; i++) {
      const full = new Embedding({ vocabSize: 64, embeddingDim: 64, seed: i });
      expect(full.forward(63).data.some((value) => value !== 0)).toBe(true);
      full.dispose();
      const empty = new Embedding({ vocabSize: 64, embeddingDim: 64, initType: 'zeros' });
      expect(valuesOf(empty).every((value) => Object.is(value, 0))).toBe(true);
      empty.dispose();
    }
  });
});

describe('sizes that are too large', () => {
  it.each([
    [2 ** 32, 2 ** 31],
    [2 ** 32, 2 ** 30],
    [2 ** 32, 1024],
    [1, 2 ** 53 - 1],
    [2 ** 31, 2 ** 31],
    [2 ** 16, 2 ** 46],
    [2 ** 32, 2 ** 53 - 1],
  ])('are rejected before allocating: %d x %d', (vocabSize, embeddingDim) => {
    for (const initType of ['uniform', 'zeros'] as const) {
      const error = expectError(() => new Embedding({ vocabSize, embeddingDim, initType }), {
        class: RangeError,
        code: 'ERR_TOO_LARGE',
        fields: { bytes: vocabSize * embeddingDim * 4 },
      });
      expect(Number.isSafeInteger(error['limit'])).toBe(true);
      expect(error['limit']).toBeGreaterThan(0);
      expect(error.message).toContain(String(error['limit']));
    }
    const small = countingTable(2, 2);
    expectBits(small.forward(1).data, [1000, 1001]);
    small.dispose();
  });

  it('are rejected for results', () => {
    const embedding = new Embedding({ vocabSize: 1, embeddingDim: 2 ** 20, initType: 'zeros' });
    expectError(() => embedding.forward(new Uint8Array(2 ** 13)), {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
      fields: { bytes: 2 ** 35 },
    });
    expect(embedding.forward(0).size).toBe(2 ** 20);
    embedding.dispose();
  });
});
