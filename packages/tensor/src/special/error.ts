/** @file Functions around the normal distribution and entropy. */
import { call, type Expr } from '../ir/expr.ts';
import { type EitherFunction, either, unary } from '../ops/make.ts';

const float = { promotion: 'float' } as const;
const node = (name: string) => ({ ...float, node: `Special${name}Backward0` }) as const;

/** e^(x²) · erfc(x). */
export const erfcx = unary('erfcx', (x) => call('erfcx', x), node('Erfcx'));

/** The distribution function of the standard normal distribution. */
export const ndtr = unary('ndtr', (x) => call('erfc', x.mul(-Math.SQRT1_2)).mul(0.5), {
  ...node('Ndtr'),
  derivative: (grad, [x]) => [
    grad.mul(
      x!
        .mul(x!)
        .mul(-0.5)
        .exp()
        .mul(1 / Math.sqrt(2 * Math.PI)),
    ),
  ],
});

/** The logarithm of the distribution function of the standard normal distribution, precise in both tails. */
export const logNdtr = unary(
  'logNdtr',
  (x) => {
    const t = x.mul(Math.SQRT1_2);
    const lower = call('erfcx', t.neg()).mul(0.5).log().sub(t.mul(t));
    return x.lt(-1).where(lower, call('log1p', call('erfc', t).mul(-0.5)));
  },
  {
    ...node('LogNdtr'),
    derivative: (grad, [x]) => {
      const slope = grad.div(call('erfcx', x!.mul(-Math.SQRT1_2))).mul(Math.sqrt(2 / Math.PI));
      return [x!.eq(Number.NEGATIVE_INFINITY).where(Number.NaN, slope)];
    },
  },
);

/** The inverse of ndtr; ±∞ at 0 and 1, NaN outside. */
export const ndtri = unary('ndtri', (x) => call('ndtri', x), node('Ndtri'));

/** −x log x; 0 at 0 and −∞ below. */
export const entr = unary(
  'entr',
  (x) => x.isNaN().where(x, x.gt(0).where(x.neg().mul(x.log()), x.eq(0).where(0, Number.NEGATIVE_INFINITY))),
  { ...node('Entr'), derivative: (grad, [x]) => [grad.mul(x!.log().add(1).neg())] },
);

const xlog1pyExpression = (x: Expr, y: Expr): Expr => {
  const product = x.mul(call('log1p', y));
  return y.isNaN().where(Number.NaN, x.eq(0).where(0, product));
};

/** self · log(1 + other), 0 where self is 0 (unless other is NaN). Either may be a number. */
export const xlog1py: EitherFunction = either('xlog1py', xlog1pyExpression, {
  ...node('Xlog1Py'),
  derivative: (grad, [x, y]) => [
    x!.eq(0).and(y!.le(-1)).where(0, xlog1pyExpression(grad, y!)),
    grad.mul(x!).div(y!.add(1)),
  ],
});
