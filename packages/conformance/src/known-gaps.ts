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
  /** Only on devices other than the CPU. */
  readonly offCpu?: boolean;
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
    area: 'ops',
    op: /^(dot|vdot|__rmatmul__|linalg\.vecdot)$/,
    cases: /^complex/,
    failure: /expected 0$/,
    reason: "the recorded PyTorch's scalar product of complex vectors is always 0 (its BLAS returns it another way)",
  },
  {
    area: 'gradgrad',
    op: 'linalg.det.singular',
    reason: 'second derivatives of det at singular matrices are only right where singular values are distinct',
  },
  {
    area: 'ops',
    op: 'arange',
    cases: /^int64\//,
    failure: /got shape/,
    offCpu: true,
    reason: 'PyTorch counts the elements of int64 ranges from truncated bounds; the device has no int64',
  },
  {
    area: 'ops',
    op: /./,
    failure: /expected an error \(PyTorch: index -?\d+ is out of bounds/,
    offCpu: true,
    reason: 'a kernel cannot throw: off the CPU an index out of range counts as the nearest in range',
  },
  {
    area: 'ops',
    op: /./,
    failure: /DeviceError: .*cannot compute it; use `await x\.cpu\(\)` first/,
    offCpu: true,
    reason: 'factorizations of matrices are routines of the CPU, in float64',
  },
  {
    area: 'ops',
    op: 'cov',
    failure: /expected an error \(PyTorch: cov\(\): aweights cannot be negative/,
    offCpu: true,
    reason: 'weights that cannot be read at once are not checked',
  },
  {
    area: 'ops',
    op: 'special.polygamma.special_polygamma_n_0',
    cases: /^float32\//,
    failure: /gradient of input 0: 1 of 25 values differ/,
    offCpu: true,
    reason: "the device's float32 has five digits of trigamma next to a pole",
  },
];

/** The reason why a case may differ as `failure` says, if it is a known gap. */
export function knownGap(area: string, op: string, id: string, failure: string, device: string): string | undefined {
  const matches = (gap: KnownGap): boolean =>
    gap.area === area &&
    (gap.offCpu !== true || device !== 'cpu') &&
    (typeof gap.op === 'string' ? gap.op === op : gap.op.test(op)) &&
    (gap.cases === undefined || gap.cases.test(id)) &&
    (gap.failure === undefined || gap.failure.test(failure));
  return knownGaps.find(matches)?.reason;
}
