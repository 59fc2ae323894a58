/**
 * The throughput gauge: started by its button, live while it runs, stopped at any time. Each measurement has a Worker of its
 * own, so that typing goes on beside it, and its memory is free afterwards.
 */

import { Background } from './background.js';
import { drawn } from './canvas.js';
import { colour } from './colours.js';
import type { Contender, GaugeSettings, Rates, Work } from './messages.js';
import { element, plural, words } from './page.js';

const form = element('gauge-form', HTMLFormElement);
const button = element('measure', HTMLButtonElement);
const status = element('gauge-status', HTMLParagraphElement);
const ratio = element('ratio', HTMLSpanElement);
const ratioWords = element('ratio-words', HTMLSpanElement);
const strip = element('rounds', HTMLCanvasElement);

const times = (n: number) => `${n.toFixed(n < 9.95 ? 2 : 1)} ×`;

export class Gauge {
  #running: Background | null = null;
  #rates: Rates | null = null;
  #redraw = drawn(strip, ({ context, width, height }) => this.#draw(context, width, height));

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
    status.textContent = 'Measuring: both are warmed up first …';
    try {
      const rates = await running.call('measure', settings, (part) => this.#show(part));
      this.#show(rates);
      const way = rates.jsWay === 'a loop' ? 'a loop' : `${rates.jsWay}, its faster way here`;
      this.#end(
        `${plural(rates.ratios.length, 'round')}, equal bits. Plain JavaScript: ${way}, ids unchecked.`,
      );
    } catch (error) {
      this.#end(words(error));
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
    ratio.textContent = times(rates.ratio);
    ratioWords.textContent =
      rates.ratio >= 1
        ? `as fast as plain JavaScript; half of the rounds from ${times(rates.low)} to ${times(rates.high)}`
        : `as fast: plain JavaScript is ahead here; half of the rounds from ${times(rates.low)} to ${times(rates.high)}`;
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
      `The ratio of each of ${plural(rates.ratios.length, 'round')}: median ${times(rates.ratio)}, half of them from ${times(low)} to ${times(high)}`,
    );
    this.#redraw();
  }

  /** A dot per round, from left to right; the line is their median, the band their middle half. */
  #draw(context: CanvasRenderingContext2D, width: number, height: number): void {
    if (this.#rates === null) return;
    const { ratios, ratio, low, high } = this.#rates;
    // A round that the machine spent elsewhere would flatten all others: it stays at the edge.
    const top = 2 * Math.max(1, ratio);
    const y = (value: number) => height - 4 - (Math.min(value, top) / top) * (height - 8);
    const x = (round: number) => ((round + 0.5) / Math.max(40, ratios.length)) * width;
    context.fillStyle = colour('--accent-soft');
    context.fillRect(0, y(high), width, Math.max(1, y(low) - y(high)));
    context.lineWidth = 1;
    context.strokeStyle = colour('--quiet');
    context.setLineDash([3, 4]);
    context.strokeRect(0, y(1), width, 0);
    context.setLineDash([]);
    context.strokeStyle = colour('--accent');
    context.lineWidth = 2;
    context.strokeRect(0, y(ratio), width, 0);
    context.fillStyle = colour('--ink');
    ratios.forEach((value, round) => {
      context.beginPath();
      context.arc(x(round), y(value), 2.5, 0, 2 * Math.PI);
      context.fill();
    });
    context.fillStyle = colour('--quiet');
    context.font = `11px ${getComputedStyle(strip).fontFamily}`;
    context.fillText('1 ×: plain JavaScript', 2, y(1) + 12);
  }
}
