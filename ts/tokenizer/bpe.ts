/** Byte pair encoding: learns tokens from a corpus by repeatedly merging its most frequent pair. */

import { fail, wrongValue } from '../errors.js';
import { callback, choice, integer, named } from '../args/options.js';
import { showContents } from '../contents.js';
import { Digest } from '../digest.js';
import { BYTE_VOCABULARY, ByteModel, FIRST_BYTE } from './bpe-bytes.js';
import { isWordSymbol, joinedSpelling, WordModel } from './bpe-words.js';
import { decoderOf, type TokenDecoder } from './decoding.js';
import { malformed, readArray, readEntries, readPair, readStrings, VERSION } from './json.js';
import { readIds, type TokenIds } from './token-ids.js';
import {
  BOS,
  type DecodeOptions,
  type EncodeOptions,
  EOS,
  type OnProgress,
  padSequences,
  readAddSpecialTokens,
  readSkipSpecialTokens,
  readText,
  readTexts,
  type Tokenizer,
} from './tokenizer.js';

/** What is merged: the characters of lowercased words, or the bytes of any text. */
export type BPEMode = 'words' | 'bytes';

/** One part of a merge: a spelling in `words`, an id in `bytes`. */
export type MergePart<Mode extends BPEMode> = Mode extends 'words' ? string : number;

/** Options of {@link BPETokenizer}. */
export interface BPETokenizerOptions<Mode extends BPEMode = BPEMode> {
  /** The size of the vocabulary to learn; at least 260 in mode `bytes`. Default: 1000. */
  readonly vocabSize?: number | undefined;
  /** `words`: characters of lowercased words. `bytes`: UTF-8 bytes, lossless. Default: `words`. */
  readonly mode?: Mode | undefined;
}

/** Options of `BPETokenizer.train`. */
export interface TrainOptions {
  /** Called after each merge. An exception ends training and leaves the tokenizer unchanged. */
  readonly onProgress?: OnProgress | undefined;
}

/** The result of `BPETokenizer.toJSON`. */
export interface BPETokenizerJSON {
  /** The class name. */
  readonly type: 'BPETokenizer';
  /** The version of this format. */
  readonly version: 1;
  /** What is merged. */
  readonly mode: BPEMode;
  /** The target size passed to the constructor. */
  readonly vocabSize: number;
  /** Whether `train` has been called. */
  readonly trained: boolean;
  /** Mode `words` only: the symbols before any merge, from id 4 on. */
  readonly alphabet?: readonly string[];
  /** The merged pairs, in the order they were learned. */
  readonly merges: readonly (readonly [string, string])[] | readonly (readonly [number, number])[];
}

const MAX_VOCABULARY = 2 ** 32;

/**
 * A BPE tokenizer. It has to be trained or read from JSON before it can encode.
 *
 *     train:   while vocabSize < target and some pair occurs at least twice:
 *                merge the most frequent adjacent pair everywhere, from the left
 *     encode:  apply the merges in the order they were learned
 *
 * Overlapping pairs all count: `aaa` contains the pair a a twice. Among equally frequent pairs, the one whose first
 * occurrence in the corpus, as merged so far, comes first is chosen. No pair crosses two texts.
 *
 * Mode `words`: text is lowercased and split at the white space of Python's `str.split()`; `</w>` closes each word.
 * Ids are 0..3 for special tokens, then the characters of the corpus by code point, then one per merge. Unknown
 * characters become `<UNK>` and vanish on decode. White space decodes to single spaces.
 *
 * Mode `bytes`: UTF-8 byte b has id 4 + b, merge k has id 260 + k. `decode(encode(s)) === s` for every well-formed
 * string; a lone surrogate becomes U+FFFD. Ids that split a character decode to U+FFFD.
 *
 * Training on n symbols takes O(n log n) time and at most 40 bytes of memory per byte of text. Encoding n characters
 * takes O(n log n) time.
 *
 * Errors of the constructor: `ERR_INVALID_OPTION`.
 */
export class BPETokenizer<Mode extends BPEMode = 'words'> implements Tokenizer {
  /** What is merged. */
  readonly mode: Mode;
  /** The requested size. `vocabSize` is the actual one. */
  readonly targetVocabSize: number;

  #model: ByteModel | WordModel;
  #trained = false;

  constructor(options?: BPETokenizerOptions<Mode>) {
    const fields = named(options, ['vocabSize', 'mode']);
    const mode = choice<BPEMode>(fields, 'mode', ['words', 'bytes'], 'words');
    const vocabSize = integer(fields, 'vocabSize', { min: 1, max: MAX_VOCABULARY }, 1000);
    if (mode === 'bytes' && vocabSize < BYTE_VOCABULARY) {
      throw wrongValue('vocabSize', vocabSize, `at least ${BYTE_VOCABULARY} in mode "bytes"`);
    }
    this.mode = mode as Mode;
    this.targetVocabSize = vocabSize;
    this.#model = mode === 'bytes' ? new ByteModel([]) : new WordModel([], []);
    showContents(this, () => this.#contents());
    if (new.target === BPETokenizer) Object.freeze(this);
  }

  /**
   * Restores a tokenizer from the result of `toJSON`, as an object or as JSON text.
   *
   * Errors: `ERR_FORMAT` with `where`, `rule` and `value` for the first bad entry.
   */
  static fromJSON(json: unknown): BPETokenizer<BPEMode> {
    const entries = readEntries(json, 'BPETokenizer', ['mode', 'vocabSize', 'trained', 'alphabet', 'merges']);
    const { mode, vocabSize, trained, alphabet, merges } = entries;
    if (mode !== 'words' && mode !== 'bytes') throw malformed('mode', '"words" or "bytes"', mode);
    const minimum = mode === 'bytes' ? BYTE_VOCABULARY : 1;
    if (
      !Number.isInteger(vocabSize) ||
      !((vocabSize as number) >= minimum && (vocabSize as number) <= MAX_VOCABULARY)
    ) {
      throw malformed('vocabSize', `an integer from ${minimum} to 2^32`, vocabSize);
    }
    if (typeof trained !== 'boolean') throw malformed('trained', 'true or false', trained);
    if (mode === 'bytes' && alphabet !== undefined)
      throw malformed('alphabet', 'absent in mode "bytes"', alphabet);

    const tokenizer = new BPETokenizer<BPEMode>({ mode, vocabSize: vocabSize as number });
    const model = mode === 'bytes' ? readByteModel(merges) : readWordModel(alphabet, merges);
    if (model.merges.length > 0 && model.vocabSize > (vocabSize as number)) {
      throw malformed('merges', `an array that fits into vocabSize ${vocabSize}`, merges);
    }
    if (!trained && model.vocabSize > tokenizer.vocabSize) {
      throw malformed('trained', 'true if there is an alphabet or a merge', trained);
    }
    tokenizer.#model = model;
    tokenizer.#trained = trained;
    return tokenizer;
  }

  /**
   * Learns the vocabulary from a corpus and returns the tokenizer. Training again starts from scratch.
   *
   * Errors: `ERR_INVALID_OPTION` (TypeError) unless `texts` is an iterable of strings (a single string is refused);
   * `ERR_TOO_LARGE` above 2^28 symbols. After an error the tokenizer is unchanged.
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

  /** The merged pairs in the order they were learned, frozen: spellings in mode `words`, ids in mode `bytes`. */
  get merges(): readonly (readonly [MergePart<Mode>, MergePart<Mode>])[] {
    return this.#model.merges as readonly (readonly [MergePart<Mode>, MergePart<Mode>])[];
  }

  /** Maps spellings to ids. In mode `bytes`, where a token may not be valid text, only the special tokens. */
  get vocab(): ReadonlyMap<string, number> {
    return this.#model.vocab;
  }

  /** The number of ids. Before training: the special tokens and, in mode `bytes`, the 256 bytes. */
  get vocabSize(): number {
    return this.#model.vocabSize;
  }

  /**
   * See `Tokenizer.encode`. `addSpecialTokens` defaults to true in mode `words`, to false in mode `bytes`.
   *
   * Also throws `ERR_NOT_TRAINED`.
   */
  encode(text: string, options?: EncodeOptions): number[] {
    if (!this.#trained) throw fail(Error, 'ERR_NOT_TRAINED', 'BPETokenizer must be trained before encoding!');
    const addSpecialTokens = readAddSpecialTokens(options, this.mode === 'words');
    readText(text);
    const ids: number[] = addSpecialTokens ? [BOS] : [];
    this.#model.encode(text, ids);
    if (addSpecialTokens) ids.push(EOS);
    return ids;
  }

  /** See `Tokenizer.decode`. In mode `bytes` the limit is compared with the number of bytes. */
  decode(ids: TokenIds, options?: DecodeOptions): string {
    const { write, end } = this.#model.decoder(readSkipSpecialTokens(options));
    return write(readIds(ids, this.vocabSize)) + end();
  }

  /** See `Tokenizer.decoder`. */
  decoder(options?: DecodeOptions): TokenDecoder {
    return decoderOf(this.vocabSize, this.#model.decoder(readSkipSpecialTokens(options)));
  }

  /** See `Tokenizer.padSequences`. */
  padSequences(seqs: readonly TokenIds[], maxLength?: number): number[][] {
    return padSequences(seqs, maxLength);
  }

  #contents(): string {
    const model = this.#model;
    const digest = new Digest();
    if (model instanceof WordModel) digest.texts(model.alphabet);
    for (const merge of model.merges) digest.texts(merge.map(String));
    return `${model.vocabSize} ids ${this.#trained ? 'trained' : 'untrained'} ${digest}`;
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
    if (known.has(key)) throw malformed(where, 'different from the entries before it', entry);
    known.add(key);
    merges.push(pair as [number, number]);
  }
  return new ByteModel(merges);
}

function readWordModel(letters: unknown, value: unknown): WordModel {
  const alphabet = readStrings(
    letters,
    'alphabet',
    'one code point other than white space, or </w>',
    isWordSymbol,
  );
  const known = new Set(alphabet);
  const merges: [string, string][] = [];
  for (const entry of readArray(value, 'merges')) {
    const where = `merges[${merges.length}]`;
    const pair = readPair(entry, where);
    pair.forEach((spelling, part) => {
      if (typeof spelling === 'string' && known.has(spelling)) return;
      throw malformed(`${where}[${part}]`, 'in the alphabet or the result of an earlier merge', spelling);
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
