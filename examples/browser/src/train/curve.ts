/** The loss as a curve over the progress of the run. */

import { autoRedraw, type Surface } from '../canvas.js';
import { color } from '../colors.js';
import type { LossPoint } from '../messages.js';
import { element, short } from '../page.js';

const EDGE = 6;

export class LossCurve {
  #canvas = element('losses', HTMLCanvasElement);
  #range = element('loss-range', HTMLParagraphElement);
  #loss = element('train-loss', HTMLElement);
  #points: LossPoint[] = [];
  #redraw = autoRedraw(this.#canvas, (surface) => this.#draw(surface));

  /** Replaces the curve. */
  show(points: readonly LossPoint[]): void {
    this.#points = [...points];
    this.#describe();
  }

  add(point: LossPoint): void {
    this.#points.push(point);
    this.#describe();
  }

  #describe(): void {
    const [first, last] = [this.#points[0], this.#points.at(-1)];
    const text =
      first === undefined ? 'no training yet' : `from ${short(first.loss)} to ${short(last!.loss)}`;
    this.#canvas.setAttribute('aria-label', `The loss: ${text}`);
    this.#range.textContent =
      first === undefined
        ? 'The mean loss of a pair of words, as the training goes on.'
        : `The mean loss of a pair of words: ${text}.`;
    this.#loss.textContent = last === undefined ? '–' : short(last.loss);
    this.#redraw();
  }

  #draw({ context, width, height }: Surface): void {
    const losses = this.#points.map(({ loss }) => loss);
    const [low, high] = [Math.min(...losses), Math.max(...losses)];
    const x = (progress: number) => EDGE + progress * (width - 2 * EDGE);
    const y = (loss: number) => EDGE + ((high - loss) / (high - low || 1)) * (height - 2 * EDGE);
    context.strokeStyle = color('--line');
    context.strokeRect(0.5, 0.5, width - 1, height - 1);
    context.strokeStyle = color('--accent');
    context.lineWidth = 2;
    context.lineJoin = 'round';
    context.beginPath();
    for (const { progress, loss } of this.#points) context.lineTo(x(progress), y(loss));
    context.stroke();
    const last = this.#points.at(-1);
    if (last === undefined) return;
    context.fillStyle = color('--accent');
    context.beginPath();
    context.arc(x(last.progress), y(last.loss), 3.5, 0, 2 * Math.PI);
    context.fill();
  }
}
