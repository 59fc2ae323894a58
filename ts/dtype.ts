/** The dtypes of a Tensor: a name per class of typed array. */

import type { ArrayKind } from './args/arrays.js';

/** The typed array of each dtype. */
export interface DTypeArrays {
  /** The dtype of every result. */
  f32: Float32Array;
  /** For weights, which are rounded to f32. */
  f64: Float64Array;
  /** For ids, as are all that follow. */
  i8: Int8Array;
  /** A `Buffer` included. */
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

/** The dtype of a class of typed arrays; `undefined` for one that no dtype stores. */
export function dtypeOf(kind: ArrayKind): DType | undefined {
  switch (kind) {
    case 'Float32Array':
      return 'f32';
    case 'Float64Array':
      return 'f64';
    case 'Int8Array':
      return 'i8';
    case 'Uint8Array':
    case 'Uint8ClampedArray':
      return 'u8';
    case 'Int16Array':
      return 'i16';
    case 'Uint16Array':
      return 'u16';
    case 'Int32Array':
      return 'i32';
    case 'Uint32Array':
      return 'u32';
    case 'BigInt64Array':
      return 'i64';
    case 'BigUint64Array':
      return 'u64';
    default:
      return undefined;
  }
}
