/** Copies of fetched files, kept between sessions. */

import type { OrdinaryBytes } from '../args/arrays.js';
import type { Named } from '../args/options.js';
import { hostFiles } from '../backend/index.js';
import { wrongKind, wrongValue } from '../errors.js';
import { allocate, type Next } from './input.js';
import type { ResponseLike } from './source.js';

/** A store of responses by URL, such as a `Cache` of a browser. */
export interface ResponseCache {
  /** The response that was stored for a URL; `undefined` or null if there is none. */
  match(url: string): ResponseLike | null | undefined | Promise<ResponseLike | null | undefined>;
  /**
   * Stores a response. It reads the body to its end; a body that fails must leave no entry. A load waits for it, unless it is
   * aborted or fails.
   */
  put(url: string, response: ResponseLike): unknown;
}

/** An opened cache. */
export interface OpenCache {
  /** A response, or the path of a file. */
  match(url: string): Promise<ResponseLike | string | undefined>;
  put(url: string, response: ResponseLike): unknown;
  /** Whether `put` keeps no piece of a body: it has copied one when it reads the next. */
  readonly copies: boolean;
  /** Whether a part of a body can be seen before `put` settles: a load that fails waits until it is removed. */
  readonly partial: boolean;
}

/** The option `cache`: the name of a CacheStorage in a browser, a folder in Node, or an object. */
export function readCache({ cache }: Named): string | ResponseCache | undefined {
  if (cache === undefined) return undefined;
  const wanted = 'the name of a cache, a folder (in Node), or an object with match and put';
  if (typeof cache === 'string') {
    if (cache === '') throw wrongValue('cache', cache, wanted);
    return cache;
  }
  const { match, put } = (cache ?? {}) as Partial<ResponseCache>;
  if (typeof match !== 'function' || typeof put !== 'function') throw wrongKind('cache', cache, wanted);
  return cache as ResponseCache;
}

/** Opens the cache. Errors: `ERR_INVALID_OPTION` if this host has no CacheStorage; what the host throws. */
export async function openCache(cache: string | ResponseCache): Promise<OpenCache> {
  if (typeof cache === 'string') {
    const files = hostFiles();
    if (files !== undefined) return files.cache(cache);
    const { caches } = globalThis as { readonly caches?: { open(name: string): Promise<ResponseCache> } };
    if (caches === undefined) {
      throw wrongValue('cache', cache, 'an object with match and put: this page has no CacheStorage');
    }
    return opened(await caches.open(cache), true);
  }
  return opened(cache, false);
}

const opened = (cache: ResponseCache, copies: boolean): OpenCache => ({
  copies,
  partial: false,
  match: async (url) => (await cache.match(url)) ?? undefined,
  put: (url, response) => cache.put(url, response),
});

/**
 * A second reader of a stream: `put` of a cache. It never lags behind by more than one piece, so nothing is collected, and
 * its body ends only when the whole file was checked.
 */
export class Copy {
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #pulled!: () => void;
  #wanted!: Promise<unknown>;
  readonly #stored: Promise<unknown>;
  /** Whether `put` has returned: it may have read nothing. */
  #settled = false;
  #ended = false;
  readonly #cache: OpenCache;
  /** The bytes of the last piece, if the cache has copied it when it reads the next one. */
  #piece: OrdinaryBytes = new Uint8Array(0);

  constructor(cache: OpenCache, url: string, headers: Record<string, string>) {
    this.#cache = cache;
    this.#wait();
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#pulled(),
        cancel: () => {
          this.#settled = true;
          this.#pulled();
        },
      },
      { highWaterMark: 0 },
    );
    this.#stored = (async () => cache.put(url, new Response(body, { headers })))();
    const settle = (): void => {
      this.#settled = true;
      this.#pulled();
    };
    this.#stored.then(settle, settle);
  }

  #wait(): void {
    this.#wanted = new Promise<void>((resolve) => {
      this.#pulled = resolve;
    });
  }

  /** Passes bytes on. Rejects with what `put` throws. */
  async push(bytes: Uint8Array): Promise<void> {
    await this.#wanted;
    if (this.#settled) {
      await this.#stored;
      return;
    }
    this.#wait();
    this.#controller.enqueue(this.#cache.copies ? this.#inPlace(bytes) : bytes.slice());
  }

  /** A copy in the same memory each time. A copy of its own for each piece would be garbage as large as the file. */
  #inPlace(bytes: Uint8Array): Uint8Array {
    if (this.#piece.length < bytes.length) this.#piece = allocate(bytes.length);
    this.#piece.set(bytes);
    return this.#piece.subarray(0, bytes.length);
  }

  /** Ends the body and waits for `put`. Rejects with what it throws. */
  async end(): Promise<void> {
    this.#ended = true;
    if (!this.#settled) this.#controller.close();
    await this.#stored;
  }

  /**
   * Fails the body, unless it has ended. Idempotent. It waits for `put` only where that removes a part of a file: `put` of a
   * program may never settle.
   */
  async abort(reason: unknown): Promise<void> {
    if (!this.#ended) this.#controller.error(reason);
    if (this.#cache.partial) await this.#stored.catch(() => {});
  }

  /** A reader that passes all bytes on. */
  through(next: Next): Next {
    return async () => {
      const bytes = await next();
      if (bytes !== null && bytes.length > 0) await this.push(bytes);
      return bytes;
    };
  }
}
