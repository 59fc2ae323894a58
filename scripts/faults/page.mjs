/** Faults of the page in examples/browser, which its tests in Chromium must notice. */

import { vitest } from './commands.mjs';

const SOURCES = 'examples/browser/src';

/** @type {readonly import('./list.mjs').Fault[]} */
export const PAGE_FAULTS = [
  {
    name: 'page-scale',
    what: 'the page embeds without the scale that it tells Node of',
    file: `${SOURCES}/work/embed.ts`,
    find: '{ scale: true, maxSeqLength: CONTEXT }',
    replace: '{ maxSeqLength: CONTEXT }',
    look: vitest('page', 'page/bits'),
  },
  {
    name: 'page-all-chips',
    what: 'every token of a long text becomes an element',
    file: `${SOURCES}/tokens.ts`,
    find: 'export const PAGE = 256;',
    replace: 'export const PAGE = 1_000_000;',
    look: vitest('page', 'page/bits'),
  },
  {
    name: 'page-stall',
    what: 'the main thread waits for a second when a figure of the gauge arrives',
    file: `${SOURCES}/gauge.ts`,
    find: 'this.#rates = rates;',
    replace: 'for (const end = performance.now() + 1000; performance.now() < end; ); this.#rates = rates;',
    look: vitest('page', 'page/stall'),
  },
  {
    name: 'page-gauge-answer',
    what: 'plain JavaScript does less work than the library beside it',
    file: `${SOURCES}/work/plain-js.ts`,
    find: 'Math.fround(table[from++]! * factor) + positions[at++]!',
    replace: 'table[from++]! + positions[at++]!',
    look: vitest('page', 'page/stall'),
  },
  {
    name: 'page-policy',
    what: 'the policy lets the page evaluate text',
    file: 'examples/browser/index.html',
    find: "script-src 'self' 'wasm-unsafe-eval'",
    replace: "script-src 'self' 'unsafe-eval'",
    look: vitest('page', 'page/folder'),
  },
  {
    name: 'page-absolute',
    what: 'the page works only at the root of its server',
    file: 'examples/browser/vite.config.ts',
    find: "base: './'",
    replace: "base: '/'",
    look: vitest('page', 'page/folder'),
  },
  {
    name: 'page-label',
    what: 'a field has no label',
    file: 'examples/browser/index.html',
    find: '<label for="seed">',
    replace: '<label>',
    look: vitest('page', 'page/access'),
  },
  {
    name: 'page-focus',
    what: 'nobody sees where the keyboard is',
    file: 'examples/browser/style.css',
    find: 'outline: 3px solid var(--accent);',
    replace: 'outline: none;',
    look: vitest('page', 'page/access'),
  },
  {
    name: 'page-narrow',
    what: 'a long line makes the page wider than a phone',
    file: 'examples/browser/style.css',
    find: '.stage {\n  display: grid;\n  grid-template-columns: minmax(0, 1fr);',
    replace: '.stage {\n  display: grid;',
    look: vitest('page', 'page/access'),
  },
];
