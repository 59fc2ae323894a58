/** An Embedding over rows in the form in which a file stores them. */

import { activeBackend } from './backend/index.js';
import { Embedding, FilledTable } from './embedding.js';
import type { TableSpec } from './table-spec.js';

/**
 * An Embedding whose table is a copy of `bytes`, as many as `spec` has. Its `initType` and `seed` are null. `paddingIdx`
 * is in [0, V). Errors: `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED`.
 */
export function embeddingOfBytes(
  spec: TableSpec,
  bytes: Uint8Array,
  paddingIdx: number | null = null,
): Embedding {
  const table = activeBackend().table(spec, 'anything');
  table.backend.kernels.tableBytes(table.handle(), 0, bytes);
  return new Embedding(new FilledTable(table, paddingIdx, null));
}

export { TableSpec } from './table-spec.js';
