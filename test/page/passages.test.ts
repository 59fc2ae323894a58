/** How the page cuts a text into passages, with `Intl.Segmenter` and without it, as in older browsers. */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { passagesIn } from '../../examples/browser/src/work/passages.js';

const cut = (text: string): string[] => passagesIn(text).map(({ start, end }) => text.slice(start, end));

describe.each(['with Intl.Segmenter', 'without it'])('%s', (how) => {
  const { Segmenter } = Intl;
  beforeEach(() => {
    if (how === 'without it') Reflect.deleteProperty(Intl, 'Segmenter');
  });
  afterEach(() => {
    Object.assign(Intl, { Segmenter });
  });

  test('paragraphs, lines, and nothing', () => {
    expect(cut('')).toEqual([]);
    expect(cut(' \n\t\n ')).toEqual([]);
    expect(cut('  one \n two\n\n \n three  \n')).toEqual(['one \n two', 'three']);
    expect(cut('one\n two \nthree')).toEqual(['one', 'two', 'three']);
  });

  test('sentences of a long paragraph; a line break ends none, and a short one belongs to the one before', () => {
    const first = 'The first sentence goes on and on, and it does not end\nwhere its first line ends. ';
    const second = 'Is the second one a question that is long enough to be a passage by itself? ';
    const third = `The third ${'is really long, '.repeat(8)}and ends here! `;
    const sentences = [first, second, third].map((sentence) => sentence.trim());
    expect(cut(`A paragraph.\n\n${first}${second}${third}Yes.`)).toEqual([
      'A paragraph.',
      ...sentences.slice(0, 2),
      `${sentences[2]} Yes.`,
    ]);
  });

  test('a long sentence is cut at a blank, or anywhere but in a character', () => {
    const words = cut('word '.repeat(200));
    expect(words.join(' ')).toBe('word '.repeat(200).trim());
    expect(Math.max(...words.map(({ length }) => length))).toBeLessThanOrEqual(300);
    const faces = cut(`a${'🙂'.repeat(400)}`);
    expect(faces.join('')).toBe(`a${'🙂'.repeat(400)}`);
    expect(faces.flatMap((face) => [...face]).filter((character) => character !== '🙂')).toEqual(['a']);
  });

  test('passages are in order, at most 300 characters long, and all of the text but white space', () => {
    const piece = fc.constantFrom(
      'a',
      'word ',
      'Sentence. ',
      '\n',
      '\n\n',
      ' ',
      '🙂',
      '漢字。',
      '?! ',
      'x'.repeat(90),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 120 }), (pieces) => {
        const text = pieces.join('');
        let at = 0;
        let rest = '';
        for (const { start, end } of passagesIn(text)) {
          rest += text.slice(at, start);
          const passage = text.slice(start, end);
          expect(passage).toBe(passage.trim());
          expect(passage.length).toBeGreaterThan(0);
          expect(passage.length).toBeLessThanOrEqual(300);
          at = end;
        }
        expect((rest + text.slice(at)).trim()).toBe('');
      }),
      { numRuns: 300 },
    );
  });
});
