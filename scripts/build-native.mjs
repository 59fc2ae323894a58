/**
 * crates/node -> dist/native/tokenbed.<platform>-<arch>[-<abi>].node and its types, binding.d.cts.
 *
 *   node scripts/build-native.mjs             the published addon
 *   node scripts/build-native.mjs --faults    with `__panic`, for tests of caught panics, in .cache/faults/native/
 *
 * Skipped if no input has changed.
 */

import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { releaseBuild, RUST_INPUTS } from './lib/cargo.mjs';
import { asProgram } from './lib/main.mjs';
import { say, step } from './lib/progress.mjs';
import { must, root } from './lib/run.mjs';
import { unlessFresh } from './lib/stamp.mjs';

/** @param {{ faults?: boolean }} [options] */
export async function buildNative({ faults = false } = {}) {
  const name = faults ? 'native-faults' : 'native';
  const product = faults ? '.cache/faults/native' : 'dist/native';
  const { env, settings } = await releaseBuild();
  const { napi, version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const target = {
    name,
    inputs: [...RUST_INPUTS, 'crates/node', 'scripts/build-native.mjs', 'scripts/lib/cargo.mjs'],
    outputs: [`${product}/binding.d.cts`, `${product}/${await addonIn(path.join(root, product))}`],
    settings: [...settings, JSON.stringify({ napi, version })],
  };
  const built = await unlessFresh(target, () =>
    step(`Building the native addon${faults ? ' for fault tests' : ''}`, '20 s', async () => {
      const staging = path.join('.cache/build', name);
      await rm(path.join(root, staging), { recursive: true, force: true });
      await mkdir(path.join(root, staging), { recursive: true });
      await must('node_modules/.bin/napi', napiArguments(staging, faults), { env });
      await replaceFolder(path.join(root, staging), path.join(root, product));
    }),
  );
  if (!built) say(`- ${product} is up to date`);
}

/** The type that the addon's signatures name. */
const ID_ARRAY =
  'export type IdArray = Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array;\n';

/** @param {string} staging @param {boolean} faults @returns {string[]} */
function napiArguments(staging, faults) {
  const build = ['build', '--platform', '--release', '--manifest-path', 'crates/node/Cargo.toml'];
  const output = [
    '--output-dir',
    staging,
    '--no-js',
    '--dts',
    'binding.d.cts',
    '--dts-header',
    ID_ARRAY,
    '--target-dir',
    'target/native',
  ];
  return [...build, ...output, ...(faults ? ['--features', 'faults'] : [])];
}

/** The name of the addon. It contains platform and ABI, which only the build knows. @param {string} folder */
async function addonIn(folder) {
  const files = await readdir(folder).catch(() => []);
  return files.find((file) => file.endsWith('.node')) ?? 'no addon';
}

/** Replaces `to` with `from`. Processes that have loaded the old addon keep its file. @param {string} from @param {string} to */
async function replaceFolder(from, to) {
  if (!(await readdir(from)).some((file) => file.endsWith('.node')))
    throw new Error('napi wrote no .node file');
  await rm(to, { recursive: true, force: true });
  await mkdir(path.dirname(to), { recursive: true });
  await rename(from, to);
}

await asProgram(import.meta.url, () => buildNative({ faults: process.argv.includes('--faults') }));
