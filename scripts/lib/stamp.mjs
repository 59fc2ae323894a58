/**
 * Not doing again what is done: a stamp holds the digest of everything that a product was made from.
 *
 *   fresh   <=>   every output exists  and  .cache/stamps/NAME = digest(contents of inputs, facts)
 *
 * The stamp is removed before the work and written after it, so an interrupted step is done again.
 * Contents are compared, not times: a checkout or a copy keeps what was built.
 */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { say } from './progress.mjs';
import { root } from './run.mjs';

/**
 * Does `work` unless its outputs are those of the same inputs already; tells whether it worked.
 *
 * @param {object} step
 * @param {string} step.name
 * @param {readonly string[]} step.inputs   files and folders (whole), relative to the project
 * @param {readonly string[]} step.outputs  what must exist, relative to the project
 * @param {readonly string[]} [step.facts]  what else decides: versions, flags
 * @param {() => Promise<void>} work
 */
export async function unlessFresh({ name, inputs, outputs, facts = [] }, work) {
  const stamp = path.join(root, '.cache', 'stamps', name);
  const unlock = await lock(`${stamp}.lock`);
  try {
    const now = await digest(inputs, facts);
    const there = outputs.every((output) => existsSync(path.join(root, output)));
    if (there && (await readFile(stamp, 'utf8').catch(() => '')) === now) return false;
    await rm(stamp, { force: true });
    await work();
    await writeWhole(stamp, now);
    return true;
  } finally {
    await unlock();
  }
}

/** Waits for whoever does the same step in this folder right now; a lock whose process is gone counts for nothing. @param {string} file */
async function lock(file) {
  await mkdir(path.dirname(file), { recursive: true });
  for (let told = false; ; told = true) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      return () => rm(file, { force: true });
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      const owner = Number(await readFile(file, 'utf8').catch(() => '0'));
      if (owner > 0 && !alive(owner)) await rm(file, { force: true });
      else {
        if (!told) say(`  waiting for process ${owner}, which does the same step (else remove ${file})`);
        await setTimeout(200);
      }
    }
  }
}

/** @param {number} pid */
function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/** SHA-256 over the names and contents of all files under `inputs`, and `facts`. @param {readonly string[]} inputs @param {readonly string[]} facts */
async function digest(inputs, facts) {
  const hash = createHash('sha256');
  for (const fact of facts) hash.update(`${fact}\0`);
  for (const input of inputs) {
    for (const file of await filesUnder(input)) {
      hash
        .update(`${file}\0`)
        .update(await readFile(path.join(root, file)))
        .update('\0');
    }
  }
  return hash.digest('hex');
}

/** @param {string} input @returns {Promise<string[]>} sorted, relative to the project; none where it does not exist */
async function filesUnder(input) {
  const full = path.join(root, input);
  const found = await stat(full).catch(() => undefined);
  if (found === undefined) return [];
  if (found.isFile()) return [input];
  const entries = await readdir(full, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** Writes a file so that it is seen whole or not at all. @param {string} file @param {string | Uint8Array} data */
export async function writeWhole(file, data) {
  await mkdir(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.tmp`;
  await writeFile(draft, data);
  await rename(draft, file);
}
