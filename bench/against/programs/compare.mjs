/**
 * Compares the results of two builds.
 *
 * Values are compared bit by bit, errors by class, code, message and fields. Intended changes are in BY_DESIGN, one
 * rule for each; everything else is a difference.
 */

import { isDeepStrictEqual } from 'node:util';

/** @typedef {import('./generate.mjs').Program} Program @typedef {import('./generate.mjs').Step} Step */
/** @typedef {import('./run.mjs').Outcome} Outcome */

/**
 * The arguments of a rule.
 *
 * @typedef {object} Pair
 * @property {Step} step
 * @property {Outcome} before
 * @property {Outcome} after
 * @property {ReadonlySet<string>} disposed  the objects that the program has disposed before this step
 * @property {readonly string[]} parts       of the object of the step, if the program passed them
 * @property {string} backend
 */

/**
 * @typedef {object} Rule
 * @property {string} name
 * @property {string} reason
 * @property {(pair: Pair) => boolean} allows
 * @property {boolean} [ends]  the objects are in different states from here on: the rest of the program says nothing
 */

/** The parts of a message that the contract fixes. The rest is prose. @type {Record<string, RegExp>} */
const FIXED_TEXT = {
  ERR_ID_OUT_OF_RANGE: /(Token indices|Positions) must be in range \[0, \d+\)/,
  ERR_INVALID_ID: /Token indices must be integers/,
  ERR_RAGGED: /ragged/,
  ERR_UNKNOWN_INIT: /Unknown init_type: [^(]*/,
  ERR_RANK:
    /Expected (2D or 3D embeddings|1D or 2D token ids|1D ids with offsets or 2D ids), got shape \[[^\]]*\]/,
  ERR_DIM: /Embedding dim mismatch: expected \d+, got \d+/,
  ERR_SEQUENCE_LENGTH: /Sequence length \d+ exceeds max \d+/,
};

/** @param {Outcome['error']} error @returns {string} */
function fixedText(error) {
  const pattern = FIXED_TEXT[String(error?.code)];
  return pattern?.exec(error?.message ?? '')?.[0] ?? '';
}

/** @param {Pair} pair */
const afterIsDisposed = ({ after }) => after.error?.code === 'ERR_DISPOSED';

/** A value in which every text is replaced by its numbers. @param {any} value @returns {any} */
function numbersIn(value) {
  if (typeof value === 'string') return value.match(/-?\d+(\.\d+)?(e[-+]?\d+)?/g);
  if (Array.isArray(value)) return value.map(numbersIn);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, numbersIn(each)]));
}

/** Whether the object of the step was disposed and owns none of its parts. @param {Pair} pair */
const isDisposedOverParts = ({ step, parts, disposed }) =>
  parts.length > 0 && disposed.has(step.object ?? '');

/** @param {Pair} pair @returns {any} */
const states = ({ before, after }) => [before.value, after.value];

/** Whether two states differ in `disposed` alone. @param {Pair} pair @param {boolean} before @param {boolean} after */
function disposedDiffers(pair, before, after) {
  const [was, is] = states(pair);
  if (pair.step.method !== 'state' || !was || !is) return false;
  return (
    was.disposed === before && is.disposed === after && isDeepStrictEqual({ ...was, disposed: after }, is)
  );
}

/** @type {readonly Rule[]} */
const BY_DESIGN = [
  {
    name: 'error message',
    reason: 'messages are reworded in plain English; the text that the contract fixes is unchanged',
    allows: ({ before, after }) =>
      before.error !== undefined &&
      after.error !== undefined &&
      before.error.code !== undefined &&
      isDeepStrictEqual({ ...before.error, message: '' }, { ...after.error, message: '' }) &&
      isDeepStrictEqual(before.arrays, after.arrays) &&
      fixedText(before.error) === fixedText(after.error),
  },
  {
    name: 'report',
    reason: 'the sentences of reports and charts are reworded; their numbers are unchanged',
    allows: ({ step, before, after }) =>
      step.method === 'report' && isDeepStrictEqual(numbersIn(before), numbersIn(after)),
  },
  {
    name: 'disposed itself',
    reason: 'a layer or bag over parts that were passed in becomes disposed too',
    allows: (pair) => isDisposedOverParts(pair) && disposedDiffers(pair, false, true),
  },
  {
    name: 'method after dispose',
    reason: 'the methods of such a layer or bag throw ERR_DISPOSED before anything else is checked',
    allows: (pair) => isDisposedOverParts(pair) && afterIsDisposed(pair),
    ends: true,
  },
  {
    name: 'constructor over a disposed part',
    reason: 'every object that uses a disposed table throws ERR_DISPOSED, at construction already',
    allows: (pair) =>
      pair.step.method === 'construct' &&
      pair.parts.some((part) => pair.disposed.has(part)) &&
      pair.before.error === undefined &&
      afterIsDisposed(pair),
    ends: true,
  },
  {
    name: 'disposed part',
    reason: 'an object is not disposed if only one of its parts is',
    allows: (pair) => disposedDiffers(pair, true, false) && !pair.disposed.has(pair.step.object ?? ''),
  },
  {
    name: 'train after dispose',
    reason: 'train() and eval() of a disposed object throw as its other methods do',
    allows: (pair) =>
      (pair.step.method === 'train' || pair.step.method === 'eval') &&
      pair.disposed.size > 0 &&
      pair.before.error === undefined &&
      afterIsDisposed(pair),
    ends: true,
  },
  {
    name: 'limit of linear memory',
    reason: 'the remaining linear memory depends on the size of the build itself',
    allows: ({ before, after, backend }) => {
      const limited = [before.error, after.error].map((error) => /** @type {any} */ (error?.fields)?.limit);
      return (
        backend === 'wasm' &&
        before.error?.code === 'ERR_TOO_LARGE' &&
        after.error?.code === 'ERR_TOO_LARGE' &&
        limited.every((limit) => limit > 0 && limit <= 2 ** 32) &&
        isDeepStrictEqual(withoutLimit(before.error), withoutLimit(after.error))
      );
    },
  },
  // Floats on a SharedArrayBuffer are copied before use. A single thread cannot observe this, so it needs no rule.
  // New classes and options need no rule: programs only use the API of the earlier build.
];

/** @param {NonNullable<Outcome['error']>} error */
const withoutLimit = (error) => ({
  ...error,
  message: '',
  fields: { .../** @type {object} */ (error.fields), limit: 0 },
});

/** After such a call the objects are in different states: the rest of the program says nothing. */
const UNREAD = 'arguments of a call with a disposed part';

/** @param {Pair} pair */
const hasDisposedPart = ({ step, parts, disposed }) =>
  [...disposed].some((name) => parts.includes(name) || name.startsWith(`${step.object}.`));

const NAN = 0x7fc0_0000;

/** The same floats with one NaN for all: arithmetic leaves its sign and payload open. @param {any} value @returns {any} */
function withoutNaNs(value) {
  if (Array.isArray(value)) return value.map(withoutNaNs);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  if (value.array !== 'Float32Array' || value.bytes === null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutNaNs(each)]));
  }
  const floats = new Float32Array(new Uint8Array(value.bytes).buffer);
  const words = new Uint32Array(floats.buffer);
  for (let i = 0; i < floats.length; i++) if (Number.isNaN(floats[i])) words[i] = NAN;
  return { ...value, bytes: Buffer.from(floats.buffer) };
}

/** @param {Step} step @param {Outcome} before @param {Outcome} after */
function isSame(step, before, after) {
  if (isDeepStrictEqual(before, after)) return true;
  return !step.copies && isDeepStrictEqual(withoutNaNs(before), withoutNaNs(after));
}

/**
 * The first step of a program in which two builds differ, or -1; `applied` counts the rules by name.
 *
 * @param {Program} program @param {readonly Outcome[]} before @param {readonly Outcome[]} after
 * @param {string} backend @param {Map<string, number>} applied
 */
export function firstDifference({ steps, parts }, before, after, backend, applied) {
  /** @type {Set<string>} */
  const disposed = new Set();
  for (const [at, step] of steps.entries()) {
    const pair = {
      step,
      before: before[at],
      after: after[at],
      disposed,
      parts: parts.get(step.object ?? '') ?? [],
      backend,
    };
    if (!isSame(step, before[at], after[at])) {
      const rule = BY_DESIGN.find(({ allows }) => allows(pair));
      if (rule === undefined) return at;
      applied.set(rule.name, (applied.get(rule.name) ?? 0) + 1);
      if (rule.ends) return -1;
    }
    const disposes = [...step.code.matchAll(/([\w.]+)\.dispose\(\)/g)];
    if (disposes.length > 0 && step.method !== 'dispose' && hasDisposedPart(pair)) {
      applied.set(UNREAD, (applied.get(UNREAD) ?? 0) + 1);
      return -1;
    }
    for (const [, name] of disposes) disposed.add(name);
  }
  return -1;
}

/** The rules and their reasons, for the report. */
export const REASONS = new Map(BY_DESIGN.map(({ name, reason }) => [name, reason]));
REASONS.set(
  UNREAD,
  'a call with a disposed part throws before it reads arguments: their getters dispose of nothing',
);
