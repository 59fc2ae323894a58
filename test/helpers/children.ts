/** Node alone: the built package as a path, copies of it, and child processes that use it. */

import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The project's folder. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a child process came to. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `test/node/programs/NAME` with `flags` of Node and `env` on top of an environment without any `TOKENBED_*`. */
export function runProgram(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
  flags: readonly string[] = ['--expose-gc'],
): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(
    ([key]) => !/^(TOKENBED_|NODE_OPTIONS|VITEST)/.test(key),
  );
  const file = path.join(root, 'test/node/programs', name);
  const child = spawn(process.execPath, [...flags, file, ...args], {
    cwd: root,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** The JSON that such a program prints; its stderr is the error when it fails. */
export async function jsonOf<T>(ended: Promise<Ended>): Promise<T> {
  const { code, signal, stdout, stderr } = await ended;
  if (code !== 0) throw new Error(`the program ended with ${code ?? signal}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** A copy of the built package in a folder of its own, to be changed and then imported; `remove` deletes it. */
export async function copyOfPackage(): Promise<{
  dist: string;
  url: (file: string) => string;
  remove: () => Promise<void>;
}> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tokenbed-copy-'));
  const dist = path.join(folder, 'dist');
  await mkdir(dist);
  await cp(path.join(root, 'dist'), dist, { recursive: true });
  await cp(path.join(root, 'package.json'), path.join(folder, 'package.json'));
  return {
    dist,
    url: (file) => pathToFileURL(path.join(dist, file)).href,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
