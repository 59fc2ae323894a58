/**
 * The text of a query as sums of rows.
 *
 * ```text
 * text        expression, blanks, expression, ...
 * expression  term, or  expression, blanks, "+" or "-", blanks, term
 * ```
 * A sign that is not between two terms is a term: word vectors have rows for `+` and `-`.
 */

export interface Term {
  readonly sign: 1 | -1;
  readonly text: string;
}

export type Expression = readonly Term[];

const SIGNS: Readonly<Record<string, 1 | -1>> = { '+': 1, '-': -1, '−': -1 };

export function expressionsIn(text: string): Expression[] {
  const parts = text.split(/\s+/).filter(Boolean);
  const expressions: Term[][] = [];
  for (let i = 0; i < parts.length; i++) {
    const sign = SIGNS[parts[i]!];
    const next = parts[i + 1];
    if (sign === undefined || next === undefined || expressions.length === 0) {
      expressions.push([{ sign: 1, text: parts[i]! }]);
    } else {
      expressions.at(-1)!.push({ sign, text: next });
      i++;
    }
  }
  return expressions;
}
