/** `npm run sizes`: the sizes of the package. The main entry is bundled for the browser and minified. */

import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { count, say } from './lib/progress.mjs';
import { root } from './lib/run.mjs';
import { packTarball } from './suites/pack.mjs';

/** @param {string} name @param {Uint8Array} bytes */
function line(name, bytes) {
  say(
    `${name.padEnd(48)}${count(bytes.length).padStart(11)} bytes${count(gzipSync(bytes).length).padStart(11)} gzipped`,
  );
}

/** What is loaded at once, without imports on demand. @param {string} file of dist/ @returns {Promise<Uint8Array>} */
async function bundled(file) {
  const { rolldown } = await import('rolldown');
  const input = path.join(root, 'dist', file);
  const bundle = await rolldown({
    input,
    platform: 'browser',
    resolve: { conditionNames: ['browser', 'import'] },
  });
  const { output } = await bundle.generate({ minify: true });
  await bundle.close();
  const loaded = new Set([output[0].fileName]);
  for (const name of loaded) {
    const chunk = output.find(({ fileName }) => fileName === name);
    for (const imported of chunk?.type === 'chunk' ? chunk.imports : []) loaded.add(imported);
  }
  return Buffer.from(
    output.flatMap((each) => (each.type === 'chunk' && loaded.has(each.fileName) ? each.code : [])).join(''),
  );
}

const dist = path.join(root, 'dist');
const addons = (await readdir(path.join(dist, 'native'))).filter((file) => file.endsWith('.node'));
for (const file of ['core.wasm', 'text.wasm', ...addons.map((addon) => `native/${addon}`)]) {
  line(`dist/${file}`, await readFile(path.join(dist, file)));
}
line('main entry, bundled for the browser and minified', await bundled('index.js'));
line('tokenbed/text, the same', await bundled('text/index.js'));
line('tokenbed/report, the same', await bundled('report/index.js'));
const scratch = await mkdtemp(path.join(tmpdir(), 'tokenbed-sizes-'));
try {
  const { tarball } = await packTarball(scratch);
  say(`${'tarball'.padEnd(48)}${count((await stat(tarball)).size).padStart(11)} bytes`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
