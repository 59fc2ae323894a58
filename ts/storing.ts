/** Writes to tables, whose dtype may not be able to store every value. */

import { DONE } from './args/call.js';
import type { Kernels, Table } from './backend/index.js';
import { fail, outOfStorage } from './errors.js';
import { STORAGE } from './table-spec.js';

/**
 * Runs a kernel that writes rows of `table` from row `first` on and returns a status.
 *
 * Errors: `ERR_RANGE` for a value that the dtype cannot store, with the row of the table.
 */
export function store(table: Table, write: (kernels: Kernels, handle: number) => number, first = 0): void {
  const { kernels } = table.backend;
  const status = write(kernels, table.handle());
  if (status === DONE) return;
  const { rows, dim, dtype } = table.spec;
  throw outOfStorage(dtype, kernels.misfit(), first * dim + status, [rows, dim], STORAGE[dtype].values);
}

/** Fills a new table as `store` does. After an error it is disposed. */
export function filled(table: Table, write: (kernels: Kernels, handle: number) => number): Table {
  try {
    store(table, write);
  } catch (error) {
    table.dispose();
    throw error;
  }
  return table;
}

/** Throws `ERR_READ_ONLY` if a table can only be read. */
export function expectWritable({ spec }: Table): void {
  if (!spec.readOnly) return;
  const what = spec.mapping === undefined ? `table of ${spec.dtype}` : 'mapped table';
  const text = `A ${what} is read-only; convert('f32') returns one that can be written`;
  throw fail(Error, 'ERR_READ_ONLY', text);
}
