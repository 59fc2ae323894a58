/** Support for scripts that are both module and program. */

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { say } from './progress.mjs';

/**
 * Runs `work` if the module at `url` is the main program. Errors are printed without a stack, since they concern the
 * machine or the sources rather than the script.
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
