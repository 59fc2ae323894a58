/**
 * One chart: a panel of a fixed width with axes that say their units, a legend of its own and words for those who do
 * not see it. Observable Plot draws it.
 */

import * as Plot from '@observablehq/plot';
import type { Element } from 'slimdom';
import { drawingDocument, drawn } from './dom.js';
import { CHART, light } from './theme.js';

/** Every panel is this wide: as wide as a phone, and half as wide as a page. */
export const WIDTH = 360;
/** The size of the letters, of the same units. */
const FONT_SIZE = 11;

/** A drawn chart, and what to say of it. */
export interface Panel {
  /** What tells it from the other panels of its figure; empty where there is only one. */
  readonly label: string;
  readonly width: number;
  readonly height: number;
  readonly element: Element;
}

/** One or several panels under one title. */
export interface Figure {
  /** Part of the name of its function and of its place in a page. */
  readonly name: string;
  readonly title: string;
  /** One sentence: what is drawn, and how to read it. */
  readonly caption: string;
  /** Empty when nothing of it was measured. */
  readonly panels: readonly Panel[];
}

/** An entry of a legend. */
export interface LegendEntry {
  readonly label: string;
  readonly colour: string;
  readonly symbol: Plot.SymbolType;
}

/** What a panel is made of. */
export interface PanelOptions {
  readonly label?: string;
  /** The chart in words, for screen readers. */
  readonly alt: string;
  /** Height of the frame in which the marks lie. */
  readonly height: number;
  readonly marginLeft?: number;
  readonly marginRight?: number;
  readonly x: Plot.ScaleOptions;
  readonly y: Plot.ScaleOptions;
  /** Names and units of the axes; of `x` below it, of `y` above it. */
  readonly xTitle?: string;
  readonly yTitle?: string;
  readonly rightTitle?: string;
  readonly legend?: { readonly title: string; readonly entries: readonly LegendEntry[] };
  readonly marks: Plot.Markish[];
}

const LEGEND_ROW = 20;
const TITLE_ROW = 26;

/** About how wide words are; a legend has room to spare. */
const widthOf = (words: string): number => words.length * 6.2;

/** Words at a corner of the frame. */
function words(
  text: string,
  frameAnchor: Plot.FrameAnchor,
  options: { readonly dx: number; readonly dy: number; readonly textAnchor: 'start' | 'end' },
): Plot.Markish {
  return Plot.text([text], { frameAnchor, lineAnchor: 'middle', fill: light.muted, ...options });
}

/** Symbols and names in rows above the frame, and how many rows they take. */
function legendMarks({ title, entries }: NonNullable<PanelOptions['legend']>, left: number, above: number) {
  const places: { entry: LegendEntry; x: number; row: number }[] = [];
  let x = title === '' ? 4 : widthOf(title) + 14;
  let row = 0;
  for (const entry of entries) {
    const width = widthOf(entry.label) + 22;
    if (x + width > WIDTH && x > 0) {
      row++;
      x = 4;
    }
    places.push({ entry, x, row });
    x += width;
  }
  const rows = row + 1;
  const y = (of: number) => -above - (rows - of) * LEGEND_ROW + LEGEND_ROW / 2;
  const marks = places.flatMap(({ entry, x, row }) => {
    const { colour, symbol, label } = entry;
    const at = { frameAnchor: 'top-left', lineAnchor: 'middle', dy: y(row) } as const;
    const stroked = symbol === 'times';
    return [
      Plot.dot([0], {
        ...at,
        dx: x + 4 - left,
        symbol,
        r: 4,
        ...(stroked ? { stroke: colour } : { fill: colour }),
      }),
      Plot.text([label], { ...at, dx: x + 12 - left, textAnchor: 'start' }),
    ];
  });
  if (title !== '')
    marks.unshift(
      Plot.text([title], {
        frameAnchor: 'top-left',
        lineAnchor: 'middle',
        dx: -left,
        dy: y(0),
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
      : words(options.yTitle, 'top-left', { dx: -marginLeft, dy: -15, textAnchor: 'start' }),
    options.rightTitle === undefined
      ? null
      : words(options.rightTitle, 'top-right', { dx: marginRight, dy: -15, textAnchor: 'end' }),
    options.xTitle === undefined
      ? null
      : words(options.xTitle, 'bottom-right', { dx: marginRight - 2, dy: 32, textAnchor: 'end' }),
  ];
  const element = drawn(
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

/** Ticks of a logarithmic axis: powers of `base`, thinned until at most `most` are left; in between where they are too few. */
export function logTicks([min, max]: readonly [number, number], most = 6): number[] {
  const decades = (steps: readonly number[], every: number): number[] => {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
      if (power % every !== 0) continue;
      // Through text: 10 ** -7 is not 1e-7 in every engine.
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
  return choices.find((ticks) => ticks.length <= most) ?? decades([1], 6);
}

/** Ticks of a logarithmic axis of sizes: powers of two, thinned until at most `most` are left. */
export function binaryTicks([min, max]: readonly [number, number], most = 5): number[] {
  const [first, last] = [Math.ceil(Math.log2(min) - 1e-9), Math.floor(Math.log2(max) + 1e-9)];
  const step = Math.max(1, Math.ceil((last - first) / (most - 1)));
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => 2 ** (first + i * step));
}

/** Ticks of the values that were chosen: all of them if they are few and not too near to each other. */
export function valueTicks(values: readonly number[], domain: readonly [number, number], most = 5): number[] {
  const room = Math.log(domain[1] / domain[0]) / 8;
  const isClear = values.every((value, i) => i === 0 || Math.log(value / values[i - 1]!) > room);
  return values.length <= most && isClear ? [...values] : binaryTicks(domain, most);
}

/** The domain of a logarithmic axis, with some room around; one value alone stands in the middle. */
export function logDomain(values: readonly number[], room = 1.15): [number, number] {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return min === max ? [min / 2, max * 2] : [min / room, max * room];
}

/** A dashed line across the frame, with words over its end that stay legible on whatever lies below. */
export const referenceLine = (y: number, words: string): Plot.Markish => [
  Plot.ruleY([y], { stroke: light.ink, strokeDasharray: '4 3' }),
  Plot.text([words], {
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

/** Grid lines and labels below. */
export const bottomAxis = (
  ticks: readonly number[] | undefined,
  tickFormat: (value: number) => string,
): Plot.Markish => axis('x', ticks, tickFormat);

/** Grid lines and labels at the left. */
export const leftAxis = (
  ticks: readonly number[] | undefined,
  tickFormat: (value: number) => string,
): Plot.Markish => axis('y', ticks, tickFormat);

function axis(
  which: 'x' | 'y',
  ticks: readonly number[] | undefined,
  tickFormat: (value: number) => string,
): Plot.Markish {
  const at = ticks === undefined ? { ticks: 5 } : { ticks: [...ticks] };
  // As `text`: given as `tickFormat`, a logarithmic axis would drop some labels.
  const common = { ...at, tickSize: 0, tickPadding: 7, label: null, text: tickFormat, fill: light.muted };
  return [
    which === 'x'
      ? Plot.gridX({ ...at, stroke: light.line, strokeOpacity: 1 })
      : Plot.gridY({ ...at, stroke: light.line, strokeOpacity: 1 }),
    which === 'x' ? Plot.axisX(common) : Plot.axisY(common),
  ];
}
