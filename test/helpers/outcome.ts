/** What a call came to: an error with all that a user may rely on, or floats compared as bits. */

import { expect } from 'vitest';

type ErrorClass = new (message: string) => Error;

/** What is expected of an error: its class, its code, words of its message, and any of its fields. */
export interface Refusal {
  readonly kind: ErrorClass;
  readonly code: string;
  readonly text?: string | RegExp;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The error that `run` throws; it is an error of the test if it throws none. */
export function thrown(run: () => unknown): Error & Record<string, unknown> {
  try {
    run();
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('nothing was thrown');
}

/** Expects `run` to be refused in just this way, and gives the error back. */
export function refused(run: () => unknown, { kind, code, text = '', fields = {} }: Refusal) {
  const error = thrown(run);
  expect({ code: error['code'], message: error.message }).toMatchObject({ code });
  expect(error.constructor).toBe(kind);
  if (typeof text === 'string') expect(error.message).toContain(text);
  else expect(error.message).toMatch(text);
  expect(error).toMatchObject(fields);
  return error;
}

/** `ERR_INVALID_OPTION` for `option`, as a TypeError (wrong kind, unknown) or a RangeError (wrong value). */
export const badOption = (kind: ErrorClass, option: string): Refusal => ({
  kind,
  code: 'ERR_INVALID_OPTION',
  fields: { option },
});

/** A value painted over every output that an error must leave alone: no computed result has these bits. */
export const PAINT = -123.456;

/** `length` floats of paint. */
export const painted = (length: number): Float32Array<ArrayBuffer> => new Float32Array(length).fill(PAINT);

/** Whether all of it is still paint. */
export const untouched = (out: Float32Array): boolean => out.every((value) => value === Math.fround(PAINT));

/** Expects `run(out)` to be refused and to leave `out` alone. */
export function refusedUntouched(
  length: number,
  run: (out: Float32Array<ArrayBuffer>) => unknown,
  refusal: Refusal,
) {
  const out = painted(length);
  const error = refused(() => run(out), refusal);
  expect(untouched(out)).toBe(true);
  return error;
}

const NAN_BITS = 0x7fc0_0000;

/** The bits of floats; every NaN counts as the same one, as for values that arithmetic made. */
export function bits(floats: Float32Array | readonly number[]): Uint32Array {
  const copy = Float32Array.from(floats);
  const words = new Uint32Array(copy.buffer);
  for (let i = 0; i < copy.length; i++) if (Number.isNaN(copy[i])) words[i] = NAN_BITS;
  return words;
}

/** Expects the same bits, and names the first place where they differ: quick for millions of elements. */
export function expectBits(got: Float32Array, wanted: Float32Array | readonly number[], what = ''): void {
  const floats = wanted instanceof Float32Array ? wanted : Float32Array.from(wanted);
  expect(got.length, `length ${what}`).toBe(floats.length);
  const words = (array: Float32Array) => new Uint32Array(array.buffer, array.byteOffset, array.length);
  const [a, b] = [words(got), words(floats)];
  for (let i = 0; i < a.length; i++) {
    if (a[i] === b[i] || (Number.isNaN(got[i]) && Number.isNaN(floats[i]))) continue;
    expect.fail(`element ${i} is ${got[i]}, expected ${floats[i]} ${what}`);
  }
}

/** The bits as hexadecimal words. */
export const hex = (floats: Float32Array): string[] =>
  Array.from(bits(floats), (word) => `0x${word.toString(16).padStart(8, '0')}`);
