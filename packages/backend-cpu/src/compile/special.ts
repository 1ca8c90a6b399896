/**
 * @file Special functions in double precision, accurate to about 1e-15 relative (absolute next to a zero of lgamma or
 * digamma on the negative axis), each with the source of its algorithm.
 */

/** Σ coefficients[i] · xⁱ from the highest power down, coefficients given in that order. */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = 0; i < coefficients.length; i++) sum = sum * x + coefficients[i]!;
  return sum;
}

// erf and erfc: W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969), 631-637.
const erfNearZero = {
  over: [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694],
  under: [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171],
};
const erfcMiddle = {
  over: [
    2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001,
    881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
  ],
  under: [
    1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
    4362.619090143247, 3439.3676741437216, 1230.3393548037495,
  ],
};
const erfcFar = {
  over: [
    0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
    0.0006587491615298378,
  ],
  under: [1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918],
};

/** e^(−x²) with x² split into an exact part and a small rest, which keeps the relative error small. */
function expMinusSquare(x: number): number {
  const head = Math.trunc(x * 16) / 16;
  return Math.exp(-head * head) * Math.exp(-(x - head) * (x + head));
}

/** e^(x²) · erfc(x) for x ≥ 0.46875. */
function scaledErfc(x: number): number {
  if (x <= 4) return polynomial(erfcMiddle.over, x) / polynomial(erfcMiddle.under, x);
  const z = 1 / (x * x);
  return (1 / Math.sqrt(Math.PI) - (z * polynomial(erfcFar.over, z)) / polynomial(erfcFar.under, z)) / x;
}

export function erf(x: number): number {
  const size = Math.abs(x);
  if (size <= 0.46875) {
    const z = x * x;
    return (x * polynomial(erfNearZero.over, z)) / polynomial(erfNearZero.under, z);
  }
  if (!(size < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  const rest = expMinusSquare(size) * scaledErfc(size);
  return x < 0 ? rest - 1 : 1 - rest;
}

export function erfc(x: number): number {
  if (Math.abs(x) <= 0.46875) return 1 - erf(x);
  if (x > 27.3) return 0;
  if (x < -6) return 2;
  const rest = expMinusSquare(Math.abs(x)) * scaledErfc(Math.abs(x));
  return x < 0 ? 2 - rest : rest;
}

/**
 * The inverse of erf: S. Winitzki's approximation (A handy approximation for the error function and its inverse, 2008),
 * within 0.2%, then two steps of Halley's method, each of which triples the number of right digits.
 */
export function erfinv(x: number): number {
  const size = Math.abs(x);
  if (!(size < 1)) return size === 1 ? x * Number.POSITIVE_INFINITY : Number.NaN;
  let y: number;
  if (size < 0.1) y = size * (Math.sqrt(Math.PI) / 2);
  else {
    const a = 0.147;
    const logarithm = Math.log1p(-size * size);
    const half = 2 / (Math.PI * a) + logarithm / 2;
    y = Math.sqrt(Math.sqrt(half * half - logarithm / a) - half);
  }
  for (let step = 0; step < 3; step++) {
    // In the tail erfc(y) = 1 - size, whose terms do not cancel.
    const error = size < 0.5 ? erf(y) - size : 1 - size - erfc(y);
    const newton = (error * Math.sqrt(Math.PI)) / (2 * Math.exp(-y * y));
    y -= newton / (1 + y * newton);
  }
  return x < 0 ? -y : y === 0 ? x : y;
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
  if (x === Math.floor(x)) return Number.POSITIVE_INFINITY;
  return (Math.PI / sinPi(x)) ** 2 - hurwitz(2, 1 - x);
}
