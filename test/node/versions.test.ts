/**
 * Two versions of the package in one process: an addon of another version is not loaded, and objects of another copy are
 * not accepted as parts.
 */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import * as ours from 'tokenbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersThroughout } from '../helpers/backend.js';
import { copyOfPackage, root } from '../helpers/children.js';
import { expectError, thrown } from '../helpers/errors.js';

answersThroughout();

const OTHER = '99.1.2';
const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
  version: string;
};

/** Makes the JavaScript of a copy that of version `OTHER`. Its addon stays that of this version. */
async function changeVersion(dist: string): Promise<void> {
  for (const name of await readdir(dist, { recursive: true })) {
    if (!/\.[cm]?js$/.test(name)) continue;
    const file = path.join(dist, name);
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll(version, OTHER));
  }
}

let copy: Awaited<ReturnType<typeof copyOfPackage>>;
let theirs: typeof ours;
beforeAll(async () => {
  copy = await copyOfPackage();
  await changeVersion(copy.dist);
  theirs = (await import(copy.url('index.mjs'))) as typeof ours;
});
afterAll(() => copy.remove());

describe('an addon', () => {
  it('exports the version of the package', async () => {
    const native = path.join(root, 'dist/native');
    const addon = (await readdir(native)).find((name) => name.endsWith('.node'))!;
    const binding = createRequire(import.meta.url)(path.join(native, addon)) as { version(): string };
    expect(binding.version()).toBe(version);
    expect(ours.backendInfo().version).toBe(version);
  });

  it('of another version is not loaded, and the reason names both versions', async () => {
    const reason = `the addon is version ${version}, this package is ${OTHER}`;
    const error = await theirs.init({ backend: 'native' }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'ERR_BACKEND_UNAVAILABLE', backend: 'native' });
    expect((error as Error).message).toContain(reason);

    const saved = process.env['TOKENBED_BACKEND'];
    delete process.env['TOKENBED_BACKEND'];
    try {
      const info = await theirs.init();
      expect(info).toMatchObject({ name: 'wasm', version: OTHER });
      expect(info.fallbackReason).toContain(reason);
    } finally {
      process.env['TOKENBED_BACKEND'] = saved;
    }
  });
});

describe('objects of another copy of the package', () => {
  const TABLE = { vocabSize: 3, embeddingDim: 2, seed: 1 } as const;
  const POSITIONS = { maxSeqLength: 3, embeddingDim: 2, seed: 1 } as const;
  const objects = () => ({
    embedding: new theirs.Embedding(TABLE),
    sinusoidal: new theirs.PositionalEncoding(POSITIONS),
    learned: new theirs.LearnedPositionalEmbedding(POSITIONS),
  });
  let foreign: ReturnType<typeof objects>;
  let token: ours.Embedding;
  beforeAll(async () => {
    await theirs.init({ backend: 'wasm' });
    foreign = objects();
    token = new ours.Embedding(TABLE);
  });
  afterAll(() => {
    for (const each of [...Object.values(foreign), token]) each.dispose();
  });

  /** `Option NAME must be WANTED: got an object of another copy ...` with both versions. */
  const refusal = (option: string, value: unknown, wanted: string) => ({
    class: TypeError,
    code: 'ERR_INVALID_OPTION',
    fields: { option, value },
    text:
      `Option ${option} must be ${wanted}: got an object of another copy of the package, which cannot share ` +
      `its tables (that copy is version ${OTHER}, this one is version ${version})`,
  });
  const WANTED = 'a PositionalEncoding, a LearnedPositionalEmbedding or null';

  it('are refused as the embedding of a bag, of a layer and of a profile', () => {
    const { embedding } = foreign;
    expectError(() => ours.EmbeddingBag.from(embedding), refusal('embedding', embedding, 'an Embedding'));
    expectError(
      () => new ours.EmbeddingLayer({ token: embedding, positional: null }),
      refusal('token', embedding, 'an Embedding'),
    );
    expectError(
      () =>
        new ours.EmbeddingProfiler().measureLookupPerformance({
          embedding,
          batchSizes: [1],
          seqLengths: [1],
        }),
      refusal('embedding', embedding, 'an Embedding'),
    );
  });

  it.each(['sinusoidal', 'learned'] as const)('are refused as %s positions', (kind) => {
    const positional = foreign[kind];
    expectError(
      () => new ours.EmbeddingLayer({ token, positional }),
      refusal('positional', positional, WANTED),
    );
  });

  it('are refused by the other copy in the same way', () => {
    const error = thrown(() => theirs.EmbeddingBag.from(token)) as Error;
    expect(error.message).toContain(`that copy is version ${version}, this one is version ${OTHER}`);
  });

  it('do not change the error for other objects', () => {
    const others = [
      foreign.sinusoidal,
      Object.create(ours.Embedding.prototype) as object,
      Object.create(foreign.embedding) as object,
      new Proxy(token, {}),
      Proxy.revocable({}, {}).proxy,
      {
        get [Symbol.for('tokenbed.Embedding')](): string {
          throw new Error('a getter');
        },
      },
    ];
    for (const value of others) {
      expectError(() => ours.EmbeddingBag.from(value as ours.Embedding), {
        class: TypeError,
        code: 'ERR_INVALID_OPTION',
        text: 'Option embedding must be an Embedding: got an Object',
      });
    }
    const positional = Object.create(foreign.learned) as ours.LearnedPositionalEmbedding;
    expectError(() => new ours.EmbeddingLayer({ token, positional }), {
      class: TypeError,
      code: 'ERR_INVALID_OPTION',
      text: `Option positional must be ${WANTED}: got an Object`,
    });
  });
});
