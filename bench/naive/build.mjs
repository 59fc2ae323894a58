/**
 * bench/naive -> .cache/bench/naive.node and .cache/bench/naive.wasm: the reference kernels without any tuning.
 *
 *   node bench/naive/build.mjs
 *
 * It is a separate workspace, so that the library's build does not depend on it. Skipped when nothing has changed.
 */

import { copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { wasmToolchain } from '../../scripts/build-wasm.mjs';
import { releaseBuild } from '../../scripts/lib/cargo.mjs';
import { asProgram } from '../../scripts/lib/main.mjs';
import { step } from '../../scripts/lib/progress.mjs';
import { must, root } from '../../scripts/lib/run.mjs';
import { unlessFresh } from '../../scripts/lib/stamp.mjs';

const WASM = 'wasm32-unknown-unknown';
const LIBRARY = { linux: 'libnaive_node.so', darwin: 'libnaive_node.dylib', win32: 'naive_node.dll' };

/** The outputs of the two builds, relative to the project. */
export const NAIVE = { node: '.cache/bench/naive.node', wasm: '.cache/bench/naive.wasm' };

export async function buildNaive() {
  const library = LIBRARY[/** @type {keyof typeof LIBRARY} */ (process.platform)];
  if (library === undefined) throw new Error(`bench/naive: no library name is known for ${process.platform}`);
  await build('node', library, await releaseBuild(), []);
  const flags = ['-Ctarget-feature=+simd128,+bulk-memory'];
  const toolchain = await wasmToolchain();
  await build('wasm', `${WASM}/release/naive_wasm.wasm`, await releaseBuild({ flags, toolchain }), [
    '--target',
    WASM,
  ]);
}

/** @param {keyof typeof NAIVE} name @param {string} file @param {Awaited<ReturnType<typeof releaseBuild>>} release @param {string[]} more */
async function build(name, file, { env, settings }, more) {
  const inputs = ['Cargo.toml', 'Cargo.lock', 'build.mjs', name].map((input) => `bench/naive/${input}`);
  const target = path.join(root, 'target/naive', name);
  await unlessFresh({ name: `naive-${name}`, inputs, outputs: [NAIVE[name]], settings }, () =>
    step(`Building the naive ${name} reference`, '15 s', async () => {
      await must('cargo', ['build', '--release', '--locked', '-p', `naive-${name}`, ...more], {
        cwd: path.join(root, 'bench/naive'),
        env: { ...env, CARGO_TARGET_DIR: target },
      });
      await mkdir(path.join(root, '.cache/bench'), { recursive: true });
      const made = more.length > 0 ? path.join(target, file) : path.join(target, 'release', file);
      await copyFile(made, path.join(root, NAIVE[name]));
    }),
  );
}

await asProgram(import.meta.url, buildNaive);
