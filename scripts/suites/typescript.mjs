/** Static checks of TypeScript and JavaScript: types, lint, format. */

import { run } from '../lib/run.mjs';
import { checks } from '../lib/suite.mjs';

const bin = (/** @type {string} */ name) => `node_modules/.bin/${name}`;

export function types() {
  return checks([
    ['the library: tsc -p tsconfig.json', () => run(bin('tsc'), ['-p', 'tsconfig.json', '--noEmit'])],
    [
      'tests, examples, scripts: tsc -p tsconfig.test.json',
      () => run(bin('tsc'), ['-p', 'tsconfig.test.json']),
    ],
    [
      'the page: tsc -p examples/browser/tsconfig.json',
      () => run(bin('tsc'), ['-p', 'examples/browser/tsconfig.json']),
    ],
    ['the bench: tsc -p bench/tsconfig.json', () => run(bin('tsc'), ['-p', 'bench/tsconfig.json'])],
  ]);
}

export function lint() {
  return checks([
    ['oxlint', () => run(bin('oxlint'), ['--deny-warnings'])],
    ['oxfmt --check', () => run(bin('oxfmt'), ['--check'])],
  ]);
}
