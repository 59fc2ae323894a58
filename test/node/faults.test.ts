/**
 * A panic in Rust becomes `ERR_INTERNAL`, and the process continues.
 *
 * Builds with the cargo feature `faults` export `__panic`. They are tested in a copy of the package, because the published
 * one does not have it. On native a panic is caught. On WASM it is a trap, after which the instance is abandoned with all
 * its objects.
 */

import path from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { expectBits } from '../helpers/bits.js';
import { root } from '../helpers/children.js';
import { expectError, expectErrorAndNoWrite, thrown } from '../helpers/errors.js';
import { faultyPackage, type FaultyPackage } from '../helpers/faults.js';

const backend = inject('backend');

let api: FaultyPackage['api'];
let insides: FaultyPackage['insides'];
let remove: FaultyPackage['remove'];

beforeAll(async () => {
  ({ api, insides, remove } = await faultyPackage());
  await api.init({ backend });
});

afterAll(() => remove());

const INTERNAL = { class: Error, code: 'ERR_INTERNAL', text: 'defect of tokenbed' } as const;
const panic = () => insides.activeBackend().kernels.__panic();

describe('a panic in Rust', () => {
  it('is ERR_INTERNAL with the message of the panic and a cause', () => {
    const error = expectError(panic, { ...INTERNAL, text: 'on purpose' });
    expect(error.cause).toBeInstanceOf(Error);
    expect(Object.keys(error)).not.toContain('cause');
  });

  it('prints nothing to stderr', async () => {
    const write = process.stderr.write.bind(process.stderr);
    let printed = '';
    process.stderr.write = ((text: string) => ((printed += text), true)) as typeof write;
    try {
      thrown(panic);
    } finally {
      process.stderr.write = write;
    }
    expect(printed).toBe('');
  });

  it('can happen repeatedly, and new objects work each time', () => {
    for (let i = 0; i < 20; i++) {
      expectError(panic, { ...INTERNAL, text: 'on purpose' });
      const embedding = new api.Embedding({ vocabSize: 4, embeddingDim: 3, seed: 1 });
      expect(embedding.forward([0, 3]).shape).toEqual([2, 3]);
      embedding.dispose();
    }
    expect(api.backendInfo().name).toBe(backend);
  });

  it(
    backend === 'native' ? 'leaves every object usable' : 'ends every object of that instance, and no other',
    () => {
      const make = () => ({
        embedding: new api.Embedding({ vocabSize: 5, embeddingDim: 4, seed: 1 }),
        stored: new api.Embedding({ vocabSize: 5, embeddingDim: 4, seed: 1, dtype: 'i8' }),
        bag: new api.EmbeddingBag({ vocabSize: 5, embeddingDim: 4, seed: 1 }),
        pe: new api.PositionalEncoding({ embeddingDim: 4, maxSeqLength: 5, dropout: 0.5, seed: 1 }).train(),
        layer: new api.EmbeddingLayer({ vocabSize: 5, embeddingDim: 4, maxSeqLength: 5, seed: 1 }),
      });
      const before = make();
      const learner = new api.Embedding({ vocabSize: 5, embeddingDim: 4, seed: 1 });
      learner.backward([1, 2], new Float32Array(8).fill(1));
      const grad = learner.weight.grad!;
      const allocated = api.Tensor.allocate([2, 4]);
      const x = new api.Tensor(new Float32Array(8).fill(1), { shape: [2, 4] });
      const first = before.embedding.forward([1, 2]);
      const expectedRows = first.data.slice();
      const draw = before.pe.forward(x).data;
      thrown(panic);

      const uses: ((out: Float32Array<ArrayBuffer>) => unknown)[] = [
        (out) => before.embedding.forwardInto([1, 2], out),
        (out) =>
          before.bag.forwardInto(
            [
              [1, 2],
              [3, 4],
            ],
            out,
          ),
        (out) => before.pe.forwardInto(x, out),
        (out) => before.layer.forwardInto([1, 2], out),
        (out) => before.embedding.weight.row(1, out),
        () => before.embedding.weight.set(1, [1, 2, 3, 4]),
        () => before.embedding.weight.toTensor(),
        (out) => before.stored.forwardInto([1, 2], out),
        () => before.stored.weight.set(1, [1, 2, 3, 4]),
        () => before.stored.convert('f32').dispose(),
        () => before.stored.convert('i8').dispose(),
        () => before.stored.nearest(x),
        () => learner.backward([1, 2], new Float32Array(8)),
        () => learner.weight.grad!.rows,
        () => grad.values,
        () => grad.bytes,
        () => grad.toTensor(),
        () => (before.bag.weight.requiresGrad = false),
        (out) => before.pe.backwardInto(x, out, { call: 0 }),
        () => before.layer.backward([1, 2], new Float32Array(8)),
        () => before.pe.encode([1]),
        () => before.pe.pe,
        () => before.pe.visualizeEncoding({ print: null }),
      ];
      if (backend === 'native') {
        for (const use of uses) use(new Float32Array(8));
        expectBits(before.embedding.forward([2]).data, expectedRows.subarray(4));
      } else {
        for (const use of uses) {
          const error = expectErrorAndNoWrite(8, use, { ...INTERNAL, text: 'given up' });
          expect((error.cause as Error).message).toContain('on purpose');
        }
      }
      // These never throw.
      expect(String(grad)).toMatch(
        backend === 'native' ? 'Gradient of 2 rows, shape [5, 4]' : 'Gradient of lost rows, shape [5, 4]',
      );
      learner.weight.zeroGrad();
      expect(String(grad)).toContain('Gradient of');
      learner.dispose();
      expect(learner.weight.grad).toBeNull();
      expectError(() => grad.rows, { class: Error, code: 'ERR_DISPOSED' });
      // Deep comparison reads this text, so it must not throw.
      const { 'tokenbed.contents': contents } = before.embedding.weight as unknown as Record<string, string>;
      expect(contents).toMatch(backend === 'native' ? /^\[5, 4\] f32 [0-9a-f]{32}$/ : /^unreadable$/);
      expectBits(first.data, expectedRows);
      expect(before.embedding.getMemoryUsage().bytes).toBe(80);
      expect(api.similarity(x, x).toArray()).toEqual([
        [1, 1],
        [1, 1],
      ]);

      const after = make();
      expectBits(after.embedding.forward([1, 2]).data, expectedRows);
      expectBits(after.pe.forward(x).data, draw);
      allocated.data.fill(0);
      expect(after.layer.forwardInto([1, 2], allocated)).toBe(allocated);
      expectBits(allocated.data, after.layer.forward([1, 2]).data);

      if (backend === 'wasm') {
        // Parts of an abandoned and of a new instance cannot be combined.
        const mixed = { token: after.embedding, positional: before.pe };
        expectError(() => new api.EmbeddingLayer(mixed), {
          class: RangeError,
          code: 'ERR_INVALID_OPTION',
          fields: { option: 'positional' },
        });
      }
      for (const each of [...Object.values(before), ...Object.values(after)]) {
        each.dispose();
        expect(each.disposed).toBe(true);
      }
      allocated.dispose();
      expectError(() => before.embedding.forward(0), { class: Error, code: 'ERR_DISPOSED' });
    },
  );

  it('cannot be triggered in the published package', async () => {
    const real = (await import(
      path.join(root, 'dist/backend/index.cjs')
    )) as unknown as FaultyPackage['insides'];
    expect(Object.keys(real.activeBackend().kernels)).not.toContain('__panic');
    expect(Object.keys(insides.activeBackend().kernels)).toContain('__panic');
  });
});

describe('handles', () => {
  const objects = () => insides.activeBackend().kernels.__objects();
  const collect = (globalThis as { gc?: () => void }).gc!;

  it('of 10,000 unreferenced layers over one embedding are freed', async () => {
    const token = new api.Embedding({ vocabSize: 5, embeddingDim: 4, seed: 1 });
    const before = objects();
    let most = 0;
    for (let i = 0; i < 10_000; i++) {
      new api.EmbeddingLayer({ token, positional: null });
      most = Math.max(most, objects());
    }
    expect(most).toBeGreaterThan(before);
    for (let i = 0; i < 100 && objects() > before; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10)); // finalizers run between turns of the event loop of the event loop
    }
    expect(objects()).toBe(before);
    expect(token.forward([1]).shape).toEqual([1, 4]);
  });

  it('of a table whose values do not fit are freed', () => {
    const before = objects();
    const range = { class: RangeError, code: 'ERR_RANGE' } as const;
    const infinite = api.Embedding.fromPretrained([[1, Infinity]]);
    const seeded = { vocabSize: 5, embeddingDim: 4, seed: 1, initType: 'normal', std: 1e6 } as const;
    for (const dtype of ['i8', 'i4'] as const) {
      expectError(() => api.Embedding.fromPretrained([[1, Infinity]], { dtype }), range);
      expectError(() => infinite.convert(dtype), range);
    }
    for (const dtype of ['f16', 'i4'] as const) {
      const options = { ...seeded, dtype, std: dtype === 'f16' ? 1e6 : 1e9 };
      expectError(() => new api.Embedding(options), range);
      expectError(() => new api.EmbeddingBag(options), range);
      expectError(() => new api.EmbeddingLayer({ ...options, maxSeqLength: 5 }), range);
    }
    expect(objects()).toBe(before + 1);
    infinite.dispose();
  });

  it('of conversions are freed by dispose', () => {
    const before = objects();
    const source = new api.Embedding({ vocabSize: 5, embeddingDim: 4, dtype: 'i8' });
    const all = [
      source,
      ...(['f32', 'f16', 'bf16', 'i8', 'i4'] as const).map((dtype) => source.convert(dtype)),
    ];
    expect(objects()).toBe(before + all.length);
    for (const each of all) each.dispose();
    expect(objects()).toBe(before);
  });

  it('are all freed by dispose', () => {
    const before = objects();
    const all = [
      new api.Embedding({ vocabSize: 5, embeddingDim: 4 }),
      new api.EmbeddingBag({ vocabSize: 5, embeddingDim: 4 }),
      new api.PositionalEncoding({ embeddingDim: 4, maxSeqLength: 5 }),
      new api.LearnedPositionalEmbedding({ embeddingDim: 4, maxSeqLength: 5 }),
      new api.EmbeddingLayer({ vocabSize: 5, embeddingDim: 4, maxSeqLength: 5 }),
      api.Tensor.allocate([3]),
    ];
    expect(objects()).toBeGreaterThan(before + all.length);
    for (const each of all) each.dispose();
    for (const each of all) each.dispose();
    expect(objects()).toBe(before);
  });
});
