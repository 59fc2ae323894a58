/** A tokenizer with one token per character: the simplest one that works on any text. */

import { wrongKind, wrongValue } from '../errors.js';
import { named } from '../args/options.js';
import { byCodePoint, isCodePoint } from './code-points.js';
import { malformed, readEntries, readStrings, VERSION } from './json.js';
import type { TokenIds } from './token-ids.js';
import { readIds } from './token-ids.js';
import {
  addsSpecialTokens,
  BOS,
  EOS,
  padSequences,
  readText,
  readTexts,
  skipsSpecialTokens,
  SPECIAL_TOKENS,
  UNK,
  type DecodeOptions,
  type EncodeOptions,
  type Tokenizer,
} from './tokenizer.js';

/** Options of {@link CharTokenizer}. */
export interface CharTokenizerOptions {
  /**
   * Names of special tokens. `<PAD>`, `<UNK>`, `<BOS>` and `<EOS>` are always there as 0 to 3, named or not; others
   * follow from 4 on, in the order given.
   */
  readonly specialTokens?: readonly string[] | undefined;
  /** The characters, one code point each, all different: a string or an array. Default: ASCII 32 to 126. */
  readonly alphabet?: string | readonly string[] | undefined;
}

/** What `CharTokenizer.toJSON` gives. */
export interface CharTokenizerJSON {
  /** Tells it from other tokenizers. */
  readonly type: 'CharTokenizer';
  /** Of this form. */
  readonly version: 1;
  /** Their names; the id of each is its index. */
  readonly specialTokens: readonly string[];
  /** The characters, one code point each; their ids follow. */
  readonly alphabet: readonly string[];
}

const PRINTABLE_ASCII = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index));

/**
 * One id per code point: special tokens first, then the alphabet in its order.
 *
 *     encode(text) = [<BOS>, id(c) or <UNK> for each code point c of text, <EOS>]
 *
 * By default `<PAD>` 0, `<UNK>` 1, `<BOS>` 2, `<EOS>` 3 and ASCII 32..126 as 4..98: `vocabSize` is 99. Text that
 * spells a special token is just text: each of its characters becomes an id of its own.
 *
 * Errors of the constructor: `ERR_INVALID_OPTION`; a TypeError when something is no string, a RangeError for an
 * alphabet entry that is not one code point, an empty name, or anything that is there twice.
 */
export class CharTokenizer implements Tokenizer {
  /** Names of the special tokens; the id of each is its index. */
  readonly specialTokens: readonly string[];
  /** The characters; the id of each is its index + `specialTokens.length`. */
  readonly alphabet: readonly string[];
  /** `specialTokens.length + alphabet.length` */
  readonly vocabSize: number;

  readonly #ids: ReadonlyMap<number, number>;

  constructor(options?: CharTokenizerOptions) {
    const given = named(options, ['specialTokens', 'alphabet']);
    const names = readSpecialTokens(given['specialTokens']);
    const alphabet = readAlphabet(given['alphabet']);
    this.specialTokens = Object.freeze(names);
    this.alphabet = Object.freeze(alphabet);
    this.vocabSize = names.length + alphabet.length;
    this.#ids = new Map(alphabet.map((char, index) => [char.codePointAt(0)!, names.length + index]));
  }

  /**
   * A tokenizer whose alphabet is every code point of the texts, in the order of their numbers, so the same
   * characters give the same ids whatever the order of the texts.
   *
   * Errors: `ERR_INVALID_OPTION`, a TypeError, unless `texts` is an iterable of strings (a single string is not).
   */
  static fromCorpus(
    texts: Iterable<string>,
    options?: Pick<CharTokenizerOptions, 'specialTokens'>,
  ): CharTokenizer {
    const { specialTokens } = named(options, ['specialTokens']) as CharTokenizerOptions;
    const chars = new Set<string>();
    for (const text of readTexts(texts)) for (const char of text) chars.add(char);
    return new CharTokenizer({ specialTokens, alphabet: [...chars].sort(byCodePoint) });
  }

  /**
   * The tokenizer that `toJSON` described: its result, or that as JSON text.
   *
   * Errors: `ERR_FORMAT` with `where`, `rule` and `value` for the first bad entry.
   */
  static fromJSON(json: unknown): CharTokenizer {
    const entries = readEntries(json, 'CharTokenizer', ['specialTokens', 'alphabet']);
    const names = readStrings(entries['specialTokens'], 'specialTokens', 'a name', (name) => name !== '');
    SPECIAL_TOKENS.forEach((name, id) => {
      if (names[id] !== name) throw malformed(`specialTokens[${id}]`, JSON.stringify(name), names[id]);
    });
    const alphabet = readStrings(entries['alphabet'], 'alphabet', 'one code point', isCodePoint);
    return new CharTokenizer({ specialTokens: names, alphabet });
  }

  /** See `Tokenizer.encode`; `addSpecialTokens` defaults to true. One `<UNK>` per code point not in the alphabet. */
  encode(text: string, options?: EncodeOptions): number[] {
    const wrapped = addsSpecialTokens(options, true);
    readText(text);
    const ids: number[] = wrapped ? [BOS] : [];
    for (let unit = 0; unit < text.length; unit++) {
      const point = text.codePointAt(unit)!;
      if (point > 0xffff) unit++;
      ids.push(this.#ids.get(point) ?? UNK);
    }
    if (wrapped) ids.push(EOS);
    return ids;
  }

  /** See `Tokenizer.decode`. */
  decode(ids: TokenIds, options?: DecodeOptions): string {
    const skips = skipsSpecialTokens(options);
    const { specialTokens, alphabet } = this;
    let text = '';
    for (const id of readIds(ids, this.vocabSize)) {
      if (id >= specialTokens.length) text += alphabet[id - specialTokens.length]!;
      else if (!skips) text += specialTokens[id]!;
    }
    return text;
  }

  /** See `Tokenizer.padSequences`. */
  padSequences(seqs: readonly TokenIds[], maxLength?: number): number[][] {
    return padSequences(seqs, maxLength);
  }

  /** See `Tokenizer.toJSON`. */
  toJSON(): CharTokenizerJSON {
    return {
      type: 'CharTokenizer',
      version: VERSION,
      specialTokens: [...this.specialTokens],
      alphabet: [...this.alphabet],
    };
  }
}

function readSpecialTokens(value: unknown): string[] {
  const wanted = 'an array of different names';
  const names =
    value === undefined ? [] : readDistinct(value, 'specialTokens', wanted, (name) => name !== '');
  return [...new Set([...SPECIAL_TOKENS, ...names])];
}

function readAlphabet(value: unknown): string[] {
  const given = value === undefined ? PRINTABLE_ASCII : value;
  const chars = typeof given === 'string' ? [...given] : given;
  return readDistinct(chars, 'alphabet', 'different code points, as a string or an array', isCodePoint);
}

/** The strings of an array, each read once: all different, each accepted. */
function readDistinct(
  value: unknown,
  option: string,
  wanted: string,
  accepts: (text: string) => boolean,
): string[] {
  if (!Array.isArray(value)) throw wrongKind(option, value, wanted);
  const strings = new Set<string>();
  const { length } = value;
  for (let i = 0; i < length; i++) {
    const entry: unknown = value[i];
    if (typeof entry !== 'string') throw wrongKind(option, entry, wanted);
    if (!accepts(entry) || strings.has(entry)) throw wrongValue(option, entry, wanted);
    strings.add(entry);
  }
  return [...strings];
}
