/**
 * 100 steps of each optimizer, beside PyTorch: test/vectors/golden/optimizers.py has run them in f32 and in f64.
 *
 * The bound is 4 times the distance of PyTorch's f32 from its own f64, plus 5e-7.
 */

import { Adagrad, Adam, AdamW, Embedding, meanSquaredError, type Optimizer, SGD } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import golden from './vectors/golden/optimizers.json' with { type: 'json' };

answersThroughout();

const bytes = (hex: string): ArrayBuffer =>
  Uint8Array.from(hex.match(/../g)!, (digits) => Number.parseInt(digits, 16)).buffer;
const weights = new Float32Array(bytes(golden.weights));
const targets = new Float32Array(bytes(golden.targets));
const { dim, ids } = golden;

const CLASSES = { SGD, Adagrad, Adam, AdamW } as unknown as Readonly<
  Record<string, new (options: object) => Optimizer>
>;

/** The table after all steps. */
function train(name: string, options: object): Float32Array {
  const table = Embedding.fromPretrained(weights, { embeddingDim: dim });
  const goal = Embedding.fromPretrained(targets, { embeddingDim: dim });
  const optimizer = new CLASSES[name]!({ ...options, parameters: table.parameters });
  for (const batch of ids) {
    table.backward(batch, meanSquaredError(table.forward(batch), goal.forward(batch)).gradient);
    optimizer.step();
  }
  const result = table.weight.toTensor().data;
  for (const each of [optimizer, table, goal]) each.dispose();
  return result;
}

/** The greatest difference. */
const distance = (values: Float32Array, exact: Float64Array): number =>
  values.reduce((most, value, i) => Math.max(most, Math.abs(value - exact[i]!)), 0);

describe.each(golden.runs)(
  '$torch as $optimizer $options',
  ({ optimizer, options, f64, distance: theirs }) => {
    const exact = new Float64Array(bytes(f64));

    it('agrees with PyTorch', () => {
      const ours = distance(train(optimizer, options), exact);
      console.log(`${optimizer} ${JSON.stringify(options)}: ${ours}, of PyTorch's f32 ${theirs}`);
      expect(ours).toBeLessThanOrEqual(4 * theirs + 5e-7);
      expect(distance(weights, exact)).toBeGreaterThan(0.1);
    });

    it('would not with another learning rate', () => {
      const other = { ...options, lr: options.lr * 1.001 };
      expect(distance(train(optimizer, other), exact)).toBeGreaterThan(4 * theirs + 5e-7);
    });
  },
);
