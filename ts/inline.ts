/**
 * The whole package with the WASM inside the module: no fetch and no file. Hosts that compile synchronously do not need
 * `init()`. The main thread of some browsers cannot; there `await init()` works without a fetch.
 *
 * @module tokenbed/inline
 */

// oxlint-disable-next-line no-restricted-imports -- the one entry that contains the module
import { CORE } from './backend/core-inline.js';
import { inlineCore } from './backend/index.js';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Decodes base64. Audio worklets have no `atob`. */
function decode(base64: string): Uint8Array<ArrayBuffer> {
  const digits = new Uint8Array(128);
  for (let i = 0; i < 64; i++) digits[DIGITS.charCodeAt(i)] = i;
  const length = base64.replace(/=+$/, '').length;
  const bytes = new Uint8Array((length * 3) >> 2);
  let bits = 0;
  for (let i = 0, to = 0; i < length; i++) {
    bits = (bits << 6) | digits[base64.charCodeAt(i)]!;
    if (i % 4 > 0) bytes[to++] = bits >> (6 - 2 * (i % 4));
  }
  return bytes;
}

inlineCore(() => decode(CORE));

export * from './index.js';
