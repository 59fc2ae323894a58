/** WASM modules: where they come from, and how they are compiled. */

import type { OrdinaryBytes } from '../args/arrays.js';
import { fail, firstLine, hasCode, type TokenbedError, wrongKind } from '../errors.js';
import { engineProblem } from './engine.js';
import { type Access, readSource, type WasmSource } from './wasm-source.js';

/** What a program can do if the module that belongs to this package is missing. */
const remedy = (file: string, inline: string): string =>
  `In a bundle, keep tokenbed external${inline}, or pass the address of ${file} to init({ wasm }); ` +
  'for the development server of Vite, exclude tokenbed in optimizeDeps';

/** `ERR_BACKEND_UNAVAILABLE`. */
export function unavailable(name: string, cause: unknown, reason = firstLine(cause)): TokenbedError {
  const text = `Backend ${name} cannot be loaded: ${reason}`;
  return fail(Error, 'ERR_BACKEND_UNAVAILABLE', text, { backend: name, cause });
}

/** A module of this package. It is compiled once. */
export class ModuleLoader {
  /** The module in use; null before the first one. */
  compiled: WebAssembly.Module | null = null;
  /** The bytes that an entry contains. */
  inlined: (() => OrdinaryBytes) | null = null;
  /** Loads under way, so that concurrent calls share one. */
  readonly #pending = new Map<unknown, Promise<WebAssembly.Module>>();

  /** `file`: its name; `inline`: what the remedy says of the entry that contains it. */
  constructor(
    private readonly file: string,
    private readonly access: Access,
    private readonly inline = '',
  ) {}

  /**
   * The error for a module that cannot be opened or compiled. `why`: the reason against the native backend, if it was tried
   * first; `own`: the module belongs to this package.
   */
  #failure(error: unknown, why: string | null, own: boolean): unknown {
    if (hasCode(error, 'ERR_BACKEND_UNAVAILABLE')) return error;
    const problem = engineProblem(error);
    const reasons = [problem ?? firstLine(error), ...(why === null ? [] : [why])].join('; and ');
    const ending =
      own && this.inlined === null && problem === null ? `. ${remedy(this.file, this.inline)}` : '';
    return unavailable('wasm', error, reasons + ending);
  }

  /** Compiles the module of this package synchronously, on hosts that allow it. */
  now(fallbackReason: string | null): WebAssembly.Module {
    if (this.compiled !== null) return this.compiled;
    try {
      return new WebAssembly.Module(this.inlined === null ? this.access.read() : this.inlined());
    } catch (error) {
      throw this.#failure(error, fallbackReason, true);
    }
  }

  /** Compiles bytes of the caller synchronously. */
  bytes(bytes: object): WebAssembly.Module {
    try {
      return new WebAssembly.Module(bufferSource(bytes));
    } catch (error) {
      throw this.#failure(error, null, false);
    }
  }

  /** Loads the module. Errors: `ERR_INVALID_OPTION`, `ERR_BACKEND_UNAVAILABLE`. */
  async load(
    source: WasmSource | Promise<WasmSource> | undefined,
    fallbackReason: string | null,
  ): Promise<WebAssembly.Module> {
    try {
      return await this.#shared(source);
    } catch (error) {
      if (hasCode(error, 'ERR_INVALID_OPTION')) throw error;
      throw this.#failure(error, fallbackReason, source === undefined);
    }
  }

  /** Concurrent calls with the same source share one load. */
  async #shared(source: WasmSource | Promise<WasmSource> | undefined): Promise<WebAssembly.Module> {
    if (source === undefined && this.compiled !== null) return this.compiled;
    const underWay = this.#pending.get(source);
    if (underWay !== undefined) return underWay;
    const loading = this.#compile(source).finally(() => this.#pending.delete(source));
    this.#pending.set(source, loading);
    return loading;
  }

  /** Compiles the module of this package, or the one at `source`. */
  async #compileFrom(source: string | undefined): Promise<WebAssembly.Module> {
    if (source === undefined && this.inlined !== null) return WebAssembly.compile(this.inlined());
    const opened = await this.access.open(source);
    return isBytes(opened)
      ? WebAssembly.compile(opened as BufferSource)
      : compileResponse(opened as Response);
  }

  async #compile(wasm: WasmSource | Promise<WasmSource> | undefined): Promise<WebAssembly.Module> {
    const source = await readSource({ wasm: await wasm }); // a promise may resolve to any value
    if (source === undefined || typeof source === 'string') return this.#compileFrom(source);
    if (isModule(source)) return source;
    if (isBytes(source)) return WebAssembly.compile(bufferSource(source));
    const candidate = source as { arrayBuffer?: unknown; href?: string };
    // Fetches the request itself, with its headers, credentials, integrity and signal.
    if (tag(source) === 'Request') return compileResponse(await fetch(source as Request));
    if (typeof candidate.arrayBuffer === 'function') return compileResponse(source as Response);
    if (typeof candidate.href === 'string') return this.#compileFrom(candidate.href);
    throw wrongKind('wasm', source, 'a URL, Request, Response, bytes or a WebAssembly.Module');
  }
}

const tag = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);
export const isModule = (value: unknown): value is WebAssembly.Module => tag(value) === 'WebAssembly.Module';
export const isBytes = (value: unknown): boolean =>
  ArrayBuffer.isView(value) || /^(Shared)?ArrayBuffer$/.test(tag(value));

/** The bytes in a form that every engine compiles: V8 rejects a DataView, and a SharedArrayBuffer that no view covers. */
function bufferSource(bytes: object): BufferSource {
  if (!ArrayBuffer.isView(bytes)) return new Uint8Array(bytes as ArrayBuffer);
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}

/** The first bytes of every WASM module. */
const MAGIC = [0, 0x61, 0x73, 0x6d];

/** Compiles during the download if the server sends the content type, otherwise from the bytes. */
async function compileResponse(response: Response): Promise<WebAssembly.Module> {
  const from = response.url || 'the response'; // one that a program creates has no address
  if (response.ok === false) throw new Error(`${from}: HTTP status ${response.status}`);
  const type = response.headers?.get('content-type') ?? 'no content type';
  if (type.startsWith('application/wasm') && tag(response) === 'Response') {
    return WebAssembly.compileStreaming(response);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new Error(`${from}: the server sent ${type}, not a WebAssembly module`);
  }
  return WebAssembly.compile(bytes);
}
