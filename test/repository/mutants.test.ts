/** The records of mutation tests explain each survivor, and the changes of kept.mjs can be made. */

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { KEPT } from '../../scripts/mutants/kept.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const records = await readdir(path.join(root, 'test/mutants'));

test.each(records)('%s: its source exists, and every survivor has an explanation', async (name) => {
  const text = await readFile(path.join(root, 'test/mutants', name), 'utf8');
  const [, source, survivors] = /^(\S+): \d+ mutants: .* (\d+) survived\n/.exec(text)!;
  expect(existsSync(path.join(root, source!))).toBe(true);
  expect(text.match(/^- .*\n(?! )/gm)).toBeNull();
  expect(text.match(/^- /gm)?.length ?? 0).toBeLessThanOrEqual(Number(survivors));
});

test.each(KEPT)('$name: the text that it replaces is in $file once', async ({ file, find }) => {
  expect((await readFile(path.join(root, file), 'utf8')).split(find)).toHaveLength(2);
});

test('no more than 50 changes are kept by hand', () => {
  expect(KEPT.length).toBeLessThanOrEqual(50);
});
