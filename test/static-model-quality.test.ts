/**
 * The meaning of texts: how often the real model puts a paraphrase nearer to a text than a distractor that shares more words
 * with it. test/repository/triples.test.ts describes the three sets. The target is 54 of 60, and at most 40 for random rows.
 *
 * ```text
 *                       triples   real model   random rows
 * triples-common.json        60           59      at most 3
 * triples-plain.json         80           45      at most 1      (50 as f32, before its rows were stored as i4)
 * triples.json               64           45              0      (47)
 * ```
 * Only triples-common.json reaches the target. triples.json came first; each of the others was written by an author who knew
 * no result, after the set before had missed the target. A mean of rows does not see the order of words: where a distractor
 * repeats most of the sentence, a third of the verdicts is wrong.
 */

import { Embedding, similarity, StaticModel, type StaticModelFiles } from 'tokenbed';
import { beforeAll, describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { realModel } from './helpers/real-model.js';
import common from './models/triples-common.json' with { type: 'json' };
import plain from './models/triples-plain.json' with { type: 'json' };
import frames from './models/triples.json' with { type: 'json' };

answersThroughout();

/** The most verdicts that random rows may get right. */
const MOST = 40;

let files: Awaited<ReturnType<typeof realModel>>;

beforeAll(async () => {
  files = await realModel();
});

/** For how many triples the paraphrase is nearer. */
function right(model: StaticModel, triples: typeof common): number {
  const embed = (key: keyof (typeof common)[number]) => model.embed(triples.map((triple) => triple[key]));
  const [text, paraphrase, distractor] = [embed('text'), embed('paraphrase'), embed('distractor')];
  const near = similarity(text, paraphrase).data;
  const far = similarity(text, distractor).data;
  const n = triples.length;
  return triples.filter((_, i) => near[i * n + i]! > far[i * n + i]!).length;
}

/** The model with random rows of the same shape. */
async function random(seed: number): Promise<StaticModelFiles> {
  using real = await StaticModel.load(files);
  const shape = { vocabSize: real.vocabSize, embeddingDim: real.dim };
  using rows = new Embedding({ ...shape, seed, initType: 'normal' });
  return { ...files, model: rows.toBytes('safetensors', { tensor: 'embeddings' }) };
}

describe.each([
  { name: 'triples-common.json', triples: common, least: 54 },
  { name: 'triples-plain.json', triples: plain, least: 45 },
  { name: 'triples.json', triples: frames, least: 45 },
])('$name', ({ triples, least }) => {
  it.each(['keep', 'f32'] as const)(`the real model, stored as %s: at least ${least}`, async (dtype) => {
    using model = await StaticModel.load(files, { dtype });
    expect(model.table.dtype).toBe(dtype === 'keep' ? 'i4' : dtype);
    expect(right(model, triples)).toBeGreaterThanOrEqual(least);
  });

  it.each([1, 2])(`random rows of seed %i: at most ${MOST}`, async (seed) => {
    using model = await StaticModel.load(await random(seed));
    expect(right(model, triples)).toBeLessThanOrEqual(MOST);
  });
});
