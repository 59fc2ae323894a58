/** The tokenizer of a model beside the one that the page trains: its tokens are those of the library in Node. */

import type { Page } from 'playwright';
import { PretrainedTokenizer } from 'tokenbed/text';
import { describe, expect, test } from 'vitest';
import { byteLevel, wordLevel, wordPiece } from '../helpers/tokenizer-files.js';
import { violations } from './axe.js';
import { expectNoErrors, visit } from './browser.js';

const open = (page: Page, json: object | string, name = 'tokenizer.json') =>
  page.locator('#model-file').setInputFiles({
    name,
    mimeType: 'application/json',
    buffer: Buffer.from(typeof json === 'string' ? json : JSON.stringify(json)),
  });

const chips = (page: Page) => page.locator('#model-tokens .chip').allTextContents();
const status = (page: Page) => page.locator('#model-status').textContent();
const write = (page: Page, text: string) => page.getByRole('textbox', { name: 'Text' }).fill(text);

describe('the tokenizer of a model', () => {
  test('shows its tokens of the text, also after a change of the text', async () => {
    const visited = await visit();
    const { page, requests } = visited;
    expect(await page.locator('#model-tokens').isVisible()).toBe(false);
    await write(page, 'Hello, worlds!');
    await open(page, wordPiece);
    await expect.poll(() => chips(page)).toEqual(['hello', ',', 'world', '##s', '!']);
    expect(await status(page)).toBe('tokenizer.json · 5 tokens · vocabulary 12');
    await write(page, 'hello nobody');
    await expect.poll(() => status(page)).toBe('tokenizer.json · 2 tokens · vocabulary 12 · 1 unknown');
    expect(await chips(page)).toEqual(['hello', '[UNK]']);
    expect(requests.filter((request) => /text[^/]*\.wasm/.test(request))).toHaveLength(1);
    await expectNoErrors(visited);
    expect(await violations(page)).toEqual([]);
  });

  test('shows the first tokens of a long text', async () => {
    const { page } = await visit();
    const text = 'hello world '.repeat(500);
    await write(page, text);
    await open(page, byteLevel, 'bytes.json');
    const tokenizer = PretrainedTokenizer.fromJSON(byteLevel);
    const ids = tokenizer.encode(text);
    const { length } = ids;
    await expect
      .poll(() => status(page))
      .toBe(`bytes.json · ${length.toLocaleString('en-US')} tokens · vocabulary 259 · the first 256 shown`);
    expect(await chips(page)).toEqual(ids.slice(0, 256).map((id) => tokenizer.idToToken(id)));
  });

  test('says what is wrong with a file, or with the text', async () => {
    const { page } = await visit();
    await open(page, '{"version":"1.0"', 'cut.json');
    await expect.poll(() => status(page)).toMatch(/^Error ERR_FORMAT: cut\.json: byte \d+: /);
    await write(page, 'one two');
    await open(page, wordLevel);
    await expect.poll(() => chips(page)).toEqual(['one', 'two']);
    await write(page, 'one three');
    await expect.poll(() => status(page)).toContain('has a character that the vocabulary lacks');
    expect(await page.locator('#model-tokens').isVisible()).toBe(false);
  });
});
