/** The memory through which texts and ids pass to and from the kernels. Every call uses it again. */

import type { OrdinaryIds } from '../args/arrays.js';
import { encodeUtf8 } from '../tokenizer/utf8.js';

// Declared here because no `lib` in use declares it.
declare const TextEncoder:
  | undefined
  | (new () => { encodeInto(text: string, bytes: Uint8Array): { readonly written: number } });

/** Bytes of a batch. Longer texts have memory of their own. */
const BATCH_BYTES = 2 ** 18;
/** The most texts of a batch. */
const BATCH_TEXTS = 1024;

let encoder: { encodeInto(text: string, bytes: Uint8Array): { readonly written: number } } | null = null;

/** Texts in UTF-8, one after the other. A lone surrogate becomes U+FFFD. */
export class Utf8Batch {
  /** All texts. */
  bytes: Uint8Array;
  /** 0, and where each text ends. A call of the kernel writes here where its ids end. */
  readonly offsets: OrdinaryIds = new Uint32Array(BATCH_TEXTS + 1);
  /** The same without the 0. */
  readonly ends: OrdinaryIds = this.offsets.subarray(1);
  /** The number of texts. */
  count = 0;
  readonly #own = new Uint8Array(BATCH_BYTES);

  constructor() {
    this.bytes = this.#own;
  }

  /** The number of bytes. */
  get length(): number {
    return this.count === 0 ? 0 : this.ends[this.count - 1]!;
  }

  /** The texts from `start` on, as many as there is room for, and at least one. */
  fill(texts: readonly string[], start: number): void {
    this.one(texts[start]!);
    if (this.bytes !== this.#own) return;
    let end = this.ends[0]!;
    let count = 1;
    for (let at = start + 1; at < texts.length && count < BATCH_TEXTS; at++) {
      const text = texts[at]!;
      if (3 * text.length > BATCH_BYTES - end) break;
      end += write(text, this.#own, end);
      this.ends[count++] = end;
    }
    this.count = count;
  }

  /** One text. */
  one(text: string): void {
    const isLong = 3 * text.length > BATCH_BYTES;
    this.bytes = isLong ? encodeUtf8(text) : this.#own;
    this.ends[0] = isLong ? this.bytes.length : write(text, this.#own, 0);
    this.count = 1;
  }

  /** Releases the memory of a long text. */
  release(): void {
    this.bytes = this.#own;
  }
}

/** Writes a text from byte `at` on, where there are three bytes for each of its units. Returns the number of bytes. */
function write(text: string, bytes: Uint8Array, at: number): number {
  if (typeof TextEncoder !== 'function') {
    const own = encodeUtf8(text);
    bytes.set(own, at);
    return own.length;
  }
  encoder ??= new TextEncoder();
  return encoder.encodeInto(text, at === 0 ? bytes : bytes.subarray(at)).written;
}
