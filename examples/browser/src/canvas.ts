/** A canvas in CSS pixels, sharp on any screen, drawn anew when its size or the colours change. */

import { onColours } from './colours.js';

export interface Surface {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
}

/** Calls `draw` once per frame at most; the function it gives asks for one. */
export function drawn(canvas: HTMLCanvasElement, draw: (surface: Surface) => void): () => void {
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser gives no 2-D canvas');
  let asked = false;
  const redraw = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      const ratio = window.devicePixelRatio;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      context.scale(ratio, ratio);
      draw({ context, width, height });
    });
  };
  new ResizeObserver(redraw).observe(canvas);
  onColours(redraw);
  return redraw;
}
