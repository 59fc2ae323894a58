/**
 * A heat map: a grid of numbers as colored cells. The readout below describes the cell under the pointer or keyboard
 * cursor; screen readers announce it while keys move the cursor. The canvas has an `aria-label`.
 */

import { autoRedraw, type Surface } from './canvas.js';
import { color, divergingScale, onColorChange, shade } from './colors.js';

export interface Grid {
  readonly rows: number;
  readonly cols: number;
  /** Row-major. */
  readonly values: Float32Array;
  /** The magnitude with full saturation. */
  readonly limit: number;
  /** Row labels, shown if there is space. */
  readonly names?: readonly string[];
}

export interface HeatMapOptions {
  readonly canvas: HTMLCanvasElement;
  readonly readout: HTMLElement;
  /** Returns the description of a cell. */
  readonly describe: (row: number, col: number, value: number) => string;
  /** Called when the pointer or the keyboard cursor enters a cell. */
  readonly onCell?: (row: number, col: number) => void;
  /** Called when a cell is clicked, or on Enter. */
  readonly onChoose?: (row: number, col: number) => void;
  /** Whether cells are square, with labels above the columns too. */
  readonly square?: boolean;
}

const NAMES_WIDTH = 76;
const NAMES_HEIGHT = 60;
const NAME_SIZE = 11;
const MAX_CELL_HEIGHT = 26;

interface Layout {
  readonly left: number;
  readonly top: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
}

export class HeatMap {
  #options: HeatMapOptions;
  #grid: Grid = { rows: 0, cols: 0, values: new Float32Array(0), limit: 1 };
  #layout: Layout = { left: 0, top: 0, cellWidth: 1, cellHeight: 1 };
  #cell: { row: number; col: number } | null = null;
  #markedRow: number | null = null;
  #image = document.createElement('canvas');
  #redraw: () => void;

  constructor(options: HeatMapOptions) {
    this.#options = options;
    this.#redraw = autoRedraw(options.canvas, (surface) => this.#draw(surface));
    onColorChange(() => this.#paint());
    this.#listen();
  }

  /** Shows a grid. `label` describes it. The cursor stays in place, within the new bounds. */
  show(grid: Grid, label: string): void {
    this.#grid = grid;
    this.#options.canvas.setAttribute('aria-label', label);
    const { rows, cols } = grid;
    if (rows * cols === 0) this.#cell = null;
    else if (this.#cell !== null) {
      this.#cell = { row: Math.min(this.#cell.row, rows - 1), col: Math.min(this.#cell.col, cols - 1) };
    }
    this.#paint();
    this.#updateReadout();
  }

  /** Frames a row, and in a square map also its column. null removes the frame. */
  mark(row: number | null): void {
    this.#markedRow = row;
    this.#redraw();
  }

  /** Moves the cursor to a cell. */
  moveTo(row: number, col: number): void {
    this.#cell = { row, col };
    this.#updateReadout();
    this.#redraw();
    this.#options.onCell?.(row, col);
  }

  /** Paints one pixel per cell. `#draw` scales them. */
  #paint(): void {
    const { rows, cols, values, limit } = this.#grid;
    const scale = divergingScale();
    this.#image.width = Math.max(1, cols);
    this.#image.height = Math.max(1, rows);
    const context = this.#image.getContext('2d')!;
    const data = context.createImageData(this.#image.width, this.#image.height);
    const pixels = new Uint32Array(data.data.buffer);
    for (let i = 0; i < values.length; i++) pixels[i] = shade(scale, values[i]!, limit);
    context.putImageData(data, 0, 0);
    this.#redraw();
  }

  #draw(surface: Surface): void {
    const { rows, cols } = this.#grid;
    if (rows * cols === 0) return;
    const { context } = surface;
    const layout = (this.#layout = this.#computeLayout(surface));
    const { left, top, cellWidth, cellHeight } = layout;
    // Average cells smaller than a pixel: skipping some would show false patterns.
    context.imageSmoothingEnabled = cellWidth < 1 || cellHeight < 1;
    context.drawImage(this.#image, left, top, cols * cellWidth, rows * cellHeight);
    this.#drawNames(context);
    if (this.#markedRow !== null && this.#markedRow < rows) {
      context.strokeStyle = color('--accent');
      context.lineWidth = 2;
      const index = this.#markedRow;
      context.strokeRect(left, top + index * cellHeight, cols * cellWidth, cellHeight);
      if (this.#options.square)
        context.strokeRect(left + index * cellWidth, top, cellWidth, rows * cellHeight);
    }
    if (this.#cell !== null) {
      const { row, col } = this.#cell;
      const [x, y] = [left + col * cellWidth, top + row * cellHeight];
      for (const [name, width] of [
        ['--paper', 4],
        ['--ink', 2],
      ] as const) {
        context.strokeStyle = color(name);
        context.lineWidth = width;
        context.strokeRect(x - 1, y - 1, cellWidth + 2, cellHeight + 2);
      }
    }
  }

  #computeLayout({ width, height }: Surface): Layout {
    const { rows, cols, names } = this.#grid;
    const { square } = this.#options;
    const fit = (left: number, top: number): Layout => {
      const cellWidth = (width - left) / cols;
      const cellHeight = Math.min((height - top) / rows, MAX_CELL_HEIGHT);
      const side = Math.min(cellWidth, cellHeight);
      return square ? { left, top, cellWidth: side, cellHeight: side } : { left, top, cellWidth, cellHeight };
    };
    const withNames = fit(NAMES_WIDTH, square ? NAMES_HEIGHT : 0);
    return names !== undefined && withNames.cellHeight >= NAME_SIZE ? withNames : fit(0, 0);
  }

  #drawNames(context: CanvasRenderingContext2D): void {
    const { names } = this.#grid;
    const { left, top, cellWidth, cellHeight } = this.#layout;
    if (names === undefined || left === 0) return;
    context.font = `${NAME_SIZE}px ${getComputedStyle(this.#options.canvas).fontFamily}`;
    context.textBaseline = 'middle';
    context.fillStyle = color('--ink');
    names.forEach((name, i) => {
      const text = ellipsize(context, name, NAMES_WIDTH - 10);
      context.textAlign = 'right';
      context.fillText(text, left - 8, top + (i + 0.5) * cellHeight);
      if (top === 0) return;
      context.save();
      context.translate(left + (i + 0.5) * cellWidth, top - 6);
      context.rotate(-Math.PI / 2);
      context.textAlign = 'left';
      context.fillText(ellipsize(context, name, NAMES_HEIGHT - 8), 0, 0);
      context.restore();
    });
  }

  #listen(): void {
    const { canvas, readout, onChoose } = this.#options;
    const point = (event: PointerEvent | MouseEvent) => {
      const cell = this.#cellAt(event.offsetX, event.offsetY);
      if (cell !== null) this.moveTo(cell.row, cell.col);
      return cell;
    };
    canvas.addEventListener('pointermove', point);
    canvas.addEventListener('click', (event) => {
      const cell = point(event);
      if (cell !== null) onChoose?.(cell.row, cell.col);
    });
    canvas.addEventListener('keydown', (event) => this.#key(event));
    // Announce cells only for the keyboard: a moving pointer would cause a flood of announcements.
    canvas.addEventListener('focus', () => {
      if (!canvas.matches(':focus-visible')) return;
      readout.setAttribute('aria-live', 'polite');
      if (this.#cell === null && this.#grid.rows * this.#grid.cols > 0) this.moveTo(0, 0);
    });
    canvas.addEventListener('blur', () => readout.removeAttribute('aria-live'));
  }

  #key(event: KeyboardEvent): void {
    const { rows, cols } = this.#grid;
    if (rows * cols === 0 || event.altKey || event.metaKey) return;
    const { row, col } = this.#cell ?? { row: 0, col: 0 };
    const all = event.ctrlKey;
    const moves: Record<string, readonly [number, number]> = {
      ArrowUp: [row - 1, col],
      ArrowDown: [row + 1, col],
      ArrowLeft: [row, col - 1],
      ArrowRight: [row, col + 1],
      PageUp: [row - 10, col],
      PageDown: [row + 10, col],
      Home: [all ? 0 : row, 0],
      End: [all ? rows - 1 : row, cols - 1],
    };
    const move = moves[event.key];
    const isChoice = event.key === 'Enter' || event.key === ' ';
    if (move === undefined && !isChoice) return;
    event.preventDefault();
    if (isChoice) return this.#options.onChoose?.(row, col);
    const clamp = (n: number, bound: number) => Math.max(0, Math.min(bound - 1, n));
    this.moveTo(clamp(move![0], rows), clamp(move![1], cols));
  }

  #cellAt(x: number, y: number): { row: number; col: number } | null {
    const { left, top, cellWidth, cellHeight } = this.#layout;
    const [row, col] = [Math.floor((y - top) / cellHeight), Math.floor((x - left) / cellWidth)];
    const inside = row >= 0 && col >= 0 && row < this.#grid.rows && col < this.#grid.cols;
    return inside ? { row, col } : null;
  }

  #updateReadout(): void {
    const { readout, describe } = this.#options;
    if (this.#cell === null) return;
    const { row, col } = this.#cell;
    readout.textContent = describe(row, col, this.#grid.values[row * this.#grid.cols + col]!);
  }
}

/** Truncates text to a width, with an ellipsis. */
function ellipsize(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}
