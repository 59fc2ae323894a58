/**
 * `tokenbed bench` compared with plain JavaScript and with libraries installed in the current folder.
 *
 * The libraries are small substitutes, because the real ones have hundreds of MiB. They look up rows correctly, incorrectly,
 * or not at all.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { backendInfo } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { expectFailure, folder, outcome, preloading, printed, start, tokenbed } from './cli-program.js';

const SMALL = '--vocab 50 --dim 6 --tokens 1,20 --rounds 3 --round-ms 1'.split(' ');
const OWN = [
  'tokenbed',
  'a copy of as many bytes',
  'plain JS, set(subarray)',
  'plain JS, copyWithin',
  'plain JS, loop',
];
const PEERS = [
  'onnxruntime-node',
  'onnxruntime-web',
  '@tensorflow/tfjs-backend-wasm',
  '@tensorflow/tfjs',
  '@jax-js/jax',
];

interface Result {
  readonly tokens: number;
  readonly name: string;
  readonly version: string | null;
  readonly medianUs: number;
  readonly p10Us: number;
  readonly p90Us: number;
  readonly tokensPerSecond: number;
  readonly outputMbS: number;
  readonly ratio: number;
}

interface Json extends Record<string, unknown> {
  readonly results: readonly Result[];
  readonly missing: readonly string[];
  readonly failed: readonly { readonly name: string; readonly message: string }[];
}

/** A folder with such a package installed. */
function installed(packages: Readonly<Record<string, string>>): string {
  const cwd = folder();
  for (const [name, code] of Object.entries(packages)) {
    const home = path.join(cwd, 'node_modules', name);
    mkdirSync(home, { recursive: true });
    writeFileSync(
      path.join(home, 'package.json'),
      JSON.stringify({ name, version: '1.2.3', main: 'main.cjs' }),
    );
    writeFileSync(path.join(home, 'main.cjs'), code);
  }
  return cwd;
}

/** A substitute for onnxruntime-node that returns `row(table, id, dim)`. */
const onnx = (row: string): string => `
  class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
  console.log('greetings of a library');
  exports.Tensor = Tensor;
  exports.InferenceSession = {
    async create(model, options) {
      const text = Buffer.from(model).toString('latin1');
      for (const word of ['Gather', 'table', 'ids', 'rows']) if (!text.includes(word)) throw new Error(word);
      return {
        async run({ table, ids }, { rows }) {
          const dim = table.dims[1];
          ids.data.forEach((id, r) => rows.data.set(table.data.subarray(${row}, ${row} + dim), r * dim));
          return { rows };
        },
        async release() {},
      };
    },
  };`;

/** A substitute for TensorFlow.js. */
const tfjs = `
  const tensor = (data, dim) => ({ data, dim, dataSync: () => data, dispose() {} });
  exports.setBackend = async (name) => name === 'cpu';
  exports.tensor2d = (data, [, dim]) => tensor(data, dim);
  exports.tensor1d = (data) => tensor(data);
  exports.gather = ({ data, dim }, ids) => {
    const rows = new Float32Array(ids.data.length * dim);
    ids.data.forEach((id, r) => rows.set(data.subarray(id * dim, (id + 1) * dim), r * dim));
    return tensor(rows);
  };`;

const bench = async (args: readonly string[], cwd = folder()): Promise<Json> =>
  JSON.parse(await printed(['bench', ...SMALL, ...args, '--json'], { cwd })) as Json;

describe('bench --json', () => {
  it('measures tokenbed, the copy and plain JavaScript for every size, and lists missing libraries', async () => {
    const output = await bench([]);
    const { name, isa, version } = backendInfo();
    expect(output).toMatchObject({ version, backend: name, isa, node: process.version });
    expect(output['table']).toEqual({ vocabSize: 50, embeddingDim: 6, memoryMb: (50 * 6 * 4) / 2 ** 20 });
    expect(output['settings']).toEqual({ pattern: 'uniform', seed: '0', rounds: 3, roundMs: 1 });
    expect(output.missing).toEqual(PEERS);
    expect(output.failed).toEqual([]);
    expect(output.results.map(({ tokens, name }) => [tokens, name])).toEqual(
      [1, 20].flatMap((tokens) => OWN.map((name) => [tokens, name])),
    );
    for (const each of output.results) {
      expect(each.version).toBeNull();
      expect(each.p10Us).toBeGreaterThan(0);
      expect(each.p10Us).toBeLessThanOrEqual(each.medianUs);
      expect(each.medianUs).toBeLessThanOrEqual(each.p90Us);
      expect(each.p90Us).toBeLessThan(Infinity);
      expect(each.tokensPerSecond / (each.tokens / (each.medianUs / 1e6))).toBeCloseTo(1, 9);
      expect(each.outputMbS / ((each.tokensPerSecond * 24) / 2 ** 20)).toBeCloseTo(1, 9);
      expect(each.ratio).toBeGreaterThan(0);
      if (each.name === 'tokenbed') expect(each.ratio).toBe(1);
    }
  });

  it('measures libraries that are installed in the current folder', async () => {
    const cwd = installed({ 'onnxruntime-node': onnx('id * dim'), '@tensorflow/tfjs': tfjs });
    const child = path.join(cwd, 'a/b');
    mkdirSync(child, { recursive: true });
    const { code, stdout, stderr } = await tokenbed(['bench', ...SMALL, '--json'], { cwd: child });
    expect([code, stderr]).toEqual([0, 'greetings of a library\n']);
    const { results, missing, failed } = JSON.parse(stdout) as Json;
    expect(failed).toEqual([]);
    expect(missing).toEqual(
      PEERS.filter((name) => name !== 'onnxruntime-node' && name !== '@tensorflow/tfjs'),
    );
    const peers = results.filter(({ version }) => version === '1.2.3');
    expect(peers.map(({ tokens, name }) => `${name} ${tokens}`)).toEqual([
      'onnxruntime-node 1',
      'onnxruntime-node 20',
      '@tensorflow/tfjs 1',
      '@tensorflow/tfjs 20',
    ]);
    for (const each of peers) expect(each.ratio).toBeGreaterThan(0);
  });

  it('reports libraries with wrong results or that fail to start, and does not measure them', async () => {
    const cwd = installed({
      'onnxruntime-node': onnx('id'),
      'onnxruntime-web': '',
      '@tensorflow/tfjs': tfjs.replace("'cpu'", "'gpu'"),
    });
    const { code, stdout } = await tokenbed(['bench', ...SMALL, '--json'], { cwd });
    const { results, failed } = JSON.parse(stdout) as Json;
    expect(code).toBe(0);
    expect(failed.map(({ name }) => name)).toEqual([
      'onnxruntime-node',
      'onnxruntime-web',
      '@tensorflow/tfjs',
    ]);
    expect(failed[0]!.message).toBe('onnxruntime-node gave wrong rows: it is not measured');
    expect(failed[2]!.message).toBe('its backend cpu does not start');
    expect(new Set(results.map(({ name }) => name))).toEqual(new Set(OWN));
  });

  it('can copy more bytes than the table has', async () => {
    const { results } = await bench(['--tokens', '51']);
    expect(results.map(({ name }) => name)).toEqual(OWN);
  });
});

describe('bench', () => {
  it('rejects sizes that do not fit, before measuring', async () => {
    const args = ['bench', '--vocab', '1', '--dim', '1000000', '--tokens', '262144'];
    const { code, stdout, stderr } = await tokenbed(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^tokenbed: ERR_TOO_LARGE: Tables, rows and ids needs \d+ bytes/);
  });

  it('prints a table for each size', async () => {
    const cwd = installed({ 'onnxruntime-node': onnx('id * dim') });
    const { code, stdout } = await tokenbed(['bench', ...SMALL, '--pattern', 'zipf'], { cwd });
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^tokenbed \S+ \(/);
    expect(lines[1]).toBe('Table: 50 x 6, 0.0011 MB; ids: zipf, seed 0');
    for (const title of ['1 token per call', '20 tokens per call']) {
      const at = lines.findIndex((line) => line.startsWith(`${title} `));
      const names = lines.slice(at + 2, at + 8).map((line) => line.slice(0, 38).trim());
      expect(names).toEqual([...OWN, 'onnxruntime-node 1.2.3']);
      expect(lines[at + 2]).toMatch(/ 1\.00$/);
    }
    expect(stdout).toContain(`\nNot installed here: ${PEERS.slice(1).join(', ')}\n`);
  });

  it.each([
    ['--tokens', '0', 'integers >= 1 with commas between them: got "0"'],
    ['--vocab', '2147483649', 'an integer >= 1 and <= 2147483648'],
    ['--dim', 'x', 'an integer >= 1'],
    ['--rounds', '0', 'an integer >= 1'],
    ['--round-ms', '0', 'an integer >= 1'],
    ['--pattern', 'zipf,uniform', 'one of uniform, zipf, sequential, repeated'],
    ['--seed', '1.5', 'an integer >= 0'],
  ])('rejects %s %s as a usage error', async (option, value, expected) => {
    await expectFailure(['bench', option, value], 2, `Option ${option} must be ${expected}`);
  });

  it('draws a progress bar on a terminal after a second', async () => {
    const env = preloading('process.stderr.isTTY = true;');
    const args = '--vocab 50 --dim 6 --tokens 4 --rounds 80 --round-ms 10'.split(' ');
    const { code, stderr } = await tokenbed(['bench', ...args], { env, cwd: folder() });
    expect(code).toBe(0);
    expect(stderr.startsWith('\r\u001b[2Kmeasuring [')).toBe(true);
    expect(stderr).toMatch(/measuring \[#* *\] \d+ %/);
    expect(stderr.endsWith('\r\u001b[2K')).toBe(true);
  });

  it('exits silently when the reader closes the pipe', async () => {
    const child = start(['bench', ...SMALL], { cwd: folder() });
    child.stdout.destroy();
    const { code, signal, stderr } = await outcome(child);
    expect([code, signal, stderr]).toEqual([0, null, '']);
  });
});
