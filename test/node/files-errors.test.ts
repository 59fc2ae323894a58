/** Malformed files on both backends: the same errors, and nothing is left behind. */

import { readdirSync } from 'node:fs';
import { Embedding, init } from 'tokenbed';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { thrown } from '../helpers/errors.js';
import { faultyPackage, type FaultyPackage } from '../helpers/faults.js';
import { streamOf } from '../helpers/files.js';
import { MALFORMED } from '../helpers/malformed.js';

const backend = inject('backend');

it('the errors are equal on both backends', async () => {
  const errors: Record<string, unknown>[] = [];
  for (const backend of ['native', 'wasm'] as const) {
    await init({ backend });
    errors.push(
      Object.fromEntries(
        MALFORMED.map(({ name, bytes, options }) => {
          const error = thrown(() => Embedding.loadSync(bytes, options));
          return [name, { ...error, message: error.message }];
        }),
      ),
    );
  }
  await init({ backend });
  expect(errors[1]).toEqual(errors[0]);
});

it('none of them takes memory for data that is not there', () => {
  const before = process.memoryUsage().rss;
  const start = performance.now();
  for (const { bytes, options } of MALFORMED) thrown(() => Embedding.loadSync(bytes, options));
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  expect(performance.now() - start).toBeLessThan(5000);
});

describe('after a failed load', () => {
  let faulty: FaultyPackage;
  beforeAll(async () => {
    faulty = await faultyPackage();
    await faulty.api.init({ backend });
  });
  afterAll(() => faulty.remove());

  it('no object of the core is left', async () => {
    const { api, insides } = faulty;
    const { kernels } = insides.activeBackend();
    const before = kernels.__objects();
    const files = readdirSync('/proc/self/fd').length;
    for (const { name, bytes, options } of MALFORMED) {
      thrown(() => api.Embedding.loadSync(bytes, options));
      await expect(api.Embedding.load(streamOf(bytes, 100), options)).rejects.toBeInstanceOf(Error);
      expect(kernels.__objects(), name).toBe(before);
    }
    const table = api.Embedding.fromPretrained(new Float32Array(50_000), { embeddingDim: 50 });
    const good = table.toBytes('safetensors');
    table.dispose();
    const kept = kernels.__objects();
    const signal = AbortSignal.abort();
    for (const load of [
      () => api.Embedding.load(streamOf(good, 1000), { sha256: '0'.repeat(64) }),
      () => api.Embedding.load(streamOf(good, 1000), { signal }),
      () => api.Embedding.load(streamOf(good.slice(0, -1), 1000)),
      () =>
        api.Embedding.load(streamOf(good, 1000), {
          onProgress: () => {
            throw new Error('of the program');
          },
        }),
    ]) {
      await expect(load()).rejects.toBeInstanceOf(Error);
      expect(kernels.__objects()).toBe(kept);
    }
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(files + 2);
    expect(insides.activeBackend().lost).toBe(false);
  });
});
