/** Changes that neither cargo-mutants nor Stryker makes, and the suite that must fail. At most 50. */

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
  build: ['native', 'wasm', 'ts'].map((part) => `node scripts/build-${part}.mjs`).join(' && '),
  test: `node_modules/.bin/vitest run --bail=1 --project ${project} ${files
    .split(',')
    .map((file) => `test/${file}.test.ts`)
    .join(' ')}`,
});

/** The contract of the types: here the compiler must fail. @type {Suite} */
const TYPES = {
  build: 'node scripts/build-native.mjs && node scripts/build-wasm.mjs',
  test: 'node_modules/.bin/tsc -p tsconfig.json --noEmit',
};

/** @type {readonly Change[]} */
export const KEPT = [
  {
    name: 'mean-by-reciprocal',
    what: 'a mean multiplies by 1/n instead of dividing by n',
    file: 'crates/core/src/ops/bag.rs',
    find: '*sum /= divisor',
    replace: '*sum *= 1.0 / divisor',
    suite: cargo('bag'),
  },
  {
    name: 'bag-backwards',
    what: 'the rows of a bag are added from the last one on',
    file: 'crates/core/src/ops/bag.rs',
    find: 'for i in 0..ids.len() {\n            if let Some(&row) = ahead',
    replace: 'for i in (0..ids.len()).rev() {\n            if let Some(&row) = ahead',
    suite: cargo('bag'),
  },
  {
    name: 'bag-max-some-nans',
    what: 'a maximum is searched for NaN in every fourth vector',
    file: 'crates/core/src/ops/bag.rs',
    find: 'any_nan(simd, sums)',
    replace: 'any_nan(simd, [sums[0]; 4])',
    suite: cargo('bag'),
  },
  {
    name: 'bag-backward-last-maximum',
    what: 'the gradient of a maximum goes to the last of equal values',
    file: 'crates/core/src/ops/bag_backward.rs',
    find: 'let greater = (x > *max)',
    replace: 'let greater = (x >= *max)',
    suite: cargo('bag_backward'),
  },
  {
    name: 'bag-backward-mean',
    what: 'the gradient of a mean is multiplied by the weight before it is divided',
    file: 'crates/core/src/ops/bag_backward.rs',
    find: '|i| Scaled(row, weight(i)),',
    replace: '|i| Divided(Scaled(Plain::of(grad), weight(i)), divisor.unwrap_or(1.0)),',
    suite: cargo('bag_backward'),
  },
  {
    name: 'score-shared-order',
    what: 'rows that all rows of x share get their contributions as if each were the first one',
    file: 'crates/core/src/ops/bag_backward.rs',
    find: 'Some(first) => (0, first && b == 0),',
    replace: 'Some(first) => (0, first),',
    suite: cargo('bag_backward'),
  },
  {
    name: 'weights-padding',
    what: 'the weight of padding has a gradient',
    file: 'crates/core/src/ops/bag_backward.rs',
    find: '(true, _) => 0.0,',
    replace: '(true, _) => *out,',
    suite: cargo('bag_backward'),
  },
  {
    name: 'avx2-max-equal',
    what: 'on AVX2, a maximum takes the later of two equal values: +0 for -0',
    file: 'crates/core/src/simd/avx2.rs',
    find: '_CMP_NLE_UQ',
    replace: '_CMP_NLT_UQ',
    suite: cargo('lib'),
  },
  {
    name: 'avx2-mask',
    what: 'on AVX2, a short load or store touches one lane too many',
    file: 'crates/core/src/simd/avx2.rs',
    find: '_mm256_set1_epi32(n as i32)',
    replace: '_mm256_set1_epi32(n as i32 + 1)',
    suite: cargo('lib'),
  },
  {
    name: 'nine-rounds',
    what: 'Philox runs nine rounds',
    file: 'crates/core/src/rng.rs',
    find: 'for _ in 0..10 {',
    replace: 'for _ in 0..9 {',
    suite: cargo('rng'),
  },
  {
    name: 'ln-low-part',
    what: 'a logarithm forgets the low part of ln 2',
    file: 'crates/core/src/math.rs',
    find: 'pub const LN2_LOW: f64 = 1.9082149292705877e-10;',
    replace: 'pub const LN2_LOW: f64 = 0.0;',
    suite: cargo('math'),
  },
  {
    name: 'negative-ids',
    what: 'a negative id of a narrow type passes where the bound is large',
    file: 'crates/core/src/indices.rs',
    find: 'largest.min(u64::from(T::MAX)) as u32',
    replace: 'largest.min(u64::from(u32::MAX)) as u32',
    suite: cargo('indices'),
  },
  {
    name: 'falling-offsets',
    what: 'offsets may fall',
    file: 'crates/core/src/indices.rs',
    find: 'allowed = offset..=n;',
    replace: 'allowed = 0..=n;',
    suite: cargo('indices'),
  },
  {
    name: 'sinusoid-turn',
    what: 'the anchor of a sinusoid stays where it is when a window is cut into tiles',
    file: 'crates/core/src/ops/sinusoid.rs',
    find: 'anchor.set(s, position, cols.clone(), true);',
    replace: `if from == 0 {
                    anchor.set(s, position, cols.clone(), true);
                }`,
    suite: cargo('sinusoid'),
  },
  {
    name: 'non-temporal-row',
    what: 'with non-temporal stores, a row that begins inside a line begins with its second value',
    file: 'crates/core/src/ops/rows.rs',
    find: '(r, col) = (r + 1, 0);',
    replace: '(r, col) = (r + 1, 1.min(width - 1));',
    suite: cargo('tuning'),
  },
  {
    name: 'tail-off-by-one',
    what: 'the last vector of a row leaves its last column out',
    file: 'crates/core/src/simd/mod.rs',
    find: 'let x = value(col, rest.len(), rest);',
    replace: 'let x = value(col, rest.len() - 1, rest);',
    suite: cargo('embed'),
  },
  {
    name: 'wasm-max-equal',
    what: 'on simd128, a maximum takes the later of two equal values: +0 for -0',
    file: 'crates/core/src/simd/simd128.rs',
    find: 'f32x4_le(x, acc)',
    replace: 'f32x4_lt(x, acc)',
    suite: vitest('wasm', 'embedding-bag'),
  },
  {
    name: 'offset-status',
    what: 'a bad offset is reported as a bad id',
    file: 'crates/binding/src/run.rs',
    find: 'prove!(second, cuts.check(ids.len()));\n    let ids',
    replace: 'prove!(first, cuts.check(ids.len()));\n    let ids',
    suite: vitest('native', 'embedding-bag'),
  },
  {
    name: 'first-tile',
    what: 'on WASM, only the first tile of ids is checked',
    file: 'crates/binding/src/arrays.rs',
    find: 'for start in (0..len).step_by(most) {\n            let tile = array',
    replace: 'for start in (0..len).step_by(most).take(1) {\n            let tile = array',
    suite: vitest('wasm', 'tiles'),
  },
  {
    name: 'wasm-bag-pieces',
    what: 'on WASM, a bag of many pieces forgets all but the last one',
    file: 'crates/wasm/src/tiles.rs',
    find: 'bag_extend(exec, pool, ids.tile(part), weights,',
    replace:
      'state = BagState::default();\n                            bag_extend(exec, pool, ids.tile(part), weights,',
    suite: vitest('wasm', 'tiles'),
  },
  {
    name: 'wasm-byte-offset',
    what: 'on WASM, a part of a larger buffer is read from the start of the buffer',
    file: 'crates/wasm/src/border.js',
    find: 'offsetOf.call(array) + start * size',
    replace: '0 * offsetOf.call(array) + start * size',
    suite: vitest('wasm', 'tiles'),
  },
  {
    name: 'wasm-scalar',
    what: 'the WASM is built without simd128',
    file: 'scripts/build-wasm.mjs',
    find: `      '-Ctarget-feature=+simd128',\n`,
    replace: '',
    suite: vitest('wasm', 'node/init-sources'),
  },
  {
    name: 'contract-kind',
    what: 'a binding takes other arrays than the contract says',
    file: 'crates/node/src/lib.rs',
    find: '#[napi(ts_args_type = "table: number, row: number, values: Float32Array")]',
    replace: '#[napi(ts_args_type = "table: number, row: number, values: Float32Array | Float64Array")]',
    suite: TYPES,
  },
  {
    name: 'wrong-class',
    what: 'ragged ids are a RangeError',
    file: 'ts/errors.ts',
    find: `    TypeError,
    'ERR_RAGGED',`,
    replace: `    RangeError,
    'ERR_RAGGED',`,
    suite: vitest('wasm', 'errors'),
  },
  {
    name: 'loads-not-shared',
    what: 'concurrent init calls load twice',
    file: 'ts/backend/module.ts',
    find: 'this.#pending.set(source, loading);',
    replace: 'this.#pending.set(loading, loading);',
    suite: vitest('wasm', 'node/init-sources'),
  },
  {
    name: 'profiler-best',
    what: 'the quickest round is called the median',
    file: 'ts/profiler/rounds.ts',
    find: 'return median(this.rounds);',
    replace: 'return quantile(this.rounds, 0);',
    suite: vitest('wasm', 'profiler-clock'),
  },
  {
    name: 'bench-console',
    what: 'what libraries print is mixed with the results of the command bench',
    file: 'ts/cli/bench.ts',
    find: 'globalThis.console = new Console(process.stderr, process.stderr);',
    replace: 'void Console;',
    suite: vitest('native', 'node/cli-bench'),
  },
  {
    name: 'page-stall',
    what: 'the main thread waits for a second when a figure of the gauge arrives',
    file: 'examples/browser/src/gauge.ts',
    find: 'this.#rates = rates;',
    replace: 'for (const end = performance.now() + 1000; performance.now() < end; ); this.#rates = rates;',
    suite: vitest('page', 'page/stall'),
  },
  {
    name: 'page-narrow',
    what: 'a long line makes the page wider than a phone',
    file: 'examples/browser/style.css',
    find: `.stage {
  display: grid;
  grid-template-columns: minmax(0, 1fr);`,
    replace: `.stage {
  display: grid;`,
    suite: vitest('page', 'page/access'),
  },
  {
    name: 'adagrad-eps',
    what: 'eps of Adagrad is added inside the root',
    file: 'crates/core/src/ops/optimizer.rs',
    find: 'simd.div(g, simd.add(simd.sqrt(sum), eps))',
    replace: 'simd.div(g, simd.sqrt(simd.add(sum, eps)))',
    suite: cargo('optimizer'),
  },
  {
    name: 'momentum-subnormal',
    what: 'momentum may be subnormal',
    file: 'crates/core/src/ops/optimizer.rs',
    find: 'let new = simd.flush(simd.add(simd.mul(mu, simd.load(b)), g));',
    replace: 'let new = simd.add(simd.mul(mu, simd.load(b)), g);',
    suite: cargo('optimizer'),
  },
  {
    name: 'adam-bias',
    what: 'Adam corrects the bias of m alone',
    file: 'crates/binding/src/optimizer.rs',
    find: '1.0 / (1.0 - products[1]).sqrt()',
    replace: '1.0',
    suite: vitest('native', 'optimizers'),
  },
  {
    name: 'adamw-coupled',
    what: 'weight decay of AdamW is coupled, too',
    file: 'crates/binding/src/optimizer.rs',
    find: '(wd > 0.0 && !decoupled)',
    replace: '(wd > 0.0)',
    suite: vitest('native', 'optimizers'),
  },
  {
    name: 'padding-decayed',
    what: 'a step over all rows updates padding',
    file: 'crates/binding/src/optimizer.rs',
    find: 'false => Update::AllBut(training.padding),',
    replace: 'false => Update::AllBut(None),',
    suite: vitest('native', 'optimizers'),
  },
  {
    name: 'shared-twice',
    what: 'a parameter that is listed twice counts twice',
    file: 'ts/optimizers/rule.ts',
    find: 'return [...new Set(list as Parameter[])];',
    replace: 'return list as Parameter[];',
    suite: vitest('native', 'optimizers'),
  },
  {
    name: 'half-a-step',
    what: 'a parameter is updated before there is memory for the next one',
    file: 'ts/optimizers/optimizer.ts',
    find: 'for (const state of stepping) state.reserve();\n    for (const state of stepping) state.update(this.#lr);',
    replace: 'for (const state of stepping) (state.reserve(), state.update(this.#lr));',
    suite: vitest('wasm', 'node/optimizers'),
  },
  {
    name: 'products-lost',
    what: 'a resumed optimizer begins its bias correction again',
    file: 'ts/optimizers/saving.ts',
    find: 'state.product2 = saved.p2;',
    replace: '',
    suite: vitest('native', 'optimizers'),
  },
  {
    name: 'infinity-clipped',
    what: 'gradients of an infinite norm are clipped to 0',
    file: 'ts/optimizers/clip.ts',
    find: '!Number.isFinite(norm) || ',
    replace: '',
    suite: vitest('native', 'optimizers'),
  },
];
