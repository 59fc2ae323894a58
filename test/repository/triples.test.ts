/**
 * The triples of test/models/triples.json: a text, a paraphrase that shares few words with it, and a distractor that shares
 * more words with it but is about something else. The verdict on each is that the paraphrase is nearer to the text.
 *
 * They were written before a model was run on them, and are never changed: otherwise they would measure their author.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Triple {
  readonly text: string;
  readonly paraphrase: string;
  readonly distractor: string;
}

const file = readFileSync(new URL('../models/triples.json', import.meta.url));
const triples: readonly Triple[] = JSON.parse(file.toString('utf8'));

/** The words of at least three letters. */
const words = (text: string) => new Set(text.toLowerCase().match(/[a-z]{3,}/g));

/** How many words two texts share. */
function shared(a: string, b: string): number {
  const others = words(b);
  return [...words(a)].filter((word) => others.has(word)).length;
}

it('the triples are those that were written before a model was run on them', () => {
  expect(createHash('sha256').update(file).digest('hex')).toBe(
    'a7dcaaf92f114501a4efc4b95912b02c75bca9a473d7573e477979f6b8179dcc',
  );
});

it('there are 64 triples of different texts', () => {
  expect(triples).toHaveLength(64);
  const texts = triples.flatMap(({ text, paraphrase, distractor }) => [text, paraphrase, distractor]);
  expect(new Set(texts).size).toBe(3 * triples.length);
});

it('each distractor shares more words with its text than the paraphrase does', () => {
  const wrong = triples.filter(
    ({ text, paraphrase, distractor }) => shared(text, distractor) <= shared(text, paraphrase),
  );
  expect(wrong).toEqual([]);
});

it('a paraphrase shares at most two words with its text', () => {
  expect(triples.filter(({ text, paraphrase }) => shared(text, paraphrase) > 2)).toEqual([]);
});
