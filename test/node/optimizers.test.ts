/** Optimizers in Node: tables of two backends, and memory. */

import { Adam, Adagrad, clipGradNorm, Embedding, init, type Optimizer, SGD } from 'tokenbed';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { expectBits } from '../helpers/bits.js';
import { expectError } from '../helpers/errors.js';
import { gradientRows, ReferenceTraining } from '../helpers/optimizer.js';

const backend = inject('backend');
afterAll(() => init({ backend }));

const MIB = 2 ** 20;
const floats = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(seed * 97 + i * 0.37));

describe('one optimizer', () => {
  it('trains tables of both backends, and saves and restores their state', async () => {
    const dim = 7;
    const tables: Embedding[] = [];
    for (const name of ['native', 'wasm', 'native'] as const) {
      await init({ backend: name });
      tables.push(Embedding.fromPretrained(floats(5 * dim, tables.length), { embeddingDim: dim }));
    }
    const parameters = tables.map(({ weight }) => weight);
    let optimizer = new Adam({ parameters, lr: 0.1 });
    const references = tables.map(
      (_, i) => new ReferenceTraining('Adam', { lr: 0.1 }, floats(5 * dim, i), dim),
    );
    for (let step = 0; step < 3; step++) {
      tables.forEach((table, i) => {
        const ids = [(step + i) % 5, 2];
        const gradient = floats(2 * dim, 10 * step + i);
        table.backward(ids, gradient);
        references[i]!.update(gradientRows(ids, gradient, dim));
      });
      expect(clipGradNorm(parameters, 1e9)).toBeGreaterThan(0);
      optimizer.step();
      const saved = optimizer.toBytes();
      optimizer.dispose();
      optimizer = Adam.fromBytes(saved, { parameters });
      expect(optimizer.toBytes()).toEqual(saved);
    }
    tables.forEach((table, i) => {
      expectBits(table.weight.toTensor().data, references[i]!.table);
      expectBits(optimizer.state(table.weight).v!.data, references[i]!.values('v'));
    });
    optimizer.dispose();
    for (const table of tables) table.dispose();
    await init({ backend });
  });
});

describe('memory', () => {
  const table = (rows: number, dim: number) =>
    new Embedding({ vocabSize: rows, embeddingDim: dim, seed: 1, initType: 'zeros' });
  const resident = (): number => {
    globalThis.gc!();
    return process.memoryUsage().rss;
  };

  it('of the state is that of rows that occurred', () => {
    // Dense state would take 256 MiB.
    const embedding = new Embedding({ vocabSize: 2 ** 20, embeddingDim: 32 });
    const optimizer = new Adam({ parameters: embedding.parameters });
    const ids = Uint32Array.from({ length: 1000 }, (_, i) => i * 1001);
    embedding.backward(ids, floats(32_000, 1));
    const before = resident();
    optimizer.step();
    expect(optimizer.stateBytes).toBeLessThanOrEqual(2 * 1000 * 256 + 2 ** 22 + 4096);
    expect(resident() - before).toBeLessThan(16 * MIB);
    optimizer.dispose();
    embedding.dispose();
  });

  it('stays where it was over 4,000 steps, and 300 optimizers and tables', () => {
    const run = (embedding: Embedding, optimizer: Optimizer, steps: number): void => {
      const gradient = floats(64 * 16, 3);
      for (let step = 0; step < steps; step++) {
        embedding.backward(
          Uint32Array.from({ length: 64 }, (_, i) => (i * i + step * 31) % 20_000),
          gradient,
        );
        optimizer.step();
      }
    };
    const embedding = table(20_000, 16);
    const optimizer = new Adagrad({ parameters: embedding.parameters });
    run(embedding, optimizer, 2000); // all rows have state
    const before = resident();
    run(embedding, optimizer, 4000);
    const bytes = optimizer.stateBytes;
    run(embedding, optimizer, 100);
    expect(optimizer.stateBytes).toBe(bytes);
    optimizer.dispose();
    for (let i = 0; i < 300; i++) {
      const other = table(20_000, 16);
      const sgd = new SGD({ parameters: other.parameters, lr: 0.1, momentum: 0.9 });
      run(other, sgd, 3);
      sgd.dispose();
      other.dispose();
    }
    embedding.dispose();
    expect(resident() - before).toBeLessThan(64 * MIB);
  });

  // Linear memory has a limit on every machine.
  it.each(backend === 'wasm' ? [backend] : [])(
    '%s: a step without it changes nothing, and a lazy one still works',
    () => {
      // The table takes 1.6 GB of at most 4 GiB, its dense state would take 3.2 GB.
      const [rows, dim] = [1000, 400_000];
      const big = new Embedding({ vocabSize: rows, embeddingDim: dim, initType: 'zeros' });
      const small = Embedding.fromPretrained(floats(4, 1), { embeddingDim: 2 });
      const parameters = [small.weight, big.weight];
      const dense = new Adam({ parameters, lazy: false });
      const lazy = new Adam({ parameters });
      small.backward([1], floats(2, 2));
      big.backward([3], new Float32Array(dim).fill(1));
      const error = expectError(() => dense.step(), { class: RangeError, code: 'ERR_TOO_LARGE' });
      expect(error['bytes']).toBe(4 * rows + 8 * rows * dim);
      expect(error['limit']).toBeLessThan(2 ** 32);
      for (const { weight } of [small, big]) {
        expect(weight.grad!.count).toBe(1);
        expect(dense.state(weight)).toMatchObject({ step: 0, rows: new Uint32Array(0) });
      }
      expectBits(small.weight.toTensor().data, floats(4, 1));
      expectBits(big.weight.row(3), new Float32Array(dim));
      lazy.step();
      expect([...lazy.state(big.weight).rows]).toEqual([3]);
      expect(big.weight.row(3)[7]).toBeCloseTo(-0.001, 6);
      expect(small.weight.toTensor().data).not.toEqual(floats(4, 1));
      for (const each of [dense, lazy, small, big]) each.dispose();
    },
  );
});
