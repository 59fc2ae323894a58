/**
 * Vectors for ONNX Runtime: a model that was exported without its embedding table takes [batch, seq, dim] floats
 * (`inputs_embeds`). A Tensor has what `ort.Tensor` wants, `data` and `shape`: nothing is converted or copied.
 *
 *   npm run example onnx-runtime      or here, after `npm run setup` above: npm ci && npm start
 *
 * The runtime is onnxruntime-web, WASM in Node as in a browser; with onnxruntime-node the lines are the same.
 */

import * as ort from 'onnxruntime-web';
import { CharTokenizer, Embedding, EmbeddingBag } from 'tokenbed';
import { poolingModel } from './model.js';

const tokenizer = new CharTokenizer();
const embedding = new Embedding({ vocabSize: tokenizer.vocabSize, embeddingDim: 64, seed: 7 });

// Three texts as one batch, shorter ones padded.
const texts = ['Hello world!', 'Vectors of one width,', 'in rows of one length.'];
const ids = tokenizer.padSequences(texts.map((text) => tokenizer.encode(text)));
const vectors = embedding.forward(ids);

ort.env.wasm.numThreads = 1; // so small a model is quicker without helpers
const session = await ort.InferenceSession.create(poolingModel());
const { pooled } = await session.run({ vectors: new ort.Tensor('float32', vectors.data, vectors.shape) });
console.log(vectors.shape, '->', pooled?.dims);

// The same maximum without ONNX Runtime. A maximum rounds nothing, so the bits are the same.
const expected = EmbeddingBag.from(embedding, { mode: 'max' }).forward(ids);
const same = expected.data.every((value, i) => Object.is(value, pooled?.data[i]));
console.log(same ? 'the same bits as EmbeddingBag' : 'OTHER bits than EmbeddingBag');
process.exitCode = same ? 0 : 1;
await session.release();
