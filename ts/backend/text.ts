/**
 * The backend of new tokenizers: the addon, if new objects use it, otherwise `text.wasm`, a module with a memory of its own.
 *
 * Apart from `index.ts`, so that a program without tokenizers of models does not contain it.
 */

import { textModule } from '#text-module';
import { fail } from '../errors.js';
import type { Handle, HashKernels, TextKernels, TextWasmBinding } from './contract.js';
import { guarded, type Health, instanceError } from './guard.js';
import { backendOfTexts, compilesAtOnce, moduleAccess } from './index.js';
import { ModuleLoader, unavailable } from './module.js';
import { ballast, OwnedHandle } from './table.js';
import { createGlue } from './text-glue.js';
import type { WasmSource } from './wasm-source.js';

export { readSource, type WasmSource } from './wasm-source.js';

/** What tokenizers use of a backend. */
export interface Texts {
  readonly name: 'native' | 'wasm';
  readonly kernels: TextKernels & HashKernels;
  /** The most bytes of a file. */
  readonly limit: number;
  /** The most bytes of a text. */
  readonly longestText: number;
  /** The most bytes of tokens that are decoded at once. */
  readonly mostDecoded: number;
  /** Whether a trap made it unusable. */
  readonly lost: boolean;
  /** The owner of the hash that `create` starts. */
  prepare(create: (kernels: HashKernels) => number): Handle;
  /** The owner of a tokenizer of a file of `bytes`. */
  adopt(tokenizer: number, bytes: number): Handle;
}

/** The most bytes of a text, also after it was normalized. */
const LONGEST = 2 ** 30;
/** The 32-bit address space. */
const ADDRESSABLE = 2 ** 32;
/** The memory that a text takes, at most, in bytes per byte. */
const BYTES_PER_BYTE = 40;
/** The memory that reading a file takes, at most, in bytes per byte. */
const FILE_BYTES_PER_BYTE = 8;

const loader = /* @__PURE__ */ new ModuleLoader('text.wasm', {
  read: () => moduleAccess('text').read(),
  open: (source) => moduleAccess('text').open(source ?? textModule()),
});

let wasm: Texts | null = null;

/** A backend over a new instance of `module`. */
function wasmTexts(module: WebAssembly.Module): Texts {
  const glue = createGlue();
  glue.initSync({ module });
  const health: Health = { lost: null };
  const kernels = guarded<TextWasmBinding>({ ...glue }, health, (error) =>
    instanceError(glue, health, error),
  );
  const freed = (free: () => void) => () => {
    if (health.lost === null) free();
  };
  return {
    name: 'wasm',
    kernels,
    limit: ADDRESSABLE / FILE_BYTES_PER_BYTE,
    longestText: Math.floor(ADDRESSABLE / BYTES_PER_BYTE),
    mostDecoded: LONGEST / 2,
    get lost() {
      return health.lost !== null;
    },
    prepare(create) {
      const hash = create(kernels);
      return new OwnedHandle(
        hash,
        freed(() => kernels.free(hash)),
      );
    },
    adopt(tokenizer, bytes) {
      const weight = { memory: ballast(2 * bytes) };
      const free = freed(() => kernels.textFree(tokenizer));
      return new OwnedHandle(tokenizer, () => {
        weight.memory = null;
        free();
      });
    },
  };
}

/** Selects `text.wasm`. Reuses the instance unless it is lost or has another module. */
function useModule(module: WebAssembly.Module): Texts {
  if (wasm === null || wasm.lost || loader.compiled !== module) {
    try {
      wasm = wasmTexts(module);
    } catch (error) {
      throw unavailable('wasm', error);
    }
    loader.compiled = module;
  }
  return wasm;
}

let native: Texts | null = null;

/** The addon, if new objects use it; otherwise why they do not. */
function chooseNative(): Texts | { readonly fallbackReason: string | null } {
  const backend = backendOfTexts();
  if ('fallbackReason' in backend) return backend;
  const kernels = backend.texts!;
  native ??= {
    name: 'native',
    kernels,
    lost: false,
    get limit() {
      return backend.limit;
    },
    longestText: LONGEST,
    mostDecoded: LONGEST,
    prepare: (create) => backend.prepare(create),
    adopt: (tokenizer) => new OwnedHandle(tokenizer, () => kernels.textFree(tokenizer)),
  };
  return native;
}

/** The backend of new tokenizers. `ERR_NOT_INITIALIZED` in a browser before `initTexts`. */
export function activeTexts(): Texts {
  const texts = textsAtOnce();
  if (texts !== null) return texts;
  const text =
    'Call `await init()` of tokenbed/text once before fromJSON, or use PretrainedTokenizer.load (in a browser the WASM ' +
    'must be fetched first)';
  throw fail(Error, 'ERR_NOT_INITIALIZED', text);
}

/** As `activeTexts`; null if a module has to be fetched first. */
export function textsAtOnce(): Texts | null {
  const choice = chooseNative();
  if (!('fallbackReason' in choice)) return choice;
  if (wasm !== null && !wasm.lost) return wasm;
  if (loader.compiled === null && !compilesAtOnce()) return null;
  return useModule(loader.now(choice.fallbackReason));
}

/** Loads `text.wasm`, unless new objects use the addon. Errors: `ERR_INVALID_OPTION`, `ERR_BACKEND_UNAVAILABLE`. */
export async function initTexts(source: WasmSource | Promise<WasmSource> | undefined): Promise<Texts> {
  const choice = chooseNative();
  if (!('fallbackReason' in choice)) return choice;
  if (source === undefined && wasm !== null && !wasm.lost) return wasm;
  return useModule(await loader.load(source, choice.fallbackReason));
}
