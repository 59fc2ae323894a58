/**
 * Accesses rows on both sides of the 32-bit or 31-bit limit: 4 GiB in one table on native, 2 GiB of linear memory on WASM,
 * which two tables reach together. Prints the values.
 */

import { strictEqual } from 'node:assert';
import {
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  PositionalEncoding,
  backendInfo,
} from '../../../dist/index.mjs';

const DIM = 1024;
const { name } = backendInfo();

/** @param {number} vocabSize */
const zeros = (vocabSize) => new Embedding({ vocabSize, embeddingDim: DIM, initType: 'zeros' });
/** @param {number} value */
const row = (value) => Float32Array.from({ length: DIM }, (_, column) => value + column / DIM);
/** @param {Float32Array} actual @param {number} value */
const holds = (actual, value) => row(value).every((expected, column) => actual[column] === expected);

const GIB = 2 ** 30 / 4 / DIM;
const first = name === 'native' ? null : zeros(1.5 * GIB);
const embedding = zeros(name === 'native' ? 5 * GIB : 1.5 * GIB);
const { vocabSize, weight } = embedding;
const border = name === 'native' ? 4 * GIB : 0.5 * GIB;

const places = [0, 1, border - 2, border - 1, border, border + 1, vocabSize - 2, vocabSize - 1];
for (const place of places) weight.set(place, row(place));
weight.setRows(border - 2, Float32Array.from([-2, -1, 0, 1].flatMap((offset) => [...row(border + offset)])));

const rows = embedding.forward(places).data;
places.forEach((place, i) => {
  strictEqual(holds(rows.subarray(i * DIM, (i + 1) * DIM), place), true, `forward, row ${place}`);
  strictEqual(holds(weight.row(place), place), true, `row ${place}`);
});
for (const place of [2, border - 3, border + 2, vocabSize - 3]) {
  strictEqual(
    weight.row(place).every((value) => value === 0),
    true,
    `row ${place} is still zeros`,
  );
}
const bag = EmbeddingBag.from(embedding, { mode: 'max' }).forward([
  [0, border - 1],
  [border, 2],
]).data;
strictEqual(holds(bag.subarray(0, DIM), border - 1) && holds(bag.subarray(DIM), border), true, 'bag');
const positional = new PositionalEncoding({ embeddingDim: DIM, maxSeqLength: 2 });
const layer = new EmbeddingLayer({ token: embedding, positional }).forward([border, vocabSize - 1]).data;
const parts = positional.forward(embedding.forward([border, vocabSize - 1])).data;
strictEqual(
  layer.every((value, i) => value === parts[i]),
  true,
  'layer',
);
let refusal = '';
try {
  embedding.forward([vocabSize]);
} catch (error) {
  refusal = /** @type {Error} */ (error).message;
}
embedding.dispose();
first?.dispose();
console.log(JSON.stringify({ name, bytes: embedding.getMemoryUsage().bytes, refusal }));
