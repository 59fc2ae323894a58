/**
 * Runs the service until SIGINT or SIGTERM, then finishes pending requests. See service.ts.
 *
 *   npm run example http-service
 *   curl -s localhost:8080/embed -d '{"text": "Hi!"}' | od -t f4
 */

import { Embedding } from 'tokenbed';
import { EmbedService } from './service.js';

const embedding = new Embedding({ vocabSize: 50_000, embeddingDim: 256, seed: 7 });
const service = new EmbedService(embedding);
const port = await service.listen(Number(process.env['PORT'] ?? 8080));
console.log(`POST http://localhost:${port}/embed`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void service.close().then(() => embedding.dispose());
  });
}
