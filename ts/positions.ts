/** Which positions a call means: the options `startPos` and `positionIds`, checked against a table of positions. */

import type { Backend, Table } from './backend/index.js';
import { fail, sequenceTooLong, wrongValue } from './errors.js';
import { expectIds, type IdBatch, type IdsInput, readIds } from './args/ids.js';
import { checkOverflow } from './lookup.js';
import { integer, type Named } from './args/options.js';
import { formatShape } from './args/shape.js';

/** Options of a call that adds positions. */
export interface PositionOptions {
  /** A shape for flat input. */
  readonly shape?: readonly number[] | undefined;
  /** The position of the first row of each sequence: 0 or more. Default 0. */
  readonly startPos?: number | undefined;
  /** Positions of their own, `[seq]` or `[batch, seq]`; not together with `startPos`. */
  readonly positionIds?: IdsInput | undefined;
}

/** The names of those options. */
export const POSITION_OPTIONS = ['shape', 'startPos', 'positionIds'] as const;

/** Positions as they were asked for: nothing but the names and `startPos` is checked. */
export interface AskedPositions {
  readonly startPos: number;
  readonly positionIds: IdsInput | undefined;
}

/** Reads `startPos` and `positionIds`. Errors: `ERR_INVALID_OPTION`. */
export function readPositions(options: Named): AskedPositions {
  const startPos = integer(options, 'startPos', { min: 0 }, undefined);
  const positionIds = options['positionIds'] as IdsInput | undefined;
  if (startPos !== undefined && positionIds !== undefined) {
    throw wrongValue('startPos', startPos, 'absent when there are positionIds');
  }
  return { startPos: startPos ?? 0, positionIds };
}

/** Checks the kind of `positionIds`, if there are any. */
export function expectPositions({ positionIds }: AskedPositions): void {
  if (positionIds !== undefined) expectIds(positionIds, 'positionIds');
}

/** Reads `positionIds`, if there are any. */
export function readPositionIds({ positionIds }: AskedPositions): IdBatch | null {
  return positionIds === undefined ? null : readIds(positionIds, undefined, 'positionIds');
}

/** Position ids must be `[seq]`, or have the very shape `[batch, seq]` of what they belong to. */
export function checkPositionShape(ids: IdBatch | null, rows: readonly number[]): void {
  if (ids === null) return;
  const seq = rows.at(-1)!;
  const { shape } = ids;
  const perRow = shape.length === 1 && shape[0] === seq;
  const all = rows.length === 2 && shape.length === 2 && shape[0] === rows[0] && shape[1] === seq;
  if (perRow || all) return;
  const wanted = rows.length === 2 ? `[${seq}] or ${formatShape(rows)}` : `[${seq}]`;
  throw fail(RangeError, 'ERR_SHAPE', `positionIds must have shape ${wanted}: got ${formatShape(shape)}`, {
    shape: [...shape],
  });
}

/** The sequence must fit the table, unless it names its positions itself; then those must. */
export function checkPositionRange(
  backend: Backend,
  table: Table,
  { startPos }: AskedPositions,
  ids: IdBatch | null,
  seq: number,
): void {
  if (ids === null) {
    if (startPos + seq > table.rows) throw sequenceTooLong(seq, startPos, table.rows);
  } else {
    checkOverflow(backend, ids, table.rows, 'Positions');
  }
}
