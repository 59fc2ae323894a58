/** Helpers of random programs: arrays in unusual memory, and the observable state of objects. */

import { Random } from './random.mjs';

/** @typedef {Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array | Float32Array | Float64Array} View */
/** @typedef {{ new (length: number): View, new (buffer: ArrayBufferLike, offset?: number, length?: number): View, readonly BYTES_PER_ELEMENT: number }} Class */

/** `count` ids below `bound`. @param {number} count @param {number} bound @param {number} seed @returns {number[]} */
export function ids(count, bound, seed) {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.int(0, bound - 1));
}

/** Values that arithmetic treats specially. */
const SPECIAL = [NaN, Infinity, -Infinity, -0, 1e-42, 3.4e38];

/** `count` floats in [-1, 1); with `special`, one in eight is unusual. @param {number} count @param {number} seed @param {boolean} [special] */
export function floats(count, seed, special = false) {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () =>
    special && random.bool(1 / 8) ? random.pick(SPECIAL) : 2 * random.next() - 1,
  );
}

/** Floats filled with a NaN that no computation produces, to detect values that are not written. @param {number} count */
export function painted(count) {
  const array = new Float32Array(count);
  new Uint32Array(array.buffer).fill(0x7fed_cba9);
  return array;
}

/** @param {View} view @param {ArrayLike<any>} values */
function filled(view, values) {
  for (let i = 0; i < values.length; i++) view[i] = values[i];
  return view;
}

/** On a SharedArrayBuffer. @param {Class} type @param {ArrayLike<any>} values */
export function shared(type, values) {
  return filled(new type(new SharedArrayBuffer(values.length * type.BYTES_PER_ELEMENT)), values);
}

/** In the middle of a longer buffer. @param {Class} type @param {ArrayLike<any>} values */
export function inside(type, values) {
  const buffer = new ArrayBuffer((values.length + 5) * type.BYTES_PER_ELEMENT);
  return filled(new type(buffer, 3 * type.BYTES_PER_ELEMENT, values.length), values);
}

/** A buffer that can be resized. @param {number} bytes @param {number} most @returns {ArrayBuffer & { resize(bytes: number): void }} */
function resizable(bytes, most) {
  return /** @type {any} */ (new /** @type {any} */ (ArrayBuffer)(bytes, { maxByteLength: most }));
}

/** A view that follows the length of its buffer. @param {Class} type @param {ArrayLike<any>} values */
export function tracking(type, values) {
  const bytes = values.length * type.BYTES_PER_ELEMENT;
  const buffer = resizable(0, bytes + 64);
  const view = new type(buffer);
  buffer.resize(bytes);
  return filled(view, values);
}

/** A view outside its shrunk buffer. @param {Class} type @param {ArrayLike<any>} values */
export function shrunk(type, values) {
  const buffer = resizable(
    values.length * type.BYTES_PER_ELEMENT + 8,
    values.length * type.BYTES_PER_ELEMENT + 8,
  );
  const view = filled(new type(buffer, 0, values.length), values);
  buffer.resize(0);
  return view;
}

/** @param {Class} type @param {ArrayLike<any>} values */
export function detached(type, values) {
  const view = filled(new type(values.length), values);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

/** `values`, whose element `index` is a getter that does `effect` and returns it. @param {any[]} values @param {number} index @param {() => void} effect */
export function getter(values, index, effect) {
  const value = values[index];
  Object.defineProperty(values, index, {
    enumerable: true,
    get() {
      effect();
      return value;
    },
  });
  return values;
}

/** `value` in `levels` arrays. @param {any} value @param {number} levels */
export function nested(value, levels) {
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

const PROPERTIES = [
  'vocabSize',
  'embeddingDim',
  'maxSeqLength',
  'paddingIdx',
  'initType',
  'dtype',
  'seed',
  'mode',
].concat(['includeLastOffset', 'dropout', 'base', 'layout', 'scale', 'training', 'disposed']);

/** The properties of an object. @param {any} object */
export function state(object) {
  const entries = PROPERTIES.filter((name) => name in object).map((name) => [name, object[name]]);
  const { length } = object.parameters;
  return { ...Object.fromEntries(entries), parameters: length };
}

/** Prints what `run` returns or throws. @param {() => unknown} run */
export function attempt(run) {
  try {
    console.log(run());
  } catch (error) {
    console.log(error);
  }
}
