/** The comparison of sinusoidal and learned positions. */

import { expectRoom, resultFloats } from '../backend/index.js';
import { fail } from '../errors.js';
import { LearnedPositionalEmbedding } from '../learned-positional-embedding.js';
import { PositionalEncoding } from '../positional-encoding.js';
import { tensorOf } from '../tensor.js';
import { MIB } from './lookups.js';
import type { Measuring } from './measuring.js';
import type { PositionalResult, PositionalResults } from './results.js';
import type { Contender } from './rounds.js';

/** The number of sequences that positions are added to. */
export const BATCH = 16;

/** The value of every element that positions are added to. */
const ADDED_TO = 0.5;
/** Computing a row takes several times as long as moving it. */
const MAKING = 8;

interface Sizes {
  readonly embeddingDim: number;
  readonly maxSeqLength: number;
}

/** One kind of positions: an instance, and how to create and read one. */
interface Kind {
  readonly layer: PositionalEncoding | LearnedPositionalEmbedding;
  /** Creates another instance. */
  readonly make: () => { dispose(): void };
  /** A row of its table. */
  readonly row: (position: number) => Float32Array;
  /** How it handles positions beyond its table. */
  readonly extrapolation: string;
}

function sinusoidal(sizes: Sizes): Kind {
  const make = () => new PositionalEncoding({ ...sizes, seed: 0 });
  const layer = make();
  const extrapolation =
    'Good (can handle longer sequences: encode() gives any position below 2^32, ' +
    `forward() the ${sizes.maxSeqLength} of its table)`;
  return { layer, make, row: (position) => layer.encode(position).data, extrapolation };
}

function learned(sizes: Sizes): Kind {
  const make = () => new LearnedPositionalEmbedding({ ...sizes, seed: 0 });
  const layer = make();
  const extrapolation = `Limited (fixed max sequence length: ${sizes.maxSeqLength})`;
  return { layer, make, row: (position) => layer.positionEmbedding.weight.row(position), extrapolation };
}

/** Compares both kinds, added to `[16, seqLength, D]`. The tables have 2 * seqLength positions. */
export function comparePositions(
  { seqLength, embeddingDim }: { readonly seqLength: number; readonly embeddingDim: number },
  measuring: Measuring,
): PositionalResults {
  const sizes = { embeddingDim, maxSeqLength: 2 * seqLength };
  const tableBytes = 4 * sizes.maxSeqLength * embeddingDim;
  const length = BATCH * seqLength * embeddingDim;
  // The embeddings and the result; two tables, and a third one that is constructed repeatedly.
  expectRoom('The comparison', 2 * 4 * length + 3 * tableBytes);
  const x = tensorOf(resultFloats(length).fill(ADDED_TO), Object.freeze([BATCH, seqLength, embeddingDim]));
  const out = resultFloats(length);

  const computing = ({ layer, row }: Kind): Contender => ({
    bytes: 4 * length,
    run: repeated(() => layer.forwardInto(x, out)),
    check() {
      layer.forwardInto(x, out); // both kinds write to `out`
      expectSums(out, seqLength, row);
    },
  });
  const constructing = ({ make }: Kind): Contender => ({
    bytes: MAKING * tableBytes,
    run: repeated(() => make().dispose()),
  });

  const open: Kind[] = [];
  try {
    for (const make of [sinusoidal, learned]) open.push(make(sizes));
    const phases = [
      ['computation', computing],
      ['construction', constructing],
    ] as const;
    const timings = measuring.each(phases, (contender) => measuring.time(...open.map(contender)));
    const [first, second] = open.map(({ layer, extrapolation }, i): PositionalResult => {
      const parameters = layer.parameters.reduce((sum, { size }) => sum + size, 0);
      return {
        computationTimeMs: timings['computation']![i]!.medianMs,
        constructionTimeMs: timings['construction']![i]!.medianMs,
        memoryUsageMb: (4 * parameters) / MIB,
        tableMemoryMb: tableBytes / MIB,
        parameters,
        deterministic: true,
        extrapolation,
      };
    });
    return { sinusoidal: first!, learned: second! };
  } finally {
    for (const { layer } of open) layer.dispose();
  }
}

const repeated = (call: () => void) => (calls: number) => {
  for (let i = 0; i < calls; i++) call();
};

/** Checks the sums of the first and last sequence at the first and last position. `ERR_INTERNAL` if one is wrong. */
function expectSums(out: Float32Array, seqLength: number, row: (position: number) => Float32Array): void {
  for (const position of [0, seqLength - 1]) {
    const wanted = row(position).map((value) => value + ADDED_TO);
    for (const sequence of [0, BATCH - 1]) {
      const start = (sequence * seqLength + position) * wanted.length;
      if (wanted.every((value, column) => value === out[start + column])) continue;
      const text = `What was measured added wrong positions: sequence ${sequence}, position ${position}`;
      throw fail(Error, 'ERR_INTERNAL', text, { sequence, position });
    }
  }
}
