/**
 * What embeddings cost on this machine: lookups, tables, positions and whole designs, measured and told, and as
 * one HTML file to look at or to send to a colleague.
 *
 *   npm run example profile.ts      writes .cache/examples/profile.html
 */

import { writeFile } from 'node:fs/promises';
import { analyzeEmbeddingSystemDesign, Embedding, EmbeddingProfiler } from 'tokenbed';

const profiler = new EmbeddingProfiler({ print: console.log, minTimeMs: 20 });

// How fast are lookups, and how much do they owe to the caches? The table is 49 MB.
const embedding = new Embedding({ vocabSize: 50_000, embeddingDim: 256 });
for (const pattern of ['uniform', 'repeated'] as const) {
  profiler.measureLookupPerformance({ embedding, batchSizes: [1, 32], seqLengths: [32, 512], pattern });
}

// What do larger vocabularies and wider rows cost?
profiler.analyzeMemoryScaling({ vocabSizes: [1000, 10_000, 50_000], embeddingDims: [64, 256] });

// Positions: fixed or learned?
profiler.comparePositionalEncodings({ seqLength: 128, embeddingDim: 256 });

// And in a whole model?
analyzeEmbeddingSystemDesign();

const file = process.argv[2] ?? 'profile.html';
await writeFile(file, profiler.toHTML());
console.log(`\nwritten: ${file}`);
