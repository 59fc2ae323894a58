/** EmbeddingLayer: bit-identical to its parts applied one after the other, with the same errors. */

import fc from 'fast-check';
import {
  Embedding,
  EmbeddingLayer,
  type EmbeddingLayerOptions,
  type EmbeddingLayerParts,
  LearnedPositionalEmbedding,
  type Positional,
  PositionalEncoding,
  Tensor,
} from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { expectBits, expectPainted, painted } from './helpers/bits.js';
import {
  type Expected,
  expectError,
  expectErrorAndNoWrite,
  invalidOption,
  thrown,
} from './helpers/errors.js';

const Untyped = EmbeddingLayer as unknown as new (options?: unknown) => EmbeddingLayer;
interface UntypedLayer {
  forward(ids?: unknown, options?: unknown): Tensor<'f32'>;
  forwardInto(ids?: unknown, out?: unknown, options?: unknown): unknown;
}
const untyped = (layer: EmbeddingLayer) => layer as unknown as UntypedLayer;
const make = (options: Partial<EmbeddingLayerOptions> = {}) =>
  new EmbeddingLayer({ vocabSize: 10, embeddingDim: 4, maxSeqLength: 6, seed: 3, ...options });

const KINDS = ['sinusoidal', 'learned', null] as const;

describe('the constructor from options', () => {
  it('creates its parts with the documented defaults', () => {
    const layer = new EmbeddingLayer({ vocabSize: 10, embeddingDim: 4, seed: 3 });
    expect(layer.token).toMatchObject({
      vocabSize: 10,
      embeddingDim: 4,
      paddingIdx: null,
      initType: 'uniform',
      seed: 3,
    });
    expect(layer.positional).toBeInstanceOf(PositionalEncoding);
    expect(layer.positional).toMatchObject({
      embeddingDim: 4,
      maxSeqLength: 512,
      dropout: 0,
      base: 10_000,
      layout: 'interleaved',
    });
    expect([layer.scale, layer.training, layer.disposed]).toEqual([false, false, false]);
    expectBits(
      layer.token.weight.toTensor().data,
      new Embedding({ vocabSize: 10, embeddingDim: 4, seed: 3 }).weight.toTensor().data,
    );
  });

  it('passes each option to its part', () => {
    const sinusoidal = make({
      paddingIdx: -1,
      initType: 'normal',
      std: 3,
      base: 50,
      layout: 'halves',
      dropout: 0.5,
    });
    expect(sinusoidal.token).toMatchObject({ paddingIdx: 9, initType: 'normal' });
    expect(sinusoidal.positional).toMatchObject({
      base: 50,
      layout: 'halves',
      dropout: 0.5,
      seed: 3,
      maxSeqLength: 6,
    });
    const learned = make({ positional: 'learned', maxSeqLength: 8 });
    expect(learned.positional).toBeInstanceOf(LearnedPositionalEmbedding);
    expect(learned.positional).toMatchObject({
      maxSeqLength: 8,
      embeddingDim: 4,
      initType: 'normal',
      seed: 3,
    });
    expect(make({ positional: null }).positional).toBeNull();
  });

  it("lists the parameters: the token table's, then those of the positions", () => {
    const learned = make({ positional: 'learned' });
    const { positionEmbedding } = learned.positional as LearnedPositionalEmbedding;
    expect(learned.parameters.map((each) => each)).toEqual([learned.token.weight, positionEmbedding.weight]);
    expect(learned.parameters[0]).toBe(learned.token.weight);
    expect(learned.parameters[1]).toBe(positionEmbedding.weight);
    expect(learned.parameters).toBe(learned.parameters);
    expect(Object.isFrozen(learned.parameters)).toBe(true);
    expect(make().parameters).toHaveLength(1);
    expect(make({ positional: null }).parameters).toHaveLength(1);
  });

  it('draws one seed for all parts if none is passed', () => {
    const layer = make({ positional: 'learned', seed: undefined });
    expect((layer.positional as LearnedPositionalEmbedding).seed).toBe(layer.token.seed);
  });

  it('treats undefined as absent, for the names of both forms', () => {
    const layer = new Untyped({ token: undefined, vocabSize: 10, embeddingDim: 4 });
    expect(layer.token.vocabSize).toBe(10);
    const { token, positional } = layer;
    expect(new Untyped({ token, positional, vocabSize: undefined, seed: undefined }).token).toBe(token);
    expectError(() => new Untyped({ token: undefined, positional }), invalidOption(TypeError, 'token'));
    expectError(() => new Untyped({ token, positional, foo: undefined }), invalidOption(TypeError, 'foo'));
    expectError(
      () => new Untyped({ token, positional, vocabSize: 10 }),
      invalidOption(TypeError, 'vocabSize'),
    );
  });

  it('rejects invalid options', () => {
    const bad = (options: object, kind: typeof TypeError | typeof RangeError, option: string) =>
      expectError(
        () => new Untyped({ vocabSize: 10, embeddingDim: 4, ...options }),
        invalidOption(kind, option),
      );
    for (const value of [undefined, null, '1']) {
      bad({ vocabSize: value }, TypeError, 'vocabSize');
      bad({ embeddingDim: value }, TypeError, 'embeddingDim');
    }
    bad({ maxSeqLength: null }, TypeError, 'maxSeqLength');
    for (const value of [0, -1, 1.5, 2 ** 32 + 1]) bad({ maxSeqLength: value }, RangeError, 'maxSeqLength');
    for (const value of [1, true, {}]) bad({ positional: value }, TypeError, 'positional');
    for (const value of ['', 'rotary']) bad({ positional: value }, RangeError, 'positional');
    for (const value of [null, 1, 'true']) bad({ scale: value }, TypeError, 'scale');
    bad({ paddingIdx: 10 }, RangeError, 'paddingIdx');
    bad({ std: 1 }, RangeError, 'std');
    bad({ base: 0 }, RangeError, 'base');
    bad({ base: '1' }, TypeError, 'base');
    bad({ layout: 'x' }, RangeError, 'layout');
    bad({ seed: -1 }, RangeError, 'seed');
    bad({ positional: 'learned', base: 100 }, RangeError, 'base');
    bad({ positional: null, layout: 'halves' }, RangeError, 'layout');
    bad({ vocabSize: 0, maxLen: 1 }, TypeError, 'maxLen');
    expectError(() => new Untyped({ vocabSize: 1, embeddingDim: 1, initType: 'x' }), {
      class: RangeError,
      code: 'ERR_UNKNOWN_INIT',
    });
    for (const options of [undefined, null, 1, 'x', []])
      expectError(() => new Untyped(options), invalidOption(TypeError, 'options'));
    expectError(() => make({ maxSeqLength: 2 ** 32, embeddingDim: 2 ** 40 }), {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
    });
  });
});

describe('the constructor from parts', () => {
  const token = new Embedding({ vocabSize: 10, embeddingDim: 4, seed: 1 });
  const positional = new PositionalEncoding({ embeddingDim: 4, maxSeqLength: 6 });

  it('uses the parts as they are', () => {
    const layer = new EmbeddingLayer({ token, positional, scale: true });
    expect([layer.token, layer.positional, layer.scale]).toEqual([token, positional, true]);
    expect(layer.token).toBe(token);
    expect(layer.positional).toBe(positional);
    expect(new EmbeddingLayer({ token, positional: null }).positional).toBeNull();
  });

  it('rejects parts of a wrong class or of another width', () => {
    const bad = (options: object, option: string) =>
      expectError(() => new Untyped(options), invalidOption(TypeError, option));
    for (const value of [undefined, null, {}, positional, new Tensor([1])])
      bad({ token: value, positional }, 'token');
    for (const value of [undefined, 'learned', {}, token]) bad({ token, positional: value }, 'positional');
    bad({ token, positional, scale: 1 }, 'scale');
    bad({ token, positional, seed: 1 }, 'seed');
    bad({ token, positional, vocabSize: 1 }, 'vocabSize');
    const dim = { class: RangeError, code: 'ERR_DIM', text: 'Embedding dim mismatch: expected 4, got 5' };
    expectError(
      () => new EmbeddingLayer({ token, positional: new PositionalEncoding({ embeddingDim: 5 }) }),
      dim,
    );
    const learned = new LearnedPositionalEmbedding({ embeddingDim: 5, maxSeqLength: 2 });
    expectError(() => new EmbeddingLayer({ token, positional: learned }), dim);
  });
});

describe('forward', () => {
  const ids = [3, 0, 9, 9, 1, 2];
  const scaled = (rows: Float32Array, dim: number) =>
    rows.map((value) => Math.fround(value * Math.fround(Math.sqrt(dim))));

  it.each(KINDS)('with positions %s equals the parts applied one after the other', (kind) => {
    for (const scale of [false, true]) {
      const layer = make({ positional: kind, scale, embeddingDim: 7 });
      const rows = layer.token.forward(ids);
      const x = scale ? new Tensor(scaled(rows.data, 7), { shape: rows.shape }) : rows;
      const wanted = layer.positional === null ? x : layer.positional.forward(x);
      const out = layer.forward(ids);
      expect(out.shape).toEqual([6, 7]);
      expectBits(out.data, wanted.data);
    }
  });

  it('accepts ids of any form with one or two dimensions', () => {
    const layer = make();
    const wanted = layer.forward(ids).data;
    const forms = [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array].map((Class) =>
      Class.from(ids),
    );
    const wide = [BigInt64Array.from(ids.map(BigInt)), new Tensor(Int32Array.from(ids))];
    for (const form of [...forms, ...wide]) expectBits(layer.forward(form).data, wanted);
    const batch = layer.forward([ids.slice(0, 3), ids.slice(3)]);
    expect(batch.shape).toEqual([2, 3, 4]);
    expectBits(layer.forward(Int32Array.from(ids), { shape: [2, 3] }).data, batch.data);
    expectBits(batch.data.subarray(0, 12), wanted.subarray(0, 12));
    expect([layer.forward([]).shape, layer.forward([[], []]).shape]).toEqual([
      [0, 4],
      [2, 0, 4],
    ]);
    expect(layer.forward([], { shape: [0, 5] }).shape).toEqual([0, 5, 4]);
    expect([batch.data.byteOffset, batch.data.buffer.byteLength]).toEqual([0, 96]);
  });

  it('uses the current values of the tables', () => {
    const layer = make({ positional: 'learned' });
    layer.token.weight.set(1, [1, 2, 3, 4]);
    (layer.positional as LearnedPositionalEmbedding).positionEmbedding.weight.set(0, [10, 20, 30, 40]);
    expect(layer.forward([1]).toArray()).toEqual([[11, 22, 33, 44]]);
  });

  it('treats padding ids like any other id, with a position', () => {
    const layer = make({ paddingIdx: 2 });
    expectBits(layer.forward([2]).data, [0, 1, 0, 1]);
  });

  const cases = fc.record({
    dim: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 129, 513)),
    batch: fc.option(fc.integer({ min: 0, max: 4 })),
    seq: fc.integer({ min: 0, max: 9 }),
    kind: fc.constantFrom(...KINDS),
    scale: fc.boolean(),
    where: fc.constantFrom('start', 'from', 'each', 'one'),
    dropout: fc.constantFrom(0, 0, 0.3, 0.9),
    seed: fc.maxSafeInteger().map(Math.abs),
    picks: fc.infiniteStream(fc.nat(10)),
  });

  it('is bit-identical to the parts for random arguments', () => {
    fc.assert(
      fc.property(cases, ({ dim, batch, seq, kind, scale, where, dropout, seed, picks }) => {
        const pick = (count: number) => Array.from({ length: count }, () => picks.next().value as number);
        const token = new Embedding({ vocabSize: 11, embeddingDim: dim, initType: 'normal', seed });
        const parts = (): Positional =>
          kind === 'sinusoidal'
            ? new PositionalEncoding({ embeddingDim: dim, maxSeqLength: 11, dropout, seed }).train()
            : kind === 'learned'
              ? new LearnedPositionalEmbedding({ embeddingDim: dim, maxSeqLength: 11, seed })
              : null;
        const layer = new EmbeddingLayer({ token, positional: parts(), scale });
        const shape = batch === null ? [seq] : [batch, seq];
        const count = shape.reduce((product, length) => product * length, 1);
        const given =
          kind === null || where === 'start'
            ? {}
            : where === 'from'
              ? { startPos: 2 }
              : {
                  positionIds: new Tensor(Int32Array.from(pick(where === 'each' ? count : seq)), {
                    shape: where === 'each' ? shape : [seq],
                  }),
                };
        const separate = parts();
        for (let call = 0; call < 2; call++) {
          const ids = Int32Array.from(pick(count));
          const rows = token.forward(ids, { shape });
          const x = scale ? new Tensor(scaled(rows.data, dim), { shape: rows.shape }) : rows;
          const wanted = separate === null ? x : separate.forward(x, given);
          const out = layer.forward(ids, { shape, ...given });
          expect(out.shape).toEqual([...shape, dim]);
          expectBits(out.data, wanted.data);
        }
        for (const each of [layer.positional, separate, token]) each?.dispose();
      }),
      { numRuns: 200 },
    );
  });
});

describe('forwardInto', () => {
  const layer = make();

  it('writes the first elements of out and returns it; the rest is untouched', () => {
    const wanted = layer.forward([1, 2]).data;
    const out = painted(11);
    expect(layer.forwardInto([1, 2], out)).toBe(out);
    expectBits(out.subarray(0, 8), wanted);
    expectPainted(out.subarray(8));
    const tensor = Tensor.allocate([2, 4]);
    expect(layer.forwardInto([1, 2], tensor)).toBe(tensor);
    expectBits(tensor.data, wanted);
  });

  it('rejects an out that shares bytes with ids or positions', () => {
    const buffer = new ArrayBuffer(64);
    const out = new Float32Array(buffer);
    const overlap = (text: string) => ({ class: RangeError, code: 'ERR_OVERLAP', text });
    expectError(() => layer.forwardInto(new Int32Array(buffer, 8, 2), out), overlap('ids'));
    expectError(() => layer.forwardInto(new BigInt64Array(buffer, 8, 2), out), overlap('ids'));
    expectError(
      () => layer.forwardInto([1], out, { positionIds: new Uint8Array(buffer, 63, 1) }),
      overlap('positionIds'),
    );
    expect(out.every((value) => value === 0)).toBe(true);
    layer.forwardInto(new Int32Array(buffer, 32, 2), out.subarray(0, 8));
  });
});

describe('errors of forward and forwardInto', () => {
  const layer = make();
  const both = (ids: unknown, options: unknown, refusal: Expected, of = layer) => {
    expectError(() => untyped(of).forward(ids, options), refusal);
    expectErrorAndNoWrite(64, (out) => untyped(of).forwardInto(ids, out, options), refusal);
    expect(of.forward([0]).shape).toEqual([1, 4]);
  };
  const range = (code: string, text: string, fields = {}) => ({ class: RangeError, code, text, fields });

  it('a wrong rank: ERR_RANK', () => {
    both(1, undefined, range('ERR_RANK', 'Expected 1D or 2D token ids, got shape []', { shape: [] }));
    both(
      [[[1, 2]]],
      undefined,
      range('ERR_RANK', 'Expected 1D or 2D token ids, got shape [1, 1, 2]', { shape: [1, 1, 2] }),
    );
    both([1], { shape: [1, 1, 1] }, range('ERR_RANK', 'got shape [1, 1, 1]'));
    both([1], { shape: [] }, range('ERR_RANK', 'got shape []'));
  });

  it('a sequence that is too long: ERR_SEQUENCE_LENGTH', () => {
    both([0, 0, 0, 0, 0, 0, 0], undefined, range('ERR_SEQUENCE_LENGTH', 'Sequence length 7 exceeds max 6'));
    both(
      [
        [0, 0],
        [1, 1],
      ],
      { startPos: 5 },
      range('ERR_SEQUENCE_LENGTH', 'Sequence length 7 exceeds max 6'),
    );
    both(
      [
        [0, 0],
        [1, 1],
      ],
      { startPos: 5 },
      range('ERR_SEQUENCE_LENGTH', 'startPos 5'),
    );
    expect(make({ positional: null }).forward(new Int32Array(5000)).shape).toEqual([5000, 4]);
    const positionIds = new Uint8Array(5000);
    expect(layer.forward(new Int32Array(5000), { positionIds }).shape).toEqual([5000, 4]);
  });

  it('shapes and lengths that do not match: ERR_SHAPE', () => {
    both([1, 2, 3], { shape: [2, 2] }, range('ERR_SHAPE', '[2, 2]'));
    const text = 'positionIds must have shape [3]: got [2]';
    both([1, 2, 3], { positionIds: [1, 2] }, range('ERR_SHAPE', text, { shape: [2] }));
    both([[1, 2]], { positionIds: [[1, 2, 3]] }, range('ERR_SHAPE', '[2] or [1, 2]: got [1, 3]'));
    both([[1, 2]], { positionIds: [[[1], [2]]] }, range('ERR_SHAPE', '[2] or [1, 2]: got [1, 2, 1]'));
    both([[1, 2]], { positionIds: [[1], [2]] }, range('ERR_SHAPE', '[2] or [1, 2]'));
    expectErrorAndNoWrite(7, (out) => layer.forwardInto([1, 2], out), range('ERR_SHAPE', 'out'));
  });

  it('ids out of range, tokens before positions: ERR_ID_OUT_OF_RANGE', () => {
    const tokens = (value: number | bigint, position: number) =>
      range('ERR_ID_OUT_OF_RANGE', 'Token indices must be in range [0, 10)', { value, position, bound: 10 });
    const positions = (value: number | bigint, position: number) =>
      range('ERR_ID_OUT_OF_RANGE', 'Positions must be in range [0, 6)', { value, position, bound: 6 });
    both([1, 10], undefined, tokens(10, 1));
    both(
      [
        [1, 2],
        [3, -1],
      ],
      undefined,
      tokens(-1, 3),
    );
    both([1, 2 ** 33, 10], undefined, tokens(2 ** 33, 1));
    both([10, 2 ** 33], undefined, tokens(10, 0));
    both(BigUint64Array.of(0n, 2n ** 63n), undefined, tokens(2n ** 63n, 1));
    both([1, 2], { positionIds: [0, 6] }, positions(6, 1));
    both([1, 2], { positionIds: [0, -1] }, positions(-1, 1));
    both([1, 2], { positionIds: BigInt64Array.of(0n, -1n) }, positions(-1n, 1));
    both([1, 10], { positionIds: [6, 0] }, tokens(10, 1));
    both(Int32Array.of(1, -1), { positionIds: [2 ** 40, 0] }, tokens(-1, 1));
    both([1, 10], { positionIds: [2 ** 40, 0] }, tokens(10, 1));
    both([1, 2 ** 40], { positionIds: [6, 0] }, tokens(2 ** 40, 1));
    both([1, 2], { positionIds: [7, 2 ** 40] }, positions(7, 0));
    both([1, 2], { positionIds: [2 ** 40, 7] }, positions(2 ** 40, 0));
  });

  it('ids of a wrong kind: ERR_INVALID_ID, ERR_RAGGED, ERR_INVALID_IDS', () => {
    both([0.5], undefined, { class: TypeError, code: 'ERR_INVALID_ID' });
    both([0], { positionIds: [Number.NaN] }, { class: TypeError, code: 'ERR_INVALID_ID' });
    both([[1], [2, 3]], undefined, { class: TypeError, code: 'ERR_RAGGED' });
    for (const ids of [undefined, null, '1', {}, 1n, true, new Float32Array(1)]) {
      both(ids, undefined, { class: TypeError, code: 'ERR_INVALID_IDS', fields: { argument: 'ids' } });
    }
    for (const positionIds of [null, '1', {}, 1n, new Float32Array(1)]) {
      both(
        [1],
        { positionIds },
        { class: TypeError, code: 'ERR_INVALID_IDS', fields: { argument: 'positionIds' } },
      );
    }
    for (const out of [undefined, null, [], new Float64Array(4)]) {
      expectError(() => untyped(layer).forwardInto([1], out), {
        class: TypeError,
        code: 'ERR_INVALID_ARRAY',
        fields: { argument: 'out' },
      });
    }
  });

  it('wrong options: ERR_INVALID_OPTION', () => {
    both([0], { positions: [0] }, invalidOption(TypeError, 'positions'));
    both([0], { startPos: 0.5 }, invalidOption(RangeError, 'startPos'));
    both([0], { startPos: '0' }, invalidOption(TypeError, 'startPos'));
    both(
      [0],
      { startPos: 0, positionIds: [0] },
      { ...invalidOption(RangeError, 'startPos'), text: 'absent when there are positionIds' },
    );
    both([0], { shape: '1' }, invalidOption(TypeError, 'shape'));
    const none = make({ positional: null });
    const text = 'absent in a layer without positions';
    both([0], { startPos: 0 }, { ...invalidOption(RangeError, 'startPos'), text }, none);
    both([0], { positionIds: [0] }, { ...invalidOption(RangeError, 'positionIds'), text }, none);
  });

  it('follow the documented order of checks', () => {
    const gone = make();
    gone.dispose();
    const short = new Float32Array(1);
    const steps: [string, () => unknown][] = [
      ['ERR_DISPOSED', () => untyped(gone).forward('x', { unknown: 1 })],
      ['ERR_INVALID_OPTION', () => untyped(layer).forward('x', { startPos: -1 })],
      ['ERR_INVALID_IDS', () => untyped(layer).forward('x', { positionIds: [0.5] })],
      ['ERR_INVALID_ARRAY', () => untyped(layer).forwardInto([0.5], 'x')],
      ['ERR_INVALID_IDS', () => untyped(layer).forwardInto([0.5], short, { positionIds: 'x' })],
      ['ERR_INVALID_ID', () => untyped(layer).forwardInto([[[0.5]]], short)],
      ['ERR_INVALID_ID', () => untyped(layer).forwardInto([[[1]]], short, { positionIds: [0.5] })],
      ['ERR_RANK', () => untyped(layer).forwardInto([99], short, { shape: [9, 9, 9] })],
      ['ERR_SHAPE', () => layer.forwardInto([99], short, { startPos: 99 })],
      ['ERR_SEQUENCE_LENGTH', () => layer.forward([99], { startPos: 99 })],
      ['ERR_ID_OUT_OF_RANGE', () => layer.forward([99])],
    ];
    expect(steps.map(([, run]) => thrown(run)['code'])).toEqual(steps.map(([code]) => code));
  });
});

describe('a getter inside the ids', () => {
  const getting = (act: () => unknown) =>
    Object.defineProperty([0, 1], 1, { get: () => (act(), 1) }) as number[];
  const detach = (array: Int32Array | Float32Array) => () =>
    structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });

  it('can call the layer', () => {
    const layer = make();
    const wanted = layer.forward([0, 1]).data;
    expectBits(
      layer.forward(getting(() => layer.forward([[5, 6, 7]], { positionIds: [0, 1, 2] }))).data,
      wanted,
    );
  });

  it('can detach or shrink positions or out, or dispose a part: the call fails without writing', () => {
    const layer = make();
    const positionIds = Int32Array.of(0, 1);
    expectErrorAndNoWrite(8, (out) => layer.forwardInto(getting(detach(positionIds)), out, { positionIds }), {
      class: TypeError,
      code: 'ERR_INVALID_IDS',
    });
    const Resizable = ArrayBuffer as unknown as new (
      length: number,
      options: object,
    ) => ArrayBuffer & { resize(length: number): void };
    const buffer = new Resizable(8, { maxByteLength: 16 });
    for (const length of [4, 16]) {
      const tracking = new Int32Array(buffer);
      const resize = () => buffer.resize(length);
      expectErrorAndNoWrite(8, (out) => layer.forwardInto(getting(resize), out, { positionIds: tracking }), {
        class: TypeError,
        code: 'ERR_INVALID_IDS',
      });
      buffer.resize(8);
    }
    const out = painted(8);
    expectError(() => layer.forwardInto(getting(detach(out)), out), {
      class: TypeError,
      code: 'ERR_INVALID_ARRAY',
    });
    expectErrorAndNoWrite(
      8,
      (into) =>
        layer.forwardInto(
          getting(() => layer.positional!.dispose()),
          into,
        ),
      { class: Error, code: 'ERR_DISPOSED' },
    );
  });
});

describe('dispose', () => {
  it('frees the parts it created', () => {
    for (const positional of KINDS) {
      const layer = make({ positional });
      const out = layer.forward([1]);
      const copy = out.data.slice();
      layer.dispose();
      layer.dispose();
      expect([layer.disposed, layer.token.disposed, layer.positional?.disposed ?? true]).toEqual([
        true,
        true,
        true,
      ]);
      expectError(() => layer.forward([1]), { class: Error, code: 'ERR_DISPOSED' });
      expectError(() => layer.forwardInto([1], new Float32Array(4)), { class: Error, code: 'ERR_DISPOSED' });
      expectBits(out.data, copy);
      expect(layer.token.getMemoryUsage().bytes).toBe(160);
    }
  });

  it('does not free passed parts, and fails once one of them is disposed', () => {
    const parts = (): EmbeddingLayerParts & { positional: PositionalEncoding } => ({
      token: new Embedding({ vocabSize: 10, embeddingDim: 4 }),
      positional: new PositionalEncoding({ embeddingDim: 4, maxSeqLength: 6 }),
    });
    const kept = parts();
    const layer = new EmbeddingLayer(kept);
    layer.dispose();
    expect([layer.disposed, kept.token.disposed, kept.positional.disposed]).toEqual([true, false, false]);
    expectError(() => layer.forward([1]), { class: Error, code: 'ERR_DISPOSED' });
    expect(new EmbeddingLayer(kept).forward([1]).shape).toEqual([1, 4]);
    const other = parts();
    const second = new EmbeddingLayer(other);
    other.token.dispose();
    expectError(() => second.forward([1]), { class: Error, code: 'ERR_DISPOSED' });
    expect(other.positional.encode(1).shape).toEqual([4]);
  });

  it('supports `using`', () => {
    const layer = make();
    const name = (Symbol as { dispose?: symbol }).dispose ?? Symbol.for('Symbol.dispose');
    (layer as unknown as Record<symbol, () => void>)[name]!();
    expect(layer.disposed).toBe(true);
  });
});
