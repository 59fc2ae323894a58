/** A file as another file: the table converted, other tensors and the metadata copied. For the command line. */

import { activeBackend } from '../backend/index.js';
import type { StorageDType } from '../table-spec.js';
import type { FileTensor } from './header.js';
import { type Input, malformed, PIECE, readAll } from './input.js';
import { type Found, loading, readWanted } from './load.js';
import type { OnLoadProgress } from './monitor.js';
import { fileOf, type OutTensor, readSaveOptions, type SaveFormat, writeFile } from './save.js';
import { Opener } from './source.js';
import { run, type Steps, wait } from './steps.js';

/** Options of {@link convertFile}. */
export interface ConvertOptions {
  readonly tensor?: string | undefined;
  /** Default `'keep'`. */
  readonly dtype?: 'keep' | StorageDType | undefined;
  readonly dim?: number | undefined;
  readonly format: SaveFormat;
  readonly onRead?: OnLoadProgress | undefined;
  readonly onWritten?: ((written: number, total: number) => void) | undefined;
}

/** What was written. */
export interface Converted {
  /** The name of the table. */
  readonly tensor: string;
  readonly shape: readonly [rows: number, dim: number];
  readonly dtype: string;
  /** Of the new file. */
  readonly bytes: number;
  /** The names of the other tensors that were copied. */
  readonly copied: readonly string[];
  /** The names of those that the new file does not have. */
  readonly leftOut: readonly string[];
}

/**
 * Writes the table of a file to another file. Tensors besides the table and its words are copied from safetensors to
 * safetensors; the source is a file or bytes, since they are not read in order. Errors: as `Embedding.load` and
 * `Embedding.save`; `ERR_FORMAT` if another tensor has a name that the new table needs.
 */
export async function convertFile(
  source: string | Uint8Array,
  target: string,
  { format, onRead: onProgress, onWritten, ...rest }: ConvertOptions,
): Promise<Converted> {
  const wanted = readWanted({ ...rest });
  const backend = activeBackend();
  const input = await new Opener(backend, { onProgress, headers: backend.kernels }).open(source);
  return run(loading(backend, input, wanted, () => {}, write));

  function* write(found: Found): Steps<Converted> {
    const { table, name: tensor } = found;
    readSaveOptions(table, { format, tensor });
    const others = othersOf(found);
    const isCopied = format === 'safetensors' && found.format === 'safetensors';
    const out = fileOf(found, format, tensor, isCopied ? others : []);
    const twice = out.tensors.find(
      ({ name }, i) => out.tensors.findIndex((each) => each.name === name) !== i,
    );
    if (twice !== undefined) {
      const rule = `the new table needs the name ${JSON.stringify(twice.name)}, which another tensor has`;
      throw malformed(input.name, rule);
    }
    const { bytes } = out;
    yield* wait(writeFile(target, out, (written) => onWritten?.(written, bytes)));
    table.dispose();
    const { rows, dim, dtype } = table.spec;
    const names = others.map(({ name }) => name);
    const [copied, leftOut] = isCopied ? [names, []] : [[], names];
    return { tensor, shape: [rows, dim], dtype, bytes, copied, leftOut };
  }
}

/** The tensors that belong neither to the table nor to its words. */
function othersOf({ name, tensor, words, files }: Found): OutTensor[] {
  const ofWords = new Set(words === null ? [] : [`${name}.words`, `${name}.words.offsets`]);
  return files.flatMap(({ input, header }) =>
    header.tensors
      .filter((each) => each !== tensor && !ofWords.has(each.name))
      .map((each) => copyOf(input, each)),
  );
}

const copyOf = (input: Input, { name, dtype, shape, offset, bytes }: FileTensor): OutTensor => ({
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
