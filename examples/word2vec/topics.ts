/** A text from a seed: sentences about one topic each, with common words in between. */

import type { Embedding } from 'tokenbed';
import { Random } from './random.js';

const TOPICS = 10;
const WORDS = 30;
const COMMON = 20;
const SENTENCES = 6000;

/** The topic of a word, or -1 for common words. */
export const topicOf = (word: string): number =>
  word.startsWith('t') ? Number(word.slice(1).split('w')[0]) : -1;

export function topicText(seed: number): string {
  const random = new Random(seed);
  /** Small numbers are more frequent, as in every text. */
  const zipf = (n: number) => Math.floor(n ** random.next() - 1 + random.next());
  const sentence = () => {
    const topic = random.below(TOPICS);
    const words = Array.from({ length: 8 + random.below(8) }, () =>
      random.next() < 0.3 ? `common${zipf(COMMON)}` : `t${topic}w${zipf(WORDS)}`,
    );
    return `${words.join(' ')}.\n`;
  };
  return Array.from({ length: SENTENCES }, sentence).join('');
}

/** The share of the `k` nearest words of all topic words that have the same topic. */
export function nearestShare(vectors: Embedding, k: number): number {
  const words = vectors.words!;
  const topics = words.map(topicOf);
  const { ids } = vectors.nearest(vectors.weight.toTensor(), { k: k + 1 });
  let [same, all] = [0, 0];
  words.forEach((_, word) => {
    if (topics[word] === -1) return;
    const nearest = [...ids.data.subarray(word * (k + 1), (word + 1) * (k + 1))].filter((id) => id !== word);
    same += nearest.slice(0, k).filter((id) => topics[id] === topics[word]).length;
    all += k;
  });
  return same / all;
}
