/** The search of the demo: questions that share no stem with their answers find them, on this backend. */

import { StaticModel } from 'tokenbed';
import { expect, it } from 'vitest';
import { readPassages } from '../../scripts/demo/passages.mjs';
import { QUESTIONS } from '../../scripts/demo/questions.mjs';
import { MODEL, search, SHOWN, textOf } from '../../scripts/demo/search.mjs';

/** The first four letters of the words of a text that have as many. */
const stems = (text: string): Set<string> =>
  new Set(Array.from(text.toLowerCase().matchAll(/\p{L}{4,}/gu), ([word]) => word.slice(0, 4)));

const passages = await readPassages();
const answers = QUESTIONS.map(({ answer }) => passages.filter(({ text }) => text.startsWith(answer)));

it('each question has one answer, with which it shares no stem of four letters', () => {
  expect(stems('Übung macht den Meister')).toEqual(new Set(['übun', 'mach', 'meis']));
  expect(QUESTIONS.length).toBe(5);
  for (const [i, { question }] of QUESTIONS.entries()) {
    expect(answers[i], question).toHaveLength(1);
    const ofAnswer = stems(textOf(answers[i]![0]!));
    expect(Array.from(stems(question)).filter((stem) => ofAnswer.has(stem))).toEqual([]);
  }
});

it('each answer is among the passages that are shown', async () => {
  const model = await StaticModel.load(MODEL);
  const { found } = search(model, passages);
  model.dispose();
  for (const [i, { question }] of QUESTIONS.entries()) {
    const { ids, scores } = found[i]!;
    expect([ids.length, [...scores].sort((a, b) => b - a)]).toEqual([SHOWN, scores]);
    expect(ids.map((id) => passages[id]!.text, question)).toContain(answers[i]![0]!.text);
  }
});
