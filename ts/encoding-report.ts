/** The seeds' report on a positional encoding, as text and as data. */

/** What {@link PositionalEncoding.visualizeEncoding} found. */
export interface EncodingReport {
  /** The printed lines, joined by newlines. */
  text: string;
  /** How many positions were asked for, at most those of the table. */
  seqLength: number;
  /** How many dimensions were asked for, at most D. */
  dimsShown: number;
  /** The block shown: the first positions and dimensions, at most 10 x 10. */
  values: number[][];
  /** All w_i, in rad per position. */
  frequencies: number[];
  /** The slowest: base^(-(D-2)/D) for an even D. */
  minFrequency: number;
  /** The fastest: 1 rad per position. */
  maxFrequency: number;
}

/** Puts the block and the frequencies into the seeds' words, but for those that were not true. */
export function describeEncoding(
  found: Pick<EncodingReport, 'seqLength' | 'dimsShown' | 'values' | 'frequencies'>,
): EncodingReport {
  const { seqLength, dimsShown, values, frequencies } = found;
  const [maxFrequency, minFrequency] = [frequencies[0]!, frequencies.at(-1)!];
  const [rows, cols] = [values.length, values[0]!.length];
  const column = (text: string) => text.padStart(8);
  const lines = [
    '📊 POSITIONAL ENCODING VISUALIZATION',
    `Sequence length: ${seqLength}, Dimensions shown: ${dimsShown}`,
    '='.repeat(60),
    `First ${rows} positions, first ${cols} dimensions:`,
    `Pos${values[0]!.map((_, dim) => column(`Dim${String(dim).padStart(2)}`)).join('')}`,
    ...values.map(
      (row, pos) => String(pos).padStart(3) + row.map((value) => column(value.toFixed(3))).join(''),
    ),
    '',
    '📈 FREQUENCY ANALYSIS:',
    'Dimension 0 turns fastest, 1 rad per position; later dimensions turn ever more slowly',
    'Cosines have the frequencies of their sines, a quarter of a turn ahead',
    `Frequency range: ${minFrequency.toPrecision(6)} to ${maxFrequency.toFixed(6)} rad per position`,
  ];
  return { text: lines.join('\n'), seqLength, dimsShown, values, frequencies, minFrequency, maxFrequency };
}
