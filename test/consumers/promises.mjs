/**
 * What the package promises to its users' tools: per tool its version, and per case how the package is loaded, the backend,
 * and what the reason for a fallback or the error message contains. scripts/consumers.mjs compares each case with this table.
 *
 * @typedef {object} Promised
 * @property {'import' | 'require' | 'inline' | 'both' | 'package'} entry  `inline`: an import of tokenbed/inline
 * @property {readonly ('native' | 'wasm' | 'error' | 'clean')[]} backends  one of these; `clean`: the tool reports nothing
 * @property {readonly RegExp[]} reasons  all occur in `fallbackReason`, or in the error's message
 */

/** The digest of smoke.js on every backend and host. */
export const DIGEST = '2f314ca6';

/** @param {Promised['entry']} entry @returns {Promised} */
const native = (entry) => ({ entry, backends: ['native'], reasons: [] });
/** @param {Promised['entry']} entry @param {RegExp[]} reasons @returns {Promised} */
const wasm = (entry, ...reasons) => ({ entry, backends: ['wasm'], reasons });
/** Either backend: it depends on what the tool copies. @param {Promised['entry']} entry @returns {Promised} */
const computes = (entry) => ({ entry, backends: ['native', 'wasm'], reasons: [] });
/** ERR_BACKEND_UNAVAILABLE. @param {Promised['entry']} entry @param {RegExp[]} reasons @returns {Promised} */
const error = (entry, ...reasons) => ({ entry, backends: ['error'], reasons });
/** @type {Promised} */
const clean = { entry: 'package', backends: ['clean'], reasons: [] };

const ADDON = /addon|\.node\b/;
const DENIED = /access|permission|allow-/;
/** Why there is no addon and no WASM, and the three remedies. */
const LOST = [ADDON, /core\.wasm/, /external/, /tokenbed\/inline/, /init\(\{ wasm/];
const bundled = () => error('import', ...LOST);
const inlined = () => wasm('inline', ADDON);

/** Bundlers for Node that copy neither addon nor WASM. */
const bundles = {
  'esm-plain': bundled(),
  'esm-inline': inlined(),
  'esm-external': native('import'),
  'cjs-plain': bundled(),
  'cjs-inline': inlined(),
  'cjs-external': native('import'),
};
/** Bundlers for Node that copy what a program names: at most 6 files. */
const copies = {
  import: computes('import'),
  require: computes('require'),
  inline: computes('inline'),
  external: native('import'),
};
const both = { import: native('import'), require: native('require') };
/** Development servers that copy JavaScript without the files beside it. */
const optimized = {
  plain: error('import', /core\.wasm/, /text\/html/, /optimizeDeps|tokenbed\/inline/),
  exclude: wasm('import'),
  inline: inlined(),
};

const NEXT = { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' };
const nextjs = { server: native('import'), client: wasm('import'), route: native('import') };

/** @type {Record<string, { uses: Record<string, string>, cases: Record<string, Promised> }>} */
export const PROMISES = {
  node20: { uses: {}, cases: { ...both, shared: native('both') } },
  node22: { uses: {}, cases: { ...both, shared: native('both') } },
  node24: { uses: {}, cases: { ...both, shared: native('both') } },
  node26: { uses: {}, cases: { ...both, shared: native('both') } },
  bun: { uses: { bun: '1.4.5' }, cases: { ...both, inline: native('inline'), model: native('import') } },
  'bun-build': {
    uses: { bun: '1.4.5' },
    cases: { plain: bundled(), inline: inlined(), external: native('import'), 'inline-compiled': inlined() },
  },
  deno: {
    uses: { deno: '2.9.6' },
    cases: {
      all: native('import'),
      model: native('import'),
      'none-inline': wasm('inline', ADDON, DENIED),
      none: error('import', ADDON, /core\.wasm/, /read/, /tokenbed\/inline/),
      'env-inline': wasm('inline', ADDON, DENIED),
      'env-read': wasm('import', ADDON, DENIED),
      'read-ffi': native('import'),
      'env-read-ffi': native('import'),
    },
  },
  workerd: {
    uses: { workerd: '1.20261117.1', esbuild: '0.28.2' },
    cases: {
      import: wasm('import'),
      text: wasm('import'),
      inline: error('inline', ADDON, /code generation|compil/, /init(Sync)?\(\{ wasm/),
    },
  },
  esbuild: {
    uses: { esbuild: '0.28.2' },
    cases: {
      ...bundles,
      'cjs-require': error('require', ...LOST),
      'esm-init': wasm('import', ADDON),
      'cjs-init': wasm('import', ADDON),
    },
  },
  rollup: {
    uses: {
      rollup: '4.68.8',
      '@rollup/plugin-node-resolve': '16.0.3',
      '@rollup/plugin-commonjs': '29.0.3',
    },
    cases: bundles,
  },
  rolldown: { uses: { rolldown: '1.3.3' }, cases: bundles },
  webpack: { uses: { webpack: '5.113.0' }, cases: copies },
  rspack: { uses: { '@rspack/core': '2.3.4' }, cases: copies },
  parcel: { uses: { parcel: '2.16.4' }, cases: { node: native('import'), page: wasm('import') } },
  ncc: {
    uses: { '@vercel/ncc': '0.45.0' },
    cases: { import: native('import'), require: error('require', ...LOST), inline: computes('inline') },
  },
  nft: { uses: { '@vercel/nft': '1.11.5' }, cases: both },
  'vite-ssr': {
    uses: { vite: '8.4.0' },
    cases: { plain: bundled(), inline: inlined(), external: native('import') },
  },
  sea: {
    uses: { esbuild: '0.28.2', postject: '1.0.0-alpha.6' },
    cases: { plain: bundled(), inline: inlined() },
  },
  jest: {
    uses: { jest: '30.5.2', '@babel/preset-env': '7.29.14', 'jest-environment-jsdom': '30.5.2' },
    cases: { require: native('require'), babel: native('import'), jsdom: native('require') },
  },
  vitest: { uses: { vitest: '4.1.12' }, cases: { import: native('import') } },
  mocha: { uses: { mocha: '12.0.3' }, cases: both },
  tsx: { uses: { tsx: '4.23.15' }, cases: both },
  'typescript-5.4': {
    uses: { 'typescript-5.4': 'npm:typescript@5.4.5' },
    cases: {
      node10: native('import'),
      'node16-commonjs': native('import'),
      'node16-esm': native('import'),
      bundler: native('import'),
    },
  },
  'typescript-7': {
    uses: { 'typescript-7': 'npm:typescript@7.0.2' },
    cases: { 'node16-commonjs': native('import'), 'node16-esm': native('import'), bundler: native('import') },
  },
  attw: { uses: { '@arethetypeswrong/cli': '0.18.5' }, cases: { clean } },
  publint: { uses: { publint: '0.3.25' }, cases: { clean } },
  pnpm: { uses: { pnpm: '12.21.0' }, cases: both },
  yarn: { uses: { '@yarnpkg/cli-dist': '4.18.1' }, cases: both },
  'omit-optional': { uses: {}, cases: both },
  next: { uses: NEXT, cases: { ...nextjs, edge: inlined() } },
  'next-webpack': { uses: NEXT, cases: nextjs },
  nitro: { uses: { nitropack: '2.13.6' }, cases: { import: native('import') } },
  vite5: { uses: { vite: '5.4.21' }, cases: optimized },
  vite6: { uses: { vite: '6.4.6' }, cases: optimized },
  vite7: { uses: { vite: '7.3.8' }, cases: optimized },
  vite8: { uses: { vite: '8.4.0' }, cases: { plain: wasm('import'), inline: inlined() } },
};
