/** The printed reports of the profiler: TinyTorch's reports, with insights computed from the figures. */

import type { LookupResult, MemoryScalingResult, PositionalResult, PositionalResults } from './results.js';

/** An integer with commas between groups of three digits. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Two decimals as in TinyTorch. Below 0.1 two significant digits, so that no measured figure prints as 0.00. */
export function figure(value: number): string {
  return value === 0 || value >= 0.1 ? value.toFixed(2) : value.toPrecision(2);
}

/** A ratio: `2.0x`. */
function times(ratio: number): string {
  return ratio >= 0.1 ? `${ratio.toFixed(1)}x` : `${ratio.toPrecision(2)}x`;
}

/** A row of a table: left-aligned cells, padded to the width of their column. */
export function row(widths: readonly number[], cells: readonly (string | number)[]): string {
  return cells.map((cell, column) => String(cell).padEnd(widths[column]!)).join(' ');
}

const largest = <T>(list: readonly T[], of: (each: T) => number): T =>
  list.reduce((best, each) => (of(each) > of(best) ? each : best));
const smallest = <T>(list: readonly T[], of: (each: T) => number): T => largest(list, (each) => -of(each));

/** A title and its lines; empty if there are no lines. */
const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', title, ...lines];

const LOOKUP_COLUMNS = [
  ['Batch', 6],
  ['Seq Len', 8],
  ['Tokens', 10],
  ['Time (ms)', 10],
  ['p10 (ms)', 10],
  ['p90 (ms)', 10],
  ['Tokens/s', 14],
  ['MB/s', 10],
  ['us/Token', 10],
  ['Of a copy', 0],
] as const;

/** The report of `measureLookupPerformance`. */
export function lookupReport(results: Readonly<Record<string, LookupResult>>): string[] {
  const list = Object.values(results);
  const widths = LOOKUP_COLUMNS.map(([, width]) => width);
  const percent = (part: number) => `${(100 * part).toFixed(0)}%`;
  const rows = list.map((each) =>
    row(widths, [
      each.batchSize,
      each.seqLength,
      grouped(each.totalTokens),
      figure(each.lookupTimeMs),
      figure(each.p10Ms),
      figure(each.p90Ms),
      grouped(each.tokensPerSecond),
      grouped(each.memoryBandwidthMbS),
      figure(each.timePerTokenUs),
      percent(each.bandwidthUtilization),
    ]),
  );
  return [
    '📊 EMBEDDING LOOKUP PERFORMANCE',
    '='.repeat(60),
    row(
      widths,
      LOOKUP_COLUMNS.map(([title]) => title),
    ),
    '-'.repeat(100),
    ...rows,
    ...section('📈 LOOKUP INSIGHTS:', list.length === 0 ? [] : lookupInsights(list, percent)),
  ];
}

function lookupInsights(list: readonly LookupResult[], percent: (part: number) => string): string[] {
  const fastest = largest(list, (each) => each.tokensPerSecond);
  const fewest = smallest(list, (each) => each.totalTokens);
  const most = largest(list, (each) => each.totalTokens);
  const nearest = largest(list, (each) => each.bandwidthUtilization);
  const insights = [
    ` Fastest: ${fastest.batchSize} x ${fastest.seqLength} ${fastest.pattern} ids, ` +
      `${grouped(fastest.tokensPerSecond)} tokens/s, ${figure(fastest.timePerTokenUs)} us per token`,
  ];
  if (most.totalTokens > fewest.totalTokens) {
    const tokens = times(most.totalTokens / fewest.totalTokens);
    insights.push(
      ` Batch scaling: ${tokens} tokens → ${times(most.lookupTimeMs / fewest.lookupTimeMs)} time`,
    );
  }
  insights.push(
    ` Memory bandwidth: vectors written at up to ${percent(nearest.bandwidthUtilization)} of the speed ` +
      `of a plain copy of the same bytes (${grouped(nearest.machineBandwidthMbS)} MB/s)`,
  );
  return insights;
}

const SCALING_WIDTHS = [12, 10, 12, 12, 12];

/** The report of `analyzeMemoryScaling`. */
export function scalingReport(
  results: Readonly<Record<string, MemoryScalingResult>>,
  maxTableMb: number,
): string[] {
  const list = Object.values(results);
  const rows = list.map(({ vocabSize, embeddingDim, totalParameters, memoryMb, lookupTimeMs }) =>
    row(SCALING_WIDTHS, [
      grouped(vocabSize),
      embeddingDim,
      grouped(totalParameters),
      figure(memoryMb),
      lookupTimeMs === null ? '-' : figure(lookupTimeMs),
    ]),
  );
  if (list.some(({ lookupTimeMs }) => lookupTimeMs === null)) {
    rows.push(`(- : the table was not made: it is above ${maxTableMb} MB, or there is no room for it)`);
  }
  return [
    '📊 EMBEDDING MEMORY SCALING ANALYSIS',
    '='.repeat(60),
    row(SCALING_WIDTHS, ['Vocab Size', 'Embed Dim', 'Parameters', 'Memory (MB)', 'Lookup Time']),
    '-'.repeat(70),
    ...rows,
    ...section('📈 SCALING INSIGHTS:', list.length === 0 ? [] : scalingInsights(list)),
  ];
}

function scalingInsights(list: readonly MemoryScalingResult[]): string[] {
  const insights: string[] = [];
  const first = list[0]!;
  const sameDim = list.filter((each) => each.embeddingDim === first.embeddingDim);
  const sameVocab = list.filter((each) => each.vocabSize === first.vocabSize);
  for (const [name, unit, some, size] of [
    ['Vocabulary', 'vocab', sameDim, (each: MemoryScalingResult) => each.vocabSize],
    ['Dimension', 'dim', sameVocab, (each: MemoryScalingResult) => each.embeddingDim],
  ] as const) {
    const [small, large] = [smallest(some, size), largest(some, size)];
    if (small === large) continue;
    const memory = times(large.memoryMb / small.memoryMb);
    insights.push(
      ` ${name} scaling: ${times(size(large) / size(small))} ${unit} → ${memory} memory (Linear)`,
    );
  }
  const made = list.filter(({ lookupTimeMs }) => lookupTimeMs !== null);
  if (made.length > 1) {
    const [small, large] = [smallest(made, (each) => each.memoryMb), largest(made, (each) => each.memoryMb)];
    const time = times(large.lookupTimeMs! / small.lookupTimeMs!);
    insights.push(` Lookup time: ${times(large.memoryMb / small.memoryMb)} memory → ${time} time`);
  }
  return insights;
}

const POSITIONAL_WIDTHS = [12, 10, 12, 12, 0];

/** The report of `comparePositionalEncodings`. */
export function positionalReport({ sinusoidal, learned }: PositionalResults): string[] {
  const line = (method: string, each: PositionalResult) =>
    row(POSITIONAL_WIDTHS, [
      method,
      figure(each.computationTimeMs),
      figure(each.memoryUsageMb),
      grouped(each.parameters),
      each.extrapolation.split(' ')[0]!,
    ]);
  const adding = times(sinusoidal.computationTimeMs / learned.computationTimeMs);
  const making = times(sinusoidal.constructionTimeMs / learned.constructionTimeMs);
  return [
    '',
    '🔍 POSITIONAL ENCODING COMPARISON',
    '='.repeat(50),
    '📊 COMPARISON RESULTS:',
    row(POSITIONAL_WIDTHS, ['Method', 'Time (ms)', 'Memory (MB)', 'Parameters', 'Extrapolation']),
    '-'.repeat(70),
    line('Sinusoidal', sinusoidal),
    line('Learned', learned),
    '',
    '💡 INSIGHTS:',
    ' - Sinusoidal: Zero parameters, deterministic, good extrapolation',
    ` - Learned: Requires parameters (${grouped(learned.parameters)}), model-specific, limited extrapolation`,
    ` - Time: sinusoidal takes ${adding} the time of learned to add, ${making} to construct`,
    ' - Choice depends on: model capacity, sequence length requirements, extrapolation needs',
  ];
}
