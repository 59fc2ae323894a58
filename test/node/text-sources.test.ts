/** A tokenizer.json by path, by URL and from a folder as a cache: what is not there, cut, aborted, or another file. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Embedding } from 'tokenbed';
import { PretrainedTokenizer } from 'tokenbed/text';
import { describe, expect, it } from 'vitest';
import { folder, onDisk, serve } from '../helpers/disk.js';
import { expectRejection, type Thrown } from '../helpers/errors.js';
import { f32Table } from '../helpers/files.js';
import { wordLevel, wordPiece } from '../helpers/tokenizer-files.js';

const FILE = new TextEncoder().encode(JSON.stringify(wordPiece));
const OTHER = new TextEncoder().encode(JSON.stringify(wordLevel));
const { load } = PretrainedTokenizer;
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const format = (...text: (string | RegExp)[]) => ({ class: Error, code: 'ERR_FORMAT', text }) as const;

/** Expects the ids of `FILE`. */
async function expectLoads(source: Parameters<typeof load>[0], options: Parameters<typeof load>[1] = {}) {
  const tokenizer = await load(source, options);
  expect(tokenizer.encode('hello worlds')).toEqual([4, 5, 6]);
  tokenizer.dispose();
}

describe('a path', () => {
  it('or a file: URL, with blanks, percent signs and characters outside ASCII', async () => {
    for (const name of ['tokenizer.json', 'a b.json', '100%25.json', 'größe 🙂.json', '#?.json', 'x']) {
      const file = onDisk(FILE, name);
      await expectLoads(file);
      await expectLoads(path.relative(process.cwd(), file), { sha256: hash(FILE) });
      await expectLoads(pathToFileURL(file));
    }
  });

  it('that is not there, a folder, below a file: errors of Node, unchanged', async () => {
    const file = onDisk(FILE);
    for (const [source, code] of [
      [`${file}.not`, 'ENOENT'],
      [path.dirname(file), 'EISDIR'],
      [`${file}/below`, 'ENOTDIR'],
      ['http://127.0.0.1:1/x', 'ENOENT'],
    ] as const) {
      const error = (await load(source).catch((error: unknown) => error)) as NodeJS.ErrnoException;
      expect(error, source).toBeInstanceOf(Error);
      expect([error.code, typeof error.syscall]).toEqual([code, 'string']);
      if (code !== 'EISDIR') expect(error.path).toBe(source);
    }
  });

  it('of a file that is cut, empty, or has another sha256: the error names it', async () => {
    for (const [bytes, options] of [
      [FILE.slice(0, -1), {}],
      [FILE.slice(0, 100), {}],
      [FILE.slice(0, 0), {}],
      [FILE, { sha256: hash(OTHER) }],
    ] as const) {
      const file = onDisk(bytes, 'größe.json');
      for (const source of [file, pathToFileURL(file)]) {
        const error = await expectRejection(load(source, options), format(`${file}: `));
        expect(error['path']).toBe(file);
        expect(error.message.startsWith(`${file}: `)).toBe(true);
      }
    }
  });

  it('of a file of another kind', async () => {
    const table = f32Table(Float32Array.of(1, 2), 2);
    await expectRejection(load(onDisk(table)), format('UTF-8'));
    await expectRejection(load(onDisk(gzipSync(FILE))), format('UTF-8'));
    await expectRejection(load(onDisk(new TextEncoder().encode('2 1\na 1\nb 2\n'))), format('expected'));
    const config = new TextEncoder().encode('{"model_type":"bert","vocab_size":30522}');
    await expectRejection(load(onDisk(config)), format(/has no "model"|is not a field/));
    // The other way round.
    await expectRejection(Embedding.load(onDisk(FILE)), format());
  });

  it('a signal that was aborted', async () => {
    const reason = new Error('no');
    await expect(load(onDisk(FILE), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('other URLs are refused', async () => {
    for (const url of ['ftp://x/y', 'ws://x/y', 'javascript:1', 'about:blank', 'tokenbed:x']) {
      await expect(load(new URL(url))).rejects.toMatchObject({
        code: 'ERR_INVALID_OPTION',
        option: 'source',
      });
    }
  });
});

describe('http', () => {
  it('a response with its length, in chunks, encoded, after a redirect', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/moved') return response.writeHead(302, { location: '/length' }).end();
      if (request.url === '/gzip') {
        const body = gzipSync(FILE);
        const headers = { 'content-encoding': 'gzip', 'content-length': body.length };
        return response.writeHead(200, headers).end(body);
      }
      if (request.url === '/chunks') {
        response.write(FILE.subarray(0, 100));
        return response.end(FILE.subarray(100));
      }
      return response.writeHead(200, { 'content-length': FILE.length }).end(FILE);
    });
    for (const name of ['length', 'chunks', 'gzip', 'moved']) {
      const seen: { loaded: number; total: number | null }[] = [];
      await expectLoads(url(name), { onProgress: (at) => void seen.push(at), sha256: hash(FILE) });
      expect(seen.at(-1)?.loaded).toBe(FILE.length);
    }
  });

  it.each([404, 403, 500, 304])('the status %i: status and URL are named', async (status) => {
    const { url, requests } = await serve((_, response) => response.writeHead(status).end());
    const error = await expectRejection(load(url('x')), format(String(status), url('x').href));
    expect(error['path']).toBe(url('x').href);
    expect(requests).toEqual(['/x']);
  });

  it('a connection that ends early, with a length and without', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/unknown') return response.end(FILE.subarray(0, 150));
      response.writeHead(200, { 'content-length': FILE.length });
      return response.write(FILE.subarray(0, 150), () => response.destroy());
    });
    await expect(load(url('known'))).rejects.toBeInstanceOf(Error);
    const error = await expectRejection(load(url('unknown')), format('the text ends'));
    expect(error['path']).toBe(url('unknown').href);
  });

  it('nobody there: the error of fetch, unchanged', async () => {
    const error = (await load(new URL('http://127.0.0.1:1/x')).catch((error: unknown) => error)) as Thrown;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe('fetch failed');
  });

  it('a signal ends the request', async () => {
    const closed: unknown[] = [];
    const { url } = await serve((_, response) => {
      response.once('close', () => closed.push(1));
      response.writeHead(200, { 'content-length': FILE.length });
      response.write(FILE.subarray(0, 150));
    });
    const controller = new AbortController();
    const reason = new Error('enough');
    const loading = load(url('x'), { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    await expect(loading).rejects.toBe(reason);
    await expect.poll(() => closed.length).toBe(1);
  });
});

describe('a folder as a cache', () => {
  it('a hit makes no request; with sha256 an entry that is stale or damaged is replaced', async () => {
    const cache = path.join(folder(), 'new/cache');
    const { url, requests } = await serve((_, response) => response.end(FILE));
    for (let i = 0; i < 3; i++) await expectLoads(url('x'), { cache });
    expect(requests).toEqual(['/x']);
    const [name, ...others] = readdirSync(cache);
    expect(others).toEqual([]);
    const entry = path.join(cache, name!);
    for (const damage of [FILE.slice(0, 50), OTHER]) {
      writeFileSync(entry, damage);
      await expectLoads(url('x'), { cache, sha256: hash(FILE) });
      expect(hash(readFileSync(entry))).toBe(hash(FILE));
    }
    expect(requests).toHaveLength(3);
  });

  it('nothing is left of a download that fails', async () => {
    const cache = folder();
    const { url } = await serve((request, response) => {
      if (request.url === '/404') return response.writeHead(404).end();
      response.writeHead(200, { 'content-length': FILE.length });
      if (request.url === '/hash') return response.end(FILE);
      return response.write(FILE.subarray(0, 200), () => request.url === '/cut' && response.destroy());
    });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const loads = [
      load(url('404'), { cache }),
      load(url('cut'), { cache }),
      load(url('hash'), { cache, sha256: '0'.repeat(64) }),
      load(url('abort'), { cache, signal: controller.signal }),
    ];
    for (const { status } of await Promise.allSettled(loads)) expect(status).toBe('rejected');
    expect(readdirSync(cache)).toEqual([]);
  });
});
