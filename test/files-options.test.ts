/** Options of `load`, `loadSync`, `toBytes` and `save`: each of every wrong kind and value. */

import { Embedding } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { expectError, expectRejection, invalidOption } from './helpers/errors.js';
import { f32Table, streamOf } from './helpers/files.js';

const file = f32Table(Float32Array.of(1, 2, 3, 4), 2);

type Wrong = readonly [
  option: string,
  ErrorClass: typeof TypeError | typeof RangeError,
  values: readonly unknown[],
];

/** Options of both `load` and `loadSync`. */
const BOTH: readonly Wrong[] = [
  ['tensor', TypeError, [null, 3, true, {}, ['weight'], new String('weight')]],
  ['format', TypeError, [null, 3, true, {}]],
  ['format', RangeError, ['', 'npz', 'GGUF', '__proto__', 'toString']],
  ['dtype', TypeError, [null, 3, {}]],
  ['dtype', RangeError, ['', 'f64', 'q8_0', 'F32', '__proto__']],
  ['paddingIdx', TypeError, ['0', true, {}, 0n]],
  ['paddingIdx', RangeError, [0.5, Number.NaN, Infinity, 2, -3]],
  ['mmap', TypeError, [null, 1, {}]],
  ['mmap', RangeError, ['yes', 'true']],
  ['dim', TypeError, [null, '2', true, 2n]],
  ['dim', RangeError, [0, -1, 1.5, Number.NaN, Infinity, 3, 2 ** 53]],
];

/** Options of `load` alone. */
const ASYNC: readonly Wrong[] = [
  ['onProgress', TypeError, [null, 3, 'f', {}]],
  ['signal', TypeError, [null, 3, 'stop', {}, { aborted: 'no' }]],
  ['sha256', TypeError, [null, 3, {}, new Uint8Array(32)]],
  ['sha256', RangeError, ['', 'abc', 'g'.repeat(64), '0'.repeat(63), '0'.repeat(65), ` ${'0'.repeat(63)}`]],
  ['cache', TypeError, [null, 3, true, {}, { match() {} }, { put() {} }, { match: 1, put: 2 }]],
  ['cache', RangeError, ['']],
];

const cases = (list: readonly Wrong[]) =>
  list.flatMap(([option, ErrorClass, values]) =>
    values.map((value) => ({ option, ErrorClass, value, shown: `${option}: ${show(value)}` })),
  );

const show = (value: unknown): string =>
  typeof value === 'string'
    ? JSON.stringify(value)
    : typeof value === 'object'
      ? (JSON.stringify(value) ?? '')
      : `${String(value)}${typeof value === 'bigint' ? 'n' : ''}`;

describe('loadSync', () => {
  it.each(cases(BOTH))('$shown', ({ option, ErrorClass, value }) => {
    expectError(
      () => Embedding.loadSync(file, { [option]: value }),
      invalidOption(ErrorClass, option, value),
    );
  });

  it('does not know the options of load', () => {
    for (const option of ['onProgress', 'signal', 'sha256', 'cache', 'Dim'])
      expectError(
        () => Embedding.loadSync(file, { dim: 2, [option]: 1 } as object),
        invalidOption(TypeError, option),
      );
  });
});

describe('load', () => {
  it.each(cases([...BOTH, ...ASYNC]))('$shown', async ({ option, ErrorClass, value }) => {
    const expected = invalidOption(ErrorClass, option, value);
    await expectRejection(Embedding.load(file, { [option]: value }), expected);
    // Options are checked before the source is read, but for those that depend on the table.
    if (option === 'paddingIdx' || option === 'dim') return;
    let pulled = 0;
    const stream = new ReadableStream<Uint8Array>({ pull: () => void pulled++ }, { highWaterMark: 0 });
    await expectRejection(Embedding.load(stream, { [option]: value }), expected);
    expect([pulled, stream.locked]).toEqual([0, false]);
  });

  it('rejects, and does not throw', async () => {
    const load = Embedding.load as unknown as (...args: unknown[]) => Promise<unknown>;
    for (const options of [null, 3, 'npy', { unknown: 1 }]) {
      const promise = load(file, options);
      expect(promise).toBeInstanceOf(Promise);
      await expect(promise).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' });
    }
    await expect(load()).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'source' });
  });

  it('undefined is absent', async () => {
    const options = Object.fromEntries([...BOTH, ...ASYNC].map(([option]) => [option, undefined]));
    expect((await Embedding.load(file, options)).vocabSize).toBe(2);
  });

  it('mmap: true insists, and bytes are not a file', async () => {
    for (const source of [file, new Blob([file]), streamOf(file, 10)])
      await expectRejection(Embedding.load(source, { mmap: true }), invalidOption(RangeError, 'mmap', true));
    expectError(() => Embedding.loadSync(file, { mmap: true }), invalidOption(RangeError, 'mmap', true));
    for (const mmap of ['auto', false] as const)
      expect((await Embedding.load(file, { mmap })).readOnly).toBe(false);
  });

  it('getters of options run once', async () => {
    const read: string[] = [];
    const options = Object.defineProperties(
      {},
      Object.fromEntries(
        ['tensor', 'dtype', 'dim'].map((name, i) => [
          name,
          { enumerable: true, get: () => (read.push(name), ['weight', 'f16', 1][i]) },
        ]),
      ),
    );
    expect((await Embedding.load(file, options)).embeddingDim).toBe(1);
    expect(read.sort()).toEqual(['dim', 'dtype', 'tensor']);
  });
});

describe('toBytes', () => {
  const embedding = new Embedding({ vocabSize: 2, embeddingDim: 2, seed: 1 });

  it.each(
    cases([
      ['format', TypeError, [undefined, null, 3, {}]],
      ['format', RangeError, ['', 'gguf', 'NPY', '__proto__']],
    ]),
  )('$shown', ({ ErrorClass, value }) => {
    expectError(() => embedding.toBytes(value as 'npy'), invalidOption(ErrorClass, 'format', value));
  });

  it.each(
    cases([
      ['tensor', TypeError, [null, 3, {}]],
      ['tensor', RangeError, ['__metadata__']],
    ]),
  )('$shown', ({ ErrorClass, value }) => {
    expectError(
      () => embedding.toBytes('safetensors', { tensor: value as string }),
      invalidOption(ErrorClass, 'tensor', value),
    );
  });

  it('an unknown option', () => {
    expectError(
      () => embedding.toBytes('safetensors', { Tensor: 'a' } as object),
      invalidOption(TypeError, 'Tensor', 'a'),
    );
  });

  it('a disposed table', () => {
    const gone = new Embedding({ vocabSize: 2, embeddingDim: 2 });
    gone.dispose();
    expectError(() => gone.toBytes('safetensors'), { class: Error, code: 'ERR_DISPOSED' });
  });
});
