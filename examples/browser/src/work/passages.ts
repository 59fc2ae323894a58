/** A text, cut into passages: paragraphs, and the sentences of long ones. */

/** `text.slice(start, end)`, without white space around it. */
export interface Passage {
  readonly start: number;
  readonly end: number;
}

/** The most characters of a paragraph that stays whole. */
const MOST = 300;
/** A shorter sentence belongs to the one before it. */
const LEAST = 40;

/** The passages of a text, in order, which do not overlap. Without an empty line, every line is a paragraph. */
export function passagesIn(text: string): Passage[] {
  const between = /\n[^\S\n]*\n/.test(text) ? /\n[^\S\n]*\n\s*/g : /\n/g;
  const passages: Passage[] = [];
  let start = 0;
  for (const { index, 0: blank } of text.matchAll(between)) {
    addParagraph(passages, text, start, index);
    start = index + blank.length;
  }
  addParagraph(passages, text, start, text.length);
  return passages;
}

function addParagraph(passages: Passage[], text: string, from: number, to: number): void {
  const [start, end] = trimmed(text, from, to);
  if (start === end) return;
  if (end - start <= MOST) passages.push({ start, end });
  else for (const sentence of sentencesIn(text, start, end)) passages.push(sentence);
}

/** The sentences of a paragraph. One without an end in sight is cut at a blank. */
function sentencesIn(text: string, start: number, end: number): Passage[] {
  const sentences: { start: number; end: number }[] = [];
  const add = (from: number, to: number): void => {
    const [start, end] = trimmed(text, from, to);
    const last = sentences.at(-1);
    if (last !== undefined && end - start < LEAST && end - last.start <= MOST) last.end = end;
    else if (start < end) sentences.push({ start, end });
  };
  let from = start;
  for (const to of sentenceEnds(text.slice(start, end))) {
    while (start + to - from > MOST) {
      const blank = text.lastIndexOf(' ', from + MOST);
      const most = from + MOST - Number(isSecondHalf(text, from + MOST));
      const cut = blank > from ? blank : most;
      add(from, cut);
      from = cut;
    }
    add(from, start + to);
    from = start + to;
  }
  return sentences;
}

/** Where sentences end. A line break inside a paragraph ends none. */
function sentenceEnds(paragraph: string): number[] {
  const line = paragraph.replace(/\s/g, ' ');
  // Firefox has it since version 125.
  if (!('Segmenter' in Intl))
    return [...line.matchAll(/[.!?…。！？]["'”’)]*\s*|$/g)].map(({ index, 0: end }) => index + end.length);
  const segments = new Intl.Segmenter(undefined, { granularity: 'sentence' }).segment(line);
  return Array.from(segments, ({ index, segment }) => index + segment.length);
}

/** Whether the unit at `at` is the second half of a character. */
const isSecondHalf = (text: string, at: number): boolean => /[\uDC00-\uDFFF]/.test(text.charAt(at));

/** The range without white space at its ends. */
function trimmed(text: string, from: number, to: number): [start: number, end: number] {
  const part = text.slice(from, to);
  const start = from + part.length - part.trimStart().length;
  return [start, Math.max(start, from + part.trimEnd().length)];
}
