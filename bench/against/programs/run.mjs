/** Runs a program on one build and records the outcome of each step. */

import * as values from './values.mjs';

/** @typedef {import('./generate.mjs').Program} Program @typedef {typeof import('tokenbed')} Library */

/**
 * The observable state of a value: plain data, with the bytes of arrays.
 *
 * @typedef {object} Outcome
 * @property {unknown} [value]
 * @property {{ class: string, code: unknown, message: string, fields: unknown }} [error]
 * @property {unknown} arrays  the caller's arrays after the step
 */

const CLASSES = [
  'Embedding',
  'EmbeddingBag',
  'EmbeddingLayer',
  'LearnedPositionalEmbedding',
  'PositionalEncoding',
  'Tensor',
];
const HELPERS = Object.keys(values);

/** The program as a function of a build: the same text for both. @param {Program} program */
function compiled({ variables, steps }) {
  const lines = steps.map(({ code, arrays = [] }) => `step(() => (${code}), () => [${arrays.join(', ')}]);`);
  const source = [
    `const { ${CLASSES.join(', ')} } = tokenbed;`,
    `const { ${HELPERS.join(', ')} } = values;`,
    variables.length === 0 ? '' : `let ${variables.join(', ')};`,
    ...lines,
    `return [${variables.join(', ')}];`,
  ].join('\n');
  return new Function('tokenbed', 'values', 'step', source);
}

/** @param {any} view */
const isView = (view) => ArrayBuffer.isView(view) && !(view instanceof DataView);

/** A view outside its buffer has no bytes. @param {any} view */
function bytesOf(view) {
  const array = Object.prototype.toString.call(view).slice(8, -1);
  try {
    return { array, bytes: Buffer.from(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)) };
  } catch {
    return { array, bytes: null };
  }
}

/** @param {any} value @param {Library} library @param {number} [depth] @returns {unknown} */
function seen(value, library, depth = 0) {
  if (typeof value === 'function' || typeof value === 'symbol') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (isView(value)) return bytesOf(value);
  if (value instanceof library.Tensor) {
    const { shape, dtype, size, data } = value;
    return { tensor: [dtype, size, Object.isFrozen(shape), ...shape], data: bytesOf(data) };
  }
  const name = CLASSES.find((each) => value instanceof /** @type {any} */ (library)[each]);
  if (name !== undefined) return { instance: name };
  if (depth > 6) return '...';
  if (Array.isArray(value)) {
    // Getters of the program are not called again.
    const descriptors = Object.values(Object.getOwnPropertyDescriptors(value));
    return descriptors.map((each) => ('value' in each ? seen(each.value, library, depth + 1) : 'a getter'));
  }
  const prototype = Object.prototype.toString.call(value);
  if (prototype !== '[object Object]') return prototype;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, seen(each, library, depth + 1)]),
  );
}

/** @param {any} error @param {Library} library */
function errorSeen(error, library) {
  const { code, ...fields } = error;
  const { constructor } = Object.getPrototypeOf(error);
  return { class: constructor.name, code, message: error.message, fields: seen(fields, library) };
}

/** @param {Program} program @returns {(library: Library) => Outcome[]} */
export function runnable(program) {
  const run = compiled(program);
  return (library) => {
    /** @type {Outcome[]} */
    const outcomes = [];
    /** @param {() => unknown} action @param {() => unknown[]} arrays */
    const step = (action, arrays) => {
      /** @type {Outcome} */
      const outcome = { arrays: null };
      try {
        outcome.value = seen(action(), library);
      } catch (error) {
        outcome.error = errorSeen(error, library);
      }
      outcome.arrays = seen(arrays(), library);
      outcomes.push(outcome);
    };
    for (const variable of run(library, values, step)) variable?.dispose?.();
    return outcomes;
  };
}

/**
 * The program as a module that runs it on the build at `entry`, up to step `last`.
 *
 * @param {Program} program @param {string} entry @param {string} backend @param {number} last
 */
export function moduleOf({ variables, steps }, entry, backend, last) {
  const used = HELPERS.filter((name) => steps.some(({ code }) => new RegExp(`\\b${name}\\(`).test(code)));
  return [
    `import * as tokenbed from '${entry}';`,
    `import { ${['attempt', ...used].join(', ')} } from '${new URL('./values.mjs', import.meta.url).pathname}';`,
    `const { ${CLASSES.join(', ')} } = tokenbed;`,
    `await tokenbed.init({ backend: '${backend}' });`,
    variables.length === 0 ? '' : `let ${variables.join(', ')};`,
    ...steps.slice(0, last + 1).map(({ code }) => `attempt(() => ${code});`),
    ...(steps[last].arrays ?? []).map((name) => `console.log('${name}', ${name});`),
  ].join('\n');
}
