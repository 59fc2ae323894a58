/** Fixed positions: sines and cosines of the position, at frequencies that fall geometrically. */

import { activeBackend, type Handle, resultFloats, type Table } from './backend/index.js';
import { Dropout } from './dropout.js';
import { drawEncoding } from './encoding-svg.js';
import { describeEncoding, type EncodingReport } from './encoding-report.js';
import { type IdsInput, readIds } from './args/ids.js';
import { badId, checkOverflow } from './lookup.js';
import { callback, choice, integer, type Named, named, real } from './args/options.js';
import { PositionLayer } from './position-layer.js';
import { TableSpec } from './table-spec.js';
import { type Tensor, tensorOf } from './tensor.js';

/** Options of {@link PositionalEncoding}. */
export interface PositionalEncodingOptions {
  /** D, the number of columns: 1 or more, odd too. */
  readonly embeddingDim: number;
  /** How many positions the table has: 1 .. 2^32, default 5000. */
  readonly maxSeqLength?: number | undefined;
  /** The probability with which an element is dropped while training: 0 <= p < 1, default 0. */
  readonly dropout?: number | undefined;
  /** What the wavelengths grow to: 1 .. 1e12, default 10000. */
  readonly base?: number | undefined;
  /** Sine and cosine in turns, or all sines first. Default `'interleaved'`. */
  readonly layout?: Layout | undefined;
  /** Of the dropout: 0 .. 2^53-1, or a bigint 0 .. 2^64-1; default a fresh random number. */
  readonly seed?: number | bigint | undefined;
}

/** Options of {@link PositionalEncoding.visualizeEncoding}. */
export interface VisualizeOptions {
  /** Default 100; clamped to the table. */
  readonly seqLength?: number | undefined;
  /** Default 10; clamped to D. */
  readonly dimsToShow?: number | undefined;
  /** Gets one line per call; `null` prints nothing. Default `console.log`. */
  readonly print?: ((line: string) => void) | null | undefined;
}

/** In which order the columns stand. */
export type Layout = 'interleaved' | 'halves';

/** Reads the option `layout`. */
export function readLayout<T>(options: Named, fallback: T): Layout | T {
  if (options['layout'] === undefined) return fallback;
  return choice<Layout>(options, 'layout', ['interleaved', 'halves'], 'interleaved');
}

/** The largest position that can be encoded, plus one. */
const POSITIONS = 2 ** 32;

/**
 * Sinusoidal positions.
 *
 * ```text
 * w_i = base^(-2i/D);  PE[p, 2i] = sin(p w_i),  PE[p, 2i+1] = cos(p w_i)       (an odd D ends with a sine)
 * layout 'halves': the same values, sines in the first ceil(D/2) columns, cosines after them
 * ```
 * Each element is the mathematical value rounded once to f32, for every position up to 2^32 - 1. Nothing is
 * trainable. Errors of the constructor: `ERR_INVALID_OPTION`, `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED` (browser).
 */
export class PositionalEncoding extends PositionLayer {
  /** D, the number of columns. */
  readonly embeddingDim: number;
  /** How many positions the table has; `encode` goes beyond it. */
  readonly maxSeqLength: number;
  /** The probability with which an element is dropped while training. */
  readonly dropout: number;
  /** What the wavelengths grow to: w_i = base^(-2i/D). */
  readonly base: number;
  /** In which order the columns stand. */
  readonly layout: Layout;
  /** The seed of the dropout. */
  readonly seed: number | bigint;
  /** `[]`: nothing here is trained. */
  readonly parameters: readonly [];
  readonly #table: Table;
  readonly #sinusoid: Handle;

  constructor(options: PositionalEncodingOptions) {
    const known = ['embeddingDim', 'maxSeqLength', 'dropout', 'base', 'layout', 'seed'];
    const given = named(options, known, { required: true });
    const embeddingDim = integer(given, 'embeddingDim', { min: 1 });
    const maxSeqLength = integer(given, 'maxSeqLength', { min: 1, max: POSITIONS }, 5000);
    const dropout = Dropout.read(given);
    const base = real(given, 'base', { min: 1, max: 1e12 }, 10_000);
    const layout = readLayout(given, 'interleaved');

    const backend = activeBackend();
    const table = backend.table(new TableSpec(maxSeqLength, embeddingDim), 'anything');
    super({ table, dropout });
    this.#table = table;
    try {
      this.#sinusoid = backend.sinusoid({ dim: embeddingDim, base, layout });
    } catch (error) {
      table.dispose(); // nothing half-made is left behind
      throw error;
    }
    backend.kernels.tableSinusoid(table.handle(), this.#sinusoid.handle());
    this.embeddingDim = embeddingDim;
    this.maxSeqLength = maxSeqLength;
    this.dropout = dropout.p;
    this.base = base;
    this.layout = layout;
    this.seed = dropout.seed;
    this.parameters = Object.freeze([] as const);
    Object.freeze(this);
  }

  /** `[maxSeqLength, D]`: a copy of the table. Errors: `ERR_DISPOSED`, `ERR_TOO_LARGE`. */
  get pe(): Tensor<'f32'> {
    const handle = this.#table.handle();
    const data = resultFloats(this.maxSeqLength * this.embeddingDim);
    this.#table.backend.kernels.tableRead(handle, 0, data);
    return tensorOf(data, Object.freeze([this.maxSeqLength, this.embeddingDim]));
  }

  /**
   * The rows of any positions, 0 .. 2^32 - 1, beyond `maxSeqLength` too: the shape of `positions` + `[D]`.
   *
   * Builds no table; row p of `pe` has the same bits. Errors: as `Embedding.forward`, with
   * `Positions must be in range [0, 4294967296)`.
   */
  encode(positions: IdsInput): Tensor<'f32'> {
    this.#table.handle();
    const batch = readIds(positions, undefined, 'positions');
    const out = resultFloats(batch.count * this.embeddingDim);
    const { backend } = this.#table;
    this.#table.handle();
    checkOverflow(backend, batch, POSITIONS, 'Positions');
    const status = backend.kernels.sinusoidEncode(this.#sinusoid.handle(), batch.data, out);
    if (status >= 0) throw badId(batch, status, POSITIONS, 'Positions');
    batch.release();
    return tensorOf(out, Object.freeze([...batch.shape, this.embeddingDim]));
  }

  /**
   * The seeds' report, as text and as data; printed line by line unless `print` is null.
   *
   * `values` is the block shown (at most 10 x 10), `frequencies` all w_i in rad per position. Errors:
   * `ERR_DISPOSED`, `ERR_INVALID_OPTION`.
   */
  visualizeEncoding(options?: VisualizeOptions): EncodingReport {
    this.#table.handle();
    const given = named(options, ['seqLength', 'dimsToShow', 'print']);
    const seqLength = Math.min(integer(given, 'seqLength', { min: 1 }, 100), this.maxSeqLength);
    const dimsShown = Math.min(integer(given, 'dimsToShow', { min: 1 }, 10), this.embeddingDim);
    const silent = given['print'] === null;
    // oxlint-disable-next-line no-console -- this method exists to print
    const print = silent ? null : callback(given, 'print', (line: string) => console.log(line));
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
   * `seqLength` (default 100) and `dimsToShow` (default 64) are clamped to the table. Errors as above.
   */
  toSVG(options?: {
    readonly seqLength?: number | undefined;
    readonly dimsToShow?: number | undefined;
  }): string {
    this.#table.handle();
    const given = named(options, ['seqLength', 'dimsToShow']);
    const rows = Math.min(integer(given, 'seqLength', { min: 1 }, 100), this.maxSeqLength);
    const cols = Math.min(integer(given, 'dimsToShow', { min: 1 }, 64), this.embeddingDim);
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

  /** Frees the table; harmless the second time. */
  override dispose(): void {
    super.dispose();
    this.#sinusoid.dispose();
  }
}
