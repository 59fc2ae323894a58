/**
 * The classic form of BPE: over the characters of lowercased words.
 *
 *     "Low lower" -> l o w </w>, l o w e r </w>          merges do not cross words
 *
 *     ids:  0..3 special tokens,  then the alphabet sorted by code point,  then one per merge
 *
 * Tokens are identified by their spelling, and no two merges produce the same spelling: no earlier merge crossed
 * the ends of the new token, so the earlier merges had the same effect on its characters at every occurrence. The
 * end of a word is the symbol `</w>`. Text that contains these four characters never becomes that symbol, because
 * a pair that would complete them is skipped. A spelling therefore tells whether the token ends a word.
 */

import { type Decoding, spell } from './decoding.js';
import { MergeRules } from './merge-rules.js';
import { PairQueue } from './pair-queue.js';
import { byCodePoint, isCodePoint, type Model, type OnProgress, SPECIAL_TOKENS, UNK } from './tokenizer.js';

/** The symbol at the end of each word. */
const END_OF_WORD = '</w>';

/** The maximum length of a token. Without it, a small file could describe a vocabulary of gigabytes. */
const MAX_TOKEN_LENGTH = 2 ** 20;

/** A run of non-white-space, as Python's `str.split()` defines it: U+001C..U+001F and U+0085 are white space, U+FEFF is not. */
// oxlint-disable-next-line no-control-regex -- Python treats them as white space
const WORD = /[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/** The words of a text, lowercased. */
function* wordsOf(text: string): Generator<string, void, undefined> {
  for (const [word] of text.toLowerCase().matchAll(WORD)) yield word;
}

/** Whether `spelling` can be a symbol of the alphabet: one code point other than white space, or `</w>`. */
export function isWordSymbol(spelling: string): boolean {
  return spelling === END_OF_WORD || (isCodePoint(spelling) && spelling.search(WORD) === 0);
}

/** The spelling of a merge, or `undefined` if the merge is not allowed. */
export function joinedSpelling(left: string, right: string): string | undefined {
  const joined = left + right;
  if (left.endsWith(END_OF_WORD) || joined.length > MAX_TOKEN_LENGTH) return undefined;
  const text = right.endsWith(END_OF_WORD) ? joined.slice(0, -END_OF_WORD.length) : joined;
  const reserved = text.includes(END_OF_WORD) || (SPECIAL_TOKENS as readonly string[]).includes(joined);
  return reserved ? undefined : joined;
}

export class WordModel implements Model<string> {
  readonly merges: readonly (readonly [string, string])[];
  readonly vocab: ReadonlyMap<string, number>;
  readonly vocabSize: number;
  /** The symbols before any merge. Includes `</w>` unless the corpus has no words. */
  readonly alphabet: readonly string[];

  /** The text of each id: its spelling, with a space instead of `</w>`. */
  readonly #texts: readonly string[];
  /** The ids of special tokens and of the alphabet, without merges. */
  readonly #ids: ReadonlyMap<string, number>;
  readonly #rules: MergeRules;

  /**
   * Both parts of a merge are spellings that exist before it, `joinedSpelling` allows the merge, and its spelling
   * is new.
   */
  constructor(alphabet: readonly string[], merges: readonly (readonly [string, string])[]) {
    const symbols = [...SPECIAL_TOKENS, ...alphabet];
    this.alphabet = alphabet;
    this.merges = Object.freeze(merges.map((pair) => Object.freeze([...pair] as [string, string])));
    const spellings = [...symbols, ...merges.map(([left, right]) => left + right)];
    this.vocabSize = spellings.length;
    this.vocab = idsOf(spellings);
    this.#texts = spellings.map((spelling) =>
      spelling.endsWith(END_OF_WORD) ? `${spelling.slice(0, -END_OF_WORD.length)} ` : spelling,
    );
    this.#ids = idsOf(symbols);
    this.#rules = new MergeRules(
      Int32Array.from(merges, ([left]) => this.vocab.get(left)!),
      Int32Array.from(merges, ([, right]) => this.vocab.get(right)!),
      symbols.length,
    );
  }

  /** Learns merges until there are `target` entries. A target below the size of the alphabet keeps the alphabet. */
  static train(texts: Iterable<string>, target: number, onProgress: OnProgress | undefined): WordModel {
    // Distinct words in order of first appearance: the first occurrence of a pair is then the first in the corpus.
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
      const symbols = this.#rules.buffer(word.length + 1);
      let length = 0;
      for (const char of word) symbols[length++] = this.#ids.get(char) ?? UNK;
      symbols[length++] = this.#ids.get(END_OF_WORD) ?? UNK;
      const count = this.#rules.apply(length);
      for (let i = 0; i < count; i++) ids.push(symbols[i]!);
    }
  }

  /** Words are separated by single spaces, without leading or trailing space. */
  decoder(skipSpecialTokens: boolean): Decoding {
    const skipped = skipSpecialTokens ? SPECIAL_TOKENS.length : 0;
    let begun = false; // whether the text has a word
    let spaces = 0; // after the last word; they precede the next one
    const write = (ids: ArrayLike<number>): string => {
      const text = spell(ids, this.#texts, skipped, spaces);
      let end = text.length;
      while (text[end - 1] === ' ') end--;
      let start = 0;
      if (!begun) while (start < end && text[start] === ' ') start++;
      if (start === end) {
        if (begun) spaces += text.length;
        return '';
      }
      const words = ' '.repeat(spaces) + text.slice(start, end);
      begun = true;
      spaces = text.length - end;
      return words;
    };
    const end = (): string => {
      [begun, spaces] = [false, 0];
      return '';
    };
    return { write, end };
  }
}

/** Maps each spelling to its index. */
function idsOf(spellings: readonly string[]): Map<string, number> {
  return new Map(spellings.map((spelling, id) => [spelling, id]));
}

/** By code point. Only `<` and `</w>` start with the same one; the shorter comes first. */
function bySpelling(a: string, b: string): number {
  return byCodePoint(a, b) || a.length - b.length;
}
