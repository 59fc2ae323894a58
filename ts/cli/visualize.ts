/** `tokenbed visualize`: the sinusoidal encoding of positions, as text and as a picture. */

import { PositionalEncoding } from '../index.js';
import {
  choiceOption,
  type Command,
  integerOption,
  numberOption,
  outputOption,
  type Values,
} from './command.js';
import { print, STANDARD } from './output.js';

export const visualize: Command = {
  name: 'visualize',
  help: `tokenbed visualize: the sinusoidal encoding of positions

Usage: tokenbed visualize [OPTIONS]

Prints the first positions and dimensions (at most 10 x 10) and the range of frequencies.

Options:
      --svg FILE.svg       also draw a heat map and the frequencies to this file; - draws them
                           to standard output and prints nothing else
      --dim N              dimensions of the encoding (default 64)
      --seq-length N       positions (default 100)
      --dims N             dimensions shown (default 10; in the picture 64)
      --base X             base of the frequencies, 1 to 1e12 (default 10000)
      --layout KIND        interleaved (default): alternating sines and cosines; halves:
                           all sines first
      --json               one JSON object: seqLength, dimsShown, values, frequencies (rad
                           per position), minFrequency, maxFrequency

Examples:
  tokenbed visualize --dim 8 --dims 8
  tokenbed visualize --dim 128 --dims 128 --svg encoding.svg
  tokenbed visualize --svg - | gzip > encoding.svgz
`,
  options: {
    svg: { type: 'string' },
    dim: { type: 'string' },
    'seq-length': { type: 'string' },
    dims: { type: 'string' },
    base: { type: 'string' },
    layout: { type: 'string' },
    json: { type: 'boolean' },
  },
  takesFiles: false,
  run,
};

async function run(values: Values): Promise<void> {
  const embeddingDim = integerOption(values, 'dim', { min: 1 }, 64);
  const seqLength = integerOption(values, 'seq-length', { min: 1, max: 2 ** 32 }, 100);
  const dimsToShow = integerOption(values, 'dims', { min: 1 }, undefined);
  const base = numberOption(values, 'base', { min: 1, max: 1e12 }, 10_000);
  const layout = choiceOption(values, 'layout', ['interleaved', 'halves'], 'interleaved');
  const svg = outputOption(values, 'svg');
  const encoding = new PositionalEncoding({ embeddingDim, maxSeqLength: seqLength, base, layout });
  if (svg !== undefined) {
    const { writeWhole } = await import('./whole-file.js');
    await writeWhole(svg, `${encoding.toSVG({ seqLength, dimsToShow })}\n`);
    if (svg === STANDARD) return;
  }
  const { text, ...report } = encoding.visualizeEncoding({ seqLength, dimsToShow, print: null });
  await print(`${values['json'] === true ? JSON.stringify(report, null, 2) : text}\n`);
}
