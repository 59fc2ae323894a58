/** An Embedding over rows in the form in which a file stores them. */

import { lengthOf } from './args/arrays.js';
import { DONE } from './args/call.js';
import { activeBackend } from './backend/index.js';
import { Embedding } from './embedding.js';
import { lengthError } from './errors.js';
import { FilledTable } from './filled-table.js';
import { filled } from './storing.js';
import type { TableSpec } from './table-spec.js';

/**
 * An Embedding whose table is a copy of `bytes`, as many as `spec` has. Its `initType` and `seed` are null. `paddingIdx`
 * is in [0, V). Errors: `ERR_SHAPE`, `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED`.
 */
export function embeddingOfBytes(
  spec: TableSpec,
  bytes: Uint8Array,
  paddingIdx: number | null = null,
): Embedding {
  const length = lengthOf(bytes);
  if (length !== spec.bytes) throw lengthError('bytes', length, `the table has ${spec.bytes}`);
  const table = filled(activeBackend().table(spec, 'anything'), (kernels, handle) => {
    kernels.tableBytes(handle, 0, bytes);
    return DONE;
  });
  return new Embedding(new FilledTable(table, paddingIdx, null));
}

export { TableSpec } from './table-spec.js';
