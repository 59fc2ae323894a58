/**
 * A text classifier: the mean of the rows of a text's words, and a head that scores every class.
 *
 *   npm run example classifier
 *
 *   text -> ids of words -> EmbeddingBag, mean -> x [batch, D] -> head.score -> [batch, classes] -> crossEntropy
 */

import { Adam, crossEntropy, Embedding, EmbeddingBag } from 'tokenbed';
import { DEPARTMENTS, makeMessages, type Message } from './texts.js';

const DIM = 16;
const BATCH = 64;
const EPOCHS = 8;
const UNKNOWN = 0;

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}-]+/gu) ?? [];

const messages = makeMessages(2000, 7);
const heldOut = makeMessages(500, 8);
const ids = new Map(
  [...new Set(messages.flatMap(({ text }) => wordsOf(text)))].map((word, i) => [word, i + 1]),
);

// Unknown words are padding: a bag leaves them out of its mean.
const words = new EmbeddingBag({
  vocabSize: ids.size + 1,
  embeddingDim: DIM,
  paddingIdx: UNKNOWN,
  mode: 'mean',
  seed: 1,
});
const head = new Embedding({ vocabSize: DEPARTMENTS.length, embeddingDim: DIM, seed: 2 });
const adam = new Adam({ parameters: [words.weight, head.weight], lr: 0.02 });

/** The ids of all texts in one array, and where each text begins. */
function bagsOf(texts: readonly string[]): { ids: number[]; offsets: number[] } {
  const bags = texts.map((text) => wordsOf(text).map((word) => ids.get(word) ?? UNKNOWN));
  let next = 0;
  const offsets = bags.map(({ length }) => (next += length) - length);
  return { ids: bags.flat(), offsets };
}

/** A step on a batch. Returns its loss. */
function learn(batch: readonly Message[]): number {
  const { ids, offsets } = bagsOf(batch.map(({ text }) => text));
  const x = words.forward(ids, { offsets });
  const { loss, gradient } = crossEntropy(head.score(x), { targets: batch.map(({ label }) => label) });
  words.backward(ids, head.scoreBackward(x, gradient), { offsets });
  adam.step();
  return loss;
}

/** The class with the highest score for each text. */
function classify(texts: readonly string[]): number[] {
  const { ids, offsets } = bagsOf(texts);
  const { data } = head.score(words.forward(ids, { offsets }));
  return texts.map((_, i) => {
    const scores = data.subarray(i * DEPARTMENTS.length, (i + 1) * DEPARTMENTS.length);
    return scores.indexOf(Math.max(...scores));
  });
}

function accuracy(of: readonly Message[]): number {
  const found = classify(of.map(({ text }) => text));
  return found.filter((label, i) => label === of[i]!.label).length / of.length;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

console.log(`${messages.length} messages, ${ids.size} words, ${DEPARTMENTS.length} classes`);
console.log(`before training: ${percent(accuracy(heldOut))} of ${heldOut.length} other messages`);
for (let epoch = 1; epoch <= EPOCHS; epoch++) {
  let sum = 0;
  for (let start = 0; start < messages.length; start += BATCH) {
    const batch = messages.slice(start, start + BATCH);
    sum += learn(batch) * batch.length;
  }
  if (epoch % 2 === 0) console.log(`  epoch ${epoch}: loss ${(sum / messages.length).toFixed(3)}`);
}
const right = accuracy(heldOut);
console.log(`after training: ${percent(right)}`);

const questions = [
  'You took the money from my card two times!',
  'Where is my parcel?',
  'I need a new password.',
  'The screen stays black, is there a warranty?',
];
classify(questions).forEach((label, i) => console.log(`  ${DEPARTMENTS[label]!.padEnd(10)}${questions[i]}`));
if (!(right >= 0.95)) throw new Error('the accuracy is below 95 %');
