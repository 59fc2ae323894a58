/** `tokenbed profile`: tables as text, JSON, and files that are written atomically. */

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { backendInfo, type ProfilerResults } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { expectFailure, folder, outcome, preloading, printed, start, tokenbed } from './cli-program.js';

/** Fast settings with distinct sizes. */
const SMALL = (
  '--vocab 300 --dim 12 --batch-sizes 4,2 --seq-lengths 3 ' +
  '--vocab-sizes 20,30 --embedding-dims 5 --min-time 0'
).split(' ');
/** Settings that would take hours. */
const LONG = [...SMALL.slice(0, -1), '3600000'];

/** Simulates a terminal, so that the progress bar is drawn. */
const watched = () => preloading('process.stderr.isTTY = true;');

type Json = ProfilerResults & Record<string, unknown>;

describe('profile --json', () => {
  it('prints all results, the machine and the settings', async () => {
    const output = JSON.parse(await printed(['profile', ...SMALL, '--json'])) as Json;
    const { name, isa, threads, version } = backendInfo();
    expect(output).toMatchObject({ version, backend: name, isa, threads, node: process.version });
    expect(output['table']).toEqual({ vocabSize: 300, embeddingDim: 12, memoryMb: (300 * 12 * 4) / 2 ** 20 });
    expect(output['settings']).toEqual({ seed: '0', minTimeMs: 0 });
    expect(Object.keys(output.lookup)).toEqual(['batch_4_seq_3', 'batch_2_seq_3']);
    expect(output.lookup['batch_4_seq_3']).toMatchObject({
      totalTokens: 12,
      pattern: 'uniform',
      backend: name,
    });
    expect(output.lookup['batch_4_seq_3']!.outputMemoryMb).toBe((12 * 12 * 4) / 2 ** 20);
    expect(Object.keys(output.memoryScaling)).toEqual(['vocab_20_dim_5', 'vocab_30_dim_5']);
    expect(output.positional.learned!.parameters).toBe(200 * 12);
  });

  it('measures several patterns, and creates no table above --max-table', async () => {
    const args = ['--pattern', 'zipf,repeated,zipf', '--max-table', '0.0001', '--json'];
    const output = JSON.parse(await printed(['profile', ...SMALL, ...args])) as Json;
    expect(Object.entries(output.lookup).map(([key, { pattern }]) => [key, pattern])).toEqual([
      ['batch_4_seq_3', 'zipf'],
      ['batch_2_seq_3', 'zipf'],
      ['batch_4_seq_3_repeated', 'repeated'],
      ['batch_2_seq_3_repeated', 'repeated'],
    ]);
    expect(Object.values(output.memoryScaling).map(({ lookupTimeMs }) => lookupTimeMs)).toEqual([null, null]);
  });
});

describe('profile', () => {
  it('prints the profiler’s reports', async () => {
    const text = await printed(['profile', ...SMALL]);
    const { version, name, isa } = backendInfo();
    expect(text.split('\n')[0]).toMatch(
      new RegExp(`^tokenbed ${version} \\(${name}, ${isa}, \\d+ threads?\\), `),
    );
    expect(text).toContain(
      '\nTable: 300 x 12, 0.014 MB; ids: uniform, seed 0\n📊 EMBEDDING LOOKUP PERFORMANCE\n',
    );
    expect(text).toMatch(/^4 {6}3 {8}12 /m);
    expect(text).toContain('\n\n📊 EMBEDDING MEMORY SCALING ANALYSIS\n');
    expect(text).toContain('\n\n🔍 POSITIONAL ENCODING COMPARISON\n');
    expect(text).toContain(' Vocabulary scaling: 1.5x vocab → 1.5x memory (Linear)\n');
    expect(text.endsWith('extrapolation needs\n')).toBe(true);
  });

  it('writes complete report and chart files', async () => {
    const cwd = folder();
    const files = ['--html', 'report.html', '--svg', 'charts.svg'];
    const output = JSON.parse(await printed(['profile', ...SMALL, ...files, '--json'], { cwd })) as Json;
    expect(readdirSync(cwd).sort()).toEqual(['charts.svg', 'report.html']);
    const html = readFileSync(path.join(cwd, 'report.html'), 'utf8');
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html.trimEnd()).toMatch(/<\/html>$/);
    expect(html).toContain(String(output['cpu']).split('(')[0]!.trim());
    const svg = readFileSync(path.join(cwd, 'charts.svg'), 'utf8');
    expect(svg.trim()).toMatch(/^<svg[^]*<\/svg>$/);
  });

  it('prints only the report or the charts, if that is standard output', async () => {
    const cwd = folder();
    expect(await printed(['profile', ...SMALL, '--svg', '-'], { cwd })).toMatch(/^<svg[^]*<\/svg>\s*$/);
    const html = await printed(['profile', ...SMALL, '--html', '-', '--svg', 'charts.svg'], { cwd });
    expect(html).toMatch(/^<!doctype html>[^]*<\/html>\s*$/i);
    expect(readdirSync(cwd)).toEqual(['charts.svg']);
    await expectFailure(['profile', ...LONG, '--html', '-', '--svg', '-'], 2, 'name the same file: -');
    await expectFailure(['profile', ...LONG, '--html', '-', '--json'], 2, '--json and --html - both print');
  });

  it('fails before measuring if a file cannot be written', async () => {
    const cwd = folder();
    await expectFailure(['profile', ...LONG, '--html', 'no/out.html'], 1, 'ENOENT: no/out.html: no such', {
      cwd,
    });
    await expectFailure(['profile', ...LONG, '--svg', '.'], 1, 'EISDIR: .: ', { cwd });
    expect(readdirSync(cwd)).toEqual([]);
  });

  it.each([
    ['--batch-sizes', '', 'integers >= 1 with commas between them: got ""'],
    ['--batch-sizes', '1,,2', 'integers >= 1 with commas between them'],
    ['--seq-lengths', '1,0', 'integers >= 1 with commas between them: got "1,0"'],
    ['--vocab-sizes', '4294967297', 'integers >= 1 and <= 4294967296 with commas'],
    ['--embedding-dims', '1.5', 'integers >= 1'],
    ['--vocab', '0', 'an integer >= 1'],
    [
      '--pattern',
      'random',
      'some of uniform, zipf, sequential, repeated with commas between them: got "random"',
    ],
    ['--pattern', 'zipf,', 'some of uniform'],
    ['--seed', '-', 'an integer >= 0'],
    ['--min-time', 'x', 'a number >= 0'],
    ['--max-table', '-1', ''],
    ['--html', '', 'a name: got ""'],
  ])('rejects %s %j as a usage error', async (option, value, expected) => {
    await expectFailure(
      ['profile', ...LONG, `${option}=${value}`],
      2,
      `Option ${option} must be ${expected}`,
    );
  });

  it('fails with a code if the table does not fit', async () => {
    const args = ['--vocab', '4294967296', '--dim', '1048576'];
    await expectFailure(['profile', ...LONG, ...args], 1, 'tokenbed: ERR_TOO_LARGE: A table needs');
  });

  it('draws a progress bar on a terminal after a second, and removes it', async () => {
    const args = [...SMALL.slice(0, -1), '150', '--json'];
    const { code, stdout, stderr } = await tokenbed(['profile', ...args], { env: watched() });
    expect(code).toBe(0);
    expect(Object.keys((JSON.parse(stdout) as Json).lookup)).toHaveLength(2);
    expect(stderr.startsWith('\r\u001b[2Kmeasuring [')).toBe(true);
    expect(stderr).toMatch(/measuring \[#* +\] \d+ %/);
    expect(stderr.endsWith('\r\u001b[2K')).toBe(true);
  });

  it('prints nothing to standard error if it is not a terminal', async () => {
    const args = [...SMALL.slice(0, -1), '150'];
    expect((await tokenbed(['profile', ...args])).stderr).toBe('');
  });

  it('leaves no files when interrupted', async () => {
    const cwd = folder();
    const args = [...SMALL.slice(0, -1), '400', '--batch-sizes', '1,2,3,4,5,6,7,8,9', '--html', 'out.html'];
    const child = start(['profile', ...args], { cwd, env: watched() });
    const done = outcome(child);
    await once(child.stderr, 'data'); // the progress bar: it is measuring
    child.kill('SIGINT');
    const { signal, stdout } = await done;
    expect([signal, stdout]).toEqual(['SIGINT', '']);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('exits silently when the reader closes the pipe', async () => {
    const child = start(['profile', ...SMALL]);
    child.stdout.destroy();
    const { code, signal, stderr } = await outcome(child);
    expect([code, signal, stderr]).toEqual([0, null, '']);
  });
});
