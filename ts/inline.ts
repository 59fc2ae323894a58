/**
 * The whole package with the WASM inside the module: no fetch, no file, no `init()` needed where the host may
 * compile at once (everywhere but the main thread of some browsers; there `await init()` works without a fetch).
 */

import { inlineCore } from './backend/index.js';
import { CORE } from './backend/core-inline.js';

inlineCore(() => Uint8Array.from(atob(CORE), (character) => character.charCodeAt(0)));

export * from './index.js';
