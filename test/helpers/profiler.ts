/**
 * What tests of the profiler share: a profiler that is quick, calls that are watched, clocks that are bad.
 *
 * Functions are replaced by hand: a spy would remember each of some million calls.
 */

import { Embedding, EmbeddingProfiler, type EmbeddingProfilerOptions } from 'tokenbed';
import { onTestFinished } from 'vitest';

/** A profiler that takes the fewest samples. */
export const quick = (options: EmbeddingProfilerOptions = {}): EmbeddingProfiler =>
  new EmbeddingProfiler({ minTimeMs: 0, warmupMs: 0, ...options });

/** Replaces `object[name]` until the returned function is called, at the latest until the end of the test. */
export function replace<T extends object, K extends keyof T>(object: T, name: K, value: T[K]): () => void {
  const own = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { value, writable: true, configurable: true });
  let replaced = true;
  const restore = (): void => {
    if (!replaced) return;
    replaced = false;
    if (own === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, own);
  };
  onTestFinished(restore);
  return restore;
}

/** Calls `seen` before each `forwardInto` of any Embedding; gives what ends that. */
export function watchLookups(seen: (ids: Int32Array, out: Float32Array) => void): () => void {
  const { forwardInto } = Embedding.prototype;
  return replace(Embedding.prototype, 'forwardInto', function (this: Embedding, ids, out, options) {
    seen(ids as Int32Array, out as Float32Array);
    return forwardInto.call(this, ids, out, options);
  } as typeof forwardInto);
}

/** Replaces the monotonic clock, and the wall clock too where one is given; gives what restores them. */
export function useClock(now: () => number, wall = Date.now): () => void {
  const restore = [replace(performance, 'now', now), replace(Date, 'now', wall)];
  return () => restore.forEach((each) => each());
}

/** The clock that was there before any test replaced it. */
export const realNow = performance.now.bind(performance);

/** Every number in a result, by its path. */
export function numbersOf(value: unknown, path = ''): [path: string, value: number][] {
  if (typeof value === 'number') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => numbersOf(each, `${path}.${key}`));
}

/** Those that are 0, NaN, negative or infinite. */
export const impossible = (value: unknown): string[] =>
  numbersOf(value)
    .filter(([, each]) => !(each > 0 && each < Infinity))
    .map(([path, each]) => `${path} = ${each}`);
