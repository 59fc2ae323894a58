/** Progress output: a progress bar on a terminal, plain lines elsewhere. */

const terminal = process.stdout.isTTY === true;

/** @param {string} [line] */
export function say(line = '') {
  process.stdout.write(`${line}\n`);
}

/** @param {number} ms */
export function seconds(ms) {
  return ms < 9_950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

/** `1234567` as `1,234,567`. @param {number} n @param {number} [digits] */
export function count(n, digits = 0) {
  return n.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/**
 * Announces a step, runs it, and prints its duration.
 *
 * @template T
 * @param {string} what   "Building the native addon"
 * @param {string} about  "20 s": the usual duration
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, about, work) {
  const start = performance.now();
  say(`- ${what} (about ${about}) ...`);
  const result = await work();
  say(`  done in ${seconds(performance.now() - start)}`);
  return result;
}

/**
 * A progress bar. Without a terminal it prints one line at the start and one at the end.
 *
 * @param {string} label
 */
export function bar(label) {
  const width = 28;
  let shown = -1;
  if (!terminal) say(`${label} ...`);
  return {
    /** @param {number} done @param {number} total */
    update(done, total) {
      const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
      if (!terminal || percent === shown) return;
      shown = percent;
      const full = Math.round((width * percent) / 100);
      process.stdout.write(`\r${label} [${'#'.repeat(full)}${' '.repeat(width - full)}] ${percent} %`);
    },
    /** Replaces the bar with the result. @param {string} result */
    done(result) {
      if (terminal) process.stdout.write('\r\u001b[2K');
      say(terminal ? `${label}: ${result}` : `  ${result}`);
    },
  };
}
