/**
 * Stored rows in plain TypeScript, from docs/contract.md alone: from f32 values to bytes, and back.
 *
 * ```text
 * f16, bf16   sign, exponent and fraction; nearest, ties to even
 * i8          D integers, scale as f32, bias as f32
 * i4          D integers of 4 bits, the first one in the low half of a byte; scale as f16, bias as f16
 * ```
 * `Math.fround` after every operation is f32 arithmetic exactly. 16-bit numbers are found by comparing exact values.
 */

import type { StorageDType } from 'tokenbed';

/** Every dtype of a table that can be written. */
export const DTYPES = ['f32', 'f16', 'bf16', 'i8', 'i4'] as const satisfies readonly StorageDType[];

/** Every dtype but f32. */
export const NARROW = ['f16', 'bf16', 'i8', 'i4'] as const satisfies readonly StorageDType[];

/** Bytes of a row of `dim` values. */
export const ROW_BYTES: Readonly<Record<StorageDType, (dim: number) => number>> = {
  f32: (dim) => 4 * dim,
  f16: (dim) => 2 * dim,
  bf16: (dim) => 2 * dim,
  i8: (dim) => dim + 8,
  i4: (dim) => Math.ceil(dim / 2) + 4,
};

const f32 = Math.fround;

/** A format of 16 bits: the bits of its fraction, and the bias of its exponent. */
class Format {
  /** The bits of infinity. */
  readonly infinity: number;
  /** The exact values of all bits without a sign; infinity counts as the next power of two. */
  readonly #magnitudes: Float64Array;

  constructor(fraction: number, bias: number) {
    this.infinity = (0x7fff >> fraction) << fraction;
    this.#magnitudes = Float64Array.from({ length: this.infinity + 1 }, (_, bits) => {
      const [exponent, rest] = [bits >> fraction, bits & (2 ** fraction - 1)];
      return exponent === 0
        ? rest * 2 ** (1 - bias - fraction)
        : (2 ** fraction + rest) * 2 ** (exponent - bias - fraction);
    });
  }

  /** The value of 16 bits. */
  value(bits: number): number {
    const magnitude = bits & 0x7fff;
    if (magnitude > this.infinity) return Number.NaN;
    const value = magnitude === this.infinity ? Infinity : this.#magnitudes[magnitude]!;
    return bits < 0x8000 ? value : -value;
  }

  /** The 16 bits nearest to `x`; of two that are equally near, the even ones. */
  nearest(x: number): number {
    if (Number.isNaN(x)) return 0x7fff;
    const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
    const wanted = Math.abs(x);
    let [below, above] = [0, this.infinity];
    if (wanted >= this.#magnitudes[above]!) return sign + above;
    while (above - below > 1) {
      const middle = (below + above) >> 1;
      if (this.#magnitudes[middle]! <= wanted) below = middle;
      else above = middle;
    }
    const [down, up] = [wanted - this.#magnitudes[below]!, this.#magnitudes[above]! - wanted];
    if (down === up) return sign + (below % 2 === 0 ? below : above);
    return sign + (down < up ? below : above);
  }
}

/** The formats of 16 bits. */
export const FORMATS = { f16: new Format(10, 15), bf16: new Format(7, 127) } as const;

/** A value that a dtype cannot store: the first one of its row. */
export interface Misfit {
  readonly column: number;
  readonly value: number;
}

const f16 = FORMATS.f16;

/** The nearest integer; of two that are equally near, the even one. */
function round(x: number): number {
  const floor = Math.floor(x);
  if (x - floor === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return x - floor < 0.5 ? floor : floor + 1;
}

/** The first value of a row for which `unfit` holds. */
function misfit(row: Float32Array, unfit: (value: number) => boolean): Misfit | undefined {
  const column = row.findIndex(unfit);
  return column < 0 ? undefined : { column, value: row[column]! };
}

/** The smallest and the largest value; a zero is +0. */
function range(row: Float32Array): readonly [min: number, max: number] {
  let [min, max] = [Infinity, -Infinity];
  for (const x of row) {
    if (x < min) min = x;
    if (x > max) max = x;
  }
  return [min + 0, max + 0];
}

/** Words of 16 bits as bytes. */
function bytesOf(words: Iterable<number>): Uint8Array {
  const bytes: number[] = [];
  for (const word of words) bytes.push(word & 255, word >> 8);
  return Uint8Array.from(bytes);
}

/** The bytes of a row of i8. */
function encodeI8(row: Float32Array): Uint8Array | Misfit {
  const [min, max] = range(row);
  const width = f32(max - min);
  if (width === Infinity) return misfit(row, (x) => x === max)!;
  const factor = f32(255 / f32(width + f32(1e-8)));
  const bytes = new Uint8Array(ROW_BYTES.i8(row.length));
  row.forEach((x, column) => (bytes[column] = round(f32(f32(x - min) * factor))));
  const header = new DataView(bytes.buffer, row.length);
  header.setFloat32(0, f32(width / 255), true);
  header.setFloat32(4, min, true);
  return bytes;
}

/** The bytes of a row of i4. */
function encodeI4(row: Float32Array): Uint8Array | Misfit {
  const [min, max] = range(row);
  const biasBits = f16.nearest(min);
  const bias = f16.value(biasBits);
  if (Math.abs(bias) === Infinity) return misfit(row, (x) => x === min)!;
  const width = f32(max - bias);
  let scaleBits = f16.nearest(f32(width / 15));
  const scale = f16.value(scaleBits);
  if (Math.abs(scale) === Infinity) return misfit(row, (x) => x === max)!;
  if (width === 0 || scale === 0 || Math.abs(f32(1 / scale)) === Infinity) scaleBits = f16.nearest(1);
  const factor = f32(1 / f16.value(scaleBits));
  const bytes = new Uint8Array(ROW_BYTES.i4(row.length));
  row.forEach((x, column) => {
    const q = Math.min(Math.max(round(f32(f32(x - bias) * factor)), 0), 15);
    bytes[column >> 1]! += column % 2 === 0 ? q : 16 * q;
  });
  bytes.set(bytesOf([scaleBits, biasBits]), bytes.length - 4);
  return bytes;
}

/** The bytes of a row, or the value that it cannot store. */
export function encode(dtype: StorageDType, row: Float32Array): Uint8Array | Misfit {
  switch (dtype) {
    case 'f32':
      return new Uint8Array(row.slice().buffer);
    case 'f16':
    case 'bf16': {
      const { [dtype]: format } = FORMATS;
      const overflows = (x: number): boolean => (format.nearest(x) & 0x7fff) === format.infinity;
      const wrong = misfit(row, (x) => Number.isFinite(x) && overflows(x));
      return wrong ?? bytesOf(Array.from(row, (x) => format.nearest(x)));
    }
    case 'i8':
    case 'i4': {
      const infinite = misfit(row, (x) => !Number.isFinite(x));
      return infinite ?? (dtype === 'i8' ? encodeI8(row) : encodeI4(row));
    }
  }
}

/** The values of the `dim` columns of a row. */
export function decode(dtype: StorageDType, bytes: Uint8Array, dim: number): Float32Array {
  // A NaN of f32 keeps its bits.
  if (dtype === 'f32') return new Float32Array(bytes.slice().buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const columns = (value: (column: number) => number) =>
    Float32Array.from({ length: dim }, (_, column) => value(column));
  switch (dtype) {
    case 'f16':
    case 'bf16':
      return columns((column) => FORMATS[dtype].value(view.getUint16(2 * column, true)));
    case 'i8': {
      const [scale, bias] = [view.getFloat32(dim, true), view.getFloat32(dim + 4, true)];
      return columns((column) => f32(f32(bytes[column]! * scale) + bias));
    }
    case 'i4': {
      const end = Math.ceil(dim / 2);
      const scale = f16.value(view.getUint16(end, true));
      const bias = f16.value(view.getUint16(end + 2, true));
      const q = (column: number) => (bytes[column >> 1]! >> (4 * (column % 2))) & 15;
      return columns((column) => f32(f32(q(column) * scale) + bias));
    }
  }
}

/** The values that lookups give of rows of `dim` values that were stored. */
export function stored(dtype: StorageDType, values: Float32Array, dim: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += dim) {
    const bytes = encode(dtype, values.subarray(start, start + dim));
    if (!(bytes instanceof Uint8Array)) throw new Error(`${bytes.value} does not fit ${dtype}`);
    out.set(decode(dtype, bytes, dim), start);
  }
  return out;
}

/** xorshift32: numbers in [0, 1), the same for every run with one seed. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** Rows of `dim` values that every dtype can store: of all magnitudes and signs, constant, tiny, zero. */
export function someRows(dim: number, seed = 1): Float32Array {
  const next = numbers(seed + dim);
  const wide = (): number => 2 * next() - 1;
  const kinds: readonly (() => number)[] = [
    wide,
    () => 1 + next() / 100,
    () => -5 - next(),
    () => 3.3,
    () => 0,
    () => -0,
    () => 1e-10 * wide(),
    () => 1e-40 * wide(),
    () => 60_000 * wide(),
    () => Math.floor(16 * next()) - 7.5,
    () => (next() < 0.5 ? 0 : -wide()),
  ];
  return Float32Array.from(kinds.flatMap((kind) => Array.from({ length: dim }, kind)));
}

/** The number of rows of `someRows`. */
export const SOME_ROWS = 11;
