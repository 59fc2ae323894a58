/** LearnedPositionalEmbedding: an Embedding initialized from stream 1, added like other positions. */

import { Embedding, EmbeddingLayer, LearnedPositionalEmbedding, Tensor } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { expectBits, painted } from './helpers/bits.js';
import { type Expected, expectError, expectErrorAndNoWrite, invalidOption } from './helpers/errors.js';
import { word } from './helpers/reference.mjs';

const make = (options: object = {}) =>
  new LearnedPositionalEmbedding({ maxSeqLength: 6, embeddingDim: 4, seed: 7, ...options });
const Untyped = LearnedPositionalEmbedding as unknown as new (
  options?: unknown,
) => LearnedPositionalEmbedding;
const x = Float32Array.from({ length: 24 }, (_, i) => i / 8 - 1);

describe('the constructor', () => {
  it('creates an Embedding, normal by default', () => {
    const learned = make();
    const { positionEmbedding } = learned;
    expect(positionEmbedding).toBeInstanceOf(Embedding);
    expect(positionEmbedding).toMatchObject({
      vocabSize: 6,
      embeddingDim: 4,
      paddingIdx: null,
      initType: 'normal',
      seed: 7,
    });
    expect(learned).toMatchObject({
      maxSeqLength: 6,
      embeddingDim: 4,
      initType: 'normal',
      seed: 7,
      training: false,
      disposed: false,
    });
    expect(learned.parameters).toBe(positionEmbedding.parameters);
    expect([...learned.parameters]).toEqual([positionEmbedding.weight]);
    expect(positionEmbedding.weight.shape).toEqual([6, 4]);
    expect(make({ seed: undefined }).seed).not.toBe(make({ seed: undefined }).seed);
  });

  it('uses stream 1, not the stream of token tables', () => {
    const options = { embeddingDim: 4, initType: 'uniform', seed: 7 } as const;
    const table = new LearnedPositionalEmbedding({
      maxSeqLength: 6,
      ...options,
    }).positionEmbedding.weight.toTensor().data;
    const expected = Float32Array.from(
      { length: 24 },
      (_, i) => -0.5 + ((word(7, 1, 0, i) + 0.5) / 2 ** 32) * 2 * 0.5,
    );
    expectBits(table, expected);
    expect(table).not.toEqual(new Embedding({ vocabSize: 6, ...options }).weight.toTensor().data);
    const layer = new EmbeddingLayer({
      vocabSize: 6,
      maxSeqLength: 6,
      embeddingDim: 4,
      seed: 7,
      positional: 'learned',
    });
    expectBits(
      (layer.positional as LearnedPositionalEmbedding).positionEmbedding.weight.toTensor().data,
      make().positionEmbedding.weight.toTensor().data,
    );
  });

  it('scales normal by std exactly', () => {
    const table = (std: number) => make({ std }).positionEmbedding.weight.toTensor().data;
    expectBits(
      table(1),
      table(0.5).map((value) => value * 2),
    );
    expectBits(table(0.5), make().positionEmbedding.weight.toTensor().data);
    expect(table(0).every((value) => value === 0)).toBe(true);
  });

  it('rejects invalid options', () => {
    for (const option of ['maxSeqLength', 'embeddingDim']) {
      for (const value of [undefined, null, '6', 6n]) {
        expectError(
          () => new Untyped({ maxSeqLength: 6, embeddingDim: 4, [option]: value }),
          invalidOption(TypeError, option),
        );
      }
      for (const value of [0, -1, 0.5, Number.NaN]) {
        expectError(
          () => new Untyped({ maxSeqLength: 6, embeddingDim: 4, [option]: value }),
          invalidOption(RangeError, option),
        );
      }
    }
    expectError(() => make({ maxSeqLength: 2 ** 32 + 1 }), invalidOption(RangeError, 'maxSeqLength'));
    expectError(() => make({ initType: 'he' }), {
      class: RangeError,
      code: 'ERR_UNKNOWN_INIT',
      text: 'Unknown init_type: he',
    });
    expectError(() => make({ initType: null }), { class: RangeError, code: 'ERR_UNKNOWN_INIT' });
    expectError(() => make({ initType: 'zeros', std: 1 }), invalidOption(RangeError, 'std'));
    expectError(() => make({ std: -1 }), invalidOption(RangeError, 'std'));
    expectError(() => make({ seed: -1 }), invalidOption(RangeError, 'seed'));
    expectError(() => make({ dropout: 0.1 }), invalidOption(TypeError, 'dropout'));
    expectError(() => make({ paddingIdx: 0 }), invalidOption(TypeError, 'paddingIdx'));
    for (const options of [undefined, null, 6])
      expectError(() => new Untyped(options), invalidOption(TypeError, 'options'));
    expectError(() => make({ maxSeqLength: 2 ** 32, embeddingDim: 2 ** 40 }), {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
    });
  });
});

describe('forward', () => {
  const learned = make();
  const table = learned.positionEmbedding.weight.toTensor().data;
  const plus = (positions: number[]) =>
    x.map((value, i) =>
      Math.fround(value + table[positions[Math.floor(i / 4) % positions.length]! * 4 + (i % 4)]!),
    );

  it('adds rows from 0, from startPos, or at positionIds', () => {
    expectBits(learned.forward(x, { shape: [6, 4] }).data, plus([0, 1, 2, 3, 4, 5]));
    expectBits(learned.forward(new Tensor(x, { shape: [2, 3, 4] })).data, plus([0, 1, 2]));
    expect(learned.forward(x, { shape: [2, 3, 4] }).shape).toEqual([2, 3, 4]);
    expectBits(learned.forward(x, { shape: [3, 2, 4], startPos: 4 }).data, plus([4, 5]));
    expectBits(learned.forward(x, { shape: [2, 3, 4], positionIds: [5, 5, 0] }).data, plus([5, 5, 0]));
    const each = [
      [5, 4, 3],
      [0, 0, 1],
    ];
    expectBits(learned.forward(x, { shape: [2, 3, 4], positionIds: each }).data, plus(each.flat()));
    const place = x.slice();
    expect(learned.forwardInto(place, place, { shape: [6, 4] })).toBe(place);
    expectBits(place, plus([0, 1, 2, 3, 4, 5]));
  });

  it('sees writes to the table', () => {
    const own = make();
    own.parameters[0].set(2, [1, 2, 3, 4]);
    expect(own.forward(new Float32Array(4), { shape: [1, 4], startPos: 2 }).toArray()).toEqual([
      [1, 2, 3, 4],
    ]);
  });

  it('throws the same errors as PositionalEncoding', () => {
    const range = (code: string, text: string) => ({ class: RangeError, code, text });
    const both = (options: object, refusal: Expected) => {
      expectError(() => learned.forward(x, options), refusal);
      expectErrorAndNoWrite(32, (out) => learned.forwardInto(x, out, options), refusal);
    };
    both({}, range('ERR_RANK', 'Expected 2D or 3D embeddings, got shape [24]'));
    both({ shape: [8, 3] }, range('ERR_DIM', 'Embedding dim mismatch: expected 4, got 3'));
    both({ shape: [7, 4] }, range('ERR_SHAPE', '[7, 4]'));
    both({ shape: [6, 4], startPos: 1 }, range('ERR_SEQUENCE_LENGTH', 'Sequence length 7 exceeds max 6'));
    both(
      { shape: [2, 3, 4], positionIds: [0, 6, 0] },
      range('ERR_ID_OUT_OF_RANGE', 'Positions must be in range [0, 6): got 6 at [1]'),
    );
    both({ shape: [2, 3, 4], positionIds: [0, 1] }, range('ERR_SHAPE', '[3] or [2, 3]'));
    const out = painted(24);
    expectError(
      () => learned.forwardInto(out, out.subarray(1), { shape: [6, 4] }),
      range('ERR_SHAPE', 'out'),
    );
    expectError(
      () => learned.forwardInto(out.subarray(0, 16), out.subarray(4), { shape: [4, 4] }),
      range('ERR_OVERLAP', 'x'),
    );
  });
});

describe('dispose', () => {
  it('frees the shared table', () => {
    const learned = make();
    learned.dispose();
    learned.dispose();
    expect([learned.disposed, learned.positionEmbedding.disposed]).toEqual([true, true]);
    expectError(() => learned.forward(x, { shape: [6, 4] }), { class: Error, code: 'ERR_DISPOSED' });
    expectError(() => learned.positionEmbedding.forward(0), { class: Error, code: 'ERR_DISPOSED' });
    expectError(() => learned.parameters[0].row(0), { class: Error, code: 'ERR_DISPOSED' });
    expect(learned).toMatchObject({ maxSeqLength: 6, embeddingDim: 4, seed: 7, initType: 'normal' });
    const other = make();
    other.positionEmbedding.dispose();
    expect(other.disposed).toBe(false);
    expectError(() => other.forward(x, { shape: [6, 4] }), { class: Error, code: 'ERR_DISPOSED' });
  });
});
