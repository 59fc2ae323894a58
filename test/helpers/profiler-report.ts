/** What a profiler might have found: every kind of entry, with figures as they come out of a machine. */

import type { AccessPattern, LookupResult, MemoryScalingResult } from 'tokenbed';
import type { ReportSource } from 'tokenbed/report';

/** With everything that a profiler knows. */
export type WholeReport = Required<ReportSource>;

const COLUMNS = 256;

/** Nanoseconds per token: the cost of a call shared by its tokens, then the caches, then the memory. */
function nsPerToken(tokens: number, pattern: AccessPattern): number {
  const far = { uniform: 38, zipf: 27, sequential: 19, repeated: 12 }[pattern];
  const near = 11;
  const share = tokens / (tokens + 2048);
  return 180 / tokens + near * (1 - share) + Math.max(near, far) * share;
}

function lookup(batchSize: number, seqLength: number, pattern: AccessPattern): LookupResult {
  const totalTokens = batchSize * seqLength;
  const timePerTokenUs = nsPerToken(totalTokens, pattern) / 1000;
  const lookupTimeMs = (timePerTokenUs * totalTokens) / 1000;
  const inputMemoryMb = (totalTokens * 4) / 2 ** 20;
  const outputMemoryMb = inputMemoryMb * COLUMNS;
  const machineBandwidthMbS = totalTokens < 4096 ? 61_000 : 38_500;
  return {
    batchSize,
    seqLength,
    totalTokens,
    lookupTimeMs,
    tokensPerSecond: totalTokens / (lookupTimeMs / 1000),
    inputMemoryMb,
    outputMemoryMb,
    memoryBandwidthMbS: (inputMemoryMb + outputMemoryMb) / (lookupTimeMs / 1000),
    timePerTokenUs,
    p10Ms: lookupTimeMs * 0.94,
    p90Ms: lookupTimeMs * (1.08 + 0.6 / Math.sqrt(totalTokens)),
    iterations: Math.ceil(200 / lookupTimeMs),
    machineBandwidthMbS,
    bandwidthUtilization: outputMemoryMb / (lookupTimeMs / 1000) / machineBandwidthMbS,
    pattern,
    backend: 'native',
  };
}

function scaling(vocabSize: number, embeddingDim: number): MemoryScalingResult {
  const totalParameters = vocabSize * embeddingDim;
  const memoryMb = (totalParameters * 4) / 2 ** 20;
  const lookupTimeMs = memoryMb > 1024 ? null : 2048 * embeddingDim * (1.4e-8 + 9e-8 / (1 + 60 / memoryMb));
  return { vocabSize, embeddingDim, totalParameters, memoryMb, lookupTimeMs };
}

/** A report of lookups under these patterns, of tables and of positions. */
export function profilerReport(patterns: readonly AccessPattern[] = ['uniform']): WholeReport {
  const lookups: Record<string, LookupResult> = {};
  for (const pattern of patterns) {
    for (const batchSize of [1, 8, 32, 128]) {
      for (const seqLength of [32, 128, 512]) {
        const key = `batch_${batchSize}_seq_${seqLength}`;
        lookups[key in lookups ? `${key}_${pattern}` : key] = lookup(batchSize, seqLength, pattern);
      }
    }
  }
  const memoryScaling: Record<string, MemoryScalingResult> = {};
  for (const vocabSize of [1000, 10_000, 50_000, 250_000, 1_000_000]) {
    for (const embeddingDim of [64, 256, 768]) {
      memoryScaling[`vocab_${vocabSize}_dim_${embeddingDim}`] = scaling(vocabSize, embeddingDim);
    }
  }
  return {
    results: {
      lookup: lookups,
      memoryScaling,
      positional: {
        sinusoidal: {
          computationTimeMs: 0.0412,
          constructionTimeMs: 0.387,
          memoryUsageMb: 0,
          tableMemoryMb: 0.1953125,
          parameters: 0,
          deterministic: true,
          extrapolation: 'encode() reaches any position below 2^32; forward() ends at maxSeqLength',
        },
        learned: {
          computationTimeMs: 0.0409,
          constructionTimeMs: 0.712,
          memoryUsageMb: 0.1953125,
          tableMemoryMb: 0.1953125,
          parameters: 51_200,
          deterministic: true,
          extrapolation: 'none: positions end at maxSeqLength',
        },
      },
    },
    backend: { name: 'native', isa: 'avx512', threads: 2, fallbackReason: null, version: '0.1.0' },
    settings: { minTimeMs: 100, warmupMs: 20 },
    machine: {
      platform: 'Node.js 22.12.0, linux-x64',
      processor: 'Example(R) Processor 8480 @ 2.0 GHz',
      processors: 2,
      clockResolutionMs: 0.000041,
    },
    table: { vocabSize: 50_000, embeddingDim: COLUMNS, memoryMb: (50_000 * COLUMNS * 4) / 2 ** 20 },
    positions: { batchSize: 16, seqLength: 100, embeddingDim: COLUMNS },
  };
}

/** The report of a profiler that has measured nothing yet. */
export function emptyReport(): WholeReport {
  const results = { lookup: {}, memoryScaling: {}, positional: {} };
  const report = profilerReport();
  return {
    ...report,
    results,
    table: null,
    positions: null,
    machine: { ...report.machine, clockResolutionMs: null },
  };
}
