/**
 * Triples: a text, a paraphrase that shares few words with it, and a distractor that shares more words with it but is about
 * something else. The verdict on each is that the paraphrase is nearer to the text.
 *
 * ```text
 * triples.json         distractors that repeat the frame of the text, often word for word
 * triples-plain.json   distractors that share four or five words; by another author, who knew no result
 * triples-common.json  distractors that share two or three common words; by a third author, who knew no result
 * ```
 * All were written before a model was run on them, and are never changed: otherwise they would measure their author.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Triple {
  readonly text: string;
  readonly paraphrase: string;
  readonly distractor: string;
}

/** The words of at least three letters. */
const words = (text: string) => new Set(text.toLowerCase().match(/[a-z]{3,}/g));

/** How many words two texts share. */
function shared(a: string, b: string): number {
  const others = words(b);
  return [...words(a)].filter((word) => others.has(word)).length;
}

describe.each([
  ['triples.json', 64, 'a7dcaaf92f114501a4efc4b95912b02c75bca9a473d7573e477979f6b8179dcc'],
  ['triples-plain.json', 80, 'fd89d90a04deb1219bba0cc683340e4f3d7fb51b917781fd802215e7f8512395'],
  ['triples-common.json', 60, '8ce00415ac2202956f5d4d1ceee937093eaa5fc035d9aaa7c1a4a448ea312bcb'],
])('%s', (name, count, sha256) => {
  const file = readFileSync(new URL(`../models/${name}`, import.meta.url));
  const triples: readonly Triple[] = JSON.parse(file.toString('utf8'));

  it('has the triples that were written before a model was run on them', () => {
    expect(createHash('sha256').update(file).digest('hex')).toBe(sha256);
  });

  it('has different texts', () => {
    expect(triples).toHaveLength(count);
    const texts = triples.flatMap(({ text, paraphrase, distractor }) => [text, paraphrase, distractor]);
    expect(new Set(texts).size).toBe(3 * count);
  });

  it('has distractors that share more words with their text than the paraphrase does', () => {
    const wrong = triples.filter(
      ({ text, paraphrase, distractor }) => shared(text, distractor) <= shared(text, paraphrase),
    );
    expect(wrong).toEqual([]);
  });

  it('has paraphrases that share at most two words with their text', () => {
    expect(triples.filter(({ text, paraphrase }) => shared(text, paraphrase) > 2)).toEqual([]);
  });
});
