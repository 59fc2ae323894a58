/** All sources of core.wasm, and the environment variables. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { backendInfo, Embedding, init, initSync } from 'tokenbed';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { expectBackend, restoreBackend } from '../helpers/backend.js';
import { expectBits } from '../helpers/bits.js';

afterEach(restoreBackend);

const CORE = fileURLToPath(new URL('../../dist/core.wasm', import.meta.url));
const OPTIONS = { vocabSize: 20, embeddingDim: 3, seed: 9 } as const;
let bytes: Uint8Array<ArrayBuffer>;
let expected: Float32Array;
beforeAll(async () => {
  bytes = new Uint8Array(await readFile(CORE));
  expectBackend();
  expected = new Embedding(OPTIONS).weight.toTensor().data;
});

/** Expects that WASM is active, with bit-identical results to the backend of this project. */
function expectWasm(): void {
  expect(backendInfo()).toMatchObject({ name: 'wasm', isa: 'simd128', fallbackReason: null });
  const embedding = new Embedding(OPTIONS);
  expectBits(embedding.weight.toTensor().data, expected);
  embedding.dispose();
}

describe('init', () => {
  const dataUrl = () => `data:application/wasm;base64,${Buffer.from(bytes).toString('base64')}`;
  const sources: Record<string, () => object | string> = {
    'a path': () => CORE,
    'a file URL as text': () => pathToFileURL(CORE).href,
    'a file URL': () => pathToFileURL(CORE),
    'a data URL': dataUrl,
    'a Request': () => new Request(dataUrl()),
    'a Response': () => new Response(bytes, { headers: { 'content-type': 'application/wasm' } }),
    'a Response of no type': () => new Response(bytes),
    'an ArrayBuffer': () => bytes.slice().buffer,
    'a view inside a buffer': () => {
      const larger = new Uint8Array(bytes.length + 24);
      larger.set(bytes, 8);
      return larger.subarray(8, 8 + bytes.length);
    },
    'a DataView': () => new DataView(bytes.buffer),
    'a SharedArrayBuffer': () => {
      const shared = new SharedArrayBuffer(bytes.length);
      new Uint8Array(shared).set(bytes);
      return shared;
    },
    'a Buffer': () => Buffer.from(bytes),
    'a compiled module': () => new WebAssembly.Module(bytes),
    'a promise of a module': () => WebAssembly.compile(bytes),
    'a promise of a response': () => Promise.resolve(new Response(bytes)),
    'a promise of a path': () => Promise.resolve(CORE),
  };

  it.each(Object.keys(sources))('accepts %s', async (name) => {
    expect(await init({ backend: 'wasm', wasm: sources[name]!() })).toEqual(backendInfo());
    expectWasm();
  });

  describe('with a Request', () => {
    const TOKEN = 'abc';
    let server: Server;
    let url: string;
    beforeAll(async () => {
      server = createServer(({ headers }, response) => {
        response.writeHead(headers['x-token'] === TOKEN ? 200 : 401, { 'content-type': 'application/wasm' });
        response.end(bytes);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/core.wasm`;
    });
    afterAll(() => server.close());

    const digest = (data: Uint8Array) => `sha256-${createHash('sha256').update(data).digest('base64')}`;
    const request = (options: RequestInit = {}) =>
      new Request(url, { headers: { 'x-token': TOKEN }, ...options });

    it('sends its headers and accepts the right integrity', async () => {
      await init({ backend: 'wasm', wasm: request({ integrity: digest(bytes) }) });
      expectWasm();
    });

    it.each<[string, RegExp, () => RequestInit]>([
      ['without the headers', /HTTP status 401/, () => ({ headers: {} })],
      ['of another integrity', /fetch failed/, () => ({ integrity: digest(new Uint8Array(1)) })],
      ['that was aborted', /aborted/, () => ({ signal: AbortSignal.abort() })],
    ])('fails %s', async (_name, message, options) => {
      await expect(init({ backend: 'wasm', wasm: request(options()) })).rejects.toMatchObject({
        code: 'ERR_BACKEND_UNAVAILABLE',
        message: expect.stringMatching(message) as string,
      });
    });
  });

  it.each<[string, RegExp, () => Promise<object>]>([
    ['nothing', /undefined/, () => Promise.reject()],
    ['null', /null/, () => Promise.reject(null)],
    ['a text', /no such module/, () => Promise.reject('no such module')],
    ['an error', /no such module/, () => Promise.reject(new TypeError('no such module'))],
  ])('has an error of this package if its promise rejects with %s', async (_name, message, wasm) => {
    await expect(init({ backend: 'wasm', wasm: wasm() })).rejects.toMatchObject({
      code: 'ERR_BACKEND_UNAVAILABLE',
      message: expect.stringMatching(message) as string,
    });
  });

  it('names a response without an address', async () => {
    await expect(init({ backend: 'wasm', wasm: new Response('', { status: 404 }) })).rejects.toThrow(
      /the response: HTTP status 404/,
    );
    await expect(init({ backend: 'wasm', wasm: new Response('<!doctype html>') })).rejects.toThrow(
      /the response: the server sent text\/plain/,
    );
  });

  it('shares one load among concurrent calls', async () => {
    let reads = 0;
    const counted = { arrayBuffer: () => (reads++, Promise.resolve(bytes.buffer)) };
    await Promise.all([1, 2, 3].map(() => init({ backend: 'wasm', wasm: counted })));
    expect(reads).toBe(1);
    expectWasm();
  });
});

describe('initSync', () => {
  it.each([
    ['bytes', () => bytes],
    ['an ArrayBuffer', () => bytes.slice().buffer],
    ['a module', () => new WebAssembly.Module(bytes)],
  ] as const)('accepts %s', (_name, source) => {
    expect(initSync({ wasm: source() })).toEqual(backendInfo());
    expectWasm();
  });
});

describe('the environment', () => {
  const run = promisify(execFile);
  const index = new URL('../../dist/index.mjs', import.meta.url).href;

  /** The output of a new process: its backendInfo, or the error. */
  async function answer(
    env: Record<string, string>,
    program = 'backendInfo()',
  ): Promise<Record<string, unknown>> {
    const { TOKENBED_BACKEND: _, ...rest } = process.env;
    const script = `import { backendInfo, init } from ${JSON.stringify(index)};
      try { console.log(JSON.stringify(await ${program})); }
      catch (error) { console.log(JSON.stringify({ class: error.constructor.name, message: error.message, ...error })); }`;
    const argv = ['--input-type=module', '--eval', script];
    const { stdout } = await run(process.execPath, argv, { env: { ...rest, ...env } });
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  it('selects native by default, and the requested backend otherwise', async () => {
    const [none, empty, wasm, native, auto] = await Promise.all([
      answer({}),
      answer({ TOKENBED_BACKEND: '' }),
      answer({ TOKENBED_BACKEND: 'wasm' }),
      answer({ TOKENBED_BACKEND: 'native' }),
      answer({ TOKENBED_BACKEND: 'wasm' }, "init({ backend: 'auto' })"),
    ]);
    for (const info of [none, empty, native])
      expect(info).toMatchObject({ name: 'native', fallbackReason: null });
    for (const info of [wasm, auto]) expect(info).toMatchObject({ name: 'wasm', fallbackReason: null });
    expect(await answer({ TOKENBED_BACKEND: 'wasm' }, "init({ backend: 'native' })")).toMatchObject({
      name: 'native',
    });
  });

  it('can only lower the instruction set', async () => {
    const backend = inject('backend');
    const [scalar, raised] = await Promise.all([
      answer({ TOKENBED_BACKEND: backend, TOKENBED_ISA: 'scalar' }),
      answer({ TOKENBED_BACKEND: backend, TOKENBED_ISA: backend === 'wasm' ? 'avx2' : 'simd128' }),
    ]);
    expect(scalar['isa']).toBe('scalar');
    expect(raised['isa']).toBe(backendInfo().isa);
  });

  it('rejects a malformed value', async () => {
    const cases = [
      { TOKENBED_BACKEND: 'gpu' },
      { TOKENBED_BACKEND: 'WASM' },
      { TOKENBED_ISA: 'avx1024' },
      { TOKENBED_TUNING: 'zen9' },
      { TOKENBED_THREADS: '0' },
      { TOKENBED_THREADS: '-1' },
      { TOKENBED_THREADS: 'many' },
      { TOKENBED_THREADS: '1.5' },
    ];
    const answers = await Promise.all(cases.map((env) => answer(env as unknown as Record<string, string>)));
    answers.forEach((error, i) => {
      const [option, value] = Object.entries(cases[i]!)[0]!;
      expect(error).toMatchObject({ class: 'RangeError', code: 'ERR_INVALID_OPTION', option, value });
      expect(error['message']).toContain(value);
    });
  });
});
