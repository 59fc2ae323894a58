// Copies between arrays of JavaScript and the memory of the module. Each instance has its own instance of this file.

let memory;

export function attach(own) {
  memory = own;
}

export function lengthOf(array) {
  return array.length;
}

/** Copies the first `length` bytes of an array to the address `to`. */
export function loadBytes(to, array, length) {
  new Uint8Array(memory.buffer, to, length).set(array.subarray(0, length));
}

/** Copies the first `length` words of an array to the address `to`. */
export function loadWords(to, array, length) {
  new Uint32Array(memory.buffer, to, length).set(array.subarray(0, length));
}

/** Copies `length` words from the address `from` to an array, from element `at` on. */
export function storeWords(from, array, at, length) {
  array.set(new Uint32Array(memory.buffer, from, length), at);
}
