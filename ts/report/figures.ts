/** Numbers for readers: three significant digits, a prefix and a unit. What is not a number is `–`, never NaN. */

/** What stands where a number should, and there is none. */
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

/** To so many significant digits, without an exponent and without zeros behind the last digit that counts. */
function significant(value: number, digits: number): string {
  const rounded = Number(value.toPrecision(digits));
  const whole = Math.floor(Math.log10(Math.abs(rounded))) + 1;
  return rounded.toFixed(Math.min(Math.max(digits - whole, 0), 20)).replace(/\.0+$|(\.\d*?)0+$/, '$1');
}

/** `value` in the largest unit that leaves at least 1 of it. */
function scaled(value: number | null, steps: Steps, digits = 3): string {
  if (value === null || !Number.isFinite(value)) return NONE;
  if (value === 0) return '0';
  // Rounded too: 999.9 k is 1 M.
  const most = Math.max(Math.abs(value), Math.abs(Number(value.toPrecision(digits))));
  const [size, unit] = steps.find((step) => most >= step[0]) ?? steps.at(-1)!;
  return `${significant(value / size, digits)} ${unit}`.trimEnd();
}

/** `412 M`, `1.2 k`, `7` */
export const count = (value: number | null): string => scaled(value, SI);

/** A whole number in full: `25,600,000`. */
export const whole = (value: number | null): string =>
  value === null || !Number.isFinite(value)
    ? NONE
    : String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');

/** A whole number as it stands at an axis: in full while it is short. */
export const tick = (value: number): string => (value < 1e5 ? whole(value) : count(value));

/** Tokens per second: `412 M/s`. */
export const rate = (value: number | null): string => {
  const text = count(value);
  return text === NONE || text === '0' ? text : `${text}${/\d$/.test(text) ? ' ' : ''}/s`;
};

/** Milliseconds as `2.41 µs`. */
export const time = (ms: number | null): string => scaled(ms, TIMES);

/** MiB as `48.8 MiB`, `1.9 GiB`, `512 bytes`. */
export const size = (mib: number | null): string => scaled(mib, SIZES);

/** MiB per second as `9.3 GiB/s`. */
export const bandwidth = (mibPerSecond: number | null): string => {
  const text = size(mibPerSecond);
  return text === NONE || text === '0' ? text : `${text}/s`;
};

/** A fraction as `34 %`. */
export const percent = (fraction: number | null): string => {
  if (fraction === null || !Number.isFinite(fraction)) return NONE;
  return fraction === 0 ? '0 %' : `${significant(fraction * 100, Math.abs(fraction) < 0.0995 ? 2 : 3)} %`;
};

/** How many times as much: `3.2 ×`. */
export const times = (ratio: number): string => `${significant(ratio, ratio < 9.95 ? 2 : 3)} ×`;
