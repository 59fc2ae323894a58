/** A tokenizer with one token per character. */

import { wrongKind, wrongValue } from '../errors.js';
import { named } from '../args/options.js';
import { showContents } from '../contents.js';
import { Digest } from '../digest.js';
import { decoderOf, spell, type TokenDecoder } from './decoding.js';
import { malformed, readEntries, readStrings, VERSION } from './json.js';
import { readIds, type TokenIds } from './token-ids.js';
import {
  BOS,
  byCodePoint,
  type DecodeOptions,
  type EncodeOptions,
  EOS,
  isCodePoint,
  padSequences,
  readAddSpecialTokens,
  readSkipSpecialTokens,
  readText,
  readTexts,
  SPECIAL_TOKENS,
  type Tokenizer,
  UNK,
} from './tokenizer.js';

/** Options of {@link CharTokenizer}. */
export interface CharTokenizerOptions {
  /**
   * Names of special tokens. `<PAD>`, `<UNK>`, `<BOS>` and `<EOS>` always exist, with ids 0 to 3; the others follow
   * in order, from 4 on.
   */
  readonly specialTokens?: readonly string[] | undefined;
  /** The characters: distinct code points, as a string or an array. Default: ASCII 32 to 126. */
  readonly alphabet?: string | readonly string[] | undefined;
}

/** The result of `CharTokenizer.toJSON`. */
export interface CharTokenizerJSON {
  /** The class name. */
  readonly type: 'CharTokenizer';
  /** The version of this format. */
  readonly version: 1;
  /** Names of special tokens. The id of each is its index. */
  readonly specialTokens: readonly string[];
  /** The characters, one code point each. The id of each is its index + `specialTokens.length`. */
  readonly alphabet: readonly string[];
}

const PRINTABLE_ASCII = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index));

/**
 * One id per code point: special tokens first, then the alphabet in its order.
 *
 *     encode(text) = [<BOS>, id(c) or <UNK> for each code point c of text, <EOS>]
 *
 * The default is `<PAD>` 0, `<UNK>` 1, `<BOS>` 2, `<EOS>` 3 and ASCII 32..126 as 4..98, so `vocabSize` is 99. Text
 * that spells a special token is encoded character by character.
 *
 * Errors of the constructor: `ERR_INVALID_OPTION`. A TypeError for a value that is not a string; a RangeError for an
 * alphabet entry that is not one code point, an empty name, or a duplicate.
 */
export class CharTokenizer implements Tokenizer {
  /** Names of the special tokens. The id of each is its index. */
  readonly specialTokens: readonly string[];
  /** The characters. The id of each is its index + `specialTokens.length`. */
  readonly alphabet: readonly string[];
  /** `specialTokens.length + alphabet.length` */
  readonly vocabSize: number;

  readonly #ids: ReadonlyMap<number, number>;
  /** The text of each id. */
  readonly #texts: readonly string[];

  constructor(options?: CharTokenizerOptions) {
    const fields = named(options, ['specialTokens', 'alphabet']);
    const names = readSpecialTokens(fields['specialTokens']);
    const alphabet = readAlphabet(fields['alphabet']);
    this.specialTokens = Object.freeze(names);
    this.alphabet = Object.freeze(alphabet);
    this.vocabSize = names.length + alphabet.length;
    this.#texts = [...names, ...alphabet];
    this.#ids = new Map(alphabet.map((char, index) => [char.codePointAt(0)!, names.length + index]));
    showContents(this, () => `${this.vocabSize} ids ${new Digest().texts(names).texts(alphabet)}`);
    if (new.target === CharTokenizer) Object.freeze(this);
  }

  /**
   * A tokenizer whose alphabet is every code point of the texts, sorted. Ids do not depend on the order of the
   * texts.
   *
   * Errors: `ERR_INVALID_OPTION` (TypeError) unless `texts` is an iterable of strings (a single string is refused).
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
   * Restores a tokenizer from the result of `toJSON`, as an object or as JSON text.
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

  /** See `Tokenizer.encode`. `addSpecialTokens` defaults to true. One `<UNK>` per code point outside the alphabet. */
  encode(text: string, options?: EncodeOptions): number[] {
    const addSpecialTokens = readAddSpecialTokens(options, true);
    readText(text);
    const ids: number[] = addSpecialTokens ? [BOS] : [];
    for (let unit = 0; unit < text.length; unit++) {
      const point = text.codePointAt(unit)!;
      if (point > 0xffff) unit++;
      ids.push(this.#ids.get(point) ?? UNK);
    }
    if (addSpecialTokens) ids.push(EOS);
    return ids;
  }

  /** See `Tokenizer.decode`. */
  decode(ids: TokenIds, options?: DecodeOptions): string {
    const skipped = this.#skipped(options);
    return spell(readIds(ids, this.vocabSize), this.#texts, skipped);
  }

  /** See `Tokenizer.decoder`. */
  decoder(options?: DecodeOptions): TokenDecoder {
    const skipped = this.#skipped(options);
    return decoderOf(this.vocabSize, { write: (ids) => spell(ids, this.#texts, skipped), end: () => '' });
  }

  /** The number of special tokens that decoding omits. */
  #skipped(options: DecodeOptions | undefined): number {
    return readSkipSpecialTokens(options) ? this.specialTokens.length : 0;
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
  const expected = 'an array of distinct names';
  const names =
    value === undefined ? [] : readDistinct(value, 'specialTokens', expected, (name) => name !== '');
  return [...new Set([...SPECIAL_TOKENS, ...names])];
}

function readAlphabet(value: unknown): string[] {
  const alphabet = value === undefined ? PRINTABLE_ASCII : value;
  const chars = typeof alphabet === 'string' ? [...alphabet] : alphabet;
  return readDistinct(chars, 'alphabet', 'distinct code points, as a string or an array', isCodePoint);
}

/** Reads an array of distinct strings that `accepts` allows. Each entry is read once. */
function readDistinct(
  value: unknown,
  option: string,
  expected: string,
  accepts: (text: string) => boolean,
): string[] {
  if (!Array.isArray(value)) throw wrongKind(option, value, expected);
  const strings = new Set<string>();
  const { length } = value;
  for (let i = 0; i < length; i++) {
    const entry: unknown = value[i];
    if (typeof entry !== 'string') throw wrongKind(option, entry, expected);
    if (!accepts(entry) || strings.has(entry)) throw wrongValue(option, entry, expected);
    strings.add(entry);
  }
  return [...strings];
}
