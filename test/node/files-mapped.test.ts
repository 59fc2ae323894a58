/** Mapped tables: rows are read where they lie in the file. On WASM the same calls read the file. */

import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Embedding, EmbeddingBag, EmbeddingLayer } from 'tokenbed';
import { describe, expect, inject, it } from 'vitest';
import { expectBits, expectPainted, painted } from '../helpers/bits.js';
import { jsonOf, root, runProgram } from '../helpers/children.js';
import { folder, onDisk, sparse, sparseNpy, startFiles } from '../helpers/disk.js';
import {
  expectError,
  expectErrorAndNoWrite,
  expectRejection,
  invalidOption,
  outOfRange,
} from '../helpers/errors.js';
import { f32Table, gguf, join, npy, npyHeader, safetensors, type Part, TYPE } from '../helpers/files.js';
import { GOLDEN, goldenUrl, goldenValues } from '../helpers/golden.js';
import { DTYPES, encode, SOME_ROWS, someRows, stored } from '../helpers/stored.js';

const backend = inject('backend');
const native = backend === 'native';
const env = { TOKENBED_BACKEND: backend };
const MIB = 2 ** 20;

/** A safetensors file whose data begins `shift` bytes after a multiple of 8. */
function shifted(
  dtype: string,
  shape: readonly number[],
  data: Part,
  shift: number,
  name = 'weight',
  metadata = {},
): Uint8Array {
  const bytes = join(data);
  const text = JSON.stringify({
    __metadata__: metadata,
    [name]: { dtype, shape, data_offsets: [0, bytes.length] },
  });
  const blanks = (8 + shift - ((8 + text.length) % 8)) % 8;
  return safetensors(text + ' '.repeat(blanks), bytes);
}

const counting = (rows: number, dim: number): Float32Array =>
  Float32Array.from({ length: rows * dim }, (_, i) => i / 3);

describe('mmap', () => {
  const DIM = 64;
  const values = counting(MIB / 4 / DIM, DIM);
  const large = f32Table(values, DIM);
  const little = f32Table(values.subarray(0, 10 * DIM), DIM);

  it(native ? 'auto maps from 1 MiB on' : 'auto reads', async () => {
    for (const [bytes, mapped] of [
      [large, native],
      [little, false],
    ] as const) {
      const file = onDisk(bytes);
      for (const options of [{}, { mmap: 'auto' }] as const) {
        for (const source of [file, pathToFileURL(file)]) {
          expect((await Embedding.load(source, options)).readOnly).toBe(mapped);
          expect(Embedding.loadSync(source, options).readOnly).toBe(mapped);
        }
      }
    }
  });

  it('false reads', async () => {
    const file = onDisk(large);
    for (const embedding of [
      await Embedding.load(file, { mmap: false }),
      Embedding.loadSync(file, { mmap: false }),
    ]) {
      expect(embedding.readOnly).toBe(false);
      expectBits(embedding.weight.toTensor().data, values);
      embedding.weight.set(0, new Float32Array(DIM));
    }
  });

  const insists = async (file: string, options: object, possible: boolean) => {
    if (possible) {
      expect((await Embedding.load(file, { ...options, mmap: true })).readOnly).toBe(true);
      expect(Embedding.loadSync(file, { ...options, mmap: true }).readOnly).toBe(true);
      return;
    }
    const refusal = invalidOption(RangeError, 'mmap', true);
    await expectRejection(Embedding.load(file, { ...options, mmap: true }), refusal);
    expectError(() => Embedding.loadSync(file, { ...options, mmap: true }), refusal);
  };

  it('true insists', async () => {
    const file = onDisk(little);
    await insists(file, {}, native);
    for (const dtype of ['keep', 'f32'] as const) await insists(file, { dtype }, native);
    for (const dtype of ['f16', 'i8'] as const) await insists(file, { dtype }, false);
    await insists(onDisk(npy(npyHeader('<f4', '(1, 4)'), counting(1, 4)), 'c.npy'), {}, native);
    await insists(onDisk(npy(npyHeader('<f4', '(1, 4)', 'True'), counting(1, 4)), 'f.npy'), {}, false);
    await insists(onDisk(npy(npyHeader('<f8', '(1, 2)'), Float64Array.of(1, 2)), 'f8.npy'), {}, false);
    await insists(onDisk(join('a 1 2\n'), 'glove.txt'), {}, false);
    for (const table of GOLDEN['dtypes.safetensors']!.tables) {
      const { tensor } = table.options;
      const kept = ['F32', 'F16', 'BF16', 'one column'].includes(tensor!);
      await insists(goldenUrl('dtypes.safetensors').pathname, { tensor }, native && kept);
    }
    for (const table of GOLDEN['types.gguf']!.tables)
      await insists(goldenUrl('types.gguf').pathname, table.options, native);
  });

  it('with sha256 the whole file is read, and it stays mapped', async () => {
    const file = onDisk(large);
    const { createHash } = await import('node:crypto');
    const sha256 = createHash('sha256').update(large).digest('hex');
    expect((await Embedding.load(file, { sha256 })).readOnly).toBe(native);
    await expect(Embedding.load(file, { sha256: '0'.repeat(64) })).rejects.toMatchObject({
      code: 'ERR_FORMAT',
      path: file,
    });
  });
});

/** How files are opened here: mapped where there is mapping. */
const mmap = native ? true : ('auto' as const);

describe.each(DTYPES)('rows of %s', (dtype) => {
  const DIM = 13;
  const values = stored(dtype, someRows(DIM), DIM);
  const rows = join(
    ...Array.from(
      { length: SOME_ROWS },
      (_, row) => encode(dtype, someRows(DIM).subarray(row * DIM, (row + 1) * DIM)) as Uint8Array,
    ),
  );
  const packed = dtype === 'i8' || dtype === 'i4';
  const at = (shift: number) =>
    packed
      ? shifted('U8', [SOME_ROWS, rows.length / SOME_ROWS], rows, shift, 'weight.rows', {
          'tokenbed.dtype': dtype,
          'tokenbed.dim': String(DIM),
        })
      : shifted(dtype.toUpperCase(), [SOME_ROWS, DIM], rows, shift);

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('that begin at byte 8 n + %d', (shift) => {
    const file = onDisk(at(shift));
    for (const dim of [DIM, 12, 5, 1]) {
      const embedding = Embedding.loadSync(file, { mmap, dim });
      expect([embedding.readOnly, embedding.dtype]).toEqual([native, dtype]);
      const memory = Embedding.loadSync(file, { mmap: false, dim });
      const expected = memory.weight.toTensor().data;
      if (dim === DIM) expectBits(expected, values);
      const ids = [3, 0, 10, 3];
      expectBits(embedding.weight.toTensor().data, expected);
      expectBits(embedding.weight.row(10), memory.weight.row(10));
      expectBits(embedding.forward(ids).data, memory.forward(ids).data);
      for (const mode of ['sum', 'mean', 'max'] as const)
        expectBits(
          EmbeddingBag.from(embedding, { mode }).forward(ids, { offsets: [0, 1] }).data,
          EmbeddingBag.from(memory, { mode }).forward(ids, { offsets: [0, 1] }).data,
        );
      const layer = (token: Embedding) =>
        new EmbeddingLayer({ token, positional: null, scale: true }).forward(ids);
      expectBits(layer(embedding).data, layer(memory).data);
      const query = expected.subarray(0, dim);
      expect(embedding.nearest(query).ids.toArray()).toEqual(memory.nearest(query).ids.toArray());
      expectBits(embedding.nearest(query).scores.data, memory.nearest(query).scores.data);
      for (const other of ['f32', dtype] as const) {
        const copy = embedding.convert(other);
        expect([copy.readOnly, copy.dtype]).toEqual([false, other]);
        expectBits(copy.weight.toTensor().data, expected);
      }
      expect(embedding.toBytes('safetensors')).toEqual(memory.toBytes('safetensors'));
      // Columns that are cut stay in the file.
      if (native) expect(embedding.getMemoryUsage().bytesPerRow).toBe(rows.length / SOME_ROWS);
      embedding.dispose();
      memory.dispose();
    }
  });
});

describe('blocks of GGUF', () => {
  it('are mapped and cut at whole blocks', async () => {
    for (const table of GOLDEN['types.gguf']!.tables) {
      const embedding = Embedding.loadSync(goldenUrl('types.gguf'), { ...table.options, mmap });
      expect([embedding.dtype, embedding.readOnly]).toEqual([
        table.dtype,
        native || table.dtype.startsWith('q'),
      ]);
      expectBits(embedding.weight.toTensor().data, goldenValues(table));
      expectBits(embedding.forward([1, 0]).data.subarray(0, table.shape[1]), embedding.weight.row(1));
      if (table.shape[1] === 64 && table.dtype.startsWith('q')) {
        const half = Embedding.loadSync(goldenUrl('types.gguf'), { ...table.options, mmap, dim: 32 });
        expectBits(half.forward([2]).data, embedding.weight.row(2).slice(0, 32));
        if (native) expect(half.getMemoryUsage().bytesPerRow).toBe(embedding.getMemoryUsage().bytesPerRow);
      }
    }
  });

  it('of a file with rows at an odd byte', () => {
    const row = join(
      [0x00, 0x3c],
      Int8Array.from({ length: 32 }, (_, i) => i - 16),
    );
    const tensors = [{ name: 'token_embd.weight', sizes: [32, 3], type: TYPE.q8_0 }];
    const file = onDisk(gguf({ tensors, data: join(row, row, row) }), 'odd.gguf');
    const embedding = Embedding.loadSync(file, { mmap });
    expect([...embedding.forward(2).data]).toEqual(Array.from({ length: 32 }, (_, i) => i - 16));
  });
});

describe('a mapped table', () => {
  const DIM = 16;
  const values = counting((2 * MIB) / 4 / DIM, DIM);
  const bytes = f32Table(values, DIM);
  const ROWS = values.length / DIM;

  it(native ? 'is read-only' : 'is an ordinary one', () => {
    const embedding = Embedding.loadSync(onDisk(bytes), { paddingIdx: 3 });
    const row = new Float32Array(DIM);
    const writes = [() => embedding.weight.set(1, row), () => embedding.weight.setRows(0, row)];
    for (const write of writes) {
      if (native) expectError(write, { class: Error, code: 'ERR_READ_ONLY' });
      else write();
    }
    expectBits(embedding.weight.row(2), values.subarray(2 * DIM, 3 * DIM));
    expect(embedding.paddingIdx).toBe(3);
    if (native) expectBits(embedding.weight.toTensor().data, values);
    expect([embedding.weight.requiresGrad, embedding.weight.grad]).toEqual([!native, null]);
    embedding.backward([1, 3], new Float32Array(2 * DIM));
    expect(embedding.weight.grad?.count).toBe(native ? undefined : 1);
    if (!native) return;
    expectError(() => (embedding.weight.requiresGrad = true), {
      class: Error,
      code: 'ERR_NOT_TRAINABLE',
      text: ['mapped table', "convert('f32')"],
    });
    const copy = embedding.convert('f32');
    expect(copy.weight.requiresGrad).toBe(true);
    copy.dispose();
  });

  it('is checked like any other', () => {
    const embedding = Embedding.loadSync(onDisk(bytes));
    expectErrorAndNoWrite(2 * DIM, (out) => embedding.forwardInto([0, ROWS], out), outOfRange(ROWS, 1, ROWS));
    embedding.dispose();
    expectErrorAndNoWrite(DIM, (out) => embedding.forwardInto(0, out), {
      class: Error,
      code: 'ERR_DISPOSED',
    });
    expectError(() => embedding.nearest(new Float32Array(DIM)), { class: Error, code: 'ERR_DISPOSED' });
  });

  it('prefetch returns nothing and changes nothing', () => {
    const embedding = Embedding.loadSync(onDisk(bytes));
    const ids = Int32Array.from({ length: 5000 }, (_, i) => (i * 7919) % ROWS);
    for (const form of [ids, [...ids], BigInt64Array.from(ids, BigInt), 0, []])
      expect(embedding.prefetch(form)).toBeUndefined();
    expectBits(embedding.forward([1]).data, values.subarray(DIM, 2 * DIM));
    expectError(() => embedding.prefetch([0, ROWS]), outOfRange(ROWS, 1, ROWS));
    expectError(() => embedding.prefetch([0.5]), { class: TypeError, code: 'ERR_INVALID_ID' });
  });

  it('keeps its rows when the file is replaced or removed', async () => {
    const file = onDisk(bytes);
    const embedding = Embedding.loadSync(file);
    const next = f32Table(
      values.map((x) => -x),
      DIM,
    );
    writeFileSync(`${file}.next`, next);
    renameSync(`${file}.next`, file);
    const other = Embedding.loadSync(file);
    expectBits(embedding.weight.toTensor().data, values);
    expectBits(
      other.weight.toTensor().data,
      values.map((x) => -x),
    );
    // Over itself, too.
    await embedding.save(file);
    expectBits(Embedding.loadSync(file).weight.toTensor().data, values);
    expectBits(
      other.weight.toTensor().data,
      values.map((x) => -x),
    );
    expect(readdirSync(path.dirname(file))).toEqual([path.basename(file)]);
  });

  it('of a file that grows is unchanged', async () => {
    const file = onDisk(bytes);
    const embedding = Embedding.loadSync(file);
    await appendFile(file, new Uint8Array(10_000));
    expectBits(embedding.weight.toTensor().data, values);
    expectError(() => Embedding.loadSync(file), { class: Error, code: 'ERR_FORMAT', fields: { path: file } });
  });

  if (native) {
    it('reads bytes that were overwritten in place', () => {
      const file = onDisk(bytes);
      const embedding = Embedding.loadSync(file);
      const to = openSync(file, 'r+');
      const row = new Float32Array(DIM).fill(7);
      writeSync(to, new Uint8Array(row.buffer), 0, row.byteLength, bytes.length - row.byteLength);
      closeSync(to);
      expectBits(embedding.weight.row(ROWS - 1), row);
    });

    it('is unmapped by dispose(), and leaves no open file', () => {
      const file = onDisk(bytes);
      const maps = () => readFileSync('/proc/self/maps', 'utf8').split(file).length - 1;
      const files = () => readdirSync('/proc/self/fd').length;
      const [before, opened] = [maps(), files()];
      for (let i = 0; i < 50; i++) {
        const embedding = Embedding.loadSync(file);
        expect(maps()).toBe(1 + before);
        embedding.dispose();
        expectError(() => Embedding.loadSync(file, { tensor: 'other' }), {
          class: Error,
          code: 'ERR_FORMAT',
        });
      }
      expect(maps()).toBe(before);
      expect(files()).toBeLessThanOrEqual(opened + 1);
    });

    it('that is forgotten is unmapped', async () => {
      const file = onDisk(bytes);
      for (let i = 0; i < 200; i++) Embedding.loadSync(file).weight.row(0);
      const maps = () => readFileSync('/proc/self/maps', 'utf8').split(file).length - 1;
      for (let i = 0; i < 20 && maps() > 10; i++) {
        globalThis.gc?.();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(maps()).toBeLessThanOrEqual(10);
    });
  }
});

describe('a file that is cut', () => {
  const DIM = 16;
  const values = counting((2 * MIB) / 4 / DIM, DIM);
  const bytes = f32Table(values, DIM);
  const ROWS = values.length / DIM;

  it(native ? 'before a call: ERR_FORMAT, and nothing is written' : 'after it was read has no effect', () => {
    for (const length of [0, 4096, bytes.length - 1]) {
      const file = onDisk(bytes);
      const embedding = Embedding.loadSync(file);
      const bag = EmbeddingBag.from(embedding);
      truncateSync(file, length);
      const query = new Float32Array(DIM).fill(1);
      const calls = [
        (out: Float32Array<ArrayBuffer>) => embedding.forwardInto([ROWS - 1], out),
        (out: Float32Array<ArrayBuffer>) => embedding.weight.row(0, out),
        (out: Float32Array<ArrayBuffer>) => bag.forwardInto([[0, 1]], out),
        () => embedding.nearest(query),
        () => embedding.weight.toTensor(),
        () => embedding.convert('i8'),
        () => embedding.convert('f32'),
        () => embedding.toBytes('safetensors'),
      ];
      for (const call of calls) {
        const out = painted(DIM);
        if (!native) {
          call(out);
          continue;
        }
        const error = expectError(() => call(out), { class: Error, code: 'ERR_FORMAT' });
        expectPainted(out);
        expect(error.message).toContain(file);
      }
      // Longer again, it is still another file.
      const to = openSync(file, 'r+');
      ftruncateSync(to, bytes.length);
      closeSync(to);
    }
  });

  it('while it is saved: the target stays as it was', async () => {
    const file = onDisk(bytes);
    const embedding = Embedding.loadSync(file);
    const target = path.join(folder(), 'target.safetensors');
    writeFileSync(target, 'old');
    truncateSync(file, 100);
    if (!native) {
      await embedding.save(target);
      return expectBits(Embedding.loadSync(target).weight.toTensor().data, values);
    }
    await expect(embedding.save(target)).rejects.toMatchObject({ code: 'ERR_FORMAT' });
    expect(readFileSync(target, 'utf8')).toBe('old');
    expect(readdirSync(path.dirname(target))).toEqual(['target.safetensors']);
  });

  if (native) {
    it.each([
      ['forward', '2'],
      ['nearest', '1'],
      ['nearest', '2'],
      ['row', '1'],
      ['convert', '1'],
      ['toBytes', '1'],
    ])('during %s on %s threads: ERR_FORMAT, and the process lives', async (call, threads) => {
      const rows = call === 'nearest' ? 2 ** 20 : 2 ** 18;
      const file = sparse(rows, 64, new Float32Array(64).fill(1));
      const { child, output } = startFiles(['cut', file, call], { ...env, TOKENBED_THREADS: threads });
      await new Promise((resolve) => child.once('message', resolve));
      // Some time during one of the calls that follow each other.
      await new Promise((resolve) => setTimeout(resolve, 37));
      truncateSync(file, 5000);
      const { stdout, stderr, signal } = await output;
      expect([signal, stderr]).toEqual([null, '']);
      const { thrown, alive } = JSON.parse(stdout) as { thrown: Record<string, unknown>[]; alive: number[] };
      expect(alive).toEqual([2, 2]);
      expect(thrown).toHaveLength(2);
      for (const error of thrown) {
        expect(error).toMatchObject({ code: 'ERR_FORMAT', path: file });
        expect(error['message']).toContain(file);
      }
    });
  }
});

if (native) {
  describe('a SIGBUS that is not that of a mapped file', () => {
    const values = counting(2 ** 18, 4);
    const run = (order: string) =>
      runProgram('files.mjs', ['signal', onDisk(f32Table(values, 4)), order], env);

    it('ends the process, as without a mapping', async () => {
      expect(await run('none')).toMatchObject({ signal: 'SIGBUS', stdout: '' });
    });

    it.each(['before', 'after'])('is received by a handler that was installed %s it', async (order) => {
      const result = await jsonOf<unknown>(run(order));
      expect(result).toEqual({ received: ['SIGBUS'], row: [...values.subarray(0, 4)] });
    });
  });
}

describe('large files', () => {
  const ROWS = (5 * 2 ** 30) / 256;
  const last = Float32Array.from({ length: 64 }, (_, i) => i + 0.5);

  it.each([
    ['safetensors', sparse],
    ['npy', sparseNpy],
  ] as const)(
    native ? '5 GiB of %s open in milliseconds and megabytes' : '5 GiB of %s are ERR_TOO_LARGE',
    async (_, make) => {
      const file = make(ROWS, 64, last);
      if (!native) {
        const before = process.memoryUsage().rss;
        for (const load of [
          () => Embedding.loadSync(file),
          () => Embedding.loadSync(file, { mmap: 'auto' }),
        ]) {
          const error = expectError(load, { class: RangeError, code: 'ERR_TOO_LARGE' });
          expect(error['bytes']).toBeGreaterThanOrEqual(5 * 2 ** 30);
          expect(error['limit']).toBeLessThanOrEqual(2 ** 32);
        }
        await expect(Embedding.load(file)).rejects.toMatchObject({ code: 'ERR_TOO_LARGE' });
        expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
        return;
      }
      const result = await jsonOf<{
        opened: number;
        looked: number;
        vocabSize: number;
        readOnly: boolean;
        last: number[];
        before: { anonymous: number };
        after: { anonymous: number };
      }>(runProgram('files.mjs', ['open', file], env));
      expect([result.vocabSize, result.readOnly, result.last]).toEqual([ROWS, true, [...last]]);
      const grown = (result.after.anonymous - result.before.anonymous) / MIB;
      console.log(
        `5 GiB: open ${result.opened.toFixed(1)} ms, with 1,000 rows ${result.looked.toFixed(1)} ms, +${grown.toFixed(1)} MiB`,
      );
      expect(result.opened).toBeLessThan(200); // a busy machine
      expect(grown).toBeLessThan(8);
    },
  );
});

describe('threads', () => {
  it('each opens the file itself', async () => {
    const values = counting((2 * MIB) / 64, 16);
    const file = onDisk(f32Table(values, 16));
    const program = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { Embedding } = require(workerData.entry);
      const embedding = Embedding.loadSync(workerData.file);
      const { vocabSize } = embedding;
      let sum = 0;
      for (let i = 0; i < 2000; i++) sum += embedding.forward([(i * 7919) % vocabSize]).data[3];
      parentPort.postMessage([embedding.readOnly, sum]);`;
    const start = () =>
      new Promise((resolve, reject) => {
        const worker = new Worker(program, {
          eval: true,
          workerData: { file, entry: path.join(root, 'dist/index.cjs') },
          env: { ...process.env, ...env },
          execArgv: [],
        });
        worker.once('message', resolve).once('error', reject);
      });
    const results = (await Promise.all(Array.from({ length: 6 }, start))) as [boolean, number][];
    let sum = 0;
    for (let i = 0; i < 2000; i++) sum += values[((i * 7919) % (values.length / 16)) * 16 + 3]!;
    expect(results).toEqual(results.map(() => [native, sum]));
  });
});
