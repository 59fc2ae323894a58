/**
 * The rules of ARCHITECTURE.md for ts/, read from syntax trees. What they say of Rust is held by
 * crates/core/tests/architecture/.
 *
 * A rule looks at one module at a time (`tokenizer alone` at all that one reaches) and names what breaks it.
 */

import path from 'node:path';
import { parseSync } from 'oxc-parser';

/** What a rule found, and where. */
export interface Violation {
  readonly rule: Rule;
  readonly file: string;
  readonly found: string;
}

/** Sources by path, from the project's folder on: `ts/embedding.ts`. */
export type Sources = ReadonlyMap<string, string>;

/** One reference from a module to another. */
interface Import {
  readonly specifier: string;
  /** Where a relative one leads: `ts/errors.ts`; `dist/` is where the Rust builds write. */
  readonly target: string;
  /** Whether nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

interface Module {
  readonly file: string;
  readonly imports: readonly Import[];
  /** Every identifier, private name, string and piece of a template; no comments. */
  readonly words: readonly string[];
  /** The types of its statements. */
  readonly statements: readonly string[];
}

/** As much of a syntax tree as is looked at. */
interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

function* nodesOf(node: Node): Generator<Node, void, undefined> {
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* nodesOf(child);
  }
}

/** The string that a literal, or a template without holes, stands for. */
function textOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Literal' && typeof node['value'] === 'string') return node['value'];
  if (node.type === 'TSLiteralType') return textOf(node['literal']);
  if (node.type !== 'TemplateLiteral') return undefined;
  const quasis = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[];
  return quasis.length === 1 ? quasis[0]!.value.cooked : undefined;
}

/** What a node imports, and whether only for types; `undefined` for nodes that import nothing. */
function importOf(node: Node): { readonly source: unknown; readonly typeOnly: boolean } | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration': {
      if (!isNode(node['source'])) return undefined;
      const names = (node['specifiers'] ?? []) as readonly Node[];
      const whole = node['importKind'] === 'type' || node['exportKind'] === 'type';
      const each =
        names.length > 0 && names.every((name) => (name['importKind'] ?? name['exportKind']) === 'type');
      return { source: node['source'], typeOnly: whole || each };
    }
    case 'ImportExpression':
      return { source: node['source'], typeOnly: false };
    case 'TSImportType':
      return { source: node['source'] ?? node['argument'], typeOnly: true };
    case 'TSExternalModuleReference':
      return { source: node['expression'], typeOnly: false };
    case 'CallExpression': {
      const callee = node['callee'] as Node;
      const isRequire = callee.type === 'Identifier' && callee['name'] === 'require';
      return isRequire
        ? { source: (node['arguments'] as readonly unknown[])[0], typeOnly: false }
        : undefined;
    }
    default:
      return undefined;
  }
}

function readModule(file: string, source: string): Module {
  const { program, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`);
  const imports: Import[] = [];
  const words: string[] = [];
  for (const node of nodesOf(program as unknown as Node)) {
    const found = importOf(node);
    const specifier = textOf(found?.source);
    if (found !== undefined && specifier !== undefined) {
      const target = path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts');
      imports.push({ specifier, target, typeOnly: found.typeOnly });
    }
    if (node.type === 'Identifier' || node.type === 'PrivateIdentifier') words.push(String(node['name']));
    if (node.type === 'Literal' && typeof node['value'] === 'string') words.push(node['value']);
    if (node.type === 'TemplateElement') words.push((node['value'] as { readonly raw: string }).raw);
  }
  const statements = (program.body as unknown as readonly Node[]).map((statement) =>
    isNode(statement['source']) ? `${statement.type} from` : statement.type,
  );
  return { file, imports, words, statements };
}

const CHOOSER = 'ts/backend/index.ts';
const isBackend = (file: string): boolean => file.startsWith('ts/backend/');
const isProgram = (file: string): boolean => file === 'ts/cli.ts' || file.startsWith('ts/cli/');

/** The bindings: what the Rust builds write, and the glue around it. */
const BINDING = /\.node$|(^|\/)binding\.cjs$|tokenbed_wasm|wasm-glue|core-inline/;

/** The public type of the option `wasm` of `init`: the one name outside ts/backend/ that says it. */
const OPTION_TYPE = { file: 'ts/index.ts', word: 'WasmSource' };
/** The packages that ts/report/ is built with. */
const BUNDLED = new Set(['@observablehq/plot', 'slimdom']);
/** The entry whose purpose is to carry the bytes. */
const BYTES = { file: 'ts/inline.ts', target: 'ts/backend/core-inline.ts' };

/** Rules over one module: each yields what breaks it. */
const RULES = {
  'says native or wasm': ({ file, words }) =>
    isBackend(file)
      ? []
      : words.filter(
          (word) => /native|wasm/i.test(word) && !(file === OPTION_TYPE.file && word === OPTION_TYPE.word),
        ),

  'imports a binding': ({ file, imports }) =>
    isBackend(file)
      ? []
      : imports
          .filter(({ specifier }) => BINDING.test(specifier))
          .filter(({ target }) => file !== BYTES.file || target !== BYTES.target)
          .map(({ specifier }) => specifier),

  'chooses a backend': ({ file, imports }) =>
    file === CHOOSER
      ? []
      : imports
          .filter(({ specifier, target, typeOnly }) => {
            const implementation = /^ts\/backend\/(native|wasm)\.ts$/.test(target) && !typeOnly;
            return implementation || specifier === '#loader' || /\/loader\.(node|web)\.js$/.test(specifier);
          })
          .map(({ specifier }) => specifier),

  'reaches into the backend': ({ file, imports }) =>
    isBackend(file)
      ? []
      : imports
          .filter(({ target, typeOnly }) => {
            const contract = target === 'ts/backend/backend.ts' && typeOnly;
            const bytes = file === BYTES.file && target === BYTES.target;
            return isBackend(target) && target !== CHOOSER && !contract && !bytes;
          })
          .map(({ specifier }) => specifier),

  'needs Node': ({ file, words }) =>
    isProgram(file) || file === 'ts/backend/loader.node.ts'
      ? []
      : words.filter((word) => word.startsWith('node:') || word === 'getBuiltinModule'),

  // What reports are drawn with is bundled into their entry, and into no other.
  'needs another package': ({ file, imports }) =>
    imports
      .map(({ specifier }) => specifier)
      .filter((specifier) => !/^(\.{1,2}\/|node:|#loader$)/.test(specifier))
      .filter((specifier) => !(file.startsWith('ts/report/') && BUNDLED.has(specifier))),

  'does more than export': ({ file, statements }) =>
    file === 'ts/index.ts'
      ? statements.filter((type) => !/^Export(Named|All)Declaration from$/.test(type))
      : [],
} satisfies Record<string, (module: Module) => readonly string[]>;

/** `tokenizer alone`: nothing that a tokenizer reaches at run time is the backend. */
export type Rule = keyof typeof RULES | 'tokenizer alone';

export const RULE_NAMES = [...Object.keys(RULES), 'tokenizer alone'] as readonly Rule[];

/** All that breaks a rule. */
export function violations(sources: Sources): Violation[] {
  const modules = [...sources].map(([file, source]) => readModule(file, source));
  const found = modules.flatMap((module) =>
    Object.entries(RULES).flatMap(([rule, check]) =>
      check(module).map((what) => ({ rule: rule as Rule, file: module.file, found: what })),
    ),
  );
  return [...found, ...tokenizerAlone(new Map(modules.map((module) => [module.file, module])))];
}

function tokenizerAlone(modules: ReadonlyMap<string, Module>): Violation[] {
  const found: Violation[] = [];
  const visited = new Set([...modules.keys()].filter((file) => file.startsWith('ts/tokenizer/')));
  // A Set is walked in the order of insertion, and what is added on the way is visited too.
  for (const file of visited) {
    const own = file.startsWith('ts/tokenizer/');
    for (const { target, typeOnly, specifier } of modules.get(file)?.imports ?? []) {
      if (isBackend(target) && (own || !typeOnly))
        found.push({ rule: 'tokenizer alone', file, found: specifier });
      else if (!typeOnly) visited.add(target);
    }
  }
  return found;
}
