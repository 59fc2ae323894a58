/**
 * Tests the published tarballs of tokenbed and of its model: packs them, installs them into a scratch folder, and uses them
 * there without cargo on PATH, with `import` and `require`, with and without the addon, on Node 20, 22 and 24. Its types are checked in strict mode, with and
 * without DOM and @types/node.
 */

import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { cargoHome } from '../lib/cargo.mjs';
import { onPath } from '../lib/chromium.mjs';
import { nodes } from '../lib/nodes.mjs';
import { say } from '../lib/progress.mjs';
import { must, root, run } from '../lib/run.mjs';

/** The required files, besides one `.node` file. */
const REQUIRED = [
  'package.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'dist/index.js',
  'dist/index.mjs',
  'dist/index.cjs',
  'dist/index.d.ts',
  'dist/index.d.cts',
  'dist/inline.js',
  'dist/report/index.js',
  'dist/THIRD-PARTY-LICENSES.txt',
  'dist/tokenizer/index.js',
  'dist/text/index.js',
  'dist/text/index.mjs',
  'dist/text/index.cjs',
  'dist/text/index.d.ts',
  'dist/cli.js',
  'dist/core.wasm',
  'dist/text.wasm',
];

/** The files of the model's package. */
const OF_MODEL =
  'LICENSE,NOTICE,README.md,config.json,index.cjs,index.d.cts,index.d.ts,index.js,model.safetensors,package.json,tokenizer.json';

/** Forbidden files: sources, tests, caches, and the .gitignore that would exclude dist/. */
const FORBIDDEN =
  /(^|\/)\.gitignore$|\.tsbuildinfo$|^(ts|crates|test|scripts|target|examples|models|bench|\.cache)\//;

/** @returns {Promise<import('../lib/suite.mjs').Outcome>} */
export async function pack() {
  const scratch = await realpath(await mkdtemp(path.join(tmpdir(), 'tokenbed-pack-')));
  const outcome = { passed: 0, failed: 0, details: '' };
  /** @param {string} name @param {() => Promise<string | undefined>} test  resolves to a description of the failure */
  const check = async (name, test) => {
    const wrong = await test().catch((/** @type {unknown} */ error) => String(error));
    if (wrong === undefined) outcome.passed++;
    else {
      outcome.failed++;
      outcome.details += `${name}: ${wrong}\n`;
    }
  };
  try {
    const { tarball, files } = await packTarball(scratch);
    await check('contents', async () => contents(files));
    const model = await packTarball(scratch, 'models/minilm-static');
    await check('contents of the model', async () => {
      const names = model.files.map((file) => file.path).sort();
      return `${names}` === OF_MODEL ? undefined : names.join(', ');
    });
    const tarballs = [tarball, model.tarball];
    const withAddon = await install(scratch, 'with-addon', tarballs);
    await check('no local paths', () => noMachinePaths(path.join(withAddon, 'node_modules/tokenbed'), files));
    const wasmOnly = await install(scratch, 'without-addon', tarballs);
    await removeAddon(path.join(wasmOnly, 'node_modules/tokenbed/dist'));

    const [bits, vectors] = [new Set(), new Set()];
    for (const { name, node } of await nodes()) {
      for (const [folder, backend] of /** @type {const} */ ([
        [withAddon, 'native'],
        [wasmOnly, 'wasm'],
      ])) {
        for (const program of ['import.mjs', 'require.cjs', 'inline.mjs']) {
          await check(`${program} on ${name}, ${path.basename(folder)}`, async () => {
            const {
              info,
              shape,
              bits: result,
            } = JSON.parse((await use(scratch, folder, node, [program])).stdout);
            bits.add(result);
            if (`${shape}` !== '14,10') return `shape ${shape}`;
            if (info.name !== backend) return `the backend is ${info.name}: ${info.fallbackReason}`;
            if (backend === 'native' && info.fallbackReason !== null)
              return `a fallback: ${info.fallbackReason}`;
            if (backend === 'wasm' && !info.fallbackReason) return 'no reason for the fallback';
            return undefined;
          });
        }
        await check(`text.mjs on ${name}, ${path.basename(folder)}`, async () => {
          const { ids, info } = JSON.parse((await use(scratch, folder, node, ['text.mjs'])).stdout);
          if (ids.join(' ') !== '2,0,1 2,0,1') return `the ids are ${ids.join(' ')}`;
          return info.name === backend ? undefined : `the backend is ${info.name}: ${info.fallbackReason}`;
        });
        await check(`model.mjs on ${name}, ${path.basename(folder)}`, async () => {
          const { vectors: found, info } = JSON.parse(
            (await use(scratch, folder, node, ['model.mjs'])).stdout,
          );
          for (const each of found) vectors.add(each);
          return info.name === backend ? undefined : `the backend is ${info.name}: ${info.fallbackReason}`;
        });
      }
    }
    for (const [what, results] of Object.entries({ bits, vectors })) {
      await check(`equal ${what} everywhere`, async () =>
        results.size === 1 ? undefined : `${results.size} different results`,
      );
    }
    await check('npx tokenbed info --json', async () => {
      const cli = 'node_modules/tokenbed/dist/cli.js';
      const { stdout } = await use(scratch, withAddon, process.execPath, [cli, 'info', '--json']);
      JSON.parse(stdout);
      return undefined;
    });
    await check('npx tokenbed profile --html', async () => {
      const cli = 'node_modules/tokenbed/dist/cli.js';
      const few = ['--vocab', '100', '--dim', '8', '--batch-sizes', '1', '--seq-lengths', '4'];
      const tables = ['--vocab-sizes', '10', '--embedding-dims', '4', '--min-time', '0'];
      const file = path.join(scratch, 'report.html');
      await use(scratch, withAddon, process.execPath, [cli, 'profile', ...few, ...tables, '--html', file]);
      const html = await readFile(file, 'utf8');
      return html.includes('<svg') ? undefined : 'the report has no chart';
    });
    for (const settings of TYPE_SETTINGS) {
      await check(`types, ${settings.name}`, () => checkTypes(withAddon, settings));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return outcome;
}

/** @typedef {{ path: string, size: number }} Packed */

/** @param {string} scratch @param {string} [folder]  of the package @returns {Promise<{ tarball: string, files: Packed[] }>} */
export async function packTarball(scratch, folder = '.') {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch];
  const options = { cwd: path.join(root, folder), env: { npm_config_loglevel: 'error' } };
  const { stdout } = await must('npm', args, options);
  const [{ filename, size, unpackedSize, files }] = JSON.parse(stdout);
  say(
    `  ${filename}: ${files.length} files, ${size} bytes packed, ${unpackedSize} bytes unpacked; the largest:`,
  );
  const largest = [...files].sort((a, b) => b.size - a.size).slice(0, 5);
  for (const file of largest) say(`    ${String(file.size).padStart(9)}  ${file.path}`);
  return { tarball: path.join(scratch, filename), files };
}

/** @param {Packed[]} files */
function contents(files) {
  const names = files.map((file) => file.path);
  const wrong = [
    ...REQUIRED.filter((name) => !names.includes(name)).map((name) => `${name} is missing`),
    ...names.filter((name) => FORBIDDEN.test(name)).map((name) => `${name} should not be there`),
    ...files.filter(({ size }) => size === 0).map((file) => `${file.path} is empty`),
  ];
  const addons = names.filter((name) => name.endsWith('.node')).length;
  if (addons !== 1) wrong.push(`${addons} addons instead of one`);
  return wrong.length === 0 ? undefined : wrong.join('; ');
}

/** @param {string} folder @param {Packed[]} files */
async function noMachinePaths(folder, files) {
  const paths = [root, cargoHome(), `${homedir()}/`].filter((name) => name.length > 3);
  const problems = [];
  for (const file of files) {
    const bytes = await readFile(path.join(folder, file.path));
    for (const name of paths) if (bytes.includes(name)) problems.push(`${file.path} contains ${name}`);
  }
  return problems.length === 0 ? undefined : problems.join('; ');
}

/** A new folder with the packages installed and the test programs. @param {string} scratch @param {string} name @param {readonly string[]} tarballs */
async function install(scratch, name, tarballs) {
  const folder = path.join(scratch, name);
  await mkdir(folder);
  await writeFile(
    path.join(folder, 'package.json'),
    '{ "name": "user", "private": true, "type": "module" }\n',
  );
  const npm = process.env['npm_execpath'] ?? (await realpath(onPath('npm') ?? 'npm'));
  const args = ['install', '--prefix', folder, '--offline', '--no-audit', '--no-fund', ...tarballs];
  await must(process.execPath, [npm, ...args], { cwd: folder, env: { PATH: await bareFolder(scratch) } });
  await cp(path.join(root, 'test/pack'), folder, { recursive: true });
  return folder;
}

/** A folder for PATH that contains only node: no cargo, no compiler. @param {string} scratch */
async function bareFolder(scratch) {
  const folder = path.join(scratch, 'bin');
  await mkdir(folder, { recursive: true });
  if (!existsSync(path.join(folder, 'node'))) await symlink(process.execPath, path.join(folder, 'node'));
  return folder;
}

/** @param {string} scratch @param {string} folder @param {string} node @param {string[]} args */
async function use(scratch, folder, node, args) {
  const unset = {
    TOKENBED_BACKEND: undefined,
    TOKENBED_ISA: undefined,
    TOKENBED_TUNING: undefined,
    TOKENBED_THREADS: undefined,
  };
  const env = { ...unset, NODE_OPTIONS: undefined, NODE_PATH: undefined, PATH: await bareFolder(scratch) };
  return must(node, args, { cwd: folder, env });
}

/** @param {string} dist */
async function removeAddon(dist) {
  const addons = (await readdir(dist, { recursive: true })).filter((file) => file.endsWith('.node'));
  for (const addon of addons) await rm(path.join(dist, addon));
}

/** The settings with which the types must compile, both without `skipLibCheck`. */
const TYPE_SETTINGS = [
  { name: 'lib ES2022 alone', lib: ['ES2022'], types: [] },
  { name: 'with DOM and @types/node', lib: ['ES2022', 'DOM'], types: ['node'] },
];

/** @param {string} folder @param {{ lib: string[], types: string[] }} settings */
async function checkTypes(folder, { lib, types }) {
  if (types.includes('node')) {
    for (const name of ['@types/node', 'undici-types']) {
      await cp(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name), {
        recursive: true,
      });
    }
  }
  const strict = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true };
  const compilerOptions = { ...strict, target: 'ES2022', module: 'NodeNext', lib, types };
  const config = JSON.stringify({ compilerOptions, files: ['types.ts'] });
  await writeFile(path.join(folder, 'tsconfig.json'), config);
  const { code, output } = await run(path.join(root, 'node_modules/.bin/tsc'), ['-p', folder], {
    cwd: folder,
  });
  return code === 0 ? undefined : output;
}
