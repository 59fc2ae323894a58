/**
 * Mutation tests: changes the sources in one small way after another and expects a test to fail.
 *
 *   npm run test:mutants -- FILE... [--tests NAME,...] [--project native|wasm]
 *   npm run test:mutants -- --kept [NAME...]    the changes of scripts/mutants/kept.mjs
 *
 * Stryker mutates .ts files, cargo-mutants the core. The bindings have no tests in Rust: cargo-mutants lists their
 * mutants, and each is built and tested by vitest. `--tests` limits the tests to targets of `cargo test` or files of
 * test/. Everything happens in copies under .cache/mutants/. A run that was interrupted continues after the last
 * mutant (Rust) or file (TypeScript).
 *
 * test/mutants/ has one record per source. Below a surviving mutant, indented lines explain it. The exit code is 1
 * while a survivor has no explanation.
 */

import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './build-ts.mjs';
import { asProgram } from './lib/main.mjs';
import { say } from './lib/progress.mjs';
import { must, root, run, tail } from './lib/run.mjs';
import { unlessFresh, writeWhole } from './lib/stamp.mjs';
import { KEPT, vitest } from './mutants/kept.mjs';
import { setUp } from './setup.mjs';

/**
 * @typedef {'killed' | 'timeout' | 'unviable' | 'survived'} Verdict  `unviable`: it does not compile
 * @typedef {{ line: number, what: string, verdict: Verdict }} Mutant
 */

const CARGO_MUTANTS = '27.1.0';
const cache = path.join(root, '.cache/mutants');
const tree = path.join(cache, 'tree');
const tools = process.env['TOKENBED_TOOLS'] ?? path.join(root, '.cache/cargo-tools');
const slug = (/** @type {string} */ file) => file.replaceAll('/', '-');
const read = (/** @type {string} */ file) => readFile(file, 'utf8').catch(() => '');
const onOutput = (/** @type {string} */ text) => void process.stdout.write(text);

/** Runs a program in the copy, for builds without the slow link. @param {string} program @param {string[]} args @param {import('./lib/run.mjs').Options} [options] */
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
async function copyTree() {
  await mkdir(tree, { recursive: true });
  const git = (/** @type {string} */ index, /** @type {string[]} */ ...args) =>
    must('git', args, { env: { GIT_INDEX_FILE: path.join(cache, index) } });
  await git('index', 'add', '--all');
  const { stdout } = await git('index', 'write-tree');
  await git('tree.index', `--work-tree=${tree}`, 'read-tree', '--reset', '-u', stdout.trim());
  const packages = path.join(tree, 'node_modules');
  if (!existsSync(packages)) await symlink(path.join(root, 'node_modules'), packages, 'dir');
}

/** @param {string[]} args @param {import('./lib/run.mjs').Options} [options] */
async function cargoMutants(args, options) {
  const { stdout } = await run(`${tools}/bin/cargo-mutants`, ['--version']);
  const install = ['install', 'cargo-mutants', '--version', CARGO_MUTANTS, '--locked', '--root', tools];
  if (!stdout.trim().endsWith(` ${CARGO_MUTANTS}`)) await must('cargo', install, { onOutput });
  return inTree(`${tools}/bin/cargo-mutants`, ['mutants', ...args], options);
}

/** @param {string} file @param {string} [tests] @returns {Promise<Mutant[]>} */
async function core(file, tests) {
  const own = path.basename(file, '.rs');
  const hasOwn = existsSync(path.join(root, file.split('/src/')[0] ?? '', `tests/${own}.rs`));
  const out = path.join(cache, 'rust', slug(file));
  await mkdir(out, { recursive: true });
  // First the tests of the same name; what survives is tested by all of them.
  for (const targets of tests ? [tests.split(',')] : hasOwn ? [[own], []] : [[]]) {
    const only = targets.map((target) => (target === 'lib' ? '-C=--lib' : `-C=--test=${target}`));
    const args = ['--in-place', '--iterate', '--no-shuffle', '--output', out, '--file', file, ...only];
    const { code, output } = await cargoMutants(args, { onOutput });
    if (![0, 2, 3].includes(code)) throw new Error(tail(output, 40));
  }
  const lists = {
    previously_caught: 'killed',
    caught: 'killed',
    timeout: 'timeout',
    unviable: 'unviable',
    missed: 'survived',
  };
  const mutants = new Map();
  for (const [list, verdict] of Object.entries(lists)) {
    const text = await read(path.join(out, 'mutants.out', `${list}.txt`));
    for (const [name, line, what] of text.matchAll(/^[^:]+:(\d+):\d+: (.*)$/gm))
      mutants.set(name, { line: Number(line), what, verdict });
  }
  return [...mutants.values()];
}

/** @param {string} file @param {import('./mutants/kept.mjs').Suite} suite @returns {Promise<Mutant[]>} */
async function binding(file, suite) {
  const { stdout } = await cargoMutants(['--list', '--json', '--workspace', '--file', file]);
  const text = await read(path.join(root, file));
  const place = path.join(cache, 'rust', `${slug(file)}.json`);
  const before = JSON.parse((await read(place)) || '{}');
  const state =
    before.text === text && before.test === suite.test ? before : { text, test: suite.test, verdicts: {} };
  const lines = text.split('\n');
  const index = (/** @type {{ line: number, column: number }} */ { line, column }) =>
    lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, column - 1);
  /** @type {{ name: string, replacement: string, span: Record<'start' | 'end', { line: number, column: number }> }[]} */
  const all = JSON.parse(stdout);
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

/** Tests the copy while one of its files is changed. @param {string} file @param {string} changed @param {import('./mutants/kept.mjs').Suite} suite @returns {Promise<Verdict>} */
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

/** Stryker builds all mutants of a file into one bundle and activates one at a time. @param {string} file @param {string} project @param {string} [tests] @returns {Promise<Mutant[]>} */
async function typescript(file, project, tests) {
  const inputs = ['package.json', 'package-lock.json'].map((name) => `scripts/mutants/${name}`);
  await unlessFresh({ name: 'mutants', inputs, outputs: ['scripts/mutants/node_modules'] }, async () => {
    const args = [
      'ci',
      '--ignore-scripts',
      '--legacy-peer-deps',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
    ];
    await must('npm', args, { cwd: path.join(root, 'scripts/mutants') });
  });
  const args = ['run', 'scripts/mutants/stryker.json', '--mutate', file];
  args.push('--incrementalFile', path.join(cache, 'ts', `${slug(file)}.json`));
  const env = { TOKENBED_MUTANTS_PROJECT: project, TOKENBED_MUTANTS_TESTS: tests };
  await must('scripts/mutants/node_modules/.bin/stryker', args, { env, onOutput });
  const { source, mutants } = JSON.parse(await read(path.join(cache, 'ts.json'))).files[file];
  /** @type {Record<string, Verdict>} */
  const verdicts = { Killed: 'killed', Timeout: 'timeout', Survived: 'survived', NoCoverage: 'survived' };
  const lines = source.split('\n');
  return mutants.map((/** @type {{ location: any, replacement: string, status: string }} */ mutant) => {
    const { start, end } = mutant.location;
    const old = lines[start.line - 1].slice(
      start.column - 1,
      start.line === end.line ? end.column - 1 : undefined,
    );
    const what = `replace ${old} with ${mutant.replacement.replaceAll(/\s+/g, ' ')}`;
    return { line: start.line, what, verdict: verdicts[mutant.status] ?? 'unviable' };
  });
}

/** Writes the record of a file; tells how many survivors it does not explain. @param {string} file @param {readonly Mutant[]} mutants */
async function record(file, mutants) {
  const place = path.join(root, 'test/mutants', `${slug(file)}.txt`);
  const known = new Map(
    [...(await read(place)).matchAll(/^- (.*)\n((?: .*\n)*)/gm)].map(([, key, why]) => [key, why]),
  );
  const lines = (await read(path.join(root, file))).split('\n');
  const counts = ['killed', 'timeout', 'unviable', 'survived']
    .map((verdict) => `${mutants.filter((mutant) => mutant.verdict === verdict).length} ${verdict}`)
    .join(', ');
  const survivors = mutants.filter(({ verdict }) => verdict === 'survived');
  const keys = [...new Set(survivors.map(({ line, what }) => `${what}: ${lines[line - 1]?.trim()}`))];
  const entries = keys.map((key) => `- ${key}\n${known.get(key) ?? ''}`);
  await writeWhole(place, `${mutants.length} mutants: ${counts}\n${entries.join('')}`);
  const open = keys.filter((key) => !known.get(key));
  say([`${file}: ${counts}`, ...open.map((key) => `  not explained: ${key}`)].join('\n'));
  return open.length;
}

/** Tries the changes of kept.mjs; tells how many survive. @param {readonly string[]} names */
async function kept(names) {
  let survivors = 0;
  for (const { name, what, file, find, replace, suite } of KEPT) {
    if (names.length > 0 && !names.includes(name)) continue;
    const text = readFileSync(path.join(root, file), 'utf8');
    if (text.split(find).length !== 2) throw new Error(`${name}: its text must be in ${file} once`);
    // Unchanged, the suite must pass.
    const verdicts = [
      await tried(file, text, suite),
      await tried(
        file,
        text.replace(find, () => replace),
        suite,
      ),
    ];
    const killed = verdicts.join() === 'survived,killed';
    say(`${killed ? 'killed' : `NOT KILLED (${verdicts})`} ${name}: ${what}`);
    if (!killed) survivors++;
  }
  return survivors;
}

async function main() {
  const string = { type: /** @type {const} */ ('string') };
  const boolean = { type: /** @type {const} */ ('boolean') };
  const options = { tests: string, project: string, kept: boolean, bundle: boolean };
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  // In Stryker's copy of the sources.
  if (values.bundle) return bundle(path.join(root, '.cache/glue'), path.join(root, 'dist'));
  await setUp();
  await copyTree();
  let open = values.kept ? await kept(positionals) : 0;
  const list = values.kept
    ? { stdout: '' }
    : await must('git', ['ls-files', '-co', '--exclude-standard', ...positionals]);
  for (const file of list.stdout
    .split('\n')
    .filter((name) => /^(ts|crates\/\w+\/src)\/.*\.(rs|ts)$/.test(name))) {
    const project = values.project ?? (file.includes('wasm') ? 'wasm' : 'native');
    const found = file.endsWith('.ts')
      ? typescript(file, project, values.tests)
      : /^crates\/(binding|node|wasm)\//.test(file)
        ? binding(file, vitest(project, values.tests))
        : core(file, values.tests);
    open += await record(file, await found);
  }
  process.exitCode = Math.sign(open);
}

await asProgram(import.meta.url, main);
