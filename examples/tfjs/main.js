/**
 * A network of TensorFlow.js over our layer: tokens and positions below, dense layers above, one training loop.
 *
 *   npm run example tfjs      or in this folder, after `npm run setup` in the repository: npm ci && npm start
 *
 *   ids [batch, 4] -> EmbeddingLayer -> x [batch, 4, D] -> tfjs: relu(x W1) W2 -> loss
 *          tokens and positions <- layer.backward <- the gradient of x
 *
 * Only arrays cross: x one way, its gradient the other way. The task is the order of two tokens: does A come before B?
 * tfjs is bundled (rolldown.config.js), since Node cannot import its gradients.
 */

import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import * as tf from '@tensorflow/tfjs-core';
import { Adam, EmbeddingLayer, NegativeSampler } from 'tokenbed';

const [TOKENS, LENGTH, DIM, HIDDEN, BATCH, STEPS] = [20, 4, 8, 16, 64, 150];
const [A, B] = [0, 1];

await tf.setBackend('cpu');
const layer = new EmbeddingLayer({
  vocabSize: TOKENS,
  embeddingDim: DIM,
  maxSeqLength: LENGTH,
  positional: 'learned',
  seed: 7,
});
const adam = new Adam({ parameters: layer.parameters, lr: 0.01 });

// The weights of the network, with the optimizer of tfjs.
const w1 = tf.variable(tf.randomNormal([LENGTH * DIM, HIDDEN], 0, 0.2, 'float32', 1), true, 'w1');
const w2 = tf.variable(tf.randomNormal([HIDDEN, 1], 0, 0.2, 'float32', 2), true, 'w2');
const networkAdam = tf.train.adam(0.01);

/** Whether A comes first: [batch] logits. @type {(x: tf.Tensor, w1: tf.Tensor, w2: tf.Tensor) => tf.Tensor1D} */
const network = (x, w1, w2) => {
  const flat = tf.reshape(x, [BATCH, LENGTH * DIM]);
  return tf.reshape(tf.matMul(tf.relu(tf.matMul(flat, w1)), w2), [BATCH]);
};

const uniform = (/** @type {number} */ n, /** @type {number} */ seed) =>
  new NegativeSampler({ weights: Array.from({ length: n }, () => 1), seed });
const [tokens, places, distances] = [uniform(TOKENS - 2, 1), uniform(LENGTH, 2), uniform(LENGTH - 1, 3)];

/** Sequences with A and B at two places, and whether A comes first. */
function makeBatch() {
  const ids = tokens.sample(BATCH * LENGTH).map((token) => token + 2); // neither A nor B
  const [starts, steps] = [places.sample(BATCH), distances.sample(BATCH)];
  const labels = starts.map((a, i) => {
    const b = (a + 1 + (steps[i] ?? 0)) % LENGTH;
    ids[i * LENGTH + a] = A;
    ids[i * LENGTH + b] = B;
    return Number(a < b);
  });
  return { ids, labels: Float32Array.from(labels) };
}

/** A step of both. @returns {{ loss: number, right: number }} before the step */
function step() {
  const { ids, labels } = makeBatch();
  const shape = [BATCH, LENGTH];
  const vectors = layer.forward(ids, { shape });

  const [loss, right] = tf.tidy(() => {
    const x = tf.tensor(vectors.data, [...vectors.shape]);
    const y = tf.tensor1d(labels);
    const lossOf = tf.valueAndGrads((x, w1, w2) => tf.losses.sigmoidCrossEntropy(y, network(x, w1, w2)));
    const { value, grads } = lossOf([x, w1, w2]);
    const [gradX, gradW1, gradW2] = /** @type {[tf.Tensor, tf.Tensor, tf.Tensor]} */ (grads);

    const isRight = tf.equal(tf.greater(network(x, w1, w2), 0), tf.greater(y, 0));
    const result = [value, tf.mean(tf.cast(isRight, 'float32'))].map((scalar) => scalar.dataSync()[0] ?? NaN);
    layer.backward(ids, /** @type {Float32Array} */ (gradX.dataSync()), { shape });
    networkAdam.applyGradients([
      { name: w1.name, tensor: gradW1 },
      { name: w2.name, tensor: gradW2 },
    ]);
    return result;
  });
  adam.step();
  return { loss: loss ?? NaN, right: right ?? NaN };
}

const first = step();
let last = first;
for (let i = 1; i < STEPS; i++) {
  last = step();
  if (i % 50 === 0)
    console.log(`step ${i}: loss ${last.loss.toFixed(4)}, ${(100 * last.right).toFixed(0)} % right`);
}
console.log(
  `loss ${first.loss.toFixed(3)} -> ${last.loss.toFixed(3)}, ${(100 * last.right).toFixed(0)} % right`,
);
process.exitCode = last.loss < 0.2 * first.loss && last.right >= 0.97 ? 0 : 1;
