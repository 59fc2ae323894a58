/** The lines of text that are searched. */

import { type Input, wholeLines } from './input.js';
import type { Progress } from './progress.js';

/** A line of text and its place. */
export interface Line {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

/** A result. */
export interface Hit extends Line {
  readonly score: number;
}

/** The most lines whose vectors are computed at once. */
export const MOST_LINES = 1024;

/** The lines of an input that are not blank, in order, at most {@link MOST_LINES} at once. */
export async function* linesOf(
  input: Input,
  file: string,
  progress: Progress,
): AsyncGenerator<Line[], void, undefined> {
  let before = 0;
  for await (const texts of wholeLines(input, progress)) {
    const first = before + 1;
    before += texts.length;
    const lines = texts
      .map((text, i): Line => ({ file, line: first + i, text }))
      .filter(({ text }) => text.trim() !== '');
    for (let start = 0; start < lines.length; start += MOST_LINES)
      yield lines.slice(start, start + MOST_LINES);
  }
}
