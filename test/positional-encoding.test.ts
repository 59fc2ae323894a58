/** PositionalEncoding: values compared with big integers, and the behavior of adding positions. */

import fc from 'fast-check';
import { PositionalEncoding, type PositionalEncodingOptions, Tensor } from 'tokenbed';
import { describe, expect, it, vi } from 'vitest';
import { expectBits, expectPainted, hex, painted } from './helpers/bits.js';
import {
  type Expected,
  expectError,
  expectErrorAndNoWrite,
  invalidOption,
  thrown,
} from './helpers/errors.js';
import { frequencyOf, sinusoid, sinusoidRow } from './helpers/sinusoid.mjs';

const make = (options: Partial<PositionalEncodingOptions> = {}) =>
  new PositionalEncoding({ embeddingDim: 4, maxSeqLength: 6, ...options });

/** The constructor and methods without types. */
const Untyped = PositionalEncoding as unknown as new (options?: unknown) => PositionalEncoding;
interface UntypedCalls {
  forward(x?: unknown, options?: unknown): Tensor<'f32'>;
  forwardInto(x?: unknown, out?: unknown, options?: unknown): unknown;
  encode(positions?: unknown): Tensor<'f32'>;
  visualizeEncoding(options?: unknown): unknown;
  toSVG(options?: unknown): string;
}
const untyped = (pe: PositionalEncoding) => pe as unknown as UntypedCalls;

const ramp = (length: number) => Float32Array.from({ length }, (_, i) => i / 8 - 3);

describe('the values', () => {
  it('row 1 of 64 columns begins with sin 1 and cos 1', () => {
    const pe = new PositionalEncoding({ embeddingDim: 64, maxSeqLength: 2 });
    expect(hex(pe.encode(1).data).slice(0, 2)).toEqual(['0x3f576aa4', '0x3f0a5140']);
    expect(hex(pe.pe.data.subarray(64, 66))).toEqual(['0x3f576aa4', '0x3f0a5140']);
  });

  it.each([245_850_922, 1_068_966_896, 2_549_491_779, 2 ** 32 - 1])(
    'are correct at position %i',
    (position) => {
      const pe = new PositionalEncoding({ embeddingDim: 8, maxSeqLength: 1 });
      expectBits(pe.encode(position).data, sinusoidRow(position, 8));
    },
  );

  it('are sin 0 = +0 and cos 0 = 1 at position 0', () => {
    expect(hex(make({ embeddingDim: 3 }).encode(0).data)).toEqual(['0x00000000', '0x3f800000', '0x00000000']);
  });

  const shapes: [dim: number, base: number][] = [
    [1, 10_000],
    [2, 10_000],
    [3, 10_000],
    [64, 10_000],
    [65, 10_000],
    [7, 1],
    [8, 1e12],
    [9, 1.000_000_000_1],
    [10, 12_345.678_9],
    [6, 500_000],
  ];
  it.each(shapes)('of %i columns with base %d are correctly rounded', (dim, base) => {
    const pe = new PositionalEncoding({ embeddingDim: dim, maxSeqLength: 40, base });
    const wanted = Array.from({ length: 40 }, (_, position) => sinusoidRow(position, dim, base)).flat();
    expectBits(pe.pe.data, wanted);
    expect(pe.pe.shape).toEqual([40, dim]);
  });

  it('are correctly rounded at any position, width and base', () => {
    const position = fc.oneof(fc.nat(5000), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    const base = fc.oneof(fc.constantFrom(1, 10_000, 1e12), fc.double({ min: 1, max: 1e12, noNaN: true }));
    fc.assert(
      fc.property(
        fc.array(position, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 20 }),
        base,
        (at, dim, base) => {
          const pe = new PositionalEncoding({ embeddingDim: dim, maxSeqLength: 1, base });
          expectBits(
            pe.encode(at).data,
            at.flatMap((each) => sinusoidRow(each, dim, base)),
          );
          pe.dispose();
        },
      ),
      { numRuns: 150 },
    );
  });

  it.each([1, 2, 3, 4, 7, 64])(
    'of the halves layout are the same with the sines first, %i columns',
    (dim) => {
      const both = { embeddingDim: dim, maxSeqLength: 9 };
      const turns = new PositionalEncoding({ ...both, layout: 'interleaved' }).pe.data;
      const halves = new PositionalEncoding({ ...both, layout: 'halves' }).pe.data;
      const sines = Math.ceil(dim / 2);
      const wanted = Float32Array.from(halves, (_, i) => {
        const [row, column] = [Math.floor(i / dim), i % dim];
        return turns[row * dim + (column < sines ? 2 * column : 2 * (column - sines) + 1)]!;
      });
      expectBits(halves, wanted);
      const layout = new PositionalEncoding({ ...both, layout: 'halves' });
      expectBits(
        layout.encode([0, 8, 4]).data,
        [0, 8, 4].flatMap((row) => [...wanted.subarray(row * dim, (row + 1) * dim)]),
      );
    },
  );

  it('of encode are the rows of pe, also beyond the table', () => {
    const pe = new PositionalEncoding({ embeddingDim: 33, maxSeqLength: 700, base: 777.7 });
    const all = pe.encode(Int32Array.from({ length: 700 }, (_, i) => i));
    expectBits(all.data, pe.pe.data);
    const beyond = pe.encode(700).data;
    expectBits(beyond, sinusoidRow(700, 33, 777.7));
  });

  it('of encode are the same in runs and one by one, in several tiles and for several threads', () => {
    const [dim, length] = [512, 2300];
    const pe = new PositionalEncoding({ embeddingDim: dim, maxSeqLength: 1 });
    // Runs of up to 599 positions, the last one to 2^32 - 1.
    const at = new Uint32Array(length);
    for (let end = length, run = 599; end > 0; end -= run, run = Math.max(1, run - 70)) {
      for (let i = Math.max(0, end - run); i < end; i++)
        at[i] = 2 ** 32 - 1 - (end - 1 - i) - (length - end) * 7;
    }
    const all = pe.encode(at).data;
    at.forEach((position, row) => {
      expectBits(all.subarray(row * dim, (row + 1) * dim), pe.encode(position).data);
    });
  });
});

describe('the constructor', () => {
  it('treats -0 as 0', () => {
    expect(make({ dropout: -0 }).dropout).toBe(0);
  });

  it('has the documented defaults, all readable', () => {
    const pe = new PositionalEncoding({ embeddingDim: 4 });
    expect(pe).toMatchObject({
      embeddingDim: 4,
      maxSeqLength: 5000,
      dropout: 0,
      base: 10_000,
      layout: 'interleaved',
    });
    expect(Number.isSafeInteger(pe.seed)).toBe(true);
    expect([pe.training, pe.disposed]).toEqual([false, false]);
    expect(pe.parameters).toEqual([]);
    expect(pe.parameters).toBe(pe.parameters);
    expect(Object.isFrozen(pe.parameters)).toBe(true);
    pe.dispose();
    const all = {
      embeddingDim: 5,
      maxSeqLength: 3,
      dropout: 0.25,
      base: 2.5,
      layout: 'halves',
      seed: 9n,
    } as const;
    expect(new PositionalEncoding(all)).toMatchObject(all);
  });

  it('draws a new seed each time', () => {
    expect(make().seed).not.toBe(make().seed);
  });

  it('treats undefined as absent', () => {
    const none = {
      maxSeqLength: undefined,
      dropout: undefined,
      base: undefined,
      layout: undefined,
      seed: undefined,
    };
    expect(new PositionalEncoding({ embeddingDim: 4, ...none }).maxSeqLength).toBe(5000);
  });

  const wrong: [option: string, kinds: unknown[], values: unknown[]][] = [
    ['embeddingDim', [undefined, null, '4', 4n, [], true], [0, -1, 1.5, Number.NaN, Infinity, 2 ** 53]],
    ['maxSeqLength', [null, '6', 6n], [0, -1, 0.5, Number.NaN, 2 ** 32 + 1]],
    ['dropout', [null, '0', false, 0n], [-0.1, 1, 1.5, Number.NaN, Infinity]],
    ['base', [null, '1', 1n], [0, 0.999, -5, Number.NaN, Infinity, 1e12 + 1]],
    ['layout', [null, 1, {}], ['', 'Halves', 'interleave']],
    ['seed', [null, '1', {}], [-1, 0.5, Number.NaN, 2 ** 53, -1n, 2n ** 64n]],
  ];
  it.each(wrong)('rejects an invalid %s', (option, kinds, values) => {
    for (const value of kinds)
      expectError(() => new Untyped({ embeddingDim: 4, [option]: value }), invalidOption(TypeError, option));
    for (const value of values) {
      const error = expectError(
        () => new Untyped({ embeddingDim: 4, [option]: value }),
        invalidOption(RangeError, option),
      );
      expect(error['value']).toBe(value);
    }
  });

  it('rejects unknown names before values, and options that are not objects', () => {
    expectError(() => new Untyped({ embeddingDim: 0, maxLen: 1 }), {
      ...invalidOption(TypeError, 'maxLen'),
      text: 'maxLen',
    });
    for (const options of [undefined, null, 4, 'x', []])
      expectError(() => new Untyped(options), invalidOption(TypeError, 'options'));
  });

  it('rejects a table that exceeds memory before allocating', () => {
    const error = expectError(
      () => new PositionalEncoding({ embeddingDim: 2 ** 40, maxSeqLength: 2 ** 32 }),
      {
        class: RangeError,
        code: 'ERR_TOO_LARGE',
      },
    );
    expect(error['bytes']).toBe(2 ** 74);
    expect(error['limit']).toBeGreaterThan(0);
    expectError(() => new PositionalEncoding({ embeddingDim: 2 ** 40, maxSeqLength: 1 }), {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
    });
  });
});

describe('pe', () => {
  it('is a copy: writing to it has no effect', () => {
    const pe = make();
    const before = pe.pe.data.slice();
    pe.pe.data.fill(9);
    expectBits(pe.pe.data, before);
    expectBits(pe.forward(new Float32Array(24), { shape: [6, 4] }).data, before);
    expect(pe.pe.data.buffer.byteLength).toBe(96);
  });

  it('is not modified by forward', () => {
    const pe = make();
    expect(() => {
      (pe as unknown as { base: number }).base = 1;
    }).toThrow(TypeError);
  });
});

describe('forward', () => {
  const pe = make({ base: 100 });
  const table = [...pe.pe.data];
  const plus = (x: Float32Array, positions: number[]) =>
    x.map((value, i) =>
      Math.fround(value + table[positions[Math.floor(i / 4) % positions.length]! * 4 + (i % 4)]!),
    );

  it('adds row s to row s of a sequence', () => {
    const x = ramp(12);
    const out = pe.forward(new Tensor(x, { shape: [3, 4] }));
    expect(out.shape).toEqual([3, 4]);
    expect(out.dtype).toBe('f32');
    expectBits(out.data, plus(x, [0, 1, 2]));
    expectBits(x, ramp(12));
  });

  it('adds the same rows to each sequence of a batch', () => {
    const x = ramp(48);
    expectBits(pe.forward(x, { shape: [2, 6, 4] }).data, plus(x, [0, 1, 2, 3, 4, 5]));
    expect(pe.forward(x, { shape: [2, 6, 4] }).shape).toEqual([2, 6, 4]);
    expect(pe.forward(x, { shape: [4, 3, 4] }).shape).toEqual([4, 3, 4]);
  });

  it('starts at startPos', () => {
    const x = ramp(24);
    expectBits(pe.forward(x, { shape: [2, 3, 4], startPos: 3 }).data, plus(x, [3, 4, 5]));
    expectBits(pe.forward(x, { shape: [2, 3, 4], startPos: 0 }).data, plus(x, [0, 1, 2]));
  });

  it('accepts positionIds in any form of ids, for one sequence or for all rows', () => {
    const x = ramp(24);
    const [one, each] = [
      [5, 0, 5],
      [5, 4, 3, 0, 0, 1],
    ];
    const forms = [
      one,
      Int8Array.from(one),
      Uint8Array.from(one),
      Int16Array.from(one),
      Uint16Array.from(one),
    ];
    const wide = [
      Int32Array.from(one),
      Uint32Array.from(one),
      BigInt64Array.from(one.map(BigInt)),
      new Tensor(Int32Array.from(one)),
    ];
    for (const positionIds of [...forms, ...wide]) {
      expectBits(
        pe.forward(x, { shape: [2, 3, 4], positionIds: positionIds as number[] }).data,
        plus(x, one),
      );
    }
    const rows = [each.slice(0, 3), each.slice(3)];
    expectBits(pe.forward(x, { shape: [2, 3, 4], positionIds: rows }).data, plus(x, each));
    expectBits(pe.forward(x, { shape: [6, 4], positionIds: each }).data, plus(x, each));
    const tensor = new Tensor(Int32Array.from(each), { shape: [2, 3] });
    expectBits(pe.forward(x, { shape: [2, 3, 4], positionIds: tensor }).data, plus(x, each));
  });

  it('adds in f32, with rounding, signs, infinities and NaN', () => {
    const x = Float32Array.of(1e30, -1e-30, 16_777_216, -0, Number.NaN, Infinity, -Infinity, 2 ** -149);
    const row = table.slice(4, 8);
    const wanted = x.map((value, i) => Math.fround(value + row[i % 4]!));
    expectBits(pe.forward(x, { shape: [2, 1, 4], startPos: 1 }).data, wanted, { anyNaN: true });
    expect(hex(make().forward(Float32Array.of(-0, 0, -0, 0), { shape: [1, 4] }).data)).toEqual([
      '0x00000000',
      '0x3f800000',
      '0x00000000',
      '0x3f800000',
    ]);
  });

  it('returns empty results with the right shape', () => {
    for (const shape of [
      [0, 4],
      [0, 3, 4],
      [3, 0, 4],
      [0, 0, 4],
    ]) {
      const out = pe.forward(new Float32Array(0), { shape });
      expect([out.shape, out.data.length]).toEqual([shape, 0]);
    }
    expect(pe.forward(new Float32Array(0), { shape: [0, 4], positionIds: [] }).shape).toEqual([0, 4]);
    expect(pe.forward(new Float32Array(0), { shape: [0, 2, 4], positionIds: [1, 2] }).shape).toEqual([
      0, 2, 4,
    ]);
    expect(pe.forward(new Float32Array(0), { shape: [2, 0, 4], positionIds: [[], []] }).shape).toEqual([
      2, 0, 4,
    ]);
  });

  it('returns an owned array that survives dispose', () => {
    const own = make();
    const out = own.forward(ramp(8), { shape: [2, 4] });
    expect([out.data.byteOffset, out.data.buffer.byteLength]).toEqual([0, 32]);
    const copy = out.data.slice();
    own.dispose();
    expectBits(out.data, copy);
  });

  it('accepts x in any kind of memory', () => {
    const x = ramp(12);
    const inside = new Float32Array(20);
    inside.set(x, 3);
    expectBits(pe.forward(inside.subarray(3, 15), { shape: [3, 4] }).data, plus(x, [0, 1, 2]));
    const shared = new Float32Array(
      new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer,
      8,
      12,
    );
    shared.set(x);
    expectBits(pe.forward(shared as Float32Array, { shape: [3, 4] }).data, plus(x, [0, 1, 2]));
    const allocated = Tensor.allocate([3, 4]);
    allocated.data.set(x);
    expectBits(pe.forward(allocated).data, plus(x, [0, 1, 2]));
  });
});

describe('forwardInto', () => {
  const pe = make();
  const zeros = pe.pe.data;

  it('writes the first elements of out and returns it; the rest is untouched', () => {
    const x = new Tensor(new Float32Array(24), { shape: [6, 4] });
    const out = painted(30);
    expect(pe.forwardInto(x, out)).toBe(out);
    expectBits(out.subarray(0, 24), zeros);
    expectPainted(out.subarray(24));
    const tensor = new Tensor(painted(24));
    expect(pe.forwardInto(x, tensor)).toBe(tensor);
    expectBits(tensor.data, zeros);
    const view = painted(40);
    pe.forwardInto(x, view.subarray(5, 29));
    expectBits(view.subarray(5, 29), zeros);
    expectPainted(view.subarray(0, 5));
    expectPainted(view, 29);
  });

  it('ignores overridden properties of x', () => {
    const pe = make();
    const wanted = pe.forward(ramp(24), { shape: [6, 4] }).data;
    for (const value of [0, 1000]) {
      const x = Object.defineProperty(ramp(24), 'length', { value });
      expectBits(pe.forward(x, { shape: [6, 4] }).data, wanted);
      const out = painted(24);
      pe.forwardInto(x, out, { shape: [6, 4] });
      expectBits(out, wanted);
    }
  });

  it('works in place, with out = x', () => {
    const wanted = pe.forward(ramp(24), { shape: [6, 4] }).data;
    const x = ramp(24);
    pe.forwardInto(x, x, { shape: [6, 4] });
    expectBits(x, wanted);
    const [a, b] = [ramp(24), new Float32Array(0)];
    const same = new Float32Array(a.buffer, 0, 24);
    pe.forwardInto(a, same, { shape: [6, 4] });
    expectBits(a, wanted);
    pe.forwardInto(b, b, { shape: [0, 4] });
    const tensor = Tensor.allocate([6, 4]);
    tensor.data.set(ramp(24));
    expect(pe.forwardInto(tensor, tensor)).toBe(tensor);
    expectBits(tensor.data, wanted);
    const plain = new Tensor(ramp(24), { shape: [6, 4] });
    pe.forwardInto(plain, plain.data);
    expectBits(plain.data, wanted);
  });

  it('rejects any other overlap without writing', () => {
    const buffer = painted(40);
    const overlap = { class: RangeError, code: 'ERR_OVERLAP' } as const;
    const x = buffer.subarray(0, 24);
    expectError(() => pe.forwardInto(x, buffer.subarray(1, 25), { shape: [6, 4] }), {
      ...overlap,
      text: 'x',
    });
    expectError(() => pe.forwardInto(x, buffer.subarray(0, 25), { shape: [6, 4] }), overlap);
    expectError(() => pe.forwardInto(x, buffer, { shape: [6, 4] }), overlap);
    expectError(() => pe.forwardInto(x, buffer.subarray(23), { shape: [1, 4] }), {
      class: RangeError,
      code: 'ERR_SHAPE',
    });
    const ids = new Int32Array(buffer.buffer, 0, 6);
    const before = ids.slice();
    expectError(() => pe.forwardInto(ramp(24), buffer, { shape: [6, 4], positionIds: ids }), {
      ...overlap,
      text: 'positionIds',
    });
    expect(ids).toEqual(before);
    expectPainted(buffer);
    pe.forwardInto(buffer.subarray(0, 16), buffer.subarray(16, 32), { shape: [4, 4] });
    expectPainted(buffer.subarray(0, 16));
    expect(buffer.subarray(16, 32)).not.toEqual(painted(16));
  });
});

describe('errors of forward and forwardInto', () => {
  const pe = make({ embeddingDim: 64 });
  const x = (...shape: number[]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return new Tensor(new Float32Array(size), { shape });
  };
  const rank = (shape: number[]) => ({
    class: RangeError,
    code: 'ERR_RANK',
    text: `Expected 2D or 3D embeddings, got shape [${shape.join(', ')}]`,
    fields: { shape },
  });

  /** Expects the error from both methods, an unchanged output, and that the next call works. */
  const both = (input: unknown, options: unknown, refusal: Expected) => {
    expectError(() => untyped(pe).forward(input, options), refusal);
    expectErrorAndNoWrite(2048, (out) => untyped(pe).forwardInto(input, out, options), refusal);
    expect(pe.forward(x(1, 64)).data[1]).toBe(1);
  };

  it('a wrong rank: ERR_RANK', () => {
    both(new Float32Array(4), undefined, rank([4]));
    both(new Float32Array(64), undefined, rank([64]));
    both(x(1, 1, 1, 64), undefined, rank([1, 1, 1, 64]));
    both(new Tensor(1), undefined, rank([]));
    both(new Float32Array(4), { shape: [] }, rank([]));
    both(new Float32Array(4), { shape: [4] }, rank([4]));
  });

  it('a wrong number of columns: ERR_DIM', () => {
    const text = 'Embedding dim mismatch: expected 64, got 65';
    both(x(2, 65), undefined, { class: RangeError, code: 'ERR_DIM', text });
    both(x(2, 3, 63), undefined, { class: RangeError, code: 'ERR_DIM', text: 'expected 64, got 63' });
    both(
      new Float32Array(0),
      { shape: [0, 0] },
      { class: RangeError, code: 'ERR_DIM', text: 'expected 64, got 0' },
    );
    both(x(2, 65), { shape: [2, 65] }, { class: RangeError, code: 'ERR_DIM', text });
  });

  it('a sequence that is too long: ERR_SEQUENCE_LENGTH', () => {
    const long = (text: string) => ({ class: RangeError, code: 'ERR_SEQUENCE_LENGTH', text });
    both(x(7, 64), undefined, long('Sequence length 7 exceeds max 6'));
    both(x(2, 7, 64), undefined, long('Sequence length 7 exceeds max 6'));
    both(x(4, 64), { startPos: 3 }, long('Sequence length 7 exceeds max 6'));
    both(x(4, 64), { startPos: 3 }, long('startPos 3'));
    both(x(1, 64), { startPos: Number.MAX_SAFE_INTEGER }, long(`exceeds max 6`));
    both(x(1, 64), { startPos: 2 ** 32 }, long(`Sequence length 4294967297 exceeds max 6`));
  });

  it('shapes and lengths that do not match: ERR_SHAPE', () => {
    const shape = { class: RangeError, code: 'ERR_SHAPE' } as const;
    both(new Float32Array(64), { shape: [2, 64] }, { ...shape, text: /2, 64.*64/ });
    both(x(2, 64), { shape: [1, 2, 64] }, shape);
    both(
      x(2, 64),
      { positionIds: [0, 1, 2] },
      { ...shape, text: 'positionIds must have shape [2]: got [3]' },
    );
    both(x(2, 64), { positionIds: [0] }, { ...shape, text: 'got [1]' });
    both(x(2, 64), { positionIds: 1 }, { ...shape, text: 'got []' });
    both(x(2, 64), { positionIds: [[0, 1]] }, { ...shape, text: 'got [1, 2]' });
    both(
      x(3, 2, 64),
      {
        positionIds: [
          [0, 1],
          [0, 1],
        ],
      },
      { ...shape, text: '[2] or [3, 2]' },
    );
    both(x(3, 2, 64), { positionIds: [0, 1, 2] }, { ...shape, text: 'got [3]' });
    expectErrorAndNoWrite(127, (out) => pe.forwardInto(x(2, 64), out), { ...shape, text: /out.*127.*128/ });
  });

  it('ids out of range: ERR_ID_OUT_OF_RANGE', () => {
    const outside = (value: number | bigint, position: number) => ({
      class: RangeError,
      code: 'ERR_ID_OUT_OF_RANGE',
      text: 'Positions must be in range [0, 6)',
      fields: { value, position, bound: 6 },
    });
    both(
      x(3, 64),
      { positionIds: [0, 6, 9] },
      { ...outside(6, 1), text: 'Positions must be in range [0, 6): got 6 at [1]' },
    );
    both(x(3, 64), { positionIds: [0, 5, -1] }, outside(-1, 2));
    both(x(3, 64), { positionIds: Int8Array.of(-128, 0, 0) }, outside(-128, 0));
    both(x(3, 64), { positionIds: [0, 2 ** 40, 6] }, outside(2 ** 40, 1));
    both(x(3, 64), { positionIds: [6, 2 ** 40, 6] }, outside(6, 0));
    both(x(3, 64), { positionIds: BigUint64Array.of(0n, 0n, 2n ** 64n - 1n) }, outside(2n ** 64n - 1n, 2));
    both(
      x(2, 2, 64),
      {
        positionIds: [
          [0, 1],
          [2, 7],
        ],
      },
      { ...outside(7, 3), text: 'at [1, 1]' },
    );
  });

  it('ids of a wrong kind: ERR_INVALID_ID, ERR_RAGGED, ERR_INVALID_IDS', () => {
    const id = { class: TypeError, code: 'ERR_INVALID_ID' } as const;
    const ids = { class: TypeError, code: 'ERR_INVALID_IDS' } as const;
    both(x(2, 64), { positionIds: [0, 0.5] }, id);
    both(x(2, 64), { positionIds: [0, '1'] }, id);
    both(x(2, 64), { positionIds: [[0], 1] }, { class: TypeError, code: 'ERR_RAGGED' });
    for (const positionIds of [null, '0', {}, true, 3n, new Float32Array(2), new Map()])
      both(x(2, 64), { positionIds }, ids);
  });

  it('arrays of a wrong kind: ERR_INVALID_ARRAY', () => {
    for (const input of [
      undefined,
      null,
      3,
      [[1]],
      new Float64Array(64),
      new Int32Array(64),
      new Tensor(new Float64Array(64)),
    ]) {
      both(input, undefined, { class: TypeError, code: 'ERR_INVALID_ARRAY', fields: { argument: 'x' } });
    }
    for (const out of [undefined, null, [], new Float64Array(64), new Tensor(new Int32Array(64))]) {
      expectError(() => untyped(pe).forwardInto(x(1, 64), out), {
        class: TypeError,
        code: 'ERR_INVALID_ARRAY',
        fields: { argument: 'out' },
      });
    }
    const gone = new Float32Array(64);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    both(gone, { shape: [1, 64] }, { class: TypeError, code: 'ERR_INVALID_ARRAY', text: 'detached' });
    expectError(() => pe.forwardInto(x(1, 64), gone), {
      class: TypeError,
      code: 'ERR_INVALID_ARRAY',
      text: 'detached',
    });
  });

  it('wrong options: ERR_INVALID_OPTION', () => {
    both(x(1, 64), { start: 1 }, invalidOption(TypeError, 'start'));
    both(x(1, 64), { startPos: '1' }, invalidOption(TypeError, 'startPos'));
    both(x(1, 64), { startPos: null }, invalidOption(TypeError, 'startPos'));
    for (const startPos of [-1, 0.5, Number.NaN, Infinity])
      both(x(1, 64), { startPos }, invalidOption(RangeError, 'startPos'));
    both(x(1, 64), { startPos: 0, positionIds: [0] }, invalidOption(RangeError, 'startPos'));
    both(x(1, 64), { shape: 64 }, invalidOption(TypeError, 'shape'));
    both(x(1, 64), { shape: [1, '64'] }, invalidOption(TypeError, 'shape'));
    both(x(1, 64), { shape: [-1, 64] }, invalidOption(RangeError, 'shape'));
    both(x(1, 64), { shape: [1.5, 64] }, invalidOption(RangeError, 'shape'));
    both(x(1, 64), null, invalidOption(TypeError, 'options'));
  });

  it('follow the documented order of checks', () => {
    const gone = make({ embeddingDim: 64 });
    gone.dispose();
    const steps: [string, () => unknown][] = [
      ['ERR_DISPOSED', () => untyped(gone).forward(1, { unknown: 1 })],
      ['ERR_INVALID_OPTION', () => untyped(pe).forward(1, { startPos: -1, unknown: 1 })],
      ['ERR_INVALID_OPTION', () => untyped(pe).forward(1, { startPos: -1 })],
      ['ERR_INVALID_ARRAY', () => untyped(pe).forward(1, { positionIds: [0.5] })],
      ['ERR_INVALID_ARRAY', () => untyped(pe).forwardInto(x(4), 1, { positionIds: [0.5] })],
      ['ERR_INVALID_IDS', () => untyped(pe).forward(x(4), { positionIds: 'x' })],
      ['ERR_INVALID_ID', () => untyped(pe).forward(x(4), { positionIds: [0.5] })],
      ['ERR_RANK', () => untyped(pe).forward(x(4), { positionIds: [9] })],
      ['ERR_DIM', () => untyped(pe).forward(new Float32Array(4), { shape: [9, 9] })],
      ['ERR_SHAPE', () => untyped(pe).forward(new Float32Array(4), { shape: [9, 64] })],
      ['ERR_SHAPE', () => untyped(pe).forwardInto(x(9, 64), new Float32Array(1))],
      ['ERR_SEQUENCE_LENGTH', () => untyped(pe).forward(x(9, 64))],
      [
        'ERR_ID_OUT_OF_RANGE',
        () => untyped(pe).forward(x(9, 64), { positionIds: [9, 0, 0, 0, 0, 0, 0, 0, 0] }),
      ],
    ];
    expect(steps.map(([, run]) => thrown(run)['code'])).toEqual(steps.map(([code]) => code));
  });
});

describe('a getter inside positionIds', () => {
  it('can call the same object, detach x or dispose the table without a crash', () => {
    const pe = make();
    const nested = (act: () => unknown) => {
      const ids = [0, 1];
      Object.defineProperty(ids, 1, {
        get: () => {
          act();
          return 1;
        },
      });
      return ids;
    };
    const x = new Tensor(ramp(8), { shape: [2, 4] });
    const wanted = pe.forward(x).data;
    expectBits(
      pe.forward(x, { positionIds: nested(() => pe.forward(x, { positionIds: [5, 5] })) }).data,
      wanted,
    );
    const moved = ramp(8);
    const move = () => structuredClone(moved.buffer, { transfer: [moved.buffer] });
    expectErrorAndNoWrite(
      8,
      (out) => pe.forwardInto(moved, out, { shape: [2, 4], positionIds: nested(move) }),
      {
        class: TypeError,
        code: 'ERR_INVALID_ARRAY',
      },
    );
    const out = painted(8);
    const moveOut = () => structuredClone(out.buffer, { transfer: [out.buffer] });
    expectError(() => pe.forwardInto(x, out, { positionIds: nested(moveOut) }), {
      class: TypeError,
      code: 'ERR_INVALID_ARRAY',
    });
    const mine = new Error('mine');
    const throwing = nested(() => {
      throw mine;
    });
    expect(thrown(() => pe.forward(x, { positionIds: throwing }))).toBe(mine);
    expectErrorAndNoWrite(8, (out) => pe.forwardInto(x, out, { positionIds: nested(() => pe.dispose()) }), {
      class: Error,
      code: 'ERR_DISPOSED',
    });
  });
});

describe('encode', () => {
  const pe = make();

  it('accepts positions in any form and appends D to their shape', () => {
    expect(pe.encode(3).shape).toEqual([4]);
    expect(pe.encode([]).shape).toEqual([0, 4]);
    expect(pe.encode([[], []]).shape).toEqual([2, 0, 4]);
    expect(pe.encode([[[1, 2]], [[3, 4]]]).shape).toEqual([2, 1, 2, 4]);
    expect(pe.encode(new Tensor(Int32Array.of(1, 2, 3, 4, 5, 6), { shape: [3, 2] })).shape).toEqual([
      3, 2, 4,
    ]);
    const rows = [4_000_000_000, 0, 7].flatMap((position) => sinusoidRow(position, 4));
    expectBits(pe.encode([4_000_000_000, 0, 7]).data, rows);
    expectBits(pe.encode(Uint32Array.of(4_000_000_000, 0, 7)).data, rows);
    expectBits(pe.encode(BigInt64Array.of(4_000_000_000n, 0n, 7n)).data, rows);
    expectBits(pe.encode([Uint32Array.of(4_000_000_000, 0, 7)]).data, rows);
    expectBits(pe.encode(Uint8Array.of(7)).data, sinusoidRow(7, 4));
    expectBits(pe.encode(-0).data, sinusoidRow(0, 4));
  });

  it('rejects invalid positions', () => {
    const text = 'Positions must be in range [0, 4294967296)';
    const outside = (value: number | bigint, position: number) => ({
      class: RangeError,
      code: 'ERR_ID_OUT_OF_RANGE',
      text,
      fields: { value, position, bound: 2 ** 32 },
    });
    expectError(() => pe.encode(-1), { ...outside(-1, 0), text: `${text}: got -1 at []` });
    expectError(() => pe.encode(new Float32Array(1) as never), {
      class: TypeError,
      code: 'ERR_INVALID_IDS',
      fields: { argument: 'positions' },
    });
    expectError(() => pe.encode(2 ** 32), outside(2 ** 32, 0));
    expectError(() => pe.encode([0, 1, 1e300]), outside(1e300, 2));
    expectError(() => pe.encode(Int16Array.of(0, -5)), outside(-5, 1));
    expectError(() => pe.encode(BigInt64Array.of(0n, -5n)), outside(-5n, 1));
    expectError(() => pe.encode(BigUint64Array.of(2n ** 32n)), outside(2n ** 32n, 0));
    expectError(
      () =>
        pe.encode([
          [0, 1],
          [2, -1],
        ]),
      { ...outside(-1, 3), text: 'got -1 at [1, 1]' },
    );
    for (const value of [0.5, Number.NaN, Infinity])
      expectError(() => pe.encode(value), { class: TypeError, code: 'ERR_INVALID_ID' });
    expectError(() => untyped(pe).encode([1, null]), { class: TypeError, code: 'ERR_INVALID_ID' });
    expectError(() => untyped(pe).encode([1, [2]]), { class: TypeError, code: 'ERR_RAGGED' });
    for (const value of [undefined, null, '1', {}, 1n, true, new Float32Array(1)]) {
      expectError(() => untyped(pe).encode(value), { class: TypeError, code: 'ERR_INVALID_IDS' });
    }
    expectBits(pe.encode(1).data, sinusoidRow(1, 4));
  });
});

describe('visualizeEncoding', () => {
  const keys = ['text', 'seqLength', 'dimsShown', 'values', 'frequencies', 'minFrequency', 'maxFrequency'];

  it('returns the report as data', () => {
    const pe = new PositionalEncoding({ embeddingDim: 64 });
    const report = pe.visualizeEncoding({ print: null });
    expect(Object.keys(report).sort()).toEqual(keys.sort());
    expect(report).toMatchObject({ seqLength: 100, dimsShown: 10, maxFrequency: 1 });
    expect(report.values).toHaveLength(10);
    report.values.forEach((row, position) => {
      expect(row).toEqual(Array.from({ length: 10 }, (_, column) => sinusoid(position, column, 64)));
    });
    expect(report.frequencies).toHaveLength(32);
    report.frequencies.forEach((w, i) => expect(Math.abs(w / frequencyOf(i, 64) - 1)).toBeLessThan(2 ** -52));
    expect(report.minFrequency).toBe(report.frequencies[31]);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(pe.visualizeEncoding({ print: null }).values).not.toBe(report.values);
  });

  it('makes correct statements', () => {
    const { text } = new PositionalEncoding({ embeddingDim: 64 }).visualizeEncoding({ print: null });
    expect(text).toContain('Sequence length: 100, Dimensions shown: 10');
    expect(text).toContain('First 10 positions, first 10 dimensions');
    expect(text).toMatch(/Dimension 0 oscillates fastest, at 1 rad per position/);
    expect(text).toContain((10_000 ** (-62 / 64)).toPrecision(6));
    expect(text).toMatch(/^ {2}1 +0\.841 +0\.540/m);
    expect(text.split('\n').filter((line) => /^ +\d /.test(line))).toHaveLength(10);
  });

  it('clamps to the table and shows at most 10 x 10 values', () => {
    const small = new PositionalEncoding({ embeddingDim: 3, maxSeqLength: 2 }).visualizeEncoding({
      print: null,
    });
    expect(small).toMatchObject({ seqLength: 2, dimsShown: 3 });
    expect(small.values.map((row) => row.length)).toEqual([3, 3]);
    expect(small.text).toContain('First 2 positions, first 3 dimensions');
    const some = make({ embeddingDim: 40, maxSeqLength: 50 }).visualizeEncoding({
      seqLength: 5,
      dimsToShow: 7,
      print: null,
    });
    expect([some.seqLength, some.dimsShown, some.values.length, some.values[0]!.length]).toEqual([
      5, 7, 5, 7,
    ]);
    const many = make({ embeddingDim: 40, maxSeqLength: 50 }).visualizeEncoding({
      seqLength: 999,
      dimsToShow: 30,
      print: null,
    });
    expect([many.seqLength, many.dimsShown, many.values.length, many.values[0]!.length]).toEqual([
      50, 30, 10, 10,
    ]);
    const one = new PositionalEncoding({ embeddingDim: 1, maxSeqLength: 1 }).visualizeEncoding({
      print: null,
    });
    expect(one).toMatchObject({ values: [[0]], frequencies: [1], minFrequency: 1, maxFrequency: 1 });
  });

  it('prints one line per call: to a function, by default to the console, and not at all with null', () => {
    const pe = make();
    const lines: string[] = [];
    const report = pe.visualizeEncoding({ print: (line) => lines.push(line) });
    expect(lines.join('\n')).toBe(report.text);
    expect(lines.length).toBeGreaterThan(8);
    expect(lines.every((line) => !line.includes('\n'))).toBe(true);
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    try {
      pe.visualizeEncoding();
      pe.visualizeEncoding({ print: undefined });
      expect(log.mock.calls).toEqual([...lines, ...lines].map((line) => [line]));
      log.mockClear();
      pe.visualizeEncoding({ print: null });
      pe.toSVG();
      expect(log).not.toHaveBeenCalled();
    } finally {
      log.mockRestore();
    }
  });

  it('rejects invalid options without printing', () => {
    const pe = make();
    const print = vi.fn();
    for (const option of ['seqLength', 'dimsToShow']) {
      for (const value of [0, -1, 0.5, Number.NaN, Infinity]) {
        expectError(
          () => untyped(pe).visualizeEncoding({ [option]: value, print }),
          invalidOption(RangeError, option),
        );
        expectError(() => untyped(pe).toSVG({ [option]: value }), invalidOption(RangeError, option));
      }
      for (const value of [null, '1', 1n]) {
        expectError(
          () => untyped(pe).visualizeEncoding({ [option]: value, print }),
          invalidOption(TypeError, option),
        );
        expectError(() => untyped(pe).toSVG({ [option]: value }), invalidOption(TypeError, option));
      }
    }
    expectError(() => untyped(pe).visualizeEncoding({ print: 'console' }), invalidOption(TypeError, 'print'));
    expectError(
      () => untyped(pe).visualizeEncoding({ print, numDims: 3 }),
      invalidOption(TypeError, 'numDims'),
    );
    expectError(() => untyped(pe).visualizeEncoding(null), invalidOption(TypeError, 'options'));
    expectError(() => untyped(pe).toSVG({ print }), invalidOption(TypeError, 'print'));
    expect(print).not.toHaveBeenCalled();
  });
});

/** Whether all tags are properly nested: sufficient for well-formed XML without entities. */
function wellFormed(svg: string): boolean {
  const open: string[] = [];
  const tags = svg.matchAll(/<(\/?)([a-z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>|([^<]+)|(<)/g);
  for (const [, closing, name, , alone, words, stray] of tags) {
    if (stray !== undefined || /[&>]/.test(words ?? '')) return false;
    if (name === undefined || alone === '/') continue;
    if (closing === '/' ? open.pop() !== name : open.push(name) === 0) return false;
  }
  return open.length === 0;
}

describe('toSVG', () => {
  it.each([
    [1, 1, 10_000],
    [2, 3, 10_000],
    [64, 200, 10_000],
    [7, 30, 1],
    [5, 5, 1e12],
  ])('draws %i columns of %i positions, base %d, in well-formed SVG', (embeddingDim, maxSeqLength, base) => {
    const svg = new PositionalEncoding({ embeddingDim, maxSeqLength, base }).toSVG();
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg).toMatch(/<\/svg>$/);
    expect(wellFormed(svg)).toBe(true);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    const cells = Math.min(100, maxSeqLength) * Math.min(64, embeddingDim);
    expect(svg.match(/<rect /g)).toHaveLength(cells + 1);
    const points = /points="([^"]*)"/.exec(svg)![1]!.split(' ');
    expect(points).toHaveLength(Math.ceil(embeddingDim / 2));
  });

  it('draws the requested range, clamped', () => {
    const pe = make({ embeddingDim: 20, maxSeqLength: 30 });
    expect(pe.toSVG({ seqLength: 4, dimsToShow: 5 }).match(/<rect /g)).toHaveLength(21);
    expect(pe.toSVG({ seqLength: 99, dimsToShow: 99 }).match(/<rect /g)).toHaveLength(601);
  });

  it('the check detects XML that is not well-formed', () => {
    expect(['<svg><g></svg>', '<svg', '<svg>a & b</svg>', '<svg a="<"></svg>'].map(wellFormed)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('dispose', () => {
  it('makes methods throw, is idempotent, and leaves sizes readable', () => {
    const pe = make({ seed: 4 });
    pe.dispose();
    pe.dispose();
    expect(pe.disposed).toBe(true);
    const x = new Float32Array(8);
    const uses = [
      () => pe.forward(x, { shape: [2, 4] }),
      () => pe.forwardInto(x, x, { shape: [2, 4] }),
      () => pe.encode(1),
      () => pe.pe,
      () => pe.visualizeEncoding({ print: null }),
      () => pe.toSVG(),
      () => pe.train(),
      () => pe.eval(),
    ];
    for (const use of uses) expectError(use, { class: Error, code: 'ERR_DISPOSED' });
    expect(pe).toMatchObject({
      embeddingDim: 4,
      maxSeqLength: 6,
      base: 10_000,
      layout: 'interleaved',
      seed: 4,
      dropout: 0,
    });
    expect(pe.parameters).toEqual([]);
    expect(pe.training).toBe(false);
    expect(x.every((value) => value === 0)).toBe(true);
  });

  it('is called by `using`', () => {
    const pe = make();
    const name = (Symbol as { dispose?: symbol }).dispose ?? Symbol.for('Symbol.dispose');
    (pe as unknown as Record<symbol, () => void>)[name]!();
    expect(pe.disposed).toBe(true);
  });
});
