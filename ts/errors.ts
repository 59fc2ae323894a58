/**
 * All errors, in one place: code, class, message and fields.
 *
 * An error is a plain `TypeError`, `RangeError` or `Error` with a `code` and the fields listed in docs/contract.md. A
 * binding reports a number, and the error is built here, so it is the same on every backend.
 */

import { VERSION } from './version.js';

/** The codes of errors of this package. */
export type ErrorCode =
  | 'ERR_ID_OUT_OF_RANGE'
  | 'ERR_INVALID_ID'
  | 'ERR_INVALID_IDS'
  | 'ERR_INVALID_ARRAY'
  | 'ERR_RAGGED'
  | 'ERR_INVALID_OPTION'
  | 'ERR_UNKNOWN_INIT'
  | 'ERR_RANK'
  | 'ERR_DIM'
  | 'ERR_SEQUENCE_LENGTH'
  | 'ERR_SHAPE'
  | 'ERR_OVERLAP'
  | 'ERR_TOO_LARGE'
  | 'ERR_OFFSETS'
  | 'ERR_DISPOSED'
  | 'ERR_NOT_INITIALIZED'
  | 'ERR_BACKEND_UNAVAILABLE'
  | 'ERR_NOT_TRAINED'
  | 'ERR_RANGE'
  | 'ERR_READ_ONLY'
  | 'ERR_NOT_TRAINABLE'
  | 'ERR_INTERNAL'
  | 'ERR_FORMAT';

/** The first line of an error of the host: a reason is one line. */
export const firstLine = (error: unknown): string =>
  String((error as { readonly message?: unknown } | null)?.message ?? error)
    .split(/[\r\n]/)[0]!
    .trim();

/** Whether any value that was thrown is an error with this code. */
export const hasCode = (error: unknown, code: ErrorCode): error is TokenbedError =>
  (error as { readonly code?: unknown } | null | undefined)?.code === code;

/** An error of this package: a built-in error with a `code` and the numbers as fields. */
export interface TokenbedError extends Error {
  /** What is wrong. */
  readonly code: ErrorCode;
  /** The numbers of the message, depending on the code: `value`, `position`, `bound`, ... */
  readonly [field: string]: unknown;
}

type ErrorClass = new (message: string, options?: { cause?: unknown }) => Error;

/**
 * Builds one error: `new kind(message)` with `code` and `fields` as own enumerable properties.
 *
 * A `cause` among the fields becomes the standard, non-enumerable `cause`. The caller throws the error.
 */
export function fail(
  kind: ErrorClass,
  code: ErrorCode,
  message: string,
  { cause, ...fields }: Record<string, unknown> = {},
): TokenbedError {
  const error = cause === undefined ? new kind(message) : new kind(message, { cause });
  return Object.assign(error, { code }, fields) as unknown as TokenbedError;
}

/** `[0, 3]`: the index of flat `position` in an array of `shape`. */
export function place(position: number, shape: readonly number[]): string {
  let rest = position;
  const index = shape.reduceRight<number[]>((inner, size) => {
    inner.unshift(rest % size);
    rest = Math.floor(rest / size);
    return inner;
  }, []);
  return `[${index.join(', ')}]`;
}

/** `a Float32Array`, `an Int32Array`. */
export function withArticle(noun: string): string {
  return `${/^[AEIOU](?!int)/.test(noun) ? 'an' : 'a'} ${noun}`;
}

/** What was received for an argument, for a message. */
export const describeArgument = (value: unknown): string =>
  value === undefined ? 'nothing' : describe(value);

/** A short description of any value for a message: never longer than about 80 characters, never throws. */
export function describe(value: unknown): string {
  try {
    const text = describeAny(value);
    return text.length > 80 ? `${text.slice(0, 76)}...` : text;
  } catch {
    return 'an object'; // a getter that throws, or a revoked Proxy
  }
}

function describeAny(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
    case 'bigint':
      return `${value}n`;
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'object': {
      if (value === null) return 'null';
      const tag = Object.prototype.toString.call(value).slice(8, -1);
      return Array.isArray(value) ? `an array of length ${value.length}` : withArticle(tag);
    }
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    default:
      return String(value);
  }
}

/** `ERR_ID_OUT_OF_RANGE`; `what` names the ids, and `where` ends the message. */
export function idOutOfRange(
  what: 'Token indices' | 'Positions',
  value: number | bigint,
  position: number,
  bound: number,
  shape: readonly number[],
  where = '',
): TokenbedError {
  return fail(
    RangeError,
    'ERR_ID_OUT_OF_RANGE',
    `${what} must be in range [0, ${bound}): got ${value} at ${place(position, shape)}${where}`,
    { value, position, bound },
  );
}

function invalidOption(
  kind: ErrorClass,
  option: string,
  value: unknown,
  wanted: string,
  got = describe(value),
): TokenbedError {
  const text = `Option ${option} must be ${wanted}: got ${got}`;
  return fail(kind, 'ERR_INVALID_OPTION', text, { option, value });
}

/** `ERR_INVALID_OPTION` as a TypeError: an unknown name, a wrong kind, a required option that is missing. */
export const wrongKind = (option: string, value: unknown, wanted: string): TokenbedError =>
  invalidOption(TypeError, option, value, wanted);

/**
 * As `wrongKind`, for an object of a class of this package. Another copy of the package has the same classes over other
 * tables; `brand` is the property of its objects that contains its version.
 */
export function wrongObject(option: string, value: unknown, wanted: string, brand: symbol): TokenbedError {
  const version = read(value, brand);
  if (typeof version !== 'string') return wrongKind(option, value, wanted);
  const got =
    `an object of another copy of the package, which cannot share its tables ` +
    `(that copy is version ${version}, this one is version ${VERSION})`;
  return invalidOption(TypeError, option, value, wanted, got);
}

function read(value: unknown, key: symbol): unknown {
  try {
    return (value as { readonly [key: symbol]: unknown } | null | undefined)?.[key];
  } catch {
    return undefined; // a getter that throws, or a revoked Proxy
  }
}

/** `ERR_INVALID_OPTION` as a RangeError: the right kind, a value that is not allowed. */
export const wrongValue = (option: string, value: unknown, wanted: string): TokenbedError =>
  invalidOption(RangeError, option, value, wanted);

/** `ERR_INVALID_IDS`: an argument of the wrong kind as a whole; `received` describes it. */
export function invalidIds(name: string, received: string): TokenbedError {
  return fail(
    TypeError,
    'ERR_INVALID_IDS',
    `${name} must be an integer, arrays of integers nested to any depth (at most 64), an integer typed array ` +
      `or an integer Tensor: got ${received}`,
    { argument: name },
  );
}

/**
 * `ERR_INVALID_ID`: a leaf that is not an integer; `index` is its index in each of the arrays around it.
 *
 * `where` ends the message: ` of positionIds`.
 */
export function invalidId(
  value: unknown,
  position: number,
  index: readonly number[],
  where: string,
): TokenbedError {
  const text = `Token indices must be integers: got ${describe(value)} at [${index.join(', ')}]${where}`;
  return fail(TypeError, 'ERR_INVALID_ID', text, { value, position });
}

/** `ERR_INVALID_ARRAY`: an array argument of the wrong class or dtype, or a detached one. */
export function invalidArray(argument: string, accepted: string, received: string): TokenbedError {
  const text = `Argument ${argument} must be ${accepted}: got ${received}`;
  return fail(TypeError, 'ERR_INVALID_ARRAY', text, { argument });
}

/**
 * `ERR_RAGGED`: an array of `length` at `index` instead of one of length `expected`; null means a single number.
 *
 * `depth` is the number of arrays around it: the rows of a matrix are at depth 1.
 */
export function ragged(
  name: string,
  index: readonly number[],
  length: number | null,
  expected: number | null,
): TokenbedError {
  const depth = index.length;
  return fail(
    TypeError,
    'ERR_RAGGED',
    `${name} is ragged: got ${item(length)} at [${index.join(', ')}], depth ${depth}, expected ${item(expected)}. ` +
      'Pad rows to one length with padSequences, or give an EmbeddingBag flat ids with offsets',
    { length, expected, depth },
  );
}

function item(length: number | null): string {
  return length === null ? 'a number' : `an array of length ${length}`;
}

/**
 * `ERR_RANGE`: a number that does not fit its storage; `row` and `column` as in `[size / width, width]`. `values` are
 * those that fit.
 */
export function outOfStorage(
  storage: string,
  value: number,
  position: number,
  shape: readonly number[],
  values?: string,
): TokenbedError {
  const width = shape.at(-1) ?? 1;
  const row = Math.floor(position / width);
  const column = position % width;
  const limits = values === undefined ? '' : ` (${values})`;
  const text = `${value} at row ${row}, column ${column} does not fit ${storage}${limits}`;
  return fail(RangeError, 'ERR_RANGE', text, { row, column, value });
}

/** `ERR_TOO_LARGE`: `what` needs `bytes`, more than `limit`. */
export function tooLarge(what: string, bytes: number, limit: number): TokenbedError {
  return fail(RangeError, 'ERR_TOO_LARGE', `${what} needs ${bytes} bytes, the limit is ${limit}`, {
    bytes,
    limit,
  });
}

/** `ERR_DISPOSED`: `what` was disposed. */
export function disposedError(what: string): TokenbedError {
  return fail(Error, 'ERR_DISPOSED', `${what} has been disposed; create a new one`);
}

/** `ERR_DIM`: a number of columns other than expected. */
export function dimMismatch(
  expected: number,
  got: number,
  what: 'Embedding dim' | 'Head dim' = 'Embedding dim',
): TokenbedError {
  return fail(RangeError, 'ERR_DIM', `${what} mismatch: expected ${expected}, got ${got}`, {
    expected,
    got,
  });
}

/** `ERR_RANK`: a shape of a rank other than expected. */
export function rankError(expected: string, shape: readonly number[]): TokenbedError {
  return fail(RangeError, 'ERR_RANK', `Expected ${expected}, got shape [${shape.join(', ')}]`, {
    shape: [...shape],
  });
}

/** `ERR_SEQUENCE_LENGTH`: positions `startPos .. startPos + length - 1` beyond a table of `max`. */
export function sequenceTooLong(length: number, startPos: number, max: number): TokenbedError {
  const sum = startPos === 0 ? '' : ` (startPos ${startPos} + ${length})`;
  const text = `Sequence length ${startPos + length} exceeds max ${max}${sum}`;
  return fail(RangeError, 'ERR_SEQUENCE_LENGTH', text, { length, startPos, max });
}

/** `ERR_SHAPE`: an array of a wrong length; `needed` describes the right one. */
export function lengthError(what: string, length: number, needed: string): TokenbedError {
  return fail(RangeError, 'ERR_SHAPE', `${what} has length ${length}, but ${needed}`, { length });
}

/** `ERR_OVERLAP`: an output shares bytes with an input. */
export function overlapError(input: string, output = 'out'): TokenbedError {
  return fail(RangeError, 'ERR_OVERLAP', `${output} shares bytes with ${input}: pass a separate array`, {
    argument: input,
  });
}

/** `ERR_OFFSETS`: the offset at `index` breaks `rule`. */
export function offsetError(index: number, value: number | bigint | undefined, rule: string): TokenbedError {
  const what = value === undefined ? 'no offset' : `${value}`;
  return fail(RangeError, 'ERR_OFFSETS', `Offsets ${rule}: got ${what} at [${index}]`, {
    index,
    value,
    rule,
  });
}
