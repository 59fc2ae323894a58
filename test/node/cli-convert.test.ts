/** `tokenbed convert`: the tables that it writes, what it copies, and files that are never partial. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Embedding, type StorageDType } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { expectBits } from '../helpers/bits.js';
import { npy, npyHeader, tensors } from '../helpers/files.js';
import { parseSafetensors, tensorOf } from './cli-files.js';
import { expectFailure, folder, numbers, outcome, printed, start } from './cli-program.js';

const ROWS = 50;
const DIM = 7;
const draw = numbers(3);
const values = Float32Array.from({ length: ROWS * DIM }, () => draw() / 2 ** 32 - 0.5);
const everyRow = Uint16Array.from({ length: ROWS }, (_, i) => i);

const table = tensorOf('F32', [ROWS, DIM], values);
const mapping = tensorOf('I64', [3], BigInt64Array.from([1n, -2n, 2n ** 60n]));
const weights = tensorOf('F64', [3], Float64Array.from([0.1, 0.2, 0.3]));
const odd = tensorOf('F8_E8M0', [1, 5], Uint8Array.from([1, 2, 3, 4, 5]));
const METADATA = { format: 'pt', 'a "key"': 'v\u00e4lue' };
const MODEL = tensors({ mapping, embeddings: table, weights, odd }, METADATA);

/** A folder with these files. */
function files(contents: Readonly<Record<string, Uint8Array | string>>): string {
  const cwd = folder();
  for (const [name, bytes] of Object.entries(contents)) writeFileSync(path.join(cwd, name), bytes);
  return cwd;
}

const read = (cwd: string, name: string): Buffer => readFileSync(path.join(cwd, name));

/** The rows that lookups return. */
const rowsIn = (cwd: string, name: string, tensor?: string): Float32Array =>
  Embedding.loadSync(path.join(cwd, name), { tensor }).forward(everyRow).data;

describe('convert', () => {
  it.each(['f32', 'f16', 'bf16', 'i8', 'i4'] as const)(
    'to %s: the rows of convert(), the other tensors and the metadata as they were',
    async (dtype) => {
      const cwd = files({ 'in.safetensors': MODEL });
      const text = await printed(['convert', 'in.safetensors', 'out.safetensors', '--dtype', dtype], { cwd });
      const out = read(cwd, 'out.safetensors');
      expect(text).toBe(
        `out.safetensors: 50 x 7 ${dtype}, ${out.length.toLocaleString('en-US')} bytes\ncopied: mapping, weights, odd\n`,
      );
      const expected = Embedding.fromPretrained(values, { embeddingDim: DIM }).convert(dtype);
      expectBits(rowsIn(cwd, 'out.safetensors', 'embeddings'), expected.forward(everyRow).data);
      const { tensors: written, metadata } = parseSafetensors(out);
      expect(written).toMatchObject({ mapping, weights, odd });
      const integers = dtype === 'i8' || dtype === 'i4';
      expect(metadata).toEqual(
        integers ? { ...METADATA, 'tokenbed.dtype': dtype, 'tokenbed.dim': '7' } : METADATA,
      );
      const own = integers ? 'embeddings.rows' : 'embeddings';
      expect(Object.keys(written).sort()).toEqual(['mapping', own, 'odd', 'weights'].sort());
      expect(readdirSync(cwd).sort()).toEqual(['in.safetensors', 'out.safetensors']);
    },
  );

  it('keeps what is stored by default', async () => {
    const half = Embedding.fromPretrained(values, { embeddingDim: DIM, dtype: 'f16' }).toBytes('safetensors');
    const cwd = files({ 'in.safetensors': half });
    await printed(['convert', 'in.safetensors', 'out.safetensors'], { cwd });
    expect(read(cwd, 'out.safetensors')).toEqual(Buffer.from(half));
  });

  it('undoes the metadata of i8 rows, and restores words', async () => {
    const lines = Array.from(
      everyRow,
      (i) => `w${i % 40} ${values.subarray(i * DIM, i * DIM + DIM).join(' ')}\n`,
    );
    const cwd = files({ 'in.txt': lines.join('') });
    const words = Array.from(everyRow, (i) => `w${i % 40}`);
    await printed(['convert', 'in.txt', 'small.safetensors', '--dtype', 'i8'], { cwd });
    await printed(['convert', 'small.safetensors', 'large.safetensors', '--dtype', 'f32'], { cwd });
    const large = Embedding.loadSync(path.join(cwd, 'large.safetensors'));
    expect([large.dtype, large.words, { ...large.metadata }]).toEqual(['f32', words, {}]);
    expectBits(large.forward(everyRow).data, rowsIn(cwd, 'small.safetensors'));
    expect(Object.keys(parseSafetensors(read(cwd, 'large.safetensors')).tensors).sort()).toEqual([
      'weight',
      'weight.words',
      'weight.words.offsets',
    ]);
  });

  it('keeps the first columns, cut before they are converted', async () => {
    const cwd = files({ 'in.safetensors': MODEL });
    const args = ['convert', 'in.safetensors', 'out.safetensors', '--dtype', 'i8', '--dim', '3'];
    await printed(args, { cwd });
    const first = values.filter((_, i) => i % DIM < 3);
    const expected = Embedding.fromPretrained(first, { embeddingDim: 3, dtype: 'i8' });
    expectBits(rowsIn(cwd, 'out.safetensors', 'embeddings'), expected.forward(everyRow).data);
  });

  it('writes .npy, and names what that cannot hold', async () => {
    const cwd = files({ 'in.safetensors': MODEL });
    const text = await printed(['convert', 'in.safetensors', 'out.npy', '--dtype', 'f16'], { cwd });
    expect(text).toMatch(/^out\.npy: 50 x 7 f16, 828 bytes\nleft out: mapping, weights, odd\n$/);
    const npyFile = read(cwd, 'out.npy');
    expect(npyFile.toString('latin1', 0, 128)).toContain(
      "'descr': '<f2', 'fortran_order': False, 'shape': (50, 7)",
    );
    const expected = Embedding.fromPretrained(values, { embeddingDim: DIM, dtype: 'f16' });
    expectBits(rowsIn(cwd, 'out.npy'), expected.forward(everyRow).data);
  });

  it('reads .npy in Fortran order and word vectors', async () => {
    const byColumn = values.map((_, i) => values[(i % ROWS) * DIM + Math.floor(i / ROWS)]!);
    const cwd = files({ 'f.npy': npy(npyHeader('<f4', '(50, 7)', 'True'), byColumn) });
    await printed(['convert', 'f.npy', 'c.npy'], { cwd });
    expectBits(rowsIn(cwd, 'c.npy'), values);
  });

  it('chooses the table by --tensor', async () => {
    const other = tensorOf('F32', [2, 2], Float32Array.of(1, 2, 3, 4));
    const cwd = files({ 'in.safetensors': tensors({ a: table, b: other }) });
    await expectFailure(['convert', 'in.safetensors', 'o.npy'], 1, /ERR_FORMAT: in.safetensors: .*"a", "b"/, {
      cwd,
    });
    await expectFailure(
      ['convert', 'in.safetensors', 'o.npy', '--tensor', 'c'],
      1,
      /ERR_FORMAT: in.safetensors: .*"c".*"a", "b"/,
      { cwd },
    );
    await printed(['convert', 'in.safetensors', 'o.safetensors', '--tensor', 'b', '--dtype', 'f16'], { cwd });
    const { tensors: written } = parseSafetensors(read(cwd, 'o.safetensors'));
    expect(written['a']).toEqual(table);
    expect(written['b']).toMatchObject({ dtype: 'F16', shape: [2, 2] });
  });

  it('joins the shards of a model', async () => {
    const weight_map = { embeddings: 'a.safetensors', mapping: 'b.safetensors', weights: 'b.safetensors' };
    const cwd = files({
      'a.safetensors': tensors({ embeddings: table }),
      'b.safetensors': tensors({ mapping, weights }),
      'm.safetensors.index.json': JSON.stringify({ metadata: {}, weight_map }),
    });
    await printed(['convert', 'm.safetensors.index.json', 'out.safetensors'], { cwd });
    const { tensors: written } = parseSafetensors(read(cwd, 'out.safetensors'));
    expect(written).toEqual({ embeddings: table, mapping, weights });
  });

  it('copies tensors that are larger than a piece', async () => {
    const large = tensorOf(
      'U8',
      [3, 1_100_001],
      Uint8Array.from({ length: 3_300_003 }, (_, i) => i % 251),
    );
    const cwd = files({ 'in.safetensors': tensors({ large, weight: table }) });
    await printed(['convert', 'in.safetensors', 'out.safetensors', '--tensor', 'weight'], { cwd });
    const { tensors: written } = parseSafetensors(read(cwd, 'out.safetensors'));
    expect(Buffer.compare(written['large']!.data, large.data)).toBe(0);
  });

  it.skipIf(process.platform === 'win32')('reads a pipe, tensors before the table included', async () => {
    const cwd = files({ 'in.safetensors': MODEL });
    spawnSync('mkfifo', [path.join(cwd, 'pipe')]);
    const writer = spawn('sh', ['-c', 'cat in.safetensors > pipe'], { cwd });
    await printed(['convert', 'pipe', 'out.safetensors'], { cwd });
    expect(writer.exitCode ?? (await once(writer, 'close'))[0]).toBe(0);
    const { tensors: written } = parseSafetensors(read(cwd, 'out.safetensors'));
    expect(written).toEqual({ embeddings: table, mapping, weights, odd });
  });

  it('prints one JSON object with --json', async () => {
    const cwd = files({ 'in.safetensors': MODEL });
    const text = await printed(['convert', 'in.safetensors', 'out.npy', '--json'], { cwd });
    expect(JSON.parse(text)).toEqual({
      tensor: 'embeddings',
      shape: [50, 7],
      dtype: 'f32',
      bytes: read(cwd, 'out.npy').length,
      copied: [],
      leftOut: ['mapping', 'weights', 'odd'],
    });
  });
});

describe('convert: the file OUT', () => {
  it('is replaced only with --force, also if it is IN', async () => {
    const cwd = files({ 'in.safetensors': MODEL, 'out.npy': 'old' });
    await expectFailure(
      ['convert', 'in.safetensors', 'out.npy'],
      1,
      'tokenbed: EEXIST: out.npy: the file exists; --force replaces it',
      { cwd },
    );
    expect(read(cwd, 'out.npy').toString()).toBe('old');
    await printed(['convert', '--force', 'in.safetensors', 'out.npy'], { cwd });
    expectBits(rowsIn(cwd, 'out.npy'), values);
    await printed(['convert', '--force', 'in.safetensors', 'in.safetensors', '--dtype', 'f16'], { cwd });
    const { tensors: written } = parseSafetensors(read(cwd, 'in.safetensors'));
    expect(written).toMatchObject({ embeddings: { dtype: 'F16' }, mapping, weights, odd });
  });

  it('stays as it was after an error, and nothing is left beside it', async () => {
    const range = values.slice();
    range[3 * DIM + 2] = 1e6;
    const bad = tensors({ weight: tensorOf('F32', [ROWS, DIM], range) });
    const cwd = files({
      'bad.safetensors': bad,
      'short.npy': npy(npyHeader('<f4', '(9, 9)', 'False'), values),
      'out.npy': 'old',
    });
    const args = ['--force', '--dtype', 'f16'];
    await expectFailure(
      ['convert', 'bad.safetensors', 'out.npy', ...args],
      1,
      'ERR_RANGE: 1000000 at row 3, column 2 does not fit f16',
      { cwd },
    );
    await expectFailure(['convert', 'short.npy', 'out.npy', ...args], 1, 'ERR_FORMAT: short.npy: ', { cwd });
    await expectFailure(['convert', 'none.npy', 'out.npy', ...args], 1, 'ENOENT: none.npy: no such file', {
      cwd,
    });
    expect(read(cwd, 'out.npy').toString()).toBe('old');
    expect(readdirSync(cwd).sort()).toEqual(['bad.safetensors', 'out.npy', 'short.npy']);
  });

  it('must have a place', async () => {
    const cwd = files({ 'in.safetensors': MODEL });
    mkdirSync(path.join(cwd, 'folder.npy'));
    await expectFailure(['convert', 'in.safetensors', 'no/out.npy'], 1, 'ENOENT: no/out.npy: no such file', {
      cwd,
    });
    await expectFailure(['convert', '--force', 'in.safetensors', 'folder.npy'], 1, 'EISDIR: folder.npy: ', {
      cwd,
    });
  });

  it('is not written where the other tensors would collide with it', async () => {
    const rows = tensorOf('U8', [2], Uint8Array.of(1, 2));
    const cwd = files({ 'in.safetensors': tensors({ weight: table, 'weight.rows': rows }) });
    await expectFailure(
      ['convert', 'in.safetensors', 'out.safetensors', '--dtype', 'i8'],
      1,
      'ERR_FORMAT: in.safetensors: the new table needs the name "weight.rows"',
      { cwd },
    );
    expect(existsSync(path.join(cwd, 'out.safetensors'))).toBe(false);
  });

  it('is whole or absent when the program is killed', async () => {
    const cwd = folder();
    const rows = 2 ** 19;
    const file = path.join(cwd, 'in.npy');
    const header = npy(npyHeader('<f4', `(${rows}, 256)`, 'False'), new Uint8Array(0));
    writeFileSync(file, header);
    truncateSync(file, header.length + rows * 1024); // 512 MiB
    const child = start(['convert', 'in.npy', 'out.safetensors', '--dtype', 'f16'], { cwd });
    const done = outcome(child);
    for (;;) {
      if (readdirSync(cwd).some((name) => name.startsWith('.out.safetensors.tokenbed-'))) break;
      if (child.exitCode !== null) throw new Error('it ended before it wrote anything');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    child.kill('SIGKILL');
    const { signal } = await done;
    expect(signal).toBe('SIGKILL');
    expect(existsSync(path.join(cwd, 'out.safetensors'))).toBe(false);
    expect(readdirSync(cwd).filter((name) => !name.startsWith('.'))).toEqual(['in.npy']);
  });
});

describe('convert: the command line', () => {
  it.each([
    [['convert'], 'ERR_USAGE: convert takes IN OUT: got nothing'],
    [['convert', 'a.npy'], 'ERR_USAGE: convert takes IN OUT: got "a.npy"'],
    [['convert', 'a', 'b.npy', 'c.npy'], 'ERR_USAGE: convert takes IN OUT: got "a" "b.npy" "c.npy"'],
    [['convert', 'a', 'b.gguf'], 'ERR_USAGE: OUT must end in .safetensors or .npy: got "b.gguf"'],
    [['convert', 'a', 'b'], 'ERR_USAGE: OUT must end in .safetensors or .npy: got "b"'],
    [
      ['convert', 'a', 'b.npy', '--dtype', 'f64'],
      'ERR_INVALID_OPTION: Option --dtype must be one of keep, f32, f16,',
    ],
    [
      ['convert', 'a', 'b.npy', '--dtype', 'i8'],
      'ERR_INVALID_OPTION: Option --dtype must be f32 or f16 for a .npy file',
    ],
    [
      ['convert', 'a', 'b.npy', '--dim', '0'],
      'ERR_INVALID_OPTION: Option --dim must be an integer >= 1: got "0"',
    ],
    [['convert', 'a', 'b.npy', '--tensor', ''], 'ERR_INVALID_OPTION: Option --tensor must be a name'],
  ])('rejects %j', async (args, line) => {
    await expectFailure(args, 2, line);
  });

  it('rejects what does not suit the file', async () => {
    const half = Embedding.fromPretrained(values, { embeddingDim: DIM, dtype: 'bf16' as StorageDType });
    const cwd = files({ 'in.safetensors': half.toBytes('safetensors') });
    await expectFailure(
      ['convert', 'in.safetensors', 'out.npy'],
      2,
      'ERR_INVALID_OPTION: Option --dtype must be f32 or f16 for a .npy file: got keep, and IN stores another dtype',
      { cwd },
    );
    await expectFailure(
      ['convert', 'in.safetensors', 'out.npy', '--dtype', 'f32', '--dim', '8'],
      2,
      'ERR_INVALID_OPTION: Option --dim must be an integer >= 1 and <= 7: got 8',
      { cwd },
    );
    expect(readdirSync(cwd)).toEqual(['in.safetensors']);
  });
});
