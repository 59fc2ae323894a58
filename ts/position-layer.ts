/// <reference lib="esnext.disposable" preserve="true" />
/** The base class of both kinds of positions: adds a table of positions to embeddings. */

import {
  type Call,
  CallReader,
  type PositionBackwardOptions,
  type PositionOptions,
  rank,
} from './args/call.js';
import type { FloatsWithShape, Out } from './args/floats.js';
import type { Handle, Table } from './backend/index.js';
import type { Dropout } from './dropout.js';
import { added } from './gradient.js';
import { DISPOSE, type Lifetime } from './lifetime.js';
import { type Tensor, plainFloats, tensorOf, tensorSizes } from './tensor.js';
import { VERSION } from './version.js';

/** The internals of a PositionLayer that a fused layer uses. */
export interface PositionInternals {
  readonly table: Table;
  readonly dropout: Dropout;
  readonly lifetime: Lifetime;
}

/** Every PositionLayer of this copy of the package. */
const layers = new WeakMap<object, PositionInternals>();

/** The property by which other copies of the package recognize a PositionLayer: the version of its copy. */
export const BRAND: unique symbol = /* @__PURE__ */ Symbol.for('tokenbed.PositionLayer') as never;

/** The table, the dropout and the lifetime of a PositionLayer; undefined for any other value. */
export const positionInternals = (value: unknown): PositionInternals | undefined =>
  layers.get(value as object);

/** Adds a row of a table of positions to each row: out = f32(x + pe), then dropout during training. */
export abstract class PositionLayer {
  readonly #table: Table;
  readonly #dropout: Dropout;
  readonly #lifetime: Lifetime;
  /** The prepared operation. */
  readonly #op: Handle;
  readonly #calls: CallReader;
  readonly #backwardCalls: CallReader;

  protected constructor({ table, dropout, lifetime }: PositionInternals) {
    this.#table = table;
    this.#dropout = dropout;
    this.#lifetime = lifetime;
    this.#op = table.backend.prepare((kernels) =>
      kernels.positionsCreate({ table: table.handle(), ...dropout.record }),
    );
    const takes = { lifetime, dim: table.dim, x: rank(2, 3, '2D or 3D embeddings'), positions: table.rows };
    this.#calls = new CallReader(takes);
    this.#backwardCalls = new CallReader({ ...takes, backward: { dropout } });
    layers.set(this, { table, dropout, lifetime });
  }

  /** D, the number of columns. */
  abstract readonly embeddingDim: number;
  /** The number of positions in the table. */
  abstract readonly maxSeqLength: number;

  // @ts-expect-error: declared but never read, since only other copies of the package read it
  private get [BRAND](): string | undefined {
    return layers.has(this) ? VERSION : undefined;
  }

  /** Whether dropout is on; initially false. */
  get training(): boolean {
    return this.#dropout.training;
  }

  /** Turns dropout on. Errors: `ERR_DISPOSED`. */
  train(): this {
    this.#lifetime.check();
    this.#dropout.training = true;
    return this;
  }

  /** Turns dropout off. Errors: `ERR_DISPOSED`. */
  eval(): this {
    this.#lifetime.check();
    this.#dropout.training = false;
    return this;
  }

  /** Whether the object was disposed. */
  get disposed(): boolean {
    return this.#lifetime.ended;
  }

  /**
   * out[b, s] = x[b, s] + pe[startPos + s] (or pe[positionIds[s]]): a new Tensor of the shape of `x`.
   *
   * `x` is `[seq, D]` or `[batch, seq, D]`, a Tensor or a Float32Array with the option `shape`. Errors:
   * `ERR_DISPOSED`, `ERR_INVALID_OPTION`, `ERR_INVALID_ARRAY`, `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_RAGGED`,
   * `ERR_RANK`, `ERR_DIM`, `ERR_SHAPE`, `ERR_SEQUENCE_LENGTH`, `ERR_TOO_LARGE`, `ERR_ID_OUT_OF_RANGE` (positions).
   */
  forward(x: FloatsWithShape, options?: PositionOptions): Tensor<'f32'> {
    const few = options === undefined ? this.#calls.plainFloatsResult(x) : null;
    if (few !== null && this.#runPlain(x, few)) return tensorOf(few, tensorSizes(x)!);
    return this.#run(this.#calls.read(x, options)).tensor();
  }

  /**
   * Writes the result of `forward` into the first elements of `out` and returns `out`, which may be exactly `x` (in
   * place).
   *
   * Errors: as `forward`, and `ERR_OVERLAP`. After an error `out` is unchanged.
   */
  forwardInto<O extends Out>(x: FloatsWithShape, out: O, options?: PositionOptions): O {
    if (options !== undefined || !this.#runPlain(x, out)) this.#run(this.#calls.readInto(x, out, options));
    return out;
  }

  /** The fast path of `forwardInto`, see `CallReader.plainSequence`. Returns false if it did nothing. */
  #runPlain(x: unknown, out: unknown): boolean {
    this.#lifetime.check();
    const data = plainFloats(x);
    const target = plainFloats(out);
    if (data === undefined || target === undefined) return false;
    const seq = this.#calls.plainSequence(x, data, target);
    if (seq === 0) return false;
    const { kernels } = this.#table.backend;
    const from = data === target ? undefined : data;
    kernels.positionsRun(this.#op.handle(), from, seq, 0, this.#dropout.call, target);
    this.#dropout.done();
    return true;
  }

  #run(call: Call): Call {
    const { x, seq, positions, out } = call;
    const { kernels } = this.#table.backend;
    call.done(kernels.positionsRun(this.#op.handle(), x, seq, positions, this.#dropout.call, out));
    this.#dropout.done();
    return call;
  }

  /**
   * The gradient of `x`, from that of the result of `forward(x)`: a new Tensor of the shape of `gradOutput`.
   *
   * ```text
   * d = +0 where training call `call` dropped the element, else f32(g / f32(1 - p));  d = g in `eval`, or with p = 0
   * ```
   * Learned positions also add d to the row of its position, in flat order. `gradOutput` is read as `x` by `forward`, and
   * the options are those of that call. Errors: as `forward`; `ERR_INVALID_OPTION` for a `call` that was not made;
   * `ERR_TOO_LARGE` if there is no memory for the gradient.
   */
  backward(gradOutput: FloatsWithShape, options?: PositionBackwardOptions): Tensor<'f32'> {
    return this.#runBackward(this.#backwardCalls.read(gradOutput, options)).tensor();
  }

  /**
   * Writes the result of `backward` into the first elements of `out` and returns `out`, which may be exactly `gradOutput`
   * (in place).
   *
   * Errors: as `backward`, and `ERR_OVERLAP`. After an error `out` and the gradient are unchanged.
   */
  backwardInto<O extends Out>(gradOutput: FloatsWithShape, out: O, options?: PositionBackwardOptions): O {
    this.#runBackward(this.#backwardCalls.readInto(gradOutput, out, options));
    return out;
  }

  #runBackward(call: Call): Call {
    const { x, seq, positions, out } = call;
    const { kernels } = this.#table.backend;
    const op = this.#op.handle();
    return added(call, this.#table, kernels.positionsBackward(op, x, seq, positions, call.call, out));
  }

  /** A new plain object of the options and parts, for `JSON.stringify`. */
  abstract toJSON(): object;

  /** Frees the table. Idempotent; earlier results stay valid. */
  dispose(): void {
    this.#lifetime.end();
    this.#op.dispose();
    this.#table.dispose();
  }

  /** As `dispose()`, for `using`. */
  [DISPOSE](): void {
    this.dispose();
  }
}
