/** Charts of positions: a comparison of the two kinds, and the values of the sinusoidal encoding. */

import * as Plot from '@observablehq/plot';
import type { PositionalResult } from '../profiler/results.js';
import { bottomAxis, type Figure, leftAxis, logTicks, type Panel, panel, referenceLine } from './chart.js';
import { count, size, time, integer } from './figures.js';
import { isDrawable, type ReportData } from './report-data.js';
import { light } from './theme.js';

/** The compared quantities. Each has a separate scale. */
const COMPARED: readonly {
  readonly label: string;
  readonly value: (positions: PositionalResult) => number;
  readonly format: (value: number) => string;
}[] = [
  { label: 'Time to add to a batch', value: ({ computationTimeMs }) => computationTimeMs, format: time },
  { label: 'Construction time', value: ({ constructionTimeMs }) => constructionTimeMs, format: time },
  { label: 'Table memory', value: ({ tableMemoryMb }) => tableMemoryMb, format: size },
  { label: 'Trainable parameters', value: ({ parameters }) => parameters, format: count },
];

/** Sinusoidal and learned positions: bars of time, memory and parameters. */
export function positionalComparison({ sinusoidal, learned }: ReportData): Figure {
  const kinds = [
    { kind: 'sinusoidal', positions: sinusoidal, color: light.blue },
    { kind: 'learned', positions: learned, color: light.orange },
  ].filter((each): each is typeof each & { positions: PositionalResult } => each.positions !== null);
  return {
    name: 'positional',
    title: 'Sinusoidal and learned positions',
    caption: 'Each panel has a separate scale; shorter is better.',
    panels: kinds.length === 0 ? [] : COMPARED.map(bars),
  };

  function bars({ label, value, format }: (typeof COMPARED)[number]): Panel {
    const values = kinds.map(({ positions }) => value(positions)).filter(isDrawable);
    return panel({
      label,
      alt: kinds.map(({ kind, positions }) => `${kind} ${format(value(positions))}`).join(', '),
      height: 26 * kinds.length,
      marginLeft: 78,
      marginRight: 72,
      x: { type: 'linear', domain: [0, Math.max(...values, Number.MIN_VALUE)] },
      y: { type: 'band', domain: kinds.map(({ kind }) => kind), padding: 0.3 },
      marks: [
        Plot.axisY({ label: null, tickSize: 0, tickPadding: 8 }),
        Plot.barX(
          kinds.filter(({ positions }) => isDrawable(value(positions))),
          { x: ({ positions }) => value(positions), y: 'kind', fill: 'color', rx2: 2 },
        ),
        Plot.ruleX([0], { stroke: light.muted }),
        Plot.text(kinds, {
          x: ({ positions }) => (isDrawable(value(positions)) ? value(positions) : 0),
          y: 'kind',
          text: ({ positions }) => format(value(positions)),
          textAnchor: 'start',
          dx: 7,
        }),
      ],
    });
  }
}

/** The maximum number of cells per axis: still distinguishable on a phone. */
const CELLS = 64;
/** Color steps from 0 to 1. */
const LEVELS = 8;
/** The base of the encoding. */
const BASE = 10_000;

/** The frequency w_i of a pair of columns, in rad per position. */
const frequency = (pair: number, embeddingDim: number): number => BASE ** ((-2 * pair) / embeddingDim);

interface Cell {
  readonly x1: number;
  readonly x2: number;
  readonly y1: number;
  readonly y2: number;
  readonly level: number;
}

/** The values as color steps. Equal neighbors in a column are one cell. */
function cells(columns: readonly number[], rows: number, embeddingDim: number): Cell[] {
  return columns.flatMap((dimension, column) => {
    const runs: { x1: number; x2: number; y1: number; y2: number; level: number }[] = [];
    const omega = frequency(Math.floor(dimension / 2), embeddingDim);
    for (let position = 0; position < rows; position++) {
      const angle = position * omega;
      const level = Math.round((dimension % 2 === 0 ? Math.sin(angle) : Math.cos(angle)) * LEVELS);
      const last = runs.at(-1);
      if (last?.level === level) last.y2 = position + 1;
      else runs.push({ x1: column, x2: column + 1, y1: position, y2: position + 1, level });
    }
    return runs.filter((cell) => cell.level !== 0);
  });
}

/** The columns of the heat map: all, or evenly spaced pairs of a sine and a cosine. */
function shownColumns(embeddingDim: number): number[] {
  if (embeddingDim <= CELLS) return Array.from({ length: embeddingDim }, (_, i) => i);
  const pairs = Math.floor(embeddingDim / 2);
  return Array.from({ length: CELLS / 2 }, (_, i) => Math.floor((i * pairs) / (CELLS / 2))).flatMap(
    (pair) => [2 * pair, 2 * pair + 1],
  );
}

/** The shape of an encoding. */
export interface EncodingShape {
  readonly seqLength: number;
  readonly embeddingDim: number;
}

/** The sinusoidal encoding as a heat map. */
export function encodingMap(shape: EncodingShape | null): Figure {
  return {
    name: 'encoding',
    title: 'The sinusoidal encoding',
    caption:
      'Alternating sines and cosines: high frequencies on the left, low ones on the right. Each row is one position.',
    panels: shape === null ? [] : [heatMap(shape)],
  };
}

function heatMap({ seqLength, embeddingDim }: EncodingShape): Panel {
  const rows = Math.min(seqLength, CELLS);
  const columns = shownColumns(embeddingDim);
  const all = cells(columns, rows, embeddingDim);
  const levels = Array.from({ length: 2 * LEVELS + 1 }, (_, i) => i - LEVELS).filter((level) => level !== 0);
  const ticks = (count: number) => [0, 0.25, 0.5, 0.75].map((part) => Math.round(part * count));
  // The color key above: a row of small squares from -1 to 1.
  const key = { square: 11, dy: -15 };
  const keyLeft = 60;
  return panel({
    alt: `values of the first ${rows} positions in ${columns.length} of ${embeddingDim} dimensions, from -1 to 1`,
    height: 256,
    marginLeft: 40,
    x: { type: 'linear', domain: [0, columns.length] },
    y: { type: 'linear', domain: [rows, 0] },
    xTitle: columns.length < embeddingDim ? `dimension, ${columns.length} of ${embeddingDim}` : 'dimension',
    yTitle: 'position',
    marks: [
      levels.map((level) =>
        Plot.rect(
          all.filter((cell) => cell.level === level),
          {
            x1: 'x1',
            x2: 'x2',
            y1: 'y1',
            y2: 'y2',
            ...fillOf(level),
            // A small overlap hides the seams between cells.
            insetLeft: -0.1,
            insetRight: -0.1,
            insetTop: -0.1,
            insetBottom: -0.1,
          },
        ),
      ),
      Plot.frame({ stroke: light.line }),
      Plot.axisX(ticks(columns.length), {
        label: null,
        tickSize: 4,
        fill: light.muted,
        stroke: light.muted,
        text: (column: number) => integer(columns[column]!),
      }),
      Plot.axisY(ticks(rows), { label: null, tickSize: 4, fill: light.muted, stroke: light.muted }),
      levels.map((level) =>
        Plot.dot([level], {
          frameAnchor: 'top-right',
          symbol: 'square',
          r: key.square / 2,
          dx: (level + (level > 0 ? 0 : 1)) * key.square - LEVELS * key.square - keyLeft / 2,
          dy: key.dy,
          ...fillOf(level),
        }),
      ),
      ...[
        { text: '−1', dx: -2 * LEVELS * key.square - keyLeft / 2 + 3, textAnchor: 'end' as const },
        { text: '1', dx: -keyLeft / 2 + 14, textAnchor: 'start' as const },
      ].map(({ text, ...position }) =>
        Plot.text([text], { frameAnchor: 'top-right', lineAnchor: 'middle', dy: key.dy, ...position }),
      ),
    ],
  });
}

/** Warm above zero, cold below, more transparent near zero, so that it works on light and dark surfaces. */
const fillOf = (level: number) => ({
  fill: level > 0 ? light.warm : light.cold,
  fillOpacity: Math.abs(level) / LEVELS,
});

/** The frequencies of the pairs of columns. */
export function frequencyCurve(shape: EncodingShape | null): Figure {
  return {
    name: 'frequencies',
    title: 'Frequencies',
    caption: 'Each pair of dimensions has a different frequency, from 1 rad per position downwards.',
    panels: shape === null ? [] : [frequencies(shape)],
  };
}

function frequencies({ seqLength, embeddingDim }: EncodingShape): Panel {
  const pairs = Math.ceil(embeddingDim / 2);
  // A geometric series is a straight line here, so a hundred points suffice.
  const pointCount = Math.min(pairs, 100);
  const points = Array.from({ length: pointCount }, (_, i) => {
    const pair = pointCount === 1 ? 0 : Math.round((i * (pairs - 1)) / (pointCount - 1));
    return { dimension: 2 * pair, frequency: frequency(pair, embeddingDim) };
  });
  const slowest = points.at(-1)!;
  const onePeriod = (2 * Math.PI) / seqLength;
  const lowest = Math.min(slowest.frequency, onePeriod);
  const domain: [number, number] = [Math.min(lowest / 1.5, 0.1), 1.5];
  const power = (value: number) =>
    value >= 0.01 ? String(value) : `1e${Math.round(Math.log10(value))}`.replace('-', '−');
  return panel({
    alt: `from 1 rad per position in dimension 0 to ${slowest.frequency.toPrecision(3)} in dimension ${slowest.dimension}`,
    height: 256,
    marginLeft: 48,
    x: { type: 'linear', domain: [0, Math.max(1, embeddingDim)] },
    y: { type: 'log', domain },
    xTitle: 'dimension',
    yTitle: 'frequency, rad per position',
    marks: [
      bottomAxis(undefined, (value) => integer(value)),
      leftAxis(logTicks(domain), power),
      referenceLine(onePeriod, `one period in ${integer(seqLength)} positions`),
      Plot.line(points, { x: 'dimension', y: 'frequency', stroke: light.blue, strokeWidth: 2 }),
      pairs <= 40 ? Plot.dot(points, { x: 'dimension', y: 'frequency', fill: light.blue, r: 3 }) : null,
    ],
  });
}
