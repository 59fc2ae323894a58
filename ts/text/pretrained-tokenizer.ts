/** Tokenizers of models: a tokenizer.json, text to ids, and back. */

import type { OrdinaryIds } from '../args/arrays.js';
import { integer, type Named, named } from '../args/options.js';
import {
  activeTexts,
  initTexts,
  readSource,
  type Texts,
  textsAtOnce,
  type WasmSource,
} from '../backend/text.js';
import type { Handle } from '../backend/index.js';
import { showContents } from '../contents.js';
import { Digest } from '../digest.js';
import { fail, invalidId, type TokenbedError, tooLarge, wrongKind } from '../errors.js';
import type { ResponseCache } from '../files/cache.js';
import { malformed, readAll } from '../files/input.js';
import { readReadOptions } from '../files/load.js';
import type { OnLoadProgress } from '../files/monitor.js';
import { bytesOf, type Source } from '../files/source.js';
import { type LoadSignal, run, wait } from '../files/steps.js';
import { useSource } from '../files/use-source.js';
import { DISPOSE, Lifetime } from '../lifetime.js';
import { type Decoding, decoderOf, textOf, type TokenDecoder } from '../tokenizer/decoding.js';
import { readIds, type TokenIds } from '../tokenizer/token-ids.js';
import {
  type DecodeOptions,
  type EncodeOptions,
  padSequences,
  readAddSpecialTokens,
  readSkipSpecialTokens,
  readText,
  readTextArray,
  type Tokenizer,
} from '../tokenizer/tokenizer.js';
import { encodeUtf8 } from '../tokenizer/utf8.js';
import { Utf8Batch } from './utf8-batch.js';

/** Options of {@link PretrainedTokenizer.fromJSON}. */
export interface PretrainedTokenizerOptions {
  /** The most bytes of a memo of chunks of text and their ids; 0: none. It never changes an id. Default: 8388608. */
  readonly memo?: number | undefined;
}

/** Options of {@link PretrainedTokenizer.load}. */
export interface PretrainedTokenizerLoadOptions extends PretrainedTokenizerOptions {
  /** The module, as in `init` of this entry; by default `text.wasm` of this package. Unused where the addon is. */
  readonly wasm?: WasmSource | Promise<WasmSource> | undefined;
  /** Called at most every 50 ms while bytes arrive, and once at the end. */
  readonly onProgress?: OnLoadProgress | undefined;
  /** Aborts the load with its reason. */
  readonly signal?: LoadSignal | undefined;
  /** The SHA-256 that the file must have: 64 hexadecimal digits. */
  readonly sha256?: string | undefined;
  /** Keeps fetched files: the name of a CacheStorage, a folder in Node, or an object with `match` and `put`. */
  readonly cache?: string | ResponseCache | undefined;
}

/** The ids of texts: those of text i are `ids.subarray(offsets[i], offsets[i + 1])`. */
export interface EncodedBatch {
  /** The ids of all texts, one after the other. */
  readonly ids: Uint32Array;
  /** Where the ids of each text begin, and where the last ones end: one more than there are texts. */
  readonly offsets: Uint32Array;
}

/** The answer of `textCreate`. */
interface Answer {
  readonly error?: { readonly byte?: number; readonly rule: string };
  readonly handle: number;
  readonly size: number;
  readonly median: number;
  readonly unknown?: number;
  readonly pad?: number;
  readonly truncation?: number;
}

/** The internals of a PretrainedTokenizer that a model uses. */
interface Internals {
  readonly texts: Texts;
  readonly handle: Handle;
  readonly lifetime: Lifetime;
  readonly maxLength: number | null;
}

const tokenizers = new WeakMap<object, Internals>();

/** Which ids an encoder returns. */
export interface EncoderOptions {
  /** `own`: those that the truncation of the file keeps; `none`: all; `first`: the first `maxLength`. */
  readonly truncation: 'own' | 'none' | 'first';
  readonly maxLength?: number | undefined;
  /** Whether the unknown token is left out, after truncation. */
  readonly dropUnknown: boolean;
}

/** The ids of some texts: those of text i are `ids.subarray(offsets[i], offsets[i + 1])`. */
export interface EncodedTexts {
  /** The number of texts. */
  readonly count: number;
  /** The ids, and memory behind them. */
  readonly ids: OrdinaryIds;
  /** Begins with 0; entries up to `count`, and memory behind them. */
  readonly offsets: OrdinaryIds;
}

/** Texts to ids, for a model. */
export interface BatchEncoder {
  /**
   * The ids of a batch of `texts`: of `texts[start]` and of those after it. Valid until the next call of any encoder or
   * tokenizer. Errors, such as those of `encodeBatch`, name the text by its index, to which `first` is added.
   */
  encode(texts: readonly string[], start: number, first?: number): EncodedTexts;
  /** Frees the encoder; the tokenizer stays. Idempotent. */
  dispose(): void;
}

/** A text, the number of ids that it stands for, and whether the next part begins the text. */
interface Part {
  readonly text: string;
  readonly taken: number;
  readonly begins: boolean;
}

const MEMO = 2 ** 23;
const MOST_MEMO = 2 ** 30;

/** Allows the constructor. */
const CREATE = {};

/** The memory of calls, which begins empty: texts, and ids. */
let batch: Utf8Batch | null = null;
let scratch: OrdinaryIds = new Uint32Array(0);

/** Ids of a text beyond those of its bytes: special tokens and what normalizers add. */
const EXTRA = 64;
/** The ids for which memory is kept after a call. New memory takes longer to touch than the ids to compute. */
const KEPT_IDS = 2 ** 23;

/** How a call encodes texts. */
interface Encoding {
  readonly texts: Texts;
  /** The handle of a tokenizer or of a view. */
  readonly handle: number;
  readonly special: boolean;
  /** The index of the first text in error messages; null if they are about one text. */
  readonly first: number | null;
}

/**
 * Encodes some texts from `start` on: their ids begin at element `at` of `scratch`, and `batch.ends` has where they end.
 * `likely`: how long `scratch` should become, if it must grow. Returns the number of texts that are done, at least one.
 */
function encodeSome(
  how: Encoding,
  list: readonly string[],
  start: number,
  at: number,
  likely: number,
): number {
  const { texts, handle, special, first } = how;
  batch ??= new Utf8Batch();
  batch.fill(list, start);
  const { bytes, ends, count, length } = batch;
  const index = first === null ? null : first + start;
  if (length > texts.longestText) throw tooLarge(nameOf(index), length, texts.longestText);
  let done = 0;
  for (let most = at + length + EXTRA * count; done === 0; most *= 2) {
    if (scratch.length < most) scratch = enlarged(scratch, at, Math.max(most, likely, 1.5 * at));
    done = texts.kernels.textEncode(handle, bytes, ends, count, special, scratch, at);
  }
  if (done > 0) return done;
  const failed = index === null ? null : index + Math.floor((-1 - done) / 4);
  throw notEncoded(failed, (-1 - done) % 4, texts.longestText);
}

/** Releases the memory of a long text and its ids. */
function release(): void {
  batch?.release();
  if (scratch.length > KEPT_IDS) scratch = new Uint32Array(0);
}

/**
 * A tokenizer of a model, read from its `tokenizer.json`.
 *
 * The ids are those of the Python package `tokenizers` 0.23.3 for every text: of `encode(text, add_special_tokens=False)`,
 * one text at a time, without padding. A lone surrogate is read as U+FFFD. What cannot be reproduced exactly is refused
 * when the file is read.
 *
 * Encoding n characters takes O(n log n) time and at most 40 bytes of memory per byte of the text or of its normal form,
 * whichever is longer.
 *
 * An object has memory outside the JavaScript heap: `dispose()` frees it; a finalizer is the fallback.
 */
export class PretrainedTokenizer implements Tokenizer {
  /** The number of ids: one more than the greatest one. */
  readonly vocabSize: number;
  /** The id of the unknown token; null if there is none. */
  readonly unkId: number | null;
  /** The median length of a token in code points, added tokens included, rounded down. */
  readonly medianTokenLength: number;

  readonly #texts: Texts;
  readonly #handle: Handle;
  readonly #pad: number | undefined;
  readonly #json: Uint8Array;
  readonly #lifetime = new Lifetime('The tokenizer');

  private constructor(allowed: object, texts: Texts, answer: Answer, json: Uint8Array) {
    if (allowed !== CREATE) {
      throw new TypeError('A PretrainedTokenizer is created by PretrainedTokenizer.load or fromJSON');
    }
    this.vocabSize = answer.size;
    this.unkId = answer.unknown ?? null;
    this.medianTokenLength = answer.median;
    this.#texts = texts;
    this.#handle = texts.adopt(answer.handle, json.length);
    this.#pad = answer.pad;
    this.#json = json;
    const maxLength = answer.truncation ?? null;
    tokenizers.set(this, { texts, handle: this.#handle, lifetime: this.#lifetime, maxLength });
    showContents(this, () => this.#contents());
    Object.freeze(this);
  }

  /**
   * Loads a tokenizer.json. In a browser it also fetches `text.wasm`, at its first use.
   *
   * Errors: `ERR_INVALID_OPTION`; `ERR_FORMAT` with `path`, `byte` and `rule` for a file that is malformed, that has another
   * `sha256`, or with a part that is not read; `ERR_TOO_LARGE`; `ERR_BACKEND_UNAVAILABLE`; what the host throws.
   */
  static async load(source: Source, options?: PretrainedTokenizerLoadOptions): Promise<PretrainedTokenizer> {
    const names = ['wasm', 'memo', 'onProgress', 'signal', 'sha256', 'cache'];
    const values = named(options, names);
    const wasm = readSource(values);
    const memo = readMemo(values);
    const reading = readReadOptions(values);
    const { signal } = reading;
    if (signal?.aborted === true) throw signal.reason;
    const texts = (wasm === undefined ? textsAtOnce() : null) ?? (await run(wait(initTexts(wasm)), signal));
    return useSource(texts, source, reading, function* (input) {
      try {
        expectRoom(texts, input.total);
        const json = yield* readAll(input, 0, input.total);
        yield* input.finish();
        return PretrainedTokenizer.#create(texts, json, memo, input.name);
      } finally {
        yield* input.close();
      }
    });
  }

  /**
   * Reads a tokenizer.json: its text, its bytes, or its value. In a browser `init()` of this entry comes first.
   *
   * Errors: `ERR_INVALID_OPTION`; `ERR_FORMAT` with `path` (`json` or `bytes`), `byte` and `rule`; `ERR_NOT_INITIALIZED`.
   */
  static fromJSON(
    json: string | ArrayBuffer | ArrayBufferView | object,
    options?: PretrainedTokenizerOptions,
  ): PretrainedTokenizer {
    const memo = readMemo(named(options, ['memo']));
    const bytes = bytesOf(json, 'json');
    const texts = activeTexts();
    if (bytes === undefined) {
      return PretrainedTokenizer.#create(texts, encodeUtf8(jsonText(json)), memo, 'json');
    }
    expectRoom(texts, bytes.length);
    return PretrainedTokenizer.#create(texts, bytes.slice(), memo, 'bytes');
  }

  static #create(texts: Texts, json: Uint8Array, memo: number, name: string): PretrainedTokenizer {
    expectRoom(texts, json.length);
    const answer = JSON.parse(texts.kernels.textCreate(json, memo)) as Answer;
    if (answer.error === undefined) return new PretrainedTokenizer(CREATE, texts, answer, json);
    const { rule, ...where } = answer.error;
    throw malformed(name, rule, where);
  }

  /** Whether `dispose()` was called. */
  get disposed(): boolean {
    return this.#lifetime.ended;
  }

  /** Frees the memory of the tokenizer. Idempotent. Its methods then throw `ERR_DISPOSED`, except `toJSON`. */
  dispose(): void {
    this.#lifetime.end();
    this.#handle.dispose();
  }

  /**
   * See `Tokenizer.encode`. `addSpecialTokens` defaults to false; if true, the ids are those with the special tokens of the
   * post-processor.
   *
   * Also throws `ERR_FORMAT` if the text has a character that the vocabulary lacks, and the tokenizer has no unknown token, or
   * if the file's truncation cannot cut it; `ERR_TOO_LARGE` for a text beyond the memory of WASM.
   */
  encode(text: string, options?: EncodeOptions): number[] {
    this.#lifetime.check();
    const special = readAddSpecialTokens(options, false);
    readText(text);
    const how = { texts: this.#texts, handle: this.#handle.handle(), special, first: null };
    try {
      encodeSome(how, [text], 0, 0, 0);
      const count = batch!.ends[0]!;
      const ids = new Array<number>(count);
      for (let i = 0; i < count; i++) ids[i] = scratch[i]!;
      return ids;
    } finally {
      release();
    }
  }

  /**
   * Returns the ids of many texts, without special tokens, in two new arrays: faster than `encode` of each of them.
   *
   * Errors: `ERR_INVALID_OPTION` (TypeError) unless `texts` is an array of strings, before anything is done; otherwise as
   * `encode`, with the `index` of the text.
   */
  encodeBatch(texts: readonly string[]): EncodedBatch {
    this.#lifetime.check();
    const list = readTextArray(texts);
    const offsets = new Uint32Array(list.length + 1);
    const how = { texts: this.#texts, handle: this.#handle.handle(), special: false, first: 0 };
    const units = unitsIn(list, 0, list.length);
    let [used, read] = [0, 0];
    try {
      for (let done = 0; done < list.length;) {
        const start = done;
        // Room for all texts at once, if they have as many ids per unit as those so far, but for two per unit at most.
        const likely = read === 0 ? 0 : units * Math.min(2, (1.1 * used) / read);
        const count = encodeSome(how, list, start, used, likely);
        offsets.set(batch!.ends.subarray(0, count), start + 1);
        done += count;
        used = offsets[done]!;
        read += unitsIn(list, start, done);
      }
      return { ids: scratch.slice(0, used), offsets };
    } finally {
      release();
    }
  }

  /** See `Tokenizer.decode`. The text is that of the reference. */
  decode(ids: TokenIds, options?: DecodeOptions): string {
    this.#lifetime.check();
    const skip = readSkipSpecialTokens(options);
    return this.#decoded(readIds(ids, this.vocabSize), skip, true, true).text;
  }

  /** The text of ids that arrive in parts, of which the first `pending` were passed before. */
  #decoded(ids: ArrayLike<number>, skip: boolean, begins: boolean, ends: boolean, pending = 0): Part {
    const { kernels, mostDecoded } = this.#texts;
    const array = ids instanceof Uint32Array ? ids : Uint32Array.from(ids);
    const answer = kernels.textDecode(this.#handle.handle(), array, skip, begins, ends);
    if (answer === array.length) throw tooLarge('The decoded text', mostDecoded + 1, mostDecoded);
    if (answer >= 0) throw unknownToken(array[answer]!, answer - pending, this.vocabSize);
    const taken = Math.floor((-1 - answer) / 2);
    return { text: textOf(kernels.textFound()), taken, begins: (-1 - answer) % 2 === 1 };
  }

  /**
   * See `Tokenizer.decoder`.
   *
   * Also throws `ERR_DISPOSED` once the tokenizer is disposed.
   */
  decoder(options?: DecodeOptions): TokenDecoder {
    this.#lifetime.check();
    return decoderOf(this.vocabSize, this.#decoding(readSkipSpecialTokens(options)));
  }

  #decoding(skip: boolean): Decoding {
    let pending: number[] = []; // ids whose text is not certain
    let first = true;
    const next = (more: ArrayLike<number>, ends: boolean): string => {
      this.#lifetime.check();
      const ids = pending.length === 0 ? more : pending.concat(Array.from(more));
      const { text, taken, begins } = this.#decoded(ids, skip, first, ends, pending.length);
      pending = Array.from(ids).slice(taken);
      first = ends || begins;
      return text;
    };
    return { write: (ids) => next(ids, false), end: () => next([], true) };
  }

  /** Returns the id of a token; null if the tokenizer does not have it. */
  tokenToId(token: string): number | null {
    this.#lifetime.check();
    const bytes = encodeUtf8(readText(token, 'token'));
    const id = this.#texts.kernels.textTokenToId(this.#handle.handle(), bytes);
    return id < 0 ? null : id;
  }

  /** Returns the token of an id; null if no token has it. Errors: `ERR_INVALID_ID` unless it is an integer. */
  idToToken(id: number): string | null {
    this.#lifetime.check();
    if (!Number.isInteger(id)) throw invalidId(id, 0, [], '');
    if (id < 0 || id >= this.vocabSize) return null;
    const { kernels } = this.#texts;
    return kernels.textIdToToken(this.#handle.handle(), id) ? textOf(kernels.textFound()) : null;
  }

  /**
   * See `Tokenizer.padSequences`. Pads with `padding.pad_id` of the file, else with the id of `[PAD]`, `<pad>` or `<PAD>`.
   *
   * Errors: also `ERR_INVALID_OPTION` if the tokenizer has none of them.
   */
  padSequences(seqs: readonly TokenIds[], maxLength?: number): number[][] {
    this.#lifetime.check();
    if (this.#pad === undefined) {
      const text =
        'padSequences needs a padding token: tokenizer.json has no padding.pad_id, [PAD], <pad> or <PAD>';
      throw fail(TypeError, 'ERR_INVALID_OPTION', text, { option: 'padding', value: undefined });
    }
    return padSequences(seqs, maxLength, this.#pad);
  }

  /** See {@link dispose}. */
  [DISPOSE](): void {
    this.dispose();
  }

  #contents(): string {
    const { length } = this.#json;
    const words = new Uint32Array(Math.ceil(length / 4));
    new Uint8Array(words.buffer).set(this.#json);
    return `${length} bytes ${this.#lifetime.text} ${new Digest().words(words)}`;
  }

  /** Returns what was read, as a new object. */
  toJSON(): object {
    return JSON.parse(textOf(this.#json)) as object;
  }
}

/** `truncation.max_length` of the file; null if it has none. */
export const maxLengthOf = (tokenizer: PretrainedTokenizer): number | null =>
  tokenizers.get(tokenizer)!.maxLength;

/** `value` as a PretrainedTokenizer of this copy of the package. Errors: `ERR_INVALID_OPTION` for the option `name`. */
export function expectTokenizer(value: object, name: string): PretrainedTokenizer {
  if (tokenizers.has(value)) return value as PretrainedTokenizer;
  throw wrongKind(name, value, 'a PretrainedTokenizer or a function from a text to its ids');
}

/** An encoder of texts. It uses the memory of the tokenizer: once that is disposed, `encode` throws `ERR_DISPOSED`. */
export function encoderOf(tokenizer: PretrainedTokenizer, options: EncoderOptions): BatchEncoder {
  const { texts, handle, lifetime } = tokenizers.get(tokenizer)!;
  const { truncation, maxLength, dropUnknown } = options;
  const most = { own: -1, none: Infinity, first: maxLength ?? Infinity }[truncation];
  lifetime.check();
  const view = texts.adopt(texts.kernels.textPrepare(handle.handle(), most, dropUnknown), 0);
  return {
    encode(list, start, first = 0) {
      lifetime.check();
      try {
        const count = encodeSome({ texts, handle: view.handle(), special: false, first }, list, start, 0, 0);
        return { count, ids: scratch, offsets: batch!.offsets };
      } finally {
        release();
      }
    },
    dispose: () => view.dispose(),
  };
}

function readMemo(values: Named): number {
  return integer(values, 'memo', { min: 0, max: MOST_MEMO }, MEMO);
}

function expectRoom({ limit }: Texts, bytes: number): void {
  if (bytes > limit) throw tooLarge('The file', bytes, limit);
}

/** A value as JSON text; a string is JSON text. */
function jsonText(value: unknown): string {
  if (typeof value === 'string') return value;
  const wanted = 'the text, the bytes or the value of a tokenizer.json';
  if (typeof value !== 'object' || value === null) throw wrongKind('json', value, wanted);
  let text: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    // A TypeError is reported below: the value is circular, or has a bigint. Getters may throw anything.
    if (!(error instanceof TypeError)) throw error;
  }
  if (typeof text !== 'string') throw wrongKind('json', value, wanted);
  return text;
}

/** The number of UTF-16 units of texts. */
function unitsIn(texts: readonly string[], start: number, end: number): number {
  let units = 0;
  for (let i = start; i < end; i++) units += texts[i]!.length;
  return units;
}

/** The first `used` ids in a longer array. */
function enlarged(ids: OrdinaryIds, used: number, length: number): OrdinaryIds {
  const longer = new Uint32Array(length);
  longer.set(ids.subarray(0, used));
  return longer;
}

/** Why a text cannot be encoded, as the kernel numbers it. */
const REASONS = [
  'has a character that the vocabulary lacks, and the tokenizer has no unknown token',
  'has more ids than truncation.max_length, and truncation.strategy of the file does not allow to cut it',
];

/** A text in error messages; `index`: its index in a batch. */
const nameOf = (index: number | null): string => (index === null ? 'The text' : `texts[${index}]`);

/** The error for a text that cannot be encoded; `index`: its index in a batch; `longest`: the most bytes of a text. */
function notEncoded(index: number | null, reason: number, longest: number): TokenbedError {
  const name = nameOf(index);
  const rule = REASONS[reason];
  if (rule === undefined) return tooLarge(`${name}, normalized,`, longest + 1, longest);
  return fail(Error, 'ERR_FORMAT', `${name} ${rule}`, index === null ? { rule } : { index, rule });
}

/** `ERR_ID_OUT_OF_RANGE` for an id below `bound` that no token has. */
function unknownToken(value: number, position: number, bound: number): TokenbedError {
  const text = `Token indices must be in range [0, ${bound}) and have a token: got ${value} at [${position}]`;
  return fail(RangeError, 'ERR_ID_OUT_OF_RANGE', text, { value, position, bound });
}
