/** The suites run by cargo: tests, vectors, clippy, rustfmt. */

import path from 'node:path';
import { wasmToolchain } from '../build-wasm.mjs';
import { say } from '../lib/progress.mjs';
import { root, run } from '../lib/run.mjs';
import { checks, command, showInstructionSets } from '../lib/suite.mjs';

/**
 * `cargo test`: the sum of its `test result:` lines. Ignored tests count as failed. Uses the release profile without LTO,
 * so that kernels are compiled as published, with a fast link.
 *
 * @returns {Promise<import('../lib/suite.mjs').Outcome>}
 */
export async function rustTests() {
  say(
    '  more of the fuzzers NOT RUN: npm run fuzz -- 300 and npm run fuzz:text -- 300 mutate files for minutes; the kept corpora are read here',
  );
  const packages = ['core', 'formats', 'text', 'text-reference', 'binding', 'vectors'];
  const args = ['test', '--release', '--no-fail-fast'].concat(
    packages.flatMap((name) => ['-p', `tokenbed-${name}`]),
  );
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
  if (code !== 0 && failed === 0) failed = 1; // it did not compile, or a signal ended a process
  showInstructionSets(output);
  return { passed, failed, details: failed > 0 ? output : '' };
}

/** Checks that test/vectors/ matches the reference. The Python libraries that made the golden files are not installed. */
export function vectors() {
  say('  torch and gguf NOT RUN: test/vectors/golden/rows.py makes the golden bytes with them, by hand');
  say(
    '  numpy, safetensors, gensim and gguf NOT RUN: test/vectors/golden/files.py makes the golden files, by hand',
  );
  return command(
    'vectors --check',
    'cargo',
    ['run', '--release', '-q', '-p', 'tokenbed-vectors', '--', '--check'],
    {
      env: { CARGO_PROFILE_RELEASE_LTO: 'off', CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16' },
    },
  );
}

/** clippy and rustfmt. The WASM crates are linted for their target if that toolchain has clippy. */
export function rustLint() {
  const strict = ['--', '-D', 'warnings'];
  return checks([
    ['cargo fmt --check', () => run('cargo', ['fmt', '--all', '--check'])],
    ['cargo clippy', () => run('cargo', ['clippy', '-q', '--all-targets', ...strict])],
    // The crates of the benchmark are separate workspaces.
    ...['bench/naive', 'bench/instructions'].map((cwd) => {
      const options = { cwd: path.join(root, cwd) };
      return /** @type {const} */ ([
        `cargo fmt --check in ${cwd}`,
        () => run('cargo', ['fmt', '--all', '--check'], options),
      ]);
    }),
    [
      'the WASM crates for their target',
      async () => {
        const toolchain = await wasmToolchain();
        const target = [
          '-p',
          'tokenbed-wasm',
          '-p',
          'tokenbed-text-wasm',
          '--target',
          'wasm32-unknown-unknown',
          '--target-dir',
          'target/wasm',
        ];
        if (toolchain === '') return run('cargo', ['clippy', '-q', ...target, ...strict]);
        say(
          '  clippy for wasm32 NOT RUN: the toolchain built from Debian packages has no clippy; rustc warnings are errors',
        );
        const flags = ['-Ctarget-feature=+simd128', '-Dwarnings'].join('\u001f');
        const env = { RUSTUP_TOOLCHAIN: toolchain, CARGO_ENCODED_RUSTFLAGS: flags };
        return run('cargo', ['check', '-q', ...target], { env });
      },
    ],
  ]);
}
