/**
 * Arguments and results larger than the scratch area of WASM: 65,536 index entries, 131,072 floats.
 *
 * However a call is split into tiles, the results are bit-identical to plain loops, and an invalid entry at the end is
 * detected before the first element is written.
 */

import { type BagMode, Embedding, EmbeddingBag, EmbeddingLayer, PositionalEncoding, Tensor } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { expectBits, expectPainted, painted } from './helpers/bits.js';
import { expectError } from './helpers/errors.js';
import { DTYPES, NARROW, stored } from './helpers/stored.js';

const INDEX_TILE = 65_536;
const FLOAT_TILE = 131_072;

/** Ids that differ between tiles. */
const someIds = (count: number, vocab: number) =>
  Int32Array.from({ length: count }, (_, i) => (i * 7919 + (i >> 13)) % vocab);

/** A table whose values follow a formula. */
const values = (vocab: number, dim: number) =>
  Float32Array.from({ length: vocab * dim }, (_, i) => ((i * 2_654_435_761) % 1000) - 500);
const embeddingOf = (table: Float32Array, embeddingDim: number, paddingIdx: number | null = null) =>
  Embedding.fromPretrained(table, { embeddingDim, paddingIdx });

/** out[r] = table[ids[r]]. */
function gather(table: Float32Array, dim: number, ids: ArrayLike<number>): Float32Array {
  const out = new Float32Array(ids.length * dim);
  for (let r = 0; r < ids.length; r++) out.set(table.subarray(ids[r]! * dim, (ids[r]! + 1) * dim), r * dim);
  return out;
}

describe('Embedding', () => {
  it.each([
    [INDEX_TILE - 1, 1],
    [INDEX_TILE, 2],
    [INDEX_TILE + 1, 3],
    [200_000, 5],
    [FLOAT_TILE + 1, 1],
    [300, FLOAT_TILE / 64 + 1],
    [7, FLOAT_TILE],
    [5, FLOAT_TILE + 1],
    [3, 200_000],
  ])('looks up %i ids of %i columns', (count, dim) => {
    const vocab = dim > 1000 ? 4 : 100;
    const table = values(vocab, dim);
    const embedding = embeddingOf(table, dim);
    const ids = someIds(count, vocab);
    expectBits(embedding.forward(ids).data, gather(table, dim, ids));
    const out = painted(count * dim + 2);
    // Part of a larger buffer, with another element size.
    const narrow = new Uint8Array(count + 3).fill(255);
    narrow.set(ids, 3);
    embedding.forwardInto(narrow.subarray(3), out);
    expectBits(out.subarray(0, -2), gather(table, dim, ids));
    expectPainted(out.subarray(-2));
    embedding.dispose();
  });

  it('returns results of tens of MiB', () => {
    const table = values(1000, 384);
    const embedding = embeddingOf(table, 384);
    const ids = someIds(32 * 1024, 1000);
    const out = embedding.forward(ids, { shape: [32, 1024] });
    expect(out.data.byteLength).toBe(48 * 2 ** 20);
    expectBits(out.data, gather(table, 384, ids));
    embedding.dispose();
  });

  it.each([40, 100, 384, 1000])('reads tables beyond the caches, of %i columns', (dim) => {
    // From 16 MiB on, WASM loads rows before it reads them.
    const vocab = Math.ceil(2 ** 22 / dim) + 1;
    const table = values(vocab, dim);
    const embedding = embeddingOf(table, dim);
    const positional = new PositionalEncoding({ embeddingDim: dim, maxSeqLength: 150 });
    const layer = new EmbeddingLayer({ token: embedding, positional });
    const positions = positional.pe.data;
    const bags = EmbeddingBag.from(embedding, { mode: 'max' });
    for (const count of [1, 9, 64, 65, 150]) {
      const ids = someIds(count, vocab).map((id, i) => (i % 3 === 0 ? vocab - 1 - i : id));
      const rows = gather(table, dim, ids);
      expectBits(embedding.forward(ids).data, rows);
      const sum = rows.map((x, i) => x + positions[i]!);
      expectBits(layer.forward(ids).data, sum);
      const most = Float32Array.from({ length: dim }, (_, col) =>
        Math.max(...Array.from(ids, (_, r) => rows[r * dim + col]!)),
      );
      expectBits(bags.forward(ids, { offsets: [0] }).data, most);
      const ones = new Float32Array(dim).fill(1);
      expectBits(
        embedding.score(ones, { ids }).data,
        Array.from(ids, (_, r) => rows.subarray(r * dim, (r + 1) * dim).reduce((a, b) => a + b)),
      );
    }
    bags.dispose();
    layer.dispose();
    embedding.dispose();
  });

  it('writes to allocated tensors', () => {
    const table = values(50, 300);
    const embedding = embeddingOf(table, 300);
    const ids = someIds(2000, 50);
    const out = Tensor.allocate([2000, 300]);
    expect(embedding.forwardInto(ids, out)).toBe(out);
    expectBits(out.data, gather(table, 300, ids));
    out.dispose();
  });

  it('detects an invalid id in the last tile before writing', () => {
    const embedding = embeddingOf(values(10, 3), 3);
    for (const at of [INDEX_TILE - 1, INDEX_TILE, 3 * INDEX_TILE + 17]) {
      const ids = new Int32Array(4 * INDEX_TILE);
      ids[at] = 10;
      ids[4 * INDEX_TILE - 1] = -1;
      const out = painted(ids.length * 3);
      const fields = { value: 10, position: at };
      expectError(() => embedding.forwardInto(ids, out), {
        class: RangeError,
        code: 'ERR_ID_OUT_OF_RANGE',
        fields,
      });
      expectPainted(out);
    }
  });

  it('supports rows wider than a tile', () => {
    const dim = 200_000;
    const embedding = new Embedding({ vocabSize: 3, embeddingDim: dim, initType: 'zeros' });
    const table = values(3, dim);
    embedding.weight.setRows(1, table.subarray(0, 2 * dim));
    expectBits(embedding.weight.row(2), table.subarray(dim, 2 * dim));
    expectBits(embedding.weight.toTensor().data.subarray(dim), table.subarray(0, 2 * dim));
    expect(embedding.weight.row(0).every((value) => value === 0)).toBe(true);
    embedding.dispose();
  });
});

describe('EmbeddingBag', () => {
  /** The reference: plain loops over complete bags, fast enough for millions of elements. */
  function bags(
    table: Float32Array,
    dim: number,
    {
      ids,
      offsets,
      mode,
      weights,
      paddingIdx = null,
    }: {
      ids: Int32Array;
      offsets: ArrayLike<number>;
      mode: BagMode;
      weights?: Float32Array | undefined;
      paddingIdx?: number | null;
    },
  ): Float32Array {
    const f32 = Math.fround;
    const out = new Float32Array(offsets.length * dim);
    for (let b = 0; b < offsets.length; b++) {
      const acc = out.subarray(b * dim, (b + 1) * dim);
      let [entries, divisor] = [0, 0];
      for (let i = offsets[b]!; i < (offsets[b + 1] ?? ids.length); i++) {
        if (ids[i] === paddingIdx) continue;
        const start = ids[i]! * dim;
        const weight = weights === undefined ? 1 : weights[i]!;
        divisor = f32(divisor + weight);
        for (let c = 0; c < dim; c++) {
          const value = table[start + c]!;
          if (mode === 'max') acc[c] = entries === 0 || value > acc[c]! ? value : acc[c]!;
          else acc[c] = f32(acc[c]! + f32(value * weight));
        }
        entries++;
      }
      if (mode === 'mean' && entries > 0) for (let c = 0; c < dim; c++) acc[c] = f32(acc[c]! / divisor);
    }
    return out;
  }

  const modes = ['sum', 'mean', 'max'] as const;

  it.each(modes)('%s of one bag of 200,000 ids', (mode) => {
    const table = values(100, 3);
    const ids = someIds(200_000, 100);
    for (const paddingIdx of [null, 5]) {
      const bag = EmbeddingBag.from(embeddingOf(table, 3, paddingIdx), { mode });
      const expected = bags(table, 3, { ids, offsets: [0], mode, paddingIdx });
      expectBits(bag.forward(ids, { offsets: [0] }).data, expected);
      expectBits(bag.forward(ids, { shape: [1, 200_000] }).data, expected);
      expectBits(bag.forward(ids, { offsets: [0, 200_000, 200_000] }).data.subarray(0, 3), expected);
    }
  });

  it.each(modes)('%s of more bags than a tile of offsets', (mode) => {
    const table = values(60, 2);
    const count = 150_000;
    const ids = someIds(count, 60);
    // Every third bag is empty, the others have one or two ids.
    const offsets = Uint32Array.from(
      { length: 3 * 50_000 },
      (_, b) => Math.floor(b / 3) * 3 + [0, 0, 1][b % 3]!,
    );
    const bag = EmbeddingBag.from(embeddingOf(table, 2, 7), { mode });
    expectBits(bag.forward(ids, { offsets }).data, bags(table, 2, { ids, offsets, mode, paddingIdx: 7 }));
  });

  it.each(modes)('%s of bags that cross tile boundaries', (mode) => {
    const table = values(30, 9);
    const ids = someIds(3 * INDEX_TILE, 30);
    const offsets = [
      0,
      1,
      INDEX_TILE - 1,
      INDEX_TILE + 1,
      INDEX_TILE + 1,
      FLOAT_TILE,
      FLOAT_TILE + 5,
      3 * INDEX_TILE,
    ];
    const bag = EmbeddingBag.from(embeddingOf(table, 9), { mode });
    expectBits(bag.forward(ids, { offsets }).data, bags(table, 9, { ids, offsets, mode }));
  });

  it.each(['sum', 'mean'] as const)('%s with more weights than a tile of floats', (mode) => {
    const table = values(30, 5);
    const ids = someIds(2 * FLOAT_TILE + 3, 30);
    const weights = Float32Array.from(ids, (_, i) => Math.fround(Math.sin(i)));
    const offsets = [0, 10, FLOAT_TILE - 1, FLOAT_TILE + 1];
    const bag = EmbeddingBag.from(embeddingOf(table, 5), { mode });
    expectBits(
      bag.forward(ids, { offsets, perSampleWeights: weights }).data,
      bags(table, 5, { ids, offsets, mode, weights }),
    );
  });

  it.each(modes)('%s of rows wider than a tile', (mode) => {
    const dim = 200_000;
    const table = values(4, dim);
    const ids = Int32Array.of(0, 1, 2, 3, 3, 1);
    const offsets = [0, 2, 2, 5];
    const bag = EmbeddingBag.from(embeddingOf(table, dim), { mode });
    expectBits(bag.forward(ids, { offsets }).data, bags(table, dim, { ids, offsets, mode }));
  });

  it('detects an invalid offset or id in the last tile before writing', () => {
    const bag = EmbeddingBag.from(embeddingOf(values(10, 3), 3), { mode: 'sum' });
    const ids = new Int32Array(INDEX_TILE * 3);
    const offsets = Int32Array.from({ length: INDEX_TILE * 2 }, (_, i) => i);
    const out = painted(offsets.length * 3);
    const broken = (index: number, value: number) => {
      const copy = offsets.slice();
      copy[index] = value;
      const fields = { index: value > ids.length || value < index ? index : index + 1 };
      expectError(() => bag.forwardInto(ids, out, { offsets: copy }), {
        class: RangeError,
        code: 'ERR_OFFSETS',
        fields,
      });
      expectPainted(out);
    };
    broken(INDEX_TILE, 5);
    broken(INDEX_TILE - 1, INDEX_TILE + 9);
    broken(INDEX_TILE * 2 - 1, ids.length + 1);
    broken(INDEX_TILE + 1, -1);
    ids[ids.length - 1] = 10;
    const fields = { position: ids.length - 1 };
    expectError(() => bag.forwardInto(ids, out, { offsets }), {
      class: RangeError,
      code: 'ERR_ID_OUT_OF_RANGE',
      fields,
    });
    expectPainted(out);
  });
});

describe.each(NARROW)('rows of %s', (dtype) => {
  /** Odd windows of an i4 row begin within a byte. */
  const dim = 140_001;
  const table = values(3, dim);
  const make = (floats = table) => Embedding.fromPretrained(floats, { embeddingDim: dim, dtype });
  const ids = [2, 0, 1, 1, 2];

  it('wider than a tile are written, read, converted and looked up', () => {
    const embedding = make();
    const expected = stored(dtype, table, dim);
    expectBits(embedding.weight.toTensor().data, expected);
    const row = table.map((value) => value / 3).subarray(0, dim);
    embedding.weight.set(2, row);
    expected.set(stored(dtype, row, dim), 2 * dim);
    expectBits(embedding.weight.row(2), expected.subarray(2 * dim, 3 * dim));
    expectBits(embedding.weight.toTensor().data, expected);
    const rows = table.map((value) => value * 3).subarray(dim);
    embedding.weight.setRows(0, rows);
    expected.set(stored(dtype, rows, dim));
    expectBits(embedding.forward(ids).data, gather(expected, dim, ids));
    expectBits(embedding.forward(2).data, expected.subarray(2 * dim));
    for (const to of DTYPES) {
      const converted = embedding.convert(to);
      expectBits(
        converted.weight.row(1),
        to === dtype ? expected.subarray(dim, 2 * dim) : stored(to, expected.subarray(dim, 2 * dim), dim),
      );
      converted.dispose();
    }
    rows[dim + 139_999] = Number.NaN;
    rows[dim + 140_000] = -Infinity;
    if (dtype === 'i8' || dtype === 'i4') {
      const fields = { row: 2, column: 139_999, value: Number.NaN };
      expectError(() => embedding.weight.setRows(1, rows), { class: RangeError, code: 'ERR_RANGE', fields });
      expectBits(embedding.weight.toTensor().data, expected);
    }
    embedding.dispose();
  });

  it('wider than a tile are reduced, scaled and added to positions', () => {
    const token = make();
    const plain = Embedding.fromPretrained(token.weight.toTensor());
    for (const mode of ['sum', 'mean', 'max'] as const) {
      const [bag, other] = [token, plain].map((each) => EmbeddingBag.from(each, { mode })) as [
        EmbeddingBag,
        EmbeddingBag,
      ];
      expectBits(
        bag.forward(ids, { offsets: [0, 0, 3] }).data,
        other.forward(ids, { offsets: [0, 0, 3] }).data,
      );
    }
    const positional = new PositionalEncoding({ embeddingDim: dim, maxSeqLength: 5 });
    const [layer, other] = [token, plain].map(
      (each) => new EmbeddingLayer({ token: each, positional, scale: true }),
    ) as [EmbeddingLayer, EmbeddingLayer];
    expectBits(layer.forward(ids).data, other.forward(ids).data);
    for (const each of [token, plain, positional]) each.dispose();
  });

  it('calls do not grow the memory of WASM', () => {
    const probe = Tensor.allocate([1]);
    const embedding = make();
    const bag = EmbeddingBag.from(embedding);
    const layer = new EmbeddingLayer({ token: embedding, positional: null });
    const before = probe.data.buffer.byteLength;
    const many = someIds(100, 3);
    embedding.weight.set(0, table.subarray(dim, 2 * dim));
    embedding.weight.setRows(0, table);
    embedding.weight.row(1);
    embedding.weight.toTensor();
    embedding.forward(many);
    bag.forward(many, { offsets: [0, 50] });
    layer.forward(many);
    expect(probe.data.buffer.byteLength).toBe(before);
    for (const each of [layer, bag, embedding, probe]) each.dispose();
  });

  it('in more ids and bags than a tile', () => {
    const narrow = values(100, 5);
    const embedding = Embedding.fromPretrained(narrow, { embeddingDim: 5, dtype });
    const plain = Embedding.fromPretrained(embedding.weight.toTensor());
    const many = someIds(150_000, 100);
    expectBits(embedding.forward(many).data, plain.forward(many).data);
    const offsets = Uint32Array.from({ length: 70_000 }, (_, b) => 2 * b);
    for (const mode of ['sum', 'mean', 'max'] as const) {
      const [bag, other] = [embedding, plain].map((each) => EmbeddingBag.from(each, { mode })) as [
        EmbeddingBag,
        EmbeddingBag,
      ];
      expectBits(bag.forward(many, { offsets }).data, other.forward(many, { offsets }).data);
    }
    const more = values(30_000, 5);
    const large = new Embedding({ vocabSize: 30_001, embeddingDim: 5, initType: 'zeros', dtype });
    large.weight.setRows(1, more);
    expectBits(large.weight.toTensor().data.subarray(5), stored(dtype, more, 5));
    for (const each of [embedding, plain, large]) each.dispose();
  });
});

describe('positions', () => {
  it('encodes more positions than a tile, and rows wider than a tile', () => {
    const pe = new PositionalEncoding({ embeddingDim: 6, maxSeqLength: 70_001 });
    const all = pe.pe.data;
    expectBits(pe.encode(Uint32Array.from({ length: 70_001 }, (_, i) => i)).data, all);
    const backwards = pe.encode(Int32Array.from({ length: 70_001 }, (_, i) => 70_000 - i)).data;
    expectBits(backwards.subarray(-6), all.subarray(0, 6));
    expectBits(backwards.subarray(0, 6), all.subarray(-6));
    pe.dispose();
    const wide = new PositionalEncoding({ embeddingDim: 200_001, maxSeqLength: 3 });
    expectBits(wide.encode([2, 0, 1]).data.subarray(0, 200_001), wide.pe.data.subarray(400_002));
    wide.dispose();
  });

  const plus = (x: Float32Array, pe: Float32Array, dim: number, position: (row: number) => number) =>
    x.map((value, i) => Math.fround(value + pe[position(Math.floor(i / dim)) * dim + (i % dim)]!));

  it('adds to more rows than a tile: ordinary arrays, in place, and allocated tensors', () => {
    const [batch, seq, dim] = [4, 20_000, 5];
    const pe = new PositionalEncoding({ embeddingDim: dim, maxSeqLength: seq + 7 });
    const x = values(batch * seq, dim);
    const shape = [batch, seq, dim];
    const expected = plus(x, pe.pe.data, dim, (row) => (row % seq) + 7);
    expectBits(pe.forward(x, { shape, startPos: 7 }).data, expected);
    const place = x.slice();
    pe.forwardInto(place, place, { shape, startPos: 7 });
    expectBits(place, expected);
    const [from, to] = [Tensor.allocate(shape), Tensor.allocate(shape)];
    from.data.set(x);
    for (const [input, out] of [
      [x, to],
      [from, to],
      [from, from],
    ] as const) {
      to.data.fill(0);
      pe.forwardInto(input, out, { shape, startPos: 7 });
      expectBits(out.data, expected);
    }
    for (const each of [from, to, pe]) each.dispose();
  });

  it('adds to rows wider than a tile', () => {
    const dim = 200_000;
    const pe = new PositionalEncoding({ embeddingDim: dim, maxSeqLength: 3 });
    const x = values(6, dim);
    const expected = plus(x, pe.pe.data, dim, (row) => [2, 0, 1][row % 3]!);
    expectBits(pe.forward(x, { shape: [2, 3, dim], positionIds: [2, 0, 1] }).data, expected);
    pe.forwardInto(x, x, { shape: [2, 3, dim], positionIds: [2, 0, 1] });
    expectBits(x, expected);
  });

  it('accepts more position ids than a tile, for one sequence or for all', () => {
    const seq = 70_000;
    const pe = new PositionalEncoding({ embeddingDim: 3, maxSeqLength: 500 });
    const layer = new EmbeddingLayer({ token: embeddingOf(values(9, 3), 3), positional: pe, scale: true });
    const ids = someIds(3 * seq, 9);
    const x = gather(values(9, 3), 3, ids).map((value) => Math.fround(value * Math.fround(Math.sqrt(3))));
    for (const count of [seq, 3 * seq]) {
      const positionIds = new Tensor(someIds(count, 500), { shape: count === seq ? [seq] : [3, seq] });
      const expected = plus(x, pe.pe.data, 3, (row) => positionIds.data[row % count]!);
      expectBits(pe.forward(x, { shape: [3, seq, 3], positionIds }).data, expected);
      expectBits(layer.forward(ids, { shape: [3, seq], positionIds }).data, expected);
    }
  });

  it('detects an invalid position in the last tile before writing', () => {
    const pe = new PositionalEncoding({ embeddingDim: 1, maxSeqLength: 5 });
    const layer = new EmbeddingLayer({
      token: new Embedding({ vocabSize: 5, embeddingDim: 1 }),
      positional: pe,
    });
    const positionIds = new Int32Array(2 * INDEX_TILE);
    positionIds[2 * INDEX_TILE - 1] = 5;
    const out = painted(2 * INDEX_TILE);
    const refusal = {
      class: RangeError,
      code: 'ERR_ID_OUT_OF_RANGE',
      text: 'Positions',
      fields: { position: 2 * INDEX_TILE - 1 },
    };
    expectError(
      () =>
        pe.forwardInto(new Float32Array(2 * INDEX_TILE), out, { shape: [2 * INDEX_TILE, 1], positionIds }),
      refusal,
    );
    expectError(() => layer.forwardInto(new Int32Array(2 * INDEX_TILE), out, { positionIds }), refusal);
    expectError(() => pe.encode(Float64Array.of(1) as never), { class: TypeError, code: 'ERR_INVALID_IDS' });
    expectPainted(out);
  });
});

describe('EmbeddingLayer', () => {
  it.each(['sinusoidal', 'learned', null] as const)(
    'with positions %s, scale and dropout, equals its parts',
    (positional) => {
      for (const [batch, seq, dim] of [
        [3, 50_000, 4],
        [2, 3, 200_000],
        [5, 300, 384],
      ] as const) {
        const options = { embeddingDim: dim, maxSeqLength: seq, seed: 5 };
        const layer = new EmbeddingLayer({
          ...options,
          vocabSize: 9,
          positional,
          dropout: positional === 'sinusoidal' ? 0.5 : 0,
        });
        const ids = someIds(batch * seq, 9);
        const parts = layer.positional;
        const expected =
          parts === null
            ? layer.token.forward(ids).data
            : parts.forward(layer.token.forward(ids, { shape: [batch, seq] })).data;
        expectBits(layer.forward(ids, { shape: [batch, seq] }).data, expected);
        if (positional === 'sinusoidal') {
          const same = new PositionalEncoding({ ...options, dropout: 0.5 }).train();
          const dropped = same.forward(layer.token.forward(ids, { shape: [batch, seq] })).data;
          expectBits(layer.train().forward(ids, { shape: [batch, seq] }).data, dropped);
          same.dispose();
        }
        layer.dispose();
      }
    },
  );
});
