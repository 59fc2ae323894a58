/**
 * One record from several runs that each measured other groups, on the same machine and the same build.
 *
 *   node bench/combine.mjs OUT PART...
 *
 * The marks are judged again over all rows. So a run can be split on a machine that is only idle for short periods.
 */

import { judgeMarks } from './harness/judge-marks.mjs';
import { readRecord, writeRecord } from './harness/record.mjs';
import { markLines } from './harness/report.mjs';

const [out, ...parts] = process.argv.slice(2);
if (out === undefined || parts.length === 0) throw new Error('usage: node bench/combine.mjs OUT PART...');
const [first, ...others] = await Promise.all(parts.map((part) => readRecord(part)));
const all = others.reduce(
  (made, part) => ({
    commit: part.commit,
    date: part.date,
    machine: part.machine,
    versions: { ...made.versions, ...part.versions },
    missing: [...new Set([...made.missing, ...part.missing])],
    startUpMs: { ...made.startUpMs, ...part.startUpMs },
    rows: [...made.rows.filter((row) => !part.rows.some((newer) => sameJob(row, newer))), ...part.rows],
    marks: [],
  }),
  /** @type {import('./harness/record.mjs').BenchRecord} */ (first),
);
const record = { ...all, marks: judgeMarks(all.machine.class, all.rows, all.startUpMs) };
await writeRecord(out, record);
for (const line of markLines(record.marks)) console.log(line);

/** A later part measures a job again. @param {import('./harness/types.d.ts').Row} a @param {import('./harness/types.d.ts').Row} b */
function sameJob(a, b) {
  return a.case === b.case && a.group === b.group && JSON.stringify(a.params) === JSON.stringify(b.params);
}
