/** Charts of lookups: throughput, share of copy bandwidth, spread, and access patterns. */

import * as Plot from '@observablehq/plot';
import {
  bottomAxis,
  type Figure,
  leftAxis,
  logDomain,
  logTicks,
  type Panel,
  panel,
  referenceLine,
  valueTicks,
} from './chart.js';
import { count, duration, percent, rate, tick, time, factor } from './figures.js';
import {
  ascending,
  type Comparison,
  comparisons,
  type Condition,
  conditions,
  isDrawable,
  type Lookup,
  type ReportData,
  shapeOf,
} from './report-data.js';
import { light, series } from './theme.js';

/** A quantity against the tokens per call: one line per sequence length, one panel per condition. */
interface Curves {
  readonly value: (entry: Lookup) => number;
  readonly format: (value: number) => string;
  readonly tick: (value: number) => string;
  readonly yTitle: string;
  /** A value that the axis must include. */
  readonly reference?: { readonly value: number; readonly label: string };
}

/** The ratio of the largest to the smallest value from which an axis is logarithmic. */
const LOGARITHMIC = 30;

function curves(all: readonly Lookup[], { value, format, tick: yTick, yTitle, reference }: Curves): Panel[] {
  const measured = all.filter((entry) => isDrawable(value(entry)) && isDrawable(entry.totalTokens));
  if (measured.length === 0) return [];
  const values = [...measured.map(value), ...(reference === undefined ? [] : [reference.value])];
  const tokens = ascending(measured.map((entry) => entry.totalTokens));
  const xDomain = logDomain(tokens);
  const lengths = ascending(measured.map((entry) => entry.seqLength));
  const isLog = Math.max(...values) / Math.min(...values) > LOGARITHMIC;
  const domain: [number, number] = isLog ? logDomain(values) : [0, Math.max(...values) * 1.06];
  const groups = conditions(measured);
  return groups.map(({ label, lookups }: Condition) => {
    const sorted = [...lookups].sort((a, b) => a.totalTokens - b.totalTokens);
    const lines = lengths
      .map((seqLength, i) => ({
        style: series(i),
        seqLength,
        entries: sorted.filter((e) => e.seqLength === seqLength),
      }))
      .filter(({ entries }) => entries.length > 0);
    const [first, last] = [sorted[0]!, sorted.at(-1)!];
    return panel({
      label: groups.length === 1 ? '' : label,
      alt: `${yTitle} from ${format(value(first))} at ${tick(first.totalTokens)} tokens per call to ${format(value(last))} at ${tick(last.totalTokens)}`,
      height: 190,
      x: { type: 'log', domain: xDomain },
      y: { type: isLog ? 'log' : 'linear', domain },
      xTitle: 'tokens per call',
      yTitle,
      legend: {
        title: 'sequence',
        entries: lines.map(({ style, seqLength }) => ({ label: String(seqLength), ...style })),
      },
      marks: [
        bottomAxis(valueTicks(tokens, xDomain), tick),
        leftAxis(isLog ? logTicks(domain) : undefined, yTick),
        isLog ? null : Plot.ruleY([0], { stroke: light.muted }),
        lines.map(({ style, entries }) => [
          Plot.line(entries, { x: 'totalTokens', y: value, stroke: style.color, strokeWidth: 2 }),
          Plot.dot(entries, {
            x: 'totalTokens',
            y: value,
            fill: style.color,
            symbol: style.symbol,
            r: 4,
            title: (entry: Lookup) => `${shapeOf(entry)}: ${format(value(entry))}`,
          }),
        ]),
        reference === undefined ? null : referenceLine(reference.value, reference.label),
      ],
    });
  });
}

/** Tokens per second against the size of a call. */
export function throughput({ lookups }: ReportData): Figure {
  return {
    name: 'throughput',
    title: 'Throughput',
    caption: 'Tokens per second against the tokens of one call (batch × sequence).',
    panels: curves(lookups, {
      value: (entry) => entry.tokensPerSecond,
      format: rate,
      tick: (value) => (value === 0 ? '0' : count(value)),
      yTitle: 'tokens per second',
    }),
  };
}

/** The share of the bandwidth of a plain copy. */
export function bandwidthShare({ lookups }: ReportData): Figure {
  return {
    name: 'bandwidth',
    title: 'Share of the machine’s bandwidth',
    caption:
      'Bytes of vectors written per second, relative to a plain copy of the same number of bytes in the same run.',
    panels: curves(lookups, {
      value: (entry) => entry.bandwidthUtilization,
      format: percent,
      tick: percent,
      yTitle: 'share',
      reference: { value: 1, label: 'a plain copy' },
    }),
  };
}

/** The maximum number of rows of a panel. */
const MAX_ROWS = 40;
/** The number of rows above which a list that is alone in its figure is shown in two columns. */
const TWO_COLUMNS = 8;

/** Splits a list of rows into panels. */
function splitRows<T>(rows: readonly T[], isAlone: boolean): T[][] {
  const minimum = isAlone && rows.length > TWO_COLUMNS ? 2 : 0;
  const parts = Math.max(Math.ceil(rows.length / MAX_ROWS), minimum);
  const size = Math.ceil(rows.length / parts);
  return Array.from({ length: parts }, (_, part) => rows.slice(part * size, (part + 1) * size));
}

const perToken = (ms: number, { totalTokens }: Lookup): number => ms / totalTokens;

/** The time per token: the median, and the range of the middle 80 % of samples. */
export function timePerToken({ lookups }: ReportData): Figure {
  const measured = lookups.filter(
    (entry) =>
      isDrawable(entry.lookupTimeMs) &&
      isDrawable(entry.totalTokens) &&
      isDrawable(entry.p10Ms) &&
      isDrawable(entry.p90Ms),
  );
  const values = measured.flatMap((entry) => [perToken(entry.p10Ms, entry), perToken(entry.p90Ms, entry)]);
  const groups = conditions(measured);
  const panels = groups.flatMap(({ label, lookups }) => {
    const isAlone = groups.length === 1;
    return splitRows(lookups, isAlone).map((rows) => timeRows(isAlone ? '' : label, rows, values));
  });
  return {
    name: 'time-per-token',
    title: 'Time per token',
    caption: 'Dots are medians; bars span the 10th to the 90th percentile of the samples.',
    panels,
  };
}

function timeRows(label: string, rows: readonly Lookup[], values: readonly number[]): Panel {
  const isLog = Math.max(...values) / Math.min(...values) > 8;
  const domain: [number, number] = isLog ? logDomain(values, 1.25) : [0, Math.max(...values) * 1.06];
  const median = (entry: Lookup) => perToken(entry.lookupTimeMs, entry);
  const best = rows.reduce((a, b) => (median(b) < median(a) ? b : a));
  const color = light.blue;
  return panel({
    label,
    alt: `time per token of ${rows.length} batch shapes; the minimum is ${time(median(best))} at ${shapeOf(best)}`,
    height: 20 * rows.length + 6,
    marginLeft: 78,
    marginRight: 62,
    x: { type: isLog ? 'log' : 'linear', domain },
    y: { type: 'band', domain: rows.map((_, i) => i), padding: 0.2 },
    xTitle: isLog ? 'time per token, logarithmic' : 'time per token',
    yTitle: 'batch × sequence',
    marks: [
      bottomAxis(isLog ? logTicks(domain, 5) : linearTicks(domain[1]), duration),
      Plot.axisY({ label: null, tickSize: 0, tickPadding: 8, text: (row: number) => shapeOf(rows[row]!) }),
      Plot.ruleY(rows, {
        x1: (entry: Lookup) => perToken(entry.p10Ms, entry),
        x2: (entry: Lookup) => perToken(entry.p90Ms, entry),
        y: (_, i) => i,
        stroke: color,
        strokeOpacity: 0.4,
        strokeWidth: 6,
        strokeLinecap: 'round',
      }),
      Plot.dot(rows, {
        x: median,
        y: (_, i) => i,
        fill: color,
        r: 4,
        title: (entry: Lookup) =>
          `${shapeOf(entry)}: ${time(median(entry))}, p10 ${time(perToken(entry.p10Ms, entry))}, p90 ${time(perToken(entry.p90Ms, entry))}`,
      }),
      Plot.text(rows, {
        y: (_, i) => i,
        text: (entry: Lookup) => time(median(entry)),
        frameAnchor: 'right',
        textAnchor: 'end',
        dx: 60,
      }),
    ],
  });
}

/** Three or four round values from zero. */
function linearTicks(max: number): number[] {
  const power = 10 ** Math.floor(Math.log10(max));
  const step = [0.2, 0.5, 1, 2, 5].map((each) => each * power).find((each) => max / each <= 4)!;
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => Number((i * step).toPrecision(3)));
}

/** The same batch shapes with different access patterns. */
export function accessPatterns({ lookups }: ReportData): Figure {
  const compared = comparisons(lookups.filter((entry) => isDrawable(entry.tokensPerSecond)));
  const patterns = [...new Set(compared.flatMap(({ byPattern }) => [...byPattern.keys()]))];
  const fastest = Math.max(...compared.map((each) => extent(each)[1]));
  return {
    name: 'access-patterns',
    title: 'Access patterns',
    caption: 'The same table and batch shapes with different distributions of ids.',
    panels: splitRows(compared, true).map((rows) => patternRows(rows, patterns, fastest)),
  };
}

/** The slowest and the fastest pattern, in tokens per second. */
function extent({ byPattern }: Comparison): [number, number] {
  const rates = [...byPattern.values()].map((entry) => entry.tokensPerSecond);
  return [Math.min(...rates), Math.max(...rates)];
}

function patternRows(rows: readonly Comparison[], patterns: readonly string[], fastest: number): Panel {
  const entries = rows.flatMap(({ byPattern }, row) =>
    [...byPattern.values()].map((entry) => ({ ...entry, row })),
  );
  const spread = Math.max(...rows.map((each) => extent(each)[1] / extent(each)[0]));
  return panel({
    alt: `${patterns.join(', ')} ids in ${rows.length} batch shapes; the fastest pattern is up to ${factor(spread)} as fast as the slowest`,
    height: 22 * rows.length + 6,
    marginLeft: 78,
    x: { type: 'linear', domain: [0, fastest * 1.06] },
    y: { type: 'band', domain: rows.map((_, i) => i), padding: 0.2 },
    xTitle: 'tokens per second',
    yTitle: 'batch × sequence',
    legend: { title: '', entries: patterns.map((label, i) => ({ label, ...series(i) })) },
    marks: [
      bottomAxis(undefined, (value) => (value === 0 ? '0' : count(value))),
      Plot.axisY({ label: null, tickSize: 0, tickPadding: 8, text: (row: number) => rows[row]!.label }),
      Plot.ruleY(rows, {
        x1: (each: Comparison) => extent(each)[0],
        x2: (each: Comparison) => extent(each)[1],
        y: (_, i) => i,
        stroke: light.line,
        strokeWidth: 3,
      }),
      patterns.map((pattern, i) =>
        Plot.dot(
          entries.filter((entry) => entry.pattern === pattern),
          {
            x: 'tokensPerSecond',
            y: 'row',
            fill: series(i).color,
            symbol: series(i).symbol,
            r: 4.5,
            title: (entry: Lookup) => `${shapeOf(entry)}, ${pattern}: ${rate(entry.tokensPerSecond)}`,
          },
        ),
      ),
    ],
  });
}
