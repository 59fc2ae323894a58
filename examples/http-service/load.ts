/**
 * The service under load, in one process: hundreds of requests at once, too many, wrong ones, a reader who does
 * not read, a sender who goes away, and the end. Every reply is compared with a lookup of our own, bit for bit.
 *
 *   npm run example http-service -- load
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request, type RequestOptions } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { backendInfo, CharTokenizer, Embedding } from 'tokenbed';
import { EmbedService, type Limits } from './service.js';

const VOCAB = 10_000;
const DIM = 128;
const embedding = new Embedding({ vocabSize: VOCAB, embeddingDim: DIM, seed: 7 });
const tokenizer = new CharTokenizer();

/** Connections are kept and used again, as many as there are requests at a time. */
const agent = new Agent({ keepAlive: true, maxSockets: 200 });

interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A request over a connection of its own. */
const open = (port: number, options: RequestOptions = {}): ClientRequest =>
  request({ port, method: 'POST', path: '/embed', agent: false, ...options });

async function replyTo(sent: ClientRequest): Promise<Reply> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
  return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(pieces) };
}

async function post(port: number, body: string): Promise<Reply> {
  const sent = open(port, { agent }).end(body);
  try {
    return await replyTo(sent);
  } catch (error) {
    // A kept connection can be closed at the moment in which it is used again: nothing has been read of it.
    if (sent.reusedSocket && (error as { code?: string }).code === 'ECONNRESET') return post(port, body);
    throw error;
  }
}
const postIds = (port: number, ids: unknown): Promise<Reply> => post(port, JSON.stringify({ ids }));

/** 200, the shape, and the bits that a lookup of our own has. */
function assertRows(reply: Reply, ids: number[] | number[][]): void {
  assert.equal(reply.status, 200, reply.body.toString());
  const { data, shape } = embedding.forward(ids);
  assert.equal(reply.headers['x-dtype'], 'f32');
  assert.equal(reply.headers['x-shape'], shape.join());
  assert.ok(reply.body.equals(Buffer.from(data.buffer)), 'other bits than a lookup of our own');
}

function assertRefused(reply: Reply, status: number, code: string): void {
  const said = JSON.parse(reply.body.toString()) as { code: string; message: string };
  assert.deepEqual([reply.status, said.code], [status, code], said.message);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(1);
}

/** The service's side of a connection ends a little later than ours. */
const idle = (service: EmbedService): Promise<void> => until(() => service.inFlight === 0);

/** Runs `work` against a service of its own and closes it, unless `work` did: it resolves to what came out. */
async function withService(
  limits: Partial<Limits>,
  work: (port: number, service: EmbedService) => Promise<string>,
  { closes = false } = {},
): Promise<void> {
  const service = new EmbedService(embedding, limits);
  const port = await service.listen(0);
  console.log(await work(port, service));
  if (!closes) await service.close();
  assert.equal(service.inFlight, 0);
  await assert.rejects(replyTo(open(port).end()), { code: 'ECONNREFUSED' });
}

/** Batches of 1 to 4 sequences of 1 to 64 ids, each different. */
function someIds(k: number): number[][] {
  const [batch, seq] = [1 + (k % 4), 1 + ((k * 7) % 64)];
  return Array.from({ length: batch }, (_, b) =>
    Array.from({ length: seq }, (_, s) => (k * 7919 + b * 104_729 + s * 1_299_709) % VOCAB),
  );
}

await withService({}, async (port, service) => {
  const batches = Array.from({ length: 600 }, (_, k) => someIds(k));
  const start = performance.now();
  const replies = await Promise.all(batches.map((ids) => postIds(port, ids)));
  const ms = performance.now() - start;
  replies.forEach((reply, k) => assertRows(reply, batches[k]!));
  assert.ok(service.lookups < batches.length, 'requests that came together were looked up one by one');
  const { name, isa } = backendInfo();
  const rate = Math.round((1000 * batches.length) / ms);
  return `${name} ${isa}: ${batches.length} requests, 200 at a time, ${rate} per second, ${service.lookups} lookups`;
});

await withService({ tokens: 512, bodyBytes: 4096 }, async (port) => {
  assertRows(await post(port, '{"text": "Hi!"}'), tokenizer.encode('Hi!'));
  assertRows(await postIds(port, []), []);
  // A wrong one among others: they are looked up together, and it alone fails.
  const [good, bad] = await Promise.all([postIds(port, [[1, 2]]), postIds(port, [3, VOCAB])]);
  assertRows(good, [[1, 2]]);
  assertRefused(bad, 400, 'ERR_ID_OUT_OF_RANGE');
  assert.match(bad.body.toString(), /got 10000 at \[1\]/);
  assertRefused(await postIds(port, [[1], [2, 3]]), 400, 'ERR_RAGGED');
  assertRefused(await postIds(port, [1.5]), 400, 'ERR_RANGE');
  assertRefused(await postIds(port, 'one'), 400, 'ERR_INVALID_ARRAY');
  assertRefused(await post(port, '{"text": 5}'), 400, 'ERR_INVALID_OPTION');
  assertRefused(await post(port, 'null'), 400, 'ERR_INVALID_ARRAY');
  assertRefused(await post(port, '{"ids":'), 400, 'INVALID_JSON');
  assertRefused(await postIds(port, new Array(513).fill(1)), 413, 'TOO_MANY_TOKENS');
  assertRefused(await post(port, ' '.repeat(2 ** 23)), 413, 'BODY_TOO_LARGE');
  assertRefused(await replyTo(open(port, { method: 'GET' }).end()), 405, 'METHOD_NOT_ALLOWED');
  assertRefused(await replyTo(open(port, { path: '/' }).end()), 404, 'NOT_FOUND');
  assertRows(await postIds(port, [7]), [7]);
  return '11 wrong requests: each refused with its reason, those beside and after them answered';
});

await withService({ requests: 8 }, async (port, service) => {
  // Eight who have begun to send hold every place, and a hundred more come, again and again, as they are told.
  const eight = Array.from({ length: 8 }, () => open(port));
  for (const sent of eight) sent.write('{"ids"');
  await until(() => service.inFlight === 8);
  let refused = 0;
  const hundred = Array.from({ length: 100 }, async (_, k) => {
    for (;;) {
      const reply = await postIds(port, someIds(k));
      if (reply.status === 200) return assertRows(reply, someIds(k));
      assertRefused(reply, 503, 'BUSY');
      assert.equal(reply.headers['retry-after'], '1');
      refused++;
      await setTimeout(20); // for a test, sooner than retry-after says
    }
  });
  await until(() => refused >= 100);
  const replies = await Promise.all(eight.map((sent, k) => replyTo(sent.end(`: [${k}]}`))));
  replies.forEach((reply, k) => assertRows(reply, [k]));
  await Promise.all(hundred);
  return `8 at a time: ${refused} times 503, and everybody was answered in the end`;
});

await withService({ requests: 3, tokens: 65_536 }, async (port, service) => {
  // 32 MiB for one who does not read yet: more than a connection holds. The other places are for others.
  const ids = Array.from({ length: 65_536 }, (_, k) => k % VOCAB);
  const sent = open(port).end(JSON.stringify({ ids }));
  const [slow] = (await once(sent, 'response')) as [IncomingMessage];
  for (let k = 0; k < 20; k++) assertRows(await postIds(port, [k]), [k]);
  const reversed = [...ids].reverse();
  assertRows(await postIds(port, reversed), reversed);
  await until(() => service.inFlight <= 1);
  assert.equal(service.inFlight, 1, 'a reply was taken for sent before it was read');
  const pieces: Buffer[] = [];
  for await (const piece of slow as AsyncIterable<Buffer>) pieces.push(piece);
  assertRows({ status: slow.statusCode!, headers: slow.headers, body: Buffer.concat(pieces) }, ids);

  // One who goes away while sending, one while being answered: their places are free again.
  await idle(service);
  const [leaver, reader] = [open(port), open(port)];
  leaver.on('error', () => {}).write('{');
  reader.on('error', () => {}).end(JSON.stringify({ ids }));
  await once(reader, 'response');
  leaver.destroy();
  reader.destroy();
  await idle(service);
  return 'a slow reader held up nobody, and those who went away left no trace';
});

const atTheEnd = async (port: number, service: EmbedService): Promise<string> => {
  const fifty = Array.from({ length: 50 }, () => open(port, { agent })); // which would be kept, but for the end
  for (const sent of fifty) sent.write('{"ids"');
  await until(() => service.inFlight === 50);
  const closed = service.close();
  const replies = await Promise.all(fifty.map((sent, k) => replyTo(sent.end(`: [${k}]}`))));
  replies.forEach((reply, k) => assertRows(reply, [k]));
  await closed;
  return 'closed while 50 requests were being read: all of them were answered';
};
await withService({}, atTheEnd, { closes: true });

agent.destroy();
embedding.dispose();
