/** `tokenbed embed`: lines of token ids (or text) in, one vector per token out, in constant memory. */

import { CharTokenizer, Embedding, EmbeddingLayer, PositionalEncoding } from '../index.js';
import {
  choiceOption,
  type Command,
  integerOption,
  type RowForm,
  rowForm,
  seedOption,
  textOption,
  UsageError,
  type Values,
} from './command.js';
import { floatText } from './float-text.js';
import { type Input, linePieces, openInputs } from './input.js';
import { print } from './output.js';
import { Progress } from './progress.js';
import { idReader, textReader, TokenBatch } from './token-lines.js';
import { loadWeights } from './weights.js';

/** The number of floats that are computed and written at once. */
const PIECE_FLOATS = 2 ** 18;
/** The most positions in the table. Later positions are computed for each token. */
const MOST_POSITIONS = 4096;
const MOST_POSITION_FLOATS = 2 ** 22;

export const embed: Command = {
  name: 'embed',
  help: `tokenbed embed: one vector per token, in the order of the input

Usage: tokenbed embed [OPTIONS] [FILES]

Without FILES, reads token ids from standard input, in both formats of \`tokenbed tokenize\`:
separated by spaces, or a JSON array on each line. FILES contain text, one token per character
as in \`tokenize\`, or token ids with --ids. The name - is standard input. Each line is a
sequence of any length; positions restart at 0 on every line.

Prints one row per line, numbers with the fewest digits that parse to the same f32; or, with
--npy, writes a NumPy file. Its header contains the number of rows, so a temporary file (in
TMPDIR) stores the rows, and after an error there is no output. Text is printed immediately.

Without --weights the table is random, from the seed, not trained. Equal tokens get equal
vectors, but the distance between two vectors has no meaning.

Options:
      --ids                FILES contain token ids
      --vocab N            rows of the table (default 99)
      --dim N              length of a vector (default 64)
      --seed N             seed of the random table, 0 to 2^64-1 (default 0)
      --weights FILE       read the table from safetensors, .npy, GGUF or word vectors (see
                           tokenbed inspect); determines --vocab and --dim
      --position KIND      added to each row: sinusoidal (default) or none
      --npy                write .npy 1.0, f32, shape (tokens, dim)
      --json               each row a JSON array; NaN and infinities are null

Examples:
  tokenbed tokenize < book.txt | tokenbed embed --npy > vectors.npy
  tokenbed embed --dim 8 --position none letter.txt
  echo '1 0 2' | tokenbed embed --weights table.npy
`,
  options: {
    ids: { type: 'boolean' },
    vocab: { type: 'string' },
    dim: { type: 'string' },
    seed: { type: 'string' },
    weights: { type: 'string' },
    position: { type: 'string' },
    npy: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  takesFiles: true,
  run,
};

async function run(values: Values, files: readonly string[]): Promise<void> {
  const table = readTableOptions(values);
  const positional = choiceOption(values, 'position', ['sinusoidal', 'none'], 'sinusoidal') === 'sinusoidal';
  const npy = values['npy'] === true;
  if (npy && process.stdout.isTTY === true) {
    throw new UsageError('Option --npy writes binary data: redirect it to a file or a pipe');
  }
  if (npy && values['json'] === true) throw new UsageError('Options --npy and --json are mutually exclusive');
  const ofIds = files.length === 0 || values['ids'] === true;
  const inputs = openInputs(files);
  const token = await table.make();
  const sink = npy ? await npySink(token.embeddingDim) : textSink(rowForm(values));
  const progress = Progress.over('embedding', inputs);
  try {
    const embedder = new Embedder(token, positional);
    for (const input of inputs) await embedInput(input, ofIds, embedder, sink, progress);
    await sink.end();
  } finally {
    progress.end();
    sink.close();
  }
}

/** The output of rows. */
interface Sink {
  /** Writes whole rows of `dim` floats, which must not change before the promise resolves. */
  write(rows: Float32Array, dim: number): Promise<void>;
  end(): Promise<void>;
  /** Frees its resources, also after an error. */
  close(): void;
}

/** Writes rows as text, immediately. */
function textSink(form: RowForm): Sink {
  return { write: (rows, dim) => printRows(rows, dim, form), end: async () => {}, close() {} };
}

/** Writes rows as one .npy. Imported on demand: its temporary file needs modules of Node that are slow to load. */
async function npySink(dim: number): Promise<Sink> {
  const { NpySpool } = await import('./npy-spool.js');
  return new NpySpool(dim);
}

async function embedInput(
  input: Input,
  ofIds: boolean,
  embedder: Embedder,
  sink: Sink,
  progress: Progress,
): Promise<void> {
  const { vocabSize, embeddingDim } = embedder.token;
  const read = ofIds
    ? idReader(input.name, vocabSize)
    : textReader(new CharTokenizer(), input.name, vocabSize);
  const batch = new TokenBatch();
  for await (const pieces of linePieces(input, progress)) {
    batch.length = 0;
    for (const piece of pieces) read(piece, batch);
    for (let start = 0; start < batch.length; start += embedder.mostRows) {
      await sink.write(embedder.rows(batch, start), embeddingDim);
    }
  }
}

/** Rows of a table with positions added, for sequences of any length. */
class Embedder {
  readonly #layer: EmbeddingLayer;
  readonly #positional: PositionalEncoding | null;
  readonly #out: Float32Array;
  /** The most tokens that are embedded at once. */
  readonly mostRows: number;

  constructor(
    readonly token: Embedding,
    positional: boolean,
  ) {
    const { embeddingDim } = token;
    const fitting = Math.floor(MOST_POSITION_FLOATS / embeddingDim);
    const maxSeqLength = Math.max(1, Math.min(MOST_POSITIONS, fitting));
    this.#positional = positional ? new PositionalEncoding({ embeddingDim, maxSeqLength }) : null;
    this.#layer = new EmbeddingLayer({ token, positional: this.#positional });
    this.mostRows = Math.max(1, Math.floor(PIECE_FLOATS / embeddingDim));
    this.#out = new Float32Array(this.mostRows * embeddingDim);
  }

  /** The rows of the tokens from `start` on, at most `mostRows`; valid until the next call. */
  rows(batch: TokenBatch, start: number): Float32Array {
    const end = Math.min(batch.length, start + this.mostRows);
    const { ids, positions } = batch.slice(start, end);
    const out = this.#out.subarray(0, ids.length * this.token.embeddingDim);
    const positional = this.#positional;
    if (positional === null) return this.#layer.forwardInto(ids, out);
    if (positions.every((position) => position < positional.maxSeqLength)) {
      return this.#layer.forwardInto(ids, out, { positionIds: positions });
    }
    // Same bits as in f32: a sum of two f32 in f64, rounded to f32, equals the sum in f32.
    this.token.forwardInto(ids, out);
    const { data } = positional.encode(positions);
    for (let i = 0; i < out.length; i++) out[i]! += data[i]!;
    return out;
  }
}

async function printRows(rows: Float32Array, dim: number, form: RowForm): Promise<void> {
  const { start, between, end, notFinite } = form;
  let text = '';
  for (let i = 0; i < rows.length; i++) {
    const value = rows[i]!;
    text += i % dim === 0 ? start : between;
    text += notFinite !== null && !Number.isFinite(value) ? notFinite : floatText(value);
    if ((i + 1) % dim === 0) text += end;
  }
  await print(text);
}

/** Reads the options of the table. `make` creates it, after the rest of the command line is checked. */
function readTableOptions(values: Values): { make(): Promise<Embedding> } {
  const vocabSize = integerOption(values, 'vocab', { min: 1, max: 2 ** 32 }, undefined);
  const embeddingDim = integerOption(values, 'dim', { min: 1 }, undefined);
  const seed = seedOption(values);
  const file = textOption(values, 'weights');
  if (file === undefined) {
    return { make: async () => randomTable(vocabSize ?? 99, embeddingDim ?? 64, seed) };
  }
  if (values['seed'] !== undefined) {
    throw new UsageError('Option --seed is for the random table: leave it out with --weights');
  }
  return {
    async make() {
      const token = await loadWeights(file);
      expectSize('vocab', vocabSize, token.vocabSize, file);
      expectSize('dim', embeddingDim, token.embeddingDim, file);
      return token;
    },
  };
}

function randomTable(vocabSize: number, embeddingDim: number, seed: bigint): Embedding {
  const token = new Embedding({ vocabSize, embeddingDim, seed });
  process.stderr.write(
    `tokenbed: the table is random (seed ${seed}, ${vocabSize} x ${embeddingDim}), not trained; --weights reads a trained one\n`,
  );
  return token;
}

function expectSize(name: string, option: number | undefined, size: number, file: string): void {
  if (option === undefined || option === size) return;
  throw new UsageError(`Option --${name} must be left out or ${size}, as in ${file}: got ${option}`);
}
