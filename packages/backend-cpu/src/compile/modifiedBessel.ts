/**
 * @file The modified Bessel functions I₀ and I₁, and the same times e^−|x|, in double precision: the power series, whose
 * terms are all positive (Abramowitz & Stegun 9.6.10), up to 30, then the asymptotic expansion (9.7.1).
 */

/** Iₙ(x) / (x/2)ⁿ for n = 0 and 1, 0 ≤ x ≤ 30. */
function series(n: 0 | 1, x: number): number {
  const z = (x * x) / 4;
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= z / (k * (k + n));
    sum += term;
  }
  return sum;
}

/** Iₙ(x) · e^−x for x > 30. */
function asymptotic(n: 0 | 1, x: number): number {
  const mu = 4 * n * n;
  let term = 1;
  let sum = 1;
  for (let k = 1; k < 40 && Math.abs(term) > 1e-17; k++) {
    term *= ((2 * k - 1) ** 2 - mu) / (8 * k * x);
    sum += term;
  }
  return sum / Math.sqrt(2 * Math.PI * x);
}

/** e^x · y, which may be finite where e^x is not. */
function timesExp(x: number, y: number): number {
  if (x === Number.POSITIVE_INFINITY) return x;
  return x > 700 ? Math.exp(x / 2) * y * Math.exp(x / 2) : Math.exp(x) * y;
}

export function i0(x: number): number {
  const size = Math.abs(x);
  return size > 30 ? timesExp(size, i0e(size)) : series(0, size);
}

export function i0e(x: number): number {
  const size = Math.abs(x);
  return size > 30 ? asymptotic(0, size) : series(0, size) * Math.exp(-size);
}

export function i1(x: number): number {
  const size = Math.abs(x);
  return size > 30 ? Math.sign(x) * timesExp(size, asymptotic(1, size)) : (x / 2) * series(1, size);
}

export function i1e(x: number): number {
  const size = Math.abs(x);
  return size > 30 ? Math.sign(x) * asymptotic(1, size) : (x / 2) * series(1, size) * Math.exp(-size);
}
