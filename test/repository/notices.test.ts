/** NOTICES-RUST.txt names the crates inside the addon and the WASM, and the package contains it. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): Promise<string> => readFile(path.join(root, file), 'utf8');

/** The part of the output of `cargo metadata` that is used here. */
interface Metadata {
  readonly packages: readonly {
    readonly id: string;
    readonly name: string;
    readonly version: string;
    readonly source: string | null;
  }[];
  readonly resolve: {
    readonly nodes: readonly {
      readonly id: string;
      readonly deps: readonly {
        readonly pkg: string;
        readonly dep_kinds: readonly { readonly kind: string | null }[];
      }[];
    }[];
  };
}

/** `name version` of the crates that `crate` depends on for `target`, directly or not, except for those of this project. */
async function dependencies(crate: string, target: string): Promise<string[]> {
  const args = ['metadata', '--offline', '--locked', '--format-version', '1', '--filter-platform', target];
  const { stdout } = await promisify(execFile)('cargo', args, { cwd: root, maxBuffer: 2 ** 26 });
  const { packages, resolve } = JSON.parse(stdout) as Metadata;
  const reached = new Set(packages.filter(({ name }) => name === crate).map(({ id }) => id));
  for (const id of reached) {
    for (const { pkg, dep_kinds } of resolve.nodes.find((node) => node.id === id)!.deps) {
      if (dep_kinds.some(({ kind }) => kind === null)) reached.add(pkg); // neither `dev` nor `build`
    }
  }
  return packages
    .filter(({ id, source }) => source !== null && reached.has(id))
    .map(({ name, version }) => `${name} ${version}`);
}

const notices = await read('NOTICES-RUST.txt');

test('NOTICES-RUST.txt names the crates of Cargo.lock; `npm run notices` writes it', async () => {
  const named = [...notices.matchAll(/^([\w-]+ \d+\.\d+\.\d+\S*) \(.+\)$/gm)].map(([, crate]) => crate!);
  const inside = [
    ...(await dependencies('tokenbed-node', 'x86_64-unknown-linux-gnu')),
    ...(await dependencies('tokenbed-wasm', 'wasm32-unknown-unknown')),
    ...(await dependencies('tokenbed-text-wasm', 'wasm32-unknown-unknown')),
  ];
  expect([...new Set(named)].sort()).toEqual([...new Set(inside)].sort());
});

test('each entry has a license text, and no template of one', () => {
  for (const entry of notices.split(/^-{80}$/m).slice(1)) {
    expect(entry).toMatch(/^\n(\S.* \(.+\)\n)+\n[^]*(permi|Permi)/);
    expect(entry).not.toMatch(/<year>|<copyright holders>/);
  }
});

test('the package contains it', async () => {
  expect(await read('dist/THIRD-PARTY-LICENSES.txt')).toContain(notices);
});
