/** Numbers for readers: three significant digits, a prefix and a unit. What is not a number is `–`, never NaN. */

/** A space that does not break: a number stays with its unit. */
const SPACE = '\u00A0';

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

/** So many significant digits of every figure that was measured. */
const DIGITS = 3;

const grouped = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, ',');

/** To three significant digits, never with an exponent. */
function significant(value: number): string {
  const rounded = Number(value.toPrecision(DIGITS));
  const places = DIGITS - 1 - Math.floor(Math.log10(Math.abs(rounded)));
  return places > 0 ? rounded.toFixed(Math.min(places, 20)) : grouped(rounded.toFixed(0));
}

/** Without zeros that say nothing: for numbers that are not measured but chosen or computed. */
const plain = (text: string): string => text.replace(/(\.\d*?)0+(?=\D|$)/, '$1').replace(/\.(?=\D|$)/, '');

/** `value` in the largest unit that leaves at least 1 of it. */
function scaled(value: number | null, steps: Steps): string {
  if (value === null || !Number.isFinite(value)) return NONE;
  if (value === 0) return '0';
  // Rounded too: 999.9 k is 1 M.
  const most = Math.max(Math.abs(value), Math.abs(Number(value.toPrecision(DIGITS))));
  const [size, unit] = steps.find((step) => most >= step[0]) ?? steps.at(-1)!;
  return unit === '' ? significant(value / size) : `${significant(value / size)}${SPACE}${unit}`;
}

/** A number that is not measured, shortened: `412 M`, `1.2 k`, `7` */
export const count = (value: number | null): string => plain(scaled(value, SI));

/** A whole number in full: `25,600,000`. */
export const whole = (value: number | null): string =>
  value === null || !Number.isFinite(value) ? NONE : grouped(String(Math.round(value)));

/** A whole number as it stands at an axis: in full while it is short. */
export const tick = (value: number): string => (value < 1e5 ? whole(value) : count(value));

const perSecond = (text: string): string =>
  text === NONE || text === '0' ? text : `${text}${/\d$/.test(text) ? SPACE : ''}/s`;

/** Tokens per second: `412 M/s`. */
export const rate = (value: number | null): string => perSecond(scaled(value, SI));

/** Milliseconds that were measured: `2.40 µs`. */
export const time = (ms: number | null): string => scaled(ms, TIMES);

/** Milliseconds that were chosen: `2.4 µs`. */
export const duration = (ms: number | null): string => plain(time(ms));

/** MiB as `48.8 MiB`, `2 GiB`, `512 bytes`. */
export const size = (mib: number | null): string => plain(scaled(mib, SIZES));

/** MiB per second: `9.30 GiB/s`. */
export const bandwidth = (mibPerSecond: number | null): string => perSecond(scaled(mibPerSecond, SIZES));

/** A fraction as `34 %`, `3.4 %`. */
export const percent = (fraction: number | null): string => {
  if (fraction === null || !Number.isFinite(fraction)) return NONE;
  const percents = fraction * 100;
  return `${percents === 0 || percents >= 9.95 ? whole(percents) : plain(percents.toPrecision(2))}${SPACE}%`;
};

/** How many times as much: `3.2 ×`, `250 ×`. */
export const times = (ratio: number): string => `${ratio < 9.95 ? ratio.toFixed(1) : whole(ratio)}${SPACE}×`;

/** `8 × 512`: one size and another. */
export const by = (...sizes: readonly number[]): string => sizes.map(whole).join(`${SPACE}×${SPACE}`);
