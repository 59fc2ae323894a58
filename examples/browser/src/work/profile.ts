/**
 * The library's profiler, as anyone would call it, and the charts of what it found. The chart library is most of the
 * page's bytes, so it is loaded when it is asked for.
 */

import { Embedding, EmbeddingProfiler } from 'tokenbed';
import type { AccessPattern, LookupPerformanceOptions, ProfilerProgress } from 'tokenbed';
import type { Profile, ProfileStep } from '../messages.js';

/** Short, for somebody who waits; the figures say how far they spread. */
const SETTINGS = { minTimeMs: 40, warmupMs: 10 };
/** 30 MB: more than most caches hold. */
const TABLE = { vocabSize: 30_000, embeddingDim: 256 };
const LOOKUPS = { batchSizes: [1, 4, 16, 32], seqLengths: [32, 512] };
const PATTERNS = { batchSizes: [16], seqLengths: [512] };
const TABLES = { vocabSizes: [1000, 10_000, 50_000], embeddingDims: [64, 256] };
const OTHER_PATTERNS: readonly AccessPattern[] = ['zipf', 'sequential', 'repeated'];

export async function profile(_: null, onStep: (step: ProfileStep) => void): Promise<Profile> {
  const draw = await import('tokenbed/report');
  const embedding = new Embedding({ ...TABLE, seed: 0 });
  const positions = { seqLength: 128, embeddingDim: 256 };

  /** Which measurement is under way, and which share of the whole lies before it. */
  let stage = { name: '', before: 0, share: 0 };
  const onProgress = ({ done, total, label }: ProfilerProgress) => {
    const { name, before, share } = stage;
    onStep({ done: before + (share * done) / total, label: `${name}, ${label.replaceAll('_', ' ')}` });
  };
  const profiler = new EmbeddingProfiler({ ...SETTINGS, onProgress });
  const lookUp = (name: string, share: number, options: Omit<LookupPerformanceOptions, 'embedding'>) => {
    stage = { name, before: stage.before + stage.share, share };
    profiler.measureLookupPerformance({ embedding, ...options });
  };
  lookUp('lookups', 0.44, LOOKUPS);
  for (const pattern of OTHER_PATTERNS) lookUp(`access ${pattern}`, 0.06, { ...PATTERNS, pattern });
  stage = { name: 'tables', before: 0.62, share: 0.3 };
  profiler.analyzeMemoryScaling(TABLES);
  stage = { name: 'positions', before: 0.92, share: 0.08 };
  profiler.comparePositionalEncodings(positions);

  const { results } = profiler;
  // Other ways of access would be panels of their own beside these, wider than a phone.
  const uniform = Object.entries(results.lookup).filter(([, { pattern }]) => pattern === 'uniform');
  const plain = { ...results, lookup: Object.fromEntries(uniform) };
  return {
    html: profiler.toHTML(),
    charts: [
      { title: 'Throughput', svg: draw.throughputSVG(plain) },
      { title: 'Share of the machine’s bandwidth', svg: draw.bandwidthSVG(plain) },
      { title: 'Time per token', svg: draw.timePerTokenSVG(plain) },
      { title: 'Access patterns', svg: draw.accessPatternsSVG(results) },
      { title: 'Size of a table', svg: draw.tableSizeSVG(plain) },
      { title: 'Time of a lookup', svg: draw.lookupTimeSVG(plain) },
    ],
    results,
  };
}
