/** Files as other programs write them, byte by byte, right or wrong. */

const utf8 = new TextEncoder();

/** Text, bytes, or values in memory order. */
export type Part = string | ArrayBufferView | readonly number[];

/** The parts one after the other; text as UTF-8, numbers as bytes. */
export function join(...parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.map((part) => {
    if (typeof part === 'string') return utf8.encode(part);
    if (ArrayBuffer.isView(part)) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    return Uint8Array.from(part);
  });
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** Integers of `width` bytes, little-endian. */
function integer(width: 2 | 4 | 8, value: number | bigint): Uint8Array<ArrayBuffer> {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  return new Uint8Array(bytes.buffer.slice(0, width));
}

export const u16 = (value: number): Uint8Array<ArrayBuffer> => integer(2, value);
export const u32 = (value: number): Uint8Array<ArrayBuffer> => integer(4, value);
export const u64 = (value: number | bigint): Uint8Array<ArrayBuffer> => integer(8, value);

/** A tensor of a safetensors header. */
export interface Described {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** A safetensors file: a header, as an object or as text, and the data after it. */
export function safetensors(
  header: string | Readonly<Record<string, unknown>>,
  data: Part = [],
): Uint8Array<ArrayBuffer> {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const bytes = utf8.encode(text);
  return join(u64(bytes.length), bytes, data);
}

/** A safetensors file of these tensors, one after the other. */
export function tensors(
  list: Readonly<Record<string, { dtype: string; shape: readonly number[]; data: ArrayBufferView }>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  let at = 0;
  const entries = Object.entries(list).map(([name, { dtype, shape, data }]): [string, Described] => {
    const start = at;
    at += data.byteLength;
    return [name, { dtype, shape, data_offsets: [start, at] }];
  });
  const names: [string, unknown][] = metadata === undefined ? [] : [['__metadata__', metadata]];
  const header = `{${[...names, ...entries]
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join(',')}}`;
  return safetensors(header, join(...Object.values(list).map(({ data }) => data)));
}

/** A safetensors file whose only tensor is a table of f32. */
export const f32Table = (
  values: Float32Array,
  dim: number,
  name = 'weight',
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> =>
  tensors({ [name]: { dtype: 'F32', shape: [values.length / dim, dim], data: values } }, metadata);

/** A .npy file: the text of its header, padded as numpy does unless `padded` is false, and the data. */
export function npy(
  header: string,
  data: Part = [],
  { version = [1, 0], padded = true }: { version?: readonly [number, number]; padded?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  const before = version[0] === 1 ? 10 : 12;
  const bytes = utf8.encode(header);
  const rest = padded ? 63 - ((before + bytes.length) % 64) : 0;
  const text = padded ? join(bytes, ' '.repeat(rest), '\n') : bytes;
  const length = version[0] === 1 ? u16(text.length) : u32(text.length);
  return join([0x93], 'NUMPY', version, length, text, data);
}

/** The header of a .npy file of `shape`. */
export const npyHeader = (descr: string, shape: string, order = 'False'): string =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;

/** GGUF's numbers of its types of values. */
export const KIND = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

/** GGUF's numbers of the types of tensors. */
export const TYPE = {
  f32: 0,
  f16: 1,
  q4_0: 2,
  q4_1: 3,
  q5_0: 6,
  q5_1: 7,
  q8_0: 8,
  q2_k: 10,
  q3_k: 11,
  q4_k: 12,
  q5_k: 13,
  q6_k: 14,
  iq2_xxs: 16,
  i8: 24,
  bf16: 30,
  mxfp4: 39,
} as const;

/** A string of GGUF. */
export const ggufString = (text: string | Uint8Array): Uint8Array<ArrayBuffer> => {
  const bytes = typeof text === 'string' ? utf8.encode(text) : text;
  return join(u64(bytes.length), bytes);
};

/** A key of GGUF with its value, of a type by its number. */
export const entry = (key: string | Uint8Array, kind: number, value: Part): Uint8Array<ArrayBuffer> =>
  join(ggufString(key), u32(kind), value);

/** An array of strings as a value of GGUF. */
export const strings = (list: readonly string[]): Uint8Array<ArrayBuffer> =>
  join(u32(KIND.string), u64(list.length), ...list.map(ggufString));

/** A tensor of GGUF: its sizes with the columns first, its type by its number, its offset from the data's start. */
export interface GgufTensor {
  readonly name: string;
  readonly sizes: readonly (number | bigint)[];
  readonly type: number;
  readonly offset?: number | bigint;
}

/** A GGUF file. `counts` replaces the number of tensors and of entries. */
export function gguf({
  version = 3,
  entries = [],
  tensors: list,
  data = [],
  alignment = 32,
  counts,
}: {
  readonly version?: number;
  readonly entries?: readonly Uint8Array[];
  readonly tensors: readonly GgufTensor[];
  readonly data?: Part;
  readonly alignment?: number;
  readonly counts?: readonly [tensors: number | bigint, entries: number | bigint];
}): Uint8Array<ArrayBuffer> {
  const head = join(
    'GGUF',
    u32(version),
    u64(counts?.[0] ?? list.length),
    u64(counts?.[1] ?? entries.length),
    ...entries,
    ...list.map(({ name, sizes, type, offset = 0 }) =>
      join(ggufString(name), u32(sizes.length), ...sizes.map(u64), u32(type), u64(offset)),
    ),
  );
  const gap = (alignment - (head.length % alignment)) % alignment;
  return join(head, new Uint8Array(gap), data);
}

/** Word vectors in binary. */
export const word2vec = (
  words: readonly (string | Uint8Array)[],
  values: Float32Array,
  {
    head = `${words.length} ${values.length / words.length}\n`,
    end = '',
  }: { head?: string; end?: string } = {},
): Uint8Array<ArrayBuffer> => {
  const dim = values.length / words.length;
  return join(
    head,
    ...words.flatMap((word, row) => [
      typeof word === 'string' ? word : join(word),
      ' ',
      values.slice(row * dim, (row + 1) * dim),
      end,
    ]),
  );
};

/** Bytes that arrive in pieces of `size`, as from a network. */
export async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.slice(at, at + size);
  }
}

/** A stream of `bytes` in pieces of `size`. `cancelled` is called if the reader gives up. */
export function streamOf(
  bytes: Uint8Array,
  size: number,
  cancelled?: (reason: unknown) => void,
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
    cancel: (reason) => cancelled?.(reason),
  });
}

/** The SHA-256 of bytes, in hexadecimal. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
