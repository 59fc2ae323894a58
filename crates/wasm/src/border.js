// The JavaScript side of the border: what a typed array is, where it lies, and copies of parts of it.
// One instance of this file belongs to one instance of the module.

const kindName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
).get;

// In the order of `kind` in borrow.rs.
const KINDS = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
];

let memory;

export function attach(own) {
  memory = own;
}

/** The place of the array's class in KINDS, by its tag: arrays of other realms are welcome. */
export function kind(array) {
  return KINDS.indexOf(kindName.call(array));
}

/** The array's address if it lies in the module's own memory, -1 otherwise. */
export function address(array) {
  return array.buffer === memory.buffer ? array.byteOffset : -1;
}

const part = (array, start, end) =>
  new Uint8Array(
    array.buffer,
    array.byteOffset + start * array.BYTES_PER_ELEMENT,
    (end - start) * array.BYTES_PER_ELEMENT,
  );

/** Copies elements start..end of the array to the address `to`. */
export function load(to, array, start, end) {
  const from = part(array, start, end);
  new Uint8Array(memory.buffer, to, from.length).set(from);
}

/** Copies from the address `from` to elements start..end of the array. */
export function store(from, array, start, end) {
  const to = part(array, start, end);
  to.set(new Uint8Array(memory.buffer, from, to.length));
}
