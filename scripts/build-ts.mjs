/**
 * ts/ -> dist/: types of every module (tsc) and bundled JavaScript (rolldown).
 *
 *   node scripts/build-ts.mjs             the published files
 *   node scripts/build-ts.mjs --faults    with the WASM that can trap on purpose, in .cache/faults/ts/
 *
 * ```text
 * NAME.js    ES modules for the web, self-contained and tree-shakable      #host is ts/hosts/web.ts
 * shared/    CommonJS for Node, Deno and Bun, with all state and classes    #host is ts/hosts/node.ts
 * NAME.cjs   what `require` loads: shared/NAME.cjs, after location.cjs
 * NAME.mjs   what `import` loads: the same, after location.mjs
 * NAME.d.cts the types, which NAME.d.ts and NAME.d.mts export for ES modules
 * ```
 * Loading many small files is slow: Node resolves, opens, compiles and links each one. Modules that are always loaded
 * together are therefore bundled into one file. The output is built in a staging folder and then replaces the files of
 * an earlier build.
 */

import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { asProgram } from './lib/main.mjs';
import { must, root } from './lib/run.mjs';
import { CHARTS, defineInherited, licenses, minifyThirdParty, THIRD_PARTY } from './lib/third-party.mjs';

/** The modules of `exports` in package.json. */
const ENTRIES = ['index', 'tokenizer/index', 'text/index', 'inline', 'report/index'];

/** Files for this project alone: tests of internals, the timing loop of the bench, the header of .npy files for the page. */
const INTERNAL = ['backend/index', 'table-bytes', 'profiler/rounds', 'files/npy'];

/**
 * The modules whose imports are the library. On the web static models are apart from it, so that a bundler finds them, and the
 * `text.wasm` of their tokenizers, only in programs that use them. In Node they are part of it: one file less is read.
 */
const LIBRARY = {
  web: /\/ts\/(?!(index|inline)\.ts)([\w-]+|backend\/index|files\/inspect|profiler\/[\w-]+)\.ts$/,
  node: /\/ts\/(index|backend\/index)\.ts$/,
};

/**
 * Chunks for modules that several entries share, in order of priority. A chunk includes what its modules import. Commands
 * of the CLI are separate files, because they are imported on demand.
 */
const sharedBy = (/** @type {'web' | 'node'} */ kind) => [
  { name: 'location', test: /\/ts\/hosts\/location\.ts$/ }, // small: every entry loads it
  { name: CHARTS, test: THIRD_PARTY },
  { name: 'tokenizer', test: /\/ts\/(tokenizer\/.*|version\.ts)$/ }, // with the version, or `--help` would load the library
  { name: 'library', test: LIBRARY[kind] },
  { name: 'static-model', test: /\/ts\/static-model\// },
  { name: 'optimizers', test: /\/ts\/optimizers\// },
  { name: 'text', test: /\/ts\/text\/|\/ts\/backend\/text\.ts$/ },
  { name: 'program', test: /\/ts\/cli\/main\.ts$/ },
];

/** The two builds. */
const KINDS = /** @type {const} */ ({
  web: {
    host: 'ts/hosts/web.ts',
    textModule: 'ts/hosts/web-text.ts',
    format: 'es',
    extension: 'js',
    entries: [...ENTRIES, ...INTERNAL],
  },
  node: {
    host: 'ts/hosts/node.ts',
    textModule: 'ts/hosts/node-text.ts',
    format: 'cjs',
    extension: 'cjs',
    entries: [
      ...ENTRIES,
      'cli',
      'backend/index',
      'backend/text',
      'table-bytes',
      'hosts/node',
      'hosts/location',
    ],
  },
});

/** The files in dist/ that the Rust builds write. */
const RUST = new Set(['core.wasm', 'text.wasm', 'native', 'wasm']);

/** @param {{ faults?: boolean }} [options] */
export async function buildTs({ faults = false } = {}) {
  const staging = path.join(root, '.cache/build', faults ? 'ts-faults' : 'ts');
  await rm(staging, { recursive: true, force: true });
  if (!faults) {
    // Not `--outDir`: tsc uses that option to resolve `imports` of package.json before they are built.
    const types = ['--emitDeclarationOnly', '--declarationDir', staging];
    await must(path.join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json', ...types]);
    await shareTypes(staging);
  }
  await bundle(path.join(root, faults ? '.cache/faults/glue' : '.cache/glue'), staging);
  await replaceFiles(staging, path.join(root, faults ? '.cache/faults/ts' : 'dist'));
}

/** @param {string} glue  the output of scripts/wasm-glue.mjs @param {string} to */
export async function bundle(glue, to) {
  /** @type {string[]} */
  const modules = [];
  for (const kind of /** @type {const} */ (['web', 'node'])) {
    const output = await bundleKind(kind, glue, to);
    for (const file of output) {
      if (file.type !== 'chunk') continue;
      modules.push(...file.moduleIds);
      if (kind === 'node' && file.isEntry) await writeWrappers(file, to);
    }
  }
  for (const format of /** @type {const} */ (['cjs', 'mjs'])) {
    await writeFile(path.join(to, `location.${format}`), await locationModule(format));
    await writeFile(path.join(to, `text/location.${format}`), textLocationModule(format));
  }
  await writeFile(path.join(to, 'cli.js'), "#!/usr/bin/env node\nimport './cli.cjs';\n");
  await writeFile(path.join(to, 'THIRD-PARTY-LICENSES.txt'), await licenses(modules));
}

/** @param {'web' | 'node'} kind @param {string} glue @param {string} to */
async function bundleKind(kind, glue, to) {
  const { host, textModule, format, extension, entries } = KINDS[kind];
  const { rolldown } = await import('rolldown'); // imported late, because npm ci may just have installed it
  const build = await rolldown({
    input: Object.fromEntries(
      entries.map((entry) => [kind === 'node' ? shared(entry) : entry, path.join(root, `ts/${entry}.ts`)]),
    ),
    external: [/^node:/, /^@tokenbed\//],
    platform: 'neutral',
    tsconfig: false, // its `rootDirs` would resolve to the ordinary glue if the requested one is missing
    // Safari 16.0 to 16.3 has no static blocks. It must parse the files, so that users read why it cannot run the WASM.
    // The chart library checks `window` and `it` (of tests) to align lines to pixels. Make it the same everywhere.
    transform: { target: ['es2022', 'safari16'], define: { window: 'undefined', it: 'undefined' } },
    resolve: {
      mainFields: ['module', 'main'],
      alias: {
        '#host': path.join(root, host),
        '#text-module': path.join(root, textModule),
        './text-glue.js': path.join(glue, 'backend/text-glue.js'),
        './wasm-glue.js': path.join(glue, 'backend/wasm-glue.js'),
        './backend/core-inline.js': path.join(glue, 'backend/core-inline.js'),
      },
    },
    plugins: [defineInherited(), minifyThirdParty()],
    logLevel: 'warn',
  });
  const { output } = await build.write({
    dir: to,
    format,
    entryFileNames: `[name].${extension}`,
    // They look for their modules beside their files, where a user of a bundle puts them too.
    chunkFileNames: ({ name }) => (/^(library|text)$/.test(name) ? '' : 'chunks/') + `[name].${extension}`,
    codeSplitting: { groups: sharedBy(kind) },
    minifyInternalExports: false, // readable names, also in stack traces
  });
  await build.close();
  return output;
}

/** The name in dist/ of a module of Node. @param {string} entry */
const shared = (entry) => `shared/${entry.replace('hosts/node', 'host').replace('hosts/', '')}`;

/** What `require` and `import` load. @param {import('rolldown').OutputChunk} entry @param {string} to */
async function writeWrappers({ name, exports }, to) {
  const entry = name.slice('shared/'.length);
  if (entry === 'location') return;
  const up = '../'.repeat(entry.split('/').length - 1) || './';
  const file = path.join(to, entry);
  await mkdir(path.dirname(file), { recursive: true });
  const locations = (/** @type {string} */ extension) => [
    `${up}location.${extension}`,
    ...(entry === 'text/index' ? [`./location.${extension}`] : []),
  ];
  const required = locations('cjs').map((location) => `require('${location}');\n`);
  await writeFile(`${file}.cjs`, `${required.join('')}module.exports = require('${up}${name}.cjs');\n`);
  if (!ENTRIES.includes(entry)) return;
  const names = exports.map((each) => `  ${each},\n`).join('');
  const imported = locations('mjs').map((location) => `import '${location}';\n`);
  const imports = `${imported.join('')}import library from '${up}${name}.cjs';\n`;
  await writeFile(`${file}.mjs`, `${imports}\nexport const {\n${names}} = library;\n`);
}

/**
 * Tells the host where the files are, as a module of a bundle sees it.
 *
 * Bundlers recognize a literal `new URL` and copy the file; tools that trace files recognize a literal path beside
 * `__dirname`. Some replace `__dirname` by a path of the machine, so the files for `import` do not contain it. webpack
 * replaces `import.meta.url` likewise, except in a literal `new URL`; but where that is an address on a web server, as in
 * server components of Next.js, the package itself is still installed.
 *
 * @param {'cjs' | 'mjs'} format
 */
async function locationModule(format) {
  const files = await readdir(path.join(root, 'dist/native')).catch(() => []);
  const place = (/** @type {string} */ file) => placeOf(format, `./${file}`);
  const addons = files.flatMap((file) => {
    const platform = /^tokenbed\.(.*)\.node$/.exec(file)?.[1];
    return platform === undefined ? [] : `  '${platform}': ${place(`native/${file}`)},`;
  });
  const load = {
    cjs: ["const { locate } = require('./shared/location.cjs');"],
    mjs: [
      "import { locate, locateBeside } from './shared/location.cjs';",
      '',
      'locateBeside(() =>',
      "  typeof __webpack_require__ === 'function'",
      "    ? __non_webpack_require__.resolve('tokenbed/core.wasm')",
      '    : import.meta.url,',
      ');',
    ],
  };
  return [
    ...load[format],
    '',
    'const addons = {',
    ...addons,
    '};',
    '',
    'locate({',
    `  core: ${place('core.wasm')},`,
    // Not literal: a bundle without the entry for tokenizers does not contain the module.
    ...(format === 'cjs'
      ? ["  text: () => (typeof __dirname === 'string' ? [__dirname, 'text.wasm'].join('/') : undefined),"]
      : ['  text: () => undefined,']),
    '  addon: (platform) => addons[platform]?.(),',
    '});',
    '',
  ].join('\n');
}

/** Tells the host where `text.wasm` is. @param {'cjs' | 'mjs'} format */
function textLocationModule(format) {
  const load =
    format === 'cjs'
      ? "const { locate } = require('../shared/location.cjs');"
      : "import { locate } from '../shared/location.cjs';";
  return [
    load,
    '',
    'locate({',
    '  core: () => undefined,',
    `  text: ${placeOf(format, '../text.wasm')},`,
    '  addon: () => undefined,',
    '});',
    '',
  ].join('\n');
}

/** The place of a file, as a literal. @param {'cjs' | 'mjs'} format @param {string} file  relative to the module */
function placeOf(format, file) {
  return format === 'mjs'
    ? `() => (typeof import.meta.url === 'string' ? new URL('${file}', import.meta.url) : undefined)`
    : `() => (typeof __dirname === 'string' ? __dirname + '/${file.replace(/^\.\//, '')}' : undefined)`;
}

/**
 * Turns the declarations in `folder` into those of CommonJS modules, and exports them from a declaration of each ES module.
 * So `import` and `require` have the same types: two declarations of a class with private fields would differ.
 *
 * @param {string} folder
 */
async function shareTypes(folder) {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue;
    const file = path.join(folder, name);
    const text = await readFile(file, 'utf8');
    await writeFile(
      file.replace(/\.d\.ts$/, '.d.cts'),
      text.replace(/(from |import\()(['"])(\.[^'"]*)\.js\2/g, '$1$2$3.cjs$2'),
    );
    await rm(file);
  }
  const modules = [...ENTRIES, ...INTERNAL].map((entry) => `${entry}.d.ts`);
  for (const name of [...modules, ...ENTRIES.map((entry) => `${entry}.d.mts`)]) {
    const { name: base } = path.parse(path.parse(name).name);
    await writeFile(path.join(folder, name), `export * from './${base}.cjs';\n`);
  }
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
