/**
 * What deep comparison, clones and JSON see of an object whose state is private.
 *
 * ```text
 * deep comparison   own enumerable properties: the sizes and options, and a short text of what is private
 * structuredClone   own enumerable properties: fails with a DataCloneError at the function `toJSON`
 * JSON.stringify    the result of `toJSON`
 * ```
 * A constructor also freezes its object, unless it constructs a subclass, which may add fields: the proxies of reactive
 * frameworks leave frozen objects alone, and private state cannot be read through a proxy.
 */

/** The most bytes of values, as f32, that are written as JSON. */
export const MAX_JSON = 2 ** 20;

/** The key of the text. It is long, so that fields of subclasses do not have the same name. */
export const NAME = 'tokenbed.contents';

/**
 * The text is under a string and under a symbol. Not every comparison reads symbols: `assert.deepEqual` of Node and
 * the libraries fast-deep-equal and dequal do not.
 */
const KEYS: readonly PropertyKey[] = [NAME, Symbol.for(NAME)];

/** Computes the text of each object. */
const texts = new WeakMap<object, () => string>();

/** The property of all objects. A comparison of tables of gigabytes reads texts of some dozen characters. */
const CONTENTS: PropertyDescriptor = {
  get(this: object): string {
    try {
      return texts.get(this)?.() ?? 'unknown';
    } catch {
      return 'unreadable'; // for example after a trap of the WASM instance
    }
  },
  enumerable: true,
  configurable: true,
};

/**
 * Shows an object to deep comparison through `text`, and prevents clones of it.
 *
 * `text` is called whenever the property is read. It returns equal texts for equal contents alone.
 */
export function showContents(object: { toJSON(): unknown }, text: () => string): void {
  texts.set(object, text);
  preventClones(object);
  for (const key of KEYS) Object.defineProperty(object, key, CONTENTS);
}

/** Gives an object its own `toJSON`. It must be the first property that takes time to clone: the clone fails there. */
export function preventClones(object: { toJSON(): unknown }): void {
  const value = object.toJSON;
  Object.defineProperty(object, 'toJSON', { value, enumerable: true, configurable: true, writable: true });
}

/** A new plain object of the options and parts of an object: its own properties, as JSON has them. */
export function ownJSON(object: object): Record<string, unknown> {
  const own = Object.entries(object).filter(([key]) => key !== 'toJSON' && key !== NAME);
  return Object.fromEntries(own.map(([key, value]: [string, unknown]) => [key, jsonValue(value)]));
}

function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return jsonNumber(value);
  const part = value as { toJSON?: () => unknown } | null;
  return typeof part?.toJSON === 'function' ? part.toJSON() : value;
}

/** A number as JSON has it: 64-bit integers, NaN and infinities as strings. */
export const jsonNumber = (value: number | bigint): number | string =>
  typeof value === 'bigint' || !Number.isFinite(value) ? String(value) : value;
