/**
 * A model folder from Python, beside Python: the same vectors, bit for bit.
 *
 *   model2vec                                         tokenbed
 *   model = StaticModel.from_pretrained('folder')     const model = await StaticModel.load('folder')
 *   model.encode(texts)                               model.embed(texts)
 *
 *   npm run example model2vec      uses the model2vec of $PYTHON, of `npm run test:references`, or of `python3`
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Embedding, StaticModel } from 'tokenbed';

/** The output of export.py. */
const folder = process.argv[2]!;

const texts = JSON.parse(await readFile(path.join(folder, 'texts.json'), 'utf8')) as string[];
const theirs = (await Embedding.load(path.join(folder, 'vectors.npy'))).weight.toTensor();

const model = await StaticModel.load(path.join(folder, 'model'));
const start = performance.now();
const ours = model.embed(texts);
const ms = performance.now() - start;
console.log(`tokenbed: ${texts.length} texts in ${ms.toFixed(1)} ms, vectors [${ours.shape}] f32`);

/** The bits of floats, as integers. */
const bitsOf = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer);
const [a, b] = [bitsOf(ours.data), bitsOf(theirs.data)];
const mismatch = a.length === b.length ? a.findIndex((bits, i) => bits !== b[i]) : 0;
if (mismatch < 0) {
  console.log('bit-identical');
} else {
  const text = texts[Math.floor(mismatch / model.dim)];
  console.log(`DIFFERENT, first in column ${mismatch % model.dim} of ${JSON.stringify(text)}`);
  process.exitCode = 1;
}
model.dispose();
