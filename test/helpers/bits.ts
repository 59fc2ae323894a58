/** Floats compared by their bits: NaN payloads and the sign of zero count. */

import { expect } from 'vitest';

/** The bits of `floats`, a copy. */
export function bits(floats: Float32Array): Uint32Array {
  return new Uint32Array(floats.slice().buffer);
}

/** Floats with these bits. */
export function fromBits(...words: number[]): Float32Array {
  return new Float32Array(Uint32Array.from(words).buffer);
}

/** Expects the same bits in the same order. */
export function expectBits(actual: Float32Array, expected: Float32Array | readonly number[]): void {
  const wanted = bits(expected instanceof Float32Array ? expected : Float32Array.from(expected));
  const got = bits(actual);
  expect(got.length).toBe(wanted.length);
  // A plain loop first: comparing two long arrays element by element is what a matcher is slow at.
  const different = got.findIndex((word, i) => word !== wanted[i]);
  if (different < 0) return;
  const hex = (word: number) => word.toString(16).padStart(8, '0');
  expect(`[${different}] ${hex(got[different]!)}`).toBe(`[${different}] ${hex(wanted[different]!)}`);
}

/** A NaN that no computation makes. */
const PAINT = 0x7fed_cba9;

/** An output of `length` floats that shows any write. */
export function painted(length: number): Float32Array<ArrayBuffer> {
  const floats = new Float32Array(length);
  new Uint32Array(floats.buffer).fill(PAINT);
  return floats;
}

/** Paints memory that exists. */
export function paint<T extends Float32Array>(floats: T): T {
  new Uint32Array(floats.buffer, floats.byteOffset, floats.length).fill(PAINT);
  return floats;
}

/** Expects that nothing from `start` on was written. */
export function expectPainted(floats: Float32Array, start = 0): void {
  const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const written = words.findIndex((word, i) => i >= start && word !== PAINT);
  expect(written, 'the first element that was written').toBe(-1);
}
