/**
 * The Worker: one handler per call of the page. Only the Worker uses WebAssembly. What the first view does not need is
 * imported on demand.
 */

import { backendInfo, init } from 'tokenbed';
import type { Answer, Call, Calls, Kind } from './messages.js';
import { Embedder } from './work/embed.js';
import { encode } from './work/encode.js';

type Handlers = {
  [K in Kind]: (
    input: Calls[K]['input'],
    onPart: (part: Calls[K]['part']) => void,
  ) => Calls[K]['reply'] | Promise<Calls[K]['reply']>;
};

const embedder = new Embedder();

const handlers: Handlers = {
  start() {
    const { isa, version } = backendInfo();
    return { isa, version };
  },
  embed: (settings) => embedder.embed(settings),
  pieces: (range) => embedder.pieces(range),
  lens: (range) => embedder.lens(range),
  file: () => embedder.file(),
  openModel: async (file) => (await import('./work/model.js')).open(file),
  modelTokens: async (input) => (await import('./work/model.js')).tokens(input),
  encoding: encode,
  measure: async (settings, onRound) => (await import('./work/measure.js')).measure(settings, onRound),
  profile: async (input, onStep) => (await import('./work/profile.js')).profile(input, onStep),
  inspect: async (file) => (await import('./work/tables.js')).inspectFile(file),
  load: async (settings, onStep) => (await import('./work/tables.js')).load(settings, onStep),
  find: async (query) => (await import('./work/tables.js')).find(query),
  loadModel: async (cache, onStep) => (await import('./work/search.js')).load(cache, onStep),
  indexText: async (text, onStep) => (await import('./work/search.js')).index(text, onStep),
  search: async (query) => (await import('./work/search.js')).search(query),
  textsPerSecond: async () => (await import('./work/search.js')).textsPerSecond(),
  keptRun: async () => (await import('./work/train.js')).keptRun(),
  newRun: async (text) => (await import('./work/train.js')).newRun(text),
  train: async (_, onStep) => (await import('./work/train.js')).train(onStep),
  stopTraining: async () => (await import('./work/train.js')).stop(),
  wordsNear: async (word) => (await import('./work/train.js')).wordsNear(word),
  forgetRun: async () => (await import('./work/train.js')).forget(),
};

const ready = init();

async function answer<K extends Kind>({ id, kind, input }: Call<K>): Promise<void> {
  try {
    await ready;
    const reply = await handlers[kind](input, (part) => send({ id, part }));
    send({ id, reply }, buffersIn(reply));
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const { code } = error as { code?: unknown }; // of a DOMException it is a number
    send({ id, error: { name: typeof code === 'string' ? `${name} ${code}` : name, message } });
  }
}

function send(message: Answer, transfer: ArrayBuffer[] = []): void {
  self.postMessage(message, { transfer });
}

/** The buffers to transfer: the reply itself, or those of its members. */
function buffersIn(reply: unknown): ArrayBuffer[] {
  const members: unknown[] =
    reply instanceof ArrayBuffer ? [reply] : Object.values((reply ?? {}) as Record<string, unknown>);
  return members.flatMap((member) => {
    if (member instanceof ArrayBuffer) return [member];
    return member instanceof Float32Array ? [member.buffer as ArrayBuffer] : [];
  });
}

self.addEventListener('message', ({ data }: MessageEvent<Call>) => void answer(data));
