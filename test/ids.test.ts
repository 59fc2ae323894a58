/**
 * Ids in all accepted and rejected forms: the resulting shape, the reported position, and which of two errors is thrown.
 * The rows of the table identify their id.
 */

import { type Embedding, type IdsInput, Tensor } from 'tokenbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersThroughout, countingRows, countingTable, type Untyped, untyped } from './helpers/backend.js';
import { expectBits, expectPainted, painted } from './helpers/bits.js';
import {
  type Expected,
  expectError,
  invalidArray,
  invalidId,
  invalidIds,
  outOfRange,
  invalidOption,
} from './helpers/errors.js';
import { detach, growable, resizable, shared } from './helpers/memory.js';

answersThroughout();

const DIM = 3;
let table: Embedding;
let raw: Untyped;
beforeAll(() => {
  table = countingTable(10, DIM);
  raw = untyped(table);
});
afterAll(() => table.dispose());

/** Looks up `ids` with both methods, and expects these rows and this shape. */
function expectRows(
  ids: IdsInput,
  rows: readonly number[],
  shape: readonly number[],
  requested?: number[],
): void {
  const options = requested && { shape: requested };
  const result = table.forward(ids, options);
  expect(result.shape).toEqual([...shape, DIM]);
  expectBits(result.data, countingRows(rows, DIM));
  const out = painted(rows.length * DIM + 2);
  expect(table.forwardInto(ids, out, options)).toBe(out);
  expectBits(out.subarray(0, rows.length * DIM), countingRows(rows, DIM));
  expectPainted(out, rows.length * DIM);
}

/** Expects the same error from both methods, nothing written, and that the next call works. */
function refused(ids: unknown, expected: Expected, options?: object): void {
  expectError(() => raw.forward(ids, options), expected);
  const out = painted(40 * DIM);
  expectError(() => raw.forwardInto(ids, out, options), expected);
  expectPainted(out);
  expectBits(table.forward(9).data, [9000, 9001, 9002]);
}

const ragged = (length: number | null, required: number | null, depth: number): Expected => ({
  class: TypeError,
  code: 'ERR_RAGGED',
  text: [
    'ragged',
    'padSequences',
    'offsets',
    `depth ${depth}`,
    length === null ? 'a number' : `length ${length}`,
    required === null ? 'a number' : `length ${required}`,
  ],
  fields: { length, expected: required, depth },
});

/** A typed array class. One type represents them all. */
type Class = Int32ArrayConstructor;
const NARROW = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
] as unknown as readonly Class[];
const SIGNED = [Int8Array, Int16Array, Int32Array] as unknown as readonly Class[];
const WIDE = [BigInt64Array, BigUint64Array] as unknown as readonly Class[];
const KINDS = [...NARROW, ...WIDE];

/** An id as an element of `Class`. */
const elementOf = (Class: Class, id: number): number | bigint => (WIDE.includes(Class) ? BigInt(id) : id);

/** Converts `values` to a typed array of class `Class`. */
function arrayOf(Class: Class, values: readonly number[]): Int32Array<ArrayBuffer> {
  return Class.from(values.map((value) => elementOf(Class, value) as number));
}

describe('a number', () => {
  it('is one id with shape []', () => {
    expectRows(5, [5], []);
    expectRows(0, [0], []);
    expectRows(-0, [0], []);
    expectRows(9, [9], []);
  });

  it.each([
    -1,
    10,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 5,
    2 ** 53,
    1e300,
    Number.MIN_SAFE_INTEGER,
    -(2 ** 32),
  ])('is a range error when it is the integer %d', (id) => refused(id, outOfRange(id, 0, 10, [])));

  it.each([1.5, -0.5, Number.NaN, Infinity, -Infinity, Number.MIN_VALUE])('is not an id if it is %d', (id) =>
    refused(id, invalidId(id, 0)),
  );

  it('accepts only the shape []', () => {
    expectRows(5, [5], [], []);
    refused(5, { class: RangeError, code: 'ERR_SHAPE', text: ['[2]', '[]'] }, { shape: [2] });
  });
});

describe('nested arrays', () => {
  it('have the shape of their nesting', () => {
    expectRows([5], [5], [1]);
    expectRows([3, 1, -0], [3, 1, 0], [3]);
    expectRows([[1, 2, 3]], [1, 2, 3], [1, 3]);
    expectRows([[1], [2]], [1, 2], [2, 1]);
    expectRows([[[1, 2]], [[3, 4]], [[5, 6]]], [1, 2, 3, 4, 5, 6], [3, 1, 2]);
  });

  it('can be empty at any level', () => {
    expectRows([], [], [0]);
    expectRows([[], []], [], [2, 0]);
    expectRows([[[]], [[]]], [], [2, 1, 0]);
    expectRows([[[], [], []]], [], [1, 3, 0]);
  });

  it('can have typed arrays as the innermost level', () => {
    for (const Class of KINDS) {
      expectRows([arrayOf(Class, [1, 2]), arrayOf(Class, [3, 4])], [1, 2, 3, 4], [2, 2]);
      expectRows([[arrayOf(Class, [7])]], [7], [1, 1, 1]);
      expectRows([arrayOf(Class, []), arrayOf(Class, [])], [], [2, 0]);
    }
    expectRows([Uint8Array.of(1, 2), [3, 4], BigInt64Array.of(5n, 6n)], [1, 2, 3, 4, 5, 6], [3, 2]);
    expectRows([[], new Int32Array(0)], [], [2, 0]);
  });

  it('report the first id out of range, of any type', () => {
    refused([0, 1, 12], outOfRange(12, 2, 10));
    refused(
      [
        [0, 1],
        [2, -1],
      ],
      outOfRange(-1, 3, 10, [1, 1]),
    );
    refused(
      [
        [[0], [1]],
        [[1e300], [99]],
      ],
      outOfRange(1e300, 2, 10, [1, 0, 0]),
    );
    refused(
      [
        [0, 1, 2, 12],
        [12, 0, 0, 0],
      ],
      outOfRange(12, 3, 10, [0, 3]),
    );
    // The overflow of u32 is detected first, but the lower position is reported.
    refused([0, 11, 2 ** 40, -7], outOfRange(11, 1, 10));
    refused(
      [
        [-3, 10],
        [2 ** 53, 0],
      ],
      outOfRange(-3, 0, 10, [0, 0]),
    );
    refused([10, -3], outOfRange(10, 0, 10));
    refused([0, 2 ** 32], outOfRange(2 ** 32, 1, 10));
    refused([0, 2 ** 32 + 1], outOfRange(2 ** 32 + 1, 1, 10));
    refused([Int8Array.of(1, -1), [99, 1]], outOfRange(-1, 1, 10, [0, 1]));
    refused([BigInt64Array.of(1n, 2n), BigInt64Array.of(-4n, 2n)], outOfRange(-4n, 2, 10, [1, 0]));
    refused([BigUint64Array.of(1n, 12n)], outOfRange(12n, 1, 10, [0, 1]));
  });

  const leaves: readonly unknown[] = [
    true,
    false,
    '3',
    '',
    null,
    undefined,
    4n,
    Symbol('id'),
    1.5,
    Number.NaN,
    Infinity,
    -Infinity,
    {},
    new Map(),
    () => 1,
    Object(3),
    new Date(0),
    new ArrayBuffer(4),
    new DataView(new ArrayBuffer(4)),
  ];

  it.each(leaves.map((leaf) => [leaf]))('reject the leaf %o', (leaf) => {
    refused([leaf], invalidId(leaf, 0));
    refused([1, leaf, 2], { ...invalidId(leaf, 1), text: ['Token indices must be integers', 'at [1]'] });
    refused(
      [
        [1, 2],
        [3, leaf],
      ],
      { ...invalidId(leaf, 3), text: 'at [1, 1]' },
    );
    refused([[[leaf]]], { ...invalidId(leaf, 0), text: 'at [0, 0, 0]' });
  });

  it.each(leaves.filter((leaf) => typeof leaf !== 'number').map((leaf) => [leaf]))(
    'reject %o among arrays',
    (leaf) => {
      refused([[1, 2], leaf], { ...invalidId(leaf, 2), text: 'at [1]' });
      refused([[], leaf], { ...invalidId(leaf, 0), text: 'at [1]' });
      refused(
        [
          [[1], [2]],
          [[3], leaf],
        ],
        { ...invalidId(leaf, 3), text: 'at [1, 1]' },
      );
      refused([Int32Array.of(1), leaf], { ...invalidId(leaf, 1), text: 'at [1]' });
    },
  );

  it('reject a Tensor as a leaf', () => {
    const tensor = new Tensor(Int32Array.of(1));
    refused([tensor], invalidId(tensor, 0));
  });

  it('reject holes', () => {
    const holes = [1, 2, 3];
    delete holes[1];
    refused(holes, { ...invalidId(undefined, 1), text: 'undefined at [1]' });
    refused(new Array(2), invalidId(undefined, 0));
    refused([[1], ...new Array<number[]>(1)], invalidId(undefined, 1));
  });

  it('reject ragged rows; the message contains both lengths and the depth', () => {
    refused([[1, 2], [3]], ragged(1, 2, 1));
    refused([[1], [2, 3]], ragged(2, 1, 1));
    refused([[1, 2], []], ragged(0, 2, 1));
    refused([[], [1]], ragged(1, 0, 1));
    refused([[[1, 2]], [[3]]], ragged(1, 2, 2));
    refused([[[1]], [[2], [3]]], ragged(2, 1, 1));
    refused([[1], 2], ragged(null, 1, 1));
    refused([1, [2]], ragged(1, null, 1));
    refused([1, []], ragged(0, null, 1));
    refused([[], 1], ragged(null, 0, 1));
    refused([[1, [2]]], ragged(1, null, 2));
    refused([[[1]], [2]], ragged(null, 1, 2));
    refused([[1], [[2]]], ragged(1, null, 2));
    refused([[], [[]]], ragged(1, 0, 1));
    refused([[[]], []], ragged(0, 1, 1));
    refused([Int32Array.of(1, 2), Int32Array.of(3)], ragged(1, 2, 1));
    refused([Int32Array.of(1, 2), 3], ragged(null, 2, 1));
    refused([1, Int32Array.of(3)], ragged(1, null, 1));
    refused([[[1, 2]], Int32Array.of(3)], ragged(null, 2, 2));
    refused([[[1, 2]], [[3, 4]], Int32Array.of(5)], ragged(null, 2, 2));
    refused([[1, 2], new Uint8Array(3)], ragged(3, 2, 1));
    refused([BigInt64Array.of(1n), [1, 2]], ragged(2, 1, 1));
  });

  it('reject float arrays and detached arrays at any level', () => {
    refused([Float32Array.of(1)], invalidIds('Float32Array at [0]'));
    refused([[1], Float64Array.of(1)], invalidIds('Float64Array at [1]'));
    refused([1, Float64Array.of(1)], invalidIds('Float64Array at [1]'));
    refused([[Int8Array.of(1), detach(Int8Array.of(1))]], invalidIds('detached Int8Array at [0, 1]'));
    refused([detach(new BigInt64Array(2))], invalidIds('detached BigInt64Array at [0]'));
    const memory = resizable(16, 16);
    const view = new Int32Array(memory, 8, 2);
    memory.resize(8);
    refused([view], invalidIds('Int32Array outside its shrunk buffer at [0]'));
  });

  it('can have 64 levels, not 65', () => {
    let ids: IdsInput & object = [7];
    for (let level = 1; level < 64; level++) ids = [ids];
    expectRows(ids, [7], new Array<number>(64).fill(1));
    refused([ids], invalidIds('64 levels'));
    let typed: IdsInput & object = Int8Array.of(7);
    for (let level = 1; level < 64; level++) typed = [typed];
    expectRows(typed, [7], new Array<number>(64).fill(1));
    refused([typed], invalidIds('64 levels'));
  });

  it('reject cycles', () => {
    const loop: unknown[] = [];
    loop.push(loop);
    refused(loop, invalidIds('contains itself at [0]'));
    const later: unknown[] = [[1]];
    later.push(later);
    refused(later, invalidIds('contains itself at [1]'));
    const leaf: unknown[] = [1];
    leaf.push(leaf);
    refused(leaf, invalidIds('contains itself at [1]'));
    const inner: unknown[] = [];
    const outer = [inner];
    inner.push(outer);
    refused(outer, invalidIds('contains itself at [0, 0]'));
  });

  it('can contain the same array twice', () => {
    const row = [1, 2];
    expectRows([row, row], [1, 2, 1, 2], [2, 2]);
  });

  it('with an impossible number of leaves are rejected at the first one', () => {
    let ids: unknown = [1];
    for (let level = 0; level < 5; level++) ids = new Array(1000).fill(ids);
    const error = { class: RangeError, code: 'ERR_TOO_LARGE', fields: { bytes: 4e15, limit: 2 ** 34 } };
    refused(ids, error);
  });

  it('can hold a typed array that is much longer than all ids before it', () => {
    const rows = Array.from({ length: 200_000 }, (_, i) => i % 10);
    const result = table.forward([Int32Array.from(rows)]);
    expect(result.shape).toEqual([1, rows.length, DIM]);
    expectBits(result.data, countingRows(rows, DIM));
  });

  it('report errors of structure before ids out of range', () => {
    refused([99, 1.5], invalidId(1.5, 1));
    refused([2 ** 60, 'x'], invalidId('x', 1));
    refused([[99, 1], [2]], ragged(1, 2, 1));
    refused(
      [
        [-1, 1],
        [2, null],
      ],
      invalidId(null, 3),
    );
    refused([Int32Array.of(99), Float32Array.of(1)], invalidIds('Float32Array'));
  });

  it('accept a shape if they are flat', () => {
    expectRows([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [2, 3], [2, 3]);
    expectRows(
      [
        [1, 2],
        [3, 4],
      ],
      [1, 2, 3, 4],
      [2, 2],
      [2, 2],
    );
    refused(
      [
        [1, 2],
        [3, 4],
      ],
      { class: RangeError, code: 'ERR_SHAPE', text: ['[4]', '[2, 2]'], fields: { shape: [4], own: [2, 2] } },
      { shape: [4] },
    );
    refused(
      [[1, 2, 3]],
      { class: RangeError, code: 'ERR_SHAPE', text: ['[3, 1]', '[1, 3]'] },
      { shape: [3, 1] },
    );
  });
});

describe('nested arrays with side effects', () => {
  /** Two rows, the second behind a getter. */
  function withGetter(get: () => unknown, first: unknown = [1, 2]): unknown[] {
    return Object.defineProperty([first, null], 1, { get, enumerable: true });
  }

  it('can be a Proxy; each element is read once, in order', () => {
    const read: PropertyKey[] = [];
    const proxy = new Proxy([4, 5, 6], {
      get(target, key, receiver) {
        read.push(key);
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
    expectBits(table.forward(proxy).data, countingRows([4, 5, 6], DIM));
    expect(read.filter((key) => typeof key === 'string' && /^\d+$/.test(key))).toEqual(['0', '1', '2']);
    expectRows(proxy, [4, 5, 6], [3]);
  });

  it('can be a Proxy with a wrong length', () => {
    const proxy = new Proxy([1, 2], {
      get: (target, key) => (key === 'length' ? 3 : Reflect.get(target, key)),
    });
    refused(proxy, invalidId(undefined, 2));
    const negative = new Proxy([1], {
      get: (target, key) => (key === 'length' ? -1 : Reflect.get(target, key)),
    });
    refused(negative, invalidId(undefined, 1));
  });

  it('reject a revoked Proxy', () => {
    const { proxy, revoke } = Proxy.revocable([1], {});
    revoke();
    refused(proxy, invalidIds('got'));
    refused([1, proxy], {
      class: TypeError,
      code: 'ERR_INVALID_ID',
      text: 'an object at [1]',
      fields: { position: 1 },
    });
  });

  it('are read once, so a changed second value has no effect', () => {
    let answers = 0;
    const ids = () => {
      answers = 0;
      return withGetter(() => (answers++ === 0 ? [3, 4] : [99]));
    };
    expectBits(raw.forward(ids()).data, countingRows([1, 2, 3, 4], DIM));
    expect(answers).toBe(1);
    const out = painted(4 * DIM);
    raw.forwardInto(ids(), out);
    expectBits(out, countingRows([1, 2, 3, 4], DIM));
    expect(answers).toBe(1);
  });

  it('propagate exceptions of getters, with nothing written', () => {
    const thrown = new SyntaxError('mine');
    const ids = withGetter(() => {
      throw thrown;
    });
    const out = painted(40);
    let caught: unknown;
    try {
      raw.forwardInto(ids, out);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBe(thrown);
    expectPainted(out);
    expect(() => raw.forward(ids)).toThrow(thrown);
    expectRows([1], [1], [1]);
  });

  it('can shrink while they are read', () => {
    const ids: unknown[] = [];
    Object.defineProperty(ids, 0, { get: () => ((ids.length = 2), [1]) });
    ids[2] = [3];
    ids[1] = [2];
    expectError(() => raw.forward(ids), { ...invalidId(undefined, 2), text: 'undefined at [2]' });
    expectBits(raw.forward(ids).data, countingRows([1, 2], DIM));
  });

  it('can shrink the memory of a row that is not read yet', () => {
    const memory = resizable(8, 8);
    const row = new Uint8Array(memory, 4, 2);
    const ids = [withGetter(() => (memory.resize(4), [3, 4])), [row, row]];
    refused(ids, invalidIds('Uint8Array outside its shrunk buffer at [1, 0]'));
  });

  it('can use the same table while they are read', () => {
    let inner: Tensor | undefined;
    const ids = withGetter(() => {
      inner = table.forward([
        [8, 9, 8],
        [9, 8, 9],
      ]);
      raw.forwardInto([BigInt64Array.of(7n)], painted(DIM));
      return [3, 4];
    });
    expectBits(raw.forward(ids).data, countingRows([1, 2, 3, 4], DIM));
    expectBits(inner!.data as Float32Array, countingRows([8, 9, 8, 9, 8, 9], DIM));
  });

  it('can detach, transfer or shorten out', () => {
    const out = painted(12);
    expectError(
      () =>
        raw.forwardInto(
          withGetter(() => (detach(out), [3, 4])),
          out,
        ),
      invalidArray('out', 'detached'),
    );
    const memory = resizable(48, 48);
    const view = new Float32Array(memory);
    const ids = withGetter(() => (memory.resize(44), [3, 4]));
    expectError(() => raw.forwardInto(ids, view), {
      class: RangeError,
      code: 'ERR_SHAPE',
      text: ['11', '12'],
    });
  });

  it('can dispose the table: the lookup fails', () => {
    const gone = countingTable(10, DIM);
    const out = painted(12);
    const ids = withGetter(() => (gone.dispose(), [3, 4]));
    expectError(() => untyped(gone).forwardInto(ids, out), { class: Error, code: 'ERR_DISPOSED' });
    expectPainted(out);
    const another = countingTable(10, DIM);
    const others = withGetter(() => (another.dispose(), [3, 4]));
    expectError(() => untyped(another).forward(others), { class: Error, code: 'ERR_DISPOSED' });
  });
});

describe('typed arrays', () => {
  it.each(KINDS)('of class %o', (Class) => {
    expectRows(arrayOf(Class, [9, 0, 3]), [9, 0, 3], [3]);
    expectRows(arrayOf(Class, []), [], [0]);
    expectRows(arrayOf(Class, [1, 2, 3, 4, 5, 6]), [1, 2, 3, 4, 5, 6], [3, 1, 2], [3, 1, 2]);
    expectRows(arrayOf(Class, []), [], [0, 5], [0, 5]);
    expectRows(arrayOf(Class, [4]), [4], [], []);
    refused(
      arrayOf(Class, [1, 2, 3]),
      { class: RangeError, code: 'ERR_SHAPE', text: ['[2, 2]', '4', '3'] },
      { shape: [2, 2] },
    );
    refused(arrayOf(Class, [1, 2, 12]), outOfRange(elementOf(Class, 12), 2, 10));
    refused(arrayOf(Class, [1, 2, 3, 12]), outOfRange(elementOf(Class, 12), 3, 10, [1, 1]), {
      shape: [2, 2],
    });
  });

  it.each(KINDS)('of class %o at any offset in a larger buffer', (Class) => {
    for (const places of [1, 2, 3, 5]) {
      const memory = new ArrayBuffer(places * Class.BYTES_PER_ELEMENT + 4 * Class.BYTES_PER_ELEMENT);
      new Uint8Array(memory).fill(0xee);
      const view = new Class(memory, places * Class.BYTES_PER_ELEMENT, 3);
      view.set(arrayOf(Class, [7, 8, 9]));
      expectRows(view, [7, 8, 9], [3]);
    }
  });

  it.each(KINDS)('of class %o can contain any id in their range', (Class) => {
    const rows = 66_000;
    const large = countingTable(rows, 1);
    const all = [0, 1, 127, 128, 255, 32_767, 32_768, 65_535, rows - 1];
    const ids = all.filter((id) => Class.of(elementOf(Class, id) as number)[0] === elementOf(Class, id));
    expectBits(large.forward(arrayOf(Class, ids)).data, countingRows(ids, 1));
    large.dispose();
  });

  it.each(SIGNED)('of class %o with negative ids are out of range', (Class) => {
    refused(Class.of(3, -1, 12), outOfRange(-1, 1, 10));
    const lowest = -(2 ** (8 * Class.BYTES_PER_ELEMENT - 1));
    refused(Class.of(lowest), outOfRange(lowest, 0, 10));
  });

  it('of 64 bits can be much longer than all ids before: the first id out of range is reported', () => {
    expectRows([1, 2, 3], [1, 2, 3], [3]);
    const long = BigInt64Array.from({ length: 500_000 }, () => 2n ** 40n);
    long.set([99n, 1n, 2n]);
    expectError(() => raw.forward(long), outOfRange(99n, 0, 10));
  });

  it('without elements share no byte with out', () => {
    const buffer = new ArrayBuffer(64);
    const out = new Float32Array(buffer);
    expect(table.forwardInto(new Int32Array(buffer, 8, 0), out)).toBe(out);
  });

  it('of 64 bits with any integer beyond the table are out of range', () => {
    for (const id of [2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 33n, 2n ** 63n - 1n]) {
      refused(BigInt64Array.of(1n, id), outOfRange(id, 1, 10));
      refused(BigUint64Array.of(1n, id), outOfRange(id, 1, 10));
    }
    refused(BigUint64Array.of(2n ** 64n - 1n), outOfRange(2n ** 64n - 1n, 0, 10));
    refused(BigInt64Array.of(-1n), outOfRange(-1n, 0, 10));
    refused(BigInt64Array.of(0n, -(2n ** 63n)), outOfRange(-(2n ** 63n), 1, 10));
    // The lower position is reported, although the overflow is detected first.
    refused(BigInt64Array.of(0n, 10n, 2n ** 40n), outOfRange(10n, 1, 10));
    refused(BigInt64Array.of(0n, 2n ** 40n, 10n), outOfRange(2n ** 40n, 1, 10));
  });

  it('can be of a class with overridden properties', () => {
    class Liar extends Int32Array {
      override get length(): number {
        return 1;
      }
      override get byteLength(): number {
        return 400;
      }
      override get [Symbol.toStringTag](): 'Int32Array' {
        return 'Float32Array' as 'Int32Array';
      }
    }
    expectRows(Liar.of(1, 2, 3), [1, 2, 3], [3]);
    expectRows([new Liar([1, 2]), new Liar([3, 4])], [1, 2, 3, 4], [2, 2]);
    class Wide extends BigInt64Array {}
    expectRows(new Wide([5n, 6n]), [5, 6], [2]);
  });

  it('of floats are rejected', () => {
    refused(Float32Array.of(1), invalidIds('a Float32Array'));
    refused(new Float64Array(0), invalidIds('a Float64Array'));
    refused(new DataView(new ArrayBuffer(4)), invalidIds('a DataView'));
    refused(new ArrayBuffer(4), invalidIds('an ArrayBuffer'));
    refused(shared(4), invalidIds('a SharedArrayBuffer'));
  });

  it.each(KINDS)('of class %o are rejected once detached', (Class) => {
    refused(detach(arrayOf(Class, [1, 2])), invalidIds(`a detached ${Class.name}`));
    const empty = new Class(0);
    refused(detach(empty), invalidIds(`a detached ${Class.name}`));
    refused(detach(arrayOf(Class, [1, 2])), invalidIds('detached'), { shape: [2] });
  });

  it.each(KINDS)('of class %o can be in resizable memory', (Class) => {
    const size = Class.BYTES_PER_ELEMENT;
    const memory = resizable(4 * size, 8 * size);
    const tracking = new Class(memory, size);
    const fixed = new Class(memory, 2 * size, 2);
    new Class(memory).set(arrayOf(Class, [1, 2, 3, 4]));
    expectRows(tracking, [2, 3, 4], [3]);
    expectRows(fixed, [3, 4], [2]);
    memory.resize(6 * size);
    expectRows(tracking, [2, 3, 4, 0, 0], [5]);
    expectRows(fixed, [3, 4], [2]);
    memory.resize(3 * size);
    expectRows(tracking, [2, 3], [2]);
    refused(fixed, invalidIds(`${Class.name} outside its shrunk buffer`));
    memory.resize(size);
    expectRows(tracking, [], [0]);
    memory.resize(0);
    refused(tracking, invalidIds(`${Class.name} outside its shrunk buffer`));
  });

  it.each(KINDS)('of class %o can be shared', (Class) => {
    const size = Class.BYTES_PER_ELEMENT;
    const view = new Class(shared(8 * size), 3 * size, 4);
    view.set(arrayOf(Class, [4, 3, 2, 1]));
    expectRows(view, [4, 3, 2, 1], [4]);
    expectRows(view, [4, 3, 2, 1], [2, 2], [2, 2]);
    expectRows([view, view], [4, 3, 2, 1, 4, 3, 2, 1], [2, 4]);
    view.set(arrayOf(Class, [4, 3, 12, 11]));
    refused(view, outOfRange(elementOf(Class, 12), 2, 10));
    const memory = growable(2 * size, 4 * size);
    const tracking = new Class(memory);
    expectRows(tracking, [0, 0], [2]);
    memory.grow(3 * size);
    expectRows(tracking, [0, 0, 0], [3]);
    expectRows(new Class(shared(0)), [], [0]);
  });

  it.each(SIGNED)('of class %o can contain negative ids if shared', (Class) => {
    const view = new Class(shared(16));
    view[1] = -5;
    refused(view, outOfRange(-5, 1, 10));
    refused([view], outOfRange(-5, 1, 10, [0, 1]));
  });

  it('of shared memory can be long, then short', () => {
    const long = new Int16Array(shared(2 * 5000));
    long.fill(6);
    expect(table.forward(long).data.every((value, i) => value === 6000 + (i % DIM))).toBe(true);
    expectRows(new Int16Array(shared(4)), [0, 0], [2]);
  });
});

describe('a Tensor', () => {
  it.each(KINDS)('of a %o has its shape', (Class) => {
    expectRows(new Tensor(arrayOf(Class, [1, 2, 3, 4])), [1, 2, 3, 4], [4]);
    expectRows(new Tensor(arrayOf(Class, [1, 2, 3, 4]), { shape: [2, 2] }), [1, 2, 3, 4], [2, 2]);
    expectRows(new Tensor(arrayOf(Class, [1]), { shape: [] }), [1], []);
    expectRows(new Tensor(arrayOf(Class, []), { shape: [3, 0] }), [], [3, 0]);
  });

  it('the error reports the index in its shape', () => {
    refused(new Tensor(Int8Array.of(1, 2, 3, 12), { shape: [2, 2] }), outOfRange(12, 3, 10, [1, 1]));
  });

  it('accepts another shape only if it is flat', () => {
    const flat = new Tensor(Int32Array.of(1, 2, 3, 4));
    expectRows(flat, [1, 2, 3, 4], [2, 2], [2, 2]);
    const square = flat.reshape(2, 2);
    expectRows(square, [1, 2, 3, 4], [2, 2], [2, 2]);
    refused(square, { class: RangeError, code: 'ERR_SHAPE', text: ['[4]', '[2, 2]'] }, { shape: [4] });
    refused(flat, { class: RangeError, code: 'ERR_SHAPE', text: ['[3]', '3', '4'] }, { shape: [3] });
  });

  it('of floats is rejected', () => {
    refused(new Tensor([1, 2]), invalidIds('a Tensor of a Float32Array'));
    refused(new Tensor(new Float64Array(1)), invalidIds('a Tensor of a Float64Array'));
    refused(Tensor.allocate([1]), invalidIds('a Tensor of a Float32Array'));
  });

  it('over a detached or shrunk array is rejected', () => {
    const array = Int32Array.of(1);
    const tensor = new Tensor(array);
    detach(array);
    refused(tensor, invalidIds('a Tensor of a detached Int32Array'));
    const memory = resizable(8, 8);
    const tracking = new Tensor(new Uint8Array(memory), { shape: [2, 4] });
    memory.resize(6);
    refused(tracking, { class: RangeError, code: 'ERR_SHAPE', text: ['[2, 4]', '8', '6'] });
  });

  const brand = Symbol.for('tokenbed.Tensor');

  it('can be from another copy of the package', () => {
    const foreign = { [brand]: true, data: BigInt64Array.of(1n, 2n), shape: [1, 2] };
    expectRows(foreign as unknown as Tensor<'i64'>, [1, 2], [1, 2]);
    refused({ ...foreign, shape: [3] }, { class: RangeError, code: 'ERR_SHAPE', text: ['[3]', '2'] });
  });

  it('needs the brand', () => {
    refused({ data: Int32Array.of(1), shape: [1] }, invalidIds('got'));
    const throwing = Object.defineProperty({ [Symbol.for('tokenbed.Tensor')]: true }, 'data', {
      get() {
        throw null;
      },
    });
    refused(throwing, invalidIds('got'));
  });

  it('needs more than the brand', () => {
    refused({ [brand]: true }, invalidIds('an Object'));
    refused({ [brand]: true, data: [1], shape: [1] }, invalidIds('an Object'));
    refused({ [brand]: true, data: Int8Array.of(1), shape: 1 }, invalidIds('an Object'));
    refused(Tensor.prototype, invalidIds('an Object'));
    refused(Object.create(Tensor.prototype), invalidIds('an Object'));
  });
});

describe('anything else', () => {
  it.each([
    [null, 'null'],
    [true, 'true'],
    [false, 'false'],
    [5n, '5n'],
    ['123', '"123"'],
    [{}, 'an Object'],
    [{ length: 1, 0: 1 }, 'an Object'],
    [new Map([[1, 2]]), 'a Map'],
    [new Set([1]), 'a Set'],
    [() => 1, 'a function'],
    [Symbol('s'), 'a symbol'],
    [Object(5), 'a Number'],
    [new Date(0), 'a Date'],
    [Object.create(null), 'an Object'],
  ])('%o is rejected and described', (ids, came) => {
    refused(ids, invalidIds(`got ${came}`));
    expect(expectError(() => raw.forward(ids), invalidIds(came)).message.length).toBeLessThan(230);
  });

  it('has a short description in the message', () => {
    for (const [ids, came] of [
      [10n ** 10_000n, 'got 1000'],
      ['x'.repeat(10_000), 'got "xxx'],
    ] as const) {
      refused(ids, invalidIds(came));
      expect(expectError(() => raw.forward(ids), invalidIds('...')).message.length).toBeLessThan(230);
    }
  });

  it('a missing argument is rejected', () => {
    refused(undefined, invalidIds('got nothing'));
    expectError(() => raw.forward(), invalidIds('got nothing'));
  });

  it('that throws when inspected is rejected', () => {
    const hostile = {
      get [Symbol.toStringTag](): string {
        throw new Error('mine');
      },
      toString(): string {
        throw new Error('mine');
      },
    };
    refused(hostile, invalidIds('got'));
    refused([hostile], invalidId(hostile, 0));
    refused({ [Symbol.toStringTag]: 'x'.repeat(10_000) }, invalidIds('xxx'));
  });
});

describe('the option shape', () => {
  it.each([
    [null],
    ['2,3'],
    [6],
    [{ length: 1, 0: 6 }],
    [Int32Array.of(2, 3)],
    [[2, '3']],
    [[2, null]],
    [[6n]],
    [[2, undefined]],
    [[[6]]],
    [true],
  ])('must be an array of numbers: %o', (shape) =>
    refused([1, 2, 3, 4, 5, 6], invalidOption(TypeError, 'shape', shape), { shape }),
  );

  it.each([[[-6]], [[-1, 6]], [[1.5, 4]], [[Number.NaN]], [[Infinity]], [[2 ** 53]], [[6, -0.5]]])(
    'must contain valid sizes: %o',
    (shape) => refused([1, 2, 3, 4, 5, 6], invalidOption(RangeError, 'shape', shape), { shape }),
  );

  it.each([[[5]], [[2, 2]], [[]], [[0]], [[6, 0]], [[2 ** 32, 2 ** 32]], [[2 ** 52, 2 ** 12, 6]]])(
    'must have a product equal to the number of ids: %o',
    (shape) => refused([1, 2, 3, 4, 5, 6], { class: RangeError, code: 'ERR_SHAPE', text: '6' }, { shape }),
  );

  it('can have any sizes besides a 0', () => {
    const shape = [...new Array<number>(20).fill(2 ** 53 - 1), 0];
    expect(table.forward([], { shape }).shape).toEqual([...shape, DIM]);
  });

  it('has 0 for -0', () => {
    expect(table.forward([], { shape: [-0, 2] }).shape).toEqual([0, 2, DIM]);
  });

  it('is read once and copied', () => {
    const shape = [2, 2];
    const result = table.forward([1, 2, 3, 4], { shape });
    shape[0] = 9;
    expect(result.shape).toEqual([2, 2, DIM]);
    expect(Object.isFrozen(result.shape)).toBe(true);
    expect(table.forward([1], { shape: [1, -0 + 1] }).shape).toEqual([1, 1, DIM]);
    expect(Object.is(table.forward([], { shape: [-0] }).shape[0], 0)).toBe(true);
  });

  it('can be absent', () => {
    expectBits(table.forward([1], {}).data, countingRows([1], DIM));
    expectBits(table.forward([1], { shape: undefined }).data, countingRows([1], DIM));
  });

  it('is the only option', () => {
    refused(
      [1],
      { ...invalidOption(TypeError, 'startPos', 1), text: 'Unknown option startPos' },
      { startPos: 1 },
    );
    refused([1], invalidOption(TypeError, 'Shape', [1]), { Shape: [1] });
    // The name is checked even if the value is undefined.
    refused([1], invalidOption(TypeError, 'other', undefined), { other: undefined });
  });

  it.each([[null], [[]], [[1]], [true], [5], ['shape'], [() => ({})]])(
    'options must be an object: %o',
    (options) => refused([1], invalidOption(TypeError, 'options', options), options as object),
  );

  it('inherited and symbol keys are ignored', () => {
    const options = Object.assign(Object.create({ other: 1 }) as object, {
      [Symbol('other')]: 1,
      shape: [1, 1],
    });
    expect(table.forward([1], options).shape).toEqual([1, 1, DIM]);
  });
});

describe('the order of the checks', () => {
  const short = () => painted(2);

  it('options are checked before ids and out', () => {
    expectError(() => raw.forwardInto('x', 'x', { other: 1 }), invalidOption(TypeError, 'other', 1));
    expectError(() => raw.forwardInto('x', 'x', { shape: 1 }), invalidOption(TypeError, 'shape', 1));
    expectError(() => raw.forwardInto('x', 'x', { shape: [1.5] }), invalidOption(RangeError, 'shape', [1.5]));
    expectError(() => raw.forward('x', { shape: 1, other: 2 }), invalidOption(TypeError, 'other', 2));
  });

  it('the type of ids, then the type of out, then the contents of ids', () => {
    expectError(() => raw.forwardInto('x', 'x'), invalidIds('"x"'));
    expectError(() => raw.forwardInto([1.5], 'x'), invalidArray('out', '"x"'));
    expectError(() => raw.forwardInto([[1], []], null), invalidArray('out', 'null'));
    expectError(() => raw.forwardInto([99], undefined), invalidArray('out', 'nothing'));
    expectError(() => raw.forwardInto(99, new Float64Array(3)), invalidArray('out', 'Float64Array'));
  });

  it('structure, shape, length of out, overlap, id values', () => {
    expectError(() => raw.forwardInto([1.5], short(), { shape: [7] }), invalidId(1.5, 0));
    expectError(() => raw.forwardInto([99, 1], short(), { shape: [7] }), {
      class: RangeError,
      code: 'ERR_SHAPE',
      text: 'Shape [7]',
    });
    expectError(() => raw.forwardInto([99, 1], short()), {
      class: RangeError,
      code: 'ERR_SHAPE',
      text: ['out', 'length 2', '6'],
    });
    const memory = new ArrayBuffer(24);
    const ids = Int32Array.of(99);
    const inside = new Int32Array(memory, 0, 1).fill(99);
    expectError(() => raw.forwardInto(inside, new Float32Array(memory, 0, 2)), {
      class: RangeError,
      code: 'ERR_SHAPE',
    });
    expectError(() => raw.forwardInto(inside, new Float32Array(memory)), {
      class: RangeError,
      code: 'ERR_OVERLAP',
    });
    expectError(() => raw.forwardInto(ids, painted(3)), outOfRange(99, 0, 10));
  });
});

describe('out and ids in one buffer', () => {
  /** Ids of class `Class` at byte `from` and an `out` of 6 floats at byte 64 of the same buffer. */
  function both(Class: Class, memory: ArrayBufferLike, from: number, count: number) {
    const ids = new Class(memory, from, count);
    const out = new Float32Array(memory, 64, 6);
    return { ids, out };
  }

  const memories = [
    ['ordinary', () => new ArrayBuffer(160)],
    ['shared', () => shared(160)],
    ['resizable', () => resizable(160, 320)],
  ] as const;

  for (const [name, make] of memories) {
    it.each(KINDS)(`are rejected if and only if they overlap: ${name} memory, %o`, (Class) => {
      const size = Class.BYTES_PER_ELEMENT;
      const meeting = [64, 72, 80, 64 - size, 64 + 24 - size].filter((from) => from % size === 0);
      for (const from of meeting) {
        const { ids, out } = both(Class, make(), from, 2);
        const before = new Uint8Array(out.buffer.slice(0));
        expectError(() => table.forwardInto(ids, out), {
          class: RangeError,
          code: 'ERR_OVERLAP',
          text: ['out', 'ids'],
        });
        expect(new Uint8Array(out.buffer.slice(0))).toEqual(before);
        const tensor = new Tensor(ids, { shape: [2, 1] });
        expectError(() => table.forwardInto(tensor, new Tensor(out)), {
          class: RangeError,
          code: 'ERR_OVERLAP',
        });
      }
      for (const from of [64 - 2 * size, 64 + 24, 0, 128]) {
        const { ids, out } = both(Class, make(), from, 2);
        table.forwardInto(ids, out);
        expectBits(out, countingRows([0, 0], DIM));
      }
      // Without elements there are no shared bytes.
      const { ids, out } = both(Class, make(), 72, 0);
      expect(table.forwardInto(ids, out)).toBe(out);
    });
  }

  it('can overlap for nested ids, which are read first', () => {
    const memory = new ArrayBuffer(24);
    const row = new Int32Array(memory, 4, 2).fill(3);
    const out = new Float32Array(memory);
    table.forwardInto([row], out);
    expectBits(out, countingRows([3, 3], DIM));
  });

  it('can have the same offset in two buffers', () => {
    const out = painted(3);
    table.forwardInto(new Int32Array(new ArrayBuffer(4)), out);
    expectBits(out, countingRows([0], DIM));
  });
});
