/**
 * Vectors over HTTP: POST /embed takes text or token ids and answers with the bytes of a Float32Array.
 *
 *   request   {"text": "Hi!"}  or  {"ids": [[2, 44], [77, 5]]}
 *   reply     200   x-dtype: f32, x-shape: 2,2,256, then little-endian floats
 *             4xx   {"code": "ERR_ID_OUT_OF_RANGE", "message": ...}    the request is wrong: the library says why
 *             503   retry-after: 1                                     too many at once
 *
 * Memory has a bound: so many requests between their first byte and the last byte of their reply, each of so
 * many bytes and tokens. Beyond that the answer is 503, at once. A reply is written as fast as its reader
 * reads: one who is slow keeps his own reply and his place, and holds up nobody else.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { CharTokenizer, type Embedding, Tensor } from 'tokenbed';
import { Batcher } from './batcher.js';
import { Refusal, refuse } from './refusal.js';

export interface Limits {
  /** Requests that are being read, looked up or answered. */
  readonly requests: number;
  /** Bytes of one request's body. */
  readonly bodyBytes: number;
  /** Tokens of one request, and of one lookup. */
  readonly tokens: number;
}

const LIMITS: Limits = { requests: 256, bodyBytes: 2 ** 20, tokens: 8192 };

/** After so long a connection on which nothing moves is closed, and a request that is still not whole. */
const PATIENCE_MS = 30_000;

export class EmbedService {
  readonly #tokenizer = new CharTokenizer();
  readonly #embedding: Embedding;
  readonly #limits: Limits;
  readonly #batcher: Batcher;
  readonly #server = createServer(
    { requestTimeout: PATIENCE_MS, keepAliveTimeout: PATIENCE_MS },
    (request, response) => void this.#handle(request, response),
  );
  #inFlight = 0;
  #closing = false;

  /** `embedding` stays the caller's, who needs it until `close()` has resolved. */
  constructor(embedding: Embedding, limits: Partial<Limits> = {}) {
    this.#embedding = embedding;
    this.#limits = { ...LIMITS, ...limits };
    this.#batcher = new Batcher(embedding, this.#limits.tokens);
    this.#server.setTimeout(PATIENCE_MS);
  }

  /** Requests between their first byte and the last byte of their reply. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Lookups so far: fewer than requests, when many come at once. */
  get lookups(): number {
    return this.#batcher.lookups;
  }

  /** Resolves to the port; 0 asks for any that is free. */
  async listen(port: number): Promise<number> {
    this.#server.listen(port);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** No new connections; what was asked before is still answered. */
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
      const ids = this.#idsOf(await readBody(request, this.#limits.bodyBytes));
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

  /** Ids of any shape, or those of a text. What else may stand there the library refuses. */
  #idsOf(body: string): Tensor<'i32'> {
    const { text, ids } = parse(body);
    const numbers = text === undefined ? ids : this.#tokenizer.encode(text as string);
    const tensor = new Tensor(numbers as number[], { dtype: 'i32' });
    const { tokens } = this.#limits;
    if (tensor.size <= tokens) return tensor;
    throw new Refusal(413, 'TOO_MANY_TOKENS', `${tensor.size} tokens in one request, ${tokens} are allowed`);
  }
}

async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop must not close the connection: the answer goes over it.
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > limit) throw new Refusal(413, 'BODY_TOO_LARGE', `At most ${limit} bytes are read`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function parse(body: string): { readonly text?: unknown; readonly ids?: unknown } {
  try {
    return Object(JSON.parse(body)) as object;
  } catch (error) {
    throw new Refusal(400, 'INVALID_JSON', (error as Error).message);
  }
}

/** Every platform that Node runs this package on is little-endian: the bytes go out as they lie there. */
async function send(response: ServerResponse, rows: Float32Array, shape: readonly number[]): Promise<void> {
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': rows.byteLength,
    'x-dtype': 'f32',
    'x-shape': shape.join(),
  });
  await pipeline(pieces(rows), response); // waits for 'drain' whenever the reader is behind
}

/** What is handed over at once, before the reader is waited for. */
const PIECE_BYTES = 64 * 1024;

function* pieces({ buffer, byteOffset, byteLength }: Float32Array): Generator<Buffer> {
  for (let at = 0; at < byteLength; at += PIECE_BYTES) {
    yield Buffer.from(buffer, byteOffset + at, Math.min(PIECE_BYTES, byteLength - at));
  }
}
