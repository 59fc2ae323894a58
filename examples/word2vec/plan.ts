/** Choices that depend on the length of a text. */

import { type Corpus, readCorpus } from './corpus.js';
import { DEFAULTS, type Settings } from './skip-gram.js';

/** A longer text is cut: about four million words. */
export const MOST_CHARACTERS = 25_000_000;
/** A shorter text is read several times, up to this many words, which takes seconds. */
const WORDS = 2_000_000;
const MOST_EPOCHS = 40;

/** The vocabulary of a text and settings for its length. Error if it has too few words that occur often enough. */
export function plan(text: string): { corpus: Corpus; settings: Settings } {
  const minCount = text.length < 50_000 ? 2 : text.length < 1_000_000 ? 3 : 5;
  const corpus = readCorpus(text.slice(0, MOST_CHARACTERS), minCount);
  if (corpus.words.length < 2) throw new Error(`The text needs more words that occur ${minCount} times`);
  const epochs = Math.max(1, Math.min(MOST_EPOCHS, Math.round(WORDS / corpus.ids.length)));
  return { corpus, settings: { ...DEFAULTS, epochs } };
}

/** Frequent words to show the neighbors of, without the most frequent, which are near to all others. */
export const shownWords = ({ words }: Corpus, count: number): number[] =>
  Array.from({ length: Math.min(count, words.length) }, (_, i) =>
    Math.floor(words.length * (0.05 + (0.3 * i) / count)),
  );
