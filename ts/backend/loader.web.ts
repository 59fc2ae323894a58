/** Browsers, workers and everything else: fetch. */

import type { Loader } from './loader.js';

async function compile(source?: string | URL): Promise<WebAssembly.Module> {
  // The literal form is what bundlers look for.
  const url = source ?? new URL('../core.wasm', import.meta.url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${String(url)}: HTTP status ${response.status}`);
  return compileResponse(response);
}

/** Compiles while downloading where the server names the type, else from the bytes. */
async function compileResponse(response: Response): Promise<WebAssembly.Module> {
  const named = response.headers.get('content-type')?.startsWith('application/wasm') ?? false;
  return named ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

/** The host as this package sees it. */
export const loader: Loader = {
  synchronous: false,
  native: () => {
    throw new Error('this host runs no Node addons');
  },
  readCore: () => {
    throw new Error('this host reads no files: call `await init()` first, or import tokenbed/inline');
  },
  compile,
  variable: () => undefined,
  memoryLimit: () => Number.MAX_SAFE_INTEGER,
  longestArray: 2 ** 32,
  floats: (length) => new Float32Array(length),
  machine: () => ({
    platform: globalThis.navigator?.userAgent ?? 'unknown',
    processor: null,
    processors: globalThis.navigator?.hardwareConcurrency ?? null,
  }),
  // 16 MiB: a page that embeds little takes little, and the memory grows in few steps when it embeds more.
  reservations: [256],
};
