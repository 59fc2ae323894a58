/**
 * BPE over UTF-8 bytes: lossless, without unknown tokens.
 *
 *     ids:  0..3 special tokens,  4 + b byte b,  260 + k the token of merge k
 *
 * There is no pre-splitting: a merge may cross spaces and lines. If two bytes are not adjacent inside any token, no
 * merge can join them, and cutting the text between them does not change the result. Real text has such a cut
 * every few dozen bytes, so sequences stay short and in cache.
 */

import { type Decoding, expectString } from './decoding.js';
import { MergeRules } from './merge-rules.js';
import { PairQueue } from './pair-queue.js';
import { type Model, type OnProgress, SPECIAL_TOKENS } from './tokenizer.js';
import { decodeUtf8, encodeUtf8, endOfCharacters } from './utf8.js';

/** The id of byte 0. */
export const FIRST_BYTE = SPECIAL_TOKENS.length;

/** The number of ids before any merge; also the id of the first merge. */
export const BYTE_VOCABULARY = FIRST_BYTE + 256;

const NO_BYTES = /* @__PURE__ */ new Uint8Array(0);

export class ByteModel implements Model<number> {
  readonly merges: readonly (readonly [number, number])[];
  readonly vocab: ReadonlyMap<string, number> = new Map(SPECIAL_TOKENS.map((name, id) => [name, id]));
  readonly vocabSize: number;

  // Indexed by merge.
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  readonly #rules: MergeRules;
  /**
   * The number of bytes of each id, 0 for special tokens. Merges that double a token can exceed 2^53; rounding is
   * harmless, since such lengths only have to compare as too large.
   */
  readonly #lengths: Float64Array;
  /** Element a * 256 + b is 1 if bytes a and b are adjacent inside some token. */
  readonly #joined = new Uint8Array(65536);

  /** Each merge is a pair of ids that exist before it (bytes or earlier merges). Pairs are distinct. */
  constructor(merges: readonly (readonly [number, number])[]) {
    this.merges = Object.freeze(merges.map((pair) => Object.freeze([...pair] as [number, number])));
    this.vocabSize = BYTE_VOCABULARY + merges.length;
    this.#left = Int32Array.from(merges, ([left]) => left);
    this.#right = Int32Array.from(merges, ([, right]) => right);
    this.#rules = new MergeRules(this.#left, this.#right, BYTE_VOCABULARY);
    this.#lengths = new Float64Array(this.vocabSize).fill(1, FIRST_BYTE);
    const first = Uint8Array.from({ length: this.vocabSize }, (_, id) => id - FIRST_BYTE);
    const last = first.slice();
    merges.forEach(([left, right], rank) => {
      const id = BYTE_VOCABULARY + rank;
      this.#lengths[id] = this.#lengths[left]! + this.#lengths[right]!;
      this.#joined[last[left]! * 256 + first[right]!] = 1;
      first[id] = first[left]!;
      last[id] = last[right]!;
    });
  }

  /** Learns at most `target - 260` merges. No pair crosses two texts. */
  static train(texts: Iterable<string>, target: number, onProgress: OnProgress | undefined): ByteModel {
    const pieces = Array.from(texts, encodeUtf8);
    const lengths = pieces.map((piece) => piece.length);
    const symbols = new Int32Array(lengths.reduce((sum, length) => sum + length, 0));
    let count = 0;
    for (const piece of pieces) for (const byte of piece) symbols[count++] = FIRST_BYTE + byte;

    const queue = new PairQueue({ symbols, lengths });
    const merges: [number, number][] = [];
    const total = target - BYTE_VOCABULARY;
    while (merges.length < total) {
      const pair = queue.next();
      if (pair === undefined) break;
      queue.merge(BYTE_VOCABULARY + merges.length);
      merges.push([pair.left, pair.right]);
      onProgress?.({ done: merges.length, total });
    }
    return new ByteModel(merges);
  }

  encode(text: string, ids: number[]): void {
    const bytes = encodeUtf8(text);
    const joined = this.#joined;
    const { length } = bytes;
    let start = 0;
    for (let end = 1; end <= length; end++) {
      if (end < length && joined[bytes[end - 1]! * 256 + bytes[end]!] === 1) continue;
      this.#encodeRun(bytes, start, end, ids);
      start = end;
    }
  }

  /** Encodes `bytes[start .. end)`. No merge crosses either end. */
  #encodeRun(bytes: Uint8Array, start: number, end: number, ids: number[]): void {
    if (end - start === 1) {
      ids.push(FIRST_BYTE + bytes[start]!);
      return;
    }
    const symbols = this.#rules.buffer(end - start);
    for (let i = start; i < end; i++) symbols[i - start] = FIRST_BYTE + bytes[i]!;
    const count = this.#rules.apply(end - start);
    for (let i = 0; i < count; i++) ids.push(symbols[i]!);
  }

  decoder(skipSpecialTokens: boolean): Decoding {
    const specialTokens = skipSpecialTokens ? [] : SPECIAL_TOKENS.map(encodeUtf8);
    let unfinished = NO_BYTES; // the bytes of a character that is incomplete
    const write = (ids: ArrayLike<number>): string => {
      const bytes = this.#bytesOf(ids, specialTokens, unfinished);
      const complete = endOfCharacters(bytes);
      unfinished = complete < bytes.length ? bytes.slice(complete) : NO_BYTES;
      return decodeUtf8(bytes.subarray(0, complete));
    };
    const end = (): string => {
      const text = decodeUtf8(unfinished);
      unfinished = NO_BYTES;
      return text;
    };
    return { write, end };
  }

  /** The bytes `before` and those of `ids`. Errors: `ERR_TOO_LARGE`, before anything is allocated. */
  #bytesOf(
    ids: ArrayLike<number>,
    specialTokens: readonly Uint8Array[],
    before: Uint8Array,
  ): Uint8Array<ArrayBuffer> {
    const lengths = this.#lengths;
    let total = before.length;
    for (let i = 0; i < ids.length; i++) total += specialTokens[ids[i]!]?.length ?? lengths[ids[i]!]!;
    // A text has at most as many UTF-16 units as bytes. Engines refuse to decode more bytes than that.
    expectString(total, 1);
    const bytes = new Uint8Array(total);
    bytes.set(before);
    const pending: number[] = [];
    let offset = before.length;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (id < FIRST_BYTE) {
        const name = specialTokens[id];
        if (name === undefined) continue;
        bytes.set(name, offset);
        offset += name.length;
        continue;
      }
      // Expand a merge depth-first: follow the left part, push the right part.
      pending.push(id);
      while (pending.length > 0) {
        let part = pending.pop()!;
        while (part >= BYTE_VOCABULARY) {
          pending.push(this.#right[part - BYTE_VOCABULARY]!);
          part = this.#left[part - BYTE_VOCABULARY]!;
        }
        bytes[offset++] = part - FIRST_BYTE;
      }
    }
    return bytes;
  }
}
