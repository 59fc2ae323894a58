/**
 * crates/node -> dist/native/tokenbed.<platform>-<arch>[-<abi>].node and its types, binding.d.cts.
 *
 *   node scripts/build-native.mjs             the addon that is packed
 *   node scripts/build-native.mjs --faults    with `__panic`, for the tests of caught panics: .cache/faults/native/
 *
 * Skipped when nothing it depends on has changed.
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
  const product = faults ? '.cache/faults/native' : 'dist/native';
  const staging = path.join(root, '.cache/build', faults ? 'native-faults' : 'native');
  const { env, facts } = await releaseBuild();
  const { napi, version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const inputs = [
    ...RUST_INPUTS,
    'crates/node',
    'package.json',
    'scripts/build-native.mjs',
    'scripts/lib/cargo.mjs',
  ];
  // The file's name holds the platform, which only the build knows: its types stand for both.
  const built = await unlessFresh(
    {
      name: faults ? 'native-faults' : 'native',
      inputs,
      outputs: [`${product}/binding.d.cts`],
      facts: [...facts, JSON.stringify({ napi, version })],
    },
    () =>
      step(
        faults ? 'Building the native addon for fault tests' : 'Building the native addon',
        '20 s',
        async () => {
          await rm(staging, { recursive: true, force: true });
          await mkdir(staging, { recursive: true });
          const features = faults ? ['--features', 'faults'] : [];
          await must(
            path.join(root, 'node_modules/.bin/napi'),
            ['build', '--platform', '--release', '--no-js', '--dts', 'binding.d.cts', ...features].concat(
              ['--manifest-path', 'crates/node/Cargo.toml', '--target-dir', 'target/native'],
              ['--output-dir', path.relative(root, staging)],
            ),
            { env },
          );
          await rm(path.join(root, product), { recursive: true, force: true });
          await mkdir(path.join(root, product), { recursive: true });
          const files = await readdir(staging);
          if (!files.some((file) => file.endsWith('.node')))
            throw new Error('napi build wrote no .node file');
          for (const file of files) await rename(path.join(staging, file), path.join(root, product, file));
        },
      ),
  );
  if (!built) say(`- ${product} is up to date`);
}

await asProgram(import.meta.url, () => buildNative({ faults: process.argv.includes('--faults') }));
