/**
 * Incremental builds: a stamp contains the digest of all inputs of a product.
 *
 *   fresh   <=>   all outputs exist  and  .cache/stamps/NAME = digest(contents of inputs, settings)
 *
 * The stamp is removed before the work and written after it, so an interrupted step is repeated. Contents are compared
 * rather than times, so products stay fresh after a checkout or a copy.
 */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { say } from './progress.mjs';
import { root } from './run.mjs';

/**
 * Runs `work` unless its outputs are fresh. Returns whether it ran.
 *
 * @param {object} step
 * @param {string} step.name
 * @param {readonly string[]} step.inputs      files and folders, relative to the project
 * @param {readonly string[]} step.outputs     files and folders, relative to the project
 * @param {readonly string[]} [step.settings]  other inputs: versions, flags
 * @param {() => Promise<void>} work
 */
export async function unlessFresh({ name, inputs, outputs, settings = [] }, work) {
  const stamp = path.join(root, '.cache', 'stamps', name);
  const unlock = await lock(`${stamp}.lock`);
  try {
    const now = await digest(inputs, settings);
    const exist = outputs.every((output) => existsSync(path.join(root, output)));
    if (exist && (await readFile(stamp, 'utf8').catch(() => '')) === now) return false;
    await rm(stamp, { force: true });
    await work();
    await writeWhole(stamp, now);
    return true;
  } finally {
    await unlock();
  }
}

/** Waits while another process runs the same step. The lock of a dead process is ignored. @param {string} file */
async function lock(file) {
  await mkdir(path.dirname(file), { recursive: true });
  for (let announced = false; ; announced = true) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      return () => rm(file, { force: true });
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      const owner = Number(await readFile(file, 'utf8').catch(() => '0'));
      if (owner > 0 && !alive(owner)) await rm(file, { force: true });
      else {
        if (!announced) say(`  waiting for process ${owner}, which runs the same step (or remove ${file})`);
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

/** SHA-256 over the names and contents of all files under `inputs`, and `settings`. @param {readonly string[]} inputs @param {readonly string[]} settings */
async function digest(inputs, settings) {
  const hash = createHash('sha256');
  for (const setting of settings) hash.update(`${setting}\0`);
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

/** @param {string} input @returns {Promise<string[]>} sorted, relative to the project; empty if `input` does not exist */
async function filesUnder(input) {
  const full = path.join(root, input);
  const stats = await stat(full).catch(() => undefined);
  if (stats === undefined) return [];
  if (stats.isFile()) return [input];
  const entries = await readdir(full, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** Writes a file atomically. @param {string} file @param {string | Uint8Array} data */
export async function writeWhole(file, data) {
  await mkdir(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.tmp`;
  await writeFile(draft, data);
  await rename(draft, file);
}
