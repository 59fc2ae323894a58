/**
 * The rules of ARCHITECTURE.md that neither a crate's border nor a lint can hold: they lie between modules of one
 * crate, or in code that this machine does not compile. Read from the text, without comments and strings.
 *
 * The others: `.oxlintrc.json` (imports in ts/), `.clippy.toml` and the workspace's lints (`unsafe`, fused arithmetic).
 */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Rust without comments and without the contents of strings, line by line as before. */
const code = (text: string): string =>
  text.replaceAll(/\/\/.*|"(?:\\[^]|[^"\\])*"/g, (found) =>
    found.startsWith('"') ? `"${found.replaceAll(/[^\n]/g, '')}"` : '',
  );

const CRATES = await readdir(path.join(root, 'crates'));
const sources = new Map<string, string>();
for (const file of await readdir(path.join(root, 'crates'), { recursive: true }))
  if (/^\w+\/src\/.*\.rs$/.test(file))
    sources.set(file, code(await readFile(path.join(root, 'crates', file), 'utf8')));

const files = (pattern: RegExp): string[] => [...sources.keys()].filter((file) => pattern.test(file));

/** The lines, as `file: line`, in which `pattern` matches. */
function lines(pattern: RegExp, among: readonly string[] = files(/./)): string[] {
  const all = among.flatMap((file) =>
    sources
      .get(file)!
      .split('\n')
      .map((line) => [file, line.trim()] as const),
  );
  return all.filter(([, line]) => pattern.test(line)).map((match) => match.join(': '));
}

/** What a module of the core may name of the crate, besides itself. Modules that are not listed may name any. */
const BELOW: Record<string, readonly string[]> = {
  math: [],
  rng: [],
  turn: [],
  dtype: [],
  simd: [],
  error: [],
  memory: ['dtype', 'error'],
  indices: ['error', 'simd'],
  tuning: ['simd', 'memory'],
  output: ['memory'],
  row: ['simd', 'dtype', 'table'],
  expr: ['row', 'simd'],
  ops: ['expr', 'row', 'simd', 'table', 'tuning', 'indices', 'output', 'window', 'math', 'rng', 'turn'],
};

/** What `crate::` and `super::` lead to: `crate::{a::b, c::{d, e}}` to a and c. */
function modules(text: string): string[] {
  const paths = text.matchAll(/\b(?:crate|(?:super::)*super)::\s*(\{[^;]*|\w+)/g);
  return [...paths].flatMap(([, found]) => {
    const inner = found!.replaceAll(/::\s*\{[^{}]*\}/g, '').replaceAll(/::\s*\{[^{}]*\}/g, '');
    return [...inner.matchAll(/(?:^|[{,])\s*(\w+)/g)].map(([, name]) => name!);
  });
}

test.each(Object.entries(BELOW))('core: %s names no module above it', (name, below) => {
  const own = files(new RegExp(`^core/src/${name}(/|\\.rs$)`));
  expect(own).not.toEqual([]);
  const named = own.flatMap((file) => modules(sources.get(file)!));
  const above = named.filter(
    (used) => files(new RegExp(`^core/src/${used}(/|\\.rs$)`)).length > 0 && used !== name,
  );
  expect(above.filter((used) => !below.includes(used))).toEqual([]);
});

test('modules are found in every form of a path', () => {
  expect(modules('use crate::{simd::Simd, ops::{gather, bag}, row};')).toEqual(['simd', 'ops', 'row']);
  expect(modules('$crate::ops::gather(super::super::row::Row)')).toEqual(['ops', 'row']);
});

test('the target is named in simd/mod.rs alone', () => {
  const target = /\btarget_(arch|pointer_width)\b|\btarget_feature\s*=|\bcfg!|_feature_detected!/;
  expect(lines(target, files(/^(?!core\/src\/simd\/mod\.rs$)/))).toEqual([]);
});

test('intrinsics are named in simd/ alone, and by the allocator', () => {
  expect(lines(/\b(std|core)::arch\b/, files(/^(?!core\/src\/simd\/|wasm\/src\/heap\.rs$)/))).toEqual([]);
});

test('nothing multiplies and adds with one rounding', () => {
  // Clippy sees only what is compiled for this machine.
  expect(lines(/mul_add|fn?m(add|sub)|relaxed_|\bv(fma|fms|mla|mls)/)).toEqual([]);
});

test('a dtype decides in dtype.rs and row/mod.rs alone', () => {
  const variant = String.raw`\bDType::\w+`;
  const pattern = `${variant}.*=>|[!=]= *(\\w+::)*${variant}|${variant} *[!=]=|(matches!.*|\\blet [^=]*)${variant}|use .*DType::`;
  expect(lines(new RegExp(pattern), files(/^(?!core\/src\/(dtype|row\/mod)\.rs$)/))).toEqual([]);
});

test('an operation names neither a dtype nor an instruction set, a row no instruction set', () => {
  expect(lines(/\b(avx2|avx512|neon|simd128|scalar)\b/i, files(/^core\/src\/(ops|row)\//))).toEqual([]);
  // An input, and the second table of an operation, are f32: code grows with the number of dtypes, not its square.
  const second = /^core\/src\/ops\/(?!(position|rotary)\.rs)/;
  expect(lines(/\bDType\b|\b(F32|F16|BF16|I8|I4)\w*Row\b/, files(second))).toEqual([]);
});

test('a binding loops over the parts of a call alone', () => {
  const loops =
    /\bfor .* in (?!.*(\b(windows|pieces|rows|step_by)\(|\.rows\b))|\b(while|loop) |\.(for_each|fold|sum)\(/;
  expect(lines(loops, files(/^(node|wasm)\/|^binding\/src\/(arrays|run|whole)\./))).toEqual([]);
});

test.each(CRATES)(
  '%s has the lints of the workspace; the core depends on libc alone, the formats on nothing',
  async (name) => {
    const manifest = await readFile(path.join(root, `crates/${name}/Cargo.toml`), 'utf8');
    expect(manifest).toMatch(/^\[lints\]\nworkspace = true$/m);
    const packages = /^\[(?:target\..*\.)?(?:build-)?dependencies\]\n((?:.+\n)*)/m.exec(manifest)?.[1];
    if (name === 'core') expect(packages).toBe('libc = "0.2"\n');
    if (name === 'formats') expect(packages).toBeUndefined();
  },
);
