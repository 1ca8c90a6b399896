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
  /** Only failures with this text. */
  readonly failure?: RegExp;
  readonly reason: string;
}

export const knownGaps: readonly KnownGap[] = [
  {
    area: 'ops',
    op: /./,
    failure: /expected an error \(PyTorch: .*Expected dtype int64 for index/,
    reason: 'int32 indices are accepted, where PyTorch 1.13 wants int64',
  },
  {
    area: 'ops',
    op: /./,
    failure: /expected an error \(PyTorch: .*must be int, not float\)/,
    reason: 'JavaScript cannot tell the float 1.0 from the integer 1',
  },
  {
    area: 'ops',
    op: /^(addbmm|addmm|addmv|addr|baddbmm)$/,
    failure: /^in-place: ShapeError: .* does not fit this tensor's/,
    reason: 'PyTorch 1.13 resizes self; here nothing but resize_() would',
  },
  {
    area: 'ops',
    op: /^special\.bessel_[jy][01]$/,
    cases: /^float64\//,
    failure: /values differ/,
    reason: "PyTorch 1.13's float64 Bessel functions are wrong from the eighth digit on; ours have all",
  },
  {
    area: 'ops',
    op: 'sort',
    cases: /^bool\//,
    failure: /^(function|method): result 1: /,
    reason: "PyTorch's order of equal bools is that of an unstable sort; ours is stable",
  },
  {
    area: 'nn',
    op: 'CrossMapLRN2d',
    failure: /^gradient of input/,
    reason: "PyTorch 1.13's gradient of this layer is that of other channels than its forward uses; ours is forward's",
  },
  {
    area: 'nn',
    op: 'composite_repr',
    failure: /nn\.Lazy/,
    reason: 'there are no lazy modules yet',
  },
];

/** The reason why a case may differ as `failure` says, if it is a known gap. */
export function knownGap(area: string, op: string, id: string, failure: string): string | undefined {
  const matches = (gap: KnownGap): boolean =>
    gap.area === area &&
    (typeof gap.op === 'string' ? gap.op === op : gap.op.test(op)) &&
    (gap.cases === undefined || gap.cases.test(id)) &&
    (gap.failure === undefined || gap.failure.test(failure));
  return knownGaps.find(matches)?.reason;
}
