/**
 * Mutants of Rust, and the changes of kept.mjs, in a copy of the sources: .cache/mutants/tree.
 *
 * The core is tested by cargo: cargo-mutants does it all. The bindings have no tests in Rust: cargo-mutants lists their
 * mutants, and each is built and tested by vitest here.
 */

import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { say } from '../lib/progress.mjs';
import { must, root, run, tail } from '../lib/run.mjs';
import { writeWhole } from '../lib/stamp.mjs';
import { KEPT } from './kept.mjs';

/**
 * @typedef {'killed' | 'timeout' | 'unviable' | 'survived'} Verdict  `unviable`: it does not compile
 * @typedef {{ line: number, what: string, verdict: Verdict }} Mutant
 * @typedef {{ line: number, column: number }} Place  both from 1 on
 * @typedef {{ name: string, replacement: string, span: { start: Place, end: Place } }} RustMutant  from cargo-mutants
 */

const CARGO_MUTANTS = '27.1.0';
export const cache = path.join(root, '.cache/mutants');
const tree = path.join(cache, 'tree');
const tools = process.env['TOKENBED_TOOLS'] ?? path.join(root, '.cache/cargo-tools');
export const slug = (/** @type {string} */ file) => file.replaceAll('/', '-');
export const read = (/** @type {string} */ file) => readFile(file, 'utf8').catch(() => '');
export const onOutput = (/** @type {string} */ text) => void process.stdout.write(text);

/** Runs a program in the copy, for builds without the slow link. @param {string} program @param {string[]} args @param {import('../lib/run.mjs').Options} [options] */
function inTree(program, args, options) {
  const env = {
    CARGO_INCREMENTAL: '1',
    CARGO_PROFILE_RELEASE_LTO: 'off',
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
    CARGO_PROFILE_TEST_DEBUG: '0',
    TOKENBED_TOOLS: tools,
    WASM_STD_CACHE: process.env['WASM_STD_CACHE'] ?? path.join(root, '.cache/rust-wasm'),
  };
  return run(program, args, { cwd: tree, env, ...options });
}

/** Makes the copy equal to the working tree. Files that did not change keep their times, so that cargo builds little. */
export async function copyTree() {
  await mkdir(tree, { recursive: true });
  const git = (/** @type {string} */ index, /** @type {string[]} */ ...args) =>
    must('git', args, { env: { GIT_INDEX_FILE: path.join(cache, index) } });
  await git('index', 'add', '--all');
  const { stdout } = await git('index', 'write-tree');
  await git('tree.index', `--work-tree=${tree}`, 'read-tree', '--reset', '-u', stdout.trim());
  const packages = path.join(tree, 'node_modules');
  if (!existsSync(packages)) await symlink(path.join(root, 'node_modules'), packages, 'dir');
}

/** @param {string[]} args @param {import('../lib/run.mjs').Options} [options] */
async function cargoMutants(args, options) {
  const { stdout } = await run(`${tools}/bin/cargo-mutants`, ['mutants', '--version']);
  const install = ['install', 'cargo-mutants', '--version', CARGO_MUTANTS, '--locked', '--root', tools];
  if (stdout.trim() !== `cargo-mutants ${CARGO_MUTANTS}`) await must('cargo', install, { onOutput });
  return inTree(`${tools}/bin/cargo-mutants`, ['mutants', '--colors=never', ...args], options);
}

/** The mutants of a Rust file. @param {string} file @returns {Promise<RustMutant[]>} */
async function listed(file) {
  const { stdout } = await cargoMutants(['--list', '--json', '--workspace', '--file', file]);
  return JSON.parse(stdout);
}

/** @param {string} file @param {string} [tests] @returns {Promise<Mutant[]>} */
export async function core(file, tests) {
  const out = path.join(cache, 'rust', slug(file));
  const own = path.basename(file, '.rs');
  const hasOwn = existsSync(path.join(root, file.replace(/\/src\/.*/, `/tests/${own}.rs`)));
  const text = await read(path.join(root, file));
  if ((await read(path.join(out, 'source.rs'))) !== text) await rm(out, { recursive: true, force: true });
  await writeWhole(path.join(out, 'source.rs'), text);
  const list = async (/** @type {string} */ name) => (await read(path.join(out, name))).split('\n');
  // First the tests of the same name; what survives is tested by all of them.
  for (const targets of tests ? [tests.split(',')] : hasOwn ? [[own], []] : [[]]) {
    const only = targets.map((target) => (target === 'lib' ? '-C=--lib' : `-C=--test=${target}`));
    const args = ['--in-place', '--iterate', '--no-shuffle', '--output', out, '--file', file, ...only];
    const { code, output } = await cargoMutants(args, { onOutput });
    if (![0, 2, 3].includes(code)) throw new Error(tail(output, 40));
    // The next run counts them as caught.
    const unviable = [...(await list('unviable.txt')), ...(await list('mutants.out/unviable.txt'))];
    await writeWhole(path.join(out, 'unviable.txt'), unviable.join('\n'));
  }
  const lists = {
    survived: 'mutants.out/missed.txt',
    timeout: 'mutants.out/timeout.txt',
    unviable: 'unviable.txt',
  };
  /** @type {Map<string, Verdict>} */
  const verdicts = new Map();
  for (const [verdict, name] of Object.entries(lists))
    for (const mutant of await list(name)) verdicts.set(mutant, /** @type {Verdict} */ (verdict));
  return (await listed(file)).map(({ name, span }) => ({
    line: span.start.line,
    what: name.replace(/^\S+ /, ''),
    verdict: verdicts.get(name) ?? 'killed',
  }));
}

/** @param {string} file @param {import('./kept.mjs').Suite} suite @returns {Promise<Mutant[]>} */
export async function binding(file, suite) {
  const all = await listed(file);
  const text = await read(path.join(root, file));
  const place = path.join(cache, 'rust', `${slug(file)}.json`);
  const before = JSON.parse((await read(place)) || '{}');
  const state =
    before.text === text && before.test === suite.test ? before : { text, test: suite.test, verdicts: {} };
  const lines = text.split('\n');
  const index = (/** @type {Place} */ { line, column }) =>
    lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, column - 1);
  // Unchanged, the suite must pass.
  if (all.some(({ name }) => !(name in state.verdicts)) && (await tried(file, text, suite)) !== 'survived')
    throw new Error(`this fails without any change: ${suite.build} && ${suite.test}`);
  const mutants = [];
  for (const { name, span, replacement } of all) {
    const changed = text.slice(0, index(span.start)) + replacement + text.slice(index(span.end));
    state.verdicts[name] ??= await tried(file, changed, suite);
    await writeWhole(place, JSON.stringify(state));
    say(`${state.verdicts[name]} ${name}`);
    mutants.push({ line: span.start.line, what: name.replace(/^\S+ /, ''), verdict: state.verdicts[name] });
  }
  return mutants;
}

/** Tests the copy while one of its files is changed. @param {string} file @param {string} changed @param {import('./kept.mjs').Suite} suite @returns {Promise<Verdict>} */
async function tried(file, changed, { build, test }) {
  const shell = (/** @type {string} */ command) => inTree('sh', ['-c', command], { timeout: 900_000 });
  const text = await readFile(path.join(tree, file), 'utf8');
  await writeFile(path.join(tree, file), changed);
  try {
    if ((await shell(build)).code !== 0) return 'unviable';
    return (await shell(test)).code === 0 ? 'survived' : 'killed';
  } finally {
    await writeFile(path.join(tree, file), text);
  }
}

/** Tries the changes of kept.mjs; tells how many survive. @param {readonly string[]} names */
export async function kept(names) {
  const chosen = KEPT.filter(({ name }) => names.length === 0 || names.includes(name));
  // Unchanged, every suite must pass.
  for (const suite of new Map(chosen.map((change) => [change.suite.test, change.suite])).values())
    if ((await tried('package.json', await read(path.join(root, 'package.json')), suite)) !== 'survived')
      throw new Error(`this fails without any change: ${suite.build} && ${suite.test}`);
  let survivors = 0;
  for (const { name, what, file, find, replace, suite } of chosen) {
    const text = await read(path.join(root, file));
    const changed = text.replace(find, () => replace);
    const verdict = changed === text ? 'unviable' : await tried(file, changed, suite);
    say(`${verdict} ${name}: ${what}`);
    if (verdict !== 'killed') survivors++;
  }
  return survivors;
}
