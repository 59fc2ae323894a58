/**
 * What all tokenizers share: the interface, the four special tokens, and the readers of common arguments.
 *
 * Nothing under `tokenizer/` depends on a backend or on the host: `tokenbed/tokenizer` works wherever JavaScript does.
 */

import { isArray } from '../args/arrays.js';
import { flag, integer, named } from '../args/options.js';
import { fail, tooLarge, wrongKind } from '../errors.js';
import type { Decoding, TokenDecoder } from './decoding.js';
import { readIds, type TokenIds } from './token-ids.js';

/** The special tokens that every tokenizer has; the id of each is its index. */
export const SPECIAL_TOKENS = ['<PAD>', '<UNK>', '<BOS>', '<EOS>'] as const;

/** Pads short sequences. */
export const PAD = 0;
/** Replaces a code point outside the alphabet. */
export const UNK = 1;
/** Begins a sequence. */
export const BOS = 2;
/** Ends a sequence. */
export const EOS = 3;

/** Options of `encode`. */
export interface EncodeOptions {
  /** Whether to begin with `<BOS>` and end with `<EOS>`. */
  readonly addSpecialTokens?: boolean | undefined;
}

/** Options of `decode`. */
export interface DecodeOptions {
  /** Whether to omit special tokens from the text rather than spell them out. Default: true. */
  readonly skipSpecialTokens?: boolean | undefined;
}

/** Converts text to token ids and back. Ids are integers from 0 to `vocabSize - 1`. The caller owns all results. */
export interface Tokenizer {
  /**
   * Returns the ids of `text` as a new array.
   *
   * Errors: `ERR_INVALID_OPTION`; if `text` is not a string, a TypeError with `option: 'text'`.
   */
  encode(text: string, options?: EncodeOptions): number[];
  /**
   * Returns the text of `ids`: one id, a flat array, an integer typed array of any width, or an integer Tensor of any
   * shape, which is read flat.
   *
   * Errors: `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_ID_OUT_OF_RANGE`, `ERR_INVALID_OPTION`; `ERR_TOO_LARGE`, before
   * anything is decoded, for a text longer than the engine's longest string (about 2^29 characters in Node).
   */
  decode(ids: TokenIds, options?: DecodeOptions): string;
  /**
   * Returns a decoder of ids that arrive in parts. It decodes with the vocabulary at the time of this call.
   *
   * Errors: `ERR_INVALID_OPTION`.
   */
  decoder(options?: DecodeOptions): TokenDecoder;
  /** The number of ids. */
  readonly vocabSize: number;
  /**
   * Returns the sequences as new arrays of length `maxLength` (default: the longest sequence), truncated or padded
   * with `<PAD>` on the right. The input is unchanged. `[]` gives `[]`.
   *
   * Errors: `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_ID_OUT_OF_RANGE` (an id below 0 or above 2^32 - 1),
   * `ERR_INVALID_OPTION` unless `maxLength` is an integer >= 1, `ERR_TOO_LARGE` for padding beyond 2^26 ids.
   */
  padSequences(seqs: readonly TokenIds[], maxLength?: number): number[][];
  /** Returns a new plain object from which `fromJSON` of the class restores the tokenizer. */
  toJSON(): object;
}

/** Reads `addSpecialTokens`. */
export function readAddSpecialTokens(options: EncodeOptions | undefined, fallback: boolean): boolean {
  return flag(named(options, ['addSpecialTokens']), 'addSpecialTokens', fallback);
}

/** Reads `skipSpecialTokens`. */
export function readSkipSpecialTokens(options: DecodeOptions | undefined): boolean {
  return flag(named(options, ['skipSpecialTokens']), 'skipSpecialTokens', true);
}

/** Returns `text` if it is a string. Otherwise throws `ERR_INVALID_OPTION` (TypeError) for the option `name`. */
export function readText(text: unknown, name = 'text'): string {
  if (typeof text !== 'string') throw wrongKind(name, text, 'a string');
  return text;
}

/**
 * Yields the texts of an iterable and checks each one.
 *
 * A single string is refused although it is iterable: its characters are not texts.
 */
export function* readTexts(texts: unknown): Generator<string, void, undefined> {
  const iterable = typeof texts === 'object' && texts !== null && Symbol.iterator in texts;
  if (!iterable) throw wrongKind('texts', texts, 'an iterable of strings');
  let index = 0;
  for (const text of texts as Iterable<unknown>) yield readText(text, `texts[${index++}]`);
}

/** The texts of an array, each read once. Errors: `ERR_INVALID_OPTION` (TypeError) unless it is an array of strings. */
export function readTextArray(texts: unknown): string[] {
  if (!isArray(texts)) throw wrongKind('texts', texts, 'an array of strings');
  const { length } = texts;
  const list: string[] = [];
  for (let i = 0; i < length; i++) {
    const text = texts[i];
    // The name costs more than the check.
    list.push(typeof text === 'string' ? text : readText(text, `texts[${i}]`));
  }
  return list;
}

/** The limit of padding. Engines abort the process on plain arrays that are not much longer. */
const MAX_PADDED = 2 ** 26;

/** `Tokenizer.padSequences` for every tokenizer, with the id `pad`. */
export function padSequences(seqs: readonly TokenIds[], maxLength?: number, pad: number = PAD): number[][] {
  if (!Array.isArray(seqs)) {
    throw fail(TypeError, 'ERR_INVALID_IDS', 'padSequences expects an array of token id sequences', {
      value: seqs,
    });
  }
  const requested = integer({ maxLength }, 'maxLength', { min: 1 }, undefined);
  const { length } = seqs;
  const rows = Array.from({ length }, (_, row) => readIds(seqs[row], 2 ** 32, ` of sequence ${row}`));
  const longest = rows.reduce((length, row) => Math.max(length, row.length), 0);
  const width = requested ?? longest;
  if (rows.length > 0 && width > Math.max(longest, MAX_PADDED)) {
    throw tooLarge('A padded sequence', width * 8, MAX_PADDED * 8);
  }
  return rows.map((row) => {
    const padded = Array.from(row).slice(0, width);
    while (padded.length < width) padded.push(pad);
    return padded;
  });
}

/** Progress of training. Training may end before `total` merges, when no pair is left. */
export interface TrainingProgress {
  /** Merges so far. */
  readonly done: number;
  /** The maximum number of merges. */
  readonly total: number;
}

/** Called after each merge while a tokenizer is trained. */
export type OnProgress = (progress: TrainingProgress) => void;

/** A vocabulary with its merges. */
export interface Model<Part> {
  /** The merged pairs in the order they were learned, frozen. */
  readonly merges: readonly (readonly [Part, Part])[];
  /** Maps spellings to ids; in mode `bytes` only the special tokens. */
  readonly vocab: ReadonlyMap<string, number>;
  /** The number of ids. */
  readonly vocabSize: number;
  /** Appends the ids of `text` to `ids`. */
  encode(text: string, ids: number[]): void;
  /** Opens a decoder of ids below `vocabSize`. */
  decoder(skipSpecialTokens: boolean): Decoding;
}

/** Whether `text` is exactly one code point. */
export function isCodePoint(text: string): boolean {
  return text.length === (text.codePointAt(0)! > 0xffff ? 2 : 1);
}

/** Compares by code point. (JavaScript compares strings by UTF-16 unit.) */
export function byCodePoint(a: string, b: string): number {
  return a.codePointAt(0)! - b.codePointAt(0)!;
}
