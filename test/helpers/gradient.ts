/** The gradient of a table in plain loops: what docs/contract.md says, line by line. */

import type { Parameter } from 'tokenbed';
import { expect } from 'vitest';
import { bits, type Comparison, expectBits } from './bits.js';

/** The rows that occurred, and the sum of the contributions to each. */
export class Sums {
  readonly #rows = new Map<number, Float32Array>();

  constructor(
    readonly dim: number,
    readonly padding: number | null = null,
  ) {}

  /** Adds row i of `contributions` to row `ids[i]`, in order; with `byFreq` divided by the number of those to the row. */
  add(ids: readonly number[], contributions: Float32Array, byFreq = false): this {
    const counts = new Map<number, number>();
    for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
    ids.forEach((id, i) => {
      if (id === this.padding) return;
      const c = contributions.slice(i * this.dim, (i + 1) * this.dim); // bit for bit
      if (byFreq) c.forEach((x, d) => (c[d] = x / counts.get(id)!));
      const sum = this.#rows.get(id);
      if (sum === undefined) this.#rows.set(id, c);
      else sum.forEach((g, d) => (sum[d] = g + c[d]!));
    });
    return this;
  }

  /** The rows, ascending. */
  get rows(): number[] {
    return [...this.#rows.keys()].sort((a, b) => a - b);
  }

  /** The sums, in the order of the rows. */
  get values(): Float32Array {
    const { rows, dim } = this;
    const values = new Float32Array(rows.length * dim);
    rows.forEach((row, i) => values.set(this.#rows.get(row)!, i * dim));
    return values;
  }

  /** The sum of a row. */
  row(row: number): Float32Array | undefined {
    return this.#rows.get(row);
  }
}

/** Expects that the gradient of a parameter has exactly these rows and bits. */
export function expectGradient(parameter: Parameter, sums: Sums, comparison: Comparison = {}): void {
  const { grad } = parameter;
  expect(grad, 'there is a gradient').not.toBeNull();
  expect([...grad!.rows]).toEqual(sums.rows);
  expect(grad!.count).toBe(sums.rows.length);
  expect(grad!.values.shape).toEqual([sums.rows.length, sums.dim]);
  expectBits(grad!.values.data, sums.values, comparison);
}

/** Everything that a failed call must leave as it is: bits of the table, and rows and bits of its gradient. */
export function contentsOf({ weight }: { readonly weight: Parameter }): unknown {
  const { grad } = weight;
  return {
    table: bits(weight.toTensor().data),
    grad: grad && { object: grad, rows: grad.rows, values: bits(grad.values.data) },
  };
}

/** `ids` whose first entry is read by a getter that calls `run` first. */
export function trapped(ids: readonly number[], run: () => void): number[] {
  const array = [...ids];
  Object.defineProperty(array, 0, {
    get: () => {
      run();
      return ids[0];
    },
  });
  return array;
}

/** Numbers without a pattern, of both signs, whose sums round. */
export const numbers = (length: number, seed = 1): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, (_, i) => Math.sin((i + 1) * 1.7 * seed) * 10 ** (i % 3));
