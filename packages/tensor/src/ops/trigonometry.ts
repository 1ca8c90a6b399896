/** @file Trigonometric and hyperbolic functions; angles in radians. */
import { call } from '../ir/expr.ts';
import { ofTensors, type TensorFunction, unary } from './make.ts';

const float = { promotion: 'float' } as const;

/** Sine. */
export const sin = unary('sin', (x) => call('sin', x), float);
/** Cosine. */
export const cos = unary('cos', (x) => call('cos', x), float);
/** Tangent. */
export const tan = unary('tan', (x) => call('tan', x), float);
/** Arc sine, in [−π/2, π/2]; NaN outside [−1, 1]. */
export const asin = unary('asin', (x) => call('asin', x), float);
export const arcsin = asin;
/** Arc cosine, in [0, π]; NaN outside [−1, 1]. */
export const acos = unary('acos', (x) => call('acos', x), float);
export const arccos = acos;
/** Arc tangent, in [−π/2, π/2]. */
export const atan = unary('atan', (x) => call('atan', x), float);
export const arctan = atan;

/** Hyperbolic sine. */
export const sinh = unary('sinh', (x) => call('sinh', x), float);
/** Hyperbolic cosine. */
export const cosh = unary('cosh', (x) => call('cosh', x), float);
/** Hyperbolic tangent, (e^x − e^−x) / (e^x + e^−x). */
export const tanh = unary('tanh', (x) => x.tanh(), float);
/** Inverse hyperbolic sine. */
export const asinh = unary('asinh', (x) => call('asinh', x), float);
export const arcsinh = asinh;
/** Inverse hyperbolic cosine; NaN below 1. */
export const acosh = unary('acosh', (x) => call('acosh', x), float);
export const arccosh = acosh;
/** Inverse hyperbolic tangent; NaN outside [−1, 1]. */
export const atanh = unary('atanh', (x) => call('atanh', x), float);
export const arctanh = atanh;

/** The angle of the point (other, self), in [−π, π]. */
export const atan2: TensorFunction = ofTensors('atan2', (y, x) => call('atan2', y, x), {
  promotion: 'float',
  derivative: (grad, [y, x]) => {
    const scale = call('reciprocal', y!.mul(y!).add(x!.mul(x!)));
    return [grad.mul(x!.mul(scale)), grad.mul(y!.neg().mul(scale))];
  },
});
export const arctan2 = atan2;

/** √(self² + other²) without overflow. Floating dtypes only. */
export const hypot: TensorFunction = ofTensors('hypot', (a, b) => call('hypot', a, b), {
  promotion: 'promote',
  refuses: ['bool', 'int'],
});

/** Degrees to radians. */
export const deg2rad = unary('deg2rad', (x) => x.mul(Math.PI / 180), { ...float, node: 'Deg2RadBackward0' });
/** Radians to degrees. */
export const rad2deg = unary('rad2deg', (x) => x.mul(180 / Math.PI), { ...float, node: 'Rad2DegBackward0' });

/** sin(πx) / (πx), 1 at 0. */
export const sinc = unary(
  'sinc',
  (x) => {
    const angle = x.mul(Math.PI);
    return x.eq(0).where(1, call('sin', angle).div(angle));
  },
  {
    ...float,
    derivative: (grad, [x]) => {
      const angle = x!.mul(Math.PI);
      const slope = angle.mul(call('cos', angle)).sub(call('sin', angle)).div(angle.mul(x!));
      // As in PyTorch where the square is 0, or is flushed to it.
      return [angle.mul(x!).eq(0).where(0, grad.mul(slope))];
    },
  },
);
