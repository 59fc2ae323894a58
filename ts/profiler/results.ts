/** The results of the profiler: plain, JSON-serializable objects, copied on every read. */

import type { BackendInfo, Machine } from '../backend/index.js';

/**
 * The distribution of the ids of a lookup over the table.
 *
 * * `uniform`: all rows are equally likely; in large tables most lookups miss the cache
 * * `zipf`: like words of a text, sorted by frequency: the probability of row k - 1 is proportional to 1/k
 * * `sequential`: all rows in order, cyclically
 * * `repeated`: the same 16 rows, which stay in cache
 */
export type AccessPattern = 'uniform' | 'zipf' | 'sequential' | 'repeated';

/** One entry of the result of {@link EmbeddingProfiler.measureLookupPerformance}. Times are per call. */
export interface LookupResult {
  /** Sequences per call. */
  batchSize: number;
  /** Tokens per sequence. */
  seqLength: number;
  /** batchSize * seqLength, the ids of one call. */
  totalTokens: number;
  /** The median time, in milliseconds. */
  lookupTimeMs: number;
  /** totalTokens / s. */
  tokensPerSecond: number;
  /** MiB of the ids: 4 bytes for each. */
  inputMemoryMb: number;
  /** MiB of the vectors: 4 * D bytes for each token. */
  outputMemoryMb: number;
  /** (input + output) / s, in MiB per second. */
  memoryBandwidthMbS: number;
  /** Microseconds per token. */
  timePerTokenUs: number;
  /** The 10th percentile of the samples, in milliseconds. */
  p10Ms: number;
  /** The 90th percentile of the samples, in milliseconds. */
  p90Ms: number;
  /** The number of timed calls. */
  iterations: number;
  /** The speed of a plain copy of `outputMemoryMb`, interleaved with the lookups, in MiB per second. */
  machineBandwidthMbS: number;
  /** outputMemoryMb / s / machineBandwidthMbS. May exceed 1: lookups use several threads, the copy uses one. */
  bandwidthUtilization: number;
  /** The distribution of the ids. */
  pattern: AccessPattern;
  /** The backend of the table that was looked up. */
  backend: BackendInfo['name'];
}

/** One entry of the result of {@link EmbeddingProfiler.analyzeMemoryScaling}. */
export interface MemoryScalingResult {
  /** V, the number of rows. */
  vocabSize: number;
  /** D, the length of a row. */
  embeddingDim: number;
  /** V * D. */
  totalParameters: number;
  /** MiB of the table. */
  memoryMb: number;
  /** The median time of a lookup of 32 x 64 uniform ids, in milliseconds; `null` if the table was not created. */
  lookupTimeMs: number | null;
}

/** The result of {@link EmbeddingProfiler.comparePositionalEncodings} for one kind of positions. */
export interface PositionalResult {
  /** The median time to add positions to a batch of 16 sequences, in milliseconds. */
  computationTimeMs: number;
  /** The median time to construct and dispose the object, in milliseconds. */
  constructionTimeMs: number;
  /** MiB of the trainable parameters. */
  memoryUsageMb: number;
  /** MiB of the table of positions. */
  tableMemoryMb: number;
  /** The number of trainable parameters. */
  parameters: number;
  /** The same options give the same numbers. */
  deterministic: true;
  /** How the class handles positions beyond its table. */
  extrapolation: string;
}

/** The result of {@link EmbeddingProfiler.comparePositionalEncodings}. */
export interface PositionalResults {
  /** The result for `PositionalEncoding`. */
  sinusoidal: PositionalResult;
  /** The result for `LearnedPositionalEmbedding`. */
  learned: PositionalResult;
}

/** All results of one profiler. */
export interface ProfilerResults {
  /** By keys such as `batch_8_seq_32`; if another pattern has that key, `batch_8_seq_32_zipf`. */
  lookup: Record<string, LookupResult>;
  /** By keys such as `vocab_500_dim_64`. */
  memoryScaling: Record<string, MemoryScalingResult>;
  /** Empty until positions have been compared. */
  positional: Partial<PositionalResults>;
}

/** The settings of the measurements. */
export interface ProfilerSettings {
  /** The minimum time of each figure, in milliseconds. Imprecise figures took up to four times as long. */
  minTimeMs: number;
  /** The time of the warm-up, in milliseconds. */
  warmupMs: number;
}

/** The machine that the results were measured on, as the host describes it. */
export interface MachineInfo extends Machine {
  /** The smallest observed step of the clock, in milliseconds; `null` before the first measurement. */
  clockResolutionMs: number | null;
}

/** The table that lookups were measured on. */
export interface ProfiledTable {
  /** V, the number of rows. */
  vocabSize: number;
  /** D, the length of a row. */
  embeddingDim: number;
  /** MiB of the whole table. */
  memoryMb: number;
}

/** The batch that positions were compared on. */
export interface ProfiledPositions {
  /** The number of sequences. */
  batchSize: number;
  /** Tokens per sequence. */
  seqLength: number;
  /** D, the number of columns. */
  embeddingDim: number;
}

/** The data of a report: the results and their context. JSON-serializable. */
export interface ProfilerReport {
  /** All results. */
  results: ProfilerResults;
  /** The backend of the last measurement; before the first one, the active backend. */
  backend: BackendInfo;
  /** The settings of the measurements. */
  settings: ProfilerSettings;
  /** The machine. */
  machine: MachineInfo;
  /** The table of `results.lookup`; `null` if there is none, or if there are several. */
  table: ProfiledTable | null;
  /** The shape of the batch of `results.positional`; `null` before the comparison. */
  positions: ProfiledPositions | null;
}

/** A deep copy of results: plain objects without arrays. jsdom and audio worklets have no `structuredClone`. */
export function copied<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copied<unknown>(part)])) as T;
}
