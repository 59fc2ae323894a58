/** `tokenbed inspect`: what it prints about files of every format, as a table and as JSON. */

import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'tokenbed';
import { describe, expect, it } from 'vitest';
import { npy, npyHeader, tensors } from '../helpers/files.js';
import { tensorOf } from './cli-files.js';
import { expectFailure, folder, printed, tokenbed } from './cli-program.js';

const table = tensorOf(
  'F32',
  [4, 3],
  Float32Array.from({ length: 12 }, (_, i) => i / 4),
);
const mapping = tensorOf('I64', [6], BigInt64Array.from([0n, 1n, 2n, 3n, 3n, 0n]));

const MODEL = tensors({ mapping, embeddings: table }, { format: 'pt', source: 'a test' });
const HEADER_BYTES = MODEL.length - 48 - 48;

describe('inspect', () => {
  it('prints tensors and metadata as a table', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'model.safetensors'), MODEL);
    expect(await printed(['inspect', 'model.safetensors'], { cwd })).toBe(
      `model.safetensors: safetensors, 2 tensors

tensor      dtype  shape   bytes  offset
mapping     I64    [6]     48     ${HEADER_BYTES}
embeddings  F32    [4, 3]  48     ${HEADER_BYTES + 48}

metadata
  format  pt
  source  a test
`,
    );
  });

  it.each([
    ['safetensors', MODEL],
    ['npy', npy(npyHeader('<f2', '(3, 2)', 'False'), new Uint16Array(6))],
    ['glove', Buffer.from('cat 1 2 3\ndog 4 5 6\n')],
    ['word2vec', Buffer.from('2 3\ncat 1 2 3\ndog 4 5 6\n')],
  ])('prints what inspect() returns of %s, as JSON', async (format, bytes) => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'file'), bytes);
    const info = await inspect(path.join(cwd, 'file'));
    expect(info.format).toBe(format);
    expect(JSON.parse(await printed(['inspect', '--json', 'file'], { cwd }))).toEqual({
      ...info,
      metadata: { ...info.metadata },
    });
    const text = await printed(['inspect', 'file'], { cwd });
    expect(text).toMatch(new RegExp(`^file: ${format}, [12] tensors?\n`));
    for (const { name, dtype, shape } of info.tensors) {
      expect(text).toMatch(new RegExp(`^${name} +${dtype} +\\[${shape.join(', ')}\\] `, 'm'));
    }
  });

  it('reads the tensors of all shards', async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, 'a.safetensors'), tensors({ embeddings: table }));
    writeFileSync(path.join(cwd, 'b.safetensors'), tensors({ mapping }));
    const weight_map = { embeddings: 'a.safetensors', mapping: 'b.safetensors' };
    writeFileSync(path.join(cwd, 'm.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map }));
    const text = await printed(['inspect', 'm.safetensors.index.json'], { cwd });
    expect(text).toMatch(/^embeddings +F32 +\[4, 3\] /m);
    expect(text).toMatch(/^mapping +I64 +\[6\] /m);
  });

  it('reads a header and not the rows behind it', async () => {
    const cwd = folder();
    const file = path.join(cwd, 'sparse.npy');
    const rows = 2 ** 20;
    writeFileSync(file, npy(npyHeader('<f4', `(${rows}, 2048)`, 'False'), new Uint8Array(0)));
    const header = npy(npyHeader('<f4', `(${rows}, 2048)`, 'False'), new Uint8Array(0)).length;
    truncateSync(file, header + rows * 2048 * 4); // 8 GiB of zeros that take no disk
    const start = performance.now();
    expect(await printed(['inspect', 'sparse.npy'], { cwd })).toMatch(
      /^weight +<f4 +\[1048576, 2048\] +8,589,934,592 /m,
    );
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('keeps control characters of names and values from the terminal, and cuts long values', async () => {
    const cwd = folder();
    const metadata = { '\u001b[2Jkey': 'line\nbreak \u202e', long: 'x'.repeat(500), __proto__x: 'data' };
    writeFileSync(path.join(cwd, 'w'), tensors({ '\u001b[31mred': table }, metadata));
    const text = await printed(['inspect', 'w'], { cwd });
    // oxlint-disable-next-line no-control-regex -- they are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(text).toContain('\\u{1b}[31mred');
    expect(text).toContain('line\\u{a}break \\u{202e}');
    expect(text).toMatch(/^ {2}long +x{69}\.\.\.$/m);
    const json = JSON.parse(await printed(['inspect', '--json', 'w'], { cwd })) as { metadata: object };
    expect(json.metadata).toEqual(metadata);
  });

  it('shows names like __proto__ as data', async () => {
    const cwd = folder();
    const entry = JSON.stringify({ dtype: 'F32', shape: [1, 1], data_offsets: [0, 4] });
    const header = Buffer.from(`{"__proto__":${entry},"__metadata__":{"constructor":"c"}}`);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(path.join(cwd, 'w'), Buffer.concat([length, header, Buffer.alloc(4)]));
    const text = await printed(['inspect', 'w'], { cwd });
    expect(text).toMatch(/^__proto__ +F32 +\[1, 1\] /m);
    expect(text).toMatch(/^ {2}constructor {2}c$/m);
  });

  it('takes exactly one file', async () => {
    await expectFailure(['inspect'], 2, 'ERR_USAGE: inspect takes FILE: got nothing');
    await expectFailure(['inspect', 'a', 'b'], 2, 'ERR_USAGE: inspect takes FILE: got "a" "b"');
    await expectFailure(['inspect', ''], 2, 'ERR_USAGE: inspect takes FILE: got ""');
  });

  it('reports what is wrong with the file in one line', async () => {
    const cwd = folder();
    mkdirSync(path.join(cwd, 'sub'));
    writeFileSync(path.join(cwd, 'short'), MODEL.subarray(0, -1));
    writeFileSync(path.join(cwd, 'zip'), Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(60)]));
    await expectFailure(['inspect', 'none'], 1, 'tokenbed: ENOENT: none: no such file or directory', { cwd });
    await expectFailure(['inspect', 'sub'], 1, 'tokenbed: EISDIR: sub: ', { cwd });
    await expectFailure(['inspect', 'short'], 1, /^tokenbed: ERR_FORMAT: short: /, { cwd });
    await expectFailure(['inspect', 'zip'], 1, /^tokenbed: ERR_FORMAT: zip: .*zip/, { cwd });
    const { stderr } = await tokenbed(['inspect', 'short', '--verbose'], { cwd });
    expect(stderr).toMatch(/^tokenbed: ERR_FORMAT: .*\n[^]*\n {4}at /);
  });
});
