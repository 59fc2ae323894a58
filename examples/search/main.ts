/**
 * Search in a folder: its paragraphs become vectors, which are saved as i8 rows, opened again and searched.
 *
 *   npm run example search
 *   node .cache/examples/search/main.js FOLDER INDEX QUESTION ...      any folder of .md and .txt files
 *
 *   folder -> passages -> StaticModel -> i8 rows -> INDEX/vectors.safetensors, INDEX/passages.json
 *                                                   opened again (mapped) -> nearest -> passages
 *
 * `npx tokenbed search --index` does this with the lines of files.
 */

import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { backendInfo, Embedding, StaticModel } from 'tokenbed';
import { folder as minilm } from '@tokenbed/minilm-static';
import { type Passage, readPassages } from './passages.js';

/** Texts whose vectors are computed at once. */
const BATCH = 1024;

const [folder = '.', index = 'index', ...questions] = process.argv.slice(2);
const [vectorsFile, passagesFile] = [
  path.join(index, 'vectors.safetensors'),
  path.join(index, 'passages.json'),
];

/** The vectors of passages as i8 rows. Only one batch of them is in memory as f32. */
function vectorsOf(model: StaticModel, passages: readonly Passage[]): Embedding {
  const table = new Embedding({
    vocabSize: passages.length,
    embeddingDim: model.dim,
    initType: 'zeros',
    dtype: 'i8',
  });
  for (let row = 0; row < passages.length; row += BATCH) {
    const texts = passages.slice(row, row + BATCH).map(({ text }) => text);
    table.weight.setRows(row, model.embed(texts).data);
  }
  return table;
}

/** Prints the three passages nearest to each question. Returns which ones they are. */
function ask(model: StaticModel, vectors: Embedding, passages: readonly Passage[]): number[][] {
  const { ids, scores } = vectors.nearest(model.embed(questions), { k: 3 });
  const k = ids.shape[1]!;
  return questions.map((question, q) => {
    console.log(`\n${question}`);
    return Array.from({ length: k }, (_, i) => {
      const id = ids.data[q * k + i]!;
      const { file, line, text } = passages[id]!;
      console.log(
        `  ${scores.data[q * k + i]!.toFixed(3)}  ${file}:${line}  ${text.replaceAll(/\s+/g, ' ').slice(0, 80)}`,
      );
      return id;
    });
  });
}

const model = await StaticModel.load(minilm);

// Index the folder.
const passages = await readPassages(folder);
if (passages.length === 0) throw new Error(`no text in ${folder}`);
const start = performance.now();
const made = vectorsOf(model, passages);
const rate = passages.length / ((performance.now() - start) / 1000);
await mkdir(index, { recursive: true });
await made.save(vectorsFile);
await writeFile(passagesFile, JSON.stringify(passages));
const { size } = await stat(vectorsFile);
console.log(
  `${passages.length} passages of ${folder}, ${Math.round(rate)} per second, ${size} bytes as i8 rows`,
);

// Open the index again, as another process would. Mapping needs the native backend: it reads rows when they are compared.
const vectors = await Embedding.load(vectorsFile, { mmap: backendInfo().name === 'native' });
const texts = JSON.parse(await readFile(passagesFile, 'utf8')) as Passage[];
console.log(`opened again: ${vectors.readOnly ? 'mapped' : 'in memory'}`);
const found = ask(model, vectors, texts);

const inMemory = made.nearest(model.embed(questions), { k: 3 });
if (Array.from(inMemory.ids.data).join() !== found.flat().join()) {
  throw new Error('the file and the table in memory found other passages');
}
