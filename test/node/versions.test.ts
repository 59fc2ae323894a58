/** Two versions of the package: an addon of another version is not loaded. */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import * as ours from 'tokenbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersThroughout } from '../helpers/backend.js';
import { copyOfPackage, root } from '../helpers/children.js';

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
  theirs = (await import(copy.url('index.js'))) as typeof ours;
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
      expect(await theirs.init()).toMatchObject({ name: 'wasm', fallbackReason: reason, version: OTHER });
    } finally {
      process.env['TOKENBED_BACKEND'] = saved;
    }
  });
});
