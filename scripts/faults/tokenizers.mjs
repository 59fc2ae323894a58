/** Faults of ts/tokenizer. */

import { vitest } from './commands.mjs';

const tokenizer = (/** @type {string} */ name) => `ts/tokenizer/${name}.ts`;

/** @type {readonly import('./list.mjs').Fault[]} */
export const TOKENIZER_FAULTS = [
  {
    name: 'char-unknown',
    what: 'unknown characters are padding',
    file: tokenizer('char'),
    find: 'this.#ids.get(point) ?? UNK',
    replace: 'this.#ids.get(point) ?? UNK - 1',
    look: vitest('native', 'tokenizer-char'),
  },
  {
    name: 'char-surrogates',
    what: 'a code point beyond 16 bits is two characters',
    file: tokenizer('char'),
    find: 'if (point > 0xffff) unit++;',
    replace: 'if (point > 0x1fffff) unit++;',
    look: vitest('native', 'tokenizer-char'),
  },
  {
    name: 'tie-break',
    what: 'of equally frequent pairs the last one wins',
    file: tokenizer('pair-queue'),
    find: 'return this.#heapFirsts[a]! < this.#heapFirsts[b]!;',
    replace: 'return this.#heapFirsts[a]! > this.#heapFirsts[b]!;',
    look: vitest('native', 'tokenizer-bpe'),
  },
  {
    name: 'pairs-once',
    what: 'a pair that is there once is merged',
    file: tokenizer('pair-queue'),
    find: 'const MIN_COUNT = 2;',
    replace: 'const MIN_COUNT = 1;',
    look: vitest('native', 'tokenizer-bpe'),
  },
  {
    name: 'merge-to-the-left',
    what: 'a new symbol is not looked at together with the one before it',
    file: tokenizer('merge-rules'),
    find: 'if (previous[at] !== NONE) this.#push(previous[at]!, scale);',
    replace: 'if (previous[at]! < NONE) this.#push(previous[at]!, scale);',
    look: vitest('native', 'tokenizer-bpe'),
  },
  {
    name: 'cut-inside-token',
    what: 'bytes are cut apart where a merge joins them',
    file: tokenizer('bpe-bytes'),
    find: 'this.#joined[last[left]! * 256 + first[right]!] = 1;',
    replace: 'this.#joined[first[right]! * 256 + last[left]!] = 1;',
    look: vitest('native', 'tokenizer-bpe'),
  },
  {
    name: 'python-space',
    what: 'words are not split at every white space of Python',
    file: tokenizer('bpe-words'),
    find: '\\x1c-\\x20\\x85',
    replace: '\\x20\\x85',
    look: vitest('native', 'tokenizer-bpe'),
  },
  {
    name: 'truncate-left',
    what: 'long sequences are cut at their beginning',
    file: tokenizer('tokenizer'),
    find: 'row.slice(0, width)',
    replace: 'row.slice(-width)',
    look: vitest('native', 'tokenizer-char'),
  },
  {
    name: 'id-at-the-end',
    what: 'the id vocabSize exists',
    file: tokenizer('token-ids'),
    find: 'if (number < 0 || number >= bound) throw',
    replace: 'if (number < 0 || number > bound) throw',
    look: vitest('native', 'tokenizer-char'),
  },
];
