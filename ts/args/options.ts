/**
 * Reads options: first the names, then the values, before anything else happens.
 *
 * `undefined` means absent; `null` is allowed only where a reader says so. A TypeError: an unknown name (own
 * enumerable string key), a wrong JS type, a required option that is missing, options that are not an object.
 * A RangeError: a number or string of the right type that is not allowed. All of them are `ERR_INVALID_OPTION` with
 * the fields `option` and `value`.
 */

import { entriesOf } from './arrays.js';
import { describe, fail, wrongKind, wrongValue } from '../errors.js';

/** Options by name, their values unchecked. */
export type Named = Readonly<Record<string, unknown>>;

/** Options must be an object: a TypeError otherwise. */
export function expectOptions(options: unknown): asserts options is Named {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw wrongKind('options', options, 'an object');
  }
}

/** Checks the names: every own enumerable string key of `options` must be in `known`. No value is read. */
export function expectNames(options: Named, known: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const text = `Unknown option ${key} (expected one of: ${known.join(', ')})`;
    throw fail(TypeError, 'ERR_INVALID_OPTION', text, { option: key, value: options[key] });
  }
}

/** Reads each of the options `names` once. */
export function snapshot(options: Named, names: readonly string[]): Named {
  return Object.fromEntries(names.map((name) => [name, options[name]]));
}

/**
 * Checks the names, then reads each option in `known` once.
 *
 * `required: true` is for constructors with required options: `undefined` is a wrong kind for them.
 */
export function named(options: unknown, known: readonly string[], { required = false } = {}): Named {
  if (options === undefined && !required) return {};
  expectOptions(options);
  expectNames(options, known);
  return snapshot(options, known);
}

/** Bounds of a number: `min <= value <= max`, or `value < below`. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
  readonly below?: number;
}

/** The bounds of the number of rows of a table: an id has at most 32 bits. */
export const ROWS: Bounds = { min: 1, max: 2 ** 32 };

/** The bounds of the number of columns. */
export const COLUMNS: Bounds = { min: 1 };

function wanted(kind: string, { min, max, below }: Bounds): string {
  const parts = [];
  if (min !== undefined) parts.push(`>= ${min}`);
  if (max !== undefined) parts.push(`<= ${max}`);
  if (below !== undefined) parts.push(`< ${below}`);
  return parts.length === 0 ? kind : `${kind} ${parts.join(' and ')}`;
}

/** `value` is finite. */
function inside(value: number, { min = -Infinity, max = Infinity, below = Infinity }: Bounds): boolean {
  return value >= min && value <= max && value < below;
}

/** A finite number, or `fallback` if absent; without a fallback the option is required. `-0` is 0. */
export function real<T = never>(options: Named, name: string, bounds: Bounds, ...fallback: [T?]): number | T {
  const value = options[name];
  if (value === undefined && fallback.length > 0) return fallback[0] as T;
  if (typeof value !== 'number') throw wrongKind(name, value, wanted('a number', bounds));
  if (!Number.isFinite(value)) throw wrongValue(name, value, wanted('a finite number', bounds));
  if (!inside(value, bounds)) throw wrongValue(name, value, wanted('a number', bounds));
  return value + 0;
}

/** A finite number greater than 0. */
export function positive(options: Named, name: string): number {
  const value = options[name];
  const wanted = 'a finite number > 0';
  if (typeof value !== 'number') throw wrongKind(name, value, wanted);
  if (!(Number.isFinite(value) && value > 0)) throw wrongValue(name, value, wanted);
  return value;
}

/** A safe integer, or `fallback` if absent; without a fallback the option is required. `-0` is 0. */
export function integer<T = never>(
  options: Named,
  name: string,
  bounds: Bounds,
  ...fallback: [T?]
): number | T {
  const value = options[name];
  if (value === undefined && fallback.length > 0) return fallback[0] as T;
  const text = wanted('an integer', bounds);
  if (typeof value !== 'number') throw wrongKind(name, value, text);
  if (!Number.isSafeInteger(value) || !inside(value, bounds)) throw wrongValue(name, value, text);
  return value + 0;
}

/**
 * A list of safe integers: a new array without duplicates, in order of first occurrence. It may be empty.
 *
 * The `value` of the error is the whole list; its message has the index.
 */
export function integers(options: Named, name: string, bounds: Bounds): number[] {
  const value = options[name];
  const text = `an array of ${wanted('integers', bounds)}`;
  if (!Array.isArray(value)) throw wrongKind(name, value, text);
  const list = entriesOf(value);
  for (const [at, entry] of list.entries()) {
    if (Number.isSafeInteger(entry) && inside(entry as number, bounds)) continue;
    const kind = typeof entry === 'number' ? RangeError : TypeError;
    const message = `Option ${name} must be ${text}: got ${describe(entry)} at [${at}]`;
    throw fail(kind, 'ERR_INVALID_OPTION', message, { option: name, value });
  }
  return [...new Set(list as number[])];
}

/** One of the strings `allowed`, or `fallback` if absent; without a fallback the option is required. */
export function choice<T extends string>(
  options: Named,
  name: string,
  allowed: readonly T[],
  ...fallback: [T?]
): T {
  const value = options[name];
  if (value === undefined && fallback.length > 0) return fallback[0]!;
  const text = `one of ${allowed.map((each) => JSON.stringify(each)).join(', ')}`;
  if (typeof value !== 'string') throw wrongKind(name, value, text);
  if (!(allowed as readonly string[]).includes(value)) throw wrongValue(name, value, text);
  return value as T;
}

/** A boolean, or `fallback` if absent. */
export function flag(options: Named, name: string, fallback: boolean): boolean {
  const value = options[name];
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw wrongKind(name, value, 'true or false');
  return value;
}

/** A function, or `fallback` if absent. */
export function callback<T>(options: Named, name: string, fallback: T): T {
  const value = options[name];
  if (value === undefined) return fallback;
  if (typeof value !== 'function') throw wrongKind(name, value, 'a function');
  return value as T;
}

const MAX_SEED = 2n ** 64n - 1n;

/** A seed: an integer 0..2^53-1 or a bigint 0..2^64-1; `undefined` if absent. */
export function seed(options: Named, name = 'seed'): number | bigint | undefined {
  const value = options[name];
  if (value === undefined) return undefined;
  const text = 'an integer 0..2^53-1 or a bigint 0..2^64-1';
  if (typeof value === 'bigint') {
    if (value < 0n || value > MAX_SEED) throw wrongValue(name, value, text);
    return value;
  }
  if (typeof value !== 'number') throw wrongKind(name, value, text);
  if (!Number.isSafeInteger(value) || value < 0) throw wrongValue(name, value, text);
  return value + 0;
}

/** The option `seed`, or a random one from 0 to 2^53 - 1. */
export function readSeed(options: Named): number | bigint {
  return seed(options) ?? randomSeed();
}

/**
 * Not for secrets: it draws from `Math.random`. `crypto.getRandomValues` would make Node load WebCrypto, which takes
 * milliseconds, and audio worklets do not have it.
 */
function randomSeed(): number {
  const bits = (count: number): number => Math.floor(Math.random() * 2 ** count);
  return bits(21) * 2 ** 32 + bits(32);
}

/** The lower and the upper 32 bits of a seed: 7 and 7n are the same seed. */
export function halves(seed: number | bigint): readonly [low: number, high: number] {
  const bits = BigInt(seed);
  return [Number(bits & 0xffff_ffffn), Number(bits >> 32n)];
}
