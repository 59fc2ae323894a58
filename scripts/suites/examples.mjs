/** Every example runs to its end on both backends, as a user's program: compiled, importing `tokenbed` by name. */

import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { root, run } from '../lib/run.mjs';
import { checks } from '../lib/suite.mjs';

export async function examples() {
  const out = '.cache/examples';
  const sources = (await readdir(path.join(root, 'examples'))).filter((file) => file.endsWith('.ts'));
  if (sources.length === 0) return { passed: 0, failed: 1, details: 'examples/ holds no .ts file' };
  await rm(path.join(root, out), { recursive: true, force: true });
  const compiler = ['-p', 'tsconfig.examples.json', '--outDir', out];
  return checks([
    ['compiling the examples', () => run('node_modules/.bin/tsc', compiler)],
    ...sources.flatMap((source) =>
      ['native', 'wasm'].map((backend) => {
        const program = path.join(out, source.replace(/\.ts$/, '.js'));
        const env = { TOKENBED_BACKEND: backend };
        return /** @type {const} */ ([
          `${source} on ${backend}`,
          () => run(process.execPath, [program], { env }),
        ]);
      }),
    ),
  ]);
}
