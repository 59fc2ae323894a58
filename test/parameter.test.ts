/** Parameter: reading and writing the rows of a table as f32 copies. */

import { type Embedding, Parameter, Tensor } from 'tokenbed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answersThroughout, countingRows, countingTable } from './helpers/backend.js';
import { expectBits, expectPainted, fromBits, painted } from './helpers/bits.js';
import { type Expected, expectError, invalidArray, outOfRange } from './helpers/errors.js';
import { detach, resizable, shared } from './helpers/memory.js';

answersThroughout();

const [ROWS, DIM] = [6, 3];
let embedding: Embedding;
let weight: Parameter;
/** The same object without types. */
let raw: Record<'row' | 'set' | 'setRows', (...args: unknown[]) => unknown>;
beforeEach(() => {
  embedding = countingTable(ROWS, DIM);
  ({ weight } = embedding);
  raw = weight as unknown as typeof raw;
});
afterEach(() => embedding.dispose());

const all = [0, 1, 2, 3, 4, 5];

/** Expects an error that leaves the table unchanged. */
function refused(run: () => unknown, expected: Expected): void {
  expectError(run, expected);
  expectBits(weight.toTensor().data, countingRows(all, DIM));
}

/** `ERR_SHAPE` with the received length and a part of the message. */
const misfit = (length: number, ...text: string[]): Expected => ({
  class: RangeError,
  code: 'ERR_SHAPE',
  text: [`length ${length}`, ...text],
  fields: { length },
});

const badRow = (row: number): Expected => ({
  ...outOfRange(row, 0, ROWS),
  text: `Token indices must be in range [0, ${ROWS}): got row ${row}`,
});

describe('shape, dtype and size', () => {
  it('are those of the table', () => {
    expect(weight).toBeInstanceOf(Parameter);
    expect(weight.shape).toEqual([ROWS, DIM]);
    expect(weight.size).toBe(ROWS * DIM);
    expect(weight.dtype).toBe('f32');
    expect('data' in weight).toBe(false);
  });
});

describe('row', () => {
  it('returns a copy in a new array', () => {
    const row = weight.row(2);
    expectBits(row, [2000, 2001, 2002]);
    expect(row.byteOffset).toBe(0);
    expect(row.buffer.byteLength).toBe(DIM * 4);
    row.fill(0);
    expectBits(weight.row(2), [2000, 2001, 2002]);
    expectBits(weight.row(0), [0, 1, 2]);
    expectBits(weight.row(-0), [0, 1, 2]);
    expectBits(weight.row(5), [5000, 5001, 5002]);
  });

  it('writes to out; the rest of it is untouched', () => {
    const out = painted(5);
    expect(weight.row(1, out)).toBe(out);
    expectBits(out.subarray(0, 3), [1000, 1001, 1002]);
    expectPainted(out, 3);
    const inside = painted(9);
    weight.row(4, inside.subarray(4, 8));
    expectBits(inside.slice(4, 7), [4000, 4001, 4002]);
    expectPainted(inside.subarray(0, 4));
    expectPainted(inside, 7);
    const parallel = new Float32Array(shared(12));
    expectBits(weight.row(3, parallel), [3000, 3001, 3002]);
  });

  it('rejects rows out of range', () => {
    const out = painted(3);
    for (const row of [6, -1, 2 ** 32, 2 ** 53, 0.5, Number.NaN, Infinity, -Infinity]) {
      refused(() => weight.row(row), badRow(row));
      refused(() => weight.row(row, out), badRow(row));
    }
    expectPainted(out);
  });

  it.each([['1'], [1n], [null], [undefined], [[1]], [{}], [true], [Symbol('1')], [Object.create(null)]])(
    'rejects a row that is not a number: %o',
    (row) =>
      refused(() => raw.row(row), { class: TypeError, code: 'ERR_INVALID_ID', fields: { value: row } }),
  );

  it('rejects an out of another type or a short one', () => {
    const short = painted(2);
    refused(() => weight.row(1, short), misfit(2, '3'));
    expectPainted(short);
    for (const out of [null, [0, 0, 0], new Float64Array(3), new Int32Array(3), {}, 'x']) {
      refused(() => raw.row(1, out), invalidArray('out'));
    }
    refused(() => weight.row(1, detach(new Float32Array(3))), invalidArray('out', 'detached'));
    // Checked in order: type of the array, length, row.
    refused(() => raw.row(99, 'x'), invalidArray('out'));
    refused(() => weight.row(99, short), misfit(2));
  });
});

describe('set', () => {
  it('affects the next lookup, but no earlier result', () => {
    const before = embedding.forward([1]);
    for (const values of [
      Float32Array.of(7, 8, 9),
      [7, 8, 9],
      new Tensor([7, 8, 9]),
      new Tensor([[7, 8, 9]]),
    ]) {
      weight.set(1, [0, 0, 0]);
      weight.set(1, values);
      expectBits(embedding.forward([0, 1, 2]).data, [0, 1, 2, 7, 8, 9, 2000, 2001, 2002]);
    }
    expectBits(before.data, [1000, 1001, 1002]);
  });

  it('copies the bits of an array and rounds numbers', () => {
    const special = fromBits(0x7f800001, 0x80000000, 0x00000001);
    weight.set(5, special);
    expectBits(weight.row(5), special);
    weight.set(5, [0.1, 1 + 2 ** -24, -1e-46]);
    expectBits(weight.row(5), [Math.fround(0.1), 1, -0]);
    weight.set(5, [Infinity, -Infinity, 2 ** 127]);
    expectBits(weight.row(5), [Infinity, -Infinity, 2 ** 127]);
  });

  it('does not retain the values', () => {
    const values = Float32Array.of(7, 8, 9);
    weight.set(1, values);
    values.fill(0);
    expectBits(weight.row(1), [7, 8, 9]);
  });

  it('accepts shared, resizable and allocated memory', () => {
    const allocated = Tensor.allocate([3]);
    for (const values of [
      new Float32Array(shared(12)),
      new Float32Array(resizable(12, 24)),
      allocated.data,
    ]) {
      values.set([4, 5, 6]);
      weight.set(2, values);
      expectBits(weight.row(2), [4, 5, 6]);
    }
    weight.set(3, allocated);
    expectBits(weight.row(3), [4, 5, 6]);
    allocated.dispose();
  });

  it('rejects another length', () => {
    for (const values of [[], [1, 2], [1, 2, 3, 4], new Float32Array(2), new Float32Array(6)]) {
      refused(() => weight.set(1, values), misfit(values.length, '3'));
    }
  });

  it('rejects other types; the message names the argument', () => {
    for (const values of [
      undefined,
      null,
      5,
      'abc',
      {},
      new Float64Array(3),
      new Int32Array(3),
      new Tensor(new Int8Array(3)),
    ]) {
      refused(() => raw.set(1, values), invalidArray('values'));
    }
    for (const leaf of ['1', null, undefined, 1n, true, {}]) {
      refused(() => raw.set(1, [0, leaf, 0]), invalidArray('values', 'at [1]'));
    }
    refused(() => weight.set(1, detach(new Float32Array(3))), invalidArray('values', 'detached'));
    refused(() => weight.set(1, [0, 0, 1e300]), {
      class: RangeError,
      code: 'ERR_RANGE',
      fields: { row: 0, column: 2, value: 1e300 },
    });
  });

  it('rejects rows out of range', () => {
    for (const row of [6, -1, 0.5, Number.NaN]) refused(() => weight.set(row, [1, 2, 3]), badRow(row));
    refused(() => raw.set('1', [1, 2, 3]), { class: TypeError, code: 'ERR_INVALID_ID' });
    refused(() => raw.set(99, 'x'), invalidArray('values'));
    refused(() => weight.set(99, [1]), misfit(1));
  });

  it('throws ERR_DISPOSED if a getter in the values disposes the table', () => {
    const values = Object.defineProperty([1, 2, 3], 1, { get: () => (embedding.dispose(), 2) });
    expectError(() => weight.set(0, values), { class: Error, code: 'ERR_DISPOSED' });
  });
});

describe('setRows', () => {
  it('writes consecutive rows', () => {
    weight.setRows(1, Float32Array.of(1, 2, 3, 4, 5, 6));
    expectBits(weight.toTensor().data.subarray(0, 12), [0, 1, 2, 1, 2, 3, 4, 5, 6, 3000, 3001, 3002]);
    weight.setRows(5, Float32Array.of(7, 8, 9));
    expectBits(weight.row(5), [7, 8, 9]);
    weight.setRows(0, new Float32Array(ROWS * DIM));
    expectBits(weight.toTensor().data, new Float32Array(ROWS * DIM));
  });

  it('writes nothing for an empty array', () => {
    weight.setRows(3, new Float32Array(0));
    expectBits(weight.toTensor().data, countingRows(all, DIM));
  });

  it('rejects incomplete rows and rows beyond the table', () => {
    for (const length of [1, 2, 4])
      refused(() => weight.setRows(0, new Float32Array(length)), misfit(length, '3'));
    refused(() => weight.setRows(5, new Float32Array(6)), misfit(6, '1 rows of 3'));
    refused(() => weight.setRows(0, new Float32Array(21)), misfit(21));
    for (const row of [6, -1, 1.5]) refused(() => weight.setRows(row, new Float32Array(3)), badRow(row));
    for (const values of [undefined, null, new Float64Array(3), 'x']) {
      refused(() => raw.setRows(0, values), invalidArray('values'));
    }
  });

  it('writes many rows bit for bit', () => {
    const dim = 130;
    const large = countingTable(5000, dim);
    const values = Float32Array.from({ length: 4990 * dim }, (_, i) => i);
    large.weight.setRows(7, values);
    const table = large.weight.toTensor().data;
    expectBits(table.subarray(7 * dim, 4997 * dim), values);
    expectBits(table.slice(0, 7 * dim), countingRows([0, 1, 2, 3, 4, 5, 6], dim));
    expectBits(table.slice(4997 * dim), countingRows([4997, 4998, 4999], dim));
    large.dispose();
  });
});

describe('toTensor', () => {
  it('returns a copy of the table with its shape', () => {
    const tensor = weight.toTensor();
    expect(tensor.shape).toEqual([ROWS, DIM]);
    expectBits(tensor.data, countingRows(all, DIM));
    tensor.data.fill(0);
    expectBits(weight.row(1), [1000, 1001, 1002]);
    weight.set(0, [9, 9, 9]);
    expectBits(tensor.data, new Float32Array(ROWS * DIM));
  });
});
