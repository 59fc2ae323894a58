/** Reads and validates a tokenizer's JSON. Errors name the bad entry and the rule it breaks. */

import { describe, fail, type TokenbedError } from '../errors.js';

/** The version of the format that `toJSON` writes and `fromJSON` reads. */
export const VERSION = 1;

/** An `ERR_FORMAT` with `where` (a path such as `merges[3][0]`), `rule` and `value`. */
export function malformed(where: string, rule: string, value: unknown): TokenbedError {
  const message = `Malformed tokenizer JSON: ${where} must be ${rule}, got ${describe(value)}`;
  return fail(Error, 'ERR_FORMAT', message, { where, rule, value });
}

/** A JSON object without unknown keys. */
export type Entries = Readonly<Record<string, unknown>>;

/**
 * Reads the result of a tokenizer's `toJSON`, or its JSON text. Checks `type` and `version`, and that there are no
 * keys besides these and `keys`. The caller checks the values of `keys`.
 */
export function readEntries(json: unknown, type: string, keys: readonly string[]): Entries {
  let value = json;
  if (typeof json === 'string') {
    try {
      value = JSON.parse(json) as unknown;
    } catch (cause) {
      throw fail(Error, 'ERR_FORMAT', 'Malformed tokenizer JSON: the text is not valid JSON', {
        where: 'text',
        rule: 'JSON',
        cause,
      });
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('the whole', 'an object', value);
  }
  const entries = value as Entries;
  if (entries['type'] !== type) throw malformed('type', JSON.stringify(type), entries['type']);
  if (entries['version'] !== VERSION) throw malformed('version', String(VERSION), entries['version']);
  const known = ['type', 'version', ...keys];
  for (const key of Object.keys(entries)) {
    if (!known.includes(key)) throw malformed(key, `absent (the keys are ${known.join(', ')})`, entries[key]);
  }
  return entries;
}

/** Reads an array. */
export function readArray(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(where, 'an array', value);
  return value as readonly unknown[];
}

/** Reads an array of length 2. */
export function readPair(value: unknown, where: string): readonly [unknown, unknown] {
  if (!Array.isArray(value) || value.length !== 2) throw malformed(where, 'a pair', value);
  return [value[0], value[1]];
}

/** Reads an array of distinct strings that `accepts` allows. */
export function readStrings(
  value: unknown,
  where: string,
  rule: string,
  accepts: (text: string) => boolean,
): string[] {
  const seen = new Set<string>();
  Array.from(readArray(value, where)).forEach((entry, index) => {
    const path = `${where}[${index}]`;
    if (typeof entry !== 'string' || !accepts(entry)) throw malformed(path, rule, entry);
    if (seen.has(entry)) throw malformed(path, 'different from the entries before it', entry);
    seen.add(entry);
  });
  return [...seen];
}
