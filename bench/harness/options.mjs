/** The options of `npm run bench`. */

import { parseArgs } from 'node:util';
import { CASES } from '../cases.mjs';
import { CONFIGURATIONS } from '../against/configurations.mjs';
import { PEERS } from '../contenders/index.mjs';

export const USAGE = `npm run bench -- [options]

  --quick            fewer and smaller jobs, fewer rounds: a few minutes instead of half an hour
  --case N1,G1,...   only these (${[...new Set(CASES.map(({ id }) => id))].join(' ')} L1)
  --op gather,...    only these (${[...new Set(CASES.map(({ op }) => op))].join(' ')})
  --peers js,...     only these groups (${PEERS.join(' ')})
  --json FILE        the record: machine, versions, rows, marks
  --answers          no timing: checks the answers of every contender (CI runs this)

  --against FOLDER   compare with the build in FOLDER (node bench/against/build.mjs), no peers
  --on avx2,wasm,... only on these (${CONFIGURATIONS.join(' ')})
  --only TEXT        only the cases whose printed name contains TEXT`;

/** @param {string | undefined} text @param {string} option @param {readonly string[]} known */
function list(text, option, known) {
  if (text === undefined) return null;
  const words = text.split(',').filter(Boolean);
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined || words.length === 0) {
    throw new Error(`--${option}: ${unknown ?? 'nothing'} is not one of ${known.join(', ')}\n\n${USAGE}`);
  }
  return words;
}

/** @param {string[]} args */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      op: { type: 'string' },
      case: { type: 'string' },
      peers: { type: 'string' },
      json: { type: 'string' },
      against: { type: 'string' },
      on: { type: 'string' },
      only: { type: 'string', default: '' },
      quick: { type: 'boolean', default: false },
      answers: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.against === undefined && (values.on !== undefined || values.only !== '')) {
    throw new Error(`--on and --only require --against\n\n${USAGE}`);
  }
  return {
    ops: list(values.op, 'op', [...new Set(CASES.map(({ op }) => op))]),
    cases: list(values.case, 'case', [...CASES.map(({ id }) => id), 'L1']),
    peers: list(values.peers, 'peers', PEERS),
    quick: values.quick || values.answers,
    answers: values.answers,
    json: values.json ?? null,
    against: values.against ?? null,
    on: list(values.on, 'on', CONFIGURATIONS),
    only: values.only,
    help: values.help,
  };
}
