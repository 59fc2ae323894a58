/**
 * Tests examples/cloudflare-worker in workerd, like its `npm start`: concurrent replies are bit-identical to Node's, and
 * errors have their code. workerd reports the free port on which it listens.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { CharTokenizer, EmbeddingLayer } from 'tokenbed';
import { endWithUs, must, root } from '../lib/run.mjs';

const cwd = path.join(root, 'examples/cloudflare-worker');
await must('npm', ['run', 'build'], { cwd });

const CONTROL = 3; // the file descriptor of workerd's control messages
const args = ['serve', 'workerd.capnp', '--socket-addr=http=127.0.0.1:0', `--control-fd=${CONTROL}`];
const program = createRequire(path.join(cwd, 'package.json'))('workerd').default;
const workerd = spawn(program, args, {
  cwd,
  stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
});
endWithUs(workerd);
const ended = once(workerd, 'close');

const control = /** @type {import('node:stream').Readable} */ (workerd.stdio[CONTROL]);
const firstLine = once(createInterface(control), 'line');
const [line] = await Promise.race([firstLine, ended.then(() => Promise.reject(new Error('workerd ended')))]);
const { event, port } = JSON.parse(line);
assert.equal(event, 'listen');

const tokenizer = new CharTokenizer();
const layer = new EmbeddingLayer({ vocabSize: tokenizer.vocabSize, embeddingDim: 64, seed: 7 });
const get = (/** @type {string} */ text) =>
  fetch(`http://127.0.0.1:${port}/?text=${encodeURIComponent(text)}`);

const texts = Array.from({ length: 100 }, (_, k) => 'Hello world! '.repeat(k % 32).slice(k % 7));
await Promise.all(
  texts.map(async (text) => {
    const reply = await get(text);
    const { data, shape } = layer.forward(tokenizer.encode(text));
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('x-shape'), shape.join());
    assert.ok(
      Buffer.from(await reply.arrayBuffer()).equals(Buffer.from(data.buffer)),
      'the bits differ from Node',
    );
  }),
);

const tooLong = await get('x'.repeat(600));
assert.equal(tooLong.status, 400);
assert.equal((await tooLong.json()).code, 'ERR_SEQUENCE_LENGTH');

workerd.kill('SIGTERM');
await ended;
console.log(`workerd: ${texts.length} replies, bit-identical to Node`);
