/** Every answer other than 200, in one place: a status, and JSON with a code, a message and what else is known. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorCode } from 'tokenbed';

/** What the service itself refuses. Other errors with a code come from the library. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** What the library finds wrong with a request: its message, and its numbers, are for the sender. */
const THEIRS: ReadonlySet<unknown> = new Set<ErrorCode>([
  'ERR_ID_OUT_OF_RANGE',
  'ERR_INVALID_ARRAY',
  'ERR_INVALID_OPTION',
  'ERR_RAGGED',
  'ERR_RANGE',
]);

/** Answers with the error, if there is still somebody to answer. */
export function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  request.resume(); // the rest of the body is dropped, so that the connection can be used again
  const { status, headers, reply } = describe(error);
  response.writeHead(status, { ...headers, 'content-type': 'application/json' });
  response.end(`${JSON.stringify(reply)}\n`);
}

function describe(error: unknown) {
  if (error instanceof Refusal) {
    const { status, headers, code, message } = error;
    return { status, headers, reply: { code, message } };
  }
  const { code, message, ...fields } = error as Error & { code?: unknown };
  if (THEIRS.has(code)) return { status: 400, headers: {}, reply: { code, message, ...fields } };
  console.error(error);
  return { status: 500, headers: {}, reply: { code: 'INTERNAL', message: 'This service has a defect' } };
}
