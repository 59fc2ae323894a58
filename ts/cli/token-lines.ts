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

/**
 * What may follow in a line: anything at its start; ids in a plain line; in a JSON array a value or `]`, a value alone, a
 * comma or `]`, nothing.
 */
type Follows = 'anything' | 'ids' | 'a value or ]' | 'a value' | 'a comma or ]' | 'nothing';

/**
 * Reads lines of ids, separated by white space or as a JSON array, as `tokenize` writes them; `source` is the name of the
 * input, ids must be below `bound`.
 */
export function idReader(source: string, bound: number): TokenReader {
  let [line, position, column] = [0, 0, 1];
  let follows: Follows = 'anything';
  let begun = ''; // the start of an id that continues in the next piece
  return ({ text, first, last }, batch) => {
    if (first) [line, position, column, follows] = [line + 1, 0, 1, 'anything'];
    const all = begun + text;
    begun = '';
    for (let at = 0; ;) {
      while (at < all.length && isSpace(all.charCodeAt(at))) at++;
      if (at === all.length) break;
      const place = { source, line, column: column + at };
      const after = follows === 'ids' ? undefined : afterMark(follows, all[at]!, place);
      if (after !== undefined) {
        follows = after;
        at++;
        continue;
      }
      const start = at;
      const plain = follows === 'anything' || follows === 'ids';
      const ends = plain ? isSpace : endsValue;
      while (at < all.length && !ends(all.charCodeAt(at))) at++;
      if (at === all.length && !last && at - start <= LONGEST_WORD) {
        begun = all.slice(start);
        column += start;
        return;
      }
      if (follows === 'a comma or ]' || follows === 'nothing')
        throw malformed(follows, describe(all.slice(start, at)), place);
      const id = readId(all.slice(start, at), bound, place);
      batch.push(id, checkPosition(position++, place));
      follows = plain ? 'ids' : 'a comma or ]';
    }
    column += all.length;
    if (last && follows.startsWith('a ')) {
      throw malformed(follows, 'the end of the line', { source, line, column });
    }
  };
}

const isSpace = (unit: number): boolean => unit === 32 || (unit >= 9 && unit <= 13);

/** The marks of a JSON array. */
const MARKS = '[,]';

const endsValue = (unit: number): boolean => isSpace(unit) || MARKS.includes(String.fromCharCode(unit));

/** What may follow after a mark of a JSON array; `undefined` if `char` begins an id. */
function afterMark(follows: Follows, char: string, place: Place): Follows | undefined {
  if (follows === 'anything') return char === '[' ? 'a value or ]' : undefined;
  if (!MARKS.includes(char)) return undefined;
  if (char === ']' && follows.endsWith(']')) return 'nothing';
  if (char === ',' && follows === 'a comma or ]') return 'a value';
  throw malformed(follows, describe(char), place);
}

/** `ERR_FORMAT`: a line that begins as a JSON array and is not one. */
function malformed(follows: Follows, got: string, place: Place): TokenbedError {
  const { source, line, column } = place;
  const rule = `a JSON array of ids: expected ${follows}`;
  const message = `${source}: line ${line}, column ${column}: ${rule}, got ${got}`;
  return fail(Error, 'ERR_FORMAT', message, { path: source, line, column, rule });
}

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
