/**
 * The marks to beat, as data.
 *
 *   measured = the middle over all fitting jobs of  min over `against` of (time of the other / time of `own`)
 *
 * that is: against the best of several peers. `least: true` takes the worst job instead of the middle one.
 * A mark that was easily passed has been raised to what was safely reached: N4, N5, F1 against JavaScript, B4, S1 of
 * 512 rows, I1 uniform, W3.
 */

/**
 * @typedef {object} MarkSpec
 * @property {string} id
 * @property {string} case
 * @property {string} op
 * @property {(params: any) => boolean} [where]
 * @property {string} own          the contender that the mark is set for
 * @property {readonly string[]} against  names, or their beginnings and `*`
 * @property {string} peer         the same in words
 * @property {number} wanted
 * @property {boolean} [least]
 * @property {string} [group]
 */

const NATIVE = 'tokenbed native';
const ALLOCATED = 'tokenbed wasm, allocated';
const ORDINARY = 'tokenbed wasm, ordinary';

const JS = ['js set', 'js copyWithin', 'js loop'];
const JS_HUGE = JS.map((name) => `${name}, 2 MiB`);

/** @param {number} dim @param {number} wanted @returns {MarkSpec[]} */
function n1(dim, wanted) {
  /** @param {{ dim: number }} params */
  const where = (params) => params.dim === dim;
  const mark = { case: 'N1', op: 'gather', own: NATIVE, where };
  return [
    { ...mark, id: `N1 dim ${dim}`, against: JS, peer: 'best plain JS', wanted },
    { ...mark, id: `N1 dim ${dim}, 2 MiB`, against: JS_HUGE, peer: 'best plain JS on 2 MiB pages', wanted },
  ];
}

/** @param {number} dim @param {number} wanted @returns {MarkSpec} */
const w1 = (dim, wanted) => ({
  id: `W1 dim ${dim}`,
  case: 'W1',
  op: 'gather',
  where: (params) => params.dim === dim && params.tokens >= 64,
  own: ALLOCATED,
  against: JS,
  peer: 'best plain JS',
  wanted,
});

/** @param {string} id @param {Partial<MarkSpec>} more @returns {MarkSpec} */
function native(id, more) {
  const [name = ''] = id.split(' ');
  return { id, case: name, op: 'gather', own: NATIVE, against: [], peer: '', wanted: 1, ...more };
}

/** @type {readonly MarkSpec[]} */
export const MARKS = [
  ...n1(64, 4.5),
  ...n1(128, 2.8),
  ...n1(300, 1.8),
  ...n1(384, 1.35),
  ...n1(768, 1.35),
  native('N2', { op: 'forward', against: ['js set'], peer: 'plain JS, fresh output', wanted: 3 }),
  native('N3 in cache', {
    op: 'token',
    where: ({ vocab, dim }) => vocab * dim <= 2 ** 18,
    against: ['js set', 'js loop'],
    peer: 'best plain JS with an id check',
    wanted: 0.9,
  }),
  native('N3 out of cache', {
    op: 'token',
    where: ({ vocab, dim }) => vocab * dim > 2 ** 18,
    against: ['js set', 'js loop'],
    peer: 'best plain JS with an id check',
    wanted: 0.9,
  }),
  native('N4 n = 1', {
    where: ({ tokens }) => tokens === 1,
    against: ['onnxruntime*'],
    peer: 'onnxruntime-node',
    wanted: 40,
  }),
  native('N4 n >= 64', {
    where: ({ tokens }) => tokens >= 64,
    against: ['onnxruntime*'],
    peer: 'onnxruntime-node',
    wanted: 5,
  }),
  native('N5 tfjs', { group: 'tfjs', against: ['tfjs*'], peer: 'tfjs-wasm', wanted: 80 }),
  native('N5 jax', { group: 'jax', against: ['jax*'], peer: 'jax-js', wanted: 12 }),
  native('N5 ort-web', {
    group: 'ort-web',
    against: ['onnxruntime*'],
    peer: 'onnxruntime-web',
    wanted: 4,
  }),
  native('G1 n >= 512', {
    against: ['torch*', 'numpy*', 'onnxruntime*'],
    peer: 'torch, numpy, onnxruntime (best)',
    wanted: 1.25,
  }),
  native('G1 n = 32,768', {
    where: ({ tokens }) => tokens === 32_768,
    against: ['torch*', 'numpy*', 'onnxruntime*'],
    peer: 'torch, numpy, onnxruntime (best)',
    wanted: 1.5,
  }),
  native('G2', { op: 'forward', against: ['torch*'], peer: 'torch.embedding', wanted: 3.5 }),
  native('G3', { against: ['copy*'], peer: 'a copy of the same bytes (best)', wanted: 0.7 }),
  native('F1 add_', {
    op: 'layer',
    group: 'python',
    against: ['torch, out + add_'],
    peer: 'torch index_select(out), add_',
    wanted: 1.25,
  }),
  native('F1 fresh', {
    op: 'layer',
    group: 'python',
    against: ['torch, fresh'],
    peer: 'torch embedding + PE, fresh',
    wanted: 1.9,
  }),
  native('F1 js', {
    op: 'layer',
    group: 'js',
    against: ['js loop'],
    peer: 'best plain JS',
    wanted: 8,
  }),
  native('B1', { op: 'bag', against: ['torch*'], peer: 'torch, max', wanted: 8 }),
  native('B2 30,000 x 256', {
    op: 'bag',
    where: ({ vocab }) => vocab === 30_000,
    against: ['torch*'],
    peer: 'torch, padding_idx',
    wanted: 2,
  }),
  native('B2 1,000,000 rows', {
    op: 'bag',
    where: ({ vocab }) => vocab === 1_000_000,
    against: ['torch*'],
    peer: 'torch, padding_idx',
    wanted: 3.5,
  }),
  native('B3 sum', {
    op: 'bag',
    where: ({ mode }) => mode === 'sum',
    against: ['torch*'],
    peer: 'torch (FBGEMM)',
    wanted: 1.2,
  }),
  native('B3 mean', {
    op: 'bag',
    where: ({ mode }) => mode === 'mean',
    against: ['torch*'],
    peer: 'torch (FBGEMM)',
    wanted: 1.3,
  }),
  native('B4', { op: 'bag', against: ['js rows', 'js columns'], peer: 'best plain JS', wanted: 10 }),
  ...[
    { size: '512 x 384', rows: 512, wanted: 3.5 },
    { size: '5000 x 512', rows: 5000, wanted: 4 },
    { size: '65,536 x 1024', rows: 65_536, wanted: 10 },
  ].map(({ size, rows, wanted }) =>
    native(`S1 ${size}`, {
      op: 'sinusoid',
      where: (params) => params.rows === rows,
      against: ['torch*'],
      peer: "torch's f32 recipe (inexact)",
      wanted,
    }),
  ),
  native('S2 numpy', { case: 'S1', op: 'sinusoid', against: ['numpy*'], peer: 'numpy f64', wanted: 18 }),
  native('S2 js', { op: 'sinusoid', against: ['js f64'], peer: 'plain JS f64', wanted: 15 }),
  ...['uniform', 'normal'].map((kind) =>
    native(`I1 ${kind}`, {
      op: 'init',
      where: (params) => params.kind === kind,
      against: ['torch*'],
      peer: `torch ${kind}_, one thread`,
      wanted: kind === 'uniform' ? 2 : 1,
    }),
  ),
  w1(64, 3.5),
  w1(128, 2.4),
  w1(384, 1.4),
  w1(768, 1.1),
  { ...w1(0, 1), id: 'W2', own: ORDINARY, where: () => true },
  { ...w1(0, 4.5), id: 'W3 layer', case: 'W3', op: 'layer', where: () => true },
  {
    ...w1(0, 5),
    id: 'W3 bag',
    case: 'W3',
    op: 'bag',
    where: () => true,
    against: ['js rows', 'js columns'],
  },
  {
    ...w1(0, 5),
    id: 'W3 sinusoid',
    case: 'W3',
    op: 'sinusoid',
    own: ORDINARY,
    where: () => true,
    against: ['js f64'],
  },
  {
    ...native('T1 4 MB and more', {}),
    where: ({ tokens, dim }) => tokens * dim * 4 >= 4e6,
    own: 'tokenbed 2 threads',
    against: ['tokenbed 1 thread'],
    peer: 'one thread',
    wanted: 1.5,
  },
  {
    ...native('T1 any size', {}),
    own: 'tokenbed 2 threads',
    against: ['tokenbed 1 thread'],
    peer: 'one thread',
    wanted: 0.95,
    least: true,
  },
];

/** Start-up is measured by whole processes: milliseconds over an empty one, at most `wanted`. */
export const START_UP = [
  { id: 'L1 native', program: 'native', wanted: 15 },
  { id: 'L1 wasm', program: 'wasm', wanted: 25 },
];

/** Of the list of marks, those of rows stored in fewer bits (Q1, Q2) belong to a feature that is not there yet. */
export const NOT_YET = [
  { id: 'Q1', against: 'torch, bags over i8, i4 and f16 rows', wanted: 1.2 },
  { id: 'Q2', against: 'our own f32 gather, i8 and f16 rows', wanted: 1 },
];
