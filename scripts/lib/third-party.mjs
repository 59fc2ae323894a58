/**
 * Third-party code in the package: the chart library of `tokenbed/report`, which is a separate, minified file, and the
 * crates inside the addon and the WASM. Their licenses are published with the package.
 */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from './run.mjs';

/** The name of the file in dist/chunks/, and of its `codeSplitting` group. */
export const CHARTS = 'charts';

/** Matches the path of a third-party module. */
export const THIRD_PARTY = /\/node_modules\//;

/** A rolldown plugin that minifies that file. It runs last, because earlier steps print the code again. @returns {import('rolldown').Plugin} */
export function minifyThirdParty() {
  return {
    name: 'minify-third-party',
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

/** The names that every object inherits and that a program may give another value. */
const INHERITED = ['constructor', 'toLocaleString', 'toString', 'valueOf'];

/**
 * A rolldown plugin for programs that freeze the intrinsic objects, as `lockdown()` of SES does. There an assignment to
 * a name that a frozen prototype has is an error, although the object itself is not frozen. Such assignments in
 * third-party modules become definitions:
 *
 *     x.toString = f;     Object.defineProperty(x, "toString", { value: f, ... });
 *
 * @returns {import('rolldown').Plugin}
 */
export function defineInherited() {
  return {
    name: 'define-inherited',
    transform: {
      filter: { id: THIRD_PARTY, code: new RegExp(`\\.(${INHERITED.join('|')})\\s*=[^=]`) },
      handler(code) {
        /** @type {{ start: number, end: number, text: string }[]} */
        const edits = [];
        const attributes = 'writable: true, enumerable: true, configurable: true';
        // oxlint-disable-next-line typescript/no-explicit-any -- a tree of many node types, read by name
        const visit = (/** @type {any} */ node) => {
          if (typeof node !== 'object' || node === null) return;
          const { left, right, operator } = node.type === 'ExpressionStatement' ? node.expression : node;
          const target = left?.type === 'MemberExpression' && !left.computed ? left : null;
          if (
            node.type === 'ExpressionStatement' &&
            operator === '=' &&
            INHERITED.includes(target?.property.name)
          ) {
            const { object, property } = target;
            edits.push(
              { start: object.start, end: object.start, text: 'Object.defineProperty(' },
              { start: object.end, end: right.start, text: `, "${property.name}", { value: ` },
              { start: right.end, end: right.end, text: `, ${attributes} })` },
            );
          }
          Object.values(node).forEach(visit);
        };
        visit(this.parse(code).body);
        edits.sort((a, b) => a.start - b.start);
        let [result, at] = ['', 0];
        for (const { start, end, text } of edits) {
          result += code.slice(at, start) + text;
          at = end;
        }
        return result + code.slice(at);
      },
    },
  };
}

/**
 * The licenses of the packages that contain these modules, and of the crates (scripts/notices.mjs), as one text.
 *
 * @param {readonly string[]} modules  paths reported by rolldown
 */
export async function licenses(modules) {
  const inside = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/;
  const folders = new Set(modules.flatMap((id) => inside.exec(id.replaceAll('\\', '/'))?.[0] ?? []));
  const texts = await Promise.all([...folders].sort().map(licenseOf));
  const crates = await readFile(path.join(root, 'NOTICES-RUST.txt'), 'utf8');
  return `Code of these packages is part of dist/chunks/${CHARTS}.js.\n\n${texts.join('\n')}\n\n${crates}`;
}

/** @param {string} folder  the folder of a package */
async function licenseOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`${name} ${version} is bundled, but has no license file`);
  const text = (await readFile(path.join(folder, file), 'utf8')).trim();
  return `${'-'.repeat(80)}\n${name} ${version} (${license})\n\n${text}\n`;
}
