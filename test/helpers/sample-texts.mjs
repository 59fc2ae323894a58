/**
 * 5,000 texts for the real model, the same in every run: the sentences of test/models/triples.json, and words of its vocabulary
 * with everything that a tokenizer may meet.
 *
 * test/vectors/golden/static-models.json has their hash, and the hashes of their ids and vectors by model2vec.
 */

const COUNT = 5000;

const SEPARATORS = [
  ' ',
  ' ',
  ' ',
  ' ',
  ' ',
  ' ',
  ', ',
  '. ',
  '; ',
  '-',
  '\n',
  '\t',
  '  ',
  '\u3000',
  '\u00a0',
  '/',
  '',
];
const ODD = [
  [
    'naïve',
    'ÉCOLE',
    'Straße',
    'cafe\u0301',
    'İstanbul',
    'ﬁne',
    'Ⅷ',
    '①',
    'ǅ',
    'ß',
    'ΣΊΣΥΦΟΣ',
    'привет',
    'Ελλάδα',
  ],
  ['漢字', '東京都', 'ひらがな', '한국어', '한국', 'हिन्दी', 'العَرَبِيَّة', 'עִברִית', 'ไทย', '\u{20000}'],
  [
    '🙂',
    '👩‍👩‍👧',
    '🇩🇪',
    '𝔘𝔫𝔦',
    '\u{10ffff}',
    '\ufffd',
    '\u0000',
    '\u0007',
    '\u200b',
    '\u00ad',
    '\ufeff',
    '\u2028',
  ],
  [
    '3.14159',
    '2026-11-30',
    '1,000,000',
    '50%',
    '$9.99',
    "don't",
    "l'été",
    'e.g.',
    '...',
    '—',
    '“quoted”',
    '¿qué?',
  ],
  [
    '[UNK]',
    '[PAD]',
    '[CLS]',
    '[ UNK ]',
    '##ing',
    'http://example.org/a?b=c#d',
    'user@example.org',
    'C++',
    '<br/>',
  ],
  ['a'.repeat(100), 'b'.repeat(101), 'xyzzyqwrt'.repeat(30), 'e' + '\u0301'.repeat(40), '漢'.repeat(60)],
].flat();

/** Numbers 0 .. n - 1, by mulberry32. @param {number} seed */
function generator(seed) {
  let state = seed;
  return (/** @type {number} */ n) => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}

/**
 * The texts.
 *
 * @param {readonly string[]} tokens     of the model, by id
 * @param {readonly string[]} sentences
 */
export function sampleTexts(tokens, sentences) {
  const below = generator(15);
  /** @template T @param {readonly T[]} list */
  const one = (list) => /** @type {T} */ (list[below(list.length)]);
  const word = () => {
    const plain = one(tokens).replace(/^##/, '');
    switch (below(16)) {
      case 0:
        return plain.toUpperCase();
      case 1:
      case 2:
        return plain.charAt(0).toUpperCase() + plain.slice(1);
      case 3:
        return plain + one(tokens);
      case 4:
        return `${plain}\u0301`;
      case 5:
        return one(ODD);
      case 6:
        return `${below(10_000)}`;
      case 7:
        return String.fromCodePoint(below(8) === 0 ? 0x10000 + below(0x20000) : 0xa0 + below(0xd000));
      default:
        return plain;
    }
  };
  const texts = [
    '',
    ' ',
    '\n\t ',
    '\u0301',
    '漢',
    '🙂',
    'qzxjk'.repeat(40),
    '🙂 🙂 🙂',
    '[UNK]',
    '[PAD] [UNK]',
    ...ODD,
    ...sentences,
  ];
  while (texts.length < COUNT) {
    // Some are longer than 512 tokens, in words and in characters.
    const length = texts.length % 250 === 0 ? 400 + below(1200) : 1 + below(1 + below(80));
    let text = '';
    for (let i = 0; i < length; i++) text += (i === 0 ? '' : one(SEPARATORS)) + word();
    texts.push(below(40) === 0 ? `${one(sentences)} ${text}` : text);
  }
  return texts;
}
