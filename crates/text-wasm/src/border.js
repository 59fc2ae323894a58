// Copies between arrays of JavaScript and the memory of the module. Each instance has its own instance of this file.

let memory;

export function attach(own) {
  memory = own;
}

// Views of all memory, created again after growth has detached the old ones: their length is 0 then. Reading
// `memory.buffer` each time would take longer than the copies of a short text.
let bytes = new Uint8Array(0);
let words = new Uint32Array(0);

const allBytes = () => (bytes.length > 0 ? bytes : (bytes = new Uint8Array(memory.buffer)));
const allWords = () => (words.length > 0 ? words : (words = new Uint32Array(memory.buffer)));

// Up to this many elements a loop takes less time than a view of them.
const FEW = 48;

/** Copies elements `start..start + length` of an array to another one, from element `at` on. */
function copy(from, start, length, to, at) {
  if (length > FEW) to.set(from.subarray(start, start + length), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i];
}

export function lengthOf(array) {
  return array.length;
}

/** Copies the first `length` bytes of an array to the address `to`. */
export function loadBytes(to, array, length) {
  copy(array, 0, length, allBytes(), to);
}

/** Copies the first `length` words of an array to the address `to`. */
export function loadWords(to, array, length) {
  copy(array, 0, length, allWords(), to >>> 2);
}

/** Copies `length` words from the address `from` to an array, from element `at` on. */
export function storeWords(from, array, at, length) {
  copy(allWords(), from >>> 2, length, array, at);
}
