/**
 * @file Special functions in double precision, accurate to about 1e-15 relative (absolute next to zeros of digamma and, on
 * the negative axis, of lgamma), each with the source of its algorithm.
 */

// erf and erfc: W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969), 631-637.

/** erf(x) / x for z = x² up to 0.46875². */
export function erfNearZero(z: number): number {
  const over =
    (((0.18577770618460315 * z + 3.1611237438705655) * z + 113.86415415105016) * z + 377.485237685302) * z +
    3209.3775891384694;
  const under = (((z + 23.601290952344122) * z + 244.02463793444417) * z + 1282.6165260773723) * z + 2844.236833439171;
  return over / under;
}

/** e^(x²) · erfc(x) for 0.46875 ≤ x ≤ 4. */
export function scaledErfcMiddle(x: number): number {
  const over =
    (((((((2.1531153547440383e-8 * x + 0.5641884969886701) * x + 8.883149794388377) * x + 66.11919063714163) * x +
      298.6351381974001) *
      x +
      881.952221241769) *
      x +
      1712.0476126340707) *
      x +
      2051.0783778260716) *
      x +
    1230.3393547979972;
  const under =
    (((((((x + 15.744926110709835) * x + 117.6939508913125) * x + 537.1811018620099) * x + 1621.3895745666903) * x +
      3290.7992357334597) *
      x +
      4362.619090143247) *
      x +
      3439.3676741437216) *
      x +
    1230.3393548037495;
  return over / under;
}

/** The same for x > 4. */
function scaledErfcFar(x: number): number {
  const z = 1 / (x * x);
  const over =
    ((((0.016315387137302097 * z + 0.30532663496123236) * z + 0.36034489994980445) * z + 0.12578172611122926) * z +
      0.016083785148742275) *
      z +
    0.0006587491615298378;
  const under =
    ((((z + 2.568520192289822) * z + 1.8729528499234673) * z + 0.5279051029514285) * z + 0.06051834131244132) * z +
    0.0023352049762686918;
  return (1 / Math.sqrt(Math.PI) - (z * over) / under) / x;
}

const scaledErfc = (x: number): number => (x <= 4 ? scaledErfcMiddle(x) : scaledErfcFar(x));

/** e^(−x²) with x² split into an exact part and a small rest, which keeps the relative error small. */
function expMinusSquare(x: number): number {
  const head = Math.trunc(x * 16) / 16;
  return Math.exp(-head * head) * Math.exp(-(x - head) * (x + head));
}

export function erf(x: number): number {
  const size = Math.abs(x);
  if (size <= 0.46875) return x * erfNearZero(x * x);
  if (!(size < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  return Math.sign(x) * (1 - Math.exp(-x * x) * scaledErfc(size));
}

export function erfc(x: number): number {
  if (Math.abs(x) <= 0.46875) return 1 - erf(x);
  if (x > 27.3) return 0;
  if (x < -6) return 2;
  const rest = expMinusSquare(Math.abs(x)) * scaledErfc(Math.abs(x));
  return x < 0 ? 2 - rest : rest;
}

/** e^(x²) · erfc(x), which neither vanishes nor cancels for large x. */
export function erfcx(x: number): number {
  if (x >= 0.46875) return scaledErfc(x);
  if (x < -26.7) return Number.POSITIVE_INFINITY;
  return x > -0.46875 ? Math.exp(x * x) * (1 - erf(x)) : 2 / expMinusSquare(-x) - scaledErfc(-x);
}

/**
 * S. Winitzki's approximation of the y ≥ 0 with erf(y) = x, for logarithm = log(1 − x²) (A handy approximation for the
 * error function and its inverse, 2008); within 0.2%.
 */
function winitzki(logarithm: number): number {
  const a = 0.147;
  const half = 2 / (Math.PI * a) + logarithm / 2;
  return Math.sqrt(Math.sqrt(half * half - logarithm / a) - half);
}

/** Halley's method for erf(y) = x: each step triples the number of right digits. */
function refine(y: number, error: (y: number) => number): number {
  let root = y;
  for (let step = 0; step < 3; step++) {
    const newton = (error(root) * Math.sqrt(Math.PI)) / (2 * Math.exp(-root * root));
    root -= newton / (1 + root * newton);
  }
  return root;
}

/** The y with erfc(y) = c, for 0 ≤ c ≤ 1. */
const erfcinv = (c: number): number =>
  c === 0 ? Number.POSITIVE_INFINITY : refine(winitzki(Math.log(c * (2 - c))), (y) => c - erfc(y));

/** The inverse of erf, by the complement in the tails, whose terms do not cancel. */
export function erfinv(x: number): number {
  const size = Math.abs(x);
  if (!(size <= 1)) return Number.NaN;
  if (size >= 0.5) return Math.sign(x) * erfcinv(1 - size);
  const start = size < 0.1 ? x * (Math.sqrt(Math.PI) / 2) : Math.sign(x) * winitzki(Math.log1p(-x * x));
  return x === 0 ? x : refine(start, (y) => erf(y) - x);
}

/** The inverse of the standard normal distribution function. */
export function ndtri(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN;
  if (p > 0.25 && p < 0.75) return Math.SQRT2 * erfinv(2 * p - 1);
  return p < 0.5 ? -Math.SQRT2 * erfcinv(2 * p) : Math.SQRT2 * erfcinv(2 * (1 - p));
}

/** Bernoulli numbers B₂, B₄, …, B₂₀. */
const bernoulli = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
  -174611 / 330,
] as const;

/**
 * Hurwitz's ζ(s, q) = Σ (q + k)^−s for s > 1 and q > 0: terms up to q + k ≥ 10, the rest by the Euler-Maclaurin formula
 * (Abramowitz & Stegun 23.1.30).
 */
function hurwitz(s: number, q: number): number {
  let sum = 0;
  let x = q;
  for (; x < 10; x++) sum += x ** -s;
  const power = x ** -s;
  sum += (x * power) / (s - 1) + power / 2;
  // B₂ⱼ / (2j)! · s(s+1)…(s+2j−2) · x^(−s−2j+1)
  let factor = s * (power / x);
  for (let j = 0; j < bernoulli.length; j++) {
    const term = (bernoulli[j]! * factor) / 2;
    sum += term;
    if (Math.abs(term) < Math.abs(sum) * 1e-17) break;
    factor *= ((s + 2 * j + 1) * (s + 2 * j + 2)) / (x * x * (2 * j + 3) * (2 * j + 4));
  }
  return sum;
}

/** (ζ(k) − 1) / k for k = 2, 3, …: ζ(k) − 1 = ζ(k, 2). */
const zetaTerms = Array.from({ length: 30 }, (_, i) => hurwitz(i + 2, 2) / (i + 2));
const eulerGamma = 0.5772156649015329;

/** log Γ(2 + z) for |z| ≤ 0.5: Abramowitz & Stegun 6.1.33 without its −log(1 + z). */
function lgammaNearTwo(z: number): number {
  let sum = 0;
  for (let i = zetaTerms.length - 1; i >= 0; i--) sum = zetaTerms[i]! - z * sum;
  return z * (1 - eulerGamma) + z * z * sum;
}

/** log Γ(x) for x ≥ 8: Stirling's series, Abramowitz & Stegun 6.1.41. */
function lgammaLarge(x: number): number {
  const z = 1 / (x * x);
  let sum = 0;
  for (let j = 9; j >= 0; j--) sum = sum * z + bernoulli[j]! / ((2 * j + 1) * (2 * j + 2));
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + sum / x;
}

/** sin(πx) with the period removed first, so that integers give 0. */
const sinPi = (x: number): number => {
  const rest = x - 2 * Math.round(x / 2);
  if (Math.abs(rest) <= 0.25) return Math.sin(Math.PI * rest);
  return Math.abs(rest) <= 0.75
    ? Math.sign(rest) * Math.cos(Math.PI * (0.5 - Math.abs(rest)))
    : Math.sign(rest) * Math.sin(Math.PI * (1 - Math.abs(rest)));
};

/** log |Γ(x)|: a series around 2, Stirling's series from 8 on, recurrence between, reflection below 0. */
export function lgamma(x: number): number {
  if (!Number.isFinite(x)) return x * x;
  if (x >= 8) return lgammaLarge(x);
  if (x <= 0)
    return x === Math.floor(x) ? Number.POSITIVE_INFINITY : Math.log(Math.PI / Math.abs(sinPi(x))) - lgamma(1 - x);
  if (x < 0.5) return lgammaNearTwo(x) - Math.log1p(x) - Math.log(x);
  // Γ(1 + z) = Γ(2 + z) / (1 + z), with z = x - 1 exact.
  if (x < 1.5) return lgammaNearTwo(x - 1) - Math.log1p(x - 1);
  let product = 1;
  let base = x;
  while (base > 2.5) {
    base -= 1;
    product *= base;
  }
  return lgammaNearTwo(base - 2) + Math.log(product);
}

/** ψ(x) = d/dx log Γ(x): recurrence up to 10, then Abramowitz & Stegun 6.3.18; reflection 6.3.7 below 0. */
export function digamma(x: number): number {
  if (x === 0) return Object.is(x, -0) ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  if (x < 0) {
    if (x === Math.floor(x)) return Number.NaN;
    const rest = x - Math.round(x);
    return digamma(1 - x) - (Math.abs(rest) === 0.5 ? 0 : Math.PI / Math.tan(Math.PI * rest));
  }
  let sum = 0;
  let base = x;
  for (; base < 10; base++) sum += 1 / base;
  const z = 1 / (base * base);
  let series = 0;
  for (let j = 9; j >= 0; j--) series = (series + bernoulli[j]! / (2 * j + 2)) * z;
  return Math.log(base) - 0.5 / base - series - sum;
}

/** ψ′(x) = ζ(2, x); reflection (Abramowitz & Stegun 6.4.7) below 0. */
export function trigamma(x: number): number {
  if (x > 0) return x === Number.POSITIVE_INFINITY ? 0 : hurwitz(2, x);
  if (!Number.isFinite(x)) return Number.NaN;
  if (x === Math.floor(x)) return Number.POSITIVE_INFINITY;
  return (Math.PI / sinPi(x)) ** 2 - hurwitz(2, 1 - x);
}

/** ζ(s, q): PyTorch's domain, negative q for integers s only. */
export function zeta(s: number, q: number): number {
  if (s === 1) return Number.POSITIVE_INFINITY;
  if (!(s > 1) || Number.isNaN(q)) return Number.NaN;
  if (q > 0) return q === Number.POSITIVE_INFINITY ? 0 : hurwitz(s, q);
  if (q === Math.floor(q)) return Number.POSITIVE_INFINITY;
  if (s !== Math.floor(s)) return Number.NaN;
  if (q > -20) return hurwitz(s, q);
  // Over all integers k the sum has period 1 in q; what is too much is a sum of the same kind on the other side.
  const rest = q - Math.floor(q);
  const other = hurwitz(s, 1 - rest) - hurwitz(s, 1 - q);
  return hurwitz(s, rest) + (s % 2 === 0 ? other : -other);
}
