/** What an error of the contract must look like: its class, its code, its numbers and its words. */

import { expect } from 'vitest';

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

/** Expects that `run` throws such an error, and gives it back. */
export function expectError(run: () => unknown, expected: Expected): Thrown {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    return matches(error, expected);
  }
  throw new Error(`expected ${expected.code}, but nothing was thrown: got ${String(result).slice(0, 200)}`);
}

/** Expects that `promise` is rejected with such an error, and gives it back. */
export async function expectRejection(promise: Promise<unknown>, expected: Expected): Promise<Thrown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome) return matches(outcome.error, expected);
  throw new Error(`expected ${expected.code}, but it resolved to ${String(outcome.value)}`);
}

/** `ERR_INVALID_OPTION` for a wrong kind (`TypeError`). */
export const wrongKind = (option: string, value?: unknown): Expected => ({
  class: TypeError,
  code: 'ERR_INVALID_OPTION',
  text: option,
  fields: { option, value },
});

/** `ERR_INVALID_OPTION` for a number or string of the right kind that is not allowed (`RangeError`). */
export const wrongValue = (option: string, value: unknown): Expected => ({
  class: RangeError,
  code: 'ERR_INVALID_OPTION',
  text: option,
  fields: { option, value },
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
