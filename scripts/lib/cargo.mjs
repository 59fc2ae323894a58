/** What both Rust builds share: flags, and the facts that decide whether a product is still that of its sources. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { must, root } from './run.mjs';

/** @returns {string} where cargo keeps its caches and configuration */
export const cargoHome = () => process.env['CARGO_HOME'] ?? path.join(homedir(), '.cargo');

/** The sources that every Rust product depends on. */
export const RUST_INPUTS = [
  'Cargo.toml',
  'Cargo.lock',
  '.cargo/config.toml',
  'crates/core/Cargo.toml',
  'crates/core/src',
  'crates/binding',
];

/**
 * Compiler flags under which no path of this machine ends up in a product: panic messages name source files.
 * The last matching prefix wins, so the wider ones come first.
 *
 * @param {string} sysroot  of the toolchain in use: where rust-src is installed, std's own paths are rewritten to it
 */
function remap(sysroot) {
  const prefixes = [
    [homedir(), '/home'],
    [cargoHome(), '/cargo'],
    [root, '/tokenbed'],
    [path.join(sysroot, 'lib/rustlib/src/rust'), '/rustc'],
  ];
  return prefixes.map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
}

/**
 * The environment of a release build, and what its stamp must remember of it.
 *
 * @param {{ flags?: string[], toolchain?: string }} [options]  `toolchain`: a value for RUSTUP_TOOLCHAIN
 */
export async function releaseBuild({ flags = [], toolchain } = {}) {
  const rustc =
    toolchain && existsSync(path.join(toolchain, 'bin/rustc')) ? path.join(toolchain, 'bin/rustc') : 'rustc';
  const [version, sysroot] = await Promise.all([must(rustc, ['-vV']), must(rustc, ['--print', 'sysroot'])]);
  const all = [...flags, ...remap(sysroot.stdout.trim())];
  return {
    env: {
      CARGO_ENCODED_RUSTFLAGS: all.join('\u001f'), // takes the place of .cargo/config.toml's rustflags
      ...(toolchain ? { RUSTUP_TOOLCHAIN: toolchain } : {}),
    },
    facts: [version.stdout, ...all],
  };
}
