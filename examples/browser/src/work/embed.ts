/**
 * Text to ids to vectors, kept here for the page to look at piece by piece: 100,000 tokens are as many messages as
 * ten are.
 */

import { BPETokenizer, CharTokenizer, EmbeddingLayer } from 'tokenbed';
import { npyHeader } from '../../../../dist/files/npy.js';
import type { Embedded, EmbedSettings, Lens, Piece, Storage, Stretch } from '../messages.js';
import { CONTEXT } from './context.js';
import { pieceReader } from './pieces.js';

/** Ids that every tokenizer of the library has. */
const UNKNOWN = 1;
const BYTES_AND_SPECIALS = 260;

/** The tokens of one step of the comparison with f32: all vectors once more would double the memory. */
const STEP = 4096;

/** The vectors of the tokens from `start` to `end`. */
type Vectors = (start: number, end: number) => Float32Array<ArrayBuffer>;

export class Embedder {
  #ids: number[] = [];
  #vectors = new Float32Array(0);
  #dim = 1;
  #f32: EmbeddingLayer | null = null;
  #f32Vectors: Vectors = () => new Float32Array(0);
  #read: (id: number) => Piece = () => ({ id: 0, kind: 'text', text: '' });

  async embed(settings: EmbedSettings): Promise<Embedded> {
    const { text, dim, seed, positions, dtype } = settings;
    const start = performance.now();
    const tokenizer = tokenizerFor(settings);
    const ids = tokenizer.encode(text);
    const options = {
      vocabSize: tokenizer.vocabSize,
      embeddingDim: dim,
      seed,
      ...(positions ? { scale: true, maxSeqLength: CONTEXT } : { positional: null }),
    };
    const layer = new EmbeddingLayer({ ...options, dtype });
    const vectors = vectorsOf(layer, ids, positions)(0, ids.length);
    const ms = performance.now() - start;
    const f32 = dtype === 'f32' ? layer : new EmbeddingLayer(options);
    const f32Vectors = vectorsOf(f32, ids, positions);
    const storage: Storage = {
      bytesPerRow: layer.token.getMemoryUsage().bytesPerRow,
      tableBytes: layer.token.getMemoryUsage().bytes,
      f32Bytes: f32.token.getMemoryUsage().bytes,
      ...(f32 === layer ? NO_DIFFERENCE : differenceBetween(vectors, f32Vectors, dim)),
    };
    if (f32 !== layer) layer.dispose();
    const digest = await sha256(vectors);

    // All at once, and after the last wait: a call in between sees the text before, whole.
    this.#ids = ids;
    this.#vectors = vectors;
    this.#dim = dim;
    this.#f32?.dispose();
    this.#f32 = f32;
    this.#f32Vectors = f32Vectors;
    this.#read = pieceReader(tokenizer);
    return {
      characters: countCodePoints(text),
      tokens: ids.length,
      vocabSize: tokenizer.vocabSize,
      merges: tokenizer instanceof BPETokenizer ? tokenizer.merges.length : 0,
      unknown: ids.reduce((count, id) => count + Number(id === UNKNOWN), 0),
      digest,
      bytes: vectors.byteLength,
      ms,
      storage,
    };
  }

  pieces({ start, count }: Stretch): Piece[] {
    return this.#ids.slice(start, start + count).map(this.#read);
  }

  lens(stretch: Stretch): Lens {
    const pieces = this.pieces(stretch);
    const dim = this.#dim;
    const { start } = stretch;
    const end = start + pieces.length;
    const vectors = this.#vectors.slice(start * dim, end * dim);
    const differences = this.#f32Vectors(start, end);
    vectors.forEach((value, i) => (differences[i] = value - differences[i]!));
    return { start, pieces, dim, vectors, differences, similarity: cosines(vectors, dim) };
  }

  file(): ArrayBuffer {
    const rows = new Uint8Array(this.#vectors.buffer);
    const header = npyHeader(this.#vectors.length / this.#dim, this.#dim);
    const file = new Uint8Array(header.length + rows.length);
    file.set(header);
    file.set(rows, header.length);
    return file.buffer;
  }
}

/** A layer's vectors of any tokens of the text. */
function vectorsOf(layer: EmbeddingLayer, ids: readonly number[], positions: boolean): Vectors {
  return (start, end) => {
    const part = ids.slice(start, end);
    const options = positions ? { positionIds: part.map((_, i) => (start + i) % CONTEXT) } : {};
    return layer.forward(part, options).data as Float32Array<ArrayBuffer>;
  };
}

const NO_DIFFERENCE = { largestDifference: 0, meanDifference: 0 };

/** |value - f32 value| over all vectors. */
function differenceBetween(vectors: Float32Array, f32Vectors: Vectors, dim: number): typeof NO_DIFFERENCE {
  let [largest, sum] = [0, 0];
  const tokens = vectors.length / dim;
  for (let start = 0; start < tokens; start += STEP) {
    const exact = f32Vectors(start, Math.min(start + STEP, tokens));
    for (let i = 0; i < exact.length; i++) {
      const difference = Math.abs(vectors[start * dim + i]! - exact[i]!);
      sum += difference;
      if (difference > largest) largest = difference;
    }
  }
  return { largestDifference: largest, meanDifference: sum / vectors.length };
}

function tokenizerFor({
  tokenizer,
  text,
  merges,
}: EmbedSettings): CharTokenizer | BPETokenizer<'bytes' | 'words'> {
  if (tokenizer === 'char') return new CharTokenizer();
  if (tokenizer === 'bytes') {
    return new BPETokenizer({ mode: 'bytes', vocabSize: BYTES_AND_SPECIALS + merges }).train([text]);
  }
  // What `words` begins with is the text's own alphabet: a training that merges nothing tells how large it is.
  const { vocabSize } = new BPETokenizer({ mode: 'words', vocabSize: 1 }).train([text]);
  return new BPETokenizer({ mode: 'words', vocabSize: vocabSize + merges }).train([text]);
}

/** Cosine of each pair of rows, in f64, rounded once. */
function cosines(vectors: Float32Array, dim: number): Float32Array<ArrayBuffer> {
  const rows = vectors.length / dim;
  const dot = (a: number, b: number) => {
    let sum = 0;
    for (let c = 0; c < dim; c++) sum += vectors[a * dim + c]! * vectors[b * dim + c]!;
    return sum;
  };
  const norms = Float64Array.from({ length: rows }, (_, row) => Math.sqrt(dot(row, row)));
  const result = new Float32Array(rows * rows);
  for (let a = 0; a < rows; a++) {
    for (let b = 0; b <= a; b++) {
      const cosine = dot(a, b) / (norms[a]! * norms[b]!);
      result[a * rows + b] = result[b * rows + a] = cosine;
    }
  }
  return result;
}

async function sha256(vectors: Float32Array<ArrayBuffer>): Promise<string | null> {
  if (!self.isSecureContext) return null;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', vectors));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
