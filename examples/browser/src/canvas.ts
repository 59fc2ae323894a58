/** A canvas in CSS pixels, sharp on any screen, redrawn when its size or the colors change. */

import { onColorChange } from './colors.js';

export interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
}

/** Draws the canvas now and after each change. Returns a function that requests a redraw, at most one per frame. */
export function autoRedraw(canvas: HTMLCanvasElement, draw: (surface: Surface) => void): () => void {
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser does not support 2-D canvases');
  let isScheduled = false;
  const redraw = () => {
    if (isScheduled) return;
    isScheduled = true;
    requestAnimationFrame(() => {
      isScheduled = false;
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      const ratio = window.devicePixelRatio;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      context.scale(ratio, ratio);
      draw({ context, width, height });
    });
  };
  new ResizeObserver(redraw).observe(canvas);
  onColorChange(redraw);
  return redraw;
}
