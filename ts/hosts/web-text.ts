/** Where `text.wasm` is on the web. Apart from `web.ts`: a program without tokenizers of models does not contain it. */

/** Bundlers recognize only this literal form. */
export const textModule = (): string | undefined => new URL('./text.wasm', import.meta.url).href;
