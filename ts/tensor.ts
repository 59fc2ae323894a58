/**
 * Tensor: a typed array and a shape, row-major and contiguous. It is what `forward` returns, and it computes
 * nothing itself.
 */

import {
  type ArrayKind,
  describeGone,
  isArray,
  isGone,
  kindOf,
  lengthOf,
  type TypedArray,
  withArticle,
} from './args/arrays.js';
import type { Storage } from './backend/contract.js';
import { activeBackend } from './backend/index.js';
import { DISPOSE } from './lifetime.js';
import { type DType, type DTypeArrays, dtypeOf } from './dtype.js';
import {
  describe,
  disposedError,
  fail,
  invalidArray,
  outOfStorage,
  type TokenbedError,
  tooLarge,
} from './errors.js';
import { type LeafSink, Walk } from './args/nested.js';
import { choice, named } from './args/options.js';
import { fitShape, formatShape, readShape, sizeOf } from './args/shape.js';
import { tensorText, unreadableText } from './tensor-text.js';

/** What marks a Tensor of any copy of this package. */
const BRAND: unique symbol = Symbol.for('tokenbed.Tensor') as never;

/** How Node prints a value; the symbol means nothing elsewhere. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Nested arrays of `E`, or a single one. */
export type Nested<E> = E | Nested<E>[];

/** Nested arrays of numbers, or a single number: what `toArray` gives. */
export type NestedNumbers = Nested<number>;

/** Nested arrays of numbers, to be read; typed arrays may be the innermost level. */
export type NestedInput =
  | number
  | readonly NestedInput[]
  | Exclude<DTypeArrays[DType], BigInt64Array | BigUint64Array>;

/** What `toArray` gives: bigints for 64-bit integers, numbers otherwise. */
export type NestedOf<T extends DType> = Nested<T extends 'i64' | 'u64' ? bigint : number>;

/** The options of a Tensor over a typed array. */
export interface TensorOptions {
  /** Its product must be the number of elements. Default: `[length]`, or the nesting of the numbers. */
  readonly shape?: readonly number[] | undefined;
}

/** The options of a Tensor made from numbers. */
export interface TensorFromNumbersOptions<T extends 'f32' | 'i32' = 'f32' | 'i32'> extends TensorOptions {
  /** Default `'f32'`. */
  readonly dtype?: T | undefined;
}

/** The class `Tensor`, so typed that the dtype follows from the array. */
export interface TensorConstructor {
  readonly prototype: Tensor;
  new (data: Float32Array, options?: TensorOptions): Tensor<'f32'>;
  new (data: Float64Array, options?: TensorOptions): Tensor<'f64'>;
  new (data: Int8Array, options?: TensorOptions): Tensor<'i8'>;
  new (data: Uint8Array | Uint8ClampedArray, options?: TensorOptions): Tensor<'u8'>;
  new (data: Int16Array, options?: TensorOptions): Tensor<'i16'>;
  new (data: Uint16Array, options?: TensorOptions): Tensor<'u16'>;
  new (data: Int32Array, options?: TensorOptions): Tensor<'i32'>;
  new (data: Uint32Array, options?: TensorOptions): Tensor<'u32'>;
  new (data: BigInt64Array, options?: TensorOptions): Tensor<'i64'>;
  new (data: BigUint64Array, options?: TensorOptions): Tensor<'u64'>;
  new <T extends 'f32' | 'i32' = 'f32'>(
    numbers: number | readonly NestedInput[],
    options?: TensorFromNumbersOptions<T>,
  ): Tensor<T>;
  /** For a typed array whose class is not known to the compiler. */
  new (data: DTypeArrays[DType], options?: TensorOptions): Tensor;

  /**
   * Zeros of `shape` in the backend's own memory: as `out` or `x` it is read and written with no copy on both
   * backends. The caller owns it and frees it with `dispose()`; a finalizer is the net.
   *
   * Errors: `ERR_INVALID_OPTION` (`shape`), `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED`.
   */
  allocate(shape: readonly number[]): TypedTensor<'f32'>;
}

/** What a Tensor is made of, already checked. */
class Parts {
  constructor(
    readonly source: TypedArray | Storage,
    readonly allocated: boolean,
    readonly shape: readonly number[],
    readonly dtype: DType,
  ) {}
}

/** The Tensor itself if it is one of this copy of the package; set by the class, which alone can tell. */
let ownTensor: (value: unknown) => Tensor | undefined;
/** The live array of such a Tensor; `undefined` for anything else, and once it is disposed. */
let ownData: (value: unknown) => TypedArray | undefined;

/**
 * A typed array with a shape. `forward` returns one over an array of its own; `new Tensor` shares the array that
 * it is given; `Tensor.allocate` takes memory of the backend, which `dispose()` frees.
 */
class Tensor<T extends DType = DType> {
  readonly #parts: Parts;
  readonly #shape: readonly number[];
  readonly #size: number;

  static {
    ownTensor = (value) =>
      typeof value === 'object' && value !== null && #parts in value ? value : undefined;
    ownData = (value) => {
      if (typeof value !== 'object' || value === null || !(#parts in value)) return undefined;
      const { source, allocated } = (value as Tensor).#parts;
      if (!allocated) return source as TypedArray;
      return (source as Storage).disposed ? undefined : (source as Storage).data;
    };
    Object.defineProperty(this.prototype, BRAND, { value: true });
    Object.defineProperty(this.prototype, INSPECT, {
      value(this: Tensor) {
        return this.toString();
      },
    });
  }

  constructor(data: unknown, options?: unknown) {
    const parts = data instanceof Parts ? data : read(data, options);
    this.#parts = parts;
    this.#shape = Object.freeze([...parts.shape]);
    this.#size = sizeOf(parts.shape);
  }

  /** Zeros in the backend's own memory. */
  static allocate(shape: readonly number[]): Tensor<'f32'> {
    const own = readShape(shape);
    return tensorOver(activeBackend().allocate(sizeOf(own)), own);
  }

  /**
   * The elements, row-major: what other libraries take. The live array, not a copy.
   *
   * For an allocated Tensor read it again after constructing anything: an older view may be empty by then.
   * Errors: `ERR_DISPOSED` once an allocated Tensor has been disposed.
   */
  get data(): DTypeArrays[T] {
    const { source, allocated } = this.#parts;
    if (!allocated) return source as DTypeArrays[T];
    const storage = source as Storage;
    if (storage.disposed) {
      throw disposedError('The tensor');
    }
    return storage.data as DTypeArrays[T];
  }

  /** The sizes, outermost first; `[]` for a single number. Frozen. */
  get shape(): readonly number[] {
    return this.#shape;
  }

  /** The name of the element type. */
  get dtype(): T {
    return this.#parts.dtype as T;
  }

  /** The number of elements: the product of `shape`. */
  get size(): number {
    return this.#size;
  }

  /**
   * The same elements in another shape, sharing the data (and the memory that `dispose()` frees).
   *
   * One size may be -1: it is worked out from the others. Errors: `ERR_INVALID_OPTION` (`shape`), `ERR_SHAPE`.
   */
  reshape(...shape: number[]): TypedTensor<T> {
    const asked = readShape(shape, 'shape', { free: true });
    const free = asked.indexOf(-1);
    if (free >= 0) {
      asked[free] = 1;
      const rest = sizeOf(asked);
      const fits = rest > 0 && this.#size % rest === 0;
      if (!fits) throw misfit(shape, this.#shape);
      asked[free] = this.#size / rest;
    } else if (sizeOf(asked) !== this.#size) {
      throw misfit(shape, this.#shape);
    }
    const { source, allocated, dtype } = this.#parts;
    return new Tensor<T>(new Parts(source, allocated, asked, dtype));
  }

  /**
   * The elements as nested plain arrays, a copy; a single number (or bigint) for shape `[]`.
   *
   * Errors: `ERR_DISPOSED`; `ERR_INVALID_ARRAY` when the array under it has been detached or resized.
   */
  toArray(): NestedOf<T> {
    const data: TypedArray = this.data;
    if (lengthOf(data) !== this.#size) {
      const came = isGone(data) ? describeGone(data) : `one of length ${lengthOf(data)}`;
      throw invalidArray('data', `an array of length ${this.#size}`, came);
    }
    return nest(data, this.#shape, 0, 0) as NestedOf<T>;
  }

  /** The elements as NumPy would lay them out, shortened above 1000 elements; with shape and dtype. Never throws. */
  toString(): string {
    const { source, allocated, dtype } = this.#parts;
    if (allocated && (source as Storage).disposed) return unreadableText('disposed', this.#shape, dtype);
    const { data } = this;
    if (lengthOf(data) !== this.#size) return unreadableText('array gone', this.#shape, dtype);
    return tensorText(data, this.#shape, dtype);
  }

  /** Frees the memory of an allocated Tensor, and of all its reshapes; does nothing on any other. Twice is harmless. */
  dispose(): void {
    const { source, allocated } = this.#parts;
    if (allocated) (source as Storage).dispose();
  }

  /** `dispose()`, at the end of a block that declared it with `using`. */
  [DISPOSE](): void {
    this.dispose();
  }
}

/**
 * A typed array with a shape, row-major: what `forward` returns. Other libraries take its `data` and `shape`.
 *
 * ```ts
 * new Tensor(new Float32Array(6), { shape: [2, 3] })      // Tensor<'f32'>: shares the array
 * new Tensor([[1, 2], [3, 4]])                            // Tensor<'f32'> of shape [2, 2]
 * new Tensor([[1, 2], [3, 4]], { dtype: 'i32' })          // Tensor<'i32'>
 * Tensor.allocate([32, 512, 64])                          // zeros in the backend's own memory
 * ```
 *
 * A typed array is shared, never copied; its class gives the dtype (`Uint8ClampedArray` and `Buffer` are `u8`).
 * Numbers are rounded to nearest in f32; in i32 they must be integers from -2^31 to 2^31 - 1. Any shape whose
 * product is the number of elements will do.
 *
 * Errors: `ERR_INVALID_OPTION`; `ERR_INVALID_ARRAY` (argument `data`) for anything else, a detached array or a
 * leaf that is no number; `ERR_RAGGED`; `ERR_RANGE` for a finite number beyond f32, or one that is no i32;
 * `ERR_SHAPE`.
 *
 * @class
 */
const TypedTensor = Tensor as unknown as TensorConstructor;
/** A typed array with a shape, whose elements are of dtype `T`. */
type TypedTensor<T extends DType = DType> = Tensor<T>;
export { TypedTensor as Tensor };

/** A Tensor over memory of a backend, which it will dispose. */
export function tensorOver(storage: Storage, shape: readonly number[]): Tensor<'f32'> {
  return new Tensor<'f32'>(new Parts(storage, true, shape, 'f32'));
}

/** A Tensor over an array made for it; `shape` is known to fit. */
export function tensorOf(data: Float32Array, shape: readonly number[]): Tensor<'f32'> {
  return new Tensor<'f32'>(new Parts(data, false, shape, 'f32'));
}

/**
 * The Tensor in `value`: itself, or for one from another copy of the package a new one over the same array.
 *
 * `undefined` for anything else, and for what bears the brand but has no typed array and shape in it.
 */
export function asTensor(value: unknown): Tensor | undefined {
  const own = ownTensor(value);
  if (own !== undefined || typeof value !== 'object' || value === null) return own;
  const { data, shape } = insideOf(value);
  const kind = kindOf(data);
  const dtype = kind === undefined ? undefined : dtypeOf(kind);
  if (dtype === undefined || !isArray(shape)) return undefined;
  return new Tensor(new Parts(data as TypedArray, false, readShape(shape), dtype));
}

/** The live array of a Tensor of this copy of the package, for calls that cannot wait; never throws. */
export function dataOf(value: unknown): TypedArray | undefined {
  return ownData(value);
}

/** What a branded object shows; nothing when it has no brand, or is a prototype or a Proxy, whose getters fail. */
function insideOf(value: object): { data?: unknown; shape?: unknown } {
  try {
    if (!(BRAND in value)) return {};
    const { data, shape } = value as { data?: unknown; shape?: unknown };
    return { data, shape };
  } catch (error) {
    // A disposed Tensor of the other copy says so itself.
    if ((error as { code?: unknown }).code === 'ERR_DISPOSED') throw error;
    return {};
  }
}

const ACCEPTED = 'a typed array, a number or nested arrays of numbers';

/** Reads the arguments of the constructor. */
function read(data: unknown, options: unknown): Parts {
  const kind = kindOf(data);
  if (kind !== undefined) {
    const asked = named(options, ['shape'])['shape'];
    const shape = asked === undefined ? undefined : readShape(asked);
    const dtype = dtypeOf(kind);
    if (dtype === undefined) throw invalidArray('data', ACCEPTED, withArticle(kind));
    const array = data as TypedArray;
    if (isGone(array)) throw invalidArray('data', ACCEPTED, describeGone(array));
    const count = lengthOf(array);
    if (shape !== undefined) fitShape(shape, count, 'in data');
    return new Parts(array, false, shape ?? [count], dtype);
  }
  const known = named(options, ['dtype', 'shape']);
  const dtype = choice(known, 'dtype', ['f32', 'i32'], 'f32');
  const asked = known['shape'];
  const shape = asked === undefined ? undefined : readShape(asked);
  const numbers = new NumberSink(dtype, 'data', ACCEPTED);
  const own = numbers.read(data);
  if (shape !== undefined) fitShape(shape, numbers.count, 'in data');
  return new Parts(numbers.array, false, shape ?? own, dtype);
}

/**
 * Nested arrays of numbers as f32, for arguments that are called `name`.
 *
 * Errors: `ERR_INVALID_ARRAY` (argument `name`), `ERR_RAGGED`, `ERR_RANGE` for a finite number beyond f32.
 */
export function readNumbers(
  name: string,
  numbers: readonly unknown[],
  accepted: string,
): { data: Float32Array; shape: readonly number[] } {
  const sink = new NumberSink('f32', name, accepted);
  const shape = sink.read(numbers);
  return { data: sink.array as Float32Array, shape };
}

/** Where the leaves of nested numbers go: an array that doubles until it has exactly the size of the shape. */
class NumberSink implements LeafSink {
  array: Float32Array | Int32Array;
  count = 0;

  constructor(
    readonly dtype: 'f32' | 'i32',
    readonly name: string,
    private readonly accepted: string,
  ) {
    this.array = this.#allocate(0);
  }

  /** Reads a number or nested arrays, and gives the shape. */
  read(data: unknown): readonly number[] {
    if (typeof data === 'number') {
      this.#put(data, []);
      return [];
    }
    if (!isArray(data)) throw this.refuse(data === undefined ? 'nothing' : describe(data));
    const walk = new Walk(this);
    walk.run(data);
    return walk.shape;
  }

  accepts(kind: ArrayKind): boolean {
    const dtype = dtypeOf(kind);
    return dtype !== undefined && dtype !== 'i64' && dtype !== 'u64';
  }

  refuse(came: string): TokenbedError {
    return invalidArray(this.name, this.accepted, came);
  }

  refuseLeaf(value: unknown, index: readonly number[]): TokenbedError {
    return this.refuse(`${describe(value)} at [${index.join(', ')}]`);
  }

  takeRow(row: readonly unknown[], length: number, first: unknown, walk: Walk): void {
    let value = first;
    for (let i = 0; ; value = row[i]) {
      if (typeof value !== 'number') throw walk.wrongLeaf(value, i);
      this.#put(value, walk.shape);
      if (++i === length) break;
    }
  }

  takeView(view: TypedArray, _kind: ArrayKind, length: number, walk: Walk): void {
    for (let i = 0; i < length; i++) this.#put(view[i] as number, walk.shape);
  }

  #put(value: number, shape: readonly number[]): void {
    if (this.count === this.array.length) this.#grow(sizeOf(shape));
    this.array[this.count] = value;
    // Rounding is meant; turning a finite number into an infinite one, or into another integer, is not.
    const stored = this.array[this.count]!;
    const lost = this.dtype === 'f32' ? Number.isFinite(value) && !Number.isFinite(stored) : stored !== value;
    if (lost) throw outOfStorage(this.dtype, value, this.count, shape);
    this.count++;
  }

  #grow(size: number): void {
    const array = this.#allocate(Math.min(size, Math.max(1024, 2 * this.array.length)));
    array.set(this.array);
    this.array = array;
  }

  #allocate(length: number): Float32Array | Int32Array {
    try {
      return this.dtype === 'f32' ? new Float32Array(length) : new Int32Array(length);
    } catch {
      throw tooLarge('A Tensor', length * 4, 2 ** 32);
    }
  }
}

function misfit(asked: readonly number[], own: readonly number[]): TokenbedError {
  return fail(RangeError, 'ERR_SHAPE', `Cannot reshape ${formatShape(own)} to ${formatShape(asked)}`, {
    shape: [...asked],
    own: [...own],
  });
}

/** The nested arrays of one axis and those below. */
function nest(
  data: TypedArray,
  shape: readonly number[],
  axis: number,
  offset: number,
): Nested<number | bigint> {
  if (axis === shape.length) return data[offset]!;
  const length = shape[axis]!;
  return Array.from({ length }, (_, i) => nest(data, shape, axis + 1, offset * length + i));
}
