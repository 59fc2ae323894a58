/** Tokenizers of models, in each form of the package: prints ids, and the backend. */

import { createRequire } from 'node:module';
import { backendInfo } from 'tokenbed';
import { PretrainedTokenizer } from 'tokenbed/text';

const json = JSON.stringify({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: null,
  decoder: null,
  model: { type: 'WordLevel', vocab: { '[UNK]': 0, one: 1, two: 2 }, unk_token: '[UNK]' },
});
const loaded = await PretrainedTokenizer.load(new TextEncoder().encode(json), { sha256: undefined });
const required = createRequire(import.meta.url)('tokenbed/text').PretrainedTokenizer.fromJSON(json);
const ids = [loaded, required].map((tokenizer) => tokenizer.encode('two three one').join());
process.stdout.write(JSON.stringify({ ids, info: backendInfo() }));
