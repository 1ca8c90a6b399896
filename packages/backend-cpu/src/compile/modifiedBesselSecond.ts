/**
 * @file The modified Bessel functions of the second kind, K₀ and K₁, also times eˣ, in double precision. As PyTorch has
 * them: ∞ at 0, NaN at negative x.
 */

const eulerGamma = 0.5772156649015329;
const steps = 28;

/**
 * Kᵥ(x) · eˣ = ∫ exp(−x (cosh t − 1)) cosh(νt) dt over t ≥ 0 (DLMF 10.32.9), for x ≥ 1/2 and |ν| ≤ 1. The trapezoidal
 * rule converges exponentially for such integrands (L. N. Trefethen and J. A. C. Weideman, SIAM Review 56 (2014)). It
 * ends where the integrand is e^−40.
 */
export function scaledK(nu: number, x: number): number {
  if (x === Number.POSITIVE_INFINITY) return 0;
  const h = (2 * Math.asinh(Math.sqrt(20 / x))) / steps;
  let sum = 0.5;
  for (let k = 1; k <= steps; k++) {
    const half = Math.sinh((h * k) / 2);
    sum += Math.exp(-2 * x * half * half) * Math.cosh(nu * h * k);
  }
  return h * sum;
}

/** K₀ and K₁ for 0 < x ≤ 2: DLMF 10.31.2 and 10.31.1. */
function powerSeries(x: number): readonly [number, number] {
  const z = (x * x) / 4;
  let [term0, term1] = [1, x / 2];
  let [i0, i1] = [term0, term1];
  let [sum0, sum1, harmonic] = [0, term1, 0];
  for (let k = 1; k < 16; k++) {
    term0 *= z / (k * k);
    term1 *= z / (k * (k + 1));
    i0 += term0;
    i1 += term1;
    harmonic += 1 / k;
    sum0 += harmonic * term0;
    sum1 += (2 * harmonic + 1 / (k + 1)) * term1;
  }
  const log = Math.log(x / 2) + eulerGamma;
  return [sum0 - log * i0, 1 / x + log * i1 - sum1 / 2];
}

function ofOrder(nu: 0 | 1, x: number, scaled: boolean): number {
  if (!(x > 0)) return x === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  if (x <= 2) return powerSeries(x)[nu] * (scaled ? Math.exp(x) : 1);
  return scaledK(nu, x) * (scaled ? 1 : Math.exp(-x));
}

export const k0 = (x: number): number => ofOrder(0, x, false);
export const k1 = (x: number): number => ofOrder(1, x, false);
export const k0e = (x: number): number => ofOrder(0, x, true);
export const k1e = (x: number): number => ofOrder(1, x, true);
