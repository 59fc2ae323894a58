/** Prints the active backend. */

import { backendInfo } from '../../../dist/index.js';

console.log(JSON.stringify(backendInfo()));
