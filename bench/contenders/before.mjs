/** An earlier build of tokenbed, for `npm run bench -- --against FOLDER`: the same contenders over another package. */

import { pathToFileURL } from 'node:url';

export const peer = 'before';

/** @param {import('./contract.d.ts').OpenOptions} [options] @returns {Promise<import('./contract.d.ts').Opened>} */
export async function open({ before, backends } = {}) {
  if (before === undefined) throw new Error('no earlier build: npm run bench -- --against FOLDER');
  const contenders = new URL('./tokenbed.mjs', import.meta.url);
  contenders.searchParams.set('package', pathToFileURL(before).href);
  const { open: openContenders } = await import(contenders.href);
  return openContenders({ backends });
}
