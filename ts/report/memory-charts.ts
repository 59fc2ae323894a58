/** Charts of memory: what a table takes, and what its size costs a lookup. */

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
import { count, duration, size, tick, time, whole } from './figures.js';
import { ascending, isDrawable, type Reading, type Scaling, tableOf } from './reading.js';
import { light, series } from './theme.js';

/** A line for each width of the rows. */
function byWidth(entries: readonly Scaling[]) {
  return ascending(entries.map((entry) => entry.embeddingDim)).map((embeddingDim, i) => ({
    look: series(i),
    embeddingDim,
    entries: entries
      .filter((entry) => entry.embeddingDim === embeddingDim)
      .sort((a, b) => a.vocabSize - b.vocabSize),
  }));
}

/** MiB and parameters against the vocabulary. */
export function tableSize({ scalings }: Reading): Figure {
  const known = scalings.filter((entry) => isDrawable(entry.memoryMb) && isDrawable(entry.vocabSize));
  return {
    name: 'table-size',
    title: 'Size of a table',
    caption: 'Memory and parameters against the vocabulary, a line for each width of the rows.',
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
  // The right axis counts what the left one weighs, if all parameters weigh the same.
  const perMb = known[0]!.totalParameters / known[0]!.memoryMb;
  const isOneScale = known.every(
    (entry) => Math.abs(entry.totalParameters / entry.memoryMb / perMb - 1) < 1e-6,
  );
  const [least, most] = [known[0]!, ...known].reduce(
    ([low, high], entry) => [
      entry.memoryMb < low!.memoryMb ? entry : low!,
      entry.memoryMb > high!.memoryMb ? entry : high!,
    ],
    [known[0]!, known[0]!],
  );
  return panel({
    alt: `from ${size(least!.memoryMb)} for ${tableOf(least!)} to ${size(most!.memoryMb)} for ${tableOf(most!)}`,
    height: 190,
    marginLeft: 60,
    marginRight: isOneScale ? 52 : 14,
    x: { type: 'log', domain: xDomain },
    y: { type: 'log', domain },
    xTitle: 'vocabulary, rows',
    yTitle: 'memory',
    ...(isOneScale ? { rightTitle: 'parameters' } : {}),
    legend: {
      title: 'columns',
      entries: lines.map(({ look, embeddingDim }) => ({ label: whole(embeddingDim), ...look })),
    },
    marks: [
      bottomAxis(valueTicks(vocabularies, xDomain), tick),
      leftAxis(ticks, size),
      isOneScale
        ? Plot.axisY(ticks, {
            anchor: 'right',
            label: null,
            tickSize: 0,
            tickPadding: 7,
            fill: light.muted,
            text: (mib: number) => count(Number((mib * perMb).toPrecision(3))),
          })
        : null,
      lines.map(({ look, entries }) => [
        Plot.line(entries, { x: 'vocabSize', y: 'memoryMb', stroke: look.colour, strokeWidth: 2 }),
        Plot.dot(entries, {
          x: 'vocabSize',
          y: 'memoryMb',
          fill: look.colour,
          symbol: look.symbol,
          r: 4,
          title: (entry: Scaling) =>
            `${tableOf(entry)}: ${size(entry.memoryMb)}, ${whole(entry.totalParameters)} parameters`,
        }),
      ]),
    ],
  });
}

/** The time of one lookup against the size of the table. */
export function lookupTime({ scalings }: Reading): Figure {
  const known = scalings.filter((entry) => isDrawable(entry.memoryMb));
  const measured = known.filter((entry) => isDrawable(entry.lookupTimeMs));
  return {
    name: 'lookup-time',
    title: 'Time of a lookup',
    caption:
      'One call of 32 × 64 ids spread over the whole table: the larger it is, the fewer rows are in a cache.',
    panels: measured.length === 0 ? [] : [times(known, measured)],
  };
}

function times(known: readonly Scaling[], measured: readonly Scaling[]) {
  const of = (entry: Scaling): number => entry.lookupTimeMs!;
  const unmeasured = known.filter((entry) => !measured.includes(entry));
  const lines = byWidth(known);
  const values = measured.map(of);
  const isLog = Math.max(...values) / Math.min(...values) > 8;
  const yDomain: [number, number] = isLog ? logDomain(values, 1.4) : [0, Math.max(...values) * 1.08];
  const xDomain = logDomain(
    known.map((entry) => entry.memoryMb),
    1.3,
  );
  const slowest = measured.reduce((a, b) => (of(b) > of(a) ? b : a));
  const missing = { label: 'not measured', colour: light.muted, symbol: 'times' } as const;
  return panel({
    alt: `${measured.length} tables; the slowest, ${tableOf(slowest)}, takes ${time(of(slowest))}; ${unmeasured.length} not measured`,
    height: 190,
    marginLeft: 60,
    x: { type: 'log', domain: xDomain },
    y: { type: isLog ? 'log' : 'linear', domain: yDomain },
    xTitle: 'size of the table',
    yTitle: 'time of a lookup',
    legend: {
      title: 'columns',
      entries: [
        ...lines.map(({ look, embeddingDim }) => ({ label: whole(embeddingDim), ...look })),
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
        stroke: missing.colour,
        strokeWidth: 2,
        r: 4,
        title: (entry: Scaling) => `${tableOf(entry)}: not measured`,
      }),
      lines.map(({ look, entries }) => {
        const own = entries
          .filter((entry) => measured.includes(entry))
          .sort((a, b) => a.memoryMb - b.memoryMb);
        return [
          Plot.line(own, { x: 'memoryMb', y: of, stroke: look.colour, strokeWidth: 2 }),
          Plot.dot(own, {
            x: 'memoryMb',
            y: of,
            fill: look.colour,
            symbol: look.symbol,
            r: 4,
            title: (entry: Scaling) => `${tableOf(entry)}: ${time(of(entry))}`,
          }),
        ];
      }),
    ],
  });
}
