/** Both backends in one process: random programs give identical bits and errors, and objects cannot be mixed. */

import fc from 'fast-check';
import {
  backendInfo,
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  init,
  LearnedPositionalEmbedding,
  type NearestRows,
  PositionalEncoding,
  similarity,
  type StorageDType,
  Tensor,
} from 'tokenbed';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { expectBits } from '../helpers/bits.js';
import { expectError, invalidOption } from '../helpers/errors.js';
import { numbers } from '../helpers/gradient.js';
import { DTYPES } from '../helpers/stored.js';

afterAll(() => init({ backend: inject('backend') }));

const NAMES = ['native', 'wasm'] as const;

/** One step of a program: random numbers, which `run` interprets. */
interface Step {
  readonly what: number;
  readonly ids: readonly number[];
  readonly options: readonly [number, number, number];
}

interface Program {
  readonly vocab: number;
  readonly dim: number;
  readonly seed: number;
  readonly kind: 'sinusoidal' | 'learned' | null;
  readonly init: 'uniform' | 'normal' | 'xavier' | 'zeros';
  readonly dtype: StorageDType;
  readonly dropout: number;
  readonly steps: readonly Step[];
}

/** The outcome of a step: floats and their shape, or an error with its documented properties. */
type Outcome = { shape: readonly number[]; data: Float32Array } | { error: Record<string, unknown> };

const FORMS = [
  (ids: readonly number[]) => [...ids],
  (ids: readonly number[]) => Int8Array.from(ids),
  (ids: readonly number[]) => Uint16Array.from(ids),
  (ids: readonly number[]) => Int32Array.from(ids),
  (ids: readonly number[]) => BigInt64Array.from(ids.map(BigInt)),
  (ids: readonly number[]) => new Tensor(Int32Array.from(ids), { shape: [1, ids.length] }),
  (ids: readonly number[]) => [ids.map((id) => id - 1)],
];

/** Runs a program on the active backend. */
function run({ vocab, dim, seed, kind, init, dtype, dropout, steps }: Program): Outcome[] {
  const table = {
    vocabSize: vocab,
    embeddingDim: dim,
    seed,
    initType: init,
    dtype,
    paddingIdx: vocab > 3 ? 1 : null,
  };
  const embedding = new Embedding(table);
  const layer = new EmbeddingLayer({
    ...table,
    maxSeqLength: 9,
    positional: kind,
    dropout,
    scale: seed % 2 === 1,
  });
  const pe = new PositionalEncoding({ embeddingDim: dim, maxSeqLength: 9, dropout, seed });
  const learned = new LearnedPositionalEmbedding({ embeddingDim: dim, maxSeqLength: 9, seed });
  const bags = (['sum', 'mean', 'max'] as const).map((mode) => EmbeddingBag.from(embedding, { mode }));
  const out = Tensor.allocate([64, dim]);
  const trained = [embedding.weight, ...layer.parameters, ...learned.parameters];
  const gradients = (): Tensor<'f32'> => {
    const values = trained.flatMap(({ grad }) =>
      grad === null ? [-1] : [...grad.rows, ...grad.values.data],
    );
    return new Tensor(Float32Array.from(values));
  };

  const act = ({ what, ids, options: [a, b, c] }: Step): Tensor<'f32'> => {
    const form = FORMS[a % FORMS.length]!(ids);
    const offsets = [0, Math.min(b, c), Math.max(b, c) - (b === 9 ? 5 : 0)];
    const perSampleWeights = Float32Array.from(ids, (id, i) => Math.fround((id - b) / (i + c + 1)));
    const bag = bags[b % 3]!;
    switch (what) {
      case 0:
        return embedding.forward(form);
      case 1:
        return layer.forward(form, a % 2 === 0 ? { startPos: b % 4 } : {});
      case 2:
        return layer.forward(form, { positionIds: ids.map((id) => (id + c) % (b === 9 ? 12 : 9)) });
      case 3:
        return bag.forward(form, { offsets });
      case 4:
        return bags[b % 2]!.forward(form, { offsets, perSampleWeights });
      case 5:
        return bag.forward(form, { shape: [ids.length, 1] });
      case 6:
        return pe.forward(embedding.forward(ids), { startPos: c });
      case 7:
        return learned.forward(embedding.forward(ids).data, { shape: [1, ids.length, dim] });
      case 8:
        return pe.encode(ids.map((id) => (id * 715_827_883 + b) % (c === 9 ? 2 ** 33 : 2 ** 32)));
      case 9:
        (a % 2 === 0 ? layer.train() : layer.eval()).token.weight.set(0, new Float32Array(dim).fill(b));
        return layer.token.weight.toTensor();
      case 10:
        (a % 2 === 0 ? pe.train() : pe.eval()).forward(new Float32Array(dim), { shape: [1, dim] });
        return pe.forwardInto(out.reshape(8, 8, dim), out.reshape(8, 8, dim));
      case 11:
        return embedding.forwardInto(form, out);
      case 12: {
        const converted = embedding.convert(DTYPES[a % DTYPES.length]!);
        const values = converted.weight.toTensor();
        converted.dispose();
        return values;
      }
      case 13:
        // Magnitudes from 1e-30 to beyond f16.
        embedding.weight.set(
          a % vocab,
          Float32Array.from({ length: dim }, (_, i) => (i - c) * 10 ** (4 * b - 30)),
        );
        return embedding.weight.toTensor();
      case 14:
        embedding.backward(form, numbers((ids.length + (c === 9 ? 1 : 0)) * dim, b + 1), {
          scaleGradByFreq: b % 2 === 0,
        });
        return gradients();
      case 15:
        layer.backward(form, numbers(ids.length * dim, c + 1), b % 2 === 0 ? {} : { call: a % 3 });
        return gradients();
      case 16:
        return pe.backward(numbers(ids.length * dim, b + 1), { shape: [ids.length, dim], startPos: c });
      case 17:
        learned.backward(numbers(ids.length * dim, b + 1), {
          shape: [1, ids.length, dim],
          positionIds: ids.map((id) => (id + c) % (b === 9 ? 12 : 9)),
        });
        return gradients();
      case 18: {
        const parameter = trained[a % trained.length]!;
        if (b % 2 === 0) parameter.zeroGrad();
        else parameter.requiresGrad = c % 2 === 0;
        return gradients();
      }
      default:
        embedding.weight.setRows(
          a % vocab,
          Float32Array.from({ length: dim * (b % 3) }, (_, i) => i - c),
        );
        return embedding.weight.toTensor();
    }
  };
  const outcomes = steps.map((step): Outcome => {
    try {
      const { shape, data } = act(step);
      return { shape, data: data.slice() };
    } catch (error) {
      const { name, message, code } = error as Error & { code?: string };
      expect(code, message).toMatch(/^ERR_(?!INTERNAL)/);
      return { error: { name, message, ...(error as object) } };
    }
  });
  for (const each of [layer, pe, learned, embedding, out]) each.dispose();
  return outcomes;
}

const small = fc.nat(9);
const program: fc.Arbitrary<Program> = fc
  .record({
    vocab: fc.integer({ min: 1, max: 12 }),
    dim: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(128, 384, 1000)),
  })
  .chain(({ vocab, dim }) =>
    fc.record({
      vocab: fc.constant(vocab),
      dim: fc.constant(dim),
      seed: fc.maxSafeInteger().map(Math.abs),
      kind: fc.constantFrom('sinusoidal', 'learned', null),
      init: fc.constantFrom('uniform', 'normal', 'xavier', 'zeros'),
      dtype: fc.constantFrom(...DTYPES),
      dropout: fc.constantFrom(0, 0.25, 0.9),
      steps: fc.array(
        fc.record({
          what: fc.nat(19),
          // Occasionally one that is out of range.
          ids: fc.array(fc.nat(vocab - (vocab % 5 === 0 ? 0 : 1)), { maxLength: 9 }),
          options: fc.tuple(small, small, small),
        }),
        { minLength: 1, maxLength: 12 },
      ),
    }),
  );

describe('random programs', () => {
  const seed = Number(process.env['PROGRAM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

  it('give identical bits and errors on both backends', async () => {
    console.log(`random programs: PROGRAM_SEED=${seed}`);
    let [floats, errors] = [0, 0];
    await fc.assert(
      fc.asyncProperty(program, async (each) => {
        const results: Outcome[][] = [];
        for (const backend of NAMES) {
          expect((await init({ backend })).name).toBe(backend);
          results.push(run(each));
        }
        const [native, wasm] = results as [Outcome[], Outcome[]];
        native.forEach((outcome, step) => {
          const other = wasm[step]!;
          if ('error' in outcome || 'error' in other) {
            expect(other).toEqual(outcome);
            errors++;
          } else {
            expect(other.shape).toEqual(outcome.shape);
            expectBits(other.data, outcome.data, { where: `in step ${step}` });
            floats += outcome.data.length;
          }
        });
      }),
      { seed, numRuns: 300 },
    );
    // Check that programs are not trivial and that most steps succeed.
    expect(floats).toBeGreaterThan(100_000);
    expect(errors).toBeGreaterThan(50);
  });
});

describe('init again', () => {
  it('affects only later objects', async () => {
    await init({ backend: 'native' });
    const first = new Embedding({ vocabSize: 5, embeddingDim: 3, seed: 1 });
    expect(await init({ backend: 'wasm' })).toEqual(backendInfo());
    expect(backendInfo()).toMatchObject({ name: 'wasm', fallbackReason: null });
    const second = new Embedding({ vocabSize: 5, embeddingDim: 3, seed: 1 });
    expectBits(first.forward([0, 4]).data, second.forward([0, 4]).data);
    await init({ backend: 'native' });
    expect(backendInfo().name).toBe('native');
    expectBits(second.weight.toTensor().data, first.weight.toTensor().data);
    second.weight.set(0, [1, 2, 3]);
    expect(second.forward(0).toArray()).toEqual([1, 2, 3]);
    expect(first.forward(0).toArray()).not.toEqual([1, 2, 3]);
    second.dispose();
    expectError(() => second.forward(0), { class: Error, code: 'ERR_DISPOSED' });
    expect(first.forward(0).shape).toEqual([3]);
  });

  it('is idempotent, also concurrently', async () => {
    const [a, b, c] = await Promise.all([
      init({ backend: 'wasm' }),
      init({ backend: 'wasm' }),
      init({ backend: 'wasm' }),
    ]);
    expect([b, c]).toEqual([a, a]);
    const token = new Embedding({ vocabSize: 5, embeddingDim: 3 });
    await init({ backend: 'native' });
    await init({ backend: 'wasm' });
    const positional = new PositionalEncoding({ embeddingDim: 3 });
    expect(new EmbeddingLayer({ token, positional }).forward([1]).shape).toEqual([1, 3]);
  });

  it('rejects invalid backends and keeps the current one', async () => {
    const before = backendInfo();
    const initWith = (options: unknown) => init(options as Parameters<typeof init>[0]);
    await expect(initWith({ backend: 'napi' })).rejects.toMatchObject({
      name: 'RangeError',
      code: 'ERR_INVALID_OPTION',
      option: 'backend',
    });
    await expect(initWith({ backend: null })).rejects.toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_OPTION',
      option: 'backend',
    });
    await expect(initWith({ threads: 2 })).rejects.toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_OPTION',
      option: 'threads',
    });
    await expect(initWith(null)).rejects.toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_OPTION' });
    expect(backendInfo()).toEqual(before);
  });
});

describe('objects of two backends', () => {
  const on = async <T>(backend: (typeof NAMES)[number], make: () => T): Promise<T> => {
    await init({ backend });
    return make();
  };

  it('cannot be mixed in one layer', async () => {
    for (const [mine, other] of [NAMES, [...NAMES].reverse()] as [
      (typeof NAMES)[number],
      (typeof NAMES)[number],
    ][]) {
      const token = await on(mine, () => new Embedding({ vocabSize: 5, embeddingDim: 4 }));
      const parts = await on(other, () => [
        new PositionalEncoding({ embeddingDim: 4 }),
        new LearnedPositionalEmbedding({ embeddingDim: 4, maxSeqLength: 5 }),
        new PositionalEncoding({ embeddingDim: 5 }),
      ]);
      for (const positional of parts)
        expectError(() => new EmbeddingLayer({ token, positional }), invalidOption(RangeError, 'positional'));
      expect(new EmbeddingLayer({ token, positional: null }).forward([0]).shape).toEqual([1, 4]);
      const same = await on(mine, () => new PositionalEncoding({ embeddingDim: 4 }));
      expect(new EmbeddingLayer({ token, positional: same }).forward([0]).shape).toEqual([1, 4]);
    }
  });

  it('a Tensor of one can be out and x of the other', async () => {
    const allocated = await on('wasm', () => Tensor.allocate([2, 4]));
    const native = await on('native', () => new PositionalEncoding({ embeddingDim: 4, maxSeqLength: 5 }));
    const wasm = await on('wasm', () => new PositionalEncoding({ embeddingDim: 4, maxSeqLength: 5 }));
    allocated.data.fill(1);
    native.forwardInto(allocated, allocated);
    wasm.forwardInto(allocated, allocated);
    const expected = wasm.forward(native.forward(new Float32Array(8).fill(1), { shape: [2, 4] }));
    expectBits(allocated.data, expected.data);
    const bag = await on('native', () => EmbeddingBag.from(Embedding.fromPretrained([[1], [2]])));
    allocated.data.fill(0.5);
    expect(bag.forward([[0, 1, 0, 1, 0, 1, 0, 1]], { perSampleWeights: allocated }).toArray()).toEqual([
      [1.5],
    ]);
  });

  it('a table is converted and searched on its own backend', async () => {
    for (const mine of NAMES) {
      const options = { vocabSize: 20, embeddingDim: 9, seed: 1 } as const;
      const table = await on(mine, () => new Embedding(options));
      const other = NAMES.find((name) => name !== mine)!;
      const query = await on(other, () => Tensor.allocate([9]));
      query.data.set(table.weight.row(7));
      for (const dtype of DTYPES) {
        const converted = table.convert(dtype);
        const seeded = new Embedding({ ...options, dtype });
        expectBits(converted.weight.toTensor().data, seeded.weight.toTensor().data);
        expect(converted.nearest(query)).toEqual(seeded.nearest(query));
        // Only objects of one backend can be parts of a layer.
        const positional = await on(mine, () => new PositionalEncoding({ embeddingDim: 9 }));
        expect(new EmbeddingLayer({ token: converted, positional }).forward([3]).shape).toEqual([1, 9]);
        await init({ backend: other });
      }
    }
  });
});

it('nearest rows and similarities have the same bits', async () => {
  const dim = 96;
  const queries = new Embedding({ vocabSize: 9, embeddingDim: dim, seed: 3 }).weight.toTensor();
  const found: Record<string, NearestRows[]> = {};
  const similarities: Record<string, Tensor<'f32'>> = {};
  for (const backend of NAMES) {
    await init({ backend });
    const tables = DTYPES.map(
      (dtype) => new Embedding({ vocabSize: 2000, embeddingDim: dim, seed: 4, dtype }),
    );
    found[backend] = tables.map((table) => table.nearest(queries, { k: 25 }));
    similarities[backend] = similarity(queries, tables[0]!.weight.toTensor());
  }
  for (const [i, { ids, scores }] of found['native']!.entries()) {
    expect(ids.data).toEqual(found['wasm']![i]!.ids.data);
    expectBits(scores.data, found['wasm']![i]!.scores.data);
  }
  expectBits(similarities['native']!.data, similarities['wasm']!.data);
});
