/** Hosts that freeze the intrinsic objects: everything works, and reports are the same. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as charts from 'tokenbed/report';
import { expect, inject, it, onTestFinished } from 'vitest';
import { jsonOf, runProgram } from '../helpers/children.js';
import { profilerReport } from '../helpers/profiler-report.js';

it.each(['after', 'before'])('works if the package is loaded %s', async (when) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tokenbed-frozen-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'report.json');
  const report = profilerReport(['uniform', 'zipf', 'sequential', 'repeated']);
  writeFileSync(file, JSON.stringify(report));

  const { toHTML, toSVG, encodingSVG, frequenciesSVG, ...ofResults } = charts;
  const expected: Record<string, string> = {
    toHTML: toHTML(report),
    toSVG: toSVG(report),
    encodingSVG: encodingSVG(),
    frequenciesSVG: frequenciesSVG(),
    ...Object.fromEntries(Object.entries(ofResults).map(([name, draw]) => [name, draw(report.results)])),
  };
  const env = { TOKENBED_BACKEND: inject('backend') };
  const { documents, ...rest } = await jsonOf<{ documents: Record<string, string> }>(
    runProgram('frozen.mjs', [file, when], env),
  );
  expect(Object.keys(documents)).toEqual(Object.keys(expected));
  expect(Object.keys(expected).filter((name) => documents[name] !== expected[name])).toEqual([]);
  expect(rest).toEqual({
    frozen: true,
    measured: ['<!DOCTYPE html>', '<svg'],
    code: 'ERR_ID_OUT_OF_RANGE',
    texts: ['abc', 'abé', 'abé', '2,8', '<svg'],
  });
});
