// The JavaScript side of the border: what a typed array is, where it lies, and copies of parts of it.
// One instance of this file belongs to one instance of the module.

// The getters of the engine: a subclass may say anything about its buffer, its place and its length.
const intrinsic = (name) =>
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), name).get;
const kindName = intrinsic(Symbol.toStringTag);
const lengthOf = intrinsic('length');
const bufferOf = intrinsic('buffer');
const offsetOf = intrinsic('byteOffset');

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

// The words of linear memory, seen anew whenever growth has emptied the old view.
let words = new Float64Array(0);

/**
 * All about an array in one call: the place of its class in KINDS, by its tag (arrays of other realms are welcome);
 * and at the address `to`, as two doubles, the number of its elements, and its address if it lies in the module's
 * own memory, -1 otherwise.
 */
export function look(array, to) {
  const { buffer } = memory;
  if (words.buffer !== buffer) words = new Float64Array(buffer);
  const place = KINDS.indexOf(kindName.call(array));
  if (place >= 0) {
    words[to >>> 3] = lengthOf.call(array);
    words[(to >>> 3) + 1] = bufferOf.call(array) === buffer ? offsetOf.call(array) : -1;
  }
  return place;
}

/** Elements start..end of `size` bytes each. */
const part = (array, size, start, end) =>
  new Uint8Array(bufferOf.call(array), offsetOf.call(array) + start * size, (end - start) * size);

/** Copies elements start..end, of `size` bytes each, of the array to the address `to`. */
export function load(to, array, size, start, end) {
  const from = part(array, size, start, end);
  new Uint8Array(memory.buffer, to, from.length).set(from);
}

/** Copies from the address `from` to elements start..end, of `size` bytes each, of the array. */
export function store(from, array, size, start, end) {
  const to = part(array, size, start, end);
  to.set(new Uint8Array(memory.buffer, from, to.length));
}
