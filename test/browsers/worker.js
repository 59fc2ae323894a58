/** Runs the program in a worker. */

import { outcome } from './program.js';

addEventListener('message', async ({ data: { entry, dist } }) => postMessage(await outcome(entry, dist)));
