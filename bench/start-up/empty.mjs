/** What a process takes without the package: `node empty.mjs`. */

process.exitCode = 0;
