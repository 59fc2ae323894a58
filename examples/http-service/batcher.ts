/**
 * One lookup for everything that was asked for in the same turn of the event loop.
 *
 *   ids    [ first request | second | third ]      looked up at once, into memory that is used again and again
 *   rows   [ its rows      | its .. | its .. ]     each request gets a copy of its part
 */

import { type Embedding, Tensor } from 'tokenbed';

interface Job {
  readonly ids: Tensor<'i32'>;
  readonly resolve: (rows: Float32Array) => void;
  readonly reject: (error: unknown) => void;
}

export class Batcher {
  /** How many lookups there were. */
  lookups = 0;
  readonly #embedding: Embedding;
  readonly #ids: Int32Array;
  readonly #rows: Tensor<'f32'>;
  readonly #waiting: Job[] = [];

  /** No lookup is of more than `maxTokens`, so no request may be. */
  constructor(embedding: Embedding, maxTokens: number) {
    this.#embedding = embedding;
    this.#ids = new Int32Array(maxTokens);
    this.#rows = Tensor.allocate([maxTokens, embedding.embeddingDim]);
  }

  /** The rows of `ids`, in memory of their own. */
  embed(ids: Tensor<'i32'>): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      // After the callbacks for all the sockets that had something to read.
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ ids, resolve, reject });
    });
  }

  #flush(): void {
    const jobs = this.#take();
    if (this.#waiting.length > 0) setImmediate(() => this.#flush());
    let count = 0;
    for (const { ids } of jobs) {
      this.#ids.set(ids.data, count);
      count += ids.size;
    }
    this.lookups++;
    try {
      this.#embedding.forwardInto(this.#ids.subarray(0, count), this.#rows);
    } catch {
      return this.#oneByOne(jobs);
    }
    const rows = this.#rows.data;
    let start = 0;
    for (const { ids, resolve } of jobs) {
      const end = start + ids.size * this.#embedding.embeddingDim;
      resolve(rows.slice(start, end));
      start = end;
    }
  }

  /** Somebody's id does not exist: that request fails, and is told where in its own ids; the others do not. */
  #oneByOne(jobs: readonly Job[]): void {
    for (const { ids, resolve, reject } of jobs) {
      this.lookups++;
      try {
        resolve(this.#embedding.forward(ids).data);
      } catch (error) {
        reject(error);
      }
    }
  }

  /** Those that have waited longest, as many as fit; at least one does. */
  #take(): Job[] {
    let tokens = 0;
    const tooMany = this.#waiting.findIndex(({ ids }) => (tokens += ids.size) > this.#ids.length);
    return this.#waiting.splice(0, tooMany < 0 ? this.#waiting.length : tooMany);
  }

  dispose(): void {
    this.#rows.dispose();
  }
}
