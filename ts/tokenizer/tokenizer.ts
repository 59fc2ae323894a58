/**
 * What a tokenizer is: text in, token ids out, and back.
 *
 * This file holds what every tokenizer shares: the interface, the four special tokens, and the readers of the
 * arguments that all of them take. Nothing under `tokenizer/` knows of a backend: `tokenbed/tokenizer` works
 * alone, in any runtime that has the Encoding standard's `TextEncoder`.
 */

import { fail, tooLarge, wrongKind } from '../errors.js';
import { flag, integer, named } from '../args/options.js';
import { readIds, type TokenIds } from './token-ids.js';

/** The special tokens that every tokenizer has; the id of each is its index. */
export const SPECIAL_TOKENS = ['<PAD>', '<UNK>', '<BOS>', '<EOS>'] as const;

/** Fills short sequences up. */
export const PAD = 0;
/** Stands for a code point that the alphabet lacks. */
export const UNK = 1;
/** Opens a sequence. */
export const BOS = 2;
/** Closes a sequence. */
export const EOS = 3;

/** Options of `encode`. */
export interface EncodeOptions {
  /** Whether `<BOS>` comes first and `<EOS>` last. */
  readonly addSpecialTokens?: boolean | undefined;
}

/** Options of `decode`. */
export interface DecodeOptions {
  /** Whether special tokens leave nothing in the text; if not, they are spelled out. Default: true. */
  readonly skipSpecialTokens?: boolean | undefined;
}

/** Text in, token ids out, and back. Ids are integers from 0 to `vocabSize - 1`; the caller owns what comes back. */
export interface Tokenizer {
  /**
   * The ids of a text, a fresh array.
   *
   * Errors: `ERR_INVALID_OPTION`, a TypeError with `option: 'text'` too when the text is no string.
   */
  encode(text: string, options?: EncodeOptions): number[];
  /**
   * The text of some ids: one id, a flat array, an integer typed array of any width, or an integer Tensor, read
   * flat whatever its shape.
   *
   * Errors: `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_ID_OUT_OF_RANGE`, `ERR_INVALID_OPTION`.
   */
  decode(ids: TokenIds, options?: DecodeOptions): string;
  /** How many ids there are: each is in `0 .. vocabSize - 1`. */
  readonly vocabSize: number;
  /**
   * Sequences of one length: each is cut at `maxLength` (default: the longest) or padded on the right with
   * `<PAD>`. Fresh arrays; what was given stays as it is. No sequences give `[]`.
   *
   * Errors: `ERR_INVALID_IDS`, `ERR_INVALID_ID`, `ERR_ID_OUT_OF_RANGE` (an id below 0, or from 2^32 on), and
   * `ERR_INVALID_OPTION` unless `maxLength` is an integer >= 1; `ERR_TOO_LARGE` for padding beyond 2^26 ids.
   */
  padSequences(seqs: readonly TokenIds[], maxLength?: number): number[][];
  /** All that the class's `fromJSON` needs, as plain values; fresh on each call. */
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

/** Returns `text`; a TypeError `ERR_INVALID_OPTION` that calls it `name` unless it is a string. */
export function readText(text: unknown, name = 'text'): string {
  if (typeof text !== 'string') throw wrongKind(name, text, 'a string');
  return text;
}

/**
 * The texts of an iterable, checked one by one as they come.
 *
 * A single string is refused although it can be iterated: its letters are not texts.
 */
export function* readTexts(texts: unknown): Generator<string, void, undefined> {
  const iterable = typeof texts === 'object' && texts !== null && Symbol.iterator in texts;
  if (!iterable) throw wrongKind('texts', texts, 'an iterable of strings');
  let index = 0;
  for (const text of texts as Iterable<unknown>) yield readText(text, `texts[${index++}]`);
}

/** No sequence is padded beyond this length: an engine ends the whole process over a plain array not much longer. */
const MAX_PADDED = 2 ** 26;

/** `Tokenizer.padSequences`, which is the same for every tokenizer: `<PAD>` is 0 in all of them. */
export function padSequences(seqs: readonly TokenIds[], maxLength?: number): number[][] {
  if (!Array.isArray(seqs)) {
    throw fail(TypeError, 'ERR_INVALID_IDS', 'padSequences takes an array of sequences of token ids', {
      value: seqs,
    });
  }
  const asked = integer({ maxLength }, 'maxLength', { min: 1 }, undefined);
  const { length } = seqs;
  const rows = Array.from({ length }, (_, row) => readIds(seqs[row], 2 ** 32, ` of sequence ${row}`));
  const longest = rows.reduce((length, row) => Math.max(length, row.length), 0);
  const width = asked ?? longest;
  if (rows.length > 0 && width > Math.max(longest, MAX_PADDED)) {
    throw tooLarge('A padded sequence', width * 8, MAX_PADDED * 8);
  }
  return rows.map((row) => {
    const padded = row.slice(0, width);
    while (padded.length < width) padded.push(PAD);
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
  /** Returns the text of `ids`, which the caller has checked. */
  decode(ids: readonly number[], skipSpecialTokens: boolean): string;
}

/** Whether `text` is exactly one code point. */
export function isCodePoint(text: string): boolean {
  return text.length === (text.codePointAt(0)! > 0xffff ? 2 : 1);
}

/** Compares by code point. (JavaScript compares strings by UTF-16 unit.) */
export function byCodePoint(a: string, b: string): number {
  return a.codePointAt(0)! - b.codePointAt(0)!;
}
