/** Dropout: which elements are dropped, how calls are counted, and training mode. */

import {
  Embedding,
  EmbeddingLayer,
  LearnedPositionalEmbedding,
  PositionalEncoding,
  type PositionalEncodingOptions,
  Tensor,
} from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { expectBits, expectPainted, painted } from './helpers/bits.js';
import { expectError, invalidOption } from './helpers/errors.js';
import { dropped, falls, philox } from './helpers/reference.mjs';

const make = (options: Partial<PositionalEncodingOptions> = {}) =>
  new PositionalEncoding({ embeddingDim: 5, maxSeqLength: 8, dropout: 0.3, seed: 42, ...options });

/** Values that do not become 0 by adding positions. */
const x = Float32Array.from({ length: 40 }, (_, i) => i + 2);
const shape = [8, 5];

describe('the generator of this test', () => {
  it('gives the known answers of Philox4x32-10', () => {
    const ones = 0xffff_ffff;
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    expect(philox([ones, ones, ones, ones], [ones, ones])).toEqual([
      0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd,
    ]);
    expect(philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0])).toEqual([
      0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1,
    ]);
  });
});

describe('dropped elements', () => {
  it.each([
    [0.3, 42],
    [0.5, 0],
    [0.999_999, 7],
    [1e-9, 7],
    [2 ** -32, 7],
    [0.1, 2 ** 53 - 1],
    [0.25, 2n ** 64n - 1n],
    [0.75, 0x1234_5678_9abc_def0n],
  ])('follow the generator with p = %d, seed %s; the others are divided by f32(1 - p)', (p, seed) => {
    const pe = make({ dropout: p, seed });
    const sums = pe.forward(x, { shape }).data;
    pe.train();
    for (const call of [0, 1, 2]) expectBits(pe.forward(x, { shape }).data, dropped(sums, { p, seed, call }));
  });

  it('become +0, and the others are divided by 1 - p, for any value', () => {
    const special = Float32Array.from(
      { length: 40 },
      (_, i) => [Number.NaN, Infinity, -Infinity, -5][i % 4]!,
    );
    const pe = make({ dropout: 0.5 });
    const sums = pe.forward(special, { shape }).data;
    const out = pe.train().forward(special, { shape }).data;
    expectBits(out, dropped(sums, { p: 0.5, seed: 42, call: 0 }));
    const fallen = out.filter((_, i) => falls(0.5, 42, 0, i));
    expect(fallen.length).toBeGreaterThan(5);
    expect(fallen.every((value) => Object.is(value, 0))).toBe(true);
  });

  it('are a share of about p, and the mean is preserved', () => {
    const pe = new PositionalEncoding({ embeddingDim: 100, maxSeqLength: 1, dropout: 0.2, seed: 5 }).train();
    const ones = new Float32Array(200_000).fill(1e6);
    const out = pe.forward(ones, { shape: [2000, 1, 100] }).data;
    const zeros = out.filter((value) => value === 0).length / out.length;
    expect(Math.abs(zeros - 0.2)).toBeLessThan(0.005);
    expect(Math.abs(out.reduce((sum, value) => sum + value, 0) / out.length / 1e6 - 1)).toBeLessThan(0.005);
  });

  it('are the same in place, with a longer out, with startPos and with positionIds', () => {
    const expected = make().train().forward(x, { shape }).data;
    const out = painted(50);
    make().train().forwardInto(x, out, { shape });
    expectBits(out.subarray(0, 40), expected);
    expectPainted(out.subarray(40));
    const place = x.slice();
    make().train().forwardInto(place, place, { shape });
    expectBits(place, expected);
    expectBits(
      make()
        .train()
        .forward(x, { shape, positionIds: [0, 1, 2, 3, 4, 5, 6, 7] }).data,
      expected,
    );
    const some = make().forward(x, { shape: [2, 4, 5], startPos: 4 }).data;
    expectBits(
      make()
        .train()
        .forward(x, { shape: [2, 4, 5], startPos: 4 }).data,
      dropped(some, { p: 0.3, seed: 42, call: 0 }),
    );
  });
});

describe('the call counter', () => {
  const sums = make().forward(x, { shape }).data;
  const call = (pe: PositionalEncoding, k: number) =>
    expectBits(pe.forward(x, { shape }).data, dropped(sums, { p: 0.3, seed: 42, call: k }), {
      where: `call ${k}`,
    });

  it('counts calls of forward and forwardInto', () => {
    const pe = make().train();
    call(pe, 0);
    pe.forwardInto(x, new Float32Array(40), { shape });
    call(pe, 2);
  });

  it('does not count calls outside of training, and continues afterwards', () => {
    const pe = make();
    pe.forward(x, { shape });
    pe.train();
    call(pe, 0);
    pe.eval();
    for (let i = 0; i < 3; i++) expectBits(pe.forward(x, { shape }).data, sums);
    pe.encode([1, 2, 3]);
    pe.train();
    call(pe, 1);
  });

  it('does not count failed calls', () => {
    const pe = make().train();
    call(pe, 0);
    const errors: [string, () => unknown][] = [
      ['ERR_RANK', () => pe.forward(x)],
      ['ERR_DIM', () => pe.forward(x, { shape: [10, 4] })],
      ['ERR_SEQUENCE_LENGTH', () => pe.forward(x, { shape, startPos: 1 })],
      ['ERR_ID_OUT_OF_RANGE', () => pe.forward(x, { shape, positionIds: [0, 0, 0, 0, 0, 0, 0, 8] })],
      ['ERR_SHAPE', () => pe.forwardInto(x, new Float32Array(39), { shape })],
    ];
    for (const [code, run] of errors) {
      expect(run).toThrow(expect.objectContaining({ code }));
    }
    call(pe, 1);
  });

  it('counts calls with empty results', () => {
    const pe = make().train();
    pe.forward(new Float32Array(0), { shape: [0, 5] });
    call(pe, 1);
  });

  it('is separate for each object', () => {
    const [a, b] = [make().train(), make().train()];
    call(a, 0);
    call(a, 1);
    call(b, 0);
  });

  it('does not count with p = 0, and nothing is dropped', () => {
    const pe = make({ dropout: 0 }).train();
    for (let i = 0; i < 3; i++) expectBits(pe.forward(x, { shape }).data, sums);
  });

  it('counts a nested call (from a getter) first', () => {
    const pe = make().train();
    const ids = [0, 1, 2, 3, 4, 5, 6, 7];
    const nested = Object.defineProperty([...ids], 7, {
      get: () => {
        call(pe, 0);
        return 7;
      },
    });
    expectBits(
      pe.forward(x, { shape, positionIds: nested }).data,
      dropped(sums, { p: 0.3, seed: 42, call: 1 }),
    );
  });
});

describe('training', () => {
  it('starts false; train and eval return the object', () => {
    const pe = make();
    expect(pe.training).toBe(false);
    expect(pe.train()).toBe(pe);
    expect(pe.training).toBe(true);
    expect(pe.train().eval()).toBe(pe);
    expect(pe.training).toBe(false);
    expect(() => {
      (pe as unknown as { training: boolean }).training = true;
    }).toThrow(TypeError);
  });

  it('of learned positions drops nothing', () => {
    const learned = new LearnedPositionalEmbedding({ maxSeqLength: 8, embeddingDim: 5, seed: 1 });
    const expected = learned.forward(x, { shape }).data;
    expect(learned.train().training).toBe(true);
    expectBits(learned.forward(x, { shape }).data, expected);
    expect(learned.eval().training).toBe(false);
  });
});

describe('in an EmbeddingLayer', () => {
  const options = { vocabSize: 11, embeddingDim: 5, maxSeqLength: 8, seed: 42, dropout: 0.3 };
  const ids = [
    [0, 10, 3, 3],
    [4, 5, 6, 7],
  ];

  it.each(['sinusoidal', 'learned', null] as const)(
    'with positions %s, dropout applies to the sum, with the seed of the layer',
    (positional) => {
      const layer = new EmbeddingLayer({ ...options, positional });
      const sum = layer.forward(ids).data;
      layer.train();
      expect(layer.training).toBe(true);
      for (const call of [0, 1])
        expectBits(layer.forward(ids).data, dropped(sum, { p: 0.3, seed: 42, call }));
      expectError(() => layer.forward([11]), { class: RangeError, code: 'ERR_ID_OUT_OF_RANGE' });
      expectBits(layer.forward(ids).data, dropped(sum, { p: 0.3, seed: 42, call: 2 }));
      layer.eval();
      expectBits(layer.forward(ids).data, sum);
      expect(layer.training).toBe(false);
    },
  );

  it('train reaches the parts; a passed part keeps its dropout and counter', () => {
    const positional = make({ seed: 9 });
    const token = new Embedding({ vocabSize: 11, embeddingDim: 5, seed: 1 });
    const layer = new EmbeddingLayer({ token, positional });
    const sum = layer.forward(ids).data;
    expect([layer.training, positional.training]).toEqual([false, false]);
    layer.train();
    expect([layer.training, positional.training]).toEqual([true, true]);
    expectBits(layer.forward(ids).data, dropped(sum, { p: 0.3, seed: 9, call: 0 }));
    expectBits(positional.forward(token.forward(ids)).data, dropped(sum, { p: 0.3, seed: 9, call: 1 }));
    expectBits(layer.forward(ids).data, dropped(sum, { p: 0.3, seed: 9, call: 2 }));
    layer.eval();
    expect(positional.training).toBe(false);
    positional.train();
    expect(layer.training).toBe(true);
  });

  it('with passed learned positions, or without positions, drops nothing', () => {
    const token = new Embedding({ vocabSize: 11, embeddingDim: 5, seed: 1 });
    for (const positional of [new LearnedPositionalEmbedding({ maxSeqLength: 8, embeddingDim: 5 }), null]) {
      const layer = new EmbeddingLayer({ token, positional });
      const sum = layer.forward(ids).data;
      expectBits(layer.train().forward(ids).data, sum);
      expect(layer.training).toBe(true);
    }
  });

  it('rejects an invalid dropout', () => {
    for (const dropout of [-0.1, 1, Number.NaN])
      expectError(() => new EmbeddingLayer({ ...options, dropout }), invalidOption(RangeError, 'dropout'));
    expectError(
      () => new EmbeddingLayer({ ...options, dropout: '0' as unknown as number }),
      invalidOption(TypeError, 'dropout'),
    );
    const token = new Embedding({ vocabSize: 11, embeddingDim: 5 });
    const mixed = { token, positional: null, dropout: 0.1 } as unknown as ConstructorParameters<
      typeof EmbeddingLayer
    >[0];
    expectError(() => new EmbeddingLayer(mixed), invalidOption(TypeError, 'dropout'));
  });
});

describe('over many elements', () => {
  it('whether an element is dropped does not depend on how a call is split', () => {
    const p = 0.4;
    const pe = new PositionalEncoding({ embeddingDim: 1000, maxSeqLength: 1, dropout: p, seed: 3 });
    const ones = new Tensor(new Float32Array(300_000).fill(1), { shape: [300, 1, 1000] });
    const sums = pe.forward(ones).data;
    const out = pe.train().forward(ones).data;
    const keep = Math.fround(1 - p);
    for (let i = 0; i < out.length; i += 37) {
      expect(out[i]).toBe(falls(p, 3, 0, i) ? 0 : Math.fround(sums[i]! / keep));
    }
  });
});
