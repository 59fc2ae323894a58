/** The positional encoding: a heat map of positions by dimensions, and the selected dimension as a wave below. */

import { latest } from './background.js';
import { autoRedraw } from './canvas.js';
import { color } from './colors.js';
import { HeatMap } from './heat-map.js';
import type { Encoding, EncodingSettings } from './messages.js';
import { count, element, short } from './page.js';

const form = element('encoding-form', HTMLFormElement);
const first = element('first', HTMLInputElement);
const readout = element('encoding-cell', HTMLParagraphElement);
const wave = element('wave', HTMLCanvasElement);

export class Positions {
  #settings: EncodingSettings | null = null;
  #encoding: Encoding | null = null;
  #dim = 64;
  /** The current cell. The fifth pair of dimensions initially shows a few periods. */
  #row = 8;
  #col = 0;
  #map: HeatMap;
  #drawWave: () => void;
  #request: (settings: EncodingSettings) => void;

  constructor(encode: (settings: EncodingSettings) => Promise<Encoding>) {
    this.#map = new HeatMap({
      canvas: element('encoding', HTMLCanvasElement),
      readout,
      describe: (row, col, value) => this.#describe(row, col, value),
      onCell: (row, col) => {
        [this.#row, this.#col] = [row, col];
        this.#drawWave();
      },
    });
    this.#drawWave = autoRedraw(wave, ({ context, width, height }) => this.#draw(context, width, height));
    this.#request = latest(async (settings) => {
      try {
        const encoding = await encode(settings);
        this.#show(settings, encoding);
      } catch (error) {
        readout.textContent = String(error);
      }
    });
    form.addEventListener('input', () => this.#read());
    form.addEventListener('submit', (event) => event.preventDefault());
  }

  /** Shows the encoding for vectors of this width. */
  width(dim: number): void {
    this.#dim = dim;
    this.#read();
  }

  #read(): void {
    const data = new FormData(form);
    const base = 10 ** Number(data.get('base'));
    element('count-value', HTMLOutputElement).value = String(data.get('count'));
    element('base-value', HTMLOutputElement).value = count(base);
    first.setAttribute('aria-invalid', String(!first.validity.valid));
    if (!first.validity.valid) {
      readout.textContent = `First position: an integer from 0 to ${count(Number(first.max))}`;
      return;
    }
    this.#request({
      first: first.valueAsNumber,
      count: Number(data.get('count')),
      dim: this.#dim,
      base,
      layout: data.get('layout') as EncodingSettings['layout'],
    });
  }

  #show(settings: EncodingSettings, encoding: Encoding): void {
    this.#settings = settings;
    this.#encoding = encoding;
    const { first, count: shown, dim } = settings;
    this.#map.show(
      { rows: dim, cols: shown, values: encoding.values, limit: 1 },
      `Heat map of the positional encoding: columns are positions ${count(first)} to ${count(first + shown - 1)}, ` +
        `rows are ${dim} dimensions; values from −1 to 1`,
    );
    this.#map.moveTo(Math.min(this.#row, dim - 1), Math.min(this.#col, shown - 1));
  }

  /** The frequency of a dimension, and whether it is a sine or a cosine. */
  #pair(row: number): { frequency: number; name: 'sin' | 'cos' } {
    const { dim, layout } = this.#settings!;
    const half = Math.ceil(dim / 2);
    const [pair, cosine] = layout === 'halves' ? [row % half, row >= half] : [row >> 1, row % 2 === 1];
    return { frequency: this.#encoding!.frequencies[pair]!, name: cosine ? 'cos' : 'sin' };
  }

  #describe(row: number, col: number, value: number): string {
    const { frequency, name } = this.#pair(row);
    const position = count(this.#settings!.first + col);
    const period = short((2 * Math.PI) / frequency);
    return `position ${position}, dimension ${row}: ${name}(${position} × ${short(frequency)}) = ${short(value)}; period ${period} positions`;
  }

  #draw(context: CanvasRenderingContext2D, width: number, height: number): void {
    if (this.#encoding === null || this.#settings === null) return;
    const { count: shown } = this.#settings;
    const values = this.#encoding.values.subarray(this.#row * shown, (this.#row + 1) * shown);
    const { frequency, name } = this.#pair(this.#row);
    wave.setAttribute(
      'aria-label',
      `Dimension ${this.#row} as a wave: ${name}, period ${short((2 * Math.PI) / frequency)} positions`,
    );
    const x = (col: number) => ((col + 0.5) / shown) * width;
    const y = (value: number) => height / 2 - value * (height / 2 - 6);
    context.lineWidth = 1;
    context.strokeStyle = color('--line');
    context.strokeRect(0, height / 2, width, 0);
    context.strokeStyle = color('--accent');
    context.lineWidth = 1.5;
    context.lineJoin = 'round';
    context.beginPath();
    values.forEach((value, col) => context.lineTo(x(col), y(value)));
    context.stroke();
    context.fillStyle = color('--ink');
    context.beginPath();
    context.arc(x(this.#col), y(values[this.#col]!), 4, 0, 2 * Math.PI);
    context.fill();
  }
}
