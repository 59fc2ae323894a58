/**
 * docs/contract.md, compared with the published types and with the error tests.
 *
 *   code blocks      names of classes, functions, interfaces and their members, parameters, optionality: dist/*.d.cts
 *   table of errors  codes, classes, texts and fields: dist/errors.d.cts and the rows of test/errors.test.ts
 */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): Promise<string> => readFile(path.join(root, file), 'utf8');

/** The parts of a syntax tree that this test reads. */
// oxlint-disable-next-line typescript/no-explicit-any -- a tree of many node types, read by name
type Node = any;

/** Classes, interfaces, functions and type aliases by name. */
type Declarations = Map<string, Node>;

function declarationsIn(file: string, source: string): Declarations {
  const { program, errors } = parseSync(file, source);
  expect(errors, file).toEqual([]);
  const declared = program.body.map((statement: Node) => statement.declaration ?? statement);
  return new Map(declared.filter(({ id }: Node) => id).map((node: Node) => [node.id.name, node]));
}

const typeOf = (node: Node): Node => node?.typeAnnotation?.typeAnnotation;
const membersOf = (node: Node): Node[] => node.body?.body ?? node.members ?? [];

/** `options?: { embeddingDim?, paddingIdx? }`, `...shape`, `ids`. */
function parameter(node: Node): string {
  const { name, optional } = node.argument ?? node;
  const type = typeOf(node);
  const inline = type?.type === 'TSTypeLiteral' ? `: { ${type.members.map(member).sort().join(', ')} }` : '';
  return `${node.argument ? '...' : ''}${name}${optional ? '?' : ''}${inline}`;
}

/** `static from(embedding, options?)`, `paddingIdx?`, `forward(ids, options?)`; no types. */
function member(node: Node): string {
  const { key, kind } = node;
  const name = node.computed ? '[dispose]' : (key?.name ?? `[${node.parameters?.[0]?.name}]`);
  const parameters = /^[gs]et$/.test(kind) ? undefined : (node.value?.params ?? (key && node.params));
  const list = parameters ? `(${parameters.map(parameter).join(', ')})` : '';
  return `${node.static ? 'static ' : ''}${name}${node.optional ? '?' : ''}${list}`;
}

/** A setter has a getter beside it. */
const isPublic = ({ key, kind, accessibility }: Node): boolean =>
  key?.type !== 'PrivateIdentifier' && !['private', 'protected'].includes(accessibility) && kind !== 'set';

/** The members of `name` and of what it extends, in alphabetical order; overloads and inherited names once. */
function outline(name: string, all: Declarations): string[] {
  const node = all.get(name);
  if (node === undefined) return [];
  if (node.type === 'TSDeclareFunction') return [`(${node.params.map(parameter).join(', ')})`];
  const bases: Node[] = node.extends ?? (node.superClass ? [{ expression: node.superClass }] : []);
  const inherited = bases.flatMap(({ expression, typeArguments }) => {
    if (expression.name !== 'Pick') return outline(expression.name, all);
    const [from, keys] = typeArguments.params;
    const picked = new Set((keys.types ?? [keys]).map(({ literal }: Node) => literal.value));
    return outline(from.typeName.name, all).filter((each) => picked.has(each.replace(/\?$/, '')));
  });
  const own = membersOf(node).filter(isPublic).map(member);
  return [...new Set([...own, ...inherited.filter((each) => !each.startsWith('constructor'))])].sort();
}

/** The code blocks of a page as one source. */
const codeIn = (markdown: string): string =>
  [...markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code).join('\n');

/** Name -> outline, for every class, interface and function that `markdown` shows. */
function shown(markdown: string): Record<string, string[]> {
  const all = declarationsIn('contract.d.ts', codeIn(markdown));
  const names = [...all].filter(([, { type }]) => type !== 'TSTypeAliasDeclaration').map(([name]) => name);
  return Object.fromEntries(names.map((name) => [name, outline(name, all)]));
}

/** The declarations in `dist/`, and the names that its entry points export. */
async function packed(): Promise<{ all: Declarations; exported: string[] }> {
  const all: Declarations = new Map();
  const files = (await readdir(path.join(root, 'dist'), { recursive: true })) as string[];
  for (const file of files.filter((name) =>
    /^([^/]+|(args|backend|files|optimizers|profiler|static-model|text|tokenizer)\/.*)\.d\.cts$/.test(name),
  ))
    for (const [name, node] of declarationsIn(file, await read(`dist/${file}`)))
      if (!all.has(name) || node.type !== 'TSTypeAliasDeclaration') all.set(name, node);
  const entries = await Promise.all(
    ['index', 'tokenizer/index', 'text/index'].map((entry) => read(`dist/${entry}.d.cts`)),
  );
  const lists = entries.flatMap((text) => [...text.matchAll(/^export (?:type )?\{([^}]+)\}/gm)]);
  return { all, exported: lists.flatMap(([, names]) => names!.match(/\w+(?=\s*(,|$))/g) ?? []) };
}

/** A row of the table of errors. */
interface ErrorRow {
  readonly classes: string[];
  readonly texts: string[];
  readonly fields: string[];
}

function errorTable(markdown: string): Map<string, ErrorRow> {
  const quoted = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);
  const rows = [...markdown.matchAll(/^\| `(ERR_\w+)` \| ([^|]*Error[^|]*) \|([^|]*)\|([^|]*)\|$/gm)];
  return new Map(
    rows.map(([, code, classes, texts, fields]) => [
      code!,
      {
        classes: classes!.split(', '),
        texts: quoted(texts).filter((each) => /\w \w/.test(each)),
        fields: quoted(fields),
      },
    ]),
  );
}

/** The rows of test/errors.test.ts: `[name, run, class, code, message, { fields }]`. */
async function testedErrors(): Promise<(ErrorRow & { code: string })[]> {
  const { program } = parseSync('errors.test.ts', await read('test/errors.test.ts'));
  const declarations = program.body.flatMap((statement: Node) => statement.declarations ?? []);
  const rows = declarations.find(({ id }: Node) => id.name === 'rows').init.elements;
  return rows.map(({ elements: [, , kind, code, message, fields] }: Node) => ({
    code: code.value,
    classes: [kind.name],
    texts: [message.value ?? message.quasis.map(({ value }: Node) => value.cooked).join('')],
    fields: fields.properties.map(({ key }: Node) => key.name),
  }));
}

/** Codes that depend on the host or the build, so that they have tests in other places. */
const ELSEWHERE = new Set([
  'ERR_TOO_LARGE',
  'ERR_NOT_INITIALIZED',
  'ERR_BACKEND_UNAVAILABLE',
  'ERR_INTERNAL',
]);

/** Every difference between the table in `markdown` and the rows. */
function disagreements(markdown: string, tested: readonly (ErrorRow & { code: string })[]): string[] {
  const table = errorTable(markdown);
  const wrong = tested
    .filter(({ code, classes, fields }) => {
      const row = table.get(code);
      return !row?.classes.includes(classes[0]!) || !fields.every((field) => row.fields.includes(field));
    })
    .map(({ code, texts }) => `not in the table: ${code} ${texts[0]}`);
  for (const [code, { classes, texts, fields }] of table) {
    if (ELSEWHERE.has(code)) continue;
    const rows = tested.filter((row) => row.code === code);
    const missing = [
      ...classes.filter((each) => !rows.some((row) => row.classes.includes(each))),
      ...texts.filter((each) => !rows.some((row) => row.texts[0]!.includes(each))),
      ...fields.filter((each) => !rows.some((row) => row.fields.includes(each))),
    ];
    wrong.push(...missing.map((each) => `not tested: ${code} ${each}`));
  }
  return wrong;
}

const contract = await read('docs/contract.md');
const { all, exported } = await packed();
const tested = await testedErrors();

describe('docs/contract.md', () => {
  const pages = shown(contract);

  // Users do not construct a Parameter or a Gradient.
  test.each(Object.keys(pages))('%s is as packed', (name) => {
    expect(all.has(name)).toBe(true);
    const members = outline(name, all);
    expect(pages[name]).toEqual(
      name === 'Parameter' || name === 'Gradient'
        ? members.filter((each) => !each.startsWith('constructor'))
        : members,
    );
  });

  test('shows every public class, function and set of options', () => {
    const expected = exported.filter(
      (name) =>
        /^(ClassDeclaration|TSDeclareFunction)$/.test(all.get(name)?.type) || name.endsWith('Options'),
    );
    expect(expected).toContain('EmbeddingBag');
    expect(expected).toContain('analyzeEmbeddingSystemDesign');
    expect(expected.filter((name) => pages[name] === undefined)).toEqual([]);
  });

  test('names every chart', async () => {
    const charts = [...(await read('dist/report/index.d.cts')).matchAll(/\b\w+SVG\b/g)];
    expect(charts.length).toBeGreaterThan(5);
    for (const [name] of charts) expect(contract).toContain(`\`${name}\``);
  });

  test('has the codes of errors.ts, each once', () => {
    const codes = all.get('ErrorCode').typeAnnotation.types.map(({ literal }: Node) => literal.value);
    expect([...errorTable(contract).keys()].sort()).toEqual(codes.sort());
  });

  test('agrees with test/errors.test.ts', () => {
    expect(tested.length).toBeGreaterThan(30);
    expect(disagreements(contract, tested)).toEqual([]);
  });

  test.each([
    ['paddingIdx?: number | null; //', 'paddingIdx: number | null; //', 'EmbeddingOptions'],
    [
      'static from(embedding: Embedding, options?:',
      'static from(embedding: Embedding, options:',
      'EmbeddingBag',
    ],
    ['embeddingDim?: number; // needed', 'dim?: number; // needed', 'PretrainedOptions'],
    ["  toTensor(): Tensor<'f32'>;\n", '', 'Parameter'],
    ['function initSync(', 'function initNow(', 'initNow'],
  ])('a changed signature is noticed: %j', (from, to, name) => {
    expect(contract).toContain(from);
    expect(shown(contract.replace(from, to))[name]).not.toEqual(outline(name, all));
  });

  test.each([
    ['`Embedding dim mismatch: expected 64, got 65`', '`Dim mismatch: expected 64, got 65`'],
    ['| `expected`, `got` |', '| `expected` |'],
    ['| `row`, `column`, `value` |', '| `row`, `column`, `value`, `dtype` |'],
    ['| `ERR_OVERLAP` | RangeError |', '| `ERR_OVERLAP` | TypeError |'],
  ])('a changed row is noticed: %j', (from, to) => {
    expect(contract).toContain(from);
    expect(disagreements(contract.replace(from, to), tested)).not.toEqual([]);
  });
});
