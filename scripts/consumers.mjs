/**
 * Uses the packed tarball with its users' tools, and compares the backend, the reason and the digest with
 * test/consumers/promises.mjs. test/consumers/rows.mjs says how each tool is used.
 *
 *   npm run test:consumers [-- ROW...] [--package DIR]
 *
 * Packs `dist/` as it is. Rows run one at a time, each in a scratch folder that is deleted afterwards. Prints
 * `ROW CASE: promised / seen`, or NOT RUN with the reason. The exit code is 1 if a case differs.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DIGEST, PROMISES } from '../test/consumers/promises.mjs';
import { main, program, ROWS } from '../test/consumers/rows.mjs';
import { findChromium } from './lib/chromium.mjs';
import { asProgram } from './lib/main.mjs';
import { nodes } from './lib/nodes.mjs';
import { say } from './lib/progress.mjs';
import { environment, must, root, run, tail } from './lib/run.mjs';

/** @import { Promised } from '../test/consumers/promises.mjs' */
/** @import { Row } from '../test/consumers/rows.mjs' */

const FILES = path.join(root, 'test/consumers');
const TIMEOUT_MS = 300_000;
/** Copies the output of a bundler to a folder from which no package is found. */
const AWAY = 'set -e; away() { rm -rf "$AWAY"; cp -r out "$AWAY"; cd "$AWAY"; }; ';
/** Errors of the engine about the package's own code, which explain nothing to a user. */
const UNTRUE = /Invalid URL|instance of URL|is not a function|undefined|\n|\r/;

/**
 * @typedef {{ backend: string, reason: string | null, digest?: string, code?: string }} Seen
 * @typedef {{ row: string, name: string, right: boolean, line: string }} Result
 * @typedef {{ scratch: string, folder: string, env: Record<string, string | undefined> }} Place
 */

/** @param {string} scratch @param {string} [folder]  of the package @returns {Promise<string>} the tarball */
export async function packTarball(scratch, folder = root) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch];
  const { stdout } = await must('npm', args, { cwd: folder, env: { npm_config_loglevel: 'error' } });
  return path.join(scratch, JSON.parse(stdout)[0].filename);
}

/**
 * Runs rows. With `home`, a folder with the tools in node_modules, rows run inside it and install nothing.
 *
 * @param {readonly string[]} rows @param {{ tarball: string, home?: string }} options @returns {Promise<Result[]>}
 */
export async function runRows(rows, { tarball, home }) {
  const results = [];
  for (const row of rows) {
    const scratch = await realpath(await mkdtemp(path.join(home ?? tmpdir(), 'tokenbed-')));
    try {
      results.push(...(await runRow(row, scratch, tarball, home)));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  return results;
}

/** @param {string} row @param {string} scratch @param {string} tarball @param {string} [home] @returns {Promise<Result[]>} */
async function runRow(row, scratch, tarball, home) {
  const { uses, cases } = /** @type {typeof PROMISES[string]} */ (PROMISES[row]);
  const how = /** @type {Row} */ (ROWS[row]);
  const folder = path.join(scratch, row);
  const tools = path.join(home ?? (how.alone ? path.join(scratch, 'tools') : folder), 'node_modules');
  const node = await otherNode(/^node(\d+)$/.exec(row)?.[1], home !== undefined);
  const place = { scratch, folder, env: variables({ scratch, folder, tools, tarball, node }) };

  await write(folder, { 'package.json': manifest(how), ...how.together });
  for (const file of ['smoke.js', 'smoke.cjs']) await writeFile(path.join(folder, file), await source(file));
  const missing = lacks(how, node) ?? (home ? undefined : await install(path.dirname(tools), uses));
  if (missing !== undefined) {
    say(`${row}: NOT RUN: ${missing}`);
    return [];
  }
  try {
    if (home !== undefined) await unpack(tarball, path.join(folder, 'node_modules/tokenbed'));
    else if (!how.alone) await npm(folder, ['--offline', tarball]);
    if (how.once !== undefined)
      await must('bash', ['-c', `${AWAY}${how.once}`], { cwd: folder, env: place.env, timeout: TIMEOUT_MS });
  } catch (error) {
    return [report(row, 'installation', 'succeeds', false, String(error))];
  }
  const results = [];
  for (const [name, promised] of Object.entries(cases)) {
    const seen = await runCase(name, promised, how, place);
    const wrong = [
      ...differences(promised, seen),
      ...(await emitted(path.join(folder, name, 'out'), how, place)),
    ];
    const text = [describe(seen, wrong.length > 0), ...wrong.map((what) => `WRONG: ${what}`)].join('; ');
    results.push(report(row, name, describePromise(promised), wrong.length === 0, text));
  }
  return results;
}

/** @param {string} row @param {string} name @param {string} promised @param {boolean} right @param {string} seen @returns {Result} */
function report(row, name, promised, right, seen) {
  const line = `${row} ${name}: ${promised} / ${seen}`;
  say(line);
  return { row, name, right, line };
}

/** A Node of another version; with `here`, one that `npm test` has. @param {string | undefined} major @param {boolean} here */
async function otherNode(major, here) {
  if (major === undefined) return process.execPath;
  const all = await nodes(here ? undefined : [major]);
  return all.find(({ name }) => name.split(/[ .]/)[1] === major)?.node;
}

/** What this machine lacks for a row. @param {Row} how @param {string | undefined} node @returns {string | undefined} */
function lacks({ needs }, node) {
  if (node === undefined) return 'this version of Node is not installed';
  if (needs === 'linux' && process.platform !== 'linux') return 'it needs Linux';
  if (needs === 'chromium' && findChromium() === undefined)
    return 'there is no Chromium; set TOKENBED_CHROMIUM';
  if (process.platform === 'win32') return 'it needs bash';
  return undefined;
}

/** @param {string} folder @param {Record<string, string>} packages @returns {Promise<string | undefined>} why it cannot be done */
async function install(folder, packages) {
  const specs = Object.entries(packages).map(([name, version]) => `${name}@${version}`);
  if (specs.length === 0) return undefined;
  await mkdir(folder, { recursive: true });
  try {
    await npm(folder, specs);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** As npm installs it, but in a tenth of the time. @param {string} tarball @param {string} folder */
async function unpack(tarball, folder) {
  await mkdir(folder, { recursive: true });
  await must('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
}

/** @param {string} folder @param {string[]} specs */
function npm(folder, specs) {
  const args = ['install', '--prefix', folder, '--prefer-offline', '--no-audit', '--no-fund', ...specs];
  return must('npm', args, { cwd: folder });
}

/** @param {{ scratch: string, folder: string, tools: string, tarball: string, node: string | undefined }} paths */
function variables({ scratch, folder, tools, tarball, node }) {
  /** @type {Record<string, string | undefined>} */
  const env = {
    PATH: [path.join(folder, 'node_modules/.bin'), path.join(tools, '.bin'), process.env['PATH']].join(
      path.delimiter,
    ),
    NEXT_TELEMETRY_DISABLED: '1',
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    NODE_OPTIONS: undefined,
    NODE_PATH: undefined,
    NODE: node,
    TARBALL: tarball,
    TOOLS: tools,
    PACKAGE: path.join(folder, 'node_modules/tokenbed'),
    AWAY: path.join(scratch, 'away'),
  };
  for (const name of Object.keys(process.env)) if (/^(TOKENBED|npm)_/.test(name)) env[name] = undefined;
  return env;
}

/** The text of a program of all cases; `.cjs` is made from the ES module. @param {string} file */
async function source(file) {
  const text = await readFile(path.join(FILES, file.replace('.cjs', '.js')), 'utf8');
  return file.endsWith('.cjs')
    ? text.replace(/^export (async function (\w+))/m, 'exports.$2 = $2;\n$1')
    : text;
}

/** @param {Row} how */
const manifest = ({ commonjs }) =>
  `${JSON.stringify({ name: 'user', private: true, ...(!commonjs && { type: 'module' }) })}\n`;

/** @param {string} folder @param {Record<string, string>} files */
async function write(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
}

/** @param {string} name @param {Promised} promised @param {Row} how @param {Place} place @returns {Promise<Seen>} */
async function runCase(name, { entry }, how, { folder, env }) {
  const cwd = path.join(folder, name);
  await mkdir(cwd, { recursive: true });
  const file = main(entry);
  await write(cwd, {
    ...(how.program?.(name, entry) ?? { [file]: program(name, entry) }),
    ...how.files?.(name),
  });
  for (const common of ['smoke.js', 'smoke.cjs', 'shared.js'])
    await writeFile(path.join(cwd, common), await source(common));
  await cp(path.join(root, 'test/pack/types.ts'), path.join(cwd, 'types.ts'));
  const server = how.serve?.(name);
  const output = server
    ? await visit(server, how.together ? `/${name}/` : '/', { cwd, env })
    : (await run('bash', ['-c', AWAY + how.run?.(name, file)], { cwd, env, timeout: TIMEOUT_MS })).output;
  const found = new RegExp(`RESULT ${name} (\\{.*?\\}) END`).exec(output)?.[1];
  return found === undefined ? { backend: 'nothing', reason: brief(output) } : JSON.parse(found);
}

/** The lines of an output that name an error, else the last ones. @param {string} output */
function brief(output) {
  const lines = output.split('\n').filter((line) => /error|cannot|failed|not found/i.test(line));
  return (lines.length > 0 ? lines.slice(0, 4) : tail(output, 4).split('\n'))
    .map((line) => line.trim())
    .join(' | ');
}

/**
 * Starts a server and returns the text of one of its pages: as it is served if it contains the result, else from Chromium.
 *
 * @param {string} line @param {string} page @param {{ cwd: string, env: Record<string, string | undefined> }} options
 */
async function visit(line, page, { cwd, env }) {
  const port = await freePort();
  const server = spawn('bash', ['-c', AWAY + line], {
    cwd,
    env: environment({ ...env, PORT: String(port) }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let log = '';
  for (const stream of [server.stdout, server.stderr])
    stream.setEncoding('utf8').on('data', (text) => (log += text));
  const end = () => {
    if (server.exitCode === null && server.pid !== undefined) process.kill(-server.pid, 'SIGKILL');
  };
  process.once('exit', end);
  try {
    const url = `http://127.0.0.1:${port}${page}`;
    const served = await firstAnswer(url, () => server.exitCode !== null);
    if (served === undefined) return log;
    const text = served
      .replaceAll('&quot;', '"')
      .replaceAll('&#x27;', "'")
      .replaceAll('&gt;', '>')
      .replaceAll('&lt;', '<')
      .replaceAll('&amp;', '&');
    return /RESULT .* END/.test(text) ? text : await inChromium(url, log);
  } finally {
    process.off('exit', end);
    end();
  }
}

/** The text of a URL once the server answers, within a minute. @param {string} url @param {() => boolean} ended */
async function firstAnswer(url, ended) {
  for (let tries = 0; tries < 600 && !ended(); tries++) {
    const text = await fetch(url)
      .then((response) => response.text())
      .catch(() => undefined);
    if (text !== undefined) return text;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}

/** The text of a page after its scripts ran. @param {string} url @param {string} log */
async function inChromium(url, log) {
  const { chromium } = await import('playwright'); // imported late, because npm ci may just have installed it
  const browser = await chromium.launch({ executablePath: String(findChromium()), args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    page.on('console', (message) => (log += `${message.text()}\n`));
    page.on('pageerror', (error) => (log += `${error.message}\n`));
    await page.goto(url);
    await page.waitForFunction('/RESULT .* END/.test(document.body.innerText)', undefined, {
      timeout: 60_000,
    });
    return await page.innerText('body');
  } catch (error) {
    return `${log}${error}`;
  } finally {
    await browser.close();
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/** @param {Promised} promised @param {Seen} seen @returns {string[]} */
function differences({ backends, reasons }, { backend, reason, digest, code }) {
  const wrong = [];
  if (!backends.some((name) => name === backend)) wrong.push('another backend');
  if (backend === 'nothing' || backend === 'clean') return wrong;
  if (backend === 'error' && code !== 'ERR_BACKEND_UNAVAILABLE') wrong.push(`code ${code}`);
  if (backend !== 'error' && digest !== DIGEST) wrong.push(`digest ${digest} instead of ${DIGEST}`);
  if (backend !== 'error' && code !== 'ERR_ID_OUT_OF_RANGE') wrong.push(`a bad id gave ${code}`);
  if (backend === 'native' && reason !== null) wrong.push('native with a reason');
  const text = String(reason);
  for (const words of reasons) if (!words.test(text)) wrong.push(`the reason lacks ${words}`);
  if (UNTRUE.test(text)) wrong.push('the reason is an internal error or has several lines');
  return wrong;
}

/** What a tool emitted: how many files, and whether one names a folder of this machine. @param {string} out @param {Row} how @param {Place} place */
async function emitted(out, { most = Infinity }, { scratch }) {
  const entries = existsSync(out) ? await readdir(out, { recursive: true, withFileTypes: true }) : [];
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
  const wrong = files.length > most ? [`${files.length} files emitted, at most ${most}`] : [];
  for (const file of files) {
    const bytes = await readFile(file);
    if (bytes.includes(scratch) || bytes.includes(root))
      wrong.push(`${path.relative(out, file)} contains a path of this machine`);
  }
  return wrong;
}

/** The reason in full only if it matters. @param {Seen} seen @param {boolean} full */
const describe = ({ backend, reason }, full) =>
  reason === null || reason === undefined ? backend : `${backend} (${full ? reason : cut(reason)})`;

const cut = (/** @type {string} */ text) => (text.length > 90 ? `${text.slice(0, 89)}…` : text);

/** @param {Promised} promised */
const describePromise = ({ backends, reasons }) =>
  backends.join(' or ') + (reasons.length > 0 ? ` (${reasons.join(' ')})` : '');

await asProgram(import.meta.url, async () => {
  const args = process.argv.slice(2);
  const at = args.indexOf('--package');
  const folder = at < 0 ? root : path.resolve(String(args.splice(at, 2)[1]));
  const unknown = args.find((name) => !(name in PROMISES));
  if (unknown !== undefined)
    throw new Error(`unknown row: ${unknown}; the rows are ${Object.keys(PROMISES).join(', ')}`);
  const scratch = await realpath(await mkdtemp(path.join(tmpdir(), 'tokenbed-pack-')));
  try {
    const tarball = await packTarball(scratch, folder);
    const results = await runRows(args.length > 0 ? args : Object.keys(PROMISES), { tarball });
    const wrong = results.filter(({ right }) => !right);
    say(
      `${results.length - wrong.length} as promised, ${wrong.length} not${wrong.length > 0 ? `: ${wrong.map(({ row, name }) => `${row} ${name}`).join(', ')}` : ''}`,
    );
    if (wrong.length > 0) process.exitCode = 1;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});
