/**
 * Lookups of a few rows, copied in JavaScript: here the call of a kernel takes longer than the copy.
 *
 * ```
 * too many ids, or an id out of range: returns false and does nothing; the caller calls the kernel
 * otherwise: reads and checks each id once, then out[r] = row id
 * ```
 * Each id is read once, so ids on a SharedArrayBuffer are safe. `set` from one Float32Array into another moves bytes,
 * so NaNs keep their payload. A loop over elements does not guarantee that, and took 2 to 5 times as long from 64
 * columns on.
 *
 * Each call gets the memory anew: growth may have detached a view, and after `dispose` or a trap there is no memory.
 * Views made here never leave this file.
 */

import type { IdArray } from '../args/arrays.js';
import type { TableSpec } from '../table-spec.js';

/**
 * Tables of up to this many rows cache a view of each row that was looked up. Creating a view is half the cost of
 * copying a row: caching made lookups 1.9 to 2.9 times as fast at 64 to 384 columns while the table is in cache. In
 * large tables the views themselves cause cache misses (0.7 to 0.9 times as fast).
 */
const KEPT_ROWS = 4096;

/** The upper limit of `most`: the length of the buffer of ids. */
const ROOM = 16;
const read = new Uint32Array(ROOM);

const { set, subarray } = Float32Array.prototype;

/** The rows of one table, copied in JavaScript. */
export class FewRows {
  #view: Float32Array | null = null;
  #kept: (Float32Array | undefined)[] | null = null;
  readonly #rows: number;
  readonly #dim: number;
  readonly #most: number;
  #memory: () => Float32Array | null;

  /** `most`: the most rows to copy here; `memory`: the current values of the table, `null` if they are inaccessible. */
  constructor({ rows, dim }: TableSpec, most: number, memory: () => Float32Array | null) {
    this.#rows = rows;
    this.#dim = dim;
    this.#most = Math.min(most, ROOM);
    this.#memory = memory;
  }

  /** out = rows `ids[0 .. count]`. Returns false if it wrote nothing. `out` must be long enough. */
  copy(ids: IdArray, count: number, out: Float32Array): boolean {
    if (count > this.#most) return false;
    for (let r = 0; r < count; r++) {
      const id = ids[r]!;
      if (!(id >= 0 && id < this.#rows)) return false;
      read[r] = id;
    }
    const view = this.#memory();
    if (view === null) return false;
    if (view !== this.#view) this.#see(view);
    if (count === 1) {
      set.call(out, this.#row(view, read[0]!));
    } else {
      for (let r = 0; r < count; r++) set.call(out, this.#row(view, read[r]!), r * this.#dim);
    }
    return true;
  }

  /** Switches to a new view and drops the cached views, which are of old memory. */
  #see(view: Float32Array): void {
    this.#view = view;
    this.#kept = this.#rows <= KEPT_ROWS ? new Array<undefined>(this.#rows).fill(undefined) : null;
  }

  #row(view: Float32Array, id: number): Float32Array {
    const kept = this.#kept;
    const start = id * this.#dim;
    if (kept === null) return subarray.call(view, start, start + this.#dim);
    return (kept[id] ??= subarray.call(view, start, start + this.#dim));
  }

  /** Drops all views and the memory. */
  forget(): void {
    this.#memory = () => null;
    this.#view = null;
    this.#kept = null;
  }
}
