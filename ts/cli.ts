/** The program `tokenbed`. */

import { main } from './cli/main.js';

async function run(): Promise<void> {
  process.exitCode = await main(process.argv.slice(2));
}

void run();
