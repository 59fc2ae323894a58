/**
 * Is every mistake noticed? Breaks a copy of the sources in one small way after another, and expects the tests
 * named beside each fault to fail. Takes about a quarter of an hour, not counting the first build.
 *
 *   npm run test:faults                        all of them
 *   npm run test:faults -- --only NAME[,NAME]  some
 *   npm run test:faults -- --list              their names
 *
 * One line per fault: what caught it, or NOT CAUGHT. The last line is `N caught, N missed`; the exit code is 1 when
 * anything was missed. Before that, the same tests must pass on the sources as they are.
 */

import { build, together } from './faults/commands.mjs';
import { FAULTS } from './faults/list.mjs';
import { copyTree, expectPlaces, keepProducts, planted } from './faults/tree.mjs';
import { asProgram } from './lib/main.mjs';
import { say, seconds, step } from './lib/progress.mjs';
import { tail } from './lib/run.mjs';

/** @param {string[]} args @returns {readonly import('./faults/list.mjs').Fault[]} */
function chosen(args) {
  if (args.length === 0) return FAULTS;
  const names = args[0] === '--only' && args.length === 2 ? args[1]?.split(',') : undefined;
  const unknown = names?.find((name) => !FAULTS.some((fault) => fault.name === name));
  if (names === undefined || unknown !== undefined) {
    throw new Error(
      `usage: npm run test:faults [-- --only NAME[,NAME] | --list]${unknown ? `\nunknown: ${unknown}` : ''}`,
    );
  }
  return FAULTS.filter(({ name }) => names.includes(name));
}

/** Builds the copy as it is, and expects every test that a fault names to pass. @param {readonly import('./faults/list.mjs').Fault[]} faults */
async function expectSound(faults) {
  await step('Building the copy as it is', '2 min the first time', async () => {
    const needs = faults.flatMap(({ look }) => look.needs);
    const wrong = await build(['native', 'wasm', 'ts', ...needs]);
    if (wrong !== undefined) throw new Error(wrong);
  });
  await keepProducts();
  await step('Running the tests that faults name', '2 min', async () => {
    for (const look of together(faults.map((fault) => fault.look))) {
      const { result, by, output } = await look.run();
      if (result !== 'passed') throw new Error(`without any fault: ${look.name}: ${by}\n${tail(output, 60)}`);
    }
  });
}

/** @param {import('./faults/list.mjs').Fault} fault @returns {Promise<boolean>} whether it was caught */
async function tryFault(fault) {
  const start = performance.now();
  const { name, what, look } = fault;
  const { result, by, output } = await planted(fault, async () => {
    const wrong = await build([...(fault.builds ?? []), ...look.needs]);
    return wrong === undefined
      ? look.run()
      : { result: /** @type {const} */ ('broken'), by: '', output: wrong };
  });
  const verdict = {
    caught: `caught by ${look.name}: ${by.slice(0, 100)}`,
    passed: `NOT CAUGHT by ${look.name}`,
    broken: `NOT CAUGHT: no test of ${look.name} ran\n${tail(output, 30)}`,
  }[result];
  say(
    `${result === 'caught' ? 'ok' : '!!'} ${name}: ${what}: ${verdict} (${seconds(performance.now() - start)})`,
  );
  return result === 'caught';
}

async function main() {
  const args = process.argv.slice(2);
  if (args[0] === '--list') {
    for (const { name, what } of FAULTS) say(`${name}: ${what}`);
    return;
  }
  const faults = chosen(args);
  await expectPlaces(faults);
  await copyTree();
  await expectSound(faults);
  let caught = 0;
  for (const fault of faults) if (await tryFault(fault)) caught++;
  if (caught < faults.length) process.exitCode = 1;
  say();
  say(`${caught} caught, ${faults.length - caught} missed`);
}

await asProgram(import.meta.url, main);
