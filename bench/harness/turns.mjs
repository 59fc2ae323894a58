/** Contenders that take turns, each in a process of its own. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endWithUs, environment } from '../../scripts/lib/run.mjs';
import { median } from './statistics.mjs';

/**
 * A process that answers each line of its standard input with a line of JSON.
 *
 * @param {string} name
 * @param {string | undefined} command
 * @param {readonly string[]} args
 * @param {Record<string, string>} variables of its environment
 */
export function lineProcess(name, command, args, variables) {
  const child = spawn(String(command), args, {
    env: environment(variables),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  endWithUs(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name,
    /** @param {string} line @returns {Promise<any>} */
    async request(line) {
      child.stdin.write(`${line}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error(`${name} ended (npm run bench:peers installs the peers)`);
      return JSON.parse(value);
    },
    end: () => child.stdin.end(),
  };
}

/** The elements in a random order. @template T @param {readonly T[]} list @returns {T[]} */
export const shuffled = (list) =>
  list
    .map((each) => ({ each, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ each }) => each);

/** The median of their times divided by ours, round by round. @param {readonly number[]} ours @param {readonly number[]} theirs */
export const ratio = (ours, theirs) => median(theirs.map((value, round) => value / Number(ours[round])));
