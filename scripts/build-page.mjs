/** examples/browser -> a static folder, by the page's own Vite settings. Needs dist/: the page uses the package as it ships. */

import path from 'node:path';
import { build } from 'vite';
import { root } from './lib/run.mjs';

/** Where `npm run page:build` puts it. */
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
