/** Prints which backend answers. */

import { backendInfo } from '../../../dist/index.js';

console.log(JSON.stringify(backendInfo()));
