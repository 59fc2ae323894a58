/**
 * Finds a Chromium for the browser tests: TOKENBED_CHROMIUM, PATH, macOS applications, Playwright's download. As root on
 * Debian it is installed if missing, after an announcement.
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

/** The commands to install Chromium, for error messages. */
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
    NAMES.map(onPath).find((file) => file !== undefined) ??
    APPLICATIONS.find(executable) ??
    playwrightChromium()
  );
}

/** The Chromium that Playwright has downloaded. @returns {string | undefined} */
function playwrightChromium() {
  try {
    const file = createRequire(import.meta.url)('playwright-core').chromium.executablePath();
    return executable(file) ? file : undefined;
  } catch {
    return undefined; // the package is not installed yet
  }
}

/** Whether Chromium can be installed automatically. */
export function canInstallChromium() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && onPath('apt-get') !== undefined;
}

/** Finds Chromium, or installs it as root on Debian, or throws with the command to install it. @returns {Promise<string>} */
export async function ensureChromium() {
  const existing = findChromium();
  if (existing !== undefined) return existing;
  const named = process.env['TOKENBED_CHROMIUM'];
  if (named) throw new Error(`TOKENBED_CHROMIUM=${named} is not an executable`);
  if (canInstallChromium()) {
    await step(
      'Installing Chromium with apt-get (124 MB; the only installation outside this folder)',
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
