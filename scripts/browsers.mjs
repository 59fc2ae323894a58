/**
 * Runs the package in real browsers, without a bundler: pages and workers import dist/ by URL.
 *
 *   npm run test:browsers -- [--package FOLDER] [firefox] [webkit] [chromium]
 *
 * Each page of test/browsers/ runs one program under one content security policy and posts the outcome, which must have
 * the bits that Node computes. Where the policy forbids WebAssembly, it must be ERR_BACKEND_UNAVAILABLE. Firefox and
 * Chromium are driven over WebDriver BiDi, WebKitGTK by WebKitWebDriver. Prints one line per case. A browser that is
 * not installed is printed as NOT RUN with the command that installs it.
 */

import { spawn } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { run } from '../test/browsers/program.js';
import { findChromium, INSTALL_CHROMIUM, onPath } from './lib/chromium.mjs';
import { asProgram } from './lib/main.mjs';
import { say } from './lib/progress.mjs';
import { endWithUs, must, root } from './lib/run.mjs';
import { unlessFresh } from './lib/stamp.mjs';
import { serveFolder } from './lib/static-server.mjs';
import { setUp } from './setup.mjs';

/** How long a page may take, in milliseconds. */
const PATIENCE = 60_000;

/**
 * @typedef {object} Browser
 * @property {(url: string) => Promise<unknown>} open   loads a page
 * @property {() => Promise<unknown>} close
 *
 * @typedef {{ digest?: string, code?: string | undefined, message?: string, backend?: string }} Outcome
 */

/** Content security policies. Workers have that of their own response. */
const SCRIPTS = "script-src 'self' http://127.0.0.1:*";
const POLICIES = {
  'no policy': null,
  "'wasm-unsafe-eval'": `${SCRIPTS} 'wasm-unsafe-eval'`,
  'WebAssembly forbidden': SCRIPTS,
};

/** Name -> query. The package of `elsewhere` comes from another origin, as from a CDN. */
const CASES = {
  main: 'entry=main',
  'main, init({ wasm: Request })': 'entry=request',
  'main from another origin': 'entry=main&elsewhere',
  'main in a worker': 'entry=main&worker',
  inline: 'entry=inline',
  'inline in a worker': 'entry=inline&worker',
};

/** Thrown for what is not installed; the message is the command that installs it. */
class NotRun extends Error {}

/** puppeteer-core, with its own lock file: nothing else needs it. */
async function driver() {
  const folder = path.join(root, 'scripts/browsers');
  const inputs = ['package.json', 'package-lock.json'].map((name) => `scripts/browsers/${name}`);
  await unlessFresh({ name: 'browsers', inputs, outputs: ['scripts/browsers/node_modules'] }, async () => {
    const args = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
    await must('npm', args, { cwd: folder });
  });
  const file = createRequire(path.join(folder, 'package.json')).resolve('puppeteer-core');
  return import(pathToFileURL(file).href);
}

/** @param {'firefox' | 'chrome'} browser @param {string} executablePath @returns {Promise<Browser>} */
async function puppeteer(browser, executablePath) {
  const { launch } = await driver();
  // The sandbox of Chromium does not work for root.
  const args = browser === 'chrome' ? ['--no-sandbox'] : [];
  const running = await launch({ browser, executablePath, args, headless: true, protocol: 'webDriverBiDi' });
  const page = await running.newPage();
  return { open: (url) => page.goto(url), close: () => running.close() };
}

/** The first of these programs on PATH. @param {readonly string[]} names @param {string} debian  the package of Debian */
function installed(names, debian) {
  const file = names.map(onPath).find((found) => found !== undefined);
  if (file === undefined) throw new NotRun(`sudo apt-get install -y ${debian}`);
  return file;
}

/** An unused port. @returns {Promise<number>} */
function freePort() {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/** WebKitGTK's MiniBrowser, on a virtual display. @returns {Promise<Browser>} */
async function webkit() {
  const driver = installed(['WebKitWebDriver'], 'webkit2gtk-driver');
  const xvfb = installed(['xvfb-run'], 'xvfb xauth');
  const port = await freePort();
  const child = spawn(xvfb, ['-a', driver, `--port=${port}`], { stdio: 'ignore', detached: true });
  endWithUs(child);
  const stop = () => process.kill(-(/** @type {number} */ (child.pid))); // with the display and the browser
  /** @param {string} method @param {string} where @param {object} [body] */
  const send = async (method, where, body) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`http://127.0.0.1:${port}${where}`, init);
    const { value } = await response.json();
    if (!response.ok) throw new Error(`WebKitWebDriver: ${value.error}: ${value.message}`);
    return value;
  };
  const ready = async () => (await send('GET', '/status').catch(() => ({ ready: false }))).ready;
  while (!(await ready())) {
    if (child.exitCode !== null) throw new Error(`xvfb-run ended with ${child.exitCode}`);
    await setTimeout(100);
  }
  const { sessionId } = await send('POST', '/session', { capabilities: {} }).catch(
    (/** @type {unknown} */ error) => {
      stop();
      throw error;
    },
  );
  return {
    open: (url) => send('POST', `/session/${sessionId}/url`, { url }),
    async close() {
      await send('DELETE', `/session/${sessionId}`);
      stop();
    },
  };
}

/** @type {Record<string, () => Promise<Browser>>} */
const BROWSERS = {
  firefox: async () => puppeteer('firefox', installed(['firefox-esr', 'firefox'], 'firefox-esr')),
  webkit,
  async chromium() {
    const file = findChromium();
    if (file === undefined) throw new NotRun(INSTALL_CHROMIUM.debian);
    return puppeteer('chrome', file);
  },
};

/** What is wrong with an outcome. @param {Outcome} seen @param {Outcome} expected @param {boolean} forbidden */
function fault({ digest, code, message, backend }, expected, forbidden) {
  if (forbidden) {
    if (code !== 'ERR_BACKEND_UNAVAILABLE') return 'ERR_BACKEND_UNAVAILABLE expected';
    return message?.includes('\n') ? 'a message of one line expected' : undefined;
  }
  if (message !== undefined) return 'a result expected';
  if (backend !== 'wasm') return 'WASM expected';
  if (code !== expected.code) return `${expected.code} expected`;
  return digest === expected.digest ? undefined : `digest ${expected.digest} expected`;
}

/** The cases in one browser. Returns the number of failures. @param {string} name @param {string} folder @param {Outcome} expected */
async function testBrowser(name, folder, expected) {
  const browser = await /** @type {() => Promise<Browser>} */ (BROWSERS[name])();
  const cdn = await serveFolder(folder, { policy: null });
  let failures = 0;
  try {
    for (const [policyName, policy] of Object.entries(POLICIES)) {
      /** @type {(outcome: Outcome) => void} */
      let posted = () => {};
      const server = await serveFolder(folder, { policy, onPost: (body) => posted(JSON.parse(body)) });
      for (const [caseName, query] of Object.entries(CASES)) {
        const { promise, resolve } = defer();
        posted = resolve;
        const dist = `${query.includes('elsewhere') ? cdn.url : server.url}dist/`;
        await browser.open(`${server.url}pages/page.html?${query}&dist=${dist}`);
        const late = setTimeout(PATIENCE, /** @type {Outcome} */ ({ message: 'no outcome' }), { ref: false });
        const seen = await Promise.race([promise, late]);
        const wrong = fault(seen, expected, policyName === 'WebAssembly forbidden');
        if (wrong !== undefined) failures++;
        const told =
          seen.message === undefined
            ? `${seen.backend} ${seen.digest}`
            : `${seen.code ?? 'error'}: ${seen.message}`;
        const line = `${name}: ${caseName}; ${policyName}: ${told.replaceAll(/\s+/g, ' ')}`;
        say(wrong === undefined ? `ok   ${line}` : `FAIL ${line} (${wrong})`);
      }
      await server.close();
    }
  } finally {
    await cdn.close();
    await browser.close();
  }
  return failures;
}

/** A promise and its `resolve`. */
function defer() {
  /** @type {(outcome: Outcome) => void} */
  let resolve = () => {};
  /** @type {Promise<Outcome>} */
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { package: { type: 'string', default: root } },
  });
  const unknown = positionals.filter((name) => !Object.hasOwn(BROWSERS, name));
  if (unknown.length > 0)
    throw new Error(`no browser ${unknown.join(', ')}: one of ${Object.keys(BROWSERS).join(', ')}`);
  if (values.package === root) await setUp();
  const dist = path.resolve(values.package, 'dist');
  const scratch = await mkdtemp(path.join(tmpdir(), 'tokenbed-browsers-'));
  try {
    await symlink(dist, path.join(scratch, 'dist'));
    await symlink(path.join(root, 'test/browsers'), path.join(scratch, 'pages'));
    const expected = await run(await import(pathToFileURL(path.join(root, 'dist/index.js')).href));
    say(`expected: ${expected.digest}, computed by Node on ${expected.backend}`);
    let failures = 0;
    for (const name of positionals.length > 0 ? positionals : Object.keys(BROWSERS)) {
      try {
        failures += await testBrowser(name, scratch, expected);
      } catch (error) {
        if (error instanceof NotRun) say(`${name}: NOT RUN: ${error.message}`);
        else throw error;
      }
    }
    if (failures > 0) throw new Error(`${failures} failed`);
  } finally {
    await rm(scratch, { recursive: true });
  }
}

await asProgram(import.meta.url, main);
