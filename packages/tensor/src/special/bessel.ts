/** @file Bessel functions, the modified ones, and Airy's. */
import { call, type Expr } from '../ir/expr.ts';
import { unary } from '../ops/make.ts';

const node = (name: string) => ({ promotion: 'float', node: `Special${name}Backward0` }) as const;

/** I₀(x). */
export const i0 = unary('i0', (x) => call('i0', x), { promotion: 'float' });
/** e^−|x| I₀(x). */
export const i0e = unary('i0e', (x) => call('i0e', x), node('I0E'));
/** I₁(x). */
export const i1 = unary('i1', (x) => call('i1', x), node('I1'));
/** e^−|x| I₁(x). */
export const i1e = unary('i1e', (x) => call('i1e', x), node('I1E'));

/**
 * The Bessel function of the first kind of order 0, J₀(x).
 *
 * ```ts
 * special.besselJ0(tensor([0, 1])); // tensor([1.0000, 0.7652])
 * ```
 */
export const besselJ0 = unary('besselJ0', (x) => call('besselJ0', x), node('BesselJ0'));
/** The Bessel function of the first kind of order 1, J₁(x). */
export const besselJ1 = unary('besselJ1', (x) => call('besselJ1', x), node('BesselJ1'));
/**
 * The Bessel function of the second kind of order 0, Y₀(x): −∞ at 0, NaN below.
 *
 * ```ts
 * special.besselY0(tensor([1])); // tensor([0.0883])
 * ```
 */
export const besselY0 = unary('besselY0', (x) => call('besselY0', x), node('BesselY0'));
/** The Bessel function of the second kind of order 1, Y₁(x): −∞ at 0, NaN below. */
export const besselY1 = unary('besselY1', (x) => call('besselY1', x), node('BesselY1'));

/** I₀(x), the modified Bessel function of the first kind: as {@link i0}. */
export const modifiedBesselI0 = unary('modifiedBesselI0', (x) => call('i0', x), node('ModifiedBesselI0'));
/** I₁(x), the modified Bessel function of the first kind: as {@link i1}. */
export const modifiedBesselI1 = unary('modifiedBesselI1', (x) => call('i1', x), node('ModifiedBesselI1'));
/**
 * The modified Bessel function of the second kind of order 0, K₀(x): ∞ at 0, NaN below.
 *
 * ```ts
 * special.modifiedBesselK0(tensor([1, 2])); // tensor([0.4210, 0.1139])
 * ```
 */
export const modifiedBesselK0 = unary('modifiedBesselK0', (x) => call('k0', x), node('ModifiedBesselK0'));
/** The modified Bessel function of the second kind of order 1, K₁(x): ∞ at 0, NaN below. */
export const modifiedBesselK1 = unary('modifiedBesselK1', (x) => call('k1', x), node('ModifiedBesselK1'));
/**
 * eˣ K₀(x), which does not underflow.
 *
 * ```ts
 * special.scaledModifiedBesselK0(tensor([1000])); // tensor([0.0396])
 * ```
 */
export const scaledModifiedBesselK0 = unary(
  'scaledModifiedBesselK0',
  (x) => call('k0e', x),
  node('ScaledModifiedBesselK0'),
);
/** eˣ K₁(x), which does not underflow. */
export const scaledModifiedBesselK1 = unary(
  'scaledModifiedBesselK1',
  (x) => call('k1e', x),
  node('ScaledModifiedBesselK1'),
);

/** sin(x) / x; below 1/2 by its series, whose derivatives do not cancel. */
function sphericalBesselExpression(x: Expr): Expr {
  const z = x.mul(x);
  let series = z.mul(0);
  let coefficient = 1 / 51_090_942_171_709_440_000; // 1 / 21!
  for (let k = 10; k >= 0; k--) {
    series = series.mul(z).add(k % 2 === 0 ? coefficient : -coefficient);
    coefficient *= 2 * k * (2 * k + 1);
  }
  const quotient = call('sin', x).div(x);
  return x.abs().lt(0.5).where(series, x.abs().eq(Number.POSITIVE_INFINITY).where(0, quotient));
}

/**
 * The spherical Bessel function of order 0, sin(x) / x; 1 at 0.
 *
 * ```ts
 * special.sphericalBesselJ0(tensor([0, 1])); // tensor([1.0000, 0.8415])
 * ```
 */
export const sphericalBesselJ0 = unary('sphericalBesselJ0', sphericalBesselExpression, node('SphericalBesselJ0'));

/**
 * Airy's function Ai(x).
 *
 * ```ts
 * special.airyAi(tensor([0, 1])); // tensor([0.3550, 0.1353])
 * ```
 */
export const airyAi = unary('airyAi', (x) => call('airyAi', x), node('AiryAi'));
