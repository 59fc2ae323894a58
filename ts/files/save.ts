/**
 * Saving: a table as a file that other tools read.
 *
 * ```text
 * safetensors   length of the header as u64; the header, JSON and spaces up to a multiple of 64 bytes; the tensors
 * npy           the header; the rows
 * ```
 * i8 and i4 rows are a tensor `NAME.rows` of bytes; words are two tensors, `NAME.words` and `NAME.words.offsets`.
 */

import type { OrdinaryBytes } from '../args/arrays.js';
import { choice, type Named } from '../args/options.js';
import { hostFiles, resultBytes, type Table } from '../backend/index.js';
import { wrongKind, wrongValue } from '../errors.js';
import { STORAGE, type StorageDType } from '../table-spec.js';
import { encodeUtf8 } from '../tokenizer/utf8.js';
import { DIM_KEY, DTYPE_KEY } from './header.js';
import { PIECE } from './input.js';
import { npyHeader } from './npy.js';
import { WORD_TENSOR } from './word-file.js';
import type { Words } from './words.js';

/** The formats that are written. */
export type SaveFormat = 'safetensors' | 'npy';

/** Options of `Embedding.save`. */
export interface SaveOptions {
  /** Default `'safetensors'`. */
  readonly format?: SaveFormat | undefined;
  /** The name of the tensor in a safetensors file. Default `'weight'`. */
  readonly tensor?: string | undefined;
}

/** What is saved of an Embedding. */
export interface Saved {
  readonly table: Table;
  readonly words: Words | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A tensor of the new file. */
export interface OutTensor {
  readonly name: string;
  /** The name of its dtype in safetensors. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** Its bytes, in pieces that are valid until the next one is requested. */
  pieces(): Iterable<Uint8Array | PromiseLike<Uint8Array>>;
}

/** The bytes of a new file, and how many there are. */
interface OutFile {
  readonly header: OrdinaryBytes;
  readonly tensors: readonly OutTensor[];
  readonly bytes: number;
}

/** The names of formats, for the option `format`. */
export const SAVE_FORMATS: readonly SaveFormat[] = ['safetensors', 'npy'];

/** The name of a dtype in safetensors. i8 and i4 rows are bytes. */
const DTYPES: Readonly<Record<StorageDType, string>> = {
  f32: 'F32',
  f16: 'F16',
  bf16: 'BF16',
  i8: 'U8',
  i4: 'U8',
};

/** Reads the options of `save` and `toBytes` for a table. Errors: `ERR_INVALID_OPTION`. */
export function readSaveOptions(
  table: Table,
  values: Named,
): { readonly format: SaveFormat; readonly tensor: string } {
  const format = choice(values, 'format', SAVE_FORMATS, 'safetensors');
  const { tensor = WORD_TENSOR } = values;
  const text = 'a name that is not empty';
  if (typeof tensor !== 'string') throw wrongKind('tensor', tensor, text);
  if (tensor === '' || tensor === '__metadata__') throw wrongValue('tensor', tensor, text);
  const { dtype } = table.spec;
  if (STORAGE[dtype].block !== undefined) {
    throw wrongValue(
      'dtype',
      dtype,
      "a dtype that can be saved: convert('f16') or convert('i8') returns such a table",
    );
  }
  if (format === 'npy' && dtype !== 'f32' && dtype !== 'f16') {
    throw wrongValue('format', format, `"safetensors" for a table of ${dtype}`);
  }
  return { format, tensor };
}

/** The rows of a table as they are stored, without padding. */
function* rowsOf(table: Table): Generator<Uint8Array> {
  const { rows } = table;
  const { packedRowBytes } = table.spec;
  const most = Math.max(1, Math.floor(PIECE / packedRowBytes));
  const piece = new Uint8Array(Math.min(most, rows) * packedRowBytes);
  for (let row = 0; row < rows; row += most) {
    const part = piece.subarray(0, Math.min(most, rows - row) * packedRowBytes);
    table.backend.kernels.tableRows(table.handle(), row, part);
    yield part;
  }
}

const whole = (name: string, dtype: string, shape: readonly number[], bytes: Uint8Array): OutTensor => ({
  name,
  dtype,
  shape,
  bytes: bytes.byteLength,
  pieces: () => [bytes],
});

/** The tensors of a table, those with the widest values first, so that all are aligned. */
function tensorsOf({ table, words }: Saved, name: string): OutTensor[] {
  const { rows, dim } = table;
  const { packedRowBytes } = table.spec;
  const dtype = table.spec.dtype as StorageDType;
  const integers = dtype === 'i8' || dtype === 'i4';
  const main: OutTensor = {
    name: integers ? `${name}.rows` : name,
    dtype: DTYPES[dtype],
    shape: [rows, integers ? packedRowBytes : dim],
    bytes: rows * packedRowBytes,
    pieces: () => rowsOf(table),
  };
  if (words === null) return [main];
  const { text, offsets } = words;
  const bytes = new Uint8Array(offsets.buffer, offsets.byteOffset, offsets.byteLength);
  const places = whole(`${name}.words.offsets`, 'U32', [offsets.length], bytes);
  const letters = whole(`${name}.words`, 'U8', [text.length], text);
  return dtype === 'f32' ? [main, places, letters] : [places, main, letters];
}

/** The file of a table. `others`: more tensors for a safetensors file. */
export function fileOf(
  saved: Saved,
  format: SaveFormat,
  tensor: string,
  others: readonly OutTensor[] = [],
): OutFile {
  const { table } = saved;
  const { rows, dim, dtype } = table.spec;
  if (format === 'npy') {
    const header = npyHeader(rows, dim, dtype === 'f16' ? '<f2' : '<f4');
    const bytes = rows * table.spec.packedRowBytes;
    return file(header, [{ name: tensor, dtype, shape: [rows, dim], bytes, pieces: () => rowsOf(table) }]);
  }
  const metadata: [string, string][] = Object.entries(saved.metadata).filter(
    ([key]) => key !== DTYPE_KEY && key !== DIM_KEY,
  );
  if (dtype === 'i8' || dtype === 'i4') metadata.push([DTYPE_KEY, dtype], [DIM_KEY, String(dim)]);
  const tensors = [...tensorsOf(saved, tensor), ...others];
  return file(safetensorsHeader(tensors, metadata), tensors);
}

const file = (header: OrdinaryBytes, tensors: readonly OutTensor[]): OutFile => ({
  header,
  tensors,
  bytes: tensors.reduce((sum, { bytes }) => sum + bytes, header.length),
});

const ALIGNMENT = 64;

function safetensorsHeader(
  tensors: readonly OutTensor[],
  metadata: readonly (readonly [string, string])[],
): OrdinaryBytes {
  const entries = tensors.map(({ name, dtype, shape, bytes }, i) => {
    const start = tensors.slice(0, i).reduce((sum, tensor) => sum + tensor.bytes, 0);
    return [name, { dtype, shape, data_offsets: [start, start + bytes] }] as const;
  });
  // Not an object: its keys may be any names, and numbers would come first.
  const member = ([key, value]: readonly [string, unknown]): string =>
    `${JSON.stringify(key)}:${JSON.stringify(value)}`;
  const object = (members: readonly (readonly [string, unknown])[]): string =>
    `{${members.map(member).join(',')}}`;
  const notes = metadata.length === 0 ? [] : [`"__metadata__":${object(metadata)}`];
  const text = encodeUtf8(`{${[...notes, ...entries.map(member)].join(',')}}`);
  const length = Math.ceil((8 + text.length) / ALIGNMENT) * ALIGNMENT;
  const header = new Uint8Array(length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length - 8), true);
  header.set(text, 8);
  return header;
}

function* pieces({ header, tensors }: OutFile): Generator<Uint8Array | PromiseLike<Uint8Array>> {
  yield header;
  for (const tensor of tensors) yield* tensor.pieces();
}

/** All bytes of the file of a table. Errors: `ERR_TOO_LARGE`. */
export const toBytes = (saved: Saved, format: SaveFormat, tensor: string): OrdinaryBytes =>
  bytesOf(fileOf(saved, format, tensor));

/** All bytes of a safetensors file. Errors: `ERR_TOO_LARGE`. */
export const safetensorsBytes = (
  tensors: readonly OutTensor[],
  metadata: readonly (readonly [string, string])[],
): OrdinaryBytes => bytesOf(file(safetensorsHeader(tensors, metadata), tensors));

function bytesOf(out: OutFile): OrdinaryBytes {
  const bytes = resultBytes(out.bytes);
  let at = 0;
  for (const piece of pieces(out) as Iterable<Uint8Array>) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The path of the option or argument `path`. Errors: `ERR_INVALID_OPTION`. */
export function readPath(path: unknown): string {
  const files = hostFiles();
  const text = 'a path or a file: URL';
  const href = (path as { readonly href?: unknown } | null | undefined)?.href;
  const place = typeof href === 'string' ? href : path;
  if (typeof place !== 'string') throw wrongKind('path', path, text);
  if (files === undefined) throw wrongValue('path', place, 'saved with toBytes: this host has no files');
  if (place === '' || place.includes('\0')) throw wrongValue('path', place, text);
  if (typeof href !== 'string') return place;
  if (!href.startsWith('file:')) throw wrongValue('path', href, text);
  return files.pathOf(href);
}

/** Writes the file beside `path`, and then renames it. After an error the old file is as it was. */
export async function writeFile(
  path: string,
  out: OutFile,
  onBytes?: (written: number) => void,
): Promise<void> {
  const target = await hostFiles()!.replace(path);
  try {
    let written = 0;
    for (const piece of pieces(out)) {
      const bytes = await piece;
      await target.write(bytes);
      written += bytes.length;
      onBytes?.(written);
    }
    await target.commit();
  } catch (error) {
    await target.abort();
    throw error;
  }
}
