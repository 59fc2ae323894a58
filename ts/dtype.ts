/**
 * The dtypes of a Tensor: a name per class of typed array.
 */

import type { ArrayKind } from './arrays.js';

/** The typed array of each dtype. */
export interface DTypeArrays {
  f32: Float32Array;
  f64: Float64Array;
  i8: Int8Array;
  u8: Uint8Array | Uint8ClampedArray;
  i16: Int16Array;
  u16: Uint16Array;
  i32: Int32Array;
  u32: Uint32Array;
  i64: BigInt64Array;
  u64: BigUint64Array;
}

/** What a Tensor may hold. */
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
