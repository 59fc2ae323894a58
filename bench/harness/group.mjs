/**
 * The process of one group: opens its contenders, then makes and measures one job after the other.
 *
 * Messages to the parent: { missing } for a peer that is not installed, { version }, { rows } for each job, { failed }.
 */

import { AGAINST, FILES, GROUPS, INSTALLABLE } from '../contenders/index.mjs';
import { makeJob } from './inputs.mjs';
import { listed } from './names.mjs';
import { measure } from './rounds.mjs';

/** @typedef {import('./types.d.ts').JobSpec} JobSpec @typedef {import('./types.d.ts').OpenOptions} OpenOptions */

/** @param {object} message */
const tell = (message) => void process.send?.(message);

/** @param {unknown} error */
const text = (error) => (error instanceof Error ? error.message : String(error));

/**
 * The files of a comparison with an earlier build, in either order: the order of allocation must not decide the result.
 *
 * @param {boolean} reversed
 */
const inOrder = (reversed) => (reversed ? [...AGAINST].reverse() : AGAINST);

/** @param {readonly string[]} files @param {OpenOptions} [options] */
async function openAll(files, options) {
  /** @type {import('./types.d.ts').Opened[]} */
  const opened = [];
  for (const file of files) {
    try {
      const module = await FILES[file]();
      const own = await module.open(options);
      tell({ version: { name: module.peer, version: own.version } });
      opened.push(own);
    } catch (error) {
      // Peers that `npm run bench:peers` installs may be missing. All others are part of the bench.
      if (INSTALLABLE.includes(file)) tell({ missing: { name: file, why: text(error) } });
      else tell({ failed: { case: file, params: {}, why: text(error) } });
    }
  }
  return opened;
}

/**
 * @typedef {object} Task
 * @property {string} group
 * @property {JobSpec[]} jobs
 * @property {import('./rounds.mjs').Settings} settings
 * @property {OpenOptions & { reversed: boolean }} [against]  the builds to compare, in place of the group's contenders
 */

/** @param {Task} task */
async function work({ group, jobs, settings, against }) {
  const files = against === undefined ? GROUPS[group].files : inOrder(against.reversed);
  const opened = await openAll(files, against);
  const contenders = opened.flatMap((each) => each.contenders);
  for (const spec of jobs) {
    try {
      const chosen = contenders.filter(({ name }) => listed(spec.contenders, name));
      const rows = await measure(makeJob(spec), chosen, settings);
      tell({
        rows: rows.map((row) => ({ case: spec.case, op: spec.op, params: spec.params, group, ...row })),
      });
    } catch (error) {
      tell({ failed: { case: spec.case, params: spec.params, why: text(error) } });
    }
  }
  for (const each of opened) await each.close?.();
}

process.once('message', async (task) => {
  await work(/** @type {any} */ (task));
  process.disconnect();
});

// All messages were sent, or the parent has exited. Other libraries leave timers and workers running.
process.once('disconnect', () => process.exit());
