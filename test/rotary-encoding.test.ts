/** Rotary positions: values, positions shared by heads, in place, widths, and every way to be wrong. */

import { RotaryEncoding, type RotaryEncodingOptions, Tensor } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { expectBits } from './helpers/bits.js';
import { disposed, expectError, expectErrorAndNoWrite, invalidOption } from './helpers/errors.js';

answersThroughout();

const f = Math.fround;
const numbers = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7) * 3);

/** The rotation in plain JavaScript, with the sines of a table that `forward` of unit vectors gives. */
function rotated(
  rotary: RotaryEncoding,
  x: Float32Array,
  position: (row: number) => number,
  inverse = false,
): Float32Array {
  const { headDim, rotaryDim, layout } = rotary;
  const half = rotaryDim / 2;
  const pair = (i: number) => (layout === 'halves' ? [i, i + half] : [2 * i, 2 * i + 1]) as [number, number];
  const out = x.slice();
  for (let r = 0; r < x.length / headDim; r++) {
    for (let i = 0; i < half; i++) {
      const [a, b] = pair(i);
      // A unit vector in the first column of a pair becomes (c, s).
      const unit = new Float32Array(headDim);
      unit[a] = 1;
      const turned = rotary.forward(unit, { shape: [1, headDim], startPos: position(r) }).data;
      const [c, s] = [turned[a]!, inverse ? -turned[b]! : turned[b]!];
      const [p, q] = [x[r * headDim + a]!, x[r * headDim + b]!];
      out[r * headDim + a] = f(f(p * c) - f(q * s));
      out[r * headDim + b] = f(f(q * c) + f(p * s));
    }
  }
  return out;
}

const LAYOUTS = ['halves', 'interleaved'] as const;

describe.each(LAYOUTS)('layout %s', (layout) => {
  it('takes a position for each row of a batch without heads', () => {
    const rotary = new RotaryEncoding({ headDim: 4, layout, maxSeqLength: 16 });
    const x = numbers(2 * 3 * 4);
    const positionIds = Int32Array.of(3, 1, 4, 15, 9, 2);
    const ids = new Tensor(positionIds, { shape: [2, 3] });
    expectBits(
      rotary.forward(x, { shape: [2, 3, 4], positionIds: ids }).data,
      rotated(rotary, x, (row) => positionIds[row]!),
    );
  });

  it.each([
    [2, 2],
    [6, 6],
    [8, 4],
    [17, 10],
    [64, 64],
    [65, 32],
  ])('rotates the first columns of heads of %i columns, %i of them', (headDim, rotaryDim) => {
    const rotary = new RotaryEncoding({ headDim, rotaryDim, layout, maxSeqLength: 32 });
    const x = numbers(2 * 3 * 4 * headDim);
    const shape = [2, 3, 4, headDim];
    const result = rotary.forward(x, { shape, startPos: 5 });
    expect(result.shape).toEqual(shape);
    expectBits(
      result.data,
      rotated(rotary, x, (row) => 5 + (row % 4)),
    );
    const inverse = rotary.forward(x, { shape, startPos: 5, inverse: true });
    expectBits(
      inverse.data,
      rotated(rotary, x, (row) => 5 + (row % 4), true),
    );
    for (let row = 0; row < 24; row++) {
      const stays = x.subarray(row * headDim + rotaryDim, (row + 1) * headDim);
      expectBits(result.data.subarray(row * headDim + rotaryDim, (row + 1) * headDim), stays);
    }
  });

  it('shares positions between heads, [seq] and [batch, seq]', () => {
    const rotary = new RotaryEncoding({ headDim: 6, layout, maxSeqLength: 20 });
    const x = numbers(2 * 3 * 4 * 6);
    const shape = [2, 3, 4, 6];
    const perSeq = [3, 0, 19, 7];
    expectBits(
      rotary.forward(x, { shape, positionIds: perSeq }).data,
      rotated(rotary, x, (row) => perSeq[row % 4]!),
    );
    const perBatch = [perSeq, [1, 2, 3, 4]];
    const ids = new Tensor(Int32Array.from(perBatch.flat()), { shape: [2, 4] });
    for (const positionIds of [perBatch, ids]) {
      expectBits(
        rotary.forward(x, { shape, positionIds }).data,
        rotated(rotary, x, (row) => perBatch[Math.floor(row / 12)]![row % 4]!),
      );
    }
  });

  it('works in place, into a longer out, and on allocated tensors', () => {
    const rotary = new RotaryEncoding({ headDim: 10, rotaryDim: 6, layout });
    const x = numbers(3 * 10);
    const expected = rotary.forward(x, { shape: [3, 10] }).data;
    const own = x.slice();
    expect(rotary.forwardInto(own, own, { shape: [3, 10] })).toBe(own);
    expectBits(own, expected);
    const longer = new Float32Array(40).fill(0.5);
    rotary.forwardInto(x, longer, { shape: [3, 10] });
    expectBits(longer.subarray(0, 30), expected);
    expect(longer.subarray(30).every((value) => value === 0.5)).toBe(true);
    const allocated = Tensor.allocate([3, 10]);
    allocated.data.set(x);
    rotary.forwardInto(allocated, allocated);
    expectBits(allocated.data, expected);
    allocated.dispose();
  });

  it('inverts itself but for rounding', () => {
    const rotary = new RotaryEncoding({ headDim: 16, layout });
    const x = numbers(5 * 16);
    const there = rotary.forward(new Tensor(x, { shape: [5, 16] }), { startPos: 100 });
    const back = rotary.forward(there, { startPos: 100, inverse: true });
    back.data.forEach((value, i) => expect(value).toBeCloseTo(x[i]!, 4));
  });

  it('gives the same bits for rows longer than any tile', () => {
    const headDim = 140_000;
    const rotary = new RotaryEncoding({ headDim, rotaryDim: 139_990, layout, maxSeqLength: 3 });
    const x = numbers(2 * headDim);
    const expected = rotary.forward(x, { shape: [2, headDim] }).data;
    const allocated = Tensor.allocate([2, headDim]);
    allocated.data.set(x);
    rotary.forwardInto(allocated, allocated);
    expectBits(allocated.data, expected);
    allocated.dispose();
    rotary.forwardInto(x, x, { shape: [2, headDim] });
    expectBits(x, expected);
    rotary.dispose();
  });
});

describe('frequencies', () => {
  it('are the powers of the base, or the list that was passed', () => {
    const own = new RotaryEncoding({ headDim: 8, base: 16 });
    expect(own.frequencies).toEqual([1, 0.5, 0.25, 0.125]);
    expect(own.base).toBe(16);
    for (const frequencies of [own.frequencies, Float64Array.from(own.frequencies)]) {
      const listed = new RotaryEncoding({ headDim: 8, frequencies });
      expect(listed.base).toBeNull();
      expect(listed.frequencies).toEqual(own.frequencies);
      const x = numbers(4 * 8);
      const options = { shape: [4, 8], startPos: 4000 };
      expectBits(listed.forward(x, options).data, own.forward(x, options).data);
    }
  });

  it('may be zero, tiny or huge', () => {
    const rotary = new RotaryEncoding({ headDim: 8, frequencies: [0, 1e-300, 1e-25, 1e300] });
    const unit = Float32Array.of(1, 1, 1, 1, 0, 0, 0, 0);
    const { data } = rotary.forward(unit, { shape: [1, 8], startPos: 3 });
    expect([...data.subarray(0, 3)]).toEqual([1, 1, 1]);
    expect([...data.subarray(4, 7)]).toEqual([0, 0, f(3e-25)]);
    expect(f(data[3]! ** 2 + data[7]! ** 2)).toBeCloseTo(1, 6);
  });
});

it('has its options as attributes and nothing to train', () => {
  const rotary = new RotaryEncoding({ headDim: 64 });
  expect(rotary).toMatchObject({
    headDim: 64,
    maxSeqLength: 5000,
    base: 10_000,
    rotaryDim: 64,
    layout: 'halves',
    parameters: [],
    disposed: false,
  });
  expect(rotary.frequencies).toHaveLength(32);
});

describe('errors', () => {
  const bad = (options: object, option: string, kind: typeof TypeError | typeof RangeError) =>
    expectError(() => new RotaryEncoding(options as RotaryEncodingOptions), invalidOption(kind, option));

  it.each<[string, object, typeof TypeError | typeof RangeError]>([
    ['headDim', {}, TypeError],
    ['headDim', { headDim: '64' }, TypeError],
    ['headDim', { headDim: 0 }, RangeError],
    ['headDim', { headDim: 2.5 }, RangeError],
    ['rotaryDim', { headDim: 63 }, RangeError],
    ['rotaryDim', { headDim: 64, rotaryDim: 66 }, RangeError],
    ['rotaryDim', { headDim: 64, rotaryDim: 0 }, RangeError],
    ['rotaryDim', { headDim: 64, rotaryDim: 7 }, RangeError],
    ['rotaryDim', { headDim: 64, rotaryDim: null }, TypeError],
    ['base', { headDim: 4, base: 0.5 }, RangeError],
    ['base', { headDim: 4, base: '10' }, TypeError],
    ['base', { headDim: 4, base: 100, frequencies: [1, 1] }, RangeError],
    ['frequencies', { headDim: 4, frequencies: [1] }, RangeError],
    ['frequencies', { headDim: 4, frequencies: [1, -1] }, RangeError],
    ['frequencies', { headDim: 4, frequencies: [1, Number.NaN] }, RangeError],
    ['frequencies', { headDim: 4, frequencies: [1, Infinity] }, RangeError],
    ['frequencies', { headDim: 4, frequencies: [1, '1'] }, TypeError],
    ['frequencies', { headDim: 4, frequencies: Float32Array.of(1, 1) }, TypeError],
    ['frequencies', { headDim: 4, frequencies: 1 }, TypeError],
    ['layout', { headDim: 4, layout: 'pairs' }, RangeError],
    ['layout', { headDim: 4, layout: 1 }, TypeError],
    ['maxSeqLength', { headDim: 4, maxSeqLength: 0 }, RangeError],
    ['dropout', { headDim: 4, dropout: 0.1 }, TypeError],
  ])('of the option %s: %o', (option, options, kind) => void bad(options, option, kind));

  const rotary = new RotaryEncoding({ headDim: 4, maxSeqLength: 6 });
  const x = numbers(24);

  it('of the rank and the width', () => {
    for (const shape of [[24], [1, 1, 2, 3, 4]]) {
      expectError(() => rotary.forward(x, { shape }), {
        class: RangeError,
        code: 'ERR_RANK',
        text: `Expected 2D, 3D or 4D input, got shape [${shape.join(', ')}]`,
      });
    }
    expectError(() => rotary.forward(numbers(25), { shape: [5, 5] }), {
      class: RangeError,
      code: 'ERR_DIM',
      text: 'Head dim mismatch: expected 4, got 5',
    });
  });

  it('of positions, lengths and options of a call', () => {
    const call = (options: object, out?: Float32Array) =>
      out === undefined ? rotary.forward(x, options) : rotary.forwardInto(x, out, options);
    expectErrorAndNoWrite(24, (out) => call({ shape: [6, 4], startPos: 1 }, out), {
      class: RangeError,
      code: 'ERR_SEQUENCE_LENGTH',
    });
    expectErrorAndNoWrite(24, (out) => call({ shape: [3, 2, 4], positionIds: [0, 6] }, out), {
      class: RangeError,
      code: 'ERR_ID_OUT_OF_RANGE',
      text: 'Positions must be in range [0, 6)',
    });
    expectErrorAndNoWrite(24, (out) => call({ shape: [3, 2, 4], positionIds: [0, 1, 2] }, out), {
      class: RangeError,
      code: 'ERR_SHAPE',
    });
    expectErrorAndNoWrite(23, (out) => call({ shape: [6, 4] }, out), {
      class: RangeError,
      code: 'ERR_SHAPE',
    });
    expectError(() => call({ shape: [6, 4], inverse: 1 }), invalidOption(TypeError, 'inverse'));
    expectError(
      () => call({ shape: [6, 4], startPos: 0, positionIds: [0] }),
      invalidOption(RangeError, 'startPos'),
    );
    expectError(() => call({ shape: [6, 4], offsets: [0] }), invalidOption(TypeError, 'offsets'));
    expectError(() => rotary.forwardInto(x.subarray(0, 20), x.subarray(4), { shape: [5, 4] }), {
      class: RangeError,
      code: 'ERR_OVERLAP',
    });
  });

  it('after dispose()', () => {
    const other = new RotaryEncoding({ headDim: 4 });
    other.dispose();
    other.dispose();
    expect(other.disposed).toBe(true);
    expectError(() => other.forward(x, { shape: [6, 4] }), disposed);
    expectError(() => other.forwardInto(x, x, { shape: [6, 4] }), disposed);
    expect(other.headDim).toBe(4);
  });
});
