/** The Worker: one handler for each call of the page. It owns the WebAssembly; the page has none. */

import { backendInfo, init } from 'tokenbed';
import type { Answer, Ask, Calls, Kind } from './messages.js';
import { Embedder } from './work/embed.js';
import { encode } from './work/encode.js';
import { measure } from './work/measure.js';
import { profile } from './work/profile.js';

type Handlers = {
  [K in Kind]: (
    ask: Calls[K]['ask'],
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
  pieces: (stretch) => embedder.pieces(stretch),
  lens: (stretch) => embedder.lens(stretch),
  file: () => embedder.file(),
  encoding: encode,
  measure,
  profile,
};

const started = init();

async function answer<K extends Kind>({ id, kind, ask }: Ask<K>): Promise<void> {
  try {
    await started;
    const reply = await handlers[kind](ask, (part) => send({ id, part }));
    send({ id, reply }, buffersIn(reply));
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const code = (error as { code?: string }).code;
    send({ id, error: { name: code === undefined ? name : `${name} ${code}`, message } });
  }
}

function send(message: Answer, transfer: ArrayBuffer[] = []): void {
  self.postMessage(message, { transfer });
}

/** The arrays of a reply: itself, or its members. */
function buffersIn(reply: unknown): ArrayBuffer[] {
  const members: unknown[] =
    reply instanceof ArrayBuffer ? [reply] : Object.values((reply ?? {}) as Record<string, unknown>);
  return members.flatMap((member) => {
    if (member instanceof ArrayBuffer) return [member];
    return member instanceof Float32Array ? [member.buffer as ArrayBuffer] : [];
  });
}

self.addEventListener('message', ({ data }: MessageEvent<Ask>) => void answer(data));
