/** The profiler in a page that imported nothing else: it measures, and says what drawing needs. */

import { EmbeddingProfiler } from 'tokenbed';
import { expect, it } from 'vitest';
import { refused } from '../helpers/outcome.js';

it('asks for the entry that draws', () => {
  const profiler = new EmbeddingProfiler({ minTimeMs: 0, warmupMs: 0 });
  const found = profiler.analyzeMemoryScaling({ vocabSizes: [20], embeddingDims: [4] });
  const refusal = { kind: Error, code: 'ERR_NOT_INITIALIZED', text: "import 'tokenbed/report' once" };
  refused(() => profiler.toHTML(), refusal);
  refused(() => profiler.toSVG(), refusal);
  expect(profiler.results.memoryScaling).toEqual(found);
});
