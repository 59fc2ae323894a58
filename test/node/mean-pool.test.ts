/**
 * Means of texts by the kernels: the published vectors, which crates/vectors generates from the reference, bit for bit; what a
 * status names; and the arrays, which may be longer than the call needs.
 */

import { describe, expect, it } from 'vitest';
import type { PoolRecord } from '../../dist/backend/contract.cjs';
import { activeBackend } from '../../dist/backend/index.cjs';
import { answersThroughout } from '../helpers/backend.js';
import { bits } from '../helpers/bits.js';
import file from '../vectors/mean-pool.json' with { type: 'json' };

answersThroughout();

const { kernels } = activeBackend();

/** 32-bit words, eight hexadecimal digits each. */
function words(text: string): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(text.match(/.{8}/g) ?? [], (digits) => Number.parseInt(digits, 16));
}

const floats = (text: string): Float32Array => new Float32Array(words(text).buffer);

/** The bits of `values`, with all NaNs equal. */
const computed = (values: Float32Array): Uint32Array =>
  bits(values).map((word, i) => (Number.isNaN(values[i]) ? 0x7fc0_0000 : word));

/** A table with these values. */
function tableOf(values: Float32Array, dim: number): number {
  const table = kernels.tableCreate({ rows: values.length / dim, dim, dtype: 'f32', zeros: false })!;
  expect(kernels.tableWrite(table, 0, values)).toBe(-1);
  return table;
}

interface Case {
  name: string;
  embeddingDim: number;
  table: string;
  mapping?: number[];
  weights?: string;
  preciseWeights?: number[];
  rounded?: boolean;
  norm?: string;
  ids: number[];
  offsets: number[];
  out: string;
}

describe('the published vectors', () => {
  it.each((file.cases as Case[]).map((each) => [each.name, each] as const))('%s', (_name, each) => {
    const { embeddingDim: dim, mapping, weights, preciseWeights, rounded, norm } = each;
    const table = tableOf(floats(each.table), dim);
    const record: PoolRecord = { table };
    if (mapping !== undefined) record.mapping = Uint32Array.from(mapping);
    if (weights !== undefined) record.weights = floats(weights);
    if (preciseWeights !== undefined) record.preciseWeights = Float64Array.from(preciseWeights);
    if (rounded !== undefined) record.rounded = rounded;
    if (norm !== undefined) record.norm = norm;
    const pool = kernels.poolCreate(record);
    // The arrays were copied.
    record.mapping?.fill(0xffff_ffff);
    record.weights?.fill(NaN);
    record.preciseWeights?.fill(NaN);
    const texts = each.offsets.length - 1;
    const out = new Float32Array(texts * dim);
    const [ids, offsets] = [Uint32Array.from(each.ids), Uint32Array.from(each.offsets)];
    expect(kernels.poolRun(pool, ids, offsets, texts, out)).toBe(-1);
    expect(computed(out)).toEqual(words(each.out));
    kernels.free(pool);
    kernels.free(table);
  });
});

describe('poolRun', () => {
  const dim = 3;
  const table = tableOf(
    Float32Array.from({ length: 4 * dim }, (_, i) => i),
    dim,
  );
  const pool = kernels.poolCreate({ table });
  const mapped = kernels.poolCreate({ table, mapping: new Uint32Array([3, 3, 0, 1, 2, 2]) });

  it('reads only the ids and offsets of the texts, and writes only their rows', () => {
    const out = new Float32Array(4 * dim).fill(7);
    const ids = new Uint32Array([1, 3, 0, 99]);
    const offsets = new Uint32Array([0, 2, 3, 1]);
    expect(kernels.poolRun(pool, ids, offsets, 2, out.subarray(1))).toBe(-1);
    expect([...out]).toEqual([7, 6, 7, 8, 0, 1, 2, 7, 7, 7, 7, 7]);
    expect(kernels.poolRun(pool, ids, offsets, 0, out)).toBe(-1);
    expect(kernels.poolRun(pool, ids, offsets, 1, out)).toBe(-1);
    expect([...out].slice(0, 4)).toEqual([6, 7, 8, 8]);
  });

  it('names the first bad id or offset, and writes nothing', () => {
    const out = new Float32Array(2 * dim).fill(7);
    const run = (of: number, ids: number[], offsets: number[]): number =>
      kernels.poolRun(of, Uint32Array.from(ids), Uint32Array.from(offsets), offsets.length - 1, out);
    expect(run(pool, [0, 4, 5], [0, 1, 3])).toBe(1);
    expect(run(pool, [0, 4, 5], [0, 1, 1])).toBe(-1);
    out.fill(7);
    expect(run(mapped, [5, 6, 7], [0, 1, 3])).toBe(1);
    expect(run(pool, [0, 1, 2], [1, 2, 3])).toBe(-2);
    expect(run(pool, [0, 1, 2], [0, 2, 1])).toBe(-4);
    expect(run(pool, [0, 1, 2], [0, 2, 4])).toBe(-4);
    expect(run(pool, [0, 1, 2], [0, 4_294_967_295, 3])).toBe(-3);
    expect([...out]).toEqual(Array.from(out, () => 7));
  });

  it.each([[150_001], [131_072]])('rows of %i columns, which are longer than a tile', (wide) => {
    const values = Float32Array.from({ length: 2 * wide }, (_, i) => ((i * 7919) % 1013) - 500);
    const rows = tableOf(values, wide);
    for (const norm of ['model2vec', 'sentence-transformers']) {
      for (const preciseWeights of [undefined, new Float64Array([1, 1])]) {
        const op = kernels.poolCreate({ table: rows, norm, ...(preciseWeights && { preciseWeights }) });
        const out = new Float32Array(2 * wide);
        const [ids, offsets] = [new Uint32Array([0, 1, 1]), new Uint32Array([0, 1, 3])];
        expect(kernels.poolRun(op, ids, offsets, 2, out)).toBe(-1);
        // Sums of squares of integers below 2^53 are exact in f64; the order of f32 changes 1 in 100,000.
        for (const [text, row] of [
          [0, values.subarray(0, wide)],
          [1, values.subarray(wide)],
        ] as const) {
          const root = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
          const worst = out
            .subarray(text * wide, (text + 1) * wide)
            .reduce((most, x, c) => Math.max(most, Math.abs(x * root - row[c]!)), 0);
          expect(worst).toBeLessThan(0.01);
        }
        kernels.free(op);
      }
    }
    kernels.free(rows);
  });

  it('reads ids in tiles: more than 65,536 ids and texts', () => {
    const texts = 70_000;
    const ids = Uint32Array.from({ length: 2 * texts }, (_, i) => (i >> 1) % 4);
    const offsets = Uint32Array.from({ length: texts + 1 }, (_, i) => 2 * i);
    const out = new Float32Array(texts * dim);
    expect(kernels.poolRun(pool, ids, offsets, texts, out)).toBe(-1);
    expect(out.findIndex((x, i) => x !== i % (4 * dim))).toBe(-1);
    // One text of all ids.
    expect(kernels.poolRun(pool, ids, new Uint32Array([0, ids.length]), 1, out)).toBe(-1);
    expect([...out.subarray(0, dim)]).toEqual([4.5, 5.5, 6.5]);
  });
});

describe('poolCreate', () => {
  const table = tableOf(new Float32Array(6), 2);
  const internal = (record: Omit<PoolRecord, 'table'>, message: string): void => {
    expect(() => kernels.poolCreate({ table, ...record })).toThrow(
      expect.objectContaining({ code: 'ERR_INTERNAL', message: expect.stringContaining(message) }),
    );
  };

  it('refuses what its caller has checked', () => {
    internal({ mapping: new Uint32Array([0, 3]) }, 'rows of the table');
    internal({ weights: new Float32Array(4) }, 'a weight for each token');
    internal({ preciseWeights: new Float64Array(4) }, 'a weight for each token');
    internal({ mapping: new Uint32Array(2), weights: new Float32Array(3) }, 'a weight for each token');
    internal({ weights: new Float32Array(3), preciseWeights: new Float64Array(3) }, 'weights of one type');
    internal({ norm: 'l2' }, 'the name of a norm');
  });

  it('takes fewer weights than rows: ids are below their number', () => {
    const pool = kernels.poolCreate({ table, weights: new Float32Array(2) });
    const run = (id: number): number =>
      kernels.poolRun(pool, new Uint32Array([id]), new Uint32Array([0, 1]), 1, new Float32Array(2));
    expect([run(1), run(2)]).toEqual([-1, 0]);
  });
});
