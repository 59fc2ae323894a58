/** The owner of a table's handle, the same on both backends: what differs is how memory comes and goes. */

import { disposedError } from '../errors.js';
import type { Backend, Table } from './backend.js';

/** Gives memory back: the handle and all that belongs to it. */
export type Release = () => void;

const finalizer = new FinalizationRegistry<Release>((release) => release());

/** A table that frees its memory once: by `dispose()`, or after the last reference to it is gone. */
export class OwnedTable implements Table {
  #release: Release | null;

  constructor(
    readonly backend: Backend,
    readonly rows: number,
    readonly dim: number,
    private readonly number: number,
    /** Must not refer to this table, or the finalizer would never run. */
    release: Release,
  ) {
    this.#release = release;
    finalizer.register(this, release, this);
  }

  get disposed(): boolean {
    return this.#release === null;
  }

  handle(): number {
    if (this.#release === null) throw disposedError('The table');
    return this.number;
  }

  dispose(): void {
    const release = this.#release;
    if (release === null) return;
    this.#release = null;
    finalizer.unregister(this);
    release();
  }
}
