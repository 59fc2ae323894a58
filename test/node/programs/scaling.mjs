/** Analyzes tables with the passed numbers of rows (of 1 KiB). Prints the peak resident memory of the process in bytes. */

import { backendInfo, EmbeddingProfiler } from '../../../dist/index.mjs';

const vocabSizes = process.argv.slice(2).map(Number);
const profiler = new EmbeddingProfiler({ minTimeMs: 0, warmupMs: 0 });
const entries = profiler.analyzeMemoryScaling({ vocabSizes, embeddingDims: [256] });
const made = Object.values(entries).filter(({ lookupTimeMs }) => lookupTimeMs !== null).length;
const { maxRSS } = process.resourceUsage();
console.log(JSON.stringify({ name: backendInfo().name, made, peak: maxRSS * 1024 }));
