/** `tokenbed inspect`: what a file of weights contains, from its header. */

import { inspect as inspectFile } from '../index.js';
import { grouped, row } from '../profiler/reports.js';
import { type Command, expectFiles, type Values } from './command.js';
import { namingFile, print, printable } from './output.js';

/** Longer values of the metadata are cut in the table. */
const LONGEST_VALUE = 72;

export const inspect: Command = {
  name: 'inspect',
  help: `tokenbed inspect: the tensors and the metadata of a file

Usage: tokenbed inspect [OPTIONS] FILE

Reads safetensors (also the index of shards), .npy, GGUF, and word vectors of word2vec, GloVe
and fastText. Of the first three only the header is read, whatever the size of the file. Prints
the name, dtype, shape, bytes and offset of each tensor, and the metadata.

Options:
      --json               one JSON object: format, tensors, metadata; without cuts

Examples:
  tokenbed inspect model.safetensors
  tokenbed inspect --json model.gguf
`,
  options: { json: { type: 'boolean' } },
  takesFiles: true,
  run,
};

async function run(values: Values, files: readonly string[]): Promise<void> {
  const [file] = expectFiles('inspect', files, ['FILE']);
  const { format, tensors, metadata } = await namingFile(file, () => inspectFile(file));
  if (values['json'] === true) {
    return print(`${JSON.stringify({ format, tensors, metadata }, null, 2)}\n`);
  }
  const table = columns([
    ['tensor', 'dtype', 'shape', 'bytes', 'offset'],
    ...tensors.map(({ name, dtype, shape, bytes, offset }) => [
      printable(name),
      dtype,
      `[${shape.join(', ')}]`,
      grouped(bytes),
      grouped(offset),
    ]),
  ]);
  const pairs = columns(
    Object.entries(metadata).map(([key, value]) => [printable(key), cut(printable(value))]),
  );
  const lines = [
    `${file}: ${format}, ${counted(tensors.length, 'tensor')}`,
    '',
    ...table,
    ...(pairs.length === 0 ? [] : ['', 'metadata', ...pairs.map((line) => `  ${line}`)]),
  ];
  return print(`${lines.join('\n')}\n`);
}

const counted = (count: number, noun: string): string => `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;

/** Rows of cells as lines, the columns as wide as their longest cells. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map(
    (_, i) => rows.reduce((most, cells) => Math.max(most, cells[i]!.length), 0) + 1,
  );
  return rows.map((cells) => row(widths, cells).trimEnd());
}

const cut = (text: string): string =>
  text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 3)}...` : text;
