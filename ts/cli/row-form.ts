/** How a list of numbers becomes a line: separated by spaces, or, with `--json`, as JSON. */

import type { Values } from './command.js';

/** What stands around and between the numbers of a line. */
export interface RowForm {
  readonly start: string;
  readonly between: string;
  readonly end: string;
  /** What stands for NaN and the infinities; `null` where their names do. */
  readonly notFinite: string | null;
}

const PLAIN: RowForm = { start: '', between: ' ', end: '\n', notFinite: null };
const JSON_LINES: RowForm = { start: '[', between: ',', end: ']\n', notFinite: 'null' };

/** The form that the options ask for. */
export function rowForm(values: Values): RowForm {
  return values['json'] === true ? JSON_LINES : PLAIN;
}
