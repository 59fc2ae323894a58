/** Renders figures as one SVG document: two columns, each figure with its title, light or dark. */

import type { Element } from 'slimdom';
import { type Figure, type Panel, WIDTH } from './chart.js';
import { serialize, svg } from './dom.js';
import { CHART, CHART_STYLE, light, palette } from './theme.js';

const MARGIN = 24;
const GAP = 36;
const LINE = 16;
/** The approximate number of characters per line of a column. */
const MAX_LINE_LENGTH = 60;

/** Breaks a text into lines. */
function wrapText(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last.length + word.length >= MAX_LINE_LENGTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

interface Block {
  readonly width: number;
  readonly height: number;
  readonly elements: readonly Element[];
}

const text = (content: string, y: number, size: number, fill: string, weight = 400): Element =>
  svg('text', { x: 0, y, 'font-size': size, 'font-weight': weight, fill, 'text-anchor': 'start' }, content);

/** Positions a chart as a nested SVG document. */
function position({ element }: Panel, x: number, y: number): Element {
  element.setAttribute('x', String(x));
  element.setAttribute('y', String(y));
  // Class and color are inherited from the root.
  element.removeAttribute('class');
  element.removeAttribute('color');
  return element;
}

/** Lays out a figure: title and caption above its panels. */
function block({ title, caption, panels }: Figure): Block {
  const elements = [text(title, 16, 16, light.ink, 600)];
  let y = 22;
  for (const line of wrapText(caption)) elements.push(text(line, (y += LINE), 11.5, light.muted));
  y += 12;
  let right = WIDTH;
  for (let i = 0; i < panels.length; i += 2) {
    const row = panels.slice(i, i + 2);
    const top = row.some(({ label }) => label !== '') ? 20 : 0;
    for (const [column, panel] of row.entries()) {
      const x = column * (WIDTH + GAP);
      right = Math.max(right, x + panel.width);
      if (panel.label !== '') {
        const label = text(panel.label, y + 14, 12, light.ink, 600);
        label.setAttribute('x', String(x));
        elements.push(label);
      }
      elements.push(position(panel, x, y + top));
    }
    y += top + Math.max(...row.map(({ height }) => height)) + 12;
  }
  return { width: right, height: y, elements };
}

/** Puts two consecutive blocks of one column into one row. */
function rowsOf(blocks: readonly Block[]): Block[][] {
  const rows: Block[][] = [];
  for (const each of blocks) {
    const last = rows.at(-1);
    if (each.width === WIDTH && last?.length === 1 && last[0]!.width === WIDTH) last.push(each);
    else rows.push([each]);
  }
  return rows;
}

/** Renders all non-empty figures, section by section. If there are none, the document says so. */
export function svgDocument(title: string, sections: readonly (readonly Figure[])[]): string {
  const rows = sections.flatMap((figures) =>
    rowsOf(figures.filter(({ panels }) => panels.length > 0).map(block)),
  );
  const isWide = rows.some((row) => row.length > 1 || row[0]!.width > WIDTH);
  const width = 2 * MARGIN + (isWide ? 2 * WIDTH + GAP : WIDTH);
  const groups: Element[] = [];
  let y = MARGIN;
  for (const row of rows) {
    for (const [column, { elements }] of row.entries()) {
      const transform = `translate(${MARGIN + column * (WIDTH + GAP)},${y})`;
      groups.push(svg('g', { transform }, ...elements));
    }
    y += Math.max(...row.map(({ height }) => height)) + MARGIN;
  }
  if (rows.length === 0) {
    const message = text(`${title}: nothing was measured`, y + 16, 14, light.muted);
    message.setAttribute('x', String(MARGIN));
    groups.push(message);
    y += 40;
  }
  const root = svg(
    'svg',
    {
      class: CHART,
      viewBox: `0 0 ${width} ${y}`,
      width,
      height: y,
      'font-family': 'system-ui, sans-serif',
      color: light.ink,
    },
    svg('title', {}, title),
    svg('style', {}, `\n${palette(`.${CHART}`)}\n${CHART_STYLE}\n`),
    svg('rect', { width, height: y, fill: light.surface }),
    ...groups,
  );
  return serialize(root);
}
