/**
 * The shortest decimal number that parses to the same f32, bit for bit (except the payload of a NaN).
 *
 * Nine digits always identify an f32. Any six digits survive the conversion to a normal f32 and back, so the search
 * starts at six digits: a shorter number is one of them with trailing zeros, which are not printed. Subnormals have
 * less precision.
 */

const SURVIVING = 6;
const MOST = 9;

/** The text of `x`, which must be an f32: `0.1`, `-0`, `1e-7`, `NaN`, `Infinity`. */
export function floatText(x: number): string {
  const size = Math.abs(x);
  if (size >= 1e-6 && size < 1e9) return mediumText(x, size);
  if (x === 0) return Object.is(x, -0) ? '-0' : '0';
  if (!Number.isFinite(x)) return String(x);
  return (x < 0 ? '-' : '') + extremeText(size);
}

/**
 * Powers of ten up to 10^15 are exact as doubles. So n / 10^k, rounded once, is the double nearest to the decimal, and
 * JavaScript prints it with the same digits: a double preserves up to 15.
 */
function mediumText(x: number, size: number): string {
  const whole = Math.floor(Math.log10(size)) + 1; // digits before the point; below 1, less than one
  for (let digits = SURVIVING; digits <= MOST; digits++) {
    const places = digits - whole;
    const power = 10 ** Math.abs(places);
    const near = places < 0 ? Math.round(x / power) * power : Math.round(x * power) / power;
    if (Math.fround(near) === x) return String(near);
  }
  return String(Number(x.toPrecision(MOST))); // nine digits, if a tie was rounded the other way
}

/** At a power of two the gap above is twice the gap below, so the next larger decimal may identify it, too. */
function extremeText(size: number): string {
  for (let digits = 1; digits < MOST; digits++) {
    const [mantissa, exponent] = size.toExponential(digits - 1).split('e') as [string, string];
    const near = Number(mantissa.replace('.', ''));
    for (const each of [near, near + 1]) {
      const text = `${each}e${Number(exponent) - digits + 1}`;
      if (Math.fround(Number(text)) === size) return String(Number(text));
    }
  }
  return String(Number(size.toPrecision(MOST)));
}
