/** The native backend: the addon's kernels, tables in memory that JavaScript can see too. */

import { tooLarge } from '../errors.js';
import {
  type Backend,
  type Contents,
  FREQUENCY_BYTES,
  type Handle,
  LARGE,
  type NativeBinding,
  type Settings,
  type Storage,
  type Table,
} from './backend.js';
import { FewRows } from './few-rows.js';
import { guarded, internalError } from './guard.js';
import type { Loader } from './loader.js';
import { OwnedHandle, OwnedTable } from './table.js';

/**
 * Bytes of tables disposed last that stay as they are for the next table of the same size: touching a page for the
 * first time takes several times as long as filling it.
 */
const WARM = 32 * 2 ** 20;

/** Beyond those, buffers up to this size are kept without their pages, 64 of them at most. */
const SMALL = 4 * 2 ** 20;
const KEPT = 64;

/** Room to begin at a pair of cache lines: an array of the engine begins anywhere, and rows would lie in more of them. */
const PAIR = 128;

/** Buffers by length; the length that was put in longest ago comes first. */
class Spare {
  readonly #byLength = new Map<number, Float32Array[]>();
  count = 0;
  bytes = 0;

  put(memory: Float32Array): void {
    const { length } = memory;
    const same = this.#byLength.get(length) ?? [];
    this.#byLength.delete(length); // to be the last one
    this.#byLength.set(length, same);
    same.push(memory);
    this.count++;
    this.bytes += memory.byteLength;
  }

  take(length: number): Float32Array | undefined {
    const same = this.#byLength.get(length);
    if (same === undefined) return undefined;
    const memory = same.pop()!;
    if (same.length === 0) this.#byLength.delete(length);
    this.count--;
    this.bytes -= memory.byteLength;
    return memory;
  }

  /** One of the length that was put in longest ago. */
  takeOldest(): Float32Array | undefined {
    const [length] = this.#byLength.keys();
    return length === undefined ? undefined : this.take(length);
  }
}

/**
 * Memory for tables. A SharedArrayBuffer is never detached or moved, has no owner that could free it too early,
 * and can be seen by worker threads; but nothing can free it either, so its pages are given back by hand.
 */
class SharedMemory {
  /** Whose pages hold what the last table left. */
  readonly #warm = new Spare();
  /** Zeros, whose pages were given back. */
  readonly #cold = new Spare();

  constructor(private readonly binding: NativeBinding) {}

  /** `length` values, or `null` where the engine has no array so long or no memory for it. */
  take(length: number, contents: Contents): Float32Array | null {
    const warm = this.#warm.take(length);
    if (warm !== undefined) return contents === 'zeros' ? warm.fill(0) : warm;
    const cold = this.#cold.take(length);
    if (cold !== undefined) return cold;
    try {
      const buffer = new SharedArrayBuffer(length * 4 + PAIR);
      return new Float32Array(buffer, this.binding.beforeLines(new Float32Array(buffer)), length);
    } catch {
      return null;
    }
  }

  give(memory: Float32Array): void {
    if (memory.byteLength > WARM) return this.#cool(memory);
    this.#warm.put(memory);
    while (this.#warm.bytes > WARM) this.#cool(this.#warm.takeOldest()!);
  }

  #cool(memory: Float32Array): void {
    this.binding.release(memory);
    if (memory.byteLength <= SMALL && this.#cold.count < KEPT) this.#cold.put(memory);
  }
}

/**
 * How many rows of `dim` floats are copied by JavaScript sooner than by the addon, whose call alone takes as long as
 * 3 or 4 rows.
 */
function fewRows(dim: number): number {
  return dim <= 1024 ? 3 : 1;
}

class OrdinaryStorage implements Storage {
  disposed = false;
  constructor(readonly data: Float32Array) {}
  dispose(): void {
    this.disposed = true;
  }
}

/** The backend over the addon that `loader` found. */
export function nativeBackend(loader: Loader, settings: Settings): Backend {
  const kernels = guarded(loader.native(), { lost: null }, (error) =>
    internalError((error as Error).message, error),
  );
  if (settings.isa !== undefined) kernels.lowerIsa(settings.isa);
  const shared = new SharedMemory(kernels);

  const backend: Backend = {
    name: 'native',
    isa: kernels.isa() as Backend['isa'],
    threads: kernels.useThreads(settings.threads),
    kernels,
    lost: false,
    table(rows, dim, contents): Table {
      const [bytes, limit] = [rows * dim * 4, loader.memoryLimit()];
      if (bytes > limit) throw tooLarge('A table', bytes, limit);
      const memory = shared.take(rows * dim, contents);
      if (memory !== null) {
        const handle = kernels.tableAdopt(memory, rows, dim);
        const release = () => {
          kernels.free(handle);
          shared.give(memory);
        };
        let ordinary: Float32Array | null | undefined;
        const few = new FewRows(rows, dim, fewRows(dim), () => {
          if (ordinary === undefined) ordinary = kernels.alias(memory) ?? null;
          return ordinary;
        });
        return new OwnedTable(backend, rows, dim, handle, release, few);
      }
      // Beyond the longest array of the engine the table is Rust's alone.
      const handle = kernels.tableAllocate(rows, dim);
      if (handle < 0) throw tooLarge('A table', bytes, limit);
      return new OwnedTable(backend, rows, dim, handle, () => kernels.free(handle), null);
    },
    sinusoid(dim, base, halves): Handle {
      const [bytes, limit] = [dim * FREQUENCY_BYTES, loader.memoryLimit()];
      if (bytes > limit) throw tooLarge('The frequencies', bytes, limit);
      const handle = kernels.sinusoid(dim, base, halves);
      return new OwnedHandle(handle, () => kernels.free(handle));
    },
    advise: kernels.advise,
    allocate(length): Storage {
      const [bytes, limit] = [length * 4, Math.min(loader.memoryLimit(), loader.longestArray)];
      if (bytes > limit) throw tooLarge('A tensor', bytes, limit);
      try {
        const memory = new Float32Array(length);
        if (bytes >= LARGE) kernels.advise(memory);
        return new OrdinaryStorage(memory);
      } catch {
        throw tooLarge('A tensor', bytes, limit);
      }
    },
  };
  return backend;
}
