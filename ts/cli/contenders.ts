/** Those who need no other package: tokenbed, a plain copy, and plain JavaScript as people write it. */

import { Embedding } from '../index.js';
import type { Contender } from './rounds.js';

/** The work: rows of one table, by batches of ids that are the same for everybody. */
export interface Job {
  readonly vocab: number;
  readonly dim: number;
  /** Ids per batch. */
  readonly tokens: number;
  /** `[vocab, dim]`; only read. */
  readonly table: Float32Array;
  readonly batches: readonly Int32Array[];
}

/** Batch after batch, around and around. */
export class Feed {
  #next = 0;
  /** The one that was given last. */
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

  /** The rows that the last batch asked for. */
  wanted(): Float32Array {
    const { dim, table } = this.job;
    const rows = new Float32Array(this.last.length * dim);
    this.last.forEach((id, r) => rows.set(table.subarray(id * dim, (id + 1) * dim), r * dim));
    return rows;
  }
}

/** What everybody is compared with. */
export function tokenbed(job: Job): Contender {
  const embedding = Embedding.fromPretrained(job.table, { embeddingDim: job.dim });
  const feed = new Feed(job);
  const rows = new Float32Array(job.tokens * job.dim);
  return {
    name: 'tokenbed',
    run(times) {
      for (let i = 0; i < times; i++) embedding.forwardInto(feed.next(), rows);
    },
    answer: () => ({ rows, wanted: feed.wanted() }),
    close: () => embedding.dispose(),
  };
}

/**
 * The machine's limit: as many bytes, from place after place of the table, so that they are as cold as rows. Where
 * the table is shorter, it is repeated.
 */
function copy({ table, tokens, dim }: Job): Contender {
  const rows = new Float32Array(tokens * dim);
  const source = table.length < rows.length ? rows.map((_, i) => table[i % table.length]!) : table;
  const places = Math.floor(source.length / rows.length);
  let place = 0;
  let from = source;
  return {
    name: 'a copy of as many bytes',
    run(times) {
      for (let i = 0; i < times; i++) {
        from = source.subarray(place * rows.length, (place + 1) * rows.length);
        rows.set(from);
        place = place + 1 < places ? place + 1 : 0;
      }
    },
    answer: () => ({ rows, wanted: from }),
  };
}

function plainSet(job: Job): Contender {
  const { table, dim, tokens } = job;
  const feed = new Feed(job);
  const rows = new Float32Array(tokens * dim);
  return {
    name: 'plain JS, set(subarray)',
    run(times) {
      for (let i = 0; i < times; i++) {
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

/** Table and rows in one array, where the engine moves bytes without a view of them. */
function plainCopyWithin(job: Job): Contender {
  const { table, dim, tokens } = job;
  const feed = new Feed(job);
  const arena = new Float32Array(table.length + tokens * dim);
  arena.set(table);
  const rows = arena.subarray(table.length);
  return {
    name: 'plain JS, copyWithin',
    run(times) {
      for (let i = 0; i < times; i++) {
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

function plainLoop(job: Job): Contender {
  const { table, dim, tokens } = job;
  const feed = new Feed(job);
  const rows = new Float32Array(tokens * dim);
  return {
    name: 'plain JS, loop',
    run(times) {
      for (let i = 0; i < times; i++) {
        const ids = feed.next();
        for (let r = 0, to = 0; r < ids.length; r++) {
          for (let from = ids[r]! * dim, end = from + dim; from < end;) rows[to++] = table[from++]!;
        }
      }
    },
    answer: () => ({ rows, wanted: feed.wanted() }),
  };
}

/** All of them, ready; tokenbed first. */
export function ownContenders(job: Job): Contender[] {
  return [tokenbed, copy, plainSet, plainCopyWithin, plainLoop].map((prepare) => prepare(job));
}
