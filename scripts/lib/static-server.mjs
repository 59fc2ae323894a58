/**
 * Serves a folder over http like a static host. The content security policy of index.html is also sent as a header, so that
 * it applies to Workers; tests choose another one. There is deliberately no cross-origin isolation: the page must work without it.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const TYPES = /** @type {Record<string, string>} */ ({
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.safetensors': 'application/octet-stream',
});

/** The content security policy in index.html. @param {string} folder */
export async function policyOf(folder) {
  const html = await readFile(path.join(folder, 'index.html'), 'utf8');
  const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(html)?.[1];
  if (policy === undefined) throw new Error(`${folder}/index.html has no Content-Security-Policy`);
  return policy;
}

/**
 * Serves `folder` under `base` on 127.0.0.1. Port 0 selects a free port.
 *
 * @param {string} folder
 * @param {object} [options]
 * @param {number} [options.port]
 * @param {string} [options.base]
 * @param {string | null} [options.policy]  instead of that of index.html; `null` for none
 * @param {(body: string) => void} [options.onPost]  receives the body of each POST request
 * @param {(file: string, response: import('node:http').ServerResponse) => boolean} [options.intercept]  answers a request itself and returns true
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serveFolder(folder, { port = 0, base = '/', policy, onPost, intercept } = {}) {
  const chosen = policy === undefined ? `${await policyOf(folder)}; frame-ancestors 'none'` : policy;
  const headers = {
    ...(chosen === null ? {} : { 'content-security-policy': chosen }),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
    'access-control-allow-origin': '*', // as a CDN
  };
  const server = createServer(async (request, response) => {
    const { url = '/', method } = request;
    if (method === 'POST' && onPost !== undefined) {
      onPost(await text(request));
      response.writeHead(204).end();
      return;
    }
    const name = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    const file = name.startsWith(base) ? name.slice(base.length) || 'index.html' : '';
    if (intercept?.(file, response)) return;
    const full = path.join(folder, file);
    const inside = file !== '' && full.startsWith(folder + path.sep);
    const body = inside ? await readFile(full).catch(() => undefined) : undefined;
    const type = TYPES[path.extname(full)];
    if (body === undefined || type === undefined || (method !== 'GET' && method !== 'HEAD')) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
      return;
    }
    response.writeHead(200, { ...headers, 'content-type': type, 'content-length': body.length });
    response.end(method === 'HEAD' ? undefined : body);
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(undefined));
  });
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}${base}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve(undefined));
        server.closeAllConnections();
      }),
  };
}
