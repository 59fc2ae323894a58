/**
 * How a fault is looked for: what must be built first, and a command that a sound tree passes.
 *
 * A fault is caught when what it needs was built and then a *test* failed. A fault that does not compile has not
 * been caught by any test; for one that breaks the contract of the types, failing to compile is what is wanted.
 */

import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { ensureChromium } from '../lib/chromium.mjs';
import { root, run, tail } from '../lib/run.mjs';
import { tree } from './tree.mjs';

/** Builds for looking at, not for shipping: without the slow link, and from what was built before. */
const QUICK = {
  CARGO_TARGET_DIR: path.join(tree, 'target'),
  CARGO_INCREMENTAL: '1',
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
  CARGO_PROFILE_RELEASE_OPT_LEVEL: '2',
  CARGO_PROFILE_TEST_DEBUG: '0',
  CARGO_TERM_COLOR: 'never',
  TOKENBED_TOOLS: process.env['TOKENBED_TOOLS'] ?? path.join(root, '.cache/cargo-tools'),
  WASM_STD_CACHE: process.env['WASM_STD_CACHE'] ?? path.join(root, '.cache/rust-wasm'),
  TOKENBED_BACKEND: undefined,
  TOKENBED_ISA: undefined,
  TOKENBED_THREADS: undefined,
  NO_COLOR: '1',
};

/** What may be built; the `-faults` ones can panic on purpose. @typedef {'native' | 'wasm' | 'native-faults' | 'wasm-faults' | 'ts' | 'ts-faults'} Build */

/**
 * @typedef {object} Look
 * @property {string} name
 * @property {string} kind   looks of one kind can be one run
 * @property {readonly string[]} parts
 * @property {readonly Build[]} needs  what the tests run on
 * @property {() => Promise<Seen>} run
 *
 * @typedef {object} Seen
 * @property {'passed' | 'caught' | 'broken'} result  `broken`: nothing was tested
 * @property {string} by      the test that failed
 * @property {string} output
 */

/** @param {string} program @param {readonly string[]} args @param {Record<string, string | undefined>} [env] */
const inTree = (program, args, env = {}) => run(program, args, { cwd: tree, env: { ...QUICK, ...env } });
const bin = (/** @type {string} */ name) => path.join(root, 'node_modules/.bin', name);

/** @type {Record<Build, () => Promise<import('../lib/run.mjs').Result>>} */
const BUILDS = {
  native: () => inTree(process.execPath, ['scripts/build-native.mjs']),
  wasm: () => inTree(process.execPath, ['scripts/build-wasm.mjs']),
  'native-faults': () => inTree(process.execPath, ['scripts/build-native.mjs', '--faults']),
  'wasm-faults': () => inTree(process.execPath, ['scripts/build-wasm.mjs', '--faults']),
  ts: () => inTree(process.execPath, ['scripts/build-ts.mjs']),
  'ts-faults': () => inTree(process.execPath, ['scripts/build-ts.mjs', '--faults']),
};

const ORDER = /** @type {readonly Build[]} */ (Object.keys(BUILDS));

/** Builds some parts; gives what went wrong. @param {readonly Build[]} parts @returns {Promise<string | undefined>} */
export async function build(parts) {
  for (const part of ORDER) {
    if (!parts.includes(part)) continue;
    const { code, output } = await BUILDS[part]();
    if (code !== 0) return `${part} does not build:\n${tail(output, 30)}`;
  }
  return undefined;
}

/** Tests of the core: `--test NAME` for each, or `--lib` for its unit tests. @param {...string} names @returns {Look} */
export function cargo(...names) {
  const targets = names.flatMap((name) => (name === 'lib' ? ['--lib'] : ['--test', name]));
  const args = ['test', '-p', 'tokenbed-core', ...targets];
  return {
    name: `cargo test ${names.join(' ')}`,
    kind: 'cargo',
    parts: names,
    needs: [],
    async run() {
      const built = await inTree('cargo', [...args, '--no-run']);
      if (built.code !== 0) return { result: 'broken', by: '', output: built.output };
      const { code, output } = await inTree('cargo', [...args, '--no-fail-fast']);
      const by = /^test (\S+) \.\.\. FAILED$/m.exec(output)?.[1] ?? '';
      return { result: code === 0 ? 'passed' : by === '' ? 'broken' : 'caught', by, output };
    },
  };
}

/**
 * Tests of one project of vitest, by file.
 *
 * @param {'native' | 'wasm' | 'chromium' | 'page' | 'house'} project @param {...string} files  under test/, without `.test.ts`
 * @returns {Look}
 */
export function vitest(project, ...files) {
  return {
    name: `${project} ${files.join(' ')}`,
    kind: project,
    parts: files,
    needs: files.includes('node/faults') ? ['native-faults', 'wasm-faults', 'ts', 'ts-faults'] : ['ts'],
    async run() {
      const json = path.join(tree, '.cache/test/faults.json');
      await mkdir(path.dirname(json), { recursive: true });
      await rm(json, { force: true });
      const names = files.map((file) => `test/${file}.test.ts`);
      const args = ['run', '--project', project, '--reporter=json', `--outputFile=${json}`, ...names];
      const inBrowser = project === 'chromium' || project === 'page';
      const env = inBrowser ? { TOKENBED_CHROMIUM: await ensureChromium() } : {};
      const { code, output } = await inTree(bin('vitest'), args, env);
      const report = JSON.parse(await readFile(json, 'utf8').catch(() => '{ "testResults": [] }'));
      return { ...verdict(code, report, names.length), output };
    },
  };
}

/** @param {number} code @param {import('../suites/vitest.mjs').Report} report @param {number} files */
function verdict(code, { testResults }, files) {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.find(({ status }) => status === 'failed');
  if (failed !== undefined) return { result: /** @type {const} */ ('caught'), by: failed.fullName };
  // A setup that finds the wrong backend fails each file, before any test of it is known.
  const refused = testResults.find(({ status }) => status === 'failed');
  if (refused !== undefined) {
    return { result: /** @type {const} */ ('caught'), by: String(refused.message).split('\n')[0] ?? '' };
  }
  const all = code === 0 && testResults.length === files && tests.length > 0;
  return { result: all ? /** @type {const} */ ('passed') : /** @type {const} */ ('broken'), by: '' };
}

/** The compiler, for faults that the types must refuse, in one of these files. @param {...string} files @returns {Look} */
export function types(...files) {
  return {
    name: 'tsc',
    kind: 'tsc',
    parts: files,
    needs: [],
    async run() {
      const { code, output } = await inTree(bin('tsc'), ['-p', 'tsconfig.json', '--noEmit']);
      const errors = output.split('\n').filter((line) => line.includes('error TS'));
      const by = errors.find((line) => files.some((file) => line.startsWith(file))) ?? '';
      return { result: code === 0 ? 'passed' : by === '' ? 'broken' : 'caught', by, output };
    },
  };
}

/** The same tests in as few runs as possible. @param {readonly Look[]} looks @returns {Look[]} */
export function together(looks) {
  return [...new Set(looks.map(({ kind }) => kind))].map((kind) => {
    const parts = [...new Set(looks.filter((look) => look.kind === kind).flatMap((look) => look.parts))];
    if (kind === 'cargo') return cargo(...parts);
    if (kind === 'tsc') return types(...parts);
    return vitest(/** @type {'native'} */ (kind), ...parts);
  });
}
