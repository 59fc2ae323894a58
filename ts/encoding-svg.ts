/** Draws a positional encoding: the values as a heat map, the frequencies as a curve below it. */

const WIDTH = 720;
const MARGIN = { left: 56, right: 16, top: 40, gap: 64, bottom: 44 };
const CURVE_HEIGHT = 160;

/** A diverging scale that is safe for most color vision: blue for -1, near white for 0, red for 1. */
function color(value: number): string {
  const [cold, middle, warm] = [
    [33, 102, 172],
    [247, 247, 247],
    [178, 24, 43],
  ] as const;
  const end = value < 0 ? cold : warm;
  const t = Math.min(Math.abs(value), 1);
  const hex = middle.map((from, i) =>
    Math.round(from + (end[i]! - from) * t)
      .toString(16)
      .padStart(2, '0'),
  );
  return `#${hex.join('')}`;
}

const text = (x: number, y: number, content: string, anchor = 'middle', size = 12) =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="${size}">${content}</text>`;

/** Draws `values[position][dimension]` and `frequencies[i]` (rad per position) as one SVG document. */
export function drawEncoding({
  values,
  frequencies,
}: {
  readonly values: readonly (readonly number[])[];
  readonly frequencies: readonly number[];
}): string {
  const [rows, cols] = [values.length, values[0]!.length];
  const width = WIDTH - MARGIN.left - MARGIN.right;
  const cell = { w: width / cols, h: Math.max(2, Math.min(6, 360 / rows)) };
  const mapHeight = cell.h * rows;
  const curveTop = MARGIN.top + mapHeight + MARGIN.gap;
  const height = curveTop + CURVE_HEIGHT + MARGIN.bottom;
  const round = (value: number) => Number(value.toFixed(2));

  const cells = values.flatMap((row, position) =>
    row.map((value, dim) => {
      const [x, y] = [round(MARGIN.left + dim * cell.w), round(MARGIN.top + position * cell.h)];
      return `<rect x="${x}" y="${y}" width="${round(cell.w + 0.1)}" height="${round(cell.h + 0.1)}" fill="${color(value)}"/>`;
    }),
  );
  // The axis is log10 of the frequency, from 0 (1 rad) down to the lowest; at least one decade.
  const lowest = Math.min(-1, Math.floor(Math.log10(frequencies.at(-1)!)));
  const last = Math.max(1, frequencies.length - 1);
  const points = frequencies.map((frequency, i) => {
    const y = curveTop + (Math.log10(frequency) / lowest) * CURVE_HEIGHT;
    return `${round(MARGIN.left + (i / last) * width)},${round(y)}`;
  });
  const decades = Array.from({ length: -lowest + 1 }, (_, i) => {
    const y = round(curveTop + (i / -lowest) * CURVE_HEIGHT);
    const line = `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y}" y2="${y}" stroke="#ddd"/>`;
    return line + text(MARGIN.left - 8, y + 4, i === 0 ? '1' : `1e-${i}`, 'end');
  });

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${round(height)}" font-family="sans-serif" fill="#222" role="img">`,
    `<title>Positional encoding: ${rows} positions, ${cols} dimensions, and all ${frequencies.length} frequencies</title>`,
    `<rect width="${WIDTH}" height="${round(height)}" fill="#fff"/>`,
    text(MARGIN.left, 24, 'Positional encoding (blue -1, white 0, red 1)', 'start', 14),
    `<g shape-rendering="crispEdges">${cells.join('')}</g>`,
    text(MARGIN.left - 8, MARGIN.top + 10, '0', 'end'),
    text(MARGIN.left - 8, round(MARGIN.top + mapHeight), String(rows - 1), 'end'),
    text(MARGIN.left + width / 2, round(MARGIN.top + mapHeight + 18), `dimension 0 to ${cols - 1}`),
    text(MARGIN.left, round(curveTop - 14), 'Frequency, rad per position (logarithmic)', 'start', 14),
    ...decades,
    `<polyline points="${points.join(' ')}" fill="none" stroke="#2166ac" stroke-width="2"/>`,
    text(MARGIN.left + width / 2, round(height - 14), `pair of dimensions 0 to ${frequencies.length - 1}`),
    '</svg>',
  ].join('\n');
}
