/** Runs the CLI as a child process, on the backend of the test project. */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, inject, onTestFinished } from 'vitest';

const program = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
  readonly bytes: Buffer;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  /** Standard input, as a whole or in chunks. Default: empty. */
  readonly input?: string | Uint8Array | readonly Uint8Array[];
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

/** Starts the program. The caller writes its input. */
export function start(
  args: readonly string[],
  { cwd, env }: RunOptions = {},
): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', TOKENBED_BACKEND: inject('backend'), ...env },
  });
  child.stdin.on('error', () => {}); // it may exit before it has read everything
  return child;
}

/** Waits for the end of the program and collects its output. */
export async function outcome(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  const bytes = Buffer.concat(out);
  return { code, signal, bytes, stdout: bytes.toString(), stderr: Buffer.concat(err).toString() };
}

/** Runs the program to its end. */
export async function tokenbed(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { input = '' } = options;
  const child = start(args, options);
  const done = outcome(child);
  if (typeof input === 'string' || input instanceof Uint8Array) {
    child.stdin.end(input);
  } else {
    for (const chunk of input) {
      child.stdin.write(chunk);
      await new Promise((resolve) => setTimeout(resolve, 20)); // otherwise the pipe joins the chunks
    }
    child.stdin.end();
  }
  return done;
}

/** Expects success, with nothing on standard error except the notice that the table is random. Returns standard output. */
export async function printed(args: readonly string[], options?: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await tokenbed(args, options);
  expect(stderr.replace(/^tokenbed: the table is random .*\n/, '')).toBe('');
  expect(code).toBe(0);
  return stdout;
}

/** Expects failure, with nothing on standard output and a single matching line on standard error. */
export async function expectFailure(
  args: readonly string[],
  exitCode: 1 | 2,
  line: string | RegExp,
  options?: RunOptions,
): Promise<void> {
  const { code, stdout, stderr } = await tokenbed(args, options);
  const lines = stderr
    .replace(/^tokenbed: the table is random .*\n/, '')
    .trimEnd()
    .split('\n');
  expect(lines).toEqual([expect.stringMatching(/^tokenbed: [A-Z][A-Z0-9_]+: \S/)]);
  expect(lines[0]).toMatch(line);
  expect(stdout).toBe('');
  expect(code).toBe(exitCode);
}

/** A temporary folder, removed after the test. */
export function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'tokenbed-test-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** An environment in which the program first runs the module `code`. */
export function preloading(code: string): { NODE_OPTIONS: string } {
  const file = path.join(folder(), 'preload.mjs');
  writeFileSync(file, code);
  return { NODE_OPTIONS: `--import ${pathToFileURL(file).href}` };
}

/** Parses printed lines of ids. */
export const idLines = (lines: readonly (readonly number[])[]): string =>
  lines.map((ids) => `${ids.join(' ')}\n`).join('');

/** A reproducible 32-bit generator (mulberry32). */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return (z ^ (z >>> 14)) >>> 0;
  };
}
