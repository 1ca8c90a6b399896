/**
 * @file Airy's function Ai and its derivative in double precision. NaN at infinity, as in PyTorch.
 */
import { scaledK } from './modifiedBesselSecond.ts';

/** Ai and Ai′ at 0, −2, −3, …, −9, from which Taylor series reach half a unit and more. */
const points: Readonly<Record<number, readonly [value: number, slope: number]>> = {
  0: [0.3550280538878172, -0.2588194037928068],
  [-2]: [0.22740742820168558, 0.618259020741691],
  [-3]: [-0.37881429367765806, 0.3145837692165988],
  [-4]: [-0.07026553294928951, -0.7906285753685813],
  [-5]: [0.35076100902411433, 0.32719281855444315],
  [-6]: [-0.3291451736298231, 0.3459354872813429],
  [-7]: [0.18428083525050565, -0.7710081684101265],
  [-8]: [-0.0527050503563862, 0.9355609381983065],
  [-9]: [-0.022133721547341403, -0.9756639809263316],
};

/** Taylor's series of y″ = x y around a tabulated point: (n + 2)(n + 1) aₙ₊₂ = center · aₙ + aₙ₋₁. */
function taylor(x: number): readonly [number, number] {
  const center = x >= -1.5 ? 0 : Math.round(x);
  const h = x - center;
  let [before, a, next] = [0, ...points[center]!];
  let [value, slope, power] = [a, 0, 1];
  for (let n = 0; n < 40; n++) {
    slope += (n + 1) * next * power;
    power *= h;
    value += next * power;
    [before, a, next] = [a, next, (center * a + before) / ((n + 1) * (n + 2))];
  }
  return [value, slope];
}

/** x < −9.5: DLMF 9.7.9 and 9.7.10. */
function oscillating(x: number): readonly [number, number] {
  const root = Math.sqrt(-x);
  const zeta = (2 / 3) * -x * root;
  // Sums over even and odd k of ±uₖ / ζᵏ and ±vₖ / ζᵏ (9.7.2).
  const u: [number, number] = [1, 0];
  const v: [number, number] = [1, 0];
  let term = 1;
  for (let k = 1; k < 40 && Math.abs(term) > 1e-17; k++) {
    term *= ((6 * k - 5) * (6 * k - 3) * (6 * k - 1)) / (216 * k * (2 * k - 1) * zeta);
    const signed = (k & 2) === 0 ? term : -term;
    u[k & 1]! += signed;
    v[k & 1]! -= (signed * (6 * k + 1)) / (6 * k - 1);
  }
  const [c, s] = [Math.cos(zeta) + Math.sin(zeta), Math.sin(zeta) - Math.cos(zeta)];
  const scale = 1 / Math.sqrt(2 * Math.PI * root);
  return [scale * (c * u[0] + s * u[1]), scale * root * (s * v[0] - c * v[1])];
}

/** x > 1.5, by Bessel functions: DLMF 9.6.2 and 9.6.3. */
function decaying(x: number): readonly [number, number] {
  const zeta = (2 / 3) * x * Math.sqrt(x);
  const scale = Math.exp(-zeta) / (Math.PI * Math.sqrt(3));
  return [scale * Math.sqrt(x) * scaledK(1 / 3, zeta), -scale * x * scaledK(2 / 3, zeta)];
}

function airy(x: number): readonly [number, number] {
  if (!Number.isFinite(x)) return [Number.NaN, Number.NaN];
  return x > 1.5 ? decaying(x) : x >= -9.5 ? taylor(x) : oscillating(x);
}

export const airyAi = (x: number): number => airy(x)[0];
export const airyAiPrime = (x: number): number => airy(x)[1];
