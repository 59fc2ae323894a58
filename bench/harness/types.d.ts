/** The types that the parts of the harness exchange. contenders/contract.d.ts has those of the contenders. */

import type { Op } from '../contenders/contract.js';

export type {
  Contender,
  Here,
  Elsewhere,
  Job,
  Op,
  Opened,
  OpenOptions,
  Peer,
  Prepare,
  Prepared,
} from '../contenders/contract.js';

/** One measurement to make: a case with a value for each parameter. Plain data. */
export interface JobSpec {
  readonly case: string;
  readonly op: Op;
  readonly params: Readonly<Record<string, number | string | boolean | null | undefined>>;
  /** The contenders: names, or prefixes of names followed by `*`. */
  readonly contenders: readonly string[];
}

export interface Ratio {
  readonly ratio: number;
  readonly p25: number;
  readonly p75: number;
}

/** One contender in one job: a line of the record. */
export interface Row {
  readonly case: string;
  readonly op: string;
  readonly params: JobSpec['params'];
  readonly group: string;
  readonly contender: string;
  readonly backend: string;
  readonly isa: string | null;
  readonly pages: string;
  readonly medianNs: number;
  readonly p25Ns: number;
  readonly p75Ns: number;
  readonly rounds: number;
  /** The bytes of the result. */
  readonly bytes: number;
  readonly verified: boolean;
  /** The largest difference from the expected value. */
  readonly maxError: number;
  /** The ratio of the other's time to this one's, paired round by round. */
  readonly vs: Readonly<Record<string, Ratio>>;
}

export interface Mark {
  readonly name: string;
  readonly against: string;
  readonly wanted: number;
  readonly measured: number | null;
  /** What the fastest limiting loop reaches, or the limiting program takes. */
  readonly limit: number | null;
  readonly met: boolean | null;
  readonly unit: 'x' | 'ms';
}
