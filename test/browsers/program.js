/** The program of `npm run test:browsers`, for pages and workers, and for Node, which computes the expected digest. */

/** @typedef {typeof import('tokenbed')} Api */

/** @param {Uint8Array} bytes @param {number} hash */
const fnv1a = (bytes, hash) => bytes.reduce((h, byte) => Math.imul(h ^ byte, 0x01000193) >>> 0, hash);

/** The files of a static model: two tokens in three dimensions. */
function model() {
  const json = (/** @type {object} */ value) => new TextEncoder().encode(JSON.stringify(value));
  const rows = Float32Array.of(0.1, 0.2, 0.3, -0.7, 0.5, 0.11);
  const header = json({ embeddings: { dtype: 'F32', shape: [2, 3], data_offsets: [0, rows.byteLength] } });
  const file = new Uint8Array(8 + header.length + rows.byteLength);
  new DataView(file.buffer).setUint32(0, header.length, true);
  file.set(header, 8);
  file.set(new Uint8Array(rows.buffer), 8 + header.length);
  const words = { type: 'WordLevel', vocab: { cat: 0, dog: 1 }, unk_token: 'cat' };
  const tokenizer = json({ version: '1.0', pre_tokenizer: { type: 'WhitespaceSplit' }, model: words });
  return { model: file, tokenizer };
}

/**
 * Calls each kind of object once. Returns the digest of all results, the code of an error, and the backend.
 *
 * @param {Api} api
 */
export async function run(api) {
  let hash = 0x811c9dc5;
  /** @param {{ data: Float32Array }} result */
  const add = ({ data }) => {
    hash = fnv1a(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), hash);
  };
  const tokenizer = new api.BPETokenizer({ vocabSize: 60 });
  tokenizer.train(['the cat sat on the mat', 'the dog sat']);
  const ids = tokenizer.encode('the cat and the dog');
  const table = new api.Embedding({ vocabSize: 300, embeddingDim: 67, seed: 7 });
  add(table.forward(ids));
  add(api.EmbeddingBag.from(table, { mode: 'mean' }).forward(ids, { offsets: [0, 2, 3] }));
  add(new api.PositionalEncoding({ embeddingDim: 67, maxSeqLength: 40 }).encode([0, 1, 4_000_000_000]));
  const layer = new api.EmbeddingLayer({ vocabSize: 300, embeddingDim: 67, dropout: 0.2, seed: 3 });
  const batch = [
    [1, 2, 3],
    [299, 0, 5],
  ];
  add(layer.train().forward(batch));
  const texts = await api.StaticModel.load(model(), { compat: 'sentence-transformers', normalize: true });
  add(texts.embed(['cat dog dog', 'dog', '']));
  let code;
  try {
    table.forward([300]);
  } catch (error) {
    code = /** @type {{ code?: string }} */ (error).code;
  }
  return { digest: hash.toString(16).padStart(8, '0'), code, backend: api.backendInfo().name };
}

/**
 * Loads the package by URL in one of several ways. `dist` is the URL of the folder, with a slash at the end.
 *
 * @type {Record<string, (dist: string) => Promise<Api>>}
 */
const ENTRIES = {
  async main(dist) {
    const api = /** @type {Api} */ (await import(`${dist}index.js`));
    await api.init();
    return api;
  },
  async request(dist) {
    const api = /** @type {Api} */ (await import(`${dist}index.js`));
    await api.init({ wasm: new Request(`${dist}core.wasm`) });
    return api;
  },
  inline: (dist) => import(`${dist}inline.js`),
};

/** The result of the program, or the error. @param {string} entry @param {string} dist */
export async function outcome(entry, dist) {
  try {
    return await run(await /** @type {(dist: string) => Promise<Api>} */ (ENTRIES[entry])(dist));
  } catch (error) {
    const { code, message } = /** @type {{ code?: string, message: string }} */ (error);
    return { code, message };
  }
}
