/** Which backend answers. */

import { backendInfo, Embedding, init } from 'tokenbed';
import { afterEach, beforeEach, expect, inject } from 'vitest';

/** Before and after each test of a file: the backend that this project was given is the one that answers. */
export function answersThroughout(): void {
  beforeEach(expectBackend);
  afterEach(expectBackend);
}

/** Expects that the backend this project was given is the one that answers. */
export function expectBackend(): void {
  expect(backendInfo().name).toBe(inject('backend'));
}

/** Makes the backend of this project the active one again, with its usual module. */
export async function restoreBackend(): Promise<void> {
  await init({ backend: inject('backend') });
  expectBackend();
}

/** A table of `rows` x `dim` whose element [i, j] is 1000 i + j. */
export function countingTable(rows: number, dim: number): Embedding {
  const weight = Float32Array.from({ length: rows * dim }, (_, k) => 1000 * Math.floor(k / dim) + (k % dim));
  return Embedding.fromPretrained(weight, { embeddingDim: dim });
}

/** What looking `ids` up in a `countingTable` must give. */
export function countingRows(ids: readonly number[], dim: number): Float32Array {
  return Float32Array.from(
    { length: ids.length * dim },
    (_, k) => 1000 * ids[Math.floor(k / dim)]! + (k % dim),
  );
}

/** `forward` and `forwardInto` as callers without types see them. */
export interface Untyped {
  forward(ids?: unknown, options?: unknown): ReturnType<Embedding['forward']>;
  forwardInto(ids?: unknown, out?: unknown, options?: unknown): unknown;
}

/** The same object without its types. */
export const untyped = (embedding: Embedding): Untyped => embedding as unknown as Untyped;
