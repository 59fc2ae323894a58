/**
 * Distillation: a table of words learns the vectors that another model gives to texts. Texts then become vectors by a mean of
 * rows, without that model.
 *
 *   npm run example distil
 *
 *   passages of docs/ -> teacher -> given vectors [n, D]
 *                     -> ids of words -> EmbeddingBag, mean -> x [n, D] -> meanSquaredError(x, given vectors)
 *
 * The teacher is @tokenbed/minilm-static; any vectors do, such as those of a service.
 */

import { Adam, EmbeddingBag, meanSquaredError, similarity, StaticModel, type Tensor } from 'tokenbed';
import { folder as minilm } from '@tokenbed/minilm-static';
import { readPassages } from '../search/passages.js';

const BATCH = 64;
const EPOCHS = 100;
const LR = 0.01;
/** Every so many passages one is held out. */
const HELD_OUT = 10;
const UNKNOWN = 0;

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

const texts = (await readPassages('docs'))
  .map(({ text }) => text)
  .filter((text) => wordsOf(text).length >= 5);
const learned = texts.filter((_, i) => i % HELD_OUT !== 0);
const heldOut = texts.filter((_, i) => i % HELD_OUT === 0);
const teacher = await StaticModel.load(minilm);
const { dim } = teacher;
const given = teacher.embed(learned).data;

const ids = new Map([...new Set(learned.flatMap(wordsOf))].map((word, i) => [word, i + 1]));
const student = new EmbeddingBag({
  vocabSize: ids.size + 1,
  embeddingDim: dim,
  paddingIdx: UNKNOWN,
  mode: 'mean',
  initType: 'zeros',
});
const adam = new Adam({ parameters: student.parameters, lr: LR });

/** The ids of all texts in one array, and where each text begins. */
function bagsOf(all: readonly string[]): { ids: Uint32Array; offsets: number[] } {
  const bags = all.map((text) => wordsOf(text).map((word) => ids.get(word) ?? UNKNOWN));
  let next = 0;
  const offsets = bags.map(({ length }) => (next += length) - length);
  return { ids: Uint32Array.from(bags.flat()), offsets };
}

function vectorsOf(all: readonly string[]): Tensor<'f32'> {
  const { ids, offsets } = bagsOf(all);
  return student.forward(ids, { offsets });
}

/** The mean cosine of student and teacher. */
function agreement(all: readonly string[]): number {
  const cosines = similarity(vectorsOf(all), teacher.embed(all)).data;
  return all.reduce((sum, _, i) => sum + cosines[i * all.length + i]!, 0) / all.length;
}

console.log(
  `${learned.length} passages, ${ids.size} words, vectors of ${dim}; ${heldOut.length} passages held out`,
);
const batches = Array.from({ length: Math.ceil(learned.length / BATCH) }, (_, i) => {
  const [start, end] = [i * BATCH, Math.min((i + 1) * BATCH, learned.length)];
  return { ...bagsOf(learned.slice(start, end)), target: given.subarray(start * dim, end * dim) };
});

const error = () => meanSquaredError(vectorsOf(learned), given).loss;
const first = error();
for (let epoch = 1; epoch <= EPOCHS; epoch++) {
  adam.lr = LR * (1 - (epoch - 1) / EPOCHS);
  for (const { ids, offsets, target } of batches) {
    const { gradient } = meanSquaredError(student.forward(ids, { offsets }), target);
    student.backward(ids, gradient, { offsets });
    adam.step();
  }
  if (epoch % 25 === 0)
    console.log(`  epoch ${epoch}: ${((100 * error()) / first).toFixed(2)} % of the first error`);
}
const last = error();
const cosine = agreement(heldOut);
console.log(
  `cosine of student and teacher: ${agreement(learned).toFixed(3)}, held-out passages ${cosine.toFixed(3)}`,
);
if (!(last < 0.01 * first)) throw new Error('the error is not below 1 % of the first');
if (!(cosine > 0.5)) throw new Error('held-out passages have other vectors');
