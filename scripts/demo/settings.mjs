/** What the demo computes, shared by its processes. */

/** The layer: token rows U[-1/sqrt(D), 1/sqrt(D)) of this seed, plus the sinusoid of the position in its row. */
export const DIM = 384;
export const SEED = 7;

/** A batch: [32, 512] ids; positions start again at 0 in every sequence. */
export const BATCH = 32;
export const SEQUENCE = 512;

export const VOCABULARY = 4096;

/** The rows that a third process computes in plain JavaScript from the formulas alone. */
export const CHECKED_ROWS = 1000;

/**
 * The batches of n ids: [32, 512] each; then what full sequences are left, [k, 512]; then the last, [m].
 *
 * @param {number} n @returns {Generator<{ start: number, shape: number[] }>}
 */
export function* batches(n) {
  const whole = BATCH * SEQUENCE;
  let start = 0;
  for (; start + whole <= n; start += whole) yield { start, shape: [BATCH, SEQUENCE] };
  const sequences = Math.floor((n - start) / SEQUENCE);
  if (sequences > 0) yield { start, shape: [sequences, SEQUENCE] };
  start += sequences * SEQUENCE;
  if (start < n) yield { start, shape: [n - start] };
}
