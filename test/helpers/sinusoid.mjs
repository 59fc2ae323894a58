/**
 * Sines and cosines to 200 binary places in big integers, rounded once to f32: nothing here is the package's.
 *
 *     PE[p, 2i] = sin(p w_i), PE[p, 2i + 1] = cos(p w_i), w_i = base^(-2i / dim)
 *
 * A number x is the integer round(x * 2^200). Logarithm, exponential and sine are their Taylor series.
 */

const PLACES = 200n;
const ONE = 1n << PLACES;
/** What a value may be off by at most, thousands of operations behind it. */
const DOUBT = 1n << 40n;

/** @param {bigint} a @param {bigint} b */
const times = (a, b) => (a * b) >> PLACES;
/** @param {bigint} a @param {bigint} b */
const over = (a, b) => (a << PLACES) / b;

/** The exact value of a double. @param {number} value */
function exactly(value) {
  const bits = new DataView(Float64Array.of(value).buffer).getBigUint64(0, true);
  const exponent = ((bits >> 52n) & 0x7ffn) - 1023n;
  const mantissa = (bits & ((1n << 52n) - 1n)) | (1n << 52n);
  const shift = PLACES + exponent - 52n;
  return shift >= 0n ? mantissa << shift : mantissa >> -shift;
}

/** atanh x = x + x^3 / 3 + x^5 / 5 + ... @param {bigint} x */
function atanh(x) {
  const square = times(x, x);
  let sum = 0n;
  for (let power = x, n = 1n; power !== 0n; power = times(power, square), n += 2n) sum += power / n;
  return sum;
}

const LN2 = 2n * atanh(ONE / 3n);

/** ln x for x >= 1: x = m 2^k with m in [1, 2), ln m = 2 atanh((m - 1) / (m + 1)). @param {bigint} x */
function ln(x) {
  const k = BigInt(x.toString(2).length) - 1n - PLACES;
  const m = x >> k;
  return k * LN2 + 2n * atanh(over(m - ONE, m + ONE));
}

/** exp(-x) for x >= 0: a power of two and the series of what is left. @param {bigint} x */
function expNegative(x) {
  const k = x / LN2;
  const rest = x - k * LN2;
  let [sum, term] = [0n, ONE];
  for (let n = 1n; term !== 0n; n++) {
    sum += term;
    term = (-term * rest) / ONE / n;
  }
  return sum >> k;
}

/** atan(1 / n). @param {bigint} n */
function atanInverse(n) {
  let sum = 0n;
  for (let power = ONE / n, k = 1n, sign = 1n; power !== 0n; power /= n * n, k += 2n, sign = -sign) {
    sum += (sign * power) / k;
  }
  return sum;
}
const PI = 16n * atanInverse(5n) - 4n * atanInverse(239n);

/** sin x: less whole turns, then the series. @param {bigint} x */
function sin(x) {
  const turn = 2n * PI;
  let rest = ((x % turn) + turn) % turn;
  if (rest > PI) rest -= turn;
  const square = times(rest, rest);
  let [sum, term] = [0n, rest];
  for (let n = 2n; term !== 0n && term !== -1n; n += 2n) {
    sum += term;
    term = -times(term, square) / (n * (n + 1n));
  }
  return sum;
}

/** @param {bigint} x */
const cos = (x) => sin(x + PI / 2n);

/** The nearest f32, ties to even. Throws where the doubt could decide. @param {bigint} x */
function toFloat(x) {
  const size = x < 0n ? -x : x;
  if (size < DOUBT) return 0;
  const drop = BigInt(size.toString(2).length) - 24n;
  const [half, kept] = [1n << (drop - 1n), size >> drop];
  const rest = size - (kept << drop);
  if (rest - half < DOUBT && half - rest < DOUBT) throw new Error('a sinusoid halfway between two f32');
  const up = rest > half ? 1n : 0n;
  return Number(x < 0n ? -(kept + up) : kept + up) * 2 ** Number(drop - PLACES);
}

/** @type {Map<string, bigint>} */
const frequencies = new Map();

/** w_i = base^(-2 i / dim). @param {number} i @param {number} dim @param {number} base */
function frequency(i, dim, base) {
  const key = `${i} ${dim} ${base}`;
  const w = frequencies.get(key) ?? expNegative((ln(exactly(base)) * BigInt(2 * i)) / BigInt(dim));
  frequencies.set(key, w);
  return w;
}

/** w_i as the nearest double. @param {number} i @param {number} dim */
export const frequencyOf = (i, dim, base = 10_000) =>
  Number(frequency(i, dim, base) >> (PLACES - 160n)) / 2 ** 160;

/**
 * Column `column` of PE: sin(p w_i) at even places, cos(p w_i) at odd ones.
 *
 * @param {number} position @param {number} column @param {number} dim
 */
export function sinusoid(position, column, dim, base = 10_000) {
  const angle = BigInt(position) * frequency(Math.floor(column / 2), dim, base);
  return toFloat(column % 2 === 0 ? sin(angle) : cos(angle));
}

/** Row `position` of PE, interleaved. @param {number} position @param {number} dim @returns {number[]} */
export const sinusoidRow = (position, dim, base = 10_000) =>
  Array.from({ length: dim }, (_, column) => sinusoid(position, column, dim, base));
