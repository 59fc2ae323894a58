/**
 * ONNX models of one Gather, encoded by hand as protobuf. They take about a hundred bytes.
 *
 *     rows[n, D] = Gather(table[V, D], ids[n])
 *
 * The table is an input, which a runtime may read in place, or an initializer whose bytes are passed separately, for
 * runtimes that copy it. The field numbers are from onnx.proto3.
 */

const FLOAT = 1;
const INT32 = 6;
const EXTERNAL = 1;

/** The file name of the table's bytes in the model. */
export const TABLE_FILE = 'table.bin';

/** The bytes of the model. */
export function gatherModel(
  { vocab, dim, tokens }: { readonly vocab: number; readonly dim: number; readonly tokens: number },
  table: 'input' | 'external',
): Uint8Array {
  const node = [text(1, 'table'), text(1, 'ids'), text(2, 'rows'), text(4, 'Gather')];
  const graph = [
    message(1, node),
    text(2, 'gather'),
    table === 'input'
      ? message(11, value('table', FLOAT, [vocab, dim]))
      : message(5, externalTensor([vocab, dim])),
    message(11, value('ids', INT32, [tokens])),
    message(12, value('rows', FLOAT, [tokens, dim])),
  ];
  const opset = [text(1, ''), number(2, 13)];
  return Uint8Array.from([number(1, 8), message(7, graph), message(8, opset)].flat());
}

type Bytes = readonly number[];

/** ValueInfoProto. */
function value(name: string, type: number, shape: readonly number[]): Bytes[] {
  const sizes = shape.map((size) => message(1, [number(1, size)]));
  return [text(1, name), message(2, [message(1, [number(1, type), message(2, sizes)])])];
}

/** TensorProto, without its bytes. */
function externalTensor(shape: readonly number[]): Bytes[] {
  const length = 4 * shape.reduce((product, size) => product * size, 1);
  const entries = Object.entries({ location: TABLE_FILE, offset: '0', length: String(length) });
  return [
    ...shape.map((size) => number(1, size)),
    number(2, FLOAT),
    text(8, 'table'),
    ...entries.map(([key, each]) => message(13, [text(1, key), text(2, each)])),
    number(14, EXTERNAL),
  ];
}

const varint = (n: number): number[] => (n < 128 ? [n] : [(n % 128) | 128, ...varint(Math.floor(n / 128))]);
const number = (field: number, n: number): Bytes => [...varint(field * 8), ...varint(n)];
const bytes = (field: number, content: Bytes): Bytes => [
  ...varint(field * 8 + 2),
  ...varint(content.length),
  ...content,
];
const message = (field: number, parts: readonly Bytes[]): Bytes => bytes(field, parts.flat());
const text = (field: number, words: string): Bytes => bytes(field, [...Buffer.from(words)]);
