/**
 * The examples, as data: what each is called in examples/, and how it is run.
 *
 * One is a program of this package (a .ts file, or a folder of them: compiled into .cache/examples), or a project
 * of its own, as a user would make it: package.json, lock, tsconfig.json. Commands are those of a shell in the
 * project's folder, where `node` is the one that runs this and `python` one that has what is needed.
 *
 * @typedef {object} Example
 * @property {string} name
 * @property {string} shows       in a line
 * @property {true} [project]
 * @property {'torch'} [needs]    what the set-up does not bring: without it the example is NOT RUN
 * @property {string} [prepare]   once, before the others
 * @property {string} [start]     what a person wants to see, if it is not the check
 * @property {string} check       what CI runs; it ends by itself
 * @property {'page'} [suite]     the suite of scripts/test.mjs that checks it, instead of `examples`
 * @property {true} [once]        not on both backends: the check compares WASM elsewhere with the backend here
 */

/** @type {readonly Example[]} */
export const EXAMPLES = [
  {
    name: 'readme.ts',
    shows: 'text to vectors in three steps',
    check: 'node .cache/examples/readme.js',
  },
  {
    name: 'browser',
    shows: 'the page: text, tokens, vectors, positions, a gauge, the profiler',
    suite: 'page',
    start: 'npm run page',
    check: 'npm test -- --only page',
  },
  {
    name: 'profile.ts',
    shows: 'what embeddings cost on this machine, told and as HTML',
    check: 'node .cache/examples/profile.js .cache/examples/profile.html',
  },
  {
    name: 'tinybench.ts',
    shows: 'lookups compared with a loop of your own, in tinybench',
    check: 'node .cache/examples/tinybench.js',
    once: true,
  },
  {
    name: 'http-service',
    shows: 'POST /embed in Node: batches, back-pressure, binary replies',
    start: 'node .cache/examples/http-service/main.js',
    check: 'node .cache/examples/http-service/load.js',
  },
  {
    name: 'onnx-runtime',
    shows: 'a [batch, seq, dim] input for ONNX Runtime',
    project: true,
    check: 'node examples/onnx-runtime/main.js',
  },
  {
    name: 'pytorch',
    shows: 'weights out of torch, and the same rows',
    needs: 'torch',
    prepare: 'python examples/pytorch/export.py .cache/examples/pytorch/data',
    check: 'node .cache/examples/pytorch/compare.js .cache/examples/pytorch/data',
  },
  {
    name: 'vite',
    shows: 'a page: await init() and a lookup, with no configuration',
    project: true,
    start: 'npm --prefix examples/vite run dev',
    check: 'node scripts/examples/vite.mjs',
    once: true,
  },
  {
    name: 'cloudflare-worker',
    shows: 'export default { fetch } with a WASM module, in workerd',
    project: true,
    start: 'npm --prefix examples/cloudflare-worker start',
    check: 'node scripts/examples/cloudflare-worker.mjs',
    once: true,
  },
];
