/** Sentences that summarize the figures, computed from them. */

import { percent, rate, size, time, factor, integer } from './figures.js';
import {
  ascending,
  comparisons,
  conditions,
  isDrawable,
  type Lookup,
  type ReportData,
  tableOf,
  shapeOf,
} from './report-data.js';

const maxBy = <T>(entries: readonly T[], value: (entry: T) => number): T =>
  entries.reduce((best, entry) => (value(entry) > value(best) ? entry : best));

/** Insights into throughput, bandwidth, spread and access patterns. */
export function lookupInsights({ lookups }: ReportData): string[] {
  const measured = lookups.filter(
    (entry) => isDrawable(entry.tokensPerSecond) && isDrawable(entry.totalTokens),
  );
  if (measured.length === 0) return [];
  const hasConditions = conditions(measured).length > 1;
  const name = (entry: Lookup) => `${shapeOf(entry)}${hasConditions ? `, ${entry.pattern} ids` : ''}`;
  const fastest = maxBy(measured, (entry) => entry.tokensPerSecond);
  const sentences = [
    `Peak throughput is ${rate(fastest.tokensPerSecond)} at ${name(fastest)}, ${time(fastest.lookupTimeMs / fastest.totalTokens)} per token.`,
  ];
  const withShare = measured.filter((entry) => isDrawable(entry.bandwidthUtilization));
  if (withShare.length > 0) {
    const nearest = maxBy(withShare, (entry) => entry.bandwidthUtilization);
    const largest = maxBy(withShare, (entry) => entry.totalTokens);
    const best = `Vectors are written at ${percent(nearest.bandwidthUtilization)} of copy bandwidth at ${name(nearest)}`;
    const end =
      nearest === largest
        ? ''
        : `, and at ${percent(largest.bandwidthUtilization)} for the largest call, ${name(largest)}`;
    sentences.push(`${best}${end}.`);
  }
  const spread = measured.filter((entry) => isDrawable(entry.p10Ms) && isDrawable(entry.p90Ms));
  if (spread.length > 0) {
    const widest = maxBy(spread, (entry) => entry.p90Ms / entry.p10Ms);
    sentences.push(
      `The largest variance is at ${name(widest)}: the 90th percentile is ${factor(widest.p90Ms / widest.p10Ms)} the 10th.`,
    );
  }
  const compared = comparisons(measured);
  if (compared.length > 0) {
    const sorted = (each: (typeof compared)[number]) =>
      [...each.byPattern.values()].sort((a, b) => b.tokensPerSecond - a.tokensPerSecond);
    const ratio = (each: (typeof compared)[number]) =>
      sorted(each)[0]!.tokensPerSecond / sorted(each).at(-1)!.tokensPerSecond;
    const widest = maxBy(compared, ratio);
    const [fast, slow] = [sorted(widest)[0]!, sorted(widest).at(-1)!];
    sentences.push(
      `The access pattern matters most at ${widest.label}: lookups of ${fast.pattern} ids are ${factor(ratio(widest))} as fast as of ${slow.pattern} ids.`,
    );
  }
  return sentences;
}

/** Insights into table sizes and lookup times. */
export function memoryInsights({ scalings }: ReportData): string[] {
  const known = scalings.filter((entry) => isDrawable(entry.memoryMb) && isDrawable(entry.vocabSize));
  if (known.length === 0) return [];
  const sentences: string[] = [];
  const largest = maxBy(known, (entry) => entry.memoryMb);
  sentences.push(
    `The largest table, ${tableOf(largest)}, has ${integer(largest.totalParameters)} parameters in ${size(largest.memoryMb)}.`,
  );
  // The widest rows, from the smallest to the largest measured vocabulary.
  for (const embeddingDim of ascending(known.map((entry) => entry.embeddingDim)).slice(-1)) {
    const timed = known
      .filter((entry) => entry.embeddingDim === embeddingDim && isDrawable(entry.lookupTimeMs))
      .sort((a, b) => a.vocabSize - b.vocabSize);
    const [first, last] = [timed[0], timed.at(-1)];
    if (first !== undefined && last !== undefined && first !== last) {
      sentences.push(
        `With ${integer(embeddingDim)} columns, ${factor(last.vocabSize / first.vocabSize)} the vocabulary takes ${factor(last.memoryMb / first.memoryMb)} the memory and ${factor(last.lookupTimeMs! / first.lookupTimeMs!)} the lookup time.`,
      );
    }
  }
  const unmeasured = known.filter((entry) => !isDrawable(entry.lookupTimeMs)).length;
  if (unmeasured > 0) {
    const subject = unmeasured === 1 ? 'One table exceeds' : `${unmeasured} tables exceed`;
    sentences.push(`${subject} maxTableMb, so no lookup was measured there.`);
  }
  return sentences;
}

/** Insights into the two kinds of positions. */
export function positionInsights({ sinusoidal, learned }: ReportData): string[] {
  if (sinusoidal === null || learned === null) return [];
  const sentences: string[] = [];
  if (isDrawable(sinusoidal.computationTimeMs) && isDrawable(learned.computationTimeMs)) {
    const ratio = learned.computationTimeMs / sinusoidal.computationTimeMs;
    const isEqual = Math.abs(ratio - 1) < 0.1;
    sentences.push(
      isEqual
        ? `Adding either kind takes about the same time: ${time(sinusoidal.computationTimeMs)} and ${time(learned.computationTimeMs)}.`
        : `Adding learned positions takes ${factor(ratio)} the time of sinusoidal ones.`,
    );
  }
  sentences.push(
    `Learned positions have ${integer(learned.parameters)} trainable parameters; sinusoidal ones have ${sinusoidal.parameters === 0 ? 'none' : integer(sinusoidal.parameters)}.`,
  );
  return sentences;
}
