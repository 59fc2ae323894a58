/**
 * Float arguments: for `x`, `out` and weights a Float32Array or a `Tensor<'f32'>`, for some others also nested numbers.
 */

import {
  type ArrayKind,
  bufferOf,
  describeGone,
  isArray,
  isGone,
  isShared,
  kindOf,
  lengthOf,
  offsetOf,
  type TensorContents,
  tensorContents,
  type TypedArray,
} from './arrays.js';
import { dtypeOf } from '../dtype.js';
import {
  describe,
  describeArgument,
  dimMismatch,
  invalidArray,
  outOfStorage,
  type TokenbedError,
  tooLarge,
  withArticle,
} from '../errors.js';
import { type LeafSink, Walk } from './nested.js';
import { expectFlat, fitShape, readShape, sizeOf } from './shape.js';
import { floatBytes } from '../table-spec.js';
import type { Tensor } from '../tensor.js';

/** Where a result goes: its first elements are written, the rest is left untouched. */
export type Out = Float32Array | Tensor<'f32'>;

/** Floats with a shape: a Tensor, or a Float32Array together with the option `shape`. */
export type FloatsWithShape = Float32Array | Tensor<'f32'>;

const TENSOR = "a Tensor<'f32'>";
const ACCEPTED = `a Float32Array or ${TENSOR}`;

/**
 * The Float32Array in `value`: itself, or the data of a Tensor. Not a copy.
 *
 * Errors: `ERR_INVALID_ARRAY` with `argument: name`; `ERR_DISPOSED` from a disposed Tensor.
 */
export function readFloats(name: string, value: unknown): Float32Array {
  if (kindOf(value) === 'Float32Array') return expectPresent(name, value as Float32Array, '');
  return tensorFloats(name, value).data;
}

/** `floats`, or a copy of them (of the first `length`) if other threads may write to them. */
export function unshared(floats: Float32Array, length = lengthOf(floats)): Float32Array {
  const buffer = bufferOf(floats);
  if (!isShared(buffer)) return floats;
  // A view of exactly `length`: another thread may grow the shared buffer of a length-tracking one at any time.
  const source = new Float32Array(buffer, offsetOf(floats), length);
  try {
    return new Float32Array(source);
  } catch {
    throw tooLarge('A copy of the input', floatBytes(length), 2 ** 32);
  }
}

/** A float argument with a shape. `isTensor`: it must be a Tensor. */
export class Floats {
  #data: Float32Array;
  /** The shape, `null` for `[length]`. */
  #shape: readonly number[] | null = null;
  /** Whether it is a Tensor, whose shape is its own. */
  readonly isTensor: boolean;

  /** `name`: the argument's name in messages. Errors: those of `readFloats`, `ERR_INVALID_OPTION` (a foreign shape). */
  constructor(
    readonly name: string,
    readonly value: unknown,
    isTensor = false,
  ) {
    this.isTensor = kindOf(value) !== 'Float32Array';
    if (!this.isTensor && !isTensor) {
      this.#data = expectPresent(name, value as Float32Array, '');
    } else {
      const { data, shape } = tensorFloats(name, value, isTensor ? TENSOR : ACCEPTED);
      this.#data = data;
      this.#shape = readShape(shape);
    }
  }

  get data(): Float32Array {
    return this.#data;
  }

  get count(): number {
    return lengthOf(this.#data);
  }

  get shape(): readonly number[] {
    this.#shape ??= [this.count];
    return this.#shape;
  }

  /** Reads the data again, if `selects` selects the argument: see `readAgain`. */
  refresh(selects: (value: unknown) => boolean = () => true): void {
    if (selects(this.value)) this.#data = readFloats(this.name, this.value);
  }

  /** Gives flat floats another shape, whose size `fit` checks. Errors: `ERR_SHAPE`. */
  reshape(shape: readonly number[]): void {
    expectFlat(this.shape, shape);
    this.#shape = shape;
  }

  /** Throws `ERR_DIM` unless the last size of a Tensor is `dim`. A Float32Array has no rows of its own. */
  expectRows(dim: number): void {
    if (!this.isTensor) return;
    const width = this.shape.at(-1) ?? 0;
    if (width !== dim) throw dimMismatch(dim, width);
  }

  /** Throws `ERR_SHAPE` unless the shape has as many elements as there are. */
  fit(): void {
    fitShape(this.shape, this.count, `in ${this.name}`);
  }
}

/** The contents of a Tensor. Errors: `ERR_INVALID_ARRAY` for anything else; `accepted` describes the argument. */
export function expectTensor(name: string, value: unknown, accepted: string): TensorContents {
  const tensor = tensorContents(value);
  if (tensor === undefined) throw invalidArray(name, accepted, describeArgument(value));
  return tensor;
}

function tensorFloats(name: string, value: unknown, accepted = ACCEPTED) {
  const { data, shape } = expectTensor(name, value, accepted);
  const kind = kindOf(data)!;
  if (kind !== 'Float32Array') throw invalidArray(name, accepted, `a Tensor of ${withArticle(kind)}`);
  return { data: expectPresent(name, data as Float32Array, 'a Tensor of ', accepted), shape };
}

function expectPresent(
  name: string,
  floats: Float32Array,
  prefix: string,
  accepted = ACCEPTED,
): Float32Array {
  if (isGone(floats)) throw invalidArray(name, accepted, prefix + describeGone(floats));
  return floats;
}

/**
 * Reads nested arrays of numbers as f32; the argument is called `name`.
 *
 * Errors: `ERR_INVALID_ARRAY` (argument `name`), `ERR_RAGGED`, `ERR_RANGE` for a finite number beyond f32.
 */
export function readNumbers(
  name: string,
  numbers: readonly unknown[],
  accepted: string,
): { data: Float32Array; shape: readonly number[] } {
  const sink = new Numbers('f32', name, accepted);
  const shape = sink.read(numbers);
  return { data: sink.array as Float32Array, shape };
}

/** Takes nested numbers into an array that doubles until it has exactly the size of their shape. */
export class Numbers implements LeafSink {
  array: Float32Array | Int32Array;
  count = 0;

  constructor(
    readonly dtype: 'f32' | 'i32',
    readonly name: string,
    private readonly accepted: string,
  ) {
    this.array = this.#allocate(0);
  }

  /** Reads a number or nested arrays, and returns the shape. */
  read(data: unknown): readonly number[] {
    if (typeof data === 'number') {
      this.#put(data, []);
      return [];
    }
    if (!isArray(data)) throw this.refuse(describeArgument(data));
    return new Walk(this, data).shape;
  }

  accepts(kind: ArrayKind): boolean {
    const dtype = dtypeOf(kind);
    return dtype !== undefined && dtype !== 'i64' && dtype !== 'u64';
  }

  refuse(received: string): TokenbedError {
    return invalidArray(this.name, this.accepted, received);
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
    // Rounding is intended. A finite number that becomes infinite, or another integer, is an error.
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
      throw tooLarge('A Tensor', floatBytes(length), 2 ** 32);
    }
  }
}
