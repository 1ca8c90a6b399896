/**
 * @file Cases that differ from PyTorch by decision, each with its reason. They count in the ratio like failures; what
 * passes although it is listed here counts as passed.
 */

export interface KnownGap {
  readonly area: string;
  /** The group's name as the runner prints it, or a pattern of such names. */
  readonly op: string | RegExp;
  /** Ids of cases; all of the group without it. */
  readonly cases?: RegExp;
  readonly reason: string;
}

export const knownGaps: readonly KnownGap[] = [];

/** The reason why a case may differ, if it is a known gap. */
export function knownGap(area: string, op: string, id: string): string | undefined {
  const matches = (gap: KnownGap): boolean =>
    gap.area === area &&
    (typeof gap.op === 'string' ? gap.op === op : gap.op.test(op)) &&
    (gap.cases === undefined || gap.cases.test(id));
  return knownGaps.find(matches)?.reason;
}
