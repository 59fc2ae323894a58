/** Texts to the ids that a static model averages. */

import type { OrdinaryIds } from '../args/arrays.js';
import { tooLarge } from '../errors.js';
import type { BatchEncoder, EncodedTexts } from '../text/pretrained-tokenizer.js';
import { readIds } from '../tokenizer/token-ids.js';
import type { ModelParts, TokenizerFunction } from './load.js';
import { textModule } from './text-module.js';

/** The ids of several batches of texts. */
export class EncodedList implements EncodedTexts {
  count = 0;
  ids: OrdinaryIds = new Uint32Array(0);
  readonly offsets: OrdinaryIds;

  constructor(texts: number) {
    this.offsets = new Uint32Array(texts + 1);
  }

  /** Appends a copy of a batch. */
  push({ count, ids, offsets }: EncodedTexts): void {
    const used = this.offsets[this.count]!;
    const length = used + offsets[count]!;
    if (length > this.ids.length) this.ids = enlarged(this.ids, length);
    this.ids.set(ids.subarray(0, offsets[count]), used);
    for (let i = 1; i <= count; i++) this.offsets[this.count + i] = used + offsets[i]!;
    this.count += count;
  }
}

/** The encoder of a model. */
export async function encoderOf(parts: ModelParts): Promise<BatchEncoder> {
  const { tokenizer, limit, dropped } = parts;
  if (typeof tokenizer === 'function') return functionEncoder(tokenizer, parts);
  const { encoderOf } = await textModule();
  return encoderOf(tokenizer, {
    truncation: limit === undefined ? 'own' : limit === null ? 'none' : 'first',
    maxLength: limit ?? undefined,
    dropUnknown: dropped !== null,
  });
}

/** An encoder by a function of the caller. It encodes all texts at once: nothing is written before the last call. */
function functionEncoder(tokenize: TokenizerFunction, parts: ModelParts): BatchEncoder {
  const { vocabSize, dropped, maxLength } = parts;
  return {
    encode(texts, start, first = 0) {
      const all = new EncodedList(texts.length - start);
      for (let i = start; i < texts.length; i++) {
        const found = readIds(tokenize(texts[i]!), vocabSize, ` of texts[${first + i}]`);
        const kept = Array.from(found).slice(0, maxLength ?? undefined);
        const ids = Uint32Array.from(dropped === null ? kept : kept.filter((id) => id !== dropped));
        all.push({ count: 1, ids, offsets: Uint32Array.of(0, ids.length) });
      }
      return all;
    },
    dispose() {},
  };
}

/** The ids in an array of twice the length, or of `least`. */
function enlarged(ids: OrdinaryIds, least: number): OrdinaryIds {
  const length = Math.max(least, 2 * ids.length);
  let longer: OrdinaryIds;
  try {
    longer = new Uint32Array(length);
  } catch {
    throw tooLarge('The ids of the texts', 4 * length, 2 ** 32);
  }
  longer.set(ids);
  return longer;
}

/** The first `most` code points of a text. */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  let end = 0;
  for (let count = 0; count < most && end < text.length; count++)
    end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  return text.slice(0, end);
}
