/**
 * The smallest page: what is typed becomes vectors, a row for each token.
 *
 * `init()` fetches the WASM, once, before anything is made; everything after it is synchronous. There is nothing
 * to configure, neither for Vite's server nor for its build: see the absence of a vite.config.ts.
 *
 *   npm run example vite      or here, after `npm run setup` above: npm ci && npm run dev
 */

import { CharTokenizer, EmbeddingLayer, init } from 'tokenbed';

const { name, isa } = await init();

const tokenizer = new CharTokenizer();
const layer = new EmbeddingLayer({ vocabSize: tokenizer.vocabSize, embeddingDim: 4, seed: 7 });

const text = document.querySelector<HTMLInputElement>('#text')!;
const vectors = document.querySelector<HTMLPreElement>('#vectors')!;

function show(): void {
  vectors.textContent = layer.forward(tokenizer.encode(text.value)).toString();
}
text.addEventListener('input', show);
show();
document.querySelector('#backend')!.textContent = `${name} ${isa}`;
