/** The values of a stored row, from the formulas in plain arithmetic. */

const { fround } = Math;

/** Half to even. Exact below 2^51. @param {number} x */
const toEven = (x) => x + 1.5 * 2 ** 52 - 1.5 * 2 ** 52;

/**
 * Rounds an f32 to a format of fewer bits.
 *
 * @param {number} bits  of the mantissa @param {number} least  the exponent of the smallest normal number
 */
function shorter(bits, least) {
  const value = new Float32Array(1);
  const word = new Uint32Array(value.buffer);
  return (/** @type {number} */ x) => {
    value[0] = x;
    const exponent = ((word[0] >>> 23) & 255) - 127;
    const step = 2 ** (Math.max(exponent, least) - bits);
    return toEven(x / step) * step;
  };
}

const f16 = shorter(10, -14);
const bf16 = shorter(7, -126);

/** @param {Float32Array} row */
const extremes = (row) =>
  row.reduce(([low, high], x) => [Math.min(low, x), Math.max(high, x)], [row[0], row[0]]);

/** @param {Float32Array} row */
function i8(row) {
  const [bias, high] = extremes(row);
  const range = fround(high - bias);
  const scale = fround(range / 255);
  const inverse = fround(255 / fround(range + fround(1e-8)));
  return row.map((x) => fround(toEven(fround(fround(x - bias) * inverse)) * scale) + bias);
}

/** @param {Float32Array} row */
function i4(row) {
  const [low, high] = extremes(row);
  const bias = f16(low);
  const range = fround(high - bias);
  const step = f16(fround(range / 15));
  const scale = range === 0 || step === 0 ? 1 : step;
  const inverse = fround(1 / scale);
  const code = (/** @type {number} */ x) =>
    Math.min(15, Math.max(0, toEven(fround(fround(x - bias) * inverse))));
  return row.map((x) => fround(code(x) * scale) + bias);
}

/** @type {Record<string, (row: Float32Array) => Float32Array>} */
const VALUES = { f32: (row) => row, f16: (row) => row.map(f16), bf16: (row) => row.map(bf16), i8, i4 };

/**
 * Row `id` of the job's table as a lookup returns it. Without a dtype the table is f32.
 *
 * @param {Pick<import('./types.d.ts').Job, 'table' | 'params'>} job @param {number} id
 */
export function rowOf({ table, params: { dim, dtype = 'f32' } }, id) {
  return VALUES[dtype](table.subarray(id * dim, (id + 1) * dim));
}
