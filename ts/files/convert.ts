/** A file as another file: the table converted, other tensors and the metadata copied. For the command line. */

import { choice, named } from '../args/options.js';
import { activeBackend } from '../backend/index.js';
import type { StorageDType } from '../table-spec.js';
import type { FileTensor } from './header.js';
import { type Input, PIECE, readAll } from './input.js';
import { type Found, loading, readWanted } from './load.js';
import { fileOf, type OutTensor, readSaveOptions, SAVE_FORMATS, type SaveFormat, writeFile } from './save.js';
import { Opener } from './source.js';
import { run, type Steps, wait } from './steps.js';

/** Options of {@link convertFile}. */
export interface ConvertOptions {
  readonly tensor?: string | undefined;
  /** Default `'keep'`. */
  readonly dtype?: 'keep' | StorageDType | undefined;
  readonly dim?: number | undefined;
  readonly format: SaveFormat;
  readonly onProgress?:
    | ((progress: { readonly written: number; readonly total: number }) => void)
    | undefined;
}

/** What was written. */
export interface Converted {
  readonly tensor: string;
  readonly rows: number;
  readonly dim: number;
  readonly dtype: string;
  /** Other tensors of the file. */
  readonly others: number;
  /** Bytes of the new file. */
  readonly bytes: number;
}

/**
 * Writes the table of a file to another file. Tensors besides the table and its words are copied from safetensors to
 * safetensors. Errors: as `Embedding.load` and `Embedding.save`.
 */
export async function convertFile(
  source: string,
  target: string,
  options: ConvertOptions,
): Promise<Converted> {
  const { onProgress, ...rest } = named(options, ['tensor', 'dtype', 'dim', 'format', 'onProgress']);
  const wanted = readWanted({ ...rest, format: undefined });
  const format = choice(rest, 'format', SAVE_FORMATS);
  const backend = activeBackend();
  const input = await new Opener(backend, {}).open(source);
  return run(loading(backend, input, wanted, () => {}, write));

  function* write(found: Found): Steps<Converted> {
    const { table, name } = found;
    readSaveOptions(table, { format, tensor: name });
    const others = format === 'safetensors' ? othersOf(found) : [];
    const out = fileOf(found, format, name, others);
    const { bytes } = out;
    const report = onProgress as ConvertOptions['onProgress'];
    yield* wait(writeFile(target, out, (written) => report?.({ written, total: bytes })));
    table.dispose();
    const { rows, dim, dtype } = table.spec;
    return { tensor: name, rows, dim, dtype, others: others.length, bytes };
  }
}

/** The tensors of safetensors files that do not belong to the table. */
function othersOf({ name, files }: Found): OutTensor[] {
  const own = new Set(['', '.rows', '.words', '.words.offsets'].map((end) => name + end));
  return files.flatMap(({ input, header }) =>
    header.format !== 'safetensors'
      ? []
      : header.tensors.filter((tensor) => !own.has(tensor.name)).map((tensor) => copied(input, tensor)),
  );
}

const copied = (input: Input, { name, dtype, shape, offset, bytes }: FileTensor): OutTensor => ({
  name,
  dtype,
  shape,
  bytes,
  *pieces() {
    for (let at = 0; at < bytes; at += PIECE) {
      yield run(readAll(input, offset + at, Math.min(PIECE, bytes - at)));
    }
  },
});
