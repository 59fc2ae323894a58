/** Charts of memory: the size of a table, and lookup time against that size. */

import * as Plot from '@observablehq/plot';
import {
  binaryTicks,
  bottomAxis,
  type Figure,
  leftAxis,
  logDomain,
  logTicks,
  panel,
  valueTicks,
} from './chart.js';
import { count, duration, size, tick, time, integer } from './figures.js';
import { ascending, isDrawable, type ReportData, type Scaling, tableOf } from './report-data.js';
import { light, series } from './theme.js';

/** One line per embedding dimension. */
function byWidth(entries: readonly Scaling[]) {
  return ascending(entries.map((entry) => entry.embeddingDim)).map((embeddingDim, i) => ({
    style: series(i),
    embeddingDim,
    entries: entries
      .filter((entry) => entry.embeddingDim === embeddingDim)
      .sort((a, b) => a.vocabSize - b.vocabSize),
  }));
}

/** MiB and parameters against the vocabulary. */
export function tableSize({ scalings }: ReportData): Figure {
  const known = scalings.filter((entry) => isDrawable(entry.memoryMb) && isDrawable(entry.vocabSize));
  return {
    name: 'table-size',
    title: 'Size of a table',
    caption: 'Memory and parameters against the vocabulary; one line per number of columns.',
    panels: known.length === 0 ? [] : [sizes(known)],
  };
}

function sizes(known: readonly Scaling[]) {
  const lines = byWidth(known);
  const domain = logDomain(
    known.map((entry) => entry.memoryMb),
    1.3,
  );
  const vocabularies = ascending(known.map((entry) => entry.vocabSize));
  const xDomain = logDomain(vocabularies, 1.25);
  const ticks = binaryTicks(domain);
  // The right axis shows parameters if all of them have the same size.
  const perMb = known[0]!.totalParameters / known[0]!.memoryMb;
  const hasParameterAxis = known.every(
    (entry) => Math.abs(entry.totalParameters / entry.memoryMb / perMb - 1) < 1e-6,
  );
  const [smallest, largest] = [known[0]!, ...known].reduce(
    ([low, high], entry) => [
      entry.memoryMb < low!.memoryMb ? entry : low!,
      entry.memoryMb > high!.memoryMb ? entry : high!,
    ],
    [known[0]!, known[0]!],
  );
  return panel({
    alt: `from ${size(smallest!.memoryMb)} for ${tableOf(smallest!)} to ${size(largest!.memoryMb)} for ${tableOf(largest!)}`,
    height: 190,
    marginLeft: 60,
    marginRight: hasParameterAxis ? 52 : 14,
    x: { type: 'log', domain: xDomain },
    y: { type: 'log', domain },
    xTitle: 'vocabulary, rows',
    yTitle: 'memory',
    ...(hasParameterAxis ? { rightTitle: 'parameters' } : {}),
    legend: {
      title: 'columns',
      entries: lines.map(({ style, embeddingDim }) => ({ label: integer(embeddingDim), ...style })),
    },
    marks: [
      bottomAxis(valueTicks(vocabularies, xDomain), tick),
      leftAxis(ticks, size),
      hasParameterAxis
        ? Plot.axisY(ticks, {
            anchor: 'right',
            label: null,
            tickSize: 0,
            tickPadding: 7,
            fill: light.muted,
            text: (mib: number) => count(Number((mib * perMb).toPrecision(3))),
          })
        : null,
      lines.map(({ style, entries }) => [
        Plot.line(entries, { x: 'vocabSize', y: 'memoryMb', stroke: style.color, strokeWidth: 2 }),
        Plot.dot(entries, {
          x: 'vocabSize',
          y: 'memoryMb',
          fill: style.color,
          symbol: style.symbol,
          r: 4,
          title: (entry: Scaling) =>
            `${tableOf(entry)}: ${size(entry.memoryMb)}, ${integer(entry.totalParameters)} parameters`,
        }),
      ]),
    ],
  });
}

/** The time of one lookup against the size of the table. */
export function lookupTime({ scalings }: ReportData): Figure {
  const known = scalings.filter((entry) => isDrawable(entry.memoryMb));
  const measured = known.filter((entry) => isDrawable(entry.lookupTimeMs));
  return {
    name: 'lookup-time',
    title: 'Lookup time',
    caption:
      'One call with 32 × 64 ids spread over the table. The larger the table, the fewer rows are cached.',
    panels: measured.length === 0 ? [] : [lookupTimes(known, measured)],
  };
}

function lookupTimes(known: readonly Scaling[], measured: readonly Scaling[]) {
  const timeOf = (entry: Scaling): number => entry.lookupTimeMs!;
  const unmeasured = known.filter((entry) => !measured.includes(entry));
  const lines = byWidth(known);
  const values = measured.map(timeOf);
  const isLog = Math.max(...values) / Math.min(...values) > 8;
  const yDomain: [number, number] = isLog ? logDomain(values, 1.4) : [0, Math.max(...values) * 1.08];
  const xDomain = logDomain(
    known.map((entry) => entry.memoryMb),
    1.3,
  );
  const slowest = measured.reduce((a, b) => (timeOf(b) > timeOf(a) ? b : a));
  const missing = { label: 'not measured', color: light.muted, symbol: 'times' } as const;
  return panel({
    alt: `${measured.length} tables; the slowest, ${tableOf(slowest)}, takes ${time(timeOf(slowest))}; ${unmeasured.length} not measured`,
    height: 190,
    marginLeft: 60,
    x: { type: 'log', domain: xDomain },
    y: { type: isLog ? 'log' : 'linear', domain: yDomain },
    xTitle: 'table size',
    yTitle: 'lookup time',
    legend: {
      title: 'columns',
      entries: [
        ...lines.map(({ style, embeddingDim }) => ({ label: integer(embeddingDim), ...style })),
        ...(unmeasured.length === 0 ? [] : [missing]),
      ],
    },
    marks: [
      bottomAxis(binaryTicks(xDomain), size),
      leftAxis(isLog ? logTicks(yDomain) : undefined, duration),
      isLog ? null : Plot.ruleY([0], { stroke: light.muted }),
      Plot.dot(unmeasured, {
        x: 'memoryMb',
        frameAnchor: 'bottom',
        dy: -7,
        symbol: 'times',
        stroke: missing.color,
        strokeWidth: 2,
        r: 4,
        title: (entry: Scaling) => `${tableOf(entry)}: not measured`,
      }),
      lines.map(({ style, entries }) => {
        const points = entries
          .filter((entry) => measured.includes(entry))
          .sort((a, b) => a.memoryMb - b.memoryMb);
        return [
          Plot.line(points, { x: 'memoryMb', y: timeOf, stroke: style.color, strokeWidth: 2 }),
          Plot.dot(points, {
            x: 'memoryMb',
            y: timeOf,
            fill: style.color,
            symbol: style.symbol,
            r: 4,
            title: (entry: Scaling) => `${tableOf(entry)}: ${time(timeOf(entry))}`,
          }),
        ];
      }),
    ],
  });
}
