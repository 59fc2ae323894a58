/**
 * Shapes: row-major lists of sizes, each an integer >= 0. `[]` is a single number, `[2, 0]` two empty rows.
 */

import { describe, fail, wrongKind } from '../errors.js';

/**
 * The number of elements, `shape[0] * shape[1] * ...`, 1 for `[]`.
 *
 * Never wraps: exact up to 2^53, and above that some number greater than 2^53, which no array can have.
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

/** Whether two shapes are the same list. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/**
 * Reads a shape that a caller gave: a fresh copy, each entry read once.
 *
 * `free: true` allows one entry -1, to be worked out from the size.
 * Errors: `ERR_INVALID_OPTION` with `option: name` and the whole `value`; a TypeError when it is no array or an
 * entry is no number, a RangeError for a fraction, a negative or an unsafe number (or a second -1).
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

/** Throws `ERR_SHAPE` unless `shape` holds exactly `count` elements; `what` names what was counted. */
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
 * The shape that an argument gets: its own, or the one asked for with `shape`, which only flat things may have.
 *
 * Errors: `ERR_SHAPE` when `own` is not flat and the two differ. Whether `asked` fits is for `fitShape` to say,
 * after rank and width have been checked.
 */
export function askedShape(own: readonly number[], asked: readonly number[] | undefined): readonly number[] {
  if (asked === undefined || own.length === 1 || sameShape(own, asked)) return asked ?? own;
  throw fail(
    RangeError,
    'ERR_SHAPE',
    `Only a flat array can be given a shape: got shape ${formatShape(asked)} for one of shape ${formatShape(own)}`,
    { shape: [...asked], own: [...own] },
  );
}
