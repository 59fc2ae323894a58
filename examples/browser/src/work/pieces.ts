/** What a token stands for, to be read by people: text, the name of a special token, or bare bytes. */

import { BPETokenizer, type CharTokenizer } from 'tokenbed';
import type { Piece } from '../messages.js';

const SPECIAL = ['PAD', 'UNK', 'BOS', 'EOS'];
const FIRST_BYTE = 4;
const FIRST_MERGE = 260;
const WORD_END = '</w>';

/** Reads the ids of one tokenizer. */
export function pieceReader(
  tokenizer: CharTokenizer | BPETokenizer<'bytes' | 'words'>,
): (id: number) => Piece {
  const spell = speller(tokenizer);
  return (id) => {
    const special = SPECIAL[id];
    return special === undefined ? { id, ...spell(id) } : { id, kind: 'special', text: special };
  };
}

function speller(
  tokenizer: CharTokenizer | BPETokenizer<'bytes' | 'words'>,
): (id: number) => Omit<Piece, 'id'> {
  if (!(tokenizer instanceof BPETokenizer)) {
    return (id) => ({ kind: 'text', text: tokenizer.decode([id]) });
  }
  if (tokenizer.mode === 'words') {
    const words = new Map([...(tokenizer as BPETokenizer<'words'>).vocab].map(([word, id]) => [id, word]));
    return (id) => ({ kind: 'text', text: (words.get(id) ?? '').replace(WORD_END, ' ') });
  }
  const { merges } = tokenizer as BPETokenizer<'bytes'>;
  return (id) => spellBytes(bytesOf(id, merges));
}

/** The bytes below a token: merges are trees whose leaves are bytes. */
function bytesOf(id: number, merges: readonly (readonly [number, number])[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const open = [id];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const merge = merges[next - FIRST_MERGE];
    if (merge === undefined) bytes.push(next - FIRST_BYTE);
    else open.push(merge[1], merge[0]);
  }
  return Uint8Array.from(bytes);
}

function spellBytes(bytes: Uint8Array<ArrayBuffer>): Omit<Piece, 'id'> {
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    // A part of a character: no text by itself.
    const hex = Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, '0'));
    return { kind: 'bytes', text: hex.join(' ') };
  }
}
