/** Measures jobs in a separate process. */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endWithUs, environment } from '../../scripts/lib/run.mjs';

const GROUP = fileURLToPath(new URL('group.mjs', import.meta.url));

/**
 * Resolves when the process has ended: to the reason of its failure, or to null.
 *
 * @param {import('./group.mjs').Task} task
 * @param {Record<string, string>} env  the settings of tokenbed; all others are unset
 * @param {readonly string[]} flags  of Node
 * @param {(message: any) => void} take  gets each message of `group.mjs`
 * @returns {Promise<string | null>}
 */
export function measureApart(task, env, flags, take) {
  return new Promise((resolve) => {
    const child = fork(GROUP, [], {
      env: environment({
        TOKENBED_THREADS: undefined,
        TOKENBED_ISA: undefined,
        TOKENBED_TUNING: undefined,
        TOKENBED_BACKEND: undefined,
        ...env,
      }),
      execArgv: [...flags],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    endWithUs(child);
    child.on('message', take);
    child.once('exit', (code, signal) =>
      resolve(code === 0 ? null : `its process ended with ${signal ?? code}`),
    );
    child.send(task);
  });
}
