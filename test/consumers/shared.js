/** `import` and `require` in one process share everything: the classes, the backend, the threads. */

import { existsSync, readdirSync } from 'node:fs';

/** Throws if something is not shared. @param {Record<string, any>} imported @param {Record<string, any>} required */
export async function expectShared(imported, required) {
  const names = new Set([...Object.keys(imported), ...Object.keys(required)]);
  for (const name of ['default', 'module.exports', '__esModule']) names.delete(name);
  const different = [...names].filter((name) => imported[name] !== required[name]);
  if (different.length > 0) throw new Error(`import and require differ in ${different.join(', ')}`);

  await imported['init']({ backend: 'wasm' });
  if (required['backendInfo']().name !== 'wasm') throw new Error('import and require have two backends');
  await required['init']({ backend: 'native' });
  const { name, threads } = imported['backendInfo']();
  if (name !== 'native' || threads !== 3) throw new Error(`import sees ${name} with ${threads} threads`);

  const before = threadsOfProcess();
  for (const { Embedding } of [imported, required]) {
    new Embedding({ vocabSize: 1000, embeddingDim: 256, seed: 1 }).forward(new Int32Array(20_000));
  }
  const helpers = threadsOfProcess() - before;
  if (before > 0 && helpers !== threads - 1) throw new Error(`there are ${helpers} helper threads`);
}

/** 0 where the system does not tell. */
function threadsOfProcess() {
  return existsSync('/proc/self/task') ? readdirSync('/proc/self/task').length : 0;
}
