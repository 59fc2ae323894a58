/** Expected errors: class, code, message and fields. */

import { expect } from 'vitest';
import { expectPainted, painted } from './bits.js';

/** One row of the error table. */
export interface Expected {
  readonly class: new (message: string) => Error;
  readonly code: string;
  /** Contained in the message; a list: all of them. */
  readonly text?: string | RegExp | readonly (string | RegExp)[];
  /** Own properties with exactly these values. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** An error with its fields. */
export type Thrown = Error & Record<string, unknown>;

function matches(error: unknown, expected: Expected): Thrown {
  const thrown = error as Thrown;
  expect(`${thrown['code']}: ${thrown.message}`).toContain(expected.code);
  expect(thrown['code']).toBe(expected.code);
  // The built-in class itself, nothing derived from it.
  expect(Object.getPrototypeOf(thrown)).toBe(expected.class.prototype);
  const { text = [] } = expected;
  for (const part of typeof text === 'string' || text instanceof RegExp ? [text] : text) {
    expect(thrown.message).toMatch(part);
  }
  for (const [field, value] of Object.entries(expected.fields ?? {})) {
    expect(Object.hasOwn(thrown, field), `the error has a field ${field}`).toBe(true);
    expect(thrown[field]).toEqual(value);
    expect(typeof thrown[field]).toBe(typeof value);
  }
  return thrown;
}

/** The error that `run` throws. */
export function thrown(run: () => unknown): Thrown {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    return error as Thrown;
  }
  throw new Error(`nothing was thrown: got ${String(result).slice(0, 200)}`);
}

/** Expects that `run` throws such an error, and returns it. */
export const expectError = (run: () => unknown, expected: Expected): Thrown => matches(thrown(run), expected);

/** Expects that `run(out)` throws such an error and leaves `out`, `length` floats, as it was. */
export function expectErrorAndNoWrite(
  length: number,
  run: (out: Float32Array<ArrayBuffer>) => unknown,
  expected: Expected,
): Thrown {
  const out = painted(length);
  const error = expectError(() => run(out), expected);
  expectPainted(out);
  return error;
}

/** Expects that `promise` is rejected with such an error, and returns it. */
export async function expectRejection(promise: Promise<unknown>, expected: Expected): Promise<Thrown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome) return matches(outcome.error, expected);
  throw new Error(`expected ${expected.code}, but it resolved to ${String(outcome.value)}`);
}

/** `ERR_INVALID_OPTION` of `option`, with its value where that is passed, even as undefined. */
export const invalidOption = (
  ErrorClass: Expected['class'],
  option: string,
  ...value: [] | [unknown]
): Expected => ({
  class: ErrorClass,
  code: 'ERR_INVALID_OPTION',
  text: option,
  fields: { option, ...(value.length === 0 ? {} : { value: value[0] }) },
});

/** `ERR_ID_OUT_OF_RANGE` of a token id: `value` at flat `position`, which in its shape is `index`. */
export const outOfRange = (
  value: number | bigint,
  position: number,
  bound: number,
  index: readonly number[] = [position],
): Expected => ({
  class: RangeError,
  code: 'ERR_ID_OUT_OF_RANGE',
  text: `Token indices must be in range [0, ${bound}): got ${value} at [${index.join(', ')}]`,
  fields: { value, position, bound },
});

/** `ERR_INVALID_IDS`, naming what came. */
export const invalidIds = (came: string | RegExp): Expected => ({
  class: TypeError,
  code: 'ERR_INVALID_IDS',
  text: [/integer typed array/, came],
});

/** `ERR_INVALID_ID` of the leaf `value` at flat `position`. */
export const invalidId = (value: unknown, position: number): Expected => ({
  class: TypeError,
  code: 'ERR_INVALID_ID',
  text: 'Token indices must be integers',
  fields: { value, position },
});

/** `ERR_INVALID_ARRAY` of an argument, naming what came. */
export const invalidArray = (argument: string, came: string | RegExp = ''): Expected => ({
  class: TypeError,
  code: 'ERR_INVALID_ARRAY',
  text: [argument, came],
  fields: { argument },
});

/** `ERR_DISPOSED`. */
export const disposed: Expected = { class: Error, code: 'ERR_DISPOSED', text: 'disposed' };
