/** @file Powers, roots, exponentials and logarithms. */
import { checkOptions } from '../args.ts';
import { isComplexValue, wrapNumber } from '../complex-scalar.ts';
import { isDifferentiable } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { call, type Expr } from '../ir/expr.ts';
import {
  callPointwise,
  callPointwiseInto,
  type Pointwise,
  type PointwiseFunction,
  type PointwiseSpec,
  pointwise,
} from '../pointwise.ts';
import { resultType } from '../promotion.ts';
import type { Tensor } from '../tensor.ts';
import {
  checkTensor,
  type EitherFunction,
  type OutOption,
  ofTensors,
  type TensorFunction,
  type TensorOrScalar,
  unary,
} from './make.ts';

const float = { promotion: 'float' } as const;

/** √self; NaN below 0. */
export const sqrt = unary('sqrt', (x) => x.sqrt(), float);

/** 1 / √self. */
export const rsqrt = unary('rsqrt', (x) => call('rsqrt', x), float);

/** 1 / self. */
export const reciprocal = unary('reciprocal', (x) => call('reciprocal', x), float);

/** e^self. */
export const exp = unary('exp', (x) => x.exp(), float);

/** 2^self. */
export const exp2 = unary('exp2', (x) => call('exp2', x), float);

/** e^self − 1, precise near 0. */
export const expm1 = unary('expm1', (x) => call('expm1', x), float);

/** The natural logarithm; −∞ at 0, NaN below. */
export const log = unary('log', (x) => x.log(), { ...float, derivative: (grad, [x]) => [grad.div(x!)] });

/** The logarithm to base 2. */
export const log2 = unary('log2', (x) => call('log2', x), float);

/** The logarithm to base 10. */
export const log10 = unary('log10', (x) => call('log10', x), float);

/** log(1 + self), precise near 0. */
export const log1p = unary('log1p', (x) => call('log1p', x), { ...float, node: 'Log1PBackward0' });

/** log(e^self + e^other) without overflow. Floating dtypes only. */
export const logaddexp: TensorFunction = ofTensors('logaddexp', (a, b) => logSum(a, b, 'exp', 1), {
  promotion: 'promote',
  refuses: ['bool', 'int'],
  derivative: (grad, [a, b]) => [grad.div(b!.sub(a!).exp().add(1)), grad.div(a!.sub(b!).exp().add(1))],
});

/** log2(2^self + 2^other) without overflow. Floating dtypes only. */
export const logaddexp2: TensorFunction = ofTensors('logaddexp2', (a, b) => logSum(a, b, 'exp2', Math.LOG2E), {
  promotion: 'promote',
  refuses: ['bool', 'int'],
  derivative: (grad, [a, b]) => [grad.div(call('exp2', b!.sub(a!)).add(1)), grad.div(call('exp2', a!.sub(b!)).add(1))],
});

/** max(a, b) + log(1 + power(−|a − b|)) · scale; equal infinities are their own sum. */
function logSum(a: Expr, b: Expr, power: 'exp' | 'exp2', scale: number): Expr {
  const distance = a.sub(b).abs().neg();
  const sum = a.max(b).add(call('log1p', call(power, distance)).mul(scale));
  return a.eq(b).and(a.abs().eq(Number.POSITIVE_INFINITY)).where(a, sum);
}

/** PyTorch's gradient by the base: none through an exponent of 0. */
const byBase = (grad: Expr, x: Expr, p: Expr): Expr => p.eq(0).where(0, grad.mul(p.mul(x.pow(p.sub(1)))));
/** PyTorch's gradient by the exponent: none where 0 is raised to something not negative. */
const byExponent = (grad: Expr, x: Expr, p: Expr, y: Expr): Expr =>
  x
    .eq(0)
    .and(call('real', p).ge(0))
    .where(0, grad.mul(y.mul(x.log())));

const powSpec: PointwiseSpec = {
  name: 'pow',
  promotion: 'promote',
  refuses: ['bool'],
  derivative: (grad, [x, p], y) => [byBase(grad, x!, p!), byExponent(grad, x!, p!, y)],
};
const powOp = pointwise(2, (x, p) => x.pow(p), powSpec);
const powTensorOp = pointwise(2, (x, p) => x.pow(p), { ...powSpec, node: 'PowBackward1' });
const powScalarBaseOp = pointwise(2, (x, p) => x.pow(p), { ...powSpec, node: 'PowBackward2' });

/** Exponents with a kernel of their own. The exponent stays an argument: it takes part in type promotion. */
const fixedPowers: ReadonlyMap<number, Pointwise> = new Map([
  [2, pointwise(2, (x) => x.mul(x), { ...powSpec, derivative: (grad, [x]) => [grad.mul(x!.mul(2)), null] })],
  [
    3,
    pointwise(2, (x) => x.mul(x).mul(x), {
      ...powSpec,
      derivative: (grad, [x]) => [grad.mul(x!.mul(x!).mul(3)), null],
    }),
  ],
  [
    0.5,
    pointwise(2, (x) => x.sqrt(), {
      ...powSpec,
      derivative: (grad, [x]) => [grad.mul(call('rsqrt', x!).mul(0.5)), null],
    }),
  ],
  [-0.5, pointwise(2, (x) => call('rsqrt', x), powSpec)],
  [-1, pointwise(2, (x) => call('reciprocal', x), powSpec)],
  [-2, pointwise(2, (x) => call('reciprocal', x.mul(x)), powSpec)],
]);

function powFor(self: TensorOrScalar, exponent: TensorOrScalar): Pointwise {
  if (typeof exponent === 'object') return typeof self === 'object' ? powTensorOp : powScalarBaseOp;
  if (Number(exponent) < 0 && !isDifferentiable(resultType(self, exponent))) {
    throw new DTypeError(
      `pow(): integers cannot be raised to the negative power ${exponent}; convert the base with .to('float32')`,
    );
  }
  return fixedPowers.get(exponent as number) ?? powOp;
}

/**
 * self^exponent; either may be a number. Integers stay integers (wrapping around) unless the exponent is a float.
 *
 * ```ts
 * tensor([1, 2, 3]).pow(2); // tensor([1., 4., 9.])
 * pow(2, tensor([1, 2, 3])); // tensor([2., 4., 8.])
 * ```
 * @throws DTypeError for integers with a negative number as exponent.
 */
export const pow: EitherFunction = Object.assign(
  (self: TensorOrScalar, exponent: TensorOrScalar, options: OutOption = {}): Tensor => {
    checkOptions('pow', options, ['out']);
    const op = powFor(self, exponent);
    return options.out === undefined
      ? callPointwise(op, [self, exponent])
      : callPointwiseInto(op, [self, exponent], options.out, false);
  },
  {
    inplace: (self: Tensor, exponent: TensorOrScalar): Tensor =>
      callPointwiseInto(powFor(self, exponent), [self, exponent], self, true),
  },
);

const doubled = (x: TensorOrScalar): TensorOrScalar => {
  if (isComplexValue(x)) return wrapNumber(x).clone();
  return typeof x === 'object' ? x.to(x.isComplex() ? 'complex128' : 'float64') : x;
};

/** self^exponent computed in float64, result float64; complex128 where either is complex. */
export const floatPower: EitherFunction = Object.assign(
  (self: TensorOrScalar, exponent: TensorOrScalar, options: OutOption = {}): Tensor => {
    checkOptions('floatPower', options, ['out']);
    if (typeof self !== 'object' && typeof exponent !== 'object')
      throw new TypeError('floatPower(): at least one argument must be a tensor');
    return pow(doubled(self), doubled(exponent), options);
  },
  {
    inplace: (self: Tensor, exponent: TensorOrScalar): Tensor => {
      if (self.dtype !== 'float64' && self.dtype !== 'complex128') {
        throw new DTypeError(
          `floatPower_(): the result is float64 and cannot be stored in a tensor of dtype ${self.dtype}; convert that with .to('float64')`,
        );
      }
      return pow.inplace(self, doubled(exponent));
    },
  },
);

/** self²; bools give integers. */
export const square: PointwiseFunction<[options?: OutOption]> = Object.assign(
  (self: Tensor, options: OutOption = {}): Tensor => {
    checkOptions('square', options, ['out']);
    return pow(self, 2, options);
  },
  { inplace: (self: Tensor): Tensor => pow.inplace(self, 2) },
);

/** self · 2^other. */
export const ldexp: TensorFunction = Object.assign(
  (self: Tensor, other: Tensor, options?: OutOption): Tensor => {
    checkTensor('ldexp', 'the first argument', self);
    checkTensor('ldexp', 'other', other);
    return self.mul(exp2(other), options);
  },
  { inplace: (self: Tensor, other: Tensor): Tensor => self.mul_(exp2(other)) },
);
