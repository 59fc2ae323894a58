/** Everything that cargo checks: the tests, the vectors, clippy, rustfmt. */

import path from 'node:path';
import { wasmToolchain } from '../build-wasm.mjs';
import { say } from '../lib/progress.mjs';
import { root, run } from '../lib/run.mjs';
import { checks, command, showInstructionSets } from '../lib/suite.mjs';

/**
 * `cargo test`: the sum of its `test result:` lines; an ignored test counts as failed.
 * The release profile without its slow link: the kernels are compiled as they ship.
 *
 * @returns {Promise<import('../lib/suite.mjs').Outcome>}
 */
export async function rustTests() {
  const args = ['test', '--release', '--no-fail-fast', '-p', 'tokenbed-core'].concat([
    '-p',
    'tokenbed-binding',
    '-p',
    'tokenbed-vectors',
  ]);
  const { code, output } = await run('cargo', [...args, '--', '--show-output'], {
    env: {
      CARGO_PROFILE_RELEASE_LTO: 'off',
      CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
      CARGO_TERM_COLOR: 'never',
    },
  });
  let passed = 0;
  let failed = 0;
  for (const [, ok, bad, ignored] of output.matchAll(
    /^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored/gm,
  )) {
    passed += Number(ok);
    failed += Number(bad) + Number(ignored);
  }
  if (code !== 0 && failed === 0) failed = 1; // it did not compile, or a process was ended by a signal
  showInstructionSets(output);
  return { passed, failed, details: failed > 0 ? output : '' };
}

/** The vectors under test/vectors/ are what the reference computes. */
export function vectors() {
  return command(
    'vectors --check',
    'cargo',
    ['run', '--release', '-q', '-p', 'tokenbed-vectors', '--', '--check'],
    {
      env: { CARGO_PROFILE_RELEASE_LTO: 'off', CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16' },
    },
  );
}

/** clippy and rustfmt. The WASM crate is linted on its own target, where the toolchain that has it brings clippy. */
export function rustLint() {
  const strict = ['--', '-D', 'warnings'];
  return checks([
    ['cargo fmt --check', () => run('cargo', ['fmt', '--all', '--check'])],
    ['cargo clippy', () => run('cargo', ['clippy', '-q', '--all-targets', ...strict])],
    // The bench's crates are workspaces of their own.
    ...['bench/naive', 'bench/instructions'].map((cwd) => {
      const options = { cwd: path.join(root, cwd) };
      return /** @type {const} */ ([
        `cargo fmt --check in ${cwd}`,
        () => run('cargo', ['fmt', '--all', '--check'], options),
      ]);
    }),
    [
      'the WASM crate on its target',
      async () => {
        const toolchain = await wasmToolchain();
        const target = [
          '-p',
          'tokenbed-wasm',
          '--target',
          'wasm32-unknown-unknown',
          '--target-dir',
          'target/wasm',
        ];
        if (toolchain === '') return run('cargo', ['clippy', '-q', ...target, ...strict]);
        say(
          '  clippy for wasm32 NOT RUN: its toolchain, built from Debian packages, has none; warnings of rustc are errors',
        );
        const flags = ['-Ctarget-feature=+simd128', '-Dwarnings'].join('\u001f');
        const env = { RUSTUP_TOOLCHAIN: toolchain, CARGO_ENCODED_RUSTFLAGS: flags };
        return run('cargo', ['check', '-q', ...target], { env });
      },
    ],
  ]);
}
