/** `tokenbed convert`: a file of weights in another format and dtype. */

import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { convertFile, type Converted } from '../files/convert.js';
import type { LoadOptions, SaveFormat } from '../index.js';
import { grouped } from '../profiler/reports.js';
import {
  choiceOption,
  type Command,
  expectFiles,
  integerOption,
  textOption,
  UsageError,
  type Values,
} from './command.js';
import { namingFile, print, printable, systemError } from './output.js';
import { Progress } from './progress.js';
import { expectPlace } from './whole-file.js';

const DTYPES = ['keep', 'f32', 'f16', 'bf16', 'i8', 'i4'] as const;
const NPY_DTYPES = new Set<string>(['keep', 'f32', 'f16']);

export const convert: Command = {
  name: 'convert',
  help: `tokenbed convert: the table of a file in another format and dtype

Usage: tokenbed convert [OPTIONS] IN OUT

IN is safetensors (also the index of shards), .npy, GGUF, or word vectors of word2vec, GloVe
and fastText. OUT ends in .safetensors or .npy (f32 and f16 only). The other tensors and the
metadata of a safetensors IN are copied to a safetensors OUT, words to every safetensors OUT.
The table keeps its name; without one it is called weight. An error leaves no partial file.

Options:
      --dtype KIND         f32, f16 (half of f32), bf16, i8 (a quarter), i4 (an eighth), or
                           keep (default): what is stored
      --tensor NAME        the table, if IN has several
      --dim N              keep the first N columns
      --force              replace OUT if it exists
      --json               print one JSON object: tensor, shape, dtype, bytes, copied, leftOut

Examples:
  tokenbed convert model.safetensors small.safetensors --dtype i8
  tokenbed convert glove.6B.50d.txt glove.safetensors --dtype f16
  tokenbed convert model.gguf table.npy --dtype f32 --dim 256
`,
  options: {
    dtype: { type: 'string' },
    tensor: { type: 'string' },
    dim: { type: 'string' },
    force: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  takesFiles: true,
  run,
};

async function run(values: Values, files: readonly string[]): Promise<void> {
  const [from, path] = expectFiles('convert', files, ['IN', 'OUT']);
  const format = formatOf(path);
  const dtype = choiceOption(values, 'dtype', DTYPES, 'keep');
  if (format === 'npy' && !NPY_DTYPES.has(dtype)) throw notForNpy(dtype);
  const tensor = textOption(values, 'tensor');
  const dim = integerOption(values, 'dim', { min: 1 }, undefined);
  if (values['force'] !== true && existsSync(path)) {
    throw Object.assign(new Error(`${path}: the file exists; --force replaces it`), { code: 'EEXIST' });
  }
  await expectPlace(path);
  const source = await namingFile(from, () => sourceOf(from));
  const reading = new Progress('reading', null);
  const writing = new Progress('writing', null);
  const onRead: LoadOptions['onProgress'] = ({ loaded, total }) => reading.set(loaded, total);
  const onWritten = (written: number, total: number): void => {
    reading.end();
    writing.set(written, total);
  };
  let converted: Converted;
  try {
    converted = await convertFile(source, path, { format, dtype, tensor, dim, onRead, onWritten });
  } catch (error) {
    throw explained(error, from, path);
  } finally {
    reading.end();
    writing.end();
  }
  await print(values['json'] === true ? `${JSON.stringify(converted, null, 2)}\n` : summary(path, converted));
}

function formatOf(path: string): SaveFormat {
  if (path.endsWith('.safetensors')) return 'safetensors';
  if (path.endsWith('.npy')) return 'npy';
  throw new UsageError(`OUT must end in .safetensors or .npy: got ${JSON.stringify(path)}`, 'ERR_USAGE');
}

const notForNpy = (dtype: string): UsageError =>
  new UsageError(`Option --dtype must be f32 or f16 for a .npy file: got ${dtype}`);

/** The path of a regular file. A pipe can be read only once, so its bytes are collected. */
const sourceOf = async (file: string): Promise<string | Uint8Array> =>
  (await stat(file)).isFile() ? file : readFile(file);

/** An error of the library in terms of the command line: its options, and the files that the user knows. */
function explained(error: unknown, from: string, path: string): unknown {
  const { code, syscall, option, value, message } = error as NodeJS.ErrnoException & {
    readonly option?: string;
    readonly value?: unknown;
  };
  if (syscall !== undefined) {
    // A file that is written beside OUT has another name.
    const file = (error as NodeJS.ErrnoException).path ?? from;
    return systemError(file.includes('.tokenbed-') ? path : file, error);
  }
  if (code !== 'ERR_INVALID_OPTION') return error;
  if (option === 'dtype') {
    return new UsageError(
      `Option --dtype must be one of ${DTYPES.slice(1).join(', ')}: IN stores ${String(value)}`,
    );
  }
  if (option === 'format') return notForNpy('keep, and IN stores another dtype');
  return new UsageError(message.replace('Option ', 'Option --'));
}

const MOST_NAMES = 6;

function summary(path: string, { shape, dtype, bytes, copied, leftOut }: Converted): string {
  const lines = [`${path}: ${shape.map(grouped).join(' x ')} ${dtype}, ${grouped(bytes)} bytes`];
  if (copied.length > 0) lines.push(`copied: ${listed(copied)}`);
  if (leftOut.length > 0) lines.push(`left out: ${listed(leftOut)}`);
  return `${lines.join('\n')}\n`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map(printable).join(', ');
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown;
}
