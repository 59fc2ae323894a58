/**
 * Runs the files for the web in a realm with nothing but the language and WebAssembly, as audio worklets have it: without
 * TextDecoder, TextEncoder, structuredClone, crypto, fetch, URL, atob and performance. Prints the names in that realm, and the result or the
 * error of each use there and in this realm. Needs --experimental-vm-modules.
 */

import vm from 'node:vm';
import { coreBytes, tokenbedIn } from './realm.mjs';

const context = vm.createContext({});
const bare = await tokenbedIn(context);

/** @param {typeof import('../../../dist/index.mjs')} tokenbed */
const uses = ({ BPETokenizer, CharTokenizer, Embedding, EmbeddingBag, EmbeddingLayer, ...rest }) => ({
  lookup: () => new Embedding({ vocabSize: 9, embeddingDim: 7, seed: 3 }).forward([1, 8]).data,
  'random seed': () => [typeof new Embedding({ vocabSize: 9, embeddingDim: 7 }).seed],
  bag: () => new EmbeddingBag({ vocabSize: 9, embeddingDim: 7, seed: 3, mode: 'max' }).forward([[1, 2]]).data,
  layer: () =>
    new EmbeddingLayer({ vocabSize: 9, embeddingDim: 8, seed: 3, dropout: 0.5 }).forward([4, 5]).data,
  positions: () => new rest.PositionalEncoding({ embeddingDim: 8, layout: 'halves' }).encode([5, 6]).data,
  rotation: () =>
    new rest.RotaryEncoding({ headDim: 4 }).forward(
      new rest.Tensor([
        [
          [1, 2, 3, 4],
          [5, 6, 7, 8],
        ],
      ]),
    ).data,
  characters: () => new CharTokenizer().encode('Hi'),
  'characters of BPE': () => new BPETokenizer({ vocabSize: 300 }).train(['a b ab']).encode('ab'),
  profiler: () => {
    const profiler = new rest.EmbeddingProfiler({ minTimeMs: 0, warmupMs: 0 });
    profiler.comparePositionalEncodings({ seqLength: 500, embeddingDim: 64 });
    return JSON.stringify(profiler, (_key, value) => (typeof value === 'number' ? typeof value : value));
  },
  error: () => [code(() => new Embedding({ vocabSize: 9, embeddingDim: 7 }).forward([9]))],
});

/** @param {() => unknown} run */
function code(run) {
  try {
    run();
    return 'no error';
  } catch (error) {
    return /** @type {{ code?: string }} */ (error).code ?? String(error);
  }
}

/** @param {any} tokenbed */
async function results(tokenbed) {
  tokenbed.initSync({ wasm: await coreBytes() });
  /** @type {Record<string, string>} */
  const all = {};
  for (const [name, use] of Object.entries(uses(tokenbed))) {
    try {
      all[name] = `${use()}`;
    } catch (error) {
      all[name] = String(error);
    }
  }
  return all;
}

console.log(
  JSON.stringify({
    globals: vm.runInContext('Object.getOwnPropertyNames(globalThis)', context),
    bare: await results(bare),
    here: await results(await import('../../../dist/index.mjs')),
  }),
);
