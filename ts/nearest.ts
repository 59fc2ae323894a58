/** Nearest rows of a table, and the similarity of rows. */

import { lengthOf } from './args/arrays.js';
import { expectRank, isForeign, rank } from './args/call.js';
import { Floats, unshared } from './args/floats.js';
import { choice, integer, named } from './args/options.js';
import { shapeOption } from './args/shape.js';
import { activeBackend, resultFloats, resultIds, type Table } from './backend/index.js';
import { dimMismatch } from './errors.js';
import type { Lifetime } from './lifetime.js';
import { idTensorOf, type Tensor, tensorOf } from './tensor.js';

/** What is compared: the cosine of the angle between two rows, or their dot product. */
export type Metric = 'cosine' | 'dot';

/** Options of `Embedding.nearest`. */
export interface NearestOptions {
  /** `[D]` or `[q, D]`, for flat queries. Default: one query. */
  readonly shape?: readonly number[] | undefined;
  /** The number of rows to find for each query: 1 or more. Default 10. */
  readonly k?: number | undefined;
  /** Default `'cosine'`. */
  readonly metric?: Metric | undefined;
}

/** The nearest rows of each query, the best first. */
export interface NearestRows {
  /** The ids of the rows, `[k]` or `[q, k]`. */
  ids: Tensor<'u32'>;
  /** Their scores, of the same shape. */
  scores: Tensor<'f32'>;
}

const OPTIONS = ['shape', 'k', 'metric'] as const;
const METRICS = ['cosine', 'dot'] as const;
const QUERIES = rank(1, 2, '1D or 2D queries');
const ROWS = rank(2, 2, '2D rows');

/** `Embedding.nearest`, over its table. */
export function nearestRows(
  table: Table,
  lifetime: Lifetime,
  queries: unknown,
  options: unknown,
): NearestRows {
  lifetime.check();
  const values = named(options, OPTIONS);
  const requested = shapeOption(values['shape']);
  const k = Math.min(integer(values, 'k', { min: 1 }, 10), table.rows);
  const cosine = choice(values, 'metric', METRICS, 'cosine') === 'cosine';
  const x = new Floats('queries', queries);
  lifetime.check(); // getters of the options may have disposed the table
  if (requested !== undefined) x.reshape(requested);
  const data = readRows(x, QUERIES, table.dim);
  const shape = [...x.shape.slice(0, -1), k];
  const length = (x.shape.length === 2 ? x.shape[0]! : 1) * k;
  const scores = resultFloats(length);
  const ids = resultIds(length);
  table.backend.kernels.nearest(table.handle(), data, k, cosine, ids, scores);
  return { ids: idTensorOf(ids, shape), scores: tensorOf(scores, shape) };
}

/**
 * The cosine of every row of `a` with every row of `b`: a new Tensor `[n, m]` for `[n, D]` and `[m, D]`.
 *
 * ```text
 * out[i][j] = f32(dot(a_i, b_j) / f32(f32(sqrt(dot(a_i, a_i))) f32(sqrt(dot(b_j, b_j)))));  +0 where either norm is 0
 * ```
 * `dot` is the sum of products in 16 lanes, as in `Embedding.nearest`. Computed by the active backend. Errors:
 * `ERR_INVALID_ARRAY` for anything but a `Tensor<'f32'>`; `ERR_RANK`, `ERR_DIM`, `ERR_SHAPE`, `ERR_TOO_LARGE`,
 * `ERR_DISPOSED` (an allocated tensor), `ERR_NOT_INITIALIZED` (browser).
 */
export function similarity(a: Tensor, b: Tensor): Tensor<'f32'> {
  const x = new Floats('a', a, true);
  const y = new Floats('b', b, true);
  // Getters of `b` may have detached or disposed of `a`; those of `a` ran before `b` was read.
  if (isForeign(b) && !isForeign(a)) x.refresh();
  expectRank(x.shape.length, x, ROWS);
  expectRank(y.shape.length, y, ROWS);
  const [n, dim] = x.shape as readonly [number, number];
  const left = readRows(x, ROWS, dim);
  const right = readRows(y, ROWS, dim);
  const m = y.shape[0]!;
  const { kernels } = activeBackend();
  const out = resultFloats(n * m);
  if (dim === 0) out.fill(0);
  else kernels.similarity(left, right, dim, out);
  return tensorOf(out, [n, m]);
}

/** Checks rank, width and length of rows, and returns their values. */
function readRows(x: Floats, ranks: typeof ROWS, dim: number): Float32Array {
  expectRank(x.shape.length, x, ranks);
  const width = x.shape.at(-1)!;
  if (width !== dim) throw dimMismatch(dim, width);
  x.fit();
  return unshared(x.data, lengthOf(x.data));
}
