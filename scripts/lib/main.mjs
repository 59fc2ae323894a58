/** Scripts that are both a module and a program. */

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { say } from './progress.mjs';

/**
 * Does `work` if the module at `url` is the program that was started. An error is one message, not a stack: it is
 * about the machine or the sources, not about the script.
 *
 * @param {string} url  `import.meta.url` @param {() => Promise<void>} work
 */
export async function asProgram(url, work) {
  const [, program] = process.argv;
  if (program === undefined || realpathSync(program) !== fileURLToPath(url)) return;
  try {
    await work();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
