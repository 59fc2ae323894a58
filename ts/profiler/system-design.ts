/** TinyTorch's advice on designing a system around embeddings, with computed figures. */

import { callback, named } from '../args/options.js';
import { MIB } from './lookups.js';
import { grouped, row } from './reports.js';

/** Options of {@link analyzeEmbeddingSystemDesign}. */
export interface SystemDesignOptions {
  /** Receives each line, without its newline; `null` prints nothing. Default `console.log`. */
  readonly print?: ((line: string) => void) | null | undefined;
}

/** The cost of the embeddings of a model of a common size. */
export interface ModelConfiguration {
  /** The name of the model size. */
  name: string;
  /** V, the number of rows. */
  vocabSize: number;
  /** D, the length of a row. */
  embeddingDim: number;
  /** The number of tokens of its longest sequence. */
  seqLength: number;
  /** V * D. */
  embeddingParameters: number;
  /** MiB of the table, 4 bytes per parameter. */
  memoryMb: number;
  /** MiB of the gradient of one sequence of distinct tokens: its rows alone, whatever the table. */
  gradientMb: number;
  /** MiB of the state of an optimizer once every row has had a gradient. */
  optimizerStateMb: OptimizerStateMb;
}

/** MiB of the state of each optimizer. */
export interface OptimizerStateMb {
  /** SGD without momentum has no state. */
  sgd: number;
  /** SGD with momentum: a value per parameter. */
  sgdMomentum: number;
  /** Adagrad: a value per parameter. */
  adagrad: number;
  /** RowwiseAdagrad: a value per row. */
  rowwiseAdagrad: number;
  /** Adam and AdamW: two values per parameter. */
  adam: number;
}

/** A design choice and its consequences. */
export interface DesignTradeoff {
  /** The choice. */
  title: string;
  /** The consequences. */
  points: string[];
}

/** The result of {@link analyzeEmbeddingSystemDesign}. */
export interface SystemDesign {
  /** The printed lines, joined by newlines. */
  text: string;
  /** Three models, from small to large. */
  configurations: ModelConfiguration[];
  /** Four choices. */
  tradeoffs: DesignTradeoff[];
  /** Four considerations for production. */
  considerations: string[];
}

const MODELS = [
  ['Small GPT', 10_000, 256, 512],
  ['Medium GPT', 50_000, 512, 1024],
  ['Large GPT', 50_000, 1024, 2048],
] as const;

const TRADEOFFS = [
  [
    'Vocabulary Size',
    'Larger vocab: Better text coverage, more parameters',
    'Smaller vocab: Longer sequences, more compute',
  ],
  [
    'Embedding Dimension',
    'Higher dim: More model capacity, more memory',
    'Lower dim: Faster computation, potential bottleneck',
  ],
  [
    'Position Encoding',
    'Sinusoidal: No parameters, good extrapolation',
    'Learned: Model-specific, limited to training length',
  ],
  [
    'Memory Scaling',
    'Embedding table: O(vocab_size × embed_dim)',
    'Sequence processing: O(batch_size × seq_length × embed_dim)',
    'Total memory dominated by model size, not embedding table',
  ],
] as const;

const CONSIDERATIONS = [
  'GPU memory limits affect maximum embedding table size',
  'Embedding lookup is memory-bandwidth bound',
  'Vocabulary size affects tokenization and model download size',
  'Position encoding choice affects sequence length flexibility',
] as const;

const WIDTHS = [12, 10, 10, 8, 12, 10];

/**
 * The cost of the embeddings of three common models, four choices and four considerations, as text and as data. Prints
 * the text line by line unless `print` is null. Returns new, plain objects. Allocates no table and measures nothing.
 *
 * ```text
 * embeddingParameters = vocabSize * embeddingDim;  memoryMb = embeddingParameters * 4 / 2^20
 * gradientMb = min(seqLength, vocabSize) * embeddingDim * 4 / 2^20
 * optimizerStateMb: sgd 0;  sgdMomentum, adagrad memoryMb;  rowwiseAdagrad vocabSize * 4 / 2^20;  adam 2 memoryMb
 * ```
 * Errors: `ERR_INVALID_OPTION`.
 */
export function analyzeEmbeddingSystemDesign(options?: SystemDesignOptions): SystemDesign {
  const values = named(options, ['print']);
  const silent = values['print'] === null;
  // oxlint-disable-next-line no-console -- this function exists to print
  const print = silent ? null : callback(values, 'print', (line: string) => console.log(line));
  const configurations = MODELS.map(([name, vocabSize, embeddingDim, seqLength]) => {
    const embeddingParameters = vocabSize * embeddingDim;
    const memoryMb = (embeddingParameters * 4) / MIB;
    const gradientMb = (Math.min(seqLength, vocabSize) * embeddingDim * 4) / MIB;
    const optimizerStateMb = {
      sgd: 0,
      sgdMomentum: memoryMb,
      adagrad: memoryMb,
      rowwiseAdagrad: (vocabSize * 4) / MIB,
      adam: 2 * memoryMb,
    };
    const shape = { name, vocabSize, embeddingDim, seqLength };
    return { ...shape, embeddingParameters, memoryMb, gradientMb, optimizerStateMb };
  });
  const tradeoffs = TRADEOFFS.map(([title, ...points]) => ({ title, points: [...points] }));
  const considerations = [...CONSIDERATIONS];
  const lines = [
    '🏗️ EMBEDDING SYSTEM DESIGN ANALYSIS',
    '='.repeat(60),
    '📋 MODEL CONFIGURATION COMPARISON:',
    row(WIDTHS, ['Model', 'Vocab Size', 'Embed Dim', 'Seq Len', 'Embed Params', 'Memory (MB)']),
    '-'.repeat(80),
    ...configurations.map((each) =>
      row(WIDTHS, [
        each.name,
        grouped(each.vocabSize),
        each.embeddingDim,
        each.seqLength,
        grouped(each.embeddingParameters),
        each.memoryMb.toFixed(1),
      ]),
    ),
    '',
    '🎯 DESIGN TRADE-OFFS:',
    ...tradeoffs.flatMap(({ title, points }, i) => [
      ` ${i + 1}. ${title}:`,
      ...points.map((point) => `    - ${point}`),
    ]),
    '',
    '🏭 PRODUCTION CONSIDERATIONS:',
    ...considerations.map((each) => ` - ${each}`),
  ];
  if (print !== null) for (const line of lines) print(line);
  return { text: lines.join('\n'), configurations, tradeoffs, considerations };
}
