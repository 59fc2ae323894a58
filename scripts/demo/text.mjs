/**
 * Real text: the files that were named, or every Markdown file of the project and of its installed dependencies.
 *
 * At most 64 MiB are read, in the order given (found files: sorted by path), cut between two characters.
 * A named file that cannot be read or is not UTF-8 is an error that names it; a found one is left out, and named.
 */

import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../lib/run.mjs';

const MIB = 2 ** 20;
const MOST = 64 * MIB;
const MOST_TRAINING = 4 * MIB;
const PIECE = 64 * 1024;

/** Folders that hold products and caches, not sources. */
const LEFT_OUT = new Set(['.git', '.cache', 'dist', 'target']);

/**
 * @typedef {object} Corpus
 * @property {{ file: string, text: string, bytes: number }[]} files
 * @property {number} bytes      of UTF-8, all files
 * @property {string[]} leftOut  found files that were not read, each with its reason
 * @property {boolean} cut       whether there was more than 64 MiB
 */

/** @param {readonly string[]} named @returns {Promise<Corpus>} */
export async function readCorpus(named) {
  const folder = named.length > 0 ? (process.env['INIT_CWD'] ?? process.cwd()) : root; // npm run changes folders
  const files = named.length > 0 ? named : await markdownFiles(root);
  /** @type {Corpus} */
  const corpus = { files: [], bytes: 0, leftOut: [], cut: false };
  for (const file of files) {
    const room = MOST - corpus.bytes; // 0: the file is opened all the same, a name that is wrong is an error
    try {
      const { text, bytes, cut } = await readText(path.resolve(folder, file), room);
      if (bytes > 0) corpus.files.push({ file, text, bytes });
      corpus.bytes += bytes;
      corpus.cut ||= cut;
    } catch (error) {
      const why = `${file}: ${reason(error)}`;
      if (named.length > 0) throw new Error(why, { cause: error });
      corpus.leftOut.push(why);
    }
  }
  const where = files.length === 1 ? files[0] : `${files.length} files`;
  if (corpus.bytes === 0) throw new Error(`no text in ${where}`);
  return corpus;
}

/** @param {unknown} error */
function reason(error) {
  if (!(error instanceof Error)) return String(error);
  switch (/** @type {NodeJS.ErrnoException} */ (error).code) {
    case 'ENOENT':
      return 'no such file';
    case 'EISDIR':
      return 'this is a folder';
    case 'EACCES':
      return 'may not be read';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'not UTF-8';
    default:
      return error.message;
  }
}

/** @param {string} folder @returns {Promise<string[]>} relative to `folder`, in code unit order */
async function markdownFiles(folder) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && !LEFT_OUT.has(entry.name)) {
      for (const inside of await markdownFiles(path.join(folder, entry.name)))
        found.push(`${entry.name}/${inside}`);
    } else if (entry.isFile() && /\.(md|markdown)$/i.test(entry.name)) found.push(entry.name);
  }
  return found.sort();
}

/** The first `most` bytes of a file as text, without a last character that `most` would cut. @param {string} file @param {number} most */
async function readText(file, most) {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const buffer = new Uint8Array(Math.min(most, size));
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    const cut = size > most;
    if (cut) length = characterBoundary(buffer, length);
    const bytes = buffer.subarray(0, length);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text, bytes: length, cut };
  } finally {
    await handle.close();
  }
}

/** The largest end <= `end` at which no UTF-8 sequence is open: continuation bytes are 0b10xxxxxx. @param {Uint8Array} bytes @param {number} end */
function characterBoundary(bytes, end) {
  for (let start = end - 1; start >= 0 && start >= end - 4; start--) {
    const lead = /** @type {number} */ (bytes[start]);
    if ((lead & 0xc0) === 0x80) continue;
    const wanted = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    return start + wanted <= end ? start + wanted : start;
  }
  return end;
}

/**
 * What to train on: everything, or 4 MiB of it, taken evenly: the same share of every file, from pieces spread
 * evenly over it. Pieces are separate texts: no pair of the tokenizer crosses from one into the next. (A character
 * that an end of a piece cuts in two becomes U+FFFD: among 64 KiB it teaches nothing.)
 *
 * @param {Corpus} corpus @returns {string[]}
 */
export function trainingTexts({ files, bytes }) {
  if (bytes <= MOST_TRAINING) return files.map(({ text }) => text);
  const share = MOST_TRAINING / bytes;
  return files.flatMap(({ text, bytes: size }) => {
    const pieces = Math.max(1, Math.round((size * share) / PIECE));
    const stride = text.length / pieces;
    return Array.from({ length: pieces }, (_, i) => {
      const start = Math.floor(i * stride);
      return text.slice(start, start + Math.floor(stride * share));
    }).filter((piece) => piece !== '');
  });
}

/**
 * A text in pieces of at most about 1 MiB, cut after line ends where there are any: each is encoded on its own.
 *
 * @param {string} text @returns {string[]}
 */
export function chunks(text) {
  const pieces = [];
  for (let start = 0; start < text.length;) {
    let end = Math.min(text.length, start + MIB);
    if (end < text.length)
      end = text.lastIndexOf('\n', end) + 1 > start ? text.lastIndexOf('\n', end) + 1 : end;
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

/** @param {number} unit */
const isHighSurrogate = (unit) => unit >= 0xd800 && unit < 0xdc00;
