/** Inputs: the bytes of a file, of known length, in pieces. */

import type { OrdinaryBytes } from '../args/arrays.js';
import { fail, type TokenbedError } from '../errors.js';
import { type Steps, wait } from './steps.js';

/** The bytes that are read at once. */
export const PIECE = 2 ** 20;

/** The bytes of a file. */
export interface Input {
  /** Its path or address, or `bytes`, for messages. */
  readonly name: string;
  /** The number of bytes. */
  readonly total: number;
  /** The descriptor of a regular file, which can be mapped. */
  readonly fd?: number;
  /** The first `length` bytes. Called before `read`. */
  prefix(length: number): Steps<Uint8Array>;
  /**
   * Between 1 and `length` bytes from `offset` on, valid until the next call. Offsets never decrease. `offset + length` is
   * at most `total`.
   */
  read(offset: number, length: number): Steps<Uint8Array>;
  /** Checks what can only be checked when all bytes were read. */
  finish(): Steps<void>;
  /** The file `name` in the same folder; absent if there is no folder. */
  sibling?(name: string): Steps<Input>;
  /** Frees the resources, also after an error. */
  close(): Steps<void>;
}

/** `ERR_FORMAT`: a malformed file. `byte` and `line` say where. */
export function malformed(
  path: string,
  rule: string,
  where: { readonly byte?: number; readonly line?: number } = {},
): TokenbedError {
  const { byte, line } = where;
  const place = byte !== undefined ? `byte ${byte}: ` : line !== undefined ? `line ${line}: ` : '';
  return fail(Error, 'ERR_FORMAT', `${path}: ${place}${rule}`, { path, ...where, rule });
}

/** `ERR_FORMAT`: a file that has another length than before. */
export const lengthChanged = (path: string, length: number, total: number): TokenbedError =>
  malformed(path, `the file had ${total} bytes when it was opened, and has ${length} now`, {
    byte: Math.min(length, total),
  });

/** Reads `length` bytes from `offset` on into one array. */
export function* readAll(input: Input, offset: number, length: number): Steps<OrdinaryBytes> {
  const all = allocate(length);
  for (let at = 0; at < length;) {
    const piece = yield* input.read(offset + at, length - at);
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** New bytes. `ERR_TOO_LARGE` if the engine has no memory for them. */
export function allocate(length: number): OrdinaryBytes {
  try {
    return new Uint8Array(length);
  } catch {
    throw fail(RangeError, 'ERR_TOO_LARGE', `The bytes of a file need ${length} bytes of memory`, {
      bytes: length,
      limit: 0,
    });
  }
}

/** Bytes in memory. Nothing waits, so a load ends before the caller can change them. */
export class BytesInput implements Input {
  constructor(
    readonly bytes: Uint8Array,
    readonly name = 'bytes',
    private readonly finished: () => void = () => {},
  ) {}

  get total(): number {
    return this.bytes.length;
  }

  *prefix(length: number): Steps<Uint8Array> {
    return this.bytes.subarray(0, length);
  }

  *read(offset: number, length: number): Steps<Uint8Array> {
    return this.bytes.subarray(offset, offset + length);
  }

  *finish(): Steps<void> {
    this.finished();
  }

  *close(): Steps<void> {}
}

/** Reads at any offset: `into.length` bytes or fewer, 0 at the end. */
export type ReadAt = (into: OrdinaryBytes, offset: number) => number | Promise<number>;

/** What the owner of an input does. */
export interface Owner {
  /** The descriptor of a regular file. */
  readonly fd?: number | undefined;
  /** Called with the end of the bytes that were read. */
  onBytes?(end: number): void;
  /** Called by `finish`. */
  finished?(): void | Promise<void>;
  /** Called by `close`. */
  closed?(): void | Promise<void>;
  /** Opens a file in the same folder. */
  sibling?: ((name: string) => Input | Promise<Input>) | undefined;
}

/** Waits for an input that is being opened. After an abort it is closed. */
function* opened(opening: Input | Promise<Input>): Steps<Input> {
  try {
    return yield* wait(opening);
  } catch (error) {
    const late = yield* wait(Promise.resolve(opening).catch(() => undefined));
    if (late !== undefined) yield* late.close();
    throw error;
  }
}

/** An input with an owner. */
abstract class OwnedInput {
  readonly fd?: number;
  sibling?: (name: string) => Steps<Input>;

  constructor(
    readonly name: string,
    readonly total: number,
    protected readonly owner: Owner,
  ) {
    if (owner.fd !== undefined) this.fd = owner.fd;
    const open = owner.sibling;
    if (open !== undefined) this.sibling = (name) => opened(open(name));
  }

  *finish(): Steps<void> {
    yield* wait(this.owner.finished?.());
  }

  *close(): Steps<void> {
    yield* wait(this.owner.closed?.());
  }
}

/** Bytes that can be read at any offset: a file, a Blob. */
export class RandomInput extends OwnedInput implements Input {
  #piece: OrdinaryBytes | null = null;

  constructor(
    name: string,
    total: number,
    private readonly readAt: ReadAt,
    owner: Owner,
  ) {
    super(name, total, owner);
  }

  *prefix(length: number): Steps<Uint8Array> {
    const all = allocate(Math.min(length, this.total));
    for (let at = 0; at < all.length;) at += yield* this.#fill(all.subarray(at), at);
    return all;
  }

  *read(offset: number, length: number): Steps<Uint8Array> {
    this.#piece ??= allocate(Math.min(PIECE, this.total));
    const piece = this.#piece.subarray(0, length);
    return piece.subarray(0, yield* this.#fill(piece, offset));
  }

  *#fill(into: OrdinaryBytes, offset: number): Steps<number> {
    const count = yield* wait(this.readAt(into, offset));
    if (count === 0) throw lengthChanged(this.name, offset, this.total);
    this.owner.onBytes?.(offset + count);
    return count;
  }
}

/** The next bytes of a stream, valid until the next call; null at its end. */
export type Next = () => Promise<Uint8Array | null>;

/** Bytes that can only be read in order. */
export class SequentialInput extends OwnedInput implements Input {
  /** Bytes from `#at` on that were received and not yet read. */
  #held: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(
    name: string,
    total: number,
    private readonly next: Next,
    owner: Owner,
  ) {
    super(name, total, owner);
  }

  *prefix(length: number): Steps<Uint8Array> {
    const wanted = Math.min(length, this.total);
    if (this.#held.length < wanted) {
      // Copies: a piece is valid until the next one.
      const parts = [this.#held.slice()];
      let have = this.#held.length;
      while (have < wanted) {
        const part = yield* this.#receive(have);
        parts.push(part.slice());
        have += part.length;
      }
      this.#held = joined(parts, have);
    }
    return this.#held.subarray(0, wanted);
  }

  *read(offset: number, length: number): Steps<Uint8Array> {
    while (this.#at + this.#held.length <= offset) {
      this.#at += this.#held.length;
      this.#held = yield* this.#receive(this.#at);
    }
    this.#held = this.#held.subarray(offset - this.#at);
    this.#at = offset;
    return this.#held.subarray(0, length);
  }

  *#receive(at: number): Steps<Uint8Array> {
    for (;;) {
      const part = yield* wait(this.next());
      if (part === null) throw tooShort(this.name, at, this.total);
      if (at + part.length > this.total) throw tooLong(this.name, this.total);
      if (part.length > 0) return part;
    }
  }

  override *finish(): Steps<void> {
    let at = this.#at + this.#held.length;
    while (at < this.total) at += (yield* this.#receive(at)).length;
    for (;;) {
      const part = yield* wait(this.next());
      if (part === null) break;
      if (part.length > 0) throw tooLong(this.name, this.total);
    }
    yield* super.finish();
  }
}

const tooShort = (name: string, length: number, total: number): TokenbedError =>
  malformed(name, `the data end after ${length} bytes; ${total} bytes were announced`, { byte: length });

const tooLong = (name: string, total: number): TokenbedError =>
  malformed(name, `the data have more than the ${total} bytes that were announced`, { byte: total });

/** All parts in one array. */
export function joined(parts: readonly Uint8Array[], length: number): OrdinaryBytes {
  const all = allocate(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
