/** The progress bar: appears on a terminal after a second, nowhere else. */

const WIDTH = 28;
const PATIENCE_MS = 1000;
const REDRAW_MS = 100;
const ERASE = '\r\u001b[2K';

/**
 * A bar on standard error, or a counter without a total. Hidden if standard output is also a terminal, where the bar
 * would mix with results, unless `resultsLater`: then they come after the bar.
 */
export class Progress {
  readonly #watched: boolean;
  #drawn = 0;
  #next = performance.now() + PATIENCE_MS;
  #done = 0;

  constructor(
    readonly label: string,
    private total: number | null,
    readonly unit: 'MiB' | 'merges' | 'lines' | 'figures' = 'MiB',
    { resultsLater = false } = {},
  ) {
    this.#watched = process.stderr.isTTY === true && (resultsLater || process.stdout.isTTY !== true);
  }

  /** A bar over the bytes of some inputs. */
  static over(
    label: string,
    inputs: readonly { readonly size: number | null }[],
    options?: { readonly resultsLater?: boolean },
  ): Progress {
    const sizes = inputs.map(({ size }) => size);
    const total = sizes.includes(null) ? null : sizes.reduce<number>((sum, n) => sum + n!, 0);
    return new Progress(label, total, 'MiB', options);
  }

  /** Adds `amount` to the finished work. */
  add(amount: number): void {
    this.set(this.#done + amount);
  }

  /** Sets the finished work, and the total if it was unknown. */
  set(done: number, total = this.total): void {
    this.#done = done;
    this.total = total;
    if (!this.#watched || performance.now() < this.#next) return;
    this.#next = performance.now() + REDRAW_MS;
    this.#drawn++;
    process.stderr.write(`${ERASE}${this.label} ${this.#text()}`);
  }

  /** Removes the bar. */
  end(): void {
    if (this.#drawn > 0) process.stderr.write(ERASE);
    this.#drawn = 0;
  }

  #text(): string {
    const { total } = this;
    const amount = this.unit === 'MiB' ? (this.#done / 2 ** 20).toFixed(1) : String(this.#done);
    if (total === null || total === 0) return `${amount} ${this.unit}`;
    const part = Math.min(1, this.#done / total);
    return `[${'#'.repeat(Math.round(WIDTH * part)).padEnd(WIDTH)}] ${Math.floor(100 * part)} %`;
  }
}
