/**
 * Mutation tests: changes the sources in one small way after another and expects a test to fail.
 *
 *   npm run test:mutants -- FILE... [--tests NAME,...] [--project native|wasm]
 *   npm run test:mutants -- --kept [NAME...]    the changes of scripts/mutants/kept.mjs
 *
 * Stryker mutates .ts files, cargo-mutants the core. The bindings have no tests in Rust: cargo-mutants lists their
 * mutants, and each is built and tested by vitest. `--tests` limits the tests to targets of `cargo test` or files of
 * test/. Everything happens in copies under .cache/mutants/. A run that was interrupted continues after the last
 * mutant (Rust) or file (TypeScript).
 *
 * test/mutants/ has one record per source. Below a surviving mutant, indented lines explain it. The exit code is 1
 * while a survivor has no explanation.
 */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './build-ts.mjs';
import { asProgram } from './lib/main.mjs';
import { say } from './lib/progress.mjs';
import { must, root } from './lib/run.mjs';
import { unlessFresh, writeWhole } from './lib/stamp.mjs';
import { vitest } from './mutants/kept.mjs';
import { binding, cache, copyTree, core, kept, onOutput, read, slug } from './mutants/rust.mjs';
import { setUp } from './setup.mjs';

/** Stryker builds all mutants of a file into one bundle and activates one at a time. @param {string} file @param {string} project @param {string} [tests] @returns {Promise<import('./mutants/rust.mjs').Mutant[]>} */
async function typescript(file, project, tests) {
  const inputs = ['package.json', 'package-lock.json'].map((name) => `scripts/mutants/${name}`);
  await unlessFresh({ name: 'mutants', inputs, outputs: ['scripts/mutants/node_modules'] }, async () => {
    const args = [
      'ci',
      '--ignore-scripts',
      '--legacy-peer-deps',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
    ];
    await must('npm', args, { cwd: path.join(root, 'scripts/mutants') });
  });
  const args = ['run', 'scripts/mutants/stryker.json', '--mutate', file];
  args.push('--incrementalFile', path.join(cache, 'ts', `${slug(file)}.json`));
  const env = { TOKENBED_MUTANTS_PROJECT: project, TOKENBED_MUTANTS_TESTS: tests };
  await must('scripts/mutants/node_modules/.bin/stryker', args, { env, onOutput });
  const { source, mutants } = JSON.parse(await read(path.join(cache, 'ts.json'))).files[file];
  /** @type {Record<string, import('./mutants/rust.mjs').Verdict>} */
  const verdicts = {
    Killed: 'killed',
    RuntimeError: 'killed',
    Timeout: 'timeout',
    Survived: 'survived',
    NoCoverage: 'survived',
  };
  const lines = source.split('\n');
  return mutants.map((/** @type {{ location: any, replacement: string, status: string }} */ mutant) => {
    const { start, end } = mutant.location;
    const old = lines[start.line - 1].slice(
      start.column - 1,
      start.line === end.line ? end.column - 1 : undefined,
    );
    const what = `replace ${old} with ${mutant.replacement.replaceAll(/\s+/g, ' ')}`;
    return { line: start.line, what, verdict: verdicts[mutant.status] ?? 'unviable' };
  });
}

/** Writes the record of a file; tells how many survivors it does not explain. @param {string} file @param {readonly import('./mutants/rust.mjs').Mutant[]} mutants */
async function record(file, mutants) {
  const place = path.join(root, 'test/mutants', `${slug(file)}.txt`);
  const known = new Map(
    [...(await read(place)).matchAll(/^- (.*)\n((?: .*\n)*)/gm)].map(([, key, why]) => [key, why]),
  );
  const lines = (await read(path.join(root, file))).split('\n');
  const counts = ['killed', 'timeout', 'unviable', 'survived']
    .map((verdict) => `${mutants.filter((mutant) => mutant.verdict === verdict).length} ${verdict}`)
    .join(', ');
  const survivors = mutants.filter(({ verdict }) => verdict === 'survived');
  const keys = [...new Set(survivors.map(({ line, what }) => `${what}: ${lines[line - 1]?.trim()}`))];
  const entries = keys.map((key) => `- ${key}\n${known.get(key) ?? ''}`);
  await writeWhole(place, `${file}: ${mutants.length} mutants: ${counts}\n${entries.join('')}`);
  const open = keys.filter((key) => !known.get(key));
  say([`${file}: ${counts}`, ...open.map((key) => `  not explained: ${key}`)].join('\n'));
  return open.length;
}

async function main() {
  const string = { type: /** @type {const} */ ('string') };
  const boolean = { type: /** @type {const} */ ('boolean') };
  const options = { tests: string, project: string, kept: boolean, bundle: boolean };
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  // In Stryker's copy of the sources.
  if (values.bundle) return bundle(path.join(root, '.cache/glue'), path.join(root, 'dist'));
  await setUp();
  await copyTree();
  let open = values.kept ? await kept(positionals) : 0;
  const list = values.kept
    ? { stdout: '' }
    : await must('git', ['ls-files', '-co', '--exclude-standard', ...positionals]);
  for (const file of list.stdout
    .split('\n')
    .filter((name) => /^(ts|crates\/\w+\/src)\/.*\.(rs|ts)$/.test(name))) {
    const project = values.project ?? (file.includes('wasm') ? 'wasm' : 'native');
    const found = file.endsWith('.ts')
      ? typescript(file, project, values.tests)
      : /^crates\/(binding|node|wasm)\//.test(file)
        ? binding(file, vitest(project, values.tests))
        : core(file, values.tests);
    open += await record(file, await found);
  }
  process.exitCode = Math.sign(open);
}

await asProgram(import.meta.url, main);
