/**
 * Runs the command, and converts its outcome to an exit code.
 *
 *     0  done (also if the reader closed the pipe)
 *     1  failed                          tokenbed: ERR_CODE: message
 *     2  the command line is wrong       tokenbed: ERR_USAGE or ERR_INVALID_OPTION: message
 */

import { VERSION } from '../version.js';
import { type CommandEntry, COMMON_HELP, readOptions, UsageError } from './command.js';
import { isClosedPipe, print } from './output.js';

/** The commands. Each is loaded on demand. */
const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'info',
    summary: 'the backend, its instruction set, and the limits of this machine',
    load: async () => (await import('./info.js')).info,
  },
  {
    name: 'profile',
    summary: 'the cost of lookups, tables and positions, as tables or a report',
    load: async () => (await import('./profile.js')).profile,
  },
  {
    name: 'bench',
    summary: 'comparison with plain JavaScript, a plain copy, and installed libraries',
    load: async () => (await import('./bench.js')).bench,
  },
  {
    name: 'tokenize',
    summary: 'text to token ids, one line of ids per line',
    load: async () => (await import('./tokenize.js')).tokenize,
  },
  {
    name: 'embed',
    summary: 'text to vectors, one per line by a model, or one per token',
    load: async () => (await import('./embed.js')).embed,
  },
  {
    name: 'search',
    summary: 'the lines of text that are nearest in meaning to a query',
    load: async () => (await import('./search.js')).search,
  },
  {
    name: 'inspect',
    summary: 'the tensors and the metadata of a file of weights',
    load: async () => (await import('./inspect.js')).inspect,
  },
  {
    name: 'convert',
    summary: 'a file of weights to safetensors or .npy, in another dtype',
    load: async () => (await import('./convert.js')).convert,
  },
  {
    name: 'visualize',
    summary: 'the encoding of positions, as numbers or as a picture',
    load: async () => (await import('./visualize.js')).visualize,
  },
];
const NAMES = COMMANDS.map(({ name }) => name).join(', ');

const HELP = `tokenbed ${VERSION}: text to token ids to vectors

Usage: tokenbed COMMAND [OPTIONS] [FILES]

Commands:
${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(11)}${summary}`).join('\n')}

Every command has:
${COMMON_HELP}

tokenbed COMMAND --help describes each command. The environment variable TOKENBED_BACKEND
selects the backend, TOKENBED_ISA lowers the instruction set, TOKENBED_TUNING names the class of
processors whose thresholds are used.

Examples:
  tokenbed search --model DIR --query 'how do I install it' *.md
  tokenbed tokenize < book.txt | tokenbed embed --npy > vectors.npy`;

/** Runs the program with the arguments after its name. Resolves to the exit code and never rejects. */
export async function main(args: readonly string[]): Promise<number> {
  // Each write reports its errors. Without a listener they would also end the process.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const options = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  try {
    await dispatch(args);
    return 0;
  } catch (error) {
    if (isClosedPipe(error)) return 0;
    process.stderr.write(`${describeFailure(error, options.includes('--verbose'))}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function dispatch(args: readonly string[]): Promise<void> {
  // The common options may also precede the name of the command.
  const at = args.findIndex((arg) => !arg.startsWith('-'));
  const name = args[at];
  const before = at < 0 ? args : args.slice(0, at);
  const unknown = before.find((arg) => !['--help', '-h', '--version', '--verbose'].includes(arg));
  if (unknown !== undefined) {
    throw new UsageError(`Unknown option ${unknown} before the command (see tokenbed --help)`);
  }
  if (before.includes('--help') || before.includes('-h')) return print(`${HELP}\n`);
  if (before.includes('--version')) return print(`${VERSION}\n`);
  const entry = COMMANDS.find((each) => each.name === name);
  if (entry === undefined) {
    const what = name === undefined ? 'a command is missing' : `unknown command ${JSON.stringify(name)}`;
    throw new UsageError(`${what}; there are: ${NAMES} (see tokenbed --help)`, 'ERR_USAGE');
  }
  const command = await entry.load();
  const { values, files } = readOptions(command, args.slice(at + 1));
  if (values['help'] === true) return print(`${command.help}\nEvery command has:\n${COMMON_HELP}\n`);
  if (values['version'] === true) return print(`${VERSION}\n`);
  return command.run(values, files);
}

/** One line; with `verbose`, the stack below it. */
function describeFailure(error: unknown, verbose: boolean): string {
  const { code = 'ERR_INTERNAL', message = String(error) } = error as { code?: string; message?: string };
  const line = `tokenbed: ${code}: ${message.replaceAll(/\s*\n\s*/g, ' ')}`;
  if (!verbose || !(error instanceof Error)) return line;
  const cause = error.cause instanceof Error ? `\nCaused by: ${error.cause.stack}` : '';
  return `${line}\n${error.stack}${cause}`;
}
