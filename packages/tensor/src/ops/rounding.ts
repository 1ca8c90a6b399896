/** @file Rounding, magnitude and sign. */
import { checkOptions } from '../args.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { call, type Expr } from '../ir/expr.ts';
import { type PointwiseFunction, pointwise, pointwiseFunction } from '../pointwise.ts';
import type { Tensor } from '../tensor.ts';
import { type OutOption, unary } from './make.ts';

const promote = { promotion: 'promote', refuses: ['bool'] } as const;

/** |self|; real for complex numbers. Gradient 0 at 0. */
export const abs = unary('abs', (x) => x.abs(), promote);
export const absolute = abs;

/** −1, 0 or 1 by the sign; NaN gives 0. Bools stay. Gradient 0. */
export const sign = unary('sign', (x) => x.sign(), { promotion: 'promote' });

/** The sign; for complex numbers self / |self|, 0 at 0. */
export const sgn = unary('sgn', (x) => call('sgn', x), { promotion: 'promote' });

/** The greatest integer not above self. Gradient 0; integers stay. */
export const floor = unary('floor', (x) => call('floor', x), promote);

/** The least integer not below self. Gradient 0; integers stay. */
export const ceil = unary('ceil', (x) => call('ceil', x), promote);

/** The integer part, towards zero. Gradient 0; integers stay. */
export const trunc = unary('trunc', (x) => call('trunc', x), promote);
export const fix = trunc;

/** self − trunc(self), with the sign of self. Gradient 1. */
export const frac = unary('frac', (x) => x.sub(call('trunc', x)), { promotion: 'promote', refuses: ['bool', 'int'] });

const roundOp = pointwise(1, (x) => call('round', x), { name: 'round', ...promote });
const decimalsSpec = {
  name: 'round',
  node: 'RoundBackward1',
  promotion: 'promote',
  parameters: 1,
  derivative: (grad: Expr) => [grad.mul(0)],
} as const;
const roundAfterPoint = pointwise(2, (x, scale) => call('round', x.mul(scale)).div(scale), decimalsSpec);
const roundBeforePoint = pointwise(2, (x, scale) => call('round', x.div(scale)).mul(scale), decimalsSpec);

export interface RoundOptions extends OutOption {
  /** Number of decimal places, negative for places before the point. Default 0. */
  decimals?: number | undefined;
}

/**
 * The nearest integer, halves to the even one. With `decimals` the nearest multiple of 10^−decimals. Gradient 0.
 *
 * ```ts
 * tensor([0.5, 1.5, 2.5]).round(); // tensor([0., 2., 2.])
 * ```
 */
export const round: PointwiseFunction<[options?: RoundOptions]> = pointwiseFunction(
  (self: Tensor, options: RoundOptions = {}) => {
    checkOptions('round', options, ['decimals', 'out']);
    const { decimals = 0, out } = options;
    if (!Number.isInteger(decimals)) throw new TypeError(`round(): decimals must be an integer, got ${decimals}`);
    if (decimals === 0) return [roundOp, [self], out];
    if (!isFloating(self.dtype))
      throw new DTypeError(
        `round(): decimals are for floating dtypes only, got ${self.dtype}; convert with .to('float32')`,
      );
    return [decimals > 0 ? roundAfterPoint : roundBeforePoint, [self, 10 ** Math.abs(decimals)], out];
  },
);

/** The tensor itself, as Python's unary plus. @throws DTypeError for bools. */
export function positive(self: Tensor): Tensor {
  if (self.dtype === 'bool') throw new DTypeError("positive(): not defined for bool inputs; convert with .to('int32')");
  return self;
}
