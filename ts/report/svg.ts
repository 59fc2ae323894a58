/** Charts as a document of their own: figures in two columns, each with its title, on a surface that is light or dark. */

import type { Element } from 'slimdom';
import { type Figure, type Panel, WIDTH } from './chart.js';
import { serialize, svg } from './dom.js';
import { CHART, CHART_STYLE, light, palette } from './theme.js';

const MARGIN = 24;
const GAP = 36;
const LINE = 16;
/** About so many letters fit into a column. */
const LETTERS = 60;

/** Words in lines of about equal width. */
function wrapped(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last.length + word.length >= LETTERS) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

interface Block {
  readonly width: number;
  readonly height: number;
  readonly elements: readonly Element[];
}

const text = (words: string, y: number, size: number, fill: string, weight = 400): Element =>
  svg('text', { x: 0, y, 'font-size': size, 'font-weight': weight, fill, 'text-anchor': 'start' }, words);

/** A chart, put at its place: a document within the document. */
function placed({ element }: Panel, x: number, y: number): Element {
  element.setAttribute('x', String(x));
  element.setAttribute('y', String(y));
  // The rules are bound to the class of the root, whose colour it takes then.
  element.removeAttribute('class');
  element.removeAttribute('color');
  return element;
}

/** A figure: title and caption above its panels. */
function block({ title, caption, panels }: Figure): Block {
  const elements = [text(title, 16, 16, light.ink, 600)];
  let y = 22;
  for (const line of wrapped(caption)) elements.push(text(line, (y += LINE), 11.5, light.muted));
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
      elements.push(placed(panel, x, y + top));
    }
    y += top + Math.max(...row.map(({ height }) => height)) + 12;
  }
  return { width: right, height: y, elements };
}

/** Blocks that are half as wide as the document stand beside their like. */
function rowsOf(blocks: readonly Block[]): Block[][] {
  const rows: Block[][] = [];
  for (const each of blocks) {
    const last = rows.at(-1);
    if (each.width === WIDTH && last?.length === 1 && last[0]!.width === WIDTH) last.push(each);
    else rows.push([each]);
  }
  return rows;
}

/** All figures that hold something, section after section, as one SVG document; if none does, it says so. */
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
      const at = `translate(${MARGIN + column * (WIDTH + GAP)},${y})`;
      groups.push(svg('g', { transform: at }, ...elements));
    }
    y += Math.max(...row.map(({ height }) => height)) + MARGIN;
  }
  if (rows.length === 0) {
    const words = text(`${title}: nothing was measured`, y + 16, 14, light.muted);
    words.setAttribute('x', String(MARGIN));
    groups.push(words);
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
