/**
 * Files that break a rule of their format, one rule each, and files that look unusual and are right.
 *
 * The classes are those of published bugs of readers: lengths and counts beyond the file, products that wrap, overlaps and
 * holes, names twice, sizes of zero, other dtypes that skip the checks, code in headers, deep nesting.
 */

import {
  entry,
  f32Table,
  gguf,
  ggufString,
  type GgufTensor,
  join,
  KIND,
  npy,
  npyHeader,
  type Part,
  safetensors,
  strings,
  tensors,
  TYPE,
  u16,
  u32,
  u64,
  word2vec,
} from './files.js';

/** A file that must be refused. */
export interface Malformed {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** A part of the rule. */
  readonly text: RegExp;
  readonly options?: Readonly<Record<string, unknown>>;
  /** What the error names besides the rule. */
  readonly at?: 'byte' | 'line';
}

const floats = (count: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, (_, i) => i - 1.5);
const range = (start: number, end: number): readonly [number, number] => [start, end];

// safetensors ----------------------------------------------------------------------------------------------------------

const TABLE = { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] };
const DATA = floats(4);
/** A file with one table, whose entry is changed, and more names. */
const changed = (change: Record<string, unknown>, more: Record<string, unknown> = {}, data: Part = DATA) =>
  safetensors({ weight: { ...TABLE, ...change }, ...more }, data);
/** A file whose header is this text. */
const header = (text: string, data: Part = DATA) => safetensors(text, data);
const WEIGHT = JSON.stringify(TABLE);

const SAFETENSORS: readonly [string, RegExp, Uint8Array<ArrayBuffer>, Record<string, unknown>?][] = [
  ['a length of the header beyond the file', /header/, join(u64(500), '{"a":1}')],
  ['a length of the header of 2^64 - 1', /header/, join(u64(2n ** 64n - 1n), '{}')],
  ['a length of the header of 2^63', /header/, join(u64(2n ** 63n), '{}')],
  ['a header that is cut', /JSON|end|expected/i, join(u64(20), '{"weight":{"dtype":"')],
  ['a header that is not UTF-8', /UTF-8/, join(u64(8), '{"', [0xff, 0xfe], '":1}')],
  ['a header that is no JSON', /JSON|expected/i, header('{weight: 1}')],
  ['text after the object', /after|trailing|expected/i, header(`{"weight":${WEIGHT}} x`)],
  ['a comma too many', /JSON|expected/i, header(`{"weight":${WEIGHT},}`)],
  ['a name without a value', /JSON|expected/i, header('{"weight"}')],
  ['a name that is not closed', /JSON|string|expected/i, header('{"weight')],
  ['a tensor that is a number', /object/, header('{"weight":1}')],
  ['the same tensor twice', /twice|duplicate/i, header(`{"weight":${WEIGHT},"weight":${WEIGHT}}`)],
  [
    'the same tensor twice, once with an escape',
    /twice|duplicate/i,
    header(`{"weight":${WEIGHT},"w\\u0065ight":${WEIGHT}}`),
  ],
  [
    'the same field twice',
    /twice|duplicate/i,
    header('{"weight":{"dtype":"F32","dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}'),
  ],
  [
    'the same key of metadata twice',
    /twice|duplicate/i,
    header(`{"__metadata__":{"a":"1","a":"2"},"weight":${WEIGHT}}`),
  ],
  ['metadata twice', /twice|duplicate/i, header(`{"__metadata__":{},"__metadata__":{},"weight":${WEIGHT}}`)],
  ['metadata that is not text', /string/, header(`{"__metadata__":{"a":1},"weight":${WEIGHT}}`)],
  ['metadata that is a list', /expected an object/, header(`{"__metadata__":["a"],"weight":${WEIGHT}}`)],
  ['half of a surrogate pair', /\\u|surrogate/, header(`{"w\\ud800":${WEIGHT}}`)],
  ['an escape that does not exist', /escape/, header(`{"w\\x41":${WEIGHT}}`)],
  ['a control character in a string', /control|string/, header(`{"w\n":${WEIGHT}}`)],
  ['no dtype', /dtype/, changed({ dtype: undefined })],
  ['a dtype that is a number', /dtype|string/, changed({ dtype: 4 })],
  ['no shape', /shape/, changed({ shape: undefined })],
  ['a shape that is a number', /expected an array/, changed({ shape: 4 })],
  ['a size below 0', /expected an integer/, changed({ shape: [-2, -2] })],
  ['a size that is a fraction', /shape|size|integer/, changed({ shape: [2.5, 2] })],
  ['a size in quotes', /expected a number/, changed({ shape: ['2', 2] })],
  [
    'a size of 1e400',
    /shape|size|integer/,
    header('{"weight":{"dtype":"F32","shape":[1e400,2],"data_offsets":[0,16]}}'),
  ],
  [
    'a size with a leading zero',
    /JSON|number|expected/i,
    header('{"weight":{"dtype":"F32","shape":[02,2],"data_offsets":[0,16]}}'),
  ],
  [
    'a shape whose product wraps to 16 bytes',
    /shape|bytes|large/,
    header('{"weight":{"dtype":"F32","shape":[4611686018427387908,1],"data_offsets":[0,16]}}'),
  ],
  [
    'a shape whose product wraps to 0 bytes',
    /shape|bytes|large/,
    header('{"weight":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}', []),
  ],
  [
    'a size of 2^64',
    /shape|size|integer|large/,
    header('{"weight":{"dtype":"F32","shape":[18446744073709551616,1],"data_offsets":[0,16]}}'),
  ],
  ['no offsets', /data_offsets/, changed({ data_offsets: undefined })],
  ['one offset', /data_offsets/, changed({ data_offsets: [0] })],
  ['three offsets', /data_offsets/, changed({ data_offsets: [0, 16, 16] })],
  ['an offset below 0', /data_offsets|integer/, changed({ data_offsets: [-16, 0] })],
  ['offsets in reverse', /data_offsets/, changed({ data_offsets: [16, 0] })],
  ['offsets beyond the file', /file|beyond/, changed({ shape: [20, 2], data_offsets: [0, 160] })],
  [
    'offsets of 2^63',
    /file|beyond|bytes|data_offsets/,
    header(
      '{"weight":{"dtype":"F32","shape":[2,2],"data_offsets":[9223372036854775808,9223372036854775824]}}',
    ),
  ],
  ['fewer bytes than the shape needs', /bytes/, changed({ data_offsets: [0, 12] }, {}, DATA.subarray(0, 3))],
  ['more bytes than the shape needs', /bytes/, changed({ data_offsets: [0, 20] }, {}, floats(5))],
  ['a hole at the start', /hole|gap|unused|belong/, changed({ data_offsets: [4, 20] }, {}, floats(5))],
  [
    'a hole between two tensors',
    /hole|gap|unused|belong/,
    changed({}, { b: { dtype: 'U8', shape: [4], data_offsets: [20, 24] } }, floats(6)),
  ],
  ['bytes at the end', /hole|after|trailing|belong/, changed({}, {}, floats(5))],
  [
    'tensors that overlap',
    /overlaps the data before it/,
    changed({}, { b: { dtype: 'U8', shape: [4], data_offsets: [12, 16] } }),
  ],
  ['the same bytes for two tensors', /overlaps the data before it/, changed({}, { b: TABLE })],
  [
    'an unknown dtype whose offsets are beyond the file',
    /file|beyond/,
    changed({}, { b: { dtype: 'F8_NEW', shape: [4], data_offsets: [16, 2 ** 40] } }),
  ],
  [
    'an unknown dtype that overlaps',
    /overlaps the data before it/,
    changed({}, { b: { dtype: 'F8_NEW', shape: [4], data_offsets: [0, 16] } }),
  ],
  [
    'half bytes: F4 of the wrong length',
    /bytes/,
    changed({}, { b: { dtype: 'F4', shape: [4], data_offsets: [16, 20] } }, floats(5)),
  ],
  [
    'half bytes: F4 of an odd number of values',
    /bytes|bits/,
    changed({}, { b: { dtype: 'F4', shape: [3], data_offsets: [16, 17] } }, join(DATA, [0])),
  ],
  [
    'U16 of the wrong length beside the table',
    /bytes/,
    changed({}, { b: { dtype: 'U16', shape: [4], data_offsets: [16, 20] } }, floats(5)),
  ],
  [
    'nesting of more than 64 levels',
    /expected an object/,
    header(`{"weight":${'['.repeat(65)}${']'.repeat(65)}}`),
  ],
  [
    'nesting of more than 64 levels in a field that is not known',
    /nest|levels|deep/,
    header(
      `{"weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16],"more":${'['.repeat(65)}${']'.repeat(65)}}}`,
    ),
  ],
  ['nesting of 100,000 levels', /expected an object/, header(`{"weight":${'['.repeat(100_000)}`)],
  ['no tensors', /2-D/, safetensors({})],
  ['no tensor of two axes', /2-D/, tensors({ a: { dtype: 'F32', shape: [4], data: DATA } })],
  ['no tensor of a dtype that is read', /I32/, tensors({ a: { dtype: 'I32', shape: [2, 2], data: DATA } })],
  [
    'two tables without a usual name',
    /several tensors.*first.*second/,
    tensors({
      first: { dtype: 'F32', shape: [2, 2], data: DATA },
      second: { dtype: 'F32', shape: [2, 2], data: DATA },
    }),
  ],
  ['a tensor that is not there', /other/, f32Table(DATA, 2), { tensor: 'other' }],
  ['a tensor named __proto__ that is not there', /__proto__/, f32Table(DATA, 2), { tensor: '__proto__' }],
  [
    'a tensor named constructor that is not there',
    /constructor/,
    f32Table(DATA, 2),
    { tensor: 'constructor' },
  ],
  [
    'a tensor of one axis',
    /weight/,
    tensors({ weight: { dtype: 'F32', shape: [4], data: DATA } }),
    { tensor: 'weight' },
  ],
  [
    'a tensor of three axes',
    /weight/,
    tensors({ weight: { dtype: 'F32', shape: [1, 2, 2], data: DATA } }),
    { tensor: 'weight' },
  ],
  [
    'a tensor of I64',
    /I64/,
    tensors({ weight: { dtype: 'I64', shape: [1, 2], data: DATA } }),
    { tensor: 'weight' },
  ],
  [
    'a table without rows',
    /row|shape|size/,
    tensors({ weight: { dtype: 'F32', shape: [0, 4], data: floats(0) } }),
    { tensor: 'weight' },
  ],
  [
    'a table without columns',
    /column|shape|size/,
    tensors({ weight: { dtype: 'F32', shape: [4, 0], data: floats(0) } }),
    { tensor: 'weight' },
  ],
];

// What tokenbed adds to safetensors: rows of i8 and i4, and words.
const i8Row = join([0, 255], Float32Array.of(1, -2));
const PACKED = { 'tokenbed.dtype': 'i8', 'tokenbed.dim': '2' };
const packed = (metadata: Record<string, string>, shape: readonly number[] = [1, 10], data: Part = i8Row) =>
  tensors({ 'weight.rows': { dtype: 'U8', shape, data: join(data) } }, metadata);
/** A table of two rows with words. */
const worded = (words: Part, offsets: readonly number[]) =>
  tensors({
    weight: { dtype: 'F32', shape: [2, 2], data: DATA },
    'weight.words': { dtype: 'U8', shape: [join(words).length], data: join(words) },
    'weight.words.offsets': { dtype: 'U32', shape: [offsets.length], data: Uint32Array.from(offsets) },
  });

const TOKENBED: readonly [string, RegExp, Uint8Array<ArrayBuffer>, Record<string, unknown>?][] = [
  ['a dtype of rows that does not exist', /U8|tokenbed/, packed({ ...PACKED, 'tokenbed.dtype': 'i2' })],
  ['rows without their dim', /tokenbed\.dim/, packed({ 'tokenbed.dtype': 'i8' })],
  ['a dim that is no number', /tokenbed\.dim/, packed({ ...PACKED, 'tokenbed.dim': 'two' })],
  ['a dim of 0', /tokenbed\.dim/, packed({ ...PACKED, 'tokenbed.dim': '0' })],
  ['a dim of 2^64 + 2', /tokenbed\.dim|bytes/, packed({ ...PACKED, 'tokenbed.dim': '18446744073709551618' })],
  ['rows of another width than the dim', /bytes|columns|shape/, packed({ ...PACKED, 'tokenbed.dim': '3' })],
  ['words whose offsets are too few', /offsets/, worded('ab', [0, 2])],
  ['words whose offsets are too many', /offsets/, worded('ab', [0, 1, 2, 2])],
  ['words whose offsets do not start at 0', /offsets/, worded('ab', [1, 1, 2])],
  ['words whose offsets decrease', /offsets/, worded('ab', [0, 2, 1])],
  ['words whose offsets end early', /offsets/, worded('abc', [0, 1, 2])],
  ['words whose offsets end beyond them', /offsets/, worded('ab', [0, 1, 3])],
  ['words that are not UTF-8', /UTF-8/, worded([0xff, 0x61], [0, 1, 2])],
  ['words that cut a character', /UTF-8/, worded('ä', [0, 1, 2])],
];

// .npy -----------------------------------------------------------------------------------------------------------------

const NPY: readonly [string, RegExp, Uint8Array<ArrayBuffer>, Record<string, unknown>?][] = [
  ['nothing after the magic', /header|version|end|cut/, join([0x93], 'NUMPY')],
  ['version 4.0', /version/, npy(npyHeader('<f4', '(2, 2)'), DATA, { version: [4, 0] })],
  ['version 0.1', /version/, npy(npyHeader('<f4', '(2, 2)'), DATA, { version: [0, 1] })],
  ['version 1.1', /version/, npy(npyHeader('<f4', '(2, 2)'), DATA, { version: [1, 1] })],
  ['a length of the header beyond the file', /header/, join([0x93], 'NUMPY', [1, 0], u16(65_535), '{}')],
  ['a length of the header of 2^32 - 1', /header/, join([0x93], 'NUMPY', [2, 0], u32(2 ** 32 - 1), '{}')],
  ['an empty header', /expected an object/, npy('', DATA, { padded: false })],
  ['a header that is no dict', /expected an object/, npy("['<f4', False, (2, 2)]", DATA)],
  ['code in the header', /expected|dict|header/i, npy("__import__('os').system('true')", DATA)],
  [
    'code as a value',
    /expected|shape|header/i,
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, abs(2)), }", DATA),
  ],
  [
    'a header that is not closed',
    /expected|header|end/i,
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2", DATA),
  ],
  ['text after the dict', /after|expected|header/i, npy(`${npyHeader('<f4', '(2, 2)')} 1`, DATA)],
  ['no descr', /descr/, npy("{'fortran_order': False, 'shape': (2, 2), }", DATA)],
  ['no order', /fortran_order/, npy("{'descr': '<f4', 'shape': (2, 2), }", DATA)],
  ['no shape', /shape/, npy("{'descr': '<f4', 'fortran_order': False, }", DATA)],
  [
    'a key twice',
    /twice|duplicate/i,
    npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", DATA),
  ],
  ['another key', /key/, npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), 'more': 1, }", DATA)],
  ['an order that is a number', /expected a boolean/, npy(npyHeader('<f4', '(2, 2)', '0'), DATA)],
  ['big-endian numbers', /endian/, npy(npyHeader('>f4', '(2, 2)'), DATA)],
  ['integers', /<i4/, npy(npyHeader('<i4', '(2, 2)'), DATA)],
  ['complex numbers', /<c8/, npy(npyHeader('<c8', '(1, 2)'), DATA)],
  ['objects', /object|pickle/, npy(npyHeader('|O', '(2, 2)'), [0x80, 4, 0x2e])],
  [
    'a structure',
    /structure|fields/,
    npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 2), }", DATA),
  ],
  ['a descr with a NUL', /descr|control|NUL|<f4|header/, npy(npyHeader('<f4\0', '(2, 2)'), DATA)],
  ['one axis', /2-D|axes/, npy(npyHeader('<f4', '(4,)'), DATA)],
  ['three axes', /2-D|axes/, npy(npyHeader('<f4', '(1, 2, 2)'), DATA)],
  ['no axes', /2-D|axes/, npy(npyHeader('<f4', '()'), floats(1))],
  ['no rows', /table|shape|size/, npy(npyHeader('<f4', '(0, 2)'))],
  ['no columns', /table|shape|size/, npy(npyHeader('<f4', '(2, 0)'))],
  ['a size below 0', /shape|size|expected/, npy(npyHeader('<f4', '(-2, -2)'), DATA)],
  ['a size that is a fraction', /shape|size|expected/, npy(npyHeader('<f4', '(2.0, 2)'), DATA)],
  [
    'a shape whose product wraps',
    /bytes|shape|large/,
    npy(npyHeader('<f4', '(4611686018427387905, 4)'), DATA),
  ],
  ['a size of 2^64', /expected an integer/, npy(npyHeader('<f4', '(18446744073709551616, 1)'), DATA)],
  ['a small file of a huge shape', /bytes/, npy(npyHeader('<f4', '(100000000, 300)'), DATA)],
  ['data that is cut', /bytes/, npy(npyHeader('<f4', '(2, 2)'), DATA.subarray(0, 3))],
  ['bytes at the end', /bytes/, npy(npyHeader('<f4', '(2, 2)'), floats(5))],
  [
    'nesting of 20,000 levels',
    /header/,
    npy(`{'descr': '<f4', 'fortran_order': False, 'shape': ${'('.repeat(20_000)}`, DATA),
  ],
  [
    'a header in Latin-1 that is not ASCII',
    /ASCII|UTF-8|descr|key|header/,
    npy(npyHeader('<f4', '(2, 2)').replace('descr', 'd\u00e4scr'), DATA),
  ],
  [
    'a header of 3.0 that is not UTF-8',
    /UTF-8|string/,
    join([0x93], 'NUMPY', [3, 0], u32(4), '{', [0xff], "'}", DATA),
  ],
];

// GGUF -----------------------------------------------------------------------------------------------------------------

const EMBEDDING: GgufTensor = { name: 'token_embd.weight', sizes: [2, 2], type: TYPE.f32 };
/** The data of the table, padded to the alignment. */
const PADDED = join(DATA, new Uint8Array(16));
const alignment = (value: number, kind: number = KIND.u32): Uint8Array =>
  entry('general.alignment', kind, u32(value));
const ggufOf = (more: Partial<Parameters<typeof gguf>[0]>): Uint8Array<ArrayBuffer> =>
  gguf({ tensors: [EMBEDDING], data: PADDED, ...more });
const withEntries = (...entries: Uint8Array[]): Uint8Array<ArrayBuffer> => ggufOf({ entries });
const withTensor = (tensor: Partial<GgufTensor>, data: Part = PADDED): Uint8Array<ArrayBuffer> =>
  ggufOf({ tensors: [{ ...EMBEDDING, ...tensor }], data });
const beside = (tensor: Partial<GgufTensor>, data: Part = join(PADDED, PADDED)): Uint8Array<ArrayBuffer> =>
  ggufOf({ tensors: [EMBEDDING, { ...EMBEDDING, name: 'b', offset: 32, ...tensor }], data });
/** An array in an array in an array ... */
const nested = (levels: number): Uint8Array =>
  join(...Array.from({ length: levels }, () => join(u32(KIND.array), u64(1))), u32(KIND.u8), u64(1), [7]);

const GGUF: readonly [string, RegExp, Uint8Array<ArrayBuffer>, Record<string, unknown>?][] = [
  ['nothing after the magic', /version|end|cut|header|file/, join('GGUF')],
  ['version 1', /version/, ggufOf({ version: 1 })],
  ['version 4', /version/, ggufOf({ version: 4 })],
  ['big-endian numbers', /endian|version/, ggufOf({ version: 0x0300_0000 })],
  ['more tensors than the file holds', /file|end|tensor/, ggufOf({ counts: [2 ** 32, 0] })],
  ['2^64 - 1 tensors', /file|end|tensor/, ggufOf({ counts: [2n ** 64n - 1n, 0] })],
  ['2^61 tensors', /file|end|tensor/, ggufOf({ counts: [2n ** 61n, 0] })],
  ['more entries than the file holds', /file|end|key|entr/, ggufOf({ counts: [1, 2 ** 32] })],
  ['2^64 - 1 entries', /file|end|key|entr/, ggufOf({ counts: [1, 2n ** 64n - 1n] })],
  [
    'a key longer than the file',
    /count|file|end|string|key/,
    withEntries(join(u64(2 ** 40), 'abc', u32(KIND.u8), [1])),
  ],
  [
    'a key of 2^64 - 8 bytes',
    /count|file|end|string|key/,
    withEntries(join(u64(2n ** 64n - 8n), 'abc', u32(KIND.u8), [1])),
  ],
  ['an empty key', /key/, withEntries(entry('', KIND.u8, [1]))],
  ['a key that is not UTF-8', /UTF-8/, withEntries(entry(Uint8Array.of(0xff, 0x61), KIND.u8, [1]))],
  ['a key twice', /twice|duplicate/i, withEntries(entry('a', KIND.u8, [1]), entry('a', KIND.u8, [1]))],
  ['the alignment twice', /twice|duplicate/i, withEntries(alignment(32), alignment(64))],
  ['an unknown type of value', /type/, withEntries(entry('a', 13, [1]))],
  ['a bool of 2', /bool/, withEntries(entry('a', KIND.bool, [2]))],
  [
    'a value that is not UTF-8',
    /UTF-8/,
    withEntries(entry('a', KIND.string, ggufString(Uint8Array.of(0xff)))),
  ],
  ['a value longer than the file', /file|end|string/, withEntries(entry('a', KIND.string, u64(2 ** 40)))],
  [
    'an array longer than the file',
    /count|file|end/,
    withEntries(entry('a', KIND.array, join(u32(KIND.u8), u64(2 ** 40)))),
  ],
  [
    'an array whose bytes wrap',
    /count|file|end/,
    withEntries(entry('a', KIND.array, join(u32(KIND.u64), u64(2n ** 61n), u64(1)))),
  ],
  [
    'an array of strings longer than the file',
    /count|file|end/,
    withEntries(entry('a', KIND.array, join(u32(KIND.string), u64(2n ** 60n)))),
  ],
  ['an array of an unknown type', /type/, withEntries(entry('a', KIND.array, join(u32(99), u64(0))))],
  ['arrays in arrays, 65 levels', /nest|levels|deep|array/, withEntries(entry('a', KIND.array, nested(65)))],
  [
    'arrays in arrays, 100,000 levels',
    /nest|levels|deep|array/,
    withEntries(entry('a', KIND.array, nested(100_000))),
  ],
  ['an alignment of 0', /alignment/, withEntries(alignment(0))],
  ['an alignment of 3', /alignment/, withEntries(alignment(3))],
  ['an alignment of 12', /alignment/, withEntries(alignment(12))],
  ['an alignment that is a float', /alignment/, withEntries(alignment(32, KIND.f32))],
  ['a tensor twice', /twice|duplicate/i, beside({ name: EMBEDDING.name })],
  ['a name that is not UTF-8', /UTF-8/, ggufNamed(Uint8Array.of(0xff))],
  ['a name longer than the file', /file|end|string|name/, ggufNamed(new Uint8Array(0), 2 ** 40)],
  ['five axes', /dimension|axes/, beside({ sizes: [1, 1, 1, 1, 1] })],
  ['2^31 axes', /dimension|axes/, manyAxes(2 ** 31)],
  ['a size of 0', /size|dimension|0/, withTensor({ sizes: [2, 0] })],
  ['a size of 0 beside the table', /size|dimension|0/, beside({ sizes: [0] })],
  ['a product of sizes that wraps to 4', /bytes|size|large|wrap/, withTensor({ sizes: [2n ** 62n + 1n, 4] })],
  ['2^42 + 1 rows', /bytes|file|beyond/, withTensor({ sizes: [2, 2n ** 42n + 1n] })],
  ['bytes that wrap to 0', /bytes|size|large|wrap|file/, withTensor({ sizes: [2n ** 31n, 2n ** 31n] })],
  [
    '2^42 rows of Q8_0',
    /bytes|size|large|wrap|file/,
    withTensor({ type: TYPE.q8_0, sizes: [32, 2n ** 42n] }),
  ],
  [
    '2^56 values of Q6_K',
    /bytes|size|large|wrap|file/,
    withTensor({ type: TYPE.q6_k, sizes: [256, 2n ** 56n] }),
  ],
  ['an offset that is not aligned', /offset|align/, beside({ offset: 20 })],
  ['an offset beyond the file', /file|beyond|bytes|offset|hole/, beside({ offset: 2 ** 40 })],
  ['an offset that wraps', /file|beyond|bytes|offset|wrap|hole/, beside({ offset: 2n ** 64n - 32n })],
  ['tensors that overlap', /overlaps the data before it/, beside({ offset: 0 })],
  ['a hole at the start', /hole|offset|gap/, withTensor({ offset: 32 }, join(PADDED, PADDED))],
  ['a hole between two tensors', /hole|offset|gap/, beside({ offset: 64 }, join(PADDED, PADDED, PADDED))],
  ['a file that is cut in the data', /bytes|file|beyond/, withTensor({}, DATA.subarray(0, 3))],
  ['bytes at the end', /after|trailing|end|hole|belong/, withTensor({}, join(PADDED, PADDED))],
  [
    'a row that is no whole number of blocks',
    /block/,
    withTensor({ type: TYPE.q8_0, sizes: [33, 2] }, new Uint8Array(96)),
  ],
  [
    'a row of Q4_K that is no whole number of blocks',
    /block/,
    withTensor({ type: TYPE.q4_k, sizes: [128, 2] }, new Uint8Array(160)),
  ],
  [
    'blocks that are cut',
    /bytes|file|beyond/,
    withTensor({ type: TYPE.q4_0, sizes: [32, 2] }, new Uint8Array(35)),
  ],
  ['a table of IQ2_XXS', /IQ2_XXS/i, withTensor({ type: TYPE.iq2_xxs, sizes: [256, 1] }, new Uint8Array(96))],
  ['a table of integers', /I8/i, withTensor({ type: TYPE.i8, sizes: [2, 2] }, new Uint8Array(32))],
  ['no token_embd.weight', /token_embd\.weight/, withTensor({ name: 'other' })],
  ['a tensor that is not there', /other/, ggufOf({}), { tensor: 'other' }],
  ['a table of one axis', /2-D|axes|token_embd/, withTensor({ sizes: [4] })],
  ['a table of three axes', /2-D|axes|token_embd/, withTensor({ sizes: [2, 1, 2] })],
  [
    'words that are not UTF-8',
    /UTF-8/,
    withEntries(
      entry(
        'tokenizer.ggml.tokens',
        KIND.array,
        join(u32(KIND.string), u64(2), ggufString('a'), ggufString(Uint8Array.of(0xff))),
      ),
    ),
  ],
  [
    'cut in the header',
    /count|file|end|string|key/,
    ggufOf({ entries: [entry('tokenizer.ggml.tokens', KIND.array, strings(['a', 'b']))] }).slice(0, 70),
  ],
];

/** A file whose tensor has this name, with another length. */
function ggufNamed(name: Uint8Array, length = name.length): Uint8Array<ArrayBuffer> {
  return join(
    'GGUF',
    u32(3),
    u64(1),
    u64(0),
    u64(length),
    name,
    u32(2),
    u64(2),
    u64(2),
    u32(0),
    u64(0),
    new Uint8Array(64),
  );
}

/** A file whose tensor claims so many axes. */
function manyAxes(count: number): Uint8Array<ArrayBuffer> {
  return join(
    'GGUF',
    u32(3),
    u64(1),
    u64(0),
    ggufString('token_embd.weight'),
    u32(count),
    new Uint8Array(64),
  );
}

// Word vectors ---------------------------------------------------------------------------------------------------------

const WORDS = ['a', 'b'];
const text = (...lines: string[]): Uint8Array<ArrayBuffer> => join(`${lines.join('\n')}\n`);
const binary = word2vec(WORDS, DATA);

const WORD2VEC: readonly [string, RegExp, Uint8Array<ArrayBuffer>, Record<string, unknown>?][] = [
  ['fewer lines than the head says', /rows|lines|words/, text('3 2', 'a 1 2', 'b 3 4')],
  ['more lines than the head says', /rows|lines|words|after/, text('1 2', 'a 1 2', 'b 3 4')],
  ['no rows', /row|head/, text('0 2')],
  ['no columns', /column|head|dim/, text('1 0', 'a')],
  ['more rows than the file can hold', /rows|bytes|file|lines|words/, text('99999999999 300', 'a 1')],
  [
    'rows whose bytes wrap',
    /rows|bytes|file|lines|words|head|large/,
    text('4611686018427387904 4', 'a 1 2 3 4'),
  ],
  ['a head of 2^64 rows', /rows|bytes|file|lines|words|head|large/, text('18446744073709551616 2', 'a 1 2')],
  ['a line with too few fields', /fields|values|numbers/, text('2 2', 'a 1 2', 'b 3')],
  ['a line that is empty', /blank line/, text('2 2', 'a 1 2', '', 'b 3 4')],
  ['a field that is no number', /number|decimal/, text('2 2', 'a 1 2', 'b 3 four')],
  ['a NaN', /number|decimal|finite/, text('2 2', 'a 1 2', 'b 3 nan')],
  ['an infinity', /number|decimal|finite/, text('2 2', 'a 1 2', 'b 3 inf')],
  ['a number beyond f32', /finite|f32|range/, text('2 2', 'a 1 2', 'b 3 1e39')],
  ['a number beyond f64', /finite|f32|range/, text('2 2', 'a 1 2', 'b 3 -1e999')],
  ['a hexadecimal number', /number|decimal/, text('2 2', 'a 1 2', 'b 3 0x10')],
  ['a number with an underscore', /number|decimal/, text('2 2', 'a 1 2', 'b 3 1_0')],
  ['a number with a comma', /number|decimal/, text('2 2', 'a 1 2', 'b 3 1,5')],
  ['a number with half an exponent', /number|decimal/, text('2 2', 'a 1 2', 'b 3 1e')],
  ['a point', /number|decimal/, text('2 2', 'a 1 2', 'b 3 .')],
  ['two signs', /number|decimal/, text('2 2', 'a 1 2', 'b 3 --1')],
  ['a field too many, all numbers', /fields|word|number/, text('2 2', 'a 1 2', '1 2 3 4')],
  ['a word that is not UTF-8', /UTF-8/, join('2 2\na 1 2\n', [0xff, 0x20], '3 4\n')],
  ['binary: cut in a row', /rows|bytes|end|cut|words/, binary.slice(0, -3)],
  ['binary: cut between rows', /rows|bytes|end|cut|words/, binary.slice(0, 14)],
  ['binary: cut in a word', /rows|bytes|end|cut|word/, word2vec(['a', 'b'.repeat(9)], DATA).slice(0, 18)],
  ['binary: bytes at the end', /rows|bytes|after|end/, join(binary, [1, 2, 3])],
  [
    'binary: more rows than the file can hold',
    /rows|bytes|file|words/,
    word2vec(WORDS, DATA, { head: '99999999999 2\n' }),
  ],
  [
    'binary: rows whose bytes wrap',
    /rows|bytes|file|words|head|large/,
    word2vec(WORDS, DATA, { head: '4611686018427387904 4\n' }),
  ],
];

const GLOVE: readonly [string, RegExp, Uint8Array<ArrayBuffer>, Record<string, unknown>?][] = [
  ['a line with too few fields', /fields|values|numbers/, text('a 1 2', 'b 3')],
  ['a line that is empty', /blank line/, text('a 1 2', '', 'b 3 4')],
  ['a field that is no number', /number|decimal/, text('a 1 2', 'b 3 four')],
  ['a field of the first line that is no number', /number|decimal|format/, text('a 1 two', 'b 3 4')],
  ['a number beyond f32', /finite|f32|range/, text('a 1 2', 'b 3 1e39')],
  ['a NaN', /number|decimal|finite/, text('a 1 2', 'b NaN 4')],
  ['fields too many, all numbers', /fields|word|number/, text('a 1 2', '5 6 7 8')],
  ['a word that is not UTF-8', /UTF-8/, join('a 1 2\n', [0xc3, 0x20], '3 4\n')],
  ['a first line of one field', /fields|values|numbers|format|dim/, text('a', 'b 1'), { format: 'glove' }],
];

// Other files ----------------------------------------------------------------------------------------------------------

const OTHER: readonly [string, RegExp, Uint8Array<ArrayBuffer>, Record<string, unknown>?][] = [
  ['an empty file', /empty|format/, join()],
  ['one byte', /format|end|cut/, join([0])],
  ['bytes without a meaning', /format/, join([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])],
  ['a zip', /npz|zip/, join('PK', [3, 4], 'whatever is in it')],
  ['gzip', /DecompressionStream/, join([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1])],
  ['a pickle', /pickle/, join([0x80, 4, 0x95], 'builtins', [0x2e])],
  ['a fastText .bin', /\.vec/, join([0xba, 0x16, 0x4f, 0x2f], u32(12), u32(100), new Uint8Array(48))],
  ['a page of a web server', /format|number|decimal/, join('<!DOCTYPE html>\n<title>404</title>\n')],
  [
    'a Git LFS pointer',
    /format|number|decimal/,
    join('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'),
  ],
  ['another format than the option says: npy', /magic|NUMPY|npy/i, f32Table(DATA, 2), { format: 'npy' }],
  ['another format than the option says: gguf', /magic|GGUF/i, f32Table(DATA, 2), { format: 'gguf' }],
  [
    'another format than the option says: safetensors',
    /header|safetensors|JSON/i,
    ggufOf({}),
    { format: 'safetensors' },
  ],
  ['another format than the option says: word2vec', /head/, f32Table(DATA, 2), { format: 'word2vec' }],
];

/** Every case by its format. */
export const MALFORMED: readonly Malformed[] = Object.entries({
  safetensors: SAFETENSORS,
  'rows and words of tokenbed': TOKENBED,
  npy: NPY,
  gguf: GGUF,
  word2vec: WORD2VEC,
  glove: GLOVE,
  'other files': OTHER,
}).flatMap(([format, list]) =>
  list.map(([name, text, bytes, options = {}]) => ({ name: `${format}: ${name}`, text, bytes, options })),
);

/** A file that looks unusual and is right: its table is [[-1.5, -0.5], [0.5, 1.5]]. */
export interface Unusual {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly options?: Readonly<Record<string, unknown>>;
}

const small = text('a -1.5 -0.5', 'b 0.5 1.5');

/** Files that look unusual and are right. */
export const UNUSUAL: readonly Unusual[] = [
  { name: 'safetensors: blanks after the header', bytes: header(`{"weight":${WEIGHT}}      `) },
  {
    name: 'safetensors: tensors in another order than their bytes',
    bytes: header(`{"z":{"dtype":"U8","shape":[4],"data_offsets":[16,20]},"weight":${WEIGHT}}`, floats(5)),
  },
  {
    name: 'safetensors: an empty tensor beside the table',
    bytes: changed({}, { e: { dtype: 'I64', shape: [0, 3], data_offsets: [16, 16] } }),
  },
  {
    name: 'safetensors: an unknown dtype beside the table',
    bytes: changed({}, { e: { dtype: 'F8_NEW', shape: [3], data_offsets: [16, 20] } }, floats(5)),
  },
  {
    name: 'safetensors: F4 beside the table',
    bytes: changed({}, { e: { dtype: 'F4', shape: [8], data_offsets: [16, 20] } }, floats(5)),
  },
  {
    name: 'safetensors: F6_E2M3 beside the table',
    bytes: changed(
      {},
      { e: { dtype: 'F6_E2M3', shape: [4], data_offsets: [16, 19] } },
      join(DATA, [1, 2, 3]),
    ),
  },
  {
    name: 'safetensors: tensors named like members of objects',
    bytes: changed(
      {},
      Object.fromEntries(
        ['constructor', 'toString', 'hasOwnProperty'].map((name, i) => [
          name,
          { dtype: 'U8', shape: [1], data_offsets: range(16 + i, 17 + i) },
        ]),
      ),
      join(DATA, [0, 0, 0]),
    ),
  },
  {
    name: 'safetensors: a table named __proto__',
    bytes: f32Table(DATA, 2, '__proto__'),
    options: { tensor: '__proto__' },
  },
  {
    name: 'safetensors: the name of the table with escapes',
    bytes: header(`{"w\\u0065\\u0069ght":${WEIGHT}}`),
    options: { tensor: 'weight' },
  },
  {
    name: 'safetensors: metadata of 64 levels is text',
    bytes: tensors({ weight: { dtype: 'F32', shape: [2, 2], data: DATA } }, { deep: '['.repeat(1000) }),
  },
  { name: 'npy: no padding', bytes: npy(npyHeader('<f4', '(2, 2)'), DATA, { padded: false }) },
  {
    name: 'npy: blanks and quotes',
    bytes: npy(`{"shape": (2,2) ,"fortran_order":False,'descr':'<f4'}`, DATA),
  },
  {
    name: 'npy: Fortran order',
    bytes: npy(npyHeader('<f4', '(2, 2)', 'True'), Float32Array.of(-1.5, 0.5, -0.5, 1.5)),
  },
  { name: 'gguf: version 2', bytes: ggufOf({ version: 2 }) },
  { name: 'gguf: no padding at the end', bytes: withTensor({}, DATA) },
  {
    name: 'gguf: an alignment of 64',
    bytes: ggufOf({ entries: [alignment(64)], alignment: 64, data: join(PADDED, PADDED) }),
  },
  { name: 'gguf: an alignment of 8', bytes: ggufOf({ entries: [alignment(8)], alignment: 8, data: DATA }) },
  { name: 'gguf: arrays in arrays', bytes: withEntries(entry('a', KIND.array, nested(20))) },
  {
    name: 'gguf: a type that is not read beside the table',
    bytes: beside({ type: TYPE.iq2_xxs, sizes: [256] }, join(PADDED, new Uint8Array(66))),
  },
  {
    name: 'gguf: keys named like members of objects',
    bytes: withEntries(entry('__proto__', KIND.u8, [1]), entry('constructor', KIND.u8, [1])),
  },
  { name: 'word2vec: binary with a line feed after each row', bytes: word2vec(WORDS, DATA, { end: '\n' }) },
  {
    name: 'word2vec: text with CR, tabs and blanks at the ends',
    bytes: join('2 2\r\na\t-1.5  -0.5 \t\r\nb 0.5 1.5\r\n'),
  },
  { name: 'word2vec: text without a line feed at the end', bytes: join('2 2\na -1.5 -0.5\nb 0.5 1.5') },
  { name: 'word2vec: exponents', bytes: text('2 2', 'a -15e-1 -0.05e+1', 'b 5E-1 1.5e0') },
  { name: 'word2vec: a word with blanks', bytes: text('2 2', 'a b -1.5 -0.5', 'b 0.5 1.5') },
  { name: 'word2vec: U+0085 and U+00A0 in words', bytes: text('2 2', 'a\u0085 -1.5 -0.5', '\u00a0 0.5 1.5') },
  { name: 'glove', bytes: small },
  { name: 'glove: one line feed less', bytes: small.slice(0, -1) },
  { name: 'glove: by its option', bytes: small, options: { format: 'glove' } },
  { name: 'glove: more digits than f64 has', bytes: text(`a -1.5${'0'.repeat(400)} -0.5`, 'b 0.5 1.5') },
];
