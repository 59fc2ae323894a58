/**
 * ts/ -> dist/: the types of every module (tsc), the JavaScript of a few files (rolldown).
 *
 *   node scripts/build-ts.mjs             what is packed
 *   node scripts/build-ts.mjs --faults    around the WASM that can trap on purpose: .cache/faults/ts/
 *
 * A module that is a file of its own costs a program more than its code: Node finds, opens, compiles and links each.
 * So what is always loaded together is one file. Everything is made beside dist/ first and put there whole, in place
 * of whatever an older build has left.
 */

import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { asProgram } from './lib/main.mjs';
import { must, root } from './lib/run.mjs';
import { CHARTS, licences, minifyOthers, OTHERS } from './lib/third-party.mjs';

/** Modules of ts/ that keep their path in dist/, because somebody names it. */
const ENTRIES = [
  // `exports` of package.json
  'index',
  'tokenizer/index',
  'inline',
  'report/index',
  // `imports`: the conditions of whoever loads the package choose one of them for `#loader`
  'backend/loader.node',
  'backend/loader.web',
  // `bin`
  'cli',
  // The tests that look behind the public door. Whoever enters by that one does not load it.
  'backend/index',
  // The timing loop of the bench and of the page of examples/browser, for this project alone.
  'profiler/rounds',
  // The header of .npy files, for that page.
  'files/npy',
];

/**
 * Files for what several entries share, in this order; each takes along what its modules import. Commands of the
 * program are files by themselves, since they are imported when they are called.
 */
const SHARED = [
  { name: CHARTS, test: OTHERS },
  { name: 'tokenizer', test: /\/ts\/(tokenizer\/.*|version\.ts)$/ }, // the version, or its help would load the library
  { name: 'library', test: /\/ts\/(index|backend\/index)\.ts$/ },
  { name: 'program', test: /\/ts\/cli\/main\.ts$/ },
];

/** What the Rust builds write into dist/. */
const RUST = new Set(['core.wasm', 'native', 'wasm']);

/** @param {{ faults?: boolean }} [options] */
export async function buildTs({ faults = false } = {}) {
  const staging = path.join(root, '.cache/build', faults ? 'ts-faults' : 'ts');
  await rm(staging, { recursive: true, force: true });
  if (!faults) {
    // Not `--outDir`: it is by that one that tsc finds what `imports` of package.json names before it is built.
    const types = ['--emitDeclarationOnly', '--declarationDir', staging];
    await must(path.join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json', ...types]);
  }
  await bundle(path.join(root, faults ? '.cache/faults/glue' : '.cache/glue'), staging);
  await replaceFiles(staging, path.join(root, faults ? '.cache/faults/ts' : 'dist'));
}

/** @param {string} glue  where scripts/wasm-glue.mjs has written @param {string} to */
export async function bundle(glue, to) {
  const { rolldown } = await import('rolldown'); // only now: npm ci may have just brought it
  const build = await rolldown({
    input: Object.fromEntries(ENTRIES.map((entry) => [entry, path.join(root, `ts/${entry}.ts`)])),
    external: ['#loader', /^node:/],
    platform: 'neutral',
    tsconfig: false, // its `rootDirs` would lead to the ordinary glue where the wanted one is missing
    // The chart library looks at `window`, and at a test's `it`, to place lines between pixels: the same everywhere.
    transform: { target: 'es2022', define: { window: 'undefined', it: 'undefined' } },
    resolve: {
      mainFields: ['module', 'main'],
      alias: {
        './wasm-glue.js': path.join(glue, 'backend/wasm-glue.js'),
        './backend/core-inline.js': path.join(glue, 'backend/core-inline.js'),
      },
    },
    plugins: [minifyOthers()],
    logLevel: 'warn',
  });
  const { output } = await build.write({
    dir: to,
    format: 'es',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    codeSplitting: { groups: SHARED },
    minifyInternalExports: false, // names that can be read, in a stack too
  });
  await build.close();
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  await writeFile(path.join(to, 'THIRD-PARTY-LICENSES.txt'), await licences(modules));
}

/** The files of `from` become those of `to`, but for what Rust has built. @param {string} from @param {string} to */
async function replaceFiles(from, to) {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(to)) {
    if (!RUST.has(name)) await rm(path.join(to, name), { recursive: true });
  }
  for (const name of await readdir(from)) await rename(path.join(from, name), path.join(to, name));
}

await asProgram(import.meta.url, () => buildTs({ faults: process.argv.includes('--faults') }));
