// The JavaScript side of the module: the kind and the address of a typed array, and copies of parts of it.
// Each instance of the module has its own instance of this file.

// The engine's getters: a subclass may override buffer, byteOffset and length.
const intrinsic = (name) =>
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), name).get;
const kindName = intrinsic(Symbol.toStringTag);
const lengthOf = intrinsic('length');
const bufferOf = intrinsic('buffer');
const offsetOf = intrinsic('byteOffset');

const { set } = Object.getPrototypeOf(Uint8Array.prototype);

// The order of `kind_of` in tiles.rs.
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

// A view of linear memory for each class, created again after growth has detached the old one. The code checks the
// length of the view, because reading `memory.buffer` takes longer than the rest of the function.
const views = CLASSES.map((Class) => new Class(0));

function view(kind) {
  const held = views[kind];
  return held.length > 0 ? held : (views[kind] = new CLASSES[kind](memory.buffer));
}

/**
 * Describes an array in one call. Returns the index of its class in CLASSES, or -1; the class is read from the tag, so
 * arrays of other realms work. Writes two doubles at the address `to`: the number of elements, and the array's address
 * if it is in the module's memory, -1 otherwise.
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
