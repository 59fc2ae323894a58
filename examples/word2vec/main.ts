/**
 * Word vectors from a text: trains, shows neighbors while they change, and saves. An interrupted run is resumed by the same
 * command.
 *
 *   npm run example word2vec                  the documents of this repository
 *   npm run example word2vec -- notes.txt     any text, within a minute
 *
 *   text -> plan.ts: vocabulary, sentences, settings -> skip-gram.ts: pairs, negatives, steps -> .cache/word2vec/
 */

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { backendInfo } from 'tokenbed';
import { MOST_CHARACTERS, plan, shownWords } from './plan.js';
import { type Checkpoint, type Place, SkipGram } from './skip-gram.js';

const FOLDER = '.cache/word2vec';
/** Words whose neighbors are shown. */
const SHOWN = 8;
const REPORT_MS = 1000;
const SAVE_MS = 15_000;

const VECTORS = 'vectors.safetensors';
const CONTEXTS = 'contexts.safetensors';
const OPTIMIZER = 'optimizer.safetensors';
const PLACE = 'place.json';

async function textOf(file: string | undefined): Promise<string> {
  if (file !== undefined) return readFile(file, 'utf8');
  const names = (await readdir('docs')).filter((name) => name.endsWith('.md')).sort();
  const texts = await Promise.all(names.map((name) => readFile(path.join('docs', name), 'utf8')));
  return texts.join('\n\n');
}

/** Replaces the saved run as a whole: the new files are complete before the old ones are removed. */
async function save(run: SkipGram, text: string): Promise<void> {
  const { vectors, contexts, optimizer, place } = run.save();
  const made = `${FOLDER}.new`;
  await rm(made, { recursive: true, force: true });
  await mkdir(made, { recursive: true });
  await writeFile(path.join(made, VECTORS), vectors);
  await writeFile(path.join(made, CONTEXTS), contexts);
  await writeFile(path.join(made, OPTIMIZER), optimizer);
  await writeFile(path.join(made, PLACE), JSON.stringify({ text, place }));
  await rm(FOLDER, { recursive: true, force: true });
  await rename(made, FOLDER);
}

/** The saved run of this text, if there is one. */
async function saved(text: string): Promise<Checkpoint | undefined> {
  const file = (name: string) => readFile(path.join(FOLDER, name));
  try {
    const found = JSON.parse(String(await file(PLACE))) as { text: string; place: Place };
    if (found.text !== text) return undefined;
    const [vectors, contexts, optimizer] = [await file(VECTORS), await file(CONTEXTS), await file(OPTIMIZER)];
    return { vectors, contexts, optimizer, place: found.place };
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
    throw error;
  }
}

const whole = await textOf(process.argv[2]);
const text = whole.slice(0, MOST_CHARACTERS);
const { corpus, settings } = plan(text);
const { words, ids } = corpus;
const id = createHash('sha256').update(JSON.stringify(settings)).update(text).digest('hex');

const { name, isa } = backendInfo();
const cut = text.length < whole.length ? ', the first of the text' : '';
console.log(
  `${ids.length} words${cut}, ${words.length} of them different; ${settings.epochs} epochs; ${name} ${isa}`,
);
const checkpoint = await saved(id);
const run = new SkipGram(corpus, settings, checkpoint);
if (checkpoint !== undefined) console.log(`resumed at ${(100 * run.progress).toFixed(0)} %`);

const interrupt = new AbortController();
process.on('SIGINT', () => interrupt.abort()); // may arrive twice: from the terminal and from npm

const shown = shownWords(corpus, SHOWN);
function showNeighbors(): void {
  for (const word of shown) {
    const found = run.nearest(word, 5).map(({ word, score }) => `${word} ${score.toFixed(2)}`);
    console.log(`  ${words[word]!.padEnd(16)}${found.join(', ')}`);
  }
}

let [reported, savedAt] = [performance.now(), performance.now()];
let [pairs, loss] = [0, 0];
for (let step = run.step(); step !== null && !interrupt.signal.aborted; step = run.step()) {
  pairs += step.pairs;
  loss += step.loss * step.pairs;
  const now = performance.now();
  if (now - reported < REPORT_MS) continue;
  const rate = Math.round((1000 * pairs) / (now - reported));
  console.log(`${(100 * run.progress).toFixed(0)} %, loss ${(loss / pairs).toFixed(3)}, ${rate} pairs/s`);
  showNeighbors();
  [pairs, loss, reported] = [0, 0, now];
  if (now - savedAt > SAVE_MS) {
    await save(run, id);
    savedAt = now;
  }
  await setImmediate(); // for the signal
}
await save(run, id);
if (interrupt.signal.aborted) console.log('interrupted: the same command resumes');
else {
  console.log('trained');
  showNeighbors();
}
console.log(`Embedding.load('${FOLDER}/${VECTORS}') opens the vectors, with their words`);
run.dispose();
