/** Stochastic gradient descent, with momentum. */

import { flag, type Named } from '../args/options.js';
import { wrongValue } from '../errors.js';
import { type FromBytesOptions, Optimizer, type OptimizerOptions } from './optimizer.js';
import { internalsOf } from './parameter-state.js';
import { readCommon, readFraction, readRate, type Rule, type Settings } from './rule.js';
import { fromBytes } from './saving.js';

/** Options of {@link SGD}. */
export interface SGDOptions extends OptimizerOptions {
  /** The learning rate, finite and 0 or more. */
  readonly lr: number;
  /** mu, in [0, 1). Default 0: no momentum, and no state. */
  readonly momentum?: number | undefined;
  /** Whether a step looks ahead; requires momentum. Default false. */
  readonly nesterov?: boolean | undefined;
}

/** The rule of SGD. */
const RULE: Rule = {
  name: 'SGD',
  options: ['lr', 'momentum', 'nesterov', 'weightDecay', 'lazy'],
  read(values: Named): Settings {
    const lr = readRate(values);
    const momentum = readFraction(values, 'momentum', 0);
    const nesterov = flag(values, 'nesterov', false);
    if (nesterov && momentum === 0) throw wrongValue('nesterov', nesterov, 'false without momentum');
    return { lr, momentum, nesterov, ...readCommon(values, 0) };
  },
  tensors: ({ momentum }) => (momentum === 0 ? [] : ['momentum']),
  width: (dim) => dim,
};

/**
 * Stochastic gradient descent.
 *
 * ```text
 * weightDecay > 0:   g = f32(g + f32(wd w))
 * momentum > 0:      b = f32(f32(mu b) + g);   u = f32(g + f32(mu b)) with nesterov, else b
 * otherwise:         u = g
 * w = f32(w - f32(lr u))
 * ```
 * b starts at +0, and is stored as +0 below 2^-126. Without momentum there is no state.
 *
 * Errors of the constructor: `ERR_INVALID_OPTION`, `ERR_DISPOSED`, `ERR_NOT_TRAINABLE`.
 */
export class SGD extends Optimizer {
  /** mu */
  readonly momentum: number;
  /** Whether a step looks ahead. */
  readonly nesterov: boolean;

  constructor(options: SGDOptions) {
    super(RULE, options);
    const { momentum, nesterov } = internalsOf(this).settings;
    this.momentum = momentum!;
    this.nesterov = nesterov!;
    if (new.target === SGD) Object.freeze(this);
  }

  /**
   * The optimizer whose `toBytes` these are, with its options, lr, step counts and state, for the same parameters in the
   * same order. It continues with the bits of the one that was saved.
   *
   * Errors: `ERR_INVALID_OPTION` (`parameters`); `ERR_INVALID_ARRAY` (`bytes`); `ERR_DISPOSED`; `ERR_NOT_TRAINABLE`;
   * `ERR_FORMAT`; `ERR_SHAPE` for another number of parameters or other shapes; `ERR_TOO_LARGE`.
   */
  static fromBytes(bytes: ArrayBuffer | ArrayBufferView, options: FromBytesOptions): SGD {
    return fromBytes(SGD, RULE, bytes, options);
  }
}
