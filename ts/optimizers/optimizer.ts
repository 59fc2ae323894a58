/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The base of all optimizers: their options, the state of each parameter, and steps.
 *
 * ```text
 * step   disposed?  memory for the state of all parameters with a gradient;  then each of them is updated
 * ```
 */

import { named } from '../args/options.js';
import { showContents } from '../contents.js';
import { Digest } from '../digest.js';
import { wrongKind } from '../errors.js';
import { isTrainable, notTrainable } from '../gradient.js';
import { DISPOSE, Lifetime } from '../lifetime.js';
import { type Parameter, trainingOf } from '../parameter.js';
import { type Tensor, tensorOf } from '../tensor.js';
import { internalsOf, keepInternals, ParameterState } from './parameter-state.js';
import { readParameters, readRate, type Rule, type Settings } from './rule.js';
import { toBytes } from './saving.js';

/** Options of every optimizer. */
export interface OptimizerOptions {
  /** The tables to update, at least one. One that is listed twice counts once. */
  readonly parameters: readonly Parameter[];
  /** wd, finite and 0 or more: f32(wd w) is added to the gradient. */
  readonly weightDecay?: number | undefined;
  /** Whether a step updates the rows of the gradient alone; otherwise all rows but padding. Default true. */
  readonly lazy?: boolean | undefined;
}

/** The state of one parameter: copies. */
export interface OptimizerState {
  /** The number of steps of the parameter. */
  readonly step: number;
  /** The rows with state, ascending. */
  readonly rows: Uint32Array;
  /** b of SGD with momentum, `[count, D]`. */
  readonly momentum?: Tensor<'f32'>;
  /** s of Adagrad, `[count, D]`, or of RowwiseAdagrad, `[count, 1]`. */
  readonly sum?: Tensor<'f32'>;
  /** m of Adam, `[count, D]`. */
  readonly m?: Tensor<'f32'>;
  /** v of Adam, `[count, D]`. */
  readonly v?: Tensor<'f32'>;
}

/** Options of `fromBytes`. */
export interface FromBytesOptions {
  /** The parameters, in the order in which they were saved. */
  readonly parameters: readonly Parameter[];
}

/**
 * An optimizer: updates tables by their gradients.
 *
 * ```text
 * for every parameter with a gradient:  t = t + 1;  update its rows;  the gradient ends
 * ```
 * State belongs to the optimizer and is in the memory of the backend of each table, for rows that have ever had a gradient.
 */
export abstract class Optimizer {
  /** The parameters, each once. */
  readonly parameters: readonly Parameter[];
  /** wd */
  readonly weightDecay: number;
  /** Whether a step updates the rows of the gradient alone. */
  readonly lazy: boolean;
  readonly #rule: Rule;
  readonly #settings: Settings;
  readonly #lifetime: Lifetime;
  readonly #states: ReadonlyMap<Parameter, ParameterState>;
  #lr: number;

  /** @internal */
  protected constructor(rule: Rule, options: unknown) {
    const values = named(options, ['parameters', ...rule.options], { required: true });
    const parameters = readParameters(values['parameters']);
    const settings = rule.read(values);
    for (const parameter of parameters) {
      const { lifetime, table } = trainingOf(parameter)!;
      lifetime.check();
      if (!isTrainable(table)) throw notTrainable(table);
    }
    this.parameters = Object.freeze(parameters);
    this.weightDecay = settings.weightDecay;
    this.lazy = settings.lazy;
    this.#rule = rule;
    this.#settings = settings;
    this.#lr = settings.lr;
    this.#lifetime = new Lifetime('The optimizer');
    const stateOf = (parameter: Parameter) =>
      [parameter, new ParameterState(trainingOf(parameter)!, rule, settings)] as const;
    this.#states = new Map(parameters.map(stateOf));
    const states = [...this.#states.values()];
    keepInternals(this, { rule, settings, states });
    showContents(this, () => this.#contents());
  }

  /** The learning rate, finite and 0 or more. Errors when it is set: `ERR_DISPOSED`, `ERR_INVALID_OPTION`. */
  get lr(): number {
    return this.#lr;
  }

  /** Sets the learning rate of the next steps. Errors: `ERR_INVALID_OPTION` unless it is finite and >= 0. */
  set lr(value: number) {
    this.#lifetime.check();
    this.#lr = readRate({ lr: value });
  }

  /** Whether the optimizer was disposed. */
  get disposed(): boolean {
    return this.#lifetime.ended;
  }

  /**
   * The bytes of memory of the state: at most twice what its rows need, 4 bytes per row of the tables and 4 KiB per
   * parameter; 0 without state and after `dispose()`.
   */
  get stateBytes(): number {
    if (this.#lifetime.ended) return 0;
    let bytes = 0;
    for (const { handle, kernels, internals } of this.#states.values()) {
      if (!internals.table.backend.lost) bytes += kernels.optimizerBytes(handle.handle());
    }
    return bytes;
  }

  /**
   * Updates every parameter that has a gradient, and ends the gradients. No other parameter changes.
   *
   * Errors: `ERR_DISPOSED`, also if any of the tables was disposed; `ERR_TOO_LARGE` for the state. After an error nothing
   * has changed.
   */
  step(): void {
    this.#lifetime.check();
    const states = [...this.#states.values()];
    for (const { internals } of states) internals.lifetime.check();
    const stepping = states.filter((state) => state.hasGradient);
    for (const state of stepping) state.reserve();
    for (const state of stepping) state.update(this.#lr);
  }

  /** Ends the gradients of all parameters. Skips disposed tables. Errors: `ERR_DISPOSED`. */
  zeroGrad(): void {
    this.#lifetime.check();
    for (const parameter of this.parameters) parameter.zeroGrad();
  }

  /**
   * The state of a parameter: its step count, its rows with state and their values, as copies.
   *
   * Errors: `ERR_DISPOSED`; `ERR_INVALID_OPTION` for a parameter of another optimizer; `ERR_TOO_LARGE`.
   */
  state(parameter: Parameter): OptimizerState {
    this.#lifetime.check();
    const state = this.#states.get(parameter);
    if (state === undefined) throw wrongKind('parameter', parameter, 'a Parameter of this optimizer');
    state.internals.lifetime.check();
    const { step, count, width } = state;
    const tensors = state.tensors.map((name, tensor) => [
      name,
      tensorOf(state.values(tensor), [count, width]),
    ]);
    return { step, rows: state.rows(), ...Object.fromEntries(tensors) };
  }

  /**
   * The options, lr, step counts and state as the bytes of a safetensors file, owned by the caller. `fromBytes` reads them.
   * Pending gradients are not saved. Errors: `ERR_DISPOSED`; `ERR_TOO_LARGE` beyond one typed array.
   */
  toBytes(): Uint8Array {
    this.#lifetime.check();
    for (const { internals } of this.#states.values()) internals.lifetime.check();
    return toBytes(internalsOf(this), this.#rule, this.#lr);
  }

  /** A new plain object of the options, lr and the shapes of the parameters, for `JSON.stringify`. Errors: `ERR_DISPOSED`. */
  toJSON(): object {
    this.#lifetime.check();
    const shapes = this.parameters.map(({ shape }) => [...shape]);
    return { ...this.#settings, lr: this.#lr, parameters: shapes };
  }

  /** Frees the state. The parameters stay alive. Idempotent. */
  dispose(): void {
    this.#lifetime.end();
    for (const { handle } of this.#states.values()) handle.dispose();
  }

  /** As `dispose()`, for `using`. */
  [DISPOSE](): void {
    this.dispose();
  }

  #contents(): string {
    if (this.#lifetime.ended) return 'disposed';
    const all = new Digest();
    const states = [...this.#states.values()];
    states.forEach((state) => state.digest(all));
    const steps = states.map(({ step, product1, product2 }) => `${step} ${product1} ${product2}`);
    return `${this.#rule.name} lr ${this.#lr} steps ${steps.join(', ')} state ${String(all)}`;
  }
}
