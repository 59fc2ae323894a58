/**
 * The same test/*.test.ts run on the native backend, on WASM in Node, and on WASM in headless Chromium.
 * `inject('backend')` returns the backend of a test, and test/setup.ts checks that the library uses it. In addition,
 * test/repository/ checks the source files and needs no backend, and test/page/ drives a browser from Node: the
 * page of examples/browser, and large files.
 *
 * The tests load dist/ as a user's program does: in Node through Node itself, never transformed.
 */

import { playwright } from '@vitest/browser-playwright';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { findChromium } from './scripts/lib/chromium.mjs';

const dist = (file: string): string => fileURLToPath(new URL(`dist/${file}`, import.meta.url));

/** The entries for Node (`mjs`) or the web (`js`). The longer names come first: an alias also matches as a prefix. */
const entries = (extension: 'mjs' | 'js') => ({
  'tokenbed/tokenizer': dist(`tokenizer/index.${extension}`),
  'tokenbed/text.wasm': dist('text.wasm'),
  'tokenbed/text': dist(`text/index.${extension}`),
  'tokenbed/inline': dist(`inline.${extension}`),
  'tokenbed/report': dist(`report/index.${extension}`),
  'tokenbed/core.wasm': dist('core.wasm'),
  'tokenbed/table-bytes': dist(`table-bytes.${extension === 'mjs' ? 'cjs' : 'js'}`), // internal
  tokenbed: dist(`index.${extension}`),
});

/** A backend in Node: in separate processes, so that memory is measured alone, with `gc()` for the finalizers. */
export const inNode = (backend: 'native' | 'wasm') => ({
  resolve: { alias: entries('mjs') },
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

/** Containers lack /dev/shm and a GPU, and the sandbox does not work for root. */
const flags = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];

export default defineConfig({
  test: {
    projects: [
      inNode('native'),
      inNode('wasm'),
      {
        resolve: { alias: entries('js') },
        // Listed, because Vite reloads every page if it discovers a dependency during a run.
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
          name: 'repository',
          environment: 'node' as const,
          include: ['test/repository/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        // A real browser driven from Node, which computes the expected results.
        resolve: { alias: entries('mjs') },
        test: {
          name: 'page',
          environment: 'node' as const,
          include: ['test/page/**/*.test.ts'],
          globalSetup: ['test/page/build.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 20_000 } },
          // One browser at a time, so that only the page itself can cause a stall.
          fileParallelism: false,
          server: { deps: { external: [/\/dist\//] } },
        },
      },
    ],
  },
});
