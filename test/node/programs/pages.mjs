/**
 * Prints the bytes on huge pages (the sum of `AnonHugePages` of all mappings) of 64 MiB of written memory, by its use:
 * `{ table, again, result, tensor }`.
 */

import { readFileSync } from 'node:fs';
import { backendInfo, Embedding, Tensor } from '../../../dist/index.mjs';

const DIM = 1024;
const ROWS = 16_384;

function large() {
  const [, kib] = /^AnonHugePages:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8')) ?? [];
  return Number(kib) * 1024;
}

/** @param {() => unknown} make */
function taken(make) {
  const before = large();
  const object = make();
  const after = large();
  return { object, bytes: after - before };
}

const { name } = backendInfo();
const table = () => new Embedding({ vocabSize: ROWS, embeddingDim: DIM, initType: 'uniform', seed: 1 });

const first = taken(table);
/** @type {Embedding} */ (first.object).dispose();
const again = taken(table);
const embedding = /** @type {Embedding} */ (again.object);

const ids = Int32Array.from({ length: ROWS }, (_, i) => i);
const result = taken(() => embedding.forward(ids));
const tensor = taken(() => embedding.forwardInto(ids, Tensor.allocate([ROWS, DIM])));
console.log(
  JSON.stringify({
    name,
    table: first.bytes,
    again: again.bytes,
    result: result.bytes,
    tensor: tensor.bytes,
  }),
);
