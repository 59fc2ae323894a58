/**
 * Ids in any form. A binding always gets one flat integer array:
 *
 * ```
 * integer typed array of up to 32 bits, ordinary buffer   the array itself
 * the same on a SharedArrayBuffer                          a copy in scratch memory, which is used from then on
 * 64 bits                                                  the low halves, in scratch memory
 * nested arrays, a number                                  read once into scratch memory
 * ```
 *
 * Scratch memory comes from a pool and belongs to one argument until `release`. Thus a getter inside nested ids may
 * call the very method that is reading them. Memory that is not released, because something threw, is collected.
 */

import {
  type ArrayKind,
  bufferOf,
  describeGone,
  type IdArray,
  isArray,
  isFloat,
  isGone,
  isShared,
  isWide,
  kindOf,
  lengthOf,
  offsetOf,
  overlaps,
  tensorContents,
  type TypedArray,
  type WideArray,
} from './arrays.js';
import type { DType } from '../dtype.js';
import {
  describeArgument,
  idOutOfRange,
  invalidId,
  invalidIds,
  type TokenbedError,
  tooLarge,
  withArticle,
} from '../errors.js';
import { type LeafSink, Walk } from './nested.js';
import { fitShape, expectFlat, readShape } from './shape.js';
import { scratchBytes } from '../table-spec.js';
import type { Tensor } from '../tensor.js';

/** Integers nested to any depth; typed arrays may be the innermost level. */
export type NestedIds = readonly (number | IdArray | WideArray | NestedIds)[];

/** Ids in any form: one, nested arrays, an integer typed array, or an integer Tensor. */
export type IdsInput = number | NestedIds | IdArray | WideArray | Tensor<Exclude<DType, 'f32' | 'f64'>>;

/** What ids refer to, as error messages call them. */
export type IdKind = 'Token indices' | 'Positions';

/** An id that does not fit 32 bits, and is therefore out of every range. */
interface Overflow {
  readonly value: number | bigint;
  /** Its flat position. */
  readonly position: number;
}

const EMPTY = new Uint32Array(0);

/** Stands for an ignored integer that does not fit 32 bits. An id of this value then counts as one that does not fit, either. */
const IGNORED = 2 ** 32 - 1;

/** One piece of reused memory. */
class Scratch {
  words: Uint32Array = EMPTY;
  /** The first elements of `words`, as many as the last argument had: one of the same size needs no new view. */
  #front: Uint32Array = EMPTY;
  #frontOf: Uint32Array = EMPTY;

  /** The first `count` words. */
  front(count: number): Uint32Array {
    const { words } = this;
    if (this.#front.length !== count || this.#frontOf !== words) {
      this.#front = new Uint32Array(words.buffer, 0, count);
      this.#frontOf = words;
    }
    return this.#front;
  }
}

const pool: Scratch[] = [];

/** More scratch memory than one call uses (for ids and for positions or offsets) is needed in re-entrant calls only. */
const POOL_SIZE = 4;

/** Scratch memory of at least `length` words with arbitrary contents. */
function take(length: number): Scratch {
  const scratch = pool.pop() ?? new Scratch();
  if (scratch.words.length < length) scratch.words = allocate(length);
  return scratch;
}

function allocate(length: number): Uint32Array {
  try {
    return new Uint32Array(Math.max(length, 1024));
  } catch {
    throw tooLarge('A copy of the ids', scratchBytes(length), 2 ** 32);
  }
}

type IdClass = new (buffer: ArrayBufferLike, offset: number, length: number) => IdArray;

/** The classes of ids of up to 32 bits. */
const CLASSES: Readonly<Partial<Record<ArrayKind, IdClass>>> = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
};

/** The index of the low half of a 64-bit integer. */
const LOW = new Uint32Array(new BigUint64Array([1n]).buffer)[0] === 1 ? 0 : 1;

const SCALAR: readonly number[] = Object.freeze([]);

/**
 * An argument that is ids.
 *
 * The constructor checks the kind of the argument and runs no getter inside nested arrays; `read` takes the ids.
 */
export class Ids implements LeafSink {
  /** The flat ids, `count` of them; with an overflow only those before it. May have negative ids. */
  data: IdArray = EMPTY;
  count: number;
  /** The caller's typed array; `null` for a number and for nested arrays. */
  readonly #view: TypedArray | null;
  readonly #kind: ArrayKind | null;
  /** The shape, `null` for `[count]`. */
  #shape: readonly number[] | null = null;
  /** The first id that does not fit 32 bits. An id in `data` that is out of range comes before it. */
  #overflow: Overflow | null = null;
  /** The number of ids that came from 64-bit arrays. */
  #wide = 0;
  /** The memory of `data` unless it is the caller's. */
  #scratch: Scratch | null = null;
  /** The ignored integer as it is in `data`. */
  #skip: number | undefined;
  /** `IGNORED` if that stands for the ignored integer in scratch memory, otherwise not an id. */
  readonly #reserved: number;

  /**
   * `name`: the argument's name in messages; `ignored`: an integer that is not an id, but may be among them. Errors:
   * `ERR_INVALID_IDS`; for a Tensor of another copy of the package `ERR_INVALID_OPTION` (its shape).
   */
  constructor(
    readonly value: unknown,
    readonly name: string,
    private readonly ignored?: number,
  ) {
    this.#skip = ignored;
    this.#reserved = ignored === undefined || ignored >>> 0 === ignored ? -1 : IGNORED;
    const kind = kindOf(value);
    if (kind !== undefined) {
      this.#view = value as TypedArray;
      this.#kind = kind;
      this.count = expectIntegers(value as TypedArray, kind, name, '');
    } else if (typeof value === 'number' || isArray(value)) {
      this.#view = null;
      this.#kind = null;
      this.count = 0;
    } else {
      const tensor = tensorContents(value);
      if (tensor === undefined) throw invalidIds(name, describeArgument(value));
      this.#view = tensor.data;
      this.#kind = kindOf(tensor.data)!;
      this.count = expectIntegers(tensor.data, this.#kind, name, 'a Tensor of ');
      this.#shape = readShape(tensor.shape);
    }
  }

  /** Whether `read` runs getters of the caller. */
  get nested(): boolean {
    return this.#view === null && typeof this.value !== 'number';
  }

  /**
   * Takes the ids. Getters inside nested arrays run here, and what they throw propagates.
   *
   * Errors: `ERR_INVALID_IDS` if the caller's array has gone since the constructor; in reading order `ERR_INVALID_ID`, `ERR_RAGGED`, or `ERR_INVALID_IDS` inside nested arrays.
   */
  read(): void {
    const view = this.#view;
    if (view === null) {
      this.#readNumbers(this.value as number | readonly unknown[]);
      return;
    }
    this.#refresh(view);
    const buffer = bufferOf(view);
    if (isWide(this.#kind!)) this.#readWide(view as WideArray);
    else this.data = isShared(buffer) ? this.#copyShared(view as IdArray, buffer) : (view as IdArray);
  }

  /** Throws `ERR_INVALID_IDS` if the caller's array has gone or was resized since it was read. */
  expectWhole(): void {
    const { count } = this;
    if (this.#scratch !== null) return;
    this.#refresh(this.#view!);
    if (this.count !== count) throw invalidIds(this.name, 'an array whose length changed during the call');
  }

  /** Reads the length again: code of the caller may have run. Throws `ERR_INVALID_IDS` if the array has gone. */
  #refresh(view: TypedArray): void {
    this.count = expectIntegers(view, this.#kind!, this.name, view === this.value ? '' : 'a Tensor of ');
  }

  /** Whether the caller's array shares bytes with `out`. Nested arrays are copies. */
  overlaps(out: TypedArray): boolean {
    return this.#view !== null && overlaps(this.#view, out);
  }

  get rank(): number {
    return this.#shape === null ? 1 : this.#shape.length;
  }

  get shape(): readonly number[] {
    this.#shape ??= [this.count];
    return this.#shape;
  }

  /** Gives flat ids another shape, whose size `fit` checks. Errors: `ERR_SHAPE`. */
  reshape(shape: readonly number[]): void {
    expectFlat(this.shape, shape);
    this.#shape = shape;
  }

  /** Throws `ERR_SHAPE` unless the shape has as many elements as there are ids. */
  fit(): void {
    if (this.#shape !== null) fitShape(this.#shape, this.count, this.name);
  }

  /** Whether there is an id that does not fit 32 bits. A kernel must not get such ids. */
  get overflows(): boolean {
    return this.#overflow !== null;
  }

  /** The entry of `data` that stands for the ignored integer; `undefined` if there is none. */
  get skip(): number | undefined {
    return this.#skip;
  }

  /** The id at flat `position`, as the caller passed it; `undefined` behind the last one. */
  at(position: number): number | bigint | undefined {
    if (this.#overflow?.position === position) return this.#overflow.value;
    const id = this.data[position];
    return id !== undefined && this.#wide === this.count ? BigInt(id) : id;
  }

  /** The error for the id at flat `position`; `where` ends the message. */
  outOfRange(kind: IdKind, position: number, bound: number, where = ''): TokenbedError {
    return idOutOfRange(kind, this.at(position)!, position, bound, this.shape, where);
  }

  /** If an id does not fit 32 bits, throws `ERR_ID_OUT_OF_RANGE` for the first id that is out of range. */
  expectNoOverflow(kind: IdKind, bound: number, where = ''): void {
    if (this.#overflow !== null) this.expectBelow(kind, bound, where);
  }

  /** Throws `ERR_ID_OUT_OF_RANGE` for the first id that is not below `bound`. For errors only: kernels check ids. */
  expectBelow(kind: IdKind, bound: number, where = ''): void {
    const { data } = this;
    const isValid = (id: number) => (id >= 0 && id < bound) || id === this.#skip;
    let position = 0;
    while (position < data.length && isValid(data[position]!)) position++;
    if (position < this.count) throw this.outOfRange(kind, position, bound, where);
  }

  /** Returns scratch memory to the pool; `data` must not be used afterwards. */
  release(): void {
    const scratch = this.#scratch;
    if (scratch === null) return;
    this.#scratch = null;
    if (pool.length < POOL_SIZE) pool.push(scratch);
  }

  /** A copy of shared ids in an array of the same class, so that negative ones stay negative. */
  #copyShared(view: IdArray, from: ArrayBufferLike): IdArray {
    const { count } = this;
    const offset = offsetOf(view);
    this.#scratch = take(count);
    const to = this.#scratch.words.buffer;
    const Class = CLASSES[this.#kind!]!;
    const copy = new Class(to, 0, count);
    // Both of exactly `count`: another thread may grow the shared buffer of a length-tracking view at any time.
    copy.set(new Class(from, offset, count));
    return copy;
  }

  #readWide(view: WideArray): void {
    const { count } = this;
    this.#scratch = take(count);
    this.count = 0;
    this.#copyWide(view, this.#kind!, count, this.#scratch.words);
    this.#finish();
  }

  #readNumbers(value: number | readonly unknown[]): void {
    if (typeof value === 'number') {
      if (!Number.isInteger(value)) throw this.refuseLeaf(value, []);
      this.#shape = SCALAR;
      this.#scratch = take(1);
      this.#put(value, this.#scratch.words);
    } else {
      this.#scratch = take(0);
      this.#shape = new Walk(this, value).shape;
    }
    this.#finish();
  }

  #finish(): void {
    if (this.#reserved === IGNORED) this.#skip = IGNORED;
    this.data = this.#scratch!.front(this.#overflow?.position ?? this.count);
  }

  #put(value: number, words: Uint32Array): void {
    words[this.count] = this.#fits(value) ? value : this.#replace(value, this.count);
    this.count++;
  }

  /** Whether the bits of an integer are its id in scratch memory. */
  #fits(value: number): boolean {
    return value >>> 0 === value && value !== this.#reserved;
  }

  /** The entry for an integer at flat `position` that does not fit: it is the ignored one, or an overflow. */
  #replace(value: number, position: number): number {
    if (value !== this.ignored) this.#overflow ??= { value, position };
    return IGNORED;
  }

  accepts(kind: ArrayKind): boolean {
    return !isFloat(kind);
  }

  refuse(received: string): TokenbedError {
    return invalidIds(this.name, received);
  }

  refuseLeaf(value: unknown, index: readonly number[]): TokenbedError {
    return invalidId(value, this.count, index, this.name === 'ids' ? '' : ` of ${this.name}`);
  }

  takeRow(row: readonly unknown[], length: number, first: unknown, walk: Walk): void {
    let { words } = this.#scratch!;
    let { count } = this;
    let value = first;
    for (let i = 0; ; value = row[i]) {
      let id = value;
      if (typeof id !== 'number' || !this.#fits(id)) {
        this.count = count;
        if (typeof id !== 'number' || !Number.isInteger(id)) throw walk.wrongLeaf(id, i);
        id = this.#replace(id, count);
      }
      if (count === words.length) words = this.#grow(count + 1);
      words[count++] = id as number;
      if (++i === length) break;
    }
    this.count = count;
  }

  takeView(view: TypedArray, kind: ArrayKind, length: number): void {
    const needed = this.count + length;
    let { words } = this.#scratch!;
    if (needed > words.length) words = this.#grow(needed);
    if (isWide(kind)) {
      this.#copyWide(view as WideArray, kind, length, words);
    } else {
      for (let i = 0; i < length; i++) this.#put((view as IdArray)[i]!, words);
    }
  }

  /** Appends 64-bit integers, reading each once, as two halves and without creating bigints. */
  #copyWide(view: WideArray, kind: ArrayKind, length: number, words: Uint32Array): void {
    const start = this.count;
    this.count += length;
    this.#wide += length;
    const halves = new Uint32Array(bufferOf(view), offsetOf(view), length * 2);
    const ignored = this.ignored === undefined ? undefined : BigInt(this.ignored);
    for (let i = 0; i < length; i++) {
      const low = halves[2 * i + LOW]!;
      const high = halves[2 * i + 1 - LOW]!;
      if (high !== 0 || low === this.#reserved) {
        const value = (BigInt(high) << 32n) | BigInt(low);
        const signed = kind === 'BigInt64Array' ? BigInt.asIntN(64, value) : value;
        if (signed !== ignored) {
          this.#overflow ??= { value: signed, position: start + i };
          return; // whatever follows an overflow is never used
        }
        words[start + i] = IGNORED;
        continue;
      }
      words[start + i] = low;
    }
  }

  /** Room for at least `length` words; what was written is kept. */
  #grow(length: number): Uint32Array {
    const scratch = this.#scratch!;
    const words = allocate(Math.max(length, 2 * scratch.words.length));
    words.set(scratch.words);
    scratch.words = words;
    return words;
  }
}

/** Checks an array of ids, and returns its length. */
function expectIntegers(view: TypedArray, kind: ArrayKind, name: string, prefix: string): number {
  if (isFloat(kind)) throw invalidIds(name, prefix + withArticle(kind));
  const length = lengthOf(view);
  if (length === 0 && isGone(view)) throw invalidIds(name, prefix + describeGone(view));
  return length;
}
