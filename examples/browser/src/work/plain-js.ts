/** The gauge's peer: the same work as people write it in JavaScript, without a library, without checks of ids. */

type Rows = Float32Array;

/** `out[r] = table[ids[r]]`, row by row through views. */
export function lookupBySet(table: Rows, ids: Int32Array, dim: number, out: Rows): void {
  for (let r = 0; r < ids.length; r++) {
    const from = ids[r]! * dim;
    out.set(table.subarray(from, from + dim), r * dim);
  }
}

/** `out[r] = table[ids[r]]`, number by number. */
export function lookupByLoop(table: Rows, ids: Int32Array, dim: number, out: Rows): void {
  let to = 0;
  for (let r = 0; r < ids.length; r++) {
    let from = ids[r]! * dim;
    for (const end = from + dim; from < end;) out[to++] = table[from++]!;
  }
}

/** `out[r] = table[ids[r]] * sqrt(dim) + positions[r mod seq]` */
export function layerByLoop(table: Rows, ids: Int32Array, dim: number, out: Rows, positions: Rows): void {
  const factor = Math.fround(Math.sqrt(dim));
  const seq = positions.length / dim;
  let to = 0;
  for (let r = 0; r < ids.length; r++) {
    let from = ids[r]! * dim;
    let at = (r % seq) * dim;
    for (const end = from + dim; from < end;) {
      out[to++] = Math.fround(table[from++]! * factor) + positions[at++]!;
    }
  }
}

/** `out[b] = mean of table[id]` over the `perBag` ids of bag b. */
export function bagByRows(table: Rows, ids: Int32Array, dim: number, out: Rows, perBag: number): void {
  out.fill(0);
  for (let at = 0; at < ids.length; at++) {
    const to = Math.floor(at / perBag) * dim;
    const from = ids[at]! * dim;
    for (let c = 0; c < dim; c++) out[to + c]! += table[from + c]!;
  }
  for (let i = 0; i < out.length; i++) out[i]! /= perBag;
}
