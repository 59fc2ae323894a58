/**
 * Runs all tests and checks. CI runs the same command.
 *
 *   npm test                           all suites
 *   npm test -- --only native,types    some suites
 *
 * Each suite prints its counts. The last line is `N passed, N failed`, and the exit code is 1 if anything failed. Skipped,
 * pending and empty tests count as failed.
 */

import { ensureChromium } from './lib/chromium.mjs';
import { say, seconds } from './lib/progress.mjs';
import { tail } from './lib/run.mjs';
import { setUp } from './setup.mjs';
import { arm64 } from './suites/arm64.mjs';
import { bench } from './suites/bench.mjs';
import { consumers } from './suites/consumers.mjs';
import { apiPages } from './suites/docs.mjs';
import { examples } from './suites/examples.mjs';
import { neon } from './suites/neon.mjs';
import { pack } from './suites/pack.mjs';
import { rustLint, rustTests, vectors } from './suites/rust.mjs';
import { lint, types } from './suites/typescript.mjs';
import { vitest } from './suites/vitest.mjs';

/** @typedef {{ name: string, what: string, about: string, run: () => Promise<import('./lib/suite.mjs').Outcome>, mayBeEmpty?: true }} Suite */

/** @type {Suite[]} */
const SUITES = [
  { name: 'lint', what: 'oxlint and the format', about: '1 s', run: lint },
  { name: 'types', what: 'types of library, tests and scripts', about: '2 s', run: types },
  { name: 'rust-lint', what: 'clippy and rustfmt', about: '20 s', run: rustLint },
  { name: 'rust', what: 'kernels compared with the reference, on every ISA', about: '2 min', run: rustTests },
  { name: 'vectors', what: 'test/vectors match the reference', about: '5 s', run: vectors },
  { name: 'neon', what: 'the kernels on NEON, under qemu-user', about: '4 min', run: neon, mayBeEmpty: true },
  {
    name: 'arm64',
    what: 'the package in Node for arm64, under qemu-user',
    about: '30 s',
    run: arm64,
    mayBeEmpty: true,
  },
  {
    name: 'repository',
    what: "the architecture's rules, the bundle",
    about: '5 s',
    run: () => vitest('repository'),
  },
  { name: 'native', what: 'the suite on the native backend', about: '4 min', run: () => vitest('native') },
  { name: 'wasm', what: 'the suite on WASM in Node', about: '4 min', run: () => vitest('wasm') },
  { name: 'chromium', what: 'the suite on WASM in Chromium', about: '45 s', run: chromium },
  { name: 'page', what: 'the page of examples/browser, in Chromium', about: '2 min', run: page },
  { name: 'examples', what: 'every example: Node, Chromium, workerd', about: '1 min', run: examples },
  { name: 'docs', what: 'the API pages, generated without warnings', about: '15 s', run: apiPages },
  { name: 'bench', what: 'all contenders of the benchmark give correct results', about: '1 min', run: bench },
  { name: 'pack', what: 'the tarball, installed elsewhere', about: '20 s', run: pack },
  { name: 'consumers', what: "the tarball in its users' tools", about: '45 s', run: consumers },
];

/** The suites that need a browser. */
const IN_CHROMIUM = new Set(['chromium', 'page', 'examples']);

async function chromium() {
  return vitest('chromium', { TOKENBED_CHROMIUM: await ensureChromium() });
}

async function page() {
  return vitest('page', { TOKENBED_CHROMIUM: await ensureChromium() });
}

/** @param {string[]} args @returns {Suite[]} */
function selectSuites(args) {
  const only = args[args.indexOf('--only') + 1];
  if (args.length === 0) return SUITES;
  const names = args[0] === '--only' && args.length === 2 ? only?.split(',') : undefined;
  const known = SUITES.map(({ name }) => name);
  const unknown = names?.find((name) => !known.includes(name));
  if (names === undefined || unknown !== undefined) {
    throw new Error(
      `usage: npm test [-- --only ${known.join(',')}]${unknown ? `\nunknown suite: ${unknown}` : ''}`,
    );
  }
  return SUITES.filter(({ name }) => names.includes(name));
}

/** @param {Suite} suite */
async function runSuite({ name, what, about, run, mayBeEmpty }) {
  const start = performance.now();
  say(`${name}: ${what} (about ${about}) ...`);
  const outcome = await run().catch((/** @type {unknown} */ error) => ({
    passed: 0,
    failed: 1,
    details: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }));
  if (outcome.passed + outcome.failed === 0 && !mayBeEmpty) {
    outcome.failed = 1;
    outcome.details += 'this suite has no tests';
  }
  if (outcome.failed > 0) say(tail(outcome.details, 200));
  say(
    `  ${name}: ${outcome.passed} passed, ${outcome.failed} failed (${seconds(performance.now() - start)})`,
  );
  return outcome;
}

let passed = 0;
let failed = 0;
try {
  const suites = selectSuites(process.argv.slice(2));
  await setUp({ browser: suites.some(({ name }) => IN_CHROMIUM.has(name)), faults: true });
  for (const suite of suites) {
    const outcome = await runSuite(suite);
    passed += outcome.passed;
    failed += outcome.failed;
  }
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  failed++;
}
process.exitCode = failed === 0 ? 0 : 1;
say();
say(`${passed} passed, ${failed} failed`);
