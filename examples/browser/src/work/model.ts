/** The tokenizer of a model, beside the one that was trained on the text. Imported with the first file. */

import { PretrainedTokenizer } from 'tokenbed/text';
import type { ModelTokens, Piece } from '../messages.js';

let tokenizer: PretrainedTokenizer | null = null;

/** Reads a tokenizer.json. After an error the tokenizer before is still there. */
export async function open(file: Blob): Promise<null> {
  const opened = await PretrainedTokenizer.load(file);
  tokenizer?.dispose();
  tokenizer = opened;
  return null;
}

/** The tokens of a text, the first `count` of them with their names in the vocabulary. */
export function tokens({ text, count }: { readonly text: string; readonly count: number }): ModelTokens {
  if (tokenizer === null) throw new Error('no tokenizer is open');
  const { unkId, vocabSize } = tokenizer;
  const ids = tokenizer.encode(text);
  const piece = (id: number): Piece => ({
    id,
    kind: id === unkId ? 'special' : 'text',
    text: tokenizer?.idToToken(id) ?? '',
  });
  return {
    tokens: ids.length,
    pieces: ids.slice(0, count).map(piece),
    vocabSize,
    unknown: ids.reduce((sum, id) => sum + Number(id === unkId), 0),
  };
}
