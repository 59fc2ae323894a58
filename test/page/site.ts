/**
 * A page that uses the package directly, with a strict content security policy, and a server of its files. Both run in this
 * process, which therefore counts the requests.
 */

import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const HEADERS = { 'access-control-allow-origin': '*', 'cache-control': 'no-store' };
/** Bytes that are written at once. */
const PIECE = 2 ** 16;

const HTML = `<!doctype html><meta charset="utf-8"><title>tokenbed</title><link rel="icon" href="data:,">
  <script type="module" src="/page.js"></script><input type="file">`;

/** The package as `tokenbed`, and a service worker that keeps the page's own files for the time without a network. */
const PAGE = `
  import * as tokenbed from '/dist/index.js';
  await tokenbed.init();
  await navigator.serviceWorker.register('/service-worker.js');
  await navigator.serviceWorker.ready;
  Object.assign(globalThis, { tokenbed });`;

const WORKER = `
  import { Embedding, init } from '/dist/index.js';
  onmessage = async ({ data: url }) => {
    await init();
    const steps = [];
    const table = await Embedding.load(url, { onProgress: ({ loaded }) => steps.push(loaded) });
    const row = Array.from(table.forward(table.vocabSize - 1).data);
    postMessage({ row, steps });
  };`;

const MODEL_WORKER = `
  import { init, StaticModel } from '/dist/index.js';
  onmessage = async ({ data: { folder, text } }) => {
    await init();
    postMessage(Array.from((await StaticModel.load(folder)).embed([text]).data));
  };`;

const SERVICE_WORKER = `
  const own = (url) => new URL(url).origin === location.origin;
  addEventListener('install', () => skipWaiting());
  addEventListener('activate', (event) => event.waitUntil(clients.claim()));
  addEventListener('fetch', (event) => {
    if (!own(event.request.url)) return;
    event.respondWith((async () => {
      const cache = await caches.open('page');
      const found = await cache.match(event.request);
      if (found !== undefined) return found;
      const response = await fetch(event.request);
      await cache.put(event.request, response.clone());
      return response;
    })());
  });`;

async function listen(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    /** Ends all connections. */
    async close(): Promise<void> {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Serves the page. It may connect to itself and to `files`. */
export function servePage(files: string) {
  const policy =
    `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; img-src data:; ` +
    `connect-src 'self' ${files}`;
  const scripts: Readonly<Record<string, string>> = {
    '/page.js': PAGE,
    '/worker.js': WORKER,
    '/model-worker.js': MODEL_WORKER,
    '/service-worker.js': SERVICE_WORKER,
  };
  return listen(async ({ url = '/' }, response) => {
    const send = (type: string, body: string | Buffer) =>
      response.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(body);
    if (url === '/') return send('text/html', HTML);
    if (scripts[url] !== undefined) return send('text/javascript', scripts[url]);
    if (!/^\/dist\/[\w./-]+$/.test(url) || url.includes('..')) return response.writeHead(404).end();
    const type = url.endsWith('.wasm') ? 'application/wasm' : 'text/javascript';
    return send(type, await readFile(path.join(DIST, url.slice('/dist/'.length))));
  });
}

/**
 * Serves a file in pieces: at `/file` whole; at `/half` up to its half, and the connection stays open; at `/gzip`
 * compressed, which a page of another origin does not see.
 */
export async function serveFile(bytes: Uint8Array) {
  const seen = { requests: 0, aborted: 0 };
  const compressed = gzipSync(bytes, { level: 1 });
  const server = await listen(async (request, response) => {
    seen.requests++;
    const isHalf = request.url === '/half';
    const body = request.url === '/gzip' ? compressed : isHalf ? bytes.subarray(0, bytes.length / 2) : bytes;
    response.on('close', () => {
      if (!response.writableFinished) seen.aborted++;
    });
    response.writeHead(200, {
      ...HEADERS,
      'content-type': 'application/octet-stream',
      'content-length': isHalf ? bytes.length : body.length,
      ...(body === compressed ? { 'content-encoding': 'gzip' } : {}),
    });
    const pieces = Readable.from(piecesOf(body));
    await pipeline(pieces, response, { end: !isHalf }).catch(() => {}); // the page may close the connection
  });
  return { ...server, seen };
}

/** Serves files by name, and remembers the requests. The first `together` of them are answered when all of them were made. */
export async function serveFiles(files: Readonly<Record<string, Uint8Array | string>>, together = 1) {
  const requests: string[] = [];
  const waiting: (() => void)[] = [];
  const server = await listen(({ url = '/' }, response) => {
    const name = url.slice(1);
    const body = files[name];
    requests.push(name);
    waiting.push(() => {
      if (body === undefined) response.writeHead(404, HEADERS).end();
      else {
        const bytes = Buffer.from(body);
        response.writeHead(200, { ...HEADERS, 'content-length': bytes.length });
        pipeline(Readable.from(piecesOf(bytes)), response).catch(() => {}); // the page may close the connection
      }
    });
    if (requests.length >= together) for (const answer of waiting.splice(0)) answer();
  });
  return { ...server, requests };
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}
