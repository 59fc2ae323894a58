/**
 * The diverging scale: blue, paper, red, which most kinds of colour blindness tell apart. Its five stops are custom
 * properties of style.css, where light and dark have their own; canvases take them from there.
 */

const STEPS = 256;
const dark = matchMedia('(prefers-color-scheme: dark)');

/** Draws anew whenever the colours change. */
export function onColours(draw: () => void): void {
  dark.addEventListener('change', draw);
}

/** A custom property as it is now. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Little-endian RGBA words for -1 (first) to 1 (last). */
export function divergingScale(): Uint32Array {
  const stops = [0, 1, 2, 3, 4].map((i) => Number.parseInt(colour(`--heat-${i}`).slice(1), 16));
  return Uint32Array.from({ length: STEPS }, (_, step) => {
    const at = (step / (STEPS - 1)) * (stops.length - 1);
    const [from, to] = [stops[Math.floor(at)]!, stops[Math.ceil(at)]!];
    const channel = (shift: number) => {
      const [a, b] = [(from >> shift) & 255, (to >> shift) & 255];
      return Math.round(a + (b - a) * (at % 1));
    };
    return (255 << 24) | (channel(0) << 16) | (channel(8) << 8) | channel(16);
  });
}

/** The scale's word for a value of which `limit` gets the full colour. */
export function shade(scale: Uint32Array, value: number, limit: number): number {
  const at = ((value / limit + 1) / 2) * (STEPS - 1);
  return scale[Math.max(0, Math.min(STEPS - 1, Math.round(at)))]!;
}
