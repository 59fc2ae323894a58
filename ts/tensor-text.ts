/**
 * A Tensor as text, in NumPy's layout:
 *
 * ```
 * Tensor([[ 0.1 ,  2.  ],
 *         [-1.25, 10.  ]], shape=[2, 2], dtype=f32)
 * ```
 *
 * Above 1000 elements, axes longer than six show their first and last three elements. Floats have the fewest digits
 * that identify them in their dtype, at most eight after the point, and exponents if their magnitudes differ too much.
 */

import type { TypedArray } from './args/arrays.js';
import type { DType } from './dtype.js';
import { formatShape, sizeOf } from './args/shape.js';

const SUMMARIZE_ABOVE = 1000;
const EDGE_ITEMS = 3;
const LINE_WIDTH = 75;
const PRECISION = 8;
const PREFIX = 'Tensor(';

/** The text of the elements of `data` in `shape`, shortened if there are many. */
export function tensorText(data: TypedArray, shape: readonly number[], dtype: DType): string {
  // A shape such as [1e9, 0] has many rows, but nothing to show.
  if (sizeOf(shape) === 0) return `${PREFIX}[], ${suffix(shape, dtype)}`;
  const shown = axesShown(shape);
  const elements: (number | bigint)[] = [];
  visit(data, shape, shown, 0, 0, elements);
  const texts = dtype === 'f32' || dtype === 'f64' ? floats(elements as number[], dtype) : integers(elements);
  const body = layOut(texts.values(), shown, 0, PREFIX.length);
  return `${PREFIX}${body}, ${suffix(shape, dtype)}`;
}

/** The text of a Tensor whose elements cannot be read; `why` replaces them. */
export function unreadableText(why: string, shape: readonly number[], dtype: DType): string {
  return `${PREFIX}<${why}>, ${suffix(shape, dtype)}`;
}

function suffix(shape: readonly number[], dtype: DType): string {
  return `shape=${formatShape(shape)}, dtype=${dtype})`;
}

/** The index that replaces omitted elements. */
const GAP = -1;

/** For each axis the indices that are shown. */
function axesShown(shape: readonly number[]): number[][] {
  const summarize = sizeOf(shape) > SUMMARIZE_ABOVE;
  return shape.map((length) => {
    if (!summarize || length <= 2 * EDGE_ITEMS) return Array.from({ length }, (_, i) => i);
    const edge = Array.from({ length: EDGE_ITEMS }, (_, i) => i);
    return [...edge, GAP, ...edge.map((i) => length - EDGE_ITEMS + i)];
  });
}

/** Collects the elements shown, in order. */
function visit(
  data: TypedArray,
  shape: readonly number[],
  shown: readonly number[][],
  axis: number,
  offset: number,
  into: (number | bigint)[],
): void {
  if (axis === shape.length) {
    into.push(data[offset]!);
    return;
  }
  for (const i of shown[axis]!) {
    if (i !== GAP) visit(data, shape, shown, axis + 1, offset * shape[axis]! + i, into);
  }
}

/** Takes `texts` in order and adds brackets, commas and line breaks. */
function layOut(texts: Iterator<string>, shown: readonly number[][], axis: number, indent: number): string {
  if (axis === shown.length) return String(texts.next().value);
  const below = shown.length - axis - 1;
  const parts = shown[axis]!.map((i) => (i === GAP ? '...' : layOut(texts, shown, axis + 1, indent + 1)));
  const margin = ' '.repeat(indent + 1);
  if (below > 0) return `[${parts.join(`,${'\n'.repeat(below)}${margin}`)}]`;
  const lines: string[] = [];
  let line = '';
  for (const part of parts) {
    if (line !== '' && margin.length + line.length + part.length + 2 > LINE_WIDTH) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? part : ` ${part}`;
    line += ',';
  }
  return `[${[...lines, line.slice(0, -1)].join(`\n${margin}`)}]`;
}

/** Integers, right-aligned. */
function integers(values: readonly (number | bigint)[]): string[] {
  return aligned(values.map(String));
}

/** Floats, aligned at the point. */
function floats(values: readonly number[], dtype: 'f32' | 'f64'): string[] {
  const sizes = values.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  let smallest = Infinity;
  let largest = 0;
  for (const size of sizes) {
    if (size < smallest) smallest = size;
    if (size > largest) largest = size;
  }
  const exponents = sizes.length > 0 && (largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000);
  const write = exponents ? scientific : positional;
  const texts = values.map((value) => (Number.isFinite(value) ? write(shortest(value, dtype)) : ''));
  const fractions = texts.map((text) => fractionLength(text));
  const width = fractions.reduce((a, b) => Math.max(a, b), 0);
  const padded = texts.map((text, k) => {
    const missing = width - fractions[k]!;
    if (text === '') return special(values[k]!);
    if (!exponents) return text + ' '.repeat(missing);
    const e = text.indexOf('e');
    return text.slice(0, e) + '0'.repeat(missing) + text.slice(e);
  });
  return aligned(padded);
}

function aligned(texts: readonly string[]): string[] {
  const width = texts.reduce((longest, text) => Math.max(longest, text.length), 0);
  return texts.map((text) => text.padStart(width));
}

function special(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  return value < 0 ? '-inf' : 'inf';
}

/** The decimal number with the fewest digits that rounds to `value` in its dtype. */
function shortest(value: number, dtype: 'f32' | 'f64'): number {
  if (dtype === 'f64' || value === 0) return value;
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(9));
}

/** `0.25`, `3.`, `-0.` */
function positional(value: number): string {
  const text = value.toFixed(PRECISION).replace(/0+$/, '');
  return Object.is(value, -0) ? `-${text}` : text;
}

/** `2.5e-07`, `1.e+10` */
function scientific(value: number): string {
  const [mantissa, exponent] = value.toExponential(PRECISION).split('e') as [string, string];
  const sign = Object.is(value, -0) ? '-' : '';
  return `${sign}${mantissa.replace(/0+$/, '')}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

function fractionLength(text: string): number {
  const point = text.indexOf('.');
  if (point < 0) return 0;
  const end = text.indexOf('e');
  return (end < 0 ? text.length : end) - point - 1;
}
