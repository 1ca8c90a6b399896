/**
 * @file The regularized incomplete gamma functions P(a, x) and Q(a, x) = 1 − P(a, x) in double precision: the power
 * series of P (Abramowitz & Stegun 6.5.29) where x < a + 1, else the continued fraction of Q (6.5.31). Both need some
 * √a terms where x is near a: they are precise for a up to about 1e8.
 */
import { lgamma } from './special.ts';

/** x^a e^−x / Γ(a), from logarithms of about the same size. */
function factor(a: number, x: number): number {
  if (a < 20) return Math.exp(a * Math.log(x) - x - lgamma(a));
  // Γ(a) by Stirling's formula, so that the large terms cancel before they are rounded: with r = (x − a) / a,
  // a log x − x − log Γ(a) = a (log(1 + r) − r) + ½ log(a / 2π) − 1/(12a) + …
  const r = (x - a) / a;
  const stirling = lgamma(a) - ((a - 0.5) * Math.log(a) - a + 0.5 * Math.log(2 * Math.PI));
  return Math.exp(a * log1pMinus(r) - stirling) * Math.sqrt(a / (2 * Math.PI));
}

/** log(1 + r) − r without cancellation. */
function log1pMinus(r: number): number {
  if (Math.abs(r) > 0.1) return Math.log1p(r) - r;
  let sum = 0;
  let power = -r;
  for (let k = 2; k < 20; k++) {
    power *= -r;
    sum -= power / k;
  }
  return sum;
}

function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let k = 1; term > sum * 1e-17 && k < 100_000; k++) {
    term *= x / (a + k);
    sum += term;
  }
  return factor(a, x) * sum;
}

/** The continued fraction by Lentz's method in the even form that converges twice as fast. */
function upperFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / 1e-300;
  let d = 1 / b;
  let product = d;
  for (let k = 1; k < 100_000; k++) {
    const step = k * (a - k);
    b += 2;
    d = 1 / (step * d + b);
    c = b + step / c;
    const change = c * d;
    product *= change;
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return factor(a, x) * product;
}

/** Values at the borders of the domain, or null inside it. */
function border(a: number, x: number, zero: 0 | 1): number | null {
  if (!(a >= 0 && x >= 0)) return Number.NaN;
  const one = 1 - zero;
  if (a === 0) return x > 0 ? one : Number.NaN;
  if (x === 0) return zero;
  if (a === Number.POSITIVE_INFINITY) return x === Number.POSITIVE_INFINITY ? Number.NaN : zero;
  return x === Number.POSITIVE_INFINITY ? one : null;
}

/** P(a, x). */
export function igamma(a: number, x: number): number {
  return border(a, x, 0) ?? (x < a + 1 ? lowerSeries(a, x) : 1 - upperFraction(a, x));
}

/** Q(a, x). */
export function igammac(a: number, x: number): number {
  return border(a, x, 1) ?? (x < a + 1 ? 1 - lowerSeries(a, x) : upperFraction(a, x));
}
