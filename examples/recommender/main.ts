/**
 * A recommender: users and items as rows of two tables, and their dot product as the score.
 *
 *   npm run example recommender
 *
 *   BPR: an item that the user likes scores higher than one that was drawn
 *   in-batch softmax: the item that the user likes scores highest of all items of the batch
 *
 * The measure is the AUC of pairs that were held out: the share of other items that score lower than an item the user likes.
 */

import { Adam, crossEntropy, Embedding, NegativeSampler } from 'tokenbed';
import { Random } from '../word2vec/random.js';
import { ITEMS, type Likes, makeLikes, USERS } from './data.js';

const DIM = 16;
const BATCH = 256;
const EPOCHS = 12;
const LR = 0.02;

interface Model {
  readonly users: Embedding;
  readonly items: Embedding;
}

const newModel = (): Model => ({
  users: new Embedding({ vocabSize: USERS, embeddingDim: DIM, seed: 1 }),
  items: new Embedding({ vocabSize: ITEMS, embeddingDim: DIM, seed: 2 }),
});

/** A loss adds to the gradients of both tables for a batch of pairs, and returns its value. */
type Loss = (model: Model, users: Uint32Array, items: Uint32Array) => number;

/** Two scores for each pair, the liked item first: cross entropy of two columns is -ln sigma(liked - drawn). */
function bpr(sampler: NegativeSampler): Loss {
  return ({ users, items }, userIds, itemIds) => {
    const x = users.forward(userIds);
    const drawn = sampler.sample(itemIds.length);
    const pairs = new Uint32Array(2 * itemIds.length);
    itemIds.forEach((item, i) => pairs.set([item, drawn[i]!], 2 * i));
    const choices = { ids: pairs, shape: [itemIds.length, 2] };
    const { loss, gradient } = crossEntropy(items.score(x, choices));
    users.backward(userIds, items.scoreBackward(x, gradient, choices));
    return loss;
  };
}

/** All items of the batch are scored for each of its users, and that of its own pair is the target. */
const inBatch: Loss = ({ users, items }, userIds, itemIds) => {
  const x = users.forward(userIds);
  const choices = { ids: itemIds };
  const targets = Uint32Array.from(itemIds, (_, i) => i);
  const { loss, gradient } = crossEntropy(items.score(x, choices), { targets });
  users.backward(userIds, items.scoreBackward(x, gradient, choices));
  return loss;
};

function train(model: Model, likes: Likes, loss: Loss): void {
  const random = new Random(3);
  const adam = new Adam({ parameters: [model.users.weight, model.items.weight], lr: LR });
  const order = Array.from(likes.users, (_, i) => i);
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    shuffle(order, random);
    let sum = 0;
    for (let start = 0; start < order.length; start += BATCH) {
      const batch = order.slice(start, start + BATCH);
      const of = (all: Uint32Array) => Uint32Array.from(batch, (i) => all[i]!);
      sum += loss(model, of(likes.users), of(likes.items)) * batch.length;
      adam.step();
    }
    if (epoch % 4 === 0) console.log(`  epoch ${epoch}: loss ${(sum / order.length).toFixed(3)}`);
  }
  adam.dispose();
}

function shuffle(order: number[], random: Random): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
}

/** The mean over held-out pairs of the share of items that the user does not like and that score lower. */
function auc({ users, items }: Model, likes: Likes): number {
  const all = items.score(users.weight.toTensor()).data; // [USERS, ITEMS]
  const shares = likes.heldOut.map(({ user, item }) => {
    const scores = all.subarray(user * ITEMS, (user + 1) * ITEMS);
    let [lower, others] = [0, 0];
    scores.forEach((score, other) => {
      if (likes.of[user]!.has(other)) return;
      others++;
      if (score < scores[item]!) lower++;
    });
    return lower / others;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** The same measure if every user gets the most popular items. */
function popularityAuc(likes: Likes): number {
  const counts = new Float32Array(ITEMS);
  for (const item of likes.items) counts[item]!++;
  const users = Embedding.fromPretrained(new Float32Array(USERS).fill(1), { embeddingDim: 1 });
  return auc({ users, items: Embedding.fromPretrained(counts, { embeddingDim: 1 }) }, likes);
}

const likes = makeLikes(7);
console.log(
  `${likes.users.length} pairs of ${USERS} users and ${ITEMS} items; ${likes.heldOut.length} held out`,
);
console.log(`AUC of popularity: ${popularityAuc(likes).toFixed(3)}`);

const sampler = new NegativeSampler({ weights: new Array<number>(ITEMS).fill(1), seed: 4 });
for (const [name, loss] of [
  ['BPR', bpr(sampler)],
  ['in-batch softmax', inBatch],
] as const) {
  const model = newModel();
  console.log(`${name}, AUC ${auc(model, likes).toFixed(3)} before training`);
  train(model, likes, loss);
  const after = auc(model, likes);
  console.log(`${name}, AUC ${after.toFixed(3)}`);
  if (!(after >= 0.9)) throw new Error(`${name}: the AUC is below 0.9`);
  const { ids } = model.items.nearest(model.users.weight.row(0), { k: 5, metric: 'dot' });
  console.log(`  for user 0: items ${[...ids.data].join(', ')}`);
}
