/** `tokenbed embed` compared with the library, bit for bit, and its cleanup when interrupted. */

import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CharTokenizer, Embedding, EmbeddingLayer, StaticModel } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { expectBits } from '../helpers/bits.js';
import { tensors } from '../helpers/files.js';
import { TOKENS, values } from '../helpers/static-model.js';
import { writeModel } from './cli-files.js';
import {
  expectFailure,
  folder,
  idLines,
  numbers,
  outcome,
  preloading,
  printed,
  start,
  tokenbed,
} from './cli-program.js';

/** The library's result for lines of ids, each a sequence. */
function library(
  lines: readonly (readonly number[])[],
  { vocabSize = 99, embeddingDim = 64, seed = 0n, positional = 'sinusoidal' as 'sinusoidal' | null },
): Float32Array {
  const maxSeqLength = Math.max(1, ...lines.map(({ length }) => length));
  const layer = new EmbeddingLayer({ vocabSize, embeddingDim, seed, positional, maxSeqLength });
  const rows = lines.flatMap((ids) => Array.from(layer.forward(ids, { shape: [ids.length] }).data));
  layer.dispose();
  return Float32Array.from(rows);
}

/** Parses rows of `dim` numbers. */
function parseRows(text: string, dim: number): Float32Array {
  if (text === '') return new Float32Array(0);
  expect(text.endsWith('\n')).toBe(true);
  const rows = text
    .slice(0, -1)
    .split('\n')
    .map((row) => row.split(' ').map(Number));
  expect(rows.every(({ length }) => length === dim)).toBe(true);
  return Float32Array.from(rows.flat());
}

/** The peak memory of `embed --npy` in KiB, for `count` times the same input. */
async function peakKb(args: readonly string[], count: number, line: string): Promise<number> {
  const env = preloading(
    'process.on("exit", () => process.stderr.write("PEAK" + process.resourceUsage().maxRSS))',
  );
  const child = start(['embed', '--npy', ...args], { env });
  child.stdout.resume();
  const done = outcome(child);
  for (let i = 0; i < count; i++) if (!child.stdin.write(line)) await once(child.stdin, 'drain');
  child.stdin.end();
  const { stderr, code } = await done;
  expect(code).toBe(0);
  return Number(/PEAK([0-9]+)/.exec(stderr)![1]);
}

/** The floats of a .npy 1.0 file with this shape. */
function parseNpy(bytes: Buffer, rows: number, dim: number): Float32Array {
  const header = bytes.subarray(0, 128).toString('latin1');
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${dim}), }`;
  expect(header).toBe(`\x93NUMPY\x01\x00\x76\x00${dict.padEnd(117)}\n`);
  expect(bytes.length).toBe(128 + rows * dim * 4);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + 128, bytes.byteOffset + bytes.length));
}

const char = new CharTokenizer();
const text = ['Hello world!', '', 'a', 'The quick brown fox'];
const lines = text.map((line) => char.encode(line));

describe('embed', () => {
  it('prints each row as a JSON array with --json', async () => {
    const text = await printed(['embed', '--json', '--dim', '3', '--seed', '5'], { input: '1 2\n3\n' });
    const rows = text
      .trimEnd()
      .split('\n')
      .map((row) => JSON.parse(row) as number[]);
    const expected = library([[1, 2], [3]], { embeddingDim: 3, seed: 5n });
    expectBits(Float32Array.from(rows.flat()), expected);
    expect(rows.map((row) => row.length)).toEqual([3, 3, 3]);
    await expectFailure(['embed', '--json', '--npy'], 2, /ERR_INVALID_OPTION: Options --npy and --json/);
  });

  it('is bit-identical to the library for ids, with positions restarting on every line', async () => {
    const out = await printed(['embed'], { input: idLines(lines) });
    expectBits(parseRows(out, 64), library(lines, {}));
  });

  it('passes on every option', async () => {
    const ids = [[4, 0, 4, 1], [3], [2, 2]];
    const args = '--vocab 5 --dim 3 --seed 18446744073709551615 --position none'.split(' ');
    const expected = library(ids, { vocabSize: 5, embeddingDim: 3, seed: 2n ** 64n - 1n, positional: null });
    expectBits(parseRows(await printed(['embed', ...args], { input: idLines(ids) }), 3), expected);
  });

  it('reports once that the table is random', async () => {
    const { stderr } = await tokenbed(['embed', '--seed', '7'], { input: idLines(lines) });
    expect(stderr).toMatch(/^tokenbed: the table is random \(seed 7, 99 x 64\), not trained.*\n$/);
  });

  it('reads files as text, and as ids with --ids', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'text'), text.join('\r\n'));
    writeFileSync(path.join(cwd, 'ids'), idLines(lines));
    const expected = library([...lines, ...lines], { embeddingDim: 5 });
    expectBits(parseRows(await printed(['embed', '--dim', '5', 'text', 'text'], { cwd }), 5), expected);
    expectBits(
      parseRows(await printed(['embed', '--dim', '5', '--ids', 'ids', 'ids'], { cwd }), 5),
      expected,
    );
    const input = text.join('\n');
    const mixed = await printed(['embed', '--dim', '5', '-', 'text'], { cwd, input });
    expectBits(parseRows(mixed, 5), expected);
  });

  it.each([
    ['nothing', '', []],
    ['empty lines', '\n\r\n\n', []],
    ['white space of all kinds', ' 1\t2  3 \r\n\v4\f\n', [[1, 2, 3], [4]]],
    ['signs and zeros in front', '+1 007 -0\n', [[1, 7, 0]]],
    ['a last line without its end', '1 2\n98', [[1, 2], [98]]],
  ])('reads %s', async (_, input, ids) => {
    expectBits(
      parseRows(await printed(['embed', '--dim', '2'], { input }), 2),
      library(ids, { embeddingDim: 2 }),
    );
    const { bytes } = await tokenbed(['embed', '--dim', '2', '--npy'], { input });
    expectBits(parseNpy(bytes, ids.flat().length, 2), library(ids, { embeddingDim: 2 }));
  });

  it('joins ids that are split across chunks', async () => {
    const ids = [[98, 12], [7]];
    const input = Array.from(Buffer.from('98 12\r\n7'), (byte) => Uint8Array.of(byte));
    const out = await printed(['embed', '--dim', '2'], { input });
    expectBits(parseRows(out, 2), library(ids, { embeddingDim: 2 }));
  });

  it.each([1, 3, 1025])('accepts lines of any length, with %i columns', async (dim) => {
    const draw = numbers(dim);
    const lengths = dim > 1000 ? [4095, 4097, 1] : [4096, 4097, 2, 40_000, 1];
    const ids = lengths.map((length) => Array.from({ length }, () => draw() % 99));
    const args = ['embed', '--npy', '--dim', String(dim)];
    const { bytes, code } = await tokenbed(args, { input: idLines(ids) });
    expect(code).toBe(0);
    expectBits(parseNpy(bytes, ids.flat().length, dim), library(ids, { embeddingDim: dim }));
  });

  it('accepts the output of tokenize', async () => {
    const draw = numbers(5);
    const book = Array.from({ length: 3000 }, () =>
      String.fromCodePoint(...Array.from({ length: draw() % 80 }, () => 32 + (draw() % 100))),
    );
    const ids = await printed(['tokenize'], { input: book.join('\n') });
    const { bytes } = await tokenbed(['embed', '--npy', '--dim', '16'], { input: ids });
    const expected = book.map((line) => char.encode(line));
    expectBits(parseNpy(bytes, expected.flat().length, 16), library(expected, { embeddingDim: 16 }));
  });

  it('needs no more memory for longer input', async () => {
    // 0.1 and 2.5 million tokens, on many lines and on one: 3 MiB and 76 MiB of vectors.
    for (const end of ['\n', ' ']) {
      const line = '44 73 80 83 4 '.repeat(2000) + end;
      const small = await peakKb(['--dim', '8'], 10, line);
      const large = await peakKb(['--dim', '8'], 250, line);
      expect(large - small).toBeLessThan(40 * 1024);
    }
  });

  const range = 'ERR_ID_OUT_OF_RANGE: Token indices must be in range [0, 99): got';
  const integers = 'ERR_INVALID_ID: Token indices must be integers: got';
  it.each([
    ['one at the start', '99', `${range} 99 at line 1, column 1 of standard input`],
    ['zeros in front', '1 2\r\n\n 98\t 00120 x', `${range} 00120 at line 3, column 6 of standard input`],
    ['a sign', '1 -1', `${range} -1 at line 1, column 3 of standard input`],
    ['400 digits', `1\n${'9'.repeat(400)} 2`, `${range} ${'9'.repeat(57)}... at line 2, column 1 of`],
    ['a fraction', '1 2.5', `${integers} "2.5" at line 1, column 3 of standard input`],
    ['an exponent', '1 2 1e1', `${integers} "1e1" at line 1, column 5 of standard input`],
    ['a word', 'Hello', `${integers} "Hello" at line 1, column 1 of standard input`],
    ['a letter', '1\n2 \u00e9', `${integers} "\u00e9" at line 2, column 3 of standard input`],
    ['a comma', '1,2', `${integers} "1,2" at line 1, column 1 of standard input`],
    ['a sign alone', '-', `${integers} "-" at line 1, column 1 of standard input`],
    ['no end', 'x'.repeat(200_000), `${integers} "${'x'.repeat(57)}..." at line 1, column 1 of`],
  ])('reports the position of an invalid id: %s', async (_, input, line) => {
    await expectFailure(['embed', '--npy'], 1, line, { input });
  });

  it.each([
    ['lines of tokenize --json', '[2,69,70,3]\n[2,3]\n[]\n[98]\n', [[2, 69, 70, 3], [2, 3], [], [98]]],
    ['white space anywhere', ' [ 1 ,\t2,3\t]\r\n[\f]\n [7]', [[1, 2, 3], [], [7]]],
    ['both forms', '1 2\n[3,4]\n\n5\n', [[1, 2], [3, 4], [], [5]]],
  ])('reads ids from JSON arrays: %s', async (_, input, lines) => {
    const args = ['embed', '--dim', '3'];
    const rows = await printed(args, { input });
    expect(rows).toBe(await printed(args, { input: idLines(lines) }));
    // A byte at a time, so that every token is cut.
    expect(await printed(args, { input: Array.from(input, (each) => Buffer.from(each)) })).toBe(rows);
    const cwd = folder();
    writeFileSync(path.join(cwd, 'ids'), input);
    expect(await printed([...args, '--ids', 'ids'], { cwd })).toBe(rows);
  });

  it('reads a JSON array that is longer than a read', async () => {
    const ids = Array.from({ length: 60_000 }, (_, i) => (i * 31) % 99);
    const args = ['embed', '--dim', '1', '--position', 'none'];
    expect(await printed(args, { input: JSON.stringify(ids) })).toBe(
      await printed(args, { input: ids.join(' ') }),
    );
  });

  it.each([
    ['no end', '[1,2\n3]', 'line 1, column 5: a JSON array of ids: expected a comma or ], got the end of'],
    [
      'no end of an empty array',
      '1\n[',
      'line 2, column 2: a JSON array of ids: expected a value or ], got the end',
    ],
    ['a comma at the end', '[1,]', 'line 1, column 4: a JSON array of ids: expected a value, got "]"'],
    ['a comma at the start', '[,1]', 'line 1, column 2: a JSON array of ids: expected a value or ], got ","'],
    ['no comma', '[1 2]', 'line 1, column 4: a JSON array of ids: expected a comma or ], got "2"'],
    ['more after the array', '[1] 2', 'line 1, column 5: a JSON array of ids: expected nothing, got "2"'],
    ['two arrays', '[1][2]', 'line 1, column 4: a JSON array of ids: expected nothing, got "["'],
    ['nested arrays', '[[1,2],[3]]', 'line 1, column 2: a JSON array of ids: expected a value or ], got "["'],
  ])('reports the position in a malformed JSON array: %s', async (_, input, line) => {
    await expectFailure(['embed', '--npy'], 1, `ERR_FORMAT: standard input: ${line}`, { input });
  });

  it.each([
    ['a string', '["1"]', `${integers} "\\"1\\"" at line 1, column 2 of`],
    ['a fraction', '[1,2.5]', `${integers} "2.5" at line 1, column 4 of`],
    ['null', '[ null ]', `${integers} "null" at line 1, column 3 of`],
    ['an array in a plain line', '1 [2]', `${integers} "[2]" at line 1, column 3 of`],
    ['an id that is too large', '[1,\t99]', `${range} 99 at line 1, column 5 of`],
    [
      'no end of a word',
      `[${'x'.repeat(200_000)}`,
      `${integers} "${'x'.repeat(57)}..." at line 1, column 2 of`,
    ],
  ])('reports the position of an invalid id in a JSON array: %s', async (_, input, line) => {
    await expectFailure(['embed', '--npy'], 1, line, { input });
  });

  it('can print the rows before an invalid id', async () => {
    const { code, stdout, stderr } = await tokenbed(['embed', '--dim', '1'], { input: '1 2\n3 100' });
    expect(stderr).toContain('got 100 at line 2, column 3 of standard input\n');
    expect(code).toBe(1);
    const all = library([[1, 2], [3]], { embeddingDim: 1 });
    expectBits(parseRows(stdout, 1), all.subarray(0, stdout.split('\n').length - 1));
  });

  it('reports the position of an invalid id at the end', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'ids'), `${'1 2 3\n'.repeat(9)}${'45 '.repeat(100_000)}99`);
    const line = 'got 99 at line 10, column 300001 of ids';
    await expectFailure(['embed', '--npy', '--ids', 'ids'], 1, line, { cwd });
  });

  it('reports the position of a character without a row', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'a.txt'), '!\n!!~');
    const line = 'Token indices must be in range [0, 98): got 98 at line 2, column 3 of a.txt';
    await expectFailure(['embed', '--vocab', '98', 'a.txt'], 1, line, { cwd });
  });

  it('reports a table that is too large', async () => {
    await expectFailure(['embed', '--dim', '9007199254740991'], 1, 'tokenbed: ERR_TOO_LARGE: ');
  });
});

describe('embed --npy', () => {
  const clean = async (run: (TMPDIR: string) => Promise<void>): Promise<void> => {
    const TMPDIR = folder();
    await run(TMPDIR);
    expect(readdirSync(TMPDIR)).toEqual([]);
  };

  it('leaves no temporary file after success or failure', async () => {
    await clean(async (TMPDIR) => {
      const { code, bytes } = await tokenbed(['embed', '--npy'], { input: '1', env: { TMPDIR } });
      expect([code, bytes.length]).toEqual([0, 128 + 256]);
      await expectFailure(['embed', '--npy'], 1, 'got 100', { input: '1 100', env: { TMPDIR } });
    });
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('leaves no temporary file at %s', async (killSignal) => {
    await clean(async (TMPDIR) => {
      const child = start(['embed', '--npy'], { env: { TMPDIR } });
      const done = outcome(child);
      child.stdin.write('1 2 3\n'.repeat(1000));
      await once(child.stderr, 'data'); // the table exists and embedding has started
      child.stdin.write('1 2 3\n'.repeat(1000));
      await new Promise((resolve) => setTimeout(resolve, 200));
      child.kill(killSignal);
      const { signal, stdout } = await done;
      expect([signal, stdout]).toEqual([killSignal, '']);
    });
  });

  it('reports a full disk with its path', async () => {
    const TMPDIR = path.join(folder(), 'none');
    const line = /: ENOENT: a temporary file in .*none: no such file/;
    await expectFailure(['embed', '--npy'], 1, line, { input: '1', env: { TMPDIR } });
  });
});

describe('embed --model', () => {
  const DIM = 20;
  const parts = { rows: values(TOKENS * DIM), dim: DIM };
  const texts = ['hello worlds!', '', 'Hello, \u6f22 caf\u00e9', 'xyz', ' ', '! hello xyz hello'];

  /** A folder with a model `m`, and the vectors of texts by the library. */
  async function made(
    options: Parameters<typeof StaticModel.load>[1] = {},
  ): Promise<{ cwd: string; vectors(texts: readonly string[]): Float32Array }> {
    const cwd = folder();
    const model = await StaticModel.load(writeModel(cwd, 'm', parts), options);
    return { cwd, vectors: (list) => model.embed(list).data };
  }

  it('prints the vector of each line, bit-identical to the library', async () => {
    const { cwd, vectors } = await made();
    const expected = vectors(texts);
    const args = ['embed', '--model', 'm'];
    expectBits(parseRows(await printed(args, { cwd, input: `${texts.join('\n')}\n` }), DIM), expected);
    const rows = (await printed([...args, '--json'], { cwd, input: texts.join('\r\n') }))
      .trimEnd()
      .split('\n')
      .map((row) => JSON.parse(row) as number[]);
    expectBits(Float32Array.from(rows.flat()), expected);
    const { bytes } = await tokenbed([...args, '--npy'], { cwd, input: texts.join('\n') });
    expectBits(parseNpy(bytes, texts.length, DIM), expected);
    expect(expected.subarray(DIM, 2 * DIM).every((value) => Object.is(value, 0))).toBe(true);
  });

  it('reads files, and standard input among them', async () => {
    const { cwd, vectors } = await made();
    writeFileSync(path.join(cwd, 'a'), `\u{feff}${texts.join('\n')}`);
    writeFileSync(path.join(cwd, 'b'), '\r\n');
    const out = await printed(['embed', '--model', 'm', 'a', '-', 'b', 'a'], { cwd, input: 'world' });
    expectBits(parseRows(out, DIM), vectors([...texts, 'world', '', ...texts]));
  });

  it.each([
    ['nothing', '', []],
    ['a blank line', '\n', ['']],
    ['lines of more than one batch', 'hello\nworld !\n'.repeat(9000), undefined],
    ['a line that is longer than a read', 'hello world '.repeat(20_000), undefined],
  ])('reads %s', async (_, input, lines = input.replace(/\n$/, '').split('\n')) => {
    const { cwd, vectors } = await made();
    const { bytes } = await tokenbed(['embed', '--model', 'm', '--npy'], { cwd, input });
    expectBits(parseNpy(bytes, lines.length, DIM), vectors(lines));
  });

  it('joins lines that are split across chunks', async () => {
    const { cwd, vectors } = await made();
    const input = Array.from(Buffer.from('caf\u00e9 !\r\nhello'), (byte) => Uint8Array.of(byte));
    const out = await printed(['embed', '--model', 'm'], { cwd, input });
    expectBits(parseRows(out, DIM), vectors(['caf\u00e9 !', 'hello']));
  });

  it.each(['f32', 'f16', 'bf16', 'i8', 'i4'] as const)(
    'stores the rows as %s, and cuts them',
    async (dtype) => {
      const { cwd, vectors } = await made({ dtype, dim: 6 });
      const args = ['embed', '--model', 'm', '--dtype', dtype, '--dim', '6'];
      const out = await printed(args, { cwd, input: texts.join('\n') });
      expectBits(parseRows(out, 6), vectors(texts));
    },
  );

  it('needs no more memory for longer input', async () => {
    const { cwd } = await made();
    const args = ['--model', path.join(cwd, 'm')];
    const line = 'hello worlds!\n'.repeat(2000);
    const small = await peakKb(args, 10, line);
    const large = await peakKb(args, 500, line); // 76 MiB of vectors
    expect(large - small).toBeLessThan(40 * 1024);
  });

  it.each([
    ['--ids', []],
    ['--vocab', ['9']],
    ['--weights', ['w.npy']],
    ['--position', ['none']],
    ['--seed', ['1']],
  ])('excludes %s', async (option, value) => {
    const line = `ERR_INVALID_OPTION: Options --model and ${option} are mutually exclusive`;
    await expectFailure(['embed', '--model', 'm', option, ...value], 2, line);
  });

  it('rejects other options', async () => {
    const { cwd } = await made();
    const run = { cwd, input: 'hello' };
    const wrong = (args: string, line: string) => expectFailure(args.split(' '), 2, line, run);
    await wrong('embed --dtype i8', 'ERR_INVALID_OPTION: Option --dtype goes with --model');
    await wrong(
      'embed --model m --dtype q8_0',
      'Option --dtype must be one of f32, f16, bf16, i8, i4: got "q8_0"',
    );
    await wrong('embed --model m --dim 0', 'Option --dim must be an integer >= 1: got "0"');
    await wrong(
      'embed --model m --dim 21',
      'ERR_INVALID_OPTION: Option --dim must be an integer >= 1 and <= 20: got 21',
    );
    await wrong('embed --model m --npy --json', 'ERR_INVALID_OPTION: Options --npy and --json');
    await expectFailure(['embed', '--model', ''], 2, 'Option --model must be a name', run);
  });

  it('reports a model that is missing or malformed, and text that is not UTF-8', async () => {
    const { cwd } = await made();
    writeFileSync(path.join(cwd, 'latin1'), Buffer.from('hello\ncaf\xe9', 'latin1'));
    const args = ['embed', '--npy', '--model'];
    await expectFailure([...args, 'none'], 1, 'ENOENT: none/model.safetensors: no such file or directory', {
      cwd,
    });
    await expectFailure([...args, 'latin1'], 1, 'ENOTDIR: latin1/model.safetensors: not a directory', {
      cwd,
    });
    await expectFailure([...args, 'm', 'none'], 1, 'ENOENT: none: no such file', { cwd });
    await expectFailure([...args, 'm', 'latin1'], 1, 'ERR_FORMAT: latin1: byte 9 is not UTF-8', { cwd });
    writeModel(cwd, 'm', { ...parts, config: { max_length: 0 } });
    const config = 'ERR_FORMAT: m/config.json: max_length must be an integer >= 1 or null: got 0';
    await expectFailure([...args, 'm'], 1, config, { cwd });
    writeModel(cwd, 'm', { ...parts, rows: values(3 * DIM) });
    const rows = `ERR_FORMAT: m/model.safetensors: the table must have a row for each of the ${TOKENS} tokens: it has 3`;
    await expectFailure([...args, 'm'], 1, rows, { cwd });
  });
});

/** A .npy file with this header. */
function npy(dict: string, data: ArrayBufferView, version = 1): Buffer {
  const size = Buffer.alloc(version === 1 ? 2 : 4);
  const header = Buffer.from(`${dict}\n`, version === 3 ? 'utf8' : 'latin1');
  size.writeUIntLE(header.length, 0, size.length);
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([
    Buffer.from(`\x93NUMPY${String.fromCharCode(version, 0)}`, 'latin1'),
    size,
    header,
    body,
  ]);
}

const dictOf = (descr: string, order: string, shape: string): string =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;

describe('embed --weights', () => {
  const values = Float32Array.from({ length: 12 }, (_, i) => i / 10 - 0.5);
  const good = dictOf("'<f4'", 'False', '(4, 3)');

  it.each([
    [1, good],
    [2, good],
    [3, good],
    [1, `{"shape": (4,3), "descr":"<f4","fortran_order":False}`],
    [1, `{'shape': (4L, 3L), 'fortran_order': False, 'descr': '<f4'}${' '.repeat(99)}`],
  ])('reads version %i.0, %s', async (version, dict) => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'w.npy'), npy(dict, values, version));
    const token = Embedding.fromPretrained(values, { embeddingDim: 3 });
    const args = ['embed', '--weights', 'w.npy', '--position', 'none'];
    const { stdout, stderr } = await tokenbed(args, { cwd, input: '3 0\n1' });
    expectBits(parseRows(stdout, 3), token.forward([3, 0, 1]).data);
    expect(stderr).toBe('');
    expect(await printed([...args, '--vocab', '4', '--dim', '3'], { cwd, input: '3 0\n1' })).toBe(stdout);
  });

  it('reads a table of many rows, bit for bit', async () => {
    const cwd = folder();
    const draw = numbers(11);
    const words = Uint32Array.from({ length: 100_000 * 7 }, draw);
    writeFileSync(path.join(cwd, 'w.npy'), npy(dictOf("'<f4'", 'False', '(100000, 7)'), words));
    const ids = Array.from({ length: 100_000 }, (_, i) => 99_999 - i);
    const args = ['embed', '--npy', '--weights', 'w.npy', '--position', 'none'];
    const { bytes } = await tokenbed(args, { cwd, input: ids.join(' ') });
    const expected = new Uint32Array(words.length);
    ids.forEach((id, i) => expected.set(words.subarray(7 * id, 7 * id + 7), 7 * i));
    expectBits(parseNpy(bytes, ids.length, 7), new Float32Array(expected.buffer));
  });

  it('prints the shortest digits that round-trip as f32', async () => {
    const cwd = folder();
    const draw = numbers(12);
    const floats = new Float32Array(Uint32Array.from({ length: 4000 }, draw).buffer).filter(Number.isFinite);
    const powers = Float32Array.from({ length: 277 }, (_, i) => 2 ** (i - 149));
    const tens = Float32Array.from(
      { length: 84 },
      (_, i) => (i % 2 === 0 ? 1 : -1) * 10 ** ((i >> 1) - 45 + 42 * +(i > 83)),
    );
    const table = Float32Array.from([
      ...floats,
      ...powers,
      ...tens,
      ...floats.map((x) => (x * 2 ** -64) % 1),
    ]);
    const dict = dictOf("'<f4'", 'False', `(${table.length}, 1)`);
    writeFileSync(path.join(cwd, 'w.npy'), npy(dict, table));
    const input = Array.from(table, (_, i) => i).join('\n');
    const out = await printed(['embed', '--weights', 'w.npy', '--position', 'none'], { cwd, input });
    const texts = out.trimEnd().split('\n');
    expectBits(Float32Array.from(texts, Number), table);
    const longer = texts.filter((text, i) => digitsOf(text) > fewestDigits(Math.abs(table[i]!)));
    expect(longer).toEqual([]);
  });

  it('prints NaN, infinities and -0', async () => {
    const cwd = folder();
    const odd = [
      -0,
      0,
      NaN,
      Infinity,
      -Infinity,
      0.1,
      -1e-7,
      1e9,
      16777216,
      2 ** -149,
      2 ** -96,
      3.4028234663852886e38,
    ];
    const dict = dictOf("'<f4'", 'False', `(1, ${odd.length})`);
    writeFileSync(path.join(cwd, 'w.npy'), npy(dict, Float32Array.from(odd)));
    const out = await printed(['embed', '--weights', 'w.npy', '--position', 'none'], { cwd, input: '0' });
    expect(out).toBe(
      '-0 0 NaN Infinity -Infinity 0.1 -1e-7 1000000000 16777216 1e-45 1.2621775e-29 3.4028235e+38\n',
    );
  });

  it.each([
    ['safetensors', tensors({ embeddings: { dtype: 'F32', shape: [4, 3], data: values } })],
    [
      'f16 safetensors',
      tensors({ w: { dtype: 'F16', shape: [4, 3], data: new Uint16Array(12).fill(0x3800) } }),
    ],
    ['i8 rows', Embedding.fromPretrained(values, { embeddingDim: 3, dtype: 'i8' }).toBytes('safetensors')],
    ['Fortran order', npy(dictOf("'<f4'", 'True', '(4, 3)'), values)],
    ['f64', npy(dictOf("'<f8'", 'False', '(4, 3)'), Float64Array.from(values))],
    ['GloVe text', Buffer.from('a 1 2 3\nb 4 5 6\nc 7 8 9\nd 0.5 1e-3 -2\n')],
    ['word2vec text', Buffer.from('4 3\na 1 2 3\nb 4 5 6\nc 7 8 9\nd 0.5 1e-3 -2\n')],
  ])('reads what Embedding.load reads: %s', async (_, bytes) => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'weights'), bytes);
    const args = ['embed', '--weights', 'weights', '--position', 'none'];
    const { stdout, stderr } = await tokenbed(args, { cwd, input: '3 0\n1' });
    expect(stderr).toBe('');
    const token = await Embedding.load(path.join(cwd, 'weights'));
    expectBits(parseRows(stdout, 3), token.forward([3, 0, 1]).data);
  });

  const f32 = (dict: string): Buffer => npy(dict, values);
  it.each([
    ['no known format', Buffer.from('not an array at all'), 'byte 0: the format is not recogni[sz]ed'],
    ['nothing', Buffer.alloc(0), 'the file is empty'],
    ['a header cut short', f32(good).subarray(0, 40), 'byte [0-9]+: .*the \\.npy header'],
    [
      'version 4.0',
      Buffer.concat([Buffer.from('\x93NUMPY\x04\x00', 'latin1'), Buffer.alloc(64)]),
      'byte 6: version 4\\.0 of \\.npy is not read',
    ],
    ['big-endian f32', f32(dictOf("'>f4'", 'False', '(4, 3)')), 'byte [0-9]+: .*>f4'],
    ['integers', f32(dictOf("'<i4'", 'False', '(4, 3)')), 'byte [0-9]+: .*<i4'],
    ['records', f32(dictOf("[('a', '<f4'), ('b', '<f4')]", 'False', '(4, 3)')), 'byte [0-9]+: .*structure'],
    ['one axis', f32(dictOf("'<f4'", 'False', '(12,)')), 'must be 2-D to be a table'],
    ['three axes', f32(dictOf("'<f4'", 'False', '(2, 2, 3)')), 'must be 2-D to be a table'],
    ['no rows', npy(dictOf("'<f4'", 'False', '(0, 3)'), new Uint8Array(0)), 'at least one row'],
    ['a negative size', f32(dictOf("'<f4'", 'False', '(-4, 3)')), 'byte 61: .*integer.* -4'],
    ['too many bytes', f32(dictOf("'<f4'", 'False', '(4294967296, 4294967296)')), 'more than 2\\^64 bytes'],
    [
      'sizes beyond all numbers',
      f32(dictOf("'<f4'", 'False', `(1, ${'9'.repeat(400)})`)),
      'byte 64: .*integer.* 999',
    ],
    [
      'a missing entry',
      f32("{'descr': '<f4', 'shape': (4, 3)}"),
      'byte [0-9]+: .*lacks descr, fortran_order or shape',
    ],
    ['another entry', f32(`${good.slice(0, -1)}'x': True}`), 'byte 72: .*unknown key'],
    ['an entry twice', f32(`${good.slice(0, -1)}'descr': '<f4'}`), 'byte [0-9]+: .*key "descr".* twice'],
    ['no dictionary', f32('[1, 2]'), 'byte 10: .*\\['],
    ['a dictionary without its end', f32(good.slice(0, -1)), 'byte 69: .*a string'],
    ['something behind the dictionary', f32(`${good} + {}`), 'byte 70: .*\\+'],
    ['a row too few', f32(dictOf("'<f4'", 'False', '(5, 3)')), 'byte 70: .* 60 bytes.* has 48'],
    ['a row too many', f32(dictOf("'<f4'", 'False', '(3, 3)')), 'byte 70: .* 36 bytes.* has 48'],
    [
      'a header longer than the file',
      Buffer.from('\x93NUMPY\x02\x00\xff\xff\xff\xff', 'latin1'),
      'byte 8: the \\.npy header takes 4294967295 bytes',
    ],
  ])('reports the rule that is broken by %s', async (_, bytes, rule) => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'w.npy'), bytes);
    const line = new RegExp(`^tokenbed: ERR_FORMAT: w\\.npy: .*${rule}`);
    await expectFailure(['embed', '--weights', 'w.npy'], 1, line, { cwd, input: '0' });
  });

  it('reports a missing file and conflicting options', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'w.npy'), f32(good));
    const run = { cwd, input: '0' };
    await expectFailure(['embed', '--weights', 'no.npy'], 1, ': ENOENT: no.npy: no such file', run);
    await expectFailure(['embed', '--weights', '.'], 1, ': EISDIR: .: ', run);
    await expectFailure(
      ['embed', '--weights', 'w.npy', '--dim', '4'],
      2,
      'Option --dim must be left out or 3',
      run,
    );
    await expectFailure(
      ['embed', '--weights', 'w.npy', '--vocab', '9'],
      2,
      'Option --vocab must be left out or 4',
      run,
    );
    await expectFailure(
      ['embed', '--weights', 'w.npy', '--seed', '1'],
      2,
      'Option --seed is for the random',
      run,
    );
    await expectFailure(
      ['embed', '--npy', '--weights', 'w.npy'],
      1,
      'range [0, 4): got 4 at line 1, column 3',
      {
        cwd,
        input: '0 4',
      },
    );
  });
});

/** The significant digits of a printed number. */
const digitsOf = (text: string): number =>
  text.replace(/e.*$/, '').replaceAll(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '').length;

/** The length of the shortest decimal that rounds to the f32 `x` >= 0: tries the two nearest decimals of every length. */
function fewestDigits(x: number): number {
  if (x === 0) return 0;
  for (let digits = 1; ; digits++) {
    const [mantissa, exponent] = x.toExponential(digits - 1).split('e') as [string, string];
    const near = Number(mantissa.replace('.', ''));
    for (const each of [near - 1, near, near + 1]) {
      if (Math.fround(Number(`${each}e${Number(exponent) - digits + 1}`)) === x) return digits;
    }
  }
}
