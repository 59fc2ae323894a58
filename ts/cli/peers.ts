/**
 * Other libraries with lookups, if they are installed in the current folder.
 *
 * Each is loaded when it is its turn, after the contenders that need no library: a loaded library slows down plain
 * loops.
 */

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Entrant, Feed, type Job } from './contenders.js';
import { gatherModel, TABLE_FILE } from './onnx.js';

/** An installed library. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Loads it. */
  open(): Promise<Prepare>;
}

/** Creates a contender; `null` if the table is too large for the library. */
export type Prepare = (job: Job) => Promise<Entrant | null>;

/** `require`, from the current folder. */
const requireHere = createRequire(path.join(process.cwd(), 'package.json'));

const TENSORFLOW_WASM = '@tensorflow/tfjs-backend-wasm';

/** The largest table in bytes: these libraries have memories of 2 or 4 GiB and copy a table twice. */
const LARGEST = 1.5 * 2 ** 30;

/** The folder of an installed package. */
function folderOf(name: string): string | undefined {
  const folders = (requireHere.resolve.paths(name) ?? []).map((modules) => path.join(modules, name));
  return folders.find((folder) => existsSync(path.join(folder, 'package.json')));
}

/** Imports a file of a package as an ES module, which has separate copies of its dependencies. */
function importFrom(name: string, file: string): Promise<unknown> {
  return import(pathToFileURL(path.join(folderOf(name)!, file)).href);
}

/** The part of onnxruntime that is used here; both builds have it. */
interface Onnx {
  readonly env: { readonly wasm: { numThreads: number } };
  readonly Tensor: new (type: string, data: Float32Array | Int32Array, dims: readonly number[]) => OnnxTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: object): Promise<OnnxSession>;
  };
}

interface OnnxTensor {
  readonly data: Float32Array;
}

interface OnnxSession {
  run(feeds: object, fetches?: object): Promise<{ readonly rows: OnnxTensor }>;
  release(): Promise<void>;
}

/** Writes the rows into the caller's output; the table is an input that is read in place. */
async function onnxNode(): Promise<Prepare> {
  const ort = requireHere('onnxruntime-node') as Onnx;
  return async (job) => {
    const { vocab, dim, tokens } = job;
    const session = await ort.InferenceSession.create(gatherModel(job, 'input'), {
      executionProviders: ['cpu'],
    });
    const table = new ort.Tensor('float32', job.table, [vocab, dim]);
    const rows = new Float32Array(tokens * dim);
    const fetches = { rows: new ort.Tensor('float32', rows, [tokens, dim]) };
    const feed = new Feed(job);
    return {
      name: 'onnxruntime-node',
      async run(calls) {
        for (let i = 0; i < calls; i++) {
          const ids = new ort.Tensor('int32', feed.next(), [tokens]);
          await session.run({ table, ids }, fetches);
        }
      },
      answer: () => ({ rows, wanted: feed.wanted() }),
      close: () => session.release(),
    };
  };
}

/**
 * Imported, while onnxruntime-node is required. Both register a backend of the same name in onnxruntime-common; with
 * one shared copy, one would silently be measured as the other.
 */
async function onnxWeb(): Promise<Prepare> {
  const ort = (await importFrom('onnxruntime-web', 'dist/ort.node.min.mjs')) as Onnx;
  ort.env.wasm.numThreads = 1;
  return async (job) => {
    const { table, tokens } = job;
    if (table.byteLength > LARGEST) return null;
    const data = new Uint8Array(table.buffer, table.byteOffset, table.byteLength);
    const session = await ort.InferenceSession.create(gatherModel(job, 'external'), {
      executionProviders: ['wasm'],
      externalData: [{ path: TABLE_FILE, data }],
    });
    const feed = new Feed(job);
    let output: { readonly rows: OnnxTensor } | null = null;
    return {
      name: 'onnxruntime-web',
      async run(calls) {
        for (let i = 0; i < calls; i++) {
          output = null; // lets the last output be freed before the next one is created
          output = await session.run({ ids: new ort.Tensor('int32', feed.next(), [tokens]) });
        }
      },
      answer: () => ({ rows: output!.rows.data, wanted: feed.wanted() }),
      close: () => session.release(),
    };
  };
}

/** The part of TensorFlow.js that is used here. */
interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  tensor2d(data: Float32Array, shape: readonly [number, number]): TensorFlowTensor;
  tensor1d(data: Int32Array, dtype: 'int32'): TensorFlowTensor;
  gather(table: TensorFlowTensor, ids: TensorFlowTensor): TensorFlowTensor;
}

interface TensorFlowTensor {
  dataSync(): Float32Array;
  dispose(): void;
}

/** tf.gather, then dataSync: the rows of all other contenders end up in memory that JavaScript reads, too. */
async function tensorFlow(tf: TensorFlow, name: string, backend: string): Promise<Prepare> {
  if (!(await tf.setBackend(backend))) throw new Error(`its backend ${backend} does not start`);
  return async (job) => {
    if (job.table.byteLength > LARGEST) return null;
    const weight = tf.tensor2d(job.table, [job.vocab, job.dim]);
    const feed = new Feed(job);
    let rows = new Float32Array();
    return {
      name,
      run(calls) {
        for (let i = 0; i < calls; i++) {
          const ids = tf.tensor1d(feed.next(), 'int32');
          const gathered = tf.gather(weight, ids);
          rows = gathered.dataSync() as Float32Array<ArrayBuffer>;
          ids.dispose();
          gathered.dispose();
        }
      },
      answer: () => ({ rows, wanted: feed.wanted() }),
      close: () => weight.dispose(),
    };
  };
}

async function tensorFlowCompiled(): Promise<Prepare> {
  const tf = requireHere('@tensorflow/tfjs-core') as TensorFlow;
  const module = requireHere(TENSORFLOW_WASM) as { setWasmPaths(folder: string): void };
  module.setWasmPaths(`${path.join(folderOf(TENSORFLOW_WASM)!, 'dist')}${path.sep}`);
  return tensorFlow(tf, TENSORFLOW_WASM, 'wasm');
}

async function tensorFlowPlain(): Promise<Prepare> {
  return tensorFlow(requireHere('@tensorflow/tfjs') as TensorFlow, '@tensorflow/tfjs', 'cpu');
}

/** The part of jax-js that is used here. */
interface Jax {
  init(device: string): Promise<unknown>;
  defaultDevice(device: string): unknown;
  jit(call: (table: JaxArray, ids: JaxArray) => JaxArray): (table: JaxArray, ids: JaxArray) => JaxArray;
  readonly numpy: {
    array(data: Float32Array | Int32Array): JaxArray;
    take(table: JaxArray, ids: JaxArray, axis: number): JaxArray;
  };
}

interface JaxArray {
  /** A new reference: every use consumes one. */
  readonly ref: JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  dataSync(): Float32Array;
  dispose(): void;
}

/** `take` along the rows, compiled once, then dataSync. */
async function jaxCompiled(): Promise<Prepare> {
  const jax = (await importFrom('@jax-js/jax', 'dist/index.js')) as Jax;
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const { numpy: np } = jax;
  return async (job) => {
    if (job.table.byteLength > LARGEST) return null;
    const weight = np.array(job.table).reshape([job.vocab, job.dim]);
    const take = jax.jit((table, ids) => np.take(table, ids, 0));
    const feed = new Feed(job);
    let rows = new Float32Array();
    return {
      name: '@jax-js/jax',
      run(calls) {
        for (let i = 0; i < calls; i++) {
          rows = take(weight.ref, np.array(feed.next())).dataSync() as Float32Array<ArrayBuffer>;
        }
      },
      answer: () => ({ rows, wanted: feed.wanted() }),
      close: () => weight.dispose(),
    };
  };
}

const KNOWN: readonly {
  readonly name: string;
  readonly needs?: string;
  readonly open: () => Promise<Prepare>;
}[] = [
  { name: 'onnxruntime-node', open: onnxNode },
  { name: 'onnxruntime-web', open: onnxWeb },
  { name: TENSORFLOW_WASM, needs: '@tensorflow/tfjs-core', open: tensorFlowCompiled },
  { name: '@tensorflow/tfjs', open: tensorFlowPlain },
  { name: '@jax-js/jax', open: jaxCompiled },
];

/** The names of all supported libraries. */
export const PEER_NAMES: readonly string[] = KNOWN.map(({ name }) => name);

/** The supported libraries that are installed, and the names of those that are missing. */
export function findPeers(): { readonly installed: Peer[]; readonly missing: string[] } {
  const installed: Peer[] = [];
  const missing: string[] = [];
  for (const { name, needs = name, open } of KNOWN) {
    const folder = folderOf(name);
    if (folder === undefined || folderOf(needs) === undefined) {
      missing.push(name);
      continue;
    }
    const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    installed.push({ name, version, open });
  }
  return { installed, missing };
}
