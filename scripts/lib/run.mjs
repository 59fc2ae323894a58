/**
 * Running other programs: one function that waits and collects, one that throws when the program fails.
 *
 * An interrupt (Ctrl-C, or a TERM from outside) ends the programs that still run, then this one. Whatever they
 * had written is either complete or ignored next time: stamps and finished files are put in place last.
 */

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The project's folder, without a slash at its end. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '');

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal);
    process.exit(128 + constants.signals[signal]);
  });
}

/** Ends `child` too when this process is interrupted. @param {import('node:child_process').ChildProcess} child */
export function endWithUs(child) {
  running.add(child);
  child.once('close', () => running.delete(child));
}

/** A program that ended with another code than 0; its message closes with the end of what it printed. */
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
 * @property {number} code    exit code; 127 when the program does not exist, 1 when a signal ended it
 * @property {string} stdout
 * @property {string} stderr
 * @property {string} output  both, in the order in which they came
 *
 * @typedef {object} Options
 * @property {string} [cwd]  default: the project's folder
 * @property {Record<string, string | undefined>} [env]  set over the environment; `undefined` removes
 * @property {number} [timeout]  milliseconds after which it is ended, with code 1
 * @property {(text: string) => void} [onOutput]  is given each piece as it comes
 */

/**
 * Runs a program to its end and never throws.
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
 * Runs a program that must succeed.
 *
 * @param {string} command @param {readonly string[]} args @param {Options} [options] @returns {Promise<Result>}
 */
export async function must(command, args, options) {
  const result = await run(command, args, options);
  if (result.code !== 0) throw new Failed([command, ...args].join(' '), result);
  return result;
}

/**
 * The environment for a child: ours, without what would silently change a build or a test.
 * RUSTFLAGS would replace the flags of .cargo/config.toml (and with them simd128); TOKENBED_* switches the
 * backend under a test that names none.
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
