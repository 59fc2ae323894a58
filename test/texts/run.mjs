/**
 * npm run test:texts: the ids of real texts by crates/text and by the reference, the crate tokenizers.
 *
 *   texts       the paragraphs of Debian's packages debian-handbook, python3.11-doc and postgresql-doc-15, English and in 26
 *               languages, or the .txt files of a folder (--texts FOLDER)
 *   tokenizers  WordPiece (29,525 tokens of MiniLM), Unigram (276,326 pieces), byte-level BPE (Qwen 3), downloaded into
 *               .cache/texts at the first run
 *
 * Each text is compared without a memo, with one of 64 chunks, and with one of 8 MiB. The exit code is 1 if a text has other
 * ids.
 */

import { parseArgs } from 'node:util';
import { corpus } from '../../bench/texts/corpus.mjs';
import { models } from '../../bench/texts/models.mjs';
import { asProgram } from '../../scripts/lib/main.mjs';
import { say, step } from '../../scripts/lib/progress.mjs';
import { must, run } from '../../scripts/lib/run.mjs';

const COMPARE = ['--profile', 'test', '-p', 'tokenbed-text-reference', '--example', 'compare'];

async function main() {
  const { values } = parseArgs({ options: { texts: { type: 'string' } } });
  const { files } = await corpus(values.texts);
  const tokenizers = Object.values(await models());
  await step('Building the comparison', '2 min', () => must('cargo', ['build', '-q', ...COMPARE]));
  const { code } = await step('Comparing the ids', '3 min', () =>
    run('cargo', ['run', '-q', ...COMPARE, '--', ...tokenizers, '--', ...Object.values(files)], {
      onOutput: (text) => void process.stdout.write(text),
    }),
  );
  say(code === 0 ? 'every text has the ids of the reference' : 'there are differences');
  if (code !== 0) process.exitCode = 1;
}

await asProgram(import.meta.url, main);
