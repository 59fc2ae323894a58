/** Tasks that fail if training is wrong. Those of examples/ (recommender, classifier, distil, tape, tfjs) run there. */

import {
  Adam,
  crossEntropy,
  Embedding,
  EmbeddingLayer,
  meanSquaredError,
  type Parameter,
  SGD,
  Tensor,
} from 'tokenbed';
import { describe, expect, test } from 'vitest';
import { readCorpus } from '../examples/word2vec/corpus.js';
import { Random } from '../examples/word2vec/random.js';
import { DEFAULTS, SkipGram } from '../examples/word2vec/skip-gram.js';
import { nearestShare, topicText } from '../examples/word2vec/topics.js';
import { bits } from './helpers/bits.js';

describe("TinyTorch's loop: forward, loss, backward, step", () => {
  const ids = [
    [3, 7, 7],
    [1, 0, 4],
  ];
  const used = new Set(ids.flat());

  test('the loss falls below a millionth of the first, and only rows that occurred change', () => {
    const embedding = new Embedding({ vocabSize: 10, embeddingDim: 6, seed: 7 });
    const before = rowsOf(embedding.weight);
    const target = new Embedding({ vocabSize: 10, embeddingDim: 6, seed: 8 }).forward(ids);
    const optimizer = new SGD({ parameters: embedding.parameters, lr: 0.3 });
    const losses = Array.from({ length: 200 }, () => {
      const { loss, gradient } = meanSquaredError(embedding.forward(ids), target, { reduction: 'sum' });
      embedding.backward(ids, gradient);
      optimizer.step();
      return loss;
    });
    // Row 7 occurs twice, with the same target.
    expect(losses.at(-1)).toBeLessThan(1e-6 * losses[0]!);
    rowsOf(embedding.weight).forEach((row, i) => {
      if (used.has(i)) expect(row).not.toEqual(before[i]);
      else expect(row).toEqual(before[i]);
    });
  });
});

const rowsOf = (weight: Parameter) => Array.from({ length: weight.shape[0] }, (_, i) => bits(weight.row(i)));

describe('the order of two tokens', () => {
  const [TOKENS, LENGTH, DIM, HIDDEN, BATCH] = [12, 8, 16, 16, 64];
  const [A, B] = [0, 1];

  /** Sequences with A and B at two places: 1 if A comes first. */
  function makeBatch(random: Random, size: number) {
    const ids = Array.from({ length: size }, () => {
      const sequence = Array.from({ length: LENGTH }, () => 2 + random.below(TOKENS - 2));
      const a = random.below(LENGTH);
      sequence[a] = A;
      sequence[(a + 1 + random.below(LENGTH - 1)) % LENGTH] = B;
      return sequence;
    });
    return { ids, targets: ids.map((sequence) => Number(sequence.indexOf(A) < sequence.indexOf(B))) };
  }

  /** The share of right answers of `scores = W2 (the sum over positions of relu(W1 x))`, trained on 300 batches. */
  function rightAnswers(positional: 'learned' | 'sinusoidal' | null): number {
    const layer = new EmbeddingLayer({
      vocabSize: TOKENS,
      embeddingDim: DIM,
      maxSeqLength: LENGTH,
      positional,
      seed: 1,
    });
    const w1 = new Embedding({ vocabSize: HIDDEN, embeddingDim: DIM, seed: 2 });
    const w2 = new Embedding({ vocabSize: 2, embeddingDim: HIDDEN, seed: 3 });
    const adam = new Adam({ parameters: [...layer.parameters, w1.weight, w2.weight], lr: 0.02 });

    const forward = (ids: number[][]) => {
      const x = layer.forward(ids);
      const hidden = w1.score(x); // [batch, LENGTH, HIDDEN]
      const sums = new Float32Array(ids.length * HIDDEN);
      hidden.data.forEach((value, i) => (sums[placeOfSum(i)]! += Math.max(0, value)));
      return { x, hidden, sums, scores: w2.score(sums) };
    };
    const placeOfSum = (i: number) => Math.floor(i / (LENGTH * HIDDEN)) * HIDDEN + (i % HIDDEN);

    const random = new Random(4);
    for (let step = 0; step < 300; step++) {
      const { ids, targets } = makeBatch(random, BATCH);
      const { x, hidden, sums, scores } = forward(ids);
      const { gradient } = crossEntropy(scores, { targets });
      const gradSums = w2.scoreBackward(sums, gradient).data;
      const gradHidden = hidden.data.map((value, i) => (value > 0 ? gradSums[placeOfSum(i)]! : 0));
      layer.backward(ids, w1.scoreBackward(x, new Tensor(gradHidden, { shape: hidden.shape })));
      adam.step();
    }
    const { ids, targets } = makeBatch(random, 1000);
    const { data } = forward(ids).scores;
    return (
      targets.filter((target, i) => Number(data[2 * i + 1]! > data[2 * i]!) === target).length /
      targets.length
    );
  }

  test('is learned with learned positions', () => {
    expect(rightAnswers('learned')).toBeGreaterThanOrEqual(0.97);
  });

  test('is learned with sinusoidal positions', () => {
    expect(rightAnswers('sinusoidal')).toBeGreaterThanOrEqual(0.9);
  });

  test('is a matter of chance without positions', () => {
    const right = rightAnswers(null);
    expect(right).toBeGreaterThan(0.4);
    expect(right).toBeLessThan(0.6);
  });
});

describe('topics by skip-gram', () => {
  const corpus = readCorpus(topicText(7), 1);
  const settings = { ...DEFAULTS, dim: 32 };

  test('the 5 nearest words have the topic of a word', () => {
    const run = new SkipGram(corpus, settings);
    expect(nearestShare(run.vectors, 5)).toBeLessThan(0.3);
    while (run.step() !== null) expect(run.progress).toBeLessThanOrEqual(1);
    expect(run.progress).toBe(1);
    expect(nearestShare(run.vectors, 5)).toBeGreaterThanOrEqual(0.95);
    run.dispose();
  });

  test('a resumed run has the bits of one that was not interrupted', () => {
    const whole = new SkipGram(corpus, settings);
    for (let i = 0; i < 10; i++) whole.step();
    const resumed = new SkipGram(corpus, settings, whole.save());
    for (let i = 0; i < 10; i++) expect(resumed.step()).toEqual(whole.step());
    expect(resumed.save()).toEqual(whole.save());
    whole.dispose();
    resumed.dispose();
  });
});
