/** `tokenbed search`: the lines of text that are nearest to a query, by their vectors. */

import { similarity, type StaticModel, type Tensor } from '../index.js';
import { type Command, integerOption, textOption, UsageError, type Values } from './command.js';
import { type Input, openInputs } from './input.js';
import { loadModel, MODEL_HELP, MODEL_OPTIONS, readModelOptions } from './model.js';
import { print, printable } from './output.js';
import { Progress } from './progress.js';
import type { IndexedSearch } from './search-index.js';
import { type Hit, linesOf } from './search-lines.js';

export const search: Command = {
  name: 'search',
  help: `tokenbed search: the lines that are nearest in meaning to a query

Usage: tokenbed search --model DIR --query TEXT [OPTIONS] [FILES]

Compares the vector of TEXT with that of each line of FILES, or of standard input (also named
-), by the cosine of the angle between them. Prints the nearest lines, the best first: the
score, the place, and the line, separated by tabs. Blank lines are no results.

With --index the vectors of the lines are kept in a file, as i8 rows, and the next search reads
only that file. It is made if it does not exist, and again when the model, --dim, --dtype or
one of FILES has changed. Without FILES, the files that it was made from are searched. It is
safetensors, with the lines as words, and tokenbed inspect describes it.

Options:
      --query TEXT         what to look for
  -k N                     the most results (default 10)
      --index FILE         keep the vectors in FILE and use them again; needs FILES that are
                           regular files
      --json               one JSON object per line: score, file, line, text
${MODEL_HELP}

Examples:
  tokenbed search --model models/minilm-static --query 'how do I install it' docs/*.md
  tokenbed search --model models/minilm-static --query fruit -k 3 < shopping.txt
  tokenbed search --model models/minilm-static --query tax --index notes.safetensors *.txt
`,
  options: {
    ...MODEL_OPTIONS,
    query: { type: 'string' },
    k: { type: 'string', short: 'k' },
    index: { type: 'string' },
    json: { type: 'boolean' },
  },
  takesFiles: true,
  run,
};

async function run(values: Values, files: readonly string[]): Promise<void> {
  const options = readModelOptions(values);
  const query = values['query'] as string | undefined;
  if (options === undefined || query === undefined) {
    throw new UsageError(
      'search takes --model DIR and --query TEXT (see tokenbed search --help)',
      'ERR_USAGE',
    );
  }
  if (query.trim() === '') throw new UsageError('Option --query must be a text that is not blank');
  const k = integerOption(values, 'k', { min: 1 }, 10);
  const index = textOption(values, 'index');
  const indexed = index === undefined ? undefined : await openIndex(index, files);
  const inputs = indexed === undefined ? openInputs(files) : [];
  const model = await loadModel(options);
  const vector = model.embed([query]);
  if (vector.data.every((value) => value === 0)) {
    process.stderr.write('tokenbed: the model knows no word of the query, so every score is 0\n');
  }
  const hits =
    indexed === undefined
      ? await nearestLines(model, vector, inputs, files, k)
      : await indexed.nearest(model, options.folder, vector, k);
  const toText = values['json'] === true ? json : columns;
  await print(hits.map(toText).join(''));
}

const json = ({ score, file, line, text }: Hit): string => `${JSON.stringify({ score, file, line, text })}\n`;

const columns = ({ score, file, line, text }: Hit): string =>
  `${score.toFixed(4)}\t${printable(file)}:${line}\t${text.split('\t').map(printable).join('\t')}\n`;

/** Imported on demand: `node:crypto` takes long to load. */
async function openIndex(index: string, files: readonly string[]): Promise<IndexedSearch> {
  const { IndexedSearch } = await import('./search-index.js');
  return IndexedSearch.open(index, files);
}

/** The best first; NaN, which is below every cosine here, last. */
const byScore = (a: Hit, b: Hit): number => comparable(b) - comparable(a);
const comparable = ({ score }: Hit): number => (Number.isNaN(score) ? -2 : score);

/** The `k` nearest lines of the inputs, in memory that does not grow with them. Of equal scores the first line comes first. */
async function nearestLines(
  model: StaticModel,
  query: Tensor<'f32'>,
  inputs: readonly Input[],
  files: readonly string[],
  k: number,
): Promise<Hit[]> {
  let hits: Hit[] = [];
  let worst = -Infinity; // the score that a line must exceed
  const keep = (): void => {
    hits = hits.sort(byScore).slice(0, k);
    if (hits.length === k) worst = comparable(hits.at(-1)!);
  };
  const progress = Progress.over('searching', inputs, { resultsLater: true });
  try {
    for (const [i, input] of inputs.entries()) {
      for await (const lines of linesOf(input, files[i] ?? '-', progress)) {
        const scores = similarity(model.embed(lines.map(({ text }) => text)), query).data;
        for (const [j, line] of lines.entries()) {
          const score = scores[j]!;
          if (!(score <= worst)) hits.push({ ...line, score });
        }
        if (hits.length >= 2 * k) keep();
      }
    }
  } finally {
    progress.end();
  }
  keep();
  return hits;
}
