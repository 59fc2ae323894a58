/**
 * One suite, three places: the same test/*.test.ts run on the native backend, on WASM in Node, and on WASM in a
 * real headless Chromium. Which backend a test was given is `inject('backend')`; test/setup.ts makes sure that
 * it is the one that answers. Besides those, test/house/ looks at the sources and needs no backend, and test/page/
 * visits the page of examples/browser.
 *
 * What is tested is dist/, loaded as a user's program loads it: in Node by Node itself, never transformed.
 */

import { playwright } from '@vitest/browser-playwright';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { findChromium } from './scripts/lib/chromium.mjs';

const dist = (file: string): string => fileURLToPath(new URL(`dist/${file}`, import.meta.url));

// The longer names first: an alias also stands for the beginning of a longer path.
const alias = {
  'tokenbed/tokenizer': dist('tokenizer/index.js'),
  'tokenbed/inline': dist('inline.js'),
  'tokenbed/report': dist('report/index.js'),
  'tokenbed/core.wasm': dist('core.wasm'),
  tokenbed: dist('index.js'),
};

/** A backend in Node: its own processes, so that memory is measured alone, with `gc()` for the finalizers. */
export const inNode = (backend: 'native' | 'wasm') => ({
  resolve: { alias },
  test: {
    name: backend,
    environment: 'node' as const,
    include: ['test/*.test.ts', 'test/node/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    provide: { backend },
    env: { TOKENBED_BACKEND: backend },
    pool: 'forks' as const,
    execArgv: ['--expose-gc'],
    testTimeout: 60_000,
    server: { deps: { external: [/\/dist\//] } },
  },
});

/** `DevShm` and the GPU are absent in containers, and root has no sandbox there. */
const flags = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];

export default defineConfig({
  test: {
    projects: [
      inNode('native'),
      inNode('wasm'),
      {
        resolve: { alias },
        // Named, so that it is not found in the middle of a run, which would load every page again.
        optimizeDeps: { include: ['fast-check', 'slimdom'] },
        test: {
          name: 'chromium',
          include: ['test/*.test.ts', 'test/browser/**/*.test.ts'],
          setupFiles: ['test/setup.ts'],
          provide: { backend: 'wasm' },
          testTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { executablePath: findChromium() ?? 'chromium-not-found', args: flags },
            }),
            instances: [{ browser: 'chromium' as const }],
          },
        },
      },
      {
        test: {
          name: 'house',
          environment: 'node' as const,
          include: ['test/house/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        // examples/browser as a visitor sees it: driven from Node, which computes the same for comparison.
        resolve: { alias },
        test: {
          name: 'page',
          environment: 'node' as const,
          include: ['test/page/**/*.test.ts'],
          globalSetup: ['test/page/build.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 20_000 } },
          // One browser at a time: what stalls a page should be the page.
          fileParallelism: false,
          server: { deps: { external: [/\/dist\//] } },
        },
      },
    ],
  },
});
