/**
 * BPE over the bytes of UTF-8: lossless, and no text is unknown.
 *
 *     ids:  0..3 special tokens,  4 + b byte b,  260 + k what merge k makes
 *
 * Nothing is split beforehand: a merge may cross spaces and lines. But where two neighbouring bytes stand next to
 * each other inside no token at all, no merge can ever join them, and the text can be cut there without changing
 * the result. Such cuts come every few dozen bytes in real text, so sequences stay short and in cache.
 */

import { fail } from '../errors.js';
import { MergeRules } from './merge-rules.js';
import type { Model, OnProgress } from './model.js';
import { PairQueue } from './pair-queue.js';
import { SPECIAL_TOKENS } from './tokenizer.js';
import { decodeUtf8, encodeUtf8 } from './utf8.js';

/** The id of byte 0. */
export const FIRST_BYTE = SPECIAL_TOKENS.length;

/** Ids that exist without any merge; also the id of the first merge. */
export const BYTE_VOCABULARY = FIRST_BYTE + 256;

/** Longer results are refused: no engine has a string for them. */
const MAX_BYTES = 2 ** 31 - 1;

export class ByteModel implements Model<number> {
  readonly merges: readonly (readonly [number, number])[];
  readonly vocab: ReadonlyMap<string, number> = new Map(SPECIAL_TOKENS.map((name, id) => [name, id]));
  readonly vocabSize: number;

  // By merge.
  readonly #left: Int32Array;
  readonly #right: Int32Array;
  readonly #rules: MergeRules;
  /** How many bytes each id spells, 0 for special tokens; the products of doubling may pass 2^53 and stay large. */
  readonly #lengths: Float64Array;
  /** Whether the bytes a b stand side by side inside some token, at a * 256 + b. */
  readonly #joined = new Uint8Array(65536);

  /** Each merge is a pair of ids that exist before it, a byte's or an earlier merge's; no pair is there twice. */
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

  /** Learns at most `target - 260` merges. Each text is a piece of its own: no pair crosses two texts. */
  static train(texts: Iterable<string>, target: number, onProgress: OnProgress | undefined): ByteModel {
    const pieces = Array.from(texts, encodeUtf8);
    const lengths = pieces.map((piece) => piece.length);
    const symbols = new Int32Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) for (const byte of piece) symbols[at++] = FIRST_BYTE + byte;

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

  /** Encodes `bytes[start .. end)`, which no merge joins to what is beside it. */
  #encodeRun(bytes: Uint8Array, start: number, end: number, ids: number[]): void {
    if (end - start === 1) {
      ids.push(FIRST_BYTE + bytes[start]!);
      return;
    }
    const symbols = this.#rules.room(end - start);
    for (let at = start; at < end; at++) symbols[at - start] = FIRST_BYTE + bytes[at]!;
    const count = this.#rules.apply(end - start);
    for (let index = 0; index < count; index++) ids.push(symbols[index]!);
  }

  /** Errors: `ERR_TOO_LARGE` when the text would have more than 2^31 - 1 bytes. */
  decode(ids: readonly number[], skipSpecialTokens: boolean): string {
    const lengths = this.#lengths;
    const spelled = skipSpecialTokens ? [] : SPECIAL_TOKENS.map(encodeUtf8);
    let total = 0;
    for (const id of ids) total += id < FIRST_BYTE ? (spelled[id]?.length ?? 0) : lengths[id]!;
    if (total > MAX_BYTES) {
      const message = `A text of ${total} bytes is too large: the limit is ${MAX_BYTES}`;
      throw fail(RangeError, 'ERR_TOO_LARGE', message, { bytes: total, limit: MAX_BYTES });
    }
    const bytes = new Uint8Array(total);
    const pending: number[] = [];
    let at = 0;
    for (const id of ids) {
      if (id < FIRST_BYTE) {
        const name = spelled[id];
        if (name === undefined) continue;
        bytes.set(name, at);
        at += name.length;
        continue;
      }
      // A merge is spelled by its left part and then its right part, which waits on a stack.
      pending.push(id);
      while (pending.length > 0) {
        let part = pending.pop()!;
        while (part >= BYTE_VOCABULARY) {
          pending.push(this.#right[part - BYTE_VOCABULARY]!);
          part = this.#left[part - BYTE_VOCABULARY]!;
        }
        bytes[at++] = part - FIRST_BYTE;
      }
    }
    return decodeUtf8(bytes);
  }
}
