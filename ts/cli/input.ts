/** Reads text from files or standard input, as validated UTF-8, in pieces of lines. */

import { constants } from 'node:buffer';
import { createReadStream, fstatSync, statSync } from 'node:fs';
import { fail, type TokenbedError, tooLarge } from '../errors.js';
import { endOfCharacters, firstMalformed } from '../tokenizer/utf8.js';
import { STANDARD, systemError } from './output.js';
import type { Progress } from './progress.js';

/** A file or standard input. */
export interface Input {
  /** Its name in error messages. */
  readonly name: string;
  /** In bytes; `null` if it is unknown, such as for a pipe. */
  readonly size: number | null;
  stream(): AsyncIterable<Uint8Array>;
}

/** A part of a line, without its end (`\n` or `\r\n`). A line that spans several reads is split into pieces. */
export interface Piece {
  readonly text: string;
  /** Whether the line begins here. */
  readonly first: boolean;
  /** Whether the line ends here. */
  readonly last: boolean;
}

const PIECE_BYTES = 64 * 1024;

function inputFrom(file: string): Input {
  const standard = file === STANDARD;
  const name = standard ? 'standard input' : file;
  try {
    const stats = standard ? fstatSync(0) : statSync(file);
    if (stats.isDirectory()) throw Object.assign(new Error('this is a folder'), { code: 'EISDIR' });
    return {
      name,
      size: stats.isFile() ? stats.size : null,
      stream: () => (standard ? process.stdin : createReadStream(file, { highWaterMark: PIECE_BYTES })),
    };
  } catch (error) {
    throw systemError(name, error);
  }
}

/** Checks that the files exist (`-` is standard input). Without files, the input is standard input. */
export function openInputs(files: readonly string[]): Input[] {
  return (files.length === 0 ? [STANDARD] : files).map(inputFrom);
}

/** The pieces of all lines of one input, in order, as soon as they are read. */
export async function* linePieces(
  input: Input,
  progress?: Progress,
): AsyncGenerator<Piece[], void, undefined> {
  let begun = false; // whether a piece of the current line was yielded
  let held = ''; // a \r that may be the first half of \r\n
  for await (const text of decoded(input, progress)) {
    const lines = (held + text).split('\n');
    const rest = lines.pop()!;
    const pieces: Piece[] = [];
    for (const line of lines) {
      pieces.push({ text: line.endsWith('\r') ? line.slice(0, -1) : line, first: !begun, last: true });
      begun = false;
    }
    held = rest.endsWith('\r') ? '\r' : '';
    const open = held === '' ? rest : rest.slice(0, -1);
    if (open !== '') {
      pieces.push({ text: open, first: !begun, last: false });
      begun = true;
    }
    yield pieces;
  }
  if (begun || held !== '') yield [{ text: held, first: !begun, last: true }];
}

/** Joins pieces: a function from the next pieces to the lines that end in them. Errors: `ERR_TOO_LARGE`. */
export function lineJoiner(): (pieces: readonly Piece[]) => string[] {
  let line = '';
  return (pieces) => {
    const lines: string[] = [];
    for (const { text, last } of pieces) {
      const length = line.length + text.length;
      if (length > constants.MAX_STRING_LENGTH) throw tooLarge('A line', length, constants.MAX_STRING_LENGTH);
      line += text;
      if (!last) continue;
      lines.push(line);
      line = '';
    }
    return lines;
  };
}

/** The lines of one input, in order, as many at once as were read. Errors: as `linePieces`; `ERR_TOO_LARGE`. */
export async function* wholeLines(
  input: Input,
  progress?: Progress,
): AsyncGenerator<string[], void, undefined> {
  const join = lineJoiner();
  for await (const pieces of linePieces(input, progress)) yield join(pieces);
}

/**
 * The text of one input, without a byte order mark at its start. Pieces end between code points.
 *
 * Errors: system errors, with the name of the input; `ERR_FORMAT` with `path` and `byte` if it is not UTF-8.
 */
export async function* decoded(input: Input, progress?: Progress): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let rest: Uint8Array = new Uint8Array(0); // the start of an incomplete code point
  let offset = 0; // of `rest` in the input
  const decode = (bytes: Uint8Array): string => {
    try {
      const text = decoder.decode(bytes);
      return offset === 0 && text.startsWith('\uFEFF') ? text.slice(1) : text;
    } catch {
      throw notUtf8(input.name, offset + firstMalformed(bytes));
    }
  };
  for await (const chunk of chunks(input)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = endOfCharacters(bytes);
    const text = decode(bytes.subarray(0, end));
    rest = bytes.subarray(end);
    offset += end;
    progress?.add(chunk.length);
    if (text !== '') yield text;
  }
  if (rest.length > 0) throw notUtf8(input.name, offset);
}

async function* chunks(input: Input): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* input.stream();
  } catch (error) {
    throw systemError(input.name, error);
  }
}

function notUtf8(path: string, byte: number): TokenbedError {
  return fail(Error, 'ERR_FORMAT', `${path}: byte ${byte} is not UTF-8`, { path, byte });
}
