/** Paths, `file:` and `http:` URLs, shards beside their index, and a folder as a cache. */

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Embedding, inspect } from 'tokenbed';
import { describe, expect, inject, it } from 'vitest';
import { expectBits } from '../helpers/bits.js';
import { jsonOf, runProgram } from '../helpers/children.js';
import { folder, onDisk, serve } from '../helpers/disk.js';
import { expectError, expectRejection, thrown, type Thrown } from '../helpers/errors.js';
import { f32Table, join } from '../helpers/files.js';
import { GOLDEN, goldenUrl, goldenValues, WHOLE } from '../helpers/golden.js';

const backend = inject('backend');
const VALUES = Float32Array.from({ length: 60 }, (_, i) => i / 7);
const FILE = f32Table(VALUES, 6);
const valuesOf = (embedding: Embedding): Float32Array => embedding.weight.toTensor().data;
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a path', () => {
  it.each(WHOLE)('%s', async (name) => {
    const file = fileURLToPath(goldenUrl(name));
    for (const table of GOLDEN[name]!.tables) {
      for (const source of [file, path.relative(process.cwd(), file), pathToFileURL(file)]) {
        for (const embedding of [
          Embedding.loadSync(source, table.options),
          await Embedding.load(source, table.options),
        ]) {
          expectBits(valuesOf(embedding), goldenValues(table), { anyNaN: table.dtype === 'f16' });
          expect(embedding.words).toEqual(table.words ?? null);
          embedding.dispose();
        }
      }
    }
    expect((await inspect(file)).tensors).toEqual((await inspect(pathToFileURL(file))).tensors);
  });

  it('with blanks, percent signs and characters outside ASCII', async () => {
    for (const name of [
      'a b.safetensors',
      '100%25.safetensors',
      'größe 🙂.safetensors',
      '#?.safetensors',
      'x',
    ]) {
      const file = onDisk(FILE, name);
      expectBits(valuesOf(await Embedding.load(file)), VALUES);
      expectBits(valuesOf(Embedding.loadSync(pathToFileURL(file))), VALUES);
    }
  });

  it('that is not there, a folder, below a file: errors of Node, unchanged', async () => {
    const file = onDisk(FILE);
    const cases: [string, string][] = [
      [`${file}.not`, 'ENOENT'],
      [path.dirname(file), 'EISDIR'],
      [`${file}/below`, 'ENOTDIR'],
      ['http://127.0.0.1:1/x', 'ENOENT'],
    ];
    for (const [source, code] of cases) {
      for (const load of [
        () => Embedding.load(source),
        async () => Embedding.loadSync(source),
        () => inspect(source),
      ]) {
        const error = (await load().catch((error: unknown) => error)) as NodeJS.ErrnoException;
        expect(error, source).toBeInstanceOf(Error);
        expect(error.code).toBe(code);
        expect(typeof error.syscall).toBe('string');
        if (code !== 'EISDIR') expect(error.path).toBe(source);
      }
    }
  });

  it('with a NUL is an error, never another file', async () => {
    const file = onDisk(FILE);
    await expect(Embedding.load(`${file}\0.txt`)).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_INVALID_/),
    });
  });

  it('of a malformed file: the error names it', async () => {
    const file = onDisk(FILE.slice(0, -1), 'größe.safetensors');
    for (const [source, named] of [
      [file, file],
      [pathToFileURL(file), file],
    ] as const) {
      for (const load of [() => Embedding.load(source), async () => Embedding.loadSync(source)]) {
        const error = (await load().catch((error: unknown) => error)) as Thrown;
        expect(error).toMatchObject({ code: 'ERR_FORMAT', path: named });
        expect(error.message.startsWith(`${named}: `)).toBe(true);
      }
    }
  });

  it('other URLs are refused', async () => {
    const refusal = { code: 'ERR_INVALID_OPTION', option: 'source' };
    for (const url of ['ftp://x/y', 'ws://x/y', 'javascript:1', 'about:blank', 'tokenbed:x'])
      await expect(Embedding.load(new URL(url))).rejects.toMatchObject(refusal);
    for (const url of ['http://127.0.0.1:1/x', 'https://x/y', 'data:,x', 'blob:x'])
      expect(thrown(() => Embedding.loadSync(new URL(url)))).toMatchObject(refusal);
    await expect(Embedding.load('')).rejects.toMatchObject(refusal);
  });

  it('a signal that was aborted', async () => {
    const reason = new Error('no');
    const file = onDisk(FILE);
    await expect(Embedding.load(file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe.skipIf(process.platform === 'win32')('a pipe', () => {
  it.each([
    ['a writer', 'sleep 1; exec > "$0"'],
    ['its bytes', 'exec > "$0"; echo w 1 2; sleep 1'],
  ])('an abort ends the wait for %s', async (_, script) => {
    const pipe = path.join(folder(), 'pipe');
    spawnSync('mkfifo', [pipe]);
    // Node keeps a thread in the call until the writer comes, or ends.
    const ended = new Promise((resolve) => spawn('sh', ['-c', script, pipe]).once('exit', resolve));
    await expect(Embedding.load(pipe, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await ended;
  });
});

describe('shards', () => {
  const index = 'model.safetensors.index.json';
  const golden = fileURLToPath(goldenUrl(index));

  /** The golden shards in a folder, with this index. */
  function copies(content: unknown): string {
    const to = folder();
    for (const name of ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'])
      copyFileSync(path.join(path.dirname(golden), name), path.join(to, name));
    const file = path.join(to, index);
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  }
  const map = (weights: Record<string, unknown>) => copies({ metadata: {}, weight_map: weights });
  const GOOD = {
    first: 'model-00001-of-00002.safetensors',
    norm: 'model-00001-of-00002.safetensors',
    second: 'model-00002-of-00002.safetensors',
    ids: 'model-00002-of-00002.safetensors',
  };

  it.each(GOLDEN[index]!.tables.map((table) => [table.options.tensor!, table] as const))(
    '%s',
    async (_, table) => {
      for (const source of [golden, pathToFileURL(golden), map(GOOD)]) {
        for (const embedding of [
          Embedding.loadSync(source, table.options),
          await Embedding.load(source, table.options),
        ]) {
          expect([embedding.dtype, embedding.vocabSize, embedding.embeddingDim]).toEqual([
            table.dtype,
            ...table.shape,
          ]);
          expectBits(valuesOf(embedding), goldenValues(table));
        }
      }
    },
  );

  it('over http', async () => {
    const { url, requests } = await serve((request, response) => {
      const file = path.join(path.dirname(golden), path.basename(request.url!));
      response.end(readFileSync(file));
    });
    const [table] = GOLDEN[index]!.tables;
    expectBits(valuesOf(await Embedding.load(url(`models/${index}`), table!.options)), goldenValues(table!));
    expect(requests[0]).toBe(`/models/${index}`);
    for (const request of requests) expect(path.dirname(request)).toBe('/models');
  });

  it('after an abort by the signal of another library a shard that comes is not read', async () => {
    const closed: number[] = [];
    let answer = () => {};
    const { url, requests } = await serve((request, response) => {
      if (path.basename(request.url!) === index) {
        response.end(readFileSync(golden));
        return;
      }
      answer = () => response.writeHead(200, { 'content-length': 1e6 }).write(new Uint8Array(1000));
      response.once('close', () => closed.push(1));
    });
    const listeners: (() => void)[] = [];
    const signal = {
      aborted: false,
      reason: 'enough',
      addEventListener: (_: string, listener: () => void) => void listeners.push(listener),
      removeEventListener: () => {},
    };
    const loading = Embedding.load(url(`models/${index}`), { tensor: 'first', signal });
    await expect.poll(() => requests.length).toBe(2);
    signal.aborted = true;
    for (const listener of listeners) listener();
    await expect(loading).rejects.toBe('enough');
    answer();
    await expect.poll(() => closed.length).toBe(1);
  });

  it('inspect lists the tensors of all shards', async () => {
    const found = await inspect(golden);
    expect(found.format).toBe('safetensors');
    expect(found.tensors.map(({ name }) => name).sort()).toEqual(Object.keys(GOOD).sort());
  });

  it('without a tensor the 2-D ones of all shards are listed', () => {
    expectError(() => Embedding.loadSync(golden), {
      class: Error,
      code: 'ERR_FORMAT',
      text: ['first', 'second'],
    });
  });

  it.each([
    ['above the folder', '../model-00001-of-00002.safetensors'],
    ['in a folder below', 'sub/model.safetensors'],
    ['at an absolute path', '/etc/passwd'],
    ['with a backslash', '..\\model.safetensors'],
    ['on a drive', 'c:model.safetensors'],
    ['at a URL', 'http://127.0.0.1/model.safetensors'],
    ['with a NUL', 'model.safetensors\0'],
    ['named .', '.'],
    ['named ..', '..'],
    ['without a name', ''],
  ])('a shard %s is refused', async (_, name) => {
    const file = map({ ...GOOD, first: name });
    for (const tensor of ['first', 'second']) {
      const refusal = { class: Error, code: 'ERR_FORMAT', fields: { path: file } } as const;
      expectError(() => Embedding.loadSync(file, { tensor }), refusal);
      await expectRejection(Embedding.load(file, { tensor }), refusal);
    }
  });

  it.each<[string, string | object]>([
    ['no map', { metadata: {} }],
    ['a map that is a list', { weight_map: ['a'] }],
    ['a shard that is a number', { weight_map: { first: 1 } }],
    ['a tensor that the shard does not have', { weight_map: { ...GOOD, other: GOOD.first } }],
    [
      'a tensor twice',
      '{"weight_map":{"first":"model-00001-of-00002.safetensors","first":"model-00001-of-00002.safetensors"}}',
    ],
    ['text that is cut', '{"weight_map":{"first":"model-00'],
    ['no tensors', { weight_map: {} }],
    ['nesting of 100,000 levels', '{"weight_map":'.repeat(100_000)],
  ])('an index with %s', (_, content) => {
    const file = copies(content);
    const tensor =
      String(content).includes('other') || JSON.stringify(content).includes('other') ? 'other' : 'first';
    expectError(() => Embedding.loadSync(file, { tensor }), { class: Error, code: 'ERR_FORMAT' });
  });

  it('a shard that is not there', () => {
    const file = map({ ...GOOD, first: 'model-3.safetensors' });
    let error: NodeJS.ErrnoException | undefined;
    try {
      Embedding.loadSync(file, { tensor: 'first' });
    } catch (caught) {
      error = caught as NodeJS.ErrnoException;
    }
    expect(error).toMatchObject({
      code: 'ENOENT',
      path: path.join(path.dirname(file), 'model-3.safetensors'),
    });
  });

  it('a shard named __proto__ is a file like any other', () => {
    const file = map({ first: '__proto__' });
    copyFileSync(path.join(path.dirname(file), GOOD.first), path.join(path.dirname(file), '__proto__'));
    expect(Embedding.loadSync(file, { tensor: 'first' }).vocabSize).toBe(4);
  });
});

describe('http', () => {
  it('a response with its length, in chunks, encoded, after a redirect', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/moved') return response.writeHead(302, { location: '/length' }).end();
      if (request.url === '/gzip') {
        const body = gzipSync(FILE);
        return response
          .writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length })
          .end(body);
      }
      if (request.url === '/chunks') {
        response.write(FILE.subarray(0, 100));
        return response.end(FILE.subarray(100));
      }
      return response.writeHead(200, { 'content-length': FILE.length }).end(FILE);
    });
    for (const name of ['length', 'chunks', 'gzip', 'moved']) {
      const seen: { loaded: number; total: number | null }[] = [];
      const embedding = await Embedding.load(url(name), { onProgress: (at) => void seen.push(at) });
      expectBits(valuesOf(embedding), VALUES);
      expect(seen.at(-1)?.loaded).toBe(FILE.length);
    }
  });

  it('a status that is not 2xx: status and URL are named', async () => {
    const { url } = await serve((_, response) => response.writeHead(404).end('not here'));
    const error = await expectRejection(Embedding.load(url('x.safetensors')), {
      class: Error,
      code: 'ERR_FORMAT',
      text: ['404', url('x.safetensors').href],
    });
    expect(error['path']).toBe(url('x.safetensors').href);
  });

  it('a connection that ends early', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': FILE.length });
      response.write(FILE.subarray(0, 150), () => response.destroy());
    });
    for (const options of [{}, { tensor: 'weight' }])
      await expect(Embedding.load(url('x'), options)).rejects.toBeInstanceOf(Error);
  });

  it('a stream without a length that ends early', async () => {
    const { url } = await serve((_, response) => response.end(FILE.subarray(0, 150)));
    await expect(Embedding.load(url('x'))).rejects.toMatchObject({ code: 'ERR_FORMAT', path: url('x').href });
  });

  it('nobody there: the error of fetch, unchanged', async () => {
    const error = await Embedding.load(new URL('http://127.0.0.1:1/x')).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toBe('fetch failed');
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
    const loading = Embedding.load(url('x'), { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    await expect(loading).rejects.toBe(reason);
    await expect.poll(() => closed.length).toBe(1);
  });

  it('no more is requested than the file', async () => {
    const { url, requests } = await serve((_, response) => response.end(FILE));
    await Embedding.load(url('x'));
    await inspect(url('x'));
    expect(requests).toEqual(['/x', '/x']);
  });
});

describe('a folder as a cache', () => {
  const server = () =>
    serve((_, response) => response.writeHead(200, { 'content-length': FILE.length }).end(FILE));

  it('a hit makes no request; the entry is a file with the bytes', async () => {
    const cache = path.join(folder(), 'new/cache');
    const { url, requests } = await server();
    for (let i = 0; i < 3; i++) expectBits(valuesOf(await Embedding.load(url('x'), { cache })), VALUES);
    expect(requests).toEqual(['/x']);
    const [entry, ...others] = readdirSync(cache, { recursive: true, withFileTypes: true }).filter((each) =>
      each.isFile(),
    );
    expect(others).toEqual([]);
    expect(hash(readFileSync(path.join(entry!.parentPath ?? entry!.path, entry!.name)))).toBe(hash(FILE));
    await Embedding.load(url('y'), { cache });
    await Embedding.load(url('x?other'), { cache });
    expect(requests).toEqual(['/x', '/y', '/x?other']);
  });

  it('with sha256 an entry that is stale or damaged is replaced', async () => {
    const cache = folder();
    const { url, requests } = await server();
    await Embedding.load(url('x'), { cache });
    const [name] = readdirSync(cache);
    const entry = path.join(cache, name!);
    for (const damage of [
      FILE.slice(0, 50),
      join('x'),
      f32Table(
        VALUES.map((x) => -x),
        6,
      ),
    ]) {
      writeFileSync(entry, damage);
      utimesSync(entry, 1, 1);
      expectBits(valuesOf(await Embedding.load(url('x'), { cache, sha256: hash(FILE) })), VALUES);
      expect(hash(readFileSync(entry))).toBe(hash(FILE));
    }
    expect(requests).toHaveLength(4);
    await Embedding.load(url('x'), { cache, sha256: hash(FILE) });
    expect(requests).toHaveLength(4);
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
      Embedding.load(url('404'), { cache }),
      Embedding.load(url('cut'), { cache }),
      Embedding.load(url('hash'), { cache, sha256: '0'.repeat(64) }),
      Embedding.load(url('abort'), { cache, signal: controller.signal }),
    ];
    for (const { status } of await Promise.allSettled(loads)) expect(status).toBe('rejected');
    expect(readdirSync(cache)).toEqual([]);
  });

  it('nothing is left when a download rejects that was aborted, also one of unknown length', async () => {
    const { url } = await serve((request, response) => {
      response.writeHead(200, request.url === '/chunked' ? {} : { 'content-length': FILE.length });
      response.write(FILE.subarray(0, 200));
    });
    for (const name of ['whole', 'chunked']) {
      const cache = folder();
      const controller = new AbortController();
      const loading = Embedding.load(url(name), { cache, signal: controller.signal });
      await expect.poll(() => readdirSync(cache)).toHaveLength(1);
      controller.abort('enough');
      const left = await loading.catch(() => readdirSync(cache));
      expect(left).toEqual([]);
    }
  });

  it('that cannot be one: the error of Node, unchanged', async () => {
    const file = onDisk(FILE);
    const { url } = await server();
    for (const cache of [file, path.join(file, 'below')])
      await expect(Embedding.load(url('x'), { cache })).rejects.toMatchObject({
        code: expect.stringMatching(/^(ENOTDIR|EEXIST)$/),
        syscall: expect.any(String),
      });
    expect(existsSync(file)).toBe(true);
  });

  it('several loads at once leave one whole entry', async () => {
    const cache = folder();
    const { url } = await server();
    const all = await Promise.all(Array.from({ length: 8 }, () => Embedding.load(url('x'), { cache })));
    for (const embedding of all) expectBits(valuesOf(embedding), VALUES);
    expect(readdirSync(cache)).toHaveLength(1);
  });

  it('is not used for files', async () => {
    const cache = path.join(folder(), 'cache');
    mkdirSync(cache);
    await Embedding.load(onDisk(FILE), { cache });
    await Embedding.load(pathToFileURL(onDisk(FILE)), { cache });
    expect(readdirSync(cache)).toEqual([]);
  });
});

describe('memory', () => {
  const MIB = 2 ** 20;
  const env = { TOKENBED_BACKEND: backend };

  it.each([
    ['file', 1.1, 16],
    ['blob', 1.1, 16],
    ['response', 1.1, 16],
    ['stream', 2.2, 16],
  ])(
    'the peak of loading 77 MB from a %s is below %f times the file and %i MiB',
    async (source, times, more) => {
      const bytes = f32Table(new Float32Array(19_200_000).fill(1), 50);
      const file = onDisk(bytes);
      const { peak, rows, ...seen } = await jsonOf<{
        bytes: number;
        peak: number;
        rows: number[];
        readOnly: boolean;
      }>(runProgram('files.mjs', ['peak', file, source], env));
      console.log(
        `${backend}, ${source}: ${(seen.bytes / 1e6).toFixed(0)} MB, +${(peak / 1e6).toFixed(0)} MB`,
      );
      expect([rows, seen.readOnly]).toEqual([[1, 1], false]);
      expect(peak).toBeLessThan(times * seen.bytes + more * MIB);
    },
  );
});
