/**
 * The throughput gauge. It can be stopped at any time. Each measurement runs in a separate Worker, so that the page stays
 * responsive and the memory is freed afterwards.
 */

import { Background } from './background.js';
import { autoRedraw } from './canvas.js';
import { color } from './colors.js';
import type { Contender, GaugeSettings, Rates, Work } from './messages.js';
import { element, plural, errorText } from './page.js';

const form = element('gauge-form', HTMLFormElement);
const button = element('measure', HTMLButtonElement);
const status = element('gauge-status', HTMLParagraphElement);
const ratio = element('ratio', HTMLSpanElement);
const ratioWords = element('ratio-words', HTMLSpanElement);
const strip = element('rounds', HTMLCanvasElement);

const factor = (n: number) => `${n.toFixed(n < 9.95 ? 2 : 1)} ×`;

export class Gauge {
  #running: Background | null = null;
  #rates: Rates | null = null;
  #redraw = autoRedraw(strip, ({ context, width, height }) => this.#draw(context, width, height));

  listen(): void {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#running === null) void this.#measure();
      else this.#end('Stopped.');
    });
  }

  async #measure(): Promise<void> {
    const data = new FormData(form);
    const settings: GaugeSettings = { work: data.get('work') as Work, dim: Number(data.get('dim')) };
    const running = (this.#running = new Background());
    button.textContent = 'Stop';
    status.textContent = 'Measuring: warming up …';
    try {
      const rates = await running.call('measure', settings, (part) => this.#show(part));
      this.#show(rates);
      const variant = rates.jsWay === 'a loop' ? 'a loop' : `${rates.jsWay}, its fastest variant here`;
      this.#end(
        `${plural(rates.ratios.length, 'round')}, equal bits. Plain JavaScript: ${variant}, ids unchecked.`,
      );
    } catch (error) {
      this.#end(errorText(error));
    }
  }

  #end(message: string): void {
    this.#running?.end();
    this.#running = null;
    button.textContent = 'Measure';
    status.textContent = message;
  }

  #show(rates: Rates): void {
    this.#rates = rates;
    ratio.textContent = factor(rates.ratio);
    ratioWords.textContent =
      rates.ratio >= 1
        ? `as fast as plain JavaScript; half of the rounds between ${factor(rates.low)} and ${factor(rates.high)}`
        : `as fast as plain JavaScript, which is ahead here; half of the rounds between ${factor(rates.low)} and ${factor(rates.high)}`;
    const perSecond = (who: Contender) => 1 / rates.secondsPerCall[who];
    const best = Math.max(...(['tokenbed', 'js', 'copy'] as const).map(perSecond));
    for (const row of document.querySelectorAll<HTMLTableRowElement>('#rates tr')) {
      const rate = perSecond(row.dataset['who'] as Contender);
      row.cells[1]!.textContent = ((rate * rates.bytesPerCall) / 1e9).toFixed(2);
      row.cells[2]!.textContent =
        row.dataset['who'] === 'copy' ? '' : ((rate * rates.tokensPerCall) / 1e6).toFixed(2);
      row.style.setProperty('--share', String(rate / best));
    }
    const { low, high } = rates;
    strip.setAttribute(
      'aria-label',
      `The ratio of each of ${plural(rates.ratios.length, 'round')}: median ${factor(rates.ratio)}, half of them between ${factor(low)} and ${factor(high)}`,
    );
    this.#redraw();
  }

  /** Draws one dot per round. The line is the median, the band is the interquartile range. */
  #draw(context: CanvasRenderingContext2D, width: number, height: number): void {
    if (this.#rates === null) return;
    const { ratios, ratio, low, high } = this.#rates;
    // An outlier would flatten all other rounds, so it is clipped.
    const top = 2 * Math.max(1, ratio);
    const y = (value: number) => height - 4 - (Math.min(value, top) / top) * (height - 8);
    const x = (round: number) => ((round + 0.5) / Math.max(40, ratios.length)) * width;
    context.fillStyle = color('--accent-soft');
    context.fillRect(0, y(high), width, Math.max(1, y(low) - y(high)));
    context.lineWidth = 1;
    context.strokeStyle = color('--quiet');
    context.setLineDash([3, 4]);
    context.strokeRect(0, y(1), width, 0);
    context.setLineDash([]);
    context.strokeStyle = color('--accent');
    context.lineWidth = 2;
    context.strokeRect(0, y(ratio), width, 0);
    context.fillStyle = color('--ink');
    ratios.forEach((value, round) => {
      context.beginPath();
      context.arc(x(round), y(value), 2.5, 0, 2 * Math.PI);
      context.fill();
    });
    context.fillStyle = color('--quiet');
    context.font = `11px ${getComputedStyle(strip).fontFamily}`;
    context.fillText('1 ×: plain JavaScript', 2, y(1) + 12);
  }
}
