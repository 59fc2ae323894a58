/** Those who need no other package: tokenbed, a plain copy, and plain JavaScript as people write it. */

import { fail } from '../errors.js';
import { Embedding } from '../index.js';
import type { Contender } from '../profiler/rounds.js';

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

/** A contender of `bench`. */
export interface Entrant extends Contender {
  readonly name: string;
  /** What the last call gave, and what it should have given. */
  answer(): { readonly rows: Float32Array; readonly wanted: Float32Array };
  /** Frees what it holds. */
  close?(): void | Promise<void>;
}

/** `entrant` with the check that all of them have: the rows, bit for bit. `ERR_INTERNAL` names a wrong answer. */
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
 * The machine's limit: as many bytes, from place after place of the table, so that they are as cold as rows. Where
 * the table is shorter, it is repeated.
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

/** Table and rows in one array, where the engine moves bytes without a view of them. */
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

/** All of them, ready; tokenbed first. */
export function ownContenders(job: Job): Entrant[] {
  return [tokenbed, copy, plainSet, plainCopyWithin, plainLoop].map((prepare) => prepare(job));
}
