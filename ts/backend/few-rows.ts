/**
 * Lookups of a few rows, copied by JavaScript itself: for them the way over the border takes longer than the copy.
 *
 * ```
 * few or no ids of which one is out of range: false, nothing was done, ask the kernel
 * each id read once, checked, then: out[r] = a view of row id
 * ```
 * Reading an id once makes ids on a SharedArrayBuffer as good as any. `set` from a Float32Array into another one
 * moves bytes, so NaNs keep their payload; a loop over elements would not promise that (and took 2 to 5 times as long
 * from 64 columns on).
 *
 * The memory is asked for at every call: on a growing memory a view may have been emptied, and after `dispose`
 * or a trap there is none. Views made here are handed to nobody.
 */

import type { IdArray } from '../args/arrays.js';
import type { TableSpec } from '../table-spec.js';

/**
 * Tables of up to so many rows keep a view of each row that was looked up. Making one is half the cost of a copied
 * row: kept ones gave 1.9 to 2.9 times the speed at 64 to 384 columns while the table is in cache. In large tables the
 * views themselves would be the cache misses (0.7 to 0.9).
 */
const KEPT_ROWS = 4096;

/** The most rows that are ever few: there is room for their ids. */
const ROOM = 16;
const read = new Uint32Array(ROOM);

const { set, subarray } = Float32Array.prototype;

/** The rows of one table as JavaScript sees them. */
export class FewRows {
  #view: Float32Array | null = null;
  #kept: (Float32Array | undefined)[] | null = null;
  readonly #rows: number;
  readonly #dim: number;
  readonly #most: number;
  #memory: () => Float32Array | null;

  /** `most`: how many rows are few; `memory`: the table's values right now, `null` where JavaScript cannot see them. */
  constructor({ rows, dim }: TableSpec, most: number, memory: () => Float32Array | null) {
    this.#rows = rows;
    this.#dim = dim;
    this.#most = Math.min(most, ROOM);
    this.#memory = memory;
  }

  /** out = rows `ids[0 .. count]`, and true; or false, with nothing written. `out` is long enough. */
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

  /** Another view than before: what was kept is of old memory. */
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

  /** Lets go of all views, and of the memory. */
  forget(): void {
    this.#memory = () => null;
    this.#view = null;
    this.#kept = null;
  }
}
