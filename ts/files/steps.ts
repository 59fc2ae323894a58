/**
 * Work that waits for bytes, written once for synchronous and asynchronous sources: a generator that yields a value, or a
 * promise of it, and continues with the value.
 */

/** Such work, with the result `T`. */
export type Steps<T> = Generator<unknown, T, unknown>;

/** Waits for a value. */
export function* wait<T>(value: T | PromiseLike<T>): Steps<T> {
  return (yield value) as T;
}

/** Runs work that yields no promises. */
export function runSync<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next(step.value);
  return step.value;
}

/** Runs work that yields promises. A promise that rejects throws in the work. */
export async function run<T>(steps: Steps<T>, signal?: LoadSignal): Promise<T> {
  const waiting = new Waiting(signal);
  try {
    let step = steps.next();
    while (step.done !== true) {
      try {
        step = steps.next(await waiting.on(step.value));
      } catch (error) {
        step = steps.throw(error);
      }
    }
    return step.value;
  } finally {
    waiting.end();
  }
}

/** Waits for a value until a signal aborts. A value that comes later is passed to `free`. */
export async function until<T>(
  value: Promise<T>,
  signal: LoadSignal | undefined,
  free: (late: T) => unknown = () => {},
): Promise<T> {
  try {
    return await run(wait(value), signal);
  } catch (error) {
    value.then(free).catch(() => {});
    throw error;
  }
}

/** The part of an AbortSignal that is used. */
export interface LoadSignal {
  /** Whether it has aborted. */
  readonly aborted: boolean;
  /** Why, which the load rejects with. */
  readonly reason: unknown;
  /** Calls `listener` when it aborts. */
  addEventListener(type: 'abort', listener: () => void): void;
  /** Removes the listener. */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Waits for promises until a signal aborts: then it rejects with the reason, even if the promise never settles. */
class Waiting {
  readonly #signal: LoadSignal | undefined;
  #abort: (() => void) | undefined;
  readonly #aborted: Promise<never> | undefined;
  #thrown = false;

  constructor(signal: LoadSignal | undefined) {
    this.#signal = signal;
    if (signal === undefined) return;
    this.#aborted = new Promise((_, reject) => {
      this.#abort = () => reject(signal.reason);
      if (signal.aborted) this.#abort();
      else signal.addEventListener('abort', this.#abort);
    });
    this.#aborted.catch(() => {}); // reported by `on`
  }

  async on(value: unknown): Promise<unknown> {
    const signal = this.#signal;
    // The abort is thrown once: what the work does afterwards, to free its resources, waits as usual.
    if (signal === undefined || this.#thrown) return value;
    try {
      // Also after an abort: a promise that nobody waits for must not be reported as unhandled when it rejects.
      const result = await Promise.race([value, this.#aborted!]);
      if (!signal.aborted) return result;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    this.#thrown = true;
    throw signal.reason;
  }

  end(): void {
    if (this.#abort !== undefined) this.#signal?.removeEventListener('abort', this.#abort);
  }
}
