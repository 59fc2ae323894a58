/**
 * BPE over the characters of lower-cased words: the classic form.
 *
 *     "Low lower" -> l o w </w>, l o w e r </w> -> merges never leave a word
 *
 *     ids:  0..3 special tokens,  then the alphabet sorted by code point,  then what each merge makes
 *
 * A token is its spelling, and no two merges spell the same one: whatever stands to the left and right of the
 * characters that become a token, no merge has crossed its ends, so those before it did the same within it each
 * time. The end of a word is a symbol spelled `</w>`, and text that spells it never becomes it: a pair that would
 * complete these four characters is passed over, so a spelling says of every token whether it closes a word.
 */

import { byCodePoint, isCodePoint } from './code-points.js';
import { MergeRules } from './merge-rules.js';
import type { Model, OnProgress } from './model.js';
import { PairQueue } from './pair-queue.js';
import { SPECIAL_TOKENS, UNK } from './tokenizer.js';

/** Closes a word. */
const END_OF_WORD = '</w>';

/** Longer tokens are not made, so that a small file cannot describe a vocabulary of gigabytes. */
const MAX_TOKEN_LENGTH = 2 ** 20;

/** What Python's `str.split()` splits at, negated: U+FEFF is no white space there, U+001C to U+001F and U+0085 are. */
// oxlint-disable-next-line no-control-regex -- they are white space to Python
const WORD = /[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/** The words of a text, lower-cased. */
function* wordsOf(text: string): Generator<string, void, undefined> {
  for (const [word] of text.toLowerCase().matchAll(WORD)) yield word;
}

/** Whether a symbol of the alphabet may be spelled so: a code point that is no white space, or `</w>`. */
export function isWordSymbol(spelling: string): boolean {
  return spelling === END_OF_WORD || (isCodePoint(spelling) && spelling.search(WORD) === 0);
}

/** What a merge spells, or `undefined` where there must not be such a token. */
export function joinedSpelling(left: string, right: string): string | undefined {
  const joined = left + right;
  if (left.endsWith(END_OF_WORD) || joined.length > MAX_TOKEN_LENGTH) return undefined;
  const text = right.endsWith(END_OF_WORD) ? joined.slice(0, -END_OF_WORD.length) : joined;
  const taken = text.includes(END_OF_WORD) || (SPECIAL_TOKENS as readonly string[]).includes(joined);
  return taken ? undefined : joined;
}

export class WordModel implements Model<string> {
  readonly merges: readonly (readonly [string, string])[];
  readonly vocab: ReadonlyMap<string, number>;
  readonly vocabSize: number;
  /** The symbols that are there without merges, `</w>` among them unless there were no words. */
  readonly alphabet: readonly string[];

  readonly #spellings: readonly string[];
  /** Of the alphabet alone: what a character or the end of a word becomes. */
  readonly #ids: ReadonlyMap<string, number>;
  readonly #rules: MergeRules;

  /**
   * The parts of each merge are spellings that exist before it, `joinedSpelling` allows it, and what it spells is new.
   */
  constructor(alphabet: readonly string[], merges: readonly (readonly [string, string])[]) {
    const symbols = [...SPECIAL_TOKENS, ...alphabet];
    this.alphabet = alphabet;
    this.merges = Object.freeze(merges.map((pair) => Object.freeze([...pair] as [string, string])));
    this.#spellings = [...symbols, ...merges.map(([left, right]) => left + right)];
    this.vocabSize = this.#spellings.length;
    this.vocab = idsOf(this.#spellings);
    this.#ids = idsOf(symbols);
    this.#rules = new MergeRules(
      Int32Array.from(merges, ([left]) => this.vocab.get(left)!),
      Int32Array.from(merges, ([, right]) => this.vocab.get(right)!),
      symbols.length,
    );
  }

  /** Learns merges until there are `target` entries; a target below the alphabet keeps the alphabet. */
  static train(texts: Iterable<string>, target: number, onProgress: OnProgress | undefined): WordModel {
    // Each word once, in the order of first appearance, so the first place of a pair is that in the whole text.
    const counts = new Map<string, number>();
    for (const text of texts) for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const pieces = Array.from(counts.keys(), (word) => [...word, END_OF_WORD]);
    const alphabet = [...new Set(pieces.flat())].sort(bySpelling);

    const spellings = [...SPECIAL_TOKENS, ...alphabet];
    const ids = idsOf(spellings);
    const queue = new PairQueue({
      symbols: Int32Array.from(pieces.flat(), (symbol) => ids.get(symbol)!),
      lengths: pieces.map((piece) => piece.length),
      weights: [...counts.values()],
    });
    const merges: [string, string][] = [];
    const total = target - spellings.length;
    while (merges.length < total) {
      const pair = queue.next();
      if (pair === undefined) break;
      const left = spellings[pair.left]!;
      const right = spellings[pair.right]!;
      const joined = joinedSpelling(left, right);
      if (joined === undefined) {
        queue.skip();
        continue;
      }
      queue.merge(spellings.length);
      spellings.push(joined);
      merges.push([left, right]);
      onProgress?.({ done: merges.length, total });
    }
    return new WordModel(alphabet, merges);
  }

  encode(text: string, ids: number[]): void {
    for (const word of wordsOf(text)) {
      const symbols = this.#rules.room(word.length + 1);
      let length = 0;
      for (const char of word) symbols[length++] = this.#ids.get(char) ?? UNK;
      symbols[length++] = this.#ids.get(END_OF_WORD) ?? UNK;
      const count = this.#rules.apply(length);
      for (let index = 0; index < count; index++) ids.push(symbols[index]!);
    }
  }

  /** Words are separated by one space each; there is none at the start or at the end. */
  decode(ids: readonly number[], skipSpecialTokens: boolean): string {
    let text = '';
    for (const id of ids) {
      if (skipSpecialTokens && id < SPECIAL_TOKENS.length) continue;
      const spelling = this.#spellings[id]!;
      text += spelling.endsWith(END_OF_WORD) ? `${spelling.slice(0, -END_OF_WORD.length)} ` : spelling;
    }
    let start = 0;
    let end = text.length;
    while (text[start] === ' ') start++;
    while (end > start && text[end - 1] === ' ') end--;
    return text.slice(start, end);
  }
}

/** The id of each spelling: its index. */
function idsOf(spellings: readonly string[]): Map<string, number> {
  return new Map(spellings.map((spelling, id) => [spelling, id]));
}

/** By code points; only `<` and `</w>` begin alike, and the shorter one comes first. */
function bySpelling(a: string, b: string): number {
  return byCodePoint(a, b) || a.length - b.length;
}
