/**
 * The tab "Search": the model is fetched once, with progress, and kept; the nearest passages are those of the library in
 * Node; and it works without a network.
 */

import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import type { Page } from 'playwright';
import { Embedding, StaticModel } from 'tokenbed';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { passagesIn } from '../../examples/browser/src/work/passages.js';
import { serveFolder } from '../../scripts/lib/static-server.mjs';
import { BASE, expectNoErrors, PLAIN_HOST, visit } from './browser.js';
import { ask, hits, kept, openSearch, ready } from './search.js';
import { openTab } from './table.js';

const repository = (file: string): string => new URL(`../../${file}`, import.meta.url).pathname;

let model: StaticModel;
let notes: string;
beforeAll(async () => {
  model = await StaticModel.load(repository('models/minilm-static'), { normalize: false });
  notes = readFileSync(repository('examples/browser/sample/notes.txt'), 'utf8');
});
afterAll(() => model.dispose());

/** The passages of a text that are nearest to a query, as the page shows them. */
function nearest(text: string, query: string): [score: string, text: string][] {
  const passages = passagesIn(text).map(({ start, end }) => text.slice(start, end));
  const { data } = model.embed(passages);
  using index = Embedding.fromPretrained(data, { embeddingDim: model.dim, dtype: 'i8' });
  const { ids, scores } = index.nearest(model.embed([query]).data, { k: 5 });
  const found = Array.from(ids.data, (id, i) => ({ score: scores.data[i]!, text: passages[id]! }));
  return found.filter(({ score }) => score > 0).map(({ score, text }) => [score.toFixed(2), text]);
}

/** A server of the page whose answers to requests for the model a test decides. */
async function serve(intercept: (file: string, response: ServerResponse) => boolean = () => false) {
  /** The requested files of the model, without the hash in their names. */
  const requested: string[] = [];
  const server = await serveFolder(inject('pageFolder'), {
    base: BASE,
    intercept(file, response) {
      const name = /^assets\/((?:model|tokenizer|config)-[\w-]+\.(?:safetensors|json))$/.exec(file)?.[1];
      if (name === undefined) return false;
      requested.push(name.replace(/-[\w-]+/, ''));
      return intercept(file, response);
    },
  });
  onTestFinished(() => server.close());
  return { ...server, requested };
}

const FILES = ['config.json', 'model.safetensors', 'tokenizer.json'];
const message = (page: Page) => page.locator('#model-message').textContent();
const hint = (page: Page) => page.locator('#hits-message').textContent();
const action = (page: Page) => page.locator('#model-action');
const field = (page: Page) => page.getByRole('textbox', { name: 'Text to search' });

test('the model: fetched at the first use of the tab with progress, then kept, also without a network', async () => {
  /** Sends the second half of the table. */
  let release = (): void => {};
  const server = await serve((file, response) => {
    if (!file.endsWith('.safetensors')) return false;
    const all = readFileSync(path.join(inject('pageFolder'), file));
    response.writeHead(200, { 'content-length': all.length }).write(all.subarray(0, all.length / 2));
    release = () => void response.end(all.subarray(all.length / 2));
    return true;
  });
  const visited = await visit({}, server.url);
  const { page, requests } = visited;
  expect(server.requested).toEqual([]);
  await openSearch(page);
  const bar = page.locator('#model-progress');
  await expect.poll(() => bar.getAttribute('aria-valuetext')).toMatch(/^[\d.]+ [kM]B of 4\.3 MB$/);
  expect(await page.locator('#model-loaded').textContent()).toMatch(/^[\d.]+ [kM]B of 4\.3 MB$/);
  const value = await bar.evaluate((progress: HTMLProgressElement) => progress.value);
  expect(value).toBeGreaterThan(0);
  expect(value).toBeLessThan(0.6); // half of the table has not arrived
  expect(await message(page)).toBe('Fetching the model, once …');
  release();
  await ready(page);
  expect(await hint(page)).toBe('Type a query, or choose an example.');
  await expectHits(page, notes, 'musician who could not hear');
  expect(await page.locator('#model-figures dd').allTextContents()).toEqual([
    '29,525',
    'i4, 132 bytes a row',
    '256',
    '3.9 MB',
  ]);
  await kept(page);
  expect(await page.locator('#kept').textContent()).toMatch(
    /: the model, 4\.3 MB, and \d+ files of the page, 1\.\d MB\.$/,
  );
  await expectNoErrors(visited);
  expect(server.requested.sort()).toEqual(FILES);
  expect(requests.filter((url) => /\/text-[\w-]+\.wasm$/.test(url))).toHaveLength(1);

  await page.reload(); // at #search
  await ready(page);
  await expectHits(page, notes, 'spicy food');
  expect(server.requested).toHaveLength(FILES.length);
  await expectNoErrors(visited);

  await server.close();
  await page.reload();
  await ready(page);
  await expectHits(page, notes, 'foliage colours');
  await openTab(page); // what was not visited works, too
  await page.getByRole('button', { name: 'Open the sample' }).click();
  await expect.poll(() => page.locator('#file-status').textContent()).toContain('is open.');
  expect(await visited.violations()).toEqual([]);

  // Removed, it does not.
  await openSearch(page);
  await page.getByRole('button', { name: 'Remove' }).click();
  await expect.poll(() => page.locator('#kept').textContent()).toMatch(/^Removed: nothing is kept\./);
  expect(await page.evaluate(() => caches.keys())).toEqual([]);
  expect(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)).toBe(0);
  await expectHits(page, notes, 'inflation'); // from memory
  await expect(page.reload()).rejects.toThrow('ERR_CONNECTION_REFUSED');
});

/** Expects the hits of the library. */
async function expectHits(page: Page, text: string, query: string): Promise<void> {
  await ask(page, query);
  await expect.poll(() => hits(page)).toEqual(nearest(text, query));
}

test('loading is cancelled, fails, and succeeds', async () => {
  let answer: (response: ServerResponse) => boolean = (response) => {
    response.writeHead(200, { 'content-length': 1e6 }).write('{');
    return true; // and no more
  };
  const server = await serve((_, response) => answer(response));
  const { page } = await visit({}, server.url);
  await openSearch(page);
  await expect.poll(() => server.requested.length).toBeGreaterThanOrEqual(2);
  expect(page.workers()).toHaveLength(2); // of the text and of the model
  await action(page).click();
  expect(await message(page)).toBe('The model is not loaded.');
  expect(await action(page).textContent()).toBe('Load the model (4.3 MB)');
  await expect.poll(() => page.workers().length).toBe(1);

  answer = (response) => {
    response.writeHead(404).end();
    return true;
  };
  await action(page).click();
  await expect.poll(() => message(page)).toMatch(/^Error ERR_FORMAT: .*404/);
  expect(await message(page)).toContain(server.url);
  expect(await action(page).textContent()).toBe('Retry');
  expect(page.workers()).toHaveLength(1);
  const entries = () =>
    page.evaluate(async () => (await (await caches.open('tokenbed-models')).keys()).length);
  expect(await entries()).toBe(0);

  answer = () => false;
  await action(page).click();
  await ready(page);
  expect(await entries()).toBe(FILES.length);
  await expectHits(page, notes, 'visa requirements');
});

test('an example finds a passage with which it shares no word', async () => {
  const { page } = await visit();
  await openSearch(page);
  await ready(page);
  const firsts: Readonly<Record<string, string>> = {
    'spicy food': 'Chili',
    'foliage colours': 'Leaves',
    'musician who could not hear': 'Beethoven',
    'tired after flying': 'Jet lag',
    inflation: 'Prices',
    'visa requirements': 'A passport',
  };
  const examples = page.locator('#search-examples button');
  expect(await examples.allTextContents()).toEqual(Object.keys(firsts));
  for (const example of await examples.all()) {
    await example.click();
    const query = (await example.textContent())!;
    await expect.poll(async () => (await hits(page))[0]?.[1].startsWith(firsts[query]!)).toBe(true);
    const [[, text]] = (await hits(page)) as [[string, string]];
    const words = new Set(text.toLowerCase().match(/\w+/g));
    expect(query.split(' ').filter((word) => words.has(word))).toEqual([]);
  }
  // What adds to the score is marked.
  await ask(page, 'spicy food');
  await expect
    .poll(() => page.locator('#hits li').first().locator('mark').allTextContents())
    .toEqual(['Chili', 'capsaicin']);
});

describe('another text', () => {
  test('is indexed as it is pasted: paragraphs, lines, sentences, nothing', async () => {
    const visited = await visit();
    const { page } = visited;
    await openSearch(page);
    await ready(page);
    const passages = page.locator('#passages');
    const long = `${'Filler without a point. '.repeat(20)}A sailor crossed the ocean in a small boat, alone.`;
    const text = `The first paragraph\nhas two lines.\n\n \n${long}\n\nThe third one is about cheese.`;
    await field(page).fill(text);
    await expect.poll(() => passages.textContent()).toBe(String(passagesIn(text).length));
    expect(await page.locator('#search-examples').isVisible()).toBe(false);
    await expectHits(page, text, 'voyage');
    expect((await hits(page))[0]![1]).toBe('A sailor crossed the ocean in a small boat, alone.');

    await field(page).fill(' \n\n ');
    await expect.poll(() => hint(page)).toBe('The text is empty: paste one below, or take ours.');
    expect(await hits(page)).toEqual([]);
    await field(page).fill('cheese\nbread\nwine');
    await expectHits(page, 'cheese\nbread\nwine', 'loaf');
    await page.getByRole('combobox').fill('🙂');
    await expect.poll(() => hint(page)).toBe('No passage is near: the model knows no word of the query.');
    await page.getByRole('button', { name: 'Take our text' }).click();
    expect(await field(page).inputValue()).toBe(notes);
    expect(await page.locator('#search-examples').isVisible()).toBe(true);
    await expectHits(page, notes, 'inflation');
    await expectNoErrors(visited);
  });

  test('of 20,000 passages is indexed in batches, while queries are answered, and fast typing does not queue', async () => {
    const { page } = await visit();
    await page.evaluate(() => {
      const sent: unknown[] = [];
      const { postMessage } = Worker.prototype;
      Worker.prototype.postMessage = function (...args: [unknown]) {
        sent.push((args[0] as { kind: unknown }).kind);
        return postMessage.apply(this, args);
      };
      Object.assign(globalThis, { sent });
    });
    await openSearch(page);
    await ready(page);
    const text = Array.from({ length: 20_000 }, (_, i) => `The number ${i} of many lines`).join('\n');
    await page.evaluate((text) => {
      const progress = document.querySelector<HTMLProgressElement>('#index-progress')!;
      const steps = new Set<number>();
      new MutationObserver(() => steps.add(progress.value)).observe(progress, { attributes: true });
      Object.assign(globalThis, { steps });
      const field = document.querySelector<HTMLTextAreaElement>('#search-text')!;
      field.value = text;
      field.dispatchEvent(new Event('input'));
      const query = document.querySelector<HTMLInputElement>('#search-query')!;
      for (let i = 0; i < 100; i++) {
        query.value = `number ${i}`;
        query.dispatchEvent(new Event('input'));
      }
    }, text);
    await expect.poll(() => page.locator('#passages').textContent()).toBe('20,000');
    await expect.poll(() => hits(page)).toEqual(nearest(text, 'number 99'));
    const { steps, searches } = await page.evaluate(() => {
      const { sent, steps } = globalThis as unknown as { sent: unknown[]; steps: Set<number> };
      return { steps: steps.size, searches: sent.filter((kind) => kind === 'search').length };
    });
    expect(steps).toBeGreaterThan(10);
    expect(searches).toBeLessThanOrEqual(4);
  });
});

test('by keyboard: the list, the passage in the text, and back', async () => {
  const { page } = await visit();
  await openSearch(page);
  await ready(page);
  const query = page.getByRole('combobox', { name: 'Query' });
  await query.focus();
  await page.keyboard.type('spicy food');
  await expect.poll(() => query.getAttribute('aria-expanded')).toBe('true');
  await expect.poll(() => hits(page)).toEqual(nearest(notes, 'spicy food'));
  const active = () => query.getAttribute('aria-activedescendant');
  const selected = () => page.getByRole('option', { selected: true }).getAttribute('id');
  expect(await active()).toBeNull();
  for (const [key, id] of [
    ['ArrowDown', 'hit-0'],
    ['ArrowDown', 'hit-1'],
    ['ArrowDown', 'hit-2'],
    ['ArrowUp', 'hit-1'],
  ] as const) {
    await page.keyboard.press(key);
    expect(await active()).toBe(id);
    expect(await selected()).toBe(id);
  }
  await page.keyboard.press('Enter');
  const selection = () =>
    page.evaluate(() => {
      const field = document.activeElement as HTMLTextAreaElement;
      return field.value.slice(field.selectionStart, field.selectionEnd);
    });
  expect(await selection()).toBe((await hits(page))[1]![1]);
  await page.keyboard.press('Escape');
  expect(await query.evaluate((field) => field === document.activeElement)).toBe(true);
  await page.keyboard.press('Escape');
  expect(await active()).toBeNull();
  expect(await query.inputValue()).toBe('spicy food');
  await page.keyboard.press('Escape');
  expect(await query.inputValue()).toBe('');
  await expect.poll(() => hits(page)).toEqual([]);
  expect(await query.getAttribute('aria-expanded')).toBe('false');
  // A screen reader is told of the nearest passage.
  await page.keyboard.type('visa requirements');
  await expect
    .poll(() => page.locator('#hits-live').textContent())
    .toMatch(/^Nearest, 0\.\d+: A passport should be valid/);
  await page.locator('#hits li').nth(3).click();
  expect(await selection()).toBe((await hits(page))[3]![1]);
});

test('a browser without room for the model loads it without keeping it, and the page says so', async () => {
  const server = await serve();
  const { page } = await visit({}, server.url);
  const session = await page.context().newCDPSession(page);
  const { origin } = new URL(server.url);
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 3_000_000 });
  await openSearch(page);
  await ready(page);
  await expectHits(page, notes, 'inflation');
  await expect
    .poll(() => page.locator('#kept').textContent())
    .toBe('This browser has no room for the model: the next visit fetches it again.');
  expect(server.requested.filter((name) => name === 'model.safetensors')).toHaveLength(2);
});

test('without https nothing is kept, and the page says so', async () => {
  const server = await serve();
  const { page } = await visit({}, server.url.replace('127.0.0.1', PLAIN_HOST));
  expect(await page.evaluate(() => isSecureContext)).toBe(false);
  await openSearch(page);
  await ready(page);
  await expect
    .poll(() => page.locator('#kept').textContent())
    .toBe('Nothing is kept: this browser does not allow it here.');
  expect(await page.getByRole('button', { name: 'Remove' }).isDisabled()).toBe(true);
  await expectHits(page, notes, 'inflation');
  await page.reload();
  await ready(page);
  expect(server.requested).toHaveLength(2 * FILES.length);
});
