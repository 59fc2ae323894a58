/** The exports of a file in this folder, and their parameters. The harness takes the times, or the peer's own process does. */

/** A name for `--peers`, and the function that opens the peer. */
export interface Peer {
  readonly peer: string;
  /** Throws an Error that names `npm run bench:peers` if the peer is not installed. */
  open(options?: OpenOptions): Promise<Opened>;
}

/** Options for the builds of tokenbed; other peers ignore them. */
export interface OpenOptions {
  /** Default: both. */
  readonly backends?: readonly ('native' | 'wasm')[];
  /** The entry of the build that `before` is. */
  readonly before?: string;
}

export interface Opened {
  readonly version: string;
  readonly contenders: readonly Contender[];
  /** Stops the peer's child processes. */
  close?(): void | Promise<void>;
}

export type Op = 'token' | 'gather' | 'forward' | 'layer' | 'bag' | 'sinusoid' | 'init' | 'nearest' | 'call';

/** One implementation of some of the ops. */
export interface Contender {
  readonly name: string;
  /** 'native', 'wasm', 'cpu', ... */
  readonly backend: string;
  readonly isa?: string;
  /** The pages of its table, if they are not those that the job requests. */
  readonly pages?: '4KiB' | '2MiB';
  /** The largest allowed difference from the expected value. Default: 0, the same bits. */
  readonly tolerance?: number;
  /** The expected result of call `k`, if it differs from the job's. */
  readonly answer?: (job: Job, k: number) => Float32Array | null;
  readonly ops: { readonly [op in Op]?: Prepare };
}

/** The one-time set-up of a job; returns null if the contender does not support it. */
export type Prepare = (job: Job) => Prepared | null | Promise<Prepared | null>;

export interface Job {
  readonly op: Op;
  // Each op has different parameters; a contender knows those of the ops that it implements.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly params: any;
  /** [V * D] values on a 64-byte line. */
  readonly table: Float32Array;
  /** All ids: 2^20 of them, or one batch if that is more. */
  readonly pool: Int32Array;
  /** Consecutive views of the pool; call k gets batches[k % batches.length]. */
  readonly batches: readonly Int32Array[];
  /** The caller's output: the rows of one call. */
  readonly out: Float32Array;
  /** The pages of `table` and `out`; a peer that allocates its own memory requests the same. */
  readonly pages: '4KiB' | '2MiB';

  readonly positions?: Float32Array;
  /** Where each bag begins. */
  readonly offsets?: Int32Array;
  /** One per id of a batch. */
  readonly weights?: Float32Array | null;
  /** Queries of a row's width; a batch has the index of one. The output is the ids of the nearest rows, then their scores. */
  readonly queries?: Float32Array;
}

export type Prepared = Here | Elsewhere;

/** In this process: the harness times `call`. */
export interface Here {
  /** Does only the work that a user must do for each new batch. */
  readonly call: (k: number) => void | Promise<unknown>;
  /** The harness awaits each call. */
  readonly async?: boolean;
  /** The rows of the last call. */
  output(): Float32Array | Promise<Float32Array>;
  close?(): void | Promise<void>;
}

/** In another process, which times its own tight loop. */
export interface Elsewhere {
  /** Returns the nanoseconds of the calls first .. first + count - 1. */
  measure(first: number, count: number): Promise<number>;
  output(): Promise<Float32Array>;
  close(): Promise<void>;
}
