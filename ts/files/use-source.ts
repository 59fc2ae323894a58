/** Work with a source that is opened asynchronously, and once more if a cache or a header was wrong about it. */

import { hasCode } from '../errors.js';
import type { Input } from './input.js';
import type { FileBackend } from './monitor.js';
import { Opener, type ReadOptions } from './source.js';
import { run, type Steps } from './steps.js';

/** Opens a source and runs `work`, which closes it. From bytes, it does so before it returns. */
export async function useSource<T>(
  backend: FileBackend,
  source: unknown,
  options: ReadOptions,
  work: (input: Input) => Steps<T>,
): Promise<T> {
  const { signal } = options;
  const attempt = async (opener: Opener): Promise<T> => {
    const opened = opener.open(source);
    const input = opened instanceof Promise ? await opened : opened;
    return run(work(input), signal);
  };
  const opener = new Opener(backend, options);
  try {
    return await attempt(opener);
  } catch (error) {
    // A stale or damaged entry of the cache is replaced, if the hash can tell the right file from another one.
    const stale = opener.hit && options.sha256 !== undefined;
    if (!hasCode(error, 'ERR_FORMAT') || !(stale || opener.uncertain)) throw error;
  }
  return attempt(new Opener(backend, options, true, !opener.uncertain));
}
