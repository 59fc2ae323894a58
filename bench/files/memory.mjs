/** Memory of looking 1,000 rows of a mapped file up in a fresh process: `memory.mjs FILE`. It prints the growth in bytes. Linux only. */

import { readFileSync } from 'node:fs';
import { Embedding } from 'tokenbed';

const status = () => readFileSync('/proc/self/status', 'utf8');
/** @param {string} text @param {string} name */
const bytes = (text, name) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]);

globalThis.gc?.();
const before = status();
const embedding = Embedding.loadSync(/** @type {string} */ (process.argv[2]));
const { vocabSize } = embedding;
embedding.forward(Array.from({ length: 1000 }, (_, i) => Math.floor(((i * 0.618_034) % 1) * vocabSize)));
const after = status();
const [anonymous, resident] = ['RssAnon', 'VmRSS'].map((name) => bytes(after, name) - bytes(before, name));
process.stdout.write(JSON.stringify({ anonymous, resident }));
