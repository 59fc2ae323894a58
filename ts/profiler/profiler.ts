/** Measures embeddings as they are used, and keeps what it found. */

import { type BackendInfo, backendInfo, describeBackend, machine } from '../backend/index.js';
import { Embedding, expectEmbedding, tableOf } from '../embedding.js';
import { callback, choice, integer, integers, named, real, seed as readSeed } from '../args/options.js';
import { Lookups, MIB } from './lookups.js';
import { Measuring, type OnProfilerProgress } from './measuring.js';
import { PATTERNS } from './patterns.js';
import { BATCH, comparePositions } from './positions.js';
import { renderer } from './renderer.js';
import { lookupReport, positionalReport, scalingReport } from './reports.js';
import type {
  AccessPattern,
  LookupResult,
  MemoryScalingResult,
  PositionalResults,
  ProfilerReport,
  ProfilerResults,
  ProfilerSettings,
} from './results.js';

/** Options of {@link EmbeddingProfiler}. */
export interface EmbeddingProfilerOptions {
  /** Takes each line of a report, without its newline. Default `null`: nothing is printed. */
  readonly print?: ((line: string) => void) | null | undefined;
  /** Is told before each figure, and once more at the end, how far a measurement has come. */
  readonly onProgress?: OnProfilerProgress | undefined;
  /**
   * Each figure is timed for at least so many milliseconds and seven samples, and until its median is known within
   * 2 %, or four times as long. Default 100; 0 takes the fewest samples, seven.
   */
  readonly minTimeMs?: number | undefined;
  /** Milliseconds of calls before those that count. Default 20; at least one sample warms up. */
  readonly warmupMs?: number | undefined;
}

/** Options of {@link EmbeddingProfiler.measureLookupPerformance}. */
export interface LookupPerformanceOptions {
  /** The table, of any backend; it is only read. */
  readonly embedding: Embedding;
  /** Sequences per call: integers >= 1. */
  readonly batchSizes: readonly number[];
  /** Tokens per sequence: integers >= 1. */
  readonly seqLengths: readonly number[];
  /** How the ids are spread over the table. Default `'uniform'`. */
  readonly pattern?: AccessPattern | undefined;
  /** Of the ids, 0 .. 2^53-1, or a bigint 0 .. 2^64-1. Default 0, so that two runs look up the same ids. */
  readonly seed?: number | bigint | undefined;
}

/** Options of {@link EmbeddingProfiler.analyzeMemoryScaling}. */
export interface MemoryScalingOptions {
  /** V: integers 1 .. 2^32. */
  readonly vocabSizes: readonly number[];
  /** D: integers >= 1. */
  readonly embeddingDims: readonly number[];
  /** Tables above so many MiB are computed, not made. Default 1024. */
  readonly maxTableMb?: number | undefined;
}

/** Options of {@link EmbeddingProfiler.comparePositionalEncodings}. */
export interface PositionalComparisonOptions {
  /** Tokens of each of the 16 sequences; the tables have twice as many positions. Default 100. */
  readonly seqLength?: number | undefined;
  /** D, the number of columns. Default 256. */
  readonly embeddingDim?: number | undefined;
}

/** The seeds' standard batch, looked up in every table of `analyzeMemoryScaling`. */
const STANDARD_TOKENS = 32 * 64;

/**
 * Measures lookups, tables and positions on this machine, and keeps all results.
 *
 * ```ts
 * const profiler = new EmbeddingProfiler({ print: console.log });
 * profiler.measureLookupPerformance({ embedding, batchSizes: [1, 32], seqLengths: [128] }).batch_32_seq_128.tokensPerSecond;
 * ```
 * What is timed is `forwardInto`, after a warm-up, on a monotonic clock, in samples of many calls until the median is
 * known; contenders take turns. Nothing measured is ever 0, NaN or Infinity: on a host whose clock stands still while a
 * program computes, measuring ends with `ERR_INTERNAL`. An empty list of sizes gives an empty result. A measurement that
 * fails, or that `onProgress` ends by throwing, leaves `results` as they were; what `print` throws passes through when
 * they have been kept. Errors of the constructor: `ERR_INVALID_OPTION`.
 */
export class EmbeddingProfiler {
  readonly #print: ((line: string) => void) | null;
  readonly #onProgress: OnProfilerProgress | undefined;
  readonly #settings: ProfilerSettings;
  readonly #results: ProfilerResults = { lookup: {}, memoryScaling: {}, positional: {} };
  #context: Pick<ProfilerReport, 'table' | 'positions'> = { table: null, positions: null };
  /** The sizes of all that were looked up in. */
  readonly #tables = new Set<string>();
  #backend: BackendInfo | null = null;
  #clockResolutionMs: number | null = null;

  constructor(options?: EmbeddingProfilerOptions) {
    const given = named(options, ['print', 'onProgress', 'minTimeMs', 'warmupMs']);
    const silent = given['print'] === null;
    this.#print = silent ? null : callback<((line: string) => void) | null>(given, 'print', null);
    this.#onProgress = callback<OnProfilerProgress | undefined>(given, 'onProgress', undefined);
    this.#settings = {
      minTimeMs: real(given, 'minTimeMs', { min: 0 }, 100),
      warmupMs: real(given, 'warmupMs', { min: 0 }, 20),
    };
  }

  /**
   * Lookups of each batch size with each sequence length, batch-major, under keys such as `batch_8_seq_32`.
   *
   * ```text
   * s = lookupTimeMs / 1000, the median of one forwardInto(ids, out), ids an Int32Array of batch * seq
   * tokensPerSecond = batch * seq / s;  memoryBandwidthMbS = (inputMemoryMb + outputMemoryMb) / s
   * machineBandwidthMbS = outputMemoryMb / seconds of a plain copy of as many bytes, in turns with the lookups
   * bandwidthUtilization = outputMemoryMb / s / machineBandwidthMbS
   * ```
   * Successive calls look up other ids, together more bytes than the caches hold if the table has them. Vectors are
   * compared with the table, bit for bit, before and after. Fresh, plain objects. Errors: `ERR_DISPOSED` (before
   * anything else), `ERR_INVALID_OPTION`, `ERR_TOO_LARGE` (before anything is allocated), `ERR_INTERNAL`.
   */
  measureLookupPerformance(options: LookupPerformanceOptions): Record<string, LookupResult> {
    expectLiveTable(options);
    const known = ['embedding', 'batchSizes', 'seqLengths', 'pattern', 'seed'];
    const given = named(options, known, { required: true });
    const { embedding } = given;
    expectEmbedding(embedding, 'embedding');
    const batchSizes = integers(given, 'batchSizes', { min: 1 });
    const seqLengths = integers(given, 'seqLengths', { min: 1 });
    const pattern = choice(given, 'pattern', PATTERNS, 'uniform');
    const seed = readSeed(given) ?? 0;

    const shapes = pairs(batchSizes, seqLengths).map(
      ([batchSize, seqLength]) => [`batch_${batchSize}_seq_${seqLength}`, { batchSize, seqLength }] as const,
    );
    const found = this.#measure(describeBackend(tableOf(embedding).backend), (measuring) => {
      if (shapes.length === 0) return {};
      const mostTokens = Math.max(...batchSizes) * Math.max(...seqLengths);
      const lookups = new Lookups({ embedding, pattern, seed, mostTokens, besideCopy: true });
      return measuring.each(shapes, (shape) => lookups.measure(shape, measuring));
    });
    for (const [key, result] of Object.entries(structuredClone(found))) {
      const held = this.#results.lookup[key];
      const beside = held !== undefined && held.pattern !== pattern;
      this.#results.lookup[beside ? `${key}_${pattern}` : key] = result;
    }
    if (shapes.length > 0) {
      const { vocabSize, embeddingDim } = embedding;
      this.#tables.add(`${vocabSize} x ${embeddingDim}`);
      const memoryMb = embedding.getMemoryUsage().totalMemoryMb;
      const table = this.#tables.size === 1 ? { vocabSize, embeddingDim, memoryMb } : null;
      this.#context = { ...this.#context, table };
    }
    this.#report(() => lookupReport(found));
    return found;
  }

  /**
   * What a table of each size costs, vocabulary-major, under keys such as `vocab_500_dim_64`.
   *
   * ```text
   * totalParameters = V * D;  memoryMb = 4 * V * D / 2^20;  lookupTimeMs = the median of looking up 32 x 64 uniform ids
   * ```
   * Tables are made one at a time on the active backend, and disposed at once. One above `maxTableMb` is not made,
   * nor one that this host has no room for: its `lookupTimeMs` is null. Fresh, plain objects. Errors: `ERR_INVALID_OPTION`,
   * `ERR_NOT_INITIALIZED` (browser), `ERR_INTERNAL`.
   */
  analyzeMemoryScaling(options: MemoryScalingOptions): Record<string, MemoryScalingResult> {
    const given = named(options, ['vocabSizes', 'embeddingDims', 'maxTableMb'], { required: true });
    const vocabSizes = integers(given, 'vocabSizes', { min: 1, max: 2 ** 32 });
    const embeddingDims = integers(given, 'embeddingDims', { min: 1 });
    const maxTableMb = real(given, 'maxTableMb', { min: 0 }, 1024);

    const tables = pairs(vocabSizes, embeddingDims).map(
      ([vocabSize, embeddingDim]) =>
        [`vocab_${vocabSize}_dim_${embeddingDim}`, { vocabSize, embeddingDim }] as const,
    );
    const found = this.#measure(backendInfo(), (measuring) =>
      measuring.each(tables, ({ vocabSize, embeddingDim }): MemoryScalingResult => {
        const totalParameters = vocabSize * embeddingDim;
        const memoryMb = (4 * totalParameters) / MIB;
        const lookupTimeMs =
          memoryMb > maxTableMb ? null : standardLookup({ vocabSize, embeddingDim }, measuring);
        return { vocabSize, embeddingDim, totalParameters, memoryMb, lookupTimeMs };
      }),
    );
    Object.assign(this.#results.memoryScaling, structuredClone(found));
    this.#report(() => scalingReport(found, maxTableMb));
    return found;
  }

  /**
   * Sinusoidal beside learned positions, added to `[16, seqLength, D]`; each table has 2 * seqLength positions.
   *
   * Both are timed in turns, `forwardInto` and construction. `memoryUsageMb` counts what can be trained (0 for
   * sinusoidal), `tableMemoryMb` what is really held; `extrapolation` says what the class does beyond its table. Fresh,
   * plain objects. Errors: `ERR_INVALID_OPTION`, `ERR_TOO_LARGE`, `ERR_NOT_INITIALIZED` (browser), `ERR_INTERNAL`.
   */
  comparePositionalEncodings(options?: PositionalComparisonOptions): PositionalResults {
    const given = named(options, ['seqLength', 'embeddingDim']);
    const seqLength = integer(given, 'seqLength', { min: 1, max: 2 ** 31 }, 100);
    const embeddingDim = integer(given, 'embeddingDim', { min: 1 }, 256);

    const shape = { seqLength, embeddingDim };
    const found = this.#measure(backendInfo(), (measuring) => comparePositions(shape, measuring));
    this.#results.positional = structuredClone(found);
    this.#context = { ...this.#context, positions: { batchSize: BATCH, ...shape } };
    this.#report(() => positionalReport(found));
    return found;
  }

  /**
   * All that this profiler has measured; a fresh copy on each read, which survives JSON.
   *
   * A later measurement replaces an earlier one under the same key; lookups of another pattern stand beside it, under
   * `key_pattern`, such as `batch_8_seq_32_zipf`.
   */
  get results(): ProfilerResults {
    return structuredClone(this.#results);
  }

  /**
   * The charts of `results`, as one SVG document.
   *
   * Needs the entry `tokenbed/report`, which Node loads by itself. Errors: `ERR_NOT_INITIALIZED` where it must be
   * imported first.
   */
  toSVG(): string {
    return renderer().toSVG(this.#describe());
  }

  /** A report of `results` as one self-contained HTML document; as `toSVG()`. */
  toHTML(): string {
    return renderer().toHTML(this.#describe());
  }

  /** Runs one measurement, and remembers on what; after an error everything is as before. */
  #measure<T>(backend: BackendInfo, measure: (measuring: Measuring) => T): T {
    const measuring = new Measuring(this.#settings, this.#onProgress);
    const found = measure(measuring);
    if (measuring.clockResolutionMs !== null) this.#backend = backend; // else nothing was timed
    this.#clockResolutionMs = measuring.clockResolutionMs ?? this.#clockResolutionMs;
    return found;
  }

  #report(lines: () => readonly string[]): void {
    const print = this.#print;
    if (print !== null) for (const line of lines()) print(line);
  }

  #describe(): ProfilerReport {
    return structuredClone({
      results: this.#results,
      backend: this.#backend ?? backendInfo(),
      settings: this.#settings,
      machine: { ...machine(), clockResolutionMs: this.#clockResolutionMs },
      ...this.#context,
    });
  }
}

/** Every pair, the first one's order first. */
function pairs(first: readonly number[], second: readonly number[]): (readonly [number, number])[] {
  return first.flatMap((a) => second.map((b) => [a, b] as const));
}

/** `ERR_DISPOSED` before the names of options are looked at, as for every disposed object. */
function expectLiveTable(options: unknown): void {
  const embedding = (options as { readonly embedding?: unknown } | null | undefined)?.embedding;
  if (embedding instanceof Embedding) tableOf(embedding).handle();
}

/** The median of the seeds' standard batch in a table of this size; `null` where there is no room for it. */
function standardLookup(
  size: { readonly vocabSize: number; readonly embeddingDim: number },
  measuring: Measuring,
): number | null {
  let embedding: Embedding | null = null;
  try {
    // Uniform as the seeds have it: of zeros that nobody wrote, all rows would share one page of memory.
    embedding = new Embedding({ ...size, initType: 'uniform', seed: 0 });
    const plan = { pattern: 'uniform', seed: 0, mostTokens: STANDARD_TOKENS, besideCopy: false } as const;
    const [lookup] = measuring.time(new Lookups({ embedding, ...plan }).contender(STANDARD_TOKENS));
    return lookup!.medianMs;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_TOO_LARGE') return null;
    throw error;
  } finally {
    embedding?.dispose();
  }
}
