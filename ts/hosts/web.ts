/** Browsers, workers and edge hosts: loads with fetch. */

import type { Host } from './host.js';

/** Bundlers recognize only this literal form. */
const core = (): URL => new URL('./core.wasm', import.meta.url);

const web: Host = {
  synchronous: false,
  native: () => {
    throw new Error('this host runs no Node addons');
  },
  readCore: () => {
    throw new Error('this host reads no files: call `await init()` first, or import tokenbed/inline');
  },
  open: (source) => fetch(source ?? core()),
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

/** The host of the web. */
export const host = (): Host => web;
