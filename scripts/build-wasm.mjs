/**
 * crates/wasm -> dist/core.wasm, crates/text-wasm -> dist/text.wasm, their types in dist/wasm/, and .cache/glue/, which
 * scripts/build-ts.mjs bundles.
 *
 *   node scripts/build-wasm.mjs             the published modules
 *   node scripts/build-wasm.mjs --faults    with `__panic`, for tests of caught traps, in .cache/faults/wasm/ and glue/
 *
 * wasm-pack writes to a staging folder. Its glue code keeps one instance in module variables; scripts/wasm-glue.mjs turns
 * it into a factory. Skipped if no input has changed.
 */

import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { releaseBuild, RUST_INPUTS } from './lib/cargo.mjs';
import { asProgram } from './lib/main.mjs';
import { say, step } from './lib/progress.mjs';
import { must, root } from './lib/run.mjs';
import { unlessFresh } from './lib/stamp.mjs';

/** The toolchain with wasm32-unknown-unknown: a value for RUSTUP_TOOLCHAIN, or '' for the default toolchain. */
export async function wasmToolchain() {
  return (await must('bash', ['scripts/setup-wasm-std.sh'])).stdout.trim();
}

/**
 * The modules: the crate, the files that the glue consists of, flags of the compiler and options of cargo.
 *
 * @type {import('./wasm-glue.mjs').WasmModule[]}
 */
const MODULES = [
  {
    crate: 'wasm',
    name: 'tokenbed_wasm',
    file: 'core.wasm',
    glue: 'wasm-glue',
    inline: 'core-inline',
    // Kernels are always inlined. Elsewhere, the usual 275 makes the module larger and no kernel faster.
    flags: ['-Cllvm-args=-inline-threshold=50'],
  },
  {
    crate: 'text-wasm',
    name: 'tokenbed_text_wasm',
    file: 'text.wasm',
    glue: 'text-glue',
    // It reads megabytes of JSON. core.wasm reads short headers, and has no room for the faster code.
    cargo: ['--config', 'profile.release.package.tokenbed-formats.opt-level=3'],
  },
];

/** @param {{ faults?: boolean }} [options] */
export async function buildWasm({ faults = false } = {}) {
  for (const module of MODULES) await buildModule(module, faults);
}

/** @param {import('./wasm-glue.mjs').WasmModule} module @param {boolean} faults */
async function buildModule(module, faults) {
  const { crate, file } = module;
  const [product, glue] = faults ? ['.cache/faults/wasm', '.cache/faults/glue'] : ['dist', '.cache/glue'];
  const name = faults ? `${crate}-faults` : crate;
  const staging = path.join(root, '.cache/build', name);
  const { env, settings } = await releaseBuild({
    // As in .cargo/config.toml.
    flags: [
      '-Ctarget-feature=+simd128',
      '--cfg=sha2_backend="soft"',
      '--cfg=sha2_backend_soft="compact"',
      ...(module.flags ?? []),
    ],
    toolchain: await wasmToolchain(),
  });
  const inputs = [
    ...RUST_INPUTS,
    `crates/${crate}`,
    'scripts/build-wasm.mjs',
    'scripts/lib/cargo.mjs',
    'scripts/wasm-glue.mjs',
  ];
  const outputs = [
    `${product}/${file}`,
    `${product}/wasm/${module.name}.d.ts`,
    `${glue}/backend/${module.glue}.js`,
  ];
  const built = await unlessFresh({ name, inputs, outputs, settings }, () =>
    step(`Building ${file}${faults ? ' for fault tests' : ''}`, '15 s', async () => {
      await rm(staging, { recursive: true, force: true });
      const tools = path.join(process.env['TOKENBED_TOOLS'] ?? path.join(root, '.cache/cargo-tools'), 'bin');
      const bins = path.join(root, 'node_modules/.bin'); // wasm-opt
      await must(
        'wasm-pack',
        [
          'build',
          `crates/${crate}`,
          '--mode',
          'no-install',
          '--release',
          '--target',
          'web',
          '--no-pack',
          '--out-dir',
          staging,
          '--',
        ].concat(module.cargo ?? [], faults ? ['--features', 'faults'] : []),
        {
          env: {
            ...env,
            CARGO_TARGET_DIR: path.join(root, 'target/wasm'),
            PATH: [tools, bins, process.env['PATH']].join(path.delimiter),
          },
        },
      );
      await rm(path.join(staging, '.gitignore'), { force: true }); // it would exclude everything from the npm tarball
      await mkdir(path.join(root, product), { recursive: true });
      const { writeGlue } = await import('./wasm-glue.mjs'); // imported late, because npm ci may just have installed its dependencies
      await writeGlue(module, staging, path.join(root, product), path.join(root, glue));
    }),
  );
  if (!built) say(`- ${product}/${file} is up to date`);
}

await asProgram(import.meta.url, () => buildWasm({ faults: process.argv.includes('--faults') }));
