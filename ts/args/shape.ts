/** Shapes: row-major lists of sizes, each an integer >= 0. `[]` is a single number, `[2, 0]` two empty rows. */

import { describe, fail, wrongKind } from '../errors.js';

/**
 * The number of elements, `shape[0] * shape[1] * ...`, 1 for `[]`.
 *
 * Exact up to 2^53. A larger product gives a number above 2^53, which is longer than any array.
 */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const length of shape) {
    if (length === 0) return 0;
    size *= length;
  }
  return size;
}

/** `[2, 3]` */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/**
 * Reads a shape from the caller: a new array, the length and each entry read once.
 *
 * `free: true` allows one entry -1, which the caller of this function derives from the size.
 * Errors: `ERR_INVALID_OPTION` with `option: name` and the whole `value`; a TypeError for anything but an array and
 * for an entry that is not a number, a RangeError for a fraction, a negative or an unsafe number (or a second -1).
 */
export function readShape(value: unknown, name = 'shape', { free = false } = {}): number[] {
  const wanted = `an array of integers >= 0${free ? ', one of which may be -1' : ''}`;
  if (!Array.isArray(value)) throw wrongKind(name, value, wanted);
  const shape: number[] = [];
  const { length } = value;
  for (let axis = 0; axis < length; axis++) {
    const entry: unknown = value[axis];
    const isFree = free && entry === -1 && !shape.includes(-1);
    if (!isFree && !(Number.isSafeInteger(entry) && (entry as number) >= 0)) {
      const kind = typeof entry === 'number' ? RangeError : TypeError;
      const message = `Option ${name} must be ${wanted}: got ${describe(entry)} at [${axis}]`;
      throw fail(kind, 'ERR_INVALID_OPTION', message, { option: name, value });
    }
    shape.push((entry as number) + 0);
  }
  return shape;
}

/** The option `shape` of a call or a constructor; undefined if absent. */
export function shapeOption(value: unknown): number[] | undefined {
  return value === undefined ? undefined : readShape(value);
}

/** Throws `ERR_SHAPE` unless `shape` has exactly `count` elements; `what` names what was counted. */
export function fitShape(shape: readonly number[], count: number, what: string): void {
  const size = sizeOf(shape);
  if (size === count) return;
  throw fail(
    RangeError,
    'ERR_SHAPE',
    `Shape ${formatShape(shape)} holds ${size} elements, but there are ${count} ${what}`,
    { shape: [...shape], size, count },
  );
}

/**
 * Checks that an argument of the shape `own` may be read in the requested `shape`: it is flat, or the shapes are
 * equal. `ERR_SHAPE` otherwise. `fitShape` compares the sizes later, after rank and width.
 */
export function expectFlat(own: readonly number[], shape: readonly number[]): void {
  if (own.length === 1 || sameShape(own, shape)) return;
  throw fail(
    RangeError,
    'ERR_SHAPE',
    `Only a flat array can be given a shape: got shape ${formatShape(shape)} for one of shape ${formatShape(own)}`,
    { shape: [...shape], own: [...own] },
  );
}
