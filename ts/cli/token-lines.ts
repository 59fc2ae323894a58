/** Converts lines to token ids. Each line is a sequence; errors name the line and column of a bad id. */

import { describe, fail, type TokenbedError } from '../errors.js';
import type { CharTokenizer } from '../index.js';
import { BOS, EOS } from '../tokenizer/tokenizer.js';
import type { Piece } from './input.js';

/** A buffer of consecutive tokens and their positions in their lines; reused for each piece of input. */
export class TokenBatch {
  #ids = new Uint32Array(4096);
  #positions = new Uint32Array(4096);
  length = 0;

  push(id: number, position: number): void {
    if (this.length === this.#ids.length) {
      this.#ids = doubled(this.#ids);
      this.#positions = doubled(this.#positions);
    }
    this.#ids[this.length] = id;
    this.#positions[this.length++] = position;
  }

  /** Tokens `start .. end - 1`, valid until the next push. */
  slice(start: number, end: number): { ids: Uint32Array; positions: Uint32Array } {
    return { ids: this.#ids.subarray(start, end), positions: this.#positions.subarray(start, end) };
  }
}

function doubled(values: Uint32Array): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(2 * values.length);
  more.set(values);
  return more;
}

/** Appends the tokens of the next piece of a text. */
export type TokenReader = (piece: Piece, batch: TokenBatch) => void;

/** The ids of a piece of a line: `<BOS>` before its start and `<EOS>` after its end, as for the whole line. */
export function charIds(tokenizer: CharTokenizer, { text, first, last }: Piece): number[] {
  const ids = tokenizer.encode(text, { addSpecialTokens: false });
  if (first) ids.unshift(BOS);
  if (last) ids.push(EOS);
  return ids;
}

/** Reads text, one token per character; `source` is its name, ids must be below `bound`. */
export function textReader(tokenizer: CharTokenizer, source: string, bound: number): TokenReader {
  let [line, position] = [0, 0];
  return (piece, batch) => {
    if (piece.first) [line, position] = [line + 1, 0];
    for (const id of charIds(tokenizer, piece)) {
      // <BOS> has no column: it comes before the first character.
      if (id >= bound) throw outOfRange(String(id), bound, { source, line, column: Math.max(1, position) });
      batch.push(id, checkPosition(position++, { source, line, column: position }));
    }
  };
}

/** Valid ids have at most 10 digits. A longer word than this is rejected before its end is read. */
const LONGEST_WORD = 1000;

/** Reads lines of ids separated by white space; `source` is the name of the input, ids must be below `bound`. */
export function idReader(source: string, bound: number): TokenReader {
  let [line, position, column] = [0, 0, 1];
  let begun = ''; // the start of an id that continues in the next piece
  return ({ text, first, last }, batch) => {
    if (first) [line, position, column] = [line + 1, 0, 1];
    const all = begun + text;
    begun = '';
    let at = 0;
    for (;;) {
      while (at < all.length && isSpace(all.charCodeAt(at))) at++;
      const start = at;
      while (at < all.length && !isSpace(all.charCodeAt(at))) at++;
      if (start === at) break;
      if (at === all.length && !last && at - start <= LONGEST_WORD) {
        begun = all.slice(start);
        column += start;
        return;
      }
      const place = { source, line, column: column + start };
      const id = readId(all.slice(start, at), bound, place);
      batch.push(id, checkPosition(position++, place));
    }
    column += all.length;
  };
}

const isSpace = (unit: number): boolean => unit === 32 || (unit >= 9 && unit <= 13);

/** A place in an input. Lines and columns are counted from 1. */
interface Place {
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

const words = ({ source, line, column }: Place): string => `line ${line}, column ${column} of ${source}`;

function readId(text: string, bound: number, place: Place): number {
  const { line, column } = place;
  if (!/^[+-]?[0-9]+$/.test(text) || text.length > LONGEST_WORD) {
    const message = `Token indices must be integers: got ${describe(text)} at ${words(place)}`;
    throw fail(TypeError, 'ERR_INVALID_ID', message, { value: text, line, column });
  }
  const id = Number(text);
  if (id < 0 || id >= bound) throw outOfRange(text, bound, place);
  return id;
}

function outOfRange(text: string, bound: number, place: Place): TokenbedError {
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  const message = `Token indices must be in range [0, ${bound}): got ${short} at ${words(place)}`;
  const { line, column } = place;
  return fail(RangeError, 'ERR_ID_OUT_OF_RANGE', message, { value: text, bound, line, column });
}

/** Positions are encoded up to 2^32 - 1. */
function checkPosition(position: number, place: Place): number {
  if (position < 2 ** 32) return position;
  const text = `Sequence length ${position + 1} exceeds max ${2 ** 32} at ${words(place)}`;
  throw fail(RangeError, 'ERR_SEQUENCE_LENGTH', text, { length: position + 1, max: 2 ** 32 });
}
