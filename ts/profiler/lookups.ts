/** Timing lookups in a table, beside a plain copy of the same bytes. */

import { expectRoom, resultFloats, type Table } from '../backend/index.js';
import { type Embedding, tableOf } from '../embedding.js';
import { fail } from '../errors.js';
import type { Measuring } from './measuring.js';
import { drawIds } from './patterns.js';
import type { AccessPattern, LookupResult } from './results.js';
import { type Contender, quantile } from './rounds.js';

/** What the seeds call MB. */
export const MIB = 2 ** 20;

/**
 * Successive calls look up successive ids of a pool whose rows together are larger than any cache, if the table is: or
 * a small batch, asked for again and again, would be in cache whatever its pattern.
 */
const POOL_BYTES = 256 * MIB;
const MOST_POOLED = 2 ** 21;
/** A small table has been seen from all sides after so many ids per row. */
const IDS_PER_ROW = 4;
/** Batches of fewer ids are copied out of the pool: as views, they would be so many that they fill the caches. */
const FEW = 64;

/** How many rows of a result are compared with the table. */
const COMPARED = 64;

/** What is looked up. */
export interface LookupPlan {
  readonly embedding: Embedding;
  readonly pattern: AccessPattern;
  readonly seed: number | bigint;
  /** The most tokens of any call. */
  readonly mostTokens: number;
  /** Whether the machine's own copy is timed too, which needs memory as large as the result. */
  readonly besideCopy: boolean;
}

/** Lookups in one table, into memory that all of them share. */
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

  /** Times one configuration beside a copy. */
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

  /** `forwardInto` of `tokens` ids of the pool, then of the next ones. */
  contender(tokens: number): Contender {
    const { embedding } = this.#plan;
    const nextBatch = batches(this.#pool, tokens);
    const out = this.#rows.subarray(0, tokens * this.#table.dim);
    let ids = this.#pool;
    out.fill(NaN); // rows of an earlier contender would hide a call that writes nothing
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

  /** The machine's ceiling: the rows that were just looked up, copied once more. */
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

/** Batch after batch of `tokens` ids, around and around the pool. */
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

/** Compares some rows of a result, spread over it, with the table's, bit for bit. `ERR_INTERNAL` if one differs. */
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
