/** TinyTorch's report on a positional encoding, as text and as data. */

/** The result of {@link PositionalEncoding.visualizeEncoding}. */
export interface EncodingReport {
  /** The printed lines, joined by newlines. */
  text: string;
  /** The requested number of positions, at most the length of the table. */
  seqLength: number;
  /** The requested number of dimensions, at most D. */
  dimsShown: number;
  /** The values shown: the first positions and dimensions, at most 10 x 10. */
  values: number[][];
  /** All w_i, in rad per position. */
  frequencies: number[];
  /** The lowest frequency: base^(-(D-2)/D) for an even D. */
  minFrequency: number;
  /** The highest frequency: 1 rad per position. */
  maxFrequency: number;
}

/** Formats the values and frequencies as TinyTorch does, with its incorrect statements corrected. */
export function describeEncoding(
  data: Pick<EncodingReport, 'seqLength' | 'dimsShown' | 'values' | 'frequencies'>,
): EncodingReport {
  const { seqLength, dimsShown, values, frequencies } = data;
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
    'Dimension 0 oscillates fastest, at 1 rad per position; later dimensions oscillate more slowly',
    'Each cosine has the frequency of its sine, a quarter of a period ahead',
    `Frequency range: ${minFrequency.toPrecision(6)} to ${maxFrequency.toFixed(6)} rad per position`,
  ];
  return { text: lines.join('\n'), seqLength, dimsShown, values, frequencies, minFrequency, maxFrequency };
}
