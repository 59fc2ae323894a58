/** The page's interface to the Worker: calls that return promises. */

import type { Answer, Call, Calls, Kind } from './messages.js';

interface Pending {
  part(value: unknown): void;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Background {
  #worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  #pending = new Map<number, Pending>();
  #next = 0;
  #onBusy: (busy: boolean) => void;

  /** `onBusy` is called when the first call begins and when the last one has been answered. */
  constructor(onBusy: (busy: boolean) => void = () => {}) {
    this.#onBusy = onBusy;
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => this.#receive(data));
    // The only event for a Worker that cannot start.
    this.#worker.addEventListener('error', (event) => {
      this.#failAll(new Error(event.message || 'The Worker could not be started'));
    });
  }

  /** Sends a call. `onPart` receives partial results. Replies arrive in order, except for calls that send parts. */
  call<K extends Kind>(
    kind: K,
    input: Calls[K]['input'],
    onPart: (part: Calls[K]['part']) => void = () => {},
  ): Promise<Calls[K]['reply']> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        part: (value) => onPart(value as Calls[K]['part']),
        resolve: (value) => resolve(value as Calls[K]['reply']),
        reject,
      };
      this.#pending.set(id, pending);
      this.#onBusy(true);
      this.#worker.postMessage({ id, kind, input } satisfies Call<K>);
    });
  }

  /** Terminates the Worker immediately and frees its memory. Pending calls never settle. */
  end(): void {
    this.#worker.terminate();
    this.#pending.clear();
  }

  #receive(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    if ('part' in answer) return pending.part(answer.part);
    this.#pending.delete(answer.id);
    if (this.#pending.size === 0) this.#onBusy(false);
    if ('reply' in answer) return pending.resolve(answer.reply);
    const error = new Error(answer.error.message);
    error.name = answer.error.name;
    pending.reject(error);
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.#onBusy(false);
  }
}

/**
 * Returns a function that runs `work` with the latest value. While a run is in progress, later values replace each
 * other, so fast typing never builds a queue. `work` must handle its errors.
 */
export function latest<T>(work: (value: T) => Promise<void>): (value: T) => void {
  let running = false;
  let next: { value: T } | null = null;
  const run = async () => {
    running = true;
    try {
      while (next !== null) {
        const { value }: { value: T } = next;
        next = null;
        await work(value);
      }
    } finally {
      running = false;
    }
  };
  return (value) => {
    next = { value };
    if (!running) void run();
  };
}
