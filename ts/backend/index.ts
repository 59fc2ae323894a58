/** Chooses and loads the backend of new objects. */

import { host } from '#host';
import { fail, hasCode, tooLarge, wrongKind, wrongValue } from '../errors.js';
import type { OrdinaryBytes, OrdinaryFloats, OrdinaryIds } from '../args/arrays.js';
import { choice, named } from '../args/options.js';
import type { ReportRenderer } from '../profiler/renderer.js';
import { floatBytes } from '../table-spec.js';
import { registerAllocator } from '../tensor.js';
import { VERSION } from '../version.js';
import type { Backend, BackendInfo, Machine, ModuleName, Settings } from './contract.js';
import type { Files } from '../hosts/files.js';
import { isBytes, isModule, ModuleLoader, unavailable } from './module.js';
import { nativeBackend } from './native.js';
import { wasmBackend } from './wasm.js';
import { type Access, readSource, type WasmSource } from './wasm-source.js';

export { TableSpec } from '../table-spec.js';
export { readSource, type WasmSource } from './wasm-source.js';
export type {
  Backend,
  BackendInfo,
  Contents,
  Handle,
  HashKernels,
  Kernels,
  Machine,
  MappedFile,
  Storage,
  Table,
} from './contract.js';

type Wanted = 'auto' | 'native' | 'wasm';

const BACKENDS = ['auto', 'native', 'wasm'] as const;
const ISAS = ['scalar', 'simd128', 'neon', 'avx2', 'avx512'] as const;
const TUNINGS = ['intel', 'granite', 'zen4', 'zen5', 'amd', 'arm', 'other'] as const;

/** Options of {@link init}. */
export interface InitOptions {
  /** Default `'auto'`: native if an addon for the platform loads, else WASM. */
  readonly backend?: 'auto' | 'native' | 'wasm' | undefined;
  /** The module; by default `core.wasm` beside this package, fetched or read. */
  readonly wasm?: WasmSource | Promise<WasmSource> | undefined;
}

/** The backend of new objects, and why `auto` did not choose the native one. */
let current: { readonly backend: Backend; readonly fallbackReason: string | null } | null = null;
let native: Backend | null = null;
let wasm: Backend | null = null;
/** How the host reads a module of this package. */
export const moduleAccess = (module: ModuleName): Access => ({
  read: () => host().read(module),
  open: (source) => host().open(module, source),
});

const core = /* @__PURE__ */ new ModuleLoader(
  'core.wasm',
  /* @__PURE__ */ moduleAccess('core'),
  ', import tokenbed/inline',
);

/** An environment variable, which must be one of `allowed` if it is set. */
function variable<T extends string>(name: string, allowed: readonly T[]): T | undefined {
  const value = host().variable(name);
  if (value === undefined || (allowed as readonly string[]).includes(value)) return value as T | undefined;
  throw wrongValue(name, value, `one of ${allowed.join(', ')}`);
}

function settings(): Settings {
  const threads = host().variable('TOKENBED_THREADS');
  if (threads !== undefined && !/^[1-9][0-9]{0,3}$/.test(threads)) {
    throw wrongValue('TOKENBED_THREADS', threads, 'an integer from 1 to 9999');
  }
  return {
    isa: variable('TOKENBED_ISA', ISAS),
    tuning: variable('TOKENBED_TUNING', TUNINGS),
    threads: Number(threads ?? 0),
  };
}

/** The native backend, or the error that prevents it. */
function tryNative(): Backend | Error {
  const requested = settings();
  try {
    native ??= nativeBackend(host(), requested);
    return native;
  } catch (error) {
    if (hasCode(error, 'ERR_INVALID_OPTION') || hasCode(error, 'ERR_BACKEND_UNAVAILABLE')) throw error;
    return error as Error;
  }
}

/** Selects the WASM backend over `compiled`. Reuses the existing one unless it is lost or has another module. */
function useWasm(compiled: WebAssembly.Module, fallbackReason: string | null): Backend {
  const requested = settings();
  if (wasm === null || wasm.lost || core.compiled !== compiled) {
    try {
      wasm = wasmBackend(compiled, requested);
    } catch (error) {
      throw unavailable('wasm', error);
    }
    core.compiled = compiled;
  }
  current = { backend: wasm, fallbackReason };
  return wasm;
}

function wanted(requested: Wanted): Wanted {
  return requested === 'auto' ? (variable('TOKENBED_BACKEND', BACKENDS) ?? 'auto') : requested;
}

/** Chooses the native backend if it is allowed and loads; otherwise returns the reason for the fallback to WASM. */
function chooseNative(requested: Wanted): { chosen: Backend } | { fallbackReason: string | null } {
  if (requested === 'wasm') return { fallbackReason: null };
  const backend = tryNative();
  if (!(backend instanceof Error)) {
    current = { backend, fallbackReason: null };
    return { chosen: backend };
  }
  if (requested === 'native') throw unavailable('native', backend);
  return { fallbackReason: backend.message };
}

/** The backend of new objects. Loads it on first use in Node; `ERR_NOT_INITIALIZED` in a browser before `init`. */
export function activeBackend(): Backend {
  if (current !== null && !current.backend.lost) return current.backend;
  if (current !== null) return useWasm(core.compiled!, current.fallbackReason);
  if (!host().synchronous && core.inlined === null) {
    const text =
      'Call `await init()` once before anything else (in a browser the WASM must be fetched first)';
    throw fail(Error, 'ERR_NOT_INITIALIZED', text);
  }
  const choice = chooseNative(wanted('auto'));
  return 'chosen' in choice ? choice.chosen : useWasm(core.now(choice.fallbackReason), choice.fallbackReason);
}

/**
 * The backend of new objects if it has the functions of tokenizers; otherwise why `auto` did not choose it, if it did not.
 * In Node, `auto` chooses at the first use.
 */
export function backendOfTexts(): Backend | { readonly fallbackReason: string | null } {
  if (current !== null) return current.backend.texts === null ? current : current.backend;
  if (!host().synchronous) return { fallbackReason: null };
  const choice = chooseNative(wanted('auto'));
  return 'chosen' in choice ? choice.chosen : choice;
}

/** Whether modules can be compiled without `init`. */
export const compilesAtOnce = (): boolean => host().synchronous;

registerAllocator((length) => activeBackend().allocate(length));

/**
 * Loads a backend and selects it for new objects. Required once in a browser; elsewhere only to choose a backend.
 *
 * Resolves to the new `backendInfo()`. Existing objects keep their backend. Concurrent calls share one load; a failed
 * load may be retried. Errors: `ERR_INVALID_OPTION` (also for a malformed `TOKENBED_*` variable),
 * `ERR_BACKEND_UNAVAILABLE` with `cause` if the requested backend cannot be loaded.
 */
export async function init(options?: InitOptions): Promise<BackendInfo> {
  const values = named(options, ['backend', 'wasm']);
  const requested = wanted(choice(values, 'backend', BACKENDS, 'auto'));
  const source = readSource(values);
  const selection = chooseNative(requested);
  if ('chosen' in selection) return backendInfo();
  const { fallbackReason } = selection;
  useWasm(await core.load(source, fallbackReason), fallbackReason);
  return backendInfo();
}

/**
 * As `init`, but synchronous and from bytes or a compiled module: for workers that receive one, and for hosts that
 * provide modules. Always selects the WASM backend. Errors: as `init`; `wasm` is required.
 */
export function initSync(options: { readonly wasm: ArrayBuffer | ArrayBufferView | object }): BackendInfo {
  const values = named(options, ['wasm'], { required: true });
  const source = readSource(values);
  const kind = 'bytes or a WebAssembly.Module';
  if (source === undefined || typeof source !== 'object') throw wrongKind('wasm', source, kind);
  if (!isModule(source) && !isBytes(source)) throw wrongKind('wasm', source, kind);
  useWasm(isModule(source) ? source : core.bytes(source), null);
  return backendInfo();
}

/** The backend of new objects: name, instruction set, threads, and why `auto` fell back to WASM if it did. */
export function backendInfo(): BackendInfo {
  return describeBackend(activeBackend());
}

/** As `backendInfo`, for any backend. */
export function describeBackend(backend: Backend): BackendInfo {
  const { name, isa, threads } = backend;
  const fallbackReason = current?.backend === backend ? current.fallbackReason : null;
  return { name, isa, threads, fallbackReason, version: VERSION };
}

/** The files of the host; `undefined` if it has none. */
export const hostFiles = (): Files | undefined => host().files;

/** The host's description of the machine. */
export function machine(): Machine {
  return host().machine();
}

/** Loads the entry that draws reports, if the host can load it synchronously. Elsewhere the user imports it. */
export function loadReport(): ReportRenderer | undefined {
  return host().report?.();
}

/** Registers WASM bytes that an entry contains: the default source of `init()` and of first use. */
export function inlineCore(bytes: () => OrdinaryBytes): void {
  core.inlined = bytes;
}

/** Up to this many floats, zeroed memory is faster than unzeroed memory: it comes from the engine's own heap. */
const SMALL_RESULT = 1024;

/** Memory for a result of `length` floats with arbitrary contents: the caller writes all of them. `ERR_TOO_LARGE`. */
export function resultFloats(length: number): OrdinaryFloats {
  if (length <= SMALL_RESULT) return new Float32Array(length);
  const bytes = floatBytes(length);
  const { longestArray, floats } = host();
  if (bytes > longestArray) throw tooLarge('The result', bytes, longestArray);
  try {
    return floats(length);
  } catch {
    throw tooLarge('The result', bytes, longestArray);
  }
}

/** Memory for `length` bytes of a result, zeroed. `ERR_TOO_LARGE`. */
export function resultBytes(length: number): OrdinaryBytes {
  const limit = Math.floor(host().longestArray / 4); // the longest array has four bytes per element
  try {
    if (length <= limit) return new Uint8Array(length);
  } catch {
    // reported below
  }
  throw tooLarge('The result', length, limit);
}

/** The same for `length` ids. */
export const resultIds = (length: number): OrdinaryIds => new Uint32Array(resultFloats(length).buffer);

/** The memory limit of this process in bytes: the smaller of physical memory and its control group's limit. */
export const memoryLimit = (): number => host().memoryLimit();

/** Throws `ERR_TOO_LARGE` if `what` takes more than the memory limit of this process. */
export function expectRoom(what: string, bytes: number): void {
  const limit = memoryLimit();
  if (bytes > limit) throw tooLarge(what, bytes, limit);
}
