/**
 * Runs every operation on sizes around vector widths. Prints the backend and the SHA-256 over all results.
 *
 * Equal digests mean equal bits, because no NaN is produced by arithmetic.
 */

import { createHash } from 'node:crypto';
import {
  backendInfo,
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  LearnedPositionalEmbedding,
  PositionalEncoding,
} from '../../../dist/index.mjs';

const hash = createHash('sha256');
/** @param {{ data: Float32Array }} tensor */
const add = ({ data }) => hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

for (const dim of [
  1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 257, 384, 1000,
]) {
  const ids = Int32Array.from({ length: 60 }, (_, i) => (i * i + dim) % 23);
  const weights = Float32Array.from(ids, (id, i) => Math.fround((id - 11) / (i + 1)));
  const options = { vocabSize: 23, embeddingDim: dim, seed: dim, paddingIdx: 7 };
  for (const initType of /** @type {const} */ (['uniform', 'normal', 'xavier', 'zeros'])) {
    const embedding = new Embedding({ ...options, initType });
    add(embedding.weight.toTensor());
    add(embedding.forward(ids));
    for (const mode of /** @type {const} */ (['sum', 'mean', 'max'])) {
      const bag = EmbeddingBag.from(embedding, { mode });
      add(bag.forward(ids, { offsets: [0, 0, 1, 20, 59] }));
      if (mode !== 'max') add(bag.forward(ids, { shape: [4, 15], perSampleWeights: weights }));
    }
    for (const dtype of /** @type {const} */ (['f16', 'bf16', 'i8', 'i4'])) {
      const stored = new Embedding({ ...options, initType, dtype });
      add(stored.weight.toTensor());
      add(stored.forward(ids));
      stored.weight.setRows(5, stored.weight.toTensor().data.subarray(0, 9 * dim));
      const converted = embedding.convert(dtype);
      for (const token of [stored, converted, converted.convert('i8'), stored.convert('i4')]) {
        add(token.weight.toTensor());
        for (const mode of /** @type {const} */ (['sum', 'mean', 'max']))
          add(EmbeddingBag.from(token, { mode }).forward(ids, { offsets: [0, 0, 1, 20, 59] }));
        add(EmbeddingBag.from(token).forward(ids, { shape: [4, 15], perSampleWeights: weights }));
        add(new EmbeddingLayer({ token, positional: null, scale: true }).forward(ids));
      }
    }
    embedding.dispose();
  }
  for (const layout of /** @type {const} */ (['interleaved', 'halves'])) {
    const pe = new PositionalEncoding({
      embeddingDim: dim,
      maxSeqLength: 30,
      layout,
      base: 1000 + dim,
      dropout: 0.3,
      seed: 5,
    });
    add(pe.pe);
    add(pe.encode([0, 1, 30, 245_850_922, 1_068_966_896, 2_549_491_779, 4_294_967_295]));
    const x = new Float32Array(60 * dim).map((_, i) => Math.fround(i / 7));
    add(pe.forward(x, { shape: [2, 30, dim] }));
    add(pe.train().forward(x, { shape: [20, 3, dim], startPos: 5 }));
    pe.dispose();
  }
  const learned = new LearnedPositionalEmbedding({ embeddingDim: dim, maxSeqLength: 30, seed: dim });
  const layer = new EmbeddingLayer({ token: new Embedding(options), positional: learned, scale: true });
  add(layer.forward(ids, { shape: [2, 30] }));
  const dropping = new EmbeddingLayer({ ...options, maxSeqLength: 30, scale: true, dropout: 0.4 }).train();
  add(dropping.forward(ids, { shape: [3, 20], positionIds: ids.subarray(0, 20) }));
}

console.log(JSON.stringify({ info: backendInfo(), digest: hash.digest('hex') }));
