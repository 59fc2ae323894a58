/** Where the files of a static model are: in a folder, in one of several layouts, or each passed as a source. */

import { type Named, named } from '../args/options.js';
import { hostFiles } from '../backend/index.js';
import { hasCode, wrongKind, wrongValue } from '../errors.js';
import type { OnLoadProgress } from '../files/monitor.js';
import type { Source, UrlLike } from '../files/source.js';
import type { LoadSignal } from '../files/steps.js';

/** The files of a static model, each as a source. */
export interface StaticModelFiles {
  /** The tensors: `embeddings` or `embedding.weight`, and `mapping` and `weights` if there are any. */
  readonly model: Source;
  /** tokenizer.json. Required unless the option `tokenizer` is passed. */
  readonly tokenizer?: Source | undefined;
  /** config.json of model2vec. */
  readonly config?: Source | undefined;
  /** modules.json of sentence-transformers. */
  readonly modules?: Source | undefined;
}

/** A folder: the source of each of its files. Or the files. */
export type Place = { readonly folder: (name: string) => Source } | { readonly files: StaticModelFiles };

/** Recognizes the source of a model. Errors: `ERR_INVALID_OPTION` with the option `source`. */
export function placeOf(source: unknown): Place {
  const accepted = 'a folder (a path, or a URL that ends in /), or an object with the source model';
  const files = hostFiles();
  if (typeof source === 'string') {
    if (source === '') throw wrongValue('source', source, accepted);
    return files === undefined ? urlFolder(source, accepted, (url) => url) : pathFolder(source);
  }
  if (typeof source !== 'object' || source === null) throw wrongKind('source', source, accepted);
  const { href, protocol } = source as Partial<UrlLike>;
  if (typeof href === 'string' && typeof protocol === 'string') {
    if (files !== undefined && protocol === 'file:') return pathFolder(files.pathOf(href));
    return urlFolder(href, accepted, (href) => ({ href, protocol }));
  }
  if (!('model' in source)) throw wrongKind('source', source, accepted);
  return { files: named(source, ['model', 'tokenizer', 'config', 'modules']) as Named & StaticModelFiles };
}

const pathFolder = (path: string): Place => ({
  folder: (name) => `${path.replace(/(.)[/\\]+$/, '$1')}/${name}`,
});

function urlFolder(url: string, accepted: string, source: (url: string) => Source): Place {
  if (!url.endsWith('/')) throw wrongValue('source', url, accepted);
  return { folder: (name) => source(url + name) };
}

/** The layouts of a folder, in the order in which they are tried: the first one that has all of its files. */
export const LAYOUTS = [
  { config: 'config.json', within: '' },
  { config: 'config_sentence_transformers.json', within: '' },
  { config: 'config_sentence_transformers.json', within: '0_StaticEmbedding/' },
] as const;

/** HTTP statuses of a file that is not there. Servers of objects that may not be listed answer 403. */
const ABSENT = /* @__PURE__ */ new Set<unknown>([403, 404, 410]);

/** A file that is not there. */
export class Absent {
  constructor(readonly error: unknown) {}
}

/** What a promise resolves to, or `Absent` if the file is not there. Rejects with any other error. */
export async function optional<T>(file: Promise<T>): Promise<T | Absent> {
  try {
    return await file;
  } catch (error) {
    const { code, status } = (error ?? {}) as { readonly code?: unknown; readonly status?: unknown };
    const absent = hasCode(error, 'ERR_FORMAT')
      ? ABSENT.has(status)
      : code === 'ENOENT' || code === 'ENOTDIR';
    if (!absent) throw error;
    return new Absent(error);
  }
}

const INTERVAL_MS = 50;

/** The progress of several files as that of one. */
export class JointProgress {
  readonly #files = new Map<object, { loaded: number; total: number | null }>();
  #next = 0;

  constructor(private readonly report: OnLoadProgress | undefined) {}

  /** The progress of one more file. Nothing is reported before the `first` of the files has begun. */
  file(first = false): OnLoadProgress | undefined {
    if (this.report === undefined) return undefined;
    const key = {};
    return ({ loaded, total }) => {
      this.#files.set(key, { loaded, total });
      if (first) this.#begun = true;
      const now = performance.now();
      if (!this.#begun || now < this.#next) return;
      this.#next = now + INTERVAL_MS;
      this.#send();
    };
  }
  #begun = false;

  /** All files were read. */
  end(): void {
    this.#send(true);
  }

  #send(ended = false): void {
    let [loaded, total]: [number, number | null] = [0, 0];
    for (const file of this.#files.values()) {
      loaded += file.loaded;
      total = total === null || file.total === null ? null : total + file.total;
    }
    this.report?.({ loaded, total: ended ? loaded : total });
  }
}

/** A signal that aborts with that of the caller, and when one of several loads fails. */
export class JointSignal {
  readonly #controller = new AbortController();
  readonly #caller: LoadSignal | undefined;
  readonly #abort = (): void => this.#controller.abort(this.#caller?.reason);

  constructor(caller: LoadSignal | undefined) {
    this.#caller = caller;
    if (caller?.aborted === true) this.#abort();
    else caller?.addEventListener('abort', this.#abort);
  }

  get signal(): LoadSignal {
    return this.#controller.signal;
  }

  /** Aborts what is still loading. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** No more loads: forgets the signal of the caller. */
  end(): void {
    this.#caller?.removeEventListener('abort', this.#abort);
  }
}
