/**
 * The measured cases, as data. A mark (`marks.mjs`) refers to its case by id.
 *
 *   vary       parameters and their values: a job for each combination
 *   quick      the values for `--quick`, if they differ
 *   groups     the contenders by group (`contenders/index.mjs`): names, or prefixes followed by `*`;
 *              `--against` measures every case and ignores this field
 *
 * Tables are named by their bytes: `vocab` follows from `mib` and `dim`. 256 MiB lie far beyond every cache, 1 MiB in L2.
 */

import { CALLS } from './contenders/calls.mjs';

/** @typedef {number | string | boolean | null} Value */
/**
 * @typedef {object} Case
 * @property {string} id
 * @property {string} what
 * @property {import('./harness/types.d.ts').Op} op
 * @property {Record<string, readonly Value[]>} vary
 * @property {Record<string, readonly Value[]>} [quick]
 * @property {Record<string, readonly string[]>} groups
 */

const NATIVE = 'tokenbed native';
const WASM = 'tokenbed wasm*';
const JS = 'js*';
/** The loops that show the limit of the machine. */
const LIMIT = 'limit*';

const STORED = ['i8', 'i4', 'f16'];

const MANY = [64, 512, 32_768];

/** @type {readonly Case[]} */
export const CASES = [
  {
    id: 'N1',
    what: 'native forwardInto, 64 tokens and more',
    op: 'gather',
    vary: { dim: [64, 128, 300, 384, 768], mib: [256, 1], tokens: MANY },
    quick: { dim: [64, 384], mib: [96], tokens: [64, 512] },
    groups: { js: [NATIVE, JS, LIMIT, 'naive napi'] },
  },
  {
    id: 'N2',
    what: 'native forward, a fresh result of 32,768 rows',
    op: 'forward',
    vary: { dim: [384], mib: [256], tokens: [32_768] },
    quick: { mib: [96] },
    groups: { js: [NATIVE, 'js set', 'js set, 2 MiB', LIMIT] },
  },
  {
    id: 'N3',
    what: 'native, one token, checked ids',
    op: 'token',
    vary: { dim: [64, 384, 768], mib: [256, 1], form: ['array', 'number'] },
    quick: { dim: [384], mib: [96, 1], form: ['array'] },
    groups: { js: [NATIVE, WASM, JS] },
  },
  {
    id: 'N4',
    what: 'native compared with onnxruntime-node',
    op: 'gather',
    vary: { dim: [384], mib: [128], tokens: [1, ...MANY] },
    quick: { mib: [96], tokens: [1, 512] },
    groups: { ort: [NATIVE, 'js set', 'onnxruntime*'] },
  },
  {
    id: 'N5',
    what: 'native compared with tfjs-wasm, jax-js and onnxruntime-web',
    op: 'gather',
    vary: { dim: [384], mib: [64], tokens: MANY },
    quick: { tokens: [512] },
    groups: {
      tfjs: [NATIVE, 'js set', 'tfjs*'],
      jax: [NATIVE, 'js set', 'jax*'],
      'ort-web': [NATIVE, 'js set', 'onnxruntime*'],
    },
  },
  {
    id: 'G1',
    what: 'gather from a large table compared with torch, numpy and onnxruntime in Python',
    op: 'gather',
    vary: { dim: [128, 384, 768], mib: [256], tokens: [512, 4096, 32_768] },
    quick: { dim: [384], mib: [96], tokens: [512] },
    groups: { python: [NATIVE, 'js set', LIMIT, 'torch*', 'numpy*', 'onnxruntime*'] },
  },
  {
    id: 'G2',
    what: 'gather with a fresh output compared with torch.embedding',
    op: 'forward',
    vary: { dim: [300, 384, 768], mib: [256], tokens: [32_768] },
    quick: { dim: [384], mib: [96] },
    groups: { python: [NATIVE, 'js set', LIMIT, 'torch*'] },
  },
  {
    id: 'G3',
    what: 'gather compared with a copy of the same bytes',
    op: 'gather',
    vary: { dim: [64, 128, 384, 768], mib: [256], tokens: [32_768] },
    quick: { dim: [384], mib: [96] },
    groups: { js: [NATIVE, 'tokenbed wasm, allocated', 'copy*', LIMIT, 'naive*'] },
  },
  {
    id: 'F1',
    what: 'token + position in one pass, [32, 512] x 384',
    op: 'layer',
    vary: { dim: [384], mib: [128], tokens: [16_384], batch: [32], seq: [512], scale: [null] },
    quick: { mib: [96] },
    groups: { js: [NATIVE, JS, LIMIT], python: [NATIVE, 'js loop', LIMIT, 'torch*'] },
  },
  {
    id: 'B1',
    what: 'bags: maximum',
    op: 'bag',
    vary: bags({ mode: ['max'], padding: [null] }),
    quick: { table: ['30000x256'] },
    groups: { python: [NATIVE, LIMIT, 'torch*'] },
  },
  {
    id: 'B2',
    what: 'bags: sum with padding',
    op: 'bag',
    vary: bags({ mode: ['sum'], padding: [0] }),
    quick: { table: ['30000x256'] },
    groups: { python: [NATIVE, LIMIT, 'torch*'] },
  },
  {
    id: 'B3',
    what: 'bags: sum and mean',
    op: 'bag',
    vary: bags({ mode: ['sum', 'mean'], padding: [null] }),
    quick: { table: ['30000x256'], mode: ['sum'] },
    groups: { python: [NATIVE, LIMIT, 'torch*'] },
  },
  {
    id: 'B4',
    what: 'bags, any mode, compared with plain JS',
    op: 'bag',
    vary: bags({ mode: ['sum', 'mean', 'max'], padding: [null, 0] }),
    quick: { table: ['30000x256'], padding: [0] },
    groups: { js: [NATIVE, JS, LIMIT] },
  },
  {
    id: 'S1',
    what: "sinusoid table compared with torch's recipe in f32 and numpy in f64",
    op: 'sinusoid',
    vary: { size: ['512x384', '5000x512', '65536x1024'], base: [10_000] },
    quick: { size: ['512x384'] },
    groups: { python: [NATIVE, LIMIT, 'torch*', 'numpy*'] },
  },
  {
    id: 'S2',
    what: 'sinusoid table compared with plain JS in f64',
    op: 'sinusoid',
    vary: { size: ['512x384', '5000x512', '65536x1024'], base: [10_000] },
    quick: { size: ['512x384'] },
    groups: { js: [NATIVE, LIMIT, 'js f64'] },
  },
  {
    id: 'I1',
    what: 'construct 50,000 x 384 compared with torch',
    op: 'init',
    vary: { dim: [384], vocab: [50_000], kind: ['uniform', 'normal'] },
    groups: { python: [NATIVE, LIMIT, 'torch*'] },
  },
  {
    id: 'W1',
    what: 'WASM forwardInto, output allocated and ordinary',
    op: 'gather',
    vary: { dim: [64, 128, 384, 768], mib: [256, 1], tokens: [8, ...MANY] },
    quick: { dim: [64, 384], mib: [96], tokens: [8, 512] },
    groups: { js: [WASM, JS, 'naive wasm'] },
  },
  {
    id: 'W3',
    what: 'WASM layer',
    op: 'layer',
    vary: { dim: [384], mib: [128], tokens: [16_384], batch: [32], seq: [512], scale: [null] },
    quick: { mib: [96] },
    groups: { js: [WASM, JS, 'naive wasm'] },
  },
  {
    id: 'W3',
    what: 'WASM bags',
    op: 'bag',
    vary: bags({ mode: ['sum', 'mean', 'max'], padding: [null] }),
    quick: { table: ['30000x256'], mode: ['sum'] },
    groups: { js: [WASM, JS] },
  },
  {
    id: 'W3',
    what: 'WASM sinusoid table',
    op: 'sinusoid',
    vary: { size: ['5000x512'], base: [10_000] },
    quick: { size: ['512x384'] },
    groups: { js: [WASM, 'js f64'] },
  },
  {
    id: 'W4',
    what: 'WASM encode, consecutive positions',
    op: 'sinusoid',
    vary: { size: ['5000x512'], base: [10_000], encode: [true] },
    quick: { size: ['512x384'] },
    groups: { js: [WASM, 'js f64'] },
  },
  {
    id: 'Q1',
    what: 'bags over stored rows',
    op: 'bag',
    vary: { ...bags({ mode: ['sum'], padding: [null] }), table: ['1000000x64'], dtype: STORED },
    quick: { table: ['30000x256'] },
    groups: { python: [NATIVE, 'tokenbed wasm, ordinary', 'torch*'] },
  },
  {
    id: 'Q2',
    what: 'lookup of stored rows compared with f32 rows; every table is larger than 64 MiB',
    op: 'gather',
    vary: { dim: [64, 384], mib: [256], tokens: [512, 32_768], dtype: ['i8', 'f16'] },
    quick: { dim: [384], mib: [96], tokens: [512], dtype: STORED },
    groups: { js: [NATIVE, `${NATIVE}, f32`, 'tokenbed wasm, ordinary'] },
  },
  {
    id: 'K1',
    what: 'the 10 nearest of 100,000 rows, compared with numpy on f32 rows',
    op: 'nearest',
    vary: { table: ['100000x256'], k: [10], metric: ['dot', 'cosine'], dtype: ['f32', 'i8'] },
    quick: { table: ['10000x64'], metric: ['dot', 'cosine'] },
    groups: { python: [NATIVE, 'tokenbed wasm, ordinary', 'numpy*'] },
  },
  {
    id: 'T1',
    what: 'two threads and one',
    op: 'gather',
    vary: { dim: [384], mib: [256], tokens: [64, 512, 2048, 4096, 32_768] },
    quick: { mib: [96], tokens: [512, 4096] },
    groups: { variants: ['tokenbed 1 thread', 'tokenbed 2 threads', "two threads' limit*"] },
  },
  {
    id: 'ISA',
    what: 'each instruction set, and pages of 4 KiB',
    op: 'gather',
    vary: { dim: [64, 384], mib: [256], tokens: [512, 32_768] },
    quick: { dim: [384], mib: [96], tokens: [512] },
    groups: {
      variants: [
        'tokenbed avx512',
        'tokenbed avx2',
        'tokenbed neon',
        'tokenbed scalar',
        'tokenbed 4*',
        'js set',
      ],
    },
  },
  {
    id: 'ISA',
    what: 'each instruction set, bags',
    op: 'bag',
    vary: bags({ mode: ['sum'], padding: [null] }),
    quick: { table: ['30000x256'] },
    groups: {
      variants: ['tokenbed avx512', 'tokenbed avx2', 'tokenbed neon', 'tokenbed scalar', 'tokenbed 4*'],
    },
  },
  {
    id: 'calls',
    what: 'every public call on few rows, compared with an earlier build (`--against`)',
    op: 'call',
    vary: { call: Object.keys(CALLS), dim: [64], mib: [1], tokens: [1, 8, 64] },
    quick: { tokens: [8] },
    groups: {},
  },
];

/** 1024 bags of 32 ids: a table of 29 MiB, and one of a million rows. @param {Record<string, readonly Value[]>} more */
function bags(more) {
  return { table: ['30000x256', '1000000x64'], tokens: [32_768], bags: [1024], ...more };
}
