/** Adagrad: the learning rate of each element, or of each row, falls with its squared gradients. */

import { type Named, real } from '../args/options.js';
import { type FromBytesOptions, Optimizer, type OptimizerOptions } from './optimizer.js';
import { internalsOf } from './parameter-state.js';
import { readCommon, readEps, readRate, type Rule, type Settings } from './rule.js';
import { fromBytes } from './saving.js';

/** Options of {@link Adagrad} and {@link RowwiseAdagrad}. */
export interface AdagradOptions extends OptimizerOptions {
  /** The learning rate, finite and 0 or more. Default 0.01. */
  readonly lr?: number | undefined;
  /** At most 1, with an f32 greater than 0. Default 1e-10, of RowwiseAdagrad 1e-8. */
  readonly eps?: number | undefined;
  /** s of a row that gets state, finite and 0 or more. Default 0. */
  readonly initialAccumulator?: number | undefined;
}

const rule = (name: string, eps: number, width: (dim: number) => number): Rule => ({
  name,
  options: ['lr', 'eps', 'initialAccumulator', 'weightDecay', 'lazy'],
  read: (values: Named): Settings => ({
    lr: readRate(values, 0.01),
    eps: readEps(values, eps),
    initialAccumulator: real(values, 'initialAccumulator', { min: 0 }, 0) as number,
    ...readCommon(values, 0),
  }),
  tensors: () => ['sum'],
  width,
});

/** The rules of both classes. */
const ADAGRAD = /* @__PURE__ */ rule('Adagrad', 1e-10, (dim) => dim);
const ROWWISE = /* @__PURE__ */ rule('RowwiseAdagrad', 1e-8, () => 1);

/**
 * Adagrad.
 *
 * ```text
 * weightDecay > 0:   g = f32(g + f32(wd w))
 * s = f32(s + f32(g g));   w = f32(w - f32(lr f32(g / f32(f32(sqrt(s)) + eps))))
 * ```
 * s starts at f32(initialAccumulator), and is stored as +0 below 2^-126.
 *
 * Errors of the constructor: `ERR_INVALID_OPTION`, `ERR_DISPOSED`, `ERR_NOT_TRAINABLE`.
 */
export class Adagrad extends Optimizer {
  /** eps */
  readonly eps: number;
  /** s of a row that gets state. */
  readonly initialAccumulator: number;

  constructor(options: AdagradOptions) {
    super(ADAGRAD, options);
    const { eps, initialAccumulator } = internalsOf(this).settings;
    this.eps = eps!;
    this.initialAccumulator = initialAccumulator!;
    if (new.target === Adagrad) Object.freeze(this);
  }

  /** The optimizer whose `toBytes` these are. Errors: as for {@link SGD.fromBytes}. */
  static fromBytes(bytes: ArrayBuffer | ArrayBufferView, options: FromBytesOptions): Adagrad {
    return fromBytes(Adagrad, ADAGRAD, bytes, options);
  }
}

/**
 * Adagrad with one s per row: 4 bytes of state instead of 4 D.
 *
 * ```text
 * weightDecay > 0:   g = f32(g + f32(wd w))
 * s = f32(s + f32(dot(g, g) / D));   a = f32(lr / f32(f32(sqrt(s)) + eps));   w = f32(w - f32(a g))
 * ```
 * `dot` adds 16 lanes. s starts at f32(initialAccumulator), and is stored as +0 below 2^-126.
 *
 * Errors of the constructor: `ERR_INVALID_OPTION`, `ERR_DISPOSED`, `ERR_NOT_TRAINABLE`.
 */
export class RowwiseAdagrad extends Optimizer {
  /** eps */
  readonly eps: number;
  /** s of a row that gets state. */
  readonly initialAccumulator: number;

  constructor(options: AdagradOptions) {
    super(ROWWISE, options);
    const { eps, initialAccumulator } = internalsOf(this).settings;
    this.eps = eps!;
    this.initialAccumulator = initialAccumulator!;
    if (new.target === RowwiseAdagrad) Object.freeze(this);
  }

  /** The optimizer whose `toBytes` these are. Errors: as for {@link SGD.fromBytes}. */
  static fromBytes(bytes: ArrayBuffer | ArrayBufferView, options: FromBytesOptions): RowwiseAdagrad {
    return fromBytes(RowwiseAdagrad, ROWWISE, bytes, options);
  }
}
