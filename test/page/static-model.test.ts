/** StaticModel.load in a page with a strict policy, from a server of another origin: folders, caches, a worker. */

import { type Browser, chromium, type Page } from 'playwright';
import type * as library from 'tokenbed';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findChromium } from '../../scripts/lib/chromium.mjs';
import { model, type Parts, TOKENS, values, vector } from '../helpers/static-model.js';
import { serveFiles, servePage } from './site.js';

const DIM = 20;
const PLAIN: Parts = { rows: values(TOKENS * DIM), dim: DIM };
const OTHER: Parts = { ...PLAIN, rows: values(TOKENS * DIM, 7), name: 'embedding.weight' };
const FILES = model(PLAIN);
const TEXT = 'hello worlds!';
const IDS = [4, 5, 6, 9];
const MODEL2VEC = {
  'config.json': '{"normalize":true}',
  'model.safetensors': FILES.model,
  'tokenizer.json': FILES.tokenizer,
};
const NESTED = {
  'config_sentence_transformers.json': '{}',
  'modules.json': '[{"type":"a.Normalize"}]',
  '0_StaticEmbedding/model.safetensors': model(OTHER).model,
  '0_StaticEmbedding/tokenizer.json': FILES.tokenizer,
};

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: findChromium() ?? 'chromium-not-found',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
});
afterAll(() => browser.close());

/** A server of these files and a page that may connect to it. `violations` are those of its policy. */
async function serve(files: Readonly<Record<string, Uint8Array | string>>, together = 1) {
  const server = await serveFiles(files, together);
  onTestFinished(() => server.close());
  const site = await servePage(server.url);
  onTestFinished(() => site.close());
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const violations: string[] = [];
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) violations.push(message.text());
  });
  await page.goto(site.url);
  await page.waitForFunction(() => 'tokenbed' in globalThis);
  /** The WASM that the page has fetched. */
  const modules = () =>
    page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .flatMap(({ name }) => /\w+\.wasm$/.exec(name)?.[0] ?? [])
        .sort(),
    );
  return { page, folder: `${server.url}/`, requests: server.requests, violations, modules };
}

/** Set by the page. */
declare const tokenbed: typeof library;

/** The vector of the text by the model in a folder, or the code of the error and what it says. */
const embed = (page: Page, folder: string, options: { cache?: string } = {}) =>
  page.evaluate(
    async ({ folder, options, text }) => {
      try {
        const model = await tokenbed.StaticModel.load(folder, options);
        return { vector: Array.from(model.embed([text]).data), compat: model.compat };
      } catch (error) {
        const { code, message } = error as { code?: unknown; message: string };
        return { code, message };
      }
    },
    { folder, options, text: TEXT },
  );

const expected = (parts: Parts, compat: library.StaticModelCompat) => ({
  vector: Array.from(vector(IDS, parts, compat, true)),
  compat,
});

describe('a folder', () => {
  test('its files are fetched at once, then kept in a CacheStorage', async () => {
    const { page, folder, requests, violations, modules } = await serve(MODEL2VEC, 3);
    expect(await modules()).toEqual(['core.wasm']);
    for (let visits = 0; visits < 2; visits++) {
      expect(await embed(page, folder, { cache: 'models' })).toEqual(expected(PLAIN, 'model2vec'));
      expect(requests.sort()).toEqual(Object.keys(MODEL2VEC));
    }
    expect(await modules()).toEqual(['core.wasm', 'text.wasm']);
    expect(violations).toEqual([]);
  });

  test('of sentence-transformers', async () => {
    const { page, folder } = await serve(NESTED);
    expect(await embed(page, folder)).toEqual(expected(OTHER, 'sentence-transformers'));
  });

  test('without a file, or without a slash at its end', async () => {
    const { 'tokenizer.json': _, ...files } = MODEL2VEC;
    const { page, folder, requests } = await serve(files);
    const absent = await embed(page, folder, { cache: 'models' });
    expect(absent).toMatchObject({ code: 'ERR_FORMAT' });
    expect(absent.message).toContain(`${folder}tokenizer.json`);
    expect(absent.message).toContain('404');
    const entries = await page.evaluate(async () =>
      (await (await caches.open('models')).keys()).map(({ url }) => url),
    );
    expect(entries.filter((url) => url.endsWith('tokenizer.json'))).toEqual([]);
    const made = requests.length;
    expect(await embed(page, folder.slice(0, -1))).toMatchObject({ code: 'ERR_INVALID_OPTION' });
    expect(requests).toHaveLength(made);
  });

  test('relative to the page', async () => {
    const { page } = await serve({});
    const error = await embed(page, 'none/');
    expect(error).toMatchObject({ code: 'ERR_FORMAT' });
    expect(error.message).toMatch(/^none\/model\.safetensors: .*404/);
  });

  test('with a function as tokenizer: text.wasm is not fetched', async () => {
    const { page, folder, modules } = await serve(MODEL2VEC);
    const found = await page.evaluate(async (folder) => {
      const model = await tokenbed.StaticModel.load(folder, { tokenizer: () => [4, 5, 6, 9] });
      return Array.from(model.embed(['any']).data);
    }, folder);
    expect(found).toEqual(expected(PLAIN, 'model2vec').vector);
    expect(await modules()).toEqual(['core.wasm']);
  });
});

test('what a cache throws rejects the load', async () => {
  const { page, folder } = await serve(MODEL2VEC);
  const thrown = await page.evaluate(async (folder) => {
    const results: unknown[] = [];
    for (const method of ['match', 'put'] as const) {
      const entries = new Map<string, Response>();
      const cache = {
        match: async (url: string) => entries.get(url)?.clone(),
        put: async (url: string, response: Response) => {
          entries.set(url, new Response(await response.arrayBuffer()));
        },
        [method]: () => Promise.reject(new Error(`of ${method}`)),
      };
      const error: unknown = await tokenbed.StaticModel.load(folder, { cache }).catch(
        (error: unknown) => error,
      );
      results.push(String(error), entries.size);
    }
    return results;
  }, folder);
  expect(thrown).toEqual(['Error: of match', 0, 'Error: of put', 0]);
});

test('in a worker, with the bits of the page', async () => {
  const { page, folder, violations } = await serve(MODEL2VEC);
  const found = await page.evaluate(
    ({ folder, text }) =>
      new Promise((resolve, reject) => {
        const worker = new Worker('/model-worker.js', { type: 'module' });
        worker.addEventListener('error', ({ message }) => reject(new Error(message)));
        worker.addEventListener('message', ({ data }) => resolve(data));
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin
        worker.postMessage({ folder, text });
      }),
    { folder, text: TEXT },
  );
  expect(found).toEqual(expected(PLAIN, 'model2vec').vector);
  expect(violations).toEqual([]);
});
