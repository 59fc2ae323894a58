/**
 * Combines all requests of one event loop iteration into a single lookup.
 *
 *   ids    [ request 1 | request 2 | request 3 ]   one lookup into a reused buffer
 *   rows   [ rows of 1 | rows of 2 | rows of 3 ]   each request gets a copy of its rows
 */

import { type Embedding, Tensor } from 'tokenbed';

interface Job {
  readonly ids: Tensor<'i32'>;
  readonly resolve: (rows: Float32Array) => void;
  readonly reject: (error: unknown) => void;
}

export class Batcher {
  /** The number of lookups so far. */
  lookups = 0;
  readonly #embedding: Embedding;
  readonly #ids: Int32Array;
  readonly #rows: Tensor<'f32'>;
  readonly #waiting: Job[] = [];

  /** `maxTokens` is the limit of a lookup, and therefore of a request. */
  constructor(embedding: Embedding, maxTokens: number) {
    this.#embedding = embedding;
    this.#ids = new Int32Array(maxTokens);
    this.#rows = Tensor.allocate([maxTokens, embedding.embeddingDim]);
  }

  /** Returns the rows of `ids` in a new array. */
  embed(ids: Tensor<'i32'>): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      // Runs after the callbacks of all sockets with incoming data.
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

  /** Handles an id out of range: only that request fails, and the error has the position within its ids. */
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

  /** Takes the oldest jobs that fit into one lookup. At least one fits. */
  #take(): Job[] {
    let tokens = 0;
    const tooMany = this.#waiting.findIndex(({ ids }) => (tokens += ids.size) > this.#ids.length);
    return this.#waiting.splice(0, tooMany < 0 ? this.#waiting.length : tooMany);
  }

  dispose(): void {
    this.#rows.dispose();
  }
}
