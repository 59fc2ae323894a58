/** Tables as arguments of the constructor of Embedding, and the options that all of them share. */

import { choice, integer, type Named } from './args/options.js';
import type { Table } from './backend/index.js';
import type { EmbeddingOptions } from './embedding.js';
import { NO_METADATA } from './files/header.js';
import type { Words } from './files/words.js';
import type { Initializer } from './initializer.js';
import { STORAGE_DTYPES, type StorageDType } from './table-spec.js';

/** What a file has besides a table. */
export interface Notes {
  readonly words: Words | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The notes of a table that is not from a file. */
const NO_NOTES: Notes = { words: null, metadata: NO_METADATA };

/**
 * A filled table as an argument of the constructor; `initializer` is null for pretrained weights. The declared sizes only
 * make this type assignable to the options; `table` has the values.
 */
export class FilledTable implements EmbeddingOptions {
  declare readonly vocabSize: number;
  declare readonly embeddingDim: number;

  constructor(
    readonly table: Table,
    readonly paddingIdx: number | null,
    readonly initializer: Initializer | null,
    readonly notes: Notes = NO_NOTES,
    readonly freeze = false,
  ) {}
}

/** `paddingIdx` in [-V, V), normalized to [0, V). */
export function readPadding({ paddingIdx }: Named, vocabSize: number): number | null {
  if (paddingIdx === null) return null;
  const index = integer({ paddingIdx }, 'paddingIdx', { min: -vocabSize, max: vocabSize - 1 }, null);
  return index === null ? null : index < 0 ? index + vocabSize : index;
}

/** The option `dtype`. */
export const readDType = (values: Named): StorageDType => choice(values, 'dtype', STORAGE_DTYPES, 'f32');
