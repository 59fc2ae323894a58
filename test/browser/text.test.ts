/** Tokenizers of models and static models in a page: what is fetched, and when. Each test loads a fresh copy of the package in a new frame. */

import type * as main from 'tokenbed';
import type * as library from 'tokenbed/text';
import { afterEach, describe, expect, it } from 'vitest';
import { thrown } from '../helpers/errors.js';
import { model, TOKENS, values, vector } from '../helpers/static-model.js';
import { wordPiece } from '../helpers/tokenizer-files.js';

type Text = typeof library;

const ENTRY = new URL('../../dist/text/index.js', import.meta.url).href;
const MAIN = new URL('../../dist/index.js', import.meta.url).href;
const INLINE = new URL('../../dist/inline.js', import.meta.url).href;
const MODULE = new URL('../../dist/text.wasm', import.meta.url).href;

interface Page extends Window {
  readonly performance: Performance;
  ready(entry: unknown): void;
  failed(error: unknown): void;
}

const frames: HTMLIFrameElement[] = [];
afterEach(() => frames.splice(0).forEach((frame) => frame.remove()));

/** A module in a new realm, and the WASM that this realm has fetched. */
async function fresh(entry: string): Promise<{ loaded: unknown; fetched: () => string[] }> {
  const frame = document.createElement('iframe');
  document.body.append(frame);
  frames.push(frame);
  const page = frame.contentWindow as unknown as Page;
  // Vitest wraps the dynamic imports in the files that it serves.
  Object.assign(page, { __vitest_browser_runner__: { wrapDynamicImport: (load: () => unknown) => load() } });
  const loaded = await new Promise<unknown>((resolve, reject) => {
    page.ready = resolve;
    page.failed = reject;
    const script = page.document.createElement('script');
    script.type = 'module';
    script.textContent = `import(${JSON.stringify(entry)}).then(window.ready, window.failed);`;
    page.document.body.append(script);
  });
  const fetched = (): string[] =>
    page.performance
      .getEntriesByType('resource')
      .map(({ name }) => /[\w-]+\.wasm/.exec(name)?.[0] ?? '')
      .filter(Boolean);
  return { loaded, fetched };
}

const text = async (): Promise<{ text: Text; fetched: () => string[] }> => {
  const { loaded, fetched } = await fresh(ENTRY);
  return { text: loaded as Text, fetched };
};

describe('tokenbed/text in a page', () => {
  it('fetches nothing before init, and text.wasm alone by init', async () => {
    const { text: entry, fetched } = await text();
    const error = thrown(() => entry.PretrainedTokenizer.fromJSON(wordPiece));
    expect(error).toMatchObject({ code: 'ERR_NOT_INITIALIZED' });
    expect(error.message).toContain('await init()');
    expect(fetched()).toEqual([]);
    await Promise.all([entry.init(), entry.init()]);
    expect(entry.PretrainedTokenizer.fromJSON(wordPiece).encode('hello worlds')).toEqual([4, 5, 6]);
    expect(fetched()).toEqual(['text.wasm']);
  });

  it('load fetches it by itself, at its first use', async () => {
    const { text: entry, fetched } = await text();
    const source = new Blob([JSON.stringify(wordPiece)]);
    const all = await Promise.all([1, 2].map(() => entry.PretrainedTokenizer.load(source)));
    for (const each of all) expect(each.encode('hello')).toEqual([4]);
    expect(fetched()).toEqual(['text.wasm']);
    await entry.init();
    expect(fetched()).toEqual(['text.wasm']);
  });

  it.each([
    ['an address', () => MODULE],
    ['a URL', () => new URL(MODULE)],
    ['a response', () => fetch(MODULE)],
    ['bytes', async () => (await fetch(MODULE)).arrayBuffer()],
    ['a module', async () => WebAssembly.compileStreaming(fetch(MODULE))],
  ])('init and load take %s', async (_, wasm) => {
    const { text: entry } = await text();
    await entry.init({ wasm: await wasm() });
    expect(entry.PretrainedTokenizer.fromJSON(wordPiece).encode('hello')).toEqual([4]);
    const { text: other } = await text();
    const source = new Blob([JSON.stringify(wordPiece)]);
    const tokenizer = await other.PretrainedTokenizer.load(source, { wasm: await wasm() });
    expect(tokenizer.encode('hello')).toEqual([4]);
  });

  it('a module that is not there is ERR_BACKEND_UNAVAILABLE, and a later attempt works', async () => {
    const { text: entry } = await text();
    const wasm = new URL('nowhere.wasm', MODULE).href;
    const source = new Blob([JSON.stringify(wordPiece)]);
    for (const failing of [entry.init({ wasm }), entry.PretrainedTokenizer.load(source, { wasm })]) {
      await expect(failing).rejects.toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE', backend: 'wasm' });
    }
    await entry.init();
    expect(entry.PretrainedTokenizer.fromJSON(wordPiece).encode('hello')).toEqual([4]);
  });

  it('the main entry never loads it', async () => {
    const { loaded, fetched } = await fresh(MAIN);
    await (loaded as { init(): Promise<unknown> }).init();
    expect(fetched()).toEqual(['core.wasm']);
    expect(Object.keys(loaded as object)).not.toContain('PretrainedTokenizer');
  });
});

describe('StaticModel in a page', () => {
  const parts = { rows: values(TOKENS * 8), dim: 8 };
  const files = model(parts);
  const expected = Array.from(vector([4, 5, 6], parts, 'model2vec', false));
  const embed = (made: main.StaticModel) => Array.from(made.embed(['hello worlds']).data);
  const open = async (entry: string) => {
    const { loaded, fetched } = await fresh(entry);
    return { tokenbed: loaded as typeof main, fetched };
  };

  it('needs init; text.wasm is fetched by the first load of a model with a tokenizer.json', async () => {
    const { tokenbed, fetched } = await open(MAIN);
    await expect(tokenbed.StaticModel.load(files)).rejects.toMatchObject({ code: 'ERR_NOT_INITIALIZED' });
    await tokenbed.init();
    const ids = { model: files.model };
    expect(embed(await tokenbed.StaticModel.load(ids, { tokenizer: () => [4, 5, 6] }))).toEqual(expected);
    expect(fetched()).toEqual(['core.wasm']);
    for (const made of await Promise.all([1, 2].map(() => tokenbed.StaticModel.load(files)))) {
      expect(embed(made)).toEqual(expected);
    }
    expect(fetched()).toEqual(['core.wasm', 'text.wasm']);
  });

  it('of tokenbed/inline: neither init nor core.wasm, and text.wasm may be passed', async () => {
    const wasm = await (await fetch(MODULE)).arrayBuffer();
    for (const [options, wanted] of [
      [{}, ['text.wasm']],
      [{ wasm }, []],
    ] as const) {
      const { tokenbed, fetched } = await open(INLINE);
      expect(embed(await tokenbed.StaticModel.load(files, options))).toEqual(expected);
      expect(fetched()).toEqual(wanted);
    }
  });
});
