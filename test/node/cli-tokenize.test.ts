/** `tokenbed tokenize` compared with the library, for all kinds of input. */

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BPETokenizer, CharTokenizer } from 'tokenbed/tokenizer';
import { describe, expect, it } from 'vitest';
import { wordLevel, wordPiece } from '../helpers/tokenizer-files.js';
import {
  expectFailure,
  folder,
  idLines,
  outcome,
  preloading,
  printed,
  start,
  tokenbed,
} from './cli-program.js';

const char = new CharTokenizer();
const charLines = (...lines: string[]): string => idLines(lines.map((line) => char.encode(line)));

describe('tokenize', () => {
  it('prints the ids of a sentence', async () => {
    const ids = '2 44 73 80 80 83 4 91 83 86 80 72 5 3\n';
    expect(await printed(['tokenize'], { input: 'Hello world!' })).toBe(ids);
    expect(await printed(['tokenize', '--tokenizer', 'char'], { input: 'Hello world!\n' })).toBe(ids);
  });

  it.each([
    ['nothing', '', []],
    ['one empty line', '\n', ['']],
    ['empty lines', '\n\na\n\n', ['', '', 'a', '']],
    ['a last line without its end', 'a\nbc', ['a', 'bc']],
    ['lines that end with \\r\\n', 'a\r\n\r\nbc\r\n', ['a', '', 'bc']],
    ['a \\r that ends no line', 'a\rb\r\r\nc\r', ['a\rb\r', 'c\r']],
    ['a byte order mark at the start alone', '\uFEFFa\n\uFEFFb', ['a', '\uFEFFb']],
    ['characters outside the alphabet', 'é\u2028\u0000🚀\n', ['é\u2028\u0000🚀']],
    ['names of special tokens', '<BOS>\n', ['<BOS>']],
  ])('reads %s', async (_, input, lines) => {
    expect(await printed(['tokenize'], { input })).toBe(charLines(...lines));
  });

  it('prints each line as a JSON array with --json, with every tokenizer', async () => {
    const cwd = folder();
    const lines = ['Hello', '', 'x'.repeat(200_000)];
    writeFileSync(path.join(cwd, 'text.txt'), lines.map((line) => `${line}\n`).join(''));
    const rows = async (...options: string[]): Promise<unknown[]> => {
      const text = await printed(['tokenize', '--json', ...options, 'text.txt'], { cwd });
      return text
        .trimEnd()
        .split('\n')
        .map((row) => JSON.parse(row) as unknown);
    };
    expect(await rows()).toEqual(lines.map((line) => char.encode(line)));
    const bpe = new BPETokenizer({ mode: 'bytes', vocabSize: 262 }).train(lines);
    expect(await rows('--train', '262')).toEqual(lines.map((line) => bpe.encode(line)));
  });

  it('checks that the file can be saved before training, and keeps the permissions of a replaced file', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'text.txt'), 'a b a b\n');
    const save = (file: string) => ['tokenize', '--train', '262', '--save', file, 'text.txt'];
    await expectFailure(save('nowhere/bpe.json'), 1, /ENOENT: nowhere.bpe\.json/, { cwd });
    writeFileSync(path.join(cwd, 'bpe.json'), 'old', { mode: 0o600 });
    await printed(save('bpe.json'), { cwd });
    expect(statSync(path.join(cwd, 'bpe.json')).mode & 0o777).toBe(0o600);
    expect(readFileSync(path.join(cwd, 'bpe.json'), 'utf8')).toContain('BPETokenizer');
  });

  it('prints the tokenizer instead of the ids, if it is saved to standard output', async () => {
    const train = ['tokenize', '--train', '262', '--save', '-'];
    const json = await printed(train, { input: 'a b a b\n' });
    const expected = new BPETokenizer({ mode: 'bytes', vocabSize: 262 }).train(['a b a b']);
    expect(json).toBe(`${JSON.stringify(expected)}\n`);
    await expectFailure([...train, '--json'], 2, 'Options --json and --save - both print to standard output');
  });

  it('joins characters and line ends that are split across chunks', async () => {
    const bytes = Buffer.from('\uFEFFaé€🚀\r\n🚀b\r\n');
    const chunks = Array.from(bytes, (byte) => Uint8Array.of(byte));
    const input = await printed(['tokenize', '--tokenizer', 'bytes'], { input: chunks });
    const bpe = new BPETokenizer({ mode: 'bytes', vocabSize: 260 }).train([]);
    expect(input).toBe(idLines([bpe.encode('aé€🚀'), bpe.encode('🚀b')]));
    expect(await printed(['tokenize'], { input: chunks })).toBe(charLines('aé€🚀', '🚀b'));
  });

  it('reads lines of any length in chunks of any size', async () => {
    const cwd = folder();
    const lines = [0, 1, 2, 3].map((shift) => 'x'.repeat(shift) + '🚀é'.repeat(40_000));
    lines.push('y'.repeat(65_535), 'z'.repeat(65_536));
    writeFileSync(path.join(cwd, 'long.txt'), lines.join('\r\n'));
    expect(await printed(['tokenize', 'long.txt'], { cwd })).toBe(charLines(...lines));
    const bpe = new BPETokenizer({ mode: 'bytes', vocabSize: 260 }).train([]);
    const expected = idLines(lines.map((line) => bpe.encode(line)));
    expect(await printed(['tokenize', '--tokenizer', 'bytes', 'long.txt'], { cwd })).toBe(expected);
  });

  it('reads files in order, with separate lines, and standard input as -', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'a'), 'one\ntwo');
    writeFileSync(path.join(cwd, 'b'), '');
    writeFileSync(path.join(cwd, '-c'), 'three\n');
    const args = ['tokenize', 'a', 'b', '-', '--', '-c'];
    const ids = await printed(args, { cwd, input: 'in between' });
    expect(ids).toBe(charLines('one', 'two', 'in between', 'three'));
  });

  it('reports an unreadable file before printing anything', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'a'), 'one\n');
    await expectFailure(['tokenize', 'a', 'nowhere.txt'], 1, /: ENOENT: nowhere\.txt: no such file/, { cwd });
    await expectFailure(['tokenize', 'a', '.'], 1, /: EISDIR: \.: /, { cwd });
  });

  it.each([
    ['an invalid byte', Buffer.from('ab\xffc', 'latin1'), 2],
    ['a continuation at the start', Buffer.from([0x80]), 0],
    ['a character cut short', Buffer.from('\n€', 'utf8').subarray(0, 3), 1],
    ['a character cut by another', Buffer.from([0x61, 0xf0, 0x9f, 0x9a, 0x61]), 1],
    ['an overlong form', Buffer.from([0x61, 0x62, 0xe0, 0x80, 0x80]), 2],
    ['an overlong slash', Buffer.from([0xc0, 0xaf]), 0],
    ['a surrogate', Buffer.from([0x61, 0xed, 0xa0, 0x80]), 1],
    ['what is beyond U+10FFFF', Buffer.from([0xf4, 0x90, 0x80, 0x80]), 0],
    ['what is behind good characters', Buffer.from('é€🚀\xe9', 'utf8').fill(0xff, 9, 10), 9],
  ])('reports the byte of %s', async (_, input, byte) => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'bad.txt'), input);
    const { code, stderr } = await tokenbed(['tokenize', 'bad.txt'], { cwd });
    expect(stderr).toBe(`tokenbed: ERR_FORMAT: bad.txt: byte ${byte} is not UTF-8\n`);
    expect(code).toBe(1);
  });

  it('reports an invalid byte of standard input', async () => {
    const input = Buffer.from([0x61, 0xff]);
    await expectFailure(['tokenize'], 1, 'ERR_FORMAT: standard input: byte 1 is not UTF-8', { input });
  });

  it('reports an invalid byte at the end', async () => {
    const cwd = folder();
    const bytes = Buffer.from('🚀'.repeat(50_001));
    bytes[200_001] = 0x20; // truncates the emoji at 200,000
    writeFileSync(path.join(cwd, 'bad.txt'), bytes);
    const { code, stderr } = await tokenbed(['tokenize', 'bad.txt'], { cwd });
    expect(stderr).toBe('tokenbed: ERR_FORMAT: bad.txt: byte 200000 is not UTF-8\n');
    expect(code).toBe(1);
  });
});

describe('tokenize --tokenizer FILE.json', () => {
  const text = 'low lower lowest\nnew newer\n\nwidest';
  const lines = text.split('\n');

  it.each([
    ['characters of a corpus', CharTokenizer.fromCorpus(lines)],
    ['words', new BPETokenizer({ mode: 'words', vocabSize: 40 }).train(lines)],
    ['bytes', new BPETokenizer({ mode: 'bytes', vocabSize: 270 }).train(lines)],
  ])('uses %s', async (_, tokenizer) => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 't.json'), JSON.stringify(tokenizer));
    const ids = await printed(['tokenize', '--tokenizer', 't.json'], { cwd, input: text });
    expect(ids).toBe(idLines(lines.map((line) => tokenizer.encode(line))));
  });

  it.each([
    ['no JSON', '{', 1, 'ERR_FORMAT: t.json: .*not valid JSON'],
    [
      'no object',
      '[]',
      1,
      'ERR_FORMAT: t.json: .*type must be "CharTokenizer" or "BPETokenizer", got undefined',
    ],
    ['null', 'null', 1, 'ERR_FORMAT: t.json: .*type'],
    ['another type', '{"type":"Other"}', 1, 'ERR_FORMAT: t.json: .*type must be .* got "Other"'],
    [
      'a bad entry',
      '{"type":"CharTokenizer","version":2}',
      1,
      'ERR_FORMAT: t.json: .*version must be 1, got 2',
    ],
    ['one not trained', JSON.stringify(new BPETokenizer()), 1, 'ERR_NOT_TRAINED: '],
    ['no UTF-8', Buffer.from([0x7b, 0xff]), 1, 'ERR_FORMAT: t.json: byte 1 is not UTF-8'],
  ] as const)('names the file where there is %s', async (_, json, exitCode, line) => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 't.json'), json);
    const run = { cwd, input: 'text' };
    await expectFailure(['tokenize', '--tokenizer', 't.json'], exitCode, new RegExp(line), run);
  });

  it('uses the tokenizer.json of a model', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 't.json'), JSON.stringify(wordPiece));
    const input = 'Hello, worlds!\n\nCAFÉ 漢x\r\nhello';
    const args = ['tokenize', '--tokenizer', 't.json'];
    expect(await printed(args, { cwd, input })).toBe('4 10 5 6 9\n\n7 8 11 1\n4\n');
    expect(await printed([...args, '--json'], { cwd, input })).toBe('[4,10,5,6,9]\n[]\n[7,8,11,1]\n[4]\n');
    const { version, ...old } = wordPiece;
    expect(version).toBe('1.0');
    writeFileSync(path.join(cwd, 'old.json'), JSON.stringify(old));
    expect(await printed([...args.slice(0, 2), 'old.json'], { cwd, input: 'hello' })).toBe('4\n');
    const many = 'hello worlds\n'.repeat(20_000);
    expect(await printed(args, { cwd, input: many })).toBe('4 5 6\n'.repeat(20_000));
  });

  it.each([
    [
      'a part that is not read',
      { ...wordPiece, normalizer: { type: 'Rot13' } },
      'ERR_FORMAT: t.json: byte \\d+: normalizer.* "Rot13"',
    ],
    ['another version', { ...wordPiece, version: '2.0' }, 'ERR_FORMAT: t.json: byte \\d+: .*"2.0"'],
    [
      'no unknown token for a word',
      wordLevel,
      'ERR_FORMAT: standard input: line 3 has a character that the vocabulary lacks',
    ],
  ])('of a model with %s: one line', async (_, json, line) => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 't.json'), JSON.stringify(json));
    const run = { cwd, input: 'one\ntwo\nthree\n' };
    await expectFailure(['tokenize', '--tokenizer', 't.json'], 1, new RegExp(line), run);
  });

  it('reports a missing file', async () => {
    await expectFailure(['tokenize', '--tokenizer', 'no.json'], 1, ': ENOENT: no.json: ');
  });
});

describe('tokenize --train', () => {
  const text = 'the cat sat on the mat\r\nthe rat\n\nThat cat, that mat\n';
  const lines = ['the cat sat on the mat', 'the rat', '', 'That cat, that mat'];

  it.each([
    [[], 'bytes', 268],
    [['--tokenizer', 'bytes'], 'bytes', 275],
    [['--tokenizer', 'words'], 'words', 30],
  ] as const)('with %j learns as the library does, and prints the ids', async (args, mode, vocabSize) => {
    const cwd = folder();
    const tokenizer = new BPETokenizer<'bytes' | 'words'>({ mode, vocabSize }).train(lines);
    const train = ['tokenize', ...args, '--train', String(vocabSize)];
    const ids = idLines(lines.map((line) => tokenizer.encode(line)));
    expect(await printed(train, { cwd, input: text })).toBe(ids);
    expect(readdirSync(cwd)).toEqual([]);

    writeFileSync(path.join(cwd, 't.json'), 'old');
    expect(await printed([...train, '--save', 't.json'], { cwd, input: text })).toBe(ids);
    expect(readdirSync(cwd)).toEqual(['t.json']);
    expect(JSON.parse(readFileSync(path.join(cwd, 't.json'), 'utf8'))).toEqual(tokenizer.toJSON());
    expect(await printed(['tokenize', '--tokenizer', 't.json'], { cwd, input: text })).toBe(ids);
  });

  it('trains on several files', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'a'), 'aaaa bbbb');
    writeFileSync(path.join(cwd, 'b'), 'aaaa\nbbbb\n');
    const texts = ['aaaa bbbb', 'aaaa', 'bbbb'];
    const tokenizer = new BPETokenizer({ mode: 'bytes', vocabSize: 264 }).train(texts);
    const ids = await printed(['tokenize', '--train', '264', 'a', 'b'], { cwd });
    expect(ids).toBe(idLines(texts.map((line) => tokenizer.encode(line))));
  });

  it('accepts empty input', async () => {
    const cwd = folder();
    expect(await printed(['tokenize', '--train', '300', '--save', 't.json'], { cwd })).toBe('');
    expect(await printed(['tokenize', '--tokenizer', 't.json'], { cwd, input: 'a' })).toBe('101\n');
  });

  it.each([
    [['--save', 't.json'], 'Option --save goes with --train N'],
    [['--tokenizer', 'words'], 'Option --tokenizer words goes with --train N'],
    [
      ['--tokenizer', 'char', '--train', '300'],
      'Option --train goes with --tokenizer bytes or words: got "char"',
    ],
    [['--tokenizer', 't.json', '--train', '300'], 'Option --train goes with --tokenizer bytes or words'],
    [['--train', '259'], 'Option --train must be at least 260 with "bytes": got 259'],
    [['--train', '0'], 'Option --train must be an integer >= 1'],
    [['--train', '300', '--save', ''], 'Option --save must be a name: got ""'],
  ])('rejects %j as a usage error', async (args, line) => {
    await expectFailure(['tokenize', ...args], 2, `tokenbed: ERR_INVALID_OPTION: ${line}`, { input: text });
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'keeps the old file if interrupted by %s',
    async (killSignal) => {
      const cwd = folder();
      writeFileSync(path.join(cwd, 't.json'), 'old');
      // Simulates a slow disk.
      const env = preloading(`import { open } from 'node:fs/promises';
      const handle = await open(process.execPath);
      Object.getPrototypeOf(handle).sync = () => new Promise((resolve) => setTimeout(resolve, 20_000));
      await handle.close();`);
      const child = start(['tokenize', '--train', '300', '--save', 't.json'], { cwd, env });
      const done = outcome(child);
      child.stdin.end(text);
      while (readdirSync(cwd).length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(readFileSync(path.join(cwd, 't.json'), 'utf8')).toBe('old');
      child.kill(killSignal);
      const { signal, stdout } = await done;
      expect([signal, stdout]).toEqual([killSignal, '']);
      expect(readFileSync(path.join(cwd, 't.json'), 'utf8')).toBe('old');
      expect(readdirSync(cwd)).toEqual(['t.json']);
    },
  );

  it('keeps the old file if the new one cannot be written', async () => {
    const cwd = folder();
    const args = ['tokenize', '--train', '300', '--save', 'no/t.json'];
    await expectFailure(args, 1, 'ENOENT: no/t.json: ', { cwd, input: text });
    writeFileSync(path.join(cwd, 't.json'), 'old');
    const input = Buffer.from([0x61, 0xff]);
    await expectFailure(['tokenize', '--train', '300', '--save', 't.json'], 1, 'ERR_FORMAT', { cwd, input });
    expect(readFileSync(path.join(cwd, 't.json'), 'utf8')).toBe('old');
    expect(readdirSync(cwd)).toEqual(['t.json']);
  });
});
