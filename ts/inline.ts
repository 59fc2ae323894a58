/**
 * The whole package with the WASM inside the module: no fetch and no file. Hosts that compile synchronously do not need
 * `init()`. The main thread of some browsers cannot; there `await init()` works without a fetch.
 *
 * @module tokenbed/inline
 */

// oxlint-disable-next-line no-restricted-imports -- the one entry that contains the module
import { CORE } from './backend/core-inline.js';
import { inlineCore } from './backend/index.js';

inlineCore(() => Uint8Array.from(atob(CORE), (character) => character.charCodeAt(0)));

export * from './index.js';
