/** Cells and lines of printed reports, in the seeds' format. */

/** An integer with commas between groups of three digits. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Two decimals as the seeds print them; where that would say too little, two digits: nothing measured is 0.00. */
export function figure(value: number): string {
  return value === 0 || value >= 0.1 ? value.toFixed(2) : value.toPrecision(2);
}

/** How often as large: `2.0x`. */
export function times(ratio: number): string {
  return ratio >= 0.1 ? `${ratio.toFixed(1)}x` : `${ratio.toPrecision(2)}x`;
}

/** A row of a table: each cell at least as wide as its column, from the left. */
export function row(widths: readonly number[], cells: readonly (string | number)[]): string {
  return cells.map((cell, column) => String(cell).padEnd(widths[column]!)).join(' ');
}
