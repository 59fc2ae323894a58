/**
 * Loading in a page: `init` from every source, calls before it, and failures.
 *
 * Each test loads a fresh copy of the package in a new frame.
 */

import type * as library from 'tokenbed';
import { afterEach, describe, expect, it } from 'vitest';
import { thrown } from '../helpers/errors.js';

type Package = typeof library;

const ENTRY = new URL('../../dist/index.js', import.meta.url).href;
const INLINE = new URL('../../dist/inline.js', import.meta.url).href;
const CORE = new URL('../../dist/core.wasm', import.meta.url).href;

interface Page extends Window {
  ready(entry: Package): void;
  failed(error: unknown): void;
  fetch: typeof fetch;
}

const frames: HTMLIFrameElement[] = [];
afterEach(() => frames.splice(0).forEach((frame) => frame.remove()));

/** The package in a new realm. */
async function fresh(entry = ENTRY): Promise<{ page: Page; tokenbed: Package }> {
  const frame = document.createElement('iframe');
  document.body.append(frame);
  frames.push(frame);
  const page = frame.contentWindow as unknown as Page;
  const tokenbed = await new Promise<Package>((resolve, reject) => {
    page.ready = resolve;
    page.failed = reject;
    const script = page.document.createElement('script');
    script.type = 'module';
    script.textContent = `import(${JSON.stringify(entry)}).then(window.ready, window.failed);`;
    page.document.body.append(script);
  });
  return { page, tokenbed };
}

const expectRow = ({ Embedding }: Package) => {
  const row = new Embedding({ vocabSize: 4, embeddingDim: 2, seed: 7 }).forward(3);
  expect(row.shape).toEqual([2]);
  return Array.from(row.data);
};

describe('before init', () => {
  it('constructors throw ERR_NOT_INITIALIZED; tensors and tokenizers work', async () => {
    const { tokenbed, page } = await fresh();
    const error = thrown(() => new tokenbed.Embedding({ vocabSize: 4, embeddingDim: 2 }));
    expect(error).toBeInstanceOf((page as unknown as { Error: ErrorConstructor }).Error);
    expect(error).toMatchObject({ code: 'ERR_NOT_INITIALIZED' });
    expect(error.message).toContain('await init()');
    expect(thrown(() => tokenbed.backendInfo())).toMatchObject({ code: 'ERR_NOT_INITIALIZED' });
    expect(thrown(() => tokenbed.Tensor.allocate([2]))).toMatchObject({ code: 'ERR_NOT_INITIALIZED' });
    expect(new tokenbed.Tensor([1, 2]).shape).toEqual([2]);
    expect(new tokenbed.CharTokenizer().encode('Hi!')).toEqual([2, 44, 77, 5, 3]);
  });
});

describe('init', () => {
  it('fetches core.wasm; with auto it gives the reason for the fallback', async () => {
    const { tokenbed } = await fresh();
    const info = await tokenbed.init();
    expect(info).toMatchObject({ name: 'wasm', isa: 'simd128', threads: 1 });
    expect(info.fallbackReason).toContain('Node addons');
    expect((await tokenbed.init({ backend: 'wasm' })).fallbackReason).toBeNull();
    expectRow(tokenbed);
  });

  it.each<[string, () => unknown]>([
    ['a URL as text', () => CORE],
    ['a URL', () => new URL(CORE)],
    ['a Request', () => new Request(CORE)],
    ['a Response', () => fetch(CORE).then((response) => response)],
    ['a promise of a Response', () => fetch(CORE)],
    ['an ArrayBuffer', () => fetch(CORE).then((response) => response.arrayBuffer())],
    ['bytes', async () => new Uint8Array(await (await fetch(CORE)).arrayBuffer())],
    ['a module', async () => WebAssembly.compile(await (await fetch(CORE)).arrayBuffer())],
  ])('accepts %s', async (_, source) => {
    const { tokenbed } = await fresh();
    await tokenbed.init({ wasm: source() as string });
    expectRow(tokenbed);
  });

  it('fetches a Request with its integrity and its signal', async () => {
    const core = await (await fetch(CORE)).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', core));
    const integrity = `sha256-${btoa(String.fromCharCode(...digest))}`;
    const { tokenbed } = await fresh();
    for (const wasm of [
      new Request(CORE, { integrity: `sha256-${btoa('x'.repeat(32))}` }),
      new Request(CORE, { signal: AbortSignal.abort() }),
    ]) {
      await expect(tokenbed.init({ wasm })).rejects.toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE' });
    }
    await tokenbed.init({ wasm: new Request(CORE, { integrity }) });
    expectRow(tokenbed);
  });

  it('gives bit-identical results from every source', async () => {
    const [a, b] = [await fresh(), await fresh(INLINE)];
    await a.tokenbed.init();
    expect(expectRow(a.tokenbed)).toEqual(expectRow(b.tokenbed));
  });

  it('shares one load among concurrent calls', async () => {
    const { tokenbed, page } = await fresh();
    const real = page.fetch.bind(page);
    let fetches = 0;
    page.fetch = (...args: Parameters<typeof fetch>) => (fetches++, real(...args));
    const infos = await Promise.all([tokenbed.init(), tokenbed.init(), tokenbed.init({ backend: 'wasm' })]);
    expect(infos.map(({ name }) => name)).toEqual(['wasm', 'wasm', 'wasm']);
    expect(fetches).toBe(1);
  });

  it('can be retried after a failure', async () => {
    const { tokenbed } = await fresh();
    const missing = new URL('../../dist/no-such.wasm', import.meta.url).href;
    const error = await tokenbed.init({ wasm: missing }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE' });
    expect((error as Error).cause).toBeDefined();
    expect(thrown(() => tokenbed.backendInfo())).toMatchObject({ code: 'ERR_NOT_INITIALIZED' });
    await tokenbed.init();
    expectRow(tokenbed);
  });

  it('can be retried with the same source', async () => {
    const { tokenbed, page } = await fresh();
    const real = page.fetch.bind(page);
    page.fetch = () => Promise.reject(new Error('offline'));
    const error = await tokenbed.init().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE' });
    page.fetch = real;
    await tokenbed.init();
    expectRow(tokenbed);
  });

  it('throws ERR_BACKEND_UNAVAILABLE if the addon is requested', async () => {
    const { tokenbed } = await fresh();
    const error = await tokenbed.init({ backend: 'native' }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE' });
  });
});

describe('initSync', () => {
  it('takes bytes and a compiled module', async () => {
    const bytes = await (await fetch(CORE)).arrayBuffer();
    for (const wasm of [bytes, await WebAssembly.compile(bytes)]) {
      const { tokenbed } = await fresh();
      expect(tokenbed.initSync({ wasm })).toMatchObject({ name: 'wasm', fallbackReason: null });
      expectRow(tokenbed);
    }
  });
});

describe('tokenbed/inline', () => {
  it('needs neither a fetch nor init', async () => {
    const { tokenbed, page } = await fresh(INLINE);
    page.fetch = () => Promise.reject(new Error('nothing may be fetched'));
    expectRow(tokenbed);
    expect(tokenbed.backendInfo()).toMatchObject({ name: 'wasm', isa: 'simd128' });
    await tokenbed.init();
    expectRow(tokenbed);
  });
});

describe('a worker', () => {
  it('starts with initSync from a transferred module and gives bit-identical results', async () => {
    const { tokenbed } = await fresh();
    await tokenbed.init();
    const expected = expectRow(tokenbed);
    const source = `
      import { Embedding, initSync } from ${JSON.stringify(ENTRY)};
      onmessage = ({ data }) => {
        initSync({ wasm: data });
        postMessage(Array.from(new Embedding({ vocabSize: 4, embeddingDim: 2, seed: 7 }).forward(3).data));
      };
      postMessage('ready');`;
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })), {
      type: 'module',
    });
    const module = await WebAssembly.compile(await (await fetch(CORE)).arrayBuffer());
    const row = await new Promise((resolve, reject) => {
      worker.addEventListener('error', (event) => reject(new Error(event.message)));
      worker.addEventListener('message', ({ data }) => {
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
        if (data === 'ready') worker.postMessage(module);
        else resolve(data);
      });
    });
    worker.terminate();
    expect(row).toEqual(expected);
  });
});
