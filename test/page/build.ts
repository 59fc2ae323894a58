/** Builds the static folder before the tests of the page, like `npm run page:build`. */

import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { buildPage } from '../../scripts/build-page.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** The build of examples/browser. */
    pageFolder: string;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const folder = fileURLToPath(new URL('../../.cache/test/page', import.meta.url));
  project.provide('pageFolder', await buildPage(folder));
}
