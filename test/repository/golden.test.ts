/** The golden files are those that test/vectors/golden/files.py wrote. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { GOLDEN, goldenUrl } from '../helpers/golden.js';

const COMMAND = '.cache/golden/bin/python test/vectors/golden/files.py';

it(`the files of test/vectors/golden/files have the hashes that \`${COMMAND}\` wrote`, () => {
  const found = readdirSync(goldenUrl('.')).map((name) => {
    const bytes = readFileSync(goldenUrl(name));
    return [name, { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }];
  });
  const expected = Object.entries(GOLDEN).map(([name, { sha256, bytes }]) => [name, { sha256, bytes }]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
});

it('the program names the command and the versions of the libraries', () => {
  const program = readFileSync(new URL('../vectors/golden/files.py', import.meta.url), 'utf8');
  expect(program).toContain(COMMAND);
  for (const library of ['numpy', 'ml_dtypes', 'safetensors', 'gensim', 'gguf'])
    expect(program).toMatch(new RegExp(`${library}==[0-9.]+`));
});

it('golden files and their values take at most 250 KB', () => {
  const values = readFileSync(new URL('../vectors/golden/files.json', import.meta.url));
  const sizes = Object.values(GOLDEN).map(({ bytes }) => bytes);
  expect(sizes.reduce((sum, size) => sum + size, values.length)).toBeLessThanOrEqual(250_000);
});
