/**
 * The groups of contenders, as data. The contenders of a group share a process. Other libraries in the same process
 * slow down the loops of plain JavaScript, so each group runs in a separate process with plain JavaScript and tokenbed.
 *
 * To add a peer, add a file to this folder and a group here.
 */

/** @type {Record<string, () => Promise<import('../harness/types.d.ts').Peer>>} */
export const FILES = {
  before: () => import('./before.mjs'),
  tokenbed: () => import('./tokenbed.mjs'),
  js: () => import('./js.mjs'),
  naive: () => import('./naive.mjs'),
  limits: () => import('./limits.mjs'),
  variants: () => import('./variants.mjs'),
  ort: () => import('./ort-node.mjs'),
  'ort-web': () => import('./ort-web.mjs'),
  tfjs: () => import('./tfjs.mjs'),
  jax: () => import('./jax.mjs'),
  torch: () => import('./torch.mjs'),
  numpy: () => import('./numpy.mjs'),
  'ort-python': () => import('./ort-python.mjs'),
};

/** Those that `npm run bench:peers` installs. */
export const INSTALLABLE = ['ort', 'ort-web', 'tfjs', 'jax', 'torch', 'numpy', 'ort-python'];

/**
 * `peers`: the names for `--peers` that select the group.
 *
 * @type {Record<string, { files: readonly string[], peers: readonly string[] }>}
 */
export const GROUPS = {
  js: { files: ['js', 'tokenbed', 'naive', 'limits'], peers: ['js', 'naive', 'limits'] },
  variants: { files: ['js', 'variants', 'limits'], peers: ['variants', 'isa', 'threads', 'pages'] },
  ort: { files: ['js', 'tokenbed', 'ort'], peers: ['ort'] },
  'ort-web': { files: ['js', 'tokenbed', 'ort-web'], peers: ['ort-web'] },
  tfjs: { files: ['js', 'tokenbed', 'tfjs'], peers: ['tfjs'] },
  jax: { files: ['js', 'tokenbed', 'jax'], peers: ['jax'] },
  python: {
    files: ['js', 'tokenbed', 'limits', 'torch', 'numpy', 'ort-python'],
    peers: ['torch', 'numpy', 'ort-python', 'python'],
  },
};

/** The files of a comparison with an earlier build. `--peers` does not select them. */
export const AGAINST = ['before', 'tokenbed'];

/** The names that `--peers` accepts. */
export const PEERS = Object.values(GROUPS).flatMap(({ peers }) => peers);
