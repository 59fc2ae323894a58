/** Where `text.wasm` is in Node: the host knows it. */

export const textModule = (): string | undefined => undefined;
