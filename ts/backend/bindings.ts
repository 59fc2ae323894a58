/**
 * Checks that the bindings implement the contract exactly: a parameter or result type that differs is a compile error.
 *
 * `satisfies` is too weak: it accepts a function with fewer parameters.
 */

import type * as NativeExports from '../native/binding.cjs';
import type * as TextWasmExports from '../wasm/tokenbed_text_wasm.js';
import type * as WasmExports from '../wasm/tokenbed_wasm.js';
import type { NativeBinding, TextWasmBinding, WasmBinding } from './contract.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** The parameters and result of each function, without their names. */
type Shapes<B> = {
  [K in keyof B]: B[K] extends (...args: infer P) => infer R ? [[...P], R] : never;
};

type Holds<Contract, Exports> = {
  [K in keyof Contract]: K extends keyof Exports
    ? Equal<Shapes<Contract>[K], Shapes<Exports>[K]> extends true
      ? true
      : K
    : K;
}[keyof Contract];

/** `true` only if every function of the contract is exported with exactly its types. */
const native: Holds<NativeBinding, typeof NativeExports> extends true ? true : never = true;
const wasm: Holds<WasmBinding, typeof WasmExports> extends true ? true : never = true;
const text: Holds<TextWasmBinding, typeof TextWasmExports> extends true ? true : never = true;

void [native, wasm, text];
