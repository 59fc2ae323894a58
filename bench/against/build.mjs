/**
 * Builds a commit of this project: the version that `npm run bench -- --against` and `programs.mjs` compare with.
 *
 *   node bench/against/build.mjs [COMMIT] [FOLDER]        default: 798c4ca, .cache/before
 *
 * FOLDER is a package folder: package.json and dist/. `built-from.json` holds the commit and the compilers; the folder
 * is built again only if they change. Builds by different compilers must not be compared. The npm packages and the
 * WASM tools are those of this checkout.
 */

import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { wasmToolchain } from '../../scripts/build-wasm.mjs';
import { releaseBuild } from '../../scripts/lib/cargo.mjs';
import { asProgram } from '../../scripts/lib/main.mjs';
import { say, step } from '../../scripts/lib/progress.mjs';
import { must, root } from '../../scripts/lib/run.mjs';

/** The last commit before the redesign. */
export const BEFORE = '798c4ca';

/** The build steps of a checkout, in order. */
const BUILDS = ['build-native', 'build-wasm', 'build-ts'];

/** @param {string} commit @returns {Promise<string>} its full hash */
export async function hashOf(commit) {
  return (await must('git', ['rev-parse', '--verify', `${commit}^{commit}`])).stdout.trim();
}

/**
 * Writes the files of a commit into `folder`, which is emptied first, with the npm packages that its lock names.
 *
 * @param {string} hash @param {string} folder
 */
export async function extract(hash, folder) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const archive = `${folder}.tar`;
  await must('git', ['archive', `--output=${archive}`, hash]);
  await must('tar', ['-xf', archive, '-C', folder]);
  await rm(archive);
  const locks = await Promise.all(
    [root, folder].map((each) => readFile(path.join(each, 'package-lock.json'), 'utf8')),
  );
  if (locks[0] === locks[1])
    await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  else await must('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder });
}

const STAMP = 'built-from.json';

/** The compilers that build the addon and the WASM here. */
async function compilers() {
  const [addon, wasm] = await Promise.all([
    releaseBuild(),
    wasmToolchain().then((toolchain) => releaseBuild({ toolchain })),
  ]);
  return { addon: firstLine(addon.settings[0]), wasm: firstLine(wasm.settings[0]) };
}

/** `rustc 1.95.0 (...)` @param {string | undefined} text */
const firstLine = (text = '') => text.split('\n')[0];

/** Builds `commit` into `folder`, unless it is there already. @param {string} commit @param {string} folder */
export async function buildCommit(commit, folder) {
  const stamp = path.join(folder, STAMP);
  const builtFrom = JSON.stringify({ commit: await hashOf(commit), compilers: await compilers() }, null, 1);
  if ((await readFile(stamp, 'utf8').catch(() => '')) === builtFrom) return say(`- ${folder} is up to date`);
  const source = path.join(root, '.cache/build/against');
  await extract(await hashOf(commit), source);
  const env = {
    TOKENBED_TOOLS: process.env['TOKENBED_TOOLS'] ?? path.join(root, '.cache/cargo-tools'),
    WASM_STD_CACHE: process.env['WASM_STD_CACHE'] ?? path.join(root, '.cache/rust-wasm'),
  };
  for (const name of BUILDS) {
    await step(`${commit}: ${name}`, '20 s', () =>
      must(process.execPath, [`scripts/${name}.mjs`], { cwd: source, env }),
    );
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(path.join(source, 'package.json'), path.join(folder, 'package.json'));
  await rename(path.join(source, 'dist'), path.join(folder, 'dist'));
  await rm(source, { recursive: true });
  await writeFile(stamp, builtFrom);
  say(`${commit} is built in ${folder}`);
}

/** Throws if the build in `folder` is by other compilers than those of today. @param {string} folder */
export async function expectSameCompilers(folder) {
  const stamp = await readFile(path.join(folder, STAMP), 'utf8').catch(() => null);
  if (stamp === null) return; // built by another tool: the compilers are unknown
  const [then, now] = [JSON.parse(stamp).compilers, await compilers()].map((each) => JSON.stringify(each));
  if (then !== now) {
    throw new Error(`${folder} was built by ${then}, this build is by ${now}: node bench/against/build.mjs`);
  }
}

/** The entry of the package in `folder`, an absolute path. @param {string} folder */
export function entryOf(folder) {
  // Earlier builds have one ES module for every host.
  const entries = ['dist/index.mjs', 'dist/index.js'].map((name) => path.resolve(folder, name));
  const entry = entries.find((each) => existsSync(each));
  if (entry === undefined) throw new Error(`${folder} has no dist/index.js: node bench/against/build.mjs`);
  return entry;
}

await asProgram(import.meta.url, async () => {
  const [commit = BEFORE, folder = path.join(root, '.cache/before')] = process.argv.slice(2);
  await buildCommit(commit, path.resolve(folder));
});
