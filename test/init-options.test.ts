/** Choosing a backend: `backendInfo`, the options of `init` and `initSync`, and the state after a failure. */

import { backendInfo, Embedding, init, initSync } from 'tokenbed';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { answersThroughout, countingRows, countingTable, restoreBackend } from './helpers/backend.js';
import { expectBits } from './helpers/bits.js';
import { type Expected, expectError, expectRejection, invalidOption } from './helpers/errors.js';
import { detach } from './helpers/memory.js';

// The order matters: the backend is restored before it is checked.
answersThroughout();
afterEach(restoreBackend);

const start = init as (options?: unknown) => ReturnType<typeof init>;
const startSync = initSync as (options?: unknown) => ReturnType<typeof initSync>;

/** A module without exports. */
const EMPTY = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

const unavailable = (backend: string): Expected => ({
  class: Error,
  code: 'ERR_BACKEND_UNAVAILABLE',
  text: `Backend ${backend} cannot be loaded: `,
  fields: { backend },
});

/** Expects that the backend of this project is active and works. */
function expectWorking(): void {
  expect(backendInfo().name).toBe(inject('backend'));
  const table = countingTable(3, 2);
  expectBits(table.forward([2, 0]).data, countingRows([2, 0], 2));
  table.dispose();
}

describe('backendInfo', () => {
  it('returns the active backend and its properties', () => {
    const info = backendInfo();
    expect(Object.keys(info).sort()).toEqual(['fallbackReason', 'isa', 'name', 'threads', 'version']);
    expect(info.name).toBe(inject('backend'));
    const isas = { native: ['avx512', 'avx2', 'neon', 'scalar'], wasm: ['simd128'] };
    expect(isas[info.name]).toContain(info.isa);
    expect(Number.isInteger(info.threads) && info.threads >= 1).toBe(true);
    expect(info.fallbackReason).toBeNull();
    expect(info.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(JSON.parse(JSON.stringify(info))).toEqual(info);
  });

  it('returns a new object each time', () => {
    const info = backendInfo() as { name: string };
    info.name = 'changed';
    expect(backendInfo().name).toBe(inject('backend'));
    expect(backendInfo()).not.toBe(backendInfo());
  });
});

describe('init', () => {
  it('resolves to the result of backendInfo', async () => {
    const backend = inject('backend');
    expect(await init({ backend })).toEqual(backendInfo());
    expect(await init({ backend, wasm: undefined })).toEqual(backendInfo());
    expectWorking();
  });

  it('can be called concurrently', async () => {
    const infos = await Promise.all(Array.from({ length: 8 }, () => init({ backend: 'wasm' })));
    for (const info of infos) expect(info).toEqual(infos[0]);
    expect(backendInfo().name).toBe('wasm');
  });

  it('without a backend follows the environment, or else uses the best one that loads', async () => {
    // In Node TOKENBED_BACKEND names the backend of this project. A browser has only WASM, with a fallback reason.
    for (const options of [undefined, {}, { backend: undefined }, { backend: 'auto' as const }]) {
      const info = await init(options);
      expect(info.name).toBe(inject('backend'));
      const inNode =
        Object.prototype.toString.call((globalThis as { process?: unknown }).process) === '[object process]';
      if (inNode) expect(info.fallbackReason).toBeNull();
      else expect(info.fallbackReason).toContain('no Node addons');
    }
    expectWorking();
  });

  it('leaves existing objects on their backend, with bit-identical results', async () => {
    const options = { vocabSize: 50, embeddingDim: 9, initType: 'normal', seed: 5 } as const;
    const first = new Embedding(options);
    await init({ backend: 'wasm' });
    expect(backendInfo().name).toBe('wasm');
    const second = new Embedding(options);
    expectBits(second.forward([49, 0, 7]).data, first.forward([49, 0, 7]).data);
    await restoreBackend();
    expectBits(second.weight.toTensor().data, first.weight.toTensor().data);
    first.dispose();
    expect(second.forward(1).size).toBe(9);
    second.dispose();
  });

  it.each([[null], [5], ['wasm'], [[]], [true], [() => ({})]])(
    'rejects options that are %o',
    async (options) => {
      await expectRejection(start(options), invalidOption(TypeError, 'options', options));
      expectWorking();
    },
  );

  it('has two options', async () => {
    for (const name of ['Backend', 'isa', 'threads', 'module']) {
      await expectRejection(start({ [name]: 'wasm' }), {
        ...invalidOption(TypeError, name, 'wasm'),
        text: `Unknown option ${name}`,
      });
    }
    await expectRejection(start({ backend: 5, isa: 'avx2' }), invalidOption(TypeError, 'isa', 'avx2'));
  });

  it('accepts three backends', async () => {
    for (const backend of [null, 5, true, {}, ['wasm'], Symbol('wasm')]) {
      await expectRejection(start({ backend }), invalidOption(TypeError, 'backend', backend));
    }
    for (const backend of ['', 'WASM', 'gpu', 'native ']) {
      await expectRejection(start({ backend }), invalidOption(RangeError, 'backend', backend));
    }
    expectWorking();
  });

  it('rejects invalid sources of a module', async () => {
    for (const wasm of [null, 5, true, 5n, Symbol('wasm'), () => EMPTY]) {
      await expectRejection(start({ backend: 'wasm', wasm }), invalidOption(TypeError, 'wasm', wasm));
      await expectRejection(start({ backend: 'native', wasm }), invalidOption(TypeError, 'wasm', wasm));
    }
    const plain = {};
    await expectRejection(start({ backend: 'wasm', wasm: plain }), invalidOption(TypeError, 'wasm', plain));
    for (const brought of [plain, null, 5]) {
      const wasm = Promise.resolve(brought);
      await expectRejection(start({ backend: 'wasm', wasm }), invalidOption(TypeError, 'wasm', brought));
    }
    expectWorking();
  });

  it('reports why a module cannot be loaded, and can be retried', async () => {
    const sources: Record<string, () => unknown> = {
      'no bytes': () => new Uint8Array(0),
      'other bytes': () => Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      'a buffer of other bytes': () => new ArrayBuffer(8),
      'detached bytes': () => detach(EMPTY.slice()),
      'another module': () => EMPTY,
      'another compiled module': () => new WebAssembly.Module(EMPTY),
      'a file that is not there': () => './there/is/no.wasm',
      'a URL that is not there': () => new URL('./there/is/no.wasm', import.meta.url),
      'a malformed URL': () => 'http://',
      'a response that is an error': () => new Response('not found', { status: 404 }),
      'a response of something else': () => new Response('hello'),
      'a promise of other bytes': () => Promise.resolve(Uint8Array.of(1)),
      'a promise that is rejected': () => Promise.reject(new Error('mine')),
    };
    for (const [name, source] of Object.entries(sources)) {
      const error = await expectRejection(start({ backend: 'wasm', wasm: source() }), unavailable('wasm'));
      expect(error.cause, name).toBeInstanceOf(Error);
      expect(Object.keys(error), name).not.toContain('cause');
      expectWorking();
    }
    const error = await expectRejection(
      start({ backend: 'wasm', wasm: Promise.reject(new Error('mine')) }),
      unavailable('wasm'),
    );
    expect((error.cause as Error).message).toBe('mine');
    expect((await init({ backend: 'wasm' })).name).toBe('wasm');
  });
});

describe('initSync', () => {
  it('requires a module or its bytes', () => {
    for (const options of [undefined, null, 5, []]) {
      expectError(() => startSync(options), invalidOption(TypeError, 'options', options));
    }
    expectError(() => startSync({}), invalidOption(TypeError, 'wasm', undefined));
    for (const wasm of [
      undefined,
      null,
      'core.wasm',
      5,
      {},
      [],
      new Map(),
      Promise.resolve(EMPTY),
      () => EMPTY,
    ]) {
      expectError(() => startSync({ wasm }), invalidOption(TypeError, 'wasm', wasm));
    }
    expectError(
      () => startSync({ wasm: EMPTY, backend: 'wasm' }),
      invalidOption(TypeError, 'backend', 'wasm'),
    );
    expectWorking();
  });

  it('reports why a module is unsuitable', () => {
    const sources = [
      new Uint8Array(0),
      Uint8Array.of(1, 2, 3),
      new DataView(new ArrayBuffer(8)),
      EMPTY,
      EMPTY.buffer,
      new WebAssembly.Module(EMPTY),
      detach(EMPTY.slice()),
    ];
    for (const wasm of sources) {
      const error = expectError(() => initSync({ wasm }), unavailable('wasm'));
      expect(error.cause).toBeInstanceOf(Error);
      expectWorking();
    }
  });
});
