/** The dtypes of a Tensor: a name per class of typed array. */

import type { ArrayKind } from './args/arrays.js';

/** The typed array of each dtype. */
export interface DTypeArrays {
  /** The dtype of every result. */
  f32: Float32Array;
  /** For weights, which are rounded to f32. */
  f64: Float64Array;
  /** 8 bits, signed. This and all following dtypes are for ids. */
  i8: Int8Array;
  /** 8 bits. A `Buffer` is one, too. */
  u8: Uint8Array | Uint8ClampedArray;
  /** 16 bits, signed. */
  i16: Int16Array;
  /** 16 bits. */
  u16: Uint16Array;
  /** 32 bits, signed. */
  i32: Int32Array;
  /** 32 bits: enough for the ids of any table. */
  u32: Uint32Array;
  /** 64 bits, signed. */
  i64: BigInt64Array;
  /** 64 bits. */
  u64: BigUint64Array;
}

/** The element type of a Tensor. */
export type DType = keyof DTypeArrays;

const DTYPES: Readonly<Partial<Record<ArrayKind, DType>>> = {
  Float32Array: 'f32',
  Float64Array: 'f64',
  Int8Array: 'i8',
  Uint8Array: 'u8',
  Uint8ClampedArray: 'u8',
  Int16Array: 'i16',
  Uint16Array: 'u16',
  Int32Array: 'i32',
  Uint32Array: 'u32',
  BigInt64Array: 'i64',
  BigUint64Array: 'u64',
};

/** The dtype of a class of typed arrays; `undefined` if no dtype has it. */
export const dtypeOf = (kind: ArrayKind): DType | undefined => DTYPES[kind];
