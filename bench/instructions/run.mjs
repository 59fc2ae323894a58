/**
 * Counts the instructions of each kernel and compares them with the record. This detects regressions that are smaller
 * than the noise of time measurements.
 *
 *   npm run bench:instructions [-- --record]
 *
 *   now       every kernel of src/lib.rs once under valgrind's callgrind, on AVX2 and without SIMD (gungraun counts)
 *   recorded  ../results/instructions.json: { rustc, counts: { 'gather avx2': 96800, ... } }
 *   exit 1    if a count grew by more than 2 %, or a kernel is on one side only
 *
 * Another rustc generates other instructions from the same source: then the counts are shown and nothing fails. A count
 * does not include memory accesses, and fewer instructions may take longer: `npm run bench` decides.
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { asProgram } from '../../scripts/lib/main.mjs';
import { count, say, step } from '../../scripts/lib/progress.mjs';
import { must, root, run } from '../../scripts/lib/run.mjs';
import { writeWhole } from '../../scripts/lib/stamp.mjs';

/** @typedef {{ rustc: string, counts: Record<string, number> }} Counts */

const HERE = fileURLToPath(new URL('.', import.meta.url));
const RECORD = fileURLToPath(new URL('../results/instructions.json', import.meta.url));
const TOLERANCE = 0.02;
const TO_RECORD = 'npm run bench:instructions -- --record';

/** Checks the requirements that cargo cannot install, before the build. */
async function requireValgrind() {
  const { platform, arch } = process;
  if (platform !== 'linux' || arch !== 'x64') {
    throw new Error(`counting needs valgrind on x86-64 Linux, got: ${platform} ${arch}`);
  }
  if ((await run('valgrind', ['--version'])).code === 0) return;
  throw new Error(
    'valgrind is missing:\n  Debian  sudo apt-get install -y valgrind\n  Fedora  sudo dnf install -y valgrind',
  );
}

/**
 * Installs gungraun's runner at exactly the version of the library in Cargo.lock, as scripts/setup-tools.sh does for
 * wasm-bindgen.
 *
 * @returns {Promise<string>} its file
 */
async function installRunner() {
  const lock = await readFile(path.join(HERE, 'Cargo.lock'), 'utf8');
  const version = /^name = "gungraun"\nversion = "(.+)"$/m.exec(lock)?.[1];
  if (version === undefined) throw new Error('bench/instructions/Cargo.lock names no gungraun');
  const tools = process.env['TOKENBED_TOOLS'] ?? path.join(root, '.cache/cargo-tools');
  const runner = path.join(tools, 'bin/gungraun-runner');
  if ((await run(runner, ['--version'])).stdout.trim().endsWith(` ${version}`)) return runner;

  const target = path.join(root, '.cache/gungraun-target');
  const args = ['install', 'gungraun-runner', '--version', version, '--locked', '--root', tools];
  await step(`Building gungraun-runner ${version}`, '3 min', () =>
    // It mostly waits for valgrind: an optimized build would take longer than it saves.
    must('cargo', [...args, '--target-dir', target], {
      env: { CARGO_PROFILE_RELEASE_OPT_LEVEL: '1', CARGO_PROFILE_RELEASE_LTO: 'off' },
    }),
  );
  await must('rm', ['-rf', target]);
  return runner;
}

/** The compiler, which determines the instructions besides the source. @returns {Promise<string>} `1.95.0, LLVM 22.1.2, x86_64-...` */
async function compiler() {
  const { stdout } = await must('rustc', ['-vV']);
  const fact = (/** @type {string} */ name) => new RegExp(`^${name}: (.+)$`, 'm').exec(stdout)?.[1];
  return `${fact('release')}, LLVM ${fact('LLVM version')}, ${fact('host')}`;
}

/** @param {string} runner @returns {Promise<Counts>} */
async function countInstructions(runner) {
  const args = ['bench', '--manifest-path', path.join(HERE, 'Cargo.toml'), '--bench', 'kernels'];
  const target = ['--target-dir', path.join(root, 'target/instructions')];
  const env = { GUNGRAUN_RUNNER: runner, GUNGRAUN_HOME: path.join(root, 'target/instructions/gungraun') };
  await step('Building the kernels', '30 s, the first time 2 min', () =>
    must('cargo', [...args, ...target, '--no-run'], { env }),
  );
  const { stdout } = await step('Counting', '40 s', () =>
    must('cargo', [...args, ...target, '--', '--output-format=json'], { env }),
  );
  // A line of JSON for each: { function_name: 'bag_sum', id: 'avx2', profiles: [{ data: { total: { metrics: ... } } }] }
  const counts = stdout
    .trim()
    .split('\n')
    .map((line) => {
      const { function_name: kernel, id, profiles } = JSON.parse(line);
      const [{ data }] = profiles;
      return [`${kernel.replaceAll('_', ' ')} ${id}`, data.total.metrics.Ir.values.new];
    });
  return { rustc: await compiler(), counts: Object.fromEntries(counts) };
}

/** @returns {Promise<Counts | undefined>} */
async function readRecord() {
  const text = await readFile(RECORD, 'utf8').catch((/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : JSON.parse(text);
}

/**
 * Prints both sides of every kernel.
 *
 * @param {Counts['counts']} recorded @param {Counts['counts']} now
 * @returns {{ grown: string[], unpaired: string[] }} kernels that need more by over `TOLERANCE`; those on one side only
 */
function compare(recorded, now) {
  const names = [...new Set([...Object.keys(now), ...Object.keys(recorded)])];
  const line = (/** @type {string[]} */ [name, ...figures]) =>
    say(`  ${name.padEnd(30)}${figures.map((figure) => figure.padStart(14)).join('')}`);
  const known = (/** @type {number | undefined} */ n) => (n === undefined ? '-' : count(n));

  line(['kernel', 'recorded', 'now', 'change']);
  /** @type {string[]} */
  const grown = [];
  for (const name of names) {
    const change = now[name] / recorded[name] - 1;
    const percent = Number.isNaN(change) ? '-' : `${change < 0 ? '' : '+'}${count(100 * change, 2)} %`;
    line([name, known(recorded[name]), known(now[name]), percent]);
    if (change > TOLERANCE) grown.push(name);
  }
  return { grown, unpaired: names.filter((name) => !(name in now && name in recorded)) };
}

async function benchInstructions() {
  const options = process.argv.slice(2);
  if (options.some((option) => option !== '--record')) {
    throw new Error(`the only option is --record, got: ${options.join(' ')}`);
  }
  await requireValgrind();
  const now = await countInstructions(await installRunner());
  const recorded = (await readRecord()) ?? { rustc: '', counts: {} };
  const { grown, unpaired } = compare(recorded.counts, now.counts);

  if (options.length > 0) {
    await writeWhole(RECORD, `${JSON.stringify(now, null, 2)}\n`);
    return say(`Recorded in ${path.relative(root, RECORD)}.`);
  }
  if (recorded.rustc !== '' && recorded.rustc !== now.rustc) {
    return say(
      `Not judged: recorded with rustc ${recorded.rustc}, this is ${now.rustc}. To record: ${TO_RECORD}`,
    );
  }
  if (unpaired.length > 0) say(`Recorded or counted, but not both: ${unpaired.join(', ')}.`);
  if (grown.length > 0) say(`More than ${100 * TOLERANCE} % above the record: ${grown.join(', ')}.`);
  if (unpaired.length + grown.length === 0) {
    return say(`No kernel needs over ${100 * TOLERANCE} % more than recorded.`);
  }
  say(`If this is intended, record it: ${TO_RECORD}`);
  process.exitCode = 1;
}

await asProgram(import.meta.url, benchInstructions);
