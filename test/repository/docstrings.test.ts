/**
 * Every public name and every public member has a docstring.
 *
 * Public names are those that ts/index.ts, ts/tokenizer/index.ts and ts/text/index.ts export. Constructors are documented at their class.
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';
import { describe, expect, test } from 'vitest';

const ts = fileURLToPath(new URL('../../ts/', import.meta.url));

/** The part of a syntax tree that is used. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly accessibility?: string | null;
  readonly override?: boolean;
  readonly kind?: string;
  readonly key?: { readonly type: string; readonly name?: string };
  readonly id?: { readonly name: string } | null;
  readonly declaration?: Node | null;
  readonly declarations?: readonly Node[];
  readonly body?: { readonly body: readonly Node[] };
}

/** The public names of each file that declares some. */
async function publicNames(entry: string): Promise<Map<string, string[]>> {
  const names = new Map<string, string[]>();
  const source = await readFile(path.join(ts, entry), 'utf8');
  for (const [, list, from] of source.matchAll(/^export (?:type )?\{([^}]+)\} from '(.+)\.js';$/gm)) {
    const file = path.join(path.dirname(entry), `${from}.ts`);
    const own = list!.split(',').map((name) => name.replace(/^\s*(type )?/, '').trim());
    names.set(file, [...(names.get(file) ?? []), ...own.filter((name) => name !== '')]);
  }
  return names;
}

const nameOf = (node: Node): string | undefined => (node.id ?? node.declarations?.[0]?.id)?.name;

const isPublicMember = ({ type, kind, key, accessibility, override }: Node): boolean =>
  key !== undefined &&
  key.type !== 'PrivateIdentifier' &&
  type !== 'StaticBlock' &&
  kind !== 'constructor' &&
  accessibility !== 'private' &&
  accessibility !== 'protected' &&
  override !== true;

/** The `names` and members without a docstring. Of overloads only the first needs one. */
function undocumented(source: string, file: string, names: readonly string[]): string[] {
  const { program, comments } = parseSync(file, source);
  const ends = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'));
  const isDocumented = ({ start }: Node): boolean =>
    ends.some(({ end }) => end <= start && source.slice(end, start).trim() === '');
  const missing: string[] = [];
  for (const statement of program.body as unknown as Node[]) {
    const declared = statement.declaration ?? statement;
    const name = nameOf(declared);
    if (name === undefined || !names.includes(name)) continue;
    if (!isDocumented(statement)) missing.push(name);
    const seen = new Set<string | undefined>();
    for (const member of (declared.body?.body ?? []).filter(isPublicMember)) {
      const key = member.key?.name;
      if (key !== 'prototype' && !seen.has(key) && !isDocumented(member)) missing.push(`${name}.${key}`);
      seen.add(key);
    }
  }
  return missing;
}

describe.each(['index.ts', 'tokenizer/index.ts', 'text/index.ts'])('ts/%s', async (entry) => {
  const names = await publicNames(entry);

  test('has exports', () => {
    expect(names.size).toBeGreaterThan(3);
  });

  for (const [file, own] of names) {
    if (path.basename(file) === 'index.ts' && file !== 'backend/index.ts') continue; // another entry point
    test(`exports of ts/${file} are documented`, async () => {
      expect(undocumented(await readFile(path.join(ts, file), 'utf8'), file, own)).toEqual([]);
    });
  }
});

test('a missing docstring is detected', () => {
  const source =
    '/** A. */\nexport interface A {\n  /** b. */\n  b: 1;\n  c: 2;\n}\nexport class D { e() {} }\n';
  expect(undocumented(source, 'a.ts', ['A', 'D'])).toEqual(['A.c', 'D', 'D.e']);
});
