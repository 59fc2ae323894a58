/**
 * PE[p, 2i] = sin(p w_i), PE[p, 2i+1] = cos(p w_i), w_i = 10000^(-2i/D), each rounded once to f32.
 *
 * Numbers are integers x 2^-256 (`ONE` is 1). Series give w_i, sin w_i and cos w_i; then one angle addition for
 * each position. An error of some 2^-250 grows by less than 2^-250 a step, so after a few thousand steps
 * about 2^-235 remain: far below what could decide a rounding to 24 bits, and `toF32` makes sure that it did not.
 */

const BITS = 256n;
const ONE = 1n << BITS;

/** What the values below may be off by at most. */
const DOUBT = 1n << 32n;

/** @param {bigint} a @param {bigint} b */
const times = (a, b) => (a * b) >> BITS;

/** Rows 0 .. count - 1 of the encoding. @param {number} count @param {number} dim @returns {Float32Array} [count, dim] */
export function sinusoidRows(count, dim) {
  const rows = new Float32Array(count * dim);
  const step = exp((-2n * naturalLogarithmOf10000()) / BigInt(dim)); // w_(i+1) / w_i
  for (let column = 0, w = ONE; column < dim; column += 2, w = times(w, step)) {
    const [sinW, cosW] = sineAndCosine(w);
    let [sin, cos] = [0n, ONE];
    for (let p = 0; p < count; p++) {
      rows[p * dim + column] = toF32(sin);
      if (column + 1 < dim) rows[p * dim + column + 1] = toF32(cos);
      [sin, cos] = [times(sin, cosW) + times(cos, sinW), times(cos, cosW) - times(sin, sinW)];
    }
  }
  return rows;
}

/** ln 10000 = 4 ln 10 = 4 (3 ln 2 + ln 5/4) = 4 (6 atanh 1/3 + 2 atanh 1/9). */
function naturalLogarithmOf10000() {
  return 4n * (6n * inverseTangent(3n) + 2n * inverseTangent(9n));
}

/** atanh(1/n) = sum of n^-(2k+1) / (2k+1). @param {bigint} n */
function inverseTangent(n) {
  let sum = 0n;
  for (let power = ONE / n, k = 1n; power !== 0n; power /= n * n, k += 2n) sum += power / k;
  return sum;
}

/** @param {bigint} x */
function exp(x) {
  let sum = 0n;
  for (let term = ONE, k = 1n; term !== 0n && term !== -1n; term = times(term, x) / k, k++) sum += term;
  return sum;
}

/** The two series side by side, for 0 <= x <= 1. @param {bigint} x @returns {[sin: bigint, cos: bigint]} */
function sineAndCosine(x) {
  let [sin, cos] = [0n, 0n];
  for (let term = ONE, k = 1n; term !== 0n; k += 2n) {
    cos += term; //                          (-1)^j x^2j / (2j)!
    const odd = times(term, x) / k; //       (-1)^j x^(2j+1) / (2j+1)!
    sin += odd;
    term = -(times(odd, x) / (k + 1n));
  }
  return [sin, cos];
}

/** The nearest f32; throws where the doubt could decide. Values this small do not occur: no subnormals. @param {bigint} x */
function toF32(x) {
  const nearest = roundTo24Bits(x);
  if (
    x !== 0n &&
    x !== ONE &&
    (roundTo24Bits(x - DOUBT) !== nearest || roundTo24Bits(x + DOUBT) !== nearest)
  ) {
    throw new Error('a sinusoid too near to the middle between two f32');
  }
  return nearest;
}

/** Half to even, exactly, by way of integers below 2^53. @param {bigint} x */
function roundTo24Bits(x) {
  const magnitude = x < 0n ? -x : x;
  const extra = magnitude.toString(2).length - 24;
  if (extra <= 0) return Number(x) / 2 ** 256;
  const unit = 1n << BigInt(extra);
  let kept = magnitude >> BigInt(extra);
  const twiceRest = 2n * (magnitude & (unit - 1n));
  if (twiceRest > unit || (twiceRest === unit && (kept & 1n) === 1n)) kept++;
  const value = Number(kept) * 2 ** (extra - 256);
  return x < 0n ? -value : value;
}
