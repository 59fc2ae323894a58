/**
 * The package in Node for arm64, from npm, under qemu-user: the program of test/consumers/ must have the same bits on the
 * addon that scripts/test-neon.sh has built and on WASM.
 */

import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DIGEST } from '../../test/consumers/promises.mjs';
import { onPath } from '../lib/chromium.mjs';
import { nodeForArm64 } from '../lib/nodes.mjs';
import { say } from '../lib/progress.mjs';
import { root, run } from '../lib/run.mjs';

const LIBRARIES = '/usr/aarch64-linux-gnu';
const ADDON = path.join(root, 'target/neon/aarch64-unknown-linux-gnu/release/libtokenbed_node.so');

/** Why this machine cannot run Node for arm64; `undefined` if it can. */
function obstacle() {
  const missing = [
    onPath('qemu-aarch64') === undefined && 'qemu-user gcc-aarch64-linux-gnu',
    !existsSync(`${LIBRARIES}/lib/libc.so.6`) && 'libc6-dev-arm64-cross',
    !existsSync(`${LIBRARIES}/lib/libstdc++.so.6`) && 'libstdc++6-arm64-cross',
  ].filter(Boolean);
  if (missing.length > 0) return `apt-get install ${missing.join(' ')}`;
  return existsSync(ADDON) ? undefined : 'bash scripts/test-neon.sh';
}

/** @returns {Promise<import('../lib/suite.mjs').Outcome>} */
export async function arm64() {
  const outcome = { passed: 0, failed: 0, details: '' };
  const reason = obstacle();
  if (reason !== undefined) {
    say(`  arm64 NOT RUN: ${reason}`);
    return outcome;
  }
  const node = await nodeForArm64();
  const folder = await mkdtemp(path.join(tmpdir(), 'tokenbed-arm64-'));
  try {
    await cp(path.join(root, 'dist'), folder, { recursive: true });
    await cp(path.join(root, 'test/consumers/smoke.js'), path.join(folder, 'smoke.js'));
    await cp(ADDON, path.join(folder, 'native/tokenbed.linux-arm64-gnu.node'));
    await writeFile(
      path.join(folder, 'main.mjs'),
      "import * as tokenbed from './index.mjs';\nimport { smoke } from './smoke.js';\n" +
        'console.log(process.arch, await smoke(process.argv[2], tokenbed, () => {}));\n',
    );
    for (const backend of ['native', 'wasm']) {
      const args = ['-L', LIBRARIES, node, path.join(folder, 'main.mjs'), backend];
      const { output } = await run('qemu-aarch64', args, { env: { TOKENBED_BACKEND: backend } });
      const right = output.startsWith(`arm64 RESULT ${backend} {"backend":"${backend}",`);
      if (right && output.includes(`"digest":"${DIGEST}"`)) outcome.passed++;
      else {
        outcome.failed++;
        outcome.details += `${backend}: ${output}\n`;
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return outcome;
}
