/**
 * Tables of GGUF blocks: their values compared with ggml's own decoder, and every operation with that of the f32 table of
 * the same values. Such tables come from files; here they are made from bytes.
 */

import fc from 'fast-check';
import {
  type BagMode,
  type BlockDType,
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  LearnedPositionalEmbedding,
  PositionalEncoding,
  type StorageDType,
} from 'tokenbed';
import { embeddingOfBytes, TableSpec } from 'tokenbed/table-bytes';
import { describe, expect, it } from 'vitest';
import { expectBits, expectPainted, painted } from './helpers/bits.js';
import { expectError, expectErrorAndNoWrite, invalidOption, outOfRange } from './helpers/errors.js';
import golden from './vectors/golden/gguf.json' with { type: 'json' };

/** Values and bytes of a block. */
const BLOCKS: Readonly<Record<BlockDType, readonly [values: number, bytes: number]>> = {
  q4_0: [32, 18],
  q4_1: [32, 20],
  q5_0: [32, 22],
  q5_1: [32, 24],
  q8_0: [32, 34],
  q2_k: [256, 84],
  q3_k: [256, 110],
  q4_k: [256, 144],
  q5_k: [256, 176],
  q6_k: [256, 210],
};
const DTYPES = Object.keys(BLOCKS) as BlockDType[];

/** The bytes of the f16 fields of a block. */
const SCALES: Readonly<Record<BlockDType, readonly number[]>> = {
  q4_0: [0],
  q4_1: [0, 2],
  q5_0: [0],
  q5_1: [0, 2],
  q8_0: [0],
  q2_k: [80, 82],
  q3_k: [108],
  q4_k: [0, 2],
  q5_k: [0, 2],
  q6_k: [208],
};

const fromHex = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));

/** Any bytes as `count` blocks with finite scales of both signs, so that no value is a NaN. */
function someBlocks(dtype: BlockDType, count: number, seed = 1): Uint8Array<ArrayBuffer> {
  const [, size] = BLOCKS[dtype];
  let state = seed;
  const bytes = Uint8Array.from({ length: count * size }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
  for (let block = 0; block < bytes.length; block += size)
    for (const at of SCALES[dtype]) bytes[block + at + 1] = (bytes[block + at + 1]! & 0x80) | 0x2b;
  return bytes;
}

/** A table of blocks, and the f32 table of its values, which are read once. */
function tables(dtype: BlockDType, rows: number, dim: number, paddingIdx: number | null = null, seed = 1) {
  const bytes = someBlocks(dtype, (rows * dim) / BLOCKS[dtype][0], seed);
  const blocks = embeddingOfBytes(new TableSpec(rows, dim, dtype), bytes, paddingIdx);
  const plain = Embedding.fromPretrained(blocks.weight.toTensor(), { paddingIdx });
  return { blocks, plain, bytes };
}

const MODES: readonly BagMode[] = ['sum', 'mean', 'max'];
const ids = (count: number, rows: number): Uint32Array =>
  Uint32Array.from({ length: count }, (_, i) => (i * 7 + (i >> 2)) % rows);

describe('values', () => {
  it.each(golden)(
    "$dtype, $rows x $dim: the values of ggml's decoder",
    ({ dtype, dim, rows, bytes, values }) => {
      const name = dtype as BlockDType;
      const embedding = embeddingOfBytes(new TableSpec(rows, dim, name), fromHex(bytes));
      const expected = new Float32Array(fromHex(values).buffer);
      const compared = { anyNaN: true };
      expectBits(embedding.weight.toTensor().data, expected, compared);
      expectBits(embedding.forward(ids(rows, rows)).data, rowsOf(expected, dim, ids(rows, rows)), compared);
      for (let row = 0; row < rows; row++)
        expectBits(embedding.weight.row(row), expected.subarray(row * dim, (row + 1) * dim), compared);
    },
  );

  it('takes exactly the bytes of the table', () => {
    const spec = new TableSpec(2, 64, 'q8_0');
    for (const length of [0, spec.bytes - 1, spec.bytes + 1]) {
      expect(() => embeddingOfBytes(spec, new Uint8Array(length))).toThrowError(
        expect.objectContaining({ code: 'ERR_SHAPE', length }) as Error,
      );
    }
  });

  it('every type is in the golden file', () => {
    expect([...new Set(golden.map(({ dtype }) => dtype))].sort()).toEqual([...DTYPES].sort());
  });
});

/** Rows of a flat table. */
function rowsOf(table: Float32Array, dim: number, rows: Uint32Array): Float32Array {
  const out = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => out.set(table.subarray(row * dim, (row + 1) * dim), i * dim));
  return out;
}

describe.each(DTYPES)('%s', (dtype) => {
  const [values, size] = BLOCKS[dtype];
  const dims = [values, 3 * values, 1280];

  it.each(dims)('lookups of rows of %d values', (dim) => {
    const { blocks, plain } = tables(dtype, 11, dim);
    for (const count of [1, 2, 3, 40]) {
      expectBits(blocks.forward(ids(count, 11)).data, plain.forward(ids(count, 11)).data);
      const out = painted(count * dim + 5);
      blocks.forwardInto(ids(count, 11), out);
      expectBits(out.subarray(0, count * dim), plain.forward(ids(count, 11)).data);
      expectPainted(out, count * dim);
    }
    const one = painted(dim);
    blocks.forwardInto(7, one);
    expectBits(one, plain.weight.row(7));
    expectBits(blocks.weight.row(7), plain.weight.row(7));
  });

  it.each(dims)('bags of rows of %d values', (dim) => {
    const { blocks, plain } = tables(dtype, 11, dim, 4);
    const offsets = [0, 0, 1, 5, 300];
    const perSampleWeights = Float32Array.from({ length: 333 }, (_, i) => (i % 13) * 0.31 - 1.1);
    for (const mode of MODES) {
      const [bag, expected] = [blocks, plain].map((each) => EmbeddingBag.from(each, { mode }));
      const calls = mode === 'max' ? [{ offsets }] : [{ offsets }, { offsets, perSampleWeights }];
      for (const call of calls)
        expectBits(bag!.forward(ids(333, 11), call).data, expected!.forward(ids(333, 11), call).data);
      expectBits(
        bag!.forward([
          [4, 4],
          [1, 4],
        ]).data,
        expected!.forward([
          [4, 4],
          [1, 4],
        ]).data,
      );
    }
  });

  it('layers', () => {
    const dim = 2 * values;
    const { blocks, plain } = tables(dtype, 11, dim);
    const positions = [
      () => null,
      () => new PositionalEncoding({ embeddingDim: dim, maxSeqLength: 9, dropout: 0.3, seed: 5 }),
      () => new LearnedPositionalEmbedding({ embeddingDim: dim, maxSeqLength: 9, seed: 6 }),
    ];
    for (const positional of positions)
      for (const scale of [false, true]) {
        const layers = [blocks, plain].map(
          (token) => new EmbeddingLayer({ token, positional: positional(), scale }),
        );
        for (const training of [false, true]) {
          const [out, expected] = layers.map((layer) => {
            if (training) layer.train();
            else layer.eval();
            return layer.forward(ids(14, 11), { shape: [2, 7] }).data;
          });
          expectBits(out!, expected!);
        }
      }
  });

  it('says what is stored', () => {
    const { blocks, bytes } = tables(dtype, 6, 2 * values);
    expect(blocks.dtype).toBe(dtype);
    expect(blocks.weight.dtype).toBe(dtype);
    expect(blocks.weight.shape).toEqual([6, 2 * values]);
    expect(EmbeddingBag.from(blocks).dtype).toBe(dtype);
    expect([blocks.initType, blocks.seed, blocks.paddingIdx]).toEqual([null, null, null]);
    expect(blocks.getMemoryUsage()).toEqual({
      totalMemoryMb: bytes.length / 2 ** 20,
      memoryPerTokenKb: (2 * size) / 2 ** 10,
      totalParameters: 12 * values,
      vocabSize: 6,
      embeddingDim: 2 * values,
      bytes: bytes.length,
      bytesPerRow: 2 * size,
      dtype,
    });
    expect(bytes.length).toBe(12 * size);
  });

  it('is converted as its values are', () => {
    const { blocks, plain } = tables(dtype, 5, 2 * values, 3);
    for (const to of ['f32', 'f16', 'bf16', 'i8', 'i4'] satisfies StorageDType[]) {
      const [converted, expected] = [blocks.convert(to), plain.convert(to)];
      expect(converted.dtype).toBe(to);
      expect(converted.paddingIdx).toBe(3);
      expectBits(converted.weight.toTensor().data, expected.weight.toTensor().data, { where: to });
      converted.weight.set(1, new Float32Array(2 * values).fill(2));
      expectBits(converted.weight.row(1), new Float32Array(2 * values).fill(2));
    }
    expectError(() => blocks.convert(dtype as never), invalidOption(RangeError, 'dtype', dtype));
  });

  it('cannot be written', () => {
    const { blocks, plain } = tables(dtype, 4, values);
    const row = new Float32Array(values);
    const readOnly = { class: Error, code: 'ERR_READ_ONLY', text: [dtype, "convert('f32')"] };
    expectError(() => blocks.weight.set(0, row), readOnly);
    expectError(() => blocks.weight.setRows(1, row), readOnly);
    expectError(() => EmbeddingBag.from(blocks).weight.set(0, row), readOnly);
    expectBits(blocks.weight.toTensor().data, plain.weight.toTensor().data);
    blocks.dispose();
    expectError(() => blocks.weight.set(0, row), { class: Error, code: 'ERR_DISPOSED' });
  });
});

it('ids are checked before anything is written', () => {
  const { blocks } = tables('q4_k', 4, 256);
  expectErrorAndNoWrite(3 * 256, (out) => blocks.forwardInto([0, 3, 4], out), outOfRange(4, 2, 4));
});

it('a result larger than a tile of WASM', () => {
  // 192 rows of 1024 values are 768 KiB, and a row of 163,840 values is 640 KiB.
  for (const [rows, dim, count] of [
    [50, 1024, 192],
    [3, 163_840, 4],
  ] as const) {
    const { blocks, plain } = tables('q4_0', rows, dim);
    const batch = ids(count, rows);
    expectBits(blocks.forward(batch).data, plain.forward(batch).data);
    const [bag, expected] = [blocks, plain].map((each) => EmbeddingBag.from(each));
    expectBits(bag!.forward([[...batch]]).data, expected!.forward([[...batch]]).data);
    const [layer, wanted] = [blocks, plain].map(
      (token) => new EmbeddingLayer({ token, positional: null, scale: true }),
    );
    expectBits(layer!.forward(batch).data, wanted!.forward(batch).data);
  }
});

it('any program gives the bits of the f32 table of its values', () => {
  const table = fc.record({
    dtype: fc.constantFrom(...DTYPES),
    rows: fc.integer({ min: 1, max: 9 }),
    blocks: fc.integer({ min: 1, max: 5 }),
    seed: fc.integer({ min: 1, max: 2 ** 31 }),
    padding: fc.boolean(),
  });
  const step = fc.record({
    ids: fc.array(fc.nat(), { maxLength: 300 }),
    cut: fc.nat(),
    mode: fc.constantFrom(...MODES),
    weighted: fc.boolean(),
    scale: fc.boolean(),
  });
  fc.assert(
    fc.property(
      table,
      fc.array(step, { minLength: 1, maxLength: 4 }),
      ({ dtype, rows, blocks, seed, padding }, steps) => {
        const made = tables(dtype, rows, blocks * BLOCKS[dtype][0], padding ? rows - 1 : null, seed);
        try {
          for (const each of steps) {
            const batch = Uint32Array.from(each.ids, (id) => id % rows);
            expectBits(made.blocks.forward(batch).data, made.plain.forward(batch).data);
            const offsets = batch.length === 0 ? [] : [0, each.cut % (batch.length + 1)];
            const perSampleWeights =
              each.weighted && each.mode !== 'max'
                ? Float32Array.from(batch, (_, i) => ((i * 37) % 11) / 3 - 1)
                : undefined;
            const [bag, expectedBag] = [made.blocks, made.plain].map((one) =>
              EmbeddingBag.from(one, { mode: each.mode }),
            );
            const call = { offsets, perSampleWeights };
            expectBits(bag!.forward(batch, call).data, expectedBag!.forward(batch, call).data);
            const [layer, expectedLayer] = [made.blocks, made.plain].map(
              (token) => new EmbeddingLayer({ token, positional: null, scale: each.scale }),
            );
            expectBits(layer!.forward(batch).data, expectedLayer!.forward(batch).data);
          }
        } finally {
          made.blocks.dispose();
          made.plain.dispose();
        }
      },
    ),
    { numRuns: 60 },
  );
});
