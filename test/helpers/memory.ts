/** Arrays over unusual memory: detached, resizable, shared. */

/** Any typed array. */
export interface View {
  readonly buffer: ArrayBufferLike;
}

/** Leaves `view` without its memory. */
export function detach<T extends View>(view: T): T {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}

/** An ArrayBuffer that can change its length. */
export type Resizable = ArrayBuffer & { resize(length: number): void };

/** A SharedArrayBuffer that can become longer. */
export type Growable = SharedArrayBuffer & { grow(length: number): void };

type Maker<T> = new (length: number, options: { maxByteLength: number }) => T;

/** A resizable ArrayBuffer. */
export function resizable(length: number, maxByteLength: number): Resizable {
  return new (ArrayBuffer as unknown as Maker<Resizable>)(length, { maxByteLength });
}

// Pages that are not isolated hide the name SharedArrayBuffer; shared WebAssembly memory has it all the same.
const { buffer } = new WebAssembly.Memory({ initial: 0, maximum: 0, shared: true });
const Shared = buffer.constructor as SharedArrayBufferConstructor;

/** Shared memory. */
export function shared(bytes: number): SharedArrayBuffer {
  return new Shared(bytes);
}

/** Shared memory that can become longer. */
export function growable(length: number, maxByteLength: number): Growable {
  return new (Shared as unknown as Maker<Growable>)(length, { maxByteLength });
}
