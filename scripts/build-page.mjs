/** Builds examples/browser into a static folder with the page's Vite configuration. Requires dist/, the package as published. */

import path from 'node:path';
import { build } from 'vite';
import { root } from './lib/run.mjs';

/** The output folder of `npm run page:build`. */
export const PAGE = path.join(root, '.cache/page');

/** @param {string} [folder] @returns {Promise<string>} the folder */
export async function buildPage(folder = PAGE) {
  const sources = path.join(root, 'examples/browser');
  await build({
    root: sources,
    configFile: path.join(sources, 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: folder, emptyOutDir: true },
  });
  return folder;
}
