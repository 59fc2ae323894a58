/** What the profiler found: plain objects that survive JSON, fresh on every read. */

import type { BackendInfo, Machine } from '../backend/index.js';

/**
 * How the ids of a lookup are spread over the table.
 *
 * * `uniform`: each row as likely as any other; nothing a cache holds is likely to be asked for again
 * * `zipf`: as words in a text whose vocabulary is sorted: row k - 1 with a probability proportional to 1/k
 * * `sequential`: row after row, around and around the table
 * * `repeated`: 16 rows, again and again: they stay in cache
 */
export type AccessPattern = 'uniform' | 'zipf' | 'sequential' | 'repeated';

/** One entry of what {@link EmbeddingProfiler.measureLookupPerformance} returns. Times are those of one call. */
export interface LookupResult {
  /** Sequences per call. */
  batchSize: number;
  /** Tokens per sequence. */
  seqLength: number;
  /** batchSize * seqLength, the ids of one call. */
  totalTokens: number;
  /** The median, in milliseconds. */
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
  /** Nine samples of ten took longer, in milliseconds. */
  p10Ms: number;
  /** One sample of ten took longer, in milliseconds. */
  p90Ms: number;
  /** How many calls were timed. */
  iterations: number;
  /** A plain copy of as many bytes as `outputMemoryMb`, in turns with the lookups, in MiB copied per second. */
  machineBandwidthMbS: number;
  /** outputMemoryMb / s / machineBandwidthMbS. Above 1 where several threads look up what one copies. */
  bandwidthUtilization: number;
  /** How the ids were spread. */
  pattern: AccessPattern;
  /** The backend of the table that was looked up. */
  backend: BackendInfo['name'];
}

/** One entry of what {@link EmbeddingProfiler.analyzeMemoryScaling} returns. */
export interface MemoryScalingResult {
  /** V, the number of rows. */
  vocabSize: number;
  /** D, the length of a row. */
  embeddingDim: number;
  /** V * D. */
  totalParameters: number;
  /** MiB of the table. */
  memoryMb: number;
  /** One lookup of 32 x 64 uniform ids, the median in milliseconds; `null` for a table that was not made. */
  lookupTimeMs: number | null;
}

/** What {@link EmbeddingProfiler.comparePositionalEncodings} found of one kind of positions. */
export interface PositionalResult {
  /** Adding positions to a batch of 16 sequences, the median in milliseconds. */
  computationTimeMs: number;
  /** Making such an object and disposing it, the median in milliseconds. */
  constructionTimeMs: number;
  /** MiB of what can be trained. */
  memoryUsageMb: number;
  /** MiB that the table of positions really takes. */
  tableMemoryMb: number;
  /** How many numbers can be trained. */
  parameters: number;
  /** The same options give the same numbers. */
  deterministic: true;
  /** What happens behind the end of the table, as the class does it. */
  extrapolation: string;
}

/** What {@link EmbeddingProfiler.comparePositionalEncodings} returns. */
export interface PositionalResults {
  /** Of `PositionalEncoding`. */
  sinusoidal: PositionalResult;
  /** Of `LearnedPositionalEmbedding`. */
  learned: PositionalResult;
}

/** All that one profiler has measured. */
export interface ProfilerResults {
  /** By `batch_8_seq_32`; another pattern under a key that is taken stands beside it, as `batch_8_seq_32_zipf`. */
  lookup: Record<string, LookupResult>;
  /** By `vocab_500_dim_64`. */
  memoryScaling: Record<string, MemoryScalingResult>;
  /** Empty until positions have been compared. */
  positional: Partial<PositionalResults>;
}

/** What the results were measured with. */
export interface ProfilerSettings {
  /** Each figure was timed for at least so many milliseconds, and until its spread was known or four times as long. */
  minTimeMs: number;
  /** Milliseconds of calls before those that count. */
  warmupMs: number;
}

/** Where the results were measured: as much as the host tells. */
export interface MachineInfo extends Machine {
  /** The smallest step of the clock that was seen, in milliseconds; `null` before the first measurement. */
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
  /** Sequences. */
  batchSize: number;
  /** Tokens of each. */
  seqLength: number;
  /** D, the number of columns. */
  embeddingDim: number;
}

/** What a report is drawn from: the results, and all that is needed to judge them. Survives JSON. */
export interface ProfilerReport {
  /** All that was measured. */
  results: ProfilerResults;
  /** What was measured on last, or the active backend before that. */
  backend: BackendInfo;
  /** How long was measured. */
  settings: ProfilerSettings;
  /** Where. */
  machine: MachineInfo;
  /** The table behind `results.lookup`; `null` before any, and where there were several. */
  table: ProfiledTable | null;
  /** The shape of the batch behind `results.positional`; `null` before any. */
  positions: ProfiledPositions | null;
}
