/**
 * Reproduces the published vectors, which crates/vectors generates from the reference implementation, bit for bit.
 *
 * The `about` of each file describes its fields. Floats are eight hexadecimal digits each, one string per array. In results
 * `7fc00000` is any NaN.
 */

import {
  Adagrad,
  Adam,
  AdamW,
  type BagMode,
  binaryCrossEntropy,
  crossEntropy,
  clipGradNorm,
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  type InitType,
  type Layout,
  LearnedPositionalEmbedding,
  type Loss,
  meanSquaredError,
  NegativeSampler,
  type Parameter,
  PositionalEncoding,
  type Optimizer,
  type PositionOptions,
  RotaryEncoding,
  RowwiseAdagrad,
  SGD,
} from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { bits } from './helpers/bits.js';
import { philox } from './helpers/reference.mjs';
import addFile from './vectors/add.json' with { type: 'json' };
import bagFile from './vectors/bag.json' with { type: 'json' };
import bagBackwardFile from './vectors/bag-backward.json' with { type: 'json' };
import dropoutFile from './vectors/dropout.json' with { type: 'json' };
import gatherFile from './vectors/gather.json' with { type: 'json' };
import gradientFile from './vectors/gradient.json' with { type: 'json' };
import initFile from './vectors/init.json' with { type: 'json' };
import layerFile from './vectors/layer.json' with { type: 'json' };
import lossFile from './vectors/loss.json' with { type: 'json' };
import optimizerFile from './vectors/optimizer.json' with { type: 'json' };
import rngFile from './vectors/rng.json' with { type: 'json' };
import rotaryFile from './vectors/rotary.json' with { type: 'json' };
import samplerFile from './vectors/sampler.json' with { type: 'json' };
import scoreFile from './vectors/score.json' with { type: 'json' };
import sinusoidFile from './vectors/sinusoid.json' with { type: 'json' };

/** The floats of `text`, by their bits. */
function floats(text: string): Float32Array<ArrayBuffer> {
  return new Float32Array(words(text).buffer);
}

function words(text: string): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(text.match(/.{8}/g) ?? [], (digits) => Number.parseInt(digits, 16));
}

/** Formats words as eight digits each, one row per line, for readable differences. */
function digits(all: Uint32Array, dim: number): string {
  const each = Array.from(all, (word) => word.toString(16).padStart(8, '0'));
  return each.map((text, i) => (i % dim === dim - 1 ? `${text}\n` : `${text} `)).join('');
}

const ANY_NAN = 0x7fc0_0000;

/** Expects these bits. `ANY_NAN` in `expected` matches any NaN. */
function expectBits(actual: Float32Array, expected: string, dim: number): void {
  const expectedWords = words(expected);
  const actualWords = bits(actual);
  expectedWords.forEach((word, i) => {
    if (word === ANY_NAN && Number.isNaN(actual[i])) actualWords[i] = ANY_NAN;
  });
  expect(digits(actualWords, dim)).toBe(digits(expectedWords, dim));
}

type Nested = number | Nested[];

/** Nests flat ids according to `shape`. */
function nested(ids: readonly number[], shape: readonly number[]): Nested {
  const [length, ...inner] = shape;
  if (length === undefined) return ids[0]!;
  const size = inner.reduce((product, n) => product * n, 1);
  return Array.from({ length }, (_, i) => nested(ids.slice(i * size, (i + 1) * size), inner));
}

/** Parses 64 bits: a number if it is a safe integer, otherwise a bigint. */
function wide(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

/** The subset of `fields` that `from` has. */
function pick<T extends object, K extends keyof T>(from: T, ...fields: K[]): Pick<T, K> {
  return Object.fromEntries(fields.filter((name) => name in from).map((name) => [name, from[name]])) as Pick<
    T,
    K
  >;
}

/** Registers one test per case. */
function each<Case extends { readonly name: string }>(
  name: string,
  file: { readonly cases: readonly unknown[] },
  check: (testCase: Case) => void,
): void {
  describe(name, () => {
    for (const testCase of file.cases as readonly Case[]) it(testCase.name, () => check(testCase));
  });
}

interface InitCase {
  readonly name: string;
  readonly initType: InitType;
  readonly vocabSize: number;
  readonly embeddingDim: number;
  readonly seed: string;
  readonly stream: number;
  readonly std?: number;
  readonly paddingIdx?: number;
  readonly rows: readonly number[];
  readonly out: string;
}

each<InitCase>('init', initFile, (testCase) => {
  const { vocabSize, embeddingDim, rows } = testCase;
  const options = { ...pick(testCase, 'initType', 'embeddingDim', 'std'), seed: wide(testCase.seed) };
  const table =
    testCase.stream === 0
      ? new Embedding({ ...options, vocabSize, ...pick(testCase, 'paddingIdx') })
      : new LearnedPositionalEmbedding({ ...options, maxSeqLength: vocabSize }).positionEmbedding;
  const out = new Float32Array(rows.length * embeddingDim);
  rows.forEach((row, i) => out.set(table.weight.row(row), i * embeddingDim));
  expectBits(out, testCase.out, embeddingDim);
  expectBits(table.forward([...rows]).data, testCase.out, embeddingDim);
});

interface GatherCase {
  readonly name: string;
  readonly embeddingDim: number;
  readonly table: string;
  readonly ids: readonly number[];
  readonly shape: readonly number[];
  readonly out: string;
}

each<GatherCase>('gather', gatherFile, ({ embeddingDim, table, ids, shape, out }) => {
  const embedding = Embedding.fromPretrained(floats(table), { embeddingDim });
  const result = embedding.forward(nested(ids, shape));
  expect(result.shape).toEqual([...shape, embeddingDim]);
  expectBits(result.data, out, embeddingDim);
  const into = new Float32Array(result.size);
  expectBits(embedding.forwardInto(Uint16Array.from(ids), into, { shape }), out, embeddingDim);
  expectBits(embedding.weight.toTensor().data, table, embeddingDim);
});

interface SinusoidCase {
  readonly name: string;
  readonly embeddingDim: number;
  readonly base: number;
  readonly layout: 'interleaved' | 'halves';
  readonly positions: readonly number[];
  readonly out: string;
}

each<SinusoidCase>('sinusoid', sinusoidFile, (testCase) => {
  const { embeddingDim: dim, positions, out } = testCase;
  const encoding = new PositionalEncoding(pick(testCase, 'embeddingDim', 'base', 'layout'));
  expectBits(encoding.encode([...positions]).data, out, dim);
  const { data } = encoding.pe;
  const digitsPerRow = 8 * dim;
  positions.forEach((position, i) => {
    if (position >= encoding.maxSeqLength) return;
    const row = out.slice(i * digitsPerRow, (i + 1) * digitsPerRow);
    expectBits(data.subarray(position * dim, (position + 1) * dim), row, dim);
  });
});

/** The common fields of `layer` and `add`: positions and dropout. */
interface PositionCase {
  readonly name: string;
  readonly embeddingDim: number;
  readonly shape: readonly number[];
  readonly positional?: 'sinusoidal' | 'learned';
  readonly maxSeqLength?: number;
  readonly base?: number;
  readonly layout?: 'interleaved' | 'halves';
  readonly positions?: string;
  readonly startPos?: number;
  readonly positionIds?: readonly number[];
  readonly positionShape?: readonly number[];
  readonly dropout?: number;
  readonly seed?: string;
  readonly out: readonly string[];
}

/** Dropout and its seed, if any. */
function dropoutOf({ dropout, seed }: PositionCase): { dropout?: number; seed?: number | bigint } {
  return dropout === undefined ? {} : { dropout, seed: wide(seed!) };
}

/** Creates the positions of a case. */
function positionsOf(testCase: PositionCase): PositionalEncoding | LearnedPositionalEmbedding | null {
  const { embeddingDim, maxSeqLength } = testCase;
  if (testCase.positional === undefined) return null;
  if (testCase.positional === 'sinusoidal') {
    const shape = pick(testCase, 'maxSeqLength', 'base', 'layout');
    return new PositionalEncoding({ embeddingDim, ...shape, ...dropoutOf(testCase) });
  }
  const learned = new LearnedPositionalEmbedding({ embeddingDim, maxSeqLength: maxSeqLength! });
  learned.positionEmbedding.weight.setRows(0, floats(testCase.positions!));
  return learned;
}

/** The options of a call. */
function callOf({ startPos, positionIds, positionShape }: PositionCase): PositionOptions {
  if (positionIds !== undefined) return { positionIds: nested(positionIds, positionShape!) };
  return startPos === undefined ? {} : { startPos };
}

/** The expected results of the calls: three training calls, or two equal ones. */
function callsOf({ dropout, out }: PositionCase): readonly string[] {
  return dropout === undefined ? [out[0]!, out[0]!] : out;
}

interface LayerCase extends PositionCase {
  readonly vocabSize: number;
  readonly token: string;
  readonly ids: readonly number[];
  readonly scale: boolean;
}

each<LayerCase>('layer', layerFile, (testCase) => {
  const { embeddingDim: dim, ids, shape, scale } = testCase;
  const options = pick(testCase, 'vocabSize', 'embeddingDim', 'maxSeqLength', 'scale', 'base', 'layout');
  const own = new EmbeddingLayer({
    ...options,
    positional: testCase.positional ?? null,
    ...dropoutOf(testCase),
  });
  own.token.weight.setRows(0, floats(testCase.token));
  if (own.positional instanceof LearnedPositionalEmbedding) {
    own.positional.positionEmbedding.weight.setRows(0, floats(testCase.positions!));
  }
  const layers = [own];

  // Also from parts, unless no part supports the dropout.
  if (testCase.dropout === undefined || testCase.positional === 'sinusoidal') {
    const token = Embedding.fromPretrained(floats(testCase.token), { embeddingDim: dim });
    layers.push(new EmbeddingLayer({ token, positional: positionsOf(testCase), scale }));
  }
  for (const layer of layers) {
    if (testCase.dropout !== undefined) layer.train();
    // Alternate between both methods: with dropout each call counts.
    callsOf(testCase).forEach((expected, call) => {
      const result =
        call % 2 === 0
          ? layer.forward(nested(ids, shape), callOf(testCase)).data
          : layer.forwardInto(Int32Array.from(ids), new Float32Array(ids.length * dim), {
              shape,
              ...callOf(testCase),
            });
      expectBits(result, expected, dim);
    });
  }
});

interface GradientCase extends PositionCase {
  readonly kind: 'lookup' | 'positions' | 'layer';
  readonly vocabSize: number;
  readonly paddingIdx?: number;
  readonly ids: readonly number[];
  readonly scale: boolean;
  readonly scaleGradByFreq: boolean;
  readonly calls: readonly number[];
  readonly call?: number;
  readonly gradOutput: string;
  readonly exact: boolean;
  readonly rows: readonly number[];
  readonly values: string;
  readonly positionRows?: readonly number[];
  readonly positionValues?: string;
}

function expectGradient({ grad }: Parameter, rows: readonly number[], values: string, exact: boolean): void {
  expect([...grad!.rows]).toEqual(rows);
  const { data, shape } = grad!.values;
  if (exact) expect(digits(bits(data), shape[1]!)).toBe(digits(words(values), shape[1]!));
  else expectBits(data, values, shape[1]!);
}

each<GradientCase>('gradient', gradientFile, (testCase) => {
  const { kind, embeddingDim: dim, ids, shape, rows, values, exact } = testCase;
  const grad = floats(testCase.gradOutput);
  const sizes = pick(testCase, 'vocabSize', 'embeddingDim', 'paddingIdx');
  if (kind === 'lookup') {
    const embedding = new Embedding(sizes);
    let start = 0;
    for (const count of testCase.calls) {
      const end = start + count;
      const part = grad.subarray(start * dim, end * dim);
      embedding.backward(ids.slice(start, end), part, pick(testCase, 'scaleGradByFreq'));
      start = end;
    }
    expectGradient(embedding.weight, rows, values, exact);
    return;
  }
  if (kind === 'positions') {
    const learned = positionsOf(testCase) as LearnedPositionalEmbedding;
    const back = learned.backward(grad, { shape: [...shape, dim], ...callOf(testCase) });
    expect(digits(bits(back.data), dim)).toBe(digits(words(testCase.gradOutput), dim));
    expectGradient(learned.positionEmbedding.weight, rows, values, exact);
    return;
  }
  const layer = new EmbeddingLayer({
    ...sizes,
    ...pick(testCase, 'maxSeqLength', 'scale', 'base', 'layout'),
    positional: testCase.positional ?? null,
    ...dropoutOf(testCase),
  });
  if (testCase.call !== undefined) layer.train().trainingCalls = testCase.call + 1;
  layer.backward(nested(ids, shape) as number[], grad, callOf(testCase));
  expectGradient(layer.token.weight, rows, values, exact);
  if (testCase.positionRows === undefined) return;
  expectGradient(layer.parameters[1]!, testCase.positionRows, testCase.positionValues!, exact);
});

interface AddCase extends PositionCase {
  readonly x: string;
}

each<AddCase>('add', addFile, (testCase) => {
  const { embeddingDim: dim, shape } = testCase;
  const layer = positionsOf(testCase)!;
  if (testCase.dropout !== undefined) layer.train();
  callsOf(testCase).forEach((expected, call) => {
    const x = floats(testCase.x);
    const options = { shape, ...callOf(testCase) };
    const result = call % 2 === 0 ? layer.forward(x, options).data : layer.forwardInto(x, x, options);
    expectBits(result, expected, dim);
  });
});

interface RotaryCase {
  readonly name: string;
  readonly headDim: number;
  readonly rotaryDim: number;
  readonly maxSeqLength: number;
  readonly base: number;
  readonly layout: Layout;
  readonly x: string;
  readonly shape: readonly number[];
  readonly startPos?: number;
  readonly positionIds?: readonly number[];
  readonly positionShape?: readonly number[];
  readonly inverse: boolean;
  readonly out: string;
}

each<RotaryCase>('rotary', rotaryFile, (given) => {
  const { headDim, shape, positionIds, positionShape, out } = given;
  const rotary = new RotaryEncoding(pick(given, 'headDim', 'rotaryDim', 'maxSeqLength', 'base', 'layout'));
  const ids = positionIds && { positionIds: nested(positionIds, positionShape!) as number[] };
  const options = { shape, ...pick(given, 'startPos', 'inverse'), ...ids };
  const x = floats(given.x);
  expectBits(rotary.forward(x, options).data, out, headDim);
  expectBits(rotary.forwardInto(x, x, options), out, headDim);
});

interface LossCase {
  readonly name: string;
  readonly kind: 'crossEntropy' | 'binaryCrossEntropy' | 'meanSquaredError';
  readonly columns: number;
  readonly reduction: 'mean' | 'sum';
  readonly x: string;
  readonly targets?: readonly number[];
  readonly ignoreIndex?: number;
  readonly labels?: string;
  readonly count: number;
  readonly loss: string;
  readonly gradient: string;
}

/** The bits of an f64; every NaN has the same. */
function doubleBits(x: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return Number.isNaN(x) ? '7ff8000000000000' : view.getBigUint64(0).toString(16).padStart(16, '0');
}

each<LossCase>('loss', lossFile, (given) => {
  const { kind, columns, labels } = given;
  const shape = [given.x.length / 8 / columns, columns];
  const options = { ...pick(given, 'reduction', 'ignoreIndex'), shape };
  const lossOf = (x: Float32Array, out?: Float32Array): Loss => {
    const into = out === undefined ? options : { ...options, out };
    if (kind === 'crossEntropy') return crossEntropy(x, { ...into, ...pick(given, 'targets') });
    const { ignoreIndex: _, ...others } = into;
    if (kind === 'meanSquaredError') return meanSquaredError(x, floats(labels!), others);
    return binaryCrossEntropy(x, { ...others, ...(labels === undefined ? {} : { labels: floats(labels) }) });
  };
  const inPlace = floats(given.x);
  for (const { loss, gradient, count } of [lossOf(floats(given.x)), lossOf(inPlace, inPlace)]) {
    expect(count).toBe(given.count);
    expect(doubleBits(loss)).toBe(given.loss);
    expect(gradient.shape).toEqual(shape);
    expectBits(gradient.data, given.gradient, columns);
  }
  expectBits(inPlace, given.gradient, columns);
});

interface SamplerCase {
  readonly name: string;
  readonly weights: readonly number[];
  readonly seed: string;
  readonly position: string;
  readonly draws: readonly number[];
}

each<SamplerCase>('sampler', samplerFile, ({ weights, seed, position, draws }) => {
  const sampler = new NegativeSampler({ weights, seed: wide(seed) });
  sampler.position = Number(position);
  expect([...sampler.sample(draws.length)]).toEqual(draws);
  expect(sampler.position).toBe(Number(position) + draws.length);
});

interface BagCase {
  readonly name: string;
  readonly mode: BagMode;
  readonly embeddingDim: number;
  readonly table: string;
  readonly paddingIdx?: number;
  readonly ids: readonly number[];
  readonly shape?: readonly number[];
  readonly offsets?: readonly number[];
  readonly includeLastOffset?: boolean;
  readonly perSampleWeights?: string;
  readonly out: string;
}

each<BagCase>('bag', bagFile, (testCase) => {
  const { embeddingDim, ids, shape, offsets, perSampleWeights: weights, out } = testCase;
  const embedding = Embedding.fromPretrained(floats(testCase.table), {
    embeddingDim,
    ...pick(testCase, 'paddingIdx'),
  });
  const bag = EmbeddingBag.from(embedding, pick(testCase, 'mode', 'includeLastOffset'));
  const weighted = weights === undefined ? {} : { perSampleWeights: floats(weights) };
  const bags = shape === undefined ? { offsets: Uint32Array.from(offsets!) } : { shape };
  const result = bag.forward(Uint8Array.from(ids), { ...bags, ...weighted });
  expect(result.shape).toEqual([out.length / 8 / embeddingDim, embeddingDim]);
  expectBits(result.data, out, embeddingDim);

  const target = new Float32Array(result.size);
  expectBits(bag.forwardInto([...ids], target, { ...bags, ...weighted }), out, embeddingDim);
});

interface TableGradientCase {
  readonly name: string;
  readonly embeddingDim: number;
  readonly table: string;
  readonly paddingIdx?: number;
  readonly scaleGradByFreq: boolean;
  readonly rows: readonly number[];
  readonly values: string;
}

/** The table of a case. */
const embeddingOf = ({ table, embeddingDim, paddingIdx }: TableGradientCase): Embedding =>
  Embedding.fromPretrained(floats(table), { embeddingDim, paddingIdx });

interface BagBackwardCase extends TableGradientCase {
  readonly mode: BagMode;
  readonly ids: readonly number[];
  readonly offsets: readonly number[];
  readonly perSampleWeights?: string;
  readonly gradOutput: string;
  readonly weightsGrad?: string;
}

each<BagBackwardCase>('bag-backward', bagBackwardFile, (testCase) => {
  const { ids, offsets, perSampleWeights: weights, gradOutput, weightsGrad, scaleGradByFreq } = testCase;
  const embedding = embeddingOf(testCase);
  const bag = EmbeddingBag.from(embedding, { mode: testCase.mode });
  const weighted = weights === undefined ? {} : { perSampleWeights: floats(weights) };
  const options = { offsets, scaleGradByFreq, ...weighted };
  const own = new Float32Array(ids.length);
  const graded = weights === undefined ? {} : { perSampleWeightsGrad: own };
  bag.backward([...ids], floats(gradOutput), { ...options, ...graded });
  bag.backward(
    Uint8Array.from(ids),
    floats(gradOutput).map((x) => x * -3),
    options,
  );
  expectGradient(embedding.weight, testCase.rows, testCase.values, false);
  if (weightsGrad !== undefined) expectBits(own, weightsGrad, Math.max(ids.length, 1));
});

interface ScoreCase extends TableGradientCase {
  readonly x: string;
  readonly ids?: readonly number[];
  readonly shape?: readonly number[];
  readonly gradScores: string;
  readonly out: string;
  readonly xGrad: string;
}

each<ScoreCase>('score', scoreFile, (testCase) => {
  const { embeddingDim, ids, shape, out, xGrad, scaleGradByFreq } = testCase;
  const embedding = embeddingOf(testCase);
  const x = floats(testCase.x);
  const gradScores = floats(testCase.gradScores);
  const rows = ids === undefined ? {} : { ids: Int16Array.from(ids), shape };
  const scores = embedding.score(x, rows);
  expect(scores.shape).toEqual([x.length / embeddingDim, scores.size / (x.length / embeddingDim)]);
  expectBits(scores.data, out, Math.max(scores.shape[1]!, 1));
  expectBits(embedding.scoreInto(x, new Float32Array(scores.size), rows), out, Math.max(scores.shape[1]!, 1));
  const options = { ...rows, scaleGradByFreq };
  expectBits(embedding.scoreBackward(x, gradScores, options).data, xGrad, embeddingDim);
  expectGradient(embedding.weight, testCase.rows, testCase.values, false);
  embedding.weight.zeroGrad();
  const into = new Float32Array(x.length);
  expectBits(embedding.scoreBackwardInto(x, gradScores, into, options), xGrad, embeddingDim);
  expectGradient(embedding.weight, testCase.rows, testCase.values, false);
});

/** A layer that only applies dropout to one row `x`, in its state before training call `call`. */
function dropping(x: Float32Array, dropout: number, seed: string, call: number): EmbeddingLayer {
  const shape = { vocabSize: 1, embeddingDim: x.length, positional: null };
  const layer = new EmbeddingLayer({ ...shape, dropout, seed: wide(seed) }).train();
  layer.token.weight.set(0, x);
  for (let earlier = 0; earlier < call; earlier++) layer.forward([0]);
  return layer;
}

type DropoutCase = {
  readonly name: string;
  readonly dropout: number;
  readonly seed: string;
  readonly call: number;
} & ({ readonly x: string; readonly out: string } | { readonly kept: string; readonly grown: string });

each<DropoutCase>('dropout', dropoutFile, (testCase) => {
  const { dropout, seed, call } = testCase;
  if ('x' in testCase) {
    const x = floats(testCase.x);
    expectBits(dropping(x, dropout, seed, call).forward([0]).data, testCase.out, x.length);
  } else {
    const { kept, grown } = testCase;
    const out = Array.from(kept, (digit) => (digit === '1' ? grown : '00000000')).join('');
    const ones = new Float32Array(kept.length).fill(1);
    expectBits(dropping(ones, dropout, seed, call).forward([0]).data, out, kept.length);
  }
});

interface RngCase {
  readonly name: string;
  readonly seed: string;
  readonly stream: number;
  readonly call: number;
  readonly block: string;
  readonly words: string;
}

/** Computes the words of a case, also for blocks beyond the length of any table. */
function wordsOf({ seed, stream, call, block }: RngCase): readonly number[] {
  const halves = (text: string) =>
    [Number(BigInt(text) & 0xffff_ffffn), Number(BigInt(text) >> 32n)] as const;
  return philox([...halves(block), call, stream], halves(seed));
}

each<RngCase>('rng', rngFile, (testCase) => {
  const { seed, stream, call } = testCase;
  const drawn = words(testCase.words);
  expect([...drawn]).toEqual(wordsOf(testCase));
  const first = 4 * Number(testCase.block);
  if (first > 4096 || call > 1000) return;
  if (stream === 2) {
    // Only word w is kept at p = w / 2^32 and dropped at p = (w + 1) / 2^32.
    const ones = new Float32Array(first + 4).fill(1);
    drawn.forEach((word, k) => {
      const at = (p: number): number => dropping(ones, p, seed, call).forward([0]).data[first + k]!;
      expect(at(word / 2 ** 32)).toBeGreaterThan(0);
      expect(at((word + 1) / 2 ** 32)).toBe(0);
    });
  } else {
    // A uniform table of width 1 has each word as a number in [-1, 1), rounded to f32.
    const options = { embeddingDim: 1, initType: 'uniform', seed: wide(seed) } as const;
    const table =
      stream === 0
        ? new Embedding({ ...options, vocabSize: first + 4 })
        : new LearnedPositionalEmbedding({ ...options, maxSeqLength: first + 4 }).positionEmbedding;
    drawn.forEach((word, k) => {
      const value = Math.fround(((word + 0.5) / 2 ** 32) * 2 - 1);
      expect(table.weight.row(first + k)[0]).toBe(Math.min(value, 1 - 2 ** -24));
    });
  }
});

interface StepsCase {
  readonly name: string;
  readonly optimizer: string;
  readonly embeddingDim: number;
  readonly paddingIdx: number;
  readonly lr: readonly number[];
  readonly table: string;
  readonly ids: readonly (readonly number[])[];
  readonly gradients: readonly string[];
  readonly out: string;
  readonly rows: readonly number[];
  readonly tensors: readonly string[];
}

interface ClipCase {
  readonly name: string;
  readonly embeddingDim: number;
  readonly maxNorm: number;
  readonly norm: number;
  readonly gradients: readonly string[];
  readonly out: readonly string[];
}

interface RenormCase {
  readonly name: string;
  readonly embeddingDim: number;
  readonly maxNorm: number;
  readonly table: string;
  readonly out: string;
}

const OPTIMIZERS = { SGD, Adagrad, RowwiseAdagrad, Adam, AdamW } as unknown as Readonly<
  Record<string, new (options: object) => Optimizer>
>;
const OPTIONS = new Set([
  'momentum',
  'nesterov',
  'eps',
  'initialAccumulator',
  'beta1',
  'beta2',
  'weightDecay',
  'lazy',
]);

function checkSteps(testCase: StepsCase): void {
  const { embeddingDim: dim, paddingIdx, table, ids, gradients } = testCase;
  const embedding = Embedding.fromPretrained(floats(table), { embeddingDim: dim, paddingIdx });
  const options = Object.fromEntries(Object.entries(testCase).filter(([name]) => OPTIONS.has(name)));
  const optimizer = new OPTIMIZERS[testCase.optimizer]!({
    ...options,
    lr: 1,
    parameters: embedding.parameters,
  });
  testCase.lr.forEach((lr, step) => {
    optimizer.lr = lr;
    embedding.backward([...ids[step]!], floats(gradients[step]!));
    optimizer.step();
  });
  expectBits(embedding.weight.toTensor().data, testCase.out, dim);
  const { step, rows, ...tensors } = optimizer.state(embedding.weight);
  expect([step, ...rows]).toEqual([ids.length, ...testCase.rows]);
  Object.values(tensors).forEach(({ data, shape }, i) => expectBits(data, testCase.tensors[i]!, shape[1]!));
  expect(Object.keys(tensors)).toHaveLength(testCase.tensors.length);
}

each<StepsCase | ClipCase | RenormCase>('optimizer', optimizerFile, (testCase) => {
  if ('optimizer' in testCase) return checkSteps(testCase);
  const { embeddingDim: dim, maxNorm } = testCase;
  if ('norm' in testCase) {
    const parameters = testCase.gradients.map((text): Parameter => {
      const gradient = floats(text);
      const embedding = new Embedding({ vocabSize: gradient.length / dim, embeddingDim: dim });
      embedding.backward(
        Uint32Array.from({ length: gradient.length / dim }, (_, i) => i),
        gradient,
      );
      return embedding.weight;
    });
    expect(clipGradNorm(parameters, maxNorm)).toBe(testCase.norm);
    parameters.forEach(({ grad }, i) => expectBits(grad!.values.data, testCase.out[i]!, dim));
    return;
  }
  const { weight } = Embedding.fromPretrained(floats(testCase.table), { embeddingDim: dim });
  weight.renorm(maxNorm);
  expectBits(weight.toTensor().data, testCase.out, dim);
});
