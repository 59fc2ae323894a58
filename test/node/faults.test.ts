/**
 * A panic in Rust becomes `ERR_INTERNAL`, and the process lives.
 *
 * The builds with the cargo feature `faults` export `__panic`; they are put into a copy of the package, since the
 * packed one has no such thing. Natively a panic is caught where it happens. On WASM it is a trap, after which
 * that instance is given up, with all its objects.
 */

import { cp, readdir } from 'node:fs/promises';
import path from 'node:path';
import type * as Package from 'tokenbed';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { copyOfPackage, root } from '../helpers/children.js';
import { expectBits, refused, refusedUntouched, thrown } from '../helpers/outcome.js';

const backend = inject('backend');

/** What of the copy's insides is needed here. */
interface Insides {
  activeBackend(): { readonly kernels: { __panic(): void }; readonly lost: boolean };
}

let api: typeof Package;
let insides: Insides;
let copy: Awaited<ReturnType<typeof copyOfPackage>>;

beforeAll(async () => {
  copy = await copyOfPackage();
  for (const [from, to] of [
    ['native', 'native'],
    ['wasm', '.'],
    ['ts', '.'],
  ] as const) {
    const product = path.join(root, '.cache/faults', from);
    const files = await readdir(product).catch(() => []);
    if (files.length === 0) throw new Error(`build them first: node scripts/build-${from}.mjs --faults`);
    await cp(product, path.join(copy.dist, to), { recursive: true });
  }
  api = (await import(copy.url('index.js'))) as typeof Package;
  insides = (await import(copy.url('backend/index.js'))) as Insides;
  await api.init({ backend });
});

afterAll(() => copy.remove());

const INTERNAL = { kind: Error, code: 'ERR_INTERNAL', text: 'defect of tokenbed' } as const;
const panic = () => insides.activeBackend().kernels.__panic();

describe('a panic in Rust', () => {
  it('is ERR_INTERNAL, with what the panic said and a cause', () => {
    const error = refused(panic, { ...INTERNAL, text: 'on purpose' });
    expect(error.cause).toBeInstanceOf(Error);
    expect(Object.keys(error)).not.toContain('cause');
  });

  it('says nothing on stderr', async () => {
    const write = process.stderr.write.bind(process.stderr);
    let said = '';
    process.stderr.write = ((text: string) => ((said += text), true)) as typeof write;
    try {
      thrown(panic);
    } finally {
      process.stderr.write = write;
    }
    expect(said).toBe('');
  });

  it('happens again and again, and new objects work each time', () => {
    for (let i = 0; i < 20; i++) {
      refused(panic, { ...INTERNAL, text: 'on purpose' });
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
        bag: new api.EmbeddingBag({ vocabSize: 5, embeddingDim: 4, seed: 1 }),
        pe: new api.PositionalEncoding({ embeddingDim: 4, maxSeqLength: 5, dropout: 0.5, seed: 1 }).train(),
        layer: new api.EmbeddingLayer({ vocabSize: 5, embeddingDim: 4, maxSeqLength: 5, seed: 1 }),
      });
      const before = make();
      const allocated = api.Tensor.allocate([2, 4]);
      const x = new api.Tensor(new Float32Array(8).fill(1), { shape: [2, 4] });
      const first = before.embedding.forward([1, 2]);
      const kept = first.data.slice();
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
        () => before.pe.encode([1]),
        () => before.pe.pe,
        () => before.pe.visualizeEncoding({ print: null }),
      ];
      if (backend === 'native') {
        for (const use of uses) use(new Float32Array(8));
        expectBits(before.embedding.forward([2]).data, kept.subarray(4));
      } else {
        for (const use of uses) {
          const error = refusedUntouched(8, use, { ...INTERNAL, text: 'given up' });
          expect((error.cause as Error).message).toContain('on purpose');
        }
      }
      expectBits(first.data, kept);
      expect(before.embedding.getMemoryUsage().bytes).toBe(80);

      const after = make();
      expectBits(after.embedding.forward([1, 2]).data, kept);
      expectBits(after.pe.forward(x).data, draw);
      allocated.data.fill(0);
      expect(after.layer.forwardInto([1, 2], allocated)).toBe(allocated);
      expectBits(allocated.data, after.layer.forward([1, 2]).data);

      if (backend === 'wasm') {
        // Parts of a lost instance and of a new one do not go together.
        const mixed = { token: after.embedding, positional: before.pe };
        refused(() => new api.EmbeddingLayer(mixed), {
          kind: RangeError,
          code: 'ERR_INVALID_OPTION',
          fields: { option: 'positional' },
        });
      }
      for (const each of [...Object.values(before), ...Object.values(after)]) {
        each.dispose();
        expect(each.disposed).toBe(true);
      }
      allocated.dispose();
      refused(() => before.embedding.forward(0), { kind: Error, code: 'ERR_DISPOSED' });
    },
  );

  it('is not to be had in the package itself', async () => {
    const real = (await import(path.join(root, 'dist/backend/index.js'))) as unknown as Insides;
    expect(Object.keys(real.activeBackend().kernels)).not.toContain('__panic');
    expect(Object.keys(insides.activeBackend().kernels)).toContain('__panic');
  });
});
