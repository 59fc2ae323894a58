/**
 * The tab "Train".
 *
 *   tab.ts     the text, and Train, Stop, Resume, Start over
 *       |  a Worker with the run, which the browser keeps (work/train.ts, work/kept-run.ts)
 *   curve.ts   the loss                 near.ts   words, and the words nearest to them
 */

import { Background } from '../background.js';
import type { Run, TrainState } from '../messages.js';
import { count, element, errorText } from '../page.js';
import { LossCurve } from './curve.js';
import { DOCUMENTS } from './documents.js';
import { NearWords } from './near.js';
import html from './panel.html?raw';
import './train.css';

export async function fill(panel: HTMLElement): Promise<void> {
  panel.innerHTML = html;
  await new TrainPanel().start();
}

class TrainPanel {
  #background = new Background();
  #action = element('train-action', HTMLButtonElement);
  #anew = element('train-anew', HTMLButtonElement);
  #forget = element('forget-run', HTMLButtonElement);
  #ours = element('take-documents', HTMLButtonElement);
  #text = element('train-text', HTMLTextAreaElement);
  #status = element('train-status', HTMLParagraphElement);
  #progress = element('train-progress', HTMLProgressElement);
  #curve = new LossCurve();
  #near = new NearWords(this.#background);
  #run: Run | null = null;
  #isTraining = false;

  constructor() {
    this.#action.addEventListener('click', () => void (this.#isTraining ? this.#stop() : this.#train()));
    this.#anew.addEventListener('click', () => {
      this.#run = null;
      void this.#train();
    });
    this.#forget.addEventListener('click', () => void this.#remove());
    this.#text.addEventListener('input', () => this.#update());
    this.#ours.addEventListener('click', () => {
      this.#text.value = DOCUMENTS;
      this.#update();
    });
  }

  /** Shows the run of the last visit, or a text to begin with. */
  async start(): Promise<void> {
    const run = await this.#background.call('keptRun', null);
    this.#text.value = run?.text ?? DOCUMENTS;
    if (run !== null) this.#open(run);
    this.#update();
    if (run !== null) this.#say(run.state);
  }

  /** Continues the run of this text, or begins one. */
  async #train(): Promise<void> {
    this.#isTraining = true;
    this.#status.textContent = 'Training …';
    this.#update();
    try {
      if (!this.#hasRun()) this.#open(await this.#background.call('newRun', this.#text.value));
      const state = await this.#background.call('train', null, (step) => {
        this.#curve.add(step.point);
        element('train-rate', HTMLElement).textContent = `${count(step.pairsPerSecond)} pairs/s`;
        this.#show(step);
      });
      this.#isTraining = false;
      this.#show(state);
      this.#say(state);
    } catch (error) {
      this.#isTraining = false;
      this.#status.textContent = errorText(error);
    }
    this.#update();
  }

  async #stop(): Promise<void> {
    this.#action.disabled = true; // until the run has stopped and is kept
    await this.#background.call('stopTraining', null);
  }

  async #remove(): Promise<void> {
    await this.#background.call('forgetRun', null);
    this.#showKept(false);
    this.#status.textContent = 'Removed. The training of this visit can go on.';
  }

  /** Whether the run in the Worker is one of the text in the field. */
  #hasRun(): boolean {
    return this.#run?.text === this.#text.value;
  }

  #open(run: Run): void {
    this.#run = run;
    element('train-words', HTMLElement).textContent = count(run.words);
    element('train-different', HTMLElement).textContent = count(run.different);
    this.#curve.show(run.losses);
    this.#show(run.state);
  }

  #show(state: TrainState): void {
    this.#progress.value = state.progress;
    this.#near.show(state.near);
    this.#showKept(state.kept);
  }

  #say({ progress }: TrainState): void {
    this.#status.textContent =
      progress === 1
        ? 'Trained.'
        : `Stopped at ${Math.floor(100 * progress)} %. Resume, today or on another day.`;
  }

  #showKept(kept: boolean | string): void {
    this.#forget.disabled = kept !== true || this.#isTraining;
    element('run-kept', HTMLParagraphElement).textContent =
      kept === true
        ? 'Kept in this browser: text, vectors and the state of the optimizer.'
        : kept === false
          ? 'Nothing is kept yet.'
          : `This browser keeps nothing: ${kept}`;
  }

  /** What the buttons do now. */
  #update(): void {
    const progress = this.#hasRun() ? this.#progress.value : 0;
    this.#action.textContent = this.#isTraining ? 'Stop' : progress > 0 ? 'Resume' : 'Train';
    this.#action.disabled = !this.#isTraining && progress === 1;
    this.#anew.disabled = this.#isTraining || progress === 0;
    this.#text.readOnly = this.#isTraining;
    this.#ours.disabled = this.#isTraining || this.#text.value === DOCUMENTS;
  }
}
