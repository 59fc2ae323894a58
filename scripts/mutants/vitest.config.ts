/** The suite for mutation tests: Stryker runs it in worker threads, which take no flags of V8. */

import { defineConfig } from 'vitest/config';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { inNode } from '../../vitest.config.js';

const { TOKENBED_MUTANTS_PROJECT: project, TOKENBED_MUTANTS_TESTS: tests = '*' } = process.env;
const { resolve, test } = inNode(project === 'wasm' ? 'wasm' : 'native');
const include = tests.split(',').map((name) => `test/${name}.test.ts`);

// Stryker's own setup file activates a mutant: before the library is loaded, in the order of the list.
const sequence = { setupFiles: 'list' as const };

let vitest: Vitest;

/** Stryker looks at tests and at unhandled errors. A file that cannot be loaded has no tests, so it becomes an error. */
const reporter: Reporter = {
  onInit(started) {
    vitest = started;
  },
  onTestModuleEnd(module: TestModule) {
    for (const error of module.errors()) vitest.state.catchError(error, 'Unhandled Error');
  },
};

export default defineConfig({
  resolve,
  test: { ...test, include, sequence, execArgv: [], reporters: [reporter] },
});
