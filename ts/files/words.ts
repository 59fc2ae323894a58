/** The words of a table: one for each row, as UTF-8 until they are read. */

import type { OrdinaryBytes, OrdinaryIds } from '../args/arrays.js';
import { decodeUtf8, firstMalformed } from '../tokenizer/utf8.js';
import { malformed } from './input.js';

/** Words in the order of the rows. */
export class Words {
  #list: readonly string[] | null = null;
  #rows: Map<string, number> | null = null;

  /** Word `i` is the UTF-8 text in bytes `offsets[i] .. offsets[i + 1]` of `text`. */
  constructor(
    readonly text: OrdinaryBytes,
    readonly offsets: OrdinaryIds,
  ) {}

  /** All words, in a frozen array that is made at the first call. */
  get list(): readonly string[] {
    this.#list ??= Object.freeze(slices(decodeUtf8(this.text), this.text, this.offsets));
    return this.#list;
  }

  /** The first row of a word; -1 if there is none. */
  indexOf(word: string): number {
    if (this.#rows === null) {
      this.#rows = new Map();
      // From the end, so that the first of equal words remains.
      for (let row = this.list.length - 1; row >= 0; row--) this.#rows.set(this.list[row]!, row);
    }
    return this.#rows.get(word) ?? -1;
  }
}

/** The words of `text`, which is `bytes` decoded: one call of a decoder for each word takes several times as long. */
function slices(text: string, bytes: Uint8Array, offsets: Uint32Array): string[] {
  const words = new Array<string>(offsets.length - 1);
  let at = 0;
  for (let i = 0; i < words.length; i++) {
    let end = at;
    for (let byte = offsets[i]!; byte < offsets[i + 1]!; byte++) {
      const first = bytes[byte]!;
      // Bytes that continue a character add nothing; characters of four bytes are surrogate pairs.
      if ((first & 0xc0) !== 0x80) end += first >= 0xf0 ? 2 : 1;
    }
    words[i] = text.slice(at, end);
    at = end;
  }
  return words;
}

/**
 * Words from bytes of a file. Errors: `ERR_FORMAT` unless the offsets begin at 0, never decrease and end at the length of
 * `text`, and each word is UTF-8. `at`: where the text and the offsets are in the file.
 */
export function checkedWords(
  path: string,
  text: OrdinaryBytes,
  offsets: OrdinaryIds,
  at: { readonly text: number; readonly offsets: number },
): Words {
  for (let i = 0; i < offsets.length; i++) {
    const [from, to] = [i === 0 ? 0 : offsets[i - 1]!, offsets[i]!];
    const last = i === offsets.length - 1;
    if (to >= from && to <= text.length && (i > 0 || to === 0) && (!last || to === text.length)) continue;
    const rule = `the offsets of words must ascend from 0 to ${text.length}: got ${to} at [${i}]`;
    throw malformed(path, rule, { byte: at.offsets + 4 * i });
  }
  // All at once, because a call for each word takes most of the time of a load.
  if (!isUtf8(text) || offsets.some((offset) => isInCharacter(text, offset))) {
    const i = offsets.findIndex((offset, i) => i > 0 && !isUtf8(text.subarray(offsets[i - 1]!, offset)));
    throw malformed(path, `word ${i - 1} must be UTF-8`, { byte: at.text + offsets[i - 1]! });
  }
  return new Words(text, offsets);
}

const isUtf8 = (bytes: Uint8Array): boolean => firstMalformed(bytes) === bytes.length;

/** Whether `offset` is at a byte that continues a character. */
const isInCharacter = (text: Uint8Array, offset: number): boolean =>
  offset < text.length && (text[offset]! & 0xc0) === 0x80;
