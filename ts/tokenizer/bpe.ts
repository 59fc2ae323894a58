/** Byte pair encoding: tokens are learned from a corpus by merging, again and again, its most frequent pair. */

import { fail, wrongValue } from '../errors.js';
import { callback, choice, integer, named } from '../args/options.js';
import { BYTE_VOCABULARY, ByteModel, FIRST_BYTE } from './bpe-bytes.js';
import { isWordSymbol, joinedSpelling, WordModel } from './bpe-words.js';
import { malformed, readArray, readEntries, readPair, readStrings, VERSION } from './json.js';
import type { OnProgress } from './model.js';
import { readIds, type TokenIds } from './token-ids.js';
import {
  addsSpecialTokens,
  BOS,
  EOS,
  padSequences,
  readText,
  readTexts,
  skipsSpecialTokens,
  type DecodeOptions,
  type EncodeOptions,
  type Tokenizer,
} from './tokenizer.js';

/** What is merged: the characters of lower-cased words, or the bytes of any text. */
export type BPEMode = 'words' | 'bytes';

/** One part of a merge: a spelling in `words`, an id in `bytes`. */
export type MergePart<Mode extends BPEMode> = Mode extends 'words' ? string : number;

/** Options of {@link BPETokenizer}. */
export interface BPETokenizerOptions<Mode extends BPEMode = BPEMode> {
  /** The size of the vocabulary to learn; at least 260 in mode `bytes`. Default: 1000. */
  readonly vocabSize?: number | undefined;
  /** `words`: lower-cased words, characters. `bytes`: lossless, any text. Default: `words`. */
  readonly mode?: Mode | undefined;
}

/** Options of `BPETokenizer.train`. */
export interface TrainOptions {
  /** Called after each merge. What it throws ends the training; the tokenizer stays as it was. */
  readonly onProgress?: OnProgress | undefined;
}

/** What `BPETokenizer.toJSON` gives. */
export interface BPETokenizerJSON {
  /** Tells it from other tokenizers. */
  readonly type: 'BPETokenizer';
  /** Of this form. */
  readonly version: 1;
  /** What is merged. */
  readonly mode: BPEMode;
  /** The target that the constructor was given. */
  readonly vocabSize: number;
  /** Whether `train` has been called. */
  readonly trained: boolean;
  /** Mode `words` alone: the symbols that training began with, from id 4 on. */
  readonly alphabet?: readonly string[];
  /** The pairs in the order they were learned. */
  readonly merges: readonly (readonly [string, string])[] | readonly (readonly [number, number])[];
}

const MAX_VOCABULARY = 2 ** 32;

/**
 * A BPE tokenizer, to be trained or read from JSON before it encodes.
 *
 *     train:   while the vocabulary is below its target and some pair is there at least twice:
 *                merge the most frequent pair of neighbours everywhere, from the left
 *     encode:  apply the merges in the order they were learned
 *
 * Every pair of neighbours counts, overlapping ones too: `aaa` holds the pair a a twice. Among equally frequent
 * pairs the one met first wins, when the corpus as merged so far is read from its start. No pair crosses two texts.
 *
 * Mode `words`: text is lower-cased and split at the white space of Python's `str.split()`, `</w>` closes each
 * word; ids are 0..3 for special tokens, then the corpus's characters by code point, then one per
 * merge. Unknown characters become `<UNK>` and vanish on decode; white space becomes single spaces.
 * Mode `bytes`: byte b of the UTF-8 is 4 + b, merge k is 260 + k; `decode(encode(s)) === s` for every well-formed
 * string, and a lone surrogate becomes U+FFFD. Ids that cut a character apart decode to U+FFFD.
 *
 * Training n symbols takes O(n log n) time and at most 40 bytes per byte of text; encoding n characters O(n log n).
 *
 * Errors of the constructor: `ERR_INVALID_OPTION`.
 */
export class BPETokenizer<Mode extends BPEMode = 'words'> implements Tokenizer {
  /** What is merged. */
  readonly mode: Mode;
  /** The size that was asked for; `vocabSize` is the one that was reached. */
  readonly targetVocabSize: number;

  #model: ByteModel | WordModel;
  #trained = false;

  constructor(options?: BPETokenizerOptions<Mode>) {
    const given = named(options, ['vocabSize', 'mode']);
    const mode = choice<BPEMode>(given, 'mode', ['words', 'bytes'], 'words');
    const vocabSize = integer(given, 'vocabSize', { min: 1, max: MAX_VOCABULARY }, 1000);
    if (mode === 'bytes' && vocabSize < BYTE_VOCABULARY) {
      throw wrongValue('vocabSize', vocabSize, `at least ${BYTE_VOCABULARY} in mode "bytes"`);
    }
    this.mode = mode as Mode;
    this.targetVocabSize = vocabSize;
    this.#model = mode === 'bytes' ? new ByteModel([]) : new WordModel([], []);
  }

  /**
   * The tokenizer that `toJSON` described: its result, or that as JSON text.
   *
   * Errors: `ERR_FORMAT` with `where`, `rule` and `value` for the first bad entry.
   */
  static fromJSON(json: unknown): BPETokenizer<BPEMode> {
    const entries = readEntries(json, 'BPETokenizer', ['mode', 'vocabSize', 'trained', 'alphabet', 'merges']);
    const { mode, vocabSize, trained, alphabet, merges } = entries;
    if (mode !== 'words' && mode !== 'bytes') throw malformed('mode', '"words" or "bytes"', mode);
    const least = mode === 'bytes' ? BYTE_VOCABULARY : 1;
    if (
      !Number.isInteger(vocabSize) ||
      !((vocabSize as number) >= least && (vocabSize as number) <= MAX_VOCABULARY)
    ) {
      throw malformed('vocabSize', `an integer from ${least} to 2^32`, vocabSize);
    }
    if (typeof trained !== 'boolean') throw malformed('trained', 'true or false', trained);
    if (mode === 'bytes' && alphabet !== undefined)
      throw malformed('alphabet', 'absent in mode "bytes"', alphabet);

    const tokenizer = new BPETokenizer<BPEMode>({ mode, vocabSize: vocabSize as number });
    const model = mode === 'bytes' ? readByteModel(merges) : readWordModel(alphabet, merges);
    if (model.merges.length > 0 && model.vocabSize > (vocabSize as number)) {
      throw malformed('merges', `at most as many as vocabSize ${vocabSize} has room for`, merges);
    }
    if (!trained && model.vocabSize > tokenizer.vocabSize) {
      throw malformed('trained', 'true where something has been learned', trained);
    }
    tokenizer.#model = model;
    tokenizer.#trained = trained;
    return tokenizer;
  }

  /**
   * Learns from a corpus, from scratch each time, and returns the tokenizer.
   *
   * Errors: `ERR_INVALID_OPTION`, a TypeError, unless `texts` is an iterable of strings (a single string is not);
   * `ERR_TOO_LARGE` above 2^28 symbols. After an error the tokenizer is as before.
   */
  train(texts: Iterable<string>, options?: TrainOptions): this {
    const onProgress = callback<OnProgress | undefined>(
      named(options, ['onProgress']),
      'onProgress',
      undefined,
    );
    const Model = this.mode === 'bytes' ? ByteModel : WordModel;
    this.#model = Model.train(readTexts(texts), this.targetVocabSize, onProgress);
    this.#trained = true;
    return this;
  }

  /** The pairs in the order they were learned, frozen: of spellings in mode `words`, of ids in mode `bytes`. */
  get merges(): readonly (readonly [MergePart<Mode>, MergePart<Mode>])[] {
    return this.#model.merges as readonly (readonly [MergePart<Mode>, MergePart<Mode>])[];
  }

  /** Each spelling and its id. In mode `bytes`, whose tokens need not be text, the special tokens alone. */
  get vocab(): ReadonlyMap<string, number> {
    return this.#model.vocab;
  }

  /** How many entries exist: before training the special tokens, in mode `bytes` also the 256 bytes. */
  get vocabSize(): number {
    return this.#model.vocabSize;
  }

  /**
   * See `Tokenizer.encode`; `addSpecialTokens` defaults to true in mode `words`, to false in mode `bytes`.
   *
   * Errors also: `ERR_NOT_TRAINED`.
   */
  encode(text: string, options?: EncodeOptions): number[] {
    if (!this.#trained) throw fail(Error, 'ERR_NOT_TRAINED', 'BPETokenizer must be trained before encoding!');
    const wrapped = addsSpecialTokens(options, this.mode === 'words');
    readText(text);
    const ids: number[] = wrapped ? [BOS] : [];
    this.#model.encode(text, ids);
    if (wrapped) ids.push(EOS);
    return ids;
  }

  /** See `Tokenizer.decode`. In mode `bytes` also `ERR_TOO_LARGE`, when the text would pass 2^31 - 1 bytes. */
  decode(ids: TokenIds, options?: DecodeOptions): string {
    const skips = skipsSpecialTokens(options);
    return this.#model.decode(readIds(ids, this.vocabSize), skips);
  }

  /** See `Tokenizer.padSequences`. */
  padSequences(seqs: readonly TokenIds[], maxLength?: number): number[][] {
    return padSequences(seqs, maxLength);
  }

  /** See `Tokenizer.toJSON`. */
  toJSON(): BPETokenizerJSON {
    const model = this.#model;
    return {
      type: 'BPETokenizer',
      version: VERSION,
      mode: this.mode,
      vocabSize: this.targetVocabSize,
      trained: this.#trained,
      ...(model instanceof WordModel && { alphabet: [...model.alphabet] }),
      merges: model.merges.map(([left, right]) => [left, right]) as BPETokenizerJSON['merges'],
    };
  }
}

function readByteModel(value: unknown): ByteModel {
  const merges: [number, number][] = [];
  const known = new Set<string>();
  for (const entry of readArray(value, 'merges')) {
    const where = `merges[${merges.length}]`;
    const pair = readPair(entry, where);
    const bound = BYTE_VOCABULARY + merges.length;
    pair.forEach((id, part) => {
      if (Number.isInteger(id) && (id as number) >= FIRST_BYTE && (id as number) < bound) return;
      throw malformed(`${where}[${part}]`, `an id from ${FIRST_BYTE} to ${bound - 1}`, id);
    });
    const key = pair.join();
    if (known.has(key)) throw malformed(where, 'different from those before it', entry);
    known.add(key);
    merges.push(pair as [number, number]);
  }
  return new ByteModel(merges);
}

function readWordModel(letters: unknown, value: unknown): WordModel {
  const alphabet = readStrings(
    letters,
    'alphabet',
    'one code point that is no white space, or </w>',
    isWordSymbol,
  );
  const known = new Set(alphabet);
  const merges: [string, string][] = [];
  for (const entry of readArray(value, 'merges')) {
    const where = `merges[${merges.length}]`;
    const pair = readPair(entry, where);
    pair.forEach((spelling, part) => {
      if (typeof spelling === 'string' && known.has(spelling)) return;
      throw malformed(`${where}[${part}]`, 'in the alphabet or made by a merge before', spelling);
    });
    const [left, right] = pair as [string, string];
    const joined = joinedSpelling(left, right);
    if (joined === undefined || known.has(joined))
      throw malformed(where, 'a pair that spells a new token', entry);
    known.add(joined);
    merges.push([left, right]);
  }
  return new WordModel(alphabet, merges);
}
