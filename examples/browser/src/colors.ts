/**
 * The diverging scale from blue to red, safe for most kinds of color blindness. Its five stops are custom properties in
 * style.css, different for light and dark mode.
 */

const STEPS = 256;
const dark = matchMedia('(prefers-color-scheme: dark)');

/** Calls `draw` whenever the colors change. */
export function onColorChange(draw: () => void): void {
  dark.addEventListener('change', draw);
}

/** The current value of a custom property. */
export function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Little-endian RGBA words for -1 (first) to 1 (last). */
export function divergingScale(): Uint32Array {
  const stops = [0, 1, 2, 3, 4].map((i) => Number.parseInt(color(`--heat-${i}`).slice(1), 16));
  return Uint32Array.from({ length: STEPS }, (_, step) => {
    const position = (step / (STEPS - 1)) * (stops.length - 1);
    const [from, to] = [stops[Math.floor(position)]!, stops[Math.ceil(position)]!];
    const channel = (shift: number) => {
      const [a, b] = [(from >> shift) & 255, (to >> shift) & 255];
      return Math.round(a + (b - a) * (position % 1));
    };
    return (255 << 24) | (channel(0) << 16) | (channel(8) << 8) | channel(16);
  });
}

/** The color of a value. `limit` is the magnitude with full saturation. */
export function shade(scale: Uint32Array, value: number, limit: number): number {
  const step = ((value / limit + 1) / 2) * (STEPS - 1);
  return scale[Math.max(0, Math.min(STEPS - 1, Math.round(step)))]!;
}
