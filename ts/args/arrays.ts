/**
 * Recognising arrays: across realms, across copies of this package, and never by `instanceof`.
 *
 * Everything here asks the intrinsic getters of `%TypedArray%.prototype` and `ArrayBuffer.prototype`. They look
 * at the object itself, so a view from an iframe or from `node:vm` is seen as what it is, a `Buffer` is a
 * `Uint8Array`, and neither a subclass nor a forged `Symbol.toStringTag` or `length` can lie about it.
 */

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

/** Typed arrays that a binding reads as ids without a copy. */
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

const views = Object.getPrototypeOf(Int8Array.prototype) as object;

function getter<T>(prototype: object, name: PropertyKey): (this: unknown) => T {
  return Object.getOwnPropertyDescriptor(prototype, name)!.get as (this: unknown) => T;
}

const tagOf = getter<ArrayKind | undefined>(views, Symbol.toStringTag);
const viewLength = getter<number>(views, 'length');
const viewOffset = getter<number>(views, 'byteOffset');
const viewBytes = getter<number>(views, 'byteLength');
const viewBuffer = getter<ArrayBufferLike>(views, 'buffer');
const ordinaryBytes = getter<number>(ArrayBuffer.prototype, 'byteLength');
const { at } = views as Int8Array;

/** The class of a typed array, whatever realm it is from; `undefined` for anything else (a `DataView` too). */
export function kindOf(value: unknown): ArrayKind | undefined {
  return tagOf.call(value);
}

/** `Array.isArray`, which throws for a revoked Proxy: that is no array any more. */
export function isArray(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** The length in elements; 0 when the view is gone. */
export function lengthOf(view: TypedArray): number {
  return viewLength.call(view);
}

/** The buffer. Asking makes V8 move a small on-heap array off the heap, once per array: do not ask in vain. */
export function bufferOf(view: TypedArray): ArrayBufferLike {
  return viewBuffer.call(view);
}

/** The place of the first element in the buffer, in bytes; 0 when the view is gone. */
export function offsetOf(view: TypedArray): number {
  return viewOffset.call(view);
}

/** Whether other threads may write to this view: its buffer is a SharedArrayBuffer. */
export function isShared(view: TypedArray): boolean {
  // The constructor SharedArrayBuffer is hidden in pages that are not isolated, shared WebAssembly memory is not:
  // so ask whether the buffer is an ordinary one, which the getter answers by throwing.
  try {
    ordinaryBytes.call(viewBuffer.call(view));
    return false;
  } catch {
    return true;
  }
}

/** Whether nothing can be read any more: the buffer is detached, or has shrunk below the view. */
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
    // Only a detached buffer refuses.
    ArrayBuffer.prototype.slice.call(bufferOf(view), 0, 0);
  } catch {
    return `a detached ${kind}`;
  }
  return `${withArticle(kind)} outside its shrunk buffer`;
}

/** `a Float32Array`, `an Int32Array`. */
export function withArticle(noun: string): string {
  return `${/^[AEIOU](?!int)/.test(noun) ? 'an' : 'a'} ${noun}`;
}

/** Whether two views share at least one byte: the same buffer object, and ranges that meet. */
export function overlaps(a: TypedArray, b: TypedArray): boolean {
  const startA = viewOffset.call(a);
  const startB = viewOffset.call(b);
  const endA = startA + viewBytes.call(a);
  const endB = startB + viewBytes.call(b);
  const meet = startA < endB && startB < endA && startA < endA && startB < endB;
  return meet && bufferOf(a) === bufferOf(b); // last: see `bufferOf`
}

/** Whether two views are the same elements: class, buffer, place and length are all equal. */
export function sameView(a: TypedArray, b: TypedArray): boolean {
  if (a === b) return true;
  return (
    kindOf(a) === kindOf(b) &&
    viewOffset.call(a) === viewOffset.call(b) &&
    viewLength.call(a) === viewLength.call(b) &&
    bufferOf(a) === bufferOf(b)
  );
}
