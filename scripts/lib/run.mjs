/**
 * Runs other programs: `run` collects their output, `must` also throws if they fail.
 *
 * A signal (such as Ctrl-C) ends all running programs, then this one. Partial output is harmless, because stamps and
 * finished files are put in place last.
 */

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The project folder, without a trailing slash. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '');

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal);
    process.exit(128 + constants.signals[signal]);
  });
}

/** Ends `child` if this process is interrupted. @param {import('node:child_process').ChildProcess} child */
export function endWithUs(child) {
  running.add(child);
  child.once('close', () => running.delete(child));
}

/** The error for a non-zero exit code. The message ends with the last lines of output. */
export class Failed extends Error {
  /** @param {string} what @param {Result} result */
  constructor(what, result) {
    super(`${what} failed (exit ${result.code})\n${tail(result.output, 60)}`);
    this.name = 'Failed';
    this.result = result;
  }
}

/**
 * @typedef {object} Result
 * @property {number} code    exit code; 127 if the program does not exist, 1 if a signal ended it
 * @property {string} stdout
 * @property {string} stderr
 * @property {string} output  both, interleaved
 *
 * @typedef {object} Options
 * @property {string} [cwd]  default: the project folder
 * @property {Record<string, string | undefined>} [env]  changes to the environment; `undefined` removes a variable
 * @property {number} [timeout]  milliseconds after which the program is ended, with code 1
 * @property {(text: string) => void} [onOutput]  receives output as it arrives
 */

/**
 * Runs a program and waits for its end. Never rejects.
 *
 * @param {string} command @param {readonly string[]} args @param {Options} [options] @returns {Promise<Result>}
 */
export function run(command, args, { cwd = root, env = {}, timeout, onOutput } = {}) {
  return new Promise((resolve) => {
    const result = { code: 1, stdout: '', stderr: '', output: '' };
    const child = spawn(command, args, {
      cwd,
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
    });
    endWithUs(child);
    for (const name of /** @type {const} */ (['stdout', 'stderr'])) {
      child[name].setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        result[name] += text;
        result.output += text;
        onOutput?.(text);
      });
    }
    child.once('error', (error) => resolve({ ...result, code: 127, output: error.message }));
    child.once('close', (code) => resolve({ ...result, code: code ?? 1 }));
  });
}

/**
 * Runs a program and throws if it fails.
 *
 * @param {string} command @param {readonly string[]} args @param {Options} [options] @returns {Promise<Result>}
 */
export async function must(command, args, options) {
  const result = await run(command, args, options);
  if (result.code !== 0) throw new Failed([command, ...args].join(' '), result);
  return result;
}

/**
 * The environment of a child process, without variables that would silently change a build. RUSTFLAGS, for example, would
 * replace the flags of .cargo/config.toml, including simd128.
 *
 * @param {Record<string, string | undefined>} [changes] @returns {NodeJS.ProcessEnv}
 */
export function environment(changes = {}) {
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env };
  for (const name of [
    'RUSTFLAGS',
    'CARGO_ENCODED_RUSTFLAGS',
    'CARGO_BUILD_RUSTFLAGS',
    'CARGO_BUILD_TARGET',
  ]) {
    delete env[name];
  }
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  return env;
}

/** The last lines of a text. @param {string} text @param {number} lines */
export function tail(text, lines) {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
