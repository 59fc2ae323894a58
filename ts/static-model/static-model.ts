/// <reference lib="esnext.disposable" preserve="true" />
/** Static models: texts to vectors by lookups alone. */

import { lengthOf } from '../args/arrays.js';
import { DONE } from '../args/call.js';
import { type Out, readFloats } from '../args/floats.js';
import { callback, integer, named } from '../args/options.js';
import { type Backend, type Handle, resultFloats } from '../backend/index.js';
import { ownJSON, showContents } from '../contents.js';
import { Digest } from '../digest.js';
import { Embedding, internalsOf } from '../embedding.js';
import { idOutOfRange, lengthError, wrongKind } from '../errors.js';
import { FilledTable } from '../filled-table.js';
import { readReadOptions } from '../files/load.js';
import { type LoadSignal, run, wait } from '../files/steps.js';
import type { UrlLike } from '../files/source.js';
import { DISPOSE, Lifetime } from '../lifetime.js';
import { type Tensor, tensorOf } from '../tensor.js';
import type { BatchEncoder, EncodedTexts, PretrainedTokenizer } from '../text/pretrained-tokenizer.js';
import { readText, readTextArray } from '../tokenizer/tokenizer.js';

import { cutText, EncodedList, encoderOf } from './encoder.js';
import type { StaticModelFiles } from './files.js';
import {
  loadModel,
  type ModelParts,
  type StaticModelCompat,
  type StaticModelOptions,
  type TokenizerFunction,
} from './load.js';
import type { TokenValues } from './token-tensors.js';

/** How far `embed` is. */
export interface EmbedProgress {
  /** Texts whose vectors are computed. */
  done: number;
  /** All texts. */
  total: number;
}

/** Options of {@link StaticModel.embed}. */
export interface EmbedOptions {
  /** Called after each batch of texts. */
  readonly onProgress?: ((progress: EmbedProgress) => void) | undefined;
}

/** Options of {@link StaticModel.embedStream}. */
export interface EmbedStreamOptions {
  /** The most texts of a Tensor: 1 or more. Default 1024. */
  readonly batchSize?: number | undefined;
  /** Ends the stream with its reason. */
  readonly signal?: LoadSignal | undefined;
}

/** The parts of a model, as an argument of the constructor. */
class Loaded {
  constructor(
    readonly parts: ModelParts,
    readonly encoder: BatchEncoder,
  ) {}
}

const BATCH_SIZE = 1024;

/**
 * A static model: the vector of a text is the mean of the rows of its tokens.
 *
 * ```text
 * text -> ids -> mean of rows[mapping[id]] * weights[id] -> x / |x| if `normalize`
 * ```
 * `compat` says whose vectors they are: with `'model2vec'` those of model2vec 0.10.0, with `'sentence-transformers'` those of
 * its StaticEmbedding 6.2.0. Both backends, and any number of threads, compute the same bits.
 *
 * ```ts
 * const model = await StaticModel.load('models/minilm-static');
 * const vectors = model.embed(['a text', 'another text']); // Tensor [2, model.dim]
 * ```
 * An object has memory outside the JavaScript heap: `dispose()` frees it; a finalizer is the fallback.
 */
export class StaticModel {
  /** The rows. The model owns it. */
  readonly table: Embedding;
  /** Encodes texts: as passed, or of tokenizer.json. */
  readonly tokenizer: PretrainedTokenizer | TokenizerFunction;
  /** The length of a vector. */
  readonly dim: number;
  /** The number of tokens: ids are below it. */
  readonly vocabSize: number;
  /** Whether vectors have length 1. */
  readonly normalize: boolean;
  /** The most ids of a text; null: no limit. */
  readonly maxLength: number | null;
  /** The library whose vectors are reproduced. */
  readonly compat: StaticModelCompat;

  readonly #backend: Backend;
  readonly #op: Handle;
  readonly #encoder: BatchEncoder;
  readonly #mostCharacters: number;
  /** What is disposed with the model. */
  readonly #owned: readonly { dispose(): void }[];
  readonly #lifetime: Lifetime;

  private constructor(loaded: object) {
    if (!(loaded instanceof Loaded)) throw new TypeError('A StaticModel is created by StaticModel.load');
    const { parts, encoder } = loaded;
    const { backend, values, compat, normalize } = parts;
    const { table, words, metadata } = parts.loaded;
    this.#backend = backend;
    this.#encoder = encoder;
    this.#mostCharacters = parts.mostCharacters;
    this.#op = backend.prepare((kernels) =>
      kernels.poolCreate({
        table: table.handle(),
        ...values,
        rounded: compat === 'sentence-transformers',
        ...(normalize ? { norm: compat } : {}),
      }),
    );
    this.table = new Embedding(new FilledTable(table, null, null, { words, metadata }));
    this.#lifetime = new Lifetime('The model', internalsOf(this.table).lifetime);
    this.tokenizer = parts.tokenizer;
    this.dim = table.dim;
    this.vocabSize = parts.vocabSize;
    this.normalize = normalize;
    this.maxLength = parts.maxLength;
    this.compat = compat;
    this.#owned = [this.#op, encoder, this.table, ...ownedBy(parts)];
    const contents = digest(values);
    showContents(this, () => `${this.#lifetime.text} ${contents}`);
    Object.freeze(this);
  }

  /**
   * Loads a model: from a folder, whose files are read at once, or from the files themselves.
   *
   * ```text
   * config.json                        model.safetensors   tokenizer.json       model2vec
   * config_sentence_transformers.json  model.safetensors   tokenizer.json       sentence-transformers
   * config_sentence_transformers.json  0_StaticEmbedding/{model.safetensors, tokenizer.json}
   * ```
   * The first layout whose files are there. A folder is a path (in Node) or a URL that ends in `/`. model.safetensors has
   * `embeddings` or `embedding.weight` [rows, D], of any dtype that `Embedding.load` reads; `mapping` I32 or I64 [tokens], the
   * row of each token; `weights` F64, F32 or F16 [tokens]. Without `mapping` there is at least one row for each token.
   *
   * In a browser, `await init()` comes first. The caller owns the model. Errors: `ERR_INVALID_OPTION`; `ERR_FORMAT` for a
   * malformed file, or files that do not fit each other, with `path` and `rule`; `ERR_RANGE` for a value that `dtype` cannot
   * store; `ERR_TOO_LARGE`; `ERR_NOT_INITIALIZED`; `ERR_BACKEND_UNAVAILABLE`; errors of the system, of the network, of
   * `cache` and the reason of `signal`, unchanged. Nothing remains of a load that failed.
   */
  static async load(
    source: string | UrlLike | StaticModelFiles,
    options?: StaticModelOptions,
  ): Promise<StaticModel> {
    const parts = await loadModel(source, options);
    let encoder: BatchEncoder | undefined;
    try {
      encoder = await encoderOf(parts);
      return new StaticModel(new Loaded(parts, encoder));
    } catch (error) {
      for (const owned of [encoder, parts.loaded.table, ...ownedBy(parts)]) owned?.dispose();
      throw error;
    }
  }

  /** Whether `dispose()` was called. */
  get disposed(): boolean {
    return this.#lifetime.ended;
  }

  /** Frees the memory of the model, its table, and the tokenizer unless it was passed. Idempotent. */
  dispose(): void {
    this.#lifetime.end();
    for (const owned of this.#owned) owned.dispose();
  }

  /**
   * The vectors of texts: a new Tensor `[texts, dim]`. A text without known tokens has the vector 0.
   *
   * ```text
   * ids     model2vec: of the first maxLength * median code points, the first maxLength; then without the unknown token
   *         sentence-transformers: the first maxLength
   * x       row, or f32(row * weight)
   * mean    f32(sum of x in order, from +0, / n)
   * norm    model2vec: s = sum of f32(m m) in numpy's pairwise order; each column f32(m / f32(f32(sqrt(s)) + f32(1e-32)))
   *         sentence-transformers: each column f32(m / max(n, f32(1e-12))), n = f32(sqrt(dot(m, m)))
   * ```
   * With F64 weights, model2vec has product, sum and division in f64, rounded once. Source: model2vec 0.10.0
   * (`StaticModel.encode`); sentence-transformers 6.2.0 (`StaticEmbedding`, `Normalize`).
   *
   * Errors: `ERR_DISPOSED`; `ERR_INVALID_OPTION` (TypeError) unless `texts` is an array of strings; those of the
   * tokenizer, with the index of the text; for ids of a function, those of ids; `ERR_TOO_LARGE`.
   */
  embed(texts: readonly string[], options?: EmbedOptions): Tensor<'f32'> {
    this.#lifetime.check();
    const onProgress = callback<EmbedOptions['onProgress']>(
      named(options, ['onProgress']),
      'onProgress',
      undefined,
    );
    return this.#embed(this.#read(texts), 0, onProgress);
  }

  /** The vectors of texts that were read. Error messages add `first` to the index of a text. */
  #embed(list: readonly string[], first: number, onProgress?: EmbedOptions['onProgress']): Tensor<'f32'> {
    const { dim } = this;
    const total = list.length;
    const out = resultFloats(total * dim);
    for (let done = 0; done < total;) {
      const batch = this.#encoder.encode(list, done, first);
      const end = done + batch.count;
      this.#run(batch, out.subarray(done * dim, end * dim));
      done = end;
      onProgress?.({ done, total });
    }
    return tensorOf(out, [total, dim]);
  }

  /**
   * Writes the vectors of texts into the first `texts * dim` elements of `out` and returns `out`.
   *
   * Errors: as `embed`, and `ERR_INVALID_ARRAY`, `ERR_SHAPE` (too short). After an error `out` is unchanged.
   */
  embedInto<O extends Out>(texts: readonly string[], out: O): O {
    this.#lifetime.check();
    const list = this.#read(texts);
    const needed = list.length * this.dim;
    const floats = expectRoom(out, needed);
    const encoded = this.#encodeAll(list);
    this.#lifetime.check();
    // A function of the caller may have moved the memory of a Tensor. No other code of the caller may run here, such as
    // the getter of `data`: ids of a tokenizer are valid until the next call.
    this.#run(encoded, typeof this.tokenizer === 'function' ? expectRoom(out, needed) : floats);
    return out;
  }

  /** The ids that `embed` averages, for each text. Errors: as `embed`. */
  tokenize(texts: readonly string[]): number[][] {
    this.#lifetime.check();
    const { ids, offsets, count } = this.#encodeAll(this.#read(texts));
    return Array.from({ length: count }, (_, i) => Array.from(ids.subarray(offsets[i], offsets[i + 1])));
  }

  /**
   * The vectors of texts that arrive one after the other: Tensors `[batchSize, dim]`, the last one shorter.
   *
   * `texts` is any iterable of strings, also an asynchronous one, which is closed at the end. Errors: as `embed`, with the
   * index in the stream; the reason of `signal`; what `texts` throws.
   */
  embedStream(
    texts: Iterable<string> | AsyncIterable<string>,
    options?: EmbedStreamOptions,
  ): AsyncGenerator<Tensor<'f32'>, void, undefined> {
    this.#lifetime.check();
    const values = named(options, ['batchSize', 'signal']);
    const batchSize = integer(values, 'batchSize', { min: 1 }, BATCH_SIZE);
    const { signal } = readReadOptions({ signal: values['signal'] });
    return this.#stream(iterationOf(texts), batchSize, signal);
  }

  async *#stream(
    begin: () => Iterator<unknown> | AsyncIterator<unknown>,
    batchSize: number,
    signal: LoadSignal | undefined,
  ): AsyncGenerator<Tensor<'f32'>, void, undefined> {
    const source = begin();
    // Whether the source must be told that no more texts are wanted: not if it has ended or thrown.
    let open = true;
    let failed = false;
    try {
      for (let first = 0; open; first += batchSize) {
        const batch: string[] = [];
        while (batch.length < batchSize) {
          if (signal?.aborted === true) throw signal.reason;
          open = false;
          const next = source.next();
          // Most sources do not wait, and waiting for each text would take as long as its vector.
          const { done, value } = 'then' in next ? await run(wait(next), signal) : next;
          if (done === true) break;
          open = true;
          batch.push(this.#cut(readText(value, `texts[${first + batch.length}]`)));
        }
        if (batch.length === 0) return;
        this.#lifetime.check();
        yield this.#embed(batch, first);
      }
    } catch (error) {
      failed = true;
      throw error;
    } finally {
      const close = async (): Promise<unknown> => source.return?.();
      // An error is reported, not that of closing after it.
      if (open) await (failed ? close().catch(() => {}) : close());
      // A source that is waited for may never answer.
      else if (signal?.aborted === true) close().catch(() => {});
    }
  }

  /** As `dispose()`, for `using`. */
  [DISPOSE](): void {
    this.dispose();
  }

  /**
   * A new plain object of the options, the table and the tokenizer, for `JSON.stringify`. Errors: `ERR_DISPOSED`;
   * `ERR_TOO_LARGE` for a table of more than 1 MiB.
   */
  toJSON(): object {
    this.#lifetime.check();
    return ownJSON(this);
  }

  /** The texts, each read once and cut. */
  #read(texts: unknown): string[] {
    const list = readTextArray(texts);
    for (let i = 0; i < list.length; i++) list[i] = this.#cut(list[i]!);
    return list;
  }

  #cut(text: string): string {
    return cutText(text, this.#mostCharacters);
  }

  /** The ids of all texts. */
  #encodeAll(texts: readonly string[]): EncodedTexts {
    if (texts.length === 0) return { count: 0, ids: new Uint32Array(0), offsets: new Uint32Array(1) };
    const first = this.#encoder.encode(texts, 0);
    if (first.count === texts.length) return first;
    const all = new EncodedList(texts.length);
    all.push(first);
    while (all.count < texts.length) all.push(this.#encoder.encode(texts, all.count));
    return all;
  }

  /** Writes the vectors of encoded texts into the first elements of `out`. */
  #run({ count, ids, offsets }: EncodedTexts, out: Float32Array): void {
    this.#lifetime.check(); // a function of the caller may have disposed the model
    const status = this.#backend.kernels.poolRun(this.#op.handle(), ids, offsets, count, out);
    if (status !== DONE)
      throw idOutOfRange('Token indices', ids[status]!, status, this.vocabSize, [ids.length]);
  }
}

/** The tokenizer of a model, if the model has loaded it. */
const ownedBy = ({ tokenizer, ownsTokenizer }: ModelParts): PretrainedTokenizer[] =>
  ownsTokenizer ? [tokenizer as PretrainedTokenizer] : [];

/** `out` as an array. Errors: `ERR_INVALID_ARRAY`, `ERR_SHAPE` unless it has room for `needed` elements. */
function expectRoom(out: unknown, needed: number): Float32Array {
  const floats = readFloats('out', out);
  const length = lengthOf(floats);
  if (length < needed) throw lengthError('out', length, `the result has ${needed} elements`);
  return floats;
}

/** Begins an iteration of texts. Errors: `ERR_INVALID_OPTION`. */
function iterationOf(texts: unknown): () => Iterator<unknown> | AsyncIterator<unknown> {
  const { [Symbol.asyncIterator]: wait, [Symbol.iterator]: each } = (texts ?? {}) as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >;
  if (typeof texts === 'object' && typeof wait === 'function') return () => wait.call(texts);
  if (typeof texts === 'object' && typeof each === 'function') return () => each.call(texts);
  throw wrongKind('texts', texts, 'an iterable of strings');
}

/** A digest of the values of tokens, for the comparison of models. */
function digest({ mapping, weights, preciseWeights }: TokenValues): string {
  const all = new Digest();
  for (const values of [mapping, weights, preciseWeights]) {
    if (values === undefined) all.words(new Uint32Array(1));
    else all.words(new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4));
  }
  return all.toString();
}
