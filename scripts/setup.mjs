/**
 * Sets up a fresh clone in four steps, each skipped if it is up to date: preflight checks; npm packages; the WASM tools
 * and target (cargo, in .cache/); the three builds.
 *
 *   npm run setup
 *
 * `npm run demo` and `npm test` start with this. It can be interrupted at any time and resumes where it stopped.
 */

import { buildNative } from './build-native.mjs';
import { buildTs } from './build-ts.mjs';
import { buildWasm } from './build-wasm.mjs';
import { npmPackagesMissing, toolsMissing } from './lib/installed.mjs';
import { asProgram } from './lib/main.mjs';
import { preflight } from './lib/preflight.mjs';
import { say, seconds, step } from './lib/progress.mjs';
import { must, root } from './lib/run.mjs';

/**
 * @param {object} [needs]
 * @param {boolean} [needs.browser]  whether to check for Chromium
 * @param {boolean} [needs.faults]   whether to make the builds with `__panic`
 */
export async function setUp({ browser = false, faults = false } = {}) {
  const start = performance.now();
  await preflight({ browser });
  say(`Setting up: ${estimate()}. All files go to ${root} and the caches of npm and cargo.`);
  await installPackages();
  await installTools();
  await build({ faults });
  say(`Set up in ${seconds(performance.now() - start)}.`);
}

/** The expected duration. */
function estimate() {
  if (toolsMissing().length > 0) return 'the first run takes about 5 minutes';
  return npmPackagesMissing() === 'none'
    ? 'a few seconds, or about 40 after a change in Rust'
    : 'about a minute';
}

async function installPackages() {
  if (npmPackagesMissing() === 'none') return say('- npm packages are up to date');
  await step('Installing the npm packages of package-lock.json', '15 s', () =>
    must('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund']),
  );
}

/** setup-tools.sh compares versions and is fast if they match. */
async function installTools() {
  if (toolsMissing().length === 0) return void (await must('bash', ['scripts/setup-tools.sh']));
  await step('Building wasm-pack and wasm-bindgen, and locating the wasm32 target', '3 min', () =>
    must('bash', ['scripts/setup-tools.sh'], { onOutput: countCompiled() }),
  );
}

/** Prints one line per hundred compiled crates. */
function countCompiled() {
  let compiled = 0;
  return (/** @type {string} */ text) => {
    for (const _ of text.matchAll(/^\s*Compiling /gm))
      if (++compiled % 100 === 0) say(`  ${compiled} crates compiled`);
  };
}

/** @param {{ faults: boolean }} options */
async function build({ faults }) {
  await buildNative();
  await buildWasm();
  if (faults) {
    await buildNative({ faults });
    await buildWasm({ faults });
    await buildTs({ faults });
  }
  await buildTs();
}

await asProgram(import.meta.url, setUp);
