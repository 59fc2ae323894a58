/** What the figures say, in sentences that are computed from them. */

import { percent, rate, size, time, times, whole } from './figures.js';
import {
  ascending,
  comparisons,
  conditions,
  isDrawable,
  type Lookup,
  type Reading,
  tableOf,
  shapeOf,
} from './reading.js';

const most = <T>(entries: readonly T[], of: (entry: T) => number): T =>
  entries.reduce((best, entry) => (of(entry) > of(best) ? entry : best));

/** Of throughput, bandwidth, spread and patterns. */
export function lookupInsights({ lookups }: Reading): string[] {
  const measured = lookups.filter(
    (entry) => isDrawable(entry.tokensPerSecond) && isDrawable(entry.totalTokens),
  );
  if (measured.length === 0) return [];
  const several = conditions(measured).length > 1;
  const name = (entry: Lookup) => `${shapeOf(entry)}${several ? `, ${entry.pattern} ids` : ''}`;
  const fastest = most(measured, (entry) => entry.tokensPerSecond);
  const sentences = [
    `The most tokens per second: ${rate(fastest.tokensPerSecond)} at ${name(fastest)}, ${time(fastest.lookupTimeMs / fastest.totalTokens)} each.`,
  ];
  const shared = measured.filter((entry) => isDrawable(entry.bandwidthUtilization));
  if (shared.length > 0) {
    const nearest = most(shared, (entry) => entry.bandwidthUtilization);
    const largest = most(shared, (entry) => entry.totalTokens);
    const best = `Vectors are written at ${percent(nearest.bandwidthUtilization)} of the speed of a plain copy at ${name(nearest)}`;
    const end =
      nearest === largest
        ? ''
        : `, and at ${percent(largest.bandwidthUtilization)} in the largest call, ${name(largest)}`;
    sentences.push(`${best}${end}.`);
  }
  const spread = measured.filter((entry) => isDrawable(entry.p10Ms) && isDrawable(entry.p90Ms));
  if (spread.length > 0) {
    const widest = most(spread, (entry) => entry.p90Ms / entry.p10Ms);
    sentences.push(
      `The least steady is ${name(widest)}: its 90th percentile is ${times(widest.p90Ms / widest.p10Ms)} its 10th.`,
    );
  }
  const compared = comparisons(measured);
  if (compared.length > 0) {
    const sorted = (each: (typeof compared)[number]) =>
      [...each.byPattern.values()].sort((a, b) => b.tokensPerSecond - a.tokensPerSecond);
    const ratio = (each: (typeof compared)[number]) =>
      sorted(each)[0]!.tokensPerSecond / sorted(each).at(-1)!.tokensPerSecond;
    const widest = most(compared, ratio);
    const [fast, slow] = [sorted(widest)[0]!, sorted(widest).at(-1)!];
    sentences.push(
      `The pattern matters most at ${widest.label}: ${fast.pattern} ids are looked up ${times(ratio(widest))} as fast as ${slow.pattern} ones.`,
    );
  }
  return sentences;
}

/** Of sizes and of what they cost. */
export function memoryInsights({ scalings }: Reading): string[] {
  const known = scalings.filter((entry) => isDrawable(entry.memoryMb) && isDrawable(entry.vocabSize));
  if (known.length === 0) return [];
  const sentences: string[] = [];
  const largest = most(known, (entry) => entry.memoryMb);
  sentences.push(
    `The largest table, ${tableOf(largest)}, holds ${whole(largest.totalParameters)} parameters in ${size(largest.memoryMb)}.`,
  );
  // The widest rows, from the smallest to the largest vocabulary that was measured.
  for (const embeddingDim of ascending(known.map((entry) => entry.embeddingDim)).slice(-1)) {
    const timed = known
      .filter((entry) => entry.embeddingDim === embeddingDim && isDrawable(entry.lookupTimeMs))
      .sort((a, b) => a.vocabSize - b.vocabSize);
    const [first, last] = [timed[0], timed.at(-1)];
    if (first !== undefined && last !== undefined && first !== last) {
      sentences.push(
        `With ${whole(embeddingDim)} columns, ${times(last.vocabSize / first.vocabSize)} the vocabulary takes ${times(last.memoryMb / first.memoryMb)} the memory and ${times(last.lookupTimeMs! / first.lookupTimeMs!)} the time of a lookup.`,
      );
    }
  }
  const unmeasured = known.filter((entry) => !isDrawable(entry.lookupTimeMs)).length;
  if (unmeasured > 0) {
    const many = unmeasured === 1 ? 'One table is' : `${unmeasured} tables are`;
    sentences.push(
      `${many} larger than the profiler was to make (maxTableMb): no lookup was measured there.`,
    );
  }
  return sentences;
}

/** Of the two kinds of positions. */
export function positionInsights({ sinusoidal, learned }: Reading): string[] {
  if (sinusoidal === null || learned === null) return [];
  const sentences: string[] = [];
  if (isDrawable(sinusoidal.computationTimeMs) && isDrawable(learned.computationTimeMs)) {
    const ratio = learned.computationTimeMs / sinusoidal.computationTimeMs;
    const near = Math.abs(ratio - 1) < 0.1;
    sentences.push(
      near
        ? `Adding either kind takes about the same time: ${time(sinusoidal.computationTimeMs)} and ${time(learned.computationTimeMs)}.`
        : `Adding learned positions takes ${times(ratio)} the time of sinusoidal ones.`,
    );
  }
  sentences.push(
    `Learned positions are ${whole(learned.parameters)} parameters to train; sinusoidal ones ${sinusoidal.parameters === 0 ? 'none' : whole(sinusoidal.parameters)}.`,
  );
  return sentences;
}
