/** The suite for mutation tests: Stryker runs it in worker threads, which take no flags of V8. */

import { defineConfig } from 'vitest/config';
import { inNode } from '../../vitest.config.js';

const { TOKENBED_MUTANTS_PROJECT: project, TOKENBED_MUTANTS_TESTS: tests = '*' } = process.env;
const { resolve, test } = inNode(project === 'wasm' ? 'wasm' : 'native');
const include = tests.split(',').map((name) => `test/${name}.test.ts`);

// Stryker's own setup file activates a mutant: before the library is loaded, in the order of the list.
const sequence = { setupFiles: 'list' as const };

const setupFiles = ['scripts/mutants/setup.ts', ...test.setupFiles];

export default defineConfig({ resolve, test: { ...test, include, setupFiles, sequence, execArgv: [] } });
