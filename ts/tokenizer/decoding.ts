/** Decoding: of ids that arrive in parts, and up to the longest string of the engine. */

import { tooLarge } from '../errors.js';
import { readIds, type TokenIds } from './token-ids.js';
import { decodeUtf8 } from './utf8.js';

/**
 * Decodes ids that arrive in parts, such as those that a model generates.
 *
 * However the ids are cut, the results of all calls of `write` and of `end`, concatenated, are `decode` of all ids.
 */
export interface TokenDecoder {
  /**
   * Returns the text that is certain after `ids`. Bytes of an unfinished character, and in mode `words` spaces at the
   * end, are kept for the next call.
   *
   * Errors: as `Tokenizer.decode`. After an error the decoder is unchanged.
   */
  write(ids: TokenIds): string;
  /** Returns the rest: U+FFFD for an unfinished character, else the empty string. Later calls of `write` begin a new text. */
  end(): string;
}

/** A `TokenDecoder` of checked ids. `write` throws before it changes the state. */
export interface Decoding {
  write(ids: ArrayLike<number>): string;
  end(): string;
}

/** A decoder of ids below `vocabSize`. */
export function decoderOf(vocabSize: number, { write, end }: Decoding): TokenDecoder {
  return Object.freeze({ write: (ids: TokenIds) => write(readIds(ids, vocabSize)), end });
}

/** Every engine has strings of this length: V8 on 32 bits has the shortest limit. */
const ALWAYS_FITS = 2 ** 28 - 16;

/** The length of the engine's longest string. Each `repeat` takes microseconds: it copies nothing, or throws at once. */
function longestString(): number {
  let [fits, tooLong] = [ALWAYS_FITS / 2, 2 ** 32]; // in pairs: engines copy if a single unit is repeated
  while (tooLong - fits > 1) {
    const pairs = Math.floor((fits + tooLong) / 2);
    try {
      '--'.repeat(pairs);
      fits = pairs;
    } catch {
      tooLong = pairs;
    }
  }
  return 2 * fits;
}

/** `ERR_TOO_LARGE` if no string has `length` units, of `unitBytes` bytes each. */
export function expectString(length: number, unitBytes: 1 | 2): void {
  const limit = length > ALWAYS_FITS ? longestString() : length;
  if (length <= limit) return;
  throw tooLarge('The decoded text', length * unitBytes, limit * unitBytes);
}

/** The text of UTF-8. `ERR_TOO_LARGE` if no string has its length. */
export function textOf(bytes: Uint8Array): string {
  if (bytes.length > ALWAYS_FITS) {
    let units = 0;
    // A continuation byte is not a unit, except that a character of four bytes has two units.
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      units += Number((byte & 0xc0) !== 0x80) + Number(byte >= 0xf0);
    }
    expectString(units, 2);
  }
  return decodeUtf8(bytes);
}

/** The number of ids whose texts are joined at once. (Added one by one, they would take 32 bytes per id.) */
const TEXTS = 4096;

/**
 * The concatenated texts of `ids`, where those below `skipped` have none.
 *
 * Errors: `ERR_TOO_LARGE`, before anything is concatenated, if the text with `before` units in front is too long.
 */
export function spell(ids: ArrayLike<number>, texts: readonly string[], skipped: number, before = 0): string {
  let units = before;
  for (let i = 0; i < ids.length; i++) if (ids[i]! >= skipped) units += texts[ids[i]!]!.length;
  expectString(units, 2);
  let text = '';
  for (let start = 0; start < ids.length; start += TEXTS) {
    const end = Math.min(ids.length, start + TEXTS);
    const some: string[] = [];
    for (let i = start; i < end; i++) if (ids[i]! >= skipped) some.push(texts[ids[i]!]!);
    text += some.join('');
  }
  return text;
}
