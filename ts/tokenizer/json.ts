/**
 * Reading a tokenizer's JSON: nothing is believed, and an error names the entry and the rule it breaks.
 */

import { describe, fail, type TokenbedError } from '../errors.js';

/** The layout that `toJSON` writes and `fromJSON` reads. */
export const VERSION = 1;

/** `ERR_FORMAT` with `where` (a path such as `merges[3][0]`), `rule` and the `value` found there. */
export function malformed(where: string, rule: string, value: unknown): TokenbedError {
  const message = `Malformed tokenizer JSON: ${where} must be ${rule}, got ${describe(value)}`;
  return fail(Error, 'ERR_FORMAT', message, { where, rule, value });
}

/** A JSON object whose keys are known. */
export type Entries = Readonly<Record<string, unknown>>;

/**
 * The object that a tokenizer's `toJSON` gave, or its JSON text, with exactly the entries `type`, `version` and
 * `keys`, the first two of which are checked.
 */
export function readEntries(json: unknown, type: string, keys: readonly string[]): Entries {
  let value = json;
  if (typeof json === 'string') {
    try {
      value = JSON.parse(json) as unknown;
    } catch (cause) {
      throw fail(Error, 'ERR_FORMAT', 'Malformed tokenizer JSON: the text is no JSON', {
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
    if (!known.includes(key)) throw malformed(key, `absent: known are ${known.join(', ')}`, entries[key]);
  }
  return entries;
}

/** An array. */
export function readArray(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(where, 'an array', value);
  return value as readonly unknown[];
}

/** A pair: an array of exactly two. */
export function readPair(value: unknown, where: string): readonly [unknown, unknown] {
  if (!Array.isArray(value) || value.length !== 2) throw malformed(where, 'a pair', value);
  return [value[0], value[1]];
}

/** An array of strings that are all different, each accepted by `accepts`. */
export function readStrings(
  value: unknown,
  where: string,
  rule: string,
  accepts: (text: string) => boolean,
): string[] {
  const seen = new Set<string>();
  Array.from(readArray(value, where)).forEach((entry, index) => {
    const at = `${where}[${index}]`;
    if (typeof entry !== 'string' || !accepts(entry)) throw malformed(at, rule, entry);
    if (seen.has(entry)) throw malformed(at, 'different from those before it', entry);
    seen.add(entry);
  });
  return [...seen];
}
