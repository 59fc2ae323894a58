/** Fixed positions: sines and cosines of the position at geometrically decreasing frequencies. */

import { bufferOf, type IdArray, isShared } from './args/arrays.js';
import { CallReader, DONE } from './args/call.js';
import type { IdsInput } from './args/ids.js';
import { callback, choice, COLUMNS, integer, type Named, named, real, ROWS } from './args/options.js';
import { activeBackend, type Handle, resultFloats, type Table } from './backend/index.js';
import { ownJSON, showContents } from './contents.js';
import { Dropout } from './dropout.js';
import { describeEncoding, type EncodingReport } from './encoding-report.js';
import { drawEncoding } from './encoding-svg.js';
import { Lifetime } from './lifetime.js';
import { NO_PARAMETERS } from './parameter.js';
import { PositionLayer } from './position-layer.js';
import { TableSpec } from './table-spec.js';
import { rowsOf, type Tensor, tensorOf } from './tensor.js';

/** Options of {@link PositionalEncoding}. */
export interface PositionalEncodingOptions {
  /** D, the number of columns: 1 or more, odd too. */
  readonly embeddingDim: number;
  /** The number of positions in the table: 1 .. 2^32, default 5000. */
  readonly maxSeqLength?: number | undefined;
  /** The probability that an element is dropped during training: 0 <= p < 1, default 0. */
  readonly dropout?: number | undefined;
  /** The base of the frequencies, w_i = base^(-2i/D): 1 .. 1e12, default 10000. */
  readonly base?: number | undefined;
  /** Sines and cosines alternating, or all sines first. Default `'interleaved'`. */
  readonly layout?: Layout | undefined;
  /** The seed of the dropout: 0 .. 2^53-1, or a bigint 0 .. 2^64-1; default from `Math.random`, so not a secret. */
  readonly seed?: number | bigint | undefined;
}

/** Options of {@link PositionalEncoding.visualizeEncoding}. */
export interface VisualizeOptions {
  /** Default 100; clamped to the table. */
  readonly seqLength?: number | undefined;
  /** Default 10; clamped to D. */
  readonly dimsToShow?: number | undefined;
  /** Receives one line per call; `null` prints nothing. Default `console.log`. */
  readonly print?: ((line: string) => void) | null | undefined;
}

/** The order of the columns. */
export type Layout = 'interleaved' | 'halves';

/** The options `base` and `layout`; undefined if absent. */
export function readForm(options: Named): { base: number | undefined; layout: Layout | undefined } {
  const base = real(options, 'base', { min: 1, max: 1e12 }, undefined);
  if (options['layout'] === undefined) return { base, layout: undefined };
  return { base, layout: choice<Layout>(options, 'layout', ['interleaved', 'halves'], 'interleaved') };
}

const OPTIONS = ['embeddingDim', 'maxSeqLength', 'dropout', 'base', 'layout', 'seed'];

/** `encode` takes positions below this bound. */
const POSITIONS = 2 ** 32;

/**
 * Sinusoidal positions.
 *
 * ```text
 * w_i = base^(-2i/D);  PE[p, 2i] = sin(p w_i),  PE[p, 2i+1] = cos(p w_i)       (an odd D ends with a sine)
 * layout 'halves': the same values, sines in the first ceil(D/2) columns, cosines after them
 * ```
 * Each element is the mathematical value rounded once to f32, for every position up to 2^32 - 1. It has no trainable
 * parameters. Errors of the constructor: `ERR_INVALID_OPTION`, `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED` (browser).
 */
export class PositionalEncoding extends PositionLayer {
  /** D, the number of columns. */
  readonly embeddingDim: number;
  /** The number of positions in the table; `encode` takes positions beyond it. */
  readonly maxSeqLength: number;
  /** The probability that an element is dropped during training. */
  readonly dropout: number;
  /** The base of the frequencies: w_i = base^(-2i/D). */
  readonly base: number;
  /** The order of the columns. */
  readonly layout: Layout;
  /** The seed of the dropout. */
  readonly seed: number | bigint;
  readonly #table: Table;
  readonly #sinusoid: Handle;
  readonly #lifetime: Lifetime;
  readonly #dropout: Dropout;
  readonly #encodes: CallReader;

  constructor(options: PositionalEncodingOptions) {
    const values = named(options, OPTIONS, { required: true });
    const embeddingDim = integer(values, 'embeddingDim', COLUMNS);
    const maxSeqLength = integer(values, 'maxSeqLength', ROWS, 5000);
    const dropout = Dropout.read(values);
    const { base = 10_000, layout = 'interleaved' } = readForm(values);

    const backend = activeBackend();
    const table = backend.table(new TableSpec(maxSeqLength, embeddingDim), 'anything');
    const lifetime = new Lifetime('The positional encoding');
    super({ table, dropout, lifetime });
    this.#table = table;
    this.#lifetime = lifetime;
    this.#dropout = dropout;
    this.#encodes = new CallReader({
      lifetime,
      dim: embeddingDim,
      ids: { bound: POSITIONS, kind: 'Positions' },
    });
    try {
      this.#sinusoid = backend.sinusoid({ dim: embeddingDim, base, layout });
    } catch (error) {
      table.dispose(); // a constructor that throws leaves nothing allocated
      throw error;
    }
    backend.kernels.tableSinusoid(table.handle(), this.#sinusoid.handle());
    this.embeddingDim = embeddingDim;
    this.maxSeqLength = maxSeqLength;
    this.dropout = dropout.p;
    this.base = base;
    this.layout = layout;
    this.seed = dropout.seed;
    showContents(this, () => `${lifetime.text} ${dropout.text}`);
    if (new.target === PositionalEncoding) Object.freeze(this);
  }

  /** `[]`: no trainable parameters. */
  get parameters(): readonly [] {
    return NO_PARAMETERS;
  }

  /**
   * The number of successful training calls with a dropout above 0 so far, shared with a layer. It can be set, to resume
   * training: an integer in 0 .. 2^32, else `ERR_INVALID_OPTION`. At 2^32 a training call is `ERR_TOO_LARGE`.
   */
  get trainingCalls(): number {
    return this.#dropout.calls;
  }

  /** Sets the number of training calls. Errors: `ERR_DISPOSED`, `ERR_INVALID_OPTION`. */
  set trainingCalls(value: number) {
    this.#lifetime.check();
    this.#dropout.setCalls(value);
  }

  /** `[maxSeqLength, D]`: a copy of the table. Errors: `ERR_DISPOSED`, `ERR_TOO_LARGE`. */
  get pe(): Tensor<'f32'> {
    this.#lifetime.check();
    const data = resultFloats(this.maxSeqLength * this.embeddingDim);
    this.#table.backend.kernels.tableRead(this.#table.handle(), 0, data);
    return tensorOf(data, [this.maxSeqLength, this.embeddingDim]);
  }

  /**
   * The encodings of any positions in 0 .. 2^32 - 1, including those beyond `maxSeqLength`: a new Tensor of shape
   * `[...positions.shape, D]`.
   *
   * Builds no table; the bits equal those of row p of `pe`. Errors: as `Embedding.forward`, with
   * `Positions must be in range [0, 4294967296)`.
   */
  encode(positions: IdsInput): Tensor<'f32'> {
    const { kernels } = this.#table.backend;
    const few = this.#encodes.plainResult(positions);
    if (few !== null && this.#encodePlain(positions as IdArray, few)) return rowsOf(few, this.embeddingDim);
    const call = this.#encodes.read(positions, undefined);
    return call.done(kernels.sinusoidEncode(this.#sinusoid.handle(), call.ids, call.out)).tensor();
  }

  /** The fast path of `encode`, see `CallReader.plainCount`. Returns false if it did nothing. */
  #encodePlain(positions: IdArray, out: Float32Array): boolean {
    this.#lifetime.check();
    if (this.#encodes.plainCount(positions, out) === 0 || isShared(bufferOf(positions))) return false;
    return this.#table.backend.kernels.sinusoidEncode(this.#sinusoid.handle(), positions, out) === DONE;
  }

  /**
   * TinyTorch's report, as text and as data. Prints the text line by line unless `print` is null.
   *
   * `values` is the block shown (at most 10 x 10), `frequencies` all w_i in rad per position. Errors:
   * `ERR_DISPOSED`, `ERR_INVALID_OPTION`.
   */
  visualizeEncoding(options?: VisualizeOptions): EncodingReport {
    this.#lifetime.check();
    const values = named(options, ['seqLength', 'dimsToShow', 'print']);
    const seqLength = Math.min(integer(values, 'seqLength', { min: 1 }, 100), this.maxSeqLength);
    const dimsShown = Math.min(integer(values, 'dimsToShow', { min: 1 }, 10), this.embeddingDim);
    const silent = values['print'] === null;
    // oxlint-disable-next-line no-console -- this method exists to print
    const print = silent ? null : callback(values, 'print', (line: string) => console.log(line));
    const block = this.#block(Math.min(seqLength, 10), Math.min(dimsShown, 10));
    const report = describeEncoding({
      seqLength,
      dimsShown,
      values: block,
      frequencies: this.#frequencies(),
    });
    if (print !== null) for (const line of report.text.split('\n')) print(line);
    return report;
  }

  /**
   * A heat map of the encoding and the curve of its frequencies, as one SVG document.
   *
   * `seqLength` (default 100) and `dimsToShow` (default 64) are clamped to the table. Errors: `ERR_DISPOSED`,
   * `ERR_INVALID_OPTION`.
   */
  toSVG(options?: {
    readonly seqLength?: number | undefined;
    readonly dimsToShow?: number | undefined;
  }): string {
    this.#lifetime.check();
    const values = named(options, ['seqLength', 'dimsToShow']);
    const rows = Math.min(integer(values, 'seqLength', { min: 1 }, 100), this.maxSeqLength);
    const cols = Math.min(integer(values, 'dimsToShow', { min: 1 }, 64), this.embeddingDim);
    return drawEncoding({ values: this.#block(rows, cols), frequencies: this.#frequencies() });
  }

  /** The first rows and columns of the table. */
  #block(rows: number, cols: number): number[][] {
    const { backend, dim } = this.#table;
    const row = new Float32Array(dim);
    return Array.from({ length: rows }, (_, position) => {
      backend.kernels.tableRead(this.#table.handle(), position, row);
      return Array.from(row.subarray(0, cols));
    });
  }

  #frequencies(): number[] {
    const out = new Float64Array(Math.ceil(this.embeddingDim / 2));
    this.#table.backend.kernels.sinusoidFrequencies(this.#sinusoid.handle(), out);
    return Array.from(out);
  }

  /** A new plain object of the options, for `JSON.stringify`. Errors: `ERR_DISPOSED`. */
  toJSON(): object {
    this.#lifetime.check();
    return ownJSON(this);
  }

  /** Frees the table. Idempotent; earlier results stay valid. */
  override dispose(): void {
    super.dispose();
    this.#sinusoid.dispose();
  }
}
