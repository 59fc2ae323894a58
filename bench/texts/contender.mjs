/**
 * A contender of ../texts.mjs in a process of its own: `contender.mjs NAME TOKENIZER TEXTS`. It answers each line on standard
 * input with a line of JSON:
 *
 *   ids    a hash of the ids of each text
 *   first  the milliseconds of a pass of a new tokenizer object over all texts
 *   warm   the same of the object that there is
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { stopwatch } from '../files/stopwatch.mjs';
import { importPeer, requirePeer } from '../peers/installed.mjs';

const [, , name = '', file = '', texts = ''] = process.argv;
const json = readFileSync(file, 'utf8');
const all = readFileSync(texts, 'utf8')
  .split('\0')
  .filter((text) => text);

/** @typedef {{ pass: () => unknown, ids: () => Iterable<Iterable<number>> | Promise<Iterable<Iterable<number>>> }} Open */

/** @type {Record<string, () => Promise<Open>>} */
const OPEN = {
  'tokenbed native': () => own('native'),
  'tokenbed wasm': () => own('wasm'),
  async '@huggingface/tokenizers'() {
    const { Tokenizer } = await importPeer('@huggingface/tokenizers/dist/tokenizers.mjs');
    const tokenizer = new Tokenizer(JSON.parse(json), {});
    const encode = (/** @type {string} */ text) => tokenizer.encode(text, { add_special_tokens: false }).ids;
    return { pass: () => all.map(encode), ids: () => all.map(encode) };
  },
  async tokenizers() {
    const { Tokenizer } = requirePeer('tokenizers');
    const tokenizer = Tokenizer.fromString(json);
    const passes = async () => {
      const ids = [];
      for (let start = 0; start < all.length; start += 1024) {
        const batch = await tokenizer.encodeBatch(all.slice(start, start + 1024), {
          addSpecialTokens: false,
        });
        for (const each of batch) ids.push(each.getIds());
      }
      return ids;
    };
    return { pass: passes, ids: passes };
  },
};

/** @param {'native' | 'wasm'} backend @returns {Promise<Open>} */
async function own(backend) {
  const { init } = await import('tokenbed');
  await init({ backend });
  const { PretrainedTokenizer, init: initText } = await import('tokenbed/text');
  await initText();
  const tokenizer = PretrainedTokenizer.fromJSON(json);
  return {
    pass: () => tokenizer.encodeBatch(all),
    ids() {
      const { ids, offsets } = tokenizer.encodeBatch(all);
      return all.map((_, index) => ids.subarray(offsets[index], offsets[index + 1]));
    },
  };
}

const open = OPEN[name];
if (open === undefined) throw new Error(`no contender ${name}`);
let opened = await open();
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  if (line === 'ids') {
    const hash = (/** @type {Iterable<number>} */ ids) =>
      createHash('md5').update(Uint32Array.from(ids)).digest('base64url').slice(0, 12);
    answer = Array.from(await opened.ids(), hash);
  } else {
    if (line === 'first') opened = await open();
    globalThis.gc?.();
    const elapsed = stopwatch();
    await opened.pass();
    answer = elapsed();
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
