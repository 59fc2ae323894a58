/** What is done with bytes as they pass: counting, progress, a hash. */

import type { Handle, HashKernels } from '../backend/index.js';
import { malformed } from './input.js';

/** The progress of a load. */
export interface LoadProgress {
  /** Bytes that were read. */
  loaded: number;
  /** Bytes of the file; null if they are unknown. */
  total: number | null;
}

/** Receives the progress, at most every 50 ms, and once at the end. */
export type OnLoadProgress = (progress: LoadProgress) => void;

const INTERVAL_MS = 50;

/** Reports how far a file was read. */
export class ProgressReports {
  #next = 0;
  #loaded = 0;

  constructor(
    private readonly report: OnLoadProgress | undefined,
    private readonly total: number | null,
  ) {}

  /** `loaded` bytes were read. */
  at(loaded: number): void {
    this.#loaded = Math.max(loaded, this.#loaded);
    if (this.report === undefined || loaded === this.total) return; // `end` reports the end
    const now = performance.now();
    if (now < this.#next) return;
    this.#next = now + INTERVAL_MS;
    this.report({ loaded: this.#loaded, total: this.total });
  }

  /** All bytes were read. */
  end(): void {
    const loaded = this.total ?? this.#loaded;
    this.report?.({ loaded, total: loaded });
  }
}

/** What reading the bytes of any file takes of a backend. */
export interface FileBackend {
  readonly kernels: HashKernels;
  /** The most bytes of a stream of unknown length. */
  readonly limit: number;
  /** The owner of the hash that `create` starts. */
  prepare(create: (kernels: HashKernels) => number): Handle;
}

/** The SHA-256 of bytes, compared with the expected one. */
export class HashCheck {
  readonly #hash: Handle;

  /** `expected`: 64 hexadecimal digits. */
  constructor(
    private readonly backend: FileBackend,
    private readonly expected: string,
  ) {
    this.#hash = backend.prepare((kernels) => kernels.sha256Create());
  }

  /** Adds bytes. */
  push(bytes: Uint8Array): void {
    this.backend.kernels.sha256Push(this.#hash.handle(), bytes);
  }

  /** Throws `ERR_FORMAT` unless the hash of all bytes is the expected one. */
  expect(name: string): void {
    const hash = this.backend.kernels.sha256End(this.#hash.handle());
    const expected = this.expected.toLowerCase();
    if (hash !== expected) throw malformed(name, `the sha256 must be ${expected}: got ${hash}`);
  }

  /** Frees it. Idempotent. */
  dispose(): void {
    this.#hash.dispose();
  }
}
