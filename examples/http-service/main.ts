/**
 * Runs the service until SIGINT or SIGTERM, then finishes pending requests. See service.ts.
 *
 *   npm run example http-service
 *   curl -s localhost:8080/embed -d '{"text": "Hi!"}' | od -t f4
 *
 * TOKENIZER=tokenizer.json npm run example http-service: text becomes the ids of a model.
 */

import { CharTokenizer, Embedding } from 'tokenbed';
import { PretrainedTokenizer } from 'tokenbed/text';
import { EmbedService } from './service.js';

const file = process.env['TOKENIZER'];
const tokenizer = file === undefined ? new CharTokenizer() : await PretrainedTokenizer.load(file);
const vocabSize = Math.max(50_000, tokenizer.vocabSize);
const embedding = new Embedding({ vocabSize, embeddingDim: 256, seed: 7 });
const service = new EmbedService(embedding, {}, tokenizer);
const port = await service.listen(Number(process.env['PORT'] ?? 8080));
console.log(`POST http://localhost:${port}/embed`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void service.close().then(() => embedding.dispose());
  });
}
