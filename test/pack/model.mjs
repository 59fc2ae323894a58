/** The model, from its folder and from the URLs of its files: prints hashes of vectors, and the backend. */

import { createHash } from 'node:crypto';
import { config, folder, model, tokenizer } from '@tokenbed/minilm-static';
import { backendInfo, StaticModel } from 'tokenbed';

const texts = ['A kitten was napping.', 'The cat slept.', 'Prices keep rising.'];
const models = [await StaticModel.load(folder), await StaticModel.load({ model, tokenizer, config })];
const vectors = models.map((each) =>
  createHash('sha256')
    .update(new Uint8Array(each.embed(texts).data.buffer))
    .digest('hex'),
);
process.stdout.write(JSON.stringify({ vectors, info: backendInfo() }));
