/** A table of f32 as a NumPy file: a header padded to 64 bytes, then the rows (little-endian, as everywhere). */

export function npy(vectors: Float32Array, dim: number): ArrayBuffer {
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${vectors.length / dim}, ${dim}), }`;
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const file = new Uint8Array(10 + length + vectors.byteLength);
  file.set([0x93, ...ascii('NUMPY'), 1, 0, length & 255, length >> 8]);
  file.set(ascii(`${dict.padEnd(length - 1)}\n`), 10);
  file.set(new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength), 10 + length);
  return file.buffer;
}

const ascii = (text: string) => Array.from(text, (character) => character.charCodeAt(0));
