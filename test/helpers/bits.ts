/** Floats compared by their bits: NaN payloads and the sign of zero count. */

import { expect } from 'vitest';

/** The words of `floats`, over the same memory. */
const words = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length);

const digits = (word: number): string => `0x${word.toString(16).padStart(8, '0')}`;

/** The bits of `floats`, a copy. */
export const bits = (floats: Float32Array): Uint32Array<ArrayBuffer> => words(floats).slice();

/** The bits of `floats` as hexadecimal words. */
export const hex = (floats: Float32Array): string[] => Array.from(words(floats), digits);

/** Floats with these bits. */
export const fromBits = (...words: number[]): Float32Array =>
  new Float32Array(Uint32Array.from(words).buffer);

/** How floats are compared. */
export interface Comparison {
  /** Whether every NaN equals every other: for values of arithmetic, whose NaN has no specified sign or payload. */
  readonly anyNaN?: boolean;
  /** Where the floats come from; a part of the message. */
  readonly where?: string;
}

/** Expects the same bits in the same order, and names the first difference. */
export function expectBits(
  actual: Float32Array,
  expected: Float32Array | readonly number[],
  { anyNaN = false, where = '' }: Comparison = {},
): void {
  const floats = expected instanceof Float32Array ? expected : Float32Array.from(expected);
  expect(actual.length, `length ${where}`).toBe(floats.length);
  const [got, wanted] = [words(actual), words(floats)];
  // A matcher is slow at long arrays.
  for (let i = 0; i < got.length; i++) {
    if (got[i] === wanted[i] || (anyNaN && Number.isNaN(actual[i]) && Number.isNaN(floats[i]))) continue;
    const show = (word: number, float: number) => `${digits(word)} (${float})`;
    expect.fail(
      `element ${i} is ${show(got[i]!, actual[i]!)}, expected ${show(wanted[i]!, floats[i]!)} ${where}`,
    );
  }
}

/** The bits of -123.456, which no test computes. Not a NaN: arithmetic in place would leave one as it is. */
const PAINT = 0xc2f6_e979;

/** An output of `length` floats that shows any write. */
export const painted = (length: number): Float32Array<ArrayBuffer> => paint(new Float32Array(length));

/** Paints existing memory. */
export function paint<T extends Float32Array>(floats: T): T {
  words(floats).fill(PAINT);
  return floats;
}

/** Expects that nothing from `start` on was written. */
export function expectPainted(floats: Float32Array, start = 0): void {
  const written = words(floats).findIndex((word, i) => i >= start && word !== PAINT);
  expect(written, 'the first element that was written').toBe(-1);
}
