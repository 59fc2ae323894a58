/** Standard output, piece by piece, and errors of the system in our words. Every command has this: it imports nothing. */

/** An error of the system, worded as `where: what happened`; its code stays. */
export function systemError(where: string, error: unknown): Error {
  const { code = 'ERR_INTERNAL', message } = error as NodeJS.ErrnoException;
  // Node's message is `ENOENT: no such file or directory, open 'x'`: the middle says it.
  const text = message.replace(/^[A-Z0-9]+: /, '').replace(/, \w+( '.*)?$/s, '');
  return Object.assign(new Error(`${where}: ${text}`, { cause: error }), { code });
}

/** Writes to standard output, and waits until it was taken; only then may `data` change. */
export function print(data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(systemError('standard output', error));
    });
  });
}

/** Whether the reader of our output has gone away: `head` did, and that is no error. */
export function isClosedPipe(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'EPIPE';
}
