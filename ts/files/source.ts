/** Where a file comes from: paths, addresses, bytes, Blobs, responses and streams, as inputs. */

import {
  describeGone,
  isGone,
  isShared,
  kindOf,
  type OrdinaryBytes,
  type TypedArray,
} from '../args/arrays.js';
import { hostFiles } from '../backend/index.js';
import {
  describe,
  fail,
  hasCode,
  invalidArray,
  type TokenbedError,
  tooLarge,
  withArticle,
  wrongKind,
  wrongValue,
} from '../errors.js';
import type { OpenFile } from '../hosts/files.js';
import { Copy, type OpenCache, openCache, type ResponseCache } from './cache.js';
import {
  allocate,
  BytesInput,
  type Input,
  joined,
  lengthChanged,
  malformed,
  type Next,
  type Owner,
  PIECE,
  RandomInput,
  type ReadAt,
  SequentialInput,
} from './input.js';
import { askHeader, type FileFormat, type HeaderKernels } from './header.js';
import { type FileBackend, HashCheck, type OnLoadProgress, ProgressReports } from './monitor.js';
import { run, type LoadSignal, type Steps, until, wait } from './steps.js';

/** The part of a `URL` that is used. */
export interface UrlLike {
  /** The whole address. */
  readonly href: string;
  /** The scheme with its colon. */
  readonly protocol: string;
}

/** The part of a `Blob` or `File` that is used. */
export interface BlobLike {
  /** Its bytes. */
  readonly size: number;
  /** A part of it. */
  slice(start?: number, end?: number): BlobLike;
  /** Reads all of it. */
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** The part of a `ReadableStream` that is used. */
export interface StreamLike {
  /** Locks the stream for one reader. */
  getReader(): unknown;
}

/** The part of a `Response` that is used. */
export interface ResponseLike {
  /** Whether the status is 2xx. */
  readonly ok: boolean;
  /** The HTTP status. */
  readonly status: number;
  /** The address after redirects; empty if a program made the response. */
  readonly url: string;
  /** The headers. */
  readonly headers: {
    /** The value of a header; null if it is absent. */
    get(name: string): string | null;
  };
  /** A stream of bytes, or null. */
  readonly body: unknown;
  /** Whether the body was read before. */
  readonly bodyUsed: boolean;
}

/**
 * The source of a file. A string is a path in Node and a URL in a browser. A URL may be `file:` (in Node), `http:`,
 * `https:`, `blob:` or `data:`. Streams yield `Uint8Array`s.
 */
export type Source =
  | string
  | UrlLike
  | ArrayBuffer
  | ArrayBufferView
  | BlobLike
  | ResponseLike
  | StreamLike
  | AsyncIterable<Uint8Array>;

/** The sources that can be read synchronously. */
export type SyncSource = string | UrlLike | ArrayBuffer | ArrayBufferView;

/** How a source is read. */
export interface ReadOptions {
  /** The format, for files that are not recognized. */
  readonly format?: FileFormat | undefined;
  readonly onProgress?: OnLoadProgress | undefined;
  readonly signal?: LoadSignal | undefined;
  /** 64 hexadecimal digits. */
  readonly sha256?: string | undefined;
  readonly cache?: string | ResponseCache | undefined;
  /** Reads the header of a file; absent for files that have none. */
  readonly headers?: HeaderKernels | undefined;
}

const ACCEPTED = 'a path or URL, bytes, a Blob, a Response, or a stream of bytes';

const tag = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

/**
 * The bytes of a BufferSource; `undefined` for anything else. Shared bytes are copied.
 *
 * Errors: `ERR_INVALID_ARRAY` with the name of the argument if it is detached, or outside its shrunk buffer.
 */
export function bytesOf(source: unknown, argument: string): Uint8Array | undefined {
  if (typeof source !== 'object' || source === null) return undefined;
  const accepted = 'bytes that can be read';
  if (kindOf(source) !== undefined && isGone(source as TypedArray)) {
    throw invalidArray(argument, accepted, describeGone(source as TypedArray));
  }
  const kind = tag(source);
  try {
    if (kind === 'ArrayBuffer' || kind === 'SharedArrayBuffer') return owned(source as ArrayBuffer);
    if (!ArrayBuffer.isView(source)) return undefined;
    const { buffer, byteOffset, byteLength } = source;
    return owned(buffer, byteOffset, byteLength);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalidArray(argument, accepted, `${withArticle(kind)} that is detached or outside its buffer`);
  }
}

function owned(buffer: ArrayBufferLike, offset = 0, length = buffer.byteLength - offset): Uint8Array {
  const bytes = new Uint8Array(buffer, offset, length);
  return isShared(buffer) ? bytes.slice() : bytes;
}

const isUrl = (source: unknown): source is UrlLike => {
  const { href, protocol } = source as Partial<UrlLike>;
  return typeof href === 'string' && typeof protocol === 'string';
};

/** A source, by its kind. */
type Kind =
  | { readonly path: string }
  | { readonly url: string }
  | { readonly bytes: Uint8Array }
  | { readonly blob: BlobLike }
  | { readonly response: ResponseLike }
  | { readonly stream: StreamLike }
  | { readonly iterable: AsyncIterable<unknown> };

const SCHEMES = ['http:', 'https:', 'blob:', 'data:'];

/** Recognizes a source. Errors: `ERR_INVALID_OPTION` with the option `source`. */
function kindOfSource(source: unknown): Kind {
  const files = hostFiles();
  if (typeof source === 'string') {
    if (source === '') throw wrongValue('source', source, ACCEPTED);
    return files === undefined ? { url: source } : { path: source };
  }
  if (typeof source !== 'object' || source === null) throw wrongKind('source', source, ACCEPTED);
  const bytes = bytesOf(source, 'source');
  if (bytes !== undefined) return { bytes };
  if (isUrl(source)) {
    if (files !== undefined && source.protocol === 'file:') return { path: files.pathOf(source.href) };
    if (SCHEMES.includes(source.protocol)) return { url: source.href };
    const schemes = files === undefined ? SCHEMES : ['file:', ...SCHEMES];
    throw wrongValue('source', source.href, `a URL with one of the schemes ${schemes.join(' ')}`);
  }
  const { slice, size, status, headers, getReader } = source as Partial<BlobLike & ResponseLike & StreamLike>;
  if (typeof slice === 'function' && typeof size === 'number') return { blob: source as BlobLike };
  if (typeof status === 'number' && typeof headers?.get === 'function') {
    return { response: source as ResponseLike };
  }
  if (typeof getReader === 'function') return { stream: source as StreamLike };
  if (typeof (source as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function') {
    return { iterable: source as AsyncIterable<unknown> };
  }
  throw wrongKind('source', source, ACCEPTED);
}

/** Opens a source that can be read synchronously. Errors: `ERR_INVALID_OPTION`; system errors. */
export function openSync(source: unknown): Input {
  const kind = kindOfSource(source);
  if ('bytes' in kind) return new BytesInput(kind.bytes);
  const files = hostFiles();
  if (!('path' in kind) || files === undefined) {
    throw wrongKind('source', source, 'a path, a file: URL or bytes (load reads other sources)');
  }
  const open = (path: string): Input => {
    const file = files.openSync(path);
    try {
      if (file.size === null) return new BytesInput(collectSync(file), path);
      return new RandomInput(path, file.size, readAt(file), ownerOf(file, file.size, open));
    } catch (error) {
      void file.close();
      throw error;
    }
  };
  return open(kind.path);
}

const readAt =
  (file: OpenFile): ReadAt =>
  (into, offset) =>
    file.read(into, offset);

/** Closes a file at the end, after a check that its length has not changed. */
function ownerOf(file: OpenFile, size: number, open: (path: string) => Input | Promise<Input>): Owner {
  const expectSize = (length: number): void => {
    if (length !== size) throw lengthChanged(file.path, length, size);
  };
  return {
    fd: file.fd,
    finished() {
      const length = file.length();
      return typeof length === 'number' ? expectSize(length) : length.then(expectSize);
    },
    closed: () => file.close(),
    sibling: (name) => open(file.sibling(name)),
  };
}

/** The bytes of a pipe or a device up to its end. */
function collectSync(file: OpenFile): OrdinaryBytes {
  const parts: OrdinaryBytes[] = [];
  for (let length = 0; ;) {
    const part = new Uint8Array(2 ** 16);
    const count = file.read(part, null) as number;
    if (count === 0) {
      void file.close();
      return joined(parts, length);
    }
    parts.push(part.subarray(0, count));
    length += count;
  }
}

/** Opens sources of any kind. */
export class Opener {
  /** Whether a cache had the file. */
  hit = false;
  /** Whether the announced length may be that of an encoded body: other origins need not show the encoding. */
  uncertain = false;

  /** `refresh`: files are fetched although the cache has them; `lengths`: whether announced lengths are believed. */
  constructor(
    private readonly backend: FileBackend,
    private readonly options: ReadOptions,
    private readonly refresh = false,
    private readonly lengths = true,
  ) {}

  /**
   * Opens a source. Bytes need no promise. After an abort the promise rejects, when nothing is left open. Errors:
   * `ERR_INVALID_OPTION`; `ERR_FORMAT` for a response that failed; what the host throws.
   */
  open(source: unknown): Input | Promise<Input> {
    const kind = kindOfSource(source);
    if ('bytes' in kind) return this.#bytes(kind.bytes);
    if ('path' in kind) return this.#file(kind.path);
    if ('url' in kind) return this.#url(kind.url);
    if ('blob' in kind) return this.#blob(kind.blob);
    if ('response' in kind) return this.#response(kind.response, kind.response.url || 'bytes');
    const stream = 'stream' in kind ? readerOf(kind.stream) : iteratorOf(kind.iterable);
    return this.#stream('bytes', null, stream);
  }

  #bytes(bytes: Uint8Array): Input {
    const { sha256, onProgress } = this.options;
    if (sha256 !== undefined) {
      const hash = new HashCheck(this.backend, sha256);
      try {
        hash.push(bytes);
        hash.expect('bytes');
      } finally {
        hash.dispose();
      }
    }
    const progress = new ProgressReports(onProgress, bytes.length);
    return new BytesInput(bytes, 'bytes', () => progress.end());
  }

  async #file(path: string): Promise<Input> {
    const file = await until(hostFiles()!.open(path), this.options.signal, (late) => late.close());
    try {
      if (file.size === null) {
        const next = async (): Promise<Uint8Array | null> => {
          const part = new Uint8Array(2 ** 16);
          const count = await file.read(part, null);
          return count === 0 ? null : part.subarray(0, count);
        };
        return await this.#stream(path, null, { next, cancel: async () => file.close() });
      }
      const owner = ownerOf(file, file.size, (sibling) =>
        new Opener(this.backend, this.#forShards).#file(sibling),
      );
      return this.#random(path, file.size, readAt(file), owner);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The options for other files that belong to the source. */
  get #forShards(): ReadOptions {
    return { ...this.options, sha256: undefined };
  }

  #blob(blob: BlobLike): Input | Promise<Input> {
    const read: ReadAt = async (into, offset) => {
      const part = await blob.slice(offset, offset + into.length).arrayBuffer();
      into.set(new Uint8Array(part));
      return part.byteLength;
    };
    const { name } = blob as { readonly name?: unknown };
    return this.#random(typeof name === 'string' && name !== '' ? name : 'bytes', blob.size, read, {});
  }

  async #url(url: string): Promise<Input> {
    const { cache, signal } = this.options;
    const store = cache === undefined ? undefined : await until(openCache(cache), signal);
    if (store !== undefined && !this.refresh) {
      const found = await until(store.match(url), signal);
      this.hit = found !== undefined;
      if (typeof found === 'string') return this.#file(found);
      if (found !== undefined) return this.#response(found, url, undefined, typeof cache === 'string');
    }
    // Only an AbortSignal of this realm; the reads stop at any other signal, too.
    const abortable = signal instanceof AbortSignal ? { signal } : {};
    const response = await until(fetch(url, abortable), signal, (late) => late.body?.cancel());
    this.uncertain =
      response.type === 'cors' &&
      response.headers.get('content-length') !== null &&
      response.headers.get('content-encoding') === null;
    return this.#response(response, url, store);
  }

  /** `ofHost`: the body is a stream of the host, not of the caller. */
  async #response(
    response: ResponseLike,
    url: string,
    store?: OpenCache,
    ofHost = response.url !== '',
  ): Promise<Input> {
    const { body, headers } = response;
    if (response.bodyUsed) {
      throw wrongKind('source', response, 'a Response whose body has not been read');
    }
    const length = headers.get('content-encoding') === null ? headers.get('content-length') : null;
    const total = this.lengths && length !== null && /^[0-9]+$/.test(length) ? Number(length) : null;
    // Pieces of a body of unknown length are collected.
    const intoOne = ofHost && total !== null;
    const stream = body === null || body === undefined ? EMPTY : readerOf(body as StreamLike, intoOne);
    if (!response.ok) {
      await stream.cancel();
      throw badResponse(url, response, 'the server must send the file');
    }
    const copied: Record<string, string> = {};
    for (const name of ['content-type', ...(total === null ? [] : ['content-length'])]) {
      const value = headers.get(name);
      if (value !== null) copied[name] = value;
    }
    const copy = store === undefined ? undefined : new Copy(store, url, copied);
    const sibling = (name: string): Promise<Input> =>
      new Opener(this.backend, this.#forShards, this.refresh, this.lengths).#url(
        besideUrl(response.url || url, name),
      );
    const whole = total === null ? stream : this.#wholeBody(url, response, stream, total);
    return this.#stream(url, total, whole, copy, sibling);
  }

  /** A body that must have as many bytes as its header announces. */
  #wholeBody(url: string, response: ResponseLike, stream: Stream, total: number): Stream {
    let received = 0;
    const next: Next = async () => {
      let cause: unknown;
      try {
        const bytes = await stream.next();
        received += bytes?.length ?? 0;
        if (bytes !== null ? received <= total : received === total) return bytes;
      } catch (error) {
        // A connection that is cut makes the engine throw an error of its own.
        if (this.options.signal?.aborted === true || hasCode(error, 'ERR_INVALID_ARRAY')) throw error;
        cause = error;
      }
      const end = received > total ? 'has more bytes' : `ends after ${received} bytes`;
      throw badResponse(url, response, `Content-Length is ${total} and the body ${end}`, cause);
    };
    return { next, cancel: stream.cancel };
  }

  #random(name: string, total: number, read: ReadAt, owner: Owner): Input | Promise<Input> {
    if (this.options.sha256 === undefined) {
      const progress = new ProgressReports(this.options.onProgress, total);
      return new RandomInput(name, total, read, {
        ...owner,
        onBytes: (end) => progress.at(end),
        async finished() {
          await owner.finished?.();
          progress.end();
        },
      });
    }
    // The hash needs all bytes in order.
    let at = 0;
    const piece = allocate(Math.min(PIECE, total));
    const next: Next = async () => {
      if (at === total) return null;
      const count = await read(piece.subarray(0, total - at), at);
      if (count === 0) throw lengthChanged(name, at, total);
      at += count;
      return piece.subarray(0, count);
    };
    return this.#stream(name, total, { next, cancel: async () => {} }, undefined, undefined, owner);
  }

  /** Bytes in order, hashed and counted as they pass. If their number is unknown, they are collected first. */
  async #stream(
    name: string,
    total: number | null,
    stream: Stream,
    copy?: Copy,
    sibling?: Owner['sibling'],
    source: Owner = {},
  ): Promise<Input> {
    const { sha256, onProgress, signal } = this.options;
    const progress = new ProgressReports(onProgress, total);
    const hash = sha256 === undefined ? undefined : new HashCheck(this.backend, sha256);
    let loaded = 0;
    const next: Next = async () => {
      const bytes = await stream.next();
      if (bytes === null) return null;
      loaded += bytes.length;
      hash?.push(bytes);
      if (bytes.length > 0) await copy?.push(bytes);
      progress.at(loaded);
      return bytes;
    };
    const owner: Owner = {
      ...source,
      sibling: sibling ?? source.sibling,
      async finished() {
        hash?.expect(name);
        await source.finished?.();
        await copy?.end();
        progress.end();
      },
      async closed() {
        hash?.dispose();
        await stream.cancel();
        await copy?.abort(new Error('the file was not loaded'));
        await source.closed?.();
      },
    };
    if (total !== null) return new SequentialInput(name, total, next, owner);
    try {
      const parts = await run(collect(this.backend.limit, name, this.options, next), signal);
      return new SequentialInput(name, loaded, async () => parts.shift() ?? null, owner);
    } catch (error) {
      await owner.closed?.();
      throw error;
    }
  }
}

/**
 * Collects a stream of unknown length. The header of a long one is read after the first megabyte, so that a stream that is
 * no file, or has more bytes than its header says, is refused before it fills the memory.
 */
function* collect(
  limit: number,
  name: string,
  { format, headers }: ReadOptions,
  next: Next,
): Steps<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  let [loaded, needed, end] = [0, PIECE, limit];
  for (;;) {
    const part = yield* wait(next());
    if (part === null) return parts;
    if (part.length === 0) continue;
    parts.push(part);
    loaded += part.length;
    if (headers !== undefined && loaded >= needed) {
      const answer = askHeader(headers, name, joined(parts, loaded), Infinity, format);
      needed = answer.more ?? Infinity;
      const ends = (answer.tensors ?? []).map(({ offset, bytes }) => offset + bytes);
      // GGUF files may have padding behind the last tensor.
      if (ends.length > 0) end = Math.max(...ends) + PIECE;
    }
    if (loaded > limit) throw tooLarge('A stream of unknown length', loaded, limit);
    if (loaded > end) throw malformed(name, 'the data go on behind their end', { byte: end - PIECE });
  }
}

/** `ERR_FORMAT`: a response that is not the whole file. */
function badResponse(url: string, { status }: ResponseLike, rule: string, cause?: unknown): TokenbedError {
  const text = `${url}: ${rule}: HTTP status ${status}`;
  return fail(Error, 'ERR_FORMAT', text, { path: url, url, status, rule, cause });
}

/** The address of a file in the folder of `url`. */
function besideUrl(url: string, name: string): string {
  const { location } = globalThis as { readonly location?: { readonly href: string } };
  return new URL(encodeURIComponent(name), new URL(url, location?.href)).href;
}

/** A stream of bytes. */
interface Stream {
  readonly next: Next;
  /** Frees it before its end, without waiting for a source that may never answer. Idempotent. */
  cancel(): Promise<void>;
}

const EMPTY: Stream = { next: async () => null, cancel: async () => {} };

/** A piece of a stream. Errors: `ERR_INVALID_ARRAY`. */
function pieceOf(value: unknown): Uint8Array {
  if (kindOf(value) === 'Uint8Array') return value as Uint8Array;
  throw invalidArray('source', 'a stream of Uint8Array', describe(value));
}

/** The bytes that are read at once from a stream of the host. */
const STREAM_PIECE = 2 ** 18;

/** `intoOne`: into one array, again and again. An array for each piece would be garbage as large as the file. */
function readerOf(stream: StreamLike, intoOne = false): Stream {
  const reader =
    (intoOne ? intoOneArray(stream) : undefined) ??
    (stream.getReader() as ReadableStreamDefaultReader<unknown>);
  let ended = false;
  return {
    async next() {
      const { done, value } = await reader.read();
      ended = done;
      return done ? null : pieceOf(value);
    },
    async cancel() {
      if (ended) return;
      ended = true;
      reader.cancel().catch(() => {}); // a stream that failed also fails here
    },
  };
}

/**
 * Reads a stream into the same memory each time; `undefined` if the stream cannot do that. A piece is valid until the next
 * one. Streams of callers are not read like this: many of them never answer such a read at their end.
 */
function intoOneArray(
  stream: StreamLike,
): Pick<ReadableStreamDefaultReader<unknown>, 'read' | 'cancel'> | undefined {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = (stream as ReadableStream).getReader({ mode: 'byob' });
  } catch {
    return undefined; // not a stream of bytes
  }
  let buffer = new ArrayBuffer(STREAM_PIECE);
  return {
    async read() {
      const result = await reader.read(new Uint8Array(buffer));
      if (result.value !== undefined) ({ buffer } = result.value);
      return result as ReadableStreamReadResult<unknown>;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

function iteratorOf(iterable: AsyncIterable<unknown>): Stream {
  const iterator = iterable[Symbol.asyncIterator]();
  let ended = false;
  return {
    async next() {
      const { done = false, value } = await iterator.next();
      ended = done;
      return done ? null : pieceOf(value);
    },
    async cancel() {
      if (ended) return;
      ended = true;
      iterator.return?.().catch(() => {});
    },
  };
}
