/** The only chooser: which backend new objects are made on, and how it is loaded. */

import { loader } from '#loader';
import { fail, tooLarge, wrongKind, wrongValue } from '../errors.js';
import { choice, type Named, named } from '../args/options.js';
import { floatBytes } from '../table-spec.js';
import { registerAllocator } from '../tensor.js';
import { VERSION } from '../version.js';
import type { Backend, BackendInfo, Machine, Settings } from './contract.js';
import { nativeBackend } from './native.js';
import { wasmBackend } from './wasm.js';

export { STORAGE, TableSpec } from '../table-spec.js';
export type { Backend, BackendInfo, Contents, Handle, Kernels, Machine, Storage, Table } from './contract.js';

type Wanted = 'auto' | 'native' | 'wasm';

const BACKENDS = ['auto', 'native', 'wasm'] as const;
const ISAS = ['scalar', 'simd128', 'neon', 'avx2', 'avx512'] as const;

/**
 * Where the WASM module may come from: a URL or path, a `Request` or `Response` (anything with `url` or
 * `arrayBuffer()`), bytes, or a compiled `WebAssembly.Module` (which no structural type can tell from an object).
 */
export type WasmSource = string | ArrayBuffer | ArrayBufferView | object;

/** Options of {@link init}. */
export interface InitOptions {
  /** Default `'auto'`: native where an addon for the platform loads, else WASM. */
  readonly backend?: 'auto' | 'native' | 'wasm' | undefined;
  /** The module; by default `core.wasm` beside this package, fetched or read. */
  readonly wasm?: WasmSource | Promise<WasmSource> | undefined;
}

/** What new objects are made on, and why it is not the native one if `auto` chose it. */
let current: { readonly backend: Backend; readonly fallbackReason: string | null } | null = null;
let native: Backend | null = null;
let wasm: Backend | null = null;
let module: WebAssembly.Module | null = null;
/** The bytes that `tokenbed/inline` carries. */
let inlined: (() => Uint8Array<ArrayBuffer>) | null = null;
/** Loads under way, so that concurrent calls share one. */
const pending = new Map<unknown, Promise<WebAssembly.Module>>();

/** One of `allowed` from the environment; a malformed value is an error. */
function variable<T extends string>(name: string, allowed: readonly T[]): T | undefined {
  const value = loader.variable(name);
  if (value === undefined || (allowed as readonly string[]).includes(value)) return value as T | undefined;
  throw wrongValue(name, value, `one of ${allowed.join(', ')}`);
}

function settings(): Settings {
  const threads = loader.variable('TOKENBED_THREADS');
  if (threads !== undefined && !/^[1-9][0-9]{0,3}$/.test(threads)) {
    throw wrongValue('TOKENBED_THREADS', threads, 'an integer from 1 to 9999');
  }
  return { isa: variable('TOKENBED_ISA', ISAS), threads: Number(threads ?? 0) };
}

function unavailable(name: Wanted, cause: unknown) {
  const reason = (cause as Error).message;
  const text = `Backend ${name} cannot be loaded: ${reason}`;
  return fail(Error, 'ERR_BACKEND_UNAVAILABLE', text, { backend: name, cause });
}

/** The native backend, or the reason why there is none. */
function tryNative(): Backend | Error {
  const asked = settings();
  try {
    native ??= nativeBackend(loader, asked);
    return native;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_INVALID_OPTION') throw error;
    return error as Error;
  }
}

/** The WASM backend over `compiled`: the one that exists unless it was given up or the module is another. */
function useWasm(compiled: WebAssembly.Module, fallbackReason: string | null): Backend {
  const asked = settings();
  if (wasm === null || wasm.lost || module !== compiled) {
    try {
      wasm = wasmBackend(loader, compiled, asked);
    } catch (error) {
      throw unavailable('wasm', error);
    }
    module = compiled;
  }
  current = { backend: wasm, fallbackReason };
  return wasm;
}

/** Compiles at once, where the host allows it. */
function compileNow(bytes?: object): WebAssembly.Module {
  try {
    const own = () => (inlined === null ? loader.readCore() : inlined());
    return new WebAssembly.Module(bytes === undefined ? own() : bufferSource(bytes));
  } catch (error) {
    throw unavailable('wasm', error);
  }
}

function wanted(asked: Wanted): Wanted {
  return asked === 'auto' ? (variable('TOKENBED_BACKEND', BACKENDS) ?? 'auto') : asked;
}

/** Chooses native if it may and can; else says why WASM must do. */
function chooseNative(asked: Wanted): { chosen: Backend } | { fallbackReason: string | null } {
  if (asked === 'wasm') return { fallbackReason: null };
  const found = tryNative();
  if (!(found instanceof Error)) {
    current = { backend: found, fallbackReason: null };
    return { chosen: found };
  }
  if (asked === 'native') throw unavailable('native', found);
  return { fallbackReason: found.message };
}

/** The backend for new objects: loads it at once in Node, `ERR_NOT_INITIALIZED` in a browser before `init`. */
export function activeBackend(): Backend {
  if (current !== null && !current.backend.lost) return current.backend;
  if (current !== null) return useWasm(module!, current.fallbackReason);
  if (!loader.synchronous && inlined === null) {
    const text =
      'Call `await init()` once before anything else (in a browser the WASM must be fetched first)';
    throw fail(Error, 'ERR_NOT_INITIALIZED', text);
  }
  const choice = chooseNative(wanted('auto'));
  return 'chosen' in choice ? choice.chosen : useWasm(module ?? compileNow(), choice.fallbackReason);
}

registerAllocator((length) => activeBackend().allocate(length));

/**
 * Makes a backend ready and the one that new objects use. Needed once in a browser; elsewhere only to choose.
 *
 * Resolves to what `backendInfo()` then says. Objects made before keep the backend they were made on. Concurrent
 * calls share one load; a failed one may be retried. Errors: `ERR_INVALID_OPTION` (also for a malformed
 * `TOKENBED_*` variable), `ERR_BACKEND_UNAVAILABLE` with `cause` when what was asked for cannot be had.
 */
export async function init(options?: InitOptions): Promise<BackendInfo> {
  const given = named(options, ['backend', 'wasm']);
  const asked = wanted(choice(given, 'backend', BACKENDS, 'auto'));
  const source = readSource(given);
  const choiceMade = chooseNative(asked);
  if (!('chosen' in choiceMade)) useWasm(await load(source), choiceMade.fallbackReason);
  return backendInfo();
}

/**
 * The same at once, from bytes or a compiled module: for workers that were sent one, and for hosts that hand out
 * modules. Always the WASM backend. Errors as `init`; `wasm` is required.
 */
export function initSync(options: { readonly wasm: ArrayBuffer | ArrayBufferView | object }): BackendInfo {
  const given = named(options, ['wasm'], { required: true });
  const source = readSource(given);
  const kind = 'bytes or a WebAssembly.Module';
  if (source === undefined || typeof source !== 'object') throw wrongKind('wasm', source, kind);
  if (!isModule(source) && !isBytes(source)) throw wrongKind('wasm', source, kind);
  useWasm(isModule(source) ? source : compileNow(source), null);
  return backendInfo();
}

/** What new objects run on: name, instruction set, threads, and why it is not the native one if `auto` chose WASM. */
export function backendInfo(): BackendInfo {
  return describeBackend(activeBackend());
}

/** The same of any backend: objects keep the one they were made on. */
export function describeBackend(backend: Backend): BackendInfo {
  const { name, isa, threads } = backend;
  const fallbackReason = current?.backend === backend ? current.fallbackReason : null;
  return { name, isa, threads, fallbackReason, version: VERSION };
}

/** What the host tells of the machine. */
export function machine(): Machine {
  return loader.machine();
}

/** Loads the entry that draws reports, where the host can do so at once; elsewhere the user imports it. */
export function loadReport(): void {
  loader.report?.();
}

/** Lets an entry bring the WASM along: the source of `init()` and, where nothing else was loaded, of first use. */
export function inlineCore(bytes: () => Uint8Array<ArrayBuffer>): void {
  inlined = bytes;
}

/** Up to so many floats, zeroed memory is had sooner than unzeroed: the engine takes it from its own heap. */
const SMALL_RESULT = 1024;

/** Memory for a result of `length` floats, every one of which will be written. `ERR_TOO_LARGE`. */
export function resultFloats(length: number): Float32Array<ArrayBuffer> {
  if (length <= SMALL_RESULT) return new Float32Array(length);
  const bytes = floatBytes(length);
  if (bytes > loader.longestArray) throw tooLarge('The result', bytes, loader.longestArray);
  try {
    return loader.floats(length);
  } catch {
    throw tooLarge('The result', bytes, loader.longestArray);
  }
}

/** How many bytes this process may ever have: the smaller of physical memory and its control group's limit. */
export const memoryLimit = (): number => loader.memoryLimit();

/** Throws `ERR_TOO_LARGE` when `what` takes more memory than this process may ever have. */
export function expectRoom(what: string, bytes: number): void {
  const limit = memoryLimit();
  if (bytes > limit) throw tooLarge(what, bytes, limit);
}

const tag = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);
const isModule = (value: unknown): value is WebAssembly.Module => tag(value) === 'WebAssembly.Module';
const isBytes = (value: unknown): boolean =>
  ArrayBuffer.isView(value) || /^(Shared)?ArrayBuffer$/.test(tag(value));

/** Bytes as every engine compiles them: V8 refuses a DataView. */
function bufferSource(bytes: object): BufferSource {
  if (!ArrayBuffer.isView(bytes)) return bytes as ArrayBuffer;
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}

/** The option `wasm`, of whose many kinds only the plainly wrong ones can be told before it is used. */
function readSource(given: Named): WasmSource | Promise<WasmSource> | undefined {
  const source = given['wasm'];
  if (source === undefined || typeof source === 'string') return source;
  if (typeof source === 'object' && source !== null) return source;
  throw wrongKind('wasm', source, 'a URL, Request, Response, bytes or a WebAssembly.Module');
}

/** The module from wherever it is; one load for all who ask for the same at the same time. */
async function load(source: WasmSource | Promise<WasmSource> | undefined): Promise<WebAssembly.Module> {
  if (source === undefined && module !== null) return module;
  const underWay = pending.get(source);
  if (underWay !== undefined) return underWay;
  const loading = compile(source).finally(() => pending.delete(source));
  pending.set(source, loading);
  return loading;
}

async function compileResponse(response: Response): Promise<WebAssembly.Module> {
  if (response.ok === false) throw new Error(`${response.url}: HTTP status ${response.status}`);
  return WebAssembly.compile(await response.arrayBuffer());
}

async function compile(given: WasmSource | Promise<WasmSource> | undefined): Promise<WebAssembly.Module> {
  try {
    const source = await readSource({ wasm: await given }); // what a promise brings may be anything too
    if (source === undefined) {
      return await (inlined === null ? loader.compile(undefined) : WebAssembly.compile(inlined()));
    }
    if (typeof source === 'string') return await loader.compile(source);
    if (isModule(source)) return source;
    if (isBytes(source)) return await WebAssembly.compile(bufferSource(source));
    const host = source as { arrayBuffer?: unknown; href?: string };
    // The request itself is fetched: its headers, credentials, integrity and signal are part of it.
    if (tag(source) === 'Request') return await compileResponse(await fetch(source as Request));
    if (typeof host.arrayBuffer === 'function') return await compileResponse(source as Response);
    if (typeof host.href === 'string') return await loader.compile(host.href);
    throw wrongKind('wasm', source, 'a URL, Request, Response, bytes or a WebAssembly.Module');
  } catch (error) {
    throw (error as { code?: string }).code === 'ERR_INVALID_OPTION' ? error : unavailable('wasm', error);
  }
}
