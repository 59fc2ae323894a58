/**
 * Sines and cosines to 200 binary places in big integers, rounded once to f32: nothing here is the package's.
 *
 * A number x is the integer round(x * 2^200). Logarithm, exponential and sine are their Taylor series.
 */

const PLACES = 200n;
const ONE = 1n << PLACES;

const times = (a: bigint, b: bigint): bigint => (a * b) >> PLACES;
const over = (a: bigint, b: bigint): bigint => (a << PLACES) / b;

/** The exact value of a double. */
function exactly(value: number): bigint {
  const bits = new BigUint64Array(Float64Array.of(value).buffer)[0]!;
  const exponent = ((bits >> 52n) & 0x7ffn) - 1023n;
  const mantissa = (bits & ((1n << 52n) - 1n)) | (1n << 52n);
  const shift = PLACES + exponent - 52n;
  return shift >= 0n ? mantissa << shift : mantissa >> -shift;
}

/** atanh x = x + x^3 / 3 + x^5 / 5 + ... */
function atanh(x: bigint): bigint {
  const square = times(x, x);
  let sum = 0n;
  for (let power = x, n = 1n; power !== 0n; power = times(power, square), n += 2n) sum += power / n;
  return sum;
}

const LN2 = 2n * atanh(ONE / 3n);

/** ln x for x >= 1: x = m 2^k with m in [1, 2), ln m = 2 atanh((m - 1) / (m + 1)). */
function ln(x: bigint): bigint {
  const k = BigInt(x.toString(2).length) - 1n - PLACES;
  const m = x >> k;
  return k * LN2 + 2n * atanh(over(m - ONE, m + ONE));
}

/** exp(-x) for x >= 0: a power of two and the series of what is left. */
function expNegative(x: bigint): bigint {
  const k = x / LN2;
  const rest = x - k * LN2;
  let [sum, term] = [0n, ONE];
  for (let n = 1n; term !== 0n; n++) {
    sum += term;
    term = (-term * rest) / ONE / n;
  }
  return sum >> k;
}

/** pi = 16 atan(1/5) - 4 atan(1/239). */
function atanInverse(n: bigint): bigint {
  let sum = 0n;
  for (let power = ONE / n, k = 1n, sign = 1n; power !== 0n; power /= n * n, k += 2n, sign = -sign) {
    sum += (sign * power) / k;
  }
  return sum;
}
const PI = 16n * atanInverse(5n) - 4n * atanInverse(239n);

/** sin x: less whole turns, then the series. */
function sin(x: bigint): bigint {
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

/** The nearest f32, ties to even. */
function toFloat(x: bigint): number {
  if (x === 0n) return 0;
  const size = x < 0n ? -x : x;
  const drop = BigInt(size.toString(2).length) - 24n;
  const [half, kept] = [1n << (drop - 1n), size >> drop];
  const rest = size - (kept << drop);
  const up = rest > half || (rest === half && (kept & 1n) === 1n) ? 1n : 0n;
  return Number(x < 0n ? -(kept + up) : kept + up) * 2 ** Number(drop - PLACES);
}

const found = new Map<string, bigint>();

/** w_i = base^(-2 i / dim). */
function frequency(i: number, dim: number, base: number): bigint {
  const key = `${i} ${dim} ${base}`;
  const known = found.get(key);
  if (known !== undefined) return known;
  const w = expNegative((ln(exactly(base)) * BigInt(2 * i)) / BigInt(dim));
  found.set(key, w);
  return w;
}

/** w_i as the nearest double. */
export const frequencyOf = (i: number, dim: number, base = 10_000): number =>
  Number(frequency(i, dim, base) >> (PLACES - 160n)) / 2 ** 160;

/** Column `column` of PE: sin(p w_i) at even places, cos(p w_i) at odd ones. */
export function sinusoid(position: number, column: number, dim: number, base = 10_000): number {
  const angle = BigInt(position) * frequency(Math.floor(column / 2), dim, base);
  return toFloat(sin(column % 2 === 0 ? angle : angle + PI / 2n));
}

/** Row `position` of PE, interleaved. */
export const sinusoidRow = (position: number, dim: number, base = 10_000): number[] =>
  Array.from({ length: dim }, (_, column) => sinusoid(position, column, dim, base));
