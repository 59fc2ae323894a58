/** Prints the active backend. */

import { backendInfo } from '../../../dist/index.mjs';

console.log(JSON.stringify(backendInfo()));
