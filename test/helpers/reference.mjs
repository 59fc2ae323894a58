/**
 * The package's arithmetic in plain JavaScript, from its documentation alone: the generator, tables, dropout and
 * bags. Nothing of the package is imported; tests and `npm run demo` compare bits with it. The sinusoid is in
 * sinusoid.mjs.
 *
 * `Math.fround` after every operation is f32 arithmetic exactly: a double holds the sum, product and quotient of
 * two f32 with more than enough bits that rounding twice is rounding once.
 */

const f32 = Math.fround;

/** @typedef {readonly [number, number, number, number]} Words  four u32 */

/** The high and the low half of a 32 x 32 bit product. @param {number} a @param {number} b @returns {[high: number, low: number]} */
const multiply = (a, b) => [Number((BigInt(a) * BigInt(b)) >> 32n), Math.imul(a, b) >>> 0];

/** Philox4x32-10: ten rounds. @param {Words} counter @param {readonly [number, number]} key @returns {Words} */
export function philox([c0, c1, c2, c3], [k0, k1]) {
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(c0, 0xd2511f53);
    const [high1, low1] = multiply(c2, 0xcd9e8d57);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * Block `block` of a stream: 0 a table, 2 dropout, whose calls are counted.
 *
 * @param {number | bigint} seed @param {number} stream @param {number} block @param {number} [call] @returns {Words}
 */
function words(seed, stream, block, call = 0) {
  const bits = BigInt(seed);
  const key = [Number(bits & 0xffff_ffffn), Number(bits >> 32n)];
  return philox(
    [block % 2 ** 32, Math.floor(block / 2 ** 32), call, stream],
    /** @type {[number, number]} */ (key),
  );
}

/**
 * Word `i mod 4` of block `floor(i / 4)` of a stream: what element `i` is drawn from.
 *
 * @param {number | bigint} seed @param {number} stream @param {number} call @param {number} i
 */
export const word = (seed, stream, call, i) => Number(words(seed, stream, Math.floor(i / 4), call)[i % 4]);

/** The f32 whose bits are `by` above those of `value`. @param {number} value @param {number} by */
function step(value, by) {
  const float = Float32Array.of(value);
  const bits = new Uint32Array(float.buffer);
  bits[0] = Number(bits[0]) + by;
  return Number(float[0]);
}

/**
 * Element `i` of U[-a, a): f32(-a + 2 a u), then the nearest f32 inside.
 *
 * @param {number | bigint} seed @param {number} i @param {number} a @param {number} [stream]
 */
export function uniform(seed, i, a, stream = 0) {
  const u = (word(seed, stream, 0, i) + 0.5) / 2 ** 32;
  const value = f32(-a + 2 * a * u);
  return value >= a || value < -a ? step(value, -1) : value;
}

/**
 * Element `i` of N(0, std), with the host's ln, sin and cos: the rounding to f32 hides their last bits.
 *
 * @param {number | bigint} seed @param {number} i @param {number} std @param {number} [stream]
 */
export function normal(seed, i, std, stream = 0) {
  const drawn = words(seed, stream, Math.floor(i / 2));
  /** @param {number} high @param {number} low */
  const unit = (high, low) => (Number((BigInt(high) * 2n ** 32n + BigInt(low)) >> 11n) + 0.5) / 2 ** 53;
  const u1 = unit(drawn[0], drawn[1]);
  const u2 = unit(drawn[2], drawn[3]);
  const r = Math.sqrt(-2 * Math.log(u1));
  const turn = 2 * Math.PI * u2;
  return f32(r * (i % 2 === 0 ? Math.cos(turn) : Math.sin(turn)) * std);
}

/**
 * Whether dropout takes element `i` of training call `call`.
 *
 * @param {number} p @param {number | bigint} seed @param {number} call @param {number} i
 */
export const falls = (p, seed, call, i) => word(seed, 2, call, i) < Math.floor(p * 2 ** 32);

/**
 * Inverted dropout of a whole result.
 *
 * @param {Float32Array} x @param {{ p: number, seed: number | bigint, call: number }} settings
 */
export const dropped = (x, { p, seed, call }) =>
  x.map((value, i) => (falls(p, seed, call, i) ? 0 : f32(value / f32(1 - p))));

/**
 * @typedef {object} PlainBags
 * @property {readonly (readonly number[])[]} rows
 * @property {'sum' | 'mean' | 'max'} mode
 * @property {readonly (readonly number[])[]} bags  the ids of each bag
 * @property {number | null} [paddingIdx]
 * @property {readonly number[] | undefined} [weights]  one per id, bag after bag
 */

/** Bags of rows, element by element. @param {PlainBags} settings */
export function plainBags({ rows, mode, bags, paddingIdx = null, weights }) {
  const dim = rows[0]?.length ?? 0;
  let next = 0;
  const result = bags.flatMap((ids) => {
    const start = next;
    next += ids.length;
    const kept = ids
      .map((id, i) => ({ id, weight: weights?.[start + i] }))
      .filter(({ id }) => id !== paddingIdx);
    return Array.from({ length: dim }, (_, column) => {
      const values = kept.map(({ id, weight }) => {
        const value = Number(rows[id]?.[column]);
        return weight === undefined ? value : f32(value * weight);
      });
      if (values.length === 0) return 0;
      if (mode === 'max') return values.reduce((most, value) => (replaces(most, value) ? value : most));
      const sum = values.reduce((acc, value) => f32(acc + value), 0);
      if (mode === 'sum') return sum;
      const divisor = kept.reduce((acc, { weight }) => f32(acc + (weight ?? 1)), 0);
      return f32(sum / divisor);
    });
  });
  return Float32Array.from(result);
}

/** Whether a later value replaces the current maximum. @param {number} most @param {number} value */
const replaces = (most, value) => value > most || (Number.isNaN(value) && !Number.isNaN(most));
