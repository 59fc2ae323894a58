/**
 * npm run test:references: the built package on both backends, and the Python packages tokenizers 0.23.3 and model2vec 0.10.0.
 *
 *   tokenizers  those of `npm run test:texts`, over a part of its texts (--texts FOLDER: the .txt files of a folder), and 15
 *               more of language models, over fewer texts
 *   vectors     the files and the texts of test/vectors/golden/text.json
 *   models      variants of models/minilm-static, over 5,000 texts: ids and vectors (static-models.mjs)
 *
 * Of tokenizers the ids, the ids with special tokens, and the texts of ids are compared. --only tokenizers or --only models
 * runs a part; --only sentence-transformers compares the models with that package, and downloads torch (5 GB). --write writes
 * the hashes of test/vectors/golden/static-models.json again. It needs Python 3.11 or newer; packages are installed in .cache/
 * at the first run. The exit code is 1 if anything differs.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { corpus } from '../../bench/texts/corpus.mjs';
import { furtherModels, models } from '../../bench/texts/models.mjs';
import { asProgram } from '../../scripts/lib/main.mjs';
import { count, say, step } from '../../scripts/lib/progress.mjs';
import { venv } from '../../scripts/lib/python.mjs';
import { endWithUs, environment, root } from '../../scripts/lib/run.mjs';
import { compareStaticModels } from './static-models.mjs';

const HERE = path.join(root, 'test/texts');
/** The most texts of each language, and for the further tokenizers. */
const MOST = 8000;
const FEWER = 800;

/** @typedef {{ ids: readonly number[], skipSpecialTokens: boolean }} List */
/** @typedef {{ json?: string, file?: string, texts: readonly string[], lists: readonly List[] | null }} Job */
/** @typedef {readonly number[] | null} Ids */
/** @typedef {{ ids: readonly Ids[], special: readonly Ids[], decoded: readonly (string | null)[] }} Seen */

/** Python, as a function of jobs. @param {string} python */
function peer(python) {
  const child = spawn(python, ['-u', path.join(HERE, 'peer.py')], {
    env: environment({ TOKENIZERS_PARALLELISM: 'false', PYTHONUTF8: '1' }),
    // Panics of Rust are written to standard error.
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  endWithUs(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** @param {Job} job @returns {Promise<Seen>} */
    async read(job) {
      child.stdin.write(`${JSON.stringify(job)}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error('Python ended');
      return JSON.parse(value);
    },
    async end() {
      child.stdin.end();
      await once(child, 'close');
    },
  };
}

/** @template T @param {() => T} work @returns {T | null} */
function attempt(work) {
  try {
    return work();
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code === 'ERR_FORMAT') return null;
    throw error;
  }
}

/** What tokenbed answers to a job. @param {typeof import('tokenbed/text').PretrainedTokenizer} Class @param {Job} job @param {Seen} expected @returns {Promise<Seen>} */
async function seen(Class, { json, file, texts, lists }, expected) {
  const tokenizer = file === undefined ? Class.fromJSON(json ?? '') : await Class.load(file);
  const special = texts.map((text) => attempt(() => tokenizer.encode(text, { addSpecialTokens: true })));
  const batch = attempt(() => tokenizer.encodeBatch(texts));
  const ids = texts.map((text, index) =>
    batch === null
      ? attempt(() => tokenizer.encode(text))
      : [...batch.ids.subarray(batch.offsets[index], batch.offsets[index + 1])],
  );
  const all =
    lists ?? expected.ids.map((row, index) => ({ ids: row ?? [], skipSpecialTokens: index % 2 === 1 }));
  const decoded = all.map(({ ids: list, skipSpecialTokens }) =>
    tokenizer.decode(list, { skipSpecialTokens }),
  );
  tokenizer.dispose();
  return { ids, special, decoded };
}

/** @type {Record<keyof Seen, { compared: number, differing: number }>} */
const counts = {
  ids: { compared: 0, differing: 0 },
  special: { compared: 0, differing: 0 },
  decoded: { compared: 0, differing: 0 },
};

/** Compares the answers to a job. Returns the numbers of differences. @param {string} what @param {Job} job @param {Seen} expected @param {Seen} found */
function compare(what, job, expected, found) {
  let all = 0;
  for (const key of /** @type {(keyof Seen)[]} */ (Object.keys(counts))) {
    for (const [index, wanted] of expected[key].entries()) {
      // Where Python panics there is nothing to compare.
      if (key === 'decoded' && wanted === null) continue;
      counts[key].compared++;
      const [a, b] = [wanted, found[key][index]].map((each) => JSON.stringify(each));
      if (a === b) continue;
      counts[key].differing++;
      if (++all > 3) continue;
      const source = key === 'decoded' ? '' : ` of ${JSON.stringify(job.texts[index])}`;
      say(`  DIFFERS  ${what}: ${key}${source.slice(0, 300)}`);
      say(`           Python ${a?.slice(0, 300)}`);
      say(`           found  ${b?.slice(0, 300)}`);
    }
  }
  return all;
}

/** At most `most` of them, from all over. @param {readonly string[]} texts @param {number} most */
function part(texts, most) {
  const step = Math.max(1, texts.length / most);
  return Array.from(
    { length: Math.min(most, texts.length) },
    (_, index) => texts[Math.floor(index * step)] ?? '',
  );
}

async function main() {
  const { values } = parseArgs({
    options: { texts: { type: 'string' }, only: { type: 'string' }, write: { type: 'boolean' } },
  });
  const { only = 'all', write = false } = values;
  if (!['all', 'tokenizers', 'models', 'sentence-transformers'].includes(only)) {
    throw new Error('--only is tokenizers, models or sentence-transformers');
  }
  if (only === 'sentence-transformers') {
    const python = await venv(only, 'test/texts/requirements-torch.txt', `${only} and torch`, '10 min');
    if ((await compareStaticModels(python, only, false)) > 0) process.exitCode = 1;
    return;
  }
  const packages = 'the Python packages tokenizers and model2vec';
  const python = await venv('references', 'test/texts/requirements.txt', packages, '30 s');
  if (only !== 'tokenizers' && (await compareStaticModels(python, 'model2vec', write)) > 0)
    process.exitCode = 1;
  if (only !== 'models') await compareTokenizers(python, values.texts);
}

/** @param {string} python @param {string} [folder]  of texts */
async function compareTokenizers(python, folder) {
  const { english, others } = await corpus(folder);
  const [texts, fewer] = [MOST, FEWER].map((most) => [...part(english, most), ...part(others, most)]);
  /** @type {[name: string, job: Job][]} */
  const jobs = [];
  for (const [files, some] of /** @type {const} */ ([
    [await models(), texts ?? []],
    [await furtherModels(), fewer ?? []],
  ]))
    for (const [name, file] of Object.entries(files)) jobs.push([name, { file, texts: some, lists: null }]);
  const vectors = JSON.parse(await readFile(path.join(root, 'test/vectors/golden/text.json'), 'utf8'));
  for (const [index, vector] of vectors.entries()) {
    const all = vector.texts.map((/** @type {{ text: string }} */ each) => each.text);
    jobs.push([`vector ${index}`, { json: JSON.stringify(vector.file), texts: all, lists: vector.decoded }]);
  }
  const reference = peer(python);
  const expected = await step('Reading the texts in Python', '1 min', async () => {
    /** @type {Seen[]} */
    const all = [];
    for (const [, job] of jobs) all.push(await reference.read(job));
    return all;
  });
  await reference.end();

  const { backendInfo, init } = await import('tokenbed');
  const { init: initTexts, PretrainedTokenizer } = await import('tokenbed/text');
  for (const backend of /** @type {const} */ (['native', 'wasm'])) {
    await init({ backend });
    await initTexts();
    say(`${backend}, ${backendInfo().isa}:`);
    let [files, differing] = [0, 0];
    for (const [index, [name, job]] of jobs.entries()) {
      const wanted = /** @type {Seen} */ (expected[index]);
      const wrong = compare(name, job, wanted, await seen(PretrainedTokenizer, job, wanted));
      if (job.file === undefined) {
        files++;
        differing += wrong;
      } else say(`  ${wrong === 0 ? 'equal   ' : 'DIFFERS '} ${name}: ${count(job.texts.length)} texts`);
    }
    say(`  ${differing === 0 ? 'equal   ' : 'DIFFERS '} ${files} files of vectors`);
  }
  for (const [key, { compared, differing }] of Object.entries(counts)) {
    say(`${key}: ${count(compared)} compared, ${count(differing)} differ`);
    if (differing > 0) process.exitCode = 1;
  }
}

await asProgram(import.meta.url, main);
