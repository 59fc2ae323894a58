/**
 * Checks for everything that the set-up cannot install itself. All checks run concurrently, within a second, and all
 * missing items are reported together, with the commands that install them.
 *
 * A registry is only checked if something has to be downloaded. It is sufficient that a connection opens.
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { cargoHome } from './cargo.mjs';
import { canInstallChromium, findChromium, INSTALL_CHROMIUM, onPath } from './chromium.mjs';
import { npmPackagesMissing, toolsMissing } from './installed.mjs';
import { root, run } from './run.mjs';

/** The oldest supported rustc. AVX-512 intrinsics are stable since 1.89. */
const RUST = [1, 89];
const GIB = 2 ** 30;
const TIMEOUT_MS = 800;

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

/** @param {string} command @returns {Missing['install']} */
const everywhere = (command) => ({ debian: command, fedora: command, macos: command });

/**
 * Throws an error that lists everything missing.
 *
 * @param {{ browser: boolean }} needs
 */
export async function preflight({ browser }) {
  const checks = [node(), cargo(), linker(), disk(), npmRegistry(), crateRegistry()];
  if (browser) checks.push(chromium());
  const missing = (await Promise.all(checks)).filter((result) => result !== undefined);
  if (missing.length === 0) return;
  const lines = missing.flatMap(({ what, install }) => {
    const { debian, fedora, macos } = install;
    if (debian === fedora && fedora === macos) return [`* ${what}`, `    ${debian}`];
    return [`* ${what}`, `    Debian  ${debian}`, `    Fedora  ${fedora}`, `    macOS   ${macos}`];
  });
  throw new Error(`missing prerequisites:\n${lines.join('\n')}`);
}

/** @typedef {Promise<Missing | undefined>} Check */

/** @returns {Check} */
async function node() {
  const { engines } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  if (satisfies(process.versions.node, engines.node)) return undefined;
  return { what: `Node.js ${engines.node}: this is ${process.versions.node}`, install: INSTALL.node };
}

/** Whether `version` satisfies a range like `>=20.19 <21 || >=22.12`. @param {string} version @param {string} range */
export function satisfies(version, range) {
  return range.split('||').some((all) =>
    all
      .trim()
      .split(/\s+/)
      .every((term) => {
        const [, sign, bound = ''] = /^(>=|<)(.*)$/.exec(term) ?? [];
        if (sign === undefined) throw new Error(`engines.node: unsupported term ${term}`);
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
  const required = `Rust ${RUST.join('.')} or newer (cargo and rustc)`;
  const [cargoRun, rustc] = await Promise.all([run('cargo', ['--version']), run('rustc', ['--version'])]);
  if (cargoRun.code !== 0 || rustc.code !== 0)
    return { what: `${required}: not found on PATH`, install: INSTALL.rust };
  const version = /\d+\.\d+/.exec(rustc.stdout)?.[0] ?? '0';
  if (compare(numbers(version), RUST) >= 0) return undefined;
  return {
    what: `${required}: this is ${version}`,
    install: onPath('rustup') === undefined ? INSTALL.rust : everywhere('rustup update stable'),
  };
}

/** cargo links with `cc`. On Linux the C library's start files must exist too. @returns {Check} */
async function linker() {
  const cc = process.env['CC'] ?? 'cc';
  const result = await run(cc, process.platform === 'linux' ? ['-print-file-name=crt1.o'] : ['--version']);
  if (result.code !== 0)
    return { what: `a C linker: ${cc} not found or not working`, install: INSTALL.linker };
  if (process.platform === 'linux' && !path.isAbsolute(result.stdout.trim())) {
    return { what: `the C library's development files: ${cc} cannot find crt1.o`, install: INSTALL.linker };
  }
  return undefined;
}

/** @returns {Check} */
async function disk() {
  const required = toolsMissing().length > 0 ? 4 : 1;
  const { bavail, bsize } = await statfs(root);
  const free = (bavail * bsize) / GIB;
  if (free >= required) return undefined;
  return {
    what: `disk space: ${required} GiB needed in ${root}, ${free.toFixed(1)} GiB free`,
    install: everywhere(`df -h ${root}`),
  };
}

/** @returns {Check} */
async function npmRegistry() {
  if (npmPackagesMissing() !== 'some') return undefined;
  const proxy =
    process.env['npm_config_https_proxy'] ?? process.env['HTTPS_PROXY'] ?? process.env['https_proxy'];
  // `npm run` sets variables for non-default values. Otherwise ask npm.
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

/** Whether cargo's cache contains every crate of Cargo.lock. */
function cratesCached() {
  const cache = path.join(cargoHome(), 'registry', 'cache');
  if (!existsSync(cache)) return false;
  const have = new Set(readdirSync(cache).flatMap((registry) => readdirSync(path.join(cache, registry))));
  const lock = readFileSync(path.join(root, 'Cargo.lock'), 'utf8');
  const required = lock.matchAll(/^name = "(.+)"\nversion = "(.+)"\nsource = /gm);
  return [...required].every(([, name, version]) => have.has(`${name}-${version}.crate`));
}

/** The registry and proxy of cargo's configuration. Only the common forms are recognized. */
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
 * Checks that a connection to the registry, or to the proxy if there is one, can be opened.
 *
 * @param {string} what @param {string | undefined} proxy @param {string} registry @param {string} diagnosis  a command that shows more
 * @returns {Check}
 */
async function reach(what, proxy, registry, diagnosis) {
  const address = proxy || registry;
  if (!URL.canParse(address) || address.startsWith('file:')) return undefined; // a local registry: errors are left to the package manager
  const { hostname, port, protocol } = new URL(address);
  const failure = await new Promise((/** @type {(reason: string | undefined) => void} */ resolve) => {
    const socket = connect({ host: hostname, port: Number(port) || (protocol === 'http:' ? 80 : 443) });
    const late = setTimeout(() => end(`no connection within ${TIMEOUT_MS} ms`), TIMEOUT_MS);
    socket.once('connect', () => end(undefined));
    socket.once('error', (error) => end(error.message));
    function end(/** @type {string | undefined} */ reason) {
      clearTimeout(late);
      socket.destroy();
      resolve(reason);
    }
  });
  if (failure === undefined) return undefined;
  return {
    what: `${what} (${hostname}): ${failure}. It is needed once, for packages that are not cached yet`,
    install: everywhere(`diagnose with: ${diagnosis}`),
  };
}

/** @returns {Check} */
async function chromium() {
  const named = process.env['TOKENBED_CHROMIUM'];
  if (findChromium() !== undefined || (!named && canInstallChromium())) return undefined;
  return {
    what: named
      ? `Chromium: TOKENBED_CHROMIUM=${named} is not an executable`
      : 'Chromium, for the browser tests',
    install: INSTALL_CHROMIUM,
  };
}
