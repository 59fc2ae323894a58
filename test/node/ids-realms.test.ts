/** Arrays and Tensors from another realm, from a Buffer, and from a second copy of the package. */

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { type Embedding, type IdsInput, Tensor } from 'tokenbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersThroughout, countingRows, countingTable, untyped } from '../helpers/backend.js';
import { expectBits, expectPainted, painted } from '../helpers/bits.js';
import { expectError, invalidArray, invalidId, invalidIds, outOfRange } from '../helpers/errors.js';

answersThroughout();

const DIM = 2;
let table: Embedding;
beforeAll(() => {
  table = countingTable(10, DIM);
});
afterAll(() => table.dispose());

function expectRows(ids: IdsInput, rows: readonly number[], shape: readonly number[]): void {
  const result = table.forward(ids);
  expect(result.shape).toEqual([...shape, DIM]);
  expectBits(result.data, countingRows(rows, DIM));
  const out = painted(rows.length * DIM + 1);
  table.forwardInto(ids, out);
  expectBits(out.slice(0, -1), countingRows(rows, DIM));
  expectPainted(out, rows.length * DIM);
}

describe('another realm', () => {
  const realm = createContext({});
  const there = <T>(code: string): T => runInContext(code, realm) as T;

  it('is really separate', () => {
    expect(there<object>('[1]')).not.toBeInstanceOf(Array);
    expect(there<object>('Int32Array.of(1)')).not.toBeInstanceOf(Int32Array);
  });

  it.each(['Int8', 'Uint8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32'])(
    'its %sArray can contain ids',
    (name) => {
      expectRows(there(`${name}Array.of(3, 1, 2)`), [3, 1, 2], [3]);
      expectRows(there(`new ${name}Array(new SharedArrayBuffer(12), 4, 2)`), [0, 0], [2]);
      expectRows(there(`[${name}Array.of(3, 1), [2, 2]]`), [3, 1, 2, 2], [2, 2]);
    },
  );

  it.each(['BigInt64', 'BigUint64'])('its %sArray can contain ids', (name) => {
    expectRows(there(`${name}Array.of(3n, 1n)`), [3, 1], [2]);
    expectError(() => table.forward(there<IdsInput>(`${name}Array.of(12n)`)), outOfRange(12n, 0, 10));
  });

  it('its arrays can be nested', () => {
    expectRows(there('[[1, 2], [3, 4]]'), [1, 2, 3, 4], [2, 2]);
    expectRows([there<number[]>('[1, 2]'), [3, 4]], [1, 2, 3, 4], [2, 2]);
    expectRows(there('[]'), [], [0]);
    expectError(() => table.forward(there<IdsInput>('[[1], []]')), { class: TypeError, code: 'ERR_RAGGED' });
  });

  it('its Float32Array can be out and weights', () => {
    const out = there<Float32Array>('new Float32Array(5).fill(7)');
    expect(table.forwardInto([4, 5], out)).toBe(out);
    expectBits(Float32Array.from(out), [4000, 4001, 5000, 5001, 7]);
    const other = countingTable(3, 2);
    other.weight.set(1, there<Float32Array>('Float32Array.of(8, 9)'));
    other.weight.set(2, there<number[]>('[6, 7]'));
    expectBits(other.forward([1, 2]).data, [8, 9, 6, 7]);
    other.dispose();
  });

  it('its objects can be options, its arrays shapes', () => {
    const options = there<{ shape: number[] }>('({ shape: [2, 1] })');
    expect(table.forward([1, 2], options).shape).toEqual([2, 1, DIM]);
  });

  it('overlaps are detected', () => {
    const [ids, out] = there<[Int32Array, Float32Array]>(
      'const memory = new ArrayBuffer(16); [new Int32Array(memory, 4, 1), new Float32Array(memory)]',
    );
    expectError(() => table.forwardInto(ids, out), { class: RangeError, code: 'ERR_OVERLAP' });
  });

  it('its other values are rejected with the same errors', () => {
    const raw = untyped(table);
    expectError(() => raw.forward(there('new Map()')), invalidIds('a Map'));
    expectError(() => raw.forward(there('Float64Array.of(1)')), invalidIds('a Float64Array'));
    expectError(() => raw.forward(there('[1.5]')), invalidId(1.5, 0));
    expectError(() => raw.forwardInto([1], there('new Int32Array(2)')), invalidArray('out', 'Int32Array'));
  });
});

describe('a Buffer', () => {
  it('can contain ids at any offset of its pool', () => {
    for (let i = 0; i < 9; i++) {
      Buffer.from('x'.repeat(i));
      const ids = Buffer.from([7, 8, i]);
      expectRows(ids, [7, 8, i], [3]);
      expectRows([ids.subarray(1), ids.subarray(0, 2)], [8, i, 7, 8], [2, 2]);
      expectRows(new Tensor(ids, { shape: [3, 1] }), [7, 8, i], [3, 1]);
    }
    expectError(() => table.forward(Buffer.from([0, 10])), outOfRange(10, 1, 10));
    expectRows(Buffer.alloc(0), [], [0]);
  });
});

describe('a second copy of the package', () => {
  let folder: string;
  let other: { Tensor: typeof Tensor };
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tokenbed-copy-'));
    const root = fileURLToPath(new URL('../../', import.meta.url));
    await cp(path.join(root, 'dist'), path.join(folder, 'dist'), { recursive: true });
    await cp(path.join(root, 'package.json'), path.join(folder, 'package.json'));
    other = (await import(pathToFileURL(path.join(folder, 'dist/index.mjs')).href)) as typeof other;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is really separate', () => {
    expect(other.Tensor).not.toBe(Tensor);
    expect(new other.Tensor([1])).not.toBeInstanceOf(Tensor);
  });

  it('creates Tensors that can be ids', () => {
    expectRows(new other.Tensor(Int32Array.of(1, 2, 3, 4), { shape: [2, 2] }), [1, 2, 3, 4], [2, 2]);
    expectRows(new other.Tensor(BigInt64Array.of(5n)), [5], [1]);
    expectError(() => table.forward(new other.Tensor(Int8Array.of(10))), outOfRange(10, 0, 10));
    expectError(
      () => untyped(table).forward(new other.Tensor([1])),
      invalidIds('a Tensor of a Float32Array'),
    );
  });

  it('creates Tensors that can be out', () => {
    const out = new other.Tensor(painted(3));
    expect(table.forwardInto(5, out)).toBe(out);
    expectBits(out.data.slice(0, 2), countingRows([5], DIM));
    expectPainted(out.data, 2);
    const allocated = other.Tensor.allocate([1, 2]);
    expectBits(table.forwardInto([5], allocated).data, countingRows([5], DIM));
    allocated.dispose();
    expectError(() => table.forwardInto([5], allocated), { class: Error, code: 'ERR_DISPOSED' });
  });
});
