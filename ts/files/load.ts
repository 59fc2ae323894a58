/**
 * Loading: from the bytes of a file to a table.
 *
 * ```text
 * read the header; choose the tensor; check the options against it
 * map the tensor, or create the table and store the rows as their bytes arrive; or read words and rows line by line
 * read the words; check what can only be checked at the end
 * ```
 * An error frees everything.
 */

import type { OrdinaryBytes } from '../args/arrays.js';
import { choice, flag, integer, type Named } from '../args/options.js';
import { activeBackend, type Backend, type Handle, type Table, TableSpec } from '../backend/index.js';
import { outOfStorage, tooLarge, wrongKind, wrongValue } from '../errors.js';
import { filled } from '../storing.js';
import { type BlockDType, STORAGE, STORAGE_DTYPES, type StorageDType } from '../table-spec.js';
import { readCache, type ResponseCache } from './cache.js';
import {
  chooseTable,
  type FileFormat,
  type FileTensor,
  FORMATS,
  hasWords,
  type Header,
  isStorage,
  keptDType,
  metadataOf,
  NO_METADATA,
  quoted,
  readHeader,
  type ShardIndex,
  type StoredTable,
} from './header.js';
import { allocate, type Input, malformed, readAll } from './input.js';
import type { OnLoadProgress } from './monitor.js';
import { openSync, type ReadOptions } from './source.js';
import { useSource } from './use-source.js';
import { runSync, type LoadSignal, type Steps } from './steps.js';
import { readWordFile, WORD_TENSOR } from './word-file.js';
import { checkedWords, Words } from './words.js';

/** Options of `Embedding.loadSync`. */
export interface LoadSyncOptions {
  /** The name of the tensor; by default the only one that can be a table, or the usual one. */
  readonly tensor?: string | undefined;
  /** The format, for files that are not recognized. */
  readonly format?: FileFormat | undefined;
  /** The storage of values. Default `'keep'`: as in the file. */
  readonly dtype?: 'keep' | StorageDType | undefined;
  /** The padding row, which keeps its values: -V .. V-1, negative counts from the end. */
  readonly paddingIdx?: number | null | undefined;
  /** Whether the file is mapped: `true` insists. Default `'auto'`: tensors of 1 MiB and more, where it is possible. */
  readonly mmap?: 'auto' | boolean | undefined;
  /** The number of columns to keep, from the first one on: 1 .. D. */
  readonly dim?: number | undefined;
}

/** Options of `Embedding.load`. */
export interface LoadOptions extends LoadSyncOptions {
  /** Called at most every 50 ms while bytes arrive, and once at the end. */
  readonly onProgress?: OnLoadProgress | undefined;
  /** Aborts the load with its reason. */
  readonly signal?: LoadSignal | undefined;
  /** The SHA-256 that the file must have: 64 hexadecimal digits. */
  readonly sha256?: string | undefined;
  /** Keeps fetched files: the name of a CacheStorage, a folder in Node, or an object with `match` and `put`. */
  readonly cache?: string | ResponseCache | undefined;
}

export const LOAD_SYNC_OPTIONS = ['tensor', 'format', 'dtype', 'paddingIdx', 'mmap', 'dim'] as const;
export const LOAD_OPTIONS = [...LOAD_SYNC_OPTIONS, 'onProgress', 'signal', 'sha256', 'cache'] as const;

/** Tensors of this size and more are mapped by default. */
const MAPPED_BYTES = 2 ** 20;

/** A loaded table. */
export interface Loaded {
  readonly table: Table;
  readonly words: Words | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The bytes of the other tensors that were wanted. */
  readonly others: ReadonlyMap<FileTensor, OrdinaryBytes>;
}

/** What is read of a file. */
export interface Wanted {
  /** The name of the table, or several of which the first is taken that the file has. */
  readonly tensor: string | readonly string[] | undefined;
  readonly format: FileFormat | undefined;
  readonly dtype: 'keep' | StorageDType;
  readonly mmap: 'auto' | boolean;
  readonly dim: number | undefined;
  /** Other tensors to read from the file of the table. May throw. */
  readonly others?: (path: string, tensors: readonly FileTensor[]) => readonly FileTensor[];
}

/** The options that say what is read. Errors: `ERR_INVALID_OPTION`. */
export function readWanted(values: Named): Wanted {
  const { tensor, mmap } = values;
  if (tensor !== undefined && typeof tensor !== 'string') throw wrongKind('tensor', tensor, 'a string');
  return {
    tensor,
    format: values['format'] === undefined ? undefined : choice(values, 'format', FORMATS),
    dtype: choice(values, 'dtype', ['keep', ...STORAGE_DTYPES] as const, 'keep'),
    mmap: typeof mmap === 'string' ? choice(values, 'mmap', ['auto'] as const) : mmapFlag(values),
    dim: integer(values, 'dim', { min: 1 }, undefined),
  };
}

function mmapFlag(values: Named): 'auto' | boolean {
  return values['mmap'] === undefined ? 'auto' : flag(values, 'mmap', false);
}

/** The options of a load that is asynchronous. */
export function readReadOptions(values: Named): ReadOptions {
  const { onProgress, signal, sha256 } = values;
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw wrongKind('onProgress', onProgress, 'a function');
  }
  if (signal !== undefined) {
    const { aborted, addEventListener } = (signal ?? {}) as Partial<LoadSignal>;
    if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function') {
      throw wrongKind('signal', signal, 'an AbortSignal');
    }
  }
  if (sha256 !== undefined) {
    const text = '64 hexadecimal digits';
    if (typeof sha256 !== 'string') throw wrongKind('sha256', sha256, text);
    if (!/^[0-9a-f]{64}$/i.test(sha256)) throw wrongValue('sha256', sha256, text);
  }
  return {
    onProgress: onProgress as OnLoadProgress | undefined,
    signal: signal as LoadSignal | undefined,
    sha256,
    cache: readCache(values),
  };
}

/** Loads a table synchronously. `check` throws unless the number of rows suits other options. */
export function loadSync(source: unknown, values: Named, check: (rows: number) => void): Loaded {
  const wanted = readWanted(values);
  const backend = activeBackend();
  const input = openSync(source);
  return runSync(loading(backend, input, wanted, check, result));
}

/** Loads a table. From bytes, it does so before it returns. */
export async function load(source: unknown, values: Named, check: (rows: number) => void): Promise<Loaded> {
  const wanted = readWanted(values);
  const options = { ...readReadOptions(values), format: wanted.format };
  if (options.signal?.aborted === true) throw options.signal.reason;
  const backend = activeBackend();
  const reading = { ...options, headers: backend.kernels };
  return useSource(backend, source, reading, (input) => loading(backend, input, wanted, check, result));
}

/** What was loaded, while its files are open. */
export interface Found extends Loaded {
  readonly format: FileFormat;
  /** The name of the table. */
  readonly name: string;
  /** The tensor that has its rows; null for word vectors. */
  readonly tensor: FileTensor | null;
  /** The files with tensors; none for word vectors. */
  readonly files: readonly TensorFile[];
}

/** Loads a table and uses it. After an error the table is freed; the files are closed in any case. */
export function* loading<T>(
  backend: Backend,
  input: Input,
  wanted: Wanted,
  check: (rows: number) => void,
  use: (found: Found) => Steps<T>,
): Steps<T> {
  const inputs = [input];
  let loaded: Loaded | undefined;
  try {
    const { header, prefix } = yield* readHeader(backend.kernels, input, wanted.format);
    if (hasWords(header)) {
      loaded = yield* loadWords(backend, input, header.format, wanted, check);
      return yield* use({ ...loaded, format: header.format, name: WORD_TENSOR, tensor: null, files: [] });
    }
    const files =
      header.format === 'index'
        ? yield* openShards(backend, input, header, inputs)
        : [{ input, header, prefix }];
    const all = header.format === 'index' ? joinedHeader(header, files) : header;
    const stored = chooseTable(input.name, all, wanted.tensor);
    const file = files.find(({ header }) => header.tensors.includes(stored.tensor))!;
    const others = wanted.others?.(file.input.name, file.header.tensors) ?? [];
    loaded = yield* loadTensor(backend, { ...file, header: all }, stored, others, wanted, check);
    if (file.input !== input) yield* input.finish();
    const { name, tensor } = stored;
    return yield* use({ ...loaded, format: all.format, name, tensor, files });
  } catch (error) {
    loaded?.table.dispose();
    throw error;
  } finally {
    for (const opened of inputs) yield* opened.close();
  }
}

/** The result of a load. */
function* result({ table, words, metadata, others }: Found): Steps<Loaded> {
  return { table, words, metadata, others };
}

/** The tensors of all files of an index. */
export const joinedHeader = (index: ShardIndex, files: readonly TensorFile[]): Header => ({
  format: 'safetensors',
  tensors: files.flatMap(({ header }) => header.tensors),
  metadata: metadataOf(
    [index, ...files.map(({ header }) => header)].flatMap(({ metadata }) => Object.entries(metadata)),
  ),
  fortran: false,
  tokens: null,
});

/** A file with tensors. */
export interface TensorFile {
  readonly input: Input;
  readonly header: Header;
  /** The bytes of the header. */
  readonly prefix: Uint8Array;
}

/**
 * Opens the files of an index, and adds them to `inputs`, which the caller closes. Errors: `ERR_FORMAT` unless the files
 * have the tensors of the index, each once.
 */
export function* openShards(
  backend: Backend,
  input: Input,
  index: ShardIndex,
  inputs: Input[],
): Steps<TensorFile[]> {
  if (input.sibling === undefined) {
    throw malformed(input.name, 'an index of several files is read from a path or URL, beside these files');
  }
  const shards: TensorFile[] = [];
  const seen = new Set<string>();
  for (const file of new Set(index.weightMap.map(([, file]) => file))) {
    const shard = yield* input.sibling(file);
    inputs.push(shard);
    const { header, prefix } = yield* readHeader(backend.kernels, shard, undefined);
    if (header.format !== 'safetensors') {
      throw malformed(shard.name, `a file of an index must be safetensors: it is ${header.format}`);
    }
    const names = new Set(header.tensors.map(({ name }) => name));
    const twice = [...names].find((name) => seen.has(name));
    if (twice !== undefined) {
      throw malformed(shard.name, `the tensor ${JSON.stringify(twice)} is in another file of the index, too`);
    }
    const lost = index.weightMap.find(([tensor, place]) => place === file && !names.has(tensor));
    if (lost !== undefined) {
      throw malformed(shard.name, `the index places the tensor ${JSON.stringify(lost[0])} in this file`);
    }
    for (const name of names) seen.add(name);
    shards.push({ input: shard, header, prefix });
  }
  return shards;
}

/** The columns that are kept. Errors: `ERR_INVALID_OPTION` (`dim`). */
function columns(wanted: Wanted, stored: number, dtype: StorageDType | BlockDType): number {
  const { dim = stored } = wanted;
  if (dim > stored) throw wrongValue('dim', dim, `an integer >= 1 and <= ${stored}`);
  const block = STORAGE[dtype].block ?? 1;
  if (dim % block !== 0)
    throw wrongValue('dim', dim, `a multiple of ${block}, since the table stays ${dtype}`);
  return dim;
}

function* loadTensor(
  backend: Backend,
  { input, header, prefix }: TensorFile,
  stored: StoredTable,
  wantedParts: readonly FileTensor[],
  wanted: Wanted,
  check: (rows: number) => void,
): Steps<Loaded> {
  check(stored.rows);
  const kept = keptDType(stored.encoding);
  const dtype = wanted.dtype === 'keep' ? kept : wanted.dtype;
  const dim = columns(wanted, stored.dim, dtype);
  const words = header.tokens === null ? wordTensors(input.name, header, stored) : null;
  const wordParts = words === null ? [] : [words.text, words.offsets];
  const others = new Map<FileTensor, OrdinaryBytes>();
  let table: Table | undefined;
  try {
    // In the order of the file, since a stream has no other.
    const inOrder = [stored.tensor, ...wordParts, ...wantedParts].sort((a, b) => a.offset - b.offset);
    for (const tensor of inOrder) {
      if (tensor !== stored.tensor) {
        others.set(tensor, yield* readAll(input, tensor.offset, tensor.bytes));
        continue;
      }
      table = mapTable(backend, input, header, stored, wanted, dtype, dim);
      table ??= yield* readTable(backend, input, header, stored, dtype, dim);
    }
    yield* input.finish();
    return { table: table!, words: wordsOf(), metadata: header.metadata, others };
  } catch (error) {
    table?.dispose();
    throw error;
  }

  function wordsOf(): Words | null {
    const { tokens } = header;
    if (tokens !== null) return tokens[1] === stored.rows ? ggufWords(prefix, tokens) : null;
    if (words === null) return null;
    const { buffer } = others.get(words.offsets)!;
    const at = { text: words.text.offset, offsets: words.offsets.offset };
    return checkedWords(input.name, others.get(words.text)!, new Uint32Array(buffer, 0, stored.rows + 1), at);
  }
}

/** Maps the tensor; `undefined` if it is read. Errors: `ERR_INVALID_OPTION` if the option `mmap` insists. */
function mapTable(
  backend: Backend,
  input: Input,
  header: Header,
  stored: StoredTable,
  { mmap }: Wanted,
  dtype: StorageDType | BlockDType,
  dim: number,
): Table | undefined {
  const { tensor, encoding, rows } = stored;
  if (mmap === false || (mmap === 'auto' && tensor.bytes < MAPPED_BYTES)) return undefined;
  const obstacle =
    backend.name !== 'native'
      ? 'the backend is wasm'
      : input.fd === undefined
        ? 'the source is not a regular file'
        : header.fortran
          ? 'its rows are stored column by column'
          : !isStorage(encoding) || dtype !== encoding
            ? `its rows are converted from ${tensor.dtype} to ${dtype}`
            : null;
  if (obstacle === null) {
    const stride = tensor.bytes / rows;
    const spec = new TableSpec(rows, dim, dtype, { stride });
    const table = backend.map(spec, {
      fd: input.fd!,
      path: input.name,
      offset: tensor.offset,
      length: input.total,
    });
    if (table !== undefined) return table;
  }
  if (mmap === 'auto') return undefined;
  throw wrongValue('mmap', mmap, `false or 'auto': ${obstacle ?? 'the system does not map this file'}`);
}

/** Reads the tensor into a new table, a piece at a time. */
function* readTable(
  backend: Backend,
  input: Input,
  header: Header,
  stored: StoredTable,
  dtype: StorageDType | BlockDType,
  dim: number,
): Steps<Table> {
  const { tensor, encoding, rows } = stored;
  const { fortran } = header;
  // Columns are collected as they are stored, and converted when all of them are there.
  const first = fortran ? keptDType(encoding) : dtype;
  const table = backend.table(new TableSpec(rows, dim, first), 'anything');
  let reader: Handle | undefined;
  try {
    const { kernels } = backend;
    const handle = kernels.rowsCreate({ table: table.handle(), encoding, dim: stored.dim, fortran });
    if (handle === undefined) throw tooLarge('A row of the file', tensor.bytes / rows, backend.limit);
    reader = backend.prepare(() => handle);
    for (let at = 0; at < tensor.bytes;) {
      const bytes = yield* input.read(tensor.offset + at, tensor.bytes - at);
      const status = kernels.rowsPush(handle, bytes);
      if (status >= 0)
        throw outOfStorage(first, kernels.misfit(), status, [rows, dim], STORAGE[first].values);
      at += bytes.length;
    }
    if (first === dtype) return table;
    const other = backend.table(new TableSpec(rows, dim, dtype), 'anything');
    filled(other, (kernels, handle) => kernels.tableConvert(table.handle(), handle));
    table.dispose();
    return other;
  } catch (error) {
    table.dispose();
    throw error;
  } finally {
    reader?.dispose();
  }
}

/** The two tensors of the words of a table; null if the file has none. */
function wordTensors(
  path: string,
  header: Header,
  { name, rows }: StoredTable,
): { readonly text: FileTensor; readonly offsets: FileTensor } | null {
  const find = (end: string, dtype: string): FileTensor | undefined =>
    header.tensors.find(
      (tensor) => tensor.name === name + end && tensor.dtype === dtype && tensor.shape.length === 1,
    );
  const [text, offsets] = [find('.words', 'U8'), find('.words.offsets', 'U32')];
  if (text === undefined || offsets === undefined) return null;
  if (offsets.shape[0] !== rows + 1) {
    const rule = `${rows} words have ${rows + 1} offsets: the shape is [${offsets.shape.join(', ')}]`;
    throw malformed(path, rule, { byte: offsets.offset });
  }
  return { text, offsets };
}

/** The tokens of a GGUF header, which is checked: the length of each as u64, and its bytes. */
function ggufWords(header: Uint8Array, [start, count]: readonly [offset: number, count: number]): Words {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const offsets = new Uint32Array(count + 1);
  for (let i = 0, at = start; i < count; i++) {
    const length = view.getUint32(at, true);
    offsets[i + 1] = offsets[i]! + length;
    at += 8 + length;
  }
  const text = allocate(offsets[count]!);
  for (let i = 0; i < count; i++) {
    const at = start + 8 * (i + 1) + offsets[i]!;
    text.set(header.subarray(at, at + offsets[i + 1]! - offsets[i]!), offsets[i]!);
  }
  return new Words(text, offsets);
}

function* loadWords(
  backend: Backend,
  input: Input,
  format: FileFormat,
  wanted: Wanted,
  check: (rows: number) => void,
): Steps<Loaded> {
  const { tensor, mmap, dtype, dim } = wanted;
  if (mmap === true) throw wrongValue('mmap', mmap, "false or 'auto': word vectors are converted");
  const names = typeof tensor === 'string' ? [tensor] : tensor;
  if (names !== undefined && !names.includes(WORD_TENSOR)) {
    const rule = `the file must have a tensor named ${quoted(names)}: it has "${WORD_TENSOR}"`;
    throw malformed(input.name, rule);
  }
  const stored = dtype === 'keep' ? 'f32' : dtype;
  const { rows, table, words } = yield* readWordFile(backend, input, format, stored, dim);
  try {
    check(rows);
    yield* input.finish();
    return { table: table!, words, metadata: NO_METADATA, others: new Map() };
  } catch (error) {
    table!.dispose();
    throw error;
  }
}
