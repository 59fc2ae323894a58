/** The shortest useful program: one lookup in a new table. `node first-lookup.mjs native|wasm` */

import { Embedding, init } from 'tokenbed';

const [, , backend] = process.argv;
if (backend === 'wasm') await init({ backend });
const embedding = new Embedding({ vocabSize: 1000, embeddingDim: 64 });
const { data } = embedding.forward(Int32Array.of(1, 2, 999));
if (data.length !== 3 * 64 || data[191] !== embedding.weight.row(999)[63]) process.exitCode = 1;
