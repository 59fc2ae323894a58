/**
 * The check of CI: the 5 nearest words have the topic of a word, and a resumed run has the bits of one that was not
 * interrupted.
 *
 *   npm run example word2vec -- --check
 */

import assert from 'node:assert/strict';
import { backendInfo } from 'tokenbed';
import { readCorpus } from './corpus.js';
import { DEFAULTS, SkipGram } from './skip-gram.js';
import { nearestShare, topicText } from './topics.js';

/** The steps of the runs that are compared. */
const STEPS = 40;

const corpus = readCorpus(topicText(7), 1);
const settings = { ...DEFAULTS, dim: 32 };
const step = (run: SkipGram) => {
  for (let i = 0; i < STEPS; i++) run.step();
};

const run = new SkipGram(corpus, settings);
step(run);
const saved = run.save();
step(run);
const resumed = new SkipGram(corpus, settings, saved);
step(resumed);
assert.deepEqual(resumed.save(), run.save());
console.log(`${backendInfo().name}: ${STEPS} steps after resuming have the same bits`);
resumed.dispose();

const start = performance.now();
let pairs = 0;
let [first, last] = [0, 0];
for (let each = run.step(); each !== null; each = run.step()) {
  first ||= each.loss;
  last = each.loss;
  pairs += each.pairs;
}
const seconds = (performance.now() - start) / 1000;
console.log(
  `${pairs} pairs in ${seconds.toFixed(1)} s; the loss of a pair fell from ${first.toFixed(2)} to ${last.toFixed(2)}`,
);
const share = nearestShare(run.vectors, 5);
console.log(`5 nearest words: ${(100 * share).toFixed(1)} % of the same topic`);
assert.ok(share >= 0.95);
assert.ok(last < first);
run.dispose();
