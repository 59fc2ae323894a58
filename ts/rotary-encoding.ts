/// <reference lib="esnext.disposable" preserve="true" />
/** Rotary positions: pairs of columns of each head, rotated by the angle of their position. */

import { entriesOf, isArray, kindOf } from './args/arrays.js';
import { type Call, CallReader, type PositionOptions, rank } from './args/call.js';
import type { FloatsWithShape, Out } from './args/floats.js';
import { COLUMNS, integer, named, type Named, ROWS } from './args/options.js';
import { activeBackend, type Backend, type Handle, type Table } from './backend/index.js';
import { ownJSON, showContents } from './contents.js';
import { describe, wrongKind, wrongValue } from './errors.js';
import { DISPOSE, Lifetime } from './lifetime.js';
import { NO_PARAMETERS } from './parameter.js';
import { type Layout, readForm } from './positional-encoding.js';
import { TableSpec } from './table-spec.js';
import type { Tensor } from './tensor.js';

/** Options of {@link RotaryEncoding}. */
export interface RotaryEncodingOptions {
  /** D, the number of columns of a head: 2 or more. */
  readonly headDim: number;
  /** The number of positions in the table: 1 .. 2^32, default 5000. */
  readonly maxSeqLength?: number | undefined;
  /** The base of the frequencies, w_i = base^(-2i/R): 1 .. 1e12, default 10000. */
  readonly base?: number | undefined;
  /** The w_i themselves, R/2 finite numbers >= 0, in radians per position; excludes `base`. */
  readonly frequencies?: readonly number[] | Float64Array | undefined;
  /** R, the number of columns that are rotated: even, 2 .. D, default D. */
  readonly rotaryDim?: number | undefined;
  /** Pairs `(x[i], x[i + R/2])` (Llama, GPT-NeoX) or `(x[2i], x[2i + 1])` (GPT-J). Default `'halves'`. */
  readonly layout?: Layout | undefined;
}

/** Options of a call of {@link RotaryEncoding}. */
export interface RotaryCallOptions extends PositionOptions {
  /** Whether the rotation is inverted, which is also the gradient of `x`. Default false. */
  readonly inverse?: boolean | undefined;
}

const OPTIONS = ['headDim', 'maxSeqLength', 'base', 'frequencies', 'rotaryDim', 'layout'];

/** The option `frequencies`, copied. */
function readFrequencies(options: Named, count: number): Float64Array<ArrayBuffer> | undefined {
  const value = options['frequencies'];
  if (value === undefined) return undefined;
  const text = `an array or a Float64Array of ${count} finite numbers >= 0`;
  if (!isArray(value) && kindOf(value) !== 'Float64Array') throw wrongKind('frequencies', value, text);
  const list = isArray(value) ? entriesOf(value) : Array.from(value as Float64Array);
  if (list.length !== count) throw wrongValue('frequencies', value, text);
  for (const [i, w] of list.entries()) {
    if (typeof w !== 'number') throw wrongKind('frequencies', value, `${text} (${describe(w)} at [${i}])`);
    if (!(w >= 0 && w < Infinity)) throw wrongValue('frequencies', value, `${text} (${w} at [${i}])`);
  }
  return Float64Array.from(list as number[]);
}

/** The table of sines and cosines, and the frequencies of its columns. */
function newTable(
  backend: Backend,
  spec: TableSpec,
  base: number | null,
  layout: Layout,
  listed: Float64Array | undefined,
): { table: Table; frequencies: readonly number[] } {
  const { dim } = spec;
  const table = backend.table(spec, 'anything');
  try {
    const record = { dim, base: base ?? 1, layout, ...(listed === undefined ? {} : { frequencies: listed }) };
    const sinusoid = backend.sinusoid(record);
    backend.kernels.tableSinusoid(table.handle(), sinusoid.handle());
    const frequencies = new Float64Array(dim / 2);
    backend.kernels.sinusoidFrequencies(sinusoid.handle(), frequencies);
    sinusoid.dispose();
    return { table, frequencies: Object.freeze(Array.from(frequencies)) };
  } catch (error) {
    table.dispose(); // a constructor that throws leaves nothing allocated
    throw error;
  }
}

/**
 * Rotary positions (RoPE), for queries and keys.
 *
 * ```text
 * c = cos(p w_i), s = sin(p w_i), w_i = base^(-2i/R), i < R/2
 * pair (a, b) = (x[i], x[i + R/2])  (layout 'halves')  or (x[2i], x[2i + 1])  ('interleaved')
 * a' = f32(f32(a c) - f32(b s));  b' = f32(f32(b c) + f32(a s));  columns from R on are copied
 * ```
 * s and c are the mathematical values rounded once to f32, for every position of the table. It has no trainable
 * parameters.
 * Errors of the constructor: `ERR_INVALID_OPTION`, `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED` (browser).
 */
export class RotaryEncoding {
  /** D, the number of columns of a head. */
  readonly headDim: number;
  /** The number of positions in the table. */
  readonly maxSeqLength: number;
  /** The base of the frequencies; `null` if `frequencies` were passed. */
  readonly base: number | null;
  /** The frequencies w_i in radians per position, R/2 of them. */
  readonly frequencies: readonly number[];
  /** R, the number of columns that are rotated. */
  readonly rotaryDim: number;
  /** Which columns form a pair. */
  readonly layout: Layout;
  readonly #table: Table;
  /** The prepared operation. */
  readonly #op: Handle;
  readonly #lifetime = new Lifetime('The rotary encoding');
  readonly #calls: CallReader;

  constructor(options: RotaryEncodingOptions) {
    const values = named(options, OPTIONS, { required: true });
    const headDim = integer(values, 'headDim', COLUMNS);
    const maxSeqLength = integer(values, 'maxSeqLength', ROWS, 5000);
    const rotaryDim = integer(values, 'rotaryDim', { min: 2, max: headDim }, headDim);
    if (rotaryDim % 2 !== 0) throw wrongValue('rotaryDim', rotaryDim, 'an even integer >= 2');
    const { base, layout = 'halves' } = readForm(values);
    const listed = readFrequencies(values, rotaryDim / 2);
    if (listed !== undefined && base !== undefined) {
      throw wrongValue('base', base, 'absent when there are frequencies');
    }
    this.headDim = headDim;
    this.maxSeqLength = maxSeqLength;
    this.rotaryDim = rotaryDim;
    this.layout = layout;
    this.base = listed === undefined ? (base ?? 10_000) : null;

    const backend = activeBackend();
    const spec = new TableSpec(maxSeqLength, rotaryDim);
    const { table, frequencies } = newTable(backend, spec, this.base, layout, listed);
    this.frequencies = frequencies;
    this.#table = table;
    this.#op = backend.prepare((kernels) =>
      kernels.rotaryCreate({ table: table.handle(), dim: headDim, layout }),
    );
    this.#calls = new CallReader({
      lifetime: this.#lifetime,
      dim: headDim,
      x: rank(2, 4, '2D, 3D or 4D input'),
      positions: maxSeqLength,
      heads: true,
    });
    showContents(this, () => this.#lifetime.text);
    if (new.target === RotaryEncoding) Object.freeze(this);
  }

  /** `[]`: no trainable parameters. */
  get parameters(): readonly [] {
    return NO_PARAMETERS;
  }

  /** Whether the object was disposed. */
  get disposed(): boolean {
    return this.#lifetime.ended;
  }

  /**
   * The rows of `x`, rotated by their positions: a new Tensor of the shape of `x`.
   *
   * `x` is `[seq, D]`, `[batch, seq, D]` or `[batch, heads, seq, D]`, a Tensor or a Float32Array with the option
   * `shape`; heads share positions. `positionIds` is `[seq]` or `[batch, seq]`. Errors: `ERR_DISPOSED`,
   * `ERR_INVALID_OPTION`, `ERR_INVALID_ARRAY`, `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_RAGGED`, `ERR_RANK`,
   * `ERR_DIM`, `ERR_SHAPE`, `ERR_SEQUENCE_LENGTH`, `ERR_TOO_LARGE`, `ERR_ID_OUT_OF_RANGE` (positions).
   */
  forward(x: FloatsWithShape, options?: RotaryCallOptions): Tensor<'f32'> {
    return this.#run(this.#calls.read(x, options)).tensor();
  }

  /**
   * Writes the result of `forward` into the first elements of `out` and returns `out`, which may be exactly `x` (in
   * place).
   *
   * Errors: as `forward`, and `ERR_OVERLAP`. After an error `out` is unchanged.
   */
  forwardInto<O extends Out>(x: FloatsWithShape, out: O, options?: RotaryCallOptions): O {
    this.#run(this.#calls.readInto(x, out, options));
    return out;
  }

  #run(call: Call): Call {
    const { x, heads, seq, positions, inverse, out } = call;
    const { kernels } = this.#table.backend;
    return call.done(kernels.rotaryRun(this.#op.handle(), x, heads, seq, positions, inverse, out));
  }

  /** A new plain object of the options, for `JSON.stringify`. Errors: `ERR_DISPOSED`. */
  toJSON(): object {
    this.#lifetime.check();
    return ownJSON(this);
  }

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
