/** Printed reports: TinyTorch's titles, columns and rows, and insights that match the results. */

import {
  analyzeEmbeddingSystemDesign,
  Embedding,
  type EmbeddingProfiler,
  type EmbeddingProfilerOptions,
} from 'tokenbed';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { expectError, invalidOption, thrown } from './helpers/errors.js';
import { quick } from './helpers/profiler.js';

const embedding = new Embedding({ vocabSize: 300, embeddingDim: 8, seed: 3 });

/** A profiler and the lines that it prints. */
function printing(options: EmbeddingProfilerOptions = {}): { profiler: EmbeddingProfiler; lines: string[] } {
  const lines: string[] = [];
  return { lines, profiler: quick({ ...options, print: (line) => lines.push(line) }) };
}

/** A row of left-aligned cells, as by Python's `f'{text:<width}'` in TinyTorch. */
const row = (...cells: readonly (readonly [string | number, number])[]): string =>
  cells.map(([cell, width]) => String(cell).padEnd(width)).join(' ');

const commas = (value: number): string => String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
const shown = (value: number): string =>
  value === 0 || value >= 0.1 ? value.toFixed(2) : value.toPrecision(2);

const SCALING_HEAD = [
  '📊 EMBEDDING MEMORY SCALING ANALYSIS',
  '='.repeat(60),
  'Vocab Size   Embed Dim  Parameters   Memory (MB)  Lookup Time ',
  '-'.repeat(70),
];

describe('analyzeMemoryScaling', () => {
  it('prints the table and insights of TinyTorch', () => {
    const { profiler, lines } = printing();
    const entries = profiler.analyzeMemoryScaling({ vocabSizes: [500, 1500], embeddingDims: [64, 16] });
    const rows = Object.values(entries).map((each) =>
      row(
        [commas(each.vocabSize), 12],
        [each.embeddingDim, 10],
        [commas(each.totalParameters), 12],
        [shown(each.memoryMb), 12],
        [shown(each.lookupTimeMs!), 12],
      ),
    );
    expect(rows[2]).toMatch(/^1,500 {8}64 {9}96,000 {7}0\.37 {9}\S+ +$/);
    const [small, large] = [entries['vocab_500_dim_16']!, entries['vocab_1500_dim_64']!];
    const ratio = large.lookupTimeMs! / small.lookupTimeMs!;
    expect(lines).toEqual([
      ...SCALING_HEAD,
      ...rows,
      '',
      '📈 SCALING INSIGHTS:',
      ' Vocabulary scaling: 3.0x vocab → 3.0x memory (Linear)',
      ' Dimension scaling: 4.0x dim → 4.0x memory (Linear)',
      ` Lookup time: 12.0x memory → ${ratio.toFixed(1)}x time`,
    ]);
  });

  it('marks tables that were not created', () => {
    const { profiler, lines } = printing();
    profiler.analyzeMemoryScaling({ vocabSizes: [10, 1_000_000], embeddingDims: [64], maxTableMb: 2 });
    expect(lines[5]).toBe(row(['1,000,000', 12], [64, 10], ['64,000,000', 12], ['244.14', 12], ['-', 12]));
    expect(lines[6]).toBe('(- : the table was not made: it is above 2 MB, or there is no room for it)');
    expect(lines.slice(7)).toEqual([
      '',
      '📈 SCALING INSIGHTS:',
      ' Vocabulary scaling: 100000.0x vocab → 100000.0x memory (Linear)',
    ]);
  });

  it('never prints a time or size of zero', () => {
    const { profiler, lines } = printing();
    profiler.analyzeMemoryScaling({ vocabSizes: [1], embeddingDims: [1] });
    expect(lines[4]).toMatch(/^1 {12}1 {10}1 {12}0\.0000038 {4}\d/);
    expect(lines[4]).not.toMatch(/ 0\.00 /);
    expect(lines).toHaveLength(5);
  });

  it('prints no insights without measurements', () => {
    const { profiler, lines } = printing();
    profiler.analyzeMemoryScaling({ vocabSizes: [], embeddingDims: [4] });
    expect(lines).toEqual(SCALING_HEAD);
  });
});

describe('comparePositionalEncodings', () => {
  it('prints the table and insights of TinyTorch', () => {
    const { profiler, lines } = printing();
    const { sinusoidal, learned } = profiler.comparePositionalEncodings({ seqLength: 20, embeddingDim: 32 });
    const times = (key: 'computationTimeMs' | 'constructionTimeMs') => {
      const ratio = sinusoidal[key] / learned[key];
      return `${ratio >= 0.1 ? ratio.toFixed(1) : ratio.toPrecision(2)}x`;
    };
    expect(lines).toEqual([
      '',
      '🔍 POSITIONAL ENCODING COMPARISON',
      '='.repeat(50),
      '📊 COMPARISON RESULTS:',
      'Method       Time (ms)  Memory (MB)  Parameters   Extrapolation',
      '-'.repeat(70),
      row(['Sinusoidal', 12], [shown(sinusoidal.computationTimeMs), 10], ['0.00', 12], [0, 12], ['Good', 0]),
      row(
        ['Learned', 12],
        [shown(learned.computationTimeMs), 10],
        [shown((40 * 32 * 4) / 2 ** 20), 12],
        ['1,280', 12],
        ['Limited', 0],
      ),
      '',
      '💡 INSIGHTS:',
      ' - Sinusoidal: Zero parameters, deterministic, good extrapolation',
      ' - Learned: Requires parameters (1,280), model-specific, limited extrapolation',
      ` - Time: sinusoidal takes ${times('computationTimeMs')} the time of learned to add, ` +
        `${times('constructionTimeMs')} to construct`,
      ' - Choice depends on: model capacity, sequence length requirements, extrapolation needs',
    ]);
  });
});

describe('measureLookupPerformance', () => {
  const HEAD = [
    '📊 EMBEDDING LOOKUP PERFORMANCE',
    '='.repeat(60),
    'Batch  Seq Len  Tokens     Time (ms)  p10 (ms)   p90 (ms)   Tokens/s       MB/s       us/Token   Of a copy',
    '-'.repeat(100),
  ];

  it('prints one row per entry, and insights', () => {
    const { profiler, lines } = printing();
    const entries = Object.values(
      profiler.measureLookupPerformance({ embedding, batchSizes: [1, 500], seqLengths: [4] }),
    );
    const percent = (each: (typeof entries)[number]) => `${(100 * each.bandwidthUtilization).toFixed(0)}%`;
    const [fewest, most] = entries as [(typeof entries)[number], (typeof entries)[number]];
    const fastest = fewest.tokensPerSecond > most.tokensPerSecond ? fewest : most;
    const nearest = fewest.bandwidthUtilization > most.bandwidthUtilization ? fewest : most;
    expect(lines).toEqual([
      ...HEAD,
      ...entries.map((each) =>
        row(
          [each.batchSize, 6],
          [4, 8],
          [commas(each.totalTokens), 10],
          [shown(each.lookupTimeMs), 10],
          [shown(each.p10Ms), 10],
          [shown(each.p90Ms), 10],
          [commas(each.tokensPerSecond), 14],
          [commas(each.memoryBandwidthMbS), 10],
          [shown(each.timePerTokenUs), 10],
          [percent(each), 0],
        ),
      ),
      '',
      '📈 LOOKUP INSIGHTS:',
      ` Fastest: ${fastest.batchSize} x 4 uniform ids, ${commas(fastest.tokensPerSecond)} tokens/s, ` +
        `${shown(fastest.timePerTokenUs)} us per token`,
      ` Batch scaling: 500.0x tokens → ${(most.lookupTimeMs / fewest.lookupTimeMs).toFixed(1)}x time`,
      ` Memory bandwidth: vectors written at up to ${percent(nearest)} of the speed ` +
        `of a plain copy of the same bytes (${commas(nearest.machineBandwidthMbS)} MB/s)`,
    ]);
  });

  it('prints no insights without measurements', () => {
    const { profiler, lines } = printing();
    profiler.measureLookupPerformance({ embedding, batchSizes: [], seqLengths: [4] });
    expect(lines).toEqual(HEAD);
  });
});

describe('print', () => {
  it('is off by default and with null', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    for (const options of [{}, { print: null }, { print: undefined }]) {
      quick(options).analyzeMemoryScaling({ vocabSizes: [1], embeddingDims: [1] });
    }
    expect(log).not.toHaveBeenCalled();
  });
});

describe('analyzeEmbeddingSystemDesign', () => {
  const LINES = [
    '🏗️ EMBEDDING SYSTEM DESIGN ANALYSIS',
    '='.repeat(60),
    '📋 MODEL CONFIGURATION COMPARISON:',
    'Model        Vocab Size Embed Dim  Seq Len  Embed Params Memory (MB)',
    '-'.repeat(80),
    'Small GPT    10,000     256        512      2,560,000    9.8       ',
    'Medium GPT   50,000     512        1024     25,600,000   97.7      ',
    'Large GPT    50,000     1024       2048     51,200,000   195.3     ',
    '',
    '🎯 DESIGN TRADE-OFFS:',
    ' 1. Vocabulary Size:',
    '    - Larger vocab: Better text coverage, more parameters',
    '    - Smaller vocab: Longer sequences, more compute',
    ' 2. Embedding Dimension:',
    '    - Higher dim: More model capacity, more memory',
    '    - Lower dim: Faster computation, potential bottleneck',
    ' 3. Position Encoding:',
    '    - Sinusoidal: No parameters, good extrapolation',
    '    - Learned: Model-specific, limited to training length',
    ' 4. Memory Scaling:',
    '    - Embedding table: O(vocab_size × embed_dim)',
    '    - Sequence processing: O(batch_size × seq_length × embed_dim)',
    '    - Total memory dominated by model size, not embedding table',
    '',
    '🏭 PRODUCTION CONSIDERATIONS:',
    ' - GPU memory limits affect maximum embedding table size',
    ' - Embedding lookup is memory-bandwidth bound',
    ' - Vocabulary size affects tokenization and model download size',
    ' - Position encoding choice affects sequence length flexibility',
  ];

  it('prints the lines of the returned text', () => {
    const lines: string[] = [];
    const { text } = analyzeEmbeddingSystemDesign({ print: (line) => lines.push(line) });
    expect(lines).toEqual(LINES);
    expect(text).toBe(LINES.join('\n'));
  });

  it('prints to the console by default', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    analyzeEmbeddingSystemDesign({ print: null });
    expect(log).not.toHaveBeenCalled();
    analyzeEmbeddingSystemDesign();
    expect(log.mock.calls).toEqual(LINES.map((line) => [line]));
  });

  it('computes the figures of each model', () => {
    const { configurations, tradeoffs, considerations, ...rest } = analyzeEmbeddingSystemDesign({
      print: null,
    });
    expect(Object.keys(rest)).toEqual(['text']);
    expect(configurations.map(({ name }) => name)).toEqual(['Small GPT', 'Medium GPT', 'Large GPT']);
    for (const each of configurations) {
      const { vocabSize, embeddingDim } = each;
      expect(Object.keys(each)).toEqual([
        'name',
        'vocabSize',
        'embeddingDim',
        'seqLength',
        'embeddingParameters',
        'memoryMb',
        'gradientMb',
        'optimizerStateMb',
      ]);
      expect(each.embeddingParameters).toBe(vocabSize * embeddingDim);
      expect(each.memoryMb).toBe((vocabSize * embeddingDim * 4) / 2 ** 20);
      expect(each.gradientMb).toBe((each.seqLength * embeddingDim * 4) / 2 ** 20);
      expect(each.optimizerStateMb).toEqual({
        sgd: 0,
        sgdMomentum: each.memoryMb,
        adagrad: each.memoryMb,
        rowwiseAdagrad: (vocabSize * 4) / 2 ** 20,
        adam: 2 * each.memoryMb,
      });
    }
    expect(tradeoffs.map(({ points }) => points.length)).toEqual([2, 2, 2, 3]);
    expect(considerations).toHaveLength(4);
  });

  it('returns a new plain object each time', () => {
    const first = analyzeEmbeddingSystemDesign({ print: null });
    const copy = structuredClone(first);
    expect(JSON.parse(JSON.stringify(first))).toEqual(first);
    first.configurations[0]!.vocabSize = 1;
    first.tradeoffs[0]!.points.length = 0;
    first.considerations.length = 0;
    expect(analyzeEmbeddingSystemDesign({ print: null })).toEqual(copy);
  });

  it('rejects invalid options and propagates exceptions of print', () => {
    const analyze = analyzeEmbeddingSystemDesign as (options?: unknown) => unknown;
    for (const options of [null, 7, []])
      expectError(() => analyze(options), invalidOption(TypeError, 'options'));
    expectError(() => analyze({ printer: null }), invalidOption(TypeError, 'printer'));
    for (const value of ['x', 1, {}])
      expectError(() => analyze({ print: value }), invalidOption(TypeError, 'print'));
    const error = new Error('full');
    const print = () => {
      throw error;
    };
    expect(thrown(() => analyze({ print }))).toBe(error);
  });
});
