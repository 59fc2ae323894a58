/** `tokenbed embed`: one vector per token of ids or text, or one per line of text, in constant memory. */

import { CharTokenizer, Embedding, EmbeddingLayer, PositionalEncoding, type StaticModel } from '../index.js';
import {
  choiceOption,
  type Command,
  integerOption,
  rowForm,
  seedOption,
  textOption,
  UsageError,
  type Values,
} from './command.js';
import { type Input, linePieces, openInputs, wholeLines } from './input.js';
import { loadModel, MODEL_HELP, MODEL_OPTIONS, readModelOptions } from './model.js';
import { Progress } from './progress.js';
import { npySink, textSink } from './row-sink.js';
import { idReader, textReader, TokenBatch } from './token-lines.js';
import { loadWeights } from './weights.js';

/** The number of floats that are computed and written at once. */
const PIECE_FLOATS = 2 ** 18;
/** The most positions in the table. Later positions are computed for each token. */
const MOST_POSITIONS = 4096;
const MOST_POSITION_FLOATS = 2 ** 22;

export const embed: Command = {
  name: 'embed',
  help: `tokenbed embed: one vector per token or, with a model, one per line of text

Usage: tokenbed embed --model DIR [OPTIONS] [FILES]
       tokenbed embed [OPTIONS] [FILES]

With --model, reads text from FILES or standard input. Each line has one vector, by a static
model: model2vec, or StaticEmbedding of sentence-transformers. An empty line has the vector 0.

Without --model, each token has one vector. Without FILES, reads token ids from standard
input, in both formats of \`tokenbed tokenize\`: separated by spaces, or a JSON array on each
line. FILES contain text, one token per character as in \`tokenize\`, or token ids with --ids.
Each line is a sequence of any length; positions restart at 0 on every line. Without --weights
the table is random, from the seed, not trained: equal tokens get equal vectors, but the
distance between two vectors has no meaning.

The name - is standard input. Prints one row per line, numbers with the fewest digits that
parse to the same f32; or, with --npy, writes a NumPy file. Its header contains the number of
rows, so a temporary file (in TMPDIR) stores the rows, and after an error there is no output.
Text is printed immediately.

Options:
      --npy                write .npy 1.0, f32, shape (rows, dim)
      --json               each row a JSON array; NaN and infinities are null
${MODEL_HELP}

Options without --model:
      --ids                FILES contain token ids
      --vocab N            rows of the table (default 99)
      --dim N              length of a vector (default 64)
      --seed N             seed of the random table, 0 to 2^64-1 (default 0)
      --weights FILE       read the table from safetensors, .npy, GGUF or word vectors (see
                           tokenbed inspect); determines --vocab and --dim
      --position KIND      added to each row: sinusoidal (default) or none

Examples:
  tokenbed embed --model models/minilm-static --npy notes.txt > notes.npy
  tokenbed tokenize < book.txt | tokenbed embed --npy > vectors.npy
  tokenbed embed --dim 8 --position none letter.txt
  echo '1 0 2' | tokenbed embed --weights table.npy
`,
  options: {
    ...MODEL_OPTIONS,
    ids: { type: 'boolean' },
    vocab: { type: 'string' },
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
  const ofModel = values['model'] !== undefined;
  const rows = ofModel ? readTextOptions(values) : readTokenOptions(values, files);
  const npy = values['npy'] === true;
  if (npy && process.stdout.isTTY === true) {
    throw new UsageError('Option --npy writes binary data: redirect it to a file or a pipe');
  }
  if (npy && values['json'] === true) throw new UsageError('Options --npy and --json are mutually exclusive');
  const inputs = openInputs(files);
  const embedder = await rows.make();
  const { dim } = embedder;
  const sink = npy ? await npySink(dim) : textSink(rowForm(values));
  const progress = Progress.over('embedding', inputs);
  try {
    for (const input of inputs) {
      for await (const rows of embedder.rows(input, progress)) await sink.write(rows, dim);
    }
    await sink.end();
  } finally {
    progress.end();
    sink.close();
  }
}

/** The rows of an input, as many at once as fit; valid until the next ones are requested. */
interface Embedder {
  readonly dim: number;
  rows(input: Input, progress: Progress): AsyncIterable<Float32Array>;
}

/** Creates an embedder, after the rest of the command line is checked. */
interface EmbedderOptions {
  make(): Promise<Embedder>;
}

/** The options of vectors of tokens, which do not apply to those of texts. */
const OF_TOKENS = ['ids', 'vocab', 'seed', 'weights', 'position'];

/** Reads the options of vectors of texts. */
function readTextOptions(values: Values): EmbedderOptions {
  const other = OF_TOKENS.find((name) => values[name] !== undefined);
  if (other !== undefined) throw new UsageError(`Options --model and --${other} are mutually exclusive`);
  const options = readModelOptions(values)!;
  return { make: async () => new TextEmbedder(await loadModel(options)) };
}

/** One vector per line. */
class TextEmbedder implements Embedder {
  readonly dim: number;
  readonly #model: StaticModel;

  constructor(model: StaticModel) {
    this.#model = model;
    this.dim = model.dim;
  }

  async *rows(input: Input, progress: Progress): AsyncGenerator<Float32Array, void, undefined> {
    const { dim } = this;
    const most = Math.max(1, Math.floor(PIECE_FLOATS / dim));
    const out = new Float32Array(most * dim);
    for await (const lines of wholeLines(input, progress)) {
      for (let start = 0; start < lines.length; start += most) {
        const some = lines.slice(start, start + most);
        yield this.#model.embedInto(some, out).subarray(0, some.length * dim);
      }
    }
  }
}

/** Reads the options of vectors of tokens. */
function readTokenOptions(values: Values, files: readonly string[]): EmbedderOptions {
  if (values['dtype'] !== undefined) throw new UsageError('Option --dtype goes with --model');
  const table = readTableOptions(values);
  const positional = choiceOption(values, 'position', ['sinusoidal', 'none'], 'sinusoidal') === 'sinusoidal';
  const ofIds = files.length === 0 || values['ids'] === true;
  return { make: async () => new TokenEmbedder(await table.make(), positional, ofIds) };
}

/** Rows of a table with positions added, for sequences of any length. */
class TokenEmbedder implements Embedder {
  readonly dim: number;
  readonly #token: Embedding;
  readonly #ofIds: boolean;
  readonly #layer: EmbeddingLayer;
  readonly #positional: PositionalEncoding | null;
  readonly #out: Float32Array;
  /** The most tokens that are embedded at once. */
  readonly #mostRows: number;

  constructor(token: Embedding, positional: boolean, ofIds: boolean) {
    const { embeddingDim } = token;
    this.dim = embeddingDim;
    this.#token = token;
    this.#ofIds = ofIds;
    const fitting = Math.floor(MOST_POSITION_FLOATS / embeddingDim);
    const maxSeqLength = Math.max(1, Math.min(MOST_POSITIONS, fitting));
    this.#positional = positional ? new PositionalEncoding({ embeddingDim, maxSeqLength }) : null;
    this.#layer = new EmbeddingLayer({ token, positional: this.#positional });
    this.#mostRows = Math.max(1, Math.floor(PIECE_FLOATS / embeddingDim));
    this.#out = new Float32Array(this.#mostRows * embeddingDim);
  }

  async *rows(input: Input, progress: Progress): AsyncGenerator<Float32Array, void, undefined> {
    const { vocabSize } = this.#token;
    const read = this.#ofIds
      ? idReader(input.name, vocabSize)
      : textReader(new CharTokenizer(), input.name, vocabSize);
    const batch = new TokenBatch();
    for await (const pieces of linePieces(input, progress)) {
      batch.length = 0;
      for (const piece of pieces) read(piece, batch);
      for (let start = 0; start < batch.length; start += this.#mostRows) yield this.#rowsFrom(batch, start);
    }
  }

  /** The rows of the tokens from `start` on, at most `#mostRows`. */
  #rowsFrom(batch: TokenBatch, start: number): Float32Array {
    const end = Math.min(batch.length, start + this.#mostRows);
    const { ids, positions } = batch.slice(start, end);
    const out = this.#out.subarray(0, ids.length * this.dim);
    const positional = this.#positional;
    if (positional === null) return this.#layer.forwardInto(ids, out);
    if (positions.every((position) => position < positional.maxSeqLength)) {
      return this.#layer.forwardInto(ids, out, { positionIds: positions });
    }
    // Same bits as in f32: a sum of two f32 in f64, rounded to f32, equals the sum in f32.
    this.#token.forwardInto(ids, out);
    const { data } = positional.encode(positions);
    for (let i = 0; i < out.length; i++) out[i]! += data[i]!;
    return out;
  }
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
