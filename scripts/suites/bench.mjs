/** The benchmark's comparison of results. Speed is not asserted, because machines may be busy. */

import { run } from '../lib/run.mjs';
import { checks } from '../lib/suite.mjs';

/** Peers that `npm run bench:peers` has not installed are skipped with a message. */
export async function bench() {
  const { code, output } = await run(process.execPath, ['bench/run.mjs', '--answers', '--peers', 'js,isa']);
  const [, right = '0', wrong = '0', failed = '0'] =
    /^(\d+) answers right, (\d+) wrong, (\d+) failed/m.exec(output) ?? [];
  const outcome = { passed: Number(right), failed: Number(wrong) + Number(failed), details: output };
  if (code !== 0 && outcome.failed === 0) outcome.failed = 1; // it ended before printing counts
  const figures = await checks([
    [
      'README.md and bench/README.md show the figures of the record',
      () => run(process.execPath, ['bench/readme.mjs', '--check']),
    ],
  ]);
  return {
    passed: outcome.passed + figures.passed,
    failed: outcome.failed + figures.failed,
    details: [outcome.failed > 0 ? outcome.details : '', figures.details].join('\n'),
  };
}
