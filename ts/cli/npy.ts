/** The weights in a .npy file (see ts/files/npy.ts). */

import { type FileHandle, open } from 'node:fs/promises';
import { fail, type TokenbedError } from '../errors.js';
import { MAGIC } from '../files/npy.js';
import { Embedding } from '../index.js';
import { systemError } from './output.js';

/** More than any header of a 2-D array takes. A longer one is malformed. */
const LONGEST_HEADER = 65_536;
const PIECE_FLOATS = 2 ** 18;

/**
 * An Embedding over the weights in a .npy file, read piece by piece into its table.
 *
 * Errors: system errors; `ERR_FORMAT` with `path`, `byte` and `rule` unless the file is `<f4`, 2-D and in C order;
 * `ERR_TOO_LARGE`.
 */
export async function readWeights(path: string): Promise<Embedding> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    return await readTable(path, handle);
  } catch (error) {
    // Errors of this package are complete. System errors lack the name of the file.
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : systemError(path, error);
  } finally {
    await handle?.close();
  }
}

async function readTable(path: string, handle: FileHandle): Promise<Embedding> {
  const { size } = await handle.stat();
  const { rows, dim, dataStart } = await readHeader(path, handle);
  const expected = dataStart + rows * dim * 4;
  if (size !== expected) {
    const rule = `${rows} x ${dim} f32 behind the header make a file of ${expected} bytes: got ${size}`;
    throw malformed(path, Math.min(size, expected), rule);
  }
  const embedding = new Embedding({ vocabSize: rows, embeddingDim: dim, initType: 'zeros' });
  const most = Math.max(1, Math.floor(PIECE_FLOATS / dim));
  const piece = new Float32Array(Math.min(rows, most) * dim);
  for (let row = 0; row < rows; row += most) {
    const values = piece.subarray(0, Math.min(most, rows - row) * dim);
    const start = dataStart + row * dim * 4;
    await readExactly(path, handle, new Uint8Array(values.buffer, 0, values.byteLength), start);
    embedding.weight.setRows(row, values);
  }
  return embedding;
}

async function readHeader(path: string, handle: FileHandle) {
  const start = Buffer.alloc(8);
  await readExactly(path, handle, start, 0);
  if (start.toString('latin1', 0, 6) !== MAGIC)
    throw malformed(path, 0, 'a .npy file begins with \\x93NUMPY');
  const [major, minor] = [start[6]!, start[7]!];
  if (major < 1 || major > 3 || minor !== 0) {
    throw malformed(path, 6, `the version must be 1.0, 2.0 or 3.0: got ${major}.${minor}`);
  }
  const size = Buffer.alloc(major === 1 ? 2 : 4);
  await readExactly(path, handle, size, 8);
  const length = major === 1 ? size.readUInt16LE() : size.readUInt32LE();
  const dictStart = 8 + size.length;
  if (length > LONGEST_HEADER) {
    throw malformed(path, 8, `a header has at most ${LONGEST_HEADER} bytes: got ${length}`);
  }
  const dict = Buffer.alloc(length);
  await readExactly(path, handle, dict, dictStart);
  const { rows, dim } = readDict(dict.toString(major === 3 ? 'utf8' : 'latin1'), (rule) =>
    malformed(path, dictStart, rule),
  );
  return { rows, dim, dataStart: dictStart + length };
}

const ENTRY =
  /\s*(?:'(\w+)'|"(\w+)")\s*:\s*('[^']*'|"[^"]*"|True|False|\([^()]*\)|\[.*?\]\s*(?=,|\}))\s*(?:,|(?=\}))/y;

/** Parses the three entries of the header, a Python dictionary; `wrong` creates an error. */
function readDict(text: string, wrong: (rule: string) => TokenbedError): { rows: number; dim: number } {
  const body = text.trim();
  const entries = new Map<string, string>();
  let at = 1;
  while (body.startsWith('{') && !/^\s*\}$/.test(body.slice(at))) {
    ENTRY.lastIndex = at;
    const match = ENTRY.exec(body);
    if (match === null) break;
    const name = (match[1] ?? match[2])!;
    if (entries.has(name)) throw wrong(`the header names ${name} once`);
    entries.set(name, match[3]!.trim());
    at = ENTRY.lastIndex;
  }
  if (!body.startsWith('{') || !/^\s*\}$/.test(body.slice(at))) {
    throw wrong(`the header must be a Python dictionary: got ${JSON.stringify(body.slice(0, 80))}`);
  }
  const known = ['descr', 'fortran_order', 'shape'];
  if (entries.size !== 3 || !known.every((name) => entries.has(name))) {
    throw wrong(`the header must name ${known.join(', ')}: got ${[...entries.keys()].join(', ')}`);
  }
  const [descr, order, shape] = known.map((name) => entries.get(name)!) as [string, string, string];
  if (!/^(['"])<f4\1$/.test(descr)) throw wrong(`descr must be '<f4' (f32, little-endian): got ${descr}`);
  if (order !== 'False') throw wrong(`fortran_order must be False (row after row): got ${order}`);
  const sizes = /^\(\s*([0-9]+)L?\s*,\s*([0-9]+)L?\s*,?\s*\)$/.exec(shape);
  const [rows, dim] = [Number(sizes?.[1]), Number(sizes?.[2])];
  if (!(rows >= 1 && dim >= 1)) throw wrong(`shape must be (rows, dim), both at least 1: got ${shape}`);
  if (rows > 2 ** 32) throw wrong(`shape must have at most 2^32 rows: got ${shape}`);
  if (!Number.isSafeInteger(rows * dim * 4)) {
    throw wrong(`shape must have at most 2^53 - 1 bytes, 4 for each f32: got ${shape}`);
  }
  return { rows, dim };
}

async function readExactly(path: string, handle: FileHandle, into: Uint8Array, start: number): Promise<void> {
  let got = 0;
  while (got < into.length) {
    const { bytesRead } = await handle.read(into, got, into.length - got, start + got);
    if (bytesRead === 0) throw malformed(path, start + got, 'the file ends too early');
    got += bytesRead;
  }
}

function malformed(path: string, byte: number, rule: string): TokenbedError {
  return fail(Error, 'ERR_FORMAT', `${path}: byte ${byte}: ${rule}`, { path, byte, rule });
}
