/** Backward passes of positions and layers, and trainingCalls: values, dropout by call number, and every way to be wrong. */

import {
  Embedding,
  EmbeddingLayer,
  type EmbeddingLayerOptions,
  LearnedPositionalEmbedding,
  type PositionBackwardOptions,
  PositionalEncoding,
  type PositionOptions,
  Tensor,
} from 'tokenbed';
import { afterEach, describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { expectBits, expectPainted, fromBits, painted } from './helpers/bits.js';
import {
  disposed,
  type Expected,
  expectError,
  expectErrorAndNoWrite,
  invalidArray,
  invalidId,
  invalidIds,
  invalidOption,
} from './helpers/errors.js';
import { contentsOf, expectGradient, numbers, Sums, trapped } from './helpers/gradient.js';
import { detach, shared } from './helpers/memory.js';

answersThroughout();

const made: { dispose(): void }[] = [];
afterEach(() => made.splice(0).forEach((each) => each.dispose()));

/** Disposed after the test. */
function kept<T extends { dispose(): void }>(object: T): T {
  made.push(object);
  return object;
}

const f = Math.fround;
const [D, P, V] = [5, 12, 20];
const SIZES = { embeddingDim: D, maxSeqLength: P, seed: 3 } as const;

/** `backward` and `backwardInto` of positions as callers without types see them. */
interface Untyped {
  backward(gradOutput?: unknown, options?: unknown): Tensor<'f32'>;
  backwardInto(gradOutput?: unknown, out?: unknown, options?: unknown): unknown;
}
const untyped = (layer: object): Untyped => layer as Untyped;

/** The elements of `length` that training call `call` of dropout `p` dropped: those of ones that became 0. */
function dropped(p: number, seed: number, call: number, length: number): boolean[] {
  const layer = new EmbeddingLayer({
    vocabSize: 1,
    embeddingDim: length,
    positional: null,
    dropout: p,
    seed,
  });
  layer.token.weight.set(0, new Float32Array(length).fill(1));
  layer.trainingCalls = call;
  const mask = [...layer.train().forward([0]).data].map((x) => x === 0);
  layer.dispose();
  return mask;
}

/** d = +0 where the call dropped the element, else f32(g / f32(1 - p)). */
function undropped(grad: Float32Array, p: number, seed: number, call: number): Float32Array {
  const mask = dropped(p, seed, call, grad.length);
  return grad.map((g, i) => (mask[i] ? 0 : g / f(1 - p)));
}

const positionsOf = {
  PositionalEncoding: (dropout = 0) => kept(new PositionalEncoding({ ...SIZES, dropout })),
  LearnedPositionalEmbedding: () => kept(new LearnedPositionalEmbedding(SIZES)),
};

describe.each(Object.entries(positionsOf))('backward of a %s', (name, make) => {
  const learns = name === 'LearnedPositionalEmbedding';

  it('returns the bits of gradOutput as a new Tensor of its shape', () => {
    const layer = make();
    const odd = fromBits(0x8000_0000, 0x7fa0_0002, 0xffc1_2345, 0x0000_0001, 0xff7f_ffff);
    const back = layer.backward(odd, { shape: [1, D] });
    expect(back.shape).toEqual([1, D]);
    expectBits(back.data, odd);
    expect(back.data.buffer).not.toBe(odd.buffer);
    const grad = numbers(2 * 3 * D);
    for (const training of [false, true]) {
      if (training) layer.train();
      const result = layer.backward(new Tensor(grad, { shape: [2, 3, D] }));
      expect(result.shape).toEqual([2, 3, D]);
      expectBits(result.data, grad);
    }
    expect(layer.parameters.length).toBe(learns ? 1 : 0);
  });

  it('writes into out: longer, in place, shared and allocated', () => {
    const grad = numbers(3 * D);
    const layer = make();
    const longer = painted(3 * D + 2);
    expect(layer.backwardInto(grad, longer, { shape: [3, D] })).toBe(longer);
    expectBits(longer.subarray(0, 3 * D), grad);
    expectPainted(longer, 3 * D);
    const own = grad.slice();
    expect(layer.backwardInto(own, own, { shape: [3, D] })).toBe(own);
    const sharedOut = new Float32Array(shared(3 * D * 4));
    layer.backwardInto(grad, sharedOut, { shape: [3, D] });
    const allocated = kept(Tensor.allocate([3, D]));
    allocated.data.set(grad);
    expect(layer.backwardInto(allocated, allocated)).toBe(allocated);
    for (const out of [own, sharedOut, allocated.data]) expectBits(out, grad);
    if (!learns) return;
    const sums = new Sums(D);
    for (let call = 0; call < 4; call++) sums.add([0, 1, 2], grad);
    expectGradient(layer.parameters[0]!, sums);
  });

  const shape = (...sizes: number[]) => ({ shape: sizes });
  const rank = (text: string): Expected => ({ class: RangeError, code: 'ERR_RANK', text });
  const shapes = { class: RangeError, code: 'ERR_SHAPE' };
  const sequence = (text: string): Expected => ({ class: RangeError, code: 'ERR_SEQUENCE_LENGTH', text });
  const position = (value: number, at: number): Expected => ({
    class: RangeError,
    code: 'ERR_ID_OUT_OF_RANGE',
    text: `Positions must be in range [0, ${P})`,
    fields: { value, position: at, bound: P },
  });
  const wrong: [string, unknown, unknown, Expected][] = [
    ['another option', numbers(D), { ...shape(1, D), scale: 1 }, invalidOption(TypeError, 'scale')],
    ['scaleGradByFreq', numbers(D), { scaleGradByFreq: true }, invalidOption(TypeError, 'scaleGradByFreq')],
    ['no gradOutput', undefined, undefined, invalidArray('gradOutput')],
    ['null', null, undefined, invalidArray('gradOutput', 'null')],
    ['an array of numbers', [1, 2], undefined, invalidArray('gradOutput')],
    ['f64', new Float64Array(D), shape(1, D), invalidArray('gradOutput', 'Float64Array')],
    ['a detached array', detach(numbers(D)), shape(1, D), invalidArray('gradOutput', 'detached')],
    ['1-D', numbers(D), undefined, rank('2D or 3D')],
    ['4-D', numbers(D), shape(1, 1, 1, D), rank('2D or 3D')],
    ['another width', numbers(D + 1), shape(1, D + 1), { class: RangeError, code: 'ERR_DIM' }],
    ['another size', numbers(D + 1), shape(1, D), shapes],
    ['a sequence that is too long', numbers((P + 1) * D), shape(P + 1, D), sequence(`${P + 1}`)],
    [
      'a startPos that is too large',
      numbers(2 * D),
      { ...shape(2, D), startPos: P - 1 },
      sequence(`${P + 1}`),
    ],
    [
      'startPos 1.5',
      numbers(D),
      { ...shape(1, D), startPos: 1.5 },
      invalidOption(RangeError, 'startPos', 1.5),
    ],
    ['both positions', numbers(D), { startPos: 0, positionIds: [0] }, invalidOption(RangeError, 'startPos')],
    ['positionIds of the wrong kind', numbers(D), { ...shape(1, D), positionIds: '0' }, invalidIds('"0"')],
    ['positionIds of the wrong shape', numbers(D), { ...shape(1, D), positionIds: [0, 1] }, shapes],
    ['a position that is too large', numbers(2 * D), { ...shape(2, D), positionIds: [0, P] }, position(P, 1)],
    [
      'a position that is no integer',
      numbers(D),
      { ...shape(1, D), positionIds: [0.5] },
      { ...invalidId(0.5, 0), text: '' },
    ],
    ['call 1.5', numbers(D), { ...shape(1, D), call: 1.5 }, invalidOption(RangeError, 'call', 1.5)],
    ['call -1', numbers(D), { ...shape(1, D), call: -1 }, invalidOption(RangeError, 'call', -1)],
    ['call "0"', numbers(D), { ...shape(1, D), call: '0' }, invalidOption(TypeError, 'call', '0')],
    ['call null', numbers(D), { ...shape(1, D), call: null }, invalidOption(TypeError, 'call', null)],
  ];

  it.each(wrong)('refuses %s', (_, gradOutput, options, expected) => {
    const layer = make();
    const raw = untyped(layer);
    expectError(() => raw.backward(gradOutput, options), expected);
    expectErrorAndNoWrite(20 * D, (out) => raw.backwardInto(gradOutput, out, options), expected);
    if (learns) expect(layer.parameters[0]!.grad).toBeNull();
  });

  it('refuses an out that is too short or shares bytes', () => {
    const layer = make();
    const grad = numbers(4 * D);
    const into = (out: unknown) => () => untyped(layer).backwardInto(grad, out, { shape: [4, D] });
    expectError(into(new Float32Array(4 * D - 1)), shapes);
    expectError(into(new Float64Array(4 * D)), invalidArray('out'));
    expectError(into(undefined), invalidArray('out'));
    const buffer = new Float32Array(5 * D);
    const overlap = () =>
      layer.backwardInto(buffer.subarray(0, 4 * D), buffer.subarray(D), { shape: [4, D] });
    expectError(overlap, { class: RangeError, code: 'ERR_OVERLAP', text: 'gradOutput' });
    const positionIds = new Int32Array(buffer.buffer, 0, 4);
    const overIds = () => layer.backwardInto(grad, buffer, { shape: [4, D], positionIds });
    expectError(overIds, { class: RangeError, code: 'ERR_OVERLAP', text: 'positionIds' });
    if (learns) expect(layer.parameters[0]!.grad).toBeNull();
  });

  it('refuses everything once it is disposed', () => {
    const layer = make();
    layer.dispose();
    expectError(() => untyped(layer).backward(null, { unknown: 1 }), disposed);
    expectError(() => untyped(layer).backwardInto(null, null, { unknown: 1 }), disposed);
  });

  it('lets a getter in positionIds detach gradOutput or dispose the layer', () => {
    const layer = make();
    const grad = numbers(2 * D);
    const detaching = trapped([1, 2], () => detach(grad));
    const call = (gradOutput: Float32Array, positionIds: number[]) => () =>
      layer.backward(gradOutput, { shape: [2, D], positionIds });
    expectError(call(grad, detaching), invalidArray('gradOutput', 'detached'));
    const disposing = trapped([1, 2], () => layer.dispose());
    expectError(call(numbers(2 * D), disposing), disposed);
  });
});

describe('learned positions', () => {
  it.each<[string, PositionOptions, (r: number) => number]>([
    ['in order', {}, (r) => r % 4],
    ['from startPos', { startPos: 7 }, (r) => 7 + (r % 4)],
    ['positionIds [seq]', { positionIds: [3, 0, 3, 11] }, (r) => [3, 0, 3, 11][r % 4]!],
    [
      'positionIds [batch, seq]',
      {
        positionIds: [
          [0, 1, 2, 3],
          [3, 2, 1, 0],
          [5, 5, 5, 5],
        ],
      },
      (r) => [0, 1, 2, 3, 3, 2, 1, 0, 5, 5, 5, 5][r]!,
    ],
  ])('receive gradOutput in flat order: %s', (_, options, position) => {
    const learned = positionsOf.LearnedPositionalEmbedding();
    const grad = numbers(3 * 4 * D);
    const sums = new Sums(D);
    const rows = Array.from({ length: 12 }, (_, r) => position(r));
    for (let call = 0; call < 2; call++) {
      expectBits(learned.train().backward(grad, { ...options, shape: [3, 4, D] }).data, grad);
      sums.add(rows, grad);
    }
    expectGradient(learned.positionEmbedding.weight, sums);
  });

  it('get memory during a call that reads and writes an allocated Tensor', () => {
    const [rows, width] = [1000, 4096];
    const learned = kept(
      new LearnedPositionalEmbedding({ maxSeqLength: rows, embeddingDim: width, seed: 1 }),
    );
    const grad = Float32Array.from({ length: rows * width }, (_, i) => (i % 977) - 400.5);
    const allocated = kept(Tensor.allocate([rows, width]));
    allocated.data.set(grad);
    learned.backwardInto(allocated, allocated);
    expectBits(allocated.data, grad);
    const all = Array.from({ length: rows }, (_, r) => r);
    expectGradient(learned.positionEmbedding.weight, new Sums(width).add(all, grad));
  });

  it('that are frozen return the gradient and add nothing', () => {
    const learned = positionsOf.LearnedPositionalEmbedding();
    learned.positionEmbedding.weight.requiresGrad = false;
    const grad = numbers(2 * D);
    expectBits(learned.backward(grad, { shape: [2, D] }).data, grad);
    expect(learned.positionEmbedding.weight.grad).toBeNull();
    learned.positionEmbedding.weight.requiresGrad = true;
    learned.backward(grad, { shape: [2, D] });
    expectGradient(learned.positionEmbedding.weight, new Sums(D).add([0, 1], grad));
  });

  it('share the gradient with their embedding, and with a layer', () => {
    const learned = positionsOf.LearnedPositionalEmbedding();
    const token = kept(new Embedding({ vocabSize: V, embeddingDim: D, seed: 1 }));
    const layer = kept(new EmbeddingLayer({ token, positional: learned }));
    const grad = numbers(2 * D);
    learned.positionEmbedding.backward([1, 0], grad);
    layer.backward([7, 7], grad);
    learned.backward(grad, { shape: [2, D], startPos: 1 });
    const sums = new Sums(D).add([1, 0], grad).add([0, 1], grad).add([1, 2], grad);
    expectGradient(learned.positionEmbedding.weight, sums);
    expectGradient(token.weight, new Sums(D).add([7, 7], grad));
  });

  it('take empty batches', () => {
    const learned = positionsOf.LearnedPositionalEmbedding();
    for (const shape of [
      [0, D],
      [0, 4, D],
      [2, 0, D],
    ]) {
      expect(learned.backward(new Float32Array(0), { shape }).shape).toEqual(shape);
      expect(learned.positionEmbedding.weight.grad!.count).toBe(0);
    }
  });

  it('of rows longer than any tile, and of batches of many tiles', () => {
    const sizes = [
      [1_100_003, 2, 1],
      [7, 300, 400],
    ] as const;
    for (const [embeddingDim, seq, batch] of sizes) {
      const learned = kept(new LearnedPositionalEmbedding({ maxSeqLength: seq, embeddingDim, seed: 1 }));
      const grad = Float32Array.from({ length: batch * seq * embeddingDim }, (_, i) => (i % 977) - 400.5);
      expectBits(learned.backward(grad, { shape: [batch, seq, embeddingDim] }).data, grad);
      const rows = Array.from({ length: batch * seq }, (_, r) => r % seq);
      expectGradient(learned.positionEmbedding.weight, new Sums(embeddingDim).add(rows, grad));
    }
  });
});

describe('dropout', () => {
  const P_DROP = 0.4;
  const layer = () => positionsOf.PositionalEncoding(P_DROP).train();
  const shape = [3, D];
  const x = numbers(3 * D);
  const grad = numbers(3 * D, 7);

  it('is that of the last training call, or of `call`', () => {
    const positions = layer();
    for (let call = 0; call < 3; call++) {
      positions.forward(x, { shape });
      expectBits(positions.backward(grad, { shape }).data, undropped(grad, P_DROP, 3, call));
    }
    for (const call of [0, 1, 2])
      expectBits(positions.backward(grad, { shape, call }).data, undropped(grad, P_DROP, 3, call));
    const masks = [0, 1, 2].map((call) => String(dropped(P_DROP, 3, call, 15)));
    expect(new Set(masks).size, 'the masks differ').toBe(3);
    expect(positions.trainingCalls, 'backward counts no call').toBe(3);
    const own = grad.slice();
    positions.backwardInto(own, own, { shape, call: 1 });
    expectBits(own, undropped(grad, P_DROP, 3, 1));
  });

  it('drops whatever the element is: +0', () => {
    const positions = layer();
    positions.forward(x, { shape });
    const back = positions.backward(new Float32Array(15).fill(Number.NaN), { shape }).data;
    dropped(P_DROP, 3, 0, 15).forEach((drops, i) =>
      expect(Object.is(back[i], drops ? 0 : Number.NaN)).toBe(true),
    );
  });

  it('needs a call that was made', () => {
    const positions = layer();
    const refused = (call: number | undefined) => {
      const options = { shape, call };
      const expected = { ...invalidOption(RangeError, 'call', call), text: ['call', 'training call'] };
      expectError(() => positions.backward(grad, options), expected);
      expectErrorAndNoWrite(15, (out) => positions.backwardInto(grad, out, options), expected);
    };
    refused(undefined);
    refused(0);
    positions.forward(x, { shape });
    refused(1);
    refused(2 ** 32);
    positions.backward(grad, { shape, call: 0 });
    positions.trainingCalls = 0;
    refused(undefined);
    refused(0);
  });

  it('is off in eval and with p = 0; then a valid call is ignored', () => {
    const positions = layer();
    positions.forward(x, { shape });
    positions.eval();
    const none = positionsOf.PositionalEncoding(0).train();
    for (const object of [positions, none, positionsOf.LearnedPositionalEmbedding().train()]) {
      for (const call of [undefined, 0, 7, 2 ** 32, Number.MAX_SAFE_INTEGER])
        expectBits(object.backward(grad, { shape, call }).data, grad);
      for (const call of [-1, 0.5, Number.NaN, Infinity])
        expectError(() => object.backward(grad, { shape, call }), invalidOption(RangeError, 'call', call));
    }
  });

  it('of a failed call counts nothing', () => {
    const positions = layer();
    positions.forward(x, { shape });
    expectError(() => positions.forward(x, { shape: [D, 3] }), { class: RangeError, code: 'ERR_DIM' });
    expect(positions.trainingCalls).toBe(1);
    expectBits(positions.backward(grad, { shape }).data, undropped(grad, P_DROP, 3, 0));
  });
});

describe('trainingCalls', () => {
  const layers = {
    'a PositionalEncoding': () => kept(new PositionalEncoding({ ...SIZES, dropout: 0.5 })),
    'a layer': () => kept(new EmbeddingLayer({ ...SIZES, vocabSize: V, dropout: 0.5 })),
    'a layer without positions': () =>
      kept(new EmbeddingLayer({ vocabSize: V, embeddingDim: D, positional: null, dropout: 0.5 })),
    'a layer with learned positions': () =>
      kept(new EmbeddingLayer({ ...SIZES, vocabSize: V, positional: 'learned', dropout: 0.5 })),
  };

  it.each(Object.entries(layers))('of %s counts training calls and can be set', (_, make) => {
    const layer = make();
    const run = () =>
      layer instanceof EmbeddingLayer
        ? layer.forward([1, 2])
        : layer.forward(numbers(2 * D), { shape: [2, D] });
    expect(layer.trainingCalls).toBe(0);
    run();
    expect(layer.trainingCalls).toBe(0);
    layer.train();
    const first = run().data;
    run();
    expect(layer.trainingCalls).toBe(2);
    layer.eval();
    run();
    expect(layer.trainingCalls).toBe(2);
    layer.trainingCalls = 0;
    expectBits(layer.train() && run().data, first);
    for (const value of [-1, 0.5, 2 ** 32 + 1, Number.NaN, Infinity, '1', null, undefined, 1n, {}]) {
      const ErrorClass = typeof value === 'number' ? RangeError : TypeError;
      const set = () => (layer.trainingCalls = value as number);
      expectError(set, invalidOption(ErrorClass, 'trainingCalls', value));
      expect(layer.trainingCalls).toBe(1);
    }
    layer.trainingCalls = 2 ** 32 - 1;
    run();
    expect(layer.trainingCalls).toBe(2 ** 32);
    const tooMany = {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
      text: 'training calls',
      fields: { limit: 2 ** 32 },
    };
    expectError(run, tooMany);
    expect(layer.trainingCalls).toBe(2 ** 32);
    // The last call has a backward pass, and without training there is no limit.
    const grad = numbers(2 * D);
    const mask = dropped(
      0.5,
      layer instanceof EmbeddingLayer ? (layer.token.seed as number) : 3,
      2 ** 32 - 1,
      2 * D,
    );
    if (layer instanceof PositionalEncoding) {
      const back = layer.backward(grad, { shape: [2, D] }).data;
      mask.forEach((drops, i) => expect(back[i] === 0).toBe(drops));
    } else {
      layer.backward([1, 2], grad);
      layer.token.weight.grad!.values.data.forEach((g, i) => expect(g === 0).toBe(mask[i]));
    }
    layer.eval();
    run();
    layer.dispose();
    expect(layer.trainingCalls).toBe(2 ** 32);
    expectError(() => (layer.trainingCalls = 1), disposed);
  });

  it('is one counter for a layer and its PositionalEncoding', () => {
    const positional = kept(new PositionalEncoding({ ...SIZES, dropout: 0.5 }));
    const token = kept(new Embedding({ vocabSize: V, embeddingDim: D, seed: 1 }));
    const [a, b] = [new EmbeddingLayer({ token, positional }), new EmbeddingLayer({ token, positional })];
    a.train();
    a.forward([1]);
    b.forward([2]);
    positional.forward(numbers(D), { shape: [1, D] });
    expect([a.trainingCalls, b.trainingCalls, positional.trainingCalls]).toEqual([3, 3, 3]);
    b.trainingCalls = 10;
    expect([a.trainingCalls, positional.trainingCalls]).toEqual([10, 10]);
    const own = kept(new EmbeddingLayer({ ...SIZES, vocabSize: V, dropout: 0.5 })).train();
    own.forward([1]);
    expect((own.positional as PositionalEncoding).trainingCalls).toBe(1);
  });

  it('does not count without dropout, and learned positions have none', () => {
    const layer = kept(new EmbeddingLayer({ ...SIZES, vocabSize: V })).train();
    layer.forward([1]);
    expect(layer.trainingCalls).toBe(0);
    expect('trainingCalls' in positionsOf.LearnedPositionalEmbedding()).toBe(false);
  });
});

describe('a layer', () => {
  const kinds = ['sinusoidal', 'learned', null] as const;
  const cases = kinds.flatMap((positional) =>
    [false, true].flatMap((scale) => [0, 0.3].map((dropout) => ({ positional, scale, dropout }))),
  );
  const options = (more: Partial<EmbeddingLayerOptions>): EmbeddingLayerOptions => ({
    vocabSize: V,
    embeddingDim: D,
    paddingIdx: 2,
    seed: 3,
    maxSeqLength: P,
    ...more,
  });

  it.each(cases)('has the bits of its formula: $positional, scale $scale, dropout $dropout', (each) => {
    const layer = kept(new EmbeddingLayer(options(each))).train();
    const ids = [
      [4, 2, 4],
      [0, 19, 2],
    ];
    const flat = ids.flat();
    const grad = numbers(6 * D);
    const root = f(Math.sqrt(D));
    const token = new Sums(D, 2);
    const places = new Sums(D);
    layer.forward(ids);
    layer.forward(ids);
    const calls: PositionBackwardOptions[] =
      each.positional === null
        ? [{}, { call: 0 }]
        : [
            {},
            { call: 0 },
            { startPos: 5 },
            { positionIds: [1, 0, 1] },
            {
              positionIds: [
                [0, 1, 2],
                [2, 1, 0],
              ],
              call: 1,
            },
          ];
    for (const [i, call] of calls.entries()) {
      const tensor = i % 2 === 0 ? grad : new Tensor(grad, { shape: [2, 3, D] });
      layer.backward(ids, tensor, call);
      const number = call.call ?? 1;
      const d = each.dropout === 0 ? grad : undropped(grad, each.dropout, 3, number);
      const given = (call.positionIds as number[] | number[][] | undefined)?.flat();
      const place = (r: number) =>
        given === undefined ? (call.startPos ?? 0) + (r % 3) : given[r % given.length]!;
      token.add(flat, each.scale ? d.map((x) => x * root) : d);
      places.add(
        flat.map((_, r) => place(r)),
        d,
      );
    }
    expectGradient(layer.token.weight, token);
    if (layer.positional instanceof LearnedPositionalEmbedding)
      expectGradient(layer.positional.positionEmbedding.weight, places);
    expect(layer.trainingCalls).toBe(each.dropout === 0 ? 0 : 2);
  });

  it.each(cases.filter(({ positional }) => positional !== null))(
    'has the bits of its parts, one after the other: $positional, scale $scale, dropout $dropout',
    ({ positional, scale, dropout }) => {
      const make = () => {
        const token = kept(new Embedding({ vocabSize: V, embeddingDim: D, paddingIdx: 2, seed: 3 }));
        const part =
          positional === 'learned'
            ? positionsOf.LearnedPositionalEmbedding()
            : positionsOf.PositionalEncoding(dropout);
        return { token, part, layer: kept(new EmbeddingLayer({ token, positional: part, scale })).train() };
      };
      const [whole, parts] = [make(), make()];
      const ids = Int32Array.of(1, 2, 3, 1);
      const grad = numbers(4 * D);
      for (const { layer } of [whole, parts]) layer.forward(ids);
      whole.layer.backward(ids, grad);
      const d = parts.part.backward(grad, { shape: [4, D] }).data;
      parts.token.backward(ids, scale ? d.map((x) => x * f(Math.sqrt(D))) : d);
      for (const [i, parameter] of whole.layer.parameters.entries()) {
        const other = parts.layer.parameters[i]!;
        expect(parameter.grad!.rows).toEqual(other.grad!.rows);
        expectBits(parameter.grad!.values.data, other.grad!.values.data);
      }
    },
  );

  it('adds to the parts that are not frozen', () => {
    const layer = kept(new EmbeddingLayer(options({ positional: 'learned' })));
    const [token, places] = layer.parameters as [typeof layer.token.weight, typeof layer.token.weight];
    const grad = numbers(2 * D);
    token.requiresGrad = false;
    layer.backward([1, 3], grad);
    expect(token.grad).toBeNull();
    expectGradient(places, new Sums(D).add([0, 1], grad));
    token.requiresGrad = true;
    places.requiresGrad = false;
    layer.backward([1, 3], grad);
    expect(places.grad).toBeNull();
    expectGradient(token, new Sums(D).add([1, 3], grad));
  });

  const RankError = { class: RangeError, code: 'ERR_RANK', text: 'Expected 1D or 2D token ids' };
  const wrong: [string, unknown, unknown, unknown, Expected][] = [
    ['a number', 3, numbers(D), {}, RankError],
    ['3-D ids', [[[1]]], numbers(D), {}, RankError],
    ['no gradOutput', [1], undefined, {}, invalidArray('gradOutput')],
    ['a longer gradOutput', [1], numbers(2 * D), {}, { class: RangeError, code: 'ERR_SHAPE' }],
    ['a gradOutput of another width', [1], new Tensor([[1]]), {}, { class: RangeError, code: 'ERR_DIM' }],
    [
      'too many ids',
      new Int32Array(P + 1),
      numbers((P + 1) * D),
      {},
      { class: RangeError, code: 'ERR_SEQUENCE_LENGTH' },
    ],
    [
      'a wrong token before a wrong position',
      [1, V],
      numbers(2 * D),
      { positionIds: [P, 0] },
      { class: RangeError, code: 'ERR_ID_OUT_OF_RANGE', text: 'Token', fields: { position: 1 } },
    ],
    [
      'a wrong position',
      [1, 3],
      numbers(2 * D),
      { positionIds: [0, P] },
      { class: RangeError, code: 'ERR_ID_OUT_OF_RANGE', text: 'Positions', fields: { position: 1 } },
    ],
    ['a call that was not made', [1], numbers(D), { call: 1 }, invalidOption(RangeError, 'call', 1)],
    ['a call before ids', null, null, { call: 1 }, invalidOption(RangeError, 'call', 1)],
    [
      'scaleGradByFreq',
      [1],
      numbers(D),
      { scaleGradByFreq: true },
      invalidOption(TypeError, 'scaleGradByFreq'),
    ],
  ];

  it.each(wrong)('refuses %s and adds nothing', (_, ids, gradOutput, call, expected) => {
    const layer = kept(new EmbeddingLayer(options({ positional: 'learned', dropout: 0.5 }))).train();
    layer.forward([1]);
    layer.backward([5, 6], numbers(2 * D));
    const parts = layer.parameters.map((weight) => ({ weight }));
    const before = parts.map(contentsOf);
    const backward = layer.backward.bind(layer) as (...all: unknown[]) => void;
    expectError(() => backward(ids, gradOutput, call), expected);
    expect(parts.map(contentsOf)).toEqual(before);
    expect(layer.trainingCalls).toBe(1);
  });

  it('without positions refuses their options', () => {
    const layer = kept(new EmbeddingLayer(options({ positional: null })));
    for (const [name, value] of Object.entries({ startPos: 0, positionIds: [0] })) {
      const backward = () => layer.backward([1], numbers(D), { [name]: value });
      expectError(backward, invalidOption(RangeError, name, value));
    }
  });

  it('refuses everything once it or a part is gone', () => {
    const layer = kept(new EmbeddingLayer(options({ positional: 'learned' })));
    const backward = () => layer.backward([1], numbers(D));
    expectError(
      () =>
        layer.backward(
          trapped([1], () => layer.positional!.dispose()),
          numbers(D),
        ),
      disposed,
    );
    expectError(backward, disposed);
    expect([layer.disposed, layer.token.weight.grad]).toEqual([false, null]);
    layer.dispose();
    expectError(backward, disposed);
  });

  it('agrees with finite differences', () => {
    for (const positional of ['learned', 'sinusoidal'] as const) {
      const layer = kept(new EmbeddingLayer(options({ positional, scale: true, dropout: 0.3 }))).train();
      const ids = [4, 1, 4, 9];
      const y = layer.forward(ids).data;
      const mask = dropped(0.3, 3, 0, y.length);
      layer.backward(
        ids,
        y.map((x) => Math.cos(x)),
      );
      const pe = kept(new PositionalEncoding({ embeddingDim: D, maxSeqLength: P }));
      const tables = layer.parameters.map((parameter) => Float64Array.from(parameter.toTensor().data));
      const places =
        tables[1] ?? Float64Array.from(pe.forward(new Float32Array(P * D), { shape: [P, D] }).data);
      // In f64: the sum of sin(y).
      const loss = () => {
        let sum = 0;
        ids.forEach((id, r) => {
          for (let d = 0; d < D; d++) {
            const x = tables[0]![id * D + d]! * Math.sqrt(D) + places[r * D + d]!;
            sum += Math.sin(mask[r * D + d] ? 0 : x / 0.7);
          }
        });
        return sum;
      };
      for (const [i, parameter] of layer.parameters.entries()) {
        const dense = parameter.grad!.toTensor().data;
        const weights = tables[i]!;
        weights.forEach((w, at) => {
          weights[at] = w + 1e-5;
          const above = loss();
          weights[at] = w - 1e-5;
          const slope = (above - loss()) / 2e-5;
          weights[at] = w;
          const id = Math.floor(at / D);
          const wanted = i === 0 && id === 2 ? 0 : slope;
          expect(Math.abs(dense[at]! - wanted)).toBeLessThan(1e-5);
        });
      }
    }
  });
});

describe('one table for both parts of a layer', () => {
  it.each([[[5, 6, 7]], [[0, 1, 2]], [[2, 2, 0]]])(
    'ids %j: the bits of the parts, one after the other',
    (ids) => {
      const gradOutput = numbers(3 * D, 7);
      const gradients = [true, false].map((together) => {
        const positions = kept(new LearnedPositionalEmbedding(SIZES));
        const token = positions.positionEmbedding;
        // Memory that held other values.
        token.backward([0, 1, 2, 3, 4, 5], new Float32Array(6 * D).fill(99));
        token.weight.zeroGrad();
        const layer = kept(new EmbeddingLayer({ token, positional: positions }));
        if (together) layer.backward(ids, gradOutput);
        else {
          positions.backward(gradOutput, { shape: [3, D] });
          token.backward(ids, gradOutput);
        }
        return token.weight.grad!;
      });
      expect(gradients[0]!.rows).toEqual(gradients[1]!.rows);
      expectBits(gradients[0]!.values.data, gradients[1]!.values.data);
    },
  );
});

describe('getters in nested ids', () => {
  it.each(['eval', 'forward'] as const)('that call %s take effect before anything is added', (name) => {
    const make = () => {
      const layer = kept(
        new EmbeddingLayer({ vocabSize: V, ...SIZES, positional: null, dropout: 0.5 }),
      ).train();
      layer.forward([1, 2]);
      return layer;
    };
    const change = (layer: EmbeddingLayer) => void (name === 'eval' ? layer.eval() : layer.forward([3, 4]));
    const gradOutput = numbers(2 * D, 3);
    const [first, second] = [make(), make()];
    const row = [1, 2];
    Object.defineProperty(row, 0, {
      get() {
        change(first);
        return 1;
      },
    });
    first.backward([row] as never, gradOutput);
    change(second);
    second.backward([[1, 2]], gradOutput);
    expectBits(first.token.weight.grad!.values.data, second.token.weight.grad!.values.data);
  });
});
