/**
 * The table of a file: opened, looked up, searched. A Worker has one table: the page starts another Worker for another
 * file, because the memory of WebAssembly never shrinks.
 */

import { Embedding, inspect } from 'tokenbed';
import type {
  FileSummary,
  Found,
  LoadedTable,
  LoadSettings,
  LoadStep,
  Neighbor,
  Query,
} from '../messages.js';
import { type Expression, expressionsIn } from './expressions.js';

const NEAREST = 10;
/** The number of vectors that the map shows. */
const MOST_VECTORS = 16;
/** Words that the page shows first. */
const FIRST_WORDS = 8;

/** Rows that tokenbed saved as i8 or i4 are a tensor of bytes with this ending. */
const STORED_ROWS = '.rows';

let embedding: Embedding | null = null;

/** Reads the header. */
export async function inspectFile(file: File): Promise<FileSummary> {
  const { format, tensors, metadata } = await inspect(file);
  const isStored = 'tokenbed.dtype' in metadata;
  return {
    format,
    tensors: tensors.map(({ name, dtype, shape, bytes }) => {
      const loadedAs = isStored && name.endsWith(STORED_ROWS) ? name.slice(0, -STORED_ROWS.length) : name;
      return { name, dtype, shape, bytes, table: shape.length === 2 ? loadedAs : null };
    }),
  };
}

export async function load(
  { file, tensor }: LoadSettings,
  onProgress: (step: LoadStep) => void,
): Promise<LoadedTable> {
  embedding = await Embedding.load(file, { tensor, onProgress });
  const { vocabSize, embeddingDim, words } = embedding;
  const { bytes, bytesPerRow, dtype } = embedding.getMemoryUsage();
  return {
    rows: vocabSize,
    dim: embeddingDim,
    dtype,
    bytes,
    bytesPerRow,
    words: words?.slice(0, FIRST_WORDS) ?? null,
  };
}

/** Looks up the rows of the query, adds them up, and searches the nearest rows of each sum, without its own rows. */
export function find({ text, by, metric }: Query): Found {
  const table = embedding!;
  const expressions = expressionsIn(text);
  if (expressions.length === 0) throw new Error('Enter a row');
  if (expressions.length > MOST_VECTORS) {
    throw new Error(`At most ${MOST_VECTORS} vectors are shown, got ${expressions.length}`);
  }
  const idOf = by === 'word' ? (word: string) => idOfWord(table, word) : Number;
  const ids = expressions.map((terms) => terms.map((term) => idOf(term.text)));
  const dim = table.embeddingDim;
  const vectors = sums(expressions, table.forward(ids.flat()).data, dim);

  const start = performance.now();
  const most = ids.reduce((longest, { length }) => Math.max(longest, length), 0);
  const found = table.nearest(vectors, { shape: [ids.length, dim], k: NEAREST + most, metric });
  const ms = performance.now() - start;

  const k = found.ids.shape[1]!;
  const neighbors = Array.from(found.ids.data, (row, i): Neighbor => {
    return { row, name: table.words?.[row] ?? '', score: found.scores.data[i]! };
  });
  return {
    names: expressions.map((terms) =>
      terms.map(({ sign, text }, i) => (i === 0 ? text : ` ${sign > 0 ? '+' : '−'} ${text}`)).join(''),
    ),
    dim,
    vectors,
    nearest: ids.map((own, q) =>
      neighbors
        .slice(q * k, (q + 1) * k)
        .filter(({ row }) => !own.includes(row))
        .slice(0, NEAREST),
    ),
    ms,
  };
}

function idOfWord(table: Embedding, word: string): number {
  const id = table.indexOf(word);
  if (id < 0) throw new Error(`The table has no word “${word}”`);
  return id;
}

/** `out[q] = sum of sign * row`, over the terms of expression q. */
function sums(
  expressions: readonly Expression[],
  rows: Float32Array,
  dim: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(expressions.length * dim);
  let row = 0;
  expressions.forEach((terms, q) => {
    for (const { sign } of terms) {
      for (let c = 0; c < dim; c++) out[q * dim + c]! += sign * rows[row * dim + c]!;
      row++;
    }
  });
  return out;
}
