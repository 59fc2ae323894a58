/** The real model of models/minilm-static, in Node and in a browser. */

import { contentOf } from './golden.js';

const MODEL = new URL('../../models/minilm-static/', import.meta.url);

/** The bytes of a file of the model. */
export const modelBytes = (name: string): Promise<Uint8Array<ArrayBuffer>> => contentOf(new URL(name, MODEL));

/** The files of the model. */
export async function realModel() {
  const [model, tokenizer, config] = await Promise.all(
    ['model.safetensors', 'tokenizer.json', 'config.json'].map(modelBytes),
  );
  return { model: model!, tokenizer: tokenizer!, config: config! };
}

/** The tokens of the model, by id. */
export const tokensOf = (tokenizer: Uint8Array): string[] =>
  Object.keys(JSON.parse(new TextDecoder().decode(tokenizer)).model.vocab);
