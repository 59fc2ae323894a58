/**
 * npm run bench:texts: ids of text (E5, E6, E9).
 *
 *   texts       the paragraphs of Debian's packages debian-handbook, python3.11-doc and postgresql-doc-15, English and in 26
 *               languages, or the .txt files of a folder (--texts FOLDER)
 *   tokenizers  WordPiece (29,525 tokens of MiniLM), Unigram (276,326 pieces), byte-level BPE (Qwen 3)
 *   contenders  tokenbed native and WASM, the Python package tokenizers (batches), @huggingface/tokenizers, npm tokenizers
 *
 * `first` is the first pass of a new tokenizer object over all texts, `warm` a later pass of the same object. One thread; each
 * contender has a process of its own, and they take turns in a new random order in each round. A pass takes the texts as
 * strings and ends with an array of ids for each. The ids are compared first: a contender whose ids differ is timed, too, and
 * the number of texts that differ is printed. A time is that of the clock or of the processor, whichever is less. A ratio is
 * paired round by round; the table has the median. `npm run bench:peers` installs the others.
 */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { say } from '../scripts/lib/progress.mjs';
import { describeMachine } from './harness/machine.mjs';
import { median } from './harness/statistics.mjs';
import { lineProcess, ratio, shuffled } from './harness/turns.mjs';
import { python } from './peers/installed.mjs';
import { corpus } from './texts/corpus.mjs';
import { models } from './texts/models.mjs';

const ROUNDS = 3; // a pass of the slowest takes 5 s
const ONE_THREAD = { TOKENIZERS_PARALLELISM: 'false', RAYON_NUM_THREADS: '1', TOKENBED_THREADS: '1' };
const program = (/** @type {string} */ name) => fileURLToPath(new URL(`texts/${name}`, import.meta.url));

const PASSES = /** @type {const} */ (['first', 'warm']);
const OWN = ['tokenbed native', 'tokenbed wasm'];
/** What is compared with each contender: the targets of the first and of a warm pass. */
const PYTHON = {
  WordPiece: { 'tokenbed native': [12, 20], 'tokenbed wasm': [undefined, 8] },
  Unigram: { 'tokenbed native': [4, 8], 'tokenbed wasm': [undefined, 4] },
  BPE: { 'tokenbed native': [6, 10], 'tokenbed wasm': [undefined, 4] },
};
const JAVASCRIPT = { '@huggingface/tokenizers': 20, tokenizers: 15 };

/** A contender's process. @param {string} name @param {string} tokenizer @param {string} texts */
function contender(name, tokenizer, texts) {
  const [command, ...args] =
    name === 'Python'
      ? [python, '-u', program('contender.py')]
      : [process.execPath, '--expose-gc', program('contender.mjs'), name];
  return lineProcess(name, command, [...args, tokenizer, texts], ONE_THREAD);
}

/** @param {string} kind @param {string} tokenizer @param {string} language @param {string} file @param {readonly string[]} texts */
async function compare(kind, tokenizer, language, file, texts) {
  const names = [...OWN, 'Python', ...(kind === 'WordPiece' ? Object.keys(JAVASCRIPT) : [])];
  const contenders = names.map((name) => contender(name, tokenizer, file));
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  say(`${kind}, ${language}: ${texts.length} texts, ${(bytes / 1e6).toFixed(1)} MB`);
  /** @type {Map<string, string[]>} */
  const hashes = new Map();
  for (const each of contenders) hashes.set(each.name, await each.request('ids'));
  const reference = hashes.get('Python') ?? [];
  /** @type {Record<'first' | 'warm', Record<string, number[]>>} */
  const times = { first: {}, warm: {} };
  for (let round = 0; round < ROUNDS; round++) {
    for (const each of shuffled(contenders)) {
      // The others have no memo, or none that matters.
      for (const pass of each.name in JAVASCRIPT ? /** @type {const} */ (['warm']) : PASSES)
        (times[pass][each.name] ??= []).push(await each.request(pass));
    }
  }
  for (const each of contenders) each.end();
  for (const name of names) {
    const differing = (hashes.get(name) ?? []).filter((hash, index) => hash !== reference[index]).length;
    const cells = PASSES.map((pass, index) => {
      const own = times[pass][name] ?? [];
      if (own.length === 0) return '';
      const speed = `${pass} ${(bytes / 1e3 / median(own)).toFixed(1).padStart(6)} MB/s`;
      if (!OWN.includes(name)) {
        const than = `${ratio(times[pass]['tokenbed native'] ?? [], own).toFixed(1)} x slower than native`;
        const target = pass === 'warm' ? JAVASCRIPT[/** @type {'tokenizers'} */ (name)] : undefined;
        return `${speed} ${than}${target === undefined ? '' : ` (target ${target})`}`;
      }
      const wanted = PYTHON[/** @type {'BPE'} */ (kind)][/** @type {'tokenbed wasm'} */ (name)][index];
      return `${speed} ${ratio(own, times[pass]['Python'] ?? []).toFixed(1)} x Python${wanted === undefined ? '' : ` (target ${wanted})`}`;
    });
    say(`    ${name.padEnd(26)}${cells.map((cell) => cell.padEnd(46)).join('')}${differing} texts differ`);
    if (OWN.includes(name) && differing > 0) process.exitCode = 1;
  }
}

const { values } = parseArgs({ options: { texts: { type: 'string' }, only: { type: 'string' } } });
const { cpu, load } = await describeMachine();
const { files, ...texts } = await corpus(values.texts);
for (const [kind, tokenizer] of Object.entries(await models()))
  if (values.only === undefined || values.only === kind)
    for (const language of /** @type {const} */ (['english', 'others']))
      await compare(kind, tokenizer, language, files[language], texts[language]);
say(
  `${cpu}, load ${load} at the start, node ${process.versions.node}; one thread; medians of ${ROUNDS} rounds`,
);
