/** Changes that neither cargo-mutants nor Stryker makes, and the suite that must fail. At most 25. */

/**
 * @typedef {{ build: string, test: string }} Suite  commands of a shell
 * @typedef {{ name: string, what: string, file: string, find: string, replace: string, suite: Suite }} Change
 */

/** Targets of the core's tests: `bag`, or `lib`. @param {...string} targets @returns {Suite} */
const cargo = (...targets) => {
  const args = targets.map((target) => (target === 'lib' ? '--lib' : `--test ${target}`)).join(' ');
  const test = `cargo test -p tokenbed-core ${args}`;
  return { build: `${test} --no-run`, test };
};

/** Files of test/ on one project of vitest.config.ts. @param {string} project @param {string} [files]  separated by commas @returns {Suite} */
export const vitest = (project, files = '*') => ({
  build: (project === 'native' ? ['native', 'ts'] : ['native', 'wasm', 'ts'])
    .map((part) => `node scripts/build-${part}.mjs`)
    .join(' && '),
  test: `node_modules/.bin/vitest run --bail=1 --project ${project} ${files
    .split(',')
    .map((file) => `test/${file}.test.ts`)
    .join(' ')}`,
});

/** @type {readonly Change[]} */
export const KEPT = [
  {
    name: 'mean-by-reciprocal',
    what: 'a mean multiplies by 1/n instead of dividing by n',
    file: 'crates/core/src/ops/bag.rs',
    find: 'simd.div(simd.load(held), divisor)',
    replace: 'simd.mul(simd.load(held), simd.div(simd.splat(1.0), divisor))',
    suite: cargo('bag'),
  },
];
