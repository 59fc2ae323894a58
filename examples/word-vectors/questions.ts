/** Questions to word vectors: which words are nearest to `king - man + woman`? */

import type { Embedding } from 'tokenbed';

export const QUESTIONS = [
  'king - man + woman',
  'paris - france + italy',
  'berlin - germany + japan',
  'piano',
  'rome',
] as const;

/** The words of a question, each with the sign before it. */
function terms(question: string): { word: string; sign: number }[] {
  return [...question.matchAll(/([+-] )?(\S+)/g)].map(([, sign, word]) => ({
    word: word!,
    sign: sign === '- ' ? -1 : 1,
  }));
}

/** The vector of a word, divided by its length. */
function unit(table: Embedding, word: string): Float32Array {
  const id = table.indexOf(word);
  if (id < 0) throw new Error(`the table has no word ${word}`);
  const row = table.weight.row(id);
  const length = Math.hypot(...row);
  return row.map((value) => value / length);
}

/** The `count` words nearest to a sum of unit vectors by cosine, other than the words of the question. */
export function ask(table: Embedding, question: string, count: number): { word: string; score: number }[] {
  const asked = terms(question);
  const query = new Float32Array(table.embeddingDim);
  for (const { word, sign } of asked) unit(table, word).forEach((value, c) => (query[c]! += sign * value));
  const { ids, scores } = table.nearest(query, { k: count + asked.length });
  return Array.from(ids.data, (id, i) => ({ word: table.words![id]!, score: scores.data[i]! }))
    .filter(({ word }) => asked.every((each) => each.word !== word))
    .slice(0, count);
}
