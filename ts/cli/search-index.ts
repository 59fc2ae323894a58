/**
 * The index of `tokenbed search`: the vectors of lines as a table of i8 rows in safetensors, their texts as its words.
 *
 * ```text
 * tokenbed.search.model    {"dtype": "i4", "sha256": {"model.safetensors": "...", "tokenizer.json": "...", ...}}
 * tokenbed.search.files    [{"path": "/home/a/notes.txt", "size": 120, "time": "...", "lines": [[1, 3], [5, 1]]}]
 * ```
 * Row after row, these are the lines of the files that are not blank: from the line `first` on, `count` of them, for each
 * pair of `lines`. `time` is that of the last change, in nanoseconds.
 */

import { createHash } from 'node:crypto';
import { type BigIntStats, createReadStream, existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { activeBackend, TableSpec } from '../backend/index.js';
import { tooLarge } from '../errors.js';
import { malformed } from '../files/input.js';
import { load } from '../files/load.js';
import { Words } from '../files/words.js';
import { FilledTable } from '../filled-table.js';
import { Embedding, type StaticModel, type Tensor } from '../index.js';
import { UsageError } from './command.js';
import { openInputs } from './input.js';
import { namingFile, STANDARD, systemError } from './output.js';
import { Progress } from './progress.js';
import { type Hit, linesOf, MOST_LINES } from './search-lines.js';
import { expectPlace } from './whole-file.js';

const MODEL_KEY = 'tokenbed.search.model';
const FILES_KEY = 'tokenbed.search.files';

/** Lines that follow each other. */
type Run = [first: number, count: number];

/** What tells whether a file has changed. */
interface FileState {
  readonly path: string;
  readonly size: number;
  readonly time: string;
}

/** A file of an index. */
interface IndexedFile extends FileState {
  readonly lines: Run[];
}

/** The vectors of lines. */
interface Index {
  readonly vectors: Embedding;
  readonly words: Words;
  readonly model: string;
  readonly files: readonly IndexedFile[];
}

/** A search in an index, which is made first if that is necessary. */
export class IndexedSearch {
  readonly #path: string;
  /** The file as it was found; null if there is none. */
  readonly #found: Index | null;
  /** The names of the files in results and messages. */
  readonly #names: readonly string[];
  readonly #files: readonly FileState[];

  private constructor(path: string, found: Index | null, names: readonly string[]) {
    this.#path = path;
    this.#found = found;
    this.#names = names;
    this.#files = names.map(stateOf);
  }

  /**
   * Reads the index, if it exists, and the states of the files; without `files`, of those that it was made from. Errors:
   * `ERR_FORMAT` for a file that is not such an index; system errors; a `UsageError`.
   */
  static async open(file: string, files: readonly string[]): Promise<IndexedSearch> {
    if (files.includes(STANDARD))
      throw new UsageError('Option --index needs FILES: standard input is read once');
    const found = existsSync(file) ? await readIndex(file) : null;
    if (found === null && files.length === 0) {
      throw new UsageError(`Option --index needs FILES the first time: ${file} does not exist`);
    }
    const names = files.length > 0 ? files : found!.files.map(({ path }) => shortName(path));
    return new IndexedSearch(file, found, names);
  }

  /** The `k` nearest lines. Of equal scores the first line comes first. */
  async nearest(model: StaticModel, folder: string, query: Tensor<'f32'>, k: number): Promise<Hit[]> {
    const index = await this.#current(model, await describeModel(model, folder));
    if (index === null) return [];
    const { vectors, words, files } = index;
    const places = placesOf(files, vectors.vocabSize);
    const { ids, scores } = vectors.nearest(query, { k });
    return Array.from(ids.data, (row, i) => ({
      score: scores.data[i]!,
      file: this.#names[places.files[row]!]!,
      line: places.lines[row]!,
      text: wordOf(words, row),
    }));
  }

  /** The index as it was found, or a new one. */
  async #current(model: StaticModel, description: string): Promise<Index | null> {
    if (this.#found === null) return this.#make(model, description);
    const change = this.#change(this.#found, model, description);
    if (change === null) return this.#found;
    process.stderr.write(`tokenbed: ${this.#path} is rebuilt: ${change}\n`);
    return this.#make(model, description);
  }

  /** What differs from the index; null if nothing does. */
  #change({ vectors, model, files }: Index, { dim }: StaticModel, description: string): string | null {
    if (model !== description) return 'the model is another one';
    if (vectors.embeddingDim !== dim) return `its vectors have ${vectors.embeddingDim} columns, not ${dim}`;
    const now = this.#files;
    if (files.length !== now.length || files.some(({ path }, i) => path !== now[i]!.path)) {
      return 'it is of other files';
    }
    const changed = files.findIndex(({ size, time }, i) => size !== now[i]!.size || time !== now[i]!.time);
    return changed < 0 ? null : `${this.#names[changed]} has changed`;
  }

  /** Makes the index and saves it; null if there is no line. */
  async #make(model: StaticModel, description: string): Promise<Index | null> {
    await expectPlace(this.#path);
    const { words, files } = await this.#read();
    const rows = words.offsets.length - 1;
    if (rows === 0) {
      process.stderr.write(`tokenbed: the files have no lines, so ${this.#path} is not written\n`);
      return null;
    }
    const table = activeBackend().table(new TableSpec(rows, model.dim, 'i8'), 'anything');
    const metadata = { [MODEL_KEY]: description, [FILES_KEY]: JSON.stringify(files) };
    const vectors = new Embedding(new FilledTable(table, null, null, { words, metadata }));
    const progress = new Progress('indexing', rows, 'lines', { resultsLater: true });
    try {
      for (let start = 0; start < rows; start += MOST_LINES) {
        const count = Math.min(MOST_LINES, rows - start);
        const texts = Array.from({ length: count }, (_, i) => wordOf(words, start + i));
        vectors.weight.setRows(start, model.embed(texts).data);
        progress.set(start + count);
      }
    } finally {
      progress.end();
    }
    await namingFile(this.#path, () => vectors.save(this.#path));
    return { vectors, words, model: description, files };
  }

  /** Reads the lines of all files. */
  async #read(): Promise<{ words: Words; files: IndexedFile[] }> {
    const inputs = openInputs(this.#names);
    const [texts, offsets]: [Buffer[], number[]] = [[], [0]];
    let bytes = 0;
    const files: IndexedFile[] = [];
    const progress = Progress.over('reading', inputs, { resultsLater: true });
    try {
      for (const [i, input] of inputs.entries()) {
        const runs: Run[] = [];
        for await (const lines of linesOf(input, input.name, progress)) {
          for (const { line, text } of lines) {
            const last = runs.at(-1);
            if (last !== undefined && last[0] + last[1] === line) last[1]++;
            else runs.push([line, 1]);
            offsets.push((bytes += Buffer.byteLength(text)));
          }
          if (bytes >= 2 ** 32) throw tooLarge('The text of an index', bytes, 2 ** 32 - 1);
          texts.push(Buffer.from(lines.map(({ text }) => text).join('')));
        }
        files.push({ ...this.#files[i]!, lines: runs });
      }
    } finally {
      progress.end();
    }
    return { words: new Words(Buffer.concat(texts), Uint32Array.from(offsets)), files };
  }
}

/** The state of a file before it is read. If it changes meanwhile, the next search sees another state. */
function stateOf(name: string): FileState {
  let stats: BigIntStats;
  try {
    stats = statSync(name, { bigint: true });
    if (stats.isDirectory()) throw Object.assign(new Error('this is a folder'), { code: 'EISDIR' });
  } catch (error) {
    throw systemError(name, error);
  }
  if (!stats.isFile())
    throw new UsageError(`Option --index needs FILES that are regular files: ${name} is not`);
  return { path: path.resolve(name), size: Number(stats.size), time: String(stats.mtimeNs) };
}

/** The name of a file that an index records: relative to the working folder if it is in there. */
function shortName(file: string): string {
  const relative = path.relative('', file);
  return relative.startsWith('..') ? file : relative;
}

const CONFIGS = ['config.json', 'config_sentence_transformers.json', 'modules.json'];
const PARTS = ['model.safetensors', 'tokenizer.json'];
const MODEL_FILES = [...CONFIGS, ...PARTS, ...PARTS.map((name) => `0_StaticEmbedding/${name}`)];

/** What tells one model from another: the dtype of its rows, and the SHA-256 of each of its files. */
async function describeModel({ table }: StaticModel, folder: string): Promise<string> {
  const sha256: Record<string, string> = {};
  for (const name of MODEL_FILES) {
    const file = path.join(folder, name);
    if (!existsSync(file)) continue;
    const hash = createHash('sha256');
    await namingFile(file, async () => {
      for await (const bytes of createReadStream(file) as AsyncIterable<Uint8Array>) hash.update(bytes);
    });
    sha256[name] = hash.digest('hex');
  }
  return JSON.stringify({ dtype: table.dtype, sha256 });
}

/** The text of a row. Not `words.list`, which decodes all of them. */
function wordOf({ text, offsets }: Words, row: number): string {
  const start = offsets[row]!;
  return Buffer.from(text.buffer, text.byteOffset + start, offsets[row + 1]! - start).toString();
}

/** Reads an index. Errors: `ERR_FORMAT` with the path; system errors. */
async function readIndex(file: string): Promise<Index> {
  const { table, words, metadata } = await namingFile(file, () => load(file, {}, () => {}));
  const { [MODEL_KEY]: model, [FILES_KEY]: list } = metadata;
  if (words === null || model === undefined || list === undefined) {
    throw malformed(
      file,
      'an index of tokenbed search has words and the metadata of one; this is another file',
    );
  }
  const files = parseFiles(list, table.rows);
  if (files === undefined)
    throw malformed(file, `the metadata ${FILES_KEY} must describe ${table.rows} lines`);
  return { vectors: new Embedding(new FilledTable(table, null, null)), words, model, files };
}

/** The files of an index; `undefined` unless they have `rows` lines in all. */
function parseFiles(text: string, rows: number): IndexedFile[] | undefined {
  try {
    const files = JSON.parse(text) as IndexedFile[];
    const counts = files.flatMap(({ path, size, time, lines }) => {
      if (typeof path !== 'string' || typeof size !== 'number' || typeof time !== 'string') return [NaN];
      return lines.map(([first, count]) => (isCount(first) && isCount(count) ? count : NaN));
    });
    return counts.reduce((sum, count) => sum + count, 0) === rows ? files : undefined;
  } catch {
    return undefined;
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 1;

/** For each row, the position of its file in the list, and its line. */
function placesOf(
  list: readonly IndexedFile[],
  rows: number,
): { readonly files: Uint32Array; readonly lines: Uint32Array } {
  const [files, lines] = [new Uint32Array(rows), new Uint32Array(rows)];
  let row = 0;
  for (const [i, file] of list.entries()) {
    for (const [first, count] of file.lines) {
      for (let j = 0; j < count; j++, row++) [files[row], lines[row]] = [i, first + j];
    }
  }
  return { files, lines };
}
