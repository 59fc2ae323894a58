/** Sizes in bytes. Only this file multiplies rows, columns and the bytes of a value. */

/** The storage of a table that can be written. */
export type StorageDType = 'f32' | 'f16' | 'bf16' | 'i8' | 'i4';

/** The storage of a table from a GGUF file, in blocks of 32 or 256 values. Such a table can only be read. */
export type BlockDType =
  | 'q4_0'
  | 'q4_1'
  | 'q5_0'
  | 'q5_1'
  | 'q8_0'
  | 'q2_k'
  | 'q3_k'
  | 'q4_k'
  | 'q5_k'
  | 'q6_k';

/** How a dtype stores a row of `dim` values. */
interface Storage {
  /** Bytes of the row. */
  rowBytes(dim: number): number;
  /** The values that it can store, for messages. */
  readonly values: string;
  /** The values of a block, if rows are made of blocks. Such tables can only be read. */
  readonly block?: number;
}

const blocks = (values: number, bytes: number): Storage => ({
  rowBytes: (dim) => (dim / values) * bytes,
  values: '',
  block: values,
});

/** The storage of each dtype. */
export const STORAGE: { readonly [D in StorageDType | BlockDType]: Storage } = {
  f32: { rowBytes: (dim) => dim * 4, values: 'magnitudes up to 3.4028235e38' },
  f16: { rowBytes: (dim) => dim * 2, values: 'magnitudes up to 65504, infinities and NaN' },
  bf16: { rowBytes: (dim) => dim * 2, values: 'magnitudes up to 3.3895314e38, infinities and NaN' },
  // The values of a row are q * scale + bias: scale and bias follow the integers q.
  i8: { rowBytes: (dim) => dim + 8, values: 'finite values, max - min of a row up to 3.4028235e38' },
  i4: {
    rowBytes: (dim) => Math.ceil(dim / 2) + 4,
    values: 'finite values, the minimum of a row up to 65504 in magnitude, and (max - min) / 15 up to 65504',
  },
  q4_0: blocks(32, 18),
  q4_1: blocks(32, 20),
  q5_0: blocks(32, 22),
  q5_1: blocks(32, 24),
  q8_0: blocks(32, 34),
  q2_k: blocks(256, 84),
  q3_k: blocks(256, 110),
  q4_k: blocks(256, 144),
  q5_k: blocks(256, 176),
  q6_k: blocks(256, 210),
};

/** The dtypes of tables that can be written. */
export const STORAGE_DTYPES: readonly StorageDType[] = ['f32', 'f16', 'bf16', 'i8', 'i4'];

/** How the rows of a table are placed in a mapped file. */
export interface Mapping {
  /** Bytes from one row to the next: at least those of a row. Scale and bias are at the end of these bytes. */
  readonly stride: number;
}

/** `rows` x `dim` values of a dtype, row-major. */
export class TableSpec {
  constructor(
    readonly rows: number,
    readonly dim: number,
    readonly dtype: StorageDType | BlockDType = 'f32',
    /** Absent for a table in memory, whose rows have no padding. */
    readonly mapping?: Mapping,
  ) {}

  /** Bytes from one row to the next. */
  get rowBytes(): number {
    return this.mapping?.stride ?? this.packedRowBytes;
  }

  /** Bytes of a row without padding. */
  get packedRowBytes(): number {
    return STORAGE[this.dtype].rowBytes(this.dim);
  }

  /** Bytes of all rows. */
  get bytes(): number {
    return this.rows * this.rowBytes;
  }

  /** The number of values. */
  get values(): number {
    return this.rows * this.dim;
  }

  /** Whether the rows can only be read. */
  get readOnly(): boolean {
    return this.mapping !== undefined || STORAGE[this.dtype].block !== undefined;
  }
}

/** Bytes of `count` floats outside a table: results, tensors, copies of inputs. */
export const floatBytes = (count: number): number => new TableSpec(1, count).bytes;

/** Bytes of `count` ids in scratch memory. */
export const scratchBytes = (count: number): number => count * Uint32Array.BYTES_PER_ELEMENT;
