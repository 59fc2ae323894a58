/** `tokenbed tokenize`: text in, one line of token ids per line out. */

import { constants } from 'node:buffer';
import { tooLarge } from '../errors.js';
import { BPETokenizer, CharTokenizer, type Tokenizer } from '../tokenizer/index.js';
import { malformed } from '../tokenizer/json.js';
import {
  type Command,
  integerOption,
  type RowForm,
  rowForm,
  outputOption,
  textOption,
  UsageError,
  type Values,
} from './command.js';
import { decoded, type Input, linePieces, openInputs, type Piece } from './input.js';
import { print, STANDARD } from './output.js';
import { Progress } from './progress.js';
import { charIds } from './token-lines.js';

export const tokenize: Command = {
  name: 'tokenize',
  help: `tokenbed tokenize: one line of token ids, separated by spaces, for each line of text

Usage: tokenbed tokenize [OPTIONS] [FILES]

Reads FILES in order, or standard input (also named -). Text is UTF-8. Lines end with
\\n or \\r\\n, optional after the last line. A byte order mark at the start is skipped.

Options:
      --tokenizer KIND     char (default): one id per character, 99 ids: <PAD> 0, <UNK> 1,
                           <BOS> 2 and <EOS> 3 around each line, ASCII 32 to 126 as 4 to 98
                           bytes: byte-pair encoding of UTF-8, byte b is 4 + b; merges come
                           from --train
                           words: byte-pair encoding of lower-case words; needs --train
                           FILE.json: a tokenizer from --save or toJSON()
      --train N            first learn a vocabulary of N ids from the whole input, of bytes
                           (default) or words; keeps the input in memory
      --save FILE.json     write the trained tokenizer before the ids; - prints it, and no ids
      --json               each line a JSON array of ids

Examples:
  tokenbed tokenize < book.txt
  tokenbed tokenize --tokenizer bytes --train 4096 --save bpe.json book.txt > ids.txt
  tokenbed tokenize --tokenizer bpe.json letter.txt | tokenbed embed --vocab 4096
`,
  options: {
    tokenizer: { type: 'string' },
    train: { type: 'string' },
    save: { type: 'string' },
    json: { type: 'boolean' },
  },
  takesFiles: true,
  run,
};

async function run(values: Values, files: readonly string[]): Promise<void> {
  const target = integerOption(values, 'train', { min: 1, max: 2 ** 32 }, undefined);
  const kind = textOption(values, 'tokenizer') ?? (target === undefined ? 'char' : 'bytes');
  const save = outputOption(values, 'save');
  const form = rowForm(values);
  if (target !== undefined) return trainAndTokenize(trainable(kind, target), save, openInputs(files), form);
  if (save !== undefined) throw new UsageError('Option --save goes with --train N');
  if (kind === 'words') {
    throw new UsageError('Option --tokenizer words goes with --train N; a trained one is a FILE.json');
  }
  const inputs = openInputs(files);
  const toLine = lineWriter(await knownTokenizer(kind), form);
  const progress = Progress.over('tokenizing', inputs);
  try {
    for (const input of inputs) {
      for await (const pieces of linePieces(input, progress)) {
        const text = pieces.map(toLine).join('');
        if (text !== '') await print(text);
      }
    }
  } finally {
    progress.end();
  }
}

async function knownTokenizer(kind: string): Promise<Tokenizer> {
  if (kind === 'char') return new CharTokenizer();
  // Without merges: one token per byte.
  if (kind === 'bytes') return new BPETokenizer({ mode: 'bytes', vocabSize: 260 }).train([]);
  return loadTokenizer(kind);
}

/** The tokenizer in a JSON file. `ERR_FORMAT` and system errors name the file. */
async function loadTokenizer(file: string): Promise<Tokenizer> {
  const [input] = openInputs([file]);
  let text = '';
  for await (const piece of decoded(input!)) text += piece;
  try {
    return parseTokenizer(text);
  } catch (error) {
    if (error instanceof Error) error.message = `${file}: ${error.message}`;
    throw error;
  }
}

function parseTokenizer(text: string): Tokenizer {
  let type: unknown;
  try {
    type = (JSON.parse(text) as { type?: unknown } | null)?.type;
  } catch {
    return CharTokenizer.fromJSON(text); // throws an error that describes the problem
  }
  if (type === 'CharTokenizer') return CharTokenizer.fromJSON(text);
  if (type === 'BPETokenizer') return BPETokenizer.fromJSON(text);
  throw malformed('type', '"CharTokenizer" or "BPETokenizer"', type);
}

/** A function from a piece of an input line to the matching part of the output line. */
function lineWriter(tokenizer: Tokenizer, form: RowForm): (piece: Piece) => string {
  if (tokenizer instanceof CharTokenizer) {
    // Characters are encoded one by one, so a line may be incomplete.
    return (piece) => {
      const ids = charIds(tokenizer, piece);
      const { start, between, end } = form;
      return (piece.first ? start : between) + ids.join(between) + (piece.last ? end : '');
    };
  }
  let line = '';
  return ({ text, last }) => {
    const length = line.length + text.length;
    if (length > constants.MAX_STRING_LENGTH) throw tooLarge('A line', length, constants.MAX_STRING_LENGTH);
    line += text;
    if (!last) return '';
    const ids = tokenizer.encode(line);
    line = '';
    return lineOf(ids, form);
  };
}

function lineOf(ids: readonly number[], { start, between, end }: RowForm): string {
  return start + ids.join(between) + end;
}

type Trainable = BPETokenizer<'bytes' | 'words'>;

function trainable(kind: string, vocabSize: number): Trainable {
  if (kind !== 'bytes' && kind !== 'words') {
    throw new UsageError(`Option --train goes with --tokenizer bytes or words: got ${JSON.stringify(kind)}`);
  }
  try {
    return new BPETokenizer<'bytes' | 'words'>({ mode: kind, vocabSize });
  } catch (error) {
    throw new UsageError((error as Error).message.replace('vocabSize', '--train').replace('in mode', 'with'));
  }
}

/** Trains on each line as a separate text: lines are also encoded separately, so no token spans two lines. */
async function trainAndTokenize(
  tokenizer: Trainable,
  save: string | undefined,
  inputs: readonly Input[],
  form: RowForm,
): Promise<void> {
  if (save !== undefined) {
    const { expectPlace } = await import('./whole-file.js');
    await expectPlace(save);
  }
  const lines: string[] = [];
  const reading = Progress.over('reading', inputs);
  try {
    for (const input of inputs) {
      let parts: string[] = [];
      for await (const pieces of linePieces(input, reading)) {
        for (const { text, last } of pieces) {
          parts.push(text);
          if (!last) continue;
          lines.push(parts.join(''));
          parts = [];
        }
      }
    }
  } finally {
    reading.end();
  }
  const training = new Progress('training', tokenizer.targetVocabSize, 'merges');
  try {
    tokenizer.train(lines, { onProgress: ({ done }) => training.set(done) });
  } finally {
    training.end();
  }
  if (save !== undefined) {
    const { writeWhole } = await import('./whole-file.js');
    await writeWhole(save, `${JSON.stringify(tokenizer)}\n`);
    if (save === STANDARD) return;
  }
  await printLines(lines, tokenizer, form);
}

const LINES_AT_ONCE = 256;

async function printLines(lines: readonly string[], tokenizer: Tokenizer, form: RowForm): Promise<void> {
  const progress = new Progress('tokenizing', lines.length, 'lines');
  try {
    for (let start = 0; start < lines.length; start += LINES_AT_ONCE) {
      const some = lines.slice(start, start + LINES_AT_ONCE);
      await print(some.map((line) => lineOf(tokenizer.encode(line), form)).join(''));
      progress.set(start);
    }
  } finally {
    progress.end();
  }
}
