/**
 * A row of the token table from its seed (api.md, section 4, `uniform`).
 *
 *   i = row D + column        w = word (i mod 4) of Philox4x32-10(key = seed, counter = floor(i / 4), 0, stream 0)
 *   u = (w + 0.5) / 2^32      value = f32(-a + 2 a u), a = 1 / sqrt(D), kept inside [-a, a)
 */

/** @param {number} row @param {number} dim @param {number} seed  below 2^53 @returns {Float32Array} */
export function uniformRow(row, dim, seed) {
  const a = 1 / Math.sqrt(dim);
  const values = new Float32Array(dim);
  /** @type {number[]} */
  let words = [];
  let held = -1;
  for (let column = 0; column < dim; column++) {
    const i = row * dim + column;
    const block = Math.floor(i / 4);
    if (block !== held) {
      words = philox(
        [block >>> 0, Math.floor(block / 2 ** 32), 0, 0],
        [seed >>> 0, Math.floor(seed / 2 ** 32)],
      );
      held = block;
    }
    const u = (Number(words[i % 4]) + 0.5) / 2 ** 32;
    values[column] = inside(-a + 2 * a * u, a);
  }
  return values;
}

/** The f32 nearest to `value` among those in [-a, a). @param {number} value @param {number} a */
function inside(value, a) {
  const rounded = Math.fround(value);
  if (rounded >= a) return neighbour(rounded, -1);
  if (rounded < -a) return neighbour(rounded, -1);
  return rounded;
}

/** The f32 that many steps of magnitude further: -1 is the next one towards zero. @param {number} value @param {number} steps */
function neighbour(value, steps) {
  const float = new Float32Array([value]);
  const bits = new Int32Array(float.buffer);
  bits[0] = Number(bits[0]) + steps;
  return Number(float[0]);
}

/**
 * Philox4x32-10: ten rounds of two 32 x 32 -> 64 bit products; the key grows by a constant between rounds.
 *
 * @param {[number, number, number, number]} counter @param {[number, number]} key @returns {number[]} four words
 */
export function philox([c0, c1, c2, c3], [k0, k1]) {
  for (let round = 0; round < 10; round++) {
    const high0 = highProduct(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const high1 = highProduct(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The upper 32 bits of a product of two u32. @param {number} a @param {number} b */
function highProduct(a, b) {
  return Number((BigInt(a) * BigInt(b)) >> 32n);
}
