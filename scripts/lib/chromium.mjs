/**
 * Finding a Chromium for the browser tests: TOKENBED_CHROMIUM, those on PATH, macOS's applications, Playwright's
 * own download. As root on Debian one is installed when there is none, after saying so; nothing else ever is.
 */

import { accessSync, constants, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { must } from './run.mjs';
import { step } from './progress.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const APPLICATIONS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** What to type where none is found; also the words of the preflight. */
export const INSTALL_CHROMIUM = {
  debian: 'sudo apt-get install -y chromium',
  fedora: 'sudo dnf install -y chromium',
  macos: 'brew install --cask chromium',
};

/** @param {string} file */
function executable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of a program on PATH. @param {string} name @returns {string | undefined} */
export function onPath(name) {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter(Boolean);
  return folders.map((folder) => path.join(folder, name)).find(executable);
}

/** The Chromium to test in, or undefined. @returns {string | undefined} */
export function findChromium() {
  const named = process.env['TOKENBED_CHROMIUM'];
  if (named) return executable(named) ? named : onPath(named);
  return (
    NAMES.map(onPath).find((found) => found !== undefined) ?? APPLICATIONS.find(executable) ?? playwrights()
  );
}

/** Playwright's own, in its usual cache. @returns {string | undefined} */
function playwrights() {
  try {
    const file = createRequire(import.meta.url)('playwright-core').chromium.executablePath();
    return executable(file) ? file : undefined;
  } catch {
    return undefined; // the package is not installed yet
  }
}

/** Whether we may install one ourselves. */
export function canInstallChromium() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && onPath('apt-get') !== undefined;
}

/** Finds one, or installs it as root on Debian, or throws with the command to type. @returns {Promise<string>} */
export async function ensureChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  const named = process.env['TOKENBED_CHROMIUM'];
  if (named) throw new Error(`TOKENBED_CHROMIUM=${named} is no program`);
  if (canInstallChromium()) {
    await step(
      'Installing Chromium with apt-get, the one thing put outside this folder (124 MB)',
      '15 s',
      async () => {
        const env = { DEBIAN_FRONTEND: 'noninteractive' };
        const install = ['install', '-y', '-qq', '--no-install-recommends', 'chromium'];
        await must('apt-get', install, { env }).catch(async () => {
          await must('apt-get', ['update', '-qq'], { env });
          await must('apt-get', install, { env });
        });
      },
    );
    const installed = findChromium();
    if (installed !== undefined) return installed;
  }
  const { debian, fedora, macos } = INSTALL_CHROMIUM;
  throw new Error(
    `no Chromium found. Debian: ${debian}   Fedora: ${fedora}   macOS: ${macos}   or: npx playwright install chromium`,
  );
}
