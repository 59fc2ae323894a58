/** The small files of a static model: config.json, modules.json, and the vocabulary of a tokenizer.json. */

import type { Named } from '../args/options.js';
import { describe } from '../errors.js';
import { malformed } from '../files/input.js';
import { textOf } from '../tokenizer/decoding.js';

/** A file that was read. */
export interface TextFile {
  /** Its path or address, for messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What config.json says. */
export interface Config {
  readonly normalize: boolean;
  /** The most ids of a text; null: no limit. */
  readonly maxLength: number | null;
}

/** The default of model2vec. */
const MAX_LENGTH = 512;

export const NO_CONFIG: Config = { normalize: false, maxLength: MAX_LENGTH };

/** The value of a JSON file. Errors: `ERR_FORMAT`. */
function jsonOf({ name, bytes }: TextFile): unknown {
  try {
    return JSON.parse(textOf(bytes).replace(/^\uFEFF/, ''));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw malformed(name, `the file must be JSON: ${error.message}`);
  }
}

const isObject = (value: unknown): value is Named =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object in a JSON file. Errors: `ERR_FORMAT`. */
function objectOf(file: TextFile): Named {
  const value = jsonOf(file);
  if (!isObject(value)) throw malformed(file.name, `the file must be a JSON object: got ${describe(value)}`);
  return value;
}

/** The error for a key of a JSON file. */
const wrongKey = (file: TextFile, key: string, wanted: string, value: unknown) =>
  malformed(file.name, `${key} must be ${wanted}: got ${describe(value)}`);

/** Reads config.json: `normalize` and `max_length`. Other keys are ignored, as model2vec does. Errors: `ERR_FORMAT`. */
export function readConfig(file: TextFile): Config {
  const { normalize = NO_CONFIG.normalize, max_length: maxLength = MAX_LENGTH } = objectOf(file);
  if (typeof normalize !== 'boolean') throw wrongKey(file, 'normalize', 'true or false', normalize);
  if (maxLength !== null && !(Number.isSafeInteger(maxLength) && (maxLength as number) >= 1)) {
    throw wrongKey(file, 'max_length', 'an integer >= 1 or null', maxLength);
  }
  return { normalize, maxLength: maxLength as number | null };
}

/** Whether modules.json has a Normalize module. Errors: `ERR_FORMAT`. */
export function readNormalizes(file: TextFile): boolean {
  const modules = jsonOf(file);
  if (!Array.isArray(modules)) {
    throw malformed(file.name, `the file must be a JSON array of modules: got ${describe(modules)}`);
  }
  const types = modules.map((each: unknown, i) => {
    const type = isObject(each) ? each['type'] : undefined;
    if (typeof type !== 'string') throw wrongKey(file, `[${i}].type`, 'a string', type);
    return type;
  });
  return types.some((type) => type.split('.').at(-1) === 'Normalize');
}

/** What a static model uses of a vocabulary. */
export interface Vocabulary {
  /** One more than the greatest id. */
  readonly vocabSize: number;
  /** The id of the unknown token; null if there is none. */
  readonly unkId: number | null;
  /** The median length of a token in code points, rounded down. */
  readonly medianTokenLength: number;
  /** `truncation.max_length`; null if there is none. */
  readonly maxLength: number | null;
}

/**
 * The vocabulary of a tokenizer.json whose texts a function of the caller encodes, so that its other parts may be anything.
 * Errors: `ERR_FORMAT`.
 */
export function readVocabulary(file: TextFile): Vocabulary {
  const { model, truncation, added_tokens: added = [] } = objectOf(file);
  const { vocab, unk_token: unknown, unk_id: unknownId } = isObject(model) ? model : {};
  const ids = new Map<string, number>();
  const add = (key: string, token: unknown, id: unknown): void => {
    if (typeof token !== 'string') throw wrongKey(file, key, 'a token', token);
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= 2 ** 32) {
      throw wrongKey(file, `${key}: the id of ${describe(token)}`, 'an integer in [0, 2^32)', id);
    }
    ids.set(token, id as number);
  };
  if (Array.isArray(vocab)) {
    for (const [i, piece] of vocab.entries()) add(`model.vocab[${i}]`, (piece as unknown[] | null)?.[0], i);
  } else if (isObject(vocab)) {
    for (const [token, id] of Object.entries(vocab)) add('model.vocab', token, id);
  } else {
    throw wrongKey(file, 'model.vocab', 'an object or an array of tokens', vocab);
  }
  if (!Array.isArray(added)) throw wrongKey(file, 'added_tokens', 'an array', added);
  for (const [i, token] of added.entries()) {
    const { content, id } = isObject(token) ? token : {};
    add(`added_tokens[${i}]`, content, id);
  }
  const unkId = typeof unknown === 'string' ? ids.get(unknown) : unknownId;
  const { max_length: maxLength = null } = isObject(truncation) ? truncation : {};
  if (maxLength !== null && !(Number.isSafeInteger(maxLength) && (maxLength as number) >= 0)) {
    throw wrongKey(file, 'truncation.max_length', 'an integer >= 0', maxLength);
  }
  let vocabSize = 0;
  for (const id of ids.values()) vocabSize = Math.max(vocabSize, id + 1);
  return {
    vocabSize,
    unkId: typeof unkId === 'number' ? unkId : null,
    medianTokenLength: median(Uint32Array.from(ids.keys(), codePoints)),
    maxLength: maxLength as number | null,
  };
}

function median(lengths: Uint32Array): number {
  const { length } = lengths.sort();
  if (length === 0) return 0;
  return Math.floor((lengths[(length - 1) >> 1]! + lengths[length >> 1]!) / 2);
}

/** The number of code points of a text. */
function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i + 1 < text.length; i++) if (text.codePointAt(i)! > 0xffff) count--;
  return count;
}
