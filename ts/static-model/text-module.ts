/** Tokenizers of models. Imported when a model needs one, so that no other program loads their code and `text.wasm`. */

export const textModule = () => import('../text/pretrained-tokenizer.js');
