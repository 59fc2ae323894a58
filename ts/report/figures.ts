/** Formats numbers: three significant digits, a prefix and a unit. A missing number is `–`, never NaN. */

/** A non-breaking space between a number and its unit. */
const SPACE = '\u00A0';

/** The text for a missing number. */
export const NONE = '–';

type Steps = readonly (readonly [size: number, unit: string])[];

const SI: Steps = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
  [1, ''],
];

const TIMES: Steps = [
  [1e3, 's'],
  [1, 'ms'],
  [1e-3, 'µs'],
  [1e-6, 'ns'],
];

const SIZES: Steps = [
  [2 ** 20, 'TiB'],
  [2 ** 10, 'GiB'],
  [1, 'MiB'],
  [2 ** -10, 'KiB'],
  [2 ** -20, 'bytes'],
];

/** The number of significant digits of a measured figure. */
const DIGITS = 3;

/** Inserts thousands separators. */
const group = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, ',');

/** Formats to three significant digits without an exponent. */
function significant(value: number): string {
  const rounded = Number(value.toPrecision(DIGITS));
  const places = DIGITS - 1 - Math.floor(Math.log10(Math.abs(rounded)));
  return places > 0 ? rounded.toFixed(Math.min(places, 20)) : group(rounded.toFixed(0));
}

/** Removes trailing zeros. For numbers that are exact rather than measured. */
const trimZeros = (text: string): string =>
  text.replace(/(\.\d*?)0+(?=\D|$)/, '$1').replace(/\.(?=\D|$)/, '');

/** `value` in the largest unit in which it is at least 1. */
function withUnit(value: number | null, steps: Steps): string {
  if (value === null || !Number.isFinite(value)) return NONE;
  if (value === 0) return '0';
  // The rounded value counts too: 999.9 k is 1 M.
  const magnitude = Math.max(Math.abs(value), Math.abs(Number(value.toPrecision(DIGITS))));
  const [size, unit] = steps.find((step) => magnitude >= step[0]) ?? steps.at(-1)!;
  return unit === '' ? significant(value / size) : `${significant(value / size)}${SPACE}${unit}`;
}

/** An exact number, shortened: `412 M`, `1.2 k`, `7`. */
export const count = (value: number | null): string => trimZeros(withUnit(value, SI));

/** An integer in full: `25,600,000`. */
export const integer = (value: number | null): string =>
  value === null || !Number.isFinite(value) ? NONE : group(String(Math.round(value)));

/** An integer at an axis: in full if it is short. */
export const tick = (value: number): string => (value < 1e5 ? integer(value) : count(value));

const perSecond = (text: string): string =>
  text === NONE || text === '0' ? text : `${text}${/\d$/.test(text) ? SPACE : ''}/s`;

/** Tokens per second: `412 M/s`. */
export const rate = (value: number | null): string => perSecond(withUnit(value, SI));

/** Measured milliseconds: `2.40 µs`. */
export const time = (ms: number | null): string => withUnit(ms, TIMES);

/** Exact milliseconds: `2.4 µs`. */
export const duration = (ms: number | null): string => trimZeros(time(ms));

/** MiB as `48.8 MiB`, `2 GiB`, `512 bytes`. */
export const size = (mib: number | null): string => trimZeros(withUnit(mib, SIZES));

/** MiB per second: `9.30 GiB/s`. */
export const bandwidth = (mibPerSecond: number | null): string => perSecond(withUnit(mibPerSecond, SIZES));

/** A fraction as `34 %`, `3.4 %`. */
export const percent = (fraction: number | null): string => {
  if (fraction === null || !Number.isFinite(fraction)) return NONE;
  const percents = fraction * 100;
  return `${percents === 0 || percents >= 9.95 ? integer(percents) : trimZeros(percents.toPrecision(2))}${SPACE}%`;
};

/** A ratio: `3.2 ×`, `250 ×`. */
export const factor = (ratio: number): string =>
  `${ratio < 9.95 ? ratio.toFixed(1) : integer(ratio)}${SPACE}×`;

/** Sizes as a product: `8 × 512`. */
export const product = (...sizes: readonly number[]): string => sizes.map(integer).join(`${SPACE}×${SPACE}`);
