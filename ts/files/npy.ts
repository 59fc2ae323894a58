/**
 * NumPy's file format: the header that is written.
 *
 *     bytes 0-5   \x93NUMPY
 *     bytes 6-7   version: 1.0
 *     then        length of the header, u16, little-endian
 *     then        {'descr': '<f4', 'fortran_order': False, 'shape': (rows, dim), } and spaces, up to a \n
 *     then        rows x dim values, little-endian, row-major, up to the end of the file
 */

import type { OrdinaryBytes } from '../args/arrays.js';

export const MAGIC = '\u0093NUMPY';
const ALIGNMENT = 64;

/** All bytes before the rows: version 1.0, `rows` x `dim` values in C order. */
export function npyHeader(rows: number, dim: number, descr: '<f4' | '<f2' = '<f4'): OrdinaryBytes {
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${rows}, ${dim}), }`;
  const before = MAGIC.length + 4;
  const length = Math.ceil((before + dict.length + 1) / ALIGNMENT) * ALIGNMENT - before;
  const start = `${MAGIC}\u0001\u0000${String.fromCharCode(length & 255, length >> 8)}`;
  return Uint8Array.from(`${start}${dict.padEnd(length - 1)}\n`, (character) => character.charCodeAt(0));
}
