/**
 * The contract of a backend, and what belongs to it alone: kernels, tables, memory.
 *
 * A class of this package computes nothing itself: it reads options and arrays, checks shapes and lengths, and
 * calls one of the {@link Kernels}. A binding checks ids, since it is the one that reads them. So error messages are
 * built in one place, and backends can differ in speed only.
 */

import type { IdArray } from '../args/arrays.js';
import type { TableSpec } from '../table-spec.js';

/** What {@link Kernels.tableCreate} takes. */
export interface TableRecord {
  rows: number;
  dim: number;
  dtype: string;
  /** Whether the table holds zeros; else any values, all of which are written next. */
  zeros: boolean;
}

/** What {@link Kernels.sinusoidCreate} takes. */
export interface SinusoidRecord {
  dim: number;
  /** w_i = base^(-2i/dim) */
  base: number;
  /** `interleaved` or `halves`. */
  layout: string;
  /** The w_i themselves, in radians per position, instead of `dim` and `base`. */
  frequencies?: Float64Array;
}

/** What {@link Kernels.rotaryCreate} takes. */
export interface RotaryRecord {
  /** The sinusoidal table, of as many columns as are rotated and of the same layout. */
  table: number;
  /** The number of values in a row. */
  dim: number;
  layout: string;
}

/** What {@link Kernels.bagCreate} takes. */
export interface BagRecord {
  table: number;
  /** `sum`, `mean` or `max`. */
  mode: string;
  /** The id that is skipped. */
  padding?: number;
  includeLastOffset: boolean;
}

/** What {@link Kernels.embedCreate} takes. */
export interface EmbedRecord {
  table: number;
  /** What token rows are multiplied by. */
  scale?: number;
  /** The table of position rows. */
  positions?: number;
  /** The probability with which an element is dropped, and the seed of the draws. */
  dropout?: number;
  seed?: bigint;
}

/** What {@link Kernels.positionsCreate} takes. */
export interface PositionsRecord {
  table: number;
  dropout?: number;
  seed?: bigint;
}

/**
 * What both bindings export, function for function: free functions over handles, numbers, records and typed arrays.
 *
 * A handle is a number that names a table, a sinusoid or a prepared operation of this backend. A prepared operation has
 * what does not change between calls; it refers to its tables by handle. A *status* is -1 when the call is done;
 * `s >= 0` is the first bad entry of the first index argument, `s <= -2` stands for entry `-2 - s` of the second one,
 * and then nothing was written. Sizes, handles and positions are non-negative integers, exact as doubles. `undefined`
 * is the only sign of absence. Arrays are borrowed for the call; inputs are not shared with other threads; an `out` may
 * be longer than the result and must share no byte with an input.
 */
export interface Kernels {
  /** The instruction set in use. */
  isa(): string;
  /** Uses a lower instruction set from now on, in this environment; false if the architecture has none of that name. */
  lowerIsa(name: string): boolean;
  /** Checks `ids[i] < bound` for all i; `bound` at most 2^32. A status. */
  checkIds(ids: IdArray, bound: number): number;

  /** A table: its handle, or `undefined` without memory for it. */
  tableCreate(record: TableRecord): number | undefined;
  /** Forgets a handle and frees what it names. Idempotent. */
  free(handle: number): void;
  /** out = table[row ..], whole rows, as f32. */
  tableRead(table: number, row: number, out: Float32Array): void;
  /** table[row ..] = values, whole rows. */
  tableWrite(table: number, row: number, values: Float32Array): void;
  /** table[i] = element i of U[-bound, bound) of this seed and stream. */
  tableUniform(table: number, seed: bigint, stream: number, bound: number): void;
  /** table[i] = element i of N(0, std) of this seed and stream. */
  tableNormal(table: number, seed: bigint, stream: number, std: number): void;
  /** table[p] = the encoding of position p, for every row p. */
  tableSinusoid(table: number, sinusoid: number): void;

  /** A sinusoidal encoding: its handle. */
  sinusoidCreate(record: SinusoidRecord): number;
  /** out[i] = w_i in radians per position, for as many as fit. */
  sinusoidFrequencies(sinusoid: number, out: Float64Array): void;
  /** out[r] = the encoding of positions[r], 0 .. 2^32 - 1. A status. */
  sinusoidEncode(sinusoid: number, positions: IdArray, out: Float32Array): number;

  /** out[r] = table[ids[r]], bit for bit. A status. */
  gather(table: number, ids: IdArray, out: Float32Array): number;

  /** A prepared bag: its handle. */
  bagCreate(record: BagRecord): number;
  /**
   * out[b] = sum, mean or max of the rows of bag b: of the b-th of `bags` equal parts of `ids`, or from offset b to the
   * next. A status (ids, offsets).
   */
  bagRun(
    bag: number,
    ids: IdArray,
    bags: number | IdArray,
    weights: Float32Array | undefined,
    out: Float32Array,
  ): number;

  /** A prepared lookup with scale, positions and dropout: its handle. */
  embedCreate(record: EmbedRecord): number;
  /**
   * x = table[ids[r]]; x = x * scale; x = x + positions[p(r)]; element i of x dropped if its draw of training call
   * `call` says so: each only if the operation has it. A status (ids, position ids).
   *
   * p(r) = positions[r mod its length] for an array, else positions + r mod seq. Without `call` nothing is dropped.
   */
  embedRun(
    embed: number,
    ids: IdArray,
    seq: number,
    positions: number | IdArray,
    call: number | undefined,
    out: Float32Array,
  ): number;

  /** Prepared positions: their handle. */
  positionsCreate(record: PositionsRecord): number;
  /** out[r] = x[r] + table[p(r)], then dropout, as in `embedRun`; without `x` in place. A status (position ids). */
  positionsRun(
    op: number,
    x: Float32Array | undefined,
    seq: number,
    positions: number | IdArray,
    call: number | undefined,
    out: Float32Array,
  ): number;

  /** A prepared rotation: its handle. */
  rotaryCreate(record: RotaryRecord): number;
  /**
   * Each pair (a, b) of x[r] turned: (a c - b s, b c + a s), s and c of the row's position, -s if `inverse`; without `x`
   * in place. A status (position ids).
   *
   * Rows are `[batch, heads, seq]`; heads share positions: first position + place in the sequence, or positions
   * `[seq]` or `[batch, seq]`.
   */
  rotaryRun(
    op: number,
    x: Float32Array | undefined,
    heads: number,
    seq: number,
    positions: number | IdArray,
    inverse: boolean,
    out: Float32Array,
  ): number;
}

/** What the addon exports beyond the contract. */
export interface NativeBinding extends Kernels {
  /** Sets how many threads a call of this environment may use, 0 for all processors; returns the number in effect. */
  useThreads(wanted: number): number;
  /** A table as an ordinary Float32Array, where the engine allows such a view; not to be used once it is freed. */
  tableView(table: number): Float32Array | undefined;
}

/** What the module exports beyond the contract. */
export interface WasmBinding extends Kernels {
  /** The address of a table's values in linear memory, in bytes, if they are f32. */
  tableAddress(table: number): number | undefined;
  /** The message of the last panic; empty if there was none. */
  lastPanic(): string;
}

/** What the user sees of a backend. */
export interface BackendInfo {
  /** Which of the two answered. */
  readonly name: 'native' | 'wasm';
  /** The instruction set its kernels use. */
  readonly isa: 'avx512' | 'avx2' | 'neon' | 'simd128' | 'scalar';
  /** How many threads a call may use. */
  readonly threads: number;
  /** Why `auto` chose another than the native one; `null` otherwise. */
  readonly fallbackReason: string | null;
  /** The version of the package. */
  readonly version: string;
}

/** What the host tells of the machine; `null` for what it keeps to itself. */
export interface Machine {
  /** The runtime and its platform, such as `Node.js 22.12.0, linux-x64`, or the browser's user agent. */
  platform: string;
  /** The model of the processor. */
  processor: string | null;
  /** How many threads the machine runs at once. */
  processors: number | null;
}

/** What the environment requests of a backend. */
export interface Settings {
  /** The highest instruction set to use, if any was named. */
  readonly isa: string | undefined;
  /** How many threads a call may use; 0 for as many as there are processors. */
  readonly threads: number;
}

/** Bytes of a sinusoid per column while it is made. */
export const FREQUENCY_BYTES = 32;

/** Memory that a kernel uses in place, seen as floats. */
export interface Storage {
  /** The floats: on a growing memory a new view whenever the old one was emptied. */
  readonly data: Float32Array;
  /** Whether it was freed. */
  readonly disposed: boolean;
  /** Frees it. Idempotent. */
  dispose(): void;
}

/** What a new table holds. */
export type Contents = 'zeros' | 'anything';

/** One way to run the kernels. Objects keep the backend they were made on. */
export interface Backend {
  readonly name: BackendInfo['name'];
  readonly isa: BackendInfo['isa'];
  readonly threads: number;
  readonly kernels: Kernels;
  /** Whether it was abandoned after a trap: its objects throw `ERR_INTERNAL`, new ones are made on another. */
  readonly lost: boolean;
  /** A table of zeros or, where all of it is going to be written, of any values. `ERR_TOO_LARGE` before it is allocated. */
  table(spec: TableSpec, contents: Contents): Table;
  /** A sinusoidal encoding. `ERR_TOO_LARGE`. */
  sinusoid(record: SinusoidRecord): Handle;
  /** The owner of what `create` makes. */
  prepare(create: (kernels: Kernels) => number): Handle;
  /** `length` zeros that kernels of this backend read and write with no copy. `ERR_TOO_LARGE`. */
  allocate(length: number): Storage;
}

/** The owner of something in a backend. */
export interface Handle {
  readonly disposed: boolean;
  /** The handle, for a call right now. `ERR_DISPOSED` after `dispose()`. */
  handle(): number;
  /** Frees what it names. Idempotent; a finalizer is the fallback. */
  dispose(): void;
}

/** A table of a backend. */
export interface Table extends Handle {
  readonly backend: Backend;
  readonly spec: TableSpec;
  /** The number of rows. */
  readonly rows: number;
  /** The number of values in a row. */
  readonly dim: number;
  /**
   * As `kernels.gather` of this table for the first `count` of `ids`, where that needs no kernel: true when it is
   * done; false when nothing was done, for whatever reason. `out` has room; `ids` may be shared. `ERR_DISPOSED`.
   */
  copyFew(ids: IdArray, count: number, out: Float32Array): boolean;
}
