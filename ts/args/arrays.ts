/**
 * Recognizes arrays and Tensors: across realms and across copies of this package, never by `instanceof`.
 *
 * Arrays are inspected with the intrinsic getters of `%TypedArray%.prototype` and `ArrayBuffer.prototype`. They read
 * internal slots: a view from an iframe or from `node:vm` is recognized, a `Buffer` is a `Uint8Array`, and a subclass
 * or a forged `Symbol.toStringTag` or `length` has no effect.
 */

import { hasCode, withArticle } from '../errors.js';

/** The built-in class of a typed array. */
export type ArrayKind =
  | 'Int8Array'
  | 'Uint8Array'
  | 'Uint8ClampedArray'
  | 'Int16Array'
  | 'Uint16Array'
  | 'Int32Array'
  | 'Uint32Array'
  | 'BigInt64Array'
  | 'BigUint64Array'
  | 'Float16Array'
  | 'Float32Array'
  | 'Float64Array';

/** Typed arrays that a binding reads as ids without a copy: integers of up to 32 bits. */
export type IdArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** Typed arrays of 64-bit integers. */
export type WideArray = BigInt64Array | BigUint64Array;

/** Every typed array of ES2022. */
export type TypedArray = IdArray | WideArray | Float32Array | Float64Array;

// Declarations name no type arguments of typed arrays, which TypeScript before 5.7 rejects.

/** Floats in an ordinary ArrayBuffer. TypeScript before 5.7 does not distinguish them from other floats. */
export type OrdinaryFloats = ReturnType<typeof Float32Array.of>;

/** Ids in an ordinary ArrayBuffer. */
export type OrdinaryIds = ReturnType<typeof Uint32Array.of>;

/** Bytes in an ordinary ArrayBuffer. */
export type OrdinaryBytes = ReturnType<typeof Uint8Array.of>;

const views = Object.getPrototypeOf(Int8Array.prototype) as object;

function getter<T>(prototype: object, name: PropertyKey): (this: unknown) => T {
  return Object.getOwnPropertyDescriptor(prototype, name)!.get as (this: unknown) => T;
}

const tagOf = /* @__PURE__ */ getter<ArrayKind | undefined>(views, Symbol.toStringTag);
const viewLength = /* @__PURE__ */ getter<number>(views, 'length');
const viewOffset = /* @__PURE__ */ getter<number>(views, 'byteOffset');
const viewBytes = /* @__PURE__ */ getter<number>(views, 'byteLength');
const viewBuffer = /* @__PURE__ */ getter<ArrayBufferLike>(views, 'buffer');
const ordinaryBytes = /* @__PURE__ */ getter<number>(ArrayBuffer.prototype, 'byteLength');
const { at } = views as Int8Array;

/** The class of a typed array of any realm; `undefined` for anything else, a `DataView` included. */
export function kindOf(value: unknown): ArrayKind | undefined {
  return tagOf.call(value);
}

/** Whether a class of typed arrays has floats; all others have integers. */
export const isFloat = (kind: ArrayKind): boolean => kind[0] === 'F';

/** Whether a class of typed arrays has integers of up to 32 bits. */
export const isNarrow = (kind: ArrayKind): boolean => kind[0] === 'I' || kind[0] === 'U';

/** Whether a class of typed arrays has 64-bit integers. */
export const isWide = (kind: ArrayKind): boolean => kind[0] === 'B';

/** `Array.isArray`, but false for a revoked Proxy, for which it throws. */
export function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** The entries of an array; its length and each entry are read once. */
export const entriesOf = (array: readonly unknown[]): unknown[] =>
  Array.from({ length: array.length }, (_, i) => array[i]);

/** The length in elements; 0 if the view `isGone`. */
export function lengthOf(view: TypedArray): number {
  return viewLength.call(view);
}

/** The buffer. The first access makes V8 move a small array off its heap, which is slow: avoid it where possible. */
export function bufferOf(view: TypedArray): ArrayBufferLike {
  return viewBuffer.call(view);
}

/** The offset of the first element in the buffer, in bytes; 0 if the view `isGone`. */
export function offsetOf(view: TypedArray): number {
  return viewOffset.call(view);
}

/** Whether other threads may write to the views of this buffer: it is a SharedArrayBuffer. */
export function isShared(buffer: ArrayBufferLike): boolean {
  // Pages that are not cross-origin isolated hide the constructor SharedArrayBuffer, but not shared WebAssembly
  // memory. Therefore this tests for an ordinary buffer: its getter throws for any other.
  try {
    ordinaryBytes.call(buffer);
    return false;
  } catch {
    return true;
  }
}

/** Whether the view can no longer be read: its buffer is detached, or has shrunk below it. */
export function isGone(view: TypedArray): boolean {
  if (viewLength.call(view) > 0) return false;
  try {
    at.call(view as Int8Array, 0);
    return false;
  } catch {
    return true;
  }
}

/** Names a view that `isGone`: `a detached Int32Array`, `an Int32Array outside its shrunk buffer`. */
export function describeGone(view: TypedArray): string {
  const kind = String(kindOf(view));
  try {
    // Throws only for a detached buffer.
    ArrayBuffer.prototype.slice.call(bufferOf(view), 0, 0);
  } catch {
    return `a detached ${kind}`;
  }
  return `${withArticle(kind)} outside its shrunk buffer`;
}

/** Whether two views share at least one byte: the same buffer object, and byte ranges that intersect. */
export function overlaps(a: TypedArray, b: TypedArray): boolean {
  const startA = viewOffset.call(a);
  const startB = viewOffset.call(b);
  const endA = startA + viewBytes.call(a);
  const endB = startB + viewBytes.call(b);
  const intersect = startA < endB && startB < endA && startA < endA && startB < endB;
  return intersect && bufferOf(a) === bufferOf(b); // last, because it is slow
}

/** Whether two views have the same elements: class, buffer, offset and length are equal. */
export function sameView(a: TypedArray, b: TypedArray): boolean {
  if (a === b) return true;
  return (
    kindOf(a) === kindOf(b) &&
    viewOffset.call(a) === viewOffset.call(b) &&
    viewLength.call(a) === viewLength.call(b) &&
    bufferOf(a) === bufferOf(b)
  );
}

/** The brand of a Tensor: the same in every copy of this package. */
export const TENSOR: unique symbol = Symbol.for('tokenbed.Tensor') as never;

/** What a Tensor contains. */
export interface TensorContents {
  readonly data: TypedArray;
  /** An array; its entries are unchecked. */
  readonly shape: readonly unknown[];
}

/**
 * The contents of a Tensor of this or another copy of the package, each property read once.
 *
 * `undefined` for anything else, also for a branded object without a typed array and a shape, for a prototype, and
 * for a Proxy, whose getters fail. Errors: `ERR_DISPOSED` from a disposed Tensor.
 */
export function tensorContents(value: unknown): TensorContents | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    if (TENSOR in value) {
      const { data, shape } = value as { readonly data?: unknown; readonly shape?: unknown };
      if (kindOf(data) !== undefined && isArray(shape)) return { data: data as TypedArray, shape };
    }
  } catch (error) {
    if (hasCode(error, 'ERR_DISPOSED')) throw error;
  }
  return undefined;
}
