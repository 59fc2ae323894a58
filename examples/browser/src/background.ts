/** The Worker, seen from the page: calls that return promises. Whatever takes time happens there. */

import type { Answer, Ask, Calls, Kind } from './messages.js';

interface Waiting {
  part(value: unknown): void;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Background {
  #worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  #waiting = new Map<number, Waiting>();
  #next = 0;
  #onBusy: (busy: boolean) => void;

  /** `onBusy` is told whenever the first call is under way, and when the last one has been answered. */
  constructor(onBusy: (busy: boolean) => void = () => {}) {
    this.#onBusy = onBusy;
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => this.#take(data));
    // A Worker that cannot start says so here, and nowhere else.
    this.#worker.addEventListener('error', (event) => {
      this.#failAll(new Error(event.message || 'the Worker could not be started'));
    });
  }

  /** Asks, and is told of parts on the way. Calls are answered in order, except those that send parts. */
  call<K extends Kind>(
    kind: K,
    ask: Calls[K]['ask'],
    onPart: (part: Calls[K]['part']) => void = () => {},
  ): Promise<Calls[K]['reply']> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        part: (value) => onPart(value as Calls[K]['part']),
        resolve: (value) => resolve(value as Calls[K]['reply']),
        reject,
      };
      this.#waiting.set(id, waiting);
      this.#onBusy(true);
      this.#worker.postMessage({ id, kind, ask } satisfies Ask<K>);
    });
  }

  /** Ends the Worker at once, whatever it is doing; its memory is free. Calls under way never settle. */
  end(): void {
    this.#worker.terminate();
    this.#waiting.clear();
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    if ('part' in answer) return waiting.part(answer.part);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#onBusy(false);
    if ('reply' in answer) return waiting.resolve(answer.reply);
    const error = new Error(answer.error.message);
    error.name = answer.error.name;
    waiting.reject(error);
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#onBusy(false);
  }
}

/**
 * `work` for the newest value alone: while one is under way, later values replace each other, so that typing never
 * piles up. What `work` throws is its own business.
 */
export function newest<T>(work: (value: T) => Promise<void>): (value: T) => void {
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
