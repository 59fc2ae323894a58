/** What both Rust builds share: flags, and the inputs that determine whether a product is up to date. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { must, root } from './run.mjs';

/** @returns {string} the folder of cargo's caches and configuration */
export const cargoHome = () => process.env['CARGO_HOME'] ?? path.join(homedir(), '.cargo');

/** The inputs of every Rust product. */
export const RUST_INPUTS = [
  'Cargo.toml',
  'Cargo.lock',
  '.cargo/config.toml',
  'crates/core/Cargo.toml',
  'crates/core/src',
  'crates/binding',
  'crates/formats/Cargo.toml',
  'crates/formats/src',
  'crates/text/Cargo.toml',
  'crates/text/src',
];

/**
 * Compiler flags that keep local paths out of the products, since panic messages contain source paths. The last matching
 * prefix wins, so more general ones come first.
 *
 * @param {string} sysroot  the sysroot of the toolchain; if rust-src is installed, std's paths point there
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
 * The environment of a release build, and the settings that its stamp must include.
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
      CARGO_ENCODED_RUSTFLAGS: all.join('\u001f'), // replaces the rustflags of .cargo/config.toml
      ...(toolchain ? { RUSTUP_TOOLCHAIN: toolchain } : {}),
    },
    settings: [version.stdout, ...all],
  };
}
