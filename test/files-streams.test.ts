/** `onProgress`, `signal`, `sha256` and `cache` of `load`. */

import { Embedding, type ResponseCache } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { answersThroughout } from './helpers/backend.js';
import { expectBits } from './helpers/bits.js';
import { expectRejection } from './helpers/errors.js';
import { f32Table, join, pieces, sha256, streamOf } from './helpers/files.js';

answersThroughout();

const VALUES = Float32Array.from({ length: 20_000 }, (_, i) => i / 7);
const FILE = f32Table(VALUES, 10);
const TEXT = join(Array.from({ length: 500 }, (_, i) => `w${i} ${i} ${-i}\n`).join(''));

const valuesOf = (embedding: Embedding): Float32Array => embedding.weight.toTensor().data;

/** A blob: URL of bytes, which `fetch` serves with their length. */
const urlOf = (bytes: Uint8Array<ArrayBuffer>): URL => new URL(URL.createObjectURL(new Blob([bytes])));

/** A stream that waits `ms` before each piece. */
async function* slowly(bytes: Uint8Array, size: number, ms: number): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces(bytes, size)) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    yield piece;
  }
}

describe('onProgress', () => {
  const load = async (source: Parameters<typeof Embedding.load>[0]) => {
    const seen: { loaded: number; total: number | null; at: number }[] = [];
    await Embedding.load(source, {
      onProgress: ({ loaded, total }) => void seen.push({ loaded, total, at: performance.now() }),
    });
    return seen;
  };

  it('reports the end, with the length if it is known', async () => {
    for (const source of [
      FILE,
      new Blob([FILE]),
      new Response(FILE, { headers: { 'content-length': String(FILE.length) } }),
      urlOf(FILE),
    ]) {
      const last = (await load(source)).at(-1);
      expect(last).toMatchObject({ loaded: FILE.length, total: FILE.length });
    }
    for (const [source, length] of [
      [streamOf(FILE, 1000), FILE.length],
      [pieces(TEXT, 100), TEXT.length],
    ] as const) {
      const last = (await load(source)).at(-1)!;
      expect(last.loaded).toBe(length);
      expect([null, length]).toContain(last.total);
    }
  });

  it('at most every 50 ms, rising, and once at the end', async () => {
    const seen = await load(slowly(FILE, Math.ceil(FILE.length / 20), 15));
    expect(seen.length).toBeGreaterThan(2);
    const loaded = seen.map((each) => each.loaded);
    expect([...loaded].sort((a, b) => a - b)).toEqual(loaded);
    expect(loaded.at(-1)).toBe(FILE.length);
    // All but the one at the end.
    for (let i = 1; i < seen.length - 1; i++)
      expect(seen[i]!.at - seen[i - 1]!.at).toBeGreaterThanOrEqual(45);
  });

  it('what it throws rejects the load', async () => {
    const failure = new Error('of the program');
    const onProgress = () => {
      throw failure;
    };
    for (const source of [FILE, streamOf(FILE, 1000), urlOf(FILE)])
      await expect(Embedding.load(source, { onProgress })).rejects.toBe(failure);
  });
});

describe('signal', () => {
  it('that was aborted before: nothing is read', async () => {
    const reason = new Error('no more');
    let pulled = 0;
    const stream = new ReadableStream<Uint8Array>({ pull: () => void pulled++ }, { highWaterMark: 0 });
    const signal = AbortSignal.abort(reason);
    await expect(Embedding.load(stream, { signal })).rejects.toBe(reason);
    expect(pulled).toBe(0);
    await expect(Embedding.load(FILE, { signal })).rejects.toBe(reason);
    await expect(Embedding.load(urlOf(FILE), { signal })).rejects.toBe(reason);
  });

  it('of any reason, and the default one', async () => {
    await expect(Embedding.load(FILE, { signal: AbortSignal.abort('text') })).rejects.toBe('text');
    await expect(Embedding.load(FILE, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  it('during a load that waits: the source is cancelled', async () => {
    for (const bytes of [FILE, TEXT]) {
      const controller = new AbortController();
      let cancelled = false;
      let sent = false;
      const stream = new ReadableStream<Uint8Array>({
        pull(to) {
          // Half of it, then nothing.
          if (!sent) to.enqueue(bytes.slice(0, bytes.length / 2));
          sent = true;
          return new Promise(() => {});
        },
        cancel: () => void (cancelled = true),
      });
      const reason = new Error('enough');
      setTimeout(() => controller.abort(reason), 20);
      await expect(Embedding.load(stream, { signal: controller.signal })).rejects.toBe(reason);
      expect(cancelled).toBe(true);
    }
  });

  it('after the load it has no effect', async () => {
    const controller = new AbortController();
    const embedding = await Embedding.load(streamOf(FILE, 1000), { signal: controller.signal });
    controller.abort();
    expectBits(valuesOf(embedding), VALUES);
  });

  it('of another realm or library is enough if it has the members', async () => {
    const listeners = new Set<() => void>();
    const signal = {
      aborted: false,
      reason: undefined as unknown,
      addEventListener: (_: string, listener: () => void) => void listeners.add(listener),
      removeEventListener: (_: string, listener: () => void) => void listeners.delete(listener),
    };
    expectBits(
      valuesOf(await Embedding.load(streamOf(FILE, 1000), { signal: signal as unknown as AbortSignal })),
      VALUES,
    );
    // Nothing of the load stays behind.
    expect(listeners.size).toBe(0);
  });
});

describe('sha256', () => {
  it('that is right, from every kind of source', async () => {
    for (const bytes of [FILE, TEXT]) {
      const digest = await sha256(bytes);
      for (const source of [
        bytes,
        new Blob([bytes]),
        new Response(bytes),
        streamOf(bytes, 999),
        pieces(bytes, 77),
        urlOf(bytes),
      ])
        await Embedding.load(source, { sha256: digest });
      expect((await Embedding.load(bytes, { sha256: digest.toUpperCase() })).vocabSize).toBeGreaterThan(1);
    }
  });

  it('of a file whose header is longer than the pieces it is read in', async () => {
    const text = Array.from({ length: 400_000 }, (_, i) => i).join(' ');
    const file = f32Table(VALUES, 10, 'weight', { text });
    const digest = await sha256(file);
    for (const source of [file, new Blob([file]), new Response(file), streamOf(file, 70_000), urlOf(file)]) {
      const embedding = await Embedding.load(source, { sha256: digest });
      expect(embedding.metadata['text'] === text).toBe(true); // megabytes: not as a difference
      expectBits(valuesOf(embedding), VALUES);
    }
  });

  it('that is wrong: the table is not given out', async () => {
    const wrong = await sha256(join('something else'));
    const right = await sha256(FILE);
    for (const source of [FILE, new Blob([FILE]), new Response(FILE), streamOf(FILE, 999), urlOf(FILE)]) {
      const error = await expectRejection(Embedding.load(source, { sha256: wrong }), {
        class: Error,
        code: 'ERR_FORMAT',
        text: [wrong, right],
      });
      expect(error['rule']).toContain(right);
    }
  });

  it('counts every byte, those after the table too', async () => {
    const file = join(FILE);
    const digest = await sha256(file);
    file[file.length - 1]! ^= 1;
    await expect(Embedding.load(file, { sha256: digest })).rejects.toMatchObject({ code: 'ERR_FORMAT' });
    // Lengths around the blocks of the hash.
    for (let length = 0; length < 130; length++) {
      const line = join(`${'w'.repeat(length + 1)} 1\n`);
      for (const size of [1, 64, 200])
        await Embedding.load(streamOf(line, size), { sha256: await sha256(line) });
    }
  });
});

/** A cache in memory. */
class Memory {
  readonly entries = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly calls: string[] = [];

  async match(url: string): Promise<Response | undefined> {
    this.calls.push(`match ${url}`);
    const bytes = this.entries.get(url);
    return bytes && new Response(bytes);
  }

  async put(url: string, response: Response): Promise<void> {
    this.calls.push(`put ${url}`);
    this.entries.set(url, new Uint8Array(await response.arrayBuffer()));
  }
}

describe('cache', () => {
  it('is filled by the first load and used by the next one, without a request', async () => {
    for (const bytes of [FILE, TEXT]) {
      const cache = new Memory();
      const url = urlOf(bytes);
      const first = await Embedding.load(url, { cache });
      expect(cache.entries.get(url.href)).toEqual(bytes);
      URL.revokeObjectURL(url.href);
      const second = await Embedding.load(url, { cache });
      expectBits(valuesOf(second), valuesOf(first));
      expect(cache.calls).toEqual([`match ${url.href}`, `put ${url.href}`, `match ${url.href}`]);
    }
  });

  it('is off without the option, and for what is no URL', async () => {
    const cache = new Memory();
    for (const source of [FILE, new Blob([FILE]), new Response(FILE), streamOf(FILE, 1000)])
      await Embedding.load(source, { cache });
    expect(cache.calls).toEqual([]);
  });

  it('what match or put throws rejects the load unchanged, and no entry is left', async () => {
    const failure = new Error('of the cache');
    const fails = (): never => {
      throw failure;
    };
    const rejects = (): Promise<never> => Promise.reject(failure);
    for (const failing of [fails, rejects]) {
      const cache = new Memory();
      await expect(
        Embedding.load(urlOf(FILE), { cache: { match: failing, put: cache.put.bind(cache) } }),
      ).rejects.toBe(failure);
      await expect(
        Embedding.load(urlOf(FILE), { cache: { match: cache.match.bind(cache), put: failing } }),
      ).rejects.toBe(failure);
      expect(cache.entries.size).toBe(0);
    }
  });

  it('whose put never settles does not hold up a load that is aborted or fails', async () => {
    const never = new Promise<never>(() => {});
    const readsNothing = () => never;
    const readsOnePiece = async (_: string, { body }: Response) => {
      await body!.getReader().read();
      await never;
    };
    const readsAll = async (_: string, response: Response) => {
      await response.arrayBuffer().catch(() => {});
      await never;
    };
    const cacheOf = (put: typeof readsAll) => ({ match: () => undefined, put }) as unknown as ResponseCache;
    for (const bytes of [FILE, TEXT]) {
      for (const put of [readsNothing, readsOnePiece, readsAll]) {
        const controller = new AbortController();
        setTimeout(() => controller.abort('enough'), 20);
        const loading = Embedding.load(urlOf(bytes), { cache: cacheOf(put), signal: controller.signal });
        await expect(loading).rejects.toBe('enough');
      }
      const loading = Embedding.load(urlOf(bytes), { cache: cacheOf(readsAll), sha256: '0'.repeat(64) });
      await expect(loading).rejects.toMatchObject({ code: 'ERR_FORMAT' });
    }
  });

  it('keeps nothing of a download with the wrong hash', async () => {
    const cache = new Memory();
    const loading = Embedding.load(urlOf(FILE), { cache, sha256: await sha256(TEXT) });
    await expect(loading).rejects.toMatchObject({ code: 'ERR_FORMAT' });
    expect([...cache.entries.keys()]).toEqual([]);
  });

  it('with sha256 a stale entry is replaced', async () => {
    const cache = new Memory();
    const url = urlOf(FILE);
    cache.entries.set(url.href, f32Table(VALUES.slice(0, 100), 10));
    const digest = await sha256(FILE);
    expectBits(valuesOf(await Embedding.load(url, { cache, sha256: digest })), VALUES);
    expect(cache.entries.get(url.href)).toEqual(FILE);
    // Without a hash nothing says that it is stale.
    cache.entries.set(url.href, f32Table(VALUES.slice(0, 100), 10));
    expect((await Embedding.load(url, { cache })).vocabSize).toBe(10);
  });
});
