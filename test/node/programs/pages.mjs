/**
 * How many bytes on large pages (`AnonHugePages` of all mappings together) some memory of 64 MiB takes once it has
 * been written, by what it is for: prints `{ table, again, result, tensor }`.
 */

import { readFileSync } from 'node:fs';
import { backendInfo, Embedding, Tensor } from '../../../dist/index.js';

const DIM = 1024;
const ROWS = 16_384;

function large() {
  const [, kib] = /^AnonHugePages:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8')) ?? [];
  return Number(kib) * 1024;
}

/** @param {() => unknown} make */
function taken(make) {
  const before = large();
  const kept = make();
  const after = large();
  return { kept, bytes: after - before };
}

const { name } = backendInfo();
const table = () => new Embedding({ vocabSize: ROWS, embeddingDim: DIM, initType: 'uniform', seed: 1 });

const first = taken(table);
/** @type {Embedding} */ (first.kept).dispose();
const again = taken(table);
const embedding = /** @type {Embedding} */ (again.kept);

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
