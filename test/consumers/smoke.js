/**
 * The program of every consumer: a lookup, a bag, a layer with dropout, a sinusoid, one bad id. Resolves to one line with
 * the backend, the reason for a fallback or the error, and a digest of all bits.
 */

/**
 * @param {string} name  the case, as in promises.mjs
 * @param {Pick<typeof import('tokenbed'), 'backendInfo' | 'CharTokenizer' | 'Embedding' | 'EmbeddingBag' | 'EmbeddingLayer' | 'init' | 'initSync' | 'PositionalEncoding'>} tokenbed
 * @param {() => unknown} ready  runs first
 * @returns {Promise<string>}
 */
export async function smoke(
  name,
  { backendInfo, CharTokenizer, Embedding, EmbeddingBag, EmbeddingLayer, PositionalEncoding },
  ready,
) {
  /** @type {{ backend: string, reason: unknown, digest?: string, code?: unknown }} */
  let seen;
  try {
    await ready();
    const { name: backend, fallbackReason: reason } = backendInfo();
    const ids = new CharTokenizer().encode('Hello, consumers of every kind!');
    const embedding = new Embedding({ vocabSize: 100, embeddingDim: 67, seed: 1 });
    const bag = EmbeddingBag.from(embedding, { mode: 'mean' });
    const layer = new EmbeddingLayer({ vocabSize: 100, embeddingDim: 10, dropout: 0.25, seed: 2 }).train();
    const positions = new PositionalEncoding({ embeddingDim: 12 });
    const results = [
      embedding.forward(ids),
      bag.forward(ids, { offsets: [0, 3, 3] }),
      layer.forward([ids, ids]),
      positions.encode([0, 1, 4096]),
    ];
    let hash = 0x811c9dc5;
    for (const { data } of results) {
      for (const byte of new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) {
        hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
      }
    }
    /** @type {unknown} */
    let code;
    try {
      embedding.forward([1, 100]);
    } catch (error) {
      code = /** @type {{ code?: unknown }} */ (error).code;
    }
    seen = { backend, reason, digest: hash.toString(16), code };
  } catch (error) {
    const { code, message } = /** @type {{ code?: unknown, message: string }} */ (error);
    seen = { backend: 'error', code, reason: message };
  }
  return `RESULT ${name} ${JSON.stringify(seen)} END`;
}
