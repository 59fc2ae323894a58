/**
 * The public calls that compute rows, as data: the set-up and the call. They are measured on few rows, where the
 * call itself costs more than the rows.
 *
 * The module imports no copy of the package: `tokenbed.mjs` passes its own, so that two copies can be compared.
 */

/** @typedef {import('../harness/types.d.ts').Job} Job */
/** @typedef {typeof import('tokenbed')} Library @typedef {import('tokenbed').Tensor<'f32'>} Floats */
/** @typedef {import('tokenbed').EmbeddingLayerParts['positional']} Positional */

/**
 * The arguments of a call. `out` is an ordinary array or an allocated tensor; `x` holds `n` rows of `dim` values.
 *
 * @typedef {object} Setting
 * @property {Library} library
 * @property {import('tokenbed').Embedding} embedding
 * @property {Job['batches']} batches  of `n` ids
 * @property {number} n
 * @property {number} dim
 * @property {Float32Array | Floats} out
 * @property {Float32Array} x
 */

/**
 * A prepared call. `run` takes the ids and returns the result of the call. `repeatable` returns the answer to check if
 * `run` is not deterministic for the same ids.
 *
 * @typedef {object} Call
 * @property {(ids: Int32Array, k: number) => unknown} run
 * @property {(ids: Int32Array, k: number) => unknown} [repeatable]
 */

/** @typedef {(setting: Setting) => Call} Prepare */

const MAX_SEQUENCE = 512;
const SEED = 7;

/** `n` as a batch of two sequences, or of one. @param {number} n */
const batchOf = (n) => (n % 2 === 0 ? [2, n / 2] : [1, n]);

/** Bags of four ids; the last one may be shorter. @param {number} n */
const offsetsOf = (n) => Int32Array.from({ length: Math.ceil(n / 4) }, (_, bag) => 4 * bag);

/** Other forms of the ids of each batch, made before the measurement. @template T @param {Setting} setting @param {(ids: Int32Array) => T} convert */
function converted({ batches }, convert) {
  const all = batches.map((ids) => convert(ids));
  return (/** @type {number} */ k) => /** @type {T} */ (all[k % all.length]);
}

/** @param {number} n */
const positionIdsOf = (n) => Int32Array.from({ length: n }, (_, i) => (37 * i) % MAX_SEQUENCE);

/** @param {Setting} setting @param {Positional} positional @param {boolean} [scale] */
const layerOver = ({ library, embedding }, positional, scale = false) =>
  new library.EmbeddingLayer({ token: embedding, positional, scale });

/** @param {Setting} setting @param {number} [dropout] */
const sinusoidal = ({ library, dim }, dropout = 0) =>
  new library.PositionalEncoding({ embeddingDim: dim, maxSeqLength: MAX_SEQUENCE, dropout, seed: SEED });

/** @param {Setting} setting */
const learned = ({ library, dim }) =>
  new library.LearnedPositionalEmbedding({ embeddingDim: dim, maxSeqLength: MAX_SEQUENCE, seed: SEED });

/** @param {Setting} setting @param {'sum' | 'mean' | 'max'} mode */
const bagOver = ({ library, embedding }, mode) => library.EmbeddingBag.from(embedding, { mode });

/**
 * `forward` and `forwardInto` of the object that `make` returns, with the same arguments.
 *
 * @template {{ forward(first: any, options?: any): unknown, forwardInto(first: any, out: any, options?: any): unknown }} T
 * @param {string} name  of the class
 * @param {string} form  the form of the arguments
 * @param {(setting: Setting) => T} make
 * @param {(setting: Setting) => { first?: (ids: Int32Array, k: number) => unknown, options?: object }} pass
 * @returns {Record<string, Prepare>}
 */
function both(name, form, make, pass) {
  return {
    [`${name}.forward, ${form}`]: (setting) => {
      const object = make(setting);
      const { first = (ids) => ids, options } = pass(setting);
      if (options === undefined) return { run: (ids, k) => object.forward(first(ids, k)) };
      return { run: (ids, k) => object.forward(first(ids, k), options) };
    },
    [`${name}.forwardInto, ${form}`]: (setting) => {
      const object = make(setting);
      const { out } = setting;
      const { first = (ids) => ids, options } = pass(setting);
      if (options === undefined) return { run: (ids, k) => object.forwardInto(first(ids, k), out) };
      return { run: (ids, k) => object.forwardInto(first(ids, k), out, options) };
    },
  };
}

/** Training calls: each drops other elements, so the answer is the first call of a fresh object. @param {string} name @param {(setting: Setting) => { forward(first: any, options?: any): unknown, train(): unknown }} make @param {(setting: Setting, ids: Int32Array) => unknown} first @param {(setting: Setting) => object | undefined} options @returns {Record<string, Prepare>} */
function training(name, make, first, options) {
  return {
    [`${name}.forward, dropout`]: (setting) => {
      const object = make(setting);
      object.train();
      const passed = options(setting);
      return {
        run: (ids) => object.forward(first(setting, ids), passed),
        repeatable: (ids) => {
          const fresh = make(setting);
          fresh.train();
          return fresh.forward(first(setting, ids), passed);
        },
      };
    },
  };
}

/** @type {(setting: Setting) => import('tokenbed').Embedding} */
const embedding = (setting) => setting.embedding;

const plain = () => ({});

/** @param {Setting} setting */
const shapedRows = ({ n, dim, x }) => ({ first: () => x, options: { shape: [n, dim] } });

/** @type {Record<string, Prepare>} */
export const CALLS = {
  ...both('Embedding', 'Int32Array', embedding, plain),
  ...both('Embedding', 'array of numbers', embedding, (setting) => {
    const array = converted(setting, (ids) => Array.from(ids));
    return { first: (_, k) => array(k) };
  }),
  ...both('Embedding', 'nested arrays', embedding, (setting) => {
    const [rows = 1, columns = 1] = batchOf(setting.n);
    const nested = converted(setting, (ids) =>
      Array.from({ length: rows }, (_, row) => Array.from(ids.subarray(row * columns, (row + 1) * columns))),
    );
    return { first: (_, k) => nested(k) };
  }),
  ...both('Embedding', 'BigInt64Array', embedding, (setting) => {
    const wide = converted(setting, (ids) => BigInt64Array.from(ids, BigInt));
    return { first: (_, k) => wide(k) };
  }),
  ...both('Embedding', 'shape', embedding, ({ n }) => ({ options: { shape: batchOf(n) } })),

  ...both(
    'EmbeddingBag',
    'offsets, mean',
    (setting) => bagOver(setting, 'mean'),
    ({ n }) => ({ options: { offsets: offsetsOf(n) } }),
  ),
  ...both(
    'EmbeddingBag',
    'offsets and weights, sum',
    (setting) => bagOver(setting, 'sum'),
    ({ n, x }) => ({ options: { offsets: offsetsOf(n), perSampleWeights: x.slice(0, n) } }),
  ),
  ...both(
    'EmbeddingBag',
    'shape, max',
    (setting) => bagOver(setting, 'max'),
    ({ n }) => ({ options: { shape: batchOf(n) } }),
  ),

  ...both('EmbeddingLayer', 'sinusoidal', (setting) => layerOver(setting, sinusoidal(setting)), plain),
  ...both(
    'EmbeddingLayer',
    'learned, scaled',
    (setting) => layerOver(setting, learned(setting), true),
    plain,
  ),
  ...both('EmbeddingLayer', 'no positions', (setting) => layerOver(setting, null), plain),
  ...both(
    'EmbeddingLayer',
    'shape and startPos',
    (setting) => layerOver(setting, sinusoidal(setting)),
    ({ n }) => ({ options: { shape: batchOf(n), startPos: 3 } }),
  ),
  ...both(
    'EmbeddingLayer',
    'positionIds',
    (setting) => layerOver(setting, sinusoidal(setting)),
    ({ n }) => ({ options: { positionIds: positionIdsOf(n) } }),
  ),
  ...training(
    'EmbeddingLayer',
    (setting) => layerOver(setting, sinusoidal(setting, 0.1)),
    (_, ids) => ids,
    () => undefined,
  ),

  ...both('PositionalEncoding', 'shape', sinusoidal, shapedRows),
  ...both('PositionalEncoding', 'Tensor and startPos', sinusoidal, ({ library, n, dim, x }) => {
    const tensor = new library.Tensor(x, { shape: [n, dim] });
    return { first: () => tensor, options: { startPos: 3 } };
  }),
  ...both('PositionalEncoding', 'positionIds', sinusoidal, ({ n, dim, x }) => ({
    first: () => x,
    options: { shape: [n, dim], positionIds: positionIdsOf(n) },
  })),
  ...training(
    'PositionalEncoding',
    (setting) => sinusoidal(setting, 0.1),
    ({ x }) => x,
    ({ n, dim }) => ({ shape: [n, dim] }),
  ),
  'PositionalEncoding.encode, Int32Array': (setting) => {
    const encoding = sinusoidal(setting);
    return { run: (ids) => encoding.encode(ids) };
  },
  'PositionalEncoding.encode, array of numbers': (setting) => {
    const encoding = sinusoidal(setting);
    const array = converted(setting, (ids) => Array.from(ids));
    return { run: (_, k) => encoding.encode(array(k)) };
  },

  ...both('LearnedPositionalEmbedding', 'shape', learned, shapedRows),

  'Parameter.row': ({ embedding: { weight } }) => ({ run: (ids) => weight.row(ids[0]) }),
  'Parameter.setRows': ({ embedding: { weight }, x, n, dim }) => ({
    run: () => weight.setRows(0, x),
    repeatable: () => {
      weight.setRows(0, x);
      return weight.toTensor().data.slice(0, n * dim);
    },
  }),
};

/** The names of the calls that write into `out`. @param {string} name */
export const writesInto = (name) => name.includes('forwardInto');
