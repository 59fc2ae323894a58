/**
 * npm run bench:peers: installs the other libraries of the bench into .cache/peers. Nothing else needs them.
 *
 *   node_modules   package-lock.json, without any package's install scripts
 *   venv           requirements.txt, one after the other; a failure is reported and does not stop the others
 *
 * Then each contender is opened once, to check the installation. Python 3.10 or newer and about 8 GB are needed
 * (PyPI's torch for Linux always includes its CUDA libraries; a PIP_EXTRA_INDEX_URL with CPU wheels is used if set).
 * The exit code is 1 if a peer is missing at the end.
 */

import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { asProgram } from '../../scripts/lib/main.mjs';
import { say, step } from '../../scripts/lib/progress.mjs';
import { must, root, tail } from '../../scripts/lib/run.mjs';
import { unlessFresh } from '../../scripts/lib/stamp.mjs';
import { folder, python } from './installed.mjs';

const HERE = 'bench/peers';
const CONTENDERS = ['ort-node', 'ort-web', 'tfjs', 'jax', 'torch', 'numpy', 'ort-python'];
/** The disk space that torch needs, including the files that pip unpacks temporarily. */
const NEEDED = 12 * 2 ** 30;

/** A step whose failure is reported and does not stop the others. @param {string} what @param {() => Promise<unknown>} work */
async function attempt(what, work) {
  try {
    await work();
  } catch (error) {
    say(`  ${what} failed: ${tail(String(error instanceof Error ? error.message : error), 12)}`);
  }
}

export async function installPeers() {
  await mkdir(folder, { recursive: true });
  await attempt('npm ci', installPackages);
  await attempt('Python', installPython);
  await report();
}

async function installPackages() {
  const files = ['package.json', 'package-lock.json'];
  const inputs = files.map((file) => `${HERE}/${file}`);
  await unlessFresh({ name: 'peers', inputs, outputs: ['.cache/peers/node_modules'] }, () =>
    step('Installing the npm packages of the peers', '30 s', async () => {
      for (const file of files) await copyFile(path.join(root, HERE, file), path.join(folder, file));
      await must('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], {
        cwd: folder,
      });
    }),
  );
}

async function installPython() {
  if (!existsSync(python)) await step('Making a virtual environment', '5 s', makeEnvironment);
  for (const requirement of (await readFile(path.join(root, HERE, 'requirements.txt'), 'utf8'))
    .trim()
    .split('\n')) {
    await attempt(requirement, () => install(requirement));
  }
}

async function makeEnvironment() {
  const venv = path.join(folder, 'venv');
  try {
    await must(process.platform === 'win32' ? 'python' : 'python3', ['-m', 'venv', venv]);
  } catch (error) {
    await rm(venv, { recursive: true, force: true }); // Debian's Python leaves an incomplete one behind if a package is missing
    throw new Error('python3 -m venv does not work; on Debian: sudo apt-get install -y python3-venv', {
      cause: error,
    });
  }
}

/** Installs a requirement. pip returns quickly if the version is already installed. @param {string} requirement */
async function install(requirement) {
  const [name, version] = requirement.split('==');
  const held = await must(python, ['-m', 'pip', 'list', '--format=json', '--disable-pip-version-check']);
  const there = JSON.parse(held.stdout).find((/** @type {{ name: string }} */ each) => each.name === name);
  if (there?.version.split('+')[0] === version) return;
  if (name === 'torch') await checkDisk();
  await step(`Installing ${requirement}`, name === 'torch' ? '3 min' : '10 s', () =>
    must(python, ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', requirement]),
  );
}

async function checkDisk() {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= NEEDED) return;
  const gib = (/** @type {number} */ bytes) => (bytes / 2 ** 30).toFixed(1);
  throw new Error(`torch needs ${gib(NEEDED)} GiB of disk in ${folder}; ${gib(free)} GiB are free`);
}

async function report() {
  for (const name of CONTENDERS) {
    const { peer, open } = await import(`../contenders/${name}.mjs`);
    try {
      const { version, close } = await open();
      await close?.();
      say(`  ${peer.padEnd(12)} ${version}`);
    } catch (error) {
      process.exitCode = 1;
      say(`  ${peer.padEnd(12)} missing: ${error instanceof Error ? error.message : error}`);
    }
  }
}

await asProgram(import.meta.url, installPeers);
