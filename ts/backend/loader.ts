/**
 * The interface to the host, which `loader.node.ts` and `loader.web.ts` implement.
 *
 * The conditions of package.json select one of them as `#loader`, so bundles for the browser contain no `node:` import.
 */

import type { Machine, NativeBinding } from './contract.js';

/** Loads modules and describes the host. */
export interface Loader {
  /** Whether modules of any size can be compiled synchronously. */
  readonly synchronous: boolean;
  /** The addon of this platform. If there is none, throws an error whose message says why. */
  native(): NativeBinding;
  /** Reads the bytes of `core.wasm` synchronously; throws if the host cannot. */
  readCore(): Uint8Array<ArrayBuffer>;
  /** Compiles `core.wasm`, or the module at `source`. */
  compile(source: string | URL | undefined): Promise<WebAssembly.Module>;
  /** An environment variable; `undefined` if it is unset or empty, or if the host has none. */
  variable(name: string): string | undefined;
  /** The memory limit in bytes: the smaller of physical memory and the control group's limit. */
  memoryLimit(): number;
  /** The longest typed array of the engine, in bytes. */
  readonly longestArray: number;
  /** A new array of `length` floats in ordinary memory, with arbitrary contents: the caller writes all of them. */
  floats(length: number): Float32Array<ArrayBuffer>;
  /** The host's description of the machine. */
  machine(): Machine;
  /** Loads the entry that draws reports, which registers itself; absent if the host cannot load it synchronously. */
  readonly report?: () => void;
  /** The initial sizes of a WASM memory to try, in pages, largest first. */
  readonly reservations: readonly number[];
}
