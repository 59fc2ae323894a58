/** `save`: whole or not at all, whatever happens. */

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Embedding } from 'tokenbed';
import { describe, expect, inject, it } from 'vitest';
import { expectBits } from '../helpers/bits.js';
import { root } from '../helpers/children.js';
import { folder, startFiles } from '../helpers/disk.js';
import { expectRejection, invalidOption } from '../helpers/errors.js';
import { join } from '../helpers/files.js';
import { DTYPES, someRows } from '../helpers/stored.js';

const backend = inject('backend');
const env = { TOKENBED_BACKEND: backend };
const DIM = 7;
const table = (dtype: (typeof DTYPES)[number] = 'f32') =>
  Embedding.fromPretrained(someRows(DIM), { embeddingDim: DIM, dtype });

describe('save', () => {
  it.each(DTYPES)('%s: the bytes of toBytes', async (dtype) => {
    const file = path.join(folder(), 'größe und blanks.safetensors');
    const embedding = table(dtype);
    expect(await embedding.save(file)).toBeUndefined();
    expect(new Uint8Array(readFileSync(file))).toEqual(embedding.toBytes('safetensors'));
    await embedding.save(file, { format: 'safetensors', tensor: 'a/b' });
    expect(new Uint8Array(readFileSync(file))).toEqual(embedding.toBytes('safetensors', { tensor: 'a/b' }));
    if (dtype === 'f32' || dtype === 'f16') {
      await embedding.save(file, { format: 'npy' });
      expect(new Uint8Array(readFileSync(file))).toEqual(embedding.toBytes('npy'));
    }
    expect(readdirSync(path.dirname(file))).toEqual([path.basename(file)]);
  });

  it('words and metadata', async () => {
    const file = path.join(folder(), 'words.safetensors');
    await Embedding.loadSync(join('a 1 2\nb c 3 4\n')).save(file);
    const again = Embedding.loadSync(file);
    expect(again.words).toEqual(['a', 'b c']);
    expectBits(again.weight.toTensor().data, Float32Array.of(1, 2, 3, 4));
  });

  it('replaces a file, and the new one has the usual mode', async () => {
    const file = path.join(folder(), 'x.npy');
    writeFileSync(file, 'old contents');
    await table().save(file, { format: 'npy' });
    expectBits(Embedding.loadSync(file).weight.toTensor().data, someRows(DIM));
    expect(statSync(file).mode & 0o777).toBe(0o666 & ~process.umask());
  });

  it('another name of the file keeps the old contents', async () => {
    const at = folder();
    writeFileSync(path.join(at, 'a'), 'old');
    linkSync(path.join(at, 'a'), path.join(at, 'b'));
    await table().save(path.join(at, 'a'));
    expect(readFileSync(path.join(at, 'b'), 'utf8')).toBe('old');
  });

  it('several at once to one file: one of them, whole', async () => {
    const file = path.join(folder(), 'x.safetensors');
    const tables = [1, 2, 3, 4].map((value) =>
      Embedding.fromPretrained(new Float32Array(50_000).fill(value), { embeddingDim: 50 }),
    );
    await Promise.all(tables.map((each) => each.save(file)));
    const { data } = Embedding.loadSync(file).weight.toTensor();
    expect([1, 2, 3, 4]).toContain(data[0]);
    expect(data.every((value) => value === data[0])).toBe(true);
    expect(readdirSync(path.dirname(file))).toEqual(['x.safetensors']);
  });

  it('saves the rows of the moment of the call', async () => {
    const file = path.join(folder(), 'x.safetensors');
    const embedding = Embedding.fromPretrained(new Float32Array(2_000_000).fill(1), { embeddingDim: 50 });
    const saving = embedding.save(file);
    embedding.dispose();
    const outcome = await saving.then(
      () => 'saved',
      (error: { code: string }) => error.code,
    );
    // Either it had everything, or it reports that the table is gone; never half of it.
    expect(['saved', 'ERR_DISPOSED']).toContain(outcome);
    expect(existsSync(file)).toBe(outcome === 'saved');
    expect(readdirSync(path.dirname(file))).toEqual(outcome === 'saved' ? ['x.safetensors'] : []);
  });
});

describe('options', () => {
  const embedding = table();
  const file = () => path.join(folder(), 'x');

  it.each<[string, unknown, typeof TypeError | typeof RangeError]>([
    ['format', 'gguf', RangeError],
    ['format', 3, TypeError],
    ['tensor', 3, TypeError],
    ['tensor', '__metadata__', RangeError],
    ['dtype', 'i8', TypeError],
  ])('%s: %s', async (option, value, ErrorClass) => {
    const target = file();
    await expectRejection(
      embedding.save(target, { [option]: value }),
      invalidOption(ErrorClass, option, value),
    );
    expect(readdirSync(path.dirname(target))).toEqual([]);
  });

  it('a path that is none', async () => {
    for (const value of [undefined, null, 3, {}, Uint8Array.of(1)])
      await expectRejection(
        embedding.save(value as unknown as string),
        invalidOption(TypeError, 'path', value),
      );
  });

  it('a dtype that .npy does not have', async () => {
    const target = file();
    await expectRejection(
      table('i8').save(target, { format: 'npy' }),
      invalidOption(RangeError, 'format', 'npy'),
    );
    expect(existsSync(target)).toBe(false);
  });

  it('a disposed table', async () => {
    const gone = table();
    gone.dispose();
    await expectRejection(gone.save(file()), { class: Error, code: 'ERR_DISPOSED' });
  });
});

describe('a target that cannot be written', () => {
  it('in a folder that is not there, below a file, a folder: errors of Node, unchanged', async () => {
    const at = folder();
    writeFileSync(path.join(at, 'file'), 'old');
    mkdirSync(path.join(at, 'folder'));
    writeFileSync(path.join(at, 'folder', 'inside'), 'x');
    for (const [name, codes] of [
      ['not/there/x', ['ENOENT']],
      ['file/x', ['ENOTDIR']],
      ['folder', ['EISDIR', 'ENOTEMPTY', 'EEXIST']],
    ] as const) {
      const error = (await table()
        .save(path.join(at, name))
        .catch((error: unknown) => error)) as NodeJS.ErrnoException;
      expect(error).toBeInstanceOf(Error);
      expect(codes).toContain(error.code);
      expect(typeof error.syscall).toBe('string');
    }
    expect(readdirSync(at).sort()).toEqual(['file', 'folder']);
    expect(readFileSync(path.join(at, 'file'), 'utf8')).toBe('old');
  });

  it('is replaced as a link, or its target is; never half of it', async () => {
    const at = folder();
    writeFileSync(path.join(at, 'real'), 'old');
    symlinkSync('real', path.join(at, 'link'));
    await table().save(path.join(at, 'link'));
    expectBits(Embedding.loadSync(path.join(at, 'link')).weight.toTensor().data, someRows(DIM));
    expect(readdirSync(at).sort()).toEqual(['link', 'real']);
  });
});

// A disk of 256 KiB and a read-only one need a mount namespace.
const namespaces = spawnSync('unshare', ['-r', '-m', 'true']).status === 0;

/** Saves 1,000 x 64 f32 (256 KB) over `target` after the commands of `shell`, in a process of its own. */
function saveAfter(
  shell: string,
  target: string,
): { code?: string; syscall?: string; saved?: boolean; files: string[] } {
  const script = `${shell}
"$NODE" "$PROGRAM" save-once "$TARGET" 1000
ls -A "$(dirname "$TARGET")" >&2; cat "$TARGET" >&2`;
  const program = path.join(root, 'test/node/programs/files.mjs');
  const variables = {
    ...process.env,
    ...env,
    NODE: process.execPath,
    PROGRAM: program,
    TARGET: target,
    NODE_OPTIONS: '',
  };
  const wrapped = namespaces ? ['unshare', '-r', '-m', 'bash', '-ec', script] : ['bash', '-ec', script];
  const { stdout, stderr } = spawnSync(wrapped[0]!, wrapped.slice(1), { env: variables, encoding: 'utf8' });
  if (!stdout.startsWith('{')) throw new Error(stderr);
  return { ...(JSON.parse(stdout) as object), files: stderr.trim().split('\n') };
}

describe('a disk that is full', () => {
  it(
    namespaces
      ? 'a small one is mounted'
      : 'there are no mount namespaces here: a limit of the size of a file',
    () => {
      const at = folder();
      const target = path.join(at, 'x');
      const small = namespaces ? `mount -t tmpfs -o size=128k none "$(dirname "$TARGET")"` : 'ulimit -f 64';
      const { code, files } = saveAfter(`${small}; echo old > "$TARGET"`, target);
      expect(code).toBe(namespaces ? 'ENOSPC' : 'EFBIG');
      // The old file, and nothing beside it.
      expect(files).toEqual(['x', 'old']);
    },
  );

  it(
    namespaces ? 'a read-only one is mounted' : 'there are no mount namespaces here: a path below a file',
    () => {
      const at = folder();
      if (!namespaces) {
        writeFileSync(path.join(at, 'x'), 'old');
        expect(saveAfter('', path.join(at, 'x/y')).code).toBe('ENOTDIR');
        return;
      }
      const folderOf = `"$(dirname "$TARGET")"`;
      const { code, files } = saveAfter(
        `mount -t tmpfs none ${folderOf}; echo old > "$TARGET"; mount -o remount,ro ${folderOf}`,
        path.join(at, 'x'),
      );
      expect(code).toBe('EROFS');
      expect(files).toEqual(['x', 'old']);
    },
  );
});

describe('a process that is killed', () => {
  it('at any moment leaves the old file or a new one, whole', async () => {
    const at = folder();
    const target = path.join(at, 'x.safetensors');
    const ROWS = 20_000; // 5 MB
    const seen = new Set<string>();
    for (let round = 0; round < 8; round++) {
      const { child, output } = startFiles(['save', target, String(ROWS)], env);
      await new Promise((resolve) => child.once('message', resolve));
      await new Promise((resolve) => setTimeout(resolve, 3 + ((round * 7) % 19)));
      child.kill('SIGKILL');
      expect((await output).signal).toBe('SIGKILL');
      const embedding = Embedding.loadSync(pathToFileURL(target), { mmap: false });
      expect([embedding.vocabSize, embedding.embeddingDim]).toEqual([ROWS, 64]);
      const { data } = embedding.weight.toTensor();
      expect(data[0]).toBeGreaterThan(0);
      expect(data.every((value) => value === data[0])).toBe(true);
      for (const name of readdirSync(at)) seen.add(name.replace(/\.tokenbed-.*\.tmp$/, '.tokenbed-*.tmp'));
    }
    // What may stay beside it has a name that says what it is.
    expect(
      [...seen].filter((name) => name !== 'x.safetensors' && name !== '.x.safetensors.tokenbed-*.tmp'),
    ).toEqual([]);
  });
});
