/** Rows of the table: looked up by word or number, shown as a heat map, and the rows nearest to the framed one. */

import { type Background, latest } from '../background.js';
import { HeatMap } from '../heat-map.js';
import type { Found, LoadedTable, Neighbor, Query } from '../messages.js';
import { count, element, errorText, plural, short } from '../page.js';

const NEAREST = 10;
const ROWS_AT_FIRST = 8;

export class RowsPanel {
  #form = element('query-form', HTMLFormElement);
  #text = element('query', HTMLInputElement);
  #status = element('query-status', HTMLParagraphElement);
  #low = element('table-low', HTMLSpanElement);
  #high = element('table-high', HTMLSpanElement);
  #of = element('nearest-of', HTMLParagraphElement);
  #nearest = element('nearest', HTMLTableSectionElement);
  #found: Found | null = null;
  #metric: Query['metric'] = 'cosine';
  #map: HeatMap;
  #find: (query: Query) => void = () => {};

  constructor() {
    this.#map = new HeatMap({
      canvas: element('table-map', HTMLCanvasElement),
      readout: element('table-cell', HTMLParagraphElement),
      describe: (row, col, value) => `${this.#found!.names[row]}, dimension ${col}: ${short(value)}`,
      onChoose: (row) => this.#choose(row),
    });
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener('change', ({ target }) => {
      if (target !== this.#text) this.#submit();
    });
    this.#showNearest([]);
  }

  /** Looks up rows of another table from now on. */
  show(background: Background, table: LoadedTable): void {
    const { words, rows } = table;
    // Another queue for each Worker: calls of a terminated one never settle.
    this.#find = latest(async (query) => {
      try {
        const found = await background.call('find', query);
        this.#show(found, query, rows);
      } catch (error) {
        this.#status.textContent = errorText(error);
      }
    });
    for (const field of this.#form.elements) (field as HTMLInputElement).disabled = false;
    const byWord = this.#form.querySelector<HTMLInputElement>('[value=word]')!;
    byWord.disabled = words === null;
    byWord.checked = words !== null;
    this.#form.querySelector<HTMLInputElement>('[value=row]')!.checked = words === null;
    const numbers = Array.from({ length: Math.min(rows, ROWS_AT_FIRST) }, (_, row) => String(row));
    this.#text.value = (words ?? numbers).join(' ');
    this.#submit();
  }

  #submit(): void {
    const data = new FormData(this.#form);
    this.#find({
      text: this.#text.value,
      by: data.get('by') as Query['by'],
      metric: data.get('metric') as Query['metric'],
    });
  }

  #show(found: Found, { by, metric }: Query, rows: number): void {
    this.#metric = metric;
    const names = by === 'word' ? found.names : found.names.map((name) => `row ${name}`);
    this.#found = { ...found, names };
    const { vectors, dim } = found;
    const limit = largest(vectors) || 1;
    this.#low.textContent = short(-limit);
    this.#high.textContent = short(limit);
    const label =
      `Heat map of ${plural(names.length, 'vector')}, one per row, ` +
      `columns are ${dim} dimensions; values from ${short(-limit)} to ${short(limit)}`;
    this.#map.show({ rows: names.length, cols: dim, values: vectors, limit, names }, label);
    this.#status.textContent =
      `${plural(names.length, 'vector')} compared with ${plural(rows, 'row')} in ` +
      `${found.ms < 10 ? found.ms.toFixed(1) : count(found.ms)} ms.`;
    this.#choose(0);
  }

  #choose(index: number): void {
    const { names, nearest } = this.#found!;
    this.#map.mark(index);
    this.#of.textContent = `Nearest to “${names[index]}”`;
    this.#showNearest(nearest[index]!);
  }

  /** Fills the list. It always has the same height. */
  #showNearest(neighbors: readonly Neighbor[]): void {
    const best =
      this.#metric === 'cosine' ? 1 : neighbors.reduce((most, { score }) => Math.max(most, score), 0);
    const rows = Array.from({ length: NEAREST }, (_, i) => {
      const neighbor = neighbors[i];
      const row = document.createElement('tr');
      const head = document.createElement('th');
      head.scope = 'row';
      row.append(head);
      const texts = neighbor === undefined ? ['–', '–', '–'] : textsOf(neighbor);
      head.textContent = texts[0]!;
      for (const text of texts.slice(1)) row.insertCell().textContent = text;
      if (neighbor !== undefined)
        row.style.setProperty('--share', String(Math.max(0, neighbor.score / best) || 0));
      return row;
    });
    this.#nearest.replaceChildren(...rows);
  }
}

const textsOf = ({ row, name, score }: Neighbor) => [name || `row ${row}`, count(row), short(score)];

/** The largest finite magnitude. */
function largest(values: Float32Array): number {
  let most = 0;
  for (const value of values) {
    const magnitude = Math.abs(value);
    if (magnitude > most && magnitude < Infinity) most = magnitude;
  }
  return most;
}
