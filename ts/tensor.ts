/** Tensor: a typed array and a shape, row-major and contiguous. It computes nothing. */

import {
  describeGone,
  type IdArray,
  isArray,
  isGone,
  isNarrow,
  kindOf,
  lengthOf,
  TENSOR,
  type TypedArray,
} from './args/arrays.js';
import type { Storage } from './backend/contract.js';
import { Numbers } from './args/floats.js';
import { choice, named } from './args/options.js';
import { fitShape, formatShape, readShape, sameShape, shapeOption, sizeOf } from './args/shape.js';
import { jsonNumber, NAME, preventClones } from './contents.js';
import { type DType, type DTypeArrays, dtypeOf } from './dtype.js';
import { disposedError, fail, invalidArray, type TokenbedError, tooLarge, withArticle } from './errors.js';
import { DISPOSE } from './lifetime.js';
import { tensorText, unreadableText } from './tensor-text.js';

/** The method that Node calls to print a value. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Nested arrays of `E`, or a single `E`. */
export type Nested<E> = E | Nested<E>[];

/** Nested arrays of numbers, or a single number: the result of `toArray`. */
export type NestedNumbers = Nested<number>;

/** Nested arrays of numbers as an argument; typed arrays may be the innermost level. */
export type NestedInput =
  | number
  | readonly NestedInput[]
  | Exclude<DTypeArrays[DType], BigInt64Array | BigUint64Array>;

/** The result of `toArray`: bigints for 64-bit integers, numbers otherwise. */
export type NestedOf<T extends DType> = Nested<T extends 'i64' | 'u64' ? bigint : number>;

/** The result of `Tensor.toJSON`. */
export interface TensorJSON {
  /** The sizes, outermost first. */
  readonly shape: readonly number[];
  /** The name of the element type. */
  readonly dtype: DType;
  /** The elements, row-major. 64-bit integers, NaN and infinities are strings. */
  readonly data: readonly (number | string)[];
}

/** The options of a Tensor over a typed array. */
export interface TensorOptions {
  /** Its product must be the number of elements. Default: `[length]`, or the nesting of the numbers. */
  readonly shape?: readonly number[] | undefined;
}

/** The options of a Tensor of numbers. */
export interface TensorFromNumbersOptions<T extends 'f32' | 'i32' = 'f32' | 'i32'> extends TensorOptions {
  /** Default `'f32'`. */
  readonly dtype?: T | undefined;
}

/** The type of the class `Tensor`: the constructor infers the dtype from the array. */
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
  /** For a typed array whose class the compiler does not know. */
  new (data: DTypeArrays[DType], options?: TensorOptions): Tensor;

  /**
   * Zeros of `shape` in the backend's own memory: zero-copy as `out` or `x` on both backends. The caller owns the
   * Tensor and frees it with `dispose()`; a finalizer is the fallback.
   *
   * Errors: `ERR_INVALID_OPTION` (`shape`), `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED`.
   */
  allocate(shape: readonly number[]): TypedTensor<'f32'>;
}

/** Memory of a backend, and the Tensors over it: the one that was allocated, its reshapes, and those of its first elements. */
class Allocation {
  /** One of each shape. Each holds this list, so they live as long as one of them. */
  readonly #tensors: Tensor<'f32'>[] = [];

  constructor(readonly storage: Storage) {}

  /** The live view of the first `size` elements. Errors: `ERR_DISPOSED`. */
  data(size: number): Float32Array {
    if (this.storage.disposed) throw disposedError('The tensor');
    const { data } = this.storage;
    return data.length === size ? data : new Float32Array(data.buffer, data.byteOffset, size);
  }

  /** The Tensor of this shape. */
  tensor(shape: readonly number[]): Tensor<'f32'> {
    const known = this.#tensors.find((tensor) => sameShape(tensor.shape, shape));
    if (known !== undefined) return known;
    const tensor = new Tensor<'f32'>(new Parts(this, shape, 'f32'));
    this.#tensors.push(tensor);
    if (this.storage.disposed) hideData(tensor);
    return tensor;
  }

  /** Frees the memory. Idempotent. */
  dispose(): void {
    if (this.storage.disposed) return;
    this.storage.dispose();
    this.#tensors.forEach(hideData);
  }
}

/** Hides `data` of a disposed Tensor from deep comparison, which would throw. */
function hideData(tensor: Tensor): void {
  Reflect.defineProperty(tensor, 'data', { enumerable: false });
}

/** The validated parts of a Tensor. */
class Parts {
  constructor(
    readonly source: TypedArray | Allocation,
    /** The Tensor owns it. */
    readonly shape: readonly number[],
    readonly dtype: DType,
  ) {}
}

/** A shape that several Tensors share. */
class SharedShape {
  /** `sizes`, not frozen: an element of a frozen array takes longer to read. */
  readonly entries: readonly number[];
  /** The product of `sizes`. */
  readonly size: number;

  constructor(readonly sizes: readonly number[]) {
    this.entries = sizes.slice();
    this.size = sizeOf(sizes);
    Object.freeze(sizes);
  }
}

/** The last shape of each hash. */
const shapes: (SharedShape | undefined)[] = new Array<undefined>(512).fill(undefined);

/**
 * A shape equal to `sizes`, which may become a part of it.
 *
 * Most programs have few shapes, and `Object.freeze` takes as long as the rest of the constructor of a Tensor.
 */
function sharedShape(sizes: readonly number[]): SharedShape {
  const rank = sizes.length;
  let hash = rank;
  for (let axis = 0; axis < rank; axis++) hash = (31 * hash + sizes[axis]!) | 0;
  const slot = hash & 511;
  const known = shapes[slot];
  if (known !== undefined && known.entries.length === rank) {
    const { entries } = known;
    let axis = 0;
    while (axis < rank && entries[axis] === sizes[axis]) axis++;
    if (axis === rank) return known;
  }
  return (shapes[slot] = new SharedShape(sizes));
}

/** Allocates `length` zeros in the memory of the active backend. */
export type Allocator = (length: number) => Storage;

/** Set by the backend. Tokenizers and Tensors over arrays work without it. */
let allocator: Allocator;

/** Registers the allocator of `Tensor.allocate`. */
export function registerAllocator(allocate: Allocator): void {
  allocator = allocate;
}

/**
 * A typed array with a shape. `forward` returns one over a new array, `new Tensor` shares the array it is passed, and
 * `Tensor.allocate` uses memory of the backend, which `dispose()` frees.
 */
class Tensor<T extends DType = DType> {
  /**
   * The elements, row-major, for other libraries. The live array, not a copy.
   *
   * For an allocated Tensor, read it again after each construction: growth of the memory detaches older views.
   * Errors: `ERR_DISPOSED` after an allocated Tensor was disposed.
   */
  declare readonly data: DTypeArrays[T];
  /** The sizes, outermost first; `[]` for a single number. Frozen. */
  declare readonly shape: readonly number[];
  /** The name of the element type. */
  declare readonly dtype: T;
  /** The number of elements: the product of `shape`. */
  declare readonly size: number;
  readonly #source: TypedArray | Allocation;

  static {
    Object.defineProperty(this.prototype, TENSOR, { value: true });
    Object.defineProperty(this.prototype, INSPECT, {
      value(this: Tensor) {
        return this.toString();
      },
    });
  }

  constructor(data: unknown, options?: unknown) {
    const { source, shape, dtype } = data instanceof Parts ? data : read(data, options);
    const { sizes, size } = sharedShape(shape);
    this.#source = source;
    if (source instanceof Allocation) Tensor.#showAllocation(this);
    else this.data = source as DTypeArrays[T];
    this.shape = sizes;
    this.dtype = dtype as T;
    this.size = size;
    if (source instanceof Allocation) Object.preventExtensions(this);
    else if (new.target === Tensor) Object.freeze(this);
  }

  /** `data` of an allocated Tensor. It is configurable, so that it can be hidden. */
  static readonly #liveData: PropertyDescriptor & ThisType<Tensor> = {
    get() {
      return (this.#source as Allocation).data(this.size);
    },
    enumerable: true,
    configurable: true,
  };

  /** Its contents beside `data`: without them the keys of a disposed one would be as many as those of other Tensors. */
  static readonly #state: PropertyDescriptor & ThisType<Tensor> = {
    get() {
      return this.disposed ? 'disposed' : 'allocated';
    },
    enumerable: true,
  };

  /** The own properties that an allocated Tensor has and others do not. A clone would contain all of linear memory. */
  static #showAllocation(tensor: Tensor): void {
    preventClones(tensor);
    Object.defineProperty(tensor, NAME, Tensor.#state);
    Object.defineProperty(tensor, 'data', Tensor.#liveData);
  }

  /** See `plainFloats`. */
  private static floatsOf(value: unknown): Float32Array | undefined {
    if (typeof value !== 'object' || value === null || !(#source in value)) return undefined;
    const source = value.#source;
    if (kindOf(source) === 'Float32Array') return source as Float32Array;
    return source instanceof Allocation && !source.storage.disposed ? source.data(value.size) : undefined;
  }

  /** See `tensorSizes`. */
  private static sizesOf(value: unknown): readonly number[] | undefined {
    if (typeof value !== 'object' || value === null || !(#source in value)) return undefined;
    return Object.isFrozen(value) && Object.getPrototypeOf(value) === Tensor.prototype
      ? value.shape
      : undefined;
  }

  /** See `plainIds`. */
  private static idsOf(value: unknown): IdArray | undefined {
    if (typeof value !== 'object' || value === null || !(#source in value)) return undefined;
    const kind = kindOf(value.#source);
    return kind !== undefined && isNarrow(kind) ? (value.#source as IdArray) : undefined;
  }

  /** See `isTensor`. */
  private static isOwn(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #source in value;
  }

  /** See `frontOf`. */
  private static frontOf(tensor: Tensor, shape: readonly number[]): Tensor<'f32'> | undefined {
    const source = tensor.#source;
    return source instanceof Allocation ? source.tensor(shape) : undefined;
  }

  /** Zeros in the backend's own memory. */
  static allocate(shape: readonly number[]): Tensor<'f32'> {
    const own = readShape(shape);
    return tensorOver(allocator(sizeOf(own)), own);
  }

  /**
   * The same elements in another shape, sharing the data (and the memory that `dispose()` frees).
   *
   * The shape is an array or the arguments: `reshape([2, 3])` is `reshape(2, 3)`. One size may be -1: it is computed from
   * the others. Errors: `ERR_INVALID_OPTION` (`shape`), `ERR_SHAPE`.
   */
  reshape(shape: readonly number[]): TypedTensor<T>;
  reshape(...shape: number[]): TypedTensor<T>;
  reshape(...sizes: unknown[]): TypedTensor<T> {
    const { shape: own, dtype, size } = this;
    const requested = readShape(sizes.length === 1 && isArray(sizes[0]) ? sizes[0] : sizes, 'shape', {
      free: true,
    });
    const shape = [...requested];
    const free = requested.indexOf(-1);
    if (free >= 0) {
      requested[free] = 1;
      const rest = sizeOf(requested);
      const fits = rest > 0 && size % rest === 0;
      if (!fits) throw misfit(shape, own);
      requested[free] = size / rest;
    } else if (sizeOf(requested) !== size) {
      throw misfit(shape, own);
    }
    const source = this.#source;
    if (source instanceof Allocation) return source.tensor(requested) as Tensor<DType> as Tensor<T>;
    return new Tensor<T>(new Parts(source, requested, dtype));
  }

  /**
   * The elements as nested plain arrays, a copy; a single number (or bigint) for shape `[]`.
   *
   * Errors: `ERR_DISPOSED`; `ERR_INVALID_ARRAY` if its array was detached or resized.
   */
  toArray(): NestedOf<T> {
    return nest(elementsOf(this), this.shape, 0, 0) as NestedOf<T>;
  }

  /**
   * A new plain object of the elements, for `JSON.stringify`.
   *
   * Errors: as `toArray`; `ERR_TOO_LARGE` above 2^26 elements, whose JSON would be longer than any string.
   */
  toJSON(): TensorJSON {
    const { shape, dtype } = this;
    const elements: ArrayLike<number | bigint> = elementsOf(this);
    if (elements.length > MAX_LISTED) {
      throw tooLarge('A list of the elements', elements.length * 8, MAX_LISTED * 8);
    }
    return { shape: [...shape], dtype, data: Array.from(elements, jsonNumber) };
  }

  /** The elements in NumPy's layout, shortened above 1000 elements, with shape and dtype. Never throws. */
  toString(): string {
    const { shape, dtype, size } = this;
    if (this.disposed) return unreadableText('disposed', shape, dtype);
    const { data } = this;
    if (lengthOf(data) !== size) return unreadableText('array gone', shape, dtype);
    return tensorText(data, shape, dtype);
  }

  /** Whether an allocated Tensor, or one of its reshapes, was disposed; false for any other Tensor. */
  get disposed(): boolean {
    return this.#source instanceof Allocation && this.#source.storage.disposed;
  }

  /** Frees the memory of an allocated Tensor and of its reshapes; does nothing for any other. Idempotent. */
  dispose(): void {
    if (this.#source instanceof Allocation) this.#source.dispose();
  }

  /** As `dispose()`, for `using`. */
  [DISPOSE](): void {
    this.dispose();
  }
}

/**
 * A typed array with a shape, row-major. `forward` returns one. Other libraries take its `data` and `shape`.
 *
 * ```ts
 * new Tensor(new Float32Array(6), { shape: [2, 3] })      // Tensor<'f32'>: shares the array
 * new Tensor([[1, 2], [3, 4]])                            // Tensor<'f32'> of shape [2, 2]
 * new Tensor([[1, 2], [3, 4]], { dtype: 'i32' })          // Tensor<'i32'>
 * Tensor.allocate([32, 512, 64])                          // zeros in the backend's own memory
 * ```
 *
 * A typed array is shared, never copied; its class gives the dtype (`Uint8ClampedArray` and `Buffer` are `u8`).
 * Numbers are rounded to nearest in f32; in i32 they must be integers from -2^31 to 2^31 - 1. The product of `shape`
 * must be the number of elements.
 *
 * Errors: `ERR_INVALID_OPTION`; `ERR_INVALID_ARRAY` (argument `data`) for anything else, a detached array or a leaf
 * that is not a number; `ERR_RAGGED`; `ERR_RANGE` for a finite number beyond f32, or one outside i32; `ERR_SHAPE`.
 *
 * @class
 */
const TypedTensor: TensorConstructor = Tensor;
/** A typed array with a shape, whose elements are of dtype `T`. */
type TypedTensor<T extends DType = DType> = Tensor<T>;
export { TypedTensor as Tensor };

/** A Tensor over memory of a backend, which it owns. */
export function tensorOver(storage: Storage, shape: readonly number[]): Tensor<'f32'> {
  return new Allocation(storage).tensor(shape);
}

/** A Tensor over a new array; `shape` fits, and is owned or frozen. */
export function tensorOf(data: Float32Array, shape: readonly number[]): Tensor<'f32'> {
  return new Tensor<'f32'>(new Parts(data, shape, 'f32'));
}

/** A Tensor of whole rows of `dim` values over a new array. */
export const rowsOf = (data: Float32Array, dim: number): Tensor<'f32'> =>
  tensorOf(data, [data.length / dim, dim]);

/** The same for ids. */
export function idTensorOf(data: Uint32Array, shape: readonly number[]): Tensor<'u32'> {
  return new Tensor<'u32'>(new Parts(data, shape, 'u32'));
}

/**
 * A Float32Array, or the f32 data of a Tensor of this copy of the package; undefined for anything else. Runs no code of the
 * caller.
 */
export const plainFloats = (value: unknown): Float32Array | undefined =>
  kindOf(value) === 'Float32Array' ? (value as Float32Array) : Tensor['floatsOf'](value);

/** The same for integers of up to 32 bits. */
export function plainIds(value: unknown): IdArray | undefined {
  const kind = kindOf(value);
  if (kind === undefined) return Tensor['idsOf'](value);
  return isNarrow(kind) ? (value as IdArray) : undefined;
}

/**
 * The shape of a Tensor of this copy of the package over an array, undefined for anything else, and for a subclass, which may
 * override it. Runs no code of the caller.
 */
export const tensorSizes = (value: unknown): readonly number[] | undefined => Tensor['sizesOf'](value);

/** Whether a value is a Tensor of this copy of the package, disposed or not. Runs no code of the caller. */
export const isTensor = (value: unknown): value is Tensor => Tensor['isOwn'](value);

/** A Tensor of the first elements of an allocated Tensor, over the same memory; undefined for one that was not allocated. */
export const frontOf = (tensor: Tensor, shape: readonly number[]): Tensor<'f32'> | undefined =>
  Tensor['frontOf'](tensor, shape);

/** The limit of a plain array of elements. Engines abort the process on arrays that are not much longer. */
const MAX_LISTED = 2 ** 26;

const ACCEPTED = 'a typed array, a number or nested arrays of numbers';

/** Reads the arguments of the constructor. */
function read(data: unknown, options: unknown): Parts {
  const kind = kindOf(data);
  if (kind !== undefined) {
    const shape = shapeOption(named(options, ['shape'])['shape']);
    const dtype = dtypeOf(kind);
    if (dtype === undefined) throw invalidArray('data', ACCEPTED, withArticle(kind));
    const array = data as TypedArray;
    if (isGone(array)) throw invalidArray('data', ACCEPTED, describeGone(array));
    const count = lengthOf(array);
    if (shape !== undefined) fitShape(shape, count, 'in data');
    return new Parts(array, shape ?? [count], dtype);
  }
  const known = named(options, ['dtype', 'shape']);
  const dtype = choice(known, 'dtype', ['f32', 'i32'], 'f32');
  const shape = shapeOption(known['shape']);
  const numbers = new Numbers(dtype, 'data', ACCEPTED);
  const own = numbers.read(data);
  if (shape !== undefined) fitShape(shape, numbers.count, 'in data');
  return new Parts(numbers.array, shape ?? own, dtype);
}

function misfit(requested: readonly number[], own: readonly number[]): TokenbedError {
  return fail(RangeError, 'ERR_SHAPE', `Cannot reshape ${formatShape(own)} to ${formatShape(requested)}`, {
    shape: [...requested],
    own: [...own],
  });
}

/** The data of a Tensor, which has `size` elements. */
function elementsOf({ data, size }: { readonly data: TypedArray; readonly size: number }): TypedArray {
  if (lengthOf(data) === size) return data;
  const received = isGone(data) ? describeGone(data) : `one of length ${lengthOf(data)}`;
  throw invalidArray('data', `an array of length ${size}`, received);
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
