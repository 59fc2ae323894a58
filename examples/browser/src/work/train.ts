/** Training word vectors: the run of the Worker, which the browser keeps. The training itself is that of examples/word2vec. */

import type { Corpus } from '../../../word2vec/corpus.js';
import { plan, shownWords } from '../../../word2vec/plan.js';
import { type Checkpoint, SkipGram } from '../../../word2vec/skip-gram.js';
import type { LossPoint, Run, TrainState, TrainStep, WordsNear } from '../messages.js';
import { readRun, removeRun, writeRun } from './kept-run.js';

const SHOWN = 8;
const NEAR = 5;
/** Between two steps for the page the Worker answers other calls. */
const STEP_MS = 100;
const KEEP_MS = 3000;

interface Current {
  readonly text: string;
  readonly corpus: Corpus;
  readonly model: SkipGram;
  readonly losses: LossPoint[];
}

let current: Current | null = null;
let stopping = new AbortController();
let kept: boolean | string = false;

/** Replaces the run of this Worker. */
function open(text: string, losses: LossPoint[], checkpoint?: Checkpoint): Run {
  const { corpus, settings } = plan(text);
  const model = new SkipGram(corpus, settings, checkpoint);
  current?.model.dispose();
  current = { text, corpus, model, losses };
  return { text, words: corpus.ids.length, different: corpus.words.length, state: stateOf(current), losses };
}

export function newRun(text: string): Run {
  kept = false;
  return open(text, []);
}

export async function keptRun(): Promise<Run | null> {
  const found = await readRun().catch(() => undefined); // nothing is kept where nothing can be kept
  if (found === undefined) return null;
  try {
    const run = open(found.text, [...found.losses], found.checkpoint);
    kept = true;
    return { ...run, state: { ...run.state, kept } };
  } catch {
    return null; // a run of an earlier version of the page
  }
}

/** Trains for a while, reports, and lets other calls in, until the end or `stop`. */
export async function train(onStep: (step: TrainStep) => void): Promise<TrainState> {
  const run = current!;
  const { signal } = (stopping = new AbortController());
  let keptAt = -Infinity; // the first step is kept at once: a run may take less than the time between two
  for (let isDone = false; !isDone && !signal.aborted;) {
    const start = performance.now();
    let [pairs, loss] = [0, 0];
    while (!isDone && performance.now() - start < STEP_MS) {
      const step = run.model.step();
      if (step === null) isDone = true;
      else {
        pairs += step.pairs;
        loss += step.loss * step.pairs;
      }
    }
    const now = performance.now();
    if (pairs > 0) {
      const point = { progress: run.model.progress, loss: loss / pairs };
      run.losses.push(point);
      onStep({ ...stateOf(run), point, pairsPerSecond: (1000 * pairs) / (now - start) });
    }
    if (now - keptAt > KEEP_MS) {
      await keep(run);
      keptAt = performance.now();
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  await keep(run);
  return stateOf(run);
}

/** The training ends with the step that runs now. */
export function stop(): null {
  stopping.abort();
  return null;
}

export function wordsNear(word: string): WordsNear {
  const { corpus, model } = current!;
  const id = corpus.words.indexOf(word);
  return { word, near: id === -1 ? [] : model.nearest(id, NEAR) };
}

export async function forget(): Promise<null> {
  await removeRun();
  kept = false;
  return null;
}

async function keep({ text, model, losses }: Current): Promise<void> {
  try {
    await writeRun({ text, losses, checkpoint: model.save() });
    kept = true;
  } catch (error) {
    kept = String(error); // such as QuotaExceededError, which has no message
  }
}

const stateOf = ({ corpus, model }: Current): TrainState => ({
  progress: model.progress,
  near: shownWords(corpus, SHOWN).map((id) => ({ word: corpus.words[id]!, near: model.nearest(id, NEAR) })),
  kept,
});
