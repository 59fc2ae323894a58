/**
 * The vectors of the lens as a heat map, or their differences from f32; what the storage costs and changes; the digest,
 * file and program of all vectors.
 */

import { HeatMap } from './heat-map.js';
import type { Embedded, EmbedSettings, Lens } from './messages.js';
import { count, element, plural, save, short, size, errorText } from './page.js';
import { snippet } from './snippet.js';
import { visible } from './tokens.js';

const digest = element('digest', HTMLElement);
const download = element('download', HTMLButtonElement);
const downloadSize = element('download-size', HTMLSpanElement);
const low = element('vectors-low', HTMLSpanElement);
const high = element('vectors-high', HTMLSpanElement);
const mapForm = element('map-form', HTMLFormElement);
const rowBytes = element('row-bytes', HTMLElement);
const tableBytes = element('table-bytes', HTMLElement);
const largestDifference = element('largest-difference', HTMLElement);
const meanDifference = element('mean-difference', HTMLElement);

const showsDifferences = (): boolean => new FormData(mapForm).get('map') === 'differences';

export interface VectorsOptions {
  readonly onChoose: (token: number) => void;
  /** All vectors as a .npy file. */
  readonly file: () => Promise<ArrayBuffer>;
}

export class Vectors {
  #lens: Lens | null = null;
  #map: HeatMap;

  constructor({ onChoose, file }: VectorsOptions) {
    this.#map = new HeatMap({
      canvas: element('vectors', HTMLCanvasElement),
      readout: element('vectors-cell', HTMLParagraphElement),
      describe: (row, col) => {
        const { start, pieces } = this.#lens!;
        return `token ${count(start + row)} “${visible(pieces[row]!)}”, dimension ${col}: ${this.#cellText(row, col)}`;
      },
      onChoose: (row) => onChoose(this.#lens!.start + row),
    });
    mapForm.addEventListener('input', () => this.#draw());
    download.addEventListener('click', () => {
      file().then(
        (bytes) => save(bytes, 'vectors.npy', 'application/octet-stream'),
        (error: unknown) => (downloadSize.textContent = errorText(error)),
      );
    });
  }

  showSummary(settings: EmbedSettings, embedded: Embedded): void {
    digest.textContent = embedded.digest ?? 'requires https or localhost';
    downloadSize.textContent = `${plural(embedded.tokens, 'row')} of ${settings.dim} f32, ${size(embedded.bytes)}`;
    const { storage } = embedded;
    rowBytes.textContent = plural(storage.bytesPerRow, 'byte');
    const share = Math.round((100 * storage.tableBytes) / storage.f32Bytes);
    tableBytes.textContent = `${size(storage.tableBytes)}, ${share} % of f32`;
    largestDifference.textContent = short(storage.largestDifference);
    meanDifference.textContent = short(storage.meanDifference);
    element('snippet', HTMLElement).textContent = snippet(settings);
  }

  show(lens: Lens): void {
    this.#lens = lens;
    this.#draw();
  }

  #draw(): void {
    if (this.#lens === null) return;
    const { start, pieces, dim, vectors, differences } = this.#lens;
    const what = showsDifferences() ? 'differences from f32' : 'values';
    const values = showsDifferences() ? differences : vectors;
    const limit = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0) || 1;
    low.textContent = short(-limit);
    high.textContent = short(limit);
    const label =
      `Heat map of vectors: ${plural(pieces.length, 'token')} from ${count(start)} on, one per row, ` +
      `columns are ${dim} dimensions; ${what} from ${short(-limit)} to ${short(limit)}`;
    this.#map.show({ rows: pieces.length, cols: dim, values, limit, names: pieces.map(visible) }, label);
  }

  /** The value of a cell, and how it differs from f32. */
  #cellText(row: number, col: number): string {
    const { dim, vectors, differences } = this.#lens!;
    const difference = differences[row * dim + col]!;
    const value = short(vectors[row * dim + col]!);
    if (difference === 0 && !showsDifferences()) return value;
    return `${value}, f32\u00A0${difference < 0 ? '−' : '+'}\u00A0${short(Math.abs(difference))}`;
  }

  mark(token: number): void {
    this.#map.mark(this.#lens === null ? null : token - this.#lens.start);
  }
}
