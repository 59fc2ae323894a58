/** Adam, and AdamW with decoupled weight decay. */

import type { Named } from '../args/options.js';
import { type FromBytesOptions, Optimizer, type OptimizerOptions } from './optimizer.js';
import { internalsOf } from './parameter-state.js';
import { readCommon, readEps, readFraction, readRate, type Rule, type Settings } from './rule.js';
import { fromBytes } from './saving.js';

/** Options of {@link Adam} and {@link AdamW}. */
export interface AdamOptions extends OptimizerOptions {
  /** The learning rate, finite and 0 or more. Default 0.001. */
  readonly lr?: number | undefined;
  /** b1, in [0, 1). Default 0.9. */
  readonly beta1?: number | undefined;
  /** b2, in [0, 1). Default 0.999. */
  readonly beta2?: number | undefined;
  /** At most 1, with an f32 greater than 0. Default 1e-8. */
  readonly eps?: number | undefined;
}

const rule = (name: string, weightDecay: number): Rule => ({
  name,
  options: ['lr', 'beta1', 'beta2', 'eps', 'weightDecay', 'lazy'],
  read: (values: Named): Settings => ({
    lr: readRate(values, 0.001),
    beta1: readFraction(values, 'beta1', 0.9),
    beta2: readFraction(values, 'beta2', 0.999),
    eps: readEps(values, 1e-8),
    ...readCommon(values, weightDecay),
  }),
  tensors: () => ['m', 'v'],
  width: (dim) => dim,
});

/** The rules of both classes. */
const ADAM = /* @__PURE__ */ rule('Adam', 0);
const ADAMW = /* @__PURE__ */ rule('AdamW', 0.01);

/**
 * Adam. Lazy, it is PyTorch's `SparseAdam`; with `lazy: false` its `Adam`.
 *
 * ```text
 * in f64, rounded once:  P1 = P1 beta1;  P2 = P2 beta2;  c = 1 - beta;  a = lr / (1 - P1);  r = 1 / sqrt(1 - P2)
 * weightDecay > 0:       g = f32(g + f32(wd w))
 * m = f32(f32(b1 m) + f32(c1 g));   v = f32(f32(b2 v) + f32(c2 f32(g g)))
 * w = f32(w - f32(a f32(m / f32(f32(f32(sqrt(v)) r) + eps))))
 * ```
 * m and v start at +0, and are stored as +0 below 2^-126. P1 and P2 start at 1, for each parameter.
 *
 * Errors of the constructor: `ERR_INVALID_OPTION`, `ERR_DISPOSED`, `ERR_NOT_TRAINABLE`.
 */
export class Adam extends Optimizer {
  /** b1 */
  readonly beta1: number;
  /** b2 */
  readonly beta2: number;
  /** eps */
  readonly eps: number;

  constructor(options: AdamOptions) {
    super(ADAM, options);
    const { beta1, beta2, eps } = internalsOf(this).settings;
    this.beta1 = beta1!;
    this.beta2 = beta2!;
    this.eps = eps!;
    if (new.target === Adam) Object.freeze(this);
  }

  /** The optimizer whose `toBytes` these are. Errors: as for {@link SGD.fromBytes}. */
  static fromBytes(bytes: ArrayBuffer | ArrayBufferView, options: FromBytesOptions): Adam {
    return fromBytes(Adam, ADAM, bytes, options);
  }
}

/**
 * Adam with decoupled weight decay, 0.01 by default.
 *
 * ```text
 * k = 1 - lr wd in f64, rounded once;   w = f32(w k);   then as Adam, without wd
 * ```
 * Errors of the constructor: `ERR_INVALID_OPTION`, `ERR_DISPOSED`, `ERR_NOT_TRAINABLE`.
 */
export class AdamW extends Optimizer {
  /** b1 */
  readonly beta1: number;
  /** b2 */
  readonly beta2: number;
  /** eps */
  readonly eps: number;

  constructor(options: AdamOptions) {
    super(ADAMW, options);
    const { beta1, beta2, eps } = internalsOf(this).settings;
    this.beta1 = beta1!;
    this.beta2 = beta2!;
    this.eps = eps!;
    if (new.target === AdamW) Object.freeze(this);
  }

  /** The optimizer whose `toBytes` these are. Errors: as for {@link SGD.fromBytes}. */
  static fromBytes(bytes: ArrayBuffer | ArrayBufferView, options: FromBytesOptions): AdamW {
    return fromBytes(AdamW, ADAMW, bytes, options);
  }
}
