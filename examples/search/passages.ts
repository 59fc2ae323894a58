/** The text of a folder, cut at blank lines. */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export interface Passage {
  readonly file: string;
  /** Its first line, counted from 1. */
  readonly line: number;
  readonly text: string;
}

/** The passages of all .md and .txt files in a folder and its subfolders. */
export async function readPassages(folder: string): Promise<Passage[]> {
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => /\.(md|txt)$/.test(name) && !name.includes('node_modules')).sort();
  const passages: Passage[] = [];
  for (const name of files) {
    const file = path.join(folder, name);
    passages.push(...passagesOf(file, await readFile(file, 'utf8')));
  }
  return passages;
}

function passagesOf(file: string, text: string): Passage[] {
  const passages: Passage[] = [];
  let line = 1;
  // The blank lines are kept as parts, too, because they are counted.
  for (const part of text.replaceAll('\r\n', '\n').split(/(\n(?:[ \t]*\n)+)/)) {
    if (part.trim() !== '') passages.push({ file, line, text: part });
    line += part.split('\n').length - 1;
  }
  return passages;
}
