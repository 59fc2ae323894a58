/**
 * Why an engine cannot compile the module.
 *
 * The errors of engines differ in class and text, and say neither what is missing nor what to do. Two modules of a few
 * bytes tell the cases apart.
 */

import { firstLine } from '../errors.js';

const NEEDED =
  'tokenbed needs WebAssembly with SIMD: Chrome 91, Firefox 89, Safari 16.4, Node 16.4, or newer';

/** `type, function and code: v128 f() { return i8x16.popcnt(i8x16.splat(0)) }` */
const SIMD = [
  [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  [1, 5, 1, 0x60, 0, 1, 0x7b],
  [3, 2, 1, 0],
  [10, 10, 1, 8, 0, 0x41, 0, 0xfd, 15, 0xfd, 98, 11],
];

/** Whether the engine refuses to compile even the shortest module. */
function isForbidden(): boolean {
  try {
    return !new WebAssembly.Module(Uint8Array.from(SIMD[0]!));
  } catch {
    return true;
  }
}

/**
 * What this engine lacks or forbids, and what to do, in one line; `null` if it can compile the module. `error`: what the
 * engine threw.
 */
export function engineProblem(error: unknown): string | null {
  if (typeof WebAssembly === 'undefined') {
    return `this engine has no WebAssembly. Turn it on (in Node: no --jitless, no --no-expose-wasm) or update the engine: ${NEEDED}`;
  }
  if (isForbidden()) {
    return (
      `this engine forbids compiling WebAssembly (${firstLine(error)}). Allow 'wasm-unsafe-eval' in the script-src of the ` +
      `page's Content-Security-Policy; in a host that compiles modules itself, such as Cloudflare Workers, import ` +
      `tokenbed/core.wasm and pass it to initSync({ wasm }). ${NEEDED}`
    );
  }
  if (!WebAssembly.validate(Uint8Array.from(SIMD.flat()))) {
    return `this engine has no WebAssembly SIMD. Update the engine, or the processor (x86 needs SSE4.1): ${NEEDED}`;
  }
  return null;
}
