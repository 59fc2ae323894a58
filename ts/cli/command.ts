/** The interface of a command, and strict parsing of its options. */

import { parseArgs, type ParseArgsConfig } from 'node:util';
import { describe } from '../errors.js';
import { STANDARD } from './output.js';

/** The values of options by name, as `parseArgs` returns them. */
export type Values = Readonly<Record<string, unknown>>;

/** A command in the list, before it is loaded. */
export interface CommandEntry {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** A command of the program. Each has its file in this folder. */
export interface Command {
  readonly name: string;
  /** The text that `--help` prints above the common options. */
  readonly help: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Whether it takes FILES. */
  readonly takesFiles: boolean;
  /** Runs the command. Throws a {@link UsageError} for a bad option before it reads or writes anything. */
  run(values: Values, files: readonly string[]): Promise<void>;
}

/** An error in the command line: exit code 2. */
export class UsageError extends Error {
  constructor(
    message: string,
    readonly code: 'ERR_USAGE' | 'ERR_INVALID_OPTION' = 'ERR_INVALID_OPTION',
  ) {
    super(message);
  }
}

/** The common options of all commands. */
export const COMMON = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
  verbose: { type: 'boolean' },
} as const;

/** The help of the common options. */
export const COMMON_HELP = `      --verbose            also print the stack of an error
      --version            print the version
  -h, --help               print this help`;

/** Reads the options of `command`. */
export function readOptions(command: Command, args: readonly string[]): { values: Values; files: string[] } {
  try {
    const options = { ...command.options, ...COMMON };
    const parsed = parseArgs({ args: [...args], options, allowPositionals: command.takesFiles });
    return { values: parsed.values, files: parsed.positionals };
  } catch (error) {
    throw new UsageError(`${(error as Error).message} (see tokenbed ${command.name} --help)`);
  }
}

/** The files of a command that takes exactly one of each of `names`, such as IN and OUT. */
export function expectFiles<const N extends readonly string[]>(
  command: string,
  files: readonly string[],
  names: N,
): { readonly [K in keyof N]: string } {
  if (files.length === names.length && !files.includes(''))
    return files as { readonly [K in keyof N]: string };
  const got = files.map((file) => JSON.stringify(file)).join(' ') || 'nothing';
  throw new UsageError(
    `${command} takes ${names.join(' ')}: got ${got} (see tokenbed ${command} --help)`,
    'ERR_USAGE',
  );
}

function wrong(name: string, text: string, wanted: string): UsageError {
  const dashes = name.length === 1 ? '-' : '--';
  return new UsageError(`Option ${dashes}${name} must be ${wanted}: got ${describe(text)}`);
}

function bounds(min: number, max: number): string {
  return max === Number.MAX_SAFE_INTEGER ? `>= ${min}` : `>= ${min} and <= ${max}`;
}

/** An integer option in decimal digits, or `fallback` if it is absent. */
export function integerOption<T>(
  values: Values,
  name: string,
  { min, max = Number.MAX_SAFE_INTEGER }: { readonly min: number; readonly max?: number },
  fallback: T,
): number | T {
  const text = values[name];
  if (typeof text !== 'string') return fallback;
  const value = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) throw wrong(name, text, `an integer ${bounds(min, max)}`);
  return value;
}

/** A comma-separated list of integers in decimal digits, or `fallback` if it is absent. */
export function integersOption(
  values: Values,
  name: string,
  { min, max = Number.MAX_SAFE_INTEGER }: { readonly min: number; readonly max?: number },
  fallback: readonly number[],
): readonly number[] {
  const text = values[name];
  if (typeof text !== 'string') return fallback;
  const list = text.split(',').map((part) => (/^[0-9]+$/.test(part) ? Number(part) : NaN));
  if (!list.every((value) => value >= min && value <= max)) {
    throw wrong(name, text, `integers ${bounds(min, max)} with commas between them`);
  }
  return list;
}

/** A number option, or `fallback` if it is absent. */
export function numberOption<T>(
  values: Values,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
  fallback: T,
): number | T {
  const text = values[name];
  if (typeof text !== 'string') return fallback;
  const value = text.trim() === '' ? NaN : Number(text);
  if (!(value >= min && value <= max)) throw wrong(name, text, `a number >= ${min} and <= ${max}`);
  return value;
}

/** An option that must be one of `allowed`, or `fallback` if it is absent. */
export function choiceOption<T extends string>(
  values: Values,
  name: string,
  allowed: readonly T[],
  fallback: T,
): T {
  const text = values[name];
  if (typeof text !== 'string') return fallback;
  if (!(allowed as readonly string[]).includes(text)) throw wrong(name, text, `one of ${allowed.join(', ')}`);
  return text as T;
}

/** A comma-separated list of words of `allowed`, without duplicates, or `fallback` if it is absent. */
export function choicesOption<T extends string>(
  values: Values,
  name: string,
  allowed: readonly T[],
  fallback: readonly T[],
): readonly T[] {
  const text = values[name];
  if (typeof text !== 'string') return fallback;
  const words = [...new Set(text.split(','))];
  if (!words.every((word) => (allowed as readonly string[]).includes(word))) {
    throw wrong(name, text, `some of ${allowed.join(', ')} with commas between them`);
  }
  return words as T[];
}

/** `--seed`, 0 .. 2^64-1; 0 if it is absent. */
export function seedOption(values: Values): bigint {
  const text = values['seed'];
  if (typeof text !== 'string') return 0n;
  const value = /^[0-9]{1,20}$/.test(text) ? BigInt(text) : -1n;
  if (value < 0n || value >= 2n ** 64n) throw wrong('seed', text, 'an integer >= 0 and < 2^64');
  return value;
}

/** A non-empty text option, such as the name of a file; `undefined` if it is absent. */
export function textOption(values: Values, name: string): string | undefined {
  const text = values[name];
  if (typeof text !== 'string') return undefined;
  if (text === '') throw wrong(name, text, 'a name');
  return text;
}

/**
 * The name of an output file, where `-` is standard output; `undefined` if it is absent. A command prints nothing but
 * such an output, so `--json` contradicts it.
 */
export function outputOption(values: Values, name: string): string | undefined {
  const file = textOption(values, name);
  if (file === STANDARD && values['json'] === true) {
    throw new UsageError(`Options --json and --${name} - both print to standard output`);
  }
  return file;
}

/** The format of a list of numbers on a line. */
export interface RowForm {
  readonly start: string;
  readonly between: string;
  readonly end: string;
  /** Printed for NaN and the infinities; `null` prints their names. */
  readonly notFinite: string | null;
}

const PLAIN: RowForm = { start: '', between: ' ', end: '\n', notFinite: null };
const JSON_LINES: RowForm = { start: '[', between: ',', end: ']\n', notFinite: 'null' };

/** Numbers separated by spaces, or, with `--json`, a JSON array. */
export function rowForm(values: Values): RowForm {
  return values['json'] === true ? JSON_LINES : PLAIN;
}
