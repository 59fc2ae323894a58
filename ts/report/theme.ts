/**
 * The colors of charts and pages. Charts are drawn with the light colors, which every SVG viewer shows. A style sheet
 * replaces them by custom properties, which follow the reader's preference and are light in print.
 */

/** The color of each role on a light and on a dark surface. */
const COLORS = {
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

type Role = keyof typeof COLORS;

/** The light colors. */
export const light = Object.fromEntries(
  Object.entries(COLORS).map(([role, [color]]) => [role, color]),
) as Record<Role, string>;

/** Styles of consecutive series. Contrast with the surface is at least 4.5 : 1; symbols distinguish them without color. */
export const SERIES = [
  { color: light.blue, symbol: 'circle' },
  { color: light.orange, symbol: 'square' },
  { color: light.green, symbol: 'triangle' },
  { color: light.purple, symbol: 'diamond' },
  { color: light.red, symbol: 'star' },
  { color: light.teal, symbol: 'wye' },
] as const;

/** The style of series `n`. */
export const series = (n: number): (typeof SERIES)[number] => SERIES[n % SERIES.length]!;

/** The CSS class of every chart. */
export const CHART = 'tokenbed-chart';

/** System fonts: nothing is loaded. */
export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';

const properties = (which: 0 | 1): string =>
  Object.entries(COLORS)
    .map(([role, pair]) => `--${role}:${pair[which]}`)
    .join(';');

/** Defines the custom properties on `selector`; dark if the reader's screen prefers it. */
export function palette(selector: string): string {
  const dark = `@media screen and (prefers-color-scheme:dark){${selector}{${properties(1)}}}`;
  return `${selector}{color-scheme:light dark;${properties(0)}}\n${dark}`;
}

/** Makes charts use the custom properties. */
export const CHART_STYLE = [
  `.${CHART}{color:var(--ink);font-family:${FONT}}`,
  `.${CHART} text{white-space:pre}`,
  ...Object.entries(light).flatMap(([role, color]) => [
    `.${CHART} [fill="${color}"]{fill:var(--${role})}`,
    `.${CHART} [stroke="${color}"]{stroke:var(--${role})}`,
  ]),
].join('\n');
