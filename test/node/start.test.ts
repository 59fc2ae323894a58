/** What the first use loads and reserves, and hosts that have little besides WebAssembly. */

import { createRequire } from 'node:module';
import type * as tokenbed from 'tokenbed';
import { Embedding, EmbeddingProfiler } from 'tokenbed';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { jsonOf, runProgram } from '../helpers/children.js';

const backend = inject('backend');

interface Started {
  readonly alive: number;
  readonly heap: number;
  readonly memories: readonly WebAssembly.MemoryDescriptor[];
  readonly cryptography: readonly string[];
  readonly shape: readonly number[];
}

describe('the first use', () => {
  it('loads no cryptography, and its memory begins with 16 MiB', async () => {
    const { code, stderr } = await runProgram('start.mjs', [backend, '0']);
    expect(code, stderr).toBe(0);
    const { memories, cryptography, shape } = JSON.parse(stderr) as Started;
    expect(cryptography).toEqual([]);
    expect(memories).toEqual(backend === 'wasm' ? [{ initial: 256, maximum: 65_536 }] : []);
    expect(shape).toEqual([1, 4]);
  });

  it('with 400 MiB of live objects forces no garbage collection', async () => {
    const flags = ['--trace-gc', '--max-old-space-size=2048'];
    const { code, stdout, stderr } = await runProgram('start.mjs', [backend, '4000000'], {}, flags);
    expect(code, stderr).toBe(0);
    const { alive, heap, shape } = JSON.parse(stderr) as Started;
    expect(alive).toBe(4_000_000);
    expect(heap).toBeGreaterThan(400 * 2 ** 20);
    expect(shape).toEqual([1, 4]);
    expect(stdout).toContain('Mark-Compact'); // of the program itself
    expect(stdout).not.toMatch(/Mark-Compact.*external memory/);
  });
});

interface Realms {
  readonly globals: readonly string[];
  readonly bare: Readonly<Record<string, string>>;
  readonly here: Readonly<Record<string, string>>;
}

it('a realm with nothing but WebAssembly has all classes, with the same bits', async () => {
  const program = runProgram('bare-realm.mjs', [], {}, ['--experimental-vm-modules']);
  const { globals, bare, here } = await jsonOf<Realms>(program);
  for (const name of [
    'TextDecoder',
    'TextEncoder',
    'crypto',
    'fetch',
    'URL',
    'performance',
    'structuredClone',
  ]) {
    expect(globals).not.toContain(name);
  }
  expect(bare).toEqual(here);
  expect(bare).toMatchObject({ 'random seed': 'number', error: 'ERR_ID_OUT_OF_RANGE' });
});

it('a program that removes the global Buffer gets results of any size', () => {
  vi.stubGlobal('Buffer', undefined);
  onTestFinished(() => void vi.unstubAllGlobals());
  const embedding = new Embedding({ vocabSize: 9, embeddingDim: 64, seed: 3 });
  expect(embedding.forward(new Int32Array(5000)).shape).toEqual([5000, 64]);
});

it('a profiler draws reports where `require` has other copies of the modules, as in Jest', () => {
  const require = createRequire(import.meta.url);
  const forget = () => {
    for (const file of Object.keys(require.cache)) {
      if (/\bdist\b.*\.cjs$/.test(file) && !file.includes('node_modules')) delete require.cache[file];
    }
  };
  forget();
  const copy = require('tokenbed') as typeof tokenbed;
  forget();
  expect(copy.EmbeddingProfiler).not.toBe(EmbeddingProfiler);
  const profiler = new copy.EmbeddingProfiler({ minTimeMs: 0, warmupMs: 0 });
  profiler.comparePositionalEncodings({ seqLength: 500, embeddingDim: 64 });
  expect(profiler.toSVG()).toMatch(/^<svg/);
  expect(profiler.toHTML()).toMatch(/^<!DOCTYPE html>/);
});
