/**
 * Reading options: names first, then values, before anything else happens.
 *
 * The rules (api.md, section 0): `undefined` is absent; `null` only where the reader says so; an unknown own
 * enumerable string key, a wrong JS type, something required that is missing, or options that are no object
 * are a TypeError; a number or string of the right type that is not allowed is a RangeError. All of them are
 * `ERR_INVALID_OPTION` with the fields `option` and `value`.
 */

import { describe, fail, wrongKind, wrongValue } from '../errors.js';

/** Options after their names have been checked; each value is still unknown. */
export type Named = Readonly<Record<string, unknown>>;

const EMPTY: Named = Object.freeze({});

/**
 * Checks the names: every own enumerable string key of `options` must be in `known`.
 *
 * `required: true` is for constructors that cannot do without: then `undefined` is a wrong kind too.
 */
export function named(options: unknown, known: readonly string[], { required = false } = {}): Named {
  if (options === undefined && !required) return EMPTY;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw wrongKind('options', options, 'an object');
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw fail(TypeError, 'ERR_INVALID_OPTION', `Unknown option ${key}: known are ${known.join(', ')}`, {
        option: key,
        value: (options as Named)[key],
      });
    }
  }
  return options as Named;
}

/** Bounds of a number: `min <= value <= max`, or `value < below`. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
  readonly below?: number;
}

function wanted(kind: string, { min, max, below }: Bounds): string {
  const parts = [];
  if (min !== undefined) parts.push(`>= ${min}`);
  if (max !== undefined) parts.push(`<= ${max}`);
  if (below !== undefined) parts.push(`< ${below}`);
  return parts.length === 0 ? kind : `${kind} ${parts.join(' and ')}`;
}

function inside(value: number, { min = -Infinity, max = Infinity, below = Infinity }: Bounds): boolean {
  return value >= min && value <= max && (value < below || below === Infinity);
}

/** A finite number, or `fallback` where absent; without a fallback the option is required. `-0` is 0. */
export function real<T = never>(options: Named, name: string, bounds: Bounds, ...fallback: [T?]): number | T {
  const value = options[name];
  if (value === undefined && fallback.length > 0) return fallback[0] as T;
  const text = wanted('a number', bounds);
  if (typeof value !== 'number') throw wrongKind(name, value, text);
  if (!Number.isFinite(value) || !inside(value, bounds)) throw wrongValue(name, value, text);
  return value + 0;
}

/** A safe integer, or `fallback` where absent; without a fallback the option is required. `-0` is 0. */
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
  return value + 0 || 0;
}

/**
 * A list of safe integers, as a fresh array in which each stands once, where it first stood. An empty list is one.
 *
 * The error carries the whole list as its `value`, and names the place.
 */
export function integers(options: Named, name: string, bounds: Bounds): number[] {
  const value = options[name];
  const text = `an array of ${wanted('integers', bounds)}`;
  if (!Array.isArray(value)) throw wrongKind(name, value, text);
  const list = Array.from<unknown>(value);
  for (const [at, entry] of list.entries()) {
    if (Number.isSafeInteger(entry) && inside(entry as number, bounds)) continue;
    const kind = typeof entry === 'number' ? RangeError : TypeError;
    const message = `Option ${name} must be ${text}: got ${describe(entry)} at [${at}]`;
    throw fail(kind, 'ERR_INVALID_OPTION', message, { option: name, value });
  }
  return [...new Set(list as number[])];
}

/** One of the strings `allowed`, or `fallback` where absent. */
export function choice<T extends string>(
  options: Named,
  name: string,
  allowed: readonly T[],
  fallback: T,
): T {
  const value = options[name];
  if (value === undefined) return fallback;
  const text = `one of ${allowed.map((each) => JSON.stringify(each)).join(', ')}`;
  if (typeof value !== 'string') throw wrongKind(name, value, text);
  if (!(allowed as readonly string[]).includes(value)) throw wrongValue(name, value, text);
  return value as T;
}

/** A boolean, or `fallback` where absent. */
export function flag(options: Named, name: string, fallback: boolean): boolean {
  const value = options[name];
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw wrongKind(name, value, 'true or false');
  return value;
}

/** A function, or `fallback` where absent. */
export function callback<T>(options: Named, name: string, fallback: T): T {
  const value = options[name];
  if (value === undefined) return fallback;
  if (typeof value !== 'function') throw wrongKind(name, value, 'a function');
  return value as T;
}

const MAX_SEED = 2n ** 64n - 1n;

/** A seed: an integer 0..2^53-1 or a bigint 0..2^64-1, as it was given; `undefined` where absent. */
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
  return value + 0 || 0;
}

/** The option `seed`, or a random one from 0 to 2^53 - 1. */
export function readSeed(options: Named): number | bigint {
  return seed(options) ?? randomSeed();
}

function randomSeed(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (high! >>> 11) * 2 ** 32 + low!;
}

/** The lower and the upper 32 bits of a seed: 7 and 7n are the same seed. */
export function halves(seed: number | bigint): readonly [low: number, high: number] {
  const bits = BigInt(seed);
  return [Number(bits & 0xffff_ffffn), Number(bits >> 32n)];
}
