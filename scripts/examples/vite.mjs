/**
 * Tests examples/vite in Chromium, with Vite's dev server and with its build: input gives the same rows as in Node, without
 * errors in the console.
 *
 *   TOKENBED_CHROMIUM=... node scripts/examples/vite.mjs
 */

import assert from 'node:assert/strict';
import path from 'node:path';
import { chromium } from 'playwright';
import { CharTokenizer, EmbeddingLayer } from 'tokenbed';
import { build, createServer, preview } from 'vite';
import { ensureChromium } from '../lib/chromium.mjs';
import { root } from '../lib/run.mjs';

/** Like `vite`, `vite build` and `vite preview` in that folder, without configuration. */
const inExample = /** @type {const} */ ({ root: path.join(root, 'examples/vite'), logLevel: 'warn' });

const tokenizer = new CharTokenizer();
const layer = new EmbeddingLayer({ vocabSize: tokenizer.vocabSize, embeddingDim: 4, seed: 7 });
const rows = (/** @type {string} */ text) => layer.forward(tokenizer.encode(text)).toString();

const browser = await chromium.launch({
  executablePath: await ensureChromium(),
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
});
try {
  const server = await createServer({ ...inExample, optimizeDeps: { force: true } });
  await server.listen();
  await check('vite', server.resolvedUrls);
  await server.close();

  await build(inExample);
  const built = await preview(inExample);
  await check('vite build', built.resolvedUrls);
  await built.close();
} finally {
  await browser.close();
}

/** @param {string} what @param {import('vite').ResolvedServerUrls | null} urls */
async function check(what, urls) {
  const page = await browser.newPage();
  /** @type {string[]} */
  const errors = [];
  page.on('console', (message) => errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('requestfailed', (request) => errors.push(`${request.url()} failed`));
  await page.goto(String(urls?.local[0]));
  await page.getByText('wasm simd128').waitFor();
  assert.equal(await page.locator('#vectors').textContent(), rows('Hi!'));
  await page.getByLabel('Text').fill('Hello world!');
  assert.equal(await page.locator('#vectors').textContent(), rows('Hello world!'));
  assert.deepEqual(
    errors.filter((text) => !text.startsWith('[vite] ')),
    [],
  );
  await page.close();
  console.log(`${what}: rows are identical to Node`);
}
