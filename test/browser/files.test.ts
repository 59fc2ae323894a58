/** Files in a page: addresses, the File of a form, a CacheStorage, workers, and the content security policy. */

import * as library from 'tokenbed';
import { afterEach, describe, expect, it } from 'vitest';
import { expectBits } from '../helpers/bits.js';
import { f32Table, sha256, streamOf } from '../helpers/files.js';
import { packageInPage, removePages } from './pages.js';

const { Embedding, inspect } = library;

const ENTRY = new URL('../../dist/index.js', import.meta.url).href;
const { origin } = new URL(ENTRY);
/** A table that is served. */
const TABLE = new URL('../vectors/golden/files/weight.safetensors', import.meta.url);
const bytesOfTable = async () => new Uint8Array(await (await fetch(TABLE)).arrayBuffer());

const expectTable = async (embedding: library.Embedding) =>
  expectBits(
    embedding.weight.toTensor().data,
    Embedding.loadSync(await bytesOfTable()).weight.toTensor().data,
  );

/** The requests of this page for the table, as the browser counts them. */
const requests = () => performance.getEntriesByName(TABLE.href, 'resource').length;

/** Runs `use`, which must make `expected` requests for the table. */
async function withRequests<T>(expected: number, use: () => Promise<T>): Promise<T> {
  performance.clearResourceTimings();
  const result = await use();
  expect(requests()).toBe(expected);
  return result;
}

const caught = (promise: Promise<unknown>): Promise<Error & Record<string, unknown>> =>
  promise.then(
    () => Promise.reject(new Error('nothing was thrown')),
    (error: Error & Record<string, unknown>) => error,
  );

afterEach(removePages);

describe('addresses', () => {
  it('a string is a URL, relative to the page', async () => {
    const path = TABLE.pathname;
    const relative = `${'../'.repeat(location.pathname.split('/').length)}${path.slice(1)}`;
    for (const source of [TABLE.href, path, relative]) {
      await expectTable(await Embedding.load(source));
      expect((await inspect(source)).format).toBe('safetensors');
    }
  });

  it('what a server does not have is ERR_FORMAT with status and URL', async () => {
    const missing = new URL('no-such-file.safetensors', TABLE).href;
    const error = await caught(Embedding.load(missing));
    expect(error).toMatchObject({ code: 'ERR_FORMAT', path: missing });
    expect(error.message).toContain('404');
    expect(error.message).toContain(missing);
  });

  it('a server that does not answer: the error of fetch', async () => {
    expect(await caught(Embedding.load('http://127.0.0.1:1/table.npy'))).toBeInstanceOf(TypeError);
    expect(await caught(Embedding.load('blob:nothing'))).toBeInstanceOf(TypeError);
  });

  it('a path is no file, and file: is no scheme of a page', async () => {
    const error = await caught(Embedding.load(new URL('file:///table.npy')));
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'source' });
    expect(error.message).toContain('http:');
    expect(() => Embedding.loadSync(TABLE.href)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION' }),
    );
  });
});

describe('a File', () => {
  it('is a table, and its name is in errors', async () => {
    await expectTable(await Embedding.load(new File([await bytesOfTable()], 'words.safetensors')));
    const cut = new File([(await bytesOfTable()).slice(0, 40)], 'cut.safetensors');
    for (const load of [Embedding.load(cut), inspect(cut)]) {
      const error = await caught(load);
      expect(error).toMatchObject({ code: 'ERR_FORMAT', path: 'cut.safetensors' });
      expect(error.message).toMatch(/^cut\.safetensors: /);
    }
  });

  it('its URL works until it is revoked', async () => {
    const url = URL.createObjectURL(new File([await bytesOfTable()], 'words.safetensors'));
    await expectTable(await Embedding.load(url));
    URL.revokeObjectURL(url);
    expect(await caught(Embedding.load(url))).toBeInstanceOf(TypeError);
  });
});

describe('cache: the name of a CacheStorage', () => {
  let names = 0;
  /** A cache that no other test has. */
  async function fresh() {
    const name = `tokenbed-test-${names++}`;
    await caches.delete(name);
    const cache = await caches.open(name);
    return { name, cache, urls: async () => (await cache.keys()).map(({ url }) => url) };
  }

  afterEach(async () => {
    for (const name of await caches.keys()) if (name.startsWith('tokenbed-test-')) await caches.delete(name);
  });

  it('the first load fetches, the next ones do not', async () => {
    const { name, cache, urls } = await fresh();
    await expectTable(await withRequests(1, () => Embedding.load(TABLE, { cache: name })));
    expect(await urls()).toEqual([TABLE.href]);
    const entry = await cache.match(TABLE.href);
    expect(new Uint8Array(await entry!.arrayBuffer())).toEqual(await bytesOfTable());
    for (const source of [TABLE, TABLE.href, TABLE.pathname]) {
      const steps: library.LoadProgress[] = [];
      const onProgress = (step: library.LoadProgress) => steps.push(step);
      await expectTable(await withRequests(0, () => Embedding.load(source, { cache: name, onProgress })));
      const total = (await bytesOfTable()).length;
      expect(steps.at(-1)).toEqual({ loaded: total, total });
    }
    await expectTable(await withRequests(1, () => Embedding.load(TABLE)));
  });

  it('with sha256 a stale entry is fetched again and replaced', async () => {
    const { name, cache, urls } = await fresh();
    const stale = f32Table(Float32Array.of(1, 2), 2);
    const hash = await sha256(await bytesOfTable());
    for (const body of [stale, stale.slice(0, 20), new Uint8Array(0)]) {
      await cache.put(TABLE.href, new Response(body));
      await expectTable(await withRequests(1, () => Embedding.load(TABLE, { cache: name, sha256: hash })));
      await expectTable(await withRequests(0, () => Embedding.load(TABLE, { cache: name, sha256: hash })));
    }
    expect(await urls()).toEqual([TABLE.href]);
  });

  it('a file that is not loaded leaves no entry', async () => {
    const { name, urls } = await fresh();
    const loads: Record<string, () => Promise<unknown>> = {
      'another hash': () => Embedding.load(TABLE, { cache: name, sha256: '0'.repeat(64) }),
      'no such tensor': () => Embedding.load(TABLE, { cache: name, tensor: 'none' }),
      'no such file': () => Embedding.load(new URL('none.npy', TABLE), { cache: name }),
      'no table': () => Embedding.load(ENTRY, { cache: name }),
      aborted: () => Embedding.load(TABLE, { cache: name, signal: AbortSignal.abort() }),
    };
    for (const [what, load] of Object.entries(loads)) {
      await caught(load());
      expect(await urls(), what).toEqual([]);
    }
    await expectTable(await withRequests(1, () => Embedding.load(TABLE, { cache: name })));
  });

  it('only addresses are cached', async () => {
    const { name, urls } = await fresh();
    const bytes = await bytesOfTable();
    for (const source of [bytes, new Blob([bytes]), streamOf(bytes, 50), new Response(bytes)]) {
      await expectTable(await Embedding.load(source, { cache: name }));
    }
    expect(await urls()).toEqual([]);
  });
});

describe('a worker', () => {
  it('loads a File, an address and a cached address, with the bits of the page', async () => {
    const name = 'tokenbed-test-worker';
    const source = `
      import { Embedding, init } from ${JSON.stringify(ENTRY)};
      const digest = async (embedding) => Array.from(new Uint32Array(embedding.weight.toTensor().data.buffer));
      onmessage = async ({ data: file }) => {
        try {
          await init();
          const results = [];
          for (const load of [
            () => Embedding.load(file),
            () => Embedding.load(${JSON.stringify(TABLE.href)}, { cache: ${JSON.stringify(name)} }),
            () => Embedding.load(${JSON.stringify(TABLE.href)}, { cache: ${JSON.stringify(name)} }),
          ]) results.push(await digest(await load()));
          const requests = performance.getEntriesByName(${JSON.stringify(TABLE.href)}, 'resource').length;
          postMessage({ results, requests });
        } catch (error) {
          postMessage({ error: String(error) });
        }
      };
      postMessage('ready');`;
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })), {
      type: 'module',
    });
    try {
      const file = new File([await bytesOfTable()], 'table.safetensors');
      const reply = await new Promise<{ error?: string; results: number[][]; requests: number }>(
        (resolve, reject) => {
          worker.addEventListener('error', ({ message }) => reject(new Error(message)));
          worker.addEventListener('message', ({ data }) => {
            // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
            if (data === 'ready') worker.postMessage(file);
            else resolve(data);
          });
        },
      );
      expect(reply.error).toBeUndefined();
      const expected = Embedding.loadSync(await bytesOfTable()).weight.toTensor().data;
      const bits = Array.from(new Uint32Array(expected.buffer));
      expect(reply.results).toEqual([bits, bits, bits]);
      expect(reply.requests).toBe(1);
    } finally {
      worker.terminate();
      await caches.delete(name);
    }
  });
});

describe('a content security policy', () => {
  const policy = (connect: string) =>
    `default-src 'none'; connect-src ${connect}; script-src ${origin} 'nonce-here' 'wasm-unsafe-eval'`;

  it('needs connect-src for addresses, and nothing for a File or bytes', async () => {
    const tokenbed = await packageInPage(ENTRY, policy(origin));
    await tokenbed.init();
    const bytes = await bytesOfTable();
    await expectTable(await tokenbed.Embedding.load(TABLE));
    await expectTable(await tokenbed.Embedding.load(new File([bytes], 'table')));
    await expectTable(await tokenbed.Embedding.load(bytes));
    await expectTable(await tokenbed.Embedding.load(streamOf(bytes, 9)));
    const blob = URL.createObjectURL(new Blob([bytes]));
    const error = await caught(tokenbed.Embedding.load(blob));
    expect(error.name).toBe('TypeError');
    const allowed = await packageInPage(ENTRY, policy(`${origin} blob: data:`));
    await allowed.init();
    await expectTable(await allowed.Embedding.load(blob));
    const text = btoa(String.fromCharCode(...bytes));
    await expectTable(await allowed.Embedding.load(`data:application/octet-stream;base64,${text}`));
  });
});
