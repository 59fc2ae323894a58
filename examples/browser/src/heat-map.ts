/**
 * A heat map: a grid of numbers as coloured cells, with a cell under the pointer or the keyboard whose value is said in
 * words below. The picture has a text of its own (`aria-label`); the words are read out while keys move.
 */

import { drawn, type Surface } from './canvas.js';
import { colour, divergingScale, onColours, shade } from './colours.js';

export interface Grid {
  readonly rows: number;
  readonly cols: number;
  /** Row after row. */
  readonly values: Float32Array;
  /** The magnitude that gets the full colour. */
  readonly limit: number;
  /** Written beside the rows where there is room. */
  readonly names?: readonly string[];
}

export interface HeatMapOptions {
  readonly canvas: HTMLCanvasElement;
  readonly readout: HTMLElement;
  /** A cell in words. */
  readonly describe: (row: number, col: number, value: number) => string;
  /** A cell was pointed at, or keys came to it. */
  readonly onCell?: (row: number, col: number) => void;
  /** A cell was clicked, or Enter pressed on it. */
  readonly onChoose?: (row: number, col: number) => void;
  /** Cells as high as wide, and names above the columns too. */
  readonly square?: boolean;
}

const NAMES_WIDTH = 76;
const NAMES_HEIGHT = 60;
const NAME_SIZE = 11;
const HIGHEST_CELL = 26;

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
  #marked: number | null = null;
  #image = document.createElement('canvas');
  #redraw: () => void;

  constructor(options: HeatMapOptions) {
    this.#options = options;
    this.#redraw = drawn(options.canvas, (surface) => this.#draw(surface));
    onColours(() => this.#paint());
    this.#listen();
  }

  /** Shows another grid; `label` is the picture in words. A cell that is still there stays chosen. */
  show(grid: Grid, label: string): void {
    this.#grid = grid;
    this.#options.canvas.setAttribute('aria-label', label);
    const { rows, cols } = grid;
    if (rows * cols === 0) this.#cell = null;
    else if (this.#cell !== null) {
      this.#cell = { row: Math.min(this.#cell.row, rows - 1), col: Math.min(this.#cell.col, cols - 1) };
    }
    this.#paint();
    this.#say();
  }

  /** Frames a row (of a square map its column too); null frames none. */
  mark(row: number | null): void {
    this.#marked = row;
    this.#redraw();
  }

  /** Goes to a cell, as a pointer would. */
  go(row: number, col: number): void {
    this.#cell = { row, col };
    this.#say();
    this.#redraw();
    this.#options.onCell?.(row, col);
  }

  /** One pixel per cell; `#draw` stretches them. */
  #paint(): void {
    const { rows, cols, values, limit } = this.#grid;
    const scale = divergingScale();
    this.#image.width = Math.max(1, cols);
    this.#image.height = Math.max(1, rows);
    const context = this.#image.getContext('2d')!;
    const data = context.createImageData(this.#image.width, this.#image.height);
    const words = new Uint32Array(data.data.buffer);
    for (let i = 0; i < values.length; i++) words[i] = shade(scale, values[i]!, limit);
    context.putImageData(data, 0, 0);
    this.#redraw();
  }

  #draw(surface: Surface): void {
    const { rows, cols } = this.#grid;
    if (rows * cols === 0) return;
    const { context } = surface;
    const layout = (this.#layout = this.#place(surface));
    const { left, top, cellWidth, cellHeight } = layout;
    // Cells smaller than a pixel are averaged: leaving some out would draw patterns that are not there.
    context.imageSmoothingEnabled = cellWidth < 1 || cellHeight < 1;
    context.drawImage(this.#image, left, top, cols * cellWidth, rows * cellHeight);
    this.#drawNames(context);
    if (this.#marked !== null && this.#marked < rows) {
      context.strokeStyle = colour('--accent');
      context.lineWidth = 2;
      const at = this.#marked;
      context.strokeRect(left, top + at * cellHeight, cols * cellWidth, cellHeight);
      if (this.#options.square) context.strokeRect(left + at * cellWidth, top, cellWidth, rows * cellHeight);
    }
    if (this.#cell !== null) {
      const { row, col } = this.#cell;
      const [x, y] = [left + col * cellWidth, top + row * cellHeight];
      for (const [name, width] of [
        ['--paper', 4],
        ['--ink', 2],
      ] as const) {
        context.strokeStyle = colour(name);
        context.lineWidth = width;
        context.strokeRect(x - 1, y - 1, cellWidth + 2, cellHeight + 2);
      }
    }
  }

  #place({ width, height }: Surface): Layout {
    const { rows, cols, names } = this.#grid;
    const { square } = this.#options;
    const fit = (left: number, top: number): Layout => {
      const cellWidth = (width - left) / cols;
      const cellHeight = Math.min((height - top) / rows, HIGHEST_CELL);
      const side = Math.min(cellWidth, cellHeight);
      return square ? { left, top, cellWidth: side, cellHeight: side } : { left, top, cellWidth, cellHeight };
    };
    const named = fit(NAMES_WIDTH, square ? NAMES_HEIGHT : 0);
    return names !== undefined && named.cellHeight >= NAME_SIZE ? named : fit(0, 0);
  }

  #drawNames(context: CanvasRenderingContext2D): void {
    const { names } = this.#grid;
    const { left, top, cellWidth, cellHeight } = this.#layout;
    if (names === undefined || left === 0) return;
    context.font = `${NAME_SIZE}px ${getComputedStyle(this.#options.canvas).fontFamily}`;
    context.textBaseline = 'middle';
    context.fillStyle = colour('--ink');
    names.forEach((name, i) => {
      const text = fitted(context, name, NAMES_WIDTH - 10);
      context.textAlign = 'right';
      context.fillText(text, left - 8, top + (i + 0.5) * cellHeight);
      if (top === 0) return;
      context.save();
      context.translate(left + (i + 0.5) * cellWidth, top - 6);
      context.rotate(-Math.PI / 2);
      context.textAlign = 'left';
      context.fillText(fitted(context, name, NAMES_HEIGHT - 8), 0, 0);
      context.restore();
    });
  }

  #listen(): void {
    const { canvas, readout, onChoose } = this.#options;
    const point = (event: PointerEvent | MouseEvent) => {
      const at = this.#cellAt(event.offsetX, event.offsetY);
      if (at !== null) this.go(at.row, at.col);
      return at;
    };
    canvas.addEventListener('pointermove', point);
    canvas.addEventListener('click', (event) => {
      const at = point(event);
      if (at !== null) onChoose?.(at.row, at.col);
    });
    canvas.addEventListener('keydown', (event) => this.#key(event));
    // Read out what keys reach; a pointer's way across would be a flood of words.
    canvas.addEventListener('focus', () => {
      if (!canvas.matches(':focus-visible')) return;
      readout.setAttribute('aria-live', 'polite');
      if (this.#cell === null && this.#grid.rows * this.#grid.cols > 0) this.go(0, 0);
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
    const chosen = event.key === 'Enter' || event.key === ' ';
    if (move === undefined && !chosen) return;
    event.preventDefault();
    if (chosen) return this.#options.onChoose?.(row, col);
    const within = (n: number, bound: number) => Math.max(0, Math.min(bound - 1, n));
    this.go(within(move![0], rows), within(move![1], cols));
  }

  #cellAt(x: number, y: number): { row: number; col: number } | null {
    const { left, top, cellWidth, cellHeight } = this.#layout;
    const [row, col] = [Math.floor((y - top) / cellHeight), Math.floor((x - left) / cellWidth)];
    const inside = row >= 0 && col >= 0 && row < this.#grid.rows && col < this.#grid.cols;
    return inside ? { row, col } : null;
  }

  #say(): void {
    const { readout, describe } = this.#options;
    if (this.#cell === null) return;
    const { row, col } = this.#cell;
    readout.textContent = describe(row, col, this.#grid.values[row * this.#grid.cols + col]!);
  }
}

/** Text cut to a width, with an ellipsis. */
function fitted(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}
