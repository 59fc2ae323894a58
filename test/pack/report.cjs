/**
 * A first program with the installed package: text to vectors. Prints the backend and the bits of the result as one line of
 * JSON.
 */

/** @param {typeof import('tokenbed')} tokenbed */
module.exports = function report({ backendInfo, CharTokenizer, EmbeddingLayer }) {
  const tokenizer = new CharTokenizer();
  const layer = new EmbeddingLayer({ vocabSize: tokenizer.vocabSize, embeddingDim: 10, seed: 7 });
  const { data, shape } = layer.forward(tokenizer.encode('Hello world!'));
  const bits = Array.from(new Uint32Array(data.buffer, data.byteOffset, data.length), (word) =>
    word.toString(16),
  );
  process.stdout.write(JSON.stringify({ info: backendInfo(), shape, bits: bits.join(' ') }));
};
