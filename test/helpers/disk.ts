/** Node alone: files in temporary folders, a server of bytes, and processes that are cut short. */

import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { root } from './children.js';
import { join, npyHeader, type Part, u64 } from './files.js';

/** A temporary folder, removed after the test. */
export function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'tokenbed-files-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A file of these bytes in a temporary folder of its own. */
export function onDisk(bytes: Uint8Array, name = 'table.safetensors'): string {
  const file = path.join(folder(), name);
  writeFileSync(file, bytes);
  return file;
}

/** A safetensors file of `rows` x `dim` f32 without contents: a hole but for the last row. It takes a few KiB of the disk. */
export function sparse(rows: number, dim: number, last: Float32Array, name = 'sparse.safetensors'): string {
  const file = path.join(folder(), name);
  const bytes = rows * dim * 4;
  const header = join(
    JSON.stringify({ weight: { dtype: 'F32', shape: [rows, dim], data_offsets: [0, bytes] } }),
  );
  write(file, join(u64(header.length), header), bytes, last);
  return file;
}

/** The same as .npy. */
export function sparseNpy(rows: number, dim: number, last: Float32Array): string {
  const file = path.join(folder(), 'sparse.npy');
  const text = npyHeader('<f4', `(${rows}, ${dim})`);
  const header = `${text}${' '.repeat(63 - ((10 + text.length) % 64))}\n`;
  write(
    file,
    join([0x93], 'NUMPY', [1, 0, header.length & 255, header.length >> 8], header),
    rows * dim * 4,
    last,
  );
  return file;
}

function write(file: string, head: Uint8Array, bytes: number, last: Part): void {
  const end = join(last);
  const to = openSync(file, 'w');
  writeSync(to, head, 0, head.length, 0);
  writeSync(to, end, 0, end.length, head.length + bytes - end.length);
  closeSync(to);
}

/** A server on 127.0.0.1 that answers with `answer` and remembers the requests. It ends with the test. */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: (name: string) => URL; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const { port } = server.address() as { port: number };
  return { url: (name) => new URL(`http://127.0.0.1:${port}/${name}`), requests };
}

/** Starts test/node/programs/files.mjs with a channel for its messages. `output` resolves with what it prints, and how it ended. */
export function startFiles(
  args: readonly string[],
  env: Record<string, string>,
): {
  child: ChildProcess;
  output: Promise<{ stdout: string; stderr: string; signal: NodeJS.Signals | null }>;
} {
  const child = fork(path.join(root, 'test/node/programs/files.mjs'), args, {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    execArgv: ['--expose-gc'],
    silent: true,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const output = new Promise<{ stdout: string; stderr: string; signal: NodeJS.Signals | null }>(
    (resolve, reject) => {
      child.once('error', reject);
      child.once('close', (_, signal) => resolve({ stdout, stderr, signal }));
    },
  );
  return { child, output };
}
