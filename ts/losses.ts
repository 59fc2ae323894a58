/** Losses: a number, and the gradient of the scores. */

import { bufferOf, lengthOf, offsetOf, overlaps, sameView } from './args/arrays.js';
import { DONE, expectRank, isForeign, rank, readAgain } from './args/call.js';
import { Floats, type FloatsWithShape, type Out, readFloats, unshared } from './args/floats.js';
import { Ids, type IdsInput } from './args/ids.js';
import { choice, named, type Named } from './args/options.js';
import { formatShape, shapeOption } from './args/shape.js';
import { activeBackend, type Kernels, resultFloats } from './backend/index.js';
import { fail, lengthError, overlapError, wrongKind, wrongValue } from './errors.js';
import { frontOf, isTensor, type Tensor, tensorOf } from './tensor.js';

/** How the losses of rows or elements are combined. */
export type Reduction = 'mean' | 'sum';

/** The options that all losses have, and those of {@link meanSquaredError}. */
export interface LossOptions {
  /** The mean over the rows that are kept, or over all elements, or the sum. Default `'mean'`. */
  readonly reduction?: Reduction | undefined;
  /** A shape for flat scores; its product is their number. */
  readonly shape?: readonly number[] | undefined;
  /** Where the gradient goes: its first elements are written. It may be exactly the scores (in place). */
  readonly out?: Out | undefined;
}

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions extends LossOptions {
  /** The column of each row that is right. Default: 0 for each row. */
  readonly targets?: IdsInput | undefined;
  /** Rows with this target are excluded: any integer. Default: no row is excluded. */
  readonly ignoreIndex?: number | undefined;
}

/** Options of {@link binaryCrossEntropy}. */
export interface BinaryCrossEntropyOptions extends LossOptions {
  /** A label for each score, any number. Default: 1 for the first of each row, 0 for the rest. */
  readonly labels?: FloatsWithShape | undefined;
}

/** The result of a loss. */
export interface Loss {
  /** The loss. */
  loss: number;
  /** The gradient of the scores, of their shape. With `out` it is a Tensor over the first elements of `out`. */
  gradient: Tensor<'f32'>;
  /** The number of rows that were kept (cross entropy), or of elements. */
  count: number;
}

const OPTIONS = ['reduction', 'shape', 'out'];
const REDUCTIONS = ['mean', 'sum'] as const;

const ROWS = rank(2, Infinity, 'at least 2D scores without targets');
const ROWS_OR_LABELS = rank(2, Infinity, 'at least 2D scores without labels');
const ROW = rank(1, Infinity, 'at least 1D scores');

/** The loss and the count of the last call. */
const result = new Float64Array(2);

/** The scores, the gradient and the options of one call. */
class LossCall {
  readonly x: Floats;
  readonly mean: boolean;
  readonly #shape: readonly number[] | undefined;
  readonly #passed: unknown;
  /** Where the gradient goes; `null` until there is an array for it. */
  #out: Float32Array | null = null;

  /** Checks the values of the options, then the kinds of the scores and, by `others`, of the arrays before `out`. */
  constructor(name: string, scores: unknown, options: Named, others: () => void) {
    this.mean = choice(options, 'reduction', REDUCTIONS, 'mean') === 'mean';
    this.#shape = shapeOption(options['shape']);
    this.#passed = options['out'];
    this.x = new Floats(name, scores);
    others();
    if (this.#passed !== undefined) this.#out = readFloats('out', this.#passed);
  }

  /** Reads the arrays again, also `other`, if getters have run: see `readAgain`. */
  readAgain(other: Ids | Floats | undefined): void {
    const passed = this.#passed;
    const nested = other instanceof Ids && other.nested;
    if (!nested && ![this.x.value, other?.value, passed].some(isForeign)) return;
    readAgain(nested, (selects) => {
      this.x.refresh(selects);
      if (other instanceof Floats) other.refresh(selects);
      if (passed !== undefined && selects(passed)) this.#out = readFloats('out', passed);
    });
  }

  /** Gives flat scores their shape, whose size `fit` checks. */
  reshape(): void {
    if (this.#shape !== undefined) this.x.reshape(this.#shape);
  }

  /** Checks the length of `out`, and that it shares bytes with no input but all of the scores. */
  checkOut(overlapping: () => string | null): void {
    const out = this.#out;
    if (out === null) return;
    const { x } = this;
    if (lengthOf(out) < x.count) {
      throw lengthError('out', lengthOf(out), `the gradient has ${x.count} elements`);
    }
    if (!sameView(out, x.data) && overlaps(out, x.data)) throw overlapError(x.name);
    const input = overlapping();
    if (input !== null) throw overlapError(input);
  }

  /** Whether `out` shares bytes with an input. */
  overlaps(input: Float32Array | Ids): boolean {
    if (this.#out === null) return false;
    return input instanceof Ids ? input.overlaps(this.#out) : overlaps(input, this.#out);
  }

  /** Runs a kernel: `run(kernels, x, out)`, without `x` in place. Returns its status. */
  run(run: (kernels: Kernels, x: Float32Array | undefined, out: Float32Array) => number): number {
    const { kernels } = activeBackend();
    const { data, count } = this.x;
    const inPlace = this.#out !== null && sameView(this.#out, data);
    this.#out ??= resultFloats(count);
    return run(kernels, inPlace ? undefined : unshared(data, count), this.#out);
  }

  /** The result of a call whose kernel is done. */
  result(): Loss {
    const [loss, count] = result as unknown as readonly [number, number];
    return { loss, gradient: this.#gradient(), count };
  }

  #gradient(): Tensor<'f32'> {
    const { shape, count } = this.x;
    const out = this.#out!;
    // The Tensor of an allocated one has its live memory.
    const live = isTensor(this.#passed) ? frontOf(this.#passed, shape) : undefined;
    if (live !== undefined) return live;
    const exact = lengthOf(out) === count;
    return tensorOf(exact ? out : new Float32Array(bufferOf(out), offsetOf(out), count), shape);
  }
}

function readIgnored(options: Named): number | undefined {
  const value = options['ignoreIndex'];
  if (value === undefined) return undefined;
  if (typeof value !== 'number') throw wrongKind('ignoreIndex', value, 'an integer');
  if (!Number.isInteger(value)) throw wrongValue('ignoreIndex', value, 'an integer');
  return value + 0;
}

/**
 * The cross entropy of rows of scores `[..., C]` and its gradient.
 *
 * ```text
 * z = x_j - max_j x_j;  t = the target of the row
 * loss = sum over the rows that are kept of (ln(sum_j e^z_j) - z_t) / N
 * gradient_j = (e^z_j / sum_j e^z_j - [j = t]) / N;  +0 in rows that are excluded
 * N = the rows that are kept ('mean'), or 1 ('sum')
 * ```
 * `targets` has one id in `[0, C)` for each row; without it column 0 is right in each row, as in
 * `[positive, negatives...]`, and two columns are the loss of BPR. Computed in f64 by the active backend, in one order of
 * operations: the same bits everywhere. Each gradient is within 1 ulp of the exact value, and `loss` within 1e-12,
 * relative. If no row is kept, the loss is 0. A NaN, +Infinity or a row of only -Infinity gives NaN in that row and in
 * `loss`; -Infinity among finite scores masks its column.
 *
 * Errors: `ERR_INVALID_OPTION`, `ERR_INVALID_ARRAY` (`scores`, `out`), `ERR_DISPOSED` (an allocated Tensor),
 * `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_RAGGED`, `ERR_RANK` (flat scores without `targets`), `ERR_SHAPE` (another
 * number of targets, rows without columns, `shape`, a short `out`), `ERR_OVERLAP`, `ERR_TOO_LARGE`,
 * `ERR_ID_OUT_OF_RANGE`, `ERR_NOT_INITIALIZED` (browser). After an error `out` is unchanged.
 */
export function crossEntropy(scores: FloatsWithShape, options?: CrossEntropyOptions): Loss {
  const values = named(options, ['targets', 'ignoreIndex', ...OPTIONS]);
  const ignoreIndex = readIgnored(values);
  const passed = values['targets'];
  let targets: Ids | undefined;
  const call = new LossCall('scores', scores, values, () => {
    if (passed !== undefined) targets = new Ids(passed, 'targets', ignoreIndex);
  });
  targets?.read();
  call.readAgain(targets);
  const { x } = call;
  call.reshape();
  expectRank(x.shape.length, x, targets === undefined ? ROWS : ROW);
  x.fit();
  targets?.fit();
  const columns = x.shape.at(-1)!;
  if (columns === 0) {
    const text = `Rows of scores must have columns: got shape ${formatShape(x.shape)}`;
    throw fail(RangeError, 'ERR_SHAPE', text, { shape: [...x.shape] });
  }
  const rows = x.count / columns;
  if (targets !== undefined && targets.count !== rows) {
    throw lengthError('targets', targets.count, `there are ${rows} rows of scores`);
  }
  call.checkOut(() => (targets !== undefined && call.overlaps(targets) ? 'targets' : null));
  const where =
    ignoreIndex === undefined
      ? ' of targets (a row with the target ignoreIndex is excluded, but there is no ignoreIndex)'
      : ` of targets (a row with the target ignoreIndex, ${ignoreIndex}, is excluded)`;
  targets?.expectNoOverflow('Token indices', columns, where);
  const status = call.run((kernels, data, out) => {
    const skip = targets === undefined ? ignoreIndex : targets.skip;
    return kernels.crossEntropy(data, columns, targets?.data, skip, call.mean, out, result);
  });
  if (status !== DONE) throw targets!.outOfRange('Token indices', status, columns, where);
  targets?.release();
  return call.result();
}

/**
 * The binary cross entropy of scores and its gradient.
 *
 * ```text
 * loss = sum of (max(s, 0) - s y + ln(1 + e^-|s|)) / N
 * gradient = (sigma(s) - y) / N,  sigma(s) = 1 / (1 + e^-s)
 * N = the number of scores ('mean'), or 1 ('sum')
 * ```
 * `labels` has as many elements as the scores, of any values; without it y is 1 for the first of each row and 0 for the
 * rest, as in `[positive, negatives...]`: negative sampling. Accuracy and bits as for `crossEntropy`; a non-finite score
 * affects its element and `loss`.
 *
 * Errors: `ERR_INVALID_OPTION`, `ERR_INVALID_ARRAY` (`scores`, `labels`, `out`), `ERR_DISPOSED` (an allocated Tensor),
 * `ERR_RANK` (flat scores without `labels`), `ERR_SHAPE` (another number of labels, `shape`, a short `out`),
 * `ERR_OVERLAP`, `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED` (browser). After an error `out` is unchanged.
 */
export function binaryCrossEntropy(scores: FloatsWithShape, options?: BinaryCrossEntropyOptions): Loss {
  const values = named(options, ['labels', ...OPTIONS]);
  const passed = values['labels'];
  let labels: Floats | undefined;
  const call = new LossCall('scores', scores, values, () => {
    if (passed !== undefined) labels = new Floats('labels', passed);
  });
  const { x } = call;
  call.readAgain(labels);
  call.reshape();
  if (labels === undefined) expectRank(x.shape.length, x, ROWS_OR_LABELS);
  x.fit();
  const data = labelsOf(call, labels);
  const columns = Math.max(1, x.shape.at(-1) ?? 1);
  call.run((kernels, scores, out) =>
    kernels.binaryCrossEntropy(scores, data, columns, call.mean, out, result),
  );
  return call.result();
}

/**
 * The mean (or, with `reduction: 'sum'`, the sum) of squared errors and its gradient.
 *
 * ```text
 * loss = sum of (x - t)^2 / N
 * gradient = 2 (x - t) / N
 * N = the number of elements ('mean'), or 1 ('sum')
 * ```
 * `target` has as many elements as `x`. Accuracy and bits as for `crossEntropy`.
 *
 * Errors: `ERR_INVALID_OPTION`, `ERR_INVALID_ARRAY` (`x`, `target`, `out`), `ERR_DISPOSED` (an allocated Tensor),
 * `ERR_SHAPE` (another number of elements, `shape`, a short `out`), `ERR_OVERLAP`, `ERR_TOO_LARGE`,
 * `ERR_NOT_INITIALIZED` (browser). After an error `out` is unchanged.
 */
export function meanSquaredError(x: FloatsWithShape, target: FloatsWithShape, options?: LossOptions): Loss {
  const values = named(options, OPTIONS);
  let other!: Floats;
  const call = new LossCall('x', x, values, () => {
    other = new Floats('target', target);
  });
  call.readAgain(other);
  call.reshape();
  call.x.fit();
  const data = labelsOf(call, other)!;
  call.run((kernels, values, out) => kernels.squaredError(values, data, call.mean, out, result));
  return call.result();
}

/** Checks that there are as many labels as scores, if there are any, then `out`. Returns the labels. */
function labelsOf(call: LossCall, labels: Floats | undefined): Float32Array | undefined {
  const { count, name } = call.x;
  labels?.fit();
  if (labels !== undefined && labels.count !== count) {
    throw lengthError(labels.name, labels.count, `${name} has ${count} elements`);
  }
  call.checkOut(() => (labels !== undefined && call.overlaps(labels.data) ? labels.name : null));
  return labels === undefined ? undefined : unshared(labels.data, count);
}
