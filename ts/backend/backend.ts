/**
 * The contract of a backend, and what belongs to it alone: kernels, tables, memory.
 *
 * A class of this package computes nothing itself: it reads options and arrays, checks shapes and lengths, and
 * calls one of the {@link Kernels}. A binding checks nothing but ids (it is the one that reads them). So an
 * error is worded in one place, and both backends can only differ in speed.
 */

import type { IdArray } from '../arrays.js';

/**
 * What both bindings export, function for function: free functions over handles, numbers and typed arrays.
 *
 * A handle is a number that names a table or a sinusoid of this backend. A *status* is -1 when all is done;
 * `s >= 0` is the first bad entry of the first index argument, `s <= -2` stands for entry `-2 - s` of the second
 * one, and then nothing was written. Sizes, handles and positions are non-negative integers, exact as doubles;
 * a seed crosses as two 32-bit halves. Arrays are borrowed for the call; an `out` may be longer than the result
 * and must share no byte with an input.
 */
export interface Kernels {
  /** The instruction set in use. */
  isa(): string;
  /** Uses a lower instruction set from now on; false when it is unknown or not to be had on this machine. */
  lowerIsa(name: string): boolean;
  /** Checks `ids[i] < bound` for all i; `bound` at most 2^32. A status. */
  checkIds(ids: IdArray, bound: number): number;

  /** A table of zeros, `rows` x `dim`, in memory of the binding's own: its handle, or -1 without memory. */
  tableAllocate(rows: number, dim: number): number;
  /** Forgets a handle and frees what it names; harmless the second time. */
  free(handle: number): void;
  /** out = table[row ..], whole rows, as f32. */
  tableRead(table: number, row: number, out: Float32Array): void;
  /** table[row ..] = values, whole rows. */
  tableWrite(table: number, row: number, values: Float32Array): void;
  /** table[i] = element i of U[-bound, bound) of this seed and stream. */
  tableUniform(table: number, seedLow: number, seedHigh: number, stream: number, bound: number): void;
  /** table[i] = element i of N(0, std) of this seed and stream. */
  tableNormal(table: number, seedLow: number, seedHigh: number, stream: number, std: number): void;
  /** table[p] = the encoding of position p, for every row p. */
  tableSinusoid(table: number, sinusoid: number): void;

  /** A sinusoidal encoding, w_i = base^(-2i/dim): its handle. */
  sinusoid(dim: number, base: number, halves: boolean): number;
  /** out[i] = w_i in radians per position, for as many as fit. */
  sinusoidFrequencies(sinusoid: number, out: Float64Array): void;
  /** out[r] = the encoding of positions[r], 0 .. 2^32 - 1. A status. */
  sinusoidEncode(sinusoid: number, positions: IdArray, out: Float32Array): number;

  /** out[r] = table[ids[r]], bit for bit. A status. */
  gather(table: number, ids: IdArray, out: Float32Array): number;
  /**
   * x = table[ids[r]]; x = x * scale unless `scale` is 0; x = x + positions[p(r)] unless `positions` is -1;
   * element i of x dropped if `dropout` > 0 and its draw (seed, stream 2, call) says so. A status (ids, position ids).
   *
   * p(r) = positionIds[r mod its length] if given, else start + r mod seq.
   */
  layer(
    table: number,
    ids: IdArray,
    scale: number,
    positions: number,
    start: number,
    seq: number,
    positionIds: IdArray | undefined,
    dropout: number,
    seedLow: number,
    seedHigh: number,
    call: number,
    out: Float32Array,
  ): number;
  /** out[r] = x[r] + positions[p(r)] for `rows` rows, then dropout, as in `layer`; without `x` in place. A status. */
  add(
    positions: number,
    rows: number,
    start: number,
    seq: number,
    positionIds: IdArray | undefined,
    dropout: number,
    seedLow: number,
    seedHigh: number,
    call: number,
    x: Float32Array | undefined,
    out: Float32Array,
  ): number;
  /**
   * out[b] = sum (mode 0), mean (1) or max (2) of the rows of bag b: entries `offsets[b] .. offsets[b + 1]`, or
   * without offsets the b-th of `bags` equal parts of `ids`. Id `padding` is left out (-1: none). A status (ids, offsets).
   */
  bag(
    table: number,
    mode: number,
    padding: number,
    ids: IdArray,
    bags: number,
    offsets: IdArray | undefined,
    includeLastOffset: boolean,
    weights: Float32Array | undefined,
    out: Float32Array,
  ): number;
}

/** What the addon exports beyond the contract. */
export interface NativeBinding extends Kernels {
  /** Sets how many threads a call of this environment may use, 0 for all processors; says what it became. */
  useThreads(wanted: number): number;
  /** A table in memory that JavaScript allocated (a view of a SharedArrayBuffer) and keeps until `free`. */
  tableAdopt(memory: Float32Array, rows: number, dim: number): number;
  /** How many bytes of such memory come before the first pair of cache lines that begins in it: 0 to 127. */
  beforeLines(memory: Float32Array): number;
  /** Asks for large pages under memory that a result will fill and that nobody has written yet. */
  advise(memory: Float32Array): void;
  /** Zeroes such memory and gives its whole pages back to the system. */
  release(memory: Float32Array): void;
  /** The same memory seen as an ordinary buffer's, where the engine allows it. */
  alias(memory: Float32Array): Float32Array | undefined;
}

/** What the module exports beyond the contract. */
export interface WasmBinding extends Kernels {
  /** Where a table's first value lies in linear memory, in bytes. */
  tableAddress(table: number): number;
  /** What the last panic said; empty when there was none. */
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
  /** Why it is not the native one although `auto` was asked for; `null` otherwise. */
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

/** What the environment asks of a backend. */
export interface Settings {
  /** The highest instruction set to use, if any was named. */
  readonly isa: string | undefined;
  /** How many threads a call may use; 0 for as many as there are processors. */
  readonly threads: number;
}

/** What a sinusoid takes per column while it is made: nobody asks for so many columns by mistake and gets an aborted process. */
export const FREQUENCY_BYTES = 32;

/** Memory of at least so many bytes is worth advice about its pages: it surely holds a large one, of 2 MiB. */
export const LARGE = 4 * 2 ** 20;

/** Memory that a kernel can use where it lies, seen as floats. */
export interface Storage {
  /** The floats: on a growing memory a new view whenever the old one was emptied. */
  readonly data: Float32Array;
  /** Whether it was given back. */
  readonly disposed: boolean;
  /** Gives it back; harmless the second time. */
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
  /** Whether it was given up after a trap: its objects throw `ERR_INTERNAL`, new ones are made on another. */
  readonly lost: boolean;
  /** A table of zeros or, where all of it is going to be written, of anything. `ERR_TOO_LARGE` before it is allocated. */
  table(rows: number, dim: number, contents: Contents): Table;
  /** A sinusoidal encoding, w_i = base^(-2i/dim). */
  sinusoid(dim: number, base: number, halves: boolean): Handle;
  /** Says that a result will fill this ordinary memory of some MiB, which nobody has written yet. */
  advise(memory: Float32Array): void;
  /** `length` zeros that kernels of this backend read and write with no copy. `ERR_TOO_LARGE`. */
  allocate(length: number): Storage;
}

/** The owner of something in a backend. */
export interface Handle {
  readonly disposed: boolean;
  /** The handle, for a call right now. `ERR_DISPOSED` after `dispose()`. */
  handle(): number;
  /** Frees what it names; harmless the second time. A finalizer does it if nobody else did. */
  dispose(): void;
}

/** A table of a backend. */
export interface Table extends Handle {
  readonly backend: Backend;
  readonly rows: number;
  readonly dim: number;
  /**
   * As `kernels.gather` of this table for the first `count` of `ids`, where that needs no kernel: true when it is
   * done; false when nothing was done, for whatever reason. `out` has room; `ids` may be shared. `ERR_DISPOSED`.
   */
  copyFew(ids: IdArray, count: number, out: Float32Array): boolean;
}
