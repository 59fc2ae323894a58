/**
 * Skip-gram with negative sampling (word2vec): the vector of a word learns to score the words around it higher than words
 * that are drawn at random.
 *
 * ```text
 * centers [n] -> rows of `vectors` -> x [n, D]
 * samples [n, 1 + k]: a word near each center, and k negatives -> rows of `contexts`
 * scores[i, j] = dot(x[i], contexts[samples[i, j]]);  binary cross entropy: 1 for the word nearby, 0 for the negatives
 * ```
 * Runs in Node and in a worker of a page. A run that was saved and resumed has the bits of one that was not interrupted.
 */

import { Adagrad, binaryCrossEntropy, Embedding, NegativeSampler } from 'tokenbed';
import { type Corpus, LONGEST } from './corpus.js';
import { Random } from './random.js';

export interface Settings {
  /** D */
  readonly dim: number;
  /** The most words to each side that count as near. */
  readonly window: number;
  /** k, for each pair. */
  readonly negatives: number;
  readonly epochs: number;
  /** At the start. It falls in a straight line to 0. */
  readonly lr: number;
  /** The share of a text from which on a word counts as frequent: occurrences of frequent words are skipped at random. */
  readonly frequent: number;
  /** Pairs of a step, at least. */
  readonly batch: number;
  readonly seed: number;
}

export const DEFAULTS: Settings = {
  dim: 64,
  window: 5,
  negatives: 5,
  epochs: 5,
  lr: 0.05,
  frequent: 1e-3,
  batch: 1024,
  seed: 7,
};

/** Where a run is. */
export interface Place {
  readonly epoch: number;
  /** The next sentence. */
  readonly sentence: number;
  /** The state of the generator of windows and skipped words. */
  readonly random: number;
  /** The position of the sampler of negatives. */
  readonly draws: number;
}

/** A saved run: three safetensors files, and where it was. */
export interface Checkpoint {
  /** With the words: `Embedding.load` opens it for other uses, too. */
  readonly vectors: Uint8Array;
  readonly contexts: Uint8Array;
  readonly optimizer: Uint8Array;
  readonly place: Place;
}

export interface Step {
  readonly pairs: number;
  /** Mean loss of a pair. */
  readonly loss: number;
}

export class SkipGram {
  /** The result: a table with words. */
  readonly vectors: Embedding;
  readonly #contexts: Embedding;
  readonly #optimizer: Adagrad;
  readonly #sampler: NegativeSampler;
  readonly #random: Random;
  readonly #corpus: Corpus;
  readonly #settings: Settings;
  /** For each word, the share of its occurrences that is used. */
  readonly #kept: Float64Array;
  readonly #buffers: Buffers;
  #epoch = 0;
  #sentence = 0;

  /** Begins a run, or resumes a saved one of the same corpus and settings. */
  constructor(corpus: Corpus, settings: Settings, saved?: Checkpoint) {
    const { words, counts, ids } = corpus;
    const { dim, seed, lr, frequent } = settings;
    this.#corpus = corpus;
    this.#settings = settings;
    this.#kept = Float64Array.from(counts, (count) => {
      const rarity = (frequent * ids.length) / count;
      return Math.sqrt(rarity) + rarity;
    });
    this.#buffers = new Buffers(settings);
    this.#sampler = new NegativeSampler({
      weights: Float64Array.from(counts, (count) => count ** 0.75),
      seed,
    });
    if (saved === undefined) {
      this.vectors = tableOfWords(words, dim, seed);
      this.#contexts = new Embedding({ vocabSize: words.length, embeddingDim: dim, initType: 'zeros' });
      this.#optimizer = new Adagrad({ parameters: this.#parameters, lr });
      this.#random = new Random(seed);
    } else {
      const { place } = saved;
      this.vectors = Embedding.loadSync(saved.vectors);
      this.#contexts = Embedding.loadSync(saved.contexts);
      this.#optimizer = Adagrad.fromBytes(saved.optimizer, { parameters: this.#parameters });
      this.#random = new Random(place.random);
      this.#sampler.position = place.draws;
      this.#epoch = place.epoch;
      this.#sentence = place.sentence;
    }
  }

  get #parameters() {
    return [this.vectors.weight, this.#contexts.weight];
  }

  /** The share of the run that is done, 0 to 1. */
  get progress(): number {
    const { ids, offsets } = this.#corpus;
    return (this.#epoch + offsets[this.#sentence]! / ids.length) / this.#settings.epochs;
  }

  /** Trains on the next sentences. Null after the last epoch. */
  step(): Step | null {
    const { negatives, lr } = this.#settings;
    const optimizer = this.#optimizer;
    optimizer.lr = lr * (1 - this.progress);
    const pairs = this.#collect();
    if (pairs === 0) return null;

    const shape = [pairs, 1 + negatives];
    const { centers, samples, x, gradX, scores } = this.#buffers.first(pairs);
    this.#sampler.sampleInto(samples);
    this.#buffers.insertPositives(samples, pairs);

    this.vectors.forwardInto(centers, x);
    this.#contexts.scoreInto(x, scores, { ids: samples, shape });
    const { loss, gradient } = binaryCrossEntropy(scores, { shape, reduction: 'sum', out: scores });
    this.#contexts.scoreBackwardInto(x, gradient, gradX, { ids: samples, shape });
    this.vectors.backward(centers, gradX);
    optimizer.step();
    return { pairs, loss: loss / pairs };
  }

  /** Everything that a resumed run needs besides corpus and settings. */
  save(): Checkpoint {
    return {
      vectors: this.vectors.toBytes('safetensors'),
      contexts: this.#contexts.toBytes('safetensors'),
      optimizer: this.#optimizer.toBytes(),
      place: {
        epoch: this.#epoch,
        sentence: this.#sentence,
        random: this.#random.state,
        draws: this.#sampler.position,
      },
    };
  }

  /** The words nearest to a word by cosine, the nearest first. */
  nearest(word: number, k: number): { word: string; score: number }[] {
    const { ids, scores } = this.vectors.nearest(this.vectors.weight.row(word), { k: k + 1 });
    return Array.from(ids.data, (id, i) => ({ id, word: this.#corpus.words[id]!, score: scores.data[i]! }))
      .filter(({ id }) => id !== word)
      .slice(0, k);
  }

  dispose(): void {
    for (const each of [this.#optimizer, this.#sampler, this.#contexts, this.vectors]) each.dispose();
  }

  /** Collects the pairs of the next sentences into the buffers: a batch, or what is left of the last epoch. */
  #collect(): number {
    const { epochs, batch } = this.#settings;
    const { offsets } = this.#corpus;
    let pairs = 0;
    while (pairs < batch && this.#epoch < epochs) {
      pairs = this.#collectSentence(offsets[this.#sentence]!, offsets[this.#sentence + 1]!, pairs);
      this.#sentence++;
      if (this.#sentence + 1 === offsets.length) {
        this.#sentence = 0;
        this.#epoch++;
      }
    }
    return pairs;
  }

  #collectSentence(start: number, end: number, first: number): number {
    const { centers, positives, sentence } = this.#buffers;
    const { ids } = this.#corpus;
    let length = 0;
    for (let i = start; i < end; i++) {
      const id = ids[i]!;
      if (this.#random.next() < this.#kept[id]!) sentence[length++] = id;
    }
    let pairs = first;
    for (let i = 0; i < length; i++) {
      const reach = 1 + this.#random.below(this.#settings.window); // nearer words count more often
      for (let j = Math.max(0, i - reach); j <= Math.min(length - 1, i + reach); j++) {
        if (j === i) continue;
        centers[pairs] = sentence[i]!;
        positives[pairs++] = sentence[j]!;
      }
    }
    return pairs;
  }
}

/** The arrays of a step, made once: a step allocates nothing that grows with the batch. */
class Buffers {
  readonly sentence = new Uint32Array(LONGEST);
  readonly centers: Uint32Array;
  readonly positives: Uint32Array;
  readonly #samples: Uint32Array;
  readonly #scores: Float32Array;
  readonly #x: Float32Array;
  readonly #gradX: Float32Array;
  readonly #dim: number;
  readonly #columns: number;

  constructor({ batch, window, negatives, dim }: Settings) {
    const most = batch + LONGEST * 2 * window; // a batch ends with a sentence
    this.#dim = dim;
    this.#columns = 1 + negatives;
    this.centers = new Uint32Array(most);
    this.positives = new Uint32Array(most);
    this.#samples = new Uint32Array(most * this.#columns);
    this.#scores = new Float32Array(most * this.#columns);
    this.#x = new Float32Array(most * dim);
    this.#gradX = new Float32Array(most * dim);
  }

  /** The parts for so many pairs. */
  first(pairs: number) {
    return {
      centers: this.centers.subarray(0, pairs),
      samples: this.#samples.subarray(0, pairs * this.#columns),
      scores: this.#scores.subarray(0, pairs * this.#columns),
      x: this.#x.subarray(0, pairs * this.#dim),
      gradX: this.#gradX.subarray(0, pairs * this.#dim),
    };
  }

  /** The first of each row of samples. */
  insertPositives(samples: Uint32Array, pairs: number): void {
    for (let i = 0; i < pairs; i++) samples[i * this.#columns] = this.positives[i]!;
  }
}

/** A table of random rows that have words. Tables get words from files, here from one of word2vec's format. */
function tableOfWords(words: readonly string[], dim: number, seed: number): Embedding {
  const zeros = ' 0'.repeat(dim);
  const file = `${words.length} ${dim}\n${words.map((word) => `${word}${zeros}\n`).join('')}`;
  const table = Embedding.loadSync(new TextEncoder().encode(file), { format: 'word2vec' });
  const random = new Embedding({ vocabSize: words.length, embeddingDim: dim, seed });
  table.weight.setRows(0, random.weight.toTensor().data);
  random.dispose();
  return table;
}
