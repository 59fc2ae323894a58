/**
 * What a host must bring: the one interface that `loader.node.ts` and `loader.web.ts` both fill.
 *
 * `backend/index.ts` takes whichever of them the conditions of package.json choose for `#loader`, so that no
 * bundle for the browser ever sees a `node:` import.
 */

import type { Machine, NativeBinding } from './contract.js';

/** Anything that a WASM module can come from. */
export interface Loader {
  /** Whether modules can be compiled synchronously, whatever their size. */
  readonly synchronous: boolean;
  /** The addon of this platform. Throws when there is none, with a message that says why. */
  native(): NativeBinding;
  /** The bytes of `core.wasm`, at once; throws where the host cannot. */
  readCore(): Uint8Array<ArrayBuffer>;
  /** `core.wasm` compiled, or whatever `source` names. */
  compile(source: string | URL | undefined): Promise<WebAssembly.Module>;
  /** An environment variable; `undefined` where unset, empty or unknown to the host. */
  variable(name: string): string | undefined;
  /** The bytes that tables may take: the smaller of physical memory and the control group's limit. */
  memoryLimit(): number;
  /** The longest typed array of the engine, in bytes. */
  readonly longestArray: number;
  /** `length` floats of ordinary memory of their own, with arbitrary contents: every one will be written. */
  floats(length: number): Float32Array<ArrayBuffer>;
  /** What it tells of the machine. */
  machine(): Machine;
  /** Loads the entry that draws reports, which registers itself; absent where nothing can be loaded at once. */
  readonly report?: () => void;
  /** The pages to ask for when a WASM memory is made, best first. */
  readonly reservations: readonly number[];
}
