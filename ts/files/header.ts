/** Headers of files: what a file has, and which of its tensors is the table. */

import type { Kernels } from '../backend/index.js';
import { type BlockDType, type StorageDType, TableSpec } from '../table-spec.js';
import { type Input, malformed } from './input.js';
import type { Steps } from './steps.js';

/** The formats that are read. */
export type FileFormat = 'safetensors' | 'npy' | 'gguf' | 'word2vec' | 'glove';

/** The names of formats, for the option `format`. */
export const FORMATS: readonly FileFormat[] = ['safetensors', 'npy', 'gguf', 'word2vec', 'glove'];

/** A form of values in files that tables are read from. */
export type Encoding = StorageDType | BlockDType | 'f64' | 'f8_e4m3' | 'f8_e5m2' | 'int8';

/** The dtype of a table that keeps what a file stores. */
const KEPT: Partial<Record<Encoding, StorageDType>> = {
  f64: 'f32',
  f8_e4m3: 'f16',
  f8_e5m2: 'f16',
  int8: 'f32',
};

/** The dtype in which tokenbed keeps an encoding. */
export const keptDType = (encoding: Encoding): StorageDType | BlockDType =>
  KEPT[encoding] ?? (encoding as StorageDType | BlockDType);

/** Whether rows of an encoding can be used where they are in the file. */
export const isStorage = (encoding: Encoding): encoding is StorageDType | BlockDType =>
  KEPT[encoding] === undefined;

/** A tensor of a file. */
export interface FileTensor {
  readonly name: string;
  /** The name of the dtype in the file. */
  readonly dtype: string;
  /** How its values are stored; null if tokenbed cannot read them as a table. */
  readonly encoding: Encoding | null;
  readonly shape: readonly number[];
  /** The byte in the file at which it begins. */
  readonly offset: number;
  readonly bytes: number;
}

/** The contents of a file, without its values. */
export interface Header {
  readonly format: Exclude<FileFormat, WordFile['format']>;
  readonly tensors: readonly FileTensor[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether a .npy is stored column by column. */
  readonly fortran: boolean;
  /** The first byte and the number of the tokens of a GGUF file. */
  readonly tokens: readonly [offset: number, count: number] | null;
}

/** The index of a safetensors model in several files. */
export interface ShardIndex {
  readonly format: 'index';
  /** The file of each tensor. */
  readonly weightMap: readonly (readonly [tensor: string, file: string])[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Files of word vectors have no header: their rows are read one by one. */
export interface WordFile {
  readonly format: 'word2vec' | 'glove';
}

/** Whether a file has word vectors. */
export const hasWords = (header: Header | ShardIndex | WordFile): header is WordFile =>
  header.format === 'word2vec' || header.format === 'glove';

/** A value of the metadata of GGUF. Floats are bits, the high ones first. */
type MetadataValue =
  | string
  | boolean
  | { readonly integer: string }
  | { readonly f32: number }
  | { readonly f64: readonly [high: number, low: number] }
  | { readonly array: string; readonly count: number };

/** The answer of `fileHeader`. */
export interface Answer {
  readonly more?: number;
  readonly error?: { readonly byte?: number; readonly line?: number; readonly rule: string };
  readonly format: FileFormat | 'index';
  readonly tensors?: readonly FileTensor[];
  readonly metadata?: readonly (readonly [key: string, value: MetadataValue])[];
  readonly fortran?: boolean;
  readonly tokens?: readonly [offset: number, count: number];
  readonly weightMap?: readonly (readonly [tensor: string, file: string])[];
}

/** The kernel that reads headers. */
export type HeaderKernels = Pick<Kernels, 'fileHeader'>;

/** The bytes that are read first. */
const FIRST = 2 ** 16;

/**
 * Reads the header of a file. `prefix` of the result is the header's bytes, if it was a whole header. Errors:
 * `ERR_FORMAT`.
 */
export function* readHeader(
  kernels: Kernels,
  input: Input,
  format: FileFormat | undefined,
): Steps<{ readonly header: Header | ShardIndex | WordFile; readonly prefix: Uint8Array }> {
  for (let length = Math.min(FIRST, input.total); ;) {
    const prefix = yield* input.prefix(length);
    const answer = askHeader(kernels, input.name, prefix, input.total, format);
    if (answer.more === undefined) return { header: headerOf(answer), prefix };
    length = answer.more;
  }
}

/** The kernel's answer about the first bytes of a file. `total` is infinite if the length is not known. */
export function askHeader(
  kernels: HeaderKernels,
  name: string,
  prefix: Uint8Array,
  total: number,
  format: FileFormat | undefined,
): Answer {
  const answer = JSON.parse(kernels.fileHeader(prefix, total, format)) as Answer;
  if (answer.error === undefined) return answer;
  const { rule, ...where } = answer.error;
  throw malformed(name, rule, where);
}

function headerOf(answer: Answer): Header | ShardIndex | WordFile {
  const { format, tensors = [], fortran = false, tokens = null, weightMap = [] } = answer;
  if (format === 'word2vec' || format === 'glove') return { format };
  const metadata = metadataOf((answer.metadata ?? []).map(([key, value]) => [key, textOf(value)]));
  if (format === 'index') return { format, weightMap, metadata };
  return { format, tensors, metadata, fortran, tokens };
}

/** A frozen record without a prototype. */
export function metadataOf(entries: Iterable<readonly [string, string]>): Readonly<Record<string, string>> {
  const record = Object.create(null) as Record<string, string>;
  for (const [key, value] of entries) record[key] = value;
  return Object.freeze(record);
}

/** Without metadata. */
export const NO_METADATA = /* @__PURE__ */ metadataOf([]);

/** A value of the metadata as text; an array as `[262144 x string]`. */
function textOf(value: MetadataValue): string {
  if (typeof value !== 'object') return String(value);
  if ('integer' in value) return value.integer;
  if ('array' in value) return `[${value.count} x ${value.array}]`;
  const view = new DataView(new ArrayBuffer(8));
  if ('f32' in value) {
    view.setUint32(0, value.f32);
    return shortest(view.getFloat32(0));
  }
  view.setUint32(0, value.f64[0]);
  view.setUint32(4, value.f64[1]);
  return String(view.getFloat64(0));
}

/** The fewest digits that round to the same f32. */
function shortest(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(value);
}

/** The table of a file. */
export interface StoredTable {
  /** Its name, without the `.rows` of stored integers. */
  readonly name: string;
  readonly tensor: FileTensor;
  readonly encoding: Encoding;
  readonly rows: number;
  readonly dim: number;
}

/** The keys under which `save` writes how i8 and i4 rows are stored. */
export const DTYPE_KEY = 'tokenbed.dtype';
export const DIM_KEY = 'tokenbed.dim';

const USUAL_NAMES = ['embeddings', 'embedding.weight', 'weight'];
const GGUF_NAME = 'token_embd.weight';

/**
 * Chooses the table of a file: the tensor `wanted`, or the first of several that the file has; else the usual one of a GGUF
 * file; else the only 2-D tensor that can be read; else `embeddings`, `embedding.weight` or `weight`. Errors: `ERR_FORMAT`,
 * with the names of the 2-D tensors.
 */
export function chooseTable(
  path: string,
  header: Header,
  wanted: string | readonly string[] | undefined,
): StoredTable {
  const stored = storedIntegers(path, header);
  const tables = header.tensors.flatMap((tensor) => {
    if (tensor === stored?.tensor) return [stored];
    const table = tableOf(tensor);
    return table === null ? [] : [table];
  });
  const name = wanted ?? (header.format === 'gguf' ? GGUF_NAME : undefined);
  if (name !== undefined) {
    const names = typeof name === 'string' ? [name] : name;
    const table = firstNamed(tables, names);
    if (table !== undefined) return table;
    const tensor = firstNamed(header.tensors, names);
    if (tensor !== undefined) throw malformed(path, unreadable(tensor), { byte: tensor.offset });
    const what = wanted === undefined ? `the tensor ${GGUF_NAME}` : `a tensor named ${quoted(names)}`;
    throw malformed(path, `the file must have ${what}: it has ${listed(header)}`);
  }
  if (tables.length === 1) return tables[0]!;
  const table = firstNamed(tables, USUAL_NAMES);
  if (table !== undefined) return table;
  if (tables.length > 0) {
    throw malformed(
      path,
      `several tensors may be the table: name one with the option tensor; it has ${listed(header)}`,
    );
  }
  const matrices = header.tensors.filter(({ shape }) => shape.length === 2);
  const [only] = header.tensors.length === 1 ? header.tensors : matrices.length === 1 ? matrices : [];
  if (only !== undefined) throw malformed(path, unreadable(only), { byte: only.offset });
  throw malformed(path, `no tensor is a table (2-D, of a dtype that can be read); it has ${listed(header)}`);
}

/** Names in an error message. */
export const quoted = (names: readonly string[]): string =>
  names.map((name) => JSON.stringify(name)).join(' or ');

/** The first of `names` that is in the list. */
function firstNamed<T extends { readonly name: string }>(
  list: readonly T[],
  names: readonly string[],
): T | undefined {
  for (const name of names) {
    const found = list.find((each) => each.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The names of the 2-D tensors. */
function listed({ tensors }: Header): string {
  const names = tensors.filter(({ shape }) => shape.length === 2).map(({ name }) => JSON.stringify(name));
  if (names.length === 0) return 'no 2-D tensor';
  const shown = names.slice(0, 20).join(', ');
  return names.length > 20 ? `${shown} and ${names.length - 20} more 2-D tensors` : shown;
}

function tableOf(tensor: FileTensor): StoredTable | null {
  const { name, encoding, shape } = tensor;
  const [rows, dim] = shape as [number, number];
  if (shape.length !== 2 || encoding === null || !(rows >= 1 && dim >= 1 && rows <= 2 ** 32)) return null;
  return { name, tensor, encoding, rows, dim };
}

/** Why a tensor cannot be the table. */
function unreadable({ name, dtype, encoding, shape }: FileTensor): string {
  const what = `tensor ${JSON.stringify(name)}`;
  if (shape.length !== 2) return `${what} must be 2-D to be a table: its shape is [${shape.join(', ')}]`;
  if (encoding === null)
    return `${what} has the dtype ${dtype}, which is not read as a table: convert it to F16 or F32`;
  return `${what} must have at least one row and one column, and at most 2^32 rows: its shape is [${shape.join(', ')}]`;
}

/** The table of i8 or i4 rows that `save` has written; `undefined` if the file has none. Errors: `ERR_FORMAT`. */
function storedIntegers(path: string, header: Header): StoredTable | undefined {
  const { [DTYPE_KEY]: dtype, [DIM_KEY]: dims } = header.metadata;
  if (header.format !== 'safetensors' || dtype === undefined) return undefined;
  const tensor = header.tensors.find(({ name, dtype }) => name.endsWith('.rows') && dtype === 'U8');
  if (tensor === undefined || (dtype !== 'i8' && dtype !== 'i4')) return undefined;
  const dim = Number(dims);
  const { shape } = tensor;
  const rowBytes = Number.isSafeInteger(dim) && dim >= 1 ? new TableSpec(1, dim, dtype).rowBytes : 0;
  const rows = shape[0] ?? 0;
  if (rowBytes === 0) {
    const got = dims === undefined ? 'nothing' : JSON.stringify(dims);
    throw malformed(path, `the metadata ${DIM_KEY} must be an integer >= 1: got ${got}`);
  }
  if (shape.length !== 2 || shape[1] !== rowBytes || !(rows >= 1 && rows <= 2 ** 32)) {
    const rule = `rows of ${DIM_KEY} ${String(dims)} ${dtype} values have ${rowBytes} bytes: the shape is [${shape.join(', ')}]`;
    throw malformed(path, rule, { byte: tensor.offset });
  }
  return { name: tensor.name.slice(0, -'.rows'.length), tensor, encoding: dtype, rows, dim };
}
