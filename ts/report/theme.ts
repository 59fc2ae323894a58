/**
 * The colours, once: every chart is drawn in those for light surfaces, which any viewer of SVG shows; a style sheet
 * exchanges them for custom properties, which follow the reader's preference and turn light again on paper.
 */

/** A role: its colour on a light surface, and on a dark one. */
const COLOURS = {
  surface: ['#ffffff', '#12161c'],
  ink: ['#1b2027', '#e4e8ee'],
  muted: ['#5a6472', '#98a3b3'],
  line: ['#d5dbe3', '#2d3541'],
  blue: ['#1a66c2', '#6cb0f8'],
  orange: ['#b4540a', '#f2a65a'],
  green: ['#187a4b', '#55c78d'],
  purple: ['#7a46c4', '#b99af4'],
  red: ['#bf2f45', '#f58a97'],
  teal: ['#0d7482', '#4fc3d3'],
  cold: ['#2166ac', '#5aa5ef'],
  warm: ['#b2342b', '#f0766a'],
} as const;

type Role = keyof typeof COLOURS;

/** What to draw with. */
export const light = Object.fromEntries(
  Object.entries(COLOURS).map(([role, [colour]]) => [role, colour]),
) as Record<Role, string>;

/** For one series after the other, each with at least 4.5 : 1 against the surface; symbols tell them apart without colours. */
export const SERIES = [
  { colour: light.blue, symbol: 'circle' },
  { colour: light.orange, symbol: 'square' },
  { colour: light.green, symbol: 'triangle' },
  { colour: light.purple, symbol: 'diamond' },
  { colour: light.red, symbol: 'star' },
  { colour: light.teal, symbol: 'wye' },
] as const;

/** The look of the n-th series. */
export const series = (n: number): (typeof SERIES)[number] => SERIES[n % SERIES.length]!;

/** The class of every chart, which the rules below are bound to. */
export const CHART = 'tokenbed-chart';

/** The fonts of the reader's own system: nothing is loaded. */
export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';

const properties = (which: 0 | 1): string =>
  Object.entries(COLOURS)
    .map(([role, pair]) => `--${role}:${pair[which]}`)
    .join(';');

/** The custom properties on `selector`, dark where the reader's screen prefers it. */
export function palette(selector: string): string {
  const dark = `@media screen and (prefers-color-scheme:dark){${selector}{${properties(1)}}}`;
  return `${selector}{color-scheme:light dark;${properties(0)}}\n${dark}`;
}

/** What makes a chart follow the custom properties. */
export const CHART_STYLE = [
  `.${CHART}{color:var(--ink);font-family:${FONT}}`,
  `.${CHART} text{white-space:pre}`,
  ...Object.entries(light).flatMap(([role, colour]) => [
    `.${CHART} [fill="${colour}"]{fill:var(--${role})}`,
    `.${CHART} [stroke="${colour}"]{stroke:var(--${role})}`,
  ]),
].join('\n');
