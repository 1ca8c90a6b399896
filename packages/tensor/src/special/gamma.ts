/** @file Functions around Γ: polygamma, mvlgamma, the incomplete gamma functions, zeta. */
import { checkOptions } from '../args.ts';
import { call, Expr } from '../ir/expr.ts';
import { type EitherFunction, either, type OutOption, ofTensors, type TensorFunction } from '../ops/make.ts';
import {
  callPointwise,
  callPointwiseInto,
  type Pointwise,
  type PointwiseFunction,
  pointwise,
  pointwiseFunction,
} from '../pointwise.ts';
import type { Tensor } from '../tensor.ts';

const float = { promotion: 'float' } as const;

function checkOrder(op: string, name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`${op}(): ${name} must be an integer of at least ${least}, got ${value}`);
  }
}

/** Entries for one order each, made when first asked for. */
function byOrder(make: (order: number) => Pointwise): (order: number) => Pointwise {
  const made = new Map<number, Pointwise>();
  return (order) => {
    const op = made.get(order) ?? make(order);
    made.set(order, op);
    return op;
  };
}

/** ψ⁽ⁿ⁾(x) = (−1)^(n+1) n! ζ(n + 1, x) for n ≥ 2 (Abramowitz & Stegun 6.4.10). */
function polygammaExpression(n: number, x: Expr): Expr {
  if (n === 0) return call('digamma', x);
  if (n === 1) return call('trigamma', x);
  const factorial = call('lgamma', n + 1).exp();
  return call('zeta', n + 1, x).mul(n % 2 === 1 ? factorial : factorial.neg());
}

const polygammaOp = byOrder((n) =>
  pointwise(1, (x) => polygammaExpression(n, x), {
    name: 'polygamma',
    ...float,
    derivative: (grad, [x]) => [grad.mul(polygammaExpression(n + 1, x!))],
  }),
);

/**
 * The n-th derivative of digamma. The method is `x.polygamma(n)`.
 *
 * ```ts
 * polygamma(1, tensor([1])); // tensor([1.6449]), π²/6
 * ```
 * @throws RangeError for a negative n.
 */
export const polygamma: {
  (n: number, input: Tensor, options?: OutOption): Tensor;
  readonly inplace: (n: number, input: Tensor) => Tensor;
} = Object.assign(
  (n: number, input: Tensor, options: OutOption = {}): Tensor => {
    checkOrder('polygamma', 'n', n, 0);
    checkOptions('polygamma', options, ['out']);
    const op = polygammaOp(n);
    return options.out === undefined ? callPointwise(op, [input]) : callPointwiseInto(op, [input], options.out, false);
  },
  {
    inplace: (n: number, input: Tensor): Tensor => {
      checkOrder('polygamma', 'n', n, 0);
      return callPointwiseInto(polygammaOp(n), [input], input, true);
    },
  },
);

const mvlgammaOp = byOrder((p) =>
  pointwise(
    1,
    (x) => {
      let sum = Expr.const(((p * (p - 1)) / 4) * Math.log(Math.PI));
      for (let j = 1; j <= p; j++) sum = sum.add(call('lgamma', x.sub((j - 1) / 2)));
      return sum;
    },
    { name: 'mvlgamma', ...float },
  ),
);

/** The logarithm of the multivariate gamma function of dimension p. @throws RangeError for p below 1. */
export const mvlgamma: PointwiseFunction<[p: number | { p: number }, options?: OutOption]> = pointwiseFunction(
  (self: Tensor, p: number | { p: number }, options: OutOption = {}) => {
    const order = typeof p === 'number' ? p : p.p;
    checkOrder('mvlgamma', 'p', order, 1);
    checkOptions('mvlgamma', options, ['out']);
    return [mvlgammaOp(order), [self], options.out];
  },
);

/** x^(a−1) e^−x / Γ(a). */
const density = (a: Expr, x: Expr): Expr => x.log().mul(a.sub(1)).sub(x).sub(call('lgamma', a)).exp();

/** The regularized lower incomplete gamma function P(self, other); differentiable by `other`. Floating dtypes only. */
export const igamma: TensorFunction = ofTensors('igamma', (a, x) => call('igamma', a, x), {
  promotion: 'promote',
  refuses: ['bool', 'int'],
  derivative: (grad, [a, x]) => [null, grad.mul(density(a!, x!))],
});

/** The regularized upper incomplete gamma function 1 − P(self, other); differentiable by `other`. Floating dtypes only. */
export const igammac: TensorFunction = ofTensors('igammac', (a, x) => call('igammac', a, x), {
  promotion: 'promote',
  refuses: ['bool', 'int'],
  derivative: (grad, [a, x]) => [null, grad.neg().mul(density(a!, x!))],
});

/** Hurwitz's zeta function Σ (other + k)^−self over k ≥ 0; differentiable by `other`. Either may be a number. */
export const zeta: EitherFunction = either('zeta', (s, q) => call('zeta', s, q), {
  ...float,
  node: 'SpecialZetaBackward0',
  derivative: (grad, [s, q]) => [null, grad.mul(s!.neg().mul(call('zeta', s!.add(1), q!)))],
});
