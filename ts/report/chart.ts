/**
 * One chart: a panel of fixed width with axes that name their units, a legend, and a text alternative. Drawn by
 * Observable Plot.
 */

import * as Plot from '@observablehq/plot';
import type { Element } from 'slimdom';
import { drawingDocument, toElement } from './dom.js';
import { CHART, light } from './theme.js';

/** The width of every panel, in CSS pixels: the width of a phone, or half of a page. */
export const WIDTH = 360;
/** The font size, in CSS pixels. */
const FONT_SIZE = 11;

/** A drawn chart and its label. */
export interface Panel {
  /** Distinguishes the panels of a figure; empty if there is only one. */
  readonly label: string;
  readonly width: number;
  readonly height: number;
  readonly element: Element;
}

/** One or more panels under one title. */
export interface Figure {
  /** The id of the figure's element in a page. */
  readonly name: string;
  readonly title: string;
  /** One sentence: what is shown, and how to read it. */
  readonly caption: string;
  /** Empty if nothing was measured. */
  readonly panels: readonly Panel[];
}

/** An entry of a legend. */
export interface LegendEntry {
  readonly label: string;
  readonly color: string;
  readonly symbol: Plot.SymbolType;
}

/** Options of {@link panel}. */
export interface PanelOptions {
  readonly label?: string;
  /** The text alternative for screen readers. */
  readonly alt: string;
  /** Height of the frame, without axes and legend. */
  readonly height: number;
  readonly marginLeft?: number;
  readonly marginRight?: number;
  readonly x: Plot.ScaleOptions;
  readonly y: Plot.ScaleOptions;
  /** Names and units of the axes. That of `x` is below the axis, that of `y` above it. */
  readonly xTitle?: string;
  readonly yTitle?: string;
  readonly rightTitle?: string;
  readonly legend?: { readonly title: string; readonly entries: readonly LegendEntry[] };
  readonly marks: Plot.Markish[];
}

const LEGEND_ROW = 20;
const TITLE_ROW = 26;

/** The approximate width of a text, rounded up. */
const widthOf = (text: string): number => text.length * 6.2;

/** A text at a corner of the frame. */
function cornerText(
  text: string,
  frameAnchor: Plot.FrameAnchor,
  options: { readonly dx: number; readonly dy: number; readonly textAnchor: 'start' | 'end' },
): Plot.Markish {
  return Plot.text([text], { frameAnchor, lineAnchor: 'middle', fill: light.muted, ...options });
}

/** The legend in rows above the frame, and the number of rows. */
function legendMarks({ title, entries }: NonNullable<PanelOptions['legend']>, left: number, above: number) {
  const cells: { entry: LegendEntry; x: number; row: number }[] = [];
  let x = title === '' ? 4 : widthOf(title) + 14;
  let row = 0;
  for (const entry of entries) {
    const width = widthOf(entry.label) + 22;
    if (x + width > WIDTH && x > 0) {
      row++;
      x = 4;
    }
    cells.push({ entry, x, row });
    x += width;
  }
  const rows = row + 1;
  const rowY = (index: number) => -above - (rows - index) * LEGEND_ROW + LEGEND_ROW / 2;
  const marks = cells.flatMap(({ entry, x, row }) => {
    const { color, symbol, label } = entry;
    const position = { frameAnchor: 'top-left', lineAnchor: 'middle', dy: rowY(row) } as const;
    const isOutline = symbol === 'times';
    return [
      Plot.dot([0], {
        ...position,
        dx: x + 4 - left,
        symbol,
        r: 4,
        ...(isOutline ? { stroke: color } : { fill: color }),
      }),
      Plot.text([label], { ...position, dx: x + 12 - left, textAnchor: 'start' }),
    ];
  });
  if (title !== '')
    marks.unshift(
      Plot.text([title], {
        frameAnchor: 'top-left',
        lineAnchor: 'middle',
        dx: -left,
        dy: rowY(0),
        textAnchor: 'start',
        fill: light.muted,
      }),
    );
  return { marks, rows };
}

/** Draws a panel. */
export function panel(options: PanelOptions): Panel {
  const { label = '', alt, height, marginLeft = 52, marginRight = 14, x, y, legend, marks } = options;
  const titleHeight = options.yTitle === undefined && options.rightTitle === undefined ? 8 : TITLE_ROW;
  const key = legend === undefined ? { marks: [], rows: 0 } : legendMarks(legend, marginLeft, titleHeight);
  const marginTop = titleHeight + key.rows * LEGEND_ROW;
  const marginBottom = options.xTitle === undefined ? 6 : 40;
  const total = marginTop + height + marginBottom;
  const titles = [
    options.yTitle === undefined
      ? null
      : cornerText(options.yTitle, 'top-left', { dx: -marginLeft, dy: -15, textAnchor: 'start' }),
    options.rightTitle === undefined
      ? null
      : cornerText(options.rightTitle, 'top-right', { dx: marginRight, dy: -15, textAnchor: 'end' }),
    options.xTitle === undefined
      ? null
      : cornerText(options.xTitle, 'bottom-right', { dx: marginRight - 2, dy: 32, textAnchor: 'end' }),
  ];
  const element = toElement(
    Plot.plot({
      document: drawingDocument,
      className: CHART,
      width: WIDTH,
      height: total,
      marginTop,
      marginRight,
      marginBottom,
      marginLeft,
      ariaLabel: label === '' ? alt : `${label}: ${alt}`,
      x: { axis: null, ...x },
      y: { axis: null, ...y },
      marks: [...marks, ...titles, ...key.marks],
    }),
  );
  element.setAttribute('role', 'img');
  element.setAttribute('font-size', String(FONT_SIZE));
  element.setAttribute('color', light.ink);
  return { label, width: WIDTH, height: total, element };
}

/** Ticks of a logarithmic axis: at most `maxCount` of 1, 2 and 5 per decade, or 1 and 3, or every n-th power of ten. */
export function logTicks([min, max]: readonly [number, number], maxCount = 6): number[] {
  const decades = (steps: readonly number[], every: number): number[] => {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
      if (power % every !== 0) continue;
      // Parsed from text, because 10 ** -7 is not 1e-7 in every engine.
      for (const step of steps) ticks.push(Number(`${step}e${power}`));
    }
    return ticks.filter((tick) => tick >= min * 0.999 && tick <= max * 1.001);
  };
  const choices = [
    decades([1, 2, 5], 1),
    decades([1, 3], 1),
    decades([1], 1),
    decades([1], 2),
    decades([1], 3),
  ];
  return choices.find((ticks) => ticks.length <= maxCount) ?? decades([1], 6);
}

/** Ticks of a logarithmic axis of sizes: at most `maxCount` powers of two at equal distances. */
export function binaryTicks([min, max]: readonly [number, number], maxCount = 5): number[] {
  const [first, last] = [Math.ceil(Math.log2(min) - 1e-9), Math.floor(Math.log2(max) + 1e-9)];
  const step = Math.max(1, Math.ceil((last - first) / (maxCount - 1)));
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => 2 ** (first + i * step));
}

/** Ticks at the measured values if there are few and they are far enough apart; otherwise at powers of two. */
export function valueTicks(
  values: readonly number[],
  domain: readonly [number, number],
  maxCount = 5,
): number[] {
  const minDistance = Math.log(domain[1] / domain[0]) / 8;
  const isClear = values.every((value, i) => i === 0 || Math.log(value / values[i - 1]!) > minDistance);
  return values.length <= maxCount && isClear ? [...values] : binaryTicks(domain, maxCount);
}

/** The domain of a logarithmic axis, with a margin. A single value is centered. */
export function logDomain(values: readonly number[], margin = 1.15): [number, number] {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return min === max ? [min / 2, max * 2] : [min / margin, max * margin];
}

/** A dashed line across the frame, labeled at its right end. The outlined text stays legible on any background. */
export const referenceLine = (y: number, label: string): Plot.Markish => [
  Plot.ruleY([y], { stroke: light.ink, strokeDasharray: '4 3' }),
  Plot.text([label], {
    y,
    frameAnchor: 'right',
    lineAnchor: 'bottom',
    textAnchor: 'end',
    dy: -5,
    stroke: light.surface,
    strokeWidth: 4,
    fill: light.ink,
  }),
];

/** Vertical grid lines, labeled below the frame. */
export const bottomAxis = (
  ticks: readonly number[] | undefined,
  tickFormat: (value: number) => string,
): Plot.Markish => axis('x', ticks, tickFormat);

/** Horizontal grid lines, labeled left of the frame. */
export const leftAxis = (
  ticks: readonly number[] | undefined,
  tickFormat: (value: number) => string,
): Plot.Markish => axis('y', ticks, tickFormat);

function axis(
  which: 'x' | 'y',
  ticks: readonly number[] | undefined,
  tickFormat: (value: number) => string,
): Plot.Markish {
  const positions = ticks === undefined ? { ticks: 5 } : { ticks: [...ticks] };
  // Passed as `text`, because with `tickFormat` a logarithmic axis would drop some labels.
  const common = {
    ...positions,
    tickSize: 0,
    tickPadding: 7,
    label: null,
    text: tickFormat,
    fill: light.muted,
  };
  return [
    which === 'x'
      ? Plot.gridX({ ...positions, stroke: light.line, strokeOpacity: 1 })
      : Plot.gridY({ ...positions, stroke: light.line, strokeOpacity: 1 }),
    which === 'x' ? Plot.axisX(common) : Plot.axisY(common),
  ];
}
