/**
 * A load test of the service, in one process: hundreds of concurrent requests, overload, invalid requests, a slow
 * reader, disconnecting clients, and shutdown. Every reply is compared with a direct lookup, bit for bit.
 *
 *   npm run example http-service -- load
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request, type RequestOptions } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { backendInfo, CharTokenizer, Embedding, type Tokenizer } from 'tokenbed';
import { PretrainedTokenizer } from 'tokenbed/text';
import { EmbedService, type Limits } from './service.js';

const VOCAB = 10_000;
const DIM = 128;
const embedding = new Embedding({ vocabSize: VOCAB, embeddingDim: DIM, seed: 7 });
const tokenizer = new CharTokenizer();

/** Reuses connections. At most 200 requests run concurrently. */
const agent = new Agent({ keepAlive: true, maxSockets: 200 });

interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A request over a new connection. */
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
    // The server may close an idle connection just as it is reused. It has not read the request, so retry.
    if (sent.reusedSocket && (error as { code?: string }).code === 'ECONNRESET') return post(port, body);
    throw error;
  }
}
const postIds = (port: number, ids: unknown): Promise<Reply> => post(port, JSON.stringify({ ids }));

/** Asserts status 200, the shape, and the bits of a direct lookup. */
function assertRows(reply: Reply, ids: number[] | number[][]): void {
  assert.equal(reply.status, 200, reply.body.toString());
  const { data, shape } = embedding.forward(ids);
  assert.equal(reply.headers['x-dtype'], 'f32');
  assert.equal(reply.headers['x-shape'], shape.join());
  assert.ok(reply.body.equals(Buffer.from(data.buffer)), 'the bits differ from a direct lookup');
}

function assertRefused(reply: Reply, status: number, code: string): void {
  const error = JSON.parse(reply.body.toString()) as { code: string; message: string };
  assert.deepEqual([reply.status, error.code], [status, code], error.message);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(1);
}

/** Waits for the service, whose side of a connection closes slightly later than the client's. */
const idle = (service: EmbedService): Promise<void> => until(() => service.inFlight === 0);

/** Starts a service, runs `work` and prints its result. Then closes the service, unless `work` has closed it. */
async function withService(
  limits: Partial<Limits>,
  work: (port: number, service: EmbedService) => Promise<string>,
  { closes = false, encodes = tokenizer }: { closes?: boolean; encodes?: Tokenizer } = {},
): Promise<void> {
  const service = new EmbedService(embedding, limits, encodes);
  const port = await service.listen(0);
  console.log(await work(port, service));
  if (!closes) await service.close();
  assert.equal(service.inFlight, 0);
  await assert.rejects(replyTo(open(port).end()), { code: 'ECONNREFUSED' });
}

/** Batch `k`: 1 to 4 sequences of 1 to 64 ids. */
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
  assert.ok(service.lookups < batches.length, 'concurrent requests were not combined into one lookup');
  const { name, isa } = backendInfo();
  const rate = Math.round((1000 * batches.length) / ms);
  return `${name} ${isa}: ${batches.length} requests, 200 concurrent, ${rate} per second, ${service.lookups} lookups`;
});

await withService({ tokens: 512, bodyBytes: 4096 }, async (port) => {
  assertRows(await post(port, '{"text": "Hi!"}'), tokenizer.encode('Hi!'));
  assertRows(await postIds(port, []), []);
  // Requests are looked up together, but only the invalid one fails.
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
  return '11 invalid requests were refused with a reason, all others were answered';
});

const model = PretrainedTokenizer.fromJSON({
  version: '1.0',
  pre_tokenizer: { type: 'WhitespaceSplit' },
  model: { type: 'WordLevel', vocab: { '[UNK]': 0, one: 1, two: 2 }, unk_token: '[UNK]' },
});
await withService(
  {},
  async (port) => {
    assertRows(await post(port, '{"text": "two one three"}'), [2, 1, 0]);
    return 'text became the ids of a model';
  },
  { encodes: model },
);

await withService({ requests: 8 }, async (port, service) => {
  // Eight incomplete requests occupy all slots. A hundred others retry until they are answered.
  const firstEight = Array.from({ length: 8 }, () => open(port));
  for (const sent of firstEight) sent.write('{"ids"');
  await until(() => service.inFlight === 8);
  let refused = 0;
  const hundred = Array.from({ length: 100 }, async (_, k) => {
    for (;;) {
      const reply = await postIds(port, someIds(k));
      if (reply.status === 200) return assertRows(reply, someIds(k));
      assertRefused(reply, 503, 'BUSY');
      assert.equal(reply.headers['retry-after'], '1');
      refused++;
      await setTimeout(20); // sooner than retry-after, to keep the test short
    }
  });
  await until(() => refused >= 100);
  const replies = await Promise.all(firstEight.map((sent, k) => replyTo(sent.end(`: [${k}]}`))));
  replies.forEach((reply, k) => assertRows(reply, [k]));
  await Promise.all(hundred);
  return `limit of 8 requests: ${refused} replies with 503, and all requests were answered in the end`;
});

await withService({ requests: 3, tokens: 65_536 }, async (port, service) => {
  // A reply of 32 MiB to a client that does not read yet, more than the socket buffers hold. Other slots stay usable.
  const ids = Array.from({ length: 65_536 }, (_, k) => k % VOCAB);
  const sent = open(port).end(JSON.stringify({ ids }));
  const [slow] = (await once(sent, 'response')) as [IncomingMessage];
  for (let k = 0; k < 20; k++) assertRows(await postIds(port, [k]), [k]);
  const reversed = [...ids].reverse();
  assertRows(await postIds(port, reversed), reversed);
  await until(() => service.inFlight <= 1);
  assert.equal(service.inFlight, 1, 'a reply counted as sent before it was read');
  const pieces: Buffer[] = [];
  for await (const piece of slow as AsyncIterable<Buffer>) pieces.push(piece);
  assertRows({ status: slow.statusCode!, headers: slow.headers, body: Buffer.concat(pieces) }, ids);

  // One client disconnects while sending, one while receiving. Their slots become free.
  await idle(service);
  const [leaver, reader] = [open(port), open(port)];
  leaver.on('error', () => {}).write('{');
  reader.on('error', () => {}).end(JSON.stringify({ ids }));
  await once(reader, 'response');
  leaver.destroy();
  reader.destroy();
  await idle(service);
  return 'a slow reader did not block others, and disconnected clients freed their slots';
});

const shutdown = async (port: number, service: EmbedService): Promise<string> => {
  const fifty = Array.from({ length: 50 }, () => open(port, { agent })); // keep-alive connections, closed by the shutdown
  for (const sent of fifty) sent.write('{"ids"');
  await until(() => service.inFlight === 50);
  const closed = service.close();
  const replies = await Promise.all(fifty.map((sent, k) => replyTo(sent.end(`: [${k}]}`))));
  replies.forEach((reply, k) => assertRows(reply, [k]));
  await closed;
  return 'shutdown during 50 incomplete requests: all were answered';
};
await withService({}, shutdown, { closes: true });

agent.destroy();
embedding.dispose();
