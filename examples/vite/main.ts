/**
 * A minimal page: converts the input to vectors, one row per token.
 *
 * `init()` fetches the WASM once; everything after it is synchronous. Neither Vite's dev server nor its build needs
 * configuration.
 *
 *   npm run example vite      or in this folder, after `npm run setup` in the repository: npm ci && npm run dev
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
