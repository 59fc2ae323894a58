/** What a file of this folder exports, and what it is given. Times are taken by the harness, or in the peer's own process. */

/** The word of `--peers`, and how to open what stands behind it. */
export interface Peer {
  readonly peer: string;
  /** Throws an Error that names `npm run bench:peers` where the peer is not installed. */
  open(options?: OpenOptions): Promise<Opened>;
}

/** What only the builds of tokenbed look at. */
export interface OpenOptions {
  /** Default: both. */
  readonly backends?: readonly ('native' | 'wasm')[];
  /** The entry of the build that `before` is. */
  readonly before?: string;
}

export interface Opened {
  readonly version: string;
  readonly contenders: readonly Contender[];
  /** Ends what runs beside this process. */
  close?(): void | Promise<void>;
}

export type Op = 'token' | 'gather' | 'forward' | 'layer' | 'bag' | 'sinusoid' | 'init' | 'call';

/** One way of doing some of the ops. */
export interface Contender {
  readonly name: string;
  /** 'native', 'wasm', 'cpu', ... */
  readonly backend: string;
  readonly isa?: string;
  /** The memory of its table, where it is not what the job asks for. */
  readonly pages?: '4KiB' | '2MiB';
  /** How far a value may lie from the expected one; 0 where absent: the same bits. */
  readonly tolerance?: number;
  /** What call `k` must give, where that is not the job's own answer. */
  readonly answer?: (job: Job, k: number) => Float32Array;
  readonly ops: { readonly [op in Op]?: Prepare };
}

/** Everything that is done once; null where the contender does not do this job. */
export type Prepare = (job: Job) => Prepared | null | Promise<Prepared | null>;

export interface Job {
  readonly op: Op;
  // Each op has parameters of its own, and a contender knows those of the ops it names.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly params: any;
  /** [V * D] values on a 64-byte line. */
  readonly table: Float32Array;
  /** All ids: 2^20 of them, or one batch if that is more. */
  readonly pool: Int32Array;
  /** Views of the pool, each behind the last; call k gets batches[k % batches.length]. */
  readonly batches: readonly Int32Array[];
  /** What the caller has room for: the rows of one call. */
  readonly out: Float32Array;
  /** What lies under table and out; a peer with memory of its own asks for the same. */
  readonly pages: '4KiB' | '2MiB';

  readonly positions?: Float32Array;
  /** Where each bag begins. */
  readonly offsets?: Int32Array;
  /** One per id of a batch. */
  readonly weights?: Float32Array | null;
}

export type Prepared = Here | Elsewhere;

/** In this process: the harness times `call`. */
export interface Here {
  /** Only what a user must do for each new batch. */
  readonly call: (k: number) => void | Promise<unknown>;
  /** The harness awaits each call. */
  readonly async?: boolean;
  /** The rows of the last call. */
  output(): Float32Array | Promise<Float32Array>;
  close?(): void | Promise<void>;
}

/** In another process, which times a tight loop of its own. */
export interface Elsewhere {
  /** Nanoseconds of the calls first .. first + count - 1. */
  measure(first: number, count: number): Promise<number>;
  output(): Promise<Float32Array>;
  close(): Promise<void>;
}
