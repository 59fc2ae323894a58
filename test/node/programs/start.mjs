/**
 * Looks up a row of a table with a random seed, while COUNT objects of other code are alive. Prints the bytes of the
 * heap, the descriptors of all WASM memories, and the built-in modules of Node with cryptography that were loaded.
 *
 *   start.mjs BACKEND COUNT
 */

import { writeFileSync } from 'node:fs';
import { Embedding, init } from '../../../dist/index.mjs';

const [backend, count] = [/** @type {'native' | 'wasm'} */ (process.argv[2]), Number(process.argv[3])];
const alive = Array.from({ length: count }, (_, i) => ({ i, values: [i] }));

/** @type {WebAssembly.MemoryDescriptor[]} */
const memories = [];
WebAssembly.Memory = class extends WebAssembly.Memory {
  /** @param {WebAssembly.MemoryDescriptor} descriptor */
  constructor(descriptor) {
    super(descriptor);
    memories.push(descriptor);
  }
};

const heap = process.memoryUsage().heapUsed;
await init({ backend });
const { shape } = new Embedding({ vocabSize: 5, embeddingDim: 4 }).forward([1]);
// `moduleLoadList` is missing from the types.
const { moduleLoadList } = /** @type {{ moduleLoadList: string[] }} */ (/** @type {unknown} */ (process));
const cryptography = moduleLoadList.filter((name) => name.includes('crypto'));
// Not stdout, where --trace-gc prints.
writeFileSync(2, JSON.stringify({ alive: alive.length, heap, memories, cryptography, shape }));
