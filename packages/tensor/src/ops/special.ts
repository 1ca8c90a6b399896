/** @file Special functions that PyTorch has as methods too; more are in the namespace `special`. */
import { signature, type Trailing } from '../args.ts';
import { call, Expr } from '../ir/expr.ts';
import { type PointwiseFunction, type Prepared, pointwise, pointwiseFunction } from '../pointwise.ts';
import { polygamma as polygammaOf } from '../special/gamma.ts';
import type { Tensor } from '../tensor.ts';
import { type EitherFunction, eitherFunction, type OutOption, unary } from './make.ts';

const float = { promotion: 'float' } as const;

/** The error function, 2/√π ∫₀ˣ e^(−t²) dt. */
export const erf = unary('erf', (x) => call('erf', x), float);

/** 1 − erf(self), precise for large values. */
export const erfc = unary('erfc', (x) => call('erfc', x), float);

/** The inverse of erf on [−1, 1]; ±∞ at the ends, NaN outside. */
export const erfinv = unary('erfinv', (x) => call('erfinv', x), float);

/** log |Γ(self)|. */
export const lgamma = unary('lgamma', (x) => call('lgamma', x), float);

/** The derivative of lgamma. */
export const digamma = unary('digamma', (x) => call('digamma', x), float);

const logitExpression = (x: Expr): Expr => x.div(Expr.const(1).sub(x)).log();
const logitSlope = (grad: Expr, x: Expr): Expr => grad.div(x.mul(Expr.const(1).sub(x)));

const logitOp = pointwise(1, logitExpression, {
  name: 'logit',
  ...float,
  derivative: (grad, [x]) => [x!.lt(0).or(x!.gt(1)).where(Number.NaN, logitSlope(grad, x!))],
});
const logitClampedOp = pointwise(
  2,
  (x, eps) => {
    const high = Expr.const(1).sub(eps);
    return logitExpression(x.lt(eps).where(eps, x.gt(high).where(high, x)));
  },
  {
    name: 'logit',
    ...float,
    parameters: 1,
    derivative: (grad, [x, eps]) => [
      x!
        .lt(eps!)
        .or(x!.gt(Expr.const(1).sub(eps!)))
        .where(0, logitSlope(grad, x!)),
    ],
  },
);

export interface LogitOptions extends OutOption {
  /** Clamps the input to [eps, 1 − eps] first. */
  eps?: number | null | undefined;
}

type LogitArguments = Trailing<[eps: number | null], LogitOptions>;
const parseLogit = signature<{ eps: number | null; out: Tensor | undefined }>('logit', ['eps'], {
  eps: null,
  out: undefined,
});

/** log(self / (1 − self)), the inverse of sigmoid; NaN outside [0, 1] unless `eps` is given. */
export const logit: PointwiseFunction<LogitArguments> = pointwiseFunction(
  (self: Tensor, ...args: LogitArguments): Prepared => {
    const { eps, out } = parseLogit(args);
    return eps === null ? [logitOp, [self], out] : [logitClampedOp, [self, eps], out];
  },
);

/** x · log(y), 0 where x is 0 and y is not NaN. */
const xlogyExpression = (x: Expr, y: Expr): Expr => y.isNaN().where(Number.NaN, x.eq(0).where(0, x.mul(y.log())));
const xlogyOf = (scalarNode: string, tensorNode: string): EitherFunction => {
  const make = (node: string) =>
    pointwise(2, xlogyExpression, {
      name: 'xlogy',
      node,
      promotion: 'float',
      derivative: (grad, [x, y]) => [x!.eq(0).and(y!.le(0)).where(0, xlogyExpression(grad, y!)), grad.mul(x!).div(y!)],
    });
  return eitherFunction(make(tensorNode), make(scalarNode));
};

/** self · log(other), 0 where self is 0 (unless other is NaN). Either may be a number. */
export const xlogy: EitherFunction = xlogyOf('XlogyBackward2', 'XlogyBackward0');

/** The method `x.polygamma(n)`: the n-th derivative of digamma. As a function: `polygamma(n, x)`. */
export const polygamma: PointwiseFunction<[n: number]> = Object.assign(
  (self: Tensor, n: number): Tensor => polygammaOf(n, self),
  { inplace: (self: Tensor, n: number): Tensor => polygammaOf.inplace(n, self) },
);

export { i0 } from '../special/bessel.ts';
export { igamma, igammac, mvlgamma } from '../special/gamma.ts';
