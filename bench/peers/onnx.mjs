/**
 * ONNX models of one Gather, encoded by hand as protobuf: a hundred bytes.
 *
 *   rows[n, D] = Gather(table[V, D], ids[n])
 *
 * The table is an input (in the bench's memory, which native runtimes read in place) or an initializer whose bytes are
 * passed separately from the model (for WASM, which copies it into its own memory once).
 * Field numbers are those of onnx.proto3.
 */

const FLOAT = 1;
const INT32 = 6;
const EXTERNAL = 1;

/** The name of the external data that holds the table. */
export const TABLE_FILE = 'table.bin';

/** @param {{ vocab: number, dim: number, n: number, external?: boolean }} shape @returns {Uint8Array} */
export function gatherModel({ vocab, dim, n, external = false }) {
  const node = [text(1, 'table'), text(1, 'ids'), text(2, 'rows'), text(4, 'Gather')];
  const ids = value('ids', INT32, [n]);
  const graph = [
    message(1, node),
    text(2, 'gather'),
    ...(external
      ? [message(5, externalTensor('table', [vocab, dim]))]
      : [message(11, value('table', FLOAT, [vocab, dim]))]),
    message(11, ids),
    message(12, value('rows', FLOAT, [n, dim])),
  ];
  const opset = [text(1, ''), number(2, 13)];
  return Uint8Array.from([number(1, 8), message(7, graph), message(8, opset)].flat());
}

/** ValueInfoProto. @param {string} name @param {number} type @param {number[]} shape */
function value(name, type, shape) {
  const dims = shape.map((size) => message(1, [number(1, size)]));
  return [text(1, name), message(2, [message(1, [number(1, type), message(2, dims)])])];
}

/** TensorProto. @param {string} name @param {number[]} shape */
function externalTensor(name, shape) {
  const bytes = 4 * shape.reduce((product, size) => product * size, 1);
  const entries = Object.entries({ location: TABLE_FILE, offset: '0', length: String(bytes) });
  return [
    ...shape.map((size) => number(1, size)),
    number(2, FLOAT),
    text(8, name),
    ...entries.map(([key, value]) => message(13, [text(1, key), text(2, value)])),
    number(14, EXTERNAL),
  ];
}

/** @param {number} n @returns {number[]} */
const varint = (n) => (n < 128 ? [n] : [(n % 128) | 128, ...varint(Math.floor(n / 128))]);
const number = (/** @type {number} */ field, /** @type {number} */ n) => [...varint(field * 8), ...varint(n)];
const bytes = (/** @type {number} */ field, /** @type {number[]} */ content) => [
  ...varint(field * 8 + 2),
  ...varint(content.length),
  ...content,
];
const message = (/** @type {number} */ field, /** @type {number[][]} */ parts) => bytes(field, parts.flat());
const text = (/** @type {number} */ field, /** @type {string} */ words) =>
  bytes(field, [...Buffer.from(words)]);
