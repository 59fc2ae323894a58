/**
 * tokenbed through its public API: public methods, every check on.
 *
 *   native                the addon, on the best instruction set unless the process's environment lowers it
 *   wasm, allocated       output from `Tensor.allocate`: rows are written in place
 *   wasm, ordinary        output in an ordinary Float32Array
 *   native, f32           the rows of a job with a dtype, stored as f32
 *
 * `tokenbed.mjs?package=URL` (see `before.mjs`) imports the same contenders over another build of the package. A
 * module with another query has separate machine code, so the engine does not specialize one build's code for the
 * other build.
 */

import { expectedOfFloats } from '../harness/expected.mjs';
import { machine } from './machine.mjs';

const { search, searchParams } = new URL(import.meta.url);
const build = searchParams.get('package');

/** @type {typeof import('tokenbed')} */
const library = await import(build ?? 'tokenbed');
/** @type {typeof import('./calls.mjs')} */
const { CALLS, writesInto } = await import(`./calls.mjs${search}`);

const {
  backendInfo,
  Embedding,
  EmbeddingBag,
  EmbeddingLayer,
  init,
  LearnedPositionalEmbedding,
  PositionalEncoding,
  Tensor,
} = library;

/** @typedef {import('../harness/types.d.ts').Job} Job @typedef {import('../harness/types.d.ts').Prepare} Prepare */
/** @typedef {import('../harness/types.d.ts').Contender} Contender */
/** @typedef {'native' | 'wasm'} Backend @typedef {'ordinary' | 'allocated'} Output */
/** @typedef {(backend: Backend, output: Output) => Prepare} On */

export const peer = build === null ? 'tokenbed' : 'before';

/** Jobs on the same table share the Embedding. @type {Map<string, { of: Float32Array, embedding: import('tokenbed').Embedding }>} */
const embeddings = new Map();

/** @param {Backend} backend @param {Job} job @param {number | null} [paddingIdx] */
async function embeddingOf(backend, { table, params }, paddingIdx = null) {
  await init({ backend }); // objects and outputs created from here on belong to this backend
  const { dim, dtype } = params;
  const key = `${backend} ${paddingIdx} ${dtype}`;
  const held = embeddings.get(key);
  if (held?.of === table) return held.embedding;
  for (const [name, { of, embedding }] of embeddings) {
    if (of === table && name !== key) continue;
    embedding.dispose();
    embeddings.delete(name);
  }
  const embedding = Embedding.fromPretrained(table, {
    embeddingDim: dim,
    paddingIdx,
    ...(dtype === undefined ? {} : { dtype }), // an earlier build does not know the option
  });
  embeddings.set(key, { of: table, embedding });
  return embedding;
}

/** @param {Output} output @param {Job} job */
function outputOf(output, { out }) {
  if (output === 'ordinary') return { out, close: () => {} };
  const tensor = Tensor.allocate([out.length]);
  return { out: tensor, close: () => tensor.dispose() };
}

/** @param {Float32Array | import('tokenbed').Tensor} out @returns {Float32Array} */
const floats = (out) => (out instanceof Tensor ? /** @type {Float32Array} */ (out.data) : out);

/** @type {On} */
const gather = (backend, output) => async (job) => {
  const { batches } = job;
  const embedding = await embeddingOf(backend, job);
  const { out, close } = outputOf(output, job);
  return {
    call: (k) => void embedding.forwardInto(batches[k % batches.length], out),
    output: () => floats(out),
    close,
  };
};

/** @type {On} */
const token = (backend, output) => async (job) => {
  const { pool, params } = job;
  const embedding = await embeddingOf(backend, job);
  const { out, close } = outputOf(output, job);
  if (params.form === 'number') {
    return {
      call: (k) => void embedding.forwardInto(pool[k % pool.length], out),
      output: () => floats(out),
      close,
    };
  }
  const one = new Int32Array(1);
  return {
    call(k) {
      one[0] = pool[k % pool.length];
      embedding.forwardInto(one, out);
    },
    output: () => floats(out),
    close,
  };
};

/** @type {On} */
const forward = (backend) => async (job) => {
  const { batches } = job;
  const embedding = await embeddingOf(backend, job);
  let result = job.out;
  return {
    call(k) {
      result = embedding.forward(batches[k % batches.length]).data;
    },
    output: () => result,
  };
};

/** @type {On} */
const layer = (backend, output) => async (job) => {
  const { batches, params } = job;
  const token = await embeddingOf(backend, job);
  const positional = new LearnedPositionalEmbedding({
    maxSeqLength: params.seq,
    embeddingDim: params.dim,
    initType: 'zeros',
  });
  positional.positionEmbedding.weight.setRows(0, /** @type {Float32Array} */ (job.positions));
  const whole = new EmbeddingLayer({ token, positional, scale: params.scale !== null });
  const { out, close } = outputOf(output, job);
  const options = { shape: [params.batch, params.seq] };
  return {
    call: (k) => void whole.forwardInto(batches[k % batches.length], out, options),
    output: () => floats(out),
    close() {
      close();
      positional.dispose();
    },
  };
};

/** @type {On} */
const bag = (backend, output) => async (job) => {
  const { batches, params } = job;
  const embedding = await embeddingOf(backend, job, params.padding);
  const bags = EmbeddingBag.from(embedding, { mode: params.mode });
  const { out, close } = outputOf(output, job);
  const offsets = /** @type {Int32Array} */ (job.offsets);
  const options = job.weights ? { offsets, perSampleWeights: job.weights } : { offsets };
  return {
    call: (k) => void bags.forwardInto(batches[k % batches.length], out, options),
    output: () => floats(out),
    close,
  };
};

/** The ids as floats, then the scores. @type {On} */
const nearest = (backend) => async (job) => {
  const { k, metric, dim } = job.params;
  const embedding = await embeddingOf(backend, job);
  const all = /** @type {Float32Array} */ (job.queries);
  const queries = job.batches.map(([query = 0]) => all.subarray(query * dim, (query + 1) * dim));
  /** @type {ReturnType<typeof embedding.nearest>} */
  let found;
  return {
    call(i) {
      found = embedding.nearest(queries[i % queries.length], { k, metric });
    },
    output: () => Float32Array.from([...found.ids.data, ...found.scores.data]),
  };
};

/** Creates the whole table and disposes it, or encodes its positions. @type {On} */
const sinusoid = (backend) => async (job) => {
  const { rows, dim, base, encode } = job.params;
  await init({ backend });
  if (encode) {
    const encoding = new PositionalEncoding({ maxSeqLength: rows, embeddingDim: dim, base });
    const positions = Int32Array.from({ length: rows }, (_, position) => position);
    let encoded = encoding.encode(positions);
    return {
      call() {
        encoded = encoding.encode(positions);
      },
      output: () => encoded.data,
    };
  }
  const make = () => new PositionalEncoding({ maxSeqLength: rows, embeddingDim: dim, base });
  return {
    call: () => make().dispose(),
    output() {
      const encoding = make();
      const { data } = encoding.pe;
      encoding.dispose();
      return data;
    },
  };
};

/** One of the public calls of `calls.mjs`. @type {On} */
const call = (backend, output) => async (job) => {
  const { batches, params } = job;
  const { call: name, dim, tokens: n } = params;
  if (output === 'allocated' && !writesInto(name)) return null;
  const embedding = await embeddingOf(backend, job);
  const { out, close } = outputOf(output, job);
  floats(out).fill(NaN); // a bag writes only a part of the output: the rest must not differ either
  const x = job.table.slice(0, n * dim);
  const prepare = /** @type {import('./calls.mjs').Prepare} */ (CALLS[name]);
  const { run, repeatable = run } = prepare({ library, embedding, batches, n, dim, out, x });
  let last = 0;
  return {
    call(k) {
      last = k;
      run(batches[k % batches.length], k);
    },
    output() {
      const result = repeatable(batches[last % batches.length], last);
      return floats(/** @type {Float32Array} */ (result));
    },
    close,
  };
};

/** Creates a table and disposes it; the answer is its first rows. @type {On} */
const initialise = (backend) => async (job) => {
  const { vocab, dim, kind } = job.params;
  await init({ backend });
  const make = () => new Embedding({ vocabSize: vocab, embeddingDim: dim, initType: kind, seed: 1 });
  return {
    call: () => make().dispose(),
    output() {
      const embedding = make();
      const { data } = embedding.forward(Int32Array.from({ length: 300 }, (_, r) => r));
      embedding.dispose();
      return data;
    },
  };
};

/**
 * Requests large pages for the memory of the WASM module, as `transparent_hugepage = always` would. A module cannot
 * request them itself. The public `Tensor.allocate` leads to the memory.
 */
function largePagesForWasm() {
  const probe = Tensor.allocate([1]);
  machine().advise(new Float32Array(probe.data.buffer));
  probe.dispose();
}

/** The pages recorded for both builds of a comparison: they are assumed to be equal. */
const PAGES = '2MiB';

/** The pages of a large table on the backend in use, as measured on the system. @returns {'4KiB' | '2MiB'} */
function pagesInUse() {
  const bytes = 64 * 2 ** 20;
  const before = machine().hugeBytes();
  const table = new Embedding({ vocabSize: bytes / 4 / 256, embeddingDim: 256, initType: 'uniform' });
  const gained = machine().hugeBytes() - before;
  table.dispose();
  return gained > bytes / 2 ? '2MiB' : '4KiB';
}

/** Stored rows and searches are not in every earlier build. */
const STORES = 'convert' in Embedding.prototype;

/** `on`, if this build has what the job needs. @param {string} op @param {Prepare} prepare @returns {Prepare} */
const ifSupported = (op, prepare) => (job) =>
  STORES || (op !== 'nearest' && job.params.dtype === undefined) ? prepare(job) : null;

/** @param {string} name @param {Backend} backend @param {Output} output @param {{ isa: string, pages: '4KiB' | '2MiB' }} info @returns {Contender} */
function contender(name, backend, output, { isa, pages }) {
  const ordinary = output === 'ordinary';
  const both = { gather, token, layer, bag, call };
  const own = ordinary ? { forward, sinusoid, init: initialise, nearest } : {};
  const ops = Object.fromEntries(
    Object.entries({ ...both, ...own }).map(([op, on]) => [op, ifSupported(op, on(backend, output))]),
  );
  return { name, backend, isa, pages, ops };
}

/** The lookup of a job with a dtype, from rows stored as f32. @param {Contender} native @returns {Contender} */
function floatsOf({ ops, ...native }) {
  /** @type {Prepare} */
  const prepare = (job) => {
    if (job.params.dtype === undefined) return null;
    return ops.gather?.({ ...job, params: { ...job.params, dtype: 'f32' } }) ?? null;
  };
  return { ...native, name: `${native.name}, f32`, answer: expectedOfFloats, ops: { gather: prepare } };
}

/**
 * @param {import('./contract.d.ts').OpenOptions} [options]
 * @returns {Promise<import('./contract.d.ts').Opened>}
 */
export async function open({ backends = ['wasm', 'native'], before } = {}) {
  /** @type {Contender[]} */
  const contenders = [];
  let version = '';
  for (const backend of backends) {
    await init({ backend });
    if (backend === 'wasm' && process.env['BENCH_WASM_PAGES'] !== '4KiB') largePagesForWasm();
    const info = { ...backendInfo(), pages: before === undefined ? pagesInUse() : PAGES };
    version = info.version;
    if (backend === 'native') {
      const native = contender(`${peer} native`, backend, 'ordinary', info);
      contenders.unshift(native);
      if (build === null && before === undefined) contenders.push(floatsOf(native));
    } else {
      contenders.push(contender(`${peer} wasm, allocated`, backend, 'allocated', info));
      contenders.push(contender(`${peer} wasm, ordinary`, backend, 'ordinary', info));
    }
  }
  return { version, contenders };
}
