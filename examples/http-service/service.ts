/**
 * Vectors over HTTP: POST /embed takes text or token ids and answers with the bytes of a Float32Array.
 *
 *   request   {"text": "Hi!"}  or  {"ids": [[2, 44], [77, 5]]}
 *   reply     200   x-dtype: f32, x-shape: 2,2,256, then little-endian floats
 *             4xx   {"code": "ERR_ID_OUT_OF_RANGE", "message": ...}    the request is invalid
 *             503   retry-after: 1                                     too many requests
 *
 * Memory is bounded: the number of requests in flight is limited, and so are the bytes and tokens of each. Beyond the
 * limit the service replies 503 immediately. Replies are subject to back-pressure: a slow reader occupies one slot and
 * does not delay other requests.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { CharTokenizer, type Embedding, Tensor, type Tokenizer } from 'tokenbed';
import { Batcher } from './batcher.js';
import { Refusal, refuse } from './refusal.js';

export interface Limits {
  /** The maximum number of requests in flight. */
  readonly requests: number;
  /** The maximum size of a request body in bytes. */
  readonly bodyBytes: number;
  /** The maximum number of tokens of a request, and of a lookup. */
  readonly tokens: number;
}

const LIMITS: Limits = { requests: 256, bodyBytes: 2 ** 20, tokens: 8192 };

/** The timeout of idle connections and of incomplete requests. */
const TIMEOUT_MS = 30_000;

export class EmbedService {
  readonly #tokenizer: Tokenizer;
  readonly #embedding: Embedding;
  readonly #limits: Limits;
  readonly #batcher: Batcher;
  readonly #server = createServer(
    { requestTimeout: TIMEOUT_MS, keepAliveTimeout: TIMEOUT_MS },
    (request, response) => void this.#handle(request, response),
  );
  #inFlight = 0;
  #closing = false;

  /** The caller owns `embedding` and `tokenizer`, and must not dispose them before `close()` has resolved. */
  constructor(
    embedding: Embedding,
    limits: Partial<Limits> = {},
    tokenizer: Tokenizer = new CharTokenizer(),
  ) {
    this.#embedding = embedding;
    this.#tokenizer = tokenizer;
    this.#limits = { ...LIMITS, ...limits };
    this.#batcher = new Batcher(embedding, this.#limits.tokens);
    this.#server.setTimeout(TIMEOUT_MS);
  }

  /** The number of requests between their first byte and the last byte of their reply. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** The number of lookups so far: fewer than requests if many are concurrent. */
  get lookups(): number {
    return this.#batcher.lookups;
  }

  /** Resolves to the port. 0 selects any free port. */
  async listen(port: number): Promise<number> {
    this.#server.listen(port);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Stops accepting connections and resolves when all pending requests have been answered. */
  async close(): Promise<void> {
    this.#closing = true;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
    this.#batcher.dispose();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.once('close', () => {
      if (this.#closing) this.#server.closeIdleConnections();
    });
    try {
      this.#admit(request, response);
      const ids = this.#readIds(await readBody(request, this.#limits.bodyBytes));
      const rows = await this.#batcher.embed(ids);
      await send(response, rows, [...ids.shape, this.#embedding.embeddingDim]);
    } catch (error) {
      refuse(request, response, error);
    }
  }

  #admit({ method, url }: IncomingMessage, response: ServerResponse): void {
    const { requests } = this.#limits;
    if (url !== '/embed') throw new Refusal(404, 'NOT_FOUND', `There is no ${url}`);
    if (method !== 'POST') throw new Refusal(405, 'METHOD_NOT_ALLOWED', 'POST it', { allow: 'POST' });
    if (this.#inFlight === requests) {
      throw new Refusal(503, 'BUSY', `${requests} requests are in flight`, { 'retry-after': '1' });
    }
    this.#inFlight++;
    response.once('close', () => this.#inFlight--);
  }

  /** The ids of a request: passed as `ids`, in any shape, or encoded from `text`. The library rejects other values. */
  #readIds(body: string): Tensor<'i32'> {
    const { text, ids } = parse(body);
    const numbers = text === undefined ? ids : this.#tokenizer.encode(text as string);
    const tensor = new Tensor(numbers as number[], { dtype: 'i32' });
    const { tokens } = this.#limits;
    if (tensor.size <= tokens) return tensor;
    throw new Refusal(
      413,
      'TOO_MANY_TOKENS',
      `${tensor.size} tokens in one request, at most ${tokens} are allowed`,
    );
  }
}

async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop must not close the connection, which the reply needs.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) throw new Refusal(413, 'BODY_TOO_LARGE', `The body exceeds ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(body: string): { readonly text?: unknown; readonly ids?: unknown } {
  try {
    return Object(JSON.parse(body)) as object;
  } catch (error) {
    throw new Refusal(400, 'INVALID_JSON', (error as Error).message);
  }
}

/** Sends floats in memory order: all supported platforms are little-endian. */
async function send(response: ServerResponse, rows: Float32Array, shape: readonly number[]): Promise<void> {
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': rows.byteLength,
    'x-dtype': 'f32',
    'x-shape': shape.join(),
  });
  await pipeline(chunks(rows), response); // waits for 'drain' if the reader is slow
}

/** The chunk size of a reply. */
const CHUNK_BYTES = 64 * 1024;

function* chunks({ buffer, byteOffset, byteLength }: Float32Array): Generator<Buffer> {
  for (let offset = 0; offset < byteLength; offset += CHUNK_BYTES) {
    yield Buffer.from(buffer, byteOffset + offset, Math.min(CHUNK_BYTES, byteLength - offset));
  }
}
