/**
 * Static models, model2vec 0.10.0 and sentence-transformers 6.2.0: the ids and the vectors of 5,000 texts by variants of the
 * real model. Vectors are equal to the bit, but for f16 tables of model2vec and unit vectors of sentence-transformers.
 *
 * The table is that of models/minilm-static as f32. static_models.py makes the variants of it, saves each with model2vec, and
 * opens it again; tokenbed opens the same folder. test/vectors/golden/static-models.json has the hashes of what model2vec
 * found, and test/static-model-vectors.test.ts makes the same variants without it. Files are written to .cache/static-models/.
 */

import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { count, say, step } from '../../scripts/lib/progress.mjs';
import { must, root } from '../../scripts/lib/run.mjs';
import { sampleTexts } from '../helpers/sample-texts.mjs';

const FOLDER = path.join(root, '.cache/static-models');
const MODEL = path.join(root, 'models/minilm-static');
const GOLDEN = path.join(root, 'test/vectors/golden/static-models.json');

/**
 * @typedef {object} Variant
 * @property {'F32' | 'F16' | 'I8'} dtype  of the table
 * @property {number} rows
 * @property {number} dim
 * @property {'I32' | 'I64' | null} mapping
 * @property {'F32' | 'F64' | null} weights
 * @property {boolean} normalize
 * @property {number | null} maxLength
 */

const ALL = 29_525;

/** @type {Variant} */
const PLAIN = {
  dtype: 'F32',
  rows: ALL,
  dim: 256,
  mapping: null,
  weights: null,
  normalize: true,
  maxLength: 512,
};

/** @type {Record<string, Variant>} */
const VARIANTS = {
  f32: PLAIN,
  'f32, not normalized': { ...PLAIN, normalize: false },
  // The three ways in which numpy adds squares, with a rest and without.
  'f32, 5 columns': { ...PLAIN, dim: 5 },
  'f32, 64 columns': { ...PLAIN, dim: 64 },
  'f32, 101 columns': { ...PLAIN, dim: 101 },
  'f32, 203 columns': { ...PLAIN, dim: 203 },
  'f32, at most 16 ids': { ...PLAIN, dim: 64, maxLength: 16 },
  'f32, no limit': { ...PLAIN, dim: 64, maxLength: null },
  i8: { ...PLAIN, dtype: 'I8' },
  'f32, weights f32': { ...PLAIN, dim: 128, weights: 'F32' },
  'f32, weights f64': { ...PLAIN, dim: 128, weights: 'F64' },
  'i8, weights f32': { ...PLAIN, dtype: 'I8', dim: 128, weights: 'F32' },
  'i8, weights f64': { ...PLAIN, dtype: 'I8', dim: 128, weights: 'F64' },
  'f32, mapping i32': { ...PLAIN, rows: 4000, mapping: 'I32' },
  'f32, mapping i64, weights f64': { ...PLAIN, rows: 4000, mapping: 'I64', weights: 'F64' },
  'i8, mapping i64, weights f32, not normalized': {
    ...PLAIN,
    dtype: 'I8',
    rows: 4000,
    mapping: 'I64',
    weights: 'F32',
    normalize: false,
  },
};

/** f16 tables, which model2vec rounds again: their vectors differ by at most this. */
const F16_MOST = 5e-4;

/** What sentence-transformers reads of them, with their means. */
const MEANS = /** @type {Record<string, Variant>} */ (
  Object.fromEntries(
    Object.entries(VARIANTS)
      .filter(([, { dtype, weights, normalize }]) => normalize && (dtype === 'F32' || weights !== null))
      .map(([name, variant]) => [name, { ...variant, normalize: false }]),
  )
);
/** torch adds the squares of a norm in another order: unit vectors differ by at most this. */
const UNIT_MOST = 1e-6;

/** @typedef {{ variants: Record<string, Variant>, near: Record<string, Variant>, most: number }} Comparison */

/** For each peer: variants with equal bits, and others whose values differ by at most `most`. @type {Record<Peer, Comparison>} */
const COMPARISONS = {
  model2vec: { variants: VARIANTS, near: { f16: { ...PLAIN, dtype: 'F16' } }, most: F16_MOST },
  'sentence-transformers': { variants: MEANS, near: { 'f32, normalized': PLAIN }, most: UNIT_MOST },
};

/** @typedef {'model2vec' | 'sentence-transformers'} Peer */

const hash = (/** @type {string | Uint8Array} */ data) => createHash('sha256').update(data).digest('hex');

/** @param {Float32Array} floats */
const bytesOf = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength);

async function texts() {
  const { model } = JSON.parse(await readFile(path.join(MODEL, 'tokenizer.json'), 'utf8'));
  /** @type {Record<string, string>[]} */
  const triples = JSON.parse(await readFile(path.join(root, 'test/models/triples.json'), 'utf8'));
  return sampleTexts(
    Object.keys(model.vocab),
    triples.flatMap((triple) => Object.values(triple)),
  );
}

/**
 * Compares with a peer, on both backends. Resolves to the number of differences. With `write` the hashes are then written.
 *
 * @param {string} python @param {Peer} peer @param {boolean} write
 */
export async function compareStaticModels(python, peer, write) {
  const { backendInfo, Embedding, init, StaticModel } = await import('tokenbed');
  const { variants, near, most } = COMPARISONS[peer];
  const all = await texts();
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  const table = await Embedding.load(path.join(MODEL, 'model.safetensors'));
  await writeFile(path.join(FOLDER, 'rows.bin'), bytesOf(table.weight.toTensor().data));
  table.dispose();
  await cp(path.join(MODEL, 'tokenizer.json'), path.join(FOLDER, 'tokenizer.json'));
  await writeFile(path.join(FOLDER, 'texts.json'), JSON.stringify(all));
  await writeFile(path.join(FOLDER, 'variants.json'), JSON.stringify({ ...variants, ...near }));
  await step(`Reading the texts with ${peer}`, '1 min', () =>
    must(python, [path.join(root, 'test/texts/static_models.py'), FOLDER, peer], {
      env: { TOKENIZERS_PARALLELISM: 'false', PYTHONUTF8: '1', HF_HUB_OFFLINE: '1' },
    }),
  );

  let differing = 0;
  for (const backend of /** @type {const} */ (['native', 'wasm'])) {
    await init({ backend });
    say(`${backend}, ${backendInfo().isa}: ${count(all.length)} texts, ${peer}`);
    for (const name of Object.keys({ ...variants, ...near })) {
      const folder = path.join(FOLDER, name);
      const ids = JSON.parse(await readFile(path.join(folder, 'ids.json'), 'utf8'));
      const file = await readFile(path.join(folder, 'vectors.bin'));
      const expected = new Float32Array(file.buffer, file.byteOffset, file.byteLength / 4);
      // A folder that sentence-transformers wrote says whose it is.
      for (const [what, place] of [
        [name, folder],
        ...(peer === 'model2vec' ? [] : [[`${name}, as saved`, `${folder}/saved`]]),
      ]) {
        const model = await StaticModel.load(`${place}`, place === folder ? { compat: peer } : {});
        const wrong = [
          model.compat === peer ? 0 : all.length,
          differences(model.tokenize(all), ids),
          rowsThatDiffer(model.embed(all).data, expected, model.dim, name in near ? most : 0),
        ];
        model.dispose();
        const equal = wrong.every((number) => number === 0);
        if (!equal) differing++;
        say(
          equal
            ? `  equal    ${what}`
            : `  DIFFERS  ${what}: ids of ${wrong[1]} texts, vectors of ${wrong[2]}`,
        );
      }
    }
  }
  if (peer === 'model2vec') differing += await compareGolden(all, write && differing === 0);
  await rm(FOLDER, { recursive: true });
  return differing;
}

/** @param {readonly (readonly number[])[]} found @param {readonly (readonly number[])[]} expected */
function differences(found, expected) {
  return expected.filter((ids, i) => JSON.stringify(ids) !== JSON.stringify(found[i])).length;
}

/** @param {Float32Array} found @param {Float32Array} expected @param {number} dim @param {number} most  0: equal bits */
function rowsThatDiffer(found, expected, dim, most) {
  let differ = 0;
  for (let start = 0; start < expected.length; start += dim) {
    const [a, b] = [found, expected].map((data) => data.subarray(start, start + dim));
    const equal =
      most === 0
        ? Buffer.compare(
            bytesOf(/** @type {Float32Array} */ (a)),
            bytesOf(/** @type {Float32Array} */ (b)),
          ) === 0
        : b?.every((value, i) => Math.abs(value - Number(a?.[i])) <= most);
    if (!equal) differ++;
  }
  return differ + (found.length === expected.length ? 0 : 1);
}

/** Compares what Python found with the kept file, or writes it. Resolves to 1 if they differ. @param {readonly string[]} all @param {boolean} write */
async function compareGolden(all, write) {
  /** @type {Record<string, Variant & { ids: string, vectors: string }>} */
  const variants = {};
  for (const [name, variant] of Object.entries(VARIANTS)) {
    const [ids, vectors] = await Promise.all(
      ['ids.json', 'vectors.bin'].map(async (file) => hash(await readFile(path.join(FOLDER, name, file)))),
    );
    variants[name] = { ...variant, ids: `${ids}`, vectors: `${vectors}` };
  }
  const { length } = all;
  const ids = JSON.parse(await readFile(path.join(FOLDER, 'f32/ids.json'), 'utf8')).slice(0, SHOWN);
  const golden = { texts: { count: length, sha256: hash(JSON.stringify(all)) }, variants, ids };
  const text = `${JSON.stringify(golden, null, 1).replace(/\[[\s\d,]+\]/g, (list) => list.replace(/\s+/g, ''))}\n`;
  if (write) await writeFile(GOLDEN, text);
  const kept = await readFile(GOLDEN, 'utf8').catch(() => '');
  say(kept === text ? '  equal    the kept hashes' : '  DIFFERS  the kept hashes: --write replaces them');
  return kept === text ? 0 : 1;
}

/** The number of texts whose ids are kept, to be read. */
const SHOWN = 400;
