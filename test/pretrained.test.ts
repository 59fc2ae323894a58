/** Embedding.fromPretrained: weights in every form, copied immediately. */

import { Embedding, Tensor } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { expectBits, fromBits } from './helpers/bits.js';
import { type Expected, expectError, invalidArray, invalidOption } from './helpers/errors.js';
import { detach, resizable, shared } from './helpers/memory.js';

answersThroughout();

const from = (weight?: unknown, options?: unknown): Embedding =>
  Embedding.fromPretrained(weight as Float32Array, options as object);

/** Expects a table with these values and disposes it. */
function expectTable(embedding: Embedding, rows: number, dim: number, values: Float32Array | number[]): void {
  expect([embedding.vocabSize, embedding.embeddingDim]).toEqual([rows, dim]);
  expectBits(embedding.weight.toTensor().data, values);
  expectBits(embedding.forward(rows - 1).data, Float32Array.from(values).slice(-dim));
  embedding.dispose();
}

const VALUES = [1, 2, 3, 4, 5, 6];
const misfit = (...text: string[]): Expected => ({ class: RangeError, code: 'ERR_SHAPE', text });

describe('weights', () => {
  it('can be a Tensor, an array with embeddingDim, or nested numbers', () => {
    const floats = Float32Array.from(VALUES);
    expectTable(from(new Tensor(floats, { shape: [2, 3] })), 2, 3, VALUES);
    expectTable(from(new Tensor(floats, { shape: [3, 2] }), { embeddingDim: 2 }), 3, 2, VALUES);
    expectTable(from(new Tensor(floats), { embeddingDim: 3 }), 2, 3, VALUES);
    expectTable(from(new Tensor(Float64Array.from(VALUES), { shape: [2, 3] })), 2, 3, VALUES);
    expectTable(from(new Tensor(Float64Array.from(VALUES)), { embeddingDim: 6 }), 1, 6, VALUES);
    expectTable(from(floats, { embeddingDim: 3 }), 2, 3, VALUES);
    expectTable(from(floats, { embeddingDim: 1 }), 6, 1, VALUES);
    expectTable(
      from([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      2,
      3,
      VALUES,
    );
    expectTable(
      from(
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        { embeddingDim: 3 },
      ),
      2,
      3,
      VALUES,
    );
    expectTable(from([Float32Array.of(1, 2), [3, 4], Float64Array.of(5, 6)]), 3, 2, VALUES);
  });

  it('can be in any kind of memory', () => {
    for (const memory of [new ArrayBuffer(40), shared(40), resizable(40, 80)]) {
      const view = new Float32Array(memory, 8, 6);
      view.set(VALUES);
      expectTable(from(view, { embeddingDim: 3 }), 2, 3, VALUES);
      expectTable(from(new Tensor(view, { shape: [3, 2] })), 3, 2, VALUES);
    }
    const allocated = Tensor.allocate([3, 2]);
    allocated.data.set(VALUES);
    expectTable(from(allocated), 3, 2, VALUES);
    allocated.dispose();
    const brand = Symbol.for('tokenbed.Tensor');
    expectTable(from({ [brand]: true, data: Float64Array.from(VALUES), shape: [2, 3] }), 2, 3, VALUES);
  });

  it('are copied immediately, bit for bit', () => {
    const special = fromBits(0x7f800001, 0xffedcba9, 0x80000000, 0x00000001);
    const copy = special.slice();
    const embedding = from(special, { embeddingDim: 2 });
    special.fill(0);
    expectBits(embedding.weight.toTensor().data, copy);
    embedding.dispose();
    expectTable(from(new Tensor(copy, { shape: [1, 4] })), 1, 4, copy);
  });

  it('leave seed and initType null', () => {
    const embedding = from([[1, 2]]);
    expect(embedding.seed).toBeNull();
    expect(embedding.initType).toBeNull();
    expect(embedding.paddingIdx).toBeNull();
    expect(embedding.dtype).toBe('f32');
    expect(Object.isFrozen(embedding)).toBe(true);
    embedding.dispose();
  });

  it('can come from another Embedding', () => {
    const first = new Embedding({ vocabSize: 7, embeddingDim: 5, seed: 3 });
    const second = Embedding.fromPretrained(first.weight.toTensor());
    expectBits(second.forward([6, 0, 3]).data, first.forward([6, 0, 3]).data);
    first.dispose();
    expectBits(second.weight.row(0).slice(0, 1), second.forward(0).data.slice(0, 1));
    second.dispose();
  });
});

describe('f64 weights', () => {
  it('are rounded to the nearest f32', () => {
    const values = [
      0.1,
      1 + 2 ** -24,
      1 + 3 * 2 ** -24,
      1e-46,
      -1e-46,
      Infinity,
      -Infinity,
      3.4028235e38,
      -0,
    ];
    const expected = values.map(Math.fround);
    expectTable(from(new Tensor(Float64Array.from(values), { shape: [3, 3] })), 3, 3, expected);
    expect(
      Number.isNaN(from(new Tensor(Float64Array.of(Number.NaN), { shape: [1, 1] })).weight.row(0)[0]),
    ).toBe(true);
  });

  it('that overflow throw an error with row and column', () => {
    const beyond = 3.4028236e38;
    for (const value of [beyond, -beyond, 1e300]) {
      const values = Float64Array.of(1, 2, 3, 4, 5, value, 7, 8, 1e301);
      const expected: Expected = {
        class: RangeError,
        code: 'ERR_RANGE',
        text: [String(value), 'row 1', 'column 2', 'f32'],
        fields: { row: 1, column: 2, value },
      };
      expectError(() => from(new Tensor(values, { shape: [3, 3] })), expected);
      expectError(() => from(new Tensor(values), { embeddingDim: 3 }), expected);
      expectError(
        () =>
          from([
            [1, 2, 3],
            [4, 5, value],
          ]),
        expected,
      );
    }
    expectTable(from([[1]]), 1, 1, [1]);
  });
});

describe('the padding row', () => {
  it('keeps its values', () => {
    const padding = (paddingIdx: number | null) => {
      const embedding = from(
        [
          [1, 2],
          [3, 4],
        ],
        { paddingIdx },
      );
      expectBits(embedding.weight.toTensor().data, [1, 2, 3, 4]);
      embedding.dispose();
      return embedding.paddingIdx;
    };
    expect([0, 1, -1, -2, null].map(padding)).toEqual([0, 1, 1, 0, null]);
  });

  it('must exist', () => {
    for (const paddingIdx of [2, -3, 0.5, Number.NaN, Infinity]) {
      expectError(
        () =>
          from(
            [
              [1, 2],
              [3, 4],
            ],
            { paddingIdx },
          ),
        invalidOption(RangeError, 'paddingIdx', paddingIdx),
      );
    }
    for (const paddingIdx of ['0', 0n, true, [0]]) {
      expectError(
        () =>
          from(
            [
              [1, 2],
              [3, 4],
            ],
            { paddingIdx },
          ),
        invalidOption(TypeError, 'paddingIdx', paddingIdx),
      );
      expectError(() => from('x', { paddingIdx }), invalidOption(TypeError, 'paddingIdx', paddingIdx));
    }
  });
});

describe('embeddingDim', () => {
  it('is required for a flat array', () => {
    for (const weight of [Float32Array.from(VALUES), new Tensor(VALUES), VALUES]) {
      expectError(() => from(weight), {
        ...invalidOption(TypeError, 'embeddingDim', undefined),
        text: ['embeddingDim', 'flat'],
      });
      expectError(() => from(weight, {}), invalidOption(TypeError, 'embeddingDim', undefined));
    }
  });

  it('must divide the length of a flat array, which must not be empty', () => {
    for (const embeddingDim of [4, 5, 7, 2 ** 40]) {
      expectError(() => from(Float32Array.from(VALUES), { embeddingDim }), misfit('6', String(embeddingDim)));
    }
    expectError(() => from(new Float32Array(0), { embeddingDim: 2 }), misfit('0', '2'));
  });

  it('must match the width of weights that are not flat', () => {
    for (const weight of [
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      new Tensor(Float64Array.from(VALUES), { shape: [2, 3] }),
    ]) {
      expectError(() => from(weight, { embeddingDim: 2 }), {
        class: RangeError,
        code: 'ERR_DIM',
        text: 'Embedding dim mismatch: expected 2, got 3',
        fields: { expected: 2, got: 3 },
      });
    }
  });

  it('must be an integer >= 1', () => {
    for (const embeddingDim of [0, -1, 1.5, Number.NaN, Infinity, 2 ** 53]) {
      expectError(
        () => from(Float32Array.from(VALUES), { embeddingDim }),
        invalidOption(RangeError, 'embeddingDim', embeddingDim),
      );
    }
    for (const embeddingDim of ['3', 3n, null, [3]]) {
      expectError(
        () => from(Float32Array.from(VALUES), { embeddingDim }),
        invalidOption(TypeError, 'embeddingDim', embeddingDim),
      );
      expectError(() => from('x', { embeddingDim }), invalidOption(TypeError, 'embeddingDim', embeddingDim));
    }
  });
});

describe('invalid weights', () => {
  it('have another shape', () => {
    const six = Float32Array.from(VALUES);
    for (const shape of [
      [1, 2, 3],
      [6, 1, 1],
    ]) {
      const fields = { shape };
      expectError(() => from(new Tensor(six, { shape })), { ...misfit(`[${shape.join(', ')}]`), fields });
    }
    for (const [weight, shape] of [
      [new Tensor(new Float32Array(0), { shape: [0, 3] }), '[0, 3]'],
      [new Tensor(new Float32Array(0), { shape: [3, 0] }), '[3, 0]'],
      [new Tensor(Float32Array.of(1), { shape: [] }), '[]'],
      [[[], []], '[2, 0]'],
      [[[[1]]], '[1, 1, 1]'],
    ] as const) {
      expectError(() => from(weight), misfit(shape));
    }
    expectError(() => from([], { embeddingDim: 1 }), misfit('0'));
  });

  it('are a Tensor whose memory has changed its length', () => {
    const memory = resizable(24, 24);
    const tensor = new Tensor(new Float32Array(memory), { shape: [2, 3] });
    memory.resize(20);
    expectError(() => from(tensor), misfit('[2, 3]', '6', '5'));
  });

  it('are ragged', () => {
    expectError(() => from([[1, 2], [3]]), {
      class: TypeError,
      code: 'ERR_RAGGED',
      text: ['weight is ragged'],
    });
    expectError(() => from([[1, 2], 3]), { class: TypeError, code: 'ERR_RAGGED' });
  });

  it('are of another type', () => {
    const cases: readonly (readonly [unknown, string])[] = [
      [undefined, 'nothing'],
      [null, 'null'],
      [5, '5'],
      ['weights', '"weights"'],
      [{}, 'an Object'],
      [new Map(), 'a Map'],
      [() => 1, 'a function'],
      [new ArrayBuffer(8), 'an ArrayBuffer'],
      [new Float64Array(6), 'a Float64Array'],
      [new Int32Array(6), 'an Int32Array'],
      [new BigInt64Array(6), 'a BigInt64Array'],
      [new Tensor(new Int32Array(6), { shape: [2, 3] }), 'a Tensor of i32'],
      [new Tensor(new BigUint64Array(6), { shape: [2, 3] }), 'a Tensor of u64'],
      [[[1, '2']], '"2" at [0, 1]'],
      [[[1], [null]], 'null at [1, 0]'],
      [[[1, 2n]], '2n at [0, 1]'],
      [[BigInt64Array.of(1n)], 'BigInt64Array'],
    ];
    for (const [weight, came] of cases) {
      expectError(() => from(weight, { embeddingDim: 3 }), invalidArray('weight', came));
    }
  });

  it('are detached', () => {
    expectError(
      () => from(detach(Float32Array.from(VALUES)), { embeddingDim: 3 }),
      invalidArray('weight', 'detached'),
    );
    for (const array of [Float32Array.from(VALUES), Float64Array.from(VALUES)]) {
      const tensor = new Tensor(array as Float32Array, { shape: [2, 3] });
      detach(array);
      expectError(() => from(tensor), invalidArray('weight', 'detached'));
    }
    const allocated = Tensor.allocate([2, 3]);
    allocated.dispose();
    expectError(() => from(allocated), { class: Error, code: 'ERR_DISPOSED' });
  });
});

describe('options', () => {
  it('are three', () => {
    for (const name of ['seed', 'initType', 'vocabSize', 'std', 'shape']) {
      expectError(() => from([[1]], { [name]: 1 }), {
        ...invalidOption(TypeError, name, 1),
        text: `Unknown option ${name}`,
      });
    }
    for (const options of [null, 5, [], 'x'])
      expectError(() => from([[1]], options), invalidOption(TypeError, 'options', options));
    expectTable(from([[1]], { embeddingDim: undefined, paddingIdx: undefined, dtype: undefined }), 1, 1, [1]);
  });
});
