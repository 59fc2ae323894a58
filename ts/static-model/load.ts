/**
 * Loading a static model: its files, and whether they fit each other.
 *
 * ```text
 * all files of a layout at once: config.json, model.safetensors, tokenizer.json; the first layout that has them
 * modules.json, if it decides whether vectors are normalized
 * rows, mapping, weights, vocabulary: one entry for each token
 * ```
 * An error frees everything.
 */

import { choice, flag, integer, type Named, named } from '../args/options.js';
import { activeBackend, type Backend, readSource, type WasmSource } from '../backend/index.js';
import { fail, hasCode, wrongKind } from '../errors.js';
import type { ResponseCache } from '../files/cache.js';
import { type Input, malformed, readAll } from '../files/input.js';
import { type Found, type Loaded, loading, readReadOptions, readWanted, type Wanted } from '../files/load.js';
import type { OnLoadProgress } from '../files/monitor.js';
import type { ReadOptions, Source, UrlLike } from '../files/source.js';
import type { LoadSignal, Steps } from '../files/steps.js';
import { useSource } from '../files/use-source.js';
import type { StorageDType } from '../table-spec.js';
import type { PretrainedTokenizer } from '../text/pretrained-tokenizer.js';
import type { TokenIds } from '../tokenizer/token-ids.js';
import {
  NO_CONFIG,
  readConfig,
  readNormalizes,
  readVocabulary,
  type TextFile,
  type Vocabulary,
} from './config.js';
import { Absent, JointProgress, JointSignal, LAYOUTS, optional, type Place, placeOf } from './files.js';
import { textModule } from './text-module.js';
import { findTokenTensors, readTokenValues, type TokenValues } from './token-tensors.js';

/** The library whose vectors a static model reproduces. */
export type StaticModelCompat = 'model2vec' | 'sentence-transformers';

/** A function from a text to its ids. */
export type TokenizerFunction = (text: string) => TokenIds;

/** Options of `StaticModel.load`. */
export interface StaticModelOptions {
  /** Encodes texts instead of tokenizer.json: a tokenizer, which is not disposed with the model, or a function. */
  readonly tokenizer?: PretrainedTokenizer | TokenizerFunction | undefined;
  /** The library whose vectors are reproduced. Default: `'model2vec'` if the tensor is named `embeddings`. */
  readonly compat?: StaticModelCompat | undefined;
  /** The storage of values. Default `'keep'`: as in the file. */
  readonly dtype?: 'keep' | StorageDType | undefined;
  /** The number of columns to keep, from the first one on: 1 .. D. They are cut before vectors are normalized. */
  readonly dim?: number | undefined;
  /** Whether vectors have length 1. Default: as config.json or modules.json says. */
  readonly normalize?: boolean | undefined;
  /** The most ids of a text: 1 or more; null: no limit. Default: as config.json or tokenizer.json says. */
  readonly maxLength?: number | null | undefined;
  /** Whether the file of the table is mapped, as in `Embedding.load`. */
  readonly mmap?: 'auto' | boolean | undefined;
  /** Called at most every 50 ms while bytes arrive, and once at the end, with the bytes of all files. */
  readonly onProgress?: OnLoadProgress | undefined;
  /** Aborts the load with its reason. */
  readonly signal?: LoadSignal | undefined;
  /** The SHA-256 that the file of the table must have: 64 hexadecimal digits. */
  readonly sha256?: string | undefined;
  /** Keeps fetched files: the name of a CacheStorage, a folder in Node, or an object with `match` and `put`. */
  readonly cache?: string | ResponseCache | undefined;
  /** The module of `tokenbed/text`, as in its `init`. */
  readonly wasm?: WasmSource | Promise<WasmSource> | undefined;
}

const FILE_OPTIONS = ['onProgress', 'signal', 'sha256', 'cache', 'wasm'];
const OPTIONS = ['tokenizer', 'compat', 'dtype', 'dim', 'normalize', 'maxLength', 'mmap', ...FILE_OPTIONS];
const COMPATS = ['model2vec', 'sentence-transformers'] as const;

/** The names of the table. */
const TABLES = ['embeddings', 'embedding.weight'] as const;

/** A model whose parts fit each other. */
export interface ModelParts {
  readonly backend: Backend;
  readonly loaded: Loaded;
  readonly values: TokenValues;
  readonly tokenizer: PretrainedTokenizer | TokenizerFunction;
  /** Whether the tokenizer is disposed with the model. */
  readonly ownsTokenizer: boolean;
  readonly compat: StaticModelCompat;
  readonly normalize: boolean;
  /** The most ids of a text; null: no limit; undefined: as the tokenizer's truncation. */
  readonly limit: number | null | undefined;
  readonly maxLength: number | null;
  readonly vocabSize: number;
  /** The id that is left out; null if there is none. */
  readonly dropped: number | null;
  /** The most code points of a text. */
  readonly mostCharacters: number;
}

/** The tokenizer that a model comes with: of tokenizer.json, or the caller's function. */
interface Texts {
  readonly tokenizer: PretrainedTokenizer | TokenizerFunction;
  readonly owned: boolean;
  /** Null if there is none: a function without a tokenizer.json. */
  readonly vocabulary: Vocabulary | null;
}

/** A table and the values of tokens. */
interface Rows {
  readonly path: string;
  readonly name: string;
  readonly loaded: Loaded;
  readonly values: TokenValues;
}

/** The files of a model, each loaded once. */
class Loads {
  readonly #backend: Backend;
  readonly #values: Named;
  readonly #reading: ReadOptions;
  readonly #progress: JointProgress;
  readonly #signal: JointSignal;
  readonly #wanted: Wanted;
  readonly #loads = new Map<string | object, Promise<unknown>>();
  /** What is freed at the end, unless the model keeps it. */
  readonly #owned = new Set<{ dispose(): void }>();

  constructor(backend: Backend, values: Named, wanted: Wanted, reading: ReadOptions) {
    this.#backend = backend;
    this.#values = values;
    this.#progress = new JointProgress(reading.onProgress);
    this.#signal = new JointSignal(reading.signal);
    this.#reading = { ...reading, signal: this.#signal.signal };
    this.#wanted = wanted;
  }

  /** The bytes of a small file. */
  text(source: Source): Promise<TextFile> {
    return this.#once('text', source, async () => {
      const { sha256: _, ...reading } = { ...this.#reading, onProgress: this.#progress.file() };
      return useSource(this.#backend, source, reading, wholeFile);
    });
  }

  /** The table. */
  rows(source: Source): Promise<Rows> {
    return this.#once('rows', source, async () => {
      const reading = {
        ...this.#reading,
        onProgress: this.#progress.file(true),
        headers: this.#backend.kernels,
      };
      const rows = await useSource(this.#backend, source, reading, (input) =>
        loading(this.#backend, input, this.#wanted, () => {}, rowsOf),
      );
      this.#owned.add(rows.loaded.table);
      return rows;
    });
  }

  /** The tokenizer in a file, unless the caller passed another one. */
  tokenizer(source: Source | undefined): Promise<Texts> {
    return this.#once('tokenizer', source, () => this.#texts(source));
  }

  async #texts(source: Source | undefined): Promise<Texts> {
    const passed = this.#values['tokenizer'];
    if (typeof passed === 'function') {
      const file = source === undefined ? new Absent(undefined) : await optional(this.text(source));
      const vocabulary = file instanceof Absent ? null : readVocabulary(file);
      return { tokenizer: passed as TokenizerFunction, owned: false, vocabulary };
    }
    const { expectTokenizer, maxLengthOf, PretrainedTokenizer } = await textModule();
    let tokenizer: PretrainedTokenizer;
    if (passed === undefined) {
      const { cache, signal } = this.#reading;
      const wasm = this.#values['wasm'] as WasmSource | undefined;
      const onProgress = this.#progress.file();
      try {
        tokenizer = await PretrainedTokenizer.load(source!, { cache, signal, wasm, onProgress });
      } catch (error) {
        throw explained(error);
      }
      this.#owned.add(tokenizer);
    } else {
      tokenizer = expectTokenizer(passed as object, 'tokenizer');
    }
    const { vocabSize, unkId, medianTokenLength } = tokenizer;
    const vocabulary = { vocabSize, unkId, medianTokenLength, maxLength: maxLengthOf(tokenizer) };
    return { tokenizer, owned: passed === undefined, vocabulary };
  }

  /** Layouts share files of a folder, which are addresses or paths. */
  #once<T>(what: string, source: Source | undefined, load: () => Promise<T>): Promise<T> {
    const { href = source } = (source ?? {}) as Partial<UrlLike>;
    const key = typeof href === 'string' ? `${what} ${href}` : {};
    let promise = this.#loads.get(key) as Promise<T> | undefined;
    if (promise === undefined) {
      promise = load();
      this.#loads.set(key, promise);
      promise.catch(() => {}); // reported where it is awaited
    }
    return promise;
  }

  /** The model has its parts: frees all others. Throws what the caller's `onProgress` throws, and then keeps nothing. */
  keep(parts: ReadonlySet<{ dispose(): void }>): void {
    this.#progress.end();
    for (const part of parts) this.#owned.delete(part);
  }

  /** Aborts what is still loading, waits for it, and frees what no model keeps. */
  async end(reason: unknown): Promise<void> {
    this.#signal.abort(reason);
    await Promise.allSettled(this.#loads.values());
    this.#signal.end();
    for (const part of this.#owned) part.dispose();
  }
}

/** All bytes of a file. */
function* wholeFile(input: Input): Steps<TextFile> {
  try {
    const bytes = yield* readAll(input, 0, input.total);
    yield* input.finish();
    return { name: input.name, bytes };
  } finally {
    yield* input.close();
  }
}

function* rowsOf({ name, files, ...loaded }: Found): Steps<Rows> {
  const path = files.find(({ header }) => header.tensors.includes(loaded.tensor!))!.input.name;
  for (const { input, header } of files) {
    if (input.name === path || findTokenTensors(input.name, header.tensors).length === 0) continue;
    throw malformed(input.name, `"mapping" and "weights" must be in the file of the table, ${path}`);
  }
  return { path, name, loaded, values: readTokenValues(path, loaded.others, loaded.table.rows) };
}

/** An error of a tokenizer.json that is not read, with what to do instead. */
function explained(error: unknown): unknown {
  const { status, ...fields } = (error ?? {}) as Named;
  if (!hasCode(error, 'ERR_FORMAT') || status !== undefined) return error;
  const text = `${error.message} (the option tokenizer takes another tokenizer, or a function from a text to its ids)`;
  return fail(Error, 'ERR_FORMAT', text, { ...fields, cause: error });
}

/** Loads a model. */
export async function loadModel(source: unknown, options: unknown): Promise<ModelParts> {
  const values = named(options, OPTIONS);
  readSource(values);
  const reading = readReadOptions(values);
  const requested = readRequested(values);
  const wanted = { ...readWanted(values), tensor: TABLES, others: findTokenTensors };
  const place = placeOf(source);
  if (reading.signal?.aborted === true) throw reading.signal.reason;
  const backend = activeBackend();
  const loads = new Loads(backend, values, wanted, reading);
  let reason: unknown;
  try {
    const found = await findFiles(place, loads, values['tokenizer'] !== undefined);
    const parts = await assembled(backend, found, requested);
    loads.keep(
      new Set([parts.loaded.table, ...(parts.ownsTokenizer ? [parts.tokenizer as PretrainedTokenizer] : [])]),
    );
    return parts;
  } catch (error) {
    reason = error;
    throw error;
  } finally {
    await loads.end(reason);
  }
}

/** The options that decide the arithmetic. */
interface Requested {
  readonly compat: StaticModelCompat | undefined;
  readonly normalize: boolean | undefined;
  readonly maxLength: number | null | undefined;
}

function readRequested(values: Named): Requested {
  const { tokenizer, compat, normalize, maxLength } = values;
  if (
    tokenizer !== undefined &&
    typeof tokenizer !== 'function' &&
    (typeof tokenizer !== 'object' || tokenizer === null)
  ) {
    throw wrongKind('tokenizer', tokenizer, 'a PretrainedTokenizer or a function from a text to its ids');
  }
  return {
    compat: compat === undefined ? undefined : choice(values, 'compat', COMPATS),
    normalize: normalize === undefined ? undefined : flag(values, 'normalize', false),
    maxLength: maxLength === null ? null : integer(values, 'maxLength', { min: 1 }, undefined),
  };
}

/** The files that a model has. */
interface ModelFiles {
  readonly rows: Rows;
  readonly texts: Texts;
  config(): Promise<TextFile | Absent>;
  modules(): Promise<TextFile | Absent>;
}

async function findFiles(place: Place, loads: Loads, hasTokenizer: boolean): Promise<ModelFiles> {
  if ('files' in place) {
    const { model, tokenizer, config, modules } = place.files;
    if (tokenizer === undefined && !hasTokenizer) {
      throw wrongKind(
        'source.tokenizer',
        tokenizer,
        'a tokenizer.json, unless the option tokenizer is passed',
      );
    }
    // All of them at once, although not every model needs the last two.
    const text = async (file: Source | undefined): Promise<TextFile | Absent> =>
      file === undefined ? new Absent(undefined) : loads.text(file);
    const small = [text(config), text(modules)] as const;
    for (const file of small) file.catch(() => {}); // reported if it is needed
    const [rows, texts] = await Promise.all([loads.rows(model), loads.tokenizer(tokenizer)]);
    return { rows, texts, config: () => small[0], modules: () => small[1] };
  }
  const { folder } = place;
  let absent: Absent | undefined;
  for (const { config, within } of LAYOUTS) {
    const [text, rows, texts] = await Promise.all([
      optional(loads.text(folder(config))),
      optional(loads.rows(folder(`${within}model.safetensors`))),
      optional(loads.tokenizer(folder(`${within}tokenizer.json`))),
    ]);
    if (!(text instanceof Absent || rows instanceof Absent || texts instanceof Absent)) {
      return {
        rows,
        texts,
        config: async () => text,
        modules: () => optional(loads.text(folder('modules.json'))),
      };
    }
    absent ??= [rows, texts, text].find((file) => file instanceof Absent);
  }
  throw absent!.error;
}

/** Checks that the files fit each other. Errors: `ERR_FORMAT`. */
async function assembled(
  backend: Backend,
  { rows: { path, name, loaded, values }, texts, config, modules }: ModelFiles,
  requested: Requested,
): Promise<ModelParts> {
  const compat = requested.compat ?? (name === TABLES[0] ? 'model2vec' : 'sentence-transformers');
  const { vocabulary } = texts;
  const entries = values.mapping ?? values.weights ?? values.preciseWeights;
  const vocabSize = vocabulary?.vocabSize ?? entries?.length ?? loaded.table.rows;
  expectFit(path, values, loaded.table.rows, vocabSize);
  let { normalize, maxLength = vocabulary?.maxLength ?? null } = requested;
  if (compat === 'model2vec') {
    const file = await config();
    const read = file instanceof Absent ? NO_CONFIG : readConfig(file);
    normalize ??= read.normalize;
    if (requested.maxLength === undefined) ({ maxLength } = read);
  } else if (normalize === undefined) {
    const file = await modules();
    normalize = file instanceof Absent ? false : readNormalizes(file);
  }
  const ofModel2vec = compat === 'model2vec';
  return {
    backend,
    loaded,
    values,
    tokenizer: texts.tokenizer,
    ownsTokenizer: texts.owned,
    compat,
    normalize,
    limit: ofModel2vec ? maxLength : requested.maxLength,
    maxLength,
    vocabSize,
    dropped: ofModel2vec ? (vocabulary?.unkId ?? null) : null,
    mostCharacters:
      ofModel2vec && maxLength !== null && vocabulary !== null
        ? maxLength * vocabulary.medianTokenLength
        : Infinity,
  };
}

/** Throws `ERR_FORMAT` unless there is a row for each token. */
function expectFit(path: string, values: TokenValues, rows: number, vocabSize: number): void {
  const { mapping, weights = values.preciseWeights } = values;
  for (const [name, entries] of Object.entries({ mapping, weights })) {
    if (entries === undefined || entries.length === vocabSize) continue;
    throw malformed(
      path,
      `the tensor "${name}" must have an entry for each of the ${vocabSize} tokens: it has ${entries.length}`,
    );
  }
  if (mapping === undefined && rows < vocabSize) {
    throw malformed(path, `the table must have a row for each of the ${vocabSize} tokens: it has ${rows}`);
  }
}
