/**
 * What a process of its own does with files, for files-*.test.ts. It prints JSON.
 *
 *   files.mjs open FILE            opens, looks rows up; prints times, and memory before and after
 *   files.mjs cut FILE CALL        calls until the file is cut; prints what was thrown, twice
 *   files.mjs signal FILE ORDER    maps the file, and sends itself a SIGBUS; ORDER: of the handler, or none
 *   files.mjs save FILE ROWS       saves a table again and again until the process is killed
 *   files.mjs save-once FILE ROWS  saves once; prints the error
 *   files.mjs peak FILE SOURCE     loads into memory; prints the peak
 */

import { createReadStream, openAsBlob, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Embedding } from '../../../dist/index.mjs';

const [task = '', file = '', more = ''] = process.argv.slice(2);

/** Kibibytes of /proc/self/status as bytes: RssAnon, VmRSS, VmHWM. @param {string} name */
function memory(name) {
  const status = readFileSync('/proc/self/status', 'utf8');
  return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
}

const now = () => ({ anonymous: memory('RssAnon'), resident: memory('VmRSS') });

/** @param {unknown} error */
function fields(error) {
  const { code, message, rule, path, byte } = /** @type {any} */ (error);
  return { code, message, rule, path, byte };
}

/** Reads a source to its end and keeps nothing. @param {any} source */
async function drain(source) {
  if (typeof source === 'string') return;
  const pieces = source instanceof Blob ? piecesOf(source) : (source.body ?? source);
  for await (const piece of pieces) void piece;
}

/** @param {Blob} blob */
async function* piecesOf(blob) {
  for (let at = 0; at < blob.size; at += 2 ** 20) yield blob.slice(at, at + 2 ** 20).arrayBuffer();
}

const tasks = {
  async open() {
    globalThis.gc?.();
    const before = now();
    const start = performance.now();
    const embedding = Embedding.loadSync(file);
    const opened = performance.now() - start;
    const { vocabSize, embeddingDim, readOnly } = embedding;
    const ids = Float64Array.from({ length: 1000 }, (_, i) => Math.floor(((i * 0.618_034) % 1) * vocabSize));
    const rows = embedding.forward([...ids.subarray(0, 999), vocabSize - 1]).data;
    const looked = performance.now() - start;
    const after = now();
    embedding.prefetch([0, vocabSize - 1]);
    return {
      opened,
      looked,
      before,
      after,
      vocabSize,
      embeddingDim,
      readOnly,
      last: Array.from(rows.slice(-embeddingDim)),
    };
  },

  async cut() {
    const embedding = Embedding.loadSync(file);
    const query = new Float32Array(embedding.embeddingDim).fill(1);
    const out = new Float32Array(embedding.embeddingDim * embedding.vocabSize);
    const all = Uint32Array.from({ length: embedding.vocabSize }, (_, i) => i);
    /** @type {Record<string, () => unknown>} */
    const calls = {
      forward: () => embedding.forwardInto(all, out),
      nearest: () => embedding.nearest(query),
      row: () => embedding.weight.row(embedding.vocabSize - 1),
      convert: () => embedding.convert('f32').dispose(),
      toBytes: () => embedding.toBytes('safetensors'),
    };
    const call = /** @type {() => unknown} */ (calls[more]);
    call();
    process.send?.('ready');
    /** @type {unknown[]} */
    const thrown = [];
    const until = performance.now() + 20_000;
    let times = 0;
    while (thrown.length < 2 && performance.now() < until) {
      try {
        times++;
        call();
      } catch (error) {
        thrown.push(fields(error));
      }
    }
    // The process is well: another table, and this one can be disposed.
    const other = new Embedding({ vocabSize: 3, embeddingDim: 2, seed: 1 });
    const alive = other.forward([0, 2]).shape;
    embedding.dispose();
    return { thrown, alive, times };
  },

  async signal() {
    /** @type {string[]} */
    const received = [];
    const listen = () => process.on('SIGBUS', (signal) => received.push(signal));
    if (more === 'before') listen();
    const embedding = Embedding.loadSync(file);
    if (more === 'after') listen();
    process.kill(process.pid, 'SIGBUS');
    for (let i = 0; i < 100 && received.length === 0; i++) await sleep(20);
    return { received, row: Array.from(embedding.weight.row(0)) };
  },

  async save() {
    const rows = Number(more);
    for (let value = 1; ; value++) {
      const weight = new Float32Array(rows * 64).fill(value);
      const embedding = Embedding.fromPretrained(weight, { embeddingDim: 64 });
      await embedding.save(file);
      embedding.dispose();
      if (value === 1) process.send?.('saved');
    }
  },

  async 'save-once'() {
    const weight = new Float32Array(Number(more) * 64).fill(7);
    try {
      await Embedding.fromPretrained(weight, { embeddingDim: 64 }).save(file);
      return { saved: true };
    } catch (error) {
      const { code, syscall, message } = /** @type {any} */ (error);
      return { code, syscall, message };
    }
  },

  async peak() {
    const sources = {
      file: () => file,
      blob: () => openAsBlob(file),
      response: async () =>
        new Response(/** @type {any} */ (createReadStream(file)), {
          headers: { 'content-length': String(statSync(file).size) },
        }),
      stream: () => createReadStream(file),
    };
    const make = /** @type {() => unknown} */ (sources[/** @type {keyof typeof sources} */ (more)]);
    // What the engine needs to pass the bytes on does not count: they are read and dropped first.
    const small = Embedding.fromPretrained(new Float32Array(64), { embeddingDim: 8 }).toBytes('safetensors');
    await Embedding.load(new Blob([/** @type {any} */ (small)]).stream());
    await drain(await make());
    globalThis.gc?.();
    await sleep(20);
    const [before, passed] = [memory('VmRSS'), memory('VmHWM')];
    const embedding = await Embedding.load(/** @type {any} */ (await make()), { mmap: false });
    const rows = [0, embedding.vocabSize - 1].map((row) => embedding.weight.row(row)[0]);
    return {
      bytes: statSync(file).size,
      peak: memory('VmHWM') - Math.max(before, passed),
      rows,
      readOnly: embedding.readOnly,
    };
  },
};

const result = await tasks[/** @type {keyof typeof tasks} */ (task)]();
console.log(JSON.stringify(result));
if (process.connected) process.disconnect();
