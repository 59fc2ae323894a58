// The JavaScript side of the border: what a typed array is, where it lies, and copies of parts of it.
// One instance of this file belongs to one instance of the module.

// The getters of the engine: a subclass may say anything about its buffer, its place and its length.
const intrinsic = (name) =>
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), name).get;
const kindName = intrinsic(Symbol.toStringTag);
const lengthOf = intrinsic('length');
const bufferOf = intrinsic('buffer');
const offsetOf = intrinsic('byteOffset');

const { set } = Object.getPrototypeOf(Uint8Array.prototype);

// In the order of `kind_of` in tiles.rs.
const CLASSES = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
];
const KINDS = new Map(CLASSES.map((Class, kind) => [Class.name, kind]));
const DOUBLES = KINDS.get('Float64Array');

let memory;

export function attach(own) {
  memory = own;
}

// Linear memory, seen as each class; anew whenever growth has emptied the old views. Their length tells: to ask the
// memory for its buffer takes longer than all the rest.
const views = CLASSES.map((Class) => new Class(0));

function view(kind) {
  const held = views[kind];
  return held.length > 0 ? held : (views[kind] = new CLASSES[kind](memory.buffer));
}

/**
 * All about an array in one call: the place of its class in CLASSES, by its tag (arrays of other realms are welcome);
 * and at the address `to`, as two doubles, the number of its elements, and its address if it lies in the module's
 * own memory, -1 otherwise.
 */
export function look(array, to) {
  const kind = KINDS.get(kindName.call(array));
  if (kind === undefined) return -1;
  const doubles = view(DOUBLES);
  doubles[to >>> 3] = lengthOf.call(array);
  doubles[(to >>> 3) + 1] = bufferOf.call(array) === bufferOf.call(doubles) ? offsetOf.call(array) : -1;
  return kind;
}

/** Copies elements start..end of an array of that kind to the address `to`. */
export function load(to, array, kind, start, end) {
  const target = view(kind);
  const size = target.BYTES_PER_ELEMENT;
  const whole = start === 0 && end === lengthOf.call(array);
  const from = whole
    ? array
    : new CLASSES[kind](bufferOf.call(array), offsetOf.call(array) + start * size, end - start);
  target.set(from, to / size);
}

/** Copies from the address `from` to elements start..end of an array of that kind. */
export function store(from, array, kind, start, end) {
  set.call(array, new CLASSES[kind](bufferOf.call(view(kind)), from, end - start), start);
}

/** A field of a record; booleans as numbers. */
export function field(record, name) {
  const value = record[name];
  return typeof value === 'boolean' ? Number(value) : value;
}
