/**
 * The data of a job, the same for every contender: a filled table, 2^20 random ids in batches, an output.
 *
 * The pool is large enough that a table larger than the caches stays cold: with 16,384 ids a table of a million
 * rows looks three times faster than it is. All random seeds are constants in this file.
 */

const POOL = 2 ** 20;

/** @typedef {import('./types.d.ts').Job} Job @typedef {import('./types.d.ts').JobSpec} JobSpec */

/** @type {{ key: string, table: Float32Array } | null} */
let last = null;

/** Values that differ from row to row and column to column. @param {number} length */
function filled(length) {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = (Math.imul(i + 1, 0x9e3779b1) >> 8) / 2 ** 23;
  return values;
}

/** The table of [vocab, dim]; the previous job's if it has the same values. @param {number} vocab @param {number} dim */
function tableOf(vocab, dim, values = filled) {
  const key = `${vocab}x${dim} ${values.name}`;
  if (last?.key !== key) {
    last = null; // so that two large tables are never held at once
    last = { key, table: values(vocab * dim) };
  }
  return last.table;
}

/** xorshift32. @param {number} seed @returns {() => number} 0 .. 2^32 - 1 */
function generator(seed) {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** @param {number} count @param {number} vocab @param {number | null} padding @param {number} seed */
function randomIds(count, vocab, padding, seed) {
  const next = generator(seed);
  const ids = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const id = Math.floor((next() / 2 ** 32) * vocab);
    // One entry in eight is padding if the job has padding.
    ids[i] = padding !== null && next() % 8 === 0 ? padding : id;
  }
  return ids;
}

/** Uniform in [-1, 1). Rows of `filled` are so regular that the best scores are equal up to rounding. @param {number} length */
function scattered(length, seed = 0x7363) {
  const next = generator(seed);
  return Float32Array.from({ length }, () => next() / 2 ** 31 - 1);
}

const QUERIES = 64;

/** Searches for the rows nearest to one query. A batch is the index of its query. @param {Record<string, any>} params @returns {Job} */
function nearestJob(params) {
  const { vocab, dim, k } = params;
  const pool = Int32Array.from({ length: QUERIES }, (_, query) => query);
  return {
    op: 'nearest',
    params,
    pages: '2MiB',
    table: tableOf(vocab, dim, scattered),
    pool,
    batches: Array.from(pool, (query) => pool.subarray(query, query + 1)),
    out: new Float32Array(2 * k),
    queries: scattered(QUERIES * dim, 0x7179),
  };
}

/** @param {JobSpec} spec @returns {Job} */
export function makeJob({ op, params }) {
  const p = /** @type {Record<string, any>} */ (params);
  if (op === 'sinusoid' || op === 'init') {
    const none = new Int32Array(0);
    const rows = op === 'sinusoid' ? p['rows'] : p['vocab'];
    const out = new Float32Array(rows * p['dim']);
    return { op, params, pages: '2MiB', table: new Float32Array(0), pool: none, batches: [none], out };
  }
  if (op === 'nearest') return nearestJob(p);
  const tokens = op === 'token' ? 1 : p['tokens'];
  const pool = randomIds(Math.max(POOL, tokens), p['vocab'], p['padding'] ?? null, 0x7061);
  // Single tokens come from the pool itself: a million small views would dominate the time of a lookup.
  const most = op === 'token' ? 1 : op === 'call' ? 1024 : 2 ** 17;
  const views = Math.min(Math.floor(pool.length / tokens), most);
  const batches = Array.from({ length: views }, (_, k) => pool.subarray(k * tokens, (k + 1) * tokens));
  const outRows = op === 'bag' ? p['bags'] : tokens;
  /** @type {Job} */
  const job = {
    op,
    params,
    pages: '2MiB',
    table: tableOf(p['vocab'], p['dim']),
    pool,
    batches,
    out: new Float32Array(outRows * p['dim']),
  };
  if (op === 'layer') return { ...job, positions: filled(p['seq'] * p['dim']) };
  if (op === 'bag') {
    const perBag = tokens / p['bags'];
    const next = generator(0x7765);
    return {
      ...job,
      offsets: Int32Array.from({ length: p['bags'] }, (_, b) => b * perBag),
      weights: p['weighted'] ? Float32Array.from({ length: tokens }, () => next() / 2 ** 32) : null,
    };
  }
  return job;
}
