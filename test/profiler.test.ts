/** The profiler: consistency of the results, errors, and cleanup. Times are not asserted. */

import {
  Embedding,
  EmbeddingProfiler,
  LearnedPositionalEmbedding,
  type LookupPerformanceOptions,
  type LookupResult,
  PositionalEncoding,
  type ProfilerProgress,
} from 'tokenbed';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { expectError, invalidOption, thrown } from './helpers/errors.js';
import { impossible, quick, replace, watchLookups } from './helpers/profiler.js';

const MIB = 2 ** 20;
const embedding = new Embedding({ vocabSize: 700, embeddingDim: 24, seed: 3 });
const one = { embedding, batchSizes: [2], seqLengths: [3] };

/** The methods without types. */
type Untyped = Record<
  'measureLookupPerformance' | 'analyzeMemoryScaling' | 'comparePositionalEncodings',
  (options?: unknown) => unknown
>;
const untyped = (profiler: EmbeddingProfiler) => profiler as unknown as Untyped;

const near = (value: number, expected: number) => expect(value / expected).toBeCloseTo(1, 9);

/** Expects the figures of an entry to be consistent. */
function expectIdentities(result: LookupResult, batchSize: number, seqLength: number, dim: number): void {
  const tokens = batchSize * seqLength;
  const seconds = result.lookupTimeMs / 1000;
  expect(result).toMatchObject({ batchSize, seqLength, totalTokens: tokens });
  near(result.inputMemoryMb, (tokens * 4) / MIB);
  near(result.outputMemoryMb, (tokens * dim * 4) / MIB);
  near(result.tokensPerSecond, tokens / seconds);
  near(result.memoryBandwidthMbS, (result.inputMemoryMb + result.outputMemoryMb) / seconds);
  near(result.timePerTokenUs, (result.lookupTimeMs * 1000) / tokens);
  near(result.bandwidthUtilization, result.outputMemoryMb / seconds / result.machineBandwidthMbS);
  expect(result.p10Ms).toBeLessThanOrEqual(result.lookupTimeMs);
  expect(result.lookupTimeMs).toBeLessThanOrEqual(result.p90Ms);
  expect(Number.isInteger(result.iterations)).toBe(true);
  expect(result.iterations).toBeGreaterThanOrEqual(7);
  expect(impossible(result)).toEqual([]);
}

const KEYS = [
  'batchSize',
  'seqLength',
  'totalTokens',
  'lookupTimeMs',
  'tokensPerSecond',
  'inputMemoryMb',
  'outputMemoryMb',
  'memoryBandwidthMbS',
  'timePerTokenUs',
  'p10Ms',
  'p90Ms',
  'iterations',
  'machineBandwidthMbS',
  'bandwidthUtilization',
  'pattern',
  'backend',
];

describe('measureLookupPerformance', () => {
  it('has consistent entries for each batch size and sequence length, batch-major', () => {
    const batchSizes = [8, 1, 2];
    const seqLengths = [32, 5];
    const entries = quick().measureLookupPerformance({ embedding, batchSizes, seqLengths });
    const shapes = batchSizes.flatMap((batch) => seqLengths.map((seq) => [batch, seq] as const));
    expect(Object.keys(entries)).toEqual(shapes.map(([batch, seq]) => `batch_${batch}_seq_${seq}`));
    for (const [batch, seq] of shapes) {
      const result = entries[`batch_${batch}_seq_${seq}`]!;
      expect(Object.keys(result)).toEqual(KEYS);
      expect(result).toMatchObject({ pattern: 'uniform', backend: inject('backend') });
      expectIdentities(result, batch, seq, 24);
    }
    expect(JSON.parse(JSON.stringify(entries))).toEqual(entries);
  });

  it.each(['uniform', 'zipf', 'sequential', 'repeated'] as const)('measures %s ids', (pattern) => {
    const [result] = Object.values(quick().measureLookupPerformance({ ...one, pattern }));
    expect(result!.pattern).toBe(pattern);
    expectIdentities(result!, 2, 3, 24);
  });

  it('works for a table of one element, and for one token', () => {
    const tiny = new Embedding({ vocabSize: 1, embeddingDim: 1, seed: 0 });
    const entries = quick().measureLookupPerformance({ embedding: tiny, batchSizes: [1], seqLengths: [1] });
    expectIdentities(entries['batch_1_seq_1']!, 1, 1, 1);
  });

  it('measures duplicate sizes once, at their first position', () => {
    const entries = quick().measureLookupPerformance({
      embedding,
      batchSizes: [2, 1, 2],
      seqLengths: [3, 3],
    });
    expect(Object.keys(entries)).toEqual(['batch_2_seq_3', 'batch_1_seq_3']);
  });

  it.each([
    [[], [4]],
    [[4], []],
    [[], []],
  ])('returns no entries for sizes %j x %j', (batchSizes, seqLengths) => {
    const profiler = quick();
    expect(profiler.measureLookupPerformance({ embedding, batchSizes, seqLengths })).toEqual({});
    expect(profiler.results).toEqual({ lookup: {}, memoryScaling: {}, positional: {} });
  });

  it('does not modify the options, other generators or the table', () => {
    const random = vi.spyOn(Math, 'random');
    const crypto = vi.spyOn(globalThis.crypto, 'getRandomValues');
    onTestFinished(() => void vi.restoreAllMocks());
    const before = embedding.weight.toTensor().data;
    const batchSizes = Object.freeze([2, 2]);
    const seqLengths = Object.freeze([3]);
    quick().measureLookupPerformance(Object.freeze({ embedding, batchSizes, seqLengths, pattern: 'zipf' }));
    expect(embedding.weight.toTensor().data).toEqual(before);
    expect(random).not.toHaveBeenCalled();
    expect(crypto).not.toHaveBeenCalled();
  });

  it.each([
    ['from the start', 0],
    ['while it is measured', 1],
  ])('detects a result that is wrong %s', (_, rightCalls) => {
    const { forwardInto } = Embedding.prototype;
    let calls = 0;
    replace(Embedding.prototype, 'forwardInto', function (this: Embedding, ids, out, options) {
      if (calls++ < rightCalls) return forwardInto.call(this, ids, out, options);
      return (out as Float32Array).fill(1);
    } as typeof forwardInto);
    const profiler = quick();
    const text = 'gave a wrong row';
    expectError(() => profiler.measureLookupPerformance(one), { class: Error, code: 'ERR_INTERNAL', text });
    expect(calls > 7).toBe(rightCalls > 0);
    expect(profiler.results.lookup).toEqual({});
  });

  it('rejects invalid options', () => {
    const profiler = untyped(quick());
    const measure = (options: object) => () => profiler.measureLookupPerformance({ ...one, ...options });
    for (const options of [undefined, null, 7, 'x', []]) {
      expectError(() => profiler.measureLookupPerformance(options), invalidOption(TypeError, 'options'));
    }
    expectError(measure({ batches: [1] }), invalidOption(TypeError, 'batches'));
    for (const value of [undefined, null, {}, Embedding, { forwardInto() {} }, new Float32Array(4)]) {
      expectError(measure({ embedding: value }), invalidOption(TypeError, 'embedding'));
    }
    for (const option of ['batchSizes', 'seqLengths']) {
      for (const value of [
        undefined,
        null,
        4,
        '4',
        new Int32Array([4]),
        new Set([4]),
        [4, '4'],
        [4n],
        [null],
      ]) {
        expectError(measure({ [option]: value }), invalidOption(TypeError, option));
      }
      for (const value of [[0], [4, -1], [1.5], [Number.NaN], [Infinity], [2 ** 53]]) {
        const error = expectError(measure({ [option]: value }), invalidOption(RangeError, option));
        expect(error['value']).toBe(value);
      }
      expectError(measure({ [option]: [4, 5, -6] }), {
        ...invalidOption(RangeError, option),
        text: 'got -6 at [2]',
      });
      expectError(measure({ [option]: Array(3) }), invalidOption(TypeError, option));
    }
    expectError(measure({ pattern: 'random' }), invalidOption(RangeError, 'pattern'));
    expectError(measure({ pattern: null }), invalidOption(TypeError, 'pattern'));
    expectError(measure({ seed: -1 }), invalidOption(RangeError, 'seed'));
    expectError(measure({ seed: 0.5 }), invalidOption(RangeError, 'seed'));
    expectError(measure({ seed: 2n ** 64n }), invalidOption(RangeError, 'seed'));
    expectError(measure({ seed: '7' }), invalidOption(TypeError, 'seed'));
    // Names are checked before values.
    expectError(measure({ seed: -1, nope: 1 }), invalidOption(TypeError, 'nope'));
  });

  it('rejects a disposed table before anything else', () => {
    const gone = new Embedding({ vocabSize: 4, embeddingDim: 4 });
    gone.dispose();
    const profiler = untyped(quick());
    for (const options of [{ ...one }, { batchSizes: [] }, { batchSizes: 'x', nope: 1 }]) {
      const measure = () => profiler.measureLookupPerformance({ ...options, embedding: gone });
      expectError(measure, { class: Error, code: 'ERR_DISPOSED' });
    }
  });

  it('rejects sizes that exceed memory before measuring', () => {
    const seen = vi.fn();
    const profiler = quick({ onProgress: seen });
    const measure = () =>
      profiler.measureLookupPerformance({ embedding, batchSizes: [1, 2 ** 40], seqLengths: [2 ** 20] });
    expectError(measure, { class: RangeError, code: 'ERR_TOO_LARGE' });
    expect(seen).not.toHaveBeenCalled();
    expect(profiler.results.lookup).toEqual({});
  });
});

describe('analyzeMemoryScaling', () => {
  const sizes = { vocabSizes: [500, 50], embeddingDims: [8, 64] };

  it('has an entry for each size, vocabulary-major, with the figures of the table', () => {
    const entries = quick().analyzeMemoryScaling(sizes);
    expect(Object.keys(entries)).toEqual([
      'vocab_500_dim_8',
      'vocab_500_dim_64',
      'vocab_50_dim_8',
      'vocab_50_dim_64',
    ]);
    for (const vocabSize of sizes.vocabSizes) {
      for (const embeddingDim of sizes.embeddingDims) {
        const result = entries[`vocab_${vocabSize}_dim_${embeddingDim}`]!;
        expect(Object.keys(result)).toEqual([
          'vocabSize',
          'embeddingDim',
          'totalParameters',
          'memoryMb',
          'lookupTimeMs',
        ]);
        const table = new Embedding({ vocabSize, embeddingDim });
        const { totalParameters, totalMemoryMb } = table.getMemoryUsage();
        expect(result).toMatchObject({ vocabSize, embeddingDim, totalParameters, memoryMb: totalMemoryMb });
        table.dispose();
      }
    }
    expect(impossible(entries)).toEqual([]);
    expect(JSON.parse(JSON.stringify(entries))).toEqual(entries);
  });

  it('looks up 32 x 64 ids in each table', () => {
    const shapes = new Set<string>();
    watchLookups((ids, out) => shapes.add(`${ids.length} ids, ${out.length} floats`));
    quick().analyzeMemoryScaling({ vocabSizes: [50], embeddingDims: [3, 5] });
    expect([...shapes]).toEqual(['2048 ids, 6144 floats', '2048 ids, 10240 floats']);
  });

  it('creates no table above maxTableMb, but reports its size', () => {
    const profiler = quick();
    const lookups = vi.fn();
    watchLookups(lookups);
    const huge = { vocabSizes: [2 ** 32], embeddingDims: [2 ** 20] };
    expect(profiler.analyzeMemoryScaling(huge)).toEqual({
      vocab_4294967296_dim_1048576: {
        vocabSize: 2 ** 32,
        embeddingDim: 2 ** 20,
        totalParameters: 2 ** 52,
        memoryMb: 2 ** 34,
        lookupTimeMs: null,
      },
    });
    expect(lookups).not.toHaveBeenCalled();
    // 1000 x 256 x 4 bytes: a table of exactly the limit is created.
    const mb = (1000 * 256 * 4) / MIB;
    const table = { vocabSizes: [1000], embeddingDims: [256] };
    const time = (maxTableMb: number) =>
      profiler.analyzeMemoryScaling({ ...table, maxTableMb })['vocab_1000_dim_256']!.lookupTimeMs;
    expect(time(mb)).toBeGreaterThan(0);
    expect(time(mb * 0.999)).toBeNull();
    expect(time(0)).toBeNull();
  });

  it('creates no table that does not fit into memory, whatever maxTableMb', () => {
    const sizes = { vocabSizes: [2 ** 32, 10], embeddingDims: [1024], maxTableMb: 2 ** 40 };
    const entries = quick().analyzeMemoryScaling(sizes);
    expect(entries['vocab_4294967296_dim_1024']!.lookupTimeMs).toBeNull();
    expect(entries['vocab_10_dim_1024']!.lookupTimeMs).toBeGreaterThan(0);
    // One row fits; 2048 rows are 256 GiB.
    const wide = quick().analyzeMemoryScaling({ vocabSizes: [1], embeddingDims: [2 ** 25] });
    expect(wide['vocab_1_dim_33554432']!.lookupTimeMs).toBeNull();
  });

  it('creates one table at a time and disposes each, also after an error', () => {
    const { dispose } = Embedding.prototype;
    let disposed = 0;
    replace(Embedding.prototype, 'dispose', function (this: Embedding) {
      disposed++;
      dispose.call(this);
    });
    const alive: number[] = [];
    quick({ onProgress: ({ done }) => alive.push(done - disposed) }).analyzeMemoryScaling(sizes);
    expect(alive).toEqual([0, 0, 0, 0, 0]);

    disposed = 0;
    let calls = 0;
    watchLookups(() => {
      if (++calls === 5) throw new Error('interrupted');
    });
    expect(thrown(() => quick().analyzeMemoryScaling(sizes)).message).toBe('interrupted');
    expect(disposed).toBe(1);
  });

  it.each([
    [[], [4]],
    [[4], []],
  ])('returns no entries for sizes %j x %j', (vocabSizes, embeddingDims) => {
    expect(quick().analyzeMemoryScaling({ vocabSizes, embeddingDims })).toEqual({});
  });

  it('rejects invalid options', () => {
    const profiler = untyped(quick());
    const analyze = (options: object) => () => profiler.analyzeMemoryScaling({ ...sizes, ...options });
    for (const options of [undefined, null, 7]) {
      expectError(() => profiler.analyzeMemoryScaling(options), invalidOption(TypeError, 'options'));
    }
    expectError(analyze({ embedding }), invalidOption(TypeError, 'embedding'));
    for (const option of ['vocabSizes', 'embeddingDims']) {
      expectError(analyze({ [option]: undefined }), invalidOption(TypeError, option));
      expectError(analyze({ [option]: [1, '2'] }), invalidOption(TypeError, option));
      expectError(analyze({ [option]: [1, 0] }), invalidOption(RangeError, option));
    }
    expectError(analyze({ vocabSizes: [2 ** 32 + 1] }), invalidOption(RangeError, 'vocabSizes'));
    for (const value of [-1, Number.NaN, Infinity]) {
      expectError(analyze({ maxTableMb: value }), invalidOption(RangeError, 'maxTableMb'));
    }
    for (const value of [null, '1', 1n]) {
      expectError(analyze({ maxTableMb: value }), invalidOption(TypeError, 'maxTableMb'));
    }
  });
});

describe('comparePositionalEncodings', () => {
  it('compares the two classes', () => {
    const { sinusoidal, learned, ...rest } = quick().comparePositionalEncodings({
      seqLength: 6,
      embeddingDim: 10,
    });
    expect(rest).toEqual({});
    for (const each of [sinusoidal, learned]) {
      expect(Object.keys(each)).toEqual([
        'computationTimeMs',
        'constructionTimeMs',
        'memoryUsageMb',
        'tableMemoryMb',
        'parameters',
        'deterministic',
        'extrapolation',
      ]);
      expect(each.tableMemoryMb).toBe((12 * 10 * 4) / MIB);
      expect(each.deterministic).toBe(true);
      expect(impossible([each.computationTimeMs, each.constructionTimeMs])).toEqual([]);
    }
    expect(sinusoidal).toMatchObject({ memoryUsageMb: 0, parameters: 0 });
    expect(learned).toMatchObject({ memoryUsageMb: learned.tableMemoryMb, parameters: 120 });
  });

  it('describes extrapolation correctly', () => {
    const { sinusoidal, learned } = quick().comparePositionalEncodings({ seqLength: 6, embeddingDim: 4 });
    const sizes = { maxSeqLength: 12, embeddingDim: 4 };
    const tooLong = new Float32Array(13 * 4);
    const refusal = { class: RangeError, code: 'ERR_SEQUENCE_LENGTH' };
    expect(sinusoidal.extrapolation).toBe(
      'Good (can handle longer sequences: encode() gives any position below 2^32, forward() the 12 of its table)',
    );
    const encoding = new PositionalEncoding(sizes);
    expect(encoding.encode(2 ** 32 - 1).shape).toEqual([4]);
    expectError(() => encoding.encode(2 ** 32), { class: RangeError, code: 'ERR_ID_OUT_OF_RANGE' });
    expectError(() => encoding.forward(tooLong, { shape: [13, 4] }), refusal);
    expect(learned.extrapolation).toBe('Limited (fixed max sequence length: 12)');
    expectError(() => new LearnedPositionalEmbedding(sizes).forward(tooLong, { shape: [13, 4] }), refusal);
  });

  it('uses 100 positions of width 256 by default, and a batch of 16', () => {
    const lengths = new Set<number>();
    const { forwardInto } = PositionalEncoding.prototype;
    replace(PositionalEncoding.prototype, 'forwardInto', function (this: PositionalEncoding, ...args) {
      lengths.add((args[1] as Float32Array).length);
      return forwardInto.apply(this, args);
    } as typeof forwardInto);
    const { learned } = quick().comparePositionalEncodings();
    expect(learned.parameters).toBe(2 * 100 * 256);
    expect([...lengths]).toEqual([16 * 100 * 256]);
  });

  it('disposes its objects, also after an error', () => {
    const disposed: unknown[] = [];
    for (const kind of [PositionalEncoding, LearnedPositionalEmbedding]) {
      const { dispose } = kind.prototype;
      replace(kind.prototype, 'dispose', function (this: unknown) {
        disposed.push(kind);
        dispose.call(this as PositionalEncoding & LearnedPositionalEmbedding);
      });
    }
    const stop = ({ done }: ProfilerProgress) => {
      if (done === 1) throw new Error('interrupted');
    };
    const profiler = quick({ onProgress: stop });
    expect(thrown(() => profiler.comparePositionalEncodings({ seqLength: 2, embeddingDim: 2 })).message).toBe(
      'interrupted',
    );
    expect(disposed).toEqual([PositionalEncoding, LearnedPositionalEmbedding]);
    expect(profiler.results.positional).toEqual({});
  });

  it('rejects invalid options', () => {
    const compare = (options: unknown) => () => untyped(quick()).comparePositionalEncodings(options);
    for (const options of [null, 7, []]) expectError(compare(options), invalidOption(TypeError, 'options'));
    expectError(compare({ batchSize: 16 }), invalidOption(TypeError, 'batchSize'));
    for (const option of ['seqLength', 'embeddingDim']) {
      for (const value of [null, '6', 6n])
        expectError(compare({ [option]: value }), invalidOption(TypeError, option));
      for (const value of [0, -1, 1.5, Number.NaN, Infinity]) {
        expectError(compare({ [option]: value }), invalidOption(RangeError, option));
      }
    }
    expectError(compare({ seqLength: 2 ** 31, embeddingDim: 2 ** 31 }), {
      class: RangeError,
      code: 'ERR_TOO_LARGE',
    });
  });
});

describe('the profiler', () => {
  it('has no results initially', () => {
    expect(new EmbeddingProfiler().results).toEqual({ lookup: {}, memoryScaling: {}, positional: {} });
  });

  it('keeps all results as they were returned', () => {
    const profiler = quick();
    const lookup = profiler.measureLookupPerformance(one);
    const memoryScaling = profiler.analyzeMemoryScaling({ vocabSizes: [9], embeddingDims: [2] });
    const positional = profiler.comparePositionalEncodings({ seqLength: 2, embeddingDim: 2 });
    expect(profiler.results).toEqual({ lookup, memoryScaling, positional });
    expect(JSON.parse(JSON.stringify(profiler.results))).toEqual(profiler.results);

    const more = profiler.measureLookupPerformance({ ...one, batchSizes: [5] });
    expect(profiler.results.lookup).toEqual({ ...lookup, ...more });
    const again = profiler.measureLookupPerformance(one);
    expect(profiler.results.lookup).toEqual({ ...again, ...more });
    expect(quick().results.lookup).toEqual({});
  });

  it('keeps the results of several patterns', () => {
    const profiler = quick();
    const uniform = profiler.measureLookupPerformance(one);
    const zipf = profiler.measureLookupPerformance({ ...one, pattern: 'zipf' });
    expect(Object.keys(zipf)).toEqual(['batch_2_seq_3']);
    const both = { batch_2_seq_3: uniform['batch_2_seq_3'], batch_2_seq_3_zipf: zipf['batch_2_seq_3'] };
    expect(profiler.results.lookup).toEqual(both);
    const later = profiler.measureLookupPerformance({ ...one, pattern: 'zipf' })['batch_2_seq_3'];
    expect(profiler.results.lookup).toEqual({ ...both, batch_2_seq_3_zipf: later });
  });

  it('returns copies of its results', () => {
    const profiler = quick();
    const returned = profiler.measureLookupPerformance(one);
    const { lookupTimeMs } = returned['batch_2_seq_3']!;
    returned['batch_2_seq_3']!.lookupTimeMs = -1;
    const read = profiler.results;
    expect(read.lookup['batch_2_seq_3']!.lookupTimeMs).toBe(lookupTimeMs);
    read.lookup['batch_2_seq_3']!.lookupTimeMs = -2;
    delete read.lookup['batch_2_seq_3'];
    expect(profiler.results.lookup['batch_2_seq_3']!.lookupTimeMs).toBe(lookupTimeMs);

    const positional = profiler.comparePositionalEncodings({ seqLength: 2, embeddingDim: 2 });
    positional.learned.parameters = -1;
    expect(profiler.results.positional.learned!.parameters).toBe(8);
    const scaling = profiler.analyzeMemoryScaling({ vocabSizes: [9], embeddingDims: [2] });
    scaling['vocab_9_dim_2']!.memoryMb = -1;
    expect(profiler.results.memoryScaling['vocab_9_dim_2']!.memoryMb).toBe(72 / MIB);
  });

  it('reports progress', () => {
    const seen: ProfilerProgress[] = [];
    const profiler = quick({ onProgress: (progress) => seen.push(progress) });
    profiler.measureLookupPerformance({ embedding, batchSizes: [1, 2], seqLengths: [3] });
    expect(seen).toEqual([
      { done: 0, total: 2, label: 'batch_1_seq_3' },
      { done: 1, total: 2, label: 'batch_2_seq_3' },
      { done: 2, total: 2, label: 'batch_2_seq_3' },
    ]);
    seen.length = 0;
    profiler.analyzeMemoryScaling({ vocabSizes: [9], embeddingDims: [2] });
    profiler.comparePositionalEncodings({ seqLength: 2, embeddingDim: 2 });
    expect(seen).toEqual([
      { done: 0, total: 1, label: 'vocab_9_dim_2' },
      { done: 1, total: 1, label: 'vocab_9_dim_2' },
      { done: 0, total: 2, label: 'computation' },
      { done: 1, total: 2, label: 'construction' },
      { done: 2, total: 2, label: 'construction' },
    ]);
    profiler.measureLookupPerformance({ embedding, batchSizes: [], seqLengths: [3] });
    expect(seen).toHaveLength(5);
  });

  it('propagates exceptions of callbacks and stays consistent', () => {
    const stopped = new Error('stopped');
    let stop = false;
    const profiler = quick({
      onProgress: ({ done }) => {
        if (stop && done === 1) throw stopped;
      },
    });
    const first = profiler.measureLookupPerformance(one);
    stop = true;
    expect(thrown(() => profiler.measureLookupPerformance({ ...one, batchSizes: [9, 8] }))).toBe(stopped);
    expect(profiler.results.lookup).toEqual(first);
    stop = false;
    const third = profiler.measureLookupPerformance({ ...one, batchSizes: [9] });
    expect(profiler.results.lookup).toEqual({ ...first, ...third });

    const loud = quick({
      print: () => {
        throw stopped;
      },
    });
    expect(thrown(() => loud.measureLookupPerformance(one))).toBe(stopped);
    expect(Object.keys(loud.results.lookup)).toEqual(['batch_2_seq_3']);
  });

  it('rejects invalid options', () => {
    const Any = EmbeddingProfiler as unknown as new (options?: unknown) => EmbeddingProfiler;
    for (const options of [null, 7, []])
      expectError(() => new Any(options), invalidOption(TypeError, 'options'));
    expectError(() => new Any({ printer: null }), invalidOption(TypeError, 'printer'));
    for (const value of ['x', 1, true])
      expectError(() => new Any({ print: value }), invalidOption(TypeError, 'print'));
    for (const value of [null, 'x']) {
      expectError(() => new Any({ onProgress: value }), invalidOption(TypeError, 'onProgress'));
    }
    for (const option of ['minTimeMs', 'warmupMs']) {
      for (const value of [-1, Number.NaN, Infinity]) {
        expectError(() => new Any({ [option]: value }), invalidOption(RangeError, option));
      }
      for (const value of [null, '1', 1n]) {
        expectError(() => new Any({ [option]: value }), invalidOption(TypeError, option));
      }
    }
    const undefinedOptions = { print: undefined, onProgress: undefined, minTimeMs: undefined };
    expect(new EmbeddingProfiler(undefinedOptions).results.lookup).toEqual({});
  });

  it('accepts the embedding type of its options', () => {
    const options: LookupPerformanceOptions = { ...one, pattern: undefined, seed: undefined };
    expect(Object.keys(quick().measureLookupPerformance(options))).toHaveLength(1);
  });
});
