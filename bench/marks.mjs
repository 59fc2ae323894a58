/**
 * The targets, as data.
 *
 *   measured = the median over all matching jobs of  min over `against` of (time of the peer / time of `own`)
 *
 *   limit    = the same with the time of the fastest limiting loop (contenders/limits.mjs) in place of `own`
 *
 * With several peers the fastest one counts. `least: true` takes the worst job instead of the median. A target depends
 * on the class of the processor (`tokenbed info` prints it): `on(intel, zen5)`. Other classes have those of `intel`.
 */

/** @typedef {Readonly<{ intel: number, zen5: number }>} Wanted */

/**
 * @typedef {object} MarkSpec
 * @property {string} name         what is measured, in words
 * @property {string | undefined} [headline]   the same for README.md, which shows only targets with a headline
 * @property {string} case         the id in cases.mjs
 * @property {string} op
 * @property {(params: any) => boolean} [where]
 * @property {string} own          the contender that has the target
 * @property {readonly string[]} against  names, or prefixes followed by `*`
 * @property {string} peer         the same in words
 * @property {Wanted} wanted
 * @property {readonly string[]} [limits]  the loops that show the limit of the machine; default: `limit, *`
 * @property {boolean} [least]
 * @property {string} [group]
 */

/** @param {number} intel Sapphire Rapids @param {number} [zen5] @returns {Wanted} */
const on = (intel, zen5 = intel) => ({ intel, zen5 });

/** @param {Wanted} wanted @param {string} processor a class of processors */
export const wantedOn = (wanted, processor) => (processor === 'zen5' ? wanted.zen5 : wanted.intel);

const NATIVE = 'tokenbed native';
const ALLOCATED = 'tokenbed wasm, allocated';
const ORDINARY = 'tokenbed wasm, ordinary';
/** The limits of marks whose work no limiting loop does: those in the same jobs only write, or write elsewhere. @type {readonly string[]} */
const NONE = [];

const JS = ['js set', 'js copyWithin', 'js loop'];
const JS_HUGE = JS.map((name) => `${name}, 2 MiB`);

/** @param {number} dim @param {Wanted} wanted @param {{ headline?: string, huge?: Wanted }} [more] @returns {MarkSpec[]} */
function lookup(dim, wanted, { headline, huge = wanted } = {}) {
  /** @param {{ dim: number }} params */
  const where = (params) => params.dim === dim;
  const mark = { name: `Node lookup, dim ${dim}`, case: 'N1', op: 'gather', own: NATIVE, where, wanted };
  return [
    { ...mark, headline, against: JS, peer: 'best plain JS' },
    { ...mark, wanted: huge, against: JS_HUGE, peer: 'best plain JS, its table on 2 MiB pages' },
  ];
}

/** @param {number} dim @param {Wanted} wanted @returns {MarkSpec} */
const wasm = (dim, wanted) => ({
  name: `WASM lookup, dim ${dim}`,
  case: 'W1',
  op: 'gather',
  where: (params) => params.dim === dim && params.tokens >= 64,
  own: ALLOCATED,
  against: JS,
  peer: 'best plain JS',
  limits: ['naive wasm'],
  wanted,
});

/** @param {string} id of the case @param {string} name @param {Partial<MarkSpec>} more @returns {MarkSpec} */
const native = (id, name, more) => ({
  name,
  case: id,
  op: 'gather',
  own: NATIVE,
  against: [],
  peer: '',
  wanted: on(1),
  ...more,
});

const PYTHON = {
  against: ['torch*', 'numpy*', 'onnxruntime*'],
  peer: 'best of torch, numpy, onnxruntime (Python)',
};
const FUSED = { name: 'Token + position, [32, 512] x 384', case: 'F1', op: 'layer', own: NATIVE };
const IN_CACHE = {
  op: 'token',
  against: ['js set', 'js loop'],
  peer: 'best plain JS with an id check',
};

/** @type {readonly MarkSpec[]} */
export const MARKS = [
  ...lookup(64, on(4.5, 7.5), { huge: on(4.5, 6.5) }),
  ...lookup(128, on(2.8, 3.8)),
  ...lookup(300, on(1.8, 4.2)),
  ...lookup(384, on(1.8, 4.2), { headline: 'Node: look up 64 to 32,768 tokens, dim 384' }),
  ...lookup(768, on(1.35, 2)),
  native('N2', 'Node lookup with a new result, 32,768 tokens', {
    op: 'forward',
    against: ['js set'],
    peer: 'plain JS with a new result',
    wanted: on(3, 3.6),
  }),
  native('N3', 'Node lookup of one token, table in cache', {
    ...IN_CACHE,
    where: ({ vocab, dim }) => vocab * dim <= 2 ** 18,
    wanted: on(0.9),
  }),
  native('N3', 'Node lookup of one token, table out of cache', {
    ...IN_CACHE,
    where: ({ vocab, dim }) => vocab * dim > 2 ** 18,
    wanted: on(0.9, 1),
  }),
  native('N4', 'Node lookup of one token', {
    where: ({ tokens }) => tokens === 1,
    against: ['onnxruntime*'],
    peer: 'onnxruntime-node',
    wanted: on(40),
  }),
  native('N4', 'Node lookup, 64 tokens and more', {
    headline: 'Node: look up 64 to 32,768 tokens, dim 384',
    where: ({ tokens }) => tokens >= 64,
    against: ['onnxruntime*'],
    peer: 'onnxruntime-node',
    wanted: on(5, 9),
  }),
  native('N5', 'Node lookup, 64 tokens and more', {
    group: 'tfjs',
    against: ['tfjs*'],
    peer: 'tfjs-wasm',
    wanted: on(80, 90),
  }),
  native('N5', 'Node lookup, 64 tokens and more', {
    group: 'jax',
    against: ['jax*'],
    peer: 'jax-js',
    wanted: on(12, 14),
  }),
  native('N5', 'Node lookup, 64 tokens and more', {
    group: 'ort-web',
    against: ['onnxruntime*'],
    peer: 'onnxruntime-web',
    wanted: on(4, 5),
  }),
  native('G1', 'Lookup in 256 MiB, 512 tokens and more', {
    ...PYTHON,
    headline: 'Node: look up 512 to 32,768 tokens in a table of 256 MiB',
    wanted: on(1.25, 1.8),
  }),
  native('G1', 'Lookup in 256 MiB, 32,768 tokens', {
    ...PYTHON,
    where: ({ tokens }) => tokens === 32_768,
    wanted: on(1.5),
  }),
  native('G2', 'Lookup in 256 MiB with a new result', {
    op: 'forward',
    against: ['torch*'],
    peer: 'torch.embedding',
    wanted: on(3.5, 3),
  }),
  native('G3', 'Lookup in 256 MiB, 32,768 tokens', {
    against: ['copy*'],
    peer: 'a copy of the same bytes (the faster of two ways)',
    wanted: on(0.7, 0.75),
  }),
  {
    ...FUSED,
    headline: 'Node: token + position, [32, 512] x 384',
    group: 'python',
    against: ['torch, out + add_'],
    peer: 'torch index_select(out), add_',
    wanted: on(1.5, 1.8),
  },
  { ...FUSED, group: 'python', against: ['torch, fresh'], peer: 'torch, new results', wanted: on(2, 2.3) },
  { ...FUSED, group: 'js', against: ['js loop'], peer: 'best plain JS', wanted: on(8, 14) },
  native('B1', 'Bags, max', { op: 'bag', against: ['torch*'], peer: 'torch', wanted: on(8, 20) }),
  native('B1', 'Bags, max, 30,000 x 256', {
    op: 'bag',
    where: ({ vocab }) => vocab === 30_000,
    against: ['torch*'],
    peer: 'torch',
    wanted: on(8, 12),
  }),
  ...[
    { table: '30,000 x 256', vocab: 30_000, wanted: on(2, 5) },
    { table: '1,000,000 x 64', vocab: 1_000_000, wanted: on(3.5, 8) },
  ].map(({ table, vocab, wanted }) =>
    native('B2', `Bags, sum with padding, ${table}`, {
      op: 'bag',
      where: (params) => params.vocab === vocab,
      against: ['torch*'],
      peer: 'torch with padding_idx',
      wanted,
    }),
  ),
  ...[
    { mode: 'sum', wanted: on(1.2, 1.05) },
    { mode: 'mean', wanted: on(1.3, 1.15) },
  ].map(({ mode, wanted }) =>
    native('B3', `Bags, ${mode}`, {
      op: 'bag',
      where: (params) => params.mode === mode,
      against: ['torch*'],
      peer: 'torch (FBGEMM)',
      wanted,
    }),
  ),
  native('B4', 'Bags, any mode', {
    headline: 'Node: 1,024 bags of 32 tokens: sum, mean or max',
    op: 'bag',
    against: ['js rows', 'js columns'],
    peer: 'best plain JS',
    wanted: on(10, 25),
  }),
  ...[
    { size: '512 x 384', rows: 512, wanted: on(3.5, 7) },
    { size: '5,000 x 512', rows: 5000, wanted: on(4, 7.5) },
    { size: '65,536 x 1,024', rows: 65_536, wanted: on(10, 16) },
  ].map(({ size, rows, wanted }) =>
    native('S1', `Sinusoid table, ${size}`, {
      op: 'sinusoid',
      limits: NONE,
      where: (params) => params.rows === rows,
      against: ['torch*'],
      peer: "torch's f32 recipe (inexact)",
      wanted,
    }),
  ),
  native('S1', 'Sinusoid table', {
    op: 'sinusoid',
    limits: NONE,
    against: ['numpy*'],
    peer: 'numpy f64',
    wanted: on(20, 35),
  }),
  native('S2', 'Sinusoid table', {
    op: 'sinusoid',
    limits: NONE,
    against: ['js f64'],
    peer: 'plain JS f64',
    wanted: on(18, 26),
  }),
  ...['uniform', 'normal'].map((kind) =>
    native('I1', `Initialize 50,000 x 384, ${kind}`, {
      op: 'init',
      limits: NONE,
      where: (params) => params.kind === kind,
      against: ['torch*'],
      peer: `torch ${kind}_, one thread`,
      wanted: kind === 'uniform' ? on(2, 2.5) : on(1, 1.15),
    }),
  ),
  wasm(64, on(3.5)),
  wasm(128, on(2.4, 2.8)),
  wasm(384, on(1.4, 2)),
  wasm(768, on(1.1, 1.4)),
  {
    ...wasm(0, on(1.1, 1.6)),
    name: 'WASM lookup into an ordinary array',
    own: ORDINARY,
    where: () => true,
    limits: NONE,
  },
  {
    ...wasm(0, on(5, 4.5)),
    name: 'WASM token + position, [32, 512] x 384',
    headline: 'WASM: token + position, [32, 512] x 384',
    case: 'W3',
    op: 'layer',
    where: () => true,
  },
  {
    ...wasm(0, on(5)),
    name: 'WASM bags, any mode',
    case: 'W3',
    op: 'bag',
    where: () => true,
    against: ['js rows', 'js columns'],
  },
  {
    ...wasm(0, on(5, 7)),
    name: 'WASM sinusoid table, 5,000 x 512',
    case: 'W3',
    op: 'sinusoid',
    own: ORDINARY,
    where: () => true,
    against: ['js f64'],
  },
  {
    ...wasm(0, on(4)),
    name: 'WASM encode of 5,000 positions x 512',
    case: 'W4',
    op: 'sinusoid',
    own: ORDINARY,
    where: () => true,
    against: ['js f64'],
  },
  ...[
    { dtype: 'i8', peer: 'torch embedding_bag_byte', wanted: on(1.2) },
    { dtype: 'i4', peer: 'torch embedding_bag_4bit', wanted: on(1) },
    { dtype: 'f16', peer: 'torch embedding_bag of f16 (sums in f16)', wanted: on(1.4) },
  ].map(({ dtype, peer, wanted }) =>
    native('Q1', `Bags, sum, 1,000,000 x 64, ${dtype}`, {
      op: 'bag',
      where: (params) => params.dtype === dtype,
      against: ['torch*'],
      peer,
      wanted,
    }),
  ),
  ...['i8', 'f16'].map((dtype) =>
    native('Q2', `Lookup of ${dtype} rows`, {
      where: (params) => params.dtype === dtype,
      against: [`${NATIVE}, f32`],
      peer: 'tokenbed, f32 rows',
      wanted: on(1),
    }),
  ),
  ...[
    { dtype: 'f32', wanted: on(0.9) },
    { dtype: 'i8', wanted: on(1.8) },
  ].map(({ dtype, wanted }) =>
    native('K1', `Nearest 10 of 100,000 x 256, dot, ${dtype}`, {
      op: 'nearest',
      where: (params) => params.dtype === dtype && params.metric === 'dot',
      against: ['numpy*'],
      peer: 'numpy X @ q, argpartition, f32',
      wanted,
    }),
  ),
  native('T1', 'Two threads, result of 4 MB and more', {
    where: ({ tokens, dim }) => tokens * dim * 4 >= 4e6,
    own: 'tokenbed 2 threads',
    limits: ["two threads' limit*"],
    against: ['tokenbed 1 thread'],
    peer: 'one thread',
    wanted: on(1.5),
  }),
  native('T1', 'Two threads, the worst of all sizes', {
    own: 'tokenbed 2 threads',
    limits: NONE,
    against: ['tokenbed 1 thread'],
    peer: 'one thread',
    wanted: on(0.95),
    least: true,
  }),
];

/** Start-up is measured with whole processes: milliseconds more than an empty module, at most `wanted`. */
export const START_UP = [
  { name: 'Process start to first lookup, native', program: 'native', wanted: on(15, 10) },
  { name: 'Process start to first lookup, WASM', program: 'wasm', wanted: on(25, 17) },
];
