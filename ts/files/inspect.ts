/** What a file has, without loading it. */

import { activeBackend } from '../backend/index.js';
import { type FileFormat, type FileTensor, hasWords, readHeader } from './header.js';
import type { Input } from './input.js';
import { joinedHeader, openShards } from './load.js';
import { Opener, type Source } from './source.js';
import { run, type Steps } from './steps.js';
import { readWordFile, WORD_TENSOR } from './word-file.js';

/** A tensor of a file. */
export interface TensorInfo {
  /** Its name; `weight` in files without names. */
  name: string;
  /** The name of the dtype in the file: `F32`, `<f4`, `Q8_0`. */
  dtype: string;
  /** Its sizes, the outermost first. */
  shape: number[];
  /** Bytes of its values. */
  bytes: number;
  /** The byte at which it begins, in the file that has it. */
  offset: number;
}

/** The contents of a file. */
export interface FileInfo {
  /** The format that was recognized. */
  format: FileFormat;
  /** In the order of the file. */
  tensors: TensorInfo[];
  /** Keys and values; numbers as text, arrays as `[262144 x string]`. */
  metadata: Record<string, string>;
}

/**
 * Reads what a file has: the header, and all of a file of word vectors, which has none.
 *
 * `offset` is in bytes from the start of the file. The tensor of a .npy or of word vectors is named `weight`. Errors:
 * `ERR_INVALID_OPTION` (`source`); `ERR_FORMAT`; `ERR_NOT_INITIALIZED` (browser); system errors.
 */
export async function inspect(source: Source): Promise<FileInfo> {
  const backend = activeBackend();
  const input = await new Opener(backend, { headers: backend.kernels }).open(source);
  return run(inspecting(input));

  function* inspecting(input: Input): Steps<FileInfo> {
    const inputs = [input];
    try {
      const { header } = yield* readHeader(backend.kernels, input, undefined);
      if (hasWords(header)) {
        const { format } = header;
        const { rows, dim, offset, binary } = yield* readWordFile(backend, input, format, null, undefined);
        const [dtype, bytes] = [binary ? 'F32' : 'text', input.total - offset];
        return {
          format,
          tensors: [{ name: WORD_TENSOR, dtype, shape: [rows, dim], bytes, offset }],
          metadata: {},
        };
      }
      const { format, tensors, metadata } =
        header.format === 'index'
          ? joinedHeader(header, yield* openShards(backend, input, header, inputs))
          : header;
      return { format, tensors: tensors.map(infoOf), metadata: { ...metadata } };
    } finally {
      for (const opened of inputs) yield* opened.close();
    }
  }
}

const infoOf = ({ name, dtype, shape, bytes, offset }: FileTensor): TensorInfo => ({
  name,
  dtype,
  shape: [...shape],
  bytes,
  offset,
});
