/** The output of rows: text, or one .npy. */

import type { RowForm } from './command.js';
import { floatText } from './float-text.js';
import { print } from './output.js';

/** The output of rows. */
export interface Sink {
  /** Writes whole rows of `dim` floats, which must not change before the promise resolves. */
  write(rows: Float32Array, dim: number): Promise<void>;
  end(): Promise<void>;
  /** Frees its resources, also after an error. */
  close(): void;
}

/** Writes rows as text, immediately. */
export function textSink(form: RowForm): Sink {
  return { write: (rows, dim) => printRows(rows, dim, form), end: async () => {}, close() {} };
}

/** Writes rows as one .npy. Imported on demand: its temporary file needs modules of Node that are slow to load. */
export async function npySink(dim: number): Promise<Sink> {
  const { NpySpool } = await import('./npy-spool.js');
  return new NpySpool(dim);
}

async function printRows(rows: Float32Array, dim: number, form: RowForm): Promise<void> {
  const { start, between, end, notFinite } = form;
  let text = '';
  for (let i = 0; i < rows.length; i++) {
    const value = rows[i]!;
    text += i % dim === 0 ? start : between;
    text += notFinite !== null && !Number.isFinite(value) ? notFinite : floatText(value);
    if ((i + 1) % dim === 0) text += end;
  }
  await print(text);
}
