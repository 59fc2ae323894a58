/**
 * The arithmetic of api.md in plain loops, independent of the package: dropout and bags.
 *
 * `Math.fround` after every operation is f32 arithmetic exactly: a double holds the sum, product and quotient of
 * two f32 with more than enough bits that rounding twice is rounding once.
 */

import { philox } from './philox.js';

const f32 = Math.fround;

/** Word `i mod 4` of block `floor(i / 4)` of a stream: what element `i` is drawn from. */
export function word(seed: number | bigint, stream: number, call: number, i: number): number {
  const bits = BigInt(seed);
  const block = Math.floor(i / 4);
  const counter = [block % 2 ** 32, Math.floor(block / 2 ** 32), call, stream] as const;
  return philox(counter, [Number(bits & 0xffff_ffffn), Number(bits >> 32n)])[i % 4]!;
}

/** Whether dropout takes element `i` of training call `call`. */
export const falls = (p: number, seed: number | bigint, call: number, i: number): boolean =>
  word(seed, 2, call, i) < Math.floor(p * 2 ** 32);

/** Inverted dropout of a whole result. */
export function dropped(
  x: Float32Array,
  { p, seed, call }: { readonly p: number; readonly seed: number | bigint; readonly call: number },
): Float32Array {
  return x.map((value, i) => (falls(p, seed, call, i) ? 0 : f32(value / f32(1 - p))));
}

/** What a bag is asked to do. */
export interface PlainBags {
  readonly rows: readonly (readonly number[])[];
  readonly mode: 'sum' | 'mean' | 'max';
  /** The ids of each bag. */
  readonly bags: readonly (readonly number[])[];
  readonly paddingIdx?: number | null;
  /** One per id, bag after bag. */
  readonly weights?: readonly number[] | undefined;
}

/** Bags of rows, element by element. */
export function plainBags({ rows, mode, bags, paddingIdx = null, weights }: PlainBags): Float32Array {
  const dim = rows[0]!.length;
  let next = 0;
  const result = bags.flatMap((ids) => {
    const start = next;
    next += ids.length;
    const kept = ids
      .map((id, i) => ({ id, weight: weights?.[start + i] }))
      .filter(({ id }) => id !== paddingIdx);
    return Array.from({ length: dim }, (_, column) => {
      const values = kept.map(({ id, weight }) => {
        const value = rows[id]![column]!;
        return weight === undefined ? value : f32(value * weight);
      });
      if (values.length === 0) return 0;
      if (mode === 'max') return values.reduce((held, value) => (later(held, value) ? value : held));
      const sum = values.reduce((acc, value) => f32(acc + value), 0);
      if (mode === 'sum') return sum;
      const divisor = kept.reduce((acc, { weight }) => f32(acc + (weight ?? 1)), 0);
      return f32(sum / divisor);
    });
  });
  return Float32Array.from(result);
}

/** Whether a later value takes the place of the one held so far in a maximum. */
const later = (held: number, value: number): boolean =>
  value > held || (Number.isNaN(value) && !Number.isNaN(held));
