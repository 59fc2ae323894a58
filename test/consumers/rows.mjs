/**
 * How each tool is used: the files of a case and the shell lines that build and run it. A case has a folder with `main.mjs`,
 * or `main.cjs` for `require`; tokenbed and the tool are in node_modules of the folder above. Bundles are written to `out/`
 * and run elsewhere (`away`), where no package is found.
 */

/** @import { Promised } from './promises.mjs' */

/**
 * @typedef {Promised['entry']} Entry
 *
 * @typedef {object} Row
 * @property {string} [needs]  `linux` or `chromium`: otherwise the row is NOT RUN
 * @property {boolean} [alone]  the row installs tokenbed itself, from $TARBALL
 * @property {boolean} [commonjs]  package.json has no `"type": "module"`
 * @property {(name: string) => Record<string, string>} [files]  in the case's folder
 * @property {(name: string, entry: Entry) => Record<string, string>} [program]  instead of `main.mjs` or `main.cjs`
 * @property {Record<string, string>} [together]  files of all cases, in the row's folder
 * @property {string} [once]  a shell line in the row's folder, before the cases
 * @property {(name: string, main: string) => string} [run]  a shell line in the case's folder that prints the result
 * @property {(name: string) => string} [serve]  instead: a server on $PORT, whose page contains the result
 * @property {number} [most]  the number of files that the tool may emit
 */

const NAMES =
  'backendInfo, CharTokenizer, Embedding, EmbeddingBag, EmbeddingLayer, init, initSync, PositionalEncoding';
const INIT = 'await init();';

/**
 * The program of a case. `ready` runs before everything else; `use` is what the program does with the line.
 *
 * @param {string} name @param {Entry} entry
 * @param {{ ready?: string, use?: (line: string) => string, smoke?: string, before?: string }} [options]
 */
export function program(name, entry, { ready = '', use = print, smoke, before = '' } = {}) {
  const load = (/** @type {string} */ names, /** @type {string} */ from) =>
    entry === 'require' ? `const { ${names} } = require('${from}');` : `import { ${names} } from '${from}';`;
  return [
    before,
    load(NAMES, entry === 'inline' ? 'tokenbed/inline' : 'tokenbed'),
    load('smoke', smoke ?? (entry === 'require' ? './smoke.cjs' : './smoke.js')),
    `${use(`smoke('${name}', { ${NAMES} }, async () => { ${ready} })`)}\n`,
  ].join('\n');
}

const print = (/** @type {string} */ line) => `${line}.then(console.log);`;
const show = (/** @type {string} */ line) => `${line}.then((line) => { document.body.textContent = line; });`;
const testIt = (/** @type {string} */ line) => `test('smoke', () => ${line}.then(console.log));`;
const respond = (/** @type {string} */ line) =>
  `export default { fetch: async () => new Response(await ${line}) };`;

/** A static model from bytes. Without the addon its tokenizer needs `text.wasm`, as the option `wasm`. */
const MODEL = `
import { StaticModel } from 'tokenbed';
async function embedText(options) {
  const json = (value) => new TextEncoder().encode(JSON.stringify(value));
  const header = json({ embeddings: { dtype: 'F32', shape: [2, 1], data_offsets: [0, 8] } });
  const file = new Uint8Array(16 + header.length);
  new DataView(file.buffer).setUint32(0, header.length, true);
  file.set(header, 8);
  file.set(new Uint8Array(Float32Array.of(1, 3).buffer), 8 + header.length);
  const words = { type: 'WordLevel', vocab: { one: 0, two: 1 }, unk_token: 'one' };
  const tokenizer = json({ version: '1.0', pre_tokenizer: { type: 'WhitespaceSplit' }, model: words });
  const model = await StaticModel.load({ model: file, tokenizer }, { compat: 'sentence-transformers', ...options });
  const vectors = Array.from(model.embed(['two one two two', 'two']).data);
  if (vectors.join() !== '2.5,3') throw new Error('the vectors are ' + vectors);
}`;

/** The tokenizer of a model, with the module that the program passes. */
const TEXT = `
import text from 'tokenbed/text.wasm';
import { init as initText, PretrainedTokenizer } from 'tokenbed/text';
${MODEL}
async function encodeText() {
  await initText({ wasm: text });
  const model = { type: 'WordLevel', vocab: { one: 0, two: 1 }, unk_token: 'one' };
  const file = { version: '1.0', pre_tokenizer: { type: 'WhitespaceSplit' }, model };
  const ids = PretrainedTokenizer.fromJSON(file).encode('two one two');
  if (ids.join() !== '1,0,1') throw new Error('the ids are ' + ids);
  await embedText({ wasm: text });
}`;

/** A host like Node: the case `model` also loads a static model. @param {(name: string, main: string) => string} run @returns {Row} */
const host = (run) => ({
  program: (name, entry) => ({
    [main(entry)]: program(
      name,
      entry,
      name === 'model' ? { before: MODEL, ready: 'await embedText();' } : {},
    ),
  }),
  run,
});

/** @param {Entry} entry */
export const main = (entry) => (entry === 'require' ? 'main.cjs' : 'main.mjs');

/** A Node of another version. @type {Row} */
const node = {
  program: (name, entry) => {
    if (entry !== 'both') return { [main(entry)]: program(name, entry) };
    const before = `import * as all from 'tokenbed';\nimport { createRequire } from 'node:module';\nimport { expectShared } from './shared.js';`;
    const ready = `await expectShared(all, createRequire(import.meta.url)('tokenbed'));`;
    return { 'main.mjs': program(name, 'import', { before, ready }) };
  },
  run: (_, file) => `TOKENBED_THREADS=3 "$NODE" ${file}`,
};

/** Runs a bundle elsewhere, or here if it needs node_modules. @param {string} name @param {string} [file] */
const start = (name, file = 'main.js') =>
  name.includes('external') ? `node out/${file}` : `away && node ${file}`;

/** `option` in the cases whose bundle imports tokenbed from node_modules. @param {string} name @param {string} option */
const external = (name, option) => (name.includes('external') ? option : '');

/** A bundler with the format in the name of the case. @param {(name: string, main: string, format: string) => string} build @returns {Row} */
const bundler = (build) => ({
  commonjs: true,
  program: (name, entry) => {
    const ready = `await init({ wasm: await (await import('node:fs/promises')).readFile('other.wasm') });`;
    return { [main(entry)]: program(name, entry, name.endsWith('init') ? { ready } : {}) };
  },
  run: (name, file) => {
    const format = name.slice(0, 3);
    const out = format === 'esm' ? 'main.mjs' : 'main.cjs';
    const copy = name.endsWith('init') ? 'cp "$PACKAGE/dist/core.wasm" out/other.wasm && ' : '';
    return `${build(name, file, format)}out/${out} && ${copy}${start(name, out)}`;
  },
});

/** The configuration of webpack and Rspack. @param {string} tool @returns {Row} */
const packs = (tool) => ({
  most: 6,
  commonjs: true,
  files: (name) => ({
    'build.cjs': `require('${tool}')({
  mode: 'production', devtool: false, target: 'node20', entry: './main.${name === 'require' ? 'cjs' : 'mjs'}',
  output: { path: require('path').resolve('out'), filename: 'main.js' },
  externals: ${name === 'external' ? "{ tokenbed: 'commonjs tokenbed' }" : '[]'},
}, (error, stats) => {
  console.log(String(error ?? stats));
  process.exitCode = error || stats.hasErrors() ? 1 : 0;
});\n`,
  }),
  run: (name) => `node build.cjs && ${start(name)}`,
});

/** The settings of TypeScript. @param {string} name */
function typescript(name) {
  const [resolution, type = name === 'bundler' ? 'esm' : 'commonjs'] = name.split('-');
  const module = { node10: 'commonjs', node16: 'node16', bundler: 'esnext' }[String(resolution)];
  const options = { module, moduleResolution: resolution, target: 'es2022', lib: ['ES2022'], types: [] };
  const strict = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    esModuleInterop: true,
  };
  const emit = { allowJs: true, checkJs: true, rootDir: '.', outDir: 'out' };
  const files = ['main.ts', 'subpaths.ts', 'types.ts'];
  return {
    'package.json': JSON.stringify({ type: type === 'esm' ? 'module' : 'commonjs' }),
    'tsconfig.json': JSON.stringify({ compilerOptions: { ...options, ...strict, ...emit }, files }),
    'subpaths.ts': `export { CharTokenizer } from 'tokenbed/tokenizer';\nexport { Embedding } from 'tokenbed/inline';\nexport * as report from 'tokenbed/report';\n`,
  };
}

/** @param {string} version @returns {Row} */
const tsc = (version) => ({
  files: typescript,
  program: (name) => ({
    'main.ts': program(name, 'import', { before: 'declare const console: { log(line: string): void };' }),
  }),
  run: () => `node "$TOOLS/typescript-${version}/bin/tsc" -p . && node out/main.js`,
});

/** A page with a development server. @type {Row} */
const vite = {
  needs: 'chromium',
  program: (name, entry) => ({ 'main.js': program(name, entry, { ready: INIT, use: show }) }),
  files: (name) => ({
    'index.html': '<!doctype html><body><script type="module" src="main.js"></script></body>\n',
    'vite.config.js': `export default { ${name === 'exclude' ? "optimizeDeps: { exclude: ['tokenbed'] }" : ''} };\n`,
  }),
  together: { 'index.html': '<!doctype html>\n' },
  serve: (name) => `cd .. && vite --config ${name}/vite.config.js --port $PORT --strictPort --host 127.0.0.1`,
};

const DYNAMIC = "export const dynamic = 'force-dynamic';\n";
/** A page or route of Next.js. @param {string} name @param {Entry} entry @param {(line: string) => string} use @param {string} [before] */
const nextFile = (name, entry, use, before = '') =>
  program(name, entry, { use, before, smoke: '../../smoke.js', ready: name === 'client' ? INIT : '' });

/** @type {Row} */
const next = {
  needs: 'chromium',
  program: () => ({}),
  together: {
    'next.config.mjs': 'export default {};\n',
    'app/layout.js': `export default function Layout({ children }) { return <html><body>{children}</body></html>; }\n`,
    'app/server/page.js': nextFile(
      'server',
      'import',
      (line) => `${DYNAMIC}export default async function Page() { return <p>{await ${line}}</p>; }`,
    ),
    'app/client/page.js': nextFile(
      'client',
      'import',
      (line) =>
        `export default function Page() { const [line, set] = useState(''); useEffect(() => { ${line}.then(set); }, []); return <p>{line}</p>; }`,
      "'use client';\nimport { useEffect, useState } from 'react';",
    ),
    'app/route/route.js': nextFile(
      'route',
      'import',
      (line) => `${DYNAMIC}export async function GET() { return new Response(await ${line}); }`,
    ),
    'app/edge/route.js': nextFile(
      'edge',
      'inline',
      (line) =>
        `export const runtime = 'edge';\nexport async function GET() { return new Response(await ${line}); }`,
    ),
  },
  once: 'next build',
  serve: () => 'cd .. && next start --port $PORT --hostname 127.0.0.1',
};

/** @type {Record<string, Row>} */
export const ROWS = {
  node20: node,
  node22: node,
  node24: node,
  node26: node,
  bun: host((_, file) => `bun ${file}`),
  'bun-build': {
    run: (name) =>
      name.endsWith('compiled')
        ? 'bun build main.mjs --compile --outfile out/app && away && ./app'
        : `bun build main.mjs --target node ${external(name, '--external tokenbed')} --outdir out && ${start(name)}`,
  },
  deno: host((name, file) => {
    const allowed = name
      .replace('-inline', '')
      .split('-')
      .filter((flag) => flag !== 'none');
    const flags = ['all', 'model'].includes(name) ? ['-A'] : allowed.map((flag) => `--allow-${flag}`);
    return `deno run --no-prompt ${flags.join(' ')} ${file}`;
  }),
  workerd: {
    needs: 'linux',
    program: (name, entry) => ({
      'main.mjs': program(name, entry, {
        use: respond,
        ...(entry === 'import' && {
          before: `import wasm from 'tokenbed/core.wasm';${name === 'text' ? TEXT : ''}`,
          ready: `initSync({ wasm });${name === 'text' ? ' await encodeText();' : ''}`,
        }),
      }),
    }),
    files: (name) => ({
      'workerd.capnp': `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .worker)], sockets = [(name = "http", http = (), service = "main")]);
const worker :Workerd.Worker = (compatibilityDate = "2026-07-01", modules = [(name = "worker", esModule = embed "out/main.js"),
  ${{ inline: [], import: ['core'], text: ['core', 'text'] }[name]?.map((wasm) => `(name = "tokenbed/${wasm}.wasm", wasm = embed "../node_modules/tokenbed/dist/${wasm}.wasm")`)}]);\n`,
    }),
    serve: () =>
      'esbuild main.mjs --bundle --format=esm --conditions=workerd,worker,browser --external:*.wasm --outfile=out/main.js && workerd serve workerd.capnp --socket-addr http=127.0.0.1:$PORT',
  },
  esbuild: bundler(
    (name, file, format) =>
      `esbuild ${file} --bundle --platform=node --format=${format} ${external(name, '--external:tokenbed')} --outfile=`,
  ),
  rollup: bundler(
    (name, file, format) =>
      `rollup ${file} -p 'node-resolve={exportConditions:["node"]}' -p commonjs ${external(name, '--external tokenbed')} --format ${format} --file `,
  ),
  rolldown: bundler(
    (name, file, format) =>
      `rolldown ${file} --platform node ${external(name, '--external tokenbed')} --format ${format} --file `,
  ),
  webpack: packs('webpack'),
  rspack: packs('@rspack/core'),
  parcel: {
    needs: 'chromium',
    commonjs: true,
    program: (name, entry) => {
      return { 'main.js': program(name, entry, name === 'page' ? { ready: INIT, use: show } : {}) };
    },
    files: (name) =>
      name === 'page'
        ? { 'index.html': '<!doctype html><body><script type="module" src="main.js"></script></body>\n' }
        : { 'package.json': JSON.stringify({ engines: { node: '>=20' } }) },
    run: () => 'parcel build main.js --no-cache --dist-dir out && node out/main.js',
    serve: (name) => (name === 'page' ? 'parcel serve index.html --no-hmr --no-cache --port $PORT' : ''),
  },
  ncc: { commonjs: true, most: 6, run: (_, file) => `ncc build ${file} -o out && away && node index.*js` },
  nft: {
    run: (name, file) =>
      `(cd .. && nft build ${name}/${file} && mv dist ${name}/out) && away && node ${name}/${file}`,
  },
  'vite-ssr': {
    files: (name) => ({
      'vite.config.js': `export default { ssr: { noExternal: ${name === 'external' ? 'undefined' : 'true'} } };\n`,
    }),
    run: (name) => `vite build --ssr main.mjs --outDir out && ${start(name)}`,
  },
  sea: {
    needs: 'linux',
    commonjs: true,
    files: () => ({
      'sea.json': '{ "main": "bundle.cjs", "output": "sea.blob", "disableExperimentalSEAWarning": true }\n',
    }),
    run: () =>
      'esbuild main.mjs --bundle --platform=node --format=cjs --outfile=bundle.cjs && node --experimental-sea-config sea.json && mkdir out && cp "$(command -v node)" out/app && postject out/app NODE_SEA_BLOB sea.blob --sentinel-fuse NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2 && away && ./app',
  },
  jest: {
    commonjs: true,
    program: (name, entry) => ({ 'main.test.js': program(name, entry, { use: testIt }) }),
    files: (name) => ({
      'jest.config.json': name === 'jsdom' ? '{ "testEnvironment": "jsdom" }\n' : '{}\n',
      ...(name === 'babel' && {
        'babel.config.json': '{ "presets": [["@babel/preset-env", { "targets": { "node": "current" } }]] }\n',
      }),
    }),
    run: () => 'jest --rootDir . --config jest.config.json',
  },
  vitest: {
    program: (name, entry) => ({
      'main.test.js': program(name, entry, { use: testIt, before: "import { test } from 'vitest';" }),
    }),
    run: () => 'vitest run --root .',
  },
  mocha: {
    program: (name, entry) => ({ [main(entry)]: program(name, entry, { use: testIt }) }),
    run: (_, file) => `mocha --ui tdd ${file}`,
  },
  tsx: {
    program: (name, entry) => ({
      [entry === 'require' ? 'main.cts' : 'main.mts']: program(name, entry),
    }),
    run: () => 'tsx main.*ts',
  },
  'typescript-5.4': tsc('5.4'),
  'typescript-7': tsc('7'),
  attw: {
    run: () =>
      `attw "$TARBALL" --exclude-entrypoints ./core.wasm && echo 'RESULT clean {"backend":"clean"} END'`,
  },
  publint: {
    run: () =>
      `publint run --strict "$TARBALL" | tee report && grep -q 'All good' report && echo 'RESULT clean {"backend":"clean"} END'`,
  },
  pnpm: { alone: true, once: 'pnpm add "$TARBALL"', run: (_, file) => `node ${file}` },
  yarn: {
    alone: true,
    together: {
      'yarn.lock': '',
      '.yarnrc.yml': 'enableTelemetry: false\nenableGlobalCache: false\nnodeLinker: pnp\n',
    },
    once: 'node "$TOOLS/@yarnpkg/cli-dist/bin/yarn.js" add "$TARBALL"',
    run: (name, file) => `cd .. && node "$TOOLS/@yarnpkg/cli-dist/bin/yarn.js" node ${name}/${file}`,
  },
  'omit-optional': {
    alone: true,
    once: 'npm install --omit=optional --no-audit --no-fund "$TARBALL"',
    run: (_, file) => `node ${file}`,
  },
  next,
  // Without the edge route: with one, this build fails even if the route is empty.
  'next-webpack': { ...next, once: 'rm -r app/edge && next build --webpack' },
  nitro: {
    program: () => ({}),
    together: {
      'routes/import.js': program('import', 'import', {
        smoke: '../smoke.js',
        use: (line) => `export default defineEventHandler(() => ${line});`,
      }),
    },
    once: 'nitropack build',
    serve: () => 'cd ../.output && NITRO_PORT=$PORT NITRO_HOST=127.0.0.1 node server/index.mjs',
  },
  vite5: vite,
  vite6: vite,
  vite7: vite,
  vite8: vite,
};
