/** Where `text.wasm` is on the web. Apart from `web.ts`: a program without tokenizers of models does not contain it. */

/** Bundlers recognize only this literal form. The file is beside the folder of the entry. */
export const textModule = (): string | undefined => new URL('../text.wasm', import.meta.url).href;
