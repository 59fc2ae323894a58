/** Browsers, workers and edge hosts: loads with fetch. */

import type { ReportRenderer } from '../profiler/renderer.js';
import type { Host } from './host.js';

/** Bundlers recognize only this literal form. */
const core = (): URL => new URL('./core.wasm', import.meta.url);

const web: Host = {
  synchronous: false,
  native: () => {
    throw new Error('this host runs no Node addons');
  },
  read: () => {
    throw new Error('this host reads no files: call `await init()` first, or import tokenbed/inline');
  },
  // The entry for tokenizers passes the address of its module.
  open: (_, source) => fetch(source ?? core()),
  variable: () => undefined,
  memoryLimit: () => Number.MAX_SAFE_INTEGER,
  longestArray: 2 ** 32,
  floats: (length) => new Float32Array(length),
  machine: () => ({
    platform: globalThis.navigator?.userAgent ?? 'unknown',
    processor: null,
    processors: globalThis.navigator?.hardwareConcurrency ?? null,
  }),
};

/**
 * The host of Node, if this file runs there in the folder of the package: imported by its path, or chosen by a tool that
 * resolves for browsers.
 */
function nodeHost(): Host | null {
  try {
    const load = globalThis.process.getBuiltinModule('module').createRequire(core());
    const { host } = load('./host.cjs') as { readonly host: () => Host };
    return { ...host(), report: () => load('./report/index.js') as ReportRenderer };
  } catch {
    return null; // not Node, or a bundle
  }
}

let chosen: Host | undefined;

/** The host of this file, chosen at its first use. */
export const host = (): Host => (chosen ??= nodeHost() ?? web);
