/** Similar tokens: a matrix of cosine similarities, and a list of the nearest tokens. */

import { HeatMap } from './heat-map.js';
import type { Lens } from './messages.js';
import { count, element, plural, short } from './page.js';
import { visible } from './tokens.js';

const NEAREST = 5;
const alike = element('alike', HTMLParagraphElement);

export class Similarity {
  #lens: Lens | null = null;
  #map: HeatMap;

  constructor(onChoose: (token: number) => void) {
    this.#map = new HeatMap({
      canvas: element('similarity', HTMLCanvasElement),
      readout: element('similarity-cell', HTMLParagraphElement),
      describe: (row, col, value) => `${this.#name(row)} and ${this.#name(col)}: ${short(value)}`,
      onChoose: (row) => onChoose(this.#lens!.start + row),
      square: true,
    });
  }

  show(lens: Lens): void {
    this.#lens = lens;
    const n = lens.pieces.length;
    this.#map.show(
      { rows: n, cols: n, values: lens.similarity, limit: 1, names: lens.pieces.map(visible) },
      `Matrix of cosine similarities among ${plural(n, 'token')} from ${count(lens.start)} on`,
    );
  }

  /** Frames a token and lists the most similar ones. */
  mark(token: number): void {
    const lens = this.#lens;
    const row = lens === null ? -1 : token - lens.start;
    const n = lens?.pieces.length ?? 0;
    if (lens === null || row < 0 || row >= n) return this.#map.mark(null);
    this.#map.mark(row);
    const others = Array.from({ length: n }, (_, col) => ({ col, cosine: lens.similarity[row * n + col]! }))
      .filter(({ col }) => col !== row)
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, NEAREST);
    const list = others.map(({ col, cosine }) => `${this.#name(col)} ${short(cosine)}`).join(', ');
    alike.textContent = `Most like ${this.#name(row)}: ${list || 'there is no other token'}.`;
  }

  #name(row: number): string {
    const { start, pieces } = this.#lens!;
    return `“${visible(pieces[row]!)}” (${count(start + row)})`;
  }
}
