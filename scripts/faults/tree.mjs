/**
 * A copy of the working tree in which things may be broken: .cache/faults-tree. The real tree is only read.
 *
 * The copy keeps what it built from one run to the next, and files that did not change keep their times, so
 * that cargo builds little. npm's packages and the WASM tools are those of the real tree.
 */

import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { must, root } from '../lib/run.mjs';

/** The copy's folder. */
export const tree = path.join(root, '.cache/faults-tree');

/** What is kept of a sound build, and put back after each fault. */
const KEPT = ['dist', '.cache/faults', '.cache/glue', '.cache/stamps'];
const sound = (/** @type {string} */ name) => path.join(tree, '.cache/sound', name);

/** Makes the copy equal to the working tree, what is not yet committed included. */
export async function copyTree() {
  const { stdout } = await must('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  const wanted = new Set(
    stdout.split('\0').filter((file) => file !== '' && existsSync(path.join(root, file))),
  );
  await mkdir(tree, { recursive: true });
  for (const file of await filesOf(tree)) if (!wanted.has(file)) await rm(path.join(tree, file));
  for (const file of wanted) await writeIfOther(path.join(tree, file), await readFile(path.join(root, file)));
  const packages = path.join(tree, 'node_modules');
  if (!existsSync(packages)) await symlink(path.join(root, 'node_modules'), packages, 'dir');
}

/** Files that came from the working tree. @param {string} folder @returns {Promise<string[]>} */
async function filesOf(folder) {
  const built = new Set(['.cache', 'dist', 'target', 'node_modules']);
  const files = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (built.has(entry.name)) continue;
    const nested = entry.isDirectory()
      ? await readdir(path.join(folder, entry.name), { recursive: true, withFileTypes: true })
      : [entry];
    for (const each of nested) {
      if (!each.isDirectory()) files.push(path.relative(folder, path.join(each.parentPath, each.name)));
    }
  }
  return files;
}

/** @param {string} file @param {Buffer} content */
async function writeIfOther(file, content) {
  const held = await readFile(file).catch(() => undefined);
  if (held?.equals(content)) return;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** Keeps what a sound build has made. */
export async function keepProducts() {
  await rm(sound(''), { recursive: true, force: true });
  for (const name of KEPT) {
    if (existsSync(path.join(tree, name))) await cp(path.join(tree, name), sound(name), { recursive: true });
  }
}

/** Puts it back. */
async function restoreProducts() {
  for (const name of KEPT) {
    await rm(path.join(tree, name), { recursive: true, force: true });
    if (existsSync(sound(name))) await cp(sound(name), path.join(tree, name), { recursive: true });
  }
}

/**
 * Plants a fault in the copy, lets `look` see what comes of it, and takes it out again.
 *
 * @template T @param {import('./list.mjs').Fault} fault @param {() => Promise<T>} look @returns {Promise<T>}
 */
export async function planted({ name, file, find, replace }, look) {
  const place = path.join(tree, file);
  const source = await readFile(place, 'utf8');
  const times = source.split(find).length - 1;
  if (times !== 1) throw new Error(`${name}: what it replaces stands ${times} times in ${file}, not once`);
  if (find === replace) throw new Error(`${name}: changes nothing`);
  await writeFile(
    place,
    source.replace(find, () => replace),
  );
  try {
    return await look();
  } finally {
    await writeFile(place, source);
    await restoreProducts();
  }
}

/** Fails unless every fault can be planted: the list must follow the sources. @param {readonly import('./list.mjs').Fault[]} faults */
export async function expectPlaces(faults) {
  const lost = [];
  for (const { name, file, find } of faults) {
    const source = await readFile(path.join(root, file), 'utf8').catch(() => '');
    const times = source.split(find).length - 1;
    if (times !== 1) lost.push(`${name}: what it replaces stands ${times} times in ${file}, not once`);
  }
  if (lost.length > 0) throw new Error(lost.join('\n'));
}
