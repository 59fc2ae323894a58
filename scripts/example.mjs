/**
 * Sets up and runs one of the examples.
 *
 *   npm run example                   lists the examples
 *   npm run example NAME              sets up, compiles or installs, and starts it
 *   npm run example NAME -- --check   the same, but runs its CI check
 *   npm run example NAME -- --full    the same on all data, which is downloaded (word-vectors)
 *   npm run example NAME -- FILE      the same with a file of yours (word2vec)
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { EXAMPLES } from './examples/list.mjs';
import { compile, install, missing, program } from './examples/prepare.mjs';
import { asProgram } from './lib/main.mjs';
import { say, step } from './lib/progress.mjs';
import { endWithUs, environment, Failed, root } from './lib/run.mjs';
import { setUp } from './setup.mjs';

async function main() {
  const [name, option, ...rest] = process.argv.slice(2);
  const example = EXAMPLES.find((each) => each.name === name);
  const full = option === '--full' ? example?.full : undefined;
  const file = example?.takesFile && option !== undefined && !option.startsWith('-') ? option : undefined;
  const known = option === undefined || option === '--check' || full !== undefined || file !== undefined;
  if (example === undefined || rest.length > 0 || !known) {
    say('npm run example NAME [-- --check | -- --full | -- FILE]');
    for (const each of EXAMPLES) say(`  ${each.name.padEnd(18)} ${each.shows}`);
    if (name !== undefined) process.exitCode = 2;
    return;
  }
  await setUp();
  const reason = await missing(example);
  if (reason !== undefined) throw new Error(reason);
  if (example.project) await step('Installing dependencies', '10 s', () => install(example));
  else {
    const result = await compile();
    if (result.code !== 0) throw new Failed('compiling the examples', result);
  }
  const { prepare, start, check } = example;
  const main = full ?? [option === '--check' ? check : (start ?? check)];
  // npm runs this script in the project folder and keeps the caller's.
  const args = file === undefined ? [] : [path.resolve(process.env['INIT_CWD'] ?? '.', file)];
  for (const line of prepare ?? []) await show(line, example);
  for (const line of main) await show(line, example, args);
}

/**
 * Runs a command in this terminal, with more arguments.
 *
 * @param {string} line @param {import('./examples/list.mjs').Example} example @param {string[]} [more]
 */
async function show(line, example, more = []) {
  say(`\n$ ${[line, ...more].join(' ')}`);
  const [file, args] = await program(line, example);
  const child = spawn(file, [...args, ...more], { cwd: root, env: environment(), stdio: 'inherit' });
  endWithUs(child);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`exit code ${code}`);
}

await asProgram(import.meta.url, main);
