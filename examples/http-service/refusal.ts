/** Error replies: a status, and JSON with a code, a message and the fields of the error. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorCode } from 'tokenbed';

/** An error of the service. Other errors with a code come from the library. */
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

/** Library errors caused by the request. Their message and fields are sent to the client. */
const CLIENT_ERRORS: ReadonlySet<unknown> = new Set<ErrorCode>([
  'ERR_ID_OUT_OF_RANGE',
  'ERR_INVALID_ARRAY',
  'ERR_INVALID_OPTION',
  'ERR_RAGGED',
  'ERR_RANGE',
]);

/** Replies with the error, if the client is still connected. */
export function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  request.resume(); // discards the rest of the body, so that the connection can be reused
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
  if (CLIENT_ERRORS.has(code)) return { status: 400, headers: {}, reply: { code, message, ...fields } };
  console.error(error);
  return { status: 500, headers: {}, reply: { code: 'INTERNAL', message: 'Internal error' } };
}
