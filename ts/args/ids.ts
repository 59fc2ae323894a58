/**
 * Reading ids in any form (api.md, section 0): whatever came, a binding sees one flat integer array.
 *
 * ```
 * integer typed array up to 32 bits, ordinary buffer   itself, no copy
 * the same on a SharedArrayBuffer                       one copy in scratch, then only the copy is used
 * 64 bits                                               its low halves, in scratch
 * nested arrays, a number                               read once into scratch
 * ```
 *
 * Scratch memory comes from a pool and belongs to one batch until `release`. So a getter inside nested ids may
 * call the very method that is reading them: the inner call gets memory of its own. A batch that is never
 * released, because something threw, costs an allocation later and nothing else.
 */

import {
  type ArrayKind,
  bufferOf,
  describeGone,
  type IdArray,
  isArray,
  isGone,
  isShared,
  kindOf,
  lengthOf,
  offsetOf,
  overlaps,
  type TypedArray,
  type WideArray,
  withArticle,
} from './arrays.js';
import type { DType } from '../dtype.js';
import { describe, invalidId, invalidIds, type TokenbedError, tooLarge } from '../errors.js';
import { type LeafSink, Walk } from './nested.js';
import { askedShape, fitShape, readShape } from './shape.js';
import { asTensor, type Tensor } from '../tensor.js';

/** Integers nested to any depth; typed arrays may be the innermost level. */
export type NestedIds = readonly (number | IdArray | WideArray | NestedIds)[];

/** Ids in any form: one, nested arrays, an integer typed array, or an integer Tensor. */
export type IdsInput = number | NestedIds | IdArray | WideArray | Tensor<Exclude<DType, 'f32' | 'f64'>>;

/** An id that fits no u32, so is out of every range, and its flat position. */
export interface Overflow {
  readonly value: number | bigint;
  readonly position: number;
}

/** Ids as they are handed to a binding. Reading one allocates this small object, and its shape. */
export class IdBatch {
  constructor(
    /** The ids, `count` of them; where something overflows, only those before it. May hold negative ids. */
    readonly data: IdArray,
    readonly count: number,
    readonly shape: readonly number[],
    /** The first id beyond u32. It is to be reported unless an id in `data` is out of range: that one is lower. */
    readonly overflow: Overflow | null,
    /** Whether the ids came as bigints: then an error names them as bigints. */
    readonly wide: boolean,
    /** The typed array that the ids came in, copied or not. */
    private readonly source: TypedArray | undefined,
    /** The memory under `data` if it is ours. */
    private scratch: Scratch | null,
  ) {}

  /** The id at flat `position` (inside `data`), as the caller gave it: what an error shall name. */
  at(position: number): number | bigint {
    const id = this.data[position]!;
    return this.wide ? BigInt(id) : id;
  }

  /** Whether the typed array that the ids came in shares bytes with `out`; nested rows are copies, so never do. */
  overlaps(out: TypedArray): boolean {
    return this.source !== undefined && overlaps(this.source, out);
  }

  /** Gives the scratch memory back; `data` must not be used afterwards. Twice is harmless. */
  release(): void {
    const { scratch } = this;
    if (scratch === null) return;
    this.scratch = null;
    if (pool.length < POOL_SIZE) pool.push(scratch);
  }
}

/** One reused piece of memory. */
interface Scratch {
  words: Uint32Array;
  /** The first words, as many as the last batch had: a batch of the same size needs no new view. */
  front: Uint32Array;
}

const pool: Scratch[] = [];

/** More batches than one call reads (ids, positions, offsets) are in use at once only in re-entrant calls. */
const POOL_SIZE = 4;

const EMPTY = new Uint32Array(0);

/** Memory for one batch, at least `length` words, its contents arbitrary. */
function take(length: number): Scratch {
  const scratch = pool.pop() ?? { words: EMPTY, front: EMPTY };
  if (scratch.words.length < length) scratch.words = allocate(length);
  return scratch;
}

function allocate(length: number): Uint32Array {
  try {
    return new Uint32Array(Math.max(length, 1024));
  } catch {
    throw tooLarge('A copy of the ids', length * 4, 2 ** 32);
  }
}

/** The first `count` words. */
function front(scratch: Scratch, count: number): Uint32Array {
  const { words } = scratch;
  if (scratch.front.length !== count || scratch.front.buffer !== words.buffer) {
    scratch.front = new Uint32Array(words.buffer, 0, count);
  }
  return scratch.front;
}

/** Where the low half of a 64-bit integer lies. */
const LOW = new Uint32Array(new BigUint64Array([1n]).buffer)[0] === 1 ? 0 : 1;

/** Whether a class of typed arrays holds integers; `wide` ones have 64 bits. */
function integers(kind: ArrayKind): 'narrow' | 'wide' | undefined {
  switch (kind) {
    case 'Int32Array':
    case 'Uint32Array':
    case 'Int16Array':
    case 'Uint16Array':
    case 'Int8Array':
    case 'Uint8Array':
    case 'Uint8ClampedArray':
      return 'narrow';
    case 'BigInt64Array':
    case 'BigUint64Array':
      return 'wide';
    default:
      return undefined;
  }
}

/**
 * Throws `ERR_INVALID_IDS` when `ids` as a whole is of a wrong kind, and reads nothing inside.
 *
 * For methods that take other arrays too, whose kinds come before the structure of the ids. `readIds` checks
 * the same again.
 */
export function expectIds(ids: unknown, name = 'ids'): void {
  const kind = kindOf(ids);
  if (kind !== undefined) {
    expectView(ids as TypedArray, kind, name, '');
  } else if (typeof ids !== 'number' && !isArray(ids)) {
    const tensor = asTensor(ids);
    if (tensor === undefined) throw invalidIds(name, ids === undefined ? 'nothing' : describe(ids));
    expectView(tensor.data, kindOf(tensor.data)!, name, 'a Tensor of ');
  }
}

function expectView(view: TypedArray, kind: ArrayKind, name: string, prefix: string): void {
  if (integers(kind) === undefined) throw invalidIds(name, prefix + withArticle(kind));
  if (isGone(view)) throw invalidIds(name, prefix + describeGone(view));
}

/**
 * Reads ids in any form.
 *
 * - `shape`: the option of that name, still unchecked; `undefined` where absent. Only flat ids (a flat array or a
 *   Tensor of rank 1) may be given one that is not their own.
 * - `name`: the argument's name in messages.
 * - `check`: called with the final shape before its product is compared with the count: the place for rank and
 *   width, which come first.
 *
 * Errors, in this order: `ERR_INVALID_OPTION` (`shape`), `ERR_INVALID_IDS`, then in reading order
 * `ERR_INVALID_ID`, `ERR_RAGGED` or `ERR_INVALID_IDS` inside nested arrays; what `check` throws; `ERR_SHAPE`.
 * Values are not compared with any bound here; what fits no u32 is `overflow`.
 *
 * The batch borrows `ids` or scratch memory: use it in this call, then `release()` it.
 */
export function readIds(
  ids: unknown,
  shape?: unknown,
  name = 'ids',
  check?: (shape: readonly number[]) => void,
): IdBatch {
  const asked = shape === undefined ? undefined : readShape(shape);
  const kind = kindOf(ids);
  if (kind !== undefined) return readView(ids as TypedArray, kind, undefined, asked, name, check);
  if (typeof ids === 'number') return readNumber(ids, asked, name, check);
  if (isArray(ids)) return readNested(ids, asked, name, check);
  const tensor = asTensor(ids);
  if (tensor === undefined) throw invalidIds(name, ids === undefined ? 'nothing' : describe(ids));
  const { data } = tensor;
  return readView(data, kindOf(data)!, tensor.shape, asked, name, check);
}

/** Whether `ids` is what bindings read without any preparation, were it not shared: integers of up to 32 bits. */
export function isPlain(ids: unknown): ids is IdArray {
  const kind = kindOf(ids);
  return kind !== undefined && integers(kind) === 'narrow';
}

type Check = ((shape: readonly number[]) => void) | undefined;
type Asked = readonly number[] | undefined;

/** The shape of a batch, after rank, width and product have been checked. */
function settle(
  own: readonly number[],
  count: number,
  asked: Asked,
  name: string,
  check: Check,
): readonly number[] {
  const shape = askedShape(own, asked);
  check?.(shape);
  fitShape(shape, count, name);
  return shape;
}

function readView(
  view: TypedArray,
  kind: ArrayKind,
  own: readonly number[] | undefined,
  asked: Asked,
  name: string,
  check: Check,
): IdBatch {
  expectView(view, kind, name, own === undefined ? '' : 'a Tensor of ');
  const count = lengthOf(view);
  const shape = settle(own ?? [count], count, asked, name, check);
  if (integers(kind) === 'wide') {
    const scratch = take(count);
    const overflow = copyWide(view as WideArray, kind, count, scratch.words, 0);
    return new IdBatch(
      front(scratch, overflow?.position ?? count),
      count,
      shape,
      overflow,
      true,
      view,
      scratch,
    );
  }
  if (!isShared(view)) return new IdBatch(view as IdArray, count, shape, null, false, view, null);
  const scratch = take(count);
  return new IdBatch(
    copyShared(view as IdArray, kind, count, scratch),
    count,
    shape,
    null,
    false,
    view,
    scratch,
  );
}

/**
 * Copies 64-bit integers into `words` from `start`, reading each once, as two halves and without making bigints.
 *
 * Gives the first that fits no u32; what is written there and after it means nothing then.
 */
function copyWide(
  view: WideArray,
  kind: ArrayKind,
  count: number,
  words: Uint32Array,
  start: number,
): Overflow | null {
  const halves = new Uint32Array(bufferOf(view), offsetOf(view), count * 2);
  for (let i = 0; i < count; i++) {
    const low = halves[2 * i + LOW]!;
    const high = halves[2 * i + 1 - LOW]!;
    if (high !== 0) {
      const value = (BigInt(high) << 32n) | BigInt(low);
      return { value: kind === 'BigInt64Array' ? BigInt.asIntN(64, value) : value, position: start + i };
    }
    words[start + i] = low;
  }
  return null;
}

/** A copy of shared ids in an array of the same class, so that negative ones stay negative. */
function copyShared(view: IdArray, kind: ArrayKind, count: number, scratch: Scratch): IdArray {
  const from = bufferOf(view);
  const offset = offsetOf(view);
  const to = scratch.words.buffer;
  // Both of exactly `count`: another thread may be growing the shared buffer under a length-tracking view.
  const copy = <T extends IdArray>(
    Class: new (buffer: ArrayBufferLike, offset: number, length: number) => T,
  ): T => {
    const target = new Class(to, 0, count);
    target.set(new Class(from, offset, count));
    return target;
  };
  switch (kind) {
    case 'Int8Array':
      return copy(Int8Array);
    case 'Int16Array':
      return copy(Int16Array);
    case 'Uint16Array':
      return copy(Uint16Array);
    case 'Int32Array':
      return copy(Int32Array);
    case 'Uint32Array':
      return copy(Uint32Array);
    default:
      return copy(Uint8Array);
  }
}

function readNumber(value: number, asked: Asked, name: string, check: Check): IdBatch {
  if (!Number.isInteger(value)) throw invalidId(name, value, 0, []);
  const shape = settle([], 1, asked, name, check);
  const scratch = take(1);
  scratch.words[0] = value;
  const fits = value >>> 0 === value;
  return new IdBatch(
    front(scratch, fits ? 1 : 0),
    1,
    shape,
    fits ? null : { value, position: 0 },
    false,
    undefined,
    scratch,
  );
}

function readNested(ids: readonly unknown[], asked: Asked, name: string, check: Check): IdBatch {
  const sink = new IdSink(name, take(0));
  const walk = new Walk(sink);
  walk.run(ids);
  const { count, scratch, overflow } = sink;
  const shape = settle(walk.shape, count, asked, name, check);
  const wide = sink.wideCount === count && count > 0;
  return new IdBatch(
    front(scratch, overflow?.position ?? count),
    count,
    shape,
    overflow,
    wide,
    undefined,
    scratch,
  );
}

/** Where the leaves of nested ids go: into scratch memory that doubles as long as leaves keep coming. */
class IdSink implements LeafSink {
  count = 0;
  /** How many leaves came from 64-bit arrays. */
  wideCount = 0;
  overflow: Overflow | null = null;

  constructor(
    readonly name: string,
    readonly scratch: Scratch,
  ) {}

  accepts(kind: ArrayKind): boolean {
    return integers(kind) !== undefined;
  }

  refuse(came: string): TokenbedError {
    return invalidIds(this.name, came);
  }

  refuseLeaf(value: unknown, index: readonly number[]): TokenbedError {
    return invalidId(this.name, value, this.count, index);
  }

  takeRow(row: readonly unknown[], length: number, first: unknown, walk: Walk): void {
    let { words } = this.scratch;
    let { count } = this;
    let value = first;
    for (let i = 0; ; value = row[i]) {
      if (typeof value !== 'number' || value >>> 0 !== value) {
        this.count = count;
        if (typeof value !== 'number' || !Number.isInteger(value)) throw walk.wrongLeaf(value, i);
        this.overflow ??= { value, position: count };
      }
      if (count === words.length) words = this.#grow(count + 1);
      words[count++] = value;
      if (++i === length) break;
    }
    this.count = count;
  }

  takeView(view: TypedArray, kind: ArrayKind, length: number): void {
    const start = this.count;
    const words =
      start + length > this.scratch.words.length ? this.#grow(start + length) : this.scratch.words;
    this.count += length;
    if (integers(kind) === 'wide') {
      this.wideCount += length;
      const overflow = copyWide(view as WideArray, kind, length, words, start);
      this.overflow ??= overflow;
      return;
    }
    const ids = view as IdArray;
    for (let i = 0; i < length; i++) {
      const value = ids[i]!;
      if (value < 0) this.overflow ??= { value, position: start + i };
      words[start + i] = value;
    }
  }

  /** Room for at least `length` words, what was written kept. */
  #grow(length: number): Uint32Array {
    const { scratch } = this;
    const words = allocate(Math.max(length, 2 * scratch.words.length));
    words.set(scratch.words);
    scratch.words = words;
    return words;
  }
}
