/**
 * The project's own documents, cut into passages: paragraphs and list items, each with the heading above it.
 *
 * Code, tables, pictures and comments are left out, and so are passages of few words.
 */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../lib/run.mjs';

/** They say the same as the other documents, in terse lines. */
const REPEATED = new Set(['CHANGELOG.md', 'contract.md']);

/** Shorter passages say too little. */
const FEWEST_CHARACTERS = 60;

/**
 * @typedef {object} Passage
 * @property {string} file
 * @property {string} heading
 * @property {string} text     without the marks of Markdown
 */

/** The passages of README.md, ARCHITECTURE.md, the other documents beside them, and docs/. @returns {Promise<Passage[]>} */
export async function readPassages() {
  const files = (await Promise.all(['.', 'docs'].map(markdownIn))).flat();
  const texts = await Promise.all(files.map((file) => readFile(path.join(root, file), 'utf8')));
  return files.flatMap((file, i) => passagesOf(file, texts[i] ?? ''));
}

/** @param {string} folder */
async function markdownIn(folder) {
  const names = await readdir(path.join(root, folder));
  return names
    .filter((name) => name.endsWith('.md') && !REPEATED.has(name))
    .sort()
    .map((name) => path.posix.join(folder, name));
}

/** @param {string} file @param {string} markdown @returns {Passage[]} */
function passagesOf(file, markdown) {
  let heading = file;
  /** @type {Passage[]} */
  const passages = [];
  const prose = markdown.replaceAll('\r\n', '\n').replaceAll(/^```[^]*?^```$|<!--[^]*?-->/gm, '');
  for (const block of prose.split(/\n\s*\n|\n(?=\s*(?:[*-]|\d+\.) )/)) {
    const text = plain(block);
    if (/^#+ /.test(block.trim())) heading = text.replace(/^#+ /, '');
    else if (!/^[|!]/.test(block.trim()) && text.length >= FEWEST_CHARACTERS)
      passages.push({ file, heading, text });
  }
  return passages;
}

/** Without the marks of Markdown, on one line. @param {string} block */
const plain = (block) =>
  block
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/\*\*|`/g, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/^\s*(?:[*-]|\d+\.) /, '')
    .trim();
