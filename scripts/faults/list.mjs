/** Every planted fault: a small change of one file, and where it must be noticed. From the core outwards. */

import { BACKEND_FAULTS } from './backend.mjs';
import { BINDING_FAULTS } from './bindings.mjs';
import { CLASS_FAULTS } from './classes.mjs';
import { CORE_FAULTS } from './core.mjs';
import { PAGE_FAULTS } from './page.mjs';
import { PROFILER_FAULTS } from './profiler.mjs';
import { TOKENIZER_FAULTS } from './tokenizers.mjs';

/**
 * @typedef {object} Fault
 * @property {string} name
 * @property {string} what     what is wrong now
 * @property {string} file     from the project's folder on
 * @property {string} find     what is replaced; it stands in the file exactly once
 * @property {string} replace  it still compiles, unless the compiler is what must notice
 * @property {import('./commands.mjs').Look} look
 * @property {readonly import('./commands.mjs').Build[]} [builds]  what must be built anew beside what `look` needs
 */

/** @type {readonly Fault[]} */
export const FAULTS = [
  ...CORE_FAULTS,
  ...BINDING_FAULTS,
  ...BACKEND_FAULTS,
  ...CLASS_FAULTS,
  ...PROFILER_FAULTS,
  ...TOKENIZER_FAULTS,
  ...PAGE_FAULTS,
];

const twice = FAULTS.find(({ name }, i) => FAULTS.findIndex((fault) => fault.name === name) !== i);
if (twice !== undefined) throw new Error(`two faults are called ${twice.name}`);
