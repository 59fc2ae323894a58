/** The profiler with simulated clocks: known times, and clocks that are coarse, stopped or set back. */

import { Embedding, EmbeddingProfiler } from 'tokenbed';
import { expect, it } from 'vitest';
import { expectError } from './helpers/errors.js';
import { impossible, quick, realNow, replace, useClock, watchLookups } from './helpers/profiler.js';

const [tokens, dim] = [512, 64];
const embedding = new Embedding({ vocabSize: 300, embeddingDim: dim, seed: 3 });
const one = { embedding, batchSizes: [tokens], seqLengths: [1] };
const KEY = `batch_${tokens}_seq_1`;

const stopped = { class: Error, code: 'ERR_BACKEND_UNAVAILABLE', text: 'clock of this host stands still' };

/**
 * A simulated clock: the k-th lookup takes `lookupMs(k)`, a copy of the result `copyMs`, and reading the clock almost
 * nothing. `calls` counts lookups, `end` restores the real clock.
 */
function ownTime(lookupMs: (k: number) => number, copyMs: number): { calls: number; end: () => void } {
  const counted = { calls: 0, end };
  let time = 1000;
  let rows: ArrayBufferLike | null = null;
  const restore = [
    watchLookups((_, out) => {
      rows = out.buffer;
      time += lookupMs(counted.calls++);
    }),
  ];
  const views = Object.getPrototypeOf(Float32Array.prototype) as Float32Array;
  const { set } = views;
  restore.push(
    replace(views, 'set', function (this: Float32Array, source, offset) {
      const isCopy = source instanceof Float32Array && source.buffer === rows && this.buffer !== rows;
      if (isCopy && source.length === tokens * dim) time += copyMs;
      set.call(this, source, offset);
    }),
    useClock(() => (time += 1e-6)),
  );
  function end(): void {
    restore.forEach((each) => each());
  }
  return counted;
}

it('reports the time of a call and all derived figures', () => {
  const { calls } = ownTime(() => 0.25, 0.125);
  expect(calls).toBe(0);
  const entry = quick().measureLookupPerformance(one)[KEY]!;
  const mib = (tokens * dim * 4) / 2 ** 20;
  expect(entry.lookupTimeMs).toBeCloseTo(0.25, 4);
  expect(entry.p10Ms).toBeCloseTo(0.25, 4);
  expect(entry.p90Ms).toBeCloseTo(0.25, 4);
  expect(entry.tokensPerSecond / (tokens / 0.000_25)).toBeCloseTo(1, 3);
  expect(entry.machineBandwidthMbS / (mib / 0.000_125)).toBeCloseTo(1, 3);
  expect(entry.bandwidthUtilization).toBeCloseTo(0.5, 3);
});

it('reports the median, the 10th and the 90th percentile', () => {
  // 1 to 10 ms in a fixed shuffled order; each call is a sample.
  ownTime((k) => 1 + ((k * 7) % 10), 1);
  const profiler = new EmbeddingProfiler({ minTimeMs: 500, warmupMs: 0 });
  const entry = profiler.measureLookupPerformance(one)[KEY]!;
  expect(entry.lookupTimeMs).toBeGreaterThan(4.9);
  expect(entry.lookupTimeMs).toBeLessThan(6.1);
  expect(entry.p10Ms).toBeGreaterThan(0.9);
  expect(entry.p10Ms).toBeLessThan(2.5);
  expect(entry.p90Ms).toBeGreaterThan(8.5);
  expect(entry.p90Ms).toBeLessThan(10.1);
});

it('is robust against a few calls that take a hundred times as long', () => {
  ownTime((k) => (k % 9 === 4 ? 100 : 1), 1);
  const profiler = new EmbeddingProfiler({ minTimeMs: 200, warmupMs: 0 });
  expect(profiler.measureLookupPerformance(one)[KEY]!.lookupTimeMs).toBeCloseTo(1, 3);
});

it('stops once the median is stable, and otherwise continues for up to four times as long', () => {
  const iterations = (lookupMs: (k: number) => number, minTimeMs: number) => {
    const counted = ownTime(lookupMs, 1);
    const profiler = new EmbeddingProfiler({ minTimeMs, warmupMs: 0 });
    const entry = profiler.measureLookupPerformance(one)[KEY]!;
    counted.end();
    expect(entry.iterations).toBeLessThan(counted.calls);
    return entry.iterations;
  };
  const steady = () => 1;
  expect(iterations(steady, 0)).toBe(7);
  expect(iterations(steady, 50)).toBeGreaterThanOrEqual(50);
  expect(iterations(steady, 50)).toBeLessThan(60);
  // Half of the calls take 1 ms, the others 3 ms, so the median is unstable.
  const either = (k: number) => (k % 2 === 0 ? 1 : 3);
  expect(iterations(either, 50)).toBeGreaterThanOrEqual(100);
  expect(iterations(either, 50)).toBeLessThan(110);
});

it('does not count the calls of the warm-up', () => {
  const before = (warmupMs: number) => {
    const counted = ownTime(() => 1, 1);
    const profiler = new EmbeddingProfiler({ minTimeMs: 0, warmupMs });
    const { iterations } = profiler.measureLookupPerformance(one)[KEY]!;
    counted.end();
    return counted.calls - iterations;
  };
  expect(before(300) - before(100)).toBeGreaterThanOrEqual(199);
  expect(before(300) - before(100)).toBeLessThanOrEqual(201);
});

it.each([0.1, 1, 2])('works with a clock resolution of %d ms', (tick) => {
  useClock(() => Math.floor(realNow() / tick) * tick);
  const profiler = quick();
  const entry = [
    profiler.measureLookupPerformance(one),
    profiler.analyzeMemoryScaling({ vocabSizes: [50], embeddingDims: [4] }),
  ];
  expect(impossible(entry)).toEqual([]);
  // Each sample has many whole ticks.
  expect(profiler.results.lookup[KEY]!.iterations * profiler.results.lookup[KEY]!.p90Ms).toBeGreaterThan(
    tick,
  );
});

it('uses the other clock if the monotonic one stops, goes back or is missing', () => {
  let time = 1e9;
  const missing = (): number => {
    throw new TypeError('performance is undefined');
  };
  for (const now of [() => 42, () => (time -= 0.1), () => Number.NaN, missing]) {
    const restore = useClock(now);
    expect(impossible(quick().measureLookupPerformance(one))).toEqual([]);
    restore();
  }
});

it('is robust against a clock that is occasionally set back', () => {
  let [readings, back] = [0, 0];
  useClock(() => {
    if (++readings % 50 === 0) back += 20;
    return realNow() - back;
  });
  expect(impossible(quick().measureLookupPerformance(one))).toEqual([]);
});

it('throws if all clocks stand still, and stays usable', () => {
  const profiler = quick();
  const restore = useClock(
    () => 42,
    () => 42,
  );
  expectError(() => profiler.measureLookupPerformance(one), stopped);
  expectError(() => profiler.analyzeMemoryScaling({ vocabSizes: [50], embeddingDims: [4] }), stopped);
  expectError(() => profiler.comparePositionalEncodings({ seqLength: 2, embeddingDim: 2 }), stopped);
  // Without measurements no clock is needed.
  expect(profiler.measureLookupPerformance({ ...one, batchSizes: [] })).toEqual({});
  expect(profiler.analyzeMemoryScaling({ vocabSizes: [50], embeddingDims: [4], maxTableMb: 0 })).toEqual({
    vocab_50_dim_4: expect.objectContaining({ lookupTimeMs: null }),
  });
  expect(profiler.results).toMatchObject({ lookup: {}, positional: {} });
  restore();
  expect(impossible(profiler.measureLookupPerformance(one))).toEqual([]);
});

it('throws if the clock stops during a measurement', () => {
  // It advances with each reading, so it stops after 20 ms of its time: before the measurement ends on any machine.
  let readings = 0;
  const now = () => Math.min(++readings, 200) * 0.1;
  useClock(now, now);
  const profiler = new EmbeddingProfiler({ minTimeMs: 1000, warmupMs: 0 });
  expectError(() => profiler.measureLookupPerformance(one), stopped);
});
