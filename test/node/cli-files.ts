/** Files for the tests of the commands: safetensors and .npy, written and read byte by byte. */

export interface FileTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** A tensor of a file over the bytes of `data`. */
export const tensorOf = (dtype: string, shape: readonly number[], data: ArrayBufferView): FileTensor => ({
  dtype,
  shape,
  data: bytesOf(data),
});

/** A safetensors file. */
export function safetensors(
  tensors: Readonly<Record<string, FileTensor>>,
  metadata?: Readonly<Record<string, string>>,
): Buffer {
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  let end = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [end, (end += data.length)] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...Object.values(tensors).map(({ data }) => data)]);
}

/** The tensors and the metadata of a safetensors file. */
export function parseSafetensors(file: Buffer): {
  tensors: Record<string, FileTensor>;
  metadata: Record<string, string>;
} {
  const start = 8 + Number(file.readBigUInt64LE());
  const header = JSON.parse(file.toString('utf8', 8, start)) as Record<string, never>;
  const { __metadata__: metadata = {}, ...entries } = header as { __metadata__?: Record<string, string> };
  const tensors = Object.entries(
    entries as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>,
  ).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => [name, tensorOf(dtype, shape, Uint8Array.from(file.subarray(start + from, start + to)))],
  );
  return { tensors: Object.fromEntries(tensors) as Record<string, FileTensor>, metadata };
}

/** A .npy file with this header. */
export function npy(dict: string, data: ArrayBufferView, version = 1): Buffer {
  const size = Buffer.alloc(version === 1 ? 2 : 4);
  const header = Buffer.from(`${dict}\n`, version === 3 ? 'utf8' : 'latin1');
  size.writeUIntLE(header.length, 0, size.length);
  const magic = Buffer.from(`\x93NUMPY${String.fromCharCode(version, 0)}`, 'latin1');
  return Buffer.concat([magic, size, header, bytesOf(data)]);
}

/** The header of a .npy file; `descr` with its quotes. */
export const npyDict = (descr: string, order: string, shape: string): string =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;
