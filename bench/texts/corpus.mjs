/**
 * The texts that tokenizers are compared and timed on: the paragraphs of Debian's packages debian-handbook (26 languages),
 * python3.11-doc and postgresql-doc-15, or the text files of a folder (`--texts FOLDER`: `en*` are English).
 */

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../scripts/lib/run.mjs';

const CACHE = path.join(root, '.cache/texts');
const DOCUMENTS = '/usr/share/doc';
const HANDBOOK = 'debian-handbook/html';
const ENGLISH = [`${HANDBOOK}/en-US`, 'python3.11/html', 'postgresql-doc-15/html'];

/** @type {Record<string, string>} */
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

/** The paragraphs of a page. Blanks are one space; the lines of a listing are kept. @param {string} html */
function paragraphsOf(html) {
  const body = html
    .slice(Math.max(0, html.search(/<body/i)))
    .replace(/<(script|style|head)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<!--[\s\S]*?-->/g, ' ');
  const blocks = body.split(
    /<\/?(?:p|li|td|th|dd|dt|h[1-6]|div|pre|table|tr|ul|ol|dl|br|hr|section|title)\b[^>]*>/i,
  );
  return blocks
    .map((block) =>
      block
        .replace(/<[^>]*>/g, '')
        .replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) =>
          name
            ? (ENTITIES[name] ?? whole)
            : String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
        )
        .replace(/[ \t\r]+/g, ' ')
        .replace(/ ?\n ?/g, (end) => (block.includes('\n\n') ? end : ' '))
        .trim(),
    )
    .filter((block) => block.length >= 60);
}

/** @param {string[]} folders @param {(file: string) => boolean} [wanted] */
async function read(folders, wanted = () => true) {
  const texts = new Set();
  for (const folder of folders) {
    const files = await readdir(path.join(DOCUMENTS, folder), { recursive: true });
    for (const file of files.sort())
      if (file.endsWith('.html') && wanted(file))
        for (const text of paragraphsOf(await readFile(path.join(DOCUMENTS, folder, file), 'utf8')))
          texts.add(text);
  }
  return [...texts];
}

/**
 * The texts, English and others. Each file is written once, its texts apart by NUL.
 * @param {string} [folder]
 * @returns {Promise<{ english: string[], others: string[], files: { english: string, others: string } }>}
 */
export async function corpus(folder) {
  const files = { english: path.join(CACHE, 'english.txt'), others: path.join(CACHE, 'others.txt') };
  await mkdir(CACHE, { recursive: true });
  if (folder !== undefined) {
    /** @type {{ english: string[], others: string[] }} */
    const found = { english: [], others: [] };
    for (const file of await readdir(folder, { recursive: true })) {
      if (!file.endsWith('.txt')) continue;
      const paragraphs = (await readFile(path.join(folder, file), 'utf8'))
        .split(/\n\s*\n/)
        .filter((text) => text.trim());
      found[path.basename(file).startsWith('en') ? 'english' : 'others'].push(...paragraphs);
    }
    files.english = path.join(CACHE, 'folder-english.txt');
    files.others = path.join(CACHE, 'folder-others.txt');
    await writeFile(files.english, found.english.join('\0'));
    await writeFile(files.others, found.others.join('\0'));
  } else if (!existsSync(files.others)) {
    if (!existsSync(path.join(DOCUMENTS, HANDBOOK)) || !existsSync(path.join(DOCUMENTS, 'postgresql-doc-15')))
      throw new Error(
        'the texts are missing: apt-get install debian-handbook python3.11-doc postgresql-doc-15, or --texts FOLDER',
      );
    await writeFile(files.english, (await read(ENGLISH)).join('\0'));
    await writeFile(files.others, (await read([HANDBOOK], (file) => !file.startsWith('en-US'))).join('\0'));
  }
  const textsOf = async (/** @type {string} */ file) =>
    (await readFile(file, 'utf8')).split('\0').filter((text) => text);
  return { english: await textsOf(files.english), others: await textsOf(files.others), files };
}
