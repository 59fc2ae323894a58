/** Sizes in bytes. Only this file multiplies rows, columns and the bytes of a value. */

/** The storage of each dtype: the bytes of a row of `dim` values. */
export const STORAGE: { [dtype: string]: { rowBytes(dim: number): number } } = {
  f32: { rowBytes: (dim) => dim * 4 },
};

/** `rows` x `dim` values of a dtype, row-major. */
export class TableSpec {
  constructor(
    readonly rows: number,
    readonly dim: number,
    readonly dtype: string = 'f32',
  ) {}

  /** Bytes from one row to the next. */
  get rowBytes(): number {
    return STORAGE[this.dtype]!.rowBytes(this.dim);
  }

  /** Bytes of all rows. */
  get bytes(): number {
    return this.rows * this.rowBytes;
  }

  /** The number of values. */
  get values(): number {
    return this.rows * this.dim;
  }
}

/** Bytes of `count` floats outside a table: results, tensors, copies of inputs. */
export const floatBytes = (count: number): number => new TableSpec(1, count).bytes;

/** Bytes of `count` ids in scratch memory. */
export const scratchBytes = (count: number): number => count * Uint32Array.BYTES_PER_ELEMENT;
