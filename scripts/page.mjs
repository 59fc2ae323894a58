/**
 * Builds the page of examples/browser and serves it like a static host, with its strict content security policy.
 *
 *   npm run page                  serves the page until Ctrl-C
 *   npm run page -- --port 8080   on a specific port
 *   npm run page:build            only builds the folder, for any static host
 */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildPage } from './build-page.mjs';
import { asProgram } from './lib/main.mjs';
import { say } from './lib/progress.mjs';
import { root } from './lib/run.mjs';
import { serveFolder } from './lib/static-server.mjs';
import { setUp } from './setup.mjs';

const DEFAULT_PORT = 4173;

async function page() {
  const { values } = parseArgs({
    options: { build: { type: 'boolean', default: false }, port: { type: 'string' } },
  });
  const port = Number(values.port ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--port: an integer from 0 to 65535, got ${values.port}`);
  }
  await setUp();
  const folder = await buildPage();
  say();
  say(`The page is in ${path.relative(root, folder)}: static files for any server.`);
  if (values.build) return;
  const { url } = await serve(folder, port, values.port !== undefined);
  say(`Serving at ${url} until Ctrl-C.`);
}

/** Serves on `port`. If it is in use, an explicit port is an error; otherwise any free port is used. @param {string} folder @param {number} port @param {boolean} isExplicit */
function serve(folder, port, isExplicit) {
  return serveFolder(folder, { port }).catch((/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== 'EADDRINUSE') throw error;
    if (isExplicit) throw new Error(`port ${port} is in use: choose another, or omit --port`);
    return serveFolder(folder);
  });
}

await asProgram(import.meta.url, page);
