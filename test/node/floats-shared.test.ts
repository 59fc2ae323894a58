/** Float inputs on a SharedArrayBuffer are copied before a kernel reads them; an `out` is written in place. */

import {
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  LearnedPositionalEmbedding,
  PositionalEncoding,
  Tensor,
} from 'tokenbed';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { activeBackend } from '../../dist/backend/index.cjs';
import { answersThroughout, countingTable } from '../helpers/backend.js';

answersThroughout();

const shared = (values: readonly number[]): Float32Array => {
  const floats = new Float32Array(new SharedArrayBuffer(values.length * 4));
  floats.set(values);
  return floats;
};

/** Every Float32Array passed to a kernel since the start of the test. */
let passed: Float32Array[] = [];

beforeEach(() => {
  passed = [];
  const kernels = activeBackend().kernels as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const [name, kernel] of Object.entries(kernels)) {
    vi.spyOn(kernels, name).mockImplementation((...args: unknown[]) => {
      passed.push(...args.filter((each) => each instanceof Float32Array));
      return kernel(...args);
    });
  }
});
afterEach(() => void vi.restoreAllMocks());

/** Expects that kernels received floats, and that only `out` was shared. */
function expectCopies(out?: Float32Array): void {
  expect(passed.length).toBeGreaterThan(0);
  for (const floats of passed) if (floats !== out) expect(floats.buffer).toBeInstanceOf(ArrayBuffer);
}

const X = [1, 2, 3, 4, 5, 6];
const positions = {
  PositionalEncoding: () => new PositionalEncoding({ embeddingDim: 2, maxSeqLength: 8, seed: 1 }),
  LearnedPositionalEmbedding: () =>
    new LearnedPositionalEmbedding({ embeddingDim: 2, maxSeqLength: 8, seed: 1 }),
};

describe.each(Object.entries(positions))('x of a %s', (_name, make) => {
  it('is copied', () => {
    const layer = make();
    const expected = layer.forward(new Float32Array(X), { shape: [3, 2] });
    passed = [];
    const x = shared(X);
    expect(layer.forward(x, { shape: [3, 2] }).toArray()).toEqual(expected.toArray());
    expect(layer.forward(new Tensor(x, { shape: [3, 2] })).toArray()).toEqual(expected.toArray());
    expectCopies();
    expect([...x]).toEqual(X);
  });

  it('is written in place if it is also out', () => {
    const layer = make();
    const expected = layer.forward(new Float32Array(X), { shape: [3, 2] });
    const x = shared(X);
    expect(layer.forwardInto(x, x, { shape: [3, 2] })).toBe(x);
    expect([...x]).toEqual([...expected.data]);
  });
});

describe('perSampleWeights', () => {
  it.each(['sum', 'mean'] as const)('are copied in mode %s', (mode) => {
    const bag = EmbeddingBag.from(countingTable(9, 2), { mode });
    const ids = [[1, 2, 3]];
    const expected = bag.forward(ids, { perSampleWeights: new Float32Array([0.5, 1, 2]) });
    passed = [];
    const out = shared([0, 0]);
    bag.forwardInto(ids, out, { perSampleWeights: shared([0.5, 1, 2]) });
    expect([...out]).toEqual([...expected.data]);
    expectCopies(out);
  });
});

describe('setters', () => {
  it('copy their values', () => {
    const { weight } = countingTable(9, 2);
    passed = [];
    weight.set(1, shared([7, 8]));
    weight.setRows(2, new Tensor(shared([1, 2, 3, 4])));
    expect([1, 2, 3].map((row) => [...weight.row(row)])).toEqual([
      [7, 8],
      [1, 2],
      [3, 4],
    ]);
    expectCopies();
  });
});

describe('pretrained weights', () => {
  it('are copied', () => {
    for (const weight of [shared(X), new Tensor(shared(X), { shape: [3, 2] })] as const) {
      passed = [];
      const embedding = Embedding.fromPretrained(weight, { embeddingDim: 2 });
      expectCopies();
      expect([...embedding.weight.toTensor().data]).toEqual(X);
    }
  });
});

describe('a layer', () => {
  it('writes a shared out in place', () => {
    const layer = new EmbeddingLayer({ vocabSize: 9, embeddingDim: 2, seed: 3 });
    const out = shared([0, 0, 0, 0]);
    layer.forwardInto([1, 2], out);
    expect([...out]).toEqual([...layer.forward([1, 2]).data]);
  });
});
