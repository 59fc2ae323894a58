/**
 * The interface to the host, which `node.ts` and `web.ts` implement.
 *
 * Each kind of entry is built with one of them: scripts/build-ts.mjs resolves `#host`. So files for the web contain no
 * `node:` import, and tree shaking works without a registration at load.
 */

import type { OrdinaryBytes, OrdinaryFloats } from '../args/arrays.js';
import type { Machine, ModuleName, NativeBinding } from '../backend/contract.js';
import type { ReportRenderer } from '../profiler/renderer.js';
import type { Files } from './files.js';

/** Loads modules and describes the host. What the host refuses is absent; only `native`, `read` and `open` throw. */
export interface Host {
  /** Whether modules of any size can be compiled synchronously. */
  readonly synchronous: boolean;
  /**
   * The first addon of this platform that loads and that `accept` does not throw for. If there is none, throws an error
   * whose message says why.
   */
  native(accept: (binding: NativeBinding) => void): NativeBinding;
  /** Reads the bytes of a module of this package synchronously; throws if the host cannot. */
  read(module: ModuleName): OrdinaryBytes;
  /** Opens a module of this package, or the one at `source`. */
  open(module: ModuleName, source: string | undefined): Promise<Response | OrdinaryBytes>;
  /** An environment variable; `undefined` if it is unset, empty or refused, or if the host has none. */
  variable(name: string): string | undefined;
  /** The memory limit in bytes: the smaller of physical memory and the control group's limit. */
  memoryLimit(): number;
  /** The longest typed array of the engine, in bytes. */
  readonly longestArray: number;
  /** A new array of `length` floats in ordinary memory, with arbitrary contents: the caller writes all of them. */
  floats(length: number): OrdinaryFloats;
  /** The host's description of the machine. */
  machine(): Machine;
  /**
   * Loads the entry that draws reports; `undefined` if it is not there. Absent if the host cannot load it synchronously.
   * It registers itself only if it shares the module registry of this file, which is not so in Jest.
   */
  readonly report?: () => ReportRenderer | undefined;
  /** Absent if the host has no files. */
  readonly files?: Files | undefined;
}
