/**
 * The whole package with the WASM inside the module: no fetch, no file, no `init()` needed where the host may
 * compile at once (everywhere but the main thread of some browsers; there `await init()` works without a fetch).
 *
 * @module tokenbed/inline
 */

// oxlint-disable-next-line no-restricted-imports -- the one entry that carries the module itself
import { CORE } from './backend/core-inline.js';
import { inlineCore } from './backend/index.js';

inlineCore(() => Uint8Array.from(atob(CORE), (character) => character.charCodeAt(0)));

export * from './index.js';
