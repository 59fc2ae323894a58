/** Semantic search over the project's own documents, by the model in models/minilm-static. */

import path from 'node:path';
import { Embedding } from 'tokenbed';
import { root } from '../lib/run.mjs';
import { QUESTIONS } from './questions.mjs';

/** The folder of the model. */
export const MODEL = path.join(root, 'models/minilm-static');

/** The passages that are shown for a question. */
export const SHOWN = 3;

/** @typedef {import('./passages.mjs').Passage} Passage */

/** What the vector of a passage is of. @param {Passage} passage */
export const textOf = ({ heading, text }) => `${heading}. ${text}`;

/**
 * The passages nearest to each question.
 *
 * @param {import('tokenbed').StaticModel} model @param {readonly Passage[]} passages
 * @returns {{ vectors: Float32Array, found: { ids: number[], scores: number[] }[] }}
 */
export function search(model, passages) {
  const vectors = model.embed(passages.map(textOf));
  const index = Embedding.fromPretrained(vectors);
  const found = QUESTIONS.map(({ question }) => {
    const { ids, scores } = index.nearest(model.embed([question]), { k: SHOWN });
    return { ids: Array.from(ids.data), scores: Array.from(scores.data) };
  });
  index.dispose();
  return { vectors: vectors.data, found };
}
