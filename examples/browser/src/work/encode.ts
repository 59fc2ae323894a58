/** Rows of the sinusoidal encoding, for any positions: no table is built. */

import { PositionalEncoding } from 'tokenbed';
import type { Encoding, EncodingSettings } from '../messages.js';

export function encode({ first, count, dim, base, layout }: EncodingSettings): Encoding {
  const encoding = new PositionalEncoding({ embeddingDim: dim, maxSeqLength: 1, base, layout });
  const rows = encoding.encode(Uint32Array.from({ length: count }, (_, i) => first + i)).data;
  const { frequencies } = encoding.visualizeEncoding({ seqLength: 1, dimsToShow: 1, print: () => {} });
  encoding.dispose();
  // Positions run to the right in the picture, so a dimension's wave is a line of it.
  const values = new Float32Array(dim * count);
  for (let position = 0; position < count; position++) {
    for (let d = 0; d < dim; d++) values[d * count + position] = rows[position * dim + d]!;
  }
  return { values, frequencies };
}
