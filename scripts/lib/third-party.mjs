/**
 * What others have written and is packed: the chart library of `tokenbed/report`, in a file of its own. It is minified
 * (nobody reads it in a stack of ours), and its licences are packed beside it.
 */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** The name of the file in dist/chunks/, and of the group that `codeSplitting` makes of it. */
export const CHARTS = 'charts';

/** What a path must contain for its module to be somebody else's. */
export const OTHERS = /\/node_modules\//;

/** The rolldown plugin that minifies that one file: last of all, since code is printed anew until then. @returns {import('rolldown').Plugin} */
export function minifyOthers() {
  return {
    name: 'minify-others',
    async generateBundle(_, bundle) {
      const { minify } = await import('rolldown/utils');
      for (const file of Object.values(bundle)) {
        if (file.type !== 'chunk' || file.name !== CHARTS) continue;
        const { code, errors } = await minify(file.fileName, file.code, { module: true });
        if (errors.length > 0) throw errors[0];
        file.code = code;
      }
    },
  };
}

/**
 * The licences of the packages that these modules belong to, as one text.
 *
 * @param {readonly string[]} modules  paths, as rolldown tells them
 */
export async function licences(modules) {
  const inside = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/;
  const folders = new Set(modules.flatMap((id) => inside.exec(id.replaceAll('\\', '/'))?.[0] ?? []));
  const texts = await Promise.all([...folders].sort().map(licence));
  return `Code of these packages is part of dist/chunks/${CHARTS}.js.\n\n${texts.join('\n')}`;
}

/** @param {string} folder  of one package */
async function licence(folder) {
  const { name, version, license } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`${name} ${version} is packed, but brings no licence`);
  const text = (await readFile(path.join(folder, file), 'utf8')).trim();
  return `${'-'.repeat(80)}\n${name} ${version} (${license})\n\n${text}\n`;
}
