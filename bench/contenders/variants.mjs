/**
 * tokenbed with settings that are fixed for a process, each in a separate process: the instruction set (TOKENBED_ISA),
 * the number of threads (TOKENBED_THREADS) and the pages that the system grants.
 *
 * They take turns with all other contenders, round by round, in the same loop.
 */

import { fork } from 'node:child_process';
import { backendInfo, init } from 'tokenbed';

/** @typedef {import('../harness/types.d.ts').Job} Job @typedef {import('../harness/types.d.ts').Elsewhere} Elsewhere */
/** @typedef {import('../harness/types.d.ts').Contender} Contender */

export const peer = 'variants';

const CHILD = new URL('../harness/child.mjs', import.meta.url);

/** @typedef {{ env?: Record<string, string>, hugePages?: boolean }} Circumstances */

/** A child that holds one job. @param {Circumstances} circumstances @param {Job} job @returns {Promise<Elsewhere>} */
async function remote({ env = {}, hugePages = true }, { op, params }) {
  const child = fork(CHILD, [], {
    env: { ...process.env, ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  /** @param {object} content @returns {Promise<any>} */
  const request = (content) =>
    new Promise((resolve, reject) => {
      const ended = () => reject(new Error('a child of the bench ended early'));
      child.once('exit', ended);
      child.once('message', (/** @type {{ answer?: unknown, error?: string }} */ { answer, error }) => {
        child.off('exit', ended);
        if (error === undefined) resolve(answer);
        else reject(new Error(error));
      });
      child.send(content);
    });
  await request({ prepare: { op, params }, hugePages });
  return {
    measure: (first, count) => request({ first, count }),
    output: () => request({ output: true }),
    close: async () => void child.kill(),
  };
}

/** @param {string} name @param {string} isa @param {Circumstances} circumstances @returns {Contender} */
function contender(name, isa, circumstances) {
  /** @param {Job} job */
  const prepare = (job) => remote(circumstances, job);
  const pages = circumstances.hugePages === false ? '4KiB' : '2MiB';
  return {
    name,
    backend: 'native',
    isa,
    pages,
    ops: {
      gather: prepare,
      forward: prepare,
      layer: prepare,
      bag: prepare,
      sinusoid: prepare,
      init: prepare,
    },
  };
}

/** The instruction sets of this machine, the best first. */
const LOWER = { avx512: ['avx512', 'avx2', 'scalar'], avx2: ['avx2', 'scalar'], neon: ['neon', 'scalar'] };

/** @returns {Promise<string[]>} the instruction sets that the addon can use here, the best first */
export async function instructionSets() {
  const { isa } = await init({ backend: 'native' });
  return LOWER[/** @type {keyof typeof LOWER} */ (isa)] ?? ['scalar'];
}

/** @returns {Promise<{ version: string, contenders: readonly Contender[] }>} */
export async function open() {
  const isas = await instructionSets();
  const { isa, version } = backendInfo();
  return {
    version,
    contenders: [
      ...isas.map((name) => contender(`tokenbed ${name}`, name, { env: { TOKENBED_ISA: name } })),
      contender('tokenbed 4 KiB pages', isa, { hugePages: false }),
      contender('tokenbed 1 thread', isa, { env: { TOKENBED_THREADS: '1' } }),
      contender('tokenbed 2 threads', isa, { env: { TOKENBED_THREADS: '2' } }),
    ],
  };
}
