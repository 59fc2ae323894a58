/** The profiler in a page that imported nothing else: it measures, and says what drawing needs. */

import { EmbeddingProfiler } from 'tokenbed';
import { expect, it } from 'vitest';
import { expectError } from '../helpers/errors.js';

it('asks for the entry that draws', () => {
  const profiler = new EmbeddingProfiler({ minTimeMs: 0, warmupMs: 0 });
  const found = profiler.analyzeMemoryScaling({ vocabSizes: [20], embeddingDims: [4] });
  const refusal = { class: Error, code: 'ERR_NOT_INITIALIZED', text: "import 'tokenbed/report' once" };
  expectError(() => profiler.toHTML(), refusal);
  expectError(() => profiler.toSVG(), refusal);
  expect(profiler.results.memoryScaling).toEqual(found);
});
