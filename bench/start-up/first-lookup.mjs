/** The shortest useful program: one lookup in an existing table. `node first-lookup.mjs native|wasm` */

import { Embedding, init } from 'tokenbed';

const [, , backend] = process.argv;
if (backend === 'wasm') await init({ backend });
const table = new Float32Array(1000 * 64).fill(0.5);
const { data } = Embedding.fromPretrained(table, { embeddingDim: 64 }).forward(Int32Array.of(1, 2, 999));
if (data.length !== 3 * 64 || data[191] !== 0.5) process.exitCode = 1;
