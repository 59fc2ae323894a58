/**
 * tokenizer.json files that must be refused, one rule each: malformed ones, and ones with a part that is not read. And files that
 * look unusual and are read, with ids that were computed by the Python package tokenizers 0.23.3.
 */

import { join } from './files.js';
import { byteLevel, unigram, wordPiece } from './tokenizer-files.js';

/** A file that must be refused. */
export interface MalformedTokenizer {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the message names: the part, and what is wrong with it. */
  readonly text: readonly (string | RegExp)[];
}

type Path = readonly (string | number)[];
type Case = readonly [
  name: string,
  text: string | RegExp | readonly (string | RegExp)[],
  file: object | string,
];

/** A copy of `file` whose value at `path` is `value`; undefined removes it. */
function change(file: object, path: Path, value: unknown): object {
  const copy = structuredClone(file);
  let parent = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string | number, unknown>;
  const last = path.at(-1)!;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

/** The text of `file`, whose only string `"@"` is replaced by JSON text, which may be no value of JavaScript. */
const written = (file: object, text: string): string => JSON.stringify(file).replace('"@"', text);

const text = JSON.stringify(wordPiece);
const normalizer = (value: unknown) => change(wordPiece, ['normalizer'], value);
const splitter = (value: unknown) => change(wordPiece, ['pre_tokenizer'], value);
const decoder = (value: unknown) => change(wordPiece, ['decoder'], value);
const processor = (value: unknown) => change(wordPiece, ['post_processor'], value);
const id = (value: unknown) => change(wordPiece, ['model', 'vocab', 'hello'], value);
const merges = (value: unknown) => change(byteLevel, ['model', 'merges'], value);
const score = (value: unknown) => change(unigram, ['model', 'vocab', 3, 1], value);
const regex = (pattern: string) =>
  splitter({ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false });
const added = (path: Path, value: unknown) => change(wordPiece, ['added_tokens', ...path], value);
const truncation = (more: object) =>
  change(wordPiece, ['truncation'], { strategy: 'LongestFirst', max_length: 8, stride: 0, ...more });
const padding = (more: object) =>
  change(wordPiece, ['padding'], {
    strategy: 'BatchLongest',
    direction: 'Right',
    pad_to_multiple_of: null,
    pad_id: 0,
    pad_type_id: 0,
    pad_token: '[PAD]',
    ...more,
  });

const JSON_RULES: readonly Case[] = [
  ['an empty file', 'expected a value, found the end', ''],
  ['blanks', 'expected a value, found the end', ' \n '],
  ['no JSON', 'expected a value, found "h"', 'hello'],
  ['HTML', 'expected a value, found "<"', '<!DOCTYPE html>'],
  ['a byte order mark', 'expected a value, found "\ufeff"', `\ufeff${text}`],
  ['an array', 'expected an object, found "["', '[]'],
  ['a string', 'expected an object', '"1.0"'],
  ['null', 'expected an object, found "n"', 'null'],
  ['an object after the object', 'expected the end, found "{"', `${text}{}`],
  ['a comma too many', 'expected a string, found "}"', text.replace(/}$/, ',}')],
  ['a comment', 'expected a string, found "/"', text.replace('{', '{/* 1 */')],
  ['a file that is cut', 'found the end', text.slice(0, -1)],
  [
    'a file that is cut in a string',
    'the text ends inside a string',
    text.slice(0, text.indexOf('[UNK]') + 2),
  ],
  ['NaN', 'expected a value, found "N"', written(score('@'), 'NaN')],
  ['Infinity', 'expected a value, found "I"', written(score('@'), 'Infinity')],
  ['a lone surrogate as escape', 'lone surrogate', text.replace('"hello"', '"\\ud800"')],
  ['a control character in a token', 'control character', text.replace('"hello"', '"a\nb"')],
  ['100,000 arrays', 'expected an object', '['.repeat(100_000)],
  ['100,000 objects', 'nest deeper than 64', '{"a":'.repeat(100_000)],
  [
    '100,000 sequences of normalizers',
    'nest deeper than 64',
    `{"normalizer":${'{"type":"Sequence","normalizers":['.repeat(100_000)}`,
  ],
  [
    '100,000 arrays in a field that is ignored',
    'nest deeper than 64',
    text.replace('{', `{"other":${'['.repeat(100_000)}${']'.repeat(100_000)},`),
  ],
  ['a key twice', 'the key "version" appears twice', text.replace('{', '{"version":"1.0",')],
  ['a token twice', 'the key "hello" appears twice', text.replace('"hello":4', '"hello":4,"hello":4')],
  [
    'a token twice, once with an escape',
    'the key "hello" appears twice',
    text.replace('"hello":4', '"hello":4,"h\\u0065llo":4'),
  ],
];

const FILE: readonly Case[] = [
  ['no model', ['the file', 'has no "model"'], change(wordPiece, ['model'], undefined)],
  ['a field that no file has', ['"tokens"', 'not a field'], change(wordPiece, ['tokens'], [])],
  [
    'a number beyond f64 in a field that is ignored',
    ['1e999', 'out of range'],
    written(change(wordPiece, ['model', 'other'], '@'), '1e999'),
  ],
  ['an empty object', ['the file', 'has no "model"'], '{}'],
  ['version 2.0', ['version', '"2.0"', '"1.0"'], change(wordPiece, ['version'], '2.0')],
  ['a number as version', ['version', 'expected a string, found "1"'], change(wordPiece, ['version'], 1)],
  ['null as version', ['version', 'expected a string, found "n"'], change(wordPiece, ['version'], null)],
  ['a normalizer that is a string', ['normalizer: ', 'expected an object'], normalizer('NFC')],
  ['a normalizer that is an array', ['normalizer: ', 'expected an object'], normalizer([{ type: 'NFC' }])],
  ['a pre-tokenizer that is a number', ['pre_tokenizer: ', 'expected an object'], splitter(1)],
  ['a post-processor that is a boolean', ['post_processor: ', 'expected an object'], processor(true)],
  ['a decoder that is a string', ['decoder: ', 'expected an object'], decoder('WordPiece')],
  ['a model that is a string', ['model: ', 'expected an object'], change(wordPiece, ['model'], 'BPE')],
];

const MODELS: readonly Case[] = [
  [
    'a model of an unknown type',
    ['model.type', '"Markov"', 'WordPiece'],
    change(wordPiece, ['model', 'type'], 'Markov'),
  ],
  [
    'a model whose type is a number',
    ['model.type', 'expected a string'],
    change(wordPiece, ['model', 'type'], 1),
  ],
  ['no vocabulary', ['model', 'has no "vocab"'], change(wordPiece, ['model', 'vocab'], undefined)],
  ['a vocabulary that is null', ['model', 'has no "vocab"'], change(wordPiece, ['model', 'vocab'], null)],
  [
    'a list as vocabulary',
    ['model.vocab', 'expected an object'],
    change(wordPiece, ['model', 'vocab'], ['a', 'b']),
  ],
  [
    'an object as vocabulary of Unigram',
    ['model.vocab', 'expected an array'],
    change(unigram, ['model', 'vocab'], { a: 1 }),
  ],
  ['a negative id', ['model.vocab', 'expected an integer in [0, 2^64), found -1'], id(-1)],
  ['-0 as id', ['model.vocab', 'expected an integer'], written(id('@'), '-0')],
  ['an id with a fraction', ['model.vocab', 'found 4.5'], id(4.5)],
  ['an id written as 4.0', ['model.vocab', 'found 4.0'], written(id('@'), '4.0')],
  ['an id written as 4e0', ['model.vocab', 'found 4e0'], written(id('@'), '4e0')],
  ['2^32 as id', ['model.vocab', '"hello"', '[0, 2^32)', '4294967296'], id(2 ** 32)],
  ['2^64 as id', ['model.vocab', '18446744073709551616'], written(id('@'), '18446744073709551616')],
  ['a string as id', ['model.vocab', 'expected a number, found "\\""'], id('4')],
  ['null as id', ['model.vocab', 'expected a number, found "n"'], id(null)],
  ['no unknown token', ['model', 'has no "unk_token"'], change(wordPiece, ['model', 'unk_token'], undefined)],
  [
    'a number as unknown token',
    ['model.unk_token', 'expected a string'],
    change(wordPiece, ['model', 'unk_token'], 1),
  ],
  [
    'no prefix of WordPiece',
    ['model', 'has no "continuing_subword_prefix"'],
    change(wordPiece, ['model', 'continuing_subword_prefix'], undefined),
  ],
  [
    'a negative length of words',
    ['model.max_input_chars_per_word', 'found -1'],
    change(wordPiece, ['model', 'max_input_chars_per_word'], -1),
  ],
  ['no merges', ['model', 'has no "merges"'], merges(undefined)],
  ['merges that are an object', ['model.merges', 'expected an array'], merges({ 'h e': 0 })],
  ['a merge of one part', ['model.merges', 'merge 1', 'two tokens'], merges(['h e', 'll'])],
  ['a merge of three parts', ['model.merges', 'merge 0', 'two tokens'], merges(['h e l'])],
  ['an array of one token as merge', ['model.merges', 'merge 0', 'two tokens'], merges([['h']])],
  ['an array of three tokens as merge', ['model.merges', 'merge 0', 'two tokens'], merges([['h', 'e', 'l']])],
  ['an empty array as merge', ['model.merges', 'merge 0', 'two tokens'], merges([[]])],
  ['numbers as merge', ['model.merges', 'expected a string, found "1"'], merges([[104, 101]])],
  ['a number as merge', ['model.merges', 'expected a string, found "1"'], merges([104])],
  ['merges of both kinds', ['model.merges', 'merge 1', 'all'], merges(['h e', ['l', 'l']])],
  [
    'a merge of a token that is not there',
    ['model.merges', 'merge 1', '"hell"', '"o"'],
    merges(['h e', 'hell o']),
  ],
  ['a merge whose token is not there', ['model.merges', 'merge 1', '"l"', '"o"'], merges(['h e', 'l o'])],
  ['dropout', ['model.dropout', '0.1'], change(byteLevel, ['model', 'dropout'], 0.1)],
  ['dropout of 1', ['model.dropout', '1'], change(byteLevel, ['model', 'dropout'], 1)],
  [
    'a string as dropout',
    ['model.dropout', 'expected a number'],
    change(byteLevel, ['model', 'dropout'], '0'),
  ],
  [
    'a string as byte_fallback',
    ['model.byte_fallback', 'expected a boolean'],
    change(byteLevel, ['model', 'byte_fallback'], 'true'),
  ],
  [
    'a number as fuse_unk',
    ['model.fuse_unk', 'expected a boolean'],
    change(byteLevel, ['model', 'fuse_unk'], 0),
  ],
  [
    'a number as ignore_merges',
    ['model.ignore_merges', 'expected a boolean'],
    change(byteLevel, ['model', 'ignore_merges'], 1),
  ],
  [
    'a list as suffix of words',
    ['model.end_of_word_suffix', 'expected a string'],
    change(byteLevel, ['model', 'end_of_word_suffix'], []),
  ],
  ['a score that is a string', ['model.vocab', 'expected a number, found "\\""'], score('-2')],
  ['a score that is null', ['model.vocab', 'expected a number, found "n"'], score(null)],
  ['a score of 1e400', ['1e400', 'out of range'], written(score('@'), '1e400')],
  ['a score of -1e400', ['-1e400', 'out of range'], written(score('@'), '-1e400')],
  ['a piece without a score', ['model.vocab', 'entry 3'], change(unigram, ['model', 'vocab', 3], ['a'])],
  [
    'a piece with two scores',
    ['model.vocab', 'entry 3'],
    change(unigram, ['model', 'vocab', 3], ['a', 1, 2]),
  ],
  [
    'a piece that is a string',
    ['model.vocab', 'expected an array'],
    change(unigram, ['model', 'vocab', 3], 'a'),
  ],
  [
    'a number instead of a piece',
    ['model.vocab', 'expected a string'],
    change(unigram, ['model', 'vocab', 3], [-2, 'a']),
  ],
  ['unk_id beyond the vocabulary', ['model.unk_id', '8'], change(unigram, ['model', 'unk_id'], 8)],
  ['unk_id of 2^53', ['model.unk_id', '9007199254740992'], change(unigram, ['model', 'unk_id'], 2 ** 53)],
  ['a negative unk_id', ['model.unk_id', 'found -1'], change(unigram, ['model', 'unk_id'], -1)],
  ['a string as unk_id', ['model.unk_id', 'expected a number'], change(unigram, ['model', 'unk_id'], '1')],
  [
    'unk_id of an empty vocabulary',
    ['model.unk_id', '0'],
    change(change(unigram, ['model', 'vocab'], []), ['model', 'unk_id'], 0),
  ],
];

/** A charsmap: the size of the trie, its units, and the replacements, in Base64. */
function charsmap(size: number, units: readonly number[], texts: readonly number[] = []): object {
  const bytes = join(Uint32Array.of(size, ...units), texts);
  return precompiled(btoa(String.fromCharCode(...bytes)));
}
const precompiled = (precompiled_charsmap: unknown) =>
  normalizer({ type: 'Precompiled', precompiled_charsmap });
const CHARSMAP = 'normalizer.precompiled_charsmap';

const NORMALIZERS: readonly Case[] = [
  ['a normalizer of an unknown type', ['normalizer.type', '"Rot13"', 'NFC'], normalizer({ type: 'Rot13' })],
  ['a normalizer without a type', ['normalizer', 'has no "type"'], normalizer({ lowercase: true })],
  ['a normalizer whose type is null', ['normalizer', 'has no "type"'], normalizer({ type: null })],
  ['a normalizer whose type is a number', ['normalizer.type', 'expected a string'], normalizer({ type: 3 })],
  [
    'an unknown type in a sequence',
    ['normalizer.normalizers[1].type', '"nfc"'],
    normalizer({ type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'nfc' }] }),
  ],
  [
    'a string in a sequence',
    ['normalizer.normalizers[0]: ', 'expected an object'],
    normalizer({ type: 'Sequence', normalizers: ['NFC'] }),
  ],
  ['a sequence without members', ['normalizer', 'has no "normalizers"'], normalizer({ type: 'Sequence' })],
  [
    'a sequence that is not an array',
    ['normalizer.normalizers: ', 'expected an array'],
    normalizer({ type: 'Sequence', normalizers: {} }),
  ],
  [
    'a flag that is missing',
    ['normalizer', 'has no "clean_text"'],
    change(wordPiece, ['normalizer', 'clean_text'], undefined),
  ],
  [
    'a flag that is a string',
    ['normalizer.lowercase', 'expected a boolean'],
    change(wordPiece, ['normalizer', 'lowercase'], 'yes'),
  ],
  [
    'an unknown regex of Replace',
    ['normalizer.pattern', 'Regex', '"\\\\s+"'],
    normalizer({ type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' }),
  ],
  [
    'Replace without content',
    ['normalizer', 'has no "content"'],
    normalizer({ type: 'Replace', pattern: { String: ' ' } }),
  ],
  [
    'Replace of nothing',
    ['normalizer.pattern', 'empty'],
    normalizer({ type: 'Replace', pattern: { String: '' }, content: ' ' }),
  ],
  [
    'a pattern that is a string',
    ['normalizer.pattern: ', 'expected an object'],
    normalizer({ type: 'Replace', pattern: ' ', content: ' ' }),
  ],
  [
    'a pattern of another kind',
    ['normalizer.pattern', '"Glob"'],
    normalizer({ type: 'Replace', pattern: { Glob: '*' }, content: ' ' }),
  ],
  [
    'a pattern without a key',
    ['normalizer.pattern', '"String" or "Regex"'],
    normalizer({ type: 'Replace', pattern: {}, content: ' ' }),
  ],
  ['Prepend of nothing', ['normalizer.prepend', 'empty'], normalizer({ type: 'Prepend', prepend: '' })],
  ['a charsmap that is null', ['normalizer', 'has no "precompiled_charsmap"'], precompiled(null)],
  ['a charsmap that is an array', [CHARSMAP, 'expected a string'], precompiled([])],
  ['a charsmap that is not Base64', [CHARSMAP, 'Base64'], precompiled('AAA*')],
  ['a charsmap of Base64 that is cut', [CHARSMAP, 'Base64'], precompiled('AAAAA')],
  ['an empty charsmap', [CHARSMAP, '0 bytes'], precompiled('')],
  ['a charsmap of 3 bytes', [CHARSMAP, '3 bytes'], precompiled('AAAA')],
  [
    'a charsmap with a trie beyond its end',
    [CHARSMAP, 'a trie of 8 bytes', '4 bytes are left'],
    charsmap(8, [0]),
  ],
  ['a charsmap with a trie of 4 GiB', [CHARSMAP, 'a trie of 4294967292 bytes'], charsmap(2 ** 32 - 4, [0])],
  ['a charsmap without a trie', [CHARSMAP, 'trie'], charsmap(0, [])],
  [
    'a charsmap whose trie leads out of it',
    [CHARSMAP, 'leads out of its 1 units'],
    charsmap(4, [0xffff_fc00]),
  ],
  ['a charsmap with replacements that are not UTF-8', [CHARSMAP, 'UTF-8'], charsmap(4, [0], [0xff, 0])],
  // The byte 1 leads from the root to unit 1, whose leaf is unit 0: the replacement begins at byte 255.
  [
    'a charsmap with a replacement beyond its end',
    [CHARSMAP, 'a replacement at byte 255', '2 bytes'],
    charsmap(1024, [255, 1 | (1 << 8) | (1 << 10), ...Array<number>(254).fill(0)], [65, 0]),
  ],
];

const PRE_TOKENIZERS: readonly Case[] = [
  [
    'a pre-tokenizer of an unknown type',
    ['pre_tokenizer.type', '"Jieba"', 'BertPreTokenizer'],
    splitter({ type: 'Jieba' }),
  ],
  ['a pre-tokenizer without a type', ['pre_tokenizer', 'has no "type"'], splitter({})],
  [
    'UnicodeScripts, which is not read',
    ['pre_tokenizer.type', '"UnicodeScripts"'],
    splitter({ type: 'UnicodeScripts' }),
  ],
  [
    'CharDelimiterSplit, which is not read',
    ['pre_tokenizer.type', '"CharDelimiterSplit"'],
    splitter({ type: 'CharDelimiterSplit', delimiter: '-' }),
  ],
  [
    'an unknown type in a sequence in a sequence',
    ['pre_tokenizer.pretokenizers[0].pretokenizers[1].type', '"Words"'],
    splitter({
      type: 'Sequence',
      pretokenizers: [{ type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, { type: 'Words' }] }],
    }),
  ],
  ['an unknown regex', ['pre_tokenizer.pattern', '"\\\\w+"'], regex('\\w+')],
  ['a catastrophic regex', ['pre_tokenizer.pattern', '"(a+)+$"'], regex('(a+)+$')],
  ['a regex that no engine reads', ['pre_tokenizer.pattern', '"("'], regex('(')],
  ['an empty regex', ['pre_tokenizer.pattern', '""'], regex('')],
  ['a regex with one blank more', ['pre_tokenizer.pattern', '" {2,} "'], regex(' {2,} ')],
  ['a regex of a megabyte', ['pre_tokenizer.pattern', '...'], regex('(a|b)'.repeat(200_000))],
  [
    'an unknown behavior',
    ['pre_tokenizer.behavior', '"Doubled"'],
    change(regex(' {2,}'), ['pre_tokenizer', 'behavior'], 'Doubled'),
  ],
  [
    'Split without invert',
    ['pre_tokenizer', 'has no "invert"'],
    change(regex(' {2,}'), ['pre_tokenizer', 'invert'], undefined),
  ],
  [
    'Split without a pattern',
    ['pre_tokenizer', 'has no "pattern"'],
    change(regex(' {2,}'), ['pre_tokenizer', 'pattern'], undefined),
  ],
  [
    'Split at nothing',
    ['pre_tokenizer.pattern', 'empty'],
    change(regex(' {2,}'), ['pre_tokenizer', 'pattern'], { String: '' }),
  ],
  [
    'a pattern of Split that is a string',
    ['pre_tokenizer.pattern: ', 'expected an object'],
    change(regex(' {2,}'), ['pre_tokenizer', 'pattern'], ' '),
  ],
  [
    'a pattern of Split of two kinds',
    ['pre_tokenizer.pattern', 'one key'],
    change(regex(' {2,}'), ['pre_tokenizer', 'pattern'], { String: ' ', Regex: ' ' }),
  ],
  [
    'a number as pattern',
    ['pre_tokenizer.pattern: ', 'expected a string'],
    change(regex(' {2,}'), ['pre_tokenizer', 'pattern'], { String: 1 }),
  ],
  [
    'an empty replacement of Metaspace',
    ['pre_tokenizer.replacement', 'one character', '""'],
    change(unigram, ['pre_tokenizer', 'replacement'], ''),
  ],
  [
    'a replacement of two characters',
    ['pre_tokenizer.replacement', 'one character', '"▁▁"'],
    change(unigram, ['pre_tokenizer', 'replacement'], '▁▁'),
  ],
  [
    'an unknown scheme of Metaspace',
    ['pre_tokenizer.prepend_scheme', '"sometimes"'],
    change(unigram, ['pre_tokenizer', 'prepend_scheme'], 'sometimes'),
  ],
  [
    'ByteLevel without a flag',
    ['pre_tokenizer', 'has no "add_prefix_space"'],
    change(byteLevel, ['pre_tokenizer', 'add_prefix_space'], undefined),
  ],
  ['Digits without its flag', ['pre_tokenizer', 'has no "individual_digits"'], splitter({ type: 'Digits' })],
];

const template = ['post_processor'];
const OTHERS: readonly Case[] = [
  [
    'a post-processor of an unknown type',
    ['post_processor', '"Wrap"', 'TemplateProcessing'],
    processor({ type: 'Wrap' }),
  ],
  [
    'a template with an unknown token',
    ['post_processor.special_tokens', '"[CLS]"'],
    change(wordPiece, [...template, 'special_tokens', '[CLS]'], undefined),
  ],
  [
    'a template without special tokens',
    ['post_processor', 'has no "special_tokens"'],
    change(wordPiece, [...template, 'special_tokens'], undefined),
  ],
  [
    'a template with a negative id',
    ['post_processor.special_tokens.[CLS].ids', '-1'],
    change(wordPiece, [...template, 'special_tokens', '[CLS]', 'ids'], [-1]),
  ],
  [
    'a template with 2^32 as id',
    ['post_processor.special_tokens.[CLS].ids', '4294967296'],
    change(wordPiece, [...template, 'special_tokens', '[CLS]', 'ids'], [2 ** 32]),
  ],
  [
    'a template with the second text',
    ['post_processor.single[1]', 'second text'],
    change(wordPiece, [...template, 'single', 1, 'Sequence', 'id'], 'B'),
  ],
  [
    'a template with a third text',
    ['post_processor.single[1].Sequence.id', '"C"'],
    change(wordPiece, [...template, 'single', 1, 'Sequence', 'id'], 'C'),
  ],
  [
    'a template whose tokens are numbers',
    ['post_processor.special_tokens.[SEP].tokens: ', 'expected a string'],
    change(wordPiece, [...template, 'special_tokens', '[SEP]', 'tokens'], [3]),
  ],
  [
    'a template of a token without tokens',
    ['post_processor.special_tokens.[SEP]', 'has no "tokens"'],
    change(wordPiece, [...template, 'special_tokens', '[SEP]', 'tokens'], undefined),
  ],
  [
    'a piece of a template with two fields',
    ['post_processor.single[1]', 'one field'],
    change(wordPiece, [...template, 'single', 1, 'SpecialToken'], { id: '[SEP]', type_id: 0 }),
  ],
  [
    'a piece of a template of another kind',
    ['post_processor.single[1]', '"Text"'],
    change(wordPiece, [...template, 'single', 1], { Text: { id: 'A', type_id: 0 } }),
  ],
  [
    'a post-processor with the fields of another',
    ['post_processor', '"ByteLevel"', '"cls"'],
    change(byteLevel, ['post_processor'], { ...byteLevel.pre_tokenizer, cls: ['a', 0] }),
  ],
  [
    'a template that is a string',
    ['post_processor.single', 'expected an array'],
    change(wordPiece, [...template, 'single'], '[CLS] $A'),
  ],
  [
    'BertProcessing without sep',
    ['post_processor', 'has no "sep"'],
    processor({ type: 'BertProcessing', cls: ['[CLS]', 2] }),
  ],
  [
    'BertProcessing with one of a pair',
    ['post_processor.sep', 'pair'],
    processor({ type: 'BertProcessing', cls: ['[CLS]', 2], sep: ['[SEP]'] }),
  ],
  [
    'BertProcessing with a string as id',
    ['post_processor.sep', 'expected a number'],
    processor({ type: 'BertProcessing', cls: ['[CLS]', 2], sep: ['[SEP]', '3'] }),
  ],
  [
    'a decoder of an unknown type',
    ['decoder', '"CTC"', 'ByteFallback'],
    decoder({ type: 'CTC', pad_token: '', word_delimiter_token: '', cleanup: true }),
  ],
  [
    'an unknown decoder in a sequence',
    ['decoder.decoders[1]', '"Join"'],
    decoder({ type: 'Sequence', decoders: [{ type: 'Fuse' }, { type: 'Join' }] }),
  ],
  [
    'a decoder without a field',
    ['decoder', 'has no "cleanup"'],
    decoder({ type: 'WordPiece', prefix: '##' }),
  ],
  [
    'Strip of two characters',
    ['decoder.content', 'one character'],
    decoder({ type: 'Strip', content: '  ', start: 1, stop: 0 }),
  ],
  [
    'Strip of a negative number',
    ['decoder.start', '-1'],
    decoder({ type: 'Strip', content: ' ', start: -1, stop: 0 }),
  ],
  [
    'an unknown regex of a decoder',
    ['decoder.pattern', '"a*"'],
    decoder({ type: 'Replace', pattern: { Regex: 'a*' }, content: '' }),
  ],
  ['added tokens that are an object', ['added_tokens: ', 'expected an array'], added([], {})],
  ['added tokens that are null', ['added_tokens: ', 'expected an array'], added([], null)],
  ['an added token that is a string', ['added_tokens[1]', 'expected an object'], added([1], '[UNK]')],
  [
    'an added token without content',
    ['added_tokens[1]', 'has no "content"'],
    added([1, 'content'], undefined),
  ],
  ['an added token without id', ['added_tokens[1]', 'has no "id"'], added([1, 'id'], undefined)],
  ['an added token without a flag', ['added_tokens[1]', 'has no "lstrip"'], added([1, 'lstrip'], undefined)],
  [
    'an added token whose content is a number',
    ['added_tokens[1].content', 'expected a string'],
    added([1, 'content'], 5),
  ],
  ['an added token with a negative id', ['added_tokens[1].id', '-1'], added([1, 'id'], -1)],
  ['an added token with 2^32 as id', ['added_tokens[1].id', '4294967296'], added([1, 'id'], 2 ** 32)],
  [
    'an added token with a string as flag',
    ['added_tokens[1].special', 'expected a boolean'],
    added([1, 'special'], 'true'),
  ],
  [
    'truncation that is a number',
    ['truncation: ', 'expected an object'],
    change(wordPiece, ['truncation'], 512),
  ],
  [
    'truncation without a length',
    ['truncation', 'has no "max_length"'],
    truncation({ max_length: undefined }),
  ],
  ['truncation of a negative length', ['truncation.max_length', '-1'], truncation({ max_length: -1 })],
  [
    'truncation with an unknown strategy',
    ['truncation.strategy', '"Longest"', 'LongestFirst'],
    truncation({ strategy: 'Longest' }),
  ],
  ['truncation with an unknown direction', ['truncation.direction', '"Up"'], truncation({ direction: 'Up' })],
  ['truncation with a stride beyond its length', ['truncation.stride', '9'], truncation({ stride: 9 })],
  [
    'truncation shorter than the special tokens',
    ['truncation', 'max_length', '1', '2'],
    truncation({ max_length: 1 }),
  ],
  [
    'padding that is a string',
    ['padding: ', 'expected an object'],
    change(wordPiece, ['padding'], 'longest'),
  ],
  ['padding without an id', ['padding', 'has no "pad_id"'], padding({ pad_id: undefined })],
  ['padding with a negative id', ['padding.pad_id', '-1'], padding({ pad_id: -1 })],
  ['padding with a number as token', ['padding.pad_token', 'expected a string'], padding({ pad_token: 0 })],
  ['padding with an unknown direction', ['padding.direction', '"Both"'], padding({ direction: 'Both' })],
  ['padding with an unknown strategy', ['padding.strategy', '"Shortest"'], padding({ strategy: 'Shortest' })],
  ['padding to a negative length', ['padding.strategy.Fixed', '-1'], padding({ strategy: { Fixed: -1 } })],
];

const CASES = [...JSON_RULES, ...FILE, ...MODELS, ...NORMALIZERS, ...PRE_TOKENIZERS, ...OTHERS];

/** Files that are not text. */
const BYTES: readonly MalformedTokenizer[] = [
  { name: 'Latin-1', bytes: join(text.slice(0, 20), [0xe9], text.slice(20)), text: ['UTF-8'] },
  {
    name: 'UTF-16',
    bytes: join(
      [0xff, 0xfe],
      Uint16Array.from(text, (unit) => unit.charCodeAt(0)),
    ),
    text: ['UTF-8'],
  },
  { name: 'a NUL after the object', bytes: join(text, [0]), text: ['expected the end'] },
  { name: 'gzip', bytes: join([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), text: ['UTF-8'] },
];

/** Every case. */
export const MALFORMED_TOKENIZERS: readonly MalformedTokenizer[] = [
  ...CASES.map(([name, expected, file]) => ({
    name,
    bytes: join(typeof file === 'string' ? file : JSON.stringify(file)),
    text: typeof expected === 'string' || expected instanceof RegExp ? [expected] : expected,
  })),
  ...BYTES,
];

/** A file that must be read, and the ids of a text with special tokens. */
export interface UnusualTokenizer {
  readonly name: string;
  readonly json: object | string;
  readonly ids: readonly number[];
}

/** The text whose ids {@link UNUSUAL_TOKENIZERS} has. */
export const UNUSUAL_TEXT = 'hello, ab worlds!';

const without = (file: object, ...names: string[]): object =>
  names.reduce((rest, name) => change(rest, name.split('.'), undefined), file);
const bpe = (more: object) => change(byteLevel, ['model'], { ...byteLevel.model, ...more });
const unigramModel = (more: object) => change(unigram, ['model'], { ...unigram.model, ...more });
const nested = (depth: number): object =>
  depth === 0 ? { type: 'Lowercase' } : { type: 'Sequence', normalizers: [nested(depth - 1)] };
const reversed = (file: object): object => Object.fromEntries(Object.entries(file).reverse());
const UNUSUAL: readonly [name: string, json: object | string, ids: readonly number[]][] = [
  [
    'only a model',
    without(
      wordPiece,
      'version',
      'truncation',
      'padding',
      'added_tokens',
      'normalizer',
      'pre_tokenizer',
      'post_processor',
      'decoder',
    ),
    [1],
  ],
  ['WordPiece without a type', without(wordPiece, 'model.type'), [2, 4, 10, 1, 5, 6, 9, 3]],
  [
    'BPE without a type',
    without(byteLevel, 'model.type'),
    [256, 257, 111, 44, 32, 97, 98, 32, 119, 111, 114, 108, 100, 115, 33],
  ],
  ['Unigram without a type', without(unigram, 'model.type'), [2, 1, 5, 4, 2, 1]],
  [
    'fields that nobody knows',
    change(
      change(change(wordPiece, ['model', 'other'], [1]), ['normalizer', 'other'], {}),
      ['added_tokens', 0, 'other'],
      null,
    ),
    [2, 4, 10, 1, 5, 6, 9, 3],
  ],
  [
    'the fields in another order',
    reversed(change(wordPiece, ['model'], reversed(wordPiece.model))),
    [2, 4, 10, 1, 5, 6, 9, 3],
  ],
  [
    'blanks around and escapes',
    ` \n\t\r${text.replace('"hello"', '"\\u0068ello"')} \n`,
    [2, 4, 10, 1, 5, 6, 9, 3],
  ],
  [
    'merges as pairs',
    bpe({
      merges: [
        ['h', 'e'],
        ['l', 'l'],
      ],
    }),
    [256, 257, 111, 44, 32, 97, 98, 32, 119, 111, 114, 108, 100, 115, 33],
  ],
  [
    'merges with a line for the version',
    bpe({ merges: ['#version: 0.2', 'h e', 'l l'] }),
    [256, 257, 111, 44, 32, 97, 98, 32, 119, 111, 114, 108, 100, 115, 33],
  ],
  [
    'no merges in a list',
    bpe({ merges: [] }),
    [104, 101, 108, 108, 111, 44, 32, 97, 98, 32, 119, 111, 114, 108, 100, 115, 33],
  ],
  [
    'a merge twice',
    bpe({ merges: ['h e', 'l l', 'h e'] }),
    [256, 257, 111, 44, 32, 97, 98, 32, 119, 111, 114, 108, 100, 115, 33],
  ],
  [
    'dropout of 0.0',
    written(bpe({ dropout: '@' }), '0.0'),
    [256, 257, 111, 44, 32, 97, 98, 32, 119, 111, 114, 108, 100, 115, 33],
  ],
  [
    'fields of BPE that are null',
    bpe({ fuse_unk: null, byte_fallback: null, ignore_merges: null }),
    [256, 257, 111, 44, 32, 97, 98, 32, 119, 111, 114, 108, 100, 115, 33],
  ],
  [
    'BPE with an unknown token that is not there',
    bpe({ unk_token: 'zz' }),
    [256, 257, 111, 44, 32, 97, 98, 32, 119, 111, 114, 108, 100, 115, 33],
  ],
  ['two tokens of one id', change(wordPiece, ['model', 'vocab', 'world'], 4), [2, 4, 10, 1, 4, 6, 9, 3]],
  ['the greatest id', id(2 ** 32 - 1), [2, 4294967295, 10, 1, 5, 6, 9, 3]],
  ['an empty token', change(wordPiece, ['model', 'vocab', ''], 12), [2, 4, 10, 1, 5, 6, 9, 3]],
  [
    'words of at most 3 characters',
    change(wordPiece, ['model', 'max_input_chars_per_word'], 3),
    [2, 1, 10, 1, 1, 9, 3],
  ],
  [
    'words of any length',
    written(change(wordPiece, ['model', 'max_input_chars_per_word'], '@'), '18446744073709551615'),
    [2, 4, 10, 1, 5, 6, 9, 3],
  ],
  ['an empty prefix', change(wordPiece, ['model', 'continuing_subword_prefix'], ''), [2, 4, 10, 1, 1, 9, 3]],
  [
    'scores that are integers, with exponents and many digits',
    written(score('@'), '-1.99999999999999999999999999999999').replace('-2.5', '-25E-1'),
    [2, 1, 5, 4, 2, 1],
  ],
  ['a score that is too small for f64', written(score('@'), '1e-400'), [2, 1, 5, 4, 2, 1]],
  ['a score of 1e308', score(1e308), [2, 1, 2, 3, 4, 2, 1]],
  ['a piece twice', unigramModel({ vocab: [...unigram.model.vocab, ['ab', -0.5]] }), [2, 1, 2, 8, 2, 1]],
  ['an empty piece', unigramModel({ vocab: [...unigram.model.vocab, ['', -0.5]] }), [2, 1, 5, 4, 2, 1]],
  ['Unigram without byte_fallback', without(unigram, 'model.byte_fallback'), [2, 1, 5, 4, 2, 1]],
  [
    'Metaspace of old files',
    change(
      without(unigram, 'pre_tokenizer.prepend_scheme', 'pre_tokenizer.split'),
      ['pre_tokenizer', 'add_prefix_space'],
      true,
    ),
    [2, 1, 5, 4, 2, 1],
  ],
  [
    'ByteLevel of old files',
    without(byteLevel, 'pre_tokenizer.use_regex', 'model.ignore_merges', 'model.byte_fallback'),
    [256, 257, 111, 44, 32, 97, 98, 32, 119, 111, 114, 108, 100, 115, 33],
  ],
  [
    'empty sequences',
    change(change(wordPiece, ['normalizer'], { type: 'Sequence', normalizers: [] }), ['post_processor'], {
      type: 'Sequence',
      processors: [],
    }),
    [4, 10, 1, 5, 6, 9],
  ],
  ['25 sequences in each other', normalizer(nested(25)), [2, 4, 10, 1, 5, 6, 9, 3]],
  [
    'padding to a length',
    padding({ strategy: { Fixed: 32 }, direction: 'Left', pad_to_multiple_of: 8 }),
    [2, 4, 10, 1, 5, 6, 9, 3],
  ],
  ['an added token with another id', added([0, 'id'], 99), [2, 4, 10, 1, 5, 6, 9, 3]],
  [
    'an added token with empty content',
    added([4], { ...wordPiece.added_tokens[0], content: '' }),
    [2, 4, 10, 1, 5, 6, 9, 3],
  ],
  [
    'an added token that is new',
    added([4], { ...wordPiece.added_tokens[0], content: 'ab', id: 50 }),
    [2, 4, 10, 12, 5, 6, 9, 3],
  ],
  [
    'a template whose ids are not those of the tokens',
    change(wordPiece, ['post_processor', 'special_tokens', '[CLS]', 'ids'], [7, 8]),
    [7, 8, 4, 10, 1, 5, 6, 9, 3],
  ],
  [
    'a template with the text twice',
    change(
      wordPiece,
      ['post_processor', 'single'],
      [wordPiece.post_processor.single[1], wordPiece.post_processor.single[1]],
    ),
    [4, 10, 1, 5, 6, 9, 4, 10, 1, 5, 6, 9],
  ],
  [
    'truncation without a direction',
    change(wordPiece, ['truncation'], { max_length: 4, strategy: 'OnlyFirst', stride: 0 }),
    [2, 4, 10, 3],
  ],
  ['truncation on the left', truncation({ max_length: 5, direction: 'Left' }), [2, 5, 6, 9, 3]],
];
export const UNUSUAL_TOKENIZERS: readonly UnusualTokenizer[] = UNUSUAL.map(([name, json, ids]) => ({
  name,
  json,
  ids,
}));
