/** What all commands have in common, and the commands info and visualize. */

import { once } from 'node:events';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { backendInfo, PositionalEncoding } from 'tokenbed';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { expectFailure, folder, outcome, preloading, printed, start, tokenbed } from './cli-program.js';

const COMMANDS = 'info profile bench tokenize embed search inspect convert visualize'.split(' ');
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

describe('the program', () => {
  it('prints its version', async () => {
    for (const args of [['--version'], ['embed', '--version']]) {
      expect(await printed(args)).toBe(`${version}\n`);
    }
  });

  it('prints a help text with exactly the existing commands', async () => {
    for (const args of [['--help'], ['-h']]) {
      const help = await printed(args);
      expect([...help.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name)).toEqual(COMMANDS);
      expect(help).toContain('tokenbed tokenize < book.txt | tokenbed embed --npy > vectors.npy');
    }
  });

  it.each([
    ['info', ['json']],
    [
      'profile',
      [
        'vocab',
        'dim',
        'batch-sizes',
        'seq-lengths',
        'pattern',
        'seed',
        'vocab-sizes',
        'embedding-dims',
        'max-table',
        'min-time',
        'json',
        'html',
        'svg',
      ],
    ],
    ['bench', ['vocab', 'dim', 'tokens', 'pattern', 'seed', 'rounds', 'round-ms', 'json']],
    ['tokenize', ['tokenizer', 'train', 'save', 'json']],
    ['embed', ['model', 'dtype', 'ids', 'vocab', 'dim', 'weights', 'position', 'seed', 'npy', 'json']],
    ['search', ['model', 'query', 'index', 'json', 'dim', 'dtype']],
    ['inspect', ['json']],
    ['convert', ['dtype', 'tensor', 'dim', 'force', 'json']],
    ['visualize', ['svg', 'dim', 'seq-length', 'dims', 'base', 'layout', 'json']],
  ])('documents %s, every option and an example', async (command, options) => {
    for (const args of [
      [command, '--help'],
      [command, '-h'],
      ['--help', command],
    ]) {
      const help = await printed(args);
      expect(Math.max(...help.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(96);
      if (args[0] === '--help') continue;
      const named = [...help.matchAll(/^ .*?--([a-z-]+)/gm)].map(([, name]) => name);
      expect(named).toEqual(expect.arrayContaining([...options, 'help', 'verbose', 'version']));
      expect(help).toMatch(new RegExp(`Examples:\n  .*tokenbed ${command}`));
    }
  });

  it.each([
    [[], `ERR_USAGE: a command is missing; there are: ${COMMANDS.join(', ')}`],
    [['train'], `ERR_USAGE: unknown command "train"; there are: ${COMMANDS.join(', ')}`],
    [['measure', '--help'], 'ERR_USAGE: unknown command "measure"'],
    [['toString'], 'ERR_USAGE: unknown command "toString"'],
    [['--json', 'info'], 'ERR_INVALID_OPTION: Unknown option --json before the command'],
    [['info', '--nope'], "ERR_INVALID_OPTION: Unknown option '--nope'"],
    [['info', '--json=1'], 'ERR_INVALID_OPTION'],
    [['info', 'file'], "ERR_INVALID_OPTION: Unexpected argument 'file'"],
    [['embed', '--dim'], 'ERR_INVALID_OPTION'],
    [['embed', '--dim', '0'], 'ERR_INVALID_OPTION: Option --dim must be an integer >= 1: got "0"'],
    [['embed', '--dim', '1.5'], 'ERR_INVALID_OPTION: Option --dim must be an integer >= 1: got "1.5"'],
    [['embed', '--dim', '1e3'], 'ERR_INVALID_OPTION: Option --dim'],
    [['embed', '--dim', ''], 'ERR_INVALID_OPTION: Option --dim'],
    [['embed', '--dim', '9007199254740993'], 'ERR_INVALID_OPTION: Option --dim'],
    [
      ['embed', '--vocab', '4294967297'],
      'ERR_INVALID_OPTION: Option --vocab must be an integer >= 1 and <= ',
    ],
    [['embed', '--seed', 'x'], 'ERR_INVALID_OPTION: Option --seed'],
    [['embed', '--seed=-1'], 'ERR_INVALID_OPTION: Option --seed'],
    [['embed', '--seed', '18446744073709551616'], 'ERR_INVALID_OPTION: Option --seed'],
    [
      ['embed', '--position', 'learned'],
      'ERR_INVALID_OPTION: Option --position must be one of sinusoidal, none',
    ],
    [['embed', '--weights', ''], 'ERR_INVALID_OPTION: Option --weights'],
    [['tokenize', '--train', 'many'], 'ERR_INVALID_OPTION: Option --train'],
    [['visualize', '--base', '0.5'], 'ERR_INVALID_OPTION: Option --base must be a number >= 1'],
    [['visualize', '--base', 'e'], 'ERR_INVALID_OPTION: Option --base'],
    [['visualize', '--layout', 'both'], 'ERR_INVALID_OPTION: Option --layout'],
    [['visualize', '--dims', '0'], 'ERR_INVALID_OPTION: Option --dims'],
  ])('rejects %j as a usage error', async (args, line) => {
    await expectFailure(args, 2, line);
  });

  it('fails with a code for invalid environment variables', async () => {
    const env = { TOKENBED_BACKEND: 'fastest' };
    await expectFailure(['info'], 1, /^tokenbed: ERR_INVALID_OPTION: .*TOKENBED_BACKEND/, { env });
  });

  it('prints the stack only with --verbose', async () => {
    const args = ['tokenize', 'no such file'];
    await expectFailure(args, 1, 'tokenbed: ENOENT: no such file: no such file or directory');
    for (const verbose of [
      [...args, '--verbose'],
      ['--verbose', ...args],
    ]) {
      const { code, stderr } = await tokenbed(verbose);
      expect(stderr).toMatch(/^tokenbed: ENOENT: no such file: no such file or directory\n[^]*\n {4}at /);
      expect(code).toBe(1);
    }
  });

  it.each([
    ['tokenize', 'some words in a line\n'],
    ['embed', '2 44 73 3\n'],
  ])('%s exits silently when the reader closes the pipe', async (command, line) => {
    const child = start([command]);
    const done = outcome(child);
    const feed = (): void => {
      while (child.stdin.writable && child.stdin.write(line.repeat(1000)));
    };
    child.stdin.on('drain', feed);
    feed();
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const { code, signal, stderr } = await done;
    expect(stderr.replace(/^tokenbed: the table is random .*\n/, '')).toBe('');
    expect([code, signal]).toEqual([0, null]);
  });
});

const CLASSES = ['intel', 'granite', 'zen4', 'zen5', 'amd', 'arm', 'other'];

describe('info', () => {
  it('prints backendInfo() and the limits of the machine', async () => {
    const info = JSON.parse(await printed(['info', '--json'])) as Record<string, unknown>;
    const { name, isa, threads, fallbackReason } = backendInfo();
    expect(info).toMatchObject({
      version,
      backend: name,
      isa,
      threads,
      fallbackReason,
      node: process.version,
    });
    expect(info['backend']).toBe(inject('backend'));
    expect(info['platform']).toBe(`${process.platform}-${process.arch}`);
    expect(info['memoryLimitBytes']).toBeGreaterThan(2 ** 28);
    expect(info['copyMbS']).toBeGreaterThan(50);
    expect(info['copyMbS']).toBeLessThan(2 ** 22);
  });

  it('prints the same as text', async () => {
    const text = await printed(['info']);
    const { name, isa } = backendInfo();
    expect(text).toMatch(new RegExp(`^backend +${name}$`, 'm'));
    expect(text).toMatch(new RegExp(`^instruction set +${isa}$`, 'm'));
    expect(text).toMatch(/^tuning +[a-z0-9]+$/m);
    expect(text).toMatch(/^memory limit +[0-9.]+ GiB$/m);
    expect(text).toMatch(/^copy rate +[0-9]+ MiB\/s/m);
  });

  it('prints the class whose thresholds are used, by default that of this machine', async () => {
    const tuning = async (env: Record<string, string>) =>
      (JSON.parse(await printed(['info', '--json'], { env })) as { tuning: string }).tuning;
    const named = await Promise.all(CLASSES.map((name) => tuning({ TOKENBED_TUNING: name })));
    const native = inject('backend') === 'native';
    expect(named).toEqual(native ? CLASSES : CLASSES.map(() => 'wasm'));
    const own = await tuning({});
    expect(native ? CLASSES : ['wasm']).toContain(own);
    expect(await tuning({ TOKENBED_TUNING: '' })).toBe(own);
  });

  it('follows TOKENBED_ISA', async () => {
    const env = { TOKENBED_ISA: 'scalar' };
    expect(JSON.parse(await printed(['info', '--json'], { env }))).toMatchObject({ isa: 'scalar' });
  });
});

describe('visualize', () => {
  it("prints the library's report", async () => {
    const encoding = new PositionalEncoding({ embeddingDim: 64, maxSeqLength: 100 });
    const { text } = encoding.visualizeEncoding({ print: null });
    expect(await printed(['visualize'])).toBe(`${text}\n`);
  });

  it('prints the same as JSON', async () => {
    const encoding = new PositionalEncoding({ embeddingDim: 6, maxSeqLength: 4 });
    const { text: _, ...expected } = encoding.visualizeEncoding({ seqLength: 4, print: null });
    const output = await printed(['visualize', '--json', '--dim', '6', '--seq-length', '4']);
    expect(JSON.parse(output)).toEqual(expected);
  });

  it('passes on every option', async () => {
    const options = { embeddingDim: 7, maxSeqLength: 12, base: 500.5, layout: 'halves' } as const;
    const { text } = new PositionalEncoding(options).visualizeEncoding({
      seqLength: 12,
      dimsToShow: 3,
      print: null,
    });
    const args = '--dim 7 --seq-length 12 --dims 3 --base 500.5 --layout halves'.split(' ');
    expect(await printed(['visualize', ...args])).toBe(`${text}\n`);
  });

  it('replaces an existing file atomically', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'out.svg'), 'old');
    await printed(['visualize', '--dim', '6', '--seq-length', '4', '--svg', 'out.svg'], { cwd });
    const encoding = new PositionalEncoding({ embeddingDim: 6, maxSeqLength: 4 });
    expect(readFileSync(path.join(cwd, 'out.svg'), 'utf8')).toBe(`${encoding.toSVG()}\n`);
    expect(readdirSync(cwd)).toEqual(['out.svg']);
  });

  it('reports a file that cannot be written, and leaves no temporary file', async () => {
    const cwd = folder();
    await expectFailure(['visualize', '--svg', 'no/out.svg'], 1, 'ENOENT: no/out.svg: no such file', { cwd });
    await expectFailure(['visualize', '--svg', '.'], 1, 'EISDIR: .: ', { cwd });
    expect(readdirSync(cwd)).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')(
    'writes through links, also to a file that does not exist yet',
    async () => {
      const cwd = folder();
      mkdirSync(path.join(cwd, 'real/deep'), { recursive: true });
      symlinkSync('real/deep', path.join(cwd, 'linked'));
      symlinkSync('../second.svg', path.join(cwd, 'real/deep/first.svg'));
      symlinkSync(path.join(cwd, 'third.svg'), path.join(cwd, 'real/second.svg'));
      for (let i = 0; i < 2; i++) {
        await printed(['visualize', '--svg', 'linked/first.svg'], { cwd });
        expect(readdirSync(cwd).sort()).toEqual(['linked', 'real', 'third.svg']);
        expect(lstatSync(path.join(cwd, 'real/deep/first.svg')).isSymbolicLink()).toBe(true);
        expect(readFileSync(path.join(cwd, 'third.svg'), 'utf8')).toMatch(/^<svg/);
      }
      symlinkSync('no/file.svg', path.join(cwd, 'lost.svg'));
      await expectFailure(['visualize', '--svg', 'lost.svg'], 1, 'ENOENT: lost.svg: no such file', { cwd });
    },
  );

  it('replaces a file whose name has the greatest length', async () => {
    const cwd = folder();
    const name = `${'n'.repeat(251)}.svg`;
    for (let i = 0; i < 2; i++) await printed(['visualize', '--svg', name], { cwd });
    expect(readFileSync(path.join(cwd, name), 'utf8')).toMatch(/^<svg[^]*<\/svg>\n$/);
    expect(readdirSync(cwd)).toEqual([name]);
    await expectFailure(['visualize', '--svg', `n${name}`], 1, 'ENAMETOOLONG: nnn', { cwd });
  });

  it('prints only the picture to standard output, if that is its file', async () => {
    const cwd = folder();
    expect(await printed(['visualize', '--svg', '-'], { cwd })).toBe(
      `${new PositionalEncoding({ embeddingDim: 64, maxSeqLength: 100 }).toSVG()}\n`,
    );
    expect(readdirSync(cwd)).toEqual([]);
    const line = 'Options --json and --svg - both print to standard output';
    await expectFailure(['visualize', '--svg', '-', '--json'], 2, line, { cwd });
  });
});

describe('a file that can be written and not replaced', () => {
  const SVG = /^<svg[^]*<\/svg>\n$/;

  it('is overwritten, and no temporary file is left', async () => {
    const [cwd, TMPDIR] = [folder(), folder()];
    const file = path.join(cwd, 'out.svg');
    writeFileSync(file, 'x'.repeat(2 ** 20)); // longer than the picture
    const { env } = irreplaceable(file);
    await printed(['visualize', '--svg', 'out.svg'], { cwd, env: { ...env, TMPDIR } });
    expect(readFileSync(file, 'utf8')).toMatch(SVG);
    expect(readdirSync(cwd)).toEqual(['out.svg']);
    expect(readdirSync(TMPDIR)).toEqual([]);
    // A check before the work says the same.
    const train = ['tokenize', '--train', '270', '--save', 'out.svg'];
    await printed(train, { cwd, env: { ...env, TMPDIR }, input: 'a b a b' });
    expect(readFileSync(file, 'utf8')).toMatch(/^\{"type":"BPETokenizer"/);
    await expectFailure(train, 1, 'ERR_FORMAT', { cwd, env: { ...env, TMPDIR }, input: Uint8Array.of(0xff) });
    expect(readFileSync(file, 'utf8')).toMatch(/^\{"type":"BPETokenizer"/);
  });

  it('stays as it was if there is no place for the temporary file', async () => {
    const cwd = folder();
    const file = path.join(cwd, 'out.svg');
    writeFileSync(file, 'old');
    const { env } = irreplaceable(file);
    const TMPDIR = path.join(cwd, 'none');
    await expectFailure(['visualize', '--svg', 'out.svg'], 1, /ENOENT: a temporary file in .*none: no such/, {
      cwd,
      env: { ...env, TMPDIR },
    });
    expect(readFileSync(file, 'utf8')).toBe('old');
  });

  it('is named together with the complete copy if the disk is full', async () => {
    const [cwd, TMPDIR] = [folder(), folder()];
    const file = path.join(cwd, 'out.svg');
    writeFileSync(file, 'old');
    const { env } = irreplaceable(file);
    // Simulates a full disk. Only a file that is overwritten is truncated.
    const full = preloading(`import { open } from 'node:fs/promises';
      const handle = await open(process.execPath);
      Object.getPrototypeOf(handle).truncate = async () => {
        const message = 'ENOSPC: no space left on device, ftruncate';
        throw Object.assign(new Error(message), { code: 'ENOSPC', syscall: 'ftruncate' });
      };
      await handle.close();`);
    const NODE_OPTIONS = [env['NODE_OPTIONS'] ?? '', full.NODE_OPTIONS].join(' ');
    const { code, stderr } = await tokenbed(['visualize', '--svg', 'out.svg'], {
      cwd,
      env: { ...env, TMPDIR, NODE_OPTIONS },
    });
    const [copy] = readdirSync(TMPDIR);
    const place = `the complete contents are in ${path.join(TMPDIR, copy!)}`;
    expect(stderr).toBe(`tokenbed: ENOSPC: out.svg: no space left on device; ${place}\n`);
    expect(readFileSync(path.join(TMPDIR, copy!), 'utf8')).toMatch(SVG);
    expect(code).toBe(1);
  });
});

/**
 * Makes a file that cannot be replaced: it is mounted, or its folder is read-only. As root in a container without mounts,
 * the program runs with a `rename` that fails as it does for a mounted file.
 */
function irreplaceable(file: string): { env: Record<string, string> } {
  if (process.getuid?.() !== 0) {
    chmodSync(path.dirname(file), 0o555);
    onTestFinished(() => chmodSync(path.dirname(file), 0o755));
    return { env: {} };
  }
  const source = path.join(folder(), 'source');
  writeFileSync(source, readFileSync(file));
  if (spawnSync('mount', ['--bind', source, file]).status === 0) {
    onTestFinished(() => void spawnSync('umount', [file]));
    return { env: {} };
  }
  return {
    env: preloading(`import fs from 'node:fs/promises';
      import { syncBuiltinESMExports } from 'node:module';
      fs.rename = async () => {
        throw Object.assign(new Error('EBUSY: resource busy or locked, rename'), { code: 'EBUSY', syscall: 'rename' });
      };
      syncBuiltinESMExports();`),
  };
}
