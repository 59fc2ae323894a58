/**
 * Profiles embeddings on this machine: lookups, tables, positions and complete designs. Prints the results and writes a
 * self-contained HTML report.
 *
 *   npm run example profile.ts      writes .cache/examples/profile.html
 */

import { writeFile } from 'node:fs/promises';
import { analyzeEmbeddingSystemDesign, Embedding, EmbeddingProfiler } from 'tokenbed';

const profiler = new EmbeddingProfiler({ print: console.log, minTimeMs: 20 });

// How fast are lookups, with and without the help of the caches? The table is 49 MB.
const embedding = new Embedding({ vocabSize: 50_000, embeddingDim: 256 });
for (const pattern of ['uniform', 'repeated'] as const) {
  profiler.measureLookupPerformance({ embedding, batchSizes: [1, 32], seqLengths: [32, 512], pattern });
}

// What is the cost of larger vocabularies and wider rows?
profiler.analyzeMemoryScaling({ vocabSizes: [1000, 10_000, 50_000], embeddingDims: [64, 256] });

// Sinusoidal or learned positions?
profiler.comparePositionalEncodings({ seqLength: 128, embeddingDim: 256 });

// Typical model configurations.
analyzeEmbeddingSystemDesign();

const file = process.argv[2] ?? 'profile.html';
await writeFile(file, profiler.toHTML());
console.log(`\nwritten: ${file}`);
