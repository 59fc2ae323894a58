/**
 * The page of examples/browser, built and served as a static host would, with its strict policy.
 *
 *   npm run page                  serves it and prints the address; Ctrl-C ends it
 *   npm run page -- --port 8080   at a port of yours
 *   npm run page:build            only makes the folder: put it on any static host
 */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildPage } from './build-page.mjs';
import { asProgram } from './lib/main.mjs';
import { say } from './lib/progress.mjs';
import { root } from './lib/run.mjs';
import { serveFolder } from './lib/static-server.mjs';
import { setUp } from './setup.mjs';

const USUAL_PORT = 4173;

async function page() {
  const { values } = parseArgs({
    options: { build: { type: 'boolean', default: false }, port: { type: 'string' } },
  });
  const port = Number(values.port ?? USUAL_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--port: an integer from 0 to 65535, got ${values.port}`);
  }
  await setUp();
  const folder = await buildPage();
  say();
  say(`The page is in ${path.relative(root, folder)}: static files, to be served by anything.`);
  if (values.build) return;
  const { url } = await serve(folder, port, values.port !== undefined);
  say(`It is served at ${url} until Ctrl-C.`);
}

/** A port that was asked for must be free; instead of the usual one any other will do. @param {string} folder @param {number} port @param {boolean} asked */
function serve(folder, port, asked) {
  return serveFolder(folder, { port }).catch((/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== 'EADDRINUSE') throw error;
    if (asked) throw new Error(`port ${port} is taken: choose another, or leave --port out`);
    return serveFolder(folder);
  });
}

await asProgram(import.meta.url, page);
