/** Measures embeddings in use and keeps the results. */

import { hasCode } from '../errors.js';
import { type BackendInfo, backendInfo, describeBackend, machine } from '../backend/index.js';
import { Embedding, expectEmbedding, tableOf } from '../embedding.js';
import { callback, choice, integer, integers, named, real, seed as readSeed } from '../args/options.js';
import { showContents } from '../contents.js';
import { Digest } from '../digest.js';
import { Lookups, MIB } from './lookups.js';
import { Measuring, type OnProfilerProgress } from './measuring.js';
import { PATTERNS } from './patterns.js';
import { BATCH, comparePositions } from './positions.js';
import { renderer } from './renderer.js';
import { lookupReport, positionalReport, scalingReport } from './reports.js';
import {
  type AccessPattern,
  copied,
  type LookupResult,
  type MemoryScalingResult,
  type PositionalResults,
  type ProfilerReport,
  type ProfilerResults,
  type ProfilerSettings,
} from './results.js';

/** An {@link EmbeddingProfiler} in JSON. */
export interface ProfilerJSON extends ProfilerSettings {
  /** The results so far. */
  readonly results: ProfilerResults;
}

/** Options of {@link EmbeddingProfiler}. */
export interface EmbeddingProfilerOptions {
  /** Receives each line of a report, without its newline. Default `null`: nothing is printed. */
  readonly print?: ((line: string) => void) | null | undefined;
  /** Called with the progress before each figure and once more at the end. */
  readonly onProgress?: OnProfilerProgress | undefined;
  /**
   * The minimum time of each figure, in milliseconds, with at least seven samples. Timing continues until the median is
   * known within 2 %, at most four times as long. Default 100; 0 takes seven samples.
   */
  readonly minTimeMs?: number | undefined;
  /** The time of the warm-up in milliseconds. Default 20; at least one sample. */
  readonly warmupMs?: number | undefined;
}

/** Options of {@link EmbeddingProfiler.measureLookupPerformance}. */
export interface LookupPerformanceOptions {
  /** The table, on any backend; it is only read. */
  readonly embedding: Embedding;
  /** Sequences per call: integers >= 1. */
  readonly batchSizes: readonly number[];
  /** Tokens per sequence: integers >= 1. */
  readonly seqLengths: readonly number[];
  /** The distribution of the ids over the table. Default `'uniform'`. */
  readonly pattern?: AccessPattern | undefined;
  /** The seed of the ids: 0 .. 2^53-1, or a bigint 0 .. 2^64-1. Default 0, so that two runs look up the same ids. */
  readonly seed?: number | bigint | undefined;
}

/** Options of {@link EmbeddingProfiler.analyzeMemoryScaling}. */
export interface MemoryScalingOptions {
  /** V: integers 1 .. 2^32. */
  readonly vocabSizes: readonly number[];
  /** D: integers >= 1. */
  readonly embeddingDims: readonly number[];
  /** Sizes of tables above this many MiB are computed without creating the table. Default 1024. */
  readonly maxTableMb?: number | undefined;
}

/** Options of {@link EmbeddingProfiler.comparePositionalEncodings}. */
export interface PositionalComparisonOptions {
  /** Tokens of each of the 16 sequences; the tables have twice as many positions. Default 100. */
  readonly seqLength?: number | undefined;
  /** D, the number of columns. Default 256. */
  readonly embeddingDim?: number | undefined;
}

/** TinyTorch's standard batch, looked up in every table of `analyzeMemoryScaling`. */
const STANDARD_TOKENS = 32 * 64;

/**
 * Measures lookups, tables and positions on this machine, and keeps all results.
 *
 * ```ts
 * const profiler = new EmbeddingProfiler({ print: console.log });
 * profiler.measureLookupPerformance({ embedding, batchSizes: [1, 32], seqLengths: [128] }).batch_32_seq_128.tokensPerSecond;
 * ```
 * Times `forwardInto` after a warm-up, on a monotonic clock, in samples of many calls, until the median is known.
 * Contenders take turns. No measured value is 0, NaN or Infinity: if the clock of the host does not advance while a
 * program computes, measuring throws `ERR_BACKEND_UNAVAILABLE`. An empty list of sizes gives an empty result. A measurement that
 * fails, or in which `onProgress` throws, leaves `results` unchanged. `print` runs after the results are stored; its
 * errors propagate. Errors of the constructor: `ERR_INVALID_OPTION`.
 */
export class EmbeddingProfiler {
  readonly #print: ((line: string) => void) | null;
  readonly #onProgress: OnProfilerProgress | undefined;
  readonly #settings: ProfilerSettings;
  readonly #results: ProfilerResults = { lookup: {}, memoryScaling: {}, positional: {} };
  #context: Pick<ProfilerReport, 'table' | 'positions'> = { table: null, positions: null };
  /** The sizes of all tables that lookups were measured on. */
  readonly #tables = new Set<string>();
  #backend: BackendInfo | null = null;
  #clockResolutionMs: number | null = null;

  constructor(options?: EmbeddingProfilerOptions) {
    const values = named(options, ['print', 'onProgress', 'minTimeMs', 'warmupMs']);
    const silent = values['print'] === null;
    this.#print = silent ? null : callback<((line: string) => void) | null>(values, 'print', null);
    this.#onProgress = callback<OnProfilerProgress | undefined>(values, 'onProgress', undefined);
    this.#settings = {
      minTimeMs: real(values, 'minTimeMs', { min: 0 }, 100),
      warmupMs: real(values, 'warmupMs', { min: 0 }, 20),
    };
    showContents(this, () => String(new Digest().texts([JSON.stringify(this.toJSON())])));
    if (new.target === EmbeddingProfiler) Object.freeze(this);
  }

  /**
   * Measures lookups of each batch size with each sequence length, batch-major, under keys such as `batch_8_seq_32`.
   *
   * ```text
   * s = lookupTimeMs / 1000, the median of one forwardInto(ids, out), ids an Int32Array of batch * seq
   * tokensPerSecond = batch * seq / s;  memoryBandwidthMbS = (inputMemoryMb + outputMemoryMb) / s
   * machineBandwidthMbS = outputMemoryMb / seconds of a plain copy of as many bytes, interleaved with the lookups
   * bandwidthUtilization = outputMemoryMb / s / machineBandwidthMbS
   * ```
   * Successive calls look up different ids, whose rows exceed the caches if the table is large enough. Vectors are
   * compared with the table, bit for bit, before and after. Returns new, plain objects. Errors: `ERR_DISPOSED` (before
   * all others), `ERR_INVALID_OPTION`, `ERR_TOO_LARGE` (before anything is allocated), `ERR_INTERNAL`.
   */
  measureLookupPerformance(options: LookupPerformanceOptions): Record<string, LookupResult> {
    expectLiveTable(options);
    const known = ['embedding', 'batchSizes', 'seqLengths', 'pattern', 'seed'];
    const values = named(options, known, { required: true });
    const { embedding } = values;
    expectEmbedding(embedding, 'embedding');
    const batchSizes = integers(values, 'batchSizes', { min: 1 });
    const seqLengths = integers(values, 'seqLengths', { min: 1 });
    const pattern = choice(values, 'pattern', PATTERNS, 'uniform');
    const seed = readSeed(values) ?? 0;

    const shapes = pairs(batchSizes, seqLengths).map(
      ([batchSize, seqLength]) => [`batch_${batchSize}_seq_${seqLength}`, { batchSize, seqLength }] as const,
    );
    const results = this.#measure(describeBackend(tableOf(embedding).backend), (measuring) => {
      if (shapes.length === 0) return {};
      const mostTokens = Math.max(...batchSizes) * Math.max(...seqLengths);
      const lookups = new Lookups({ embedding, pattern, seed, mostTokens, besideCopy: true });
      return measuring.each(shapes, (shape) => lookups.measure(shape, measuring));
    });
    for (const [key, result] of Object.entries(copied(results))) {
      const existing = this.#results.lookup[key];
      const taken = existing !== undefined && existing.pattern !== pattern;
      this.#results.lookup[taken ? `${key}_${pattern}` : key] = result;
    }
    if (shapes.length > 0) {
      const { vocabSize, embeddingDim } = embedding;
      this.#tables.add(`${vocabSize} x ${embeddingDim}`);
      const memoryMb = embedding.getMemoryUsage().totalMemoryMb;
      const table = this.#tables.size === 1 ? { vocabSize, embeddingDim, memoryMb } : null;
      this.#context = { ...this.#context, table };
    }
    this.#report(() => lookupReport(results));
    return results;
  }

  /**
   * Measures the memory and lookup time of a table of each size, vocabulary-major, under keys such as
   * `vocab_500_dim_64`.
   *
   * ```text
   * totalParameters = V * D;  memoryMb = 4 * V * D / 2^20;  lookupTimeMs = the median of looking up 32 x 64 uniform ids
   * ```
   * Creates one table at a time on the active backend, and disposes it. Tables above `maxTableMb`, or too large for
   * this host, are not created; their `lookupTimeMs` is null. Returns new, plain objects. Errors:
   * `ERR_INVALID_OPTION`, `ERR_NOT_INITIALIZED` (browser), `ERR_INTERNAL`.
   */
  analyzeMemoryScaling(options: MemoryScalingOptions): Record<string, MemoryScalingResult> {
    const values = named(options, ['vocabSizes', 'embeddingDims', 'maxTableMb'], { required: true });
    const vocabSizes = integers(values, 'vocabSizes', { min: 1, max: 2 ** 32 });
    const embeddingDims = integers(values, 'embeddingDims', { min: 1 });
    const maxTableMb = real(values, 'maxTableMb', { min: 0 }, 1024);

    const tables = pairs(vocabSizes, embeddingDims).map(
      ([vocabSize, embeddingDim]) =>
        [`vocab_${vocabSize}_dim_${embeddingDim}`, { vocabSize, embeddingDim }] as const,
    );
    const results = this.#measure(backendInfo(), (measuring) =>
      measuring.each(tables, ({ vocabSize, embeddingDim }): MemoryScalingResult => {
        const totalParameters = vocabSize * embeddingDim;
        const memoryMb = (4 * totalParameters) / MIB;
        const lookupTimeMs =
          memoryMb > maxTableMb ? null : standardLookup({ vocabSize, embeddingDim }, measuring);
        return { vocabSize, embeddingDim, totalParameters, memoryMb, lookupTimeMs };
      }),
    );
    Object.assign(this.#results.memoryScaling, copied(results));
    this.#report(() => scalingReport(results, maxTableMb));
    return results;
  }

  /**
   * Compares sinusoidal and learned positions, added to `[16, seqLength, D]`; each table has 2 * seqLength positions.
   *
   * Times `forwardInto` and construction of both, in turns. `memoryUsageMb` is the memory of trainable parameters (0
   * for sinusoidal), `tableMemoryMb` that of the table; `extrapolation` describes positions beyond the table. Returns
   * new, plain objects. Errors: `ERR_INVALID_OPTION`, `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED` (browser), `ERR_INTERNAL`.
   */
  comparePositionalEncodings(options?: PositionalComparisonOptions): PositionalResults {
    const values = named(options, ['seqLength', 'embeddingDim']);
    const seqLength = integer(values, 'seqLength', { min: 1, max: 2 ** 31 }, 100);
    const embeddingDim = integer(values, 'embeddingDim', { min: 1 }, 256);

    const shape = { seqLength, embeddingDim };
    const results = this.#measure(backendInfo(), (measuring) => comparePositions(shape, measuring));
    this.#results.positional = copied(results);
    this.#context = { ...this.#context, positions: { batchSize: BATCH, ...shape } };
    this.#report(() => positionalReport(results));
    return results;
  }

  /**
   * All results of this profiler. Each read returns a new, JSON-serializable copy.
   *
   * A later measurement replaces an earlier one under the same key. Lookups of another pattern are stored under
   * `key_pattern`, such as `batch_8_seq_32_zipf`.
   */
  get results(): ProfilerResults {
    return copied(this.#results);
  }

  /**
   * The charts of `results`, as one SVG document.
   *
   * Requires the entry `tokenbed/report`, which Node loads automatically. Errors: `ERR_NOT_INITIALIZED` on other hosts
   * if it was not imported.
   */
  toSVG(): string {
    return renderer().toSVG(this.#describe());
  }

  /** A report of `results` as one self-contained HTML document. Requirements and errors: as `toSVG()`. */
  toHTML(): string {
    return renderer().toHTML(this.#describe());
  }

  /** A new plain object of the options and of `results`, for `JSON.stringify`. */
  toJSON(): ProfilerJSON {
    return { ...this.#settings, results: this.results };
  }

  /** Runs one measurement and stores its backend and clock resolution. An error leaves both unchanged. */
  #measure<T>(backend: BackendInfo, measure: (measuring: Measuring) => T): T {
    const measuring = new Measuring(this.#settings, this.#onProgress);
    const results = measure(measuring);
    if (measuring.clockResolutionMs !== null) this.#backend = backend; // else nothing was timed
    this.#clockResolutionMs = measuring.clockResolutionMs ?? this.#clockResolutionMs;
    return results;
  }

  #report(lines: () => readonly string[]): void {
    const print = this.#print;
    if (print !== null) for (const line of lines()) print(line);
  }

  #describe(): ProfilerReport {
    return copied({
      results: this.#results,
      backend: this.#backend ?? backendInfo(),
      settings: this.#settings,
      machine: { ...machine(), clockResolutionMs: this.#clockResolutionMs },
      ...this.#context,
    });
  }
}

/** Every pair, in the order of `first`, then of `second`. */
function pairs(first: readonly number[], second: readonly number[]): (readonly [number, number])[] {
  return first.flatMap((a) => second.map((b) => [a, b] as const));
}

/** Throws `ERR_DISPOSED` before the names of options are checked, as for every disposed object. */
function expectLiveTable(options: unknown): void {
  const embedding = (options as { readonly embedding?: unknown } | null | undefined)?.embedding;
  if (embedding instanceof Embedding) tableOf(embedding).handle();
}

/** The median lookup time of TinyTorch's standard batch in a table of this size; `null` if the table is too large. */
function standardLookup(
  size: { readonly vocabSize: number; readonly embeddingDim: number },
  measuring: Measuring,
): number | null {
  let embedding: Embedding | null = null;
  try {
    // Uniform, as in TinyTorch. In a zeroed table that was never written, all rows would share one page of memory.
    embedding = new Embedding({ ...size, initType: 'uniform', seed: 0 });
    const plan = { pattern: 'uniform', seed: 0, mostTokens: STANDARD_TOKENS, besideCopy: false } as const;
    const [lookup] = measuring.time(new Lookups({ embedding, ...plan }).contender(STANDARD_TOKENS));
    return lookup!.medianMs;
  } catch (error) {
    if (hasCode(error, 'ERR_TOO_LARGE')) return null;
    throw error;
  } finally {
    embedding?.dispose();
  }
}
