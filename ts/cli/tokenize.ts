/** `tokenbed tokenize`: text in, one line of token ids per line out. */

import { fail } from '../errors.js';
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
import { decoded, type Input, lineJoiner, linePieces, openInputs, type Piece, wholeLines } from './input.js';
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
                           FILE.json: a tokenizer from --save or toJSON(), or the
                           tokenizer.json of a model; its ids are without special tokens
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
  const tokenizer = await knownTokenizer(kind);
  const progress = Progress.over('tokenizing', inputs);
  try {
    for (const input of inputs) {
      const toText = lineWriter(tokenizer, form, input.name);
      for await (const pieces of linePieces(input, progress)) {
        const text = toText(pieces);
        if (text !== '') await print(text);
      }
    }
  } finally {
    progress.end();
  }
}

/** The ids of lines. Errors: as those of a tokenizer, with the `index` of the line. */
type LineEncoder = (lines: readonly string[]) => readonly LineIds[];

type LineIds = readonly number[] | Uint32Array;

async function knownTokenizer(kind: string): Promise<CharTokenizer | LineEncoder> {
  if (kind === 'char') return new CharTokenizer();
  // Without merges: one token per byte.
  if (kind === 'bytes') return one(new BPETokenizer({ mode: 'bytes', vocabSize: 260 }).train([]));
  return loadTokenizer(kind);
}

const one =
  (tokenizer: Tokenizer): LineEncoder =>
  (lines) =>
    lines.map((line) => tokenizer.encode(line));

/** The tokenizer in a JSON file. `ERR_FORMAT` and system errors name the file. */
async function loadTokenizer(file: string): Promise<CharTokenizer | LineEncoder> {
  const [input] = openInputs([file]);
  let text = '';
  for await (const piece of decoded(input!)) text += piece;
  try {
    return await parseTokenizer(text);
  } catch (error) {
    if (error instanceof Error) error.message = `${file}: ${error.message.replace(/^json: /, '')}`;
    throw error;
  }
}

async function parseTokenizer(text: string): Promise<CharTokenizer | LineEncoder> {
  let json: { readonly type?: unknown; readonly model?: unknown } | null;
  try {
    json = JSON.parse(text);
  } catch {
    return CharTokenizer.fromJSON(text); // throws an error that describes the problem
  }
  const type = json?.type;
  if (type === 'CharTokenizer') return CharTokenizer.fromJSON(text);
  if (type === 'BPETokenizer') return one(BPETokenizer.fromJSON(text));
  if (json?.model !== undefined) return ofModel(text);
  throw malformed('type', '"CharTokenizer" or "BPETokenizer"', type);
}

/** The tokenizer of a tokenizer.json. Imported on demand, like every module that few commands need. */
async function ofModel(json: string): Promise<LineEncoder> {
  const { PretrainedTokenizer } = await import('../text/index.js');
  const tokenizer = PretrainedTokenizer.fromJSON(json);
  return (lines) => {
    const { ids, offsets } = tokenizer.encodeBatch(lines);
    return lines.map((_, i) => ids.subarray(offsets[i], offsets[i + 1]));
  };
}

/** A function from pieces of lines of the input `name` to the matching part of the output. */
function lineWriter(
  tokenizer: CharTokenizer | LineEncoder,
  form: RowForm,
  name: string,
): (pieces: readonly Piece[]) => string {
  if (tokenizer instanceof CharTokenizer) {
    // Characters are encoded one by one, so a line may be incomplete.
    const { start, between, end } = form;
    const toText = (piece: Piece): string =>
      (piece.first ? start : between) + charIds(tokenizer, piece).join(between) + (piece.last ? end : '');
    return (pieces) => pieces.map(toText).join('');
  }
  const join = lineJoiner();
  let done = 0;
  return (pieces) => {
    const lines = join(pieces);
    const text = linesOf(lines, tokenizer, form, name, done);
    done += lines.length;
    return text;
  };
}

/** The output of `lines`, which follow the first `done` ones of the input `name`. */
function linesOf(
  lines: readonly string[],
  encode: LineEncoder,
  form: RowForm,
  name: string,
  done: number,
): string {
  try {
    return encode(lines)
      .map((ids) => lineOf(ids, form))
      .join('');
  } catch (error) {
    const { code, index, rule } = error as { code?: unknown; index?: number; rule?: string };
    if (code !== 'ERR_FORMAT' || index === undefined) throw error;
    const where = { path: name, line: done + index + 1, rule };
    throw fail(Error, 'ERR_FORMAT', `${name}: line ${where.line} ${rule}`, where);
  }
}

function lineOf(ids: LineIds, { start, between, end }: RowForm): string {
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
      for await (const some of wholeLines(input, reading)) for (const line of some) lines.push(line);
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
