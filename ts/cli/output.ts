/** Standard output, and the format of system errors. Every command loads this file, so it imports nothing. */

/** The name of standard output, or of standard input, among the names of files. */
export const STANDARD = '-';

/** A system error with the message `where: what happened`; it keeps its code. */
export function systemError(where: string, error: unknown): Error {
  const { code = 'ERR_INTERNAL', message } = error as NodeJS.ErrnoException;
  // Node's message is `ENOENT: no such file or directory, open 'x'`: keeps the middle.
  const text = message.replace(/^[A-Z0-9]+: /, '').replace(/, \w+( '.*)?$/s, '');
  return Object.assign(new Error(`${where}: ${text}`, { cause: error }), { code });
}

/** The result of `work` on `file`. System errors get its name; errors of this package have it already. */
export async function namingFile<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : systemError(file, error);
  }
}

/** Text that comes from a file. Its control characters must not reach the terminal. */
export const printable = (text: string): string =>
  text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );

/** Writes to standard output. `data` must not change before the promise resolves. */
export function print(data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(systemError('standard output', error));
    });
  });
}

/** Whether the reader closed the pipe, as `head` does. That is not a failure. */
export function isClosedPipe(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'EPIPE';
}
