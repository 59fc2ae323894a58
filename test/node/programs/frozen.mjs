/**
 * Freezes every intrinsic object, as `lockdown()` of SES does, but without its accessors that permit assignments to
 * inherited names; then does a little of everything. Prints what it drew and computed as JSON.
 *
 *   node frozen.mjs REPORT.json [before]      `before`: loads the package before it freezes anything
 */

import { readFileSync } from 'node:fs';

const [file, when] = process.argv.slice(2);
/** @type {import('tokenbed/report').ReportSource} */
const report = JSON.parse(readFileSync(/** @type {string} */ (file), 'utf8'));

const load = async () => ({
  tokenbed: await import('../../../dist/index.mjs'),
  charts: await import('../../../dist/report/index.js'),
});
if (when === 'before') await load();

/** @type {Set<object>} */
const intrinsics = new Set();
/** @param {unknown} value */
const collect = (value) => {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return;
  if (value === globalThis || value === process || intrinsics.has(value)) return;
  intrinsics.add(value);
  collect(Object.getPrototypeOf(value));
  for (const { value: inner, get, set } of Object.values(Object.getOwnPropertyDescriptors(value))) {
    for (const each of [inner, get, set]) collect(each);
  }
};
for (const name of Object.getOwnPropertyNames(globalThis)) {
  // The built-in classes and namespaces of the language.
  if (/^([A-Z]\w*(Array|Error|Map|Set|Ref|View|Buffer)|[A-Z][a-z]+|JSON|BigInt|RegExp)$/.test(name)) {
    collect(Reflect.get(globalThis, name));
  }
}
for (const each of [
  function* () {},
  async () => {},
  async function* () {},
  [].values(),
  new Map().values(),
]) {
  collect(Object.getPrototypeOf(each));
}
intrinsics.forEach(Object.freeze);

const { tokenbed, charts } = await load();
const { Embedding, EmbeddingProfiler, BPETokenizer, CharTokenizer, PositionalEncoding } = tokenbed;

const embedding = new Embedding({ vocabSize: 30, embeddingDim: 8, seed: 1 });
const profiler = new EmbeddingProfiler({ minTimeMs: 0, warmupMs: 0 });
profiler.measureLookupPerformance({ embedding, batchSizes: [2], seqLengths: [3], pattern: 'zipf' });
profiler.analyzeMemoryScaling({ vocabSizes: [20], embeddingDims: [4] });
profiler.comparePositionalEncodings({ seqLength: 4, embeddingDim: 4 });
const bytes = new BPETokenizer({ mode: 'bytes', vocabSize: 270 }).train(['abab']);
let code;
try {
  embedding.forward([30]);
} catch (error) {
  ({ code } = /** @type {{ code?: string }} */ (error));
}

const { toHTML, toSVG, encodingSVG, frequenciesSVG, ...ofResults } = charts;
console.log(
  JSON.stringify({
    frozen: Object.isFrozen(Object.prototype) && Object.isFrozen(Function.prototype),
    documents: {
      toHTML: toHTML(report),
      toSVG: toSVG(report),
      encodingSVG: encodingSVG(),
      frequenciesSVG: frequenciesSVG(),
      ...Object.fromEntries(Object.entries(ofResults).map(([name, draw]) => [name, draw(report.results)])),
    },
    measured: [profiler.toHTML().slice(0, 15), profiler.toSVG().slice(0, 4)],
    code,
    texts: [
      new CharTokenizer().decode(new CharTokenizer().encode('abc')),
      bytes.decode(bytes.encode('abé')),
      bytes.decoder().write(bytes.encode('abé')),
      String(embedding.forward([1, 2]).shape),
      new PositionalEncoding({ embeddingDim: 4, maxSeqLength: 4 }).toSVG().slice(0, 4),
    ],
  }),
);
