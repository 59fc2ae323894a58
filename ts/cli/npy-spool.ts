/**
 * Writes a .npy with an unknown number of rows: a temporary file stores the rows until the header can be written.
 *
 * The file is unlinked as soon as it is open, so its space is freed however this process ends.
 */

import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { npyHeader } from '../files/npy.js';
import { print, systemError } from './output.js';

const PIECE_BYTES = 2 ** 20;

/** Collects rows of f32, then prints all of them as one .npy. */
export class NpySpool {
  readonly #folder = tmpdir();
  readonly #file: number;
  #bytes = 0;

  constructor(readonly dim: number) {
    const name = path.join(this.#folder, `tokenbed-${randomUUID()}.f32`);
    this.#file = this.#try(() => openSync(name, 'wx+', 0o600));
    this.#try(() => unlinkSync(name));
  }

  /** Appends whole rows. */
  async write(rows: Float32Array): Promise<void> {
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
    for (let done = 0; done < bytes.length;) {
      const written = this.#try(() => writeSync(this.#file, bytes, done, bytes.length - done, this.#bytes));
      done += written;
      this.#bytes += written;
    }
  }

  /** Prints the header and the rows. */
  async end(): Promise<void> {
    await print(npyHeader(this.#bytes / (4 * this.dim), this.dim));
    const piece = new Uint8Array(PIECE_BYTES);
    for (let at = 0; at < this.#bytes;) {
      const count = this.#try(() => readSync(this.#file, piece, 0, PIECE_BYTES, at));
      await print(piece.subarray(0, count));
      at += count;
    }
  }

  /** Frees the space. */
  close(): void {
    closeSync(this.#file);
  }

  #try<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw systemError(`a temporary file in ${this.#folder}`, error);
    }
  }
}
