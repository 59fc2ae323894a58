/**
 * Tensor: a shape over a typed array. Only `Tensor.allocate` depends on the backend.
 */

import { init, Tensor } from 'tokenbed';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Expected, expectError, thrown } from './helpers/errors.js';
import { detach, resizable } from './helpers/memory.js';

/** Expects class, code and message of an error, and returns it for its fields. */
const refused = (run: () => unknown, ErrorClass: Expected['class'], code: string, text: string | RegExp) =>
  expectError(run, { class: ErrorClass, code, text });

/** The constructor without types. */
const Untyped = Tensor as unknown as new (data?: unknown, options?: unknown) => Tensor;

/** Joins lines. */
const text = (...lines: string[]): string => lines.join('\n');

describe('new Tensor over a typed array', () => {
  const kinds = [
    [Float32Array, 'f32'],
    [Float64Array, 'f64'],
    [Int8Array, 'i8'],
    [Uint8Array, 'u8'],
    [Uint8ClampedArray, 'u8'],
    [Int16Array, 'i16'],
    [Uint16Array, 'u16'],
    [Int32Array, 'i32'],
    [Uint32Array, 'u32'],
    [BigInt64Array, 'i64'],
    [BigUint64Array, 'u64'],
  ] as const;

  it.each(kinds)('shares a %o and has its dtype', (Class, dtype) => {
    const array = new Class(6);
    const tensor = new Tensor(array, { shape: [2, 3] });
    expect(tensor.data).toBe(array);
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.shape).toEqual([2, 3]);
    expect(tensor.size).toBe(6);
  });

  it('has the shape [length] by default', () => {
    expect(new Tensor(new Float32Array(4)).shape).toEqual([4]);
    expect(new Tensor(new Float32Array(0)).shape).toEqual([0]);
  });

  it('accepts any shape with the right product', () => {
    expect(new Tensor(Int32Array.of(7), { shape: [] }).toArray()).toBe(7);
    expect(new Tensor(new Int32Array(0), { shape: [3, 0, 2] }).size).toBe(0);
    expect(new Tensor(new Int32Array(0), { shape: [Number.MAX_SAFE_INTEGER, 9, 0] }).size).toBe(0);
  });

  it('keeps the offset in a larger buffer, shared or not', () => {
    const floats = Float32Array.of(1, 2, 3, 4);
    expect(new Tensor(floats.subarray(1, 3)).toArray()).toEqual([2, 3]);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const shared = new Int16Array(memory.buffer, 2, 2);
    shared.set([5, 6]);
    expect(new Tensor(shared).toArray()).toEqual([5, 6]);
    expect(new Tensor(shared).data).toBe(shared);
  });

  it('ignores overridden properties of the array', () => {
    class Liar extends Int32Array {
      override get length(): number {
        return 99;
      }
      override get [Symbol.toStringTag](): 'Int32Array' {
        return 'Float32Array' as 'Int32Array';
      }
    }
    const tensor = new Tensor(new Liar(2));
    expect(tensor.dtype).toBe('i32');
    expect(tensor.shape).toEqual([2]);
  });

  it('copies and freezes the shape', () => {
    const shape = [2, 3];
    const tensor = new Tensor(new Float32Array(6), { shape });
    shape[0] = 6;
    expect(tensor.shape).toEqual([2, 3]);
    expect(Object.isFrozen(tensor.shape)).toBe(true);
  });

  it('rejects a detached array and a view outside its shrunk buffer', () => {
    const detached = detach(new Float32Array(4));
    expect(
      refused(() => new Tensor(detached), TypeError, 'ERR_INVALID_ARRAY', 'a detached Float32Array'),
    ).toMatchObject({ argument: 'data' });
    const buffer = resizable(16, 32);
    const view = new Int32Array(buffer, 8, 2);
    const tracking = new Int32Array(buffer);
    buffer.resize(8);
    refused(
      () => new Tensor(view),
      TypeError,
      'ERR_INVALID_ARRAY',
      'an Int32Array outside its shrunk buffer',
    );
    expect(new Tensor(tracking).shape).toEqual([2]);
  });

  it('rejects values that are not arrays of a dtype', () => {
    for (const data of [
      undefined,
      null,
      true,
      'text',
      1n,
      {},
      new Map(),
      new ArrayBuffer(8),
      () => 1,
      Symbol('s'),
    ]) {
      refused(
        () => new Untyped(data),
        TypeError,
        'ERR_INVALID_ARRAY',
        /^Argument data must be a typed array/,
      );
    }
    refused(
      () => new Untyped(new DataView(new ArrayBuffer(8))),
      TypeError,
      'ERR_INVALID_ARRAY',
      'got a DataView',
    );
  });
});

describe('new Tensor from numbers', () => {
  it('a number has shape []', () => {
    const tensor = new Tensor(2.5);
    expect(tensor.shape).toEqual([]);
    expect(tensor.size).toBe(1);
    expect(tensor.dtype).toBe('f32');
    expect(tensor.toArray()).toBe(2.5);
  });

  it('derives the shape from the nesting', () => {
    expect(new Tensor([]).shape).toEqual([0]);
    expect(new Tensor([[], []]).shape).toEqual([2, 0]);
    expect(new Tensor([[[]], [[]]]).shape).toEqual([2, 1, 0]);
    const tensor = new Tensor([[[1, 2, 3]], [[4, 5, 6]]]);
    expect(tensor.shape).toEqual([2, 1, 3]);
    expect(tensor.data).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  it('owns a buffer of exactly its elements', () => {
    const rows = Array.from({ length: 37 }, (_, i) => Array.from({ length: 101 }, (_, j) => i * 101 + j));
    const { data } = new Tensor(rows);
    expect(data.length).toBe(37 * 101);
    expect(data.byteOffset).toBe(0);
    expect(data.buffer.byteLength).toBe(data.length * 4);
    expect(data.every((value, i) => value === i)).toBe(true);
  });

  it('rounds to the nearest f32 and preserves special values', () => {
    const { data } = new Tensor([0.1, -0, NaN, Infinity, -Infinity, 1e-46, 3.4028235677973362e38]);
    const bits = new Uint32Array(data.buffer);
    expect(bits[0]).toBe(0x3dcccccd);
    expect(bits[1]).toBe(0x80000000);
    expect(data[2]).toBeNaN();
    expect([...data.subarray(3)]).toEqual([Infinity, -Infinity, 0, 3.4028234663852886e38]);
  });

  it('reports row, column and value of a number beyond f32', () => {
    const error = refused(
      () =>
        new Tensor([
          [1, 2],
          [3, -1e39],
        ]),
      RangeError,
      'ERR_RANGE',
      'row 1, column 1',
    );
    expect(error).toMatchObject({ row: 1, column: 1, value: -1e39 });
  });

  it('stores i32 if requested', () => {
    const tensor = new Tensor([[2 ** 31 - 1, -(2 ** 31), -0]], { dtype: 'i32' });
    expect(tensor.data).toEqual(Int32Array.of(2 ** 31 - 1, -(2 ** 31), 0));
    expect(tensor.dtype).toBe('i32');
    for (const value of [2 ** 31, -(2 ** 31) - 1, 0.5, NaN, Infinity, 1e300]) {
      const error = refused(
        () => new Tensor([1, 2, value], { dtype: 'i32' }),
        RangeError,
        'ERR_RANGE',
        'i32',
      );
      expect(error).toMatchObject({ row: 0, column: 2, value });
    }
  });

  it('accepts typed arrays as the innermost level', () => {
    expect(new Tensor([Float64Array.of(1, 2), [3, 4], Int8Array.of(-5, 6)]).toArray()).toEqual([
      [1, 2],
      [3, 4],
      [-5, 6],
    ]);
    for (const wide of [BigInt64Array.of(1n), BigUint64Array.of(1n)]) {
      const text = `${wide.constructor.name} at [0]`;
      refused(() => new Untyped([wide]), TypeError, 'ERR_INVALID_ARRAY', text);
    }
  });

  it('reshapes with the option shape', () => {
    expect(new Tensor([1, 2, 3, 4], { shape: [2, 2] }).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(
      refused(() => new Tensor([1, 2, 3], { shape: [2, 2] }), RangeError, 'ERR_SHAPE', /\[2, 2\].* 3 /),
    ).toMatchObject({ size: 4, count: 3 });
  });

  it('rejects ragged nesting; the message contains both lengths and the depth', () => {
    const cases: [unknown, object][] = [
      [[[1, 2], [3]], { length: 1, expected: 2, depth: 1 }],
      [[[[1], [2]], [[3]]], { length: 1, expected: 2, depth: 1 }],
      [[[1, 2], 3], { length: null, expected: 2, depth: 1 }],
      [[1, [2, 3]], { length: 2, expected: null, depth: 1 }],
      [[[], [1]], { length: 1, expected: 0, depth: 1 }],
      [[Int8Array.of(1, 2), [3]], { length: 1, expected: 2, depth: 1 }],
    ];
    for (const [data, fields] of cases) {
      const error = refused(
        () => new Untyped(data),
        TypeError,
        'ERR_RAGGED',
        /ragged.*padSequences.*offsets/,
      );
      expect(error).toMatchObject(fields);
    }
  });

  it('rejects leaves that are not numbers', () => {
    for (const leaf of [true, 'x', null, undefined, 1n, {}, new Map()]) {
      refused(() => new Untyped([[1, leaf]]), TypeError, 'ERR_INVALID_ARRAY', 'at [0, 1]');
    }
    refused(
      () => new Untyped(new Array(2 ** 32 - 1)),
      TypeError,
      'ERR_INVALID_ARRAY',
      'got undefined at [0]',
    );
  });

  it('rejects cycles and more than 64 levels', () => {
    const inside: unknown[] = [];
    inside.push(inside);
    refused(() => new Untyped(inside), TypeError, 'ERR_INVALID_ARRAY', 'contains itself');
    const beside: unknown[] = [1];
    beside.push(beside);
    refused(() => new Untyped(beside), TypeError, 'ERR_INVALID_ARRAY', 'contains itself');
    let deep: unknown = 1;
    for (let level = 0; level < 64; level++) deep = [deep];
    expect(new Untyped(deep).shape.length).toBe(64);
    refused(() => new Untyped([deep]), TypeError, 'ERR_INVALID_ARRAY', '64 levels');
  });

  it('rejects too many elements before reading them', () => {
    let many: unknown = [1, 1];
    for (let level = 0; level < 40; level++) many = [many, many];
    expect(refused(() => new Untyped(many), RangeError, 'ERR_TOO_LARGE', 'bytes')).toMatchObject({
      bytes: 2 ** 43,
    });
  });

  it('propagates exceptions of getters and reads each element once', () => {
    const oops = new Error('oops');
    const row = [1, 2];
    Object.defineProperty(row, 1, {
      get() {
        throw oops;
      },
    });
    expect(thrown(() => new Tensor([row]))).toBe(oops);
    let reads = 0;
    const counted = new Proxy([3, 4], {
      get(target, key, receiver) {
        if (typeof key === 'string' && /^\d+$/.test(key)) reads++;
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
    expect(new Tensor([counted]).toArray()).toEqual([[3, 4]]);
    expect(reads).toBe(2);
  });
});

describe('options', () => {
  it('rejects unknown names, wrong types and invalid values', () => {
    const cases: [unknown, new (message: string) => Error, string, unknown][] = [
      [{ shpe: [1] }, TypeError, 'shpe', [1]],
      [null, TypeError, 'options', null],
      [5, TypeError, 'options', 5],
      [{ shape: 3 }, TypeError, 'shape', 3],
      [{ shape: null }, TypeError, 'shape', null],
      [{ shape: ['3'] }, TypeError, 'shape', ['3']],
      [{ shape: [3n] }, TypeError, 'shape', [3n]],
      [{ shape: [-3] }, RangeError, 'shape', [-3]],
      [{ shape: [1.5] }, RangeError, 'shape', [1.5]],
      [{ shape: [NaN] }, RangeError, 'shape', [NaN]],
      [{ shape: [2 ** 53] }, RangeError, 'shape', [2 ** 53]],
      [{ dtype: 'f64' }, RangeError, 'dtype', 'f64'],
      [{ dtype: 32 }, TypeError, 'dtype', 32],
    ];
    for (const [options, kind, option, value] of cases) {
      expect(refused(() => new Untyped([1, 2, 3], options), kind, 'ERR_INVALID_OPTION', '')).toMatchObject({
        option,
        value,
      });
    }
    refused(() => new Untyped(new Int32Array(1), { dtype: 'i32' }), TypeError, 'ERR_INVALID_OPTION', 'dtype');
  });

  it('treats undefined as absent', () => {
    expect(new Untyped([1, 2], { shape: undefined, dtype: undefined }).shape).toEqual([2]);
    expect(new Untyped([1, 2], undefined).dtype).toBe('f32');
  });

  it('the product of the shape never wraps', () => {
    refused(() => new Tensor([], { shape: [2 ** 32, 2 ** 32] }), RangeError, 'ERR_SHAPE', 'there are 0');
    refused(
      () => new Tensor([], { shape: new Array<number>(40).fill(2 ** 52) }),
      RangeError,
      'ERR_SHAPE',
      'Infinity',
    );
  });
});

describe('reshape', () => {
  const tensor = new Tensor(Int32Array.of(0, 1, 2, 3, 4, 5), { shape: [2, 3] });

  it('shares the data', () => {
    const other = tensor.reshape(3, 2);
    expect(other.data).toBe(tensor.data);
    expect(other.dtype).toBe('i32');
    expect(other.toArray()).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(tensor.shape).toEqual([2, 3]);
  });

  it('infers one -1', () => {
    expect(tensor.reshape(-1).shape).toEqual([6]);
    expect(tensor.reshape(1, -1, 2).shape).toEqual([1, 3, 2]);
    expect(new Tensor([[], []]).reshape(-1, 3).shape).toEqual([0, 3]);
    expect(new Tensor([[8]]).reshape().shape).toEqual([]);
  });

  it('takes one array, as it takes its sizes', () => {
    expect(tensor.reshape([3, 2]).toArray()).toEqual(tensor.reshape(3, 2).toArray());
    expect(tensor.reshape([2, -1]).shape).toEqual([2, 3]);
    expect(tensor.reshape(tensor.shape).data).toBe(tensor.data);
    expect(new Tensor([[8]]).reshape([]).shape).toEqual([]);
    const sizes = [6];
    const flat = tensor.reshape(sizes);
    sizes[0] = 5;
    expect(flat.shape).toEqual([6]);
  });

  it('rejects mismatched shapes; the message contains both', () => {
    for (const shape of [[4], [], [4, -1], [0, -1], [7, 0]]) {
      const text = `Cannot reshape [2, 3] to [${shape.join(', ')}]`;
      refused(() => tensor.reshape(...shape), RangeError, 'ERR_SHAPE', text);
      refused(() => tensor.reshape(shape), RangeError, 'ERR_SHAPE', text);
    }
    refused(() => tensor.reshape(-1, -1), RangeError, 'ERR_INVALID_OPTION', 'one of which may be -1');
    refused(() => tensor.reshape(1.5), RangeError, 'ERR_INVALID_OPTION', 'shape');
    refused(() => tensor.reshape([3] as never, [2] as never), TypeError, 'ERR_INVALID_OPTION', 'shape');
    refused(() => tensor.reshape([[6]] as never), TypeError, 'ERR_INVALID_OPTION', 'shape');
    refused(() => tensor.reshape([-2, -3]), RangeError, 'ERR_INVALID_OPTION', 'shape');
    refused(() => tensor.reshape('6' as never), TypeError, 'ERR_INVALID_OPTION', 'shape');
  });
});

describe('toArray', () => {
  it('copies into plain arrays', () => {
    const data = Float32Array.of(1, 2, 3, 4);
    const nested = new Tensor(data, { shape: [2, 2] }).toArray();
    data[0] = 9;
    expect(nested).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('returns bigints for 64-bit integers', () => {
    expect(new Tensor(BigInt64Array.of(1n, -(2n ** 63n))).toArray()).toEqual([1n, -(2n ** 63n)]);
    expect(new Tensor(BigUint64Array.of(2n ** 64n - 1n), { shape: [] }).toArray()).toBe(2n ** 64n - 1n);
  });

  it('preserves empty axes', () => {
    expect(new Tensor([[], []]).toArray()).toEqual([[], []]);
    expect(new Tensor(new Int8Array(0), { shape: [0, 3] }).toArray()).toEqual([]);
  });

  it('rejects an array that was detached or changed its length', () => {
    const data = new Float32Array(4);
    const tensor = new Tensor(data);
    detach(data);
    refused(() => tensor.toArray(), TypeError, 'ERR_INVALID_ARRAY', 'a detached Float32Array');
    expect(tensor.shape).toEqual([4]);
    expect(tensor.toString()).toBe('Tensor(<array gone>, shape=[4], dtype=f32)');
    const buffer = resizable(16, 32);
    const tracking = new Tensor(new Int32Array(buffer));
    buffer.resize(24);
    refused(() => tracking.toArray(), TypeError, 'ERR_INVALID_ARRAY', 'one of length 6');
  });
});

describe('toString', () => {
  it('formats floats like NumPy', () => {
    expect(
      String(
        new Tensor([
          [0.1, 2],
          [-1.25, 10],
        ]),
      ),
    ).toBe(
      text(
        //
        'Tensor([[ 0.1 ,  2.  ],',
        '        [-1.25, 10.  ]], shape=[2, 2], dtype=f32)',
      ),
    );
    expect(String(new Tensor(5))).toBe('Tensor(5., shape=[], dtype=f32)');
    expect(String(new Tensor([1 / 3, -0]))).toBe('Tensor([ 0.33333334, -0.        ], shape=[2], dtype=f32)');
    expect(String(new Tensor(Float64Array.of(1 / 3, 2)))).toBe(
      'Tensor([0.33333333, 2.        ], shape=[2], dtype=f64)',
    );
    expect(String(new Tensor([1, NaN, -Infinity]))).toBe('Tensor([  1.,  nan, -inf], shape=[3], dtype=f32)');
  });

  it('uses exponents for a large range of values', () => {
    expect(String(new Tensor([1.5e-10, 3e8]))).toBe('Tensor([1.5e-10, 3.0e+08], shape=[2], dtype=f32)');
    expect(String(new Tensor([1e-10, -0]))).toBe('Tensor([ 1.e-10, -0.e+00], shape=[2], dtype=f32)');
    expect(String(new Tensor([1, 1000]))).toBe('Tensor([   1., 1000.], shape=[2], dtype=f32)');
    expect(String(new Tensor([1, 1001]))).toBe('Tensor([1.000e+00, 1.001e+03], shape=[2], dtype=f32)');
  });

  it('formats integers and bigints', () => {
    expect(String(new Tensor(Int32Array.of(1, -200)))).toBe('Tensor([   1, -200], shape=[2], dtype=i32)');
    expect(String(new Tensor(BigInt64Array.of(1n, -2n)))).toBe('Tensor([ 1, -2], shape=[2], dtype=i64)');
  });

  it('separates matrices by a blank line', () => {
    expect(
      String(
        new Tensor(
          Uint8Array.from({ length: 8 }, (_, i) => i),
          { shape: [2, 2, 2] },
        ),
      ),
    ).toBe(
      text(
        'Tensor([[[0, 1],',
        '         [2, 3]],',
        '',
        '        [[4, 5],',
        '         [6, 7]]], shape=[2, 2, 2], dtype=u8)',
      ),
    );
  });

  it('wraps long rows', () => {
    const lines = String(new Tensor(Int32Array.from({ length: 100 }, (_, i) => i + 1000))).split('\n');
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines.slice(0, -1)) expect(line.length).toBeLessThanOrEqual(75);
    expect(lines[1]).toMatch(/^ {8}\d/);
  });

  it('shortens above 1000 elements', () => {
    expect(String(new Tensor(Int32Array.from({ length: 1001 }, (_, i) => i)))).toBe(
      'Tensor([   0,    1,    2, ...,  998,  999, 1000], shape=[1001], dtype=i32)',
    );
    expect(
      String(
        new Tensor(
          Int16Array.from({ length: 2000 }, (_, i) => i),
          { shape: [1000, 2] },
        ),
      ),
    ).toBe(
      text(
        'Tensor([[   0,    1],',
        '        [   2,    3],',
        '        [   4,    5],',
        '        ...,',
        '        [1994, 1995],',
        '        [1996, 1997],',
        '        [1998, 1999]], shape=[1000, 2], dtype=i16)',
      ),
    );
    expect(String(new Tensor(new Float32Array(1000)))).not.toContain('...');
  });

  it('formats empty tensors', () => {
    expect(String(new Tensor([[], []]))).toBe('Tensor([], shape=[2, 0], dtype=f32)');
    const many = new Tensor(new Float32Array(0), { shape: [1e9, 0] });
    expect(String(many)).toBe('Tensor([], shape=[1000000000, 0], dtype=f32)');
  });
});

describe('Tensor.allocate', () => {
  beforeAll(async () => {
    await init();
  });

  it('returns writable zeros', () => {
    const tensor = Tensor.allocate([2, 3]);
    expect(tensor.shape).toEqual([2, 3]);
    expect(tensor.dtype).toBe('f32');
    expect([...tensor.data]).toEqual([0, 0, 0, 0, 0, 0]);
    tensor.data[4] = 7;
    expect(tensor.toArray()).toEqual([
      [0, 0, 0],
      [0, 7, 0],
    ]);
    expect(tensor.reshape(3, -1).toArray()).toEqual([
      [0, 0],
      [0, 0],
      [7, 0],
    ]);
    tensor.dispose();
  });

  it('accepts shapes with one element and with none', () => {
    using one = Tensor.allocate([]);
    using none = Tensor.allocate([4, 0]);
    expect(one.toArray()).toBe(0);
    expect(none.toArray()).toEqual([[], [], [], []]);
  });

  it('has no data after dispose, but keeps shape and size', () => {
    const tensor = Tensor.allocate([2, 2]);
    const reshaped = tensor.reshape(4);
    expect([tensor.disposed, reshaped.disposed]).toEqual([false, false]);
    tensor.dispose();
    tensor.dispose();
    for (const each of [tensor, reshaped]) {
      expect(each.disposed).toBe(true);
      refused(() => each.data, Error, 'ERR_DISPOSED', 'disposed');
      refused(() => each.toArray(), Error, 'ERR_DISPOSED', 'disposed');
      expect(each.size).toBe(4);
    }
    expect(tensor.shape).toEqual([2, 2]);
    expect(tensor.toString()).toBe('Tensor(<disposed>, shape=[2, 2], dtype=f32)');
  });

  it('is disposed by `using`, without effect on other tensors', () => {
    let disposedTensor: Tensor;
    {
      using tensor = Tensor.allocate([1]);
      disposedTensor = tensor;
    }
    refused(() => disposedTensor.data, Error, 'ERR_DISPOSED', 'disposed');
    const plain = new Tensor([1, 2]);
    plain.dispose();
    expect([plain.disposed, plain.toArray()]).toEqual([false, [1, 2]]);
  });

  it('reuses disposed memory as zeros', () => {
    for (let round = 0; round < 20; round++) {
      const tensor = Tensor.allocate([64, 16]);
      expect(tensor.data.every((value) => value === 0)).toBe(true);
      tensor.data.fill(round + 1);
      tensor.dispose();
    }
  });

  it('keeps its contents during other allocations', () => {
    using tensor = Tensor.allocate([1000]);
    tensor.data.fill(3);
    const others = Array.from({ length: 8 }, () => Tensor.allocate([1 << 18]));
    expect(tensor.data.length).toBe(1000);
    expect(tensor.data.every((value) => value === 3)).toBe(true);
    for (const other of others) other.dispose();
  });

  it('rejects invalid shapes and impossible sizes', () => {
    const allocate = Tensor.allocate as (shape?: unknown) => Tensor;
    refused(() => allocate(), TypeError, 'ERR_INVALID_OPTION', 'shape');
    refused(() => allocate(4), TypeError, 'ERR_INVALID_OPTION', 'shape');
    refused(() => allocate([-1]), RangeError, 'ERR_INVALID_OPTION', 'shape');
    for (const shape of [[2 ** 40], [2 ** 32, 2 ** 32], [2 ** 52, 2 ** 52]]) {
      const error = refused(() => allocate(shape), RangeError, 'ERR_TOO_LARGE', 'bytes');
      expect(error['bytes']).toBe(shape.reduce((a, b) => a * b, 4));
      expect(error['limit']).toBeLessThan(error['bytes'] as number);
    }
  });
});

describe('recognition', () => {
  it('has the brand that other copies of the package check', () => {
    const brand = Symbol.for('tokenbed.Tensor');
    const tensor = new Tensor([1]) as unknown as Record<symbol, unknown>;
    expect(tensor[brand]).toBe(true);
    expect(Object.keys(tensor)).toEqual(['data', 'shape', 'dtype', 'size']);
  });

  it('is a class with a name and instanceof', () => {
    expect(Tensor.name).toBe('Tensor');
    expect(new Tensor([1])).toBeInstanceOf(Tensor);
  });

  it('has the dtype in its type', () => {
    const f32: Tensor<'f32'> = new Tensor(new Float32Array(1));
    const i64: Tensor<'i64'> = new Tensor(BigInt64Array.of(1n));
    const i32: Tensor<'i32'> = new Tensor([1], { dtype: 'i32' });
    const any: Tensor[] = [f32, i64, i32, new Tensor([1])];
    const floats: Float32Array = f32.data;
    const wide: BigInt64Array = i64.data;
    expect([floats[0], wide[0], i32.data[0]]).toEqual([0, 1n, 1]);
    expect(any.map((each) => each.dtype)).toEqual(['f32', 'i64', 'i32', 'f32']);
  });
});
