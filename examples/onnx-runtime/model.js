/**
 * A minimal model instead of a transformer: it takes vectors of any [batch, seq, dim] and returns their maximum over seq.
 *
 *   pooled[batch, dim] = ReduceMax(vectors[batch, seq, dim], axis 1)
 *
 * ONNX files are protobuf messages. This one has 120 bytes and is encoded by hand, with the field and type numbers of
 * onnx.proto3.
 */

const FLOAT = 1;
const ATTRIBUTE = { int: 2, ints: 7 };

/** @returns {Uint8Array} an .onnx file */
export function poolingModel() {
  const node = [
    text(1, 'vectors'),
    text(2, 'pooled'),
    text(4, 'ReduceMax'),
    message(5, [text(1, 'axes'), number(8, 1), number(20, ATTRIBUTE.ints)]),
    message(5, [text(1, 'keepdims'), number(3, 0), number(20, ATTRIBUTE.int)]),
  ];
  const graph = [
    message(1, node),
    text(2, 'pooling'),
    message(11, value('vectors', ['batch', 'seq', 'dim'])),
    message(12, value('pooled', ['batch', 'dim'])),
  ];
  const opset = [text(1, ''), number(2, 13)];
  return Uint8Array.from([number(1, 8), message(7, graph), message(8, opset)].flat());
}

/** A float tensor with symbolic dimensions. @param {string} name @param {string[]} sizes */
function value(name, sizes) {
  const shape = sizes.map((size) => message(1, [text(2, size)]));
  return [text(1, name), message(2, [message(1, [number(1, FLOAT), message(2, shape)])])];
}

// Protobuf: a field is a tag (number and wire type), then a varint, or a length and that many bytes.

/** @param {number} field @param {number} n */
const number = (field, n) => [...varint(field * 8), ...varint(n)];
/** @param {number} field @param {number[][]} parts */
const message = (field, parts) => bytes(field, parts.flat());
/** @param {number} field @param {string} value */
const text = (field, value) => bytes(field, [...new TextEncoder().encode(value)]);
/** @param {number} field @param {number[]} content */
const bytes = (field, content) => [...varint(field * 8 + 2), ...varint(content.length), ...content];
/** @param {number} n @returns {number[]} */
const varint = (n) => (n < 128 ? [n] : [(n % 128) | 128, ...varint(Math.floor(n / 128))]);
