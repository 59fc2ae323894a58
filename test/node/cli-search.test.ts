/** `tokenbed search` compared with the library, and its index: made, used again, rebuilt, never partial. */

import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Embedding, similarity, StaticModel } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { TOKENS, values } from '../helpers/static-model.js';
import { parseSafetensors, writeModel } from './cli-files.js';
import { expectFailure, folder, numbers, outcome, printed, start, tokenbed } from './cli-program.js';

const DIM = 20;
const PARTS = { rows: values(TOKENS * DIM), dim: DIM };
const A = ['hello world', '', 'cafe, hello', '  \t', '!\tworlds', 'xyz'];
const B = ['hellos', 'world , world', '\u6f22 caf\u00e9!'];

/** A folder with a model `m` and the files `a.txt` and `b.txt`. */
function made(): string {
  const cwd = folder();
  writeModel(cwd, 'm', PARTS);
  writeFileSync(path.join(cwd, 'a.txt'), A.join('\n'));
  writeFileSync(path.join(cwd, 'b.txt'), `${B.join('\r\n')}\r\n`);
  return cwd;
}

interface Hit {
  readonly score: number;
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

const SEARCH = ['search', '--model', 'm', '--query', 'hello world'];
const INDEX = [...SEARCH, '--index', 'i.safetensors'];
const FILES = ['a.txt', 'b.txt'];

/** The lines of the files that are not blank. */
const LINES = Object.entries({ 'a.txt': A, 'b.txt': B }).flatMap(([file, lines]) =>
  lines.map((text, i) => ({ file, line: i + 1, text })).filter(({ text }) => text.trim() !== ''),
);

/** The nearest lines by the library, the rows as they are or stored as i8. */
async function library(
  cwd: string,
  {
    lines = LINES,
    query = 'hello world',
    k = 10,
    stored = false,
    dim,
  }: {
    lines?: readonly { file: string; line: number; text: string }[];
    query?: string;
    k?: number;
    stored?: boolean;
    dim?: number;
  } = {},
): Promise<Hit[]> {
  const model = await StaticModel.load(path.join(cwd, 'm'), { dim });
  let rows = model.embed(lines.map(({ text }) => text));
  if (stored) rows = Embedding.fromPretrained(rows, { dtype: 'i8' }).weight.toTensor();
  const scores = similarity(rows, model.embed([query])).data;
  return lines
    .map((line, i) => ({ score: scores[i]!, ...line }))
    .sort((a, b) => b.score - a.score)
    .slice(0, k);
}

/** The results of a search with --json. */
async function hits(args: readonly string[], options: Parameters<typeof printed>[1]): Promise<Hit[]> {
  const text = await printed([...args, '--json'], options);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Hit);
}

/** Expects the results of a search, and this on standard error. */
async function expectHits(
  args: readonly string[],
  cwd: string,
  expected: readonly Hit[],
  message: string | RegExp = /^$/,
): Promise<void> {
  const { code, stdout, stderr } = await tokenbed([...args, '--json'], { cwd });
  expect(stderr).toMatch(message);
  expect(
    stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Hit),
  ).toEqual(expected);
  expect(code).toBe(0);
}

describe('search', () => {
  it('prints the nearest lines, with scores and places', async () => {
    const cwd = made();
    const expected = await library(cwd);
    expect(expected[0]).toMatchObject({ file: 'a.txt', line: 1, text: 'hello world' });
    expect(await hits([...SEARCH, ...FILES], { cwd })).toEqual(expected);
    const text = await printed([...SEARCH, ...FILES], { cwd });
    const lines = expected.map(
      ({ score, file, line, text }) => `${score.toFixed(4)}\t${file}:${line}\t${text}\n`,
    );
    expect(text).toBe(lines.join(''));
    expect(text).toContain('a.txt:5\t!\tworlds\n');
  });

  it('reads standard input, whose name is -', async () => {
    const cwd = made();
    const lines = A.map((text, i) => ({ file: '-', line: i + 1, text })).filter(
      ({ text }) => text.trim() !== '',
    );
    const expected = await library(cwd, { lines });
    expect(await hits(SEARCH, { cwd, input: A.join('\n') })).toEqual(expected);
    expect(await hits([...SEARCH, '-'], { cwd, input: `${A.join('\r\n')}\r\n` })).toEqual(expected);
    expect(await printed([...SEARCH, '-k', '1'], { cwd, input: 'hello world' })).toBe(
      '1.0000\t-:1\thello world\n',
    );
  });

  it('prints at most k lines', async () => {
    const cwd = made();
    const all = await library(cwd);
    expect(all.length).toBe(7);
    for (const k of [3, 100]) {
      expect(await hits([...SEARCH, '-k', String(k), ...FILES], { cwd })).toEqual(all.slice(0, k));
      const kept = await library(cwd, { k, stored: true });
      expect(await hits([...INDEX, `-k${k}`, ...FILES], { cwd })).toEqual(kept);
    }
  });

  it('prints nothing for no lines', async () => {
    const cwd = made();
    writeFileSync(path.join(cwd, 'blank.txt'), '\n \n\t\r\n');
    expect(await printed([...SEARCH, 'blank.txt'], { cwd })).toBe('');
    expect(await printed(SEARCH, { cwd })).toBe('');
    const message = 'tokenbed: the files have no lines, so i.safetensors is not written\n';
    await expectHits([...INDEX, 'blank.txt'], cwd, [], message);
    expect(existsSync(path.join(cwd, 'i.safetensors'))).toBe(false);
  });

  it('takes --dim and --dtype', async () => {
    const cwd = made();
    expect(await hits([...SEARCH, '--dim', '5', ...FILES], { cwd })).toEqual(await library(cwd, { dim: 5 }));
    const [first] = await hits([...SEARCH, '--dtype', 'i4', ...FILES], { cwd });
    expect(first).toMatchObject({ file: 'a.txt', line: 1, text: 'hello world' });
  });

  it('finds the nearest of many lines, the first of equal ones', async () => {
    const cwd = made();
    const draw = numbers(1);
    const words = ['hello', 'world', 'caf', 'cafe', '!', ',', '\u6f22', 'xyz', ''];
    const texts = Array.from({ length: 20_000 }, () =>
      Array.from({ length: draw() % 5 }, () => words[draw() % words.length]).join(' '),
    );
    writeFileSync(path.join(cwd, 'many.txt'), texts.join('\n'));
    const lines = texts
      .map((text, i) => ({ file: 'many.txt', line: i + 1, text }))
      .filter(({ text }) => text.trim() !== '');
    for (const k of [10, 3000]) {
      const args = ['-k', String(k), 'many.txt'];
      expect(await hits([...SEARCH, ...args], { cwd })).toEqual(await library(cwd, { lines, k }));
      const expected = await library(cwd, { lines, k, stored: true });
      expect(await hits([...INDEX, ...args], { cwd })).toEqual(expected);
      expect(await hits([...INDEX, ...args], { cwd })).toEqual(expected);
    }
  });

  it('finds a line that is longer than a read', async () => {
    const cwd = made();
    const long = `${'world '.repeat(30_000)}hello`;
    const input = `hello !\n${long}\ncafe`;
    const [first] = await hits([...SEARCH, '--query', 'world world', '-k', '1'], { cwd, input });
    expect([first!.line, first!.text === long]).toEqual([2, true]);
  });

  it('lets no control character of a line or of a name reach the terminal', async () => {
    const cwd = made();
    writeFileSync(path.join(cwd, 'a\u001bb'), 'hello\u001b[31m\u0007 world');
    const text = await printed([...SEARCH, 'a\u001bb'], { cwd });
    expect(text).toMatch(/^\d\.\d{4}\ta\\u\{1b\}b:1\thello\\u\{1b\}\[31m\\u\{7\} world\n$/);
    expect((await hits([...SEARCH, 'a\u001bb'], { cwd }))[0]).toMatchObject({
      text: 'hello\u001b[31m\u0007 world',
    });
  });

  it('says when the model knows no word of the query', async () => {
    const cwd = made();
    const expected = (await library(cwd, { query: 'xyz' })).slice(0, 2);
    expect(expected.map(({ score, line }) => [score, line])).toEqual([
      [0, 1],
      [0, 3],
    ]);
    const message = 'tokenbed: the model knows no word of the query, so every score is 0\n';
    const args = ['search', '--model', 'm', '--query', 'xyz', '-k', '2', ...FILES];
    await expectHits(args, cwd, expected, message);
    await expectHits([...args, '--index', 'i.safetensors'], cwd, expected, message);
  });
});

it('finds lines by their meaning, with the model in the repository', async () => {
  const cwd = folder();
  const lines = [
    'The plumber comes on Tuesday morning.',
    'Grandmother was born in Lisbon in 1931.',
    'Two eggs, flour, a little milk, and butter for the pan.',
    'The train leaves from platform 4.',
    'Interest on the loan is due in March.',
  ];
  writeFileSync(path.join(cwd, 'notes.txt'), lines.join('\n'));
  const minilm = fileURLToPath(new URL('../../models/minilm-static', import.meta.url));
  for (const [query, line] of [
    ['recipe for pancakes', 3],
    ['when do I have to pay the bank', 5],
    ['railway station', 4],
  ] as const) {
    const args = ['search', '--model', minilm, '--query', query, '-k1'];
    for (const more of [
      ['notes.txt'],
      ['notes.txt', '--index', 'i.safetensors'],
      ['--index', 'i.safetensors'],
    ]) {
      expect(await hits([...args, ...more], { cwd })).toMatchObject([{ file: 'notes.txt', line }]);
    }
  }
});

describe('search --index', () => {
  const file = (cwd: string): string => path.join(cwd, 'i.safetensors');
  const stamp = (cwd: string): string => String(statSync(file(cwd), { bigint: true }).mtimeNs);

  it('keeps the vectors as i8 rows with the lines as words, and uses them again', async () => {
    const cwd = made();
    const expected = await library(cwd, { stored: true });
    await expectHits([...INDEX, ...FILES], cwd, expected);
    const table = Embedding.loadSync(file(cwd));
    expect([table.dtype, table.vocabSize, table.embeddingDim]).toEqual(['i8', LINES.length, DIM]);
    expect(table.words).toEqual(LINES.map(({ text }) => text));
    const { 'tokenbed.search.files': list, 'tokenbed.search.model': model } = table.metadata;
    expect(JSON.parse(list!)).toEqual(
      FILES.map((name, i) => {
        const { size, mtimeNs } = statSync(path.join(cwd, name), { bigint: true });
        const lines = [
          [
            [1, 1],
            [3, 1],
            [5, 2],
          ],
          [[1, 3]],
        ][i];
        return { path: path.join(cwd, name), size: Number(size), time: String(mtimeNs), lines };
      }),
    );
    const { sha256 } = JSON.parse(model!) as { sha256: Record<string, string> };
    expect(Object.keys(sha256)).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
    const sum = spawnSync('sha256sum', ['m/model.safetensors'], { cwd, encoding: 'utf8' }).stdout.slice(
      0,
      64,
    );
    expect(sha256['model.safetensors']).toBe(sum);

    const made1 = stamp(cwd);
    await expectHits([...INDEX, ...FILES], cwd, expected);
    await expectHits([...INDEX, './a.txt', path.join(cwd, 'b.txt'), '-k', '1'], cwd, [
      { ...expected[0]!, file: './a.txt' },
    ]);
    await expectHits(INDEX, cwd, expected); // the files that it records
    expect(stamp(cwd)).toBe(made1);
    expect(readdirSync(cwd).sort()).toEqual(['a.txt', 'b.txt', 'i.safetensors', 'm']);
  });

  it('without FILES is used from any folder', async () => {
    const cwd = made();
    const [first] = await hits([...INDEX, ...FILES, '-k1'], { cwd });
    mkdirSync(path.join(cwd, 'sub'));
    const args = [
      'search',
      '--model',
      '../m',
      '--query',
      'hello world',
      '--index',
      '../i.safetensors',
      '-k1',
    ];
    const [again] = await hits(args, { cwd: path.join(cwd, 'sub') });
    expect(again).toEqual({ ...first, file: path.join(cwd, 'a.txt') });
    expect(await hits([...INDEX, '-k1'], { cwd })).toEqual([first]);
  });

  it('is rebuilt when a file has changed', async () => {
    const cwd = made();
    await printed([...INDEX, ...FILES], { cwd });
    appendFileSync(path.join(cwd, 'b.txt'), 'hello world');
    const lines = [...LINES, { file: 'b.txt', line: 4, text: 'hello world' }];
    const expected = await library(cwd, { lines, stored: true });
    const message = 'tokenbed: i.safetensors is rebuilt: b.txt has changed\n';
    await expectHits(INDEX, cwd, expected, message);
    await expectHits(INDEX, cwd, expected);
    // Of the same size, but of another time.
    utimesSync(path.join(cwd, 'a.txt'), 1e9, 1e9);
    await expectHits(INDEX, cwd, expected, 'is rebuilt: a.txt has changed\n');
    await expectHits([...INDEX, ...FILES], cwd, expected);
  });

  it('is rebuilt for other files, or in another order', async () => {
    const cwd = made();
    await printed([...INDEX, ...FILES], { cwd });
    const lines = LINES.filter(({ file }) => file === 'b.txt');
    const message = 'tokenbed: i.safetensors is rebuilt: it is of other files\n';
    await expectHits([...INDEX, 'b.txt'], cwd, await library(cwd, { lines, stored: true }), message);
    await expectHits(
      [...INDEX, 'b.txt', 'a.txt', '-k1'],
      cwd,
      await library(cwd, { k: 1, stored: true }),
      message,
    );
    await expectHits(
      [...INDEX, 'a.txt', 'b.txt', '-k1'],
      cwd,
      await library(cwd, { k: 1, stored: true }),
      message,
    );
  });

  it('is rebuilt for another model, dtype or dim', async () => {
    const cwd = made();
    await printed([...INDEX, ...FILES], { cwd });
    const dim = 'tokenbed: i.safetensors is rebuilt: its vectors have 20 columns, not 7\n';
    const expected = await library(cwd, { dim: 7, stored: true });
    await expectHits([...INDEX, '--dim', '7', ...FILES], cwd, expected, dim);
    await expectHits([...INDEX, '--dim', '7'], cwd, expected);
    const model = 'tokenbed: i.safetensors is rebuilt: the model is another one\n';
    const { stderr } = await tokenbed([...INDEX, '--dim', '7', '--dtype', 'f16'], { cwd });
    expect(stderr).toBe(model);
    writeModel(cwd, 'm', { ...PARTS, rows: values(TOKENS * DIM, 5) });
    await expectHits(INDEX, cwd, await library(cwd, { stored: true }), model);
    writeModel(cwd, 'm', {
      ...PARTS,
      rows: values(TOKENS * DIM, 5),
      config: { normalize: true, max_length: 20 },
    });
    await expectHits(INDEX, cwd, await library(cwd, { stored: true }), model);
    await expectHits(INDEX, cwd, await library(cwd, { stored: true }));
  });

  it('is an error and stays as it is when it is damaged, or another file', async () => {
    const cwd = made();
    await printed([...INDEX, ...FILES], { cwd });
    const good = readFileSync(file(cwd));
    const cases: [string, (bytes: Buffer) => Buffer, string][] = [
      ['cut short', (bytes: Buffer) => bytes.subarray(0, -1), 'ERR_FORMAT: i.safetensors: '],
      ['empty', () => Buffer.alloc(0), 'ERR_FORMAT: i.safetensors: the file is empty'],
      ['text', () => Buffer.from('hello world\n'), 'ERR_FORMAT: i.safetensors: '],
      [
        'a table of another kind',
        () => Buffer.from(Embedding.fromPretrained(values(40), { embeddingDim: 4 }).toBytes('safetensors')),
        'ERR_FORMAT: i.safetensors: an index of tokenbed search has words',
      ],
      ['with other counts', edited('[[1,1],[3,1],[5,2]]', '[[1,1],[3,1],[5,3]]'), 'must describe 7 lines'],
      ['with a line 0', edited('[[1,1],[3,1],[5,2]]', '[[0,1],[3,1],[5,2]]'), 'must describe 7 lines'],
      ['with a list that is no JSON', edited('[[1,1],[3,1]', '[[1,1],[3,]]'), 'must describe 7 lines'],
      ['without a size', edited('\\"size\\"', '\\"sizf\\"'), 'must describe 7 lines'],
      ['without its key', edited('tokenbed.search.files', 'tokenbed.search.filed'), 'this is another file'],
    ];
    for (const [name, change, line] of cases) {
      const bad = change(good);
      writeFileSync(file(cwd), bad);
      await expectFailure([...INDEX, ...FILES], 1, line, { cwd });
      expect(readFileSync(file(cwd)), name).toEqual(Buffer.from(bad));
    }
    await expectFailure(INDEX, 1, cases.at(-1)![2], { cwd });
  });

  /** Replaces a text of the header by one of the same length. */
  function edited(from: string, to: string): (bytes: Buffer) => Buffer {
    return (bytes) => {
      const text = bytes.toString('latin1');
      expect([text.includes(from), from.length]).toEqual([true, to.length]);
      return Buffer.from(text.replace(from, to), 'latin1');
    };
  }

  it('is the old one or the new one when the program is killed', async () => {
    const cwd = made();
    await printed([...INDEX, ...FILES], { cwd });
    const old = readFileSync(file(cwd));
    // 400,000 lines: 11 MiB of rows and 5 MiB of text are written.
    writeFileSync(path.join(cwd, 'b.txt'), 'hello world\n'.repeat(400_000));
    const child = start([...INDEX, ...FILES], { cwd });
    const done = outcome(child);
    for (;;) {
      if (readdirSync(cwd).some((name) => name.startsWith('.i.safetensors.tokenbed-'))) break;
      if (child.exitCode !== null) throw new Error('it ended before it wrote anything');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    child.kill('SIGKILL');
    const { signal } = await done;
    expect(signal).toBe('SIGKILL');
    const now = readFileSync(file(cwd));
    if (!now.equals(old)) expect(parseSafetensors(now).tensors['weight.rows']!.shape[0]).toBe(400_004);
    const [first] = await hits([...SEARCH, '--index', 'new.safetensors', ...FILES, '-k1'], { cwd });
    expect(first).toMatchObject({ file: 'a.txt', line: 1 });
  });

  it('must have a place, and files that can be read', async () => {
    const cwd = made();
    const nowhere = [...SEARCH, '--index', 'no/i.safetensors', ...FILES];
    await expectFailure(nowhere, 1, 'ENOENT: no/i.safetensors: no such file or directory', { cwd });
    await expectFailure([...SEARCH, '--index', 'm', ...FILES], 1, 'EISDIR: m: ', { cwd });
    await expectFailure([...INDEX, 'a.txt', 'none.txt'], 1, 'ENOENT: none.txt: no such file', { cwd });
    await expectFailure([...INDEX, 'm'], 1, 'EISDIR: m: ', { cwd });
    writeFileSync(path.join(cwd, 'latin1'), Buffer.from('caf\xe9', 'latin1'));
    await expectFailure([...INDEX, 'a.txt', 'latin1'], 1, 'ERR_FORMAT: latin1: byte 3 is not UTF-8', { cwd });
    expect(readdirSync(cwd).sort()).toEqual(['a.txt', 'b.txt', 'latin1', 'm']);
    await printed([...INDEX, ...FILES], { cwd });
    const { mode } = statSync(file(cwd));
    chmodSync(path.join(cwd, 'b.txt'), 0o600);
    spawnSync('rm', ['a.txt'], { cwd });
    await expectFailure(INDEX, 1, 'ENOENT: a.txt: no such file', { cwd });
    expect(statSync(file(cwd)).mode).toBe(mode);
  });
});

describe('search: the command line', () => {
  const usage = 'ERR_USAGE: search takes --model DIR and --query TEXT (see tokenbed search --help)';
  it.each([
    [['search'], usage],
    [['search', '--model', 'm', 'a.txt'], usage],
    [['search', '--query', 'hello', 'a.txt'], usage],
    [['search', '--model', '', '--query', 'a'], 'ERR_INVALID_OPTION: Option --model must be a name: got ""'],
    [
      ['search', '--model', 'm', '--query', ''],
      'ERR_INVALID_OPTION: Option --query must be a text that is not blank',
    ],
    [['search', '--model', 'm', '--query', ' \t'], 'Option --query must be a text that is not blank'],
    [[...SEARCH, '-k', '0'], 'ERR_INVALID_OPTION: Option -k must be an integer >= 1: got "0"'],
    [[...SEARCH, '-k', 'ten'], 'Option -k must be an integer >= 1: got "ten"'],
    [[...SEARCH, '--dim', '0'], 'Option --dim must be an integer >= 1: got "0"'],
    [[...SEARCH, '--dim', '21'], 'Option --dim must be an integer >= 1 and <= 20: got 21'],
    [[...SEARCH, '--dtype', 'f64'], 'Option --dtype must be one of f32, f16, bf16, i8, i4: got "f64"'],
    [[...SEARCH, '--index', ''], 'Option --index must be a name: got ""'],
    [[...INDEX, 'a.txt', '-'], 'Option --index needs FILES: standard input is read once'],
    [INDEX, 'Option --index needs FILES the first time: i.safetensors does not exist'],
    [[...INDEX, '/dev/null'], 'Option --index needs FILES that are regular files: /dev/null is not'],
    [[...SEARCH, '--ids'], "ERR_INVALID_OPTION: Unknown option '--ids'"],
  ])('rejects %j', async (args, line) => {
    const cwd = made();
    await expectFailure(args, 2, line, { cwd });
    expect(existsSync(path.join(cwd, 'i.safetensors'))).toBe(false);
  });

  it('reports a model or a file that is missing', async () => {
    const cwd = made();
    const args = ['search', '--query', 'hello', '--model'];
    await expectFailure([...args, 'none', 'a.txt'], 1, 'ENOENT: none/model.safetensors: no such file', {
      cwd,
    });
    await expectFailure([...args, 'm', 'none.txt'], 1, 'ENOENT: none.txt: no such file', { cwd });
    await expectFailure([...args, 'm', 'm'], 1, 'EISDIR: m: ', { cwd });
  });
});
