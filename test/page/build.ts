/** Before the tests of the page: the static folder, built as `npm run page:build` does. */

import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { buildPage } from '../../scripts/build-page.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder that Vite made of examples/browser. */
    pageFolder: string;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const folder = fileURLToPath(new URL('../../.cache/test/page', import.meta.url));
  project.provide('pageFolder', await buildPage(folder));
}
