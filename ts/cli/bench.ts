/** `tokenbed bench`: compares lookups with plain JavaScript, a plain copy, and installed libraries. */

import { Console } from 'node:console';
import { expectRoom } from '../backend/index.js';
import { Embedding } from '../index.js';
import { drawIds, PATTERNS } from '../profiler/patterns.js';
import { figure, grouped, row } from '../profiler/reports.js';
import { measure, median, quantile, ratios, roundsOf, type Series } from '../profiler/rounds.js';
import {
  choiceOption,
  type Command,
  integerOption,
  integersOption,
  seedOption,
  type Values,
} from './command.js';
import { checked, type Entrant, type Job, ownContenders, tokenbed } from './contenders.js';
import { describeMachine, machineLine } from './machine.js';
import { print } from './output.js';
import { findPeers, type Peer, PEER_NAMES } from './peers.js';
import { Progress } from './progress.js';

export const bench: Command = {
  name: 'bench',
  help: `tokenbed bench: lookups compared with other implementations

Usage: tokenbed bench [OPTIONS]

All contenders look up the same ids in the same random table: tokenbed, a plain copy of as many
bytes (the limit of the machine), plain JavaScript in three ways, then each library that is
installed in this folder. Results are compared bit for bit before and after. Contenders take
turns in random order. A figure is the median of all rounds. A ratio is the median of the
ratios of each round, because a temporary slowdown affects both. Takes about ten seconds.

Supported libraries:
${PEER_NAMES.map((name) => `  ${name}`).join('\n')}

Options:
      --vocab N            rows of the table (default 50000)
      --dim N              length of a vector (default 384)
      --tokens LIST        ids per call (default 1,64,4096)
      --pattern KIND       distribution of the ids over the table: uniform (default), zipf,
                           sequential, repeated
      --seed N             seed of table and ids, 0 to 2^64-1 (default 0)
      --rounds N           number of rounds (default 15)
      --round-ms N         milliseconds per round and contender (default 10)
      --json               one JSON object: version, backend, ..., table, results, missing,
                           failed

Examples:
  tokenbed bench
  npm i onnxruntime-node && npx tokenbed bench --dim 768 --tokens 512
  TOKENBED_THREADS=1 tokenbed bench --json > bench.json
`,
  options: {
    vocab: { type: 'string' },
    dim: { type: 'string' },
    tokens: { type: 'string' },
    pattern: { type: 'string' },
    seed: { type: 'string' },
    rounds: { type: 'string' },
    'round-ms': { type: 'string' },
    json: { type: 'boolean' },
  },
  takesFiles: false,
  run,
};

const MIB = 2 ** 20;
/** The number of ids, and the most batches of them. Together they cover the table. */
const POOL = 2 ** 18;
const MOST_BATCHES = 2 ** 16;

/** The result of one contender for one batch size. */
interface Result {
  readonly tokens: number;
  readonly name: string;
  /** The version of the library; `null` for tokenbed, plain JavaScript and the copy. */
  readonly version: string | null;
  readonly medianUs: number;
  readonly p10Us: number;
  readonly p90Us: number;
  readonly tokensPerSecond: number;
  /** MiB of vectors per second. */
  readonly outputMbS: number;
  /** Its time divided by that of tokenbed, in the same rounds. */
  readonly ratio: number;
}

/** The options of the command. */
interface BenchOptions {
  readonly vocab: number;
  readonly dim: number;
  readonly tokens: readonly number[];
  readonly pattern: (typeof PATTERNS)[number];
  readonly seed: bigint;
  readonly rounds: number;
  readonly roundMs: number;
}

async function run(values: Values): Promise<void> {
  const options: BenchOptions = {
    vocab: integerOption(values, 'vocab', { min: 1, max: 2 ** 31 }, 50_000),
    dim: integerOption(values, 'dim', { min: 1 }, 384),
    tokens: integersOption(values, 'tokens', { min: 1 }, [1, 64, 4096]),
    pattern: choiceOption(values, 'pattern', PATTERNS, 'uniform'),
    seed: seedOption(values),
    rounds: integerOption(values, 'rounds', { min: 1, max: 10_000 }, 15),
    roundMs: integerOption(values, 'round-ms', { min: 1, max: 60_000 }, 10),
  };
  // Libraries print greetings and warnings to the console, but standard output is for results.
  globalThis.console = new Console(process.stderr, process.stderr);
  const { installed, missing } = findPeers();
  const { results, failed } = await compare(options, installed);
  const memoryMb = (4 * options.vocab * options.dim) / MIB;
  if (values['json'] === true) {
    const { vocab, dim, pattern, rounds, roundMs } = options;
    const table = { vocabSize: vocab, embeddingDim: dim, memoryMb };
    const settings = { pattern, seed: String(options.seed), rounds, roundMs };
    const report = { ...describeMachine(), table, settings, results, missing, failed };
    return print(`${JSON.stringify(report, null, 2)}\n`);
  }
  const lines = [
    machineLine(),
    `Table: ${grouped(options.vocab)} x ${grouped(options.dim)}, ${figure(memoryMb)} MB; ids: ${options.pattern}, seed ${options.seed}`,
    `Median of ${options.rounds} rounds; x: how many times as long as tokenbed`,
    ...[...new Set(options.tokens)].flatMap((tokens) => tableOf(tokens, results)),
  ];
  for (const { name, message } of failed) lines.push('', `Not measured: ${name}: ${message}`);
  if (missing.length > 0) lines.push('', `Not installed here: ${missing.join(', ')}`);
  return print(`${lines.join('\n')}\n`);
}

/** Measures the contenders without dependencies on every batch size, then each library beside tokenbed. */
async function compare(options: BenchOptions, peers: readonly Peer[]) {
  const jobs = makeJobs(options);
  const progress = new Progress('measuring', jobs.length * (1 + peers.length) * options.rounds, 'figures', {
    resultsLater: true,
  });
  const results: Result[] = [];
  const failed: { name: string; message: string }[] = [];
  const beside = async (entrants: readonly Entrant[]): Promise<Series<Entrant>[]> => {
    try {
      return await measure(entrants.map(checked), {
        warmupMs: 2 * options.roundMs,
        roundMs: options.roundMs,
        next: roundsOf(options.rounds),
        onRound: () => progress.add(1),
      });
    } finally {
      for (const each of entrants) await each.close?.();
    }
  };
  try {
    for (const job of jobs) {
      const [own, ...others] = await beside(ownContenders(job));
      results.push(...[own!, ...others].map((each) => resultOf(job, each, own!, null)));
    }
    for (const { name, version, open } of peers) {
      try {
        const prepare = await open();
        for (const job of jobs) {
          const entrant = await prepare(job);
          if (entrant === null) throw new Error('it cannot hold a table of this size');
          const [own, series] = await beside([tokenbed(job), entrant]);
          results.push(resultOf(job, series!, own!, version));
        }
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        failed.push({ name, message: message.split('\n')[0]! });
      }
    }
  } finally {
    progress.end();
  }
  return { results, failed };
}

/** One job for each batch size, over the same table and the same ids. */
function makeJobs({ vocab, dim, tokens, pattern, seed }: BenchOptions): Job[] {
  // The table, the copies of tokenbed and of copyWithin; the rows of all contenders.
  const [most, length] = [Math.max(...tokens), vocab * dim];
  expectRoom('Tables, rows and ids', 4 * (3 * length + 8 * most * dim + Math.max(POOL, most)));
  const embedding = new Embedding({ vocabSize: vocab, embeddingDim: dim, seed });
  const { data: table } = embedding.weight.toTensor();
  embedding.dispose();
  const pool = drawIds(pattern, vocab, Math.max(POOL, ...tokens), seed);
  return [...new Set(tokens)].map((count) => {
    const length = Math.min(MOST_BATCHES, Math.floor(pool.length / count));
    const batches = Array.from({ length }, (_, k) => pool.subarray(k * count, (k + 1) * count));
    return { vocab, dim, tokens: count, table, batches };
  });
}

function resultOf(
  { tokens, dim }: Job,
  series: Series<Entrant>,
  own: Series<Entrant>,
  version: string | null,
): Result {
  const { contender, rounds, medianMs } = series;
  const seconds = medianMs / 1000;
  return {
    tokens,
    name: contender.name,
    version,
    medianUs: seconds * 1e6,
    p10Us: quantile(rounds, 0.1) * 1000,
    p90Us: quantile(rounds, 0.9) * 1000,
    tokensPerSecond: tokens / seconds,
    outputMbS: (4 * tokens * dim) / MIB / seconds,
    ratio: median(ratios(series, own)),
  };
}

const WIDTHS = [38, 10, 10, 10, 14, 10, 0];

function tableOf(tokens: number, results: readonly Result[]): string[] {
  const rows = results.filter((each) => each.tokens === tokens);
  const title = `${grouped(tokens)} token${tokens === 1 ? '' : 's'} per call`;
  return [
    '',
    row(WIDTHS, [title, 'us', 'p10', 'p90', 'tokens/s', 'MB/s', 'x']),
    '-'.repeat(100),
    ...rows.map((each) =>
      row(WIDTHS, [
        each.version === null ? each.name : `${each.name} ${each.version}`,
        ...[each.medianUs, each.p10Us, each.p90Us].map((us) => (us < 1000 ? figure(us) : grouped(us))),
        grouped(each.tokensPerSecond),
        grouped(each.outputMbS),
        figure(each.ratio),
      ]),
    ),
  ];
}
