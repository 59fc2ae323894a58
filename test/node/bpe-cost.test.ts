/** The cost of training: memory, measured while it runs, and places read, which are counted. */

import { BPETokenizer } from 'tokenbed';
import { expect, it } from 'vitest';
import { PairQueue } from '../../ts/tokenizer/pair-queue.js';

const MIB = 2 ** 20;

/** A text of about `bytes` bytes: words with a Zipf distribution over 20,000, so that pairs have all frequencies. */
function prose(bytes: number): string {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const letters = 'etaoinshrdlucmfwypvbgkjqxz';
  const word = () =>
    Array.from({ length: 2 + Math.floor(random() * 9) }, () => letters[Math.floor(random() ** 2 * 26)]).join(
      '',
    );
  const words = Array.from({ length: 20_000 }, word);
  let text = '';
  while (text.length < bytes) text += `${words[Math.floor(20_000 ** random()) - 1]!} `;
  return text;
}

const collect = (globalThis as { gc?: () => void }).gc!;

/** Collects garbage. Buffers are freed between turns of the event loop, after a collection. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    collect();
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
}

it.each(['bytes', 'words'] as const)('training %s uses at most 40 bytes per byte of text', async (mode) => {
  const text = prose(2 * MIB);
  await settle();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  let calls = 0;
  new BPETokenizer({ mode, vocabSize: 2000 }).train([text], {
    onProgress: () => {
      if (calls++ % 100 !== 0) return;
      collect();
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    },
  });
  expect(calls).toBeGreaterThan(1000);
  // Check that something was measured. Mode words needs about a tenth, because it stores distinct words only.
  expect(most / text.length).toBeGreaterThan(mode === 'bytes' ? 4 : 0.1);
  expect(most / text.length).toBeLessThan(40);
});

it.each(['one text', 'words'])('twice the text is less than three times the work, %s', (shape) => {
  const visits = (text: string): number => {
    const symbols = Int32Array.from(new TextEncoder().encode(text));
    const pieces = shape === 'words' ? text.split(/(?<= )/) : [text];
    const queue = new PairQueue({ symbols, lengths: pieces.map((piece) => piece.length) });
    for (let symbol = 256; symbol < 1500 && queue.next() !== undefined; symbol++) queue.merge(symbol);
    return queue.visits;
  };
  const small = visits(prose(MIB / 4));
  expect(small).toBeGreaterThan(MIB / 4);
  expect(visits(prose(MIB / 2))).toBeLessThan(3 * small);
});
