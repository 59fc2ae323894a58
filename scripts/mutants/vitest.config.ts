/** The suite for mutation tests: Stryker runs it in worker threads, which take no flags of V8. */

import { defineConfig } from 'vitest/config';
import { inNode } from '../../vitest.config.js';

const { TOKENBED_MUTANTS_PROJECT: project, TOKENBED_MUTANTS_TESTS: tests = '*' } = process.env;
const { resolve, test } = inNode(project === 'wasm' ? 'wasm' : 'native');
const include = tests.split(',').map((name) => `test/${name}.test.ts`);

export default defineConfig({ resolve, test: { ...test, include, execArgv: [] } });
