/** The contenders without dependencies: tokenbed, a plain copy, and common plain JavaScript. */

import { fail } from '../errors.js';
import { Embedding } from '../index.js';
import type { Contender } from '../profiler/rounds.js';

/** The work: lookups in one table, with the same batches of ids for all contenders. */
export interface Job {
  readonly vocab: number;
  readonly dim: number;
  /** Ids per batch. */
  readonly tokens: number;
  /** `[vocab, dim]`; only read. */
  readonly table: Float32Array;
  readonly batches: readonly Int32Array[];
}

/** A contender of `bench`. */
export interface Entrant extends Contender {
  readonly name: string;
  /** The rows of the last call, and the correct ones. */
  answer(): { readonly rows: Float32Array; readonly wanted: Float32Array };
  /** Frees its resources. */
  close?(): void | Promise<void>;
}

/** Adds a check to `entrant` that compares the rows bit for bit. `ERR_INTERNAL` if they differ. */
export function checked(entrant: Entrant): Entrant {
  const { name } = entrant;
  const bits = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length);
  return {
    ...entrant,
    check() {
      const { rows, wanted } = entrant.answer();
      const [words, got] = [bits(wanted), bits(rows)];
      if (words.length === got.length && words.every((word, i) => word === got[i])) return;
      throw fail(Error, 'ERR_INTERNAL', `${name} gave wrong rows: it is not measured`, { contender: name });
    },
  };
}

/** Cycles through the batches. */
export class Feed {
  #next = 0;
  /** The last batch. */
  last: Int32Array;

  constructor(private readonly job: Job) {
    this.last = job.batches[0]!;
  }

  next(): Int32Array {
    const { batches } = this.job;
    this.last = batches[this.#next]!;
    this.#next = this.#next + 1 < batches.length ? this.#next + 1 : 0;
    return this.last;
  }

  /** The correct rows of the last batch. */
  wanted(): Float32Array {
    const { dim, table } = this.job;
    const rows = new Float32Array(this.last.length * dim);
    this.last.forEach((id, r) => rows.set(table.subarray(id * dim, (id + 1) * dim), r * dim));
    return rows;
  }
}

/** tokenbed, the baseline of all ratios. */
export function tokenbed(job: Job): Entrant {
  const embedding = Embedding.fromPretrained(job.table, { embeddingDim: job.dim });
  const feed = new Feed(job);
  const rows = new Float32Array(job.tokens * job.dim);
  return {
    name: 'tokenbed',
    run(calls) {
      for (let i = 0; i < calls; i++) embedding.forwardInto(feed.next(), rows);
    },
    answer: () => ({ rows, wanted: feed.wanted() }),
    close: () => embedding.dispose(),
  };
}

/**
 * The limit of the machine: a plain copy of as many bytes. It cycles through the table, so that the bytes are as cold
 * as rows. A table shorter than a batch is repeated.
 */
function copy({ table, tokens, dim }: Job): Entrant {
  const rows = new Float32Array(tokens * dim);
  const source = table.length < rows.length ? rows.map((_, i) => table[i % table.length]!) : table;
  const places = Math.floor(source.length / rows.length);
  let place = 0;
  let from = source;
  return {
    name: 'a copy of as many bytes',
    run(calls) {
      for (let i = 0; i < calls; i++) {
        from = source.subarray(place * rows.length, (place + 1) * rows.length);
        rows.set(from);
        place = place + 1 < places ? place + 1 : 0;
      }
    },
    answer: () => ({ rows, wanted: from }),
  };
}

function plainSet(job: Job): Entrant {
  const { table, dim, tokens } = job;
  const feed = new Feed(job);
  const rows = new Float32Array(tokens * dim);
  return {
    name: 'plain JS, set(subarray)',
    run(calls) {
      for (let i = 0; i < calls; i++) {
        const ids = feed.next();
        for (let r = 0; r < ids.length; r++) {
          const start = ids[r]! * dim;
          rows.set(table.subarray(start, start + dim), r * dim);
        }
      }
    },
    answer: () => ({ rows, wanted: feed.wanted() }),
  };
}

/** Table and rows in one array, so that the engine moves bytes without creating views. */
function plainCopyWithin(job: Job): Entrant {
  const { table, dim, tokens } = job;
  const feed = new Feed(job);
  const arena = new Float32Array(table.length + tokens * dim);
  arena.set(table);
  const rows = arena.subarray(table.length);
  return {
    name: 'plain JS, copyWithin',
    run(calls) {
      for (let i = 0; i < calls; i++) {
        const ids = feed.next();
        for (let r = 0; r < ids.length; r++) {
          const start = ids[r]! * dim;
          arena.copyWithin(table.length + r * dim, start, start + dim);
        }
      }
    },
    answer: () => ({ rows, wanted: feed.wanted() }),
  };
}

function plainLoop(job: Job): Entrant {
  const { table, dim, tokens } = job;
  const feed = new Feed(job);
  const rows = new Float32Array(tokens * dim);
  return {
    name: 'plain JS, loop',
    run(calls) {
      for (let i = 0; i < calls; i++) {
        const ids = feed.next();
        for (let r = 0, to = 0; r < ids.length; r++) {
          for (let from = ids[r]! * dim, end = from + dim; from < end;) rows[to++] = table[from++]!;
        }
      }
    },
    answer: () => ({ rows, wanted: feed.wanted() }),
  };
}

/** All contenders of this file, tokenbed first. */
export function ownContenders(job: Job): Entrant[] {
  return [tokenbed, copy, plainSet, plainCopyWithin, plainLoop].map((prepare) => prepare(job));
}
