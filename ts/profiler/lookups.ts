/** Times lookups in a table, interleaved with a plain copy of the same bytes. */

import { expectRoom, resultFloats, type Table } from '../backend/index.js';
import { type Embedding, tableOf } from '../embedding.js';
import { fail } from '../errors.js';
import type { Measuring } from './measuring.js';
import { drawIds } from './patterns.js';
import type { AccessPattern, LookupResult } from './results.js';
import { type Contender, quantile } from './rounds.js';

/** TinyTorch's MB. */
export const MIB = 2 ** 20;

/**
 * Successive calls look up successive ids of a pool. Its rows exceed any cache if the table does. A single small batch
 * would always be in cache, with any pattern.
 */
const POOL_BYTES = 256 * MIB;
const MOST_POOLED = 2 ** 21;
/** Enough ids per row to cover a small table. */
const IDS_PER_ROW = 4;
/** Smaller batches are copied out of the pool: there would be so many views that they fill the caches. */
const FEW = 64;

/** How many rows of a result are compared with the table. */
const COMPARED = 64;

/** The arguments of {@link Lookups}. */
export interface LookupPlan {
  readonly embedding: Embedding;
  readonly pattern: AccessPattern;
  readonly seed: number | bigint;
  /** The most tokens of any call. */
  readonly mostTokens: number;
  /** Whether to time a plain copy, too. It takes memory as large as the result. */
  readonly besideCopy: boolean;
}

/** Lookups in one table, into shared memory. */
export class Lookups {
  readonly #plan: LookupPlan;
  readonly #table: Table;
  readonly #pool: Int32Array;
  readonly #rows: Float32Array;
  readonly #copied: Float32Array;

  /** `ERR_TOO_LARGE` for results that do not fit, before anything is allocated. */
  constructor(plan: LookupPlan) {
    const { embedding, pattern, seed, mostTokens, besideCopy } = plan;
    const { vocabSize, embeddingDim } = embedding;
    const wanted = Math.min(MOST_POOLED, Math.ceil(POOL_BYTES / (4 * embeddingDim)), IDS_PER_ROW * vocabSize);
    const pooled = Math.max(mostTokens, wanted);
    const length = mostTokens * embeddingDim;
    const copied = besideCopy ? length : 0;
    expectRoom('Ids, result and copy', 4 * (pooled + length + copied));
    this.#plan = plan;
    this.#table = tableOf(embedding);
    this.#rows = resultFloats(length);
    this.#copied = resultFloats(copied);
    this.#pool = drawIds(pattern, vocabSize, pooled, seed);
  }

  /** Times one configuration, interleaved with a copy. */
  measure(
    { batchSize, seqLength }: { readonly batchSize: number; readonly seqLength: number },
    measuring: Measuring,
  ): LookupResult {
    const totalTokens = batchSize * seqLength;
    const inputMemoryMb = (4 * totalTokens) / MIB;
    const outputMemoryMb = (4 * totalTokens * this.#table.dim) / MIB;
    const [lookup, copy] = measuring.time(this.contender(totalTokens), this.#copy(totalTokens));
    const { medianMs, rounds, calls } = lookup!;
    const seconds = medianMs / 1000;
    const machineBandwidthMbS = outputMemoryMb / (copy!.medianMs / 1000);
    return {
      batchSize,
      seqLength,
      totalTokens,
      lookupTimeMs: medianMs,
      tokensPerSecond: totalTokens / seconds,
      inputMemoryMb,
      outputMemoryMb,
      memoryBandwidthMbS: (inputMemoryMb + outputMemoryMb) / seconds,
      timePerTokenUs: (medianMs * 1000) / totalTokens,
      p10Ms: quantile(rounds, 0.1),
      p90Ms: quantile(rounds, 0.9),
      iterations: calls,
      machineBandwidthMbS,
      bandwidthUtilization: outputMemoryMb / seconds / machineBandwidthMbS,
      pattern: this.#plan.pattern,
      backend: this.#table.backend.name,
    };
  }

  /** Calls `forwardInto` with successive batches of `tokens` ids of the pool. */
  contender(tokens: number): Contender {
    const { embedding } = this.#plan;
    const nextBatch = batches(this.#pool, tokens);
    const out = this.#rows.subarray(0, tokens * this.#table.dim);
    let ids = this.#pool;
    out.fill(NaN); // otherwise rows of an earlier contender would hide a call that writes nothing
    return {
      bytes: 4 * tokens * (1 + this.#table.dim),
      run(calls) {
        for (let i = 0; i < calls; i++) {
          ids = nextBatch();
          embedding.forwardInto(ids, out);
        }
      },
      check: () => expectRows(embedding, ids, out),
    };
  }

  /** The upper limit on this machine: a plain copy of the rows of the last lookup. */
  #copy(tokens: number): Contender {
    const length = tokens * this.#table.dim;
    const [from, to] = [this.#rows.subarray(0, length), this.#copied.subarray(0, length)];
    return {
      bytes: 4 * length,
      run(calls) {
        for (let i = 0; i < calls; i++) to.set(from);
      },
    };
  }
}

/** Cycles through the pool in batches of `tokens` ids. */
function batches(pool: Int32Array, tokens: number): () => Int32Array {
  let next = 0;
  if (tokens < FEW) {
    const ids = new Int32Array(tokens);
    return () => {
      if (next + tokens > pool.length) next = 0;
      for (let i = 0; i < tokens; i++) ids[i] = pool[next + i]!;
      next += tokens;
      return ids;
    };
  }
  const views = Array.from({ length: Math.floor(pool.length / tokens) }, (_, k) =>
    pool.subarray(k * tokens, (k + 1) * tokens),
  );
  return () => {
    const ids = views[next]!;
    next = next + 1 < views.length ? next + 1 : 0;
    return ids;
  };
}

/** Compares evenly spaced rows of a result with the table, bit for bit. `ERR_INTERNAL` if one differs. */
function expectRows(embedding: Embedding, ids: Int32Array, out: Float32Array): void {
  const { embeddingDim, weight } = embedding;
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  const row = new Float32Array(embeddingDim);
  const expected = new Uint32Array(row.buffer);
  const step = Math.max(1, (ids.length - 1) / (COMPARED - 1));
  for (let place = 0; Math.round(place) < ids.length; place += step) {
    const i = Math.round(place);
    weight.row(ids[i]!, row);
    const start = i * embeddingDim;
    if (expected.every((word, column) => word === bits[start + column])) continue;
    const text = `The lookup that was measured gave a wrong row: id ${ids[i]} at [${i}]`;
    throw fail(Error, 'ERR_INTERNAL', text, { id: ids[i], position: i });
  }
}
