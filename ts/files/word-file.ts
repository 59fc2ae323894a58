/** Files of word vectors, which have no header: each line is a word and its row. */

import type { OrdinaryBytes, OrdinaryIds } from '../args/arrays.js';
import { type Backend, type Table, TableSpec } from '../backend/index.js';
import { outOfStorage, tooLarge, wrongValue } from '../errors.js';
import { STORAGE, type StorageDType } from '../table-spec.js';
import type { FileFormat } from './header.js';
import { type Input, malformed, PIECE } from './input.js';
import type { Steps } from './steps.js';
import { Words } from './words.js';

/** The name of the only tensor of a file without names. */
export const WORD_TENSOR = 'weight';

/** What a reader of words answers: `{}` while all is well. */
interface WordsAnswer {
  readonly error?: { readonly byte?: number; readonly line?: number; readonly rule: string };
  /** The columns of the file, fewer than requested. */
  readonly columns?: number;
  /** The bytes of a table that does not fit. */
  readonly tooLarge?: number;
  /** The position of a value that the dtype cannot store. */
  readonly misfit?: number;
  readonly rows?: number;
  readonly dim?: number;
  readonly offset?: number;
  readonly binary?: boolean;
  readonly table?: number;
  /** The memory of the table, which may be longer. */
  readonly bytes?: number;
}

/** What a file of word vectors has. */
interface WordsSummary {
  readonly rows: number;
  readonly dim: number;
  /** The byte at which the first row begins. */
  readonly offset: number;
  readonly binary: boolean;
  /** The table, unless it was only measured. */
  readonly table: Table | null;
  readonly words: Words;
}

/** Reads a file of word vectors line by line. With `dtype` null the rows are checked and not stored. */
export function* readWordFile(
  backend: Backend,
  input: Input,
  format: FileFormat,
  dtype: StorageDType | null,
  dim: number | undefined,
): Steps<WordsSummary> {
  const { kernels, limit } = backend;
  const reader = backend.prepare(() =>
    kernels.wordsCreate({
      format,
      total: input.total,
      limit,
      ...(dtype === null ? {} : { dtype }),
      ...(dim === undefined ? {} : { dim }),
    }),
  );
  try {
    for (let at = 0; at < input.total;) {
      const bytes = yield* input.read(at, Math.min(PIECE, input.total - at));
      expectWell(kernels.wordsPush(reader.handle(), bytes));
      at += bytes.length;
    }
    const {
      rows,
      dim: columns,
      offset,
      binary,
      table,
      bytes,
    } = expectWell(kernels.wordsEnd(reader.handle()));
    const words = new Words(
      kernels.wordsText(reader.handle()) as OrdinaryBytes,
      kernels.wordsOffsets(reader.handle()) as OrdinaryIds,
    );
    const owned =
      table === undefined ? null : backend.adopt(new TableSpec(rows!, columns!, dtype!), table, bytes);
    return { rows: rows!, dim: columns!, offset: offset!, binary: binary!, table: owned, words };
  } finally {
    reader.dispose();
  }

  function expectWell(text: string): WordsAnswer {
    const answer = JSON.parse(text) as WordsAnswer;
    const { error, columns, tooLarge: bytes, misfit } = answer;
    if (error !== undefined) {
      const { rule, ...where } = error;
      throw malformed(input.name, rule, where);
    }
    if (columns !== undefined) throw wrongValue('dim', dim, `an integer >= 1 and <= ${columns}`);
    if (bytes !== undefined) throw tooLarge('A table', bytes, limit);
    if (misfit !== undefined) {
      const shape = [Math.ceil((misfit + 1) / answer.dim!), answer.dim!];
      throw outOfStorage(dtype!, kernels.misfit(), misfit, shape, STORAGE[dtype!].values);
    }
    return answer;
  }
}
