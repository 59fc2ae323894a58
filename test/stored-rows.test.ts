/**
 * Tables of f16, bf16, i8 and i4: compared with plain TypeScript, and with f32 tables of the same values, whose lookups,
 * bags and layers must have the same bits.
 */

import fc from 'fast-check';
import {
  type BagMode,
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  type EmbeddingOptions,
  LearnedPositionalEmbedding,
  type MemoryUsage,
  PositionalEncoding,
  type StorageDType,
  Tensor,
} from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { expectBits, expectPainted, fromBits, hex, painted } from './helpers/bits.js';
import { disposed, type Expected, expectError, invalidArray, invalidOption } from './helpers/errors.js';
import { shared } from './helpers/memory.js';
import {
  decode,
  DTYPES,
  encode,
  FORMATS,
  type Misfit,
  NARROW,
  numbers,
  ROW_BYTES,
  SOME_ROWS,
  someRows,
  stored,
} from './helpers/stored.js';
import golden from './vectors/golden/prepack.json' with { type: 'json' };

answersThroughout();

/** Around the vector lengths, and around the number of values that are converted at once. */
const WIDTHS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 255, 257, 1023, 1024, 1025];

const INIT_TYPES = ['uniform', 'normal', 'xavier', 'zeros'] as const;

const tableOf = (
  dtype: StorageDType,
  values: Float32Array,
  embeddingDim: number,
  paddingIdx: number | null = null,
): Embedding => Embedding.fromPretrained(values, { embeddingDim, dtype, paddingIdx });

/** All values of a table, as lookups give them. */
const valuesOf = ({ weight }: Embedding): Float32Array => weight.toTensor().data;

/** An f32 table of the values of `embedding`. */
const widened = (embedding: Embedding): Embedding =>
  Embedding.fromPretrained(embedding.weight.toTensor(), { paddingIdx: embedding.paddingIdx });

/** `ERR_RANGE` of a value in a row of the table. */
const misfit = (dtype: StorageDType, row: number, column: number, value: number): Expected => ({
  class: RangeError,
  code: 'ERR_RANGE',
  text: `${value} at row ${row}, column ${column} does not fit ${dtype}`,
  fields: { row, column, value },
});

/** Casts what a caller without types may pass. */
const as = <T>(value: unknown): T => value as T;

describe.each(DTYPES)('a table of %s', (dtype) => {
  it.each(WIDTHS)('gives the values that the formulas give: %i columns', (dim) => {
    const values = someRows(dim);
    const expected = stored(dtype, values, dim);
    const embedding = tableOf(dtype, values, dim);
    expectBits(valuesOf(embedding), expected);
    expectBits(embedding.forward(Array.from({ length: SOME_ROWS }, (_, i) => i)).data, expected);
    for (let row = 0; row < SOME_ROWS; row++) {
      const one = expected.subarray(row * dim, (row + 1) * dim);
      expectBits(embedding.weight.row(row), one, { where: `of row ${row}` });
      expectBits(embedding.forward(row).data, one, { where: `of id ${row}` });
      const out = painted(dim + 3);
      expect(embedding.weight.row(row, out)).toBe(out);
      expectBits(out.subarray(0, dim), one);
      expectPainted(out, dim);
    }
    embedding.dispose();
  });

  it('is made from every form of weights', () => {
    const dim = 7;
    const values = someRows(dim);
    const expected = stored(dtype, values, dim);
    const nested = Array.from({ length: SOME_ROWS }, (_, row) => [
      ...values.subarray(row * dim, (row + 1) * dim),
    ]);
    const allocated = Tensor.allocate([SOME_ROWS, dim]);
    allocated.data.set(values);
    const shape = [SOME_ROWS, dim];
    const parallel = new Float32Array(shared(values.byteLength));
    parallel.set(values);
    for (const weight of [
      nested,
      new Tensor(values, { shape }),
      new Tensor(Float64Array.from(values), { shape }),
      allocated,
    ]) {
      const embedding = Embedding.fromPretrained(weight, { dtype });
      expect([embedding.dtype, embedding.initType, embedding.seed]).toEqual([dtype, null, null]);
      expectBits(valuesOf(embedding), expected);
    }
    expectBits(valuesOf(tableOf(dtype, parallel, dim)), expected);
    // Numbers and f64 are rounded to f32 first, which decides some ties.
    const [x, y] = [1 + 2 ** -11 + 2 ** -40, 1 + 2 ** -8 + 2 ** -40];
    const rounded = stored(dtype, Float32Array.of(x, y), 2);
    expectBits(valuesOf(Embedding.fromPretrained([[x, y]], { dtype })), rounded);
    const wide = new Tensor(Float64Array.of(x, y), { shape: [1, 2] });
    expectBits(valuesOf(Embedding.fromPretrained(wide, { dtype })), rounded);
  });

  it('keeps the values of the padding row of pretrained weights', () => {
    const values = someRows(5);
    const embedding = tableOf(dtype, values, 5, -10);
    expect(embedding.paddingIdx).toBe(1);
    expectBits(embedding.weight.row(1), stored(dtype, values.subarray(5, 10), 5));
  });

  it('does not retain the weights', () => {
    const values = someRows(5);
    const expected = stored(dtype, values, 5);
    const embedding = tableOf(dtype, values, 5);
    values.fill(0);
    expectBits(valuesOf(embedding), expected);
    embedding.forward([1, 2]).data.fill(0);
    embedding.weight.row(3).fill(0);
    embedding.weight.toTensor().data.fill(0);
    expectBits(valuesOf(embedding), expected);
  });

  it('zeros are read as +0', () => {
    for (const dim of [1, 2, 5, 16, 33, 2000]) {
      const zeros = new Embedding({
        vocabSize: 4,
        embeddingDim: dim,
        initType: 'zeros',
        dtype,
        paddingIdx: 2,
      });
      expectBits(valuesOf(zeros), new Float32Array(4 * dim));
      expectBits(
        EmbeddingBag.from(zeros, { mode: 'sum' }).forward([[0, 1, 2, 3]]).data,
        new Float32Array(dim),
      );
      zeros.dispose();
    }
  });
});

/** More ids than the rows of a table. */
const MANY = Int32Array.from({ length: 75 }, (_, i) => (i * 7 + (i >> 3)) % SOME_ROWS);
const WEIGHTS = Float32Array.from(MANY, (id, i) => Math.fround((id - 5) / (i + 1)));

/** The results of everything that reads rows of `token`, by what was called. */
function* results(token: Embedding): Generator<[call: string, result: Float32Array]> {
  const { embeddingDim: dim } = token;
  yield ['one id', token.forward(3).data];
  yield ['no id', token.forward([]).data];
  for (const count of [1, 2, 3, 4, 5, 16, 17, MANY.length]) {
    const ids = MANY.subarray(0, count);
    const size = count * dim;
    yield [`${count} ids`, token.forward(ids).data];
    yield [`an array of ${count} ids`, token.forward([...ids]).data];
    yield [`${count} ids of 8 bits`, token.forward(Uint8Array.from(ids)).data];
    yield [`${count} ids of 64 bits`, token.forward(BigInt64Array.from(ids, BigInt)).data];
    const out = painted(size + 2);
    token.forwardInto(ids, out);
    expectPainted(out, size);
    yield [`${count} ids into an array`, out.subarray(0, size)];
    const parallel = new Float32Array(shared(4 * size));
    yield [`${count} ids into shared memory`, token.forwardInto([...ids], parallel)];
    const allocated = Tensor.allocate([size]);
    yield [`${count} ids into an allocated tensor`, token.forwardInto(ids, allocated).data.slice()];
    allocated.dispose();
  }
  yield ['nested ids', token.forward([[[0, 1], [9, 3]], [[4, 4], [10, 6]]]).data]; // prettier-ignore
  for (const mode of ['sum', 'mean', 'max'] as const) yield* bagResults(token, mode);
  for (const scale of [false, true]) yield* layerResults(token, scale);
}

function* bagResults(token: Embedding, mode: BagMode): Generator<[call: string, result: Float32Array]> {
  const bag = EmbeddingBag.from(token, { mode });
  const last = EmbeddingBag.from(token, { mode, includeLastOffset: true });
  const offsets = [0, 0, 1, 3, 20, 75];
  yield [`${mode} of offsets`, bag.forward(MANY, { offsets }).data];
  yield [`${mode} of offsets with the last one`, last.forward(MANY, { offsets }).data];
  yield [`${mode} of equal bags`, bag.forward(MANY, { shape: [5, 15] }).data];
  yield [`${mode} of bags of one id`, bag.forward(MANY, { shape: [75, 1] }).data];
  yield [`${mode} of an empty bag`, bag.forward([[]]).data];
  if (mode !== 'max') {
    yield [`weighted ${mode}`, bag.forward(MANY, { offsets, perSampleWeights: WEIGHTS }).data];
    yield [
      `weighted ${mode} of equal bags`,
      bag.forward(MANY, { shape: [5, 15], perSampleWeights: WEIGHTS }).data,
    ];
  }
  const out = painted(5 * token.embeddingDim + 1);
  bag.forwardInto(MANY, out, { shape: [5, 15] });
  expectPainted(out, out.length - 1);
  yield [`${mode} into an array`, out.subarray(0, -1)];
  for (const each of [bag, last]) each.dispose();
}

function* layerResults(token: Embedding, scale: boolean): Generator<[call: string, result: Float32Array]> {
  const shape = { embeddingDim: token.embeddingDim, maxSeqLength: 40, seed: 5 };
  const positions = {
    sinusoidal: new PositionalEncoding({ ...shape, dropout: 0.3 }),
    learned: new LearnedPositionalEmbedding(shape),
    no: null,
  };
  for (const [name, positional] of Object.entries(positions)) {
    const layer = new EmbeddingLayer({ token, positional, scale });
    const call = `${name} positions, ${scale ? 'scaled' : 'not scaled'}`;
    yield [`${call}: few ids`, layer.forward(MANY.subarray(0, 2)).data];
    yield [
      `${call}: a batch`,
      layer.forward(MANY, { shape: [3, 25], ...(positional && { startPos: 4 }) }).data,
    ];
    yield [
      `${call}: into an array`,
      layer.forwardInto(MANY.subarray(0, 40), painted(40 * token.embeddingDim)),
    ];
    if (positional === null) continue;
    const positionIds = Int32Array.from({ length: 25 }, (_, i) => (i * 3) % 40);
    yield [`${call}: position ids`, layer.forward(MANY, { shape: [3, 25], positionIds }).data];
    layer.train();
    yield [`${call}: training`, layer.forward(MANY, { shape: [5, 15] }).data];
    yield [`${call}: training again`, layer.forward(MANY, { shape: [5, 15] }).data];
    layer.dispose();
    positional.dispose();
  }
}

/** Expects that all results of `embedding` are those of an f32 table of its values. */
function expectAsWidened(embedding: Embedding): void {
  const plain = widened(embedding);
  expect(plain.dtype).toBe('f32');
  const expected = results(plain);
  for (const [call, result] of results(embedding)) {
    const { value } = expected.next();
    expectBits(result, value![1], {
      where: `${call}, ${embedding.dtype} of ${embedding.embeddingDim} columns`,
    });
  }
  expect(expected.next().done).toBe(true);
  plain.dispose();
}

describe.each(NARROW)('operations on rows of %s', (dtype) => {
  it.each(WIDTHS)('have the bits of looking the rows up first: %i columns', (dim) => {
    for (const paddingIdx of [null, 4]) {
      const embedding = tableOf(dtype, someRows(dim), dim, paddingIdx);
      expectAsWidened(embedding);
      embedding.dispose();
    }
  });

  it('have them after rows were written', () => {
    const embedding = tableOf(dtype, someRows(33), 33, 2);
    embedding.weight.setRows(3, someRows(33, 2).subarray(33, 6 * 33));
    embedding.weight.set(2, someRows(33, 3).subarray(0, 33));
    expectAsWidened(embedding);
  });

  it('check ids as f32 tables do, and write nothing', () => {
    const embedding = tableOf(dtype, someRows(9), 9);
    const plain = widened(embedding);
    const [bag, plainBag] = [EmbeddingBag.from(embedding), EmbeddingBag.from(plain)];
    const out = painted(99);
    for (const ids of [
      [SOME_ROWS],
      [0, -1],
      Int32Array.of(1, 2, 3, 4, 99),
      BigInt64Array.of(1n, 2n ** 40n),
    ]) {
      for (const [narrow, wide] of [
        [() => embedding.forwardInto(ids, out), () => plain.forwardInto(ids, out)],
        [
          () => bag.forwardInto(ids, out, { shape: [1, ids.length] }),
          () => plainBag.forwardInto(ids, out, { shape: [1, ids.length] }),
        ],
      ] as const) {
        const error = expectError(wide, { class: RangeError, code: 'ERR_ID_OUT_OF_RANGE' });
        expectError(narrow, {
          class: RangeError,
          code: 'ERR_ID_OUT_OF_RANGE',
          text: error.message,
          fields: { ...error },
        });
        expectPainted(out);
      }
    }
  });
});

describe('infinities and NaN in rows of 16 bits', () => {
  const special = Float32Array.of(Infinity, -Infinity, Number.NaN, 0, -0, 1e-7, -1e-7, 1);

  it.each(['f16', 'bf16'] as const)('%s keeps them, also in bags and layers', (dtype) => {
    const embedding = tableOf(dtype, special, 8);
    expectBits(valuesOf(embedding), stored(dtype, special, 8), { anyNaN: true });
    const plain = widened(embedding);
    for (const mode of ['sum', 'mean', 'max'] as const) {
      const [bag, other] = [embedding, plain].map((each) => EmbeddingBag.from(each, { mode }));
      expectBits(bag!.forward([[0, 0], [0, 0]]).data, other!.forward([[0, 0], [0, 0]]).data, { anyNaN: true }); // prettier-ignore
    }
    const [layer, other] = [embedding, plain].map(
      (token) => new EmbeddingLayer({ token, positional: null, scale: true }),
    );
    expectBits(layer!.forward([0, 0, 0]).data, other!.forward([0, 0, 0]).data, { anyNaN: true });
  });

  it.each(['f16', 'bf16'] as const)('%s keeps a NaN with any payload and sign', (dtype) => {
    const nans = fromBits(0x7f80_0001, 0xff80_0001, 0x7fc0_0000, 0xffff_ffff, 0x7fa0_0000, 0x7f80_ffff);
    const embedding = tableOf(dtype, nans, 1);
    expect(valuesOf(embedding).every(Number.isNaN)).toBe(true);
    embedding.weight.setRows(0, nans);
    expect(embedding.forward([0, 1, 2, 3, 4, 5]).data.every(Number.isNaN)).toBe(true);
  });
});

describe('all patterns of 16 bits', () => {
  const all = Array.from({ length: 2 ** 16 }, (_, bits) => bits);

  it.each(['f16', 'bf16'] as const)(
    '%s: their values are stored exactly, halves between them to even',
    (dtype) => {
      const format = FORMATS[dtype];
      const values = Float32Array.from(all, (bits) => format.value(bits));
      const embedding = tableOf(dtype, values, 256);
      expectBits(valuesOf(embedding), values, { anyNaN: true });
      embedding.weight.setRows(0, new Float32Array(2 ** 16));
      embedding.weight.setRows(0, values);
      expectBits(embedding.forward(all.slice(0, 256)).data, values, { anyNaN: true });
      // Between two neighbors: the middle, and the f32 below and above it.
      const positive = all.slice(0, format.infinity - 1);
      const middles = positive.map((bits) => (format.value(bits) + format.value(bits + 1)) / 2);
      for (const [name, x] of [
        ['middle', (middle: number) => middle],
        ['below', (middle: number) => middle * (1 - 2 ** -22)],
        ['above', (middle: number) => middle * (1 + 2 ** -22)],
      ] as const) {
        const between = Float32Array.from(middles, x);
        const rows = tableOf(dtype, between, 1);
        const expected = between.map((value) => format.value(format.nearest(value)));
        expectBits(valuesOf(rows), expected, { where: name });
        rows.weight.setRows(
          0,
          between.map((value) => -value),
        );
        expectBits(
          valuesOf(rows),
          expected.map((value) => -value),
          { where: `minus ${name}` },
        );
        rows.dispose();
      }
    },
  );
});

describe('a seeded table', () => {
  const seeds = [0, 7, 2 ** 53 - 1, 2n ** 64n - 1n];

  it.each(INIT_TYPES)('of another dtype is the f32 table, converted: %s', (initType) => {
    for (const [i, [vocabSize, embeddingDim]] of (
      [
        [1, 1],
        [5, 3],
        [40, 33],
        [7, 1025],
        [3, 1500],
      ] as const
    ).entries()) {
      for (const paddingIdx of [null, 0, -1]) {
        const options = { vocabSize, embeddingDim, paddingIdx, initType, seed: seeds[i % seeds.length]! };
        const plain = new Embedding(options);
        for (const dtype of NARROW) {
          const embedding = new Embedding({ ...options, dtype });
          expectBits(valuesOf(embedding), stored(dtype, valuesOf(plain), embeddingDim));
          expectBits(valuesOf(embedding), valuesOf(plain.convert(dtype)));
          const { paddingIdx: padding } = embedding;
          if (padding !== null) expectBits(embedding.weight.row(padding), new Float32Array(embeddingDim));
          expect([embedding.initType, embedding.seed, padding]).toEqual([
            initType,
            options.seed,
            plain.paddingIdx,
          ]);
        }
      }
    }
  });

  it('has the standard deviation that was passed', () => {
    const options = { vocabSize: 20, embeddingDim: 17, initType: 'normal', seed: 3 } as const;
    for (const std of [0, 1e-30, 1e-6, 0.02, 3, 1000]) {
      const plain = new Embedding({ ...options, std });
      for (const dtype of NARROW)
        expectBits(valuesOf(new Embedding({ ...options, std, dtype })), stored(dtype, valuesOf(plain), 17));
    }
  });

  it('of the same options is the same bit for bit; without a seed each differs', () => {
    for (const dtype of NARROW) {
      const make = (seed?: number) => new Embedding({ vocabSize: 9, embeddingDim: 64, dtype, seed });
      expectBits(valuesOf(make(1)), valuesOf(make(1)));
      expect(hex(valuesOf(make()))).not.toEqual(hex(valuesOf(make())));
      const { seed } = make();
      expect(typeof seed).toBe('number');
    }
  });

  it('of an EmbeddingBag and of an EmbeddingLayer are those of an Embedding', () => {
    for (const dtype of DTYPES) {
      const options: EmbeddingOptions = { vocabSize: 30, embeddingDim: 24, paddingIdx: 3, seed: 11, dtype };
      const expected = valuesOf(new Embedding(options));
      const bag = new EmbeddingBag({ ...options, mode: 'max' });
      expect([bag.dtype, bag.embedding.dtype, bag.weight.dtype]).toEqual([dtype, dtype, dtype]);
      expectBits(bag.weight.toTensor().data, expected);
      for (const positional of ['sinusoidal', 'learned', null] as const) {
        const layer = new EmbeddingLayer({ ...options, positional, maxSeqLength: 9, scale: true });
        expect(layer.token.dtype).toBe(dtype);
        expectBits(valuesOf(layer.token), expected);
        if (!(layer.positional instanceof LearnedPositionalEmbedding)) continue;
        // Positions are stored as f32 beside tokens of any dtype.
        const { positionEmbedding } = layer.positional;
        expect(positionEmbedding.dtype).toBe('f32');
        const same = new LearnedPositionalEmbedding({ embeddingDim: 24, maxSeqLength: 9, seed: 11 });
        expectBits(valuesOf(positionEmbedding), valuesOf(same.positionEmbedding));
        const plain = new EmbeddingLayer({ token: widened(layer.token), positional: same, scale: true });
        expectBits(layer.forward([[1, 2], [3, 4]]).data, plain.forward([[1, 2], [3, 4]]).data); // prettier-ignore
      }
    }
  });

  it('whose values do not fit is ERR_RANGE with row and column; the padding row always fits', () => {
    const dim = 25;
    const options = { vocabSize: 200, embeddingDim: dim, initType: 'normal', seed: 2 } as const;
    const cases = [
      ['f16', 22_000],
      ['bf16', 3e38],
      ['i8', 1e38],
      ['i4', 330_000],
    ] as const;
    for (const [dtype, std] of cases) {
      const plain = new Embedding({ ...options, std });
      const misfits = Array.from({ length: 200 }, (_, row) => encode(dtype, plain.weight.row(row)));
      const rows = [...misfits.keys()].filter((row) => !(misfits[row] instanceof Uint8Array));
      expect(rows.length).toBeGreaterThan(1);
      // Without the first row that does not fit, the second one is reported.
      for (const [paddingIdx, row] of [
        [null, rows[0]!],
        [rows[1]!, rows[0]!],
        [rows[0]!, rows[1]!],
      ] as const) {
        const { column, value } = misfits[row] as Misfit;
        const wrong = { ...options, std, paddingIdx, dtype };
        for (const make of [
          () => new Embedding(wrong),
          () => new EmbeddingBag(wrong),
          () => new EmbeddingLayer({ ...wrong, maxSeqLength: 3 }),
        ])
          expectError(make, misfit(dtype, row, column, value));
      }
      const padded = new Embedding({ ...options, vocabSize: 1, std, paddingIdx: 0, dtype });
      expectBits(valuesOf(padded), new Float32Array(dim));
      // Infinite values of f32 are kept by 16 bits.
      const infinite = { ...options, std: 1e300 };
      if (dtype === 'f16' || dtype === 'bf16')
        expectBits(valuesOf(new Embedding({ ...infinite, dtype })), valuesOf(new Embedding(infinite)));
      else expectError(() => new Embedding({ ...infinite, dtype }), { class: RangeError, code: 'ERR_RANGE' });
    }
  });
});

describe('convert', () => {
  const pairs = DTYPES.flatMap((from) => DTYPES.map((to) => [from, to] as const));

  it.each(pairs)('from %s to %s starts from the values that lookups give', (from, to) => {
    for (const dim of [1, 2, 5, 33, 64, 1025]) {
      const source = tableOf(from, someRows(dim), dim, 4);
      const before = valuesOf(source);
      const converted = source.convert(to);
      expect(converted).toBeInstanceOf(Embedding);
      expect(converted).not.toBe(source);
      expect(converted).toMatchObject({
        vocabSize: SOME_ROWS,
        embeddingDim: dim,
        paddingIdx: 4,
        initType: null,
        seed: null,
        dtype: to,
      });
      expectBits(valuesOf(converted), from === to ? before : stored(to, before, dim));
      expectBits(valuesOf(source), before);
      // Writable, and independent of the source, in both directions.
      const row = someRows(dim, 9).subarray(0, dim);
      const other = converted.weight.row(1);
      converted.weight.set(0, row);
      expectBits(converted.weight.row(0), stored(to, row, dim));
      expectBits(converted.weight.row(1), other);
      expectBits(valuesOf(source), before);
      source.weight.set(1, row);
      expectBits(converted.weight.row(1), other);
      source.dispose();
      expect(converted.disposed).toBe(false);
      expectBits(converted.forward([0, 1]).data, [...stored(to, row, dim), ...other]);
      converted.dispose();
    }
  });

  it('of f32 to f32 copies NaN payloads, subnormals and -0', () => {
    const special = fromBits(0x7f80_0001, 0xffc1_2345, 0x8000_0000, 1, 0x7f80_0000);
    expectBits(valuesOf(tableOf('f32', special, 5).convert('f32')), special);
  });

  it('is exact from f16 and bf16 to f32 and back', () => {
    for (const dtype of ['f16', 'bf16'] as const) {
      const source = tableOf(dtype, someRows(40), 40);
      expectBits(valuesOf(source.convert('f32')), valuesOf(source));
      expectBits(valuesOf(source.convert('f32').convert(dtype)), valuesOf(source));
    }
  });

  it('of a table of zeros has zeros', () => {
    for (const [from, to] of pairs) {
      const zeros = new Embedding({ vocabSize: 3, embeddingDim: 9, initType: 'zeros', dtype: from });
      expectBits(valuesOf(zeros.convert(to)), new Float32Array(27));
    }
  });

  it('of a bag or a layer is that of its embedding', () => {
    const bag = new EmbeddingBag({ vocabSize: 8, embeddingDim: 12, seed: 1, mode: 'sum' });
    const small = EmbeddingBag.from(bag.embedding.convert('i8'), { mode: 'sum' });
    const plain = EmbeddingBag.from(widened(small.embedding), { mode: 'sum' });
    expect(small.dtype).toBe('i8');
    expectBits(small.forward([[1, 2, 7]]).data, plain.forward([[1, 2, 7]]).data);
  });

  it('of a disposed table is ERR_DISPOSED, before dtype is read', () => {
    for (const dtype of DTYPES) {
      const embedding = tableOf(dtype, someRows(3), 3);
      embedding.dispose();
      for (const to of [...DTYPES, 'f64', undefined]) expectError(() => embedding.convert(as(to)), disposed);
    }
  });

  it('requires a dtype that can be written', () => {
    const embedding = tableOf('i8', someRows(3), 3);
    const before = valuesOf(embedding);
    for (const to of [undefined, null, 5, true, {}, ['f32'], Symbol('f32'), 1n, () => 'f32']) {
      expectError(() => embedding.convert(as(to)), {
        ...invalidOption(TypeError, 'dtype', to),
        text: ['dtype', '"f32", "f16", "bf16", "i8", "i4"'],
      });
    }
    expectError(
      () => as<{ convert(): void }>(embedding).convert(),
      invalidOption(TypeError, 'dtype', undefined),
    );
    for (const to of ['f64', 'F16', 'int8', 'u8', '', 'q4_0', 'q8_0', 'q6_k', 'toString', 'f32 ', 'keep']) {
      expectError(() => embedding.convert(as(to)), {
        ...invalidOption(RangeError, 'dtype', to),
        text: ['dtype', '"f32", "f16", "bf16", "i8", "i4"', `"${to}"`],
      });
    }
    expectBits(valuesOf(embedding), before);
  });

  it('that does not fit is ERR_RANGE, and the source is unchanged', () => {
    const cases: readonly (readonly [StorageDType, StorageDType, readonly number[], number])[] = [
      ['f32', 'f16', [1, 65_520, 1e9, 2], 1],
      ['bf16', 'f16', [1, 2, 3, 65_536], 3],
      ['f32', 'bf16', [1, 2, 3.4e38, 0], 2],
      ['f32', 'i8', [1, Number.NaN, 2, 3], 1],
      ['f16', 'i8', [1, 2, -Infinity, 3], 2],
      ['bf16', 'i4', [Infinity, 2, -Infinity, 3], 0],
      ['f32', 'i8', [-3e38, 0, 3e38, 0], 2],
      ['i8', 'i4', [-1e6, 0, 1e6, 0], 0],
      ['i8', 'f16', [-1e6, 0, 1e6, 0], 0],
      ['bf16', 'i8', [-3e38, 0, 3e38, 0], 2],
    ];
    for (const [from, to, row, column] of cases) {
      const good = [1, 2, 3, 4];
      const source = tableOf(from, Float32Array.from([...good, ...good, ...row, ...row]), 4, 0);
      const before = valuesOf(source);
      const error = misfit(to, 2, column, before[8 + column]!);
      expectError(() => source.convert(to), error);
      expectBits(valuesOf(source), before, { anyNaN: true });
      expectBits(source.forward([0, 3]).data, [...before.subarray(0, 4), ...before.subarray(12)], {
        anyNaN: true,
      });
    }
  });
});

describe.each(NARROW)('writes to a table of %s', (dtype) => {
  const dim = 13;
  const make = () => {
    const embedding = tableOf(dtype, someRows(dim), dim, 1);
    return { embedding, weight: embedding.weight, before: valuesOf(embedding) };
  };
  /** The values with rows replaced from `start` on. */
  const replaced = (before: Float32Array, start: number, rows: Float32Array): Float32Array => {
    const after = before.slice();
    after.set(stored(dtype, rows, dim), start * dim);
    return after;
  };

  it('set converts one row and touches no other', () => {
    const { embedding, weight, before } = make();
    let expected = before;
    const source = someRows(dim, 5);
    for (let row = 0; row < SOME_ROWS; row++) {
      const values = source.subarray(row * dim, (row + 1) * dim);
      const to = (row * 4) % SOME_ROWS;
      weight.set(to, values);
      expected = replaced(expected, to, values);
      expectBits(valuesOf(embedding), expected);
      expectBits(embedding.forward([to, 0]).data, [
        ...expected.subarray(to * dim, (to + 1) * dim),
        ...expected.subarray(0, dim),
      ]);
    }
  });

  it('set takes arrays of numbers, tensors, shared and allocated memory', () => {
    const { embedding, weight, before } = make();
    const values = someRows(dim, 6).subarray(0, dim);
    const allocated = Tensor.allocate([dim]);
    allocated.data.set(values);
    const parallel = new Float32Array(shared(4 * dim));
    parallel.set(values);
    const expected = replaced(before, 7, values);
    const zeros = new Float32Array(dim);
    for (const form of [[...values], new Tensor(values), allocated, allocated.data, parallel]) {
      weight.set(7, zeros);
      expectBits(weight.row(7), zeros);
      weight.set(7, form);
      expectBits(valuesOf(embedding), expected);
    }
  });

  it('setRows converts these rows and touches no other', () => {
    const { embedding, weight, before } = make();
    const source = someRows(dim, 7);
    for (const [start, count] of [
      [0, 1],
      [3, 5],
      [10, 1],
      [0, 11],
      [4, 0],
    ] as const) {
      weight.setRows(0, before);
      const settled = valuesOf(embedding);
      const rows = source.subarray(0, count * dim);
      weight.setRows(start, rows);
      expectBits(valuesOf(embedding), replaced(settled, start, rows));
    }
  });

  it('a row of zeros is read as +0', () => {
    const { weight } = make();
    weight.set(2, new Float32Array(dim));
    expectBits(weight.row(2), new Float32Array(dim));
  });

  it('are seen by the next lookup, but by no earlier result', () => {
    const { embedding, weight, before } = make();
    const earlier = embedding.forward([2]);
    const bag = EmbeddingBag.from(embedding, { mode: 'max' });
    const layer = new EmbeddingLayer({ token: embedding, positional: null });
    const values = new Float32Array(dim).fill(3);
    weight.set(2, values);
    const expected = stored(dtype, values, dim);
    expectBits(bag.forward([[2]]).data, expected);
    expectBits(layer.forward([2]).data, expected);
    expectBits(earlier.data, before.subarray(2 * dim, 3 * dim));
  });

  it('that do not fit are ERR_RANGE with the row of the table, and write nothing', () => {
    const { embedding, weight, before } = make();
    const bad = dtype === 'f16' ? 1e5 : dtype === 'bf16' ? 3.4e38 : Number.NaN;
    const value = Math.fround(bad);
    const rows = someRows(dim, 8).subarray(0, 4 * dim);
    const unchanged = () => expectBits(valuesOf(embedding), before);
    for (const [index, row, column] of [
      [0, 0, 0],
      [12, 0, 12],
      [13, 1, 0],
      [51, 3, 12],
      [30, 2, 4],
    ] as const) {
      const wrong = rows.slice();
      wrong[index] = bad;
      for (const start of [0, 5, 7]) {
        expectError(() => weight.setRows(start, wrong), misfit(dtype, start + row, column, value));
        unchanged();
      }
      const one = wrong.subarray(row * dim, (row + 1) * dim);
      expectError(() => weight.set(9, one), misfit(dtype, 9, column, value));
      expectError(() => weight.set(9, [...one]), misfit(dtype, 9, column, value));
      unchanged();
    }
    // The first of several.
    const several = rows.slice().fill(bad, 2 * dim + 3);
    expectError(() => weight.setRows(1, several), misfit(dtype, 3, 3, value));
    unchanged();
    weight.setRows(1, rows);
    expectBits(valuesOf(embedding), replaced(before, 1, rows));
  });

  it('check everything else first, in the same order as f32 tables', () => {
    const { embedding, weight, before } = make();
    const bad = new Float32Array(dim).fill(3.4e38);
    bad[0] = Number.NaN;
    expectError(() => weight.set(0, bad.subarray(1)), {
      class: RangeError,
      code: 'ERR_SHAPE',
      text: `length ${dim - 1}`,
    });
    expectError(() => weight.set(SOME_ROWS, bad), { class: RangeError, code: 'ERR_ID_OUT_OF_RANGE' });
    expectError(() => weight.setRows(SOME_ROWS - 1, new Float32Array(2 * dim).fill(Infinity)), {
      class: RangeError,
      code: 'ERR_SHAPE',
    });
    expectError(() => weight.set(0, as(null)), invalidArray('values', 'null'));
    expectError(() => weight.setRows(0, as(new Float64Array(dim))), invalidArray('values', 'Float64Array'));
    expectBits(valuesOf(embedding), before);
    embedding.dispose();
    expectError(() => weight.set(0, bad), disposed);
    expectError(() => weight.setRows(0, bad), disposed);
    expectError(() => weight.toTensor(), disposed);
    expectError(() => embedding.forward(0), disposed);
  });
});

describe('ERR_RANGE', () => {
  const max = 3.4028234663852886e38;
  const below = (value: number): number => Math.fround(value * (1 - 2 ** -23));
  /** bf16 overflows from halfway between its largest number and 2^128 on. */
  const halfway = 2 ** 127 * (2 - 2 ** -8);

  it.each<[StorageDType, readonly number[]]>([
    ['f16', [65_504, -65_504, below(65_520), -below(65_520), Math.fround(65_519.99)]],
    ['f16', [Infinity, -Infinity, Number.NaN, 65_504]],
    ['bf16', [below(halfway), -below(halfway), 3.3895314e38, 1]],
    ['bf16', [Infinity, -Infinity, Number.NaN, 1]],
    ['i8', [max, 0, 1, max]],
    ['i8', [-max, 0, -1, -max]],
    ['i8', [2 ** 127, -(2 ** 126), 0, 1]],
    ['i8', [max, max, max, max]],
    ['i8', [1e-45, -1e-45, 0, 1e-38]],
    ['i4', [65_504, 1e5, 65_504, 65_504]],
    ['i4', [-65_504, 1, 2, -below(65_520)]],
    ['i4', [below(65_520), below(65_520), below(65_520), below(65_520)]],
    ['i4', [0, 15 * 65_504, 1, 2]],
    ['i4', [0, below(15 * 65_520), 1, 2]],
    ['i4', [-65_504, 15 * 65_504 - 65_504, 1, 2]],
    ['i4', [1e-45, 0, 1e-8, 1e-7]],
  ])('%s stores %j', (dtype, row) => {
    const values = Float32Array.from(row);
    const expected = stored(dtype, values, row.length);
    expectBits(valuesOf(tableOf(dtype, values, row.length)), expected, { anyNaN: true });
    const embedding = new Embedding({ vocabSize: 2, embeddingDim: row.length, dtype });
    embedding.weight.set(1, values);
    expectBits(embedding.weight.row(1), expected, { anyNaN: true });
  });

  it.each<[StorageDType, readonly number[], number]>([
    ['f16', [1, 65_520, 65_520, 0], 1],
    ['f16', [1, 2, 3, -65_520], 3],
    ['f16', [Infinity, Number.NaN, 1, 1e30], 3],
    ['f16', [max, Infinity, 0, 0], 0],
    ['bf16', [1, halfway, 2, 3], 1],
    ['bf16', [1, 2, -halfway, max], 2],
    ['bf16', [Infinity, Number.NaN, -max, 3], 2],
    ['i8', [Number.NaN, 1, 2, 3], 0],
    ['i8', [1, Infinity, Number.NaN, 3], 1],
    ['i8', [1, 2, -Infinity, 3], 2],
    ['i8', [-max, 0, 1, max], 3],
    ['i8', [2 ** 127, 0, -(2 ** 127), 1], 0],
    ['i8', [max, 0, 1, -(2 ** 103)], 0],
    ['i4', [1, 2, 3, Number.NaN], 3],
    ['i4', [1, Infinity, 3, Number.NaN], 1],
    ['i4', [-Infinity, 1, 2, 3], 0],
    ['i4', [1, 0, -65_520, 2], 2],
    ['i4', [65_520, 65_521, 65_520, 70_000], 0],
    ['i4', [0, 1, 15 * 65_520, 2], 2],
    ['i4', [-65_504, 15 * 65_520 - 65_504, 0, 1], 1],
    ['i4', [max, 0, 1, 2], 0],
  ])('%s does not store %j: column %i', (dtype, row, column) => {
    const values = Float32Array.from(row);
    expect(encode(dtype, values)).toEqual({ column, value: values[column] });
    const good = [1, 2, 3, 4];
    const all = [...good, ...good, ...row, ...row];
    const wrong = misfit(dtype, 2, column, values[column]!);
    const nested = Array.from({ length: 4 }, (_, i) => all.slice(4 * i, 4 * i + 4));
    const shape = [4, 4];
    for (const weight of [
      Float32Array.from(all),
      nested,
      new Tensor(Float32Array.from(all), { shape }),
      new Tensor(Float64Array.from(all), { shape }),
    ]) {
      const error = expectError(() => Embedding.fromPretrained(weight, { dtype, embeddingDim: 4 }), wrong);
      expect({ ...error }).toEqual({ code: 'ERR_RANGE', row: 2, column, value: values[column] });
    }
    const embedding = tableOf(dtype, Float32Array.from([...good, ...good, ...good]), 4);
    const before = valuesOf(embedding);
    expectError(() => embedding.weight.set(2, values), wrong);
    expectError(() => embedding.weight.setRows(1, Float32Array.from(all.slice(4, 12))), wrong);
    expectBits(valuesOf(embedding), before);
  });

  it('of an f64 or a number beyond f32 names f32', () => {
    for (const dtype of DTYPES) {
      for (const weight of [
        [[1, 2], [3, -1e39]], // prettier-ignore
        new Tensor(Float64Array.of(1, 2, 3, -1e39), { shape: [2, 2] }),
      ]) {
        const error = expectError(
          () => Embedding.fromPretrained(weight, { dtype }),
          misfit('f32', 1, 1, -1e39),
        );
        expect(error.message).toBe('-1e+39 at row 1, column 1 does not fit f32');
      }
      const embedding = new Embedding({ vocabSize: 3, embeddingDim: 2, seed: 1, dtype });
      const before = valuesOf(embedding);
      expectError(() => embedding.weight.set(1, [0, 1e300]), {
        class: RangeError,
        code: 'ERR_RANGE',
        text: 'does not fit f32',
        fields: { column: 1, value: 1e300 },
      });
      expectBits(valuesOf(embedding), before);
    }
  });

  it('is located in rows of several pieces, between any other values', () => {
    for (const dim of [1023, 1024, 1025, 5000]) {
      for (const column of [0, 1, 1022, 1023, 1024, 4999].filter((each) => each < dim)) {
        for (const dtype of NARROW) {
          const rows = new Float32Array(3 * dim).fill(0.5);
          rows[2 * dim + column] = dtype === 'f16' || dtype === 'bf16' ? -max : Infinity;
          const wrong = misfit(dtype, 2, column, rows[2 * dim + column]!);
          expectError(() => tableOf(dtype, rows, dim), wrong);
          expectError(() => tableOf('f32', rows, dim).convert(dtype), wrong);
          const embedding = new Embedding({ vocabSize: 3, embeddingDim: dim, initType: 'zeros', dtype });
          expectError(() => embedding.weight.setRows(0, rows), wrong);
          expectBits(valuesOf(embedding), new Float32Array(3 * dim));
        }
      }
    }
  });

  it('says which values fit', () => {
    const message = (dtype: StorageDType, row: number[]) =>
      expectError(() => tableOf(dtype, Float32Array.from(row), row.length), {
        class: RangeError,
        code: 'ERR_RANGE',
      }).message;
    expect(message('f16', [0, 65_520])).toBe(
      '65520 at row 0, column 1 does not fit f16 (magnitudes up to 65504, infinities and NaN)',
    );
    expect(message('bf16', [max])).toContain('magnitudes up to 3.3895314e38');
    expect(message('i8', [Number.NaN])).toContain('NaN at row 0, column 0 does not fit i8 (finite values');
    expect(message('i4', [Infinity])).toContain('Infinity at row 0, column 0 does not fit i4 (finite values');
  });
});

describe('memory', () => {
  it.each(DTYPES)('usage of %s is what is stored', (dtype) => {
    for (const [vocabSize, embeddingDim] of [
      [1, 1],
      [10, 3],
      [1000, 64],
      [50, 385],
    ] as const) {
      const options = { vocabSize, embeddingDim, dtype, initType: 'zeros' } as const;
      const bytesPerRow = ROW_BYTES[dtype](embeddingDim);
      const expected: MemoryUsage = {
        totalMemoryMb: (vocabSize * bytesPerRow) / 2 ** 20,
        memoryPerTokenKb: bytesPerRow / 1024,
        totalParameters: vocabSize * embeddingDim,
        vocabSize,
        embeddingDim,
        bytes: vocabSize * bytesPerRow,
        bytesPerRow,
        dtype,
      };
      const embedding = new Embedding(options);
      const bag = new EmbeddingBag(options);
      expect(embedding.getMemoryUsage()).toEqual(expected);
      expect(bag.getMemoryUsage()).toEqual(expected);
      expect(new Embedding({ ...options, dtype: 'f32' }).convert(dtype).getMemoryUsage()).toEqual(expected);
      expect(JSON.parse(JSON.stringify(embedding.getMemoryUsage()))).toEqual(expected);
      expect([embedding.dtype, embedding.weight.dtype, bag.dtype, bag.weight.dtype]).toEqual(
        Array.from({ length: 4 }, () => dtype),
      );
      expect([embedding.weight.size, embedding.weight.shape]).toEqual([
        vocabSize * embeddingDim,
        [vocabSize, embeddingDim],
      ]);
      embedding.dispose();
      expect(embedding.getMemoryUsage()).toEqual(expected);
      expect([embedding.dtype, embedding.weight.dtype]).toEqual([dtype, dtype]);
    }
  });

  it('of a table that is too large is in bytes of its dtype', () => {
    for (const dtype of DTYPES) {
      const bytes = 2 ** 32 * ROW_BYTES[dtype](2 ** 20);
      expectError(() => new Embedding({ vocabSize: 2 ** 32, embeddingDim: 2 ** 20, dtype }), {
        class: RangeError,
        code: 'ERR_TOO_LARGE',
        text: `A table needs ${bytes} bytes`,
        fields: { bytes },
      });
    }
  });

  it('of a result is that of f32', () => {
    const embedding = new Embedding({ vocabSize: 1, embeddingDim: 2 ** 20, initType: 'zeros', dtype: 'i4' });
    expectError(() => embedding.forward(new Uint8Array(2 ** 13)), {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
      fields: { bytes: 2 ** 35 },
    });
    embedding.dispose();
  });
});

describe('the option dtype', () => {
  const makers: Readonly<Record<string, (dtype: unknown) => { dtype: string; dispose(): void }>> = {
    Embedding: (dtype) => new Embedding({ vocabSize: 3, embeddingDim: 2, dtype: as(dtype) }),
    EmbeddingBag: (dtype) => new EmbeddingBag({ vocabSize: 3, embeddingDim: 2, dtype: as(dtype) }),
    EmbeddingLayer: (dtype) => new EmbeddingLayer({ vocabSize: 3, embeddingDim: 2, dtype: as(dtype) }).token,
    fromPretrained: (dtype) => Embedding.fromPretrained([[1, 2]], { dtype: as(dtype) }),
  };

  it.each(Object.keys(makers))('of %s is one of five names, by default f32', (name) => {
    const make = makers[name]!;
    for (const dtype of DTYPES) expect(make(dtype).dtype).toBe(dtype);
    expect(make(undefined).dtype).toBe('f32');
    for (const value of [null, 5, true, {}, ['f16'], Symbol('f16'), 1n, () => 'f16', Object('f16')])
      expectError(() => make(value), invalidOption(TypeError, 'dtype', value));
    for (const value of [
      'f64',
      'F32',
      'int8',
      'float16',
      'u8',
      '',
      'q4_0',
      'q6_k',
      'keep',
      '__proto__',
      'constructor',
    ]) {
      expectError(() => make(value), {
        ...invalidOption(RangeError, 'dtype', value),
        text: ['dtype', 'one of "f32", "f16", "bf16", "i8", "i4"', `"${value}"`],
      });
    }
  });

  it('is read before the weights, and once', () => {
    expectError(
      () => Embedding.fromPretrained(as('x'), { dtype: as('f64') }),
      invalidOption(RangeError, 'dtype', 'f64'),
    );
    let reads = 0;
    const options = {
      vocabSize: 2,
      embeddingDim: 2,
      get dtype() {
        reads++;
        return 'i8' as const;
      },
    };
    expect(new Embedding(options).dtype).toBe('i8');
    expect(reads).toBe(1);
  });

  it('is not an option of an object without a table of tokens, nor together with one', () => {
    expectError(
      () => new LearnedPositionalEmbedding(as({ maxSeqLength: 3, embeddingDim: 2, dtype: 'f16' })),
      invalidOption(TypeError, 'dtype', 'f16'),
    );
    expectError(
      () => new PositionalEncoding(as({ maxSeqLength: 3, embeddingDim: 2, dtype: 'f16' })),
      invalidOption(TypeError, 'dtype', 'f16'),
    );
    const token = Embedding.fromPretrained([[1, 2]]);
    expectError(
      () => EmbeddingBag.from(token, as({ dtype: 'f16' })),
      invalidOption(TypeError, 'dtype', 'f16'),
    );
    expectError(
      () => new EmbeddingLayer(as({ token, positional: null, dtype: 'f16' })),
      invalidOption(TypeError, 'dtype', 'f16'),
    );
  });
});

describe('golden bytes of PyTorch', () => {
  const bytesOf = (text: string) =>
    Uint8Array.from(text.match(/../g)!, (digits) => Number.parseInt(digits, 16));

  it.each(golden.map((each) => [`${each.dtype}, ${each.rows} rows of ${each.dim}`, each] as const))(
    '%s: rows have the values of these bytes',
    (_name, { dtype, dim, rows, values, bytes }) => {
      const type = dtype as 'i8' | 'i4';
      const source = new Float32Array(bytesOf(values).buffer);
      const all = bytesOf(bytes);
      const stride = ROW_BYTES[type](dim);
      expect([source.length, all.length]).toEqual([rows * dim, rows * stride]);
      const embedding = new Embedding({ vocabSize: rows, embeddingDim: dim, initType: 'zeros', dtype: type });
      const pretrained = tableOf(type, source, dim);
      const converted = tableOf('f32', source, dim).convert(type);
      for (let row = 0; row < rows; row++) {
        const one = source.subarray(row * dim, (row + 1) * dim);
        const expectedBytes = all.subarray(row * stride, (row + 1) * stride);
        expect(encode(type, one)).toEqual(expectedBytes);
        embedding.weight.set(row, one);
        const expected = decode(type, expectedBytes, dim);
        for (const each of [embedding, pretrained, converted]) {
          expectBits(each.weight.row(row), expected, { where: `of row ${row}` });
          expectBits(each.forward(row).data, expected, { where: `of row ${row}` });
        }
      }
    },
  );

  it('are there for both dtypes', () => {
    expect(new Set(golden.map(({ dtype }) => dtype))).toEqual(new Set(['i8', 'i4']));
    expect(golden.length).toBeGreaterThan(10);
  });
});

describe('random rows', () => {
  /** Values of one magnitude, so that a row has a range that every dtype can store. */
  const row = (dim: number) =>
    fc
      .tuple(
        fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: dim, maxLength: dim }),
        fc.constantFrom(0, 1e-42, 1e-8, 1e-3, 1, 100, 60_000),
        fc.constantFrom(0, 0, -3, 1000),
      )
      .map(([values, scale, shift]) =>
        Float32Array.from(values, (x) => Math.fround(Math.fround(x * scale) + shift)),
      )
      .filter((values) => values.every((x) => Math.abs(x) <= 65_504));
  const dtype = fc.constantFrom(...DTYPES);
  const dims = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(63, 64, 65, 130, 1025));

  it('are read as the reference stores them, and no other row changes', () => {
    const inputs = dims.chain((dim) => fc.tuple(dtype, row(dim), row(dim), fc.nat(4)));
    fc.assert(
      fc.property(inputs, ([type, first, second, at]) => {
        const dim = first.length;
        const embedding = new Embedding({ vocabSize: 5, embeddingDim: dim, seed: at, dtype: type });
        const expected = valuesOf(embedding);
        for (const values of [first, second]) {
          embedding.weight.set(at, values);
          expected.set(stored(type, values, dim), at * dim);
          expectBits(valuesOf(embedding), expected);
        }
        embedding.dispose();
      }),
      { numRuns: 300 },
    );
  });

  it('give the values of each step of a chain of conversions', () => {
    const inputs = dims.chain((dim) =>
      fc.tuple(fc.array(dtype, { minLength: 1, maxLength: 6 }), row(dim), row(dim)),
    );
    fc.assert(
      fc.property(inputs, ([chain, first, second]) => {
        const dim = first.length;
        let values: Float32Array = Float32Array.from([...first, ...second]);
        let embedding = tableOf('f32', values, dim);
        for (const type of chain) {
          // A range that grew by rounding may no longer fit.
          const fits = [0, dim].every(
            (start) => encode(type, values.subarray(start, start + dim)) instanceof Uint8Array,
          );
          if (!fits) break;
          const next = embedding.convert(type);
          values = embedding.dtype === type ? values : stored(type, values, dim);
          expectBits(valuesOf(next), values, { where: `after ${chain.join(', ')}` });
          embedding.dispose();
          embedding = next;
        }
        embedding.dispose();
      }),
      { numRuns: 200 },
    );
  });

  it('are within half a step of their values', () => {
    fc.assert(
      fc.property(dims.chain(row), (values) => {
        const [min, max] = [Math.min(...values), Math.max(...values)];
        const i8 = valuesOf(tableOf('i8', values, values.length));
        // Half a step, the 1e-8 of the formula, and three roundings.
        const bound = (max - min) / 255 / 2 + 1e-8 + 3 * 2 ** -23 * Math.max(Math.abs(min), Math.abs(max));
        values.forEach((x, i) => expect(Math.abs(x - i8[i]!)).toBeLessThanOrEqual(bound));
        const f16 = valuesOf(tableOf('f16', values, values.length));
        values.forEach((x, i) =>
          expect(Math.abs(x - f16[i]!)).toBeLessThanOrEqual(Math.abs(x) * 2 ** -11 + 2 ** -25),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('programs on a stored table and on the f32 table of its values have the same results', () => {
    const ids = fc.array(fc.nat(9), { minLength: 1, maxLength: 30 });
    const step = fc.record({
      what: fc.nat(5),
      ids,
      a: fc.nat(9),
      x: fc.float({ min: -100, max: 100, noNaN: true }),
    });
    const program = fc.record({
      type: fc.constantFrom(...NARROW),
      dim: dims,
      seed: fc.maxSafeInteger().map(Math.abs),
      steps: fc.array(step, { minLength: 1, maxLength: 10 }),
    });
    fc.assert(
      fc.property(program, ({ type, dim, seed, steps }) => {
        const embedding = new Embedding({
          vocabSize: 10,
          embeddingDim: dim,
          seed,
          dtype: type,
          paddingIdx: 3,
        });
        const plain = widened(embedding);
        const both = [embedding, plain].map((token) => ({
          token,
          sum: EmbeddingBag.from(token, { mode: 'sum' }),
          mean: EmbeddingBag.from(token),
          max: EmbeddingBag.from(token, { mode: 'max' }),
          layer: new EmbeddingLayer({
            token,
            positional: new PositionalEncoding({ embeddingDim: dim, maxSeqLength: 40, dropout: 0.5, seed }),
            scale: seed % 2 === 0,
          }).train(),
        }));
        for (const { what, ids, a, x } of steps) {
          const next = numbers(ids.length + a);
          const values = Float32Array.from({ length: dim }, () => x * next());
          const perSampleWeights = Float32Array.from(ids, () => x * next());
          if (what === 5) {
            embedding.weight.set(a, values);
            plain.weight.set(a, embedding.weight.row(a));
          }
          const [actual, expected] = both.map(({ token, sum, mean, max, layer }) => {
            switch (what) {
              case 0:
                return token.forward(ids);
              case 1:
                return sum.forward(ids, { offsets: [0, ids.length >> 1], perSampleWeights });
              case 2:
                return mean.forward([ids]);
              case 3:
                return max.forward(ids, { offsets: [0, 0, ids.length >> 1] });
              case 4:
                return layer.forward(ids, { startPos: a });
              default:
                return token.weight.toTensor();
            }
          });
          expectBits(actual!.data, expected!.data, { where: `of step ${what}` });
        }
        for (const { token, sum, mean, max, layer } of both)
          for (const each of [layer, sum, mean, max, token]) each.dispose();
      }),
      { numRuns: 150 },
    );
  });
});
