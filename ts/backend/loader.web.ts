/** Browsers, workers and all other hosts: loads with fetch. */

import type { Loader } from './loader.js';

async function compile(source?: string | URL): Promise<WebAssembly.Module> {
  // Bundlers recognize only this literal form.
  const url = source ?? new URL('../core.wasm', import.meta.url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${String(url)}: HTTP status ${response.status}`);
  return compileResponse(response);
}

/** Compiles during the download if the server sends the content type, else from the bytes. */
async function compileResponse(response: Response): Promise<WebAssembly.Module> {
  const named = response.headers.get('content-type')?.startsWith('application/wasm') ?? false;
  return named ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

/** The loader of this host. */
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
  // 16 MiB: small enough for a page that embeds little, and large enough that growth takes few steps.
  reservations: [256],
};
