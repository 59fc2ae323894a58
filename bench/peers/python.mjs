/**
 * A Python library as a contender: one child process per library, which takes turns with the other contenders and
 * times its own loop. peer.py is the other side.
 *
 *   -> { do, ... } one line of JSON      <- { ok } or { error } one line of JSON, before the next request
 *
 * Arrays are sent once, through files that are removed as soon as they have been read.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endWithUs, environment } from '../../scripts/lib/run.mjs';
import { batchOf } from '../contenders/job.mjs';
import { notInstalled, python } from './installed.mjs';

/** @import { Elsewhere, Job, Opened } from '../contenders/contract.js' */

const PROGRAM = fileURLToPath(new URL('peer.py', import.meta.url));
const SHM = '/dev/shm'; // a file system in memory, faster than a disk
/** One thread, for each of the runtimes. */
const ONE_THREAD = { OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };

/**
 * @param {'torch' | 'numpy' | 'onnxruntime'} library
 * @param {(job: Job) => Record<string, unknown>} [more]  further parameters of a job for the library's side
 * @returns {Promise<Opened>}
 */
export async function openPython(library, more = () => ({})) {
  if (!existsSync(python)) throw notInstalled(library);
  const child = new Child(library);
  const { version, contenders } = await child.request({ do: 'hello' });
  return {
    version,
    contenders: contenders.map((/** @type {any} */ { ops, ...each }) => ({
      ...each,
      ops: Object.fromEntries(
        ops.map((/** @type {string} */ op) => [
          op,
          (/** @type {Job} */ job) => prepare(child, each.name, job, more(job)),
        ]),
      ),
    })),
    close: () => child.end(),
  };
}

/** @param {Child} child @param {string} contender @param {Job} job @param {Record<string, unknown>} more @returns {Promise<Elsewhere | null>} */
async function prepare(child, contender, job, more) {
  const { op, params, pages, table, batches, out, positions, offsets, weights, queries, ...rest } = job;
  const numbers = {
    ...params,
    ...rest,
    ...more,
    pages,
    n: batches?.[0]?.length ?? 0,
    length: out?.length ?? 0,
  };
  const arraysOfJob = { table, pool: batches && whole(batches), positions, offsets, weights, queries };
  const arrays = /** @type {[string, Float32Array | Int32Array][]} */ (
    Object.entries(arraysOfJob).filter(([, array]) => array)
  );
  /** @type {Record<string, number>} */
  const held = {};
  for (const [name, array] of arrays) held[name] = await child.acquire(array, pages);
  const id = await child.request({ do: 'prepare', contender, op, numbers, arrays: held });
  const drop = async () => {
    for (const [, array] of arrays) await child.release(array);
  };
  if (id === null) return drop().then(() => null);
  return {
    measure: (first, count) => child.request({ do: 'measure', id, first, count }),
    output: () =>
      inFile(async (file) => {
        await child.request({ do: 'output', id, file });
        const { buffer, byteOffset, byteLength } = await readFile(file);
        return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
      }),
    async close() {
      await child.request({ do: 'close', id });
      await drop();
    },
  };
}

/** The pool that the batches are views of, from the first to the last. @param {readonly Int32Array[]} batches */
function whole(batches) {
  const { buffer, byteOffset, length } = batchOf(batches, 0);
  const pool = new Int32Array(buffer, byteOffset, batches.length * length);
  pools.set(batches, pools.get(batches) ?? pool);
  return /** @type {Int32Array} */ (pools.get(batches));
}
/** @type {WeakMap<readonly Int32Array[], Int32Array>} so that one list of batches is one array */
const pools = new WeakMap();

/** The process and the arrays that it holds. */
class Child {
  /** @param {string} library */
  constructor(library) {
    this.library = library;
    this.process = spawn(python, ['-u', PROGRAM, library], {
      env: environment(ONE_THREAD),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    endWithUs(this.process);
    this.complaints = '';
    /** @type {Map<object, { id: Promise<number>, users: number }>} */
    this.arrays = new Map();
    /** @type {((answer: string | undefined) => void) | undefined} */
    this.waiting = undefined;
    /** @type {Promise<unknown>} */
    this.last = Promise.resolve();
    this.process.stderr.setEncoding('utf8').on('data', (text) => (this.complaints += text));
    this.process.stdin.on('error', () => {}); // 'close' reports it
    createInterface({ input: this.process.stdout }).on('line', (line) => this.waiting?.(line));
    this.process.once('error', () => this.waiting?.(undefined));
    this.process.once('close', () => this.waiting?.(undefined));
    this.idle(true);
  }

  /** While no request is pending, the child does not keep this process alive. @param {boolean} idle */
  idle(idle) {
    for (const each of /** @type {any[]} */ ([this.process, ...this.process.stdio]))
      each?.[idle ? 'unref' : 'ref']();
  }

  /** Sends requests one after the other. @param {Record<string, unknown>} message @returns {Promise<any>} */
  request(message) {
    const answer = this.last.then(() => this.exchange(message));
    this.last = answer.catch(() => {});
    return answer;
  }

  /** @param {Record<string, unknown>} message */
  async exchange(message) {
    const ended = () =>
      new Error(`${this.library}: the Python process ended\n${this.complaints.slice(-4000)}`);
    if (this.process.exitCode !== null || this.process.signalCode !== null) throw ended();
    this.idle(false);
    /** @type {string | undefined} */
    const line = await new Promise((resolve) => {
      this.waiting = resolve;
      this.process.stdin.write(`${JSON.stringify(message)}\n`);
    });
    this.waiting = undefined;
    this.idle(true);
    if (line === undefined) throw ended();
    const answer = JSON.parse(line);
    if (answer.error !== undefined) throw new Error(`${this.library}: ${answer.error}`);
    return answer.ok;
  }

  /** Sends an array to the child, once for all jobs that use it, and returns its id. @param {Float32Array | Int32Array} array @param {string} pages */
  async acquire(array, pages) {
    const held = this.arrays.get(array) ?? { id: this.send(array, pages), users: 0 };
    this.arrays.set(array, held);
    held.users += 1;
    return held.id;
  }

  /** @param {Float32Array | Int32Array} array @param {string} pages @returns {Promise<number>} */
  send(array, pages) {
    const dtype = array instanceof Float32Array ? 'float32' : 'int32';
    return inFile(async (file) => {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      const handle = await open(file, 'w');
      for (let at = 0; at < bytes.length; at += 2 ** 30) await handle.write(bytes.subarray(at, at + 2 ** 30));
      await handle.close();
      return this.request({ do: 'array', file, dtype, length: array.length, pages });
    });
  }

  /** Drops an array that no job uses any more. @param {Float32Array | Int32Array} array */
  async release(array) {
    const held = this.arrays.get(array);
    if (held === undefined || --held.users > 0) return;
    this.arrays.delete(array);
    await this.request({ do: 'forget', id: await held.id });
  }

  async end() {
    await this.last;
    this.process.stdin.end();
  }
}

/** Passes the name of a file in a new temporary folder to `work`, then removes both. @template T @param {(file: string) => Promise<T>} work @returns {Promise<T>} */
async function inFile(work) {
  const temporary = await mkdtemp(path.join(existsSync(SHM) ? SHM : tmpdir(), 'tokenbed-bench-'));
  try {
    return await work(path.join(temporary, 'array'));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
