/** StaticModel.load in Node: folders by path and by address, their layouts, mapped tables, and files that are not there. */

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { backendInfo, StaticModel, type StaticModelOptions } from 'tokenbed';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { answersThroughout } from '../helpers/backend.js';
import { expectBits } from '../helpers/bits.js';
import { folder, serve } from '../helpers/disk.js';
import { expectRejection, invalidOption } from '../helpers/errors.js';
import { faultyPackage, type FaultyPackage } from '../helpers/faults.js';
import { model, type Parts, TOKENS, values, vector } from '../helpers/static-model.js';

answersThroughout();

const DIM = 20;
const PLAIN: Parts = { rows: values(TOKENS * DIM), dim: DIM };
const FILES = model(PLAIN);
const OTHER: Parts = { ...PLAIN, rows: values(TOKENS * DIM, 7), name: 'embedding.weight' };
const TEXT = 'hello worlds!';
const IDS = [4, 5, 6, 9];

type Files = Readonly<Record<string, Uint8Array | string>>;

/** The layout of model2vec. */
const MODEL2VEC: Files = {
  'config.json': '{"normalize":true}',
  'model.safetensors': FILES.model,
  'tokenizer.json': FILES.tokenizer,
};
/** The layouts of sentence-transformers. */
const FLAT: Files = {
  'config_sentence_transformers.json': '{}',
  'model.safetensors': model(OTHER).model,
  'tokenizer.json': FILES.tokenizer,
  'modules.json': '[{"type":"a.Normalize"}]',
};
const NESTED: Files = {
  'config_sentence_transformers.json': '{}',
  'modules.json': '[{"type":"a.StaticEmbedding"}]',
  '0_StaticEmbedding/model.safetensors': model(OTHER).model,
  '0_StaticEmbedding/tokenizer.json': FILES.tokenizer,
};

/** A folder with these files. */
function onDisk(files: Files): string {
  const made = folder();
  for (const [name, contents] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(made, name)), { recursive: true });
    writeFileSync(path.join(made, name), contents);
  }
  return made;
}

/** A server of these files. */
const serving = (files: Files) =>
  serve((request, response) => {
    const contents = files[(request.url ?? '').slice(1)];
    if (contents === undefined) response.writeHead(404).end('not there');
    else response.writeHead(200, { 'content-length': Buffer.byteLength(contents) }).end(contents);
  });

async function expectVector(
  source: string | URL,
  parts: Parts,
  compat: StaticModel['compat'],
  normalize: boolean,
  options?: StaticModelOptions,
): Promise<void> {
  using made = await StaticModel.load(source, options);
  expect([made.compat, made.normalize]).toEqual([compat, normalize]);
  expectBits(made.embed([TEXT]).data, vector(IDS, parts, compat, normalize));
}

describe('layouts', () => {
  const cases = [
    ['model2vec', MODEL2VEC, PLAIN, 'model2vec', true],
    ['sentence-transformers', FLAT, OTHER, 'sentence-transformers', true],
    ['sentence-transformers, nested', NESTED, OTHER, 'sentence-transformers', false],
    [
      'the first that is whole',
      { ...NESTED, ...MODEL2VEC, ...FLAT, 'config.json': '{}' },
      OTHER,
      'sentence-transformers',
      true,
    ],
    [
      'an incomplete one before',
      { ...NESTED, 'config.json': '{"normalize":true}' },
      OTHER,
      'sentence-transformers',
      false,
    ],
    [
      'either name in either layout',
      { ...FLAT, 'model.safetensors': FILES.model },
      PLAIN,
      'model2vec',
      false,
    ],
  ] as const;
  it.each(cases)('%s', async (_, files, ...expected) => {
    const made = onDisk(files);
    for (const source of [made, `${made}/`, pathToFileURL(made), pathToFileURL(`${made}/`)]) {
      await expectVector(source, ...expected);
    }
    const server = await serving(files);
    await expectVector(server.url(''), ...expected);
    expect(new Set(server.requests).size).toBe(server.requests.length);
  });

  it('a tokenizer that was passed replaces tokenizer.json', async () => {
    const { 'tokenizer.json': _, ...files } = MODEL2VEC;
    const tokenizer = () => IDS;
    await expectVector(onDisk(files), PLAIN, 'model2vec', true, { tokenizer });
    await expectVector((await serving(files)).url(''), PLAIN, 'model2vec', true, { tokenizer });
    await expectRejection(StaticModel.load(onDisk(files)), {
      class: Error,
      code: 'ENOENT',
      text: 'tokenizer.json',
    });
  });
});

describe('a folder', () => {
  it('that is not there, or has no model', async () => {
    const made = folder();
    for (const source of [path.join(made, 'none'), made, path.join(onDisk(MODEL2VEC), 'model.safetensors')]) {
      const error = await StaticModel.load(source).catch((error: unknown) => error);
      expect(['ENOENT', 'ENOTDIR']).toContain((error as NodeJS.ErrnoException).code);
      expect((error as Error).message).toContain('model.safetensors');
    }
    for (const missing of Object.keys(MODEL2VEC)) {
      const { [missing]: _, ...files } = MODEL2VEC;
      await expectRejection(StaticModel.load(onDisk(files)), { class: Error, code: 'ENOENT', text: missing });
      const { url } = await serving(files);
      const fields = { status: 404, url: url(missing).href };
      await expectRejection(StaticModel.load(url('')), {
        class: Error,
        code: 'ERR_FORMAT',
        text: missing,
        fields,
      });
    }
  });

  it('whose files are folders', async () => {
    const { 'model.safetensors': _, ...files } = MODEL2VEC;
    const made = onDisk({ ...files, 'model.safetensors/x': '' });
    await expectRejection(StaticModel.load(made), { class: Error, code: 'EISDIR' });
  });

  it('by an address must end in /', async () => {
    const { url, requests } = await serving(MODEL2VEC);
    for (const source of [url('model'), new URL('data:,x'), new URL('ftp://host/x')]) {
      await expectRejection(StaticModel.load(source), invalidOption(RangeError, 'source', source.href));
    }
    expect(requests).toEqual([]);
  });

  it.each([403, 404, 410])('whose server answers %i for a file that is not there', async (status) => {
    const { url } = await serve((request, response) => {
      const contents = NESTED[(request.url ?? '').slice(1)];
      if (contents === undefined) response.writeHead(status).end();
      else response.writeHead(200, { 'content-length': Buffer.byteLength(contents) }).end(contents);
    });
    await expectVector(url(''), OTHER, 'sentence-transformers', false);
  });

  it('whose server fails is not another layout', async () => {
    const { url, requests } = await serve((_, response) => response.writeHead(500).end());
    await expectRejection(StaticModel.load(url('')), {
      class: Error,
      code: 'ERR_FORMAT',
      fields: { status: 500 },
    });
    expect(requests.some((name) => name.includes('sentence'))).toBe(false);
  });

  it('is fetched at once, and kept in a cache', async () => {
    const waiting: (() => void)[] = [];
    let cached = false;
    const { url, requests } = await serve((request, response) => {
      const contents = MODEL2VEC[(request.url ?? '').slice(1)]!;
      const answer = () =>
        response.writeHead(200, { 'content-length': Buffer.byteLength(contents) }).end(contents);
      // Answers only when all three were requested.
      waiting.push(answer);
      if (waiting.length === 3) for (const each of waiting) each();
    });
    const cache = folder();
    for (; ; cached = true) {
      const seen: (number | null)[] = [];
      using made = await StaticModel.load(url(''), {
        cache,
        onProgress: ({ total }) => void seen.push(total),
      });
      expectBits(made.embed([TEXT]).data, vector(IDS, PLAIN, 'model2vec', true));
      expect(requests).toHaveLength(3);
      expect(seen.at(-1)).toBe(Object.values(MODEL2VEC).reduce((sum, file) => sum + file.length, 0));
      if (cached) break;
    }
  });

  it('whose cache throws', async () => {
    const { url } = await serving(MODEL2VEC);
    const own = new Error('of the cache');
    const throws = () => {
      throw own;
    };
    await expect(StaticModel.load(url(''), { cache: { match: throws, put: () => {} } })).rejects.toBe(own);
    await expect(StaticModel.load(url(''), { cache: { match: () => null, put: throws } })).rejects.toBe(own);
  });
});

describe('after a failed load', () => {
  let faulty: FaultyPackage;
  beforeAll(async () => {
    faulty = await faultyPackage();
    await faulty.api.init({ backend: inject('backend') });
  });
  afterAll(() => faulty.remove());

  it('no object is left, and none after dispose', async () => {
    const { api, text, insides, textInsides } = faulty;
    await text.init();
    const { kernels } = insides.activeBackend();
    const texts = textInsides.activeTexts().kernels;
    const objects = () => [kernels.__objects(), texts.__objects()];
    const before = objects();
    const made = await api.StaticModel.load(onDisk(MODEL2VEC));
    made.embed([TEXT]);
    expect(objects()[0]).toBeGreaterThan(before[0]!);
    expect(objects()[1]).toBeGreaterThan(before[1]!);
    made.dispose();
    made.dispose();
    expect(objects()).toEqual(before);

    const onProgress = ({ loaded, total }: { loaded: number; total: number | null }) => {
      if (loaded === total && loaded > FILES.model.length) throw new Error('of the caller');
    };
    const tokenizer = text.PretrainedTokenizer.fromJSON(FILES.tokenizer);
    tokenizer.dispose();
    const silent = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
    const { load } = api.StaticModel;
    const loads: Record<string, () => Promise<unknown>> = {
      'onProgress throws at the end': () => load(FILES, { onProgress }),
      'config.json is malformed': () => load({ ...FILES, config: Buffer.from('{') }),
      'the table has too few rows': () =>
        load({ ...FILES, model: model({ ...PLAIN, rows: values(DIM) }).model }),
      'the tokenizer is disposed': () => load(FILES, { tokenizer }),
      'the signal aborts': () => load({ ...FILES, tokenizer: silent }, { signal: AbortSignal.timeout(20) }),
      'another sha256': () => load(FILES, { sha256: '0'.repeat(64) }),
      'dim is too large': () => load(FILES, { dim: DIM + 1 }),
    };
    for (const [name, failing] of Object.entries(loads)) {
      await expect(failing(), name).rejects.toBeInstanceOf(Error);
      expect(objects(), name).toEqual(before);
    }
  });
});

describe('a mapped table', () => {
  const rows = values(TOKENS * 30_000);
  const big: Parts = { rows, dim: 30_000, weights: Float64Array.from({ length: TOKENS }, (_, i) => i / 3) };

  it('gives the same vectors as one that was read', async () => {
    const made = onDisk({ ...MODEL2VEC, 'model.safetensors': model(big).model });
    const native = backendInfo().name === 'native';
    for (const mmap of native ? ([true, 'auto', false] as const) : (['auto', false] as const)) {
      using loaded = await StaticModel.load(made, { mmap });
      expect(loaded.table.readOnly).toBe(native && mmap !== false);
      expectBits(loaded.embed([TEXT]).data, vector(IDS, big, 'model2vec', true));
    }
    if (!native)
      await expectRejection(StaticModel.load(made, { mmap: true }), invalidOption(RangeError, 'mmap', true));
  });
});
