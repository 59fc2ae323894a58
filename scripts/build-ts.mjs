/**
 * ts/ -> dist/: types of every module (tsc) and bundled JavaScript (rolldown).
 *
 *   node scripts/build-ts.mjs             the published files
 *   node scripts/build-ts.mjs --faults    with the WASM that can trap on purpose, in .cache/faults/ts/
 *
 * Loading many small files is slow: Node resolves, opens, compiles and links each one. Modules that are always loaded
 * together are therefore bundled into one file. The output is built in a staging folder and then replaces the files of
 * an earlier build.
 */

import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { asProgram } from './lib/main.mjs';
import { must, root } from './lib/run.mjs';
import { CHARTS, licenses, minifyThirdParty, THIRD_PARTY } from './lib/third-party.mjs';

/** Modules of ts/ that keep their path in dist/. */
const ENTRIES = [
  // `exports` of package.json
  'index',
  'tokenizer/index',
  'inline',
  'report/index',
  // `imports` of package.json: conditions select one of them for `#loader`
  'backend/loader.node',
  'backend/loader.web',
  // `bin` of package.json
  'cli',
  // For tests of internals. The public entry points do not load it.
  'backend/index',
  // The timing loop of the bench and of the page of examples/browser, for this project alone.
  'profiler/rounds',
  // The header of .npy files, for that page.
  'files/npy',
];

/**
 * Chunks for modules that several entries share, in order of priority. A chunk includes what its modules import. Commands
 * of the CLI are separate files, because they are imported on demand.
 */
const SHARED = [
  { name: CHARTS, test: THIRD_PARTY },
  { name: 'tokenizer', test: /\/ts\/(tokenizer\/.*|version\.ts)$/ }, // with the version, or `--help` would load the library
  { name: 'library', test: /\/ts\/(index|backend\/index)\.ts$/ },
  { name: 'program', test: /\/ts\/cli\/main\.ts$/ },
];

/** The files in dist/ that the Rust builds write. */
const RUST = new Set(['core.wasm', 'native', 'wasm']);

/** @param {{ faults?: boolean }} [options] */
export async function buildTs({ faults = false } = {}) {
  const staging = path.join(root, '.cache/build', faults ? 'ts-faults' : 'ts');
  await rm(staging, { recursive: true, force: true });
  if (!faults) {
    // Not `--outDir`: tsc uses that option to resolve `imports` of package.json before they are built.
    const types = ['--emitDeclarationOnly', '--declarationDir', staging];
    await must(path.join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json', ...types]);
  }
  await bundle(path.join(root, faults ? '.cache/faults/glue' : '.cache/glue'), staging);
  await replaceFiles(staging, path.join(root, faults ? '.cache/faults/ts' : 'dist'));
}

/** @param {string} glue  the output of scripts/wasm-glue.mjs @param {string} to */
export async function bundle(glue, to) {
  const { rolldown } = await import('rolldown'); // imported late, because npm ci may just have installed it
  const build = await rolldown({
    input: Object.fromEntries(ENTRIES.map((entry) => [entry, path.join(root, `ts/${entry}.ts`)])),
    external: ['#loader', /^node:/],
    platform: 'neutral',
    tsconfig: false, // its `rootDirs` would resolve to the ordinary glue if the requested one is missing
    // The chart library checks `window` and `it` (of tests) to align lines to pixels. Make it the same everywhere.
    transform: { target: 'es2022', define: { window: 'undefined', it: 'undefined' } },
    resolve: {
      mainFields: ['module', 'main'],
      alias: {
        './wasm-glue.js': path.join(glue, 'backend/wasm-glue.js'),
        './backend/core-inline.js': path.join(glue, 'backend/core-inline.js'),
      },
    },
    plugins: [minifyThirdParty()],
    logLevel: 'warn',
  });
  const { output } = await build.write({
    dir: to,
    format: 'es',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    codeSplitting: { groups: SHARED },
    minifyInternalExports: false, // readable names, also in stack traces
  });
  await build.close();
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  await writeFile(path.join(to, 'THIRD-PARTY-LICENSES.txt'), await licenses(modules));
}

/** Replaces the files in `to` with those in `from`, except for the Rust products. @param {string} from @param {string} to */
async function replaceFiles(from, to) {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(to)) {
    if (!RUST.has(name)) await rm(path.join(to, name), { recursive: true });
  }
  for (const name of await readdir(from)) await rename(path.join(from, name), path.join(to, name));
}

await asProgram(import.meta.url, () => buildTs({ faults: process.argv.includes('--faults') }));
