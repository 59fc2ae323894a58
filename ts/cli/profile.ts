/** `tokenbed profile`: runs the profiler and prints tables, JSON, or a report file. */

import path from 'node:path';
import { Embedding, EmbeddingProfiler } from '../index.js';
import { PATTERNS } from '../profiler/patterns.js';
import { grouped, figure } from '../profiler/reports.js';
import {
  choicesOption,
  type Command,
  integerOption,
  integersOption,
  numberOption,
  seedOption,
  outputOption,
  UsageError,
  type Values,
} from './command.js';
import { describeMachine, machineLine } from './machine.js';
import { print, STANDARD } from './output.js';
import { Progress } from './progress.js';
import { expectPlace, writeWhole } from './whole-file.js';

export const profile: Command = {
  name: 'profile',
  help: `tokenbed profile: the cost of lookups, tables and positions on this machine

Usage: tokenbed profile [OPTIONS]

Looks up tokens in a random table, compared with a plain copy of as many bytes; creates tables
of several sizes, one at a time; adds sinusoidal and learned positions. Each figure is the
median of many calls; lookups also show p10 and p90. Takes about five seconds.

Options:
      --vocab N            rows of the table (default 50000)
      --dim N              length of a vector and of a position (default 256)
      --batch-sizes LIST   sequences per call (default 1,8,32)
      --seq-lengths LIST   tokens per sequence (default 64,512)
      --pattern LIST       distributions of the ids over the table: uniform (default), zipf,
                           sequential, repeated; separated by commas
      --seed N             seed of table and ids, 0 to 2^64-1 (default 0)
      --vocab-sizes LIST   rows of the compared tables (default 1000,10000,100000)
      --embedding-dims LIST  lengths of their vectors (default 64,256)
      --max-table MB       do not create larger tables, only compute sizes (default 1024)
      --min-time MS        minimum time of each figure (default 100)
      --json               one JSON object: version, backend, ..., table, settings,
                           lookup, memoryScaling, positional
      --html FILE.html     also write a report with charts: one file, no network
      --svg FILE.svg       also write the charts; with - as a FILE, only this is printed

Examples:
  tokenbed profile
  tokenbed profile --vocab 30522 --dim 384 --pattern uniform,zipf --html report.html
  tokenbed profile --batch-sizes 1 --seq-lengths 1,16,256 --json > profile.json
`,
  options: {
    vocab: { type: 'string' },
    dim: { type: 'string' },
    'batch-sizes': { type: 'string' },
    'seq-lengths': { type: 'string' },
    pattern: { type: 'string' },
    seed: { type: 'string' },
    'vocab-sizes': { type: 'string' },
    'embedding-dims': { type: 'string' },
    'max-table': { type: 'string' },
    'min-time': { type: 'string' },
    json: { type: 'boolean' },
    html: { type: 'string' },
    svg: { type: 'string' },
  },
  takesFiles: false,
  run,
};

async function run(values: Values): Promise<void> {
  const options = readOptions(values);
  const html = outputOption(values, 'html');
  const svg = outputOption(values, 'svg');
  if (html !== undefined && svg !== undefined && path.resolve(html) === path.resolve(svg)) {
    throw new UsageError(`Options --html and --svg name the same file: ${html}`);
  }
  for (const file of [html, svg]) if (file !== undefined) await expectPlace(file);

  const { profiler, table, lines } = measure(options);
  if (html !== undefined) await writeWhole(html, profiler.toHTML());
  if (svg !== undefined) await writeWhole(svg, profiler.toSVG());
  if (html === STANDARD || svg === STANDARD) return;
  if (values['json'] !== true) return print(`${machineLine()}\n${lines.join('\n')}\n`);
  const settings = { seed: String(options.seed), minTimeMs: options.minTimeMs };
  const report = { ...describeMachine(), table, settings, ...profiler.results };
  return print(`${JSON.stringify(report, null, 2)}\n`);
}

function readOptions(values: Values) {
  const rows = { min: 1, max: 2 ** 32 };
  return {
    vocabSize: integerOption(values, 'vocab', rows, 50_000),
    embeddingDim: integerOption(values, 'dim', { min: 1 }, 256),
    batchSizes: integersOption(values, 'batch-sizes', { min: 1 }, [1, 8, 32]),
    seqLengths: integersOption(values, 'seq-lengths', { min: 1 }, [64, 512]),
    patterns: choicesOption(values, 'pattern', PATTERNS, ['uniform']),
    seed: seedOption(values),
    vocabSizes: integersOption(values, 'vocab-sizes', rows, [1000, 10_000, 100_000]),
    embeddingDims: integersOption(values, 'embedding-dims', { min: 1 }, [64, 256]),
    maxTableMb: numberOption(values, 'max-table', { min: 0, max: Number.MAX_SAFE_INTEGER }, 1024),
    minTimeMs: numberOption(values, 'min-time', { min: 0, max: 3_600_000 }, 100),
  };
}

/** Runs all measurements, with a progress bar that counts their figures. */
function measure(options: ReturnType<typeof readOptions>) {
  const { vocabSize, embeddingDim, batchSizes, seqLengths, patterns, seed } = options;
  const { vocabSizes, embeddingDims, maxTableMb, minTimeMs } = options;
  const shapes = new Set(batchSizes).size * new Set(seqLengths).size;
  const tables = new Set(vocabSizes).size * new Set(embeddingDims).size;
  const total = shapes * patterns.length + tables + 2;
  const progress = new Progress('measuring', total, 'figures', { resultsLater: true });
  let before = 0;
  const onProgress = ({ done, total }: { readonly done: number; readonly total: number }): void => {
    progress.set(before + done);
    if (done === total) before += total;
  };
  const lines: string[] = [];
  const profiler = new EmbeddingProfiler({ print: (line) => lines.push(line), onProgress, minTimeMs });
  try {
    const embedding = new Embedding({ vocabSize, embeddingDim, seed });
    const memoryMb = embedding.getMemoryUsage().totalMemoryMb;
    const size = `${grouped(vocabSize)} x ${grouped(embeddingDim)}, ${figure(memoryMb)} MB`;
    for (const pattern of patterns) {
      lines.push('', `Table: ${size}; ids: ${pattern}, seed ${seed}`);
      profiler.measureLookupPerformance({ embedding, batchSizes, seqLengths, pattern, seed });
    }
    embedding.dispose();
    lines.push('');
    profiler.analyzeMemoryScaling({ vocabSizes, embeddingDims, maxTableMb });
    profiler.comparePositionalEncodings({ embeddingDim });
    return { profiler, lines, table: { vocabSize, embeddingDim, memoryMb } };
  } finally {
    progress.end();
  }
}
