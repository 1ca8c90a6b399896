/** @file Comparisons and tests of values; results are bool. */
import { signature, type Trailing } from '../args.ts';
import { isDifferentiable, isFloating } from '../dtype.ts';
import { call, type Expr } from '../ir/expr.ts';
import { callPointwise, pointwise } from '../pointwise.ts';
import { resultType } from '../promotion.ts';
import type { Tensor } from '../tensor.ts';
import { binary, sameDType } from './make.ts';

const compare = { promotion: 'compare' } as const;

/** self = other, elementwise. NaN equals nothing. */
export const eq = binary('eq', (a, b) => a.eq(b), compare);
/** self ≠ other. */
export const ne = binary('ne', (a, b) => a.ne(b), compare);
export const notEqual = ne;
/** self < other. */
export const lt = binary('lt', (a, b) => a.lt(b), compare);
export const less = lt;
/** self ≤ other. */
export const le = binary('le', (a, b) => a.le(b), compare);
export const lessEqual = le;
/** self > other. */
export const gt = binary('gt', (a, b) => a.gt(b), compare);
export const greater = gt;
/** self ≥ other. */
export const ge = binary('ge', (a, b) => a.ge(b), compare);
export const greaterEqual = ge;

/** A test of floating values that has one answer for all integers and bools. */
function floatTest(name: string, test: (x: Expr) => Expr, otherwise: boolean): (self: Tensor) => Tensor {
  const op = pointwise(1, test, { name, ...compare });
  const constant = pointwise(1, (x) => (otherwise ? x.eq(x) : x.ne(x)), { name, ...compare });
  return (self) => callPointwise(isDifferentiable(self.dtype) ? op : constant, [self]);
}

const isFiniteValue = (x: Expr): Expr => x.abs().lt(Number.POSITIVE_INFINITY);

/** Whether values are NaN. */
export const isnan = floatTest('isnan', (x) => x.isNaN(), false);
/** Whether values are neither infinite nor NaN. */
export const isfinite = floatTest('isfinite', isFiniteValue, true);
/** Whether values are ∞ or −∞. */
export const isinf = floatTest('isinf', (x) => x.abs().eq(Number.POSITIVE_INFINITY), false);
/** Whether values are ∞. */
export const isposinf = floatTest('isposinf', (x) => x.eq(Number.POSITIVE_INFINITY), false);
/** Whether values are −∞. */
export const isneginf = floatTest('isneginf', (x) => x.eq(Number.NEGATIVE_INFINITY), false);
/** Whether values have no imaginary part: true for all real dtypes, NaN included. */
export const isreal = floatTest('isreal', (x) => call('imag', x).eq(0), true);

const signbitOp = pointwise(1, (x) => call('copysign', 1, x).lt(0), { name: 'signbit', ...compare });
const negativeOp = pointwise(1, (x) => x.lt(0), { name: 'signbit', ...compare });

/** Whether the sign bit is set: true for −0, unlike `lt(0)`. */
export function signbit(self: Tensor): Tensor {
  return callPointwise(isFloating(self.dtype) ? signbitOp : negativeOp, [self]);
}

export interface IscloseOptions {
  rtol?: number | undefined;
  atol?: number | undefined;
  /** Whether NaN is close to NaN. */
  equalNan?: boolean | undefined;
}

const closeOp = pointwise(
  4,
  (a, b, rtol, atol) => {
    const distance = a.sub(b).abs();
    return a.eq(b).or(isFiniteValue(distance).and(distance.le(call('real', atol).add(rtol.mul(b).abs()))));
  },
  { name: 'isclose', promotion: 'compare', parameters: 2 },
);
const parseIsclose = signature<{ rtol: number; atol: number; equalNan: boolean }>(
  'isclose',
  ['rtol', 'atol', 'equalNan'],
  { rtol: 1e-5, atol: 1e-8, equalNan: false },
);

/**
 * |self − other| ≤ atol + rtol · |other|, elementwise; infinities are close to themselves only.
 * @throws DTypeError when the dtypes differ, RangeError for negative tolerances.
 */
export function isclose(
  self: Tensor,
  other: Tensor,
  ...args: Trailing<[rtol: number, atol: number, equalNan: boolean], IscloseOptions>
): Tensor {
  const { rtol, atol, equalNan } = parseIsclose(args);
  sameDType('isclose', self, other);
  if (!(rtol >= 0 && atol >= 0))
    throw new RangeError(`isclose(): rtol and atol must be at least 0, got ${rtol} and ${atol}`);
  if (!isDifferentiable(self.dtype)) return iscloseExact(self, other, rtol, atol);
  const close = callPointwise(closeOp, [self, other, rtol, atol]);
  return equalNan ? close.logicalOr(isnan(self).logicalAnd(isnan(other))) : close;
}

/** Integers are compared as they are, and their distance as the default floating dtype. */
function iscloseExact(self: Tensor, other: Tensor, rtol: number, atol: number): Tensor {
  if (rtol === 0 && atol === 0) return eq(self, other);
  const dtype = resultType(0.5);
  return eq(self, other).logicalOr(callPointwise(closeOp, [self.to(dtype), other.to(dtype), rtol, atol]));
}
