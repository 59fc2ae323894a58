/** A Node program that computes the page's vectors and prints their digest. */

import type { EmbedSettings } from './messages.js';
import { CONTEXT } from './work/context.js';

/** The limit of a string literal. Longer texts are read from a file. */
const MAX_LITERAL = 400;

export function snippet({ text, tokenizer, merges, dim, seed, positions, dtype }: EmbedSettings): string {
  const inFile = text.length > MAX_LITERAL;
  const name = tokenizer === 'char' ? 'CharTokenizer' : 'BPETokenizer';
  const storage = dtype === 'f32' ? '' : `, dtype: '${dtype}'`;
  const layer = `vocabSize: tokenizer.vocabSize, embeddingDim: ${dim}, seed: ${seed}${storage}`;
  return [
    "import { createHash } from 'node:crypto';",
    inFile ? "import { readFileSync } from 'node:fs';" : '',
    `import { ${name}, EmbeddingLayer } from 'tokenbed';`,
    '',
    `const text = ${inFile ? "readFileSync('text.txt', 'utf8')" : JSON.stringify(text)};`,
    ...tokenizerLines(tokenizer, merges),
    'const ids = tokenizer.encode(text);',
    positions
      ? `const layer = new EmbeddingLayer({ ${layer}, scale: true });`
      : `const layer = new EmbeddingLayer({ ${layer}, positional: null });`,
    positions
      ? `const vectors = layer.forward(ids, { positionIds: ids.map((_, i) => i % ${CONTEXT}) });`
      : 'const vectors = layer.forward(ids);',
    "console.log(createHash('sha256').update(vectors.data).digest('hex'));",
  ]
    .filter((line, i) => line !== '' || i === 3)
    .join('\n');
}

function tokenizerLines(tokenizer: EmbedSettings['tokenizer'], merges: number): string[] {
  if (tokenizer === 'char') return ['const tokenizer = new CharTokenizer();'];
  if (tokenizer === 'bytes') {
    return [
      `const tokenizer = new BPETokenizer({ mode: 'bytes', vocabSize: ${260 + merges} }).train([text]);`,
    ];
  }
  return [
    'const alphabet = new BPETokenizer({ vocabSize: 1 }).train([text]).vocabSize;',
    `const tokenizer = new BPETokenizer({ vocabSize: alphabet + ${merges} }).train([text]);`,
  ];
}
