/** Names of cases: the call and the size of its arguments. */

import { count } from '../../scripts/lib/progress.mjs';

/** @typedef {import('../harness/types.d.ts').JobSpec} JobSpec @typedef {Record<string, any>} Params */

/** @param {Params} params */
function table({ vocab, dim, dtype }) {
  if (dtype !== undefined) return `${dtype} table, ${count(vocab)} x ${dim}`;
  const mib = (vocab * dim * 4) / 2 ** 20;
  return `table of ${count(mib)} MiB, dim ${dim}`;
}

/** @type {Record<import('../harness/types.d.ts').Op, (params: Params) => string>} */
const WORDS = {
  call: ({ call, tokens, dim }) => `${call}: ${tokens} x ${dim}`,
  token: (p) => `one id, ${p['form'] === 'array' ? 'Int32Array' : 'number'}: ${table(p)}`,
  gather: (p) => `forwardInto, ${count(p['tokens'])} ids: ${table(p)}`,
  forward: (p) => `forward, ${count(p['tokens'])} ids: ${table(p)}`,
  layer: (p) => `layer, [${p['batch']}, ${p['seq']}] ids: ${table(p)}`,
  bag: (p) =>
    `bags, ${p['mode']}${p['padding'] === null ? '' : ' with padding'}, ${count(p['bags'])} of ${p['tokens'] / p['bags']}: ${table(p)}`,
  sinusoid: ({ rows, dim }) => `sinusoid table: ${count(rows)} x ${dim}`,
  nearest: (p) => `nearest, ${p['metric']}, k ${p['k']}: ${table(p)}`,
  init: ({ kind, vocab, dim }) => `new Embedding, ${kind}: ${count(vocab)} x ${dim}`,
};

/** @param {JobSpec} spec */
export const nameOf = ({ op, params }) => WORDS[op](params);
