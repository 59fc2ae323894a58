/** Tensor: a typed array and a shape, row-major and contiguous. It computes nothing. */

import { describeGone, isGone, kindOf, lengthOf, TENSOR, type TypedArray } from './args/arrays.js';
import type { Storage } from './backend/contract.js';
import { Numbers } from './args/floats.js';
import { choice, named } from './args/options.js';
import { fitShape, formatShape, readShape, shapeOption, sizeOf } from './args/shape.js';
import { type DType, type DTypeArrays, dtypeOf } from './dtype.js';
import { disposedError, fail, invalidArray, type TokenbedError, withArticle } from './errors.js';
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

/** The validated parts of a Tensor. */
class Parts {
  constructor(
    readonly source: TypedArray | Storage,
    readonly allocated: boolean,
    /** The Tensor owns it. */
    readonly shape: readonly number[],
    readonly dtype: DType,
  ) {}
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
  readonly #parts: Parts;
  readonly #size: number;

  static {
    Object.defineProperty(this.prototype, TENSOR, { value: true });
    Object.defineProperty(this.prototype, INSPECT, {
      value(this: Tensor) {
        return this.toString();
      },
    });
  }

  constructor(data: unknown, options?: unknown) {
    this.#parts = data instanceof Parts ? data : read(data, options);
    this.#size = sizeOf(this.#parts.shape);
    Object.freeze(this.#parts.shape);
  }

  /** See `tensorFloats`. */
  private static floatsOf(value: unknown): Float32Array | undefined {
    if (typeof value !== 'object' || value === null || !(#parts in value)) return undefined;
    const { source, allocated, dtype } = value.#parts;
    if (dtype !== 'f32') return undefined;
    if (!allocated) return source as Float32Array;
    return (source as Storage).disposed ? undefined : (source as Storage).data;
  }

  /** Zeros in the backend's own memory. */
  static allocate(shape: readonly number[]): Tensor<'f32'> {
    const own = readShape(shape);
    return tensorOver(allocator(sizeOf(own)), own);
  }

  /**
   * The elements, row-major, for other libraries. The live array, not a copy.
   *
   * For an allocated Tensor, read it again after each construction: growth of the memory detaches older views.
   * Errors: `ERR_DISPOSED` after an allocated Tensor was disposed.
   */
  get data(): DTypeArrays[T] {
    const { source, allocated } = this.#parts;
    if (!allocated) return source as DTypeArrays[T];
    const storage = source as Storage;
    if (storage.disposed) throw disposedError('The tensor');
    return storage.data as DTypeArrays[T];
  }

  /** The sizes, outermost first; `[]` for a single number. Frozen. */
  get shape(): readonly number[] {
    return this.#parts.shape;
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
   * One size may be -1: it is computed from the others. Errors: `ERR_INVALID_OPTION` (`shape`), `ERR_SHAPE`.
   */
  reshape(...shape: number[]): TypedTensor<T> {
    const { source, allocated, shape: own, dtype } = this.#parts;
    const requested = readShape(shape, 'shape', { free: true });
    const free = requested.indexOf(-1);
    if (free >= 0) {
      requested[free] = 1;
      const rest = sizeOf(requested);
      const fits = rest > 0 && this.#size % rest === 0;
      if (!fits) throw misfit(shape, own);
      requested[free] = this.#size / rest;
    } else if (sizeOf(requested) !== this.#size) {
      throw misfit(shape, own);
    }
    return new Tensor<T>(new Parts(source, allocated, requested, dtype));
  }

  /**
   * The elements as nested plain arrays, a copy; a single number (or bigint) for shape `[]`.
   *
   * Errors: `ERR_DISPOSED`; `ERR_INVALID_ARRAY` if its array was detached or resized.
   */
  toArray(): NestedOf<T> {
    const data: TypedArray = this.data;
    if (lengthOf(data) !== this.#size) {
      const received = isGone(data) ? describeGone(data) : `one of length ${lengthOf(data)}`;
      throw invalidArray('data', `an array of length ${this.#size}`, received);
    }
    return nest(data, this.shape, 0, 0) as NestedOf<T>;
  }

  /** The elements in NumPy's layout, shortened above 1000 elements, with shape and dtype. Never throws. */
  toString(): string {
    const { shape, dtype } = this.#parts;
    if (this.disposed) return unreadableText('disposed', shape, dtype);
    const { data } = this;
    if (lengthOf(data) !== this.#size) return unreadableText('array gone', shape, dtype);
    return tensorText(data, shape, dtype);
  }

  /** Whether an allocated Tensor, or one of its reshapes, was disposed; false for any other Tensor. */
  get disposed(): boolean {
    const { source, allocated } = this.#parts;
    return allocated && (source as Storage).disposed;
  }

  /** Frees the memory of an allocated Tensor and of its reshapes; does nothing for any other. Idempotent. */
  dispose(): void {
    const { source, allocated } = this.#parts;
    if (allocated) (source as Storage).dispose();
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
  return new Tensor<'f32'>(new Parts(storage, true, shape, 'f32'));
}

/** A Tensor over a new array; `shape` fits, and is owned or frozen. */
export function tensorOf(data: Float32Array, shape: readonly number[]): Tensor<'f32'> {
  return new Tensor<'f32'>(new Parts(data, false, shape, 'f32'));
}

/** The f32 data of a Tensor of this copy of the package, undefined for anything else. Runs no code of the caller. */
export const tensorFloats = (value: unknown): Float32Array | undefined => Tensor['floatsOf'](value);

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
    return new Parts(array, false, shape ?? [count], dtype);
  }
  const known = named(options, ['dtype', 'shape']);
  const dtype = choice(known, 'dtype', ['f32', 'i32'], 'f32');
  const shape = shapeOption(known['shape']);
  const numbers = new Numbers(dtype, 'data', ACCEPTED);
  const own = numbers.read(data);
  if (shape !== undefined) fitShape(shape, numbers.count, 'in data');
  return new Parts(numbers.array, false, shape ?? own, dtype);
}

function misfit(requested: readonly number[], own: readonly number[]): TokenbedError {
  return fail(RangeError, 'ERR_SHAPE', `Cannot reshape ${formatShape(own)} to ${formatShape(requested)}`, {
    shape: [...requested],
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
