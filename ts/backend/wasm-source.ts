/** Where WASM modules come from. Apart from `module.ts`, because public types refer to it: they need no DOM. */

import type { OrdinaryBytes } from '../args/arrays.js';
import type { Named } from '../args/options.js';
import { wrongKind } from '../errors.js';

/**
 * A source of a WASM module: a URL or path, a `Request` or `Response` (any object with `url` or `arrayBuffer()`),
 * bytes, or a compiled `WebAssembly.Module` (which structural types cannot distinguish from `object`).
 */
export type WasmSource = string | ArrayBuffer | ArrayBufferView | object;

/** How the host reads a module of this package. */
export interface Access {
  /** Reads it synchronously; throws if the host cannot. */
  read(): OrdinaryBytes;
  /** Opens it, or the one at `source`: a Response, or bytes. */
  open(source: string | undefined): Promise<object>;
}

/** The option `wasm`. Only strings and objects pass; `compile` checks objects further. */
export function readSource(values: Named): WasmSource | Promise<WasmSource> | undefined {
  const source = values['wasm'];
  if (source === undefined || typeof source === 'string') return source;
  if (typeof source === 'object' && source !== null) {
    // Where the module is not needed, nothing waits for the promise: its rejection must not end the process.
    if (source instanceof Promise) source.catch(() => {});
    return source;
  }
  throw wrongKind('wasm', source, 'a URL, Request, Response, bytes or a WebAssembly.Module');
}
