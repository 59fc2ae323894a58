/** The state of an optimizer for one parameter. */

import { type Handle, type Kernels, resultFloats, resultIds } from '../backend/index.js';
import type { Digest } from '../digest.js';
import { tooLarge } from '../errors.js';
import type { ParameterInternals } from '../parameter.js';
import { floatBytes } from '../table-spec.js';
import type { Rule, Settings, StateTensor } from './rule.js';

/** The state of one parameter in the backend of its table. */
export class ParameterState {
  /** t, the number of steps. */
  step = 0;
  /** P1 and P2: the products of the betas of all steps. */
  product1 = 1;
  product2 = 1;
  readonly handle: Handle;
  readonly #rule: Rule;
  readonly #settings: Settings;

  constructor(
    readonly internals: ParameterInternals,
    rule: Rule,
    settings: Settings,
  ) {
    this.#rule = rule;
    this.#settings = settings;
    const { table } = internals;
    const { lr: _, ...options } = settings;
    this.handle = table.backend.prepare((kernels) =>
      kernels.optimizerCreate({ table: table.handle(), rule: rule.name, ...options }),
    );
  }

  get kernels(): Kernels {
    return this.internals.table.backend.kernels;
  }

  /** Whether the parameter has a gradient. */
  get hasGradient(): boolean {
    return this.kernels.gradientCount(this.internals.table.handle()) !== undefined;
  }

  /** The number of rows with state. */
  get count(): number {
    return this.kernels.optimizerCount(this.handle.handle());
  }

  /** The tensors of the state. */
  get tensors(): readonly StateTensor[] {
    return this.#rule.tensors(this.#settings);
  }

  /** The number of values of a row in a tensor. */
  get width(): number {
    return this.#rule.width(this.internals.table.dim);
  }

  /** Throws `ERR_TOO_LARGE` unless there was room for the state of `rows` rows. */
  expectRoom(done: boolean, rows: number): void {
    if (done) return;
    const { table } = this.internals;
    const bytes = floatBytes(table.rows) + floatBytes(rows * this.width * this.tensors.length);
    throw tooLarge('The state of an optimizer', bytes, table.backend.limit);
  }

  /** Makes room for the state of the rows of a step. Errors: `ERR_TOO_LARGE`. */
  reserve(): void {
    const done = this.kernels.optimizerReserve(this.handle.handle());
    if (done) return;
    const { table } = this.internals;
    this.expectRoom(done, this.#settings.lazy ? this.kernels.gradientCount(table.handle())! : table.rows);
  }

  /** Updates the table by its gradient, which ends. */
  update(lr: number): void {
    const { beta1 = 1, beta2 = 1 } = this.#settings;
    this.step++;
    this.product1 *= beta1;
    this.product2 *= beta2;
    this.internals.endGradient();
    this.kernels.optimizerStep(this.handle.handle(), lr, this.product1, this.product2);
  }

  /** The rows with state, ascending. Errors: `ERR_TOO_LARGE`. */
  rows(): Uint32Array {
    const rows = resultIds(this.count);
    this.kernels.optimizerRows(this.handle.handle(), rows);
    return rows;
  }

  /** The values of tensor number `tensor`, in the order of `rows`. Errors: `ERR_TOO_LARGE`. */
  values(tensor: number): Float32Array {
    const values = resultFloats(this.count * this.width);
    this.kernels.optimizerValues(this.handle.handle(), tensor, values);
    return values;
  }

  /** Adds the state to a digest. */
  digest(all: Digest): void {
    const words = (values: Float32Array): Uint32Array =>
      new Uint32Array(values.buffer, values.byteOffset, values.length);
    all.words(this.rows());
    this.tensors.forEach((_, tensor) => all.words(words(this.values(tensor))));
  }
}

/** The internals of an optimizer that saving uses. */
export interface OptimizerInternals {
  readonly rule: Rule;
  readonly settings: Settings;
  readonly states: readonly ParameterState[];
}

/** The internals of each optimizer. */
const all = /* @__PURE__ */ new WeakMap<object, OptimizerInternals>();

/** Keeps the internals of an optimizer. */
export function keepInternals(optimizer: object, internals: OptimizerInternals): void {
  all.set(optimizer, internals);
}

/** The internals of an optimizer. */
export const internalsOf = (optimizer: object): OptimizerInternals => all.get(optimizer)!;
