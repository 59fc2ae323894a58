/**
 * The tab "Your table".
 *
 *   file.ts   drop or choose a file: its tensors, progress
 *       |  a Worker with a loaded table
 *   rows.ts   rows by word or number as a heat map, and the nearest rows of the framed one
 */

import type { Background } from '../background.js';
import type { LoadedTable } from '../messages.js';
import { FilePanel } from './file.js';
import html from './panel.html?raw';
import { RowsPanel } from './rows.js';
import './table.css';

export function fill(panel: HTMLElement): void {
  panel.innerHTML = html;
  const rows = new RowsPanel();
  let current: Background | null = null;
  const file = new FilePanel((background: Background, table: LoadedTable) => {
    current?.end();
    current = background;
    rows.show(background, table);
  });
  file.listen(panel);
}
