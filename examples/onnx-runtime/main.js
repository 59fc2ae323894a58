/**
 * Vectors for ONNX Runtime: a model exported without its embedding table takes [batch, seq, dim] floats
 * (`inputs_embeds`). `ort.Tensor` takes the `data` and `shape` of a Tensor without conversion or copy.
 *
 *   npm run example onnx-runtime      or in this folder, after `npm run setup` in the repository: npm ci && npm start
 *
 * The runtime is onnxruntime-web (WASM in Node and browsers). With onnxruntime-node the code is the same.
 */

import * as ort from 'onnxruntime-web';
import { CharTokenizer, Embedding, EmbeddingBag } from 'tokenbed';
import { poolingModel } from './model.js';

const tokenizer = new CharTokenizer();
const embedding = new Embedding({ vocabSize: tokenizer.vocabSize, embeddingDim: 64, seed: 7 });

// Three texts as one padded batch.
const texts = ['Hello world!', 'Vectors of one width,', 'in rows of one length.'];
const ids = tokenizer.padSequences(texts.map((text) => tokenizer.encode(text)));
const vectors = embedding.forward(ids);

ort.env.wasm.numThreads = 1; // this model is too small for threads
const session = await ort.InferenceSession.create(poolingModel());
const { pooled } = await session.run({ vectors: new ort.Tensor('float32', vectors.data, vectors.shape) });
console.log(vectors.shape, '->', pooled?.dims);

// The same maximum by tokenbed. A maximum does not round, so the results are bit-identical.
const expected = EmbeddingBag.from(embedding, { mode: 'max' }).forward(ids);
const same = expected.data.every((value, i) => Object.is(value, pooled?.data[i]));
console.log(same ? 'bit-identical to EmbeddingBag' : 'DIFFERENT from EmbeddingBag');
process.exitCode = same ? 0 : 1;
await session.release();
