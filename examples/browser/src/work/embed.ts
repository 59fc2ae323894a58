/**
 * Text to ids to vectors, kept here for the page to look at piece by piece: 100,000 tokens are as many messages as
 * ten are.
 */

import { BPETokenizer, CharTokenizer, EmbeddingLayer } from 'tokenbed';
import { npyHeader } from '../../../../dist/files/npy.js';
import type { Embedded, EmbedSettings, Lens, Piece, Stretch } from '../messages.js';
import { CONTEXT } from './context.js';
import { pieceReader } from './pieces.js';

/** Ids that every tokenizer of the library has. */
const UNKNOWN = 1;
const BYTES_AND_SPECIALS = 260;

export class Embedder {
  #ids: number[] = [];
  #vectors = new Float32Array(0);
  #dim = 1;
  #read: (id: number) => Piece = () => ({ id: 0, kind: 'text', text: '' });

  async embed(settings: EmbedSettings): Promise<Embedded> {
    const { text, dim, seed, positions } = settings;
    const start = performance.now();
    const tokenizer = tokenizerFor(settings);
    const ids = tokenizer.encode(text);
    const layer = new EmbeddingLayer({
      vocabSize: tokenizer.vocabSize,
      embeddingDim: dim,
      seed,
      ...(positions ? { scale: true, maxSeqLength: CONTEXT } : { positional: null }),
    });
    const options = positions ? { positionIds: ids.map((_, i) => i % CONTEXT) } : {};
    const vectors = layer.forward(ids, options).data as Float32Array<ArrayBuffer>;
    layer.dispose();
    const ms = performance.now() - start;
    const digest = await sha256(vectors);

    // All at once, and after the last wait: a call in between sees the text before, whole.
    this.#ids = ids;
    this.#vectors = vectors;
    this.#dim = dim;
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
    };
  }

  pieces({ start, count }: Stretch): Piece[] {
    return this.#ids.slice(start, start + count).map(this.#read);
  }

  lens(stretch: Stretch): Lens {
    const pieces = this.pieces(stretch);
    const dim = this.#dim;
    const vectors = this.#vectors.slice(stretch.start * dim, (stretch.start + pieces.length) * dim);
    return { start: stretch.start, pieces, dim, vectors, similarity: cosines(vectors, dim) };
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
