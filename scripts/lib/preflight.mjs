/**
 * Before anything is done: is all there that the set-up cannot bring itself? Everything is looked at side by side,
 * within a second, and everything missing is listed at once, with the command that installs it.
 *
 * A registry is needed only where neither the project's folder nor the package manager's cache already holds what
 * would be fetched; then it is enough that a connection opens.
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { cargoHome } from './cargo.mjs';
import { canInstallChromium, findChromium, INSTALL_CHROMIUM, onPath } from './chromium.mjs';
import { npmPackagesMissing, toolsMissing } from './installed.mjs';
import { root, run } from './run.mjs';

/** The oldest rustc that compiles the kernels: AVX-512 intrinsics are stable since 1.89. */
const RUST = [1, 89];
const GIB = 2 ** 30;
const PATIENCE_MS = 800;

/**
 * @typedef {object} Missing
 * @property {string} what
 * @property {{ debian: string, fedora: string, macos: string }} install
 */

const RUSTUP = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh";
const INSTALL = {
  node: {
    debian:
      'curl -fsSL https://deb.nodesource.com/setup_22.x | sudo bash - && sudo apt-get install -y nodejs',
    fedora: 'sudo dnf install -y nodejs22',
    macos: 'brew install node@22',
  },
  rust: { debian: RUSTUP, fedora: RUSTUP, macos: RUSTUP },
  linker: {
    debian: 'sudo apt-get install -y build-essential',
    fedora: 'sudo dnf install -y gcc glibc-devel',
    macos: 'xcode-select --install',
  },
};

/** @param {string} words @returns {Missing['install']} */
const everywhere = (words) => ({ debian: words, fedora: words, macos: words });

/**
 * Throws one error that lists all that is missing.
 *
 * @param {{ browser: boolean }} needs
 */
export async function preflight({ browser }) {
  const checks = [node(), cargo(), linker(), disk(), npmRegistry(), crateRegistry()];
  if (browser) checks.push(chromium());
  const missing = (await Promise.all(checks)).filter((found) => found !== undefined);
  if (missing.length === 0) return;
  const lines = missing.flatMap(({ what, install }) => {
    const { debian, fedora, macos } = install;
    if (debian === fedora && fedora === macos) return [`* ${what}`, `    ${debian}`];
    return [`* ${what}`, `    Debian  ${debian}`, `    Fedora  ${fedora}`, `    macOS   ${macos}`];
  });
  throw new Error(`missing, before anything was done:\n${lines.join('\n')}`);
}

/** @typedef {Promise<Missing | undefined>} Check */

/** @returns {Check} */
async function node() {
  const { engines } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  if (satisfies(process.versions.node, engines.node)) return undefined;
  return { what: `Node.js ${engines.node}: this is ${process.versions.node}`, install: INSTALL.node };
}

/** A range like `>=20.19 <21 || >=22.12`. @param {string} version @param {string} range */
export function satisfies(version, range) {
  return range.split('||').some((all) =>
    all
      .trim()
      .split(/\s+/)
      .every((term) => {
        const [, sign, bound = ''] = /^(>=|<)(.*)$/.exec(term) ?? [];
        if (sign === undefined) throw new Error(`engines.node: ${term} is not understood`);
        const atLeast = compare(numbers(version), numbers(bound)) >= 0;
        return sign === '>=' ? atLeast : !atLeast;
      }),
  );
}

/** @param {string} version */
const numbers = (version) => version.split('.').map(Number);

/** @param {number[]} a @param {number[]} b */
function compare(a, b) {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @returns {Check} */
async function cargo() {
  const wanted = `Rust ${RUST.join('.')} or newer (cargo and rustc)`;
  const [cargoRun, rustc] = await Promise.all([run('cargo', ['--version']), run('rustc', ['--version'])]);
  if (cargoRun.code !== 0 || rustc.code !== 0)
    return { what: `${wanted}: not found on PATH`, install: INSTALL.rust };
  const version = /\d+\.\d+/.exec(rustc.stdout)?.[0] ?? '0';
  if (compare(numbers(version), RUST) >= 0) return undefined;
  return {
    what: `${wanted}: this is ${version}`,
    install: onPath('rustup') === undefined ? INSTALL.rust : everywhere('rustup update stable'),
  };
}

/** cargo links through `cc`; on Linux the C library's start files must be there too. @returns {Check} */
async function linker() {
  const cc = process.env['CC'] ?? 'cc';
  const found = await run(cc, process.platform === 'linux' ? ['-print-file-name=crt1.o'] : ['--version']);
  if (found.code !== 0)
    return { what: `a C linker: ${cc} not found or not working`, install: INSTALL.linker };
  if (process.platform === 'linux' && !path.isAbsolute(found.stdout.trim())) {
    return { what: `the C library's development files: ${cc} finds no crt1.o`, install: INSTALL.linker };
  }
  return undefined;
}

/** @returns {Check} */
async function disk() {
  const wanted = toolsMissing().length > 0 ? 4 : 1;
  const { bavail, bsize } = await statfs(root);
  const free = (bavail * bsize) / GIB;
  if (free >= wanted) return undefined;
  return {
    what: `disk space: ${wanted} GiB are needed in ${root}, ${free.toFixed(1)} GiB are free`,
    install: everywhere(`df -h ${root}`),
  };
}

/** @returns {Check} */
async function npmRegistry() {
  if (npmPackagesMissing() !== 'some') return undefined;
  const proxy =
    process.env['npm_config_https_proxy'] ?? process.env['HTTPS_PROXY'] ?? process.env['https_proxy'];
  // Under `npm run` npm sets what differs from its defaults; alone, npm is asked.
  const registry =
    process.env['npm_config_registry'] ??
    (process.env['npm_lifecycle_event'] === undefined
      ? (await run('npm', ['config', 'get', 'registry'])).stdout.trim()
      : 'https://registry.npmjs.org/');
  return reach('the npm registry', proxy, registry, 'npm config get registry; npm ping');
}

/** @returns {Check} */
async function crateRegistry() {
  if (toolsMissing().length === 0 && cratesCached()) return undefined;
  const { proxy, registry } = cargoConfig();
  return reach('the crate registry', proxy, registry, 'cargo info wasm-bindgen');
}

/** Is each crate of Cargo.lock in cargo's cache? */
function cratesCached() {
  const cache = path.join(cargoHome(), 'registry', 'cache');
  if (!existsSync(cache)) return false;
  const have = new Set(readdirSync(cache).flatMap((registry) => readdirSync(path.join(cache, registry))));
  const lock = readFileSync(path.join(root, 'Cargo.lock'), 'utf8');
  const wanted = lock.matchAll(/^name = "(.+)"\nversion = "(.+)"\nsource = /gm);
  return [...wanted].every(([, name, version]) => have.has(`${name}-${version}.crate`));
}

/** The registry and proxy that cargo is configured with, as far as a few lines can read it. */
function cargoConfig() {
  const file = ['config.toml', 'config']
    .map((name) => path.join(cargoHome(), name))
    .find((name) => existsSync(name));
  const toml = file === undefined ? '' : readFileSync(file, 'utf8');
  const replacement = /\[source\.crates-io\][^[]*?replace-with\s*=\s*["']([^"']+)["']/.exec(toml)?.[1];
  const source = replacement === undefined ? undefined : section(toml, `source.${replacement}`);
  return {
    registry: (value(source, 'registry') ?? 'https://index.crates.io/').replace(/^sparse\+/, ''),
    proxy: value(section(toml, 'http'), 'proxy') ?? process.env['HTTPS_PROXY'] ?? process.env['https_proxy'],
  };
}

/** @param {string} toml @param {string} name */
const section = (toml, name) =>
  toml.split(/^\s*\[/m).find((part) => part.replaceAll(/["']/g, '').startsWith(`${name}]`));

/** @param {string | undefined} part @param {string} key */
const value = (part, key) => new RegExp(`^\\s*${key}\\s*=\\s*["']([^"']+)["']`, 'm').exec(part ?? '')?.[1];

/**
 * Does a connection open? To the proxy where there is one.
 *
 * @param {string} what @param {string | undefined} proxy @param {string} registry @param {string} look  a command that shows more
 * @returns {Check}
 */
async function reach(what, proxy, registry, look) {
  const address = proxy || registry;
  if (!URL.canParse(address) || address.startsWith('file:')) return undefined; // a folder: its manager will say
  const { hostname, port, protocol } = new URL(address);
  const failure = await new Promise((/** @type {(why: string | undefined) => void} */ resolve) => {
    const socket = connect({ host: hostname, port: Number(port) || (protocol === 'http:' ? 80 : 443) });
    const late = setTimeout(() => end(`no answer within ${PATIENCE_MS} ms`), PATIENCE_MS);
    socket.once('connect', () => end(undefined));
    socket.once('error', (error) => end(error.message));
    function end(/** @type {string | undefined} */ why) {
      clearTimeout(late);
      socket.destroy();
      resolve(why);
    }
  });
  if (failure === undefined) return undefined;
  return {
    what: `${what} (${hostname}): ${failure}. It is needed once, for what is not in the caches yet`,
    install: everywhere(`look with: ${look}`),
  };
}

/** @returns {Check} */
async function chromium() {
  const named = process.env['TOKENBED_CHROMIUM'];
  if (findChromium() !== undefined || (!named && canInstallChromium())) return undefined;
  return {
    what: named ? `Chromium: TOKENBED_CHROMIUM=${named} is no program` : 'Chromium, for the browser tests',
    install: INSTALL_CHROMIUM,
  };
}
