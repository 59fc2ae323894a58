/** Owners of handles, the same on both backends. The backends pass in how to release the memory. */

import type { IdArray } from '../args/arrays.js';
import { disposedError } from '../errors.js';
import type { TableSpec } from '../table-spec.js';
import type { Backend, Handle, Table } from './contract.js';
import type { FewRows } from './few-rows.js';

/** Frees a handle and its memory. */
export type Release = () => void;

const finalizer = new FinalizationRegistry<Release>((release) => release());

/** A handle that is released once: by `dispose()`, or by a finalizer. */
export class OwnedHandle implements Handle {
  #number: number;
  #release: Release | null;

  /** `release` must not refer to this owner; otherwise the finalizer would never run. */
  constructor(handle: number, release: Release) {
    this.#number = handle;
    this.#release = release;
    finalizer.register(this, release, this);
  }

  get disposed(): boolean {
    return this.#release === null;
  }

  handle(): number {
    if (this.#release === null) throw disposedError('The table');
    return this.#number;
  }

  dispose(): void {
    const release = this.#release;
    if (release === null) return;
    this.#release = null;
    finalizer.unregister(this);
    release();
  }
}

/**
 * Ordinary memory as large as an object in linear memory, never touched and so never resident.
 *
 * The garbage collector does not see linear memory. Without ballast, 10,000 unreachable tables of 1 MiB look like some
 * small objects, and it may never run the finalizers that free them.
 */
export function ballast(bytes: number): ArrayBuffer | null {
  try {
    return new ArrayBuffer(Math.min(bytes, 256 * 2 ** 20));
  } catch {
    return null;
  }
}

/** A table that owns its handle. */
export class OwnedTable extends OwnedHandle implements Table {
  readonly rows: number;
  readonly dim: number;

  constructor(
    readonly backend: Backend,
    readonly spec: TableSpec,
    handle: number,
    release: Release,
    private readonly few: FewRows,
  ) {
    super(handle, release);
    this.rows = spec.rows;
    this.dim = spec.dim;
  }

  copyFew(ids: IdArray, count: number, out: Float32Array): boolean {
    this.handle();
    return this.few.copy(ids, count, out);
  }

  override dispose(): void {
    super.dispose();
    this.few.forget();
  }
}
