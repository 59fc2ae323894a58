/** The profiler in a page without `tokenbed/report`: it measures, and its error names the missing import. */

import { EmbeddingProfiler } from 'tokenbed';
import { expect, it } from 'vitest';
import { expectError } from '../helpers/errors.js';

it('toHTML and toSVG require tokenbed/report', () => {
  const profiler = new EmbeddingProfiler({ minTimeMs: 0, warmupMs: 0 });
  const results = profiler.analyzeMemoryScaling({ vocabSizes: [20], embeddingDims: [4] });
  const refusal = { class: Error, code: 'ERR_NOT_INITIALIZED', text: "import 'tokenbed/report' once" };
  expectError(() => profiler.toHTML(), refusal);
  expectError(() => profiler.toSVG(), refusal);
  expect(profiler.results.memoryScaling).toEqual(results);
});
