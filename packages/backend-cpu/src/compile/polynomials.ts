/**
 * @file Classical orthogonal polynomials of degree n by their three-term recurrences (DLMF 18.9). A degree that is no
 * integer counts as the integer towards 0; below 0 the value is 0, as in PyTorch.
 */

/** Degrees are 64-bit integers in PyTorch; NaN and what does not fit become the least of them. */
const degreeOf = (n: number): number => (n < 2 ** 63 ? Math.trunc(n) : -1);

/** From degrees 0 and 1, `next(k, pₖ, pₖ₋₁)` is pₖ₊₁. NaN, which overflow ends in, stays. */
function recur(degree: number, first: number, next: (k: number, here: number, before: number) => number): number {
  if (!(degree > 0)) return degree === 0 ? 1 : 0;
  let [before, here] = [1, first];
  for (let k = 1; k < degree && !Number.isNaN(here); k++) [before, here] = [here, next(k, here, before)];
  return here;
}

/** The Chebyshev polynomials T, U, V, W: kinds 1 to 4. */
export function chebyshev(x: number, n: number, kind: number): number {
  const degree = degreeOf(n);
  if (degree > 8 && Math.abs(x) < 1) return trigonometric(Math.acos(x), degree, kind);
  if (degree > 0 && Math.abs(x) === 1) return atEnd(x > 0, degree, kind);
  const first = kind === 1 ? x : kind === 2 ? 2 * x : kind === 3 ? 2 * x - 1 : 2 * x + 1;
  return recur(degree, first, (_, here, before) => 2 * x * here - before);
}

/** DLMF 18.5.1 to 18.5.4, with x = cos θ. */
function trigonometric(theta: number, n: number, kind: number): number {
  if (kind === 1) return Math.cos(n * theta);
  if (kind === 2) return Math.sin((n + 1) * theta) / Math.sin(theta);
  const angle = (n + 0.5) * theta;
  return kind === 3 ? Math.cos(angle) / Math.cos(theta / 2) : Math.sin(angle) / Math.sin(theta / 2);
}

/** Values at 1, or at −1. */
function atEnd(right: boolean, n: number, kind: number): number {
  const size = kind === 1 || kind === (right ? 3 : 4) ? 1 : kind === 2 ? n + 1 : 2 * n + 1;
  return right || n % 2 === 0 ? size : -size;
}

/** Gegenbauer's ultraspherical polynomials; Legendre's for λ = 1/2. */
export function gegenbauer(x: number, n: number, lambda: number): number {
  return recur(
    degreeOf(n),
    2 * lambda * x,
    (k, here, before) => (2 * (k + lambda) * x * here - (k + 2 * lambda - 1) * before) / (k + 1),
  );
}

/** Hermite's polynomials: H for scale 2, He for scale 1. */
export function hermite(x: number, n: number, scale: number): number {
  return recur(degreeOf(n), scale * x, (k, here, before) => scale * (x * here - k * before));
}

/** Laguerre's associated polynomials; Laguerre's own for α = 0. */
export function laguerre(x: number, n: number, alpha: number): number {
  return recur(
    degreeOf(n),
    1 + alpha - x,
    (k, here, before) => ((2 * k + 1 + alpha - x) * here - (k + alpha) * before) / (k + 1),
  );
}
