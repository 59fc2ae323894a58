/**
 * `npm run notices`: writes NOTICES-RUST.txt, the licenses of the Rust crates inside the addon and the WASM.
 *
 * cargo-about collects them from the sources of the crates, without network; it is installed into .cache/ if missing.
 * Macros are included, because the code that they generate is inside. The build of ts/ appends the file to
 * dist/THIRD-PARTY-LICENSES.txt, and test/repository/notices.test.ts compares its crates with Cargo.lock.
 */

import path from 'node:path';
import { asProgram } from './lib/main.mjs';
import { say, step } from './lib/progress.mjs';
import { must, root, run } from './lib/run.mjs';
import { writeWhole } from './lib/stamp.mjs';

const VERSION = '0.9.3';
/** The crates that are built for the package. */
const PACKAGES = ['node', 'wasm', 'text-wasm'];
const TOOLS = path.join(root, '.cache/cargo-tools-notices');
const ABOUT = path.join(TOOLS, 'bin/cargo-about');

/**
 * @typedef {object} License
 * @property {string} text
 * @property {{ crate: { name: string, version: string, license: string } }[]} used_by
 */

async function installCargoAbout() {
  if ((await run(ABOUT, ['--version'])).stdout.trim() === `cargo-about ${VERSION}`) return;
  const options = ['--version', VERSION, '--locked', '--features', 'cli', '--root', TOOLS];
  await step(`Installing cargo-about ${VERSION}`, '3 min', () =>
    must('cargo', ['install', 'cargo-about', ...options]),
  );
}

/** One license text, below the crates that it belongs to. @param {License} license */
function entry({ text, used_by: users }) {
  const names = users.map(({ crate }) => `${crate.name} ${crate.version} (${crate.license})`).sort();
  // std is not in Cargo.lock. Its copyright notice and license are those of the crate libc.
  if (users.some(({ crate }) => crate.name === 'libc'))
    names.push('the Rust standard library (MIT OR Apache-2.0)');
  const lines = text
    // The text of a crate without a license file is a template.
    .replace('<year> <copyright holders>', 'the authors of these crates')
    .split(/\r?\n/)
    .map((line) => line.trimEnd());
  return `${names.join('\n')}\n\n${lines.join('\n').trim()}\n`;
}

async function main() {
  await installCargoAbout();
  const options = ['--frozen', '--fail', '--format', 'json', '-c', 'scripts/notices/about.toml'];
  /** @type {Map<string, License>} by its text: crates of several packages share licenses */
  const licenses = new Map();
  for (const name of PACKAGES) {
    const { stdout } = await must(ABOUT, ['generate', ...options, '-m', `crates/${name}/Cargo.toml`]);
    for (const { text, used_by: users } of /** @type {{ licenses: License[] }} */ (JSON.parse(stdout))
      .licenses) {
      const license = licenses.get(text) ?? { text, used_by: [] };
      const known = new Set(license.used_by.map(({ crate }) => `${crate.name} ${crate.version}`));
      license.used_by.push(...users.filter(({ crate }) => !known.has(`${crate.name} ${crate.version}`)));
      licenses.set(text, license);
    }
  }
  const entries = [...licenses.values()].map(entry).sort();
  const opening =
    'Code of these Rust crates is part of the addon (dist/native/) and of the WASM (dist/core.wasm, dist/inline.js, dist/text.wasm).';
  const separator = `\n${'-'.repeat(80)}\n`;
  await writeWhole(path.join(root, 'NOTICES-RUST.txt'), [`${opening}\n`, ...entries].join(separator));
  say(`NOTICES-RUST.txt: ${entries.length} license texts`);
}

await asProgram(import.meta.url, main);
