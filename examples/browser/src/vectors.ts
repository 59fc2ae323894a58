/** The vectors of the lens as a heat map, and the digest, file and program of all vectors. */

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
      describe: (row, col, value) => {
        const { start, pieces } = this.#lens!;
        return `token ${count(start + row)} “${visible(pieces[row]!)}”, dimension ${col}: ${short(value)}`;
      },
      onChoose: (row) => onChoose(this.#lens!.start + row),
    });
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
    element('snippet', HTMLElement).textContent = snippet(settings);
  }

  show(lens: Lens): void {
    this.#lens = lens;
    const { start, pieces, dim, vectors } = lens;
    const limit = vectors.reduce((max, value) => Math.max(max, Math.abs(value)), 0) || 1;
    low.textContent = short(-limit);
    high.textContent = short(limit);
    const label =
      `Heat map of vectors: ${plural(pieces.length, 'token')} from ${count(start)} on, one per row, ` +
      `columns are ${dim} dimensions; values from ${short(-limit)} to ${short(limit)}`;
    this.#map.show(
      { rows: pieces.length, cols: dim, values: vectors, limit, names: pieces.map(visible) },
      label,
    );
  }

  mark(token: number): void {
    this.#map.mark(this.#lens === null ? null : token - this.#lens.start);
  }
}
