/** What `npm run bench:training` measures, as data: the targets T1 to T13. */

import { DIM, LARGE, TOPICS, WORDS } from './data.mjs';

/**
 * The work of a contender.
 *
 * @typedef {object} Task
 * @property {string} work           a function of own.mjs, torch.py, words.py or plain.mjs
 * @property {string} [ids]          a file of ids
 * @property {number} [vocab]
 * @property {number} [dim]
 * @property {number} [batch]
 * @property {string} [optimizer]
 * @property {readonly number[]} [shape]
 * @property {string} [corpus]
 * @property {number} [epochs]
 *
 * @typedef {object} Case
 * @property {string} target
 * @property {string} what
 * @property {Task} task
 * @property {Own} own            the contender that is measured
 * @property {string} peer        the other one
 * @property {Partial<Task>} [other]  what differs in the task of the other one
 * @property {number} wanted      a ratio of times: the other's over ours
 * @property {number} [goal]
 * @property {number} steps       of a round
 * @property {number} [tolerance] of a value of the answers, of 1 or of the value; absent: the answers are not of the same work
 * @property {boolean} [clock]    time of the clock alone
 *
 * @typedef {'native' | 'two' | 'wasm'} Own
 */

const table = { vocab: LARGE, dim: DIM, batch: 2 ** 16 };
const words = (/** @type {string} */ optimizer) => ({ work: 'skipgram', optimizer, ...WORDS });
const IDS = ['uniform', 'zipf'];
const OPTIMIZERS = /** @type {const} */ (['sgd', 'adagrad', 'adam']);
/** `backward` and `step`. @param {string} optimizer @param {string} ids */
const stepOf = (optimizer, ids) => ({ work: 'step', optimizer, ids, ...table });

/** Plain JavaScript, one pair after the other. */
const PLAIN = [
  { work: 'rowByRow', name: 'the loops of word2vec' },
  { work: 'sixRows', name: 'written for five negatives' },
];
/** Values change by up to 3e-3 in the first step. @param {string} work */
const plain = (work) => ({ task: words('sgd'), peer: 'plain', other: { work }, steps: 32, tolerance: 3e-4 });

/** @type {readonly Case[]} */
export const CASES = [
  ...IDS.flatMap((ids) => {
    const task = { work: 'backward', ids, ...table };
    const rest = { task, own: /** @type {const} */ ('native'), peer: 'torch', steps: 4, tolerance: 1e-4 };
    return [
      { target: 'T1', what: `backward, ${ids}: torch coalesce`, wanted: 1.6, ...rest },
      {
        target: 'T2',
        what: `backward, ${ids}: torch's dense gradient, mostly page faults`,
        wanted: 20,
        ...rest,
        other: { work: 'dense' },
      },
    ];
  }),
  ...[
    { target: 'T3', optimizer: 'sgd', wanted: 1.8, goal: 3 },
    { target: 'T4', optimizer: 'adagrad', wanted: 4.5 },
    { target: 'T5', optimizer: 'adam', wanted: 5 },
  ].flatMap(({ target, optimizer, wanted, goal }) =>
    IDS.map((ids) => ({
      target,
      what: `backward and step of ${optimizer}, ${ids}`,
      task: stepOf(optimizer, ids),
      own: /** @type {const} */ ('native'),
      peer: 'torch',
      wanted,
      ...(goal === undefined ? {} : { goal }),
      steps: 4,
      tolerance: 1e-5,
    })),
  ),
  ...[
    { optimizer: 'sgd', wanted: 6 },
    { optimizer: 'adam', wanted: 10 },
  ].map(({ optimizer, wanted }) => ({
    target: 'T6',
    what: `64 ids: forward, backward and step of ${optimizer}`,
    task: { work: 'small', optimizer, ids: 'uniform', ...table, batch: 64 },
    own: /** @type {const} */ ('native'),
    peer: 'torch',
    wanted,
    steps: 1000,
    tolerance: 1e-5,
  })),
  ...OPTIMIZERS.map((optimizer, i) => ({
    target: 'T7',
    what: `skip-gram with ${optimizer}`,
    task: words(optimizer),
    own: /** @type {const} */ ('native'),
    peer: 'torch',
    wanted: [3, 4.5, 5][i],
    steps: 32,
    tolerance: 1e-5,
  })),
  ...[
    { peer: 'gensim', wanted: 0.9, goal: 1.3 },
    { peer: 'fasttext', wanted: 2.5 },
  ].map(({ peer, ...wanted }) => ({
    target: 'T8',
    what: `skip-gram, pairs and negatives drawn: ${peer}`,
    task: { work: 'corpus', corpus: 'corpus', ...WORDS, epochs: 1 },
    own: /** @type {const} */ ('native'),
    peer,
    ...wanted,
    steps: 1,
  })),
  ...PLAIN.map(({ work, name }) => ({
    target: 'T9',
    what: `skip-gram with sgd: plain JS, ${name}`,
    ...plain(work),
    own: /** @type {const} */ ('native'),
    wanted: 2.5,
  })),
  ...PLAIN.map(({ work, name }) => ({
    target: 'T10',
    what: `WASM, skip-gram with sgd: plain JS, ${name}`,
    ...plain(work),
    own: /** @type {const} */ ('wasm'),
    wanted: 1,
    goal: 2,
  })),
  ...IDS.flatMap((ids) =>
    ['map', 'dense'].map((way) => ({
      target: 'T10',
      what: `WASM, backward, ${ids}: plain JS, ${way === 'map' ? 'a Map of rows' : 'a dense array'}`,
      task: { work: 'backward', ids, ...table },
      own: /** @type {const} */ ('wasm'),
      peer: 'plain',
      other: { work: way },
      wanted: 2,
      steps: 4,
      tolerance: 1e-4,
    })),
  ),
  ...[
    { shape: [1024, 6], wanted: 1, steps: 500 },
    { shape: [32, 50_000], wanted: 0.5, steps: 4 },
    { shape: [1024, 1024], wanted: 0.4, steps: 4 },
  ].map(({ shape, ...rest }) => ({
    target: 'T11',
    what: `crossEntropy [${shape.join(', ')}]`,
    task: { work: 'loss', shape },
    own: /** @type {const} */ ('native'),
    peer: 'torch',
    ...rest,
    tolerance: 1e-5,
  })),
  ...IDS.flatMap((ids) =>
    [undefined, ...OPTIMIZERS].map((optimizer) => ({
      target: 'T12',
      what: `two threads, ${optimizer === undefined ? 'backward' : `backward and step of ${optimizer}`}, ${ids}`,
      task: optimizer === undefined ? { work: 'backward', ids, ...table } : stepOf(optimizer, ids),
      own: /** @type {const} */ ('two'),
      peer: 'native',
      wanted: 1.3,
      steps: 4,
      tolerance: 0,
      clock: true,
    })),
  ),
  ...['sgd', 'adam'].map((optimizer) => ({
    target: 'T13',
    what: `step of ${optimizer} with 4,096 rows: 10^7 rows, and 10^6 as the peer`,
    task: { work: 'rows', optimizer, ids: 'uniform', ...table, vocab: 10 * LARGE, batch: 4096 },
    own: /** @type {const} */ ('native'),
    peer: 'native',
    other: { vocab: LARGE },
    wanted: 1 / 1.5,
    steps: 64,
  })),
];

/** The corpus of topics, to compare the quality of T8. */
export const QUALITY = { work: 'corpus', corpus: 'topics', ...WORDS, dim: TOPICS.dim, epochs: 1 };
